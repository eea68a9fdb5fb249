/*
 * choose.c - chooses segments to replace: full growing ones, small or half-dead sealed ones
 */
#include "segment/choose.h"

#include <math.h>

#include "utils/guc.h"
#include "utils/memutils.h"

#include "segment/growing.h"
#include "segment/memory.h"
#include "segment/moved.h"
#include "segment/tombstones.h"
#include "segment/wait_point.h"

#define MAX_DEAD_FRACTION	0.2

/*
 * A merge while a worker is idle writes at most so many rows for each that it adds or drops, or
 * vector.merge_factor if that is more.
 */
#define IDLE_FACTOR			10

/* When this many times the rows sealed at once are growing, sealing should be fast. */
#define HURRY_FACTOR		2

/* Then merges wait until there are this many sealed segments. */
#define MAX_WAITING			32

/*
 * With this many sealed segments, two of one size class are merged, if need be with more memory
 * than allowed, as long as no build is necessary: the directory must not fill up.
 */
#define CROWDED				64

/* Another process may claim what was chosen first; then the choice is repeated up to this often. */
#define CHOICES				3

int			seal_default_rows;
int			seal_merge_factor;

void
seal_init(void)
{
	DefineCustomIntVariable(
		"vector.seal_rows",
		"Sets the number of inserted rows at which a sealed segment is built from them.",
		"For indexes without the option seal_rows.", &seal_default_rows, 16384, SEAL_MIN_ROWS,
		SEAL_MAX_ROWS, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("vector.merge_factor",
							"Sets how many sealed segments of similar size are merged.", NULL,
							&seal_merge_factor, 4, 2, 32, PGC_USERSET, 0, NULL, NULL, NULL);
}

void
choose_begin(SegmentJob *job, Relation index, Relation heap)
{
	Directory  *directory;

	memset(job, 0, sizeof(*job));
	job->index = index;
	job->heap = heap;
	job->context = AllocSetContextCreate(CurrentMemoryContext, "vector seal",
										 ALLOCSET_DEFAULT_SIZES);
	job->caller = MemoryContextSwitchTo(job->context);
	directory = directory_read(index);
	job->m = directory->m;
	segment_space(directory, &job->space);
	job->method = segment_method(&job->space);
	space_init_rotation(&job->space);
	pfree(directory);
}

static void
unclaim(const SegmentJob *job, const SegmentEntry *input)
{
	claim_release(extent_of(job->index, input), ExclusiveLock);
}

static void
unclaim_inputs(SegmentJob *job)
{
	for (int i = 0; i < job->input_count; i++)
		unclaim(job, &job->inputs[i]);
	job->input_count = 0;
}

void
choose_end(SegmentJob *job)
{
	unclaim_inputs(job);
	MemoryContextSwitchTo(job->caller);
	MemoryContextDelete(job->context);
}

/* Whether one segment may have the rows of these: otherwise the result would be as many again. */
static bool
fit_segment(const SegmentJob *job, const SegmentEntry *entries, int count)
{
	uint64		rows = 0;
	uint64		blocks = 0;

	for (int i = 0; i < count; i++)
	{
		rows += entries[i].rows;
		blocks += segment_blocks(&entries[i]);
	}
	return rows <= segment_max_rows && (count == 1 || job->method->max_blocks == NULL ||
										blocks <= job->method->max_blocks(&job->space));
}

bool
segments_fit_memory(const SegmentJob *job, bool merged, const SegmentEntry *entries, int count)
{
	Size		need = 0;

	/* for a build, the blocks on disk once more as copies; for a merge, a few numbers a row */
	for (int i = 0; i < count; i++)
		need += merged ? entries[i].rows * (sizeof(MovedRow) + 2 * sizeof(uint32)) :
			entries[i].rows * job->method->row_memory(&job->space, job->m) +
			segment_blocks(&entries[i]) * BLCKSZ * 2;
	return need <= build_memory();
}

/*
 * Takes the claims on the inputs.  Drops those that another process has claimed, and those that are
 * no longer live at the place where they were chosen.
 */
static void
claim_inputs(SegmentJob *job, SealWait wait)
{
	Directory  *directory;
	int			kept = 0;

	/* processes that wait for claims in this order cannot wait for each other */
	qsort(job->inputs, job->input_count, sizeof(SegmentEntry), segment_compare_place);
	for (int i = 0; i < job->input_count; i++)
	{
		Extent		extent = extent_of(job->index, &job->inputs[i]);

		if (wait == SEAL_WAIT)
			claim_wait(extent, ExclusiveLock);
		else if (!claim_try(extent, ExclusiveLock))
			continue;
		job->inputs[kept++] = job->inputs[i];
	}
	job->input_count = kept;
	kept = 0;
	directory = directory_read(job->index);
	for (int i = 0; i < job->input_count; i++)
	{
		SegmentEntry input = job->inputs[i];

		if (directory_has(directory, &input))
			job->inputs[kept++] = input;
		else
			unclaim(job, &input);
	}
	job->input_count = kept;
	pfree(directory);
}

void
choose_growing(SegmentJob *job, SealWait wait, uint64 min_rows, uint64 max_rows)
{
	Directory  *directory = directory_hold(job->index);
	uint64		grown = 0;
	uint64		claimed = 0;
	bool		any_old = false;
	int			taken = 0;

	WAIT_POINT("choose");
	job->inputs = palloc(sizeof(SegmentEntry) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
	{
		uint32		rows;

		if (directory->entries[i].kind != SEGMENT_GROWING)
			continue;
		rows = growing_rows(job->index, &directory->entries[i]);
		if (rows == 0)
			continue;
		job->inputs[job->input_count++] = directory->entries[i];
		grown += rows;
	}
	directory_let_go(job->index, directory);
	job->hurried = grown / HURRY_FACTOR >= max_rows;
	claim_inputs(job, wait);
	qsort(job->inputs, job->input_count, sizeof(SegmentEntry), segment_compare_age);
	while (taken < job->input_count && claimed < max_rows)
	{
		any_old |= segment_has_old_format(&job->inputs[taken]);
		claimed += growing_rows(job->index, &job->inputs[taken++]);
	}
	if (claimed < min_rows && !any_old)
		taken = 0;
	for (int i = taken; i < job->input_count; i++)
		unclaim(job, &job->inputs[i]);
	job->input_count = taken;
}

/*
 * Segments are of one size class if the logarithms of their rows to the base of the factor round
 * alike.
 */
static int
size_class(uint64 rows, int factor)
{
	return (int) rint(log((double) Max(rows, 1)) / log(factor));
}

/*
 * Of sealed segments with live rows in `rows`, chooses the smallest size class that has enough of
 * them, together with those of larger classes that the result would complete.
 */
static int
choose_class(const SegmentJob *job, SegmentEntry *entries, int count)
{
	int			first = 0;
	int			end = 0;
	uint64		total = 0;
	int			factor = count < CROWDED ? seal_merge_factor : 2;
	bool		merge;

	qsort(entries, count, sizeof(SegmentEntry), segment_compare_rows);
	for (; end < count; end++)
		if (size_class(entries[end].rows, factor) != size_class(entries[first].rows, factor))
		{
			if (end - first >= factor)
				break;
			first = end;
		}
	if (end - first < factor)
		return 0;
	for (int i = first; i < end; i++)
		total += entries[i].rows;
	while (end + factor - 1 <= count &&
		   size_class(entries[end + factor - 2].rows, factor) <= size_class(total, factor))
		for (int i = 0; i < factor - 1; i++)
			total += entries[end++].rows;
	merge = job->method->may_merge(&job->space);
	if (!fit_segment(job, entries + first, end - first) ||
		(!(merge && count >= CROWDED) &&
		 !segments_fit_memory(job, merge, entries + first, end - first)))
		return 0;
	memmove(entries, entries + first, (end - first) * sizeof(SegmentEntry));
	return end - first;
}

/* The dead rows of the segments among which is chosen. */
typedef struct DeadRows
{
	uint32		uid;
	uint32		dead;
} DeadRows;

static uint32
dead_rows(const DeadRows *dead, uint32 uid)
{
	while (dead->uid != uid)
		dead++;
	return dead->dead;
}

/*
 * Whether it is worth rewriting a segment to add so many rows or drop them.  One in an object store
 * has to be moved there again.
 */
static bool
is_worth(const SegmentEntry *entry, uint64 changed)
{
	int			factor = Max(entry->where == EXTENT_STORED ? 0 : IDLE_FACTOR,
							 seal_merge_factor);

	return changed > 0 && entry->rows <= changed * factor;
}

/*
 * Of sealed segments with live rows in `rows`, chooses the smaller ones up to the largest that it
 * is worth rewriting for the rows of all smaller ones and the dead ones of all, and that fits into
 * memory with them.  A search takes about as long in each graph as in one of all rows, and walks
 * through dead rows; of each segment of lists it reads as many lists.  Where segments are not worth
 * merging, chooses one with many dead rows.
 */
static int
choose_smaller(const SegmentJob *job, SegmentEntry *entries, int count, const DeadRows *dead)
{
	bool		gains = job->method->gains_by_merging(&job->space);
	bool		merge = job->method->may_merge(&job->space);
	uint64		changed = 0;
	int			end = 0;

	qsort(entries, count, sizeof(SegmentEntry), segment_compare_rows);
	for (int i = 0; i < count; i++)
	{
		uint32		dropped = dead_rows(dead, entries[i].uid);

		if (!gains && is_worth(&entries[i], dropped) &&
			segments_fit_memory(job, merge, &entries[i], 1))
		{
			entries[0] = entries[i];
			return 1;
		}
		changed += dropped;
		if (gains && is_worth(&entries[i], changed) && fit_segment(job, entries, i + 1) &&
			segments_fit_memory(job, merge, entries, i + 1))
			end = i + 1;
		changed += entries[i].rows;
	}
	return end;
}

static bool
is_input(const SegmentJob *job, uint32 uid)
{
	for (int i = 0; i < job->input_count; i++)
		if (job->inputs[i].uid == uid)
			return true;
	return false;
}

/* Whether no other process has claimed a segment. */
static bool
is_free(Relation index, const SegmentEntry *entry)
{
	Extent		extent = extent_of(index, entry);

	if (!claim_try(extent, ExclusiveLock))
		return false;
	claim_release(extent, ExclusiveLock);
	return true;
}

static bool
is_allowed(const SegmentJob *job, const SegmentEntry *entry)
{
	return job->method->allows == NULL || job->method->allows(job->index, &job->space, entry);
}

static void
take_one(SegmentJob *job, const SegmentEntry *entry)
{
	job->inputs[0] = *entry;
	job->input_count = 1;
}

/*
 * Looks for unclaimed sealed segments: several of one size class, or one with too many dead rows
 * that is not among these; or one in an old format, with those that would be merged with it when a
 * worker is idle; or all of them.
 */
static void
look_for_sealed(SegmentJob *job, SealMerge what)
{
	Directory  *directory = directory_hold(job->index);
	SegmentEntry half_dead = {0};
	SegmentEntry old = {0};		/* the smallest in an old format */
	DeadRows   *dead_of = palloc0(sizeof(DeadRows) * (directory->count + 1));
	bool		any_dead = false;
	bool		any_busy = false;
	int			count;

	WAIT_POINT("choose");
	job->inputs = palloc(sizeof(SegmentEntry) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
	{
		SegmentEntry entry = directory->entries[i];
		uint32		dead;
		bool		too_many;

		if (entry.kind != SEGMENT_SEALED || !is_allowed(job, &entry))
			continue;
		if (what != MERGE_ALL && !is_free(job->index, &entry))
		{
			any_busy = true;
			continue;
		}
		dead = sealed_dead(job->index, &entry);
		too_many = dead > 0 && dead >= MAX_DEAD_FRACTION * entry.rows;
		any_dead |= dead > 0;
		entry.rows -= dead;
		dead_of[job->input_count] = (DeadRows) {entry.uid, dead};
		if (too_many && half_dead.uid == 0)
			half_dead = entry;
		if (segment_has_old_format(&entry) && (old.uid == 0 || entry.rows < old.rows))
			old = entry;
		job->inputs[job->input_count++] = entry;
	}
	job->renewed = !any_busy && job->method->is_outdated != NULL &&
		job->method->is_outdated(job->index, &job->space, directory) &&
		fit_segment(job, job->inputs, job->input_count) &&
		segments_fit_memory(job, true, job->inputs, job->input_count);
	directory_let_go(job->index, directory);
	if (job->renewed)
		return;
	if (what == MERGE_ALL)
	{
		qsort(job->inputs, job->input_count, sizeof(SegmentEntry), segment_compare_rows);
		while (!fit_segment(job, job->inputs, job->input_count))
			job->input_count--;
		if (job->input_count == 1 && !any_dead && old.uid == 0)
			job->input_count = 0;
		return;
	}
	if (what == MERGE_IDLE)
	{
		job->input_count = choose_smaller(job, job->inputs, job->input_count, dead_of);
		return;
	}
	count = job->input_count;
	job->input_count = choose_class(job, job->inputs, count);
	if (half_dead.uid != 0 && !is_input(job, half_dead.uid))
		take_one(job, &half_dead);
	if (job->input_count == 0 && old.uid != 0)
	{
		job->input_count = choose_smaller(job, job->inputs, count, dead_of);
		if (job->input_count == 0 &&
			segments_fit_memory(job, job->method->may_merge(&job->space), &old, 1))
			take_one(job, &old);
	}
}

void
choose_sealed(SegmentJob *job, SealWait wait, SealMerge what)
{
	for (int choice = 0; choice < CHOICES; choice++)
	{
		int			chosen;

		CHECK_FOR_OTHERS();
		look_for_sealed(job, what);
		chosen = job->input_count;
		claim_inputs(job, wait);
		if (what == MERGE_ALL || job->input_count == chosen)
			return;
		unclaim_inputs(job);
	}
}

/* The approximate number of blocks that the merge of the inputs will take. */
static uint32
merged_blocks(const SegmentJob *job)
{
	Directory  *directory = directory_read(job->index);
	double		blocks = 0;

	for (int i = 0; i < job->input_count; i++)
	{
		const SegmentEntry *entry = directory_find(directory, job->inputs[i].uid);

		/* `rows` of an input counts its live rows */
		if (entry != NULL)
			blocks += (double) segment_blocks(entry) * job->inputs[i].rows / Max(entry->rows, 1);
	}
	pfree(directory);
	return (uint32) Min(blocks, MaxBlockNumber / 2);
}

DirectoryRoom
choose_move(SegmentJob *job, SealMerge what, BlockNumber *to)
{
	DirectoryRoom room = ROOM_AS_IT_IS;
	SegmentEntry move;

	look_for_sealed(job, what);
	if (job->input_count > 0)
		room = directory_find_move(job->index, merged_blocks(job), &move, to);
	job->input_count = 0;
	if (room == ROOM_BY_MOVE)
	{
		job->inputs[job->input_count++] = move;
		claim_inputs(job, SEAL_IF_FREE);
	}
	return room;
}

static bool
is_to_be_stored(Relation index, const SegmentEntry *entry, const TieringChoice *choice)
{
	return entry->rows >= choice->min_rows && entry->created <= choice->before &&
		tiering_is_possible(index, entry);
}

/* Claims the oldest segment that a choice, or (NULL) its place in a store, asks for. */
static void
choose_oldest(SegmentJob *job, const TieringChoice *choice)
{
	Directory  *directory = directory_hold(job->index);

	WAIT_POINT("choose");
	job->inputs = palloc(sizeof(SegmentEntry) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (job->input_count > 0 && segment_compare_age(&job->inputs[0], entry) < 0)
			continue;
		if (choice ? is_to_be_stored(job->index, entry, choice) && is_free(job->index, entry) :
			entry->kind == SEGMENT_SEALED && entry->where == EXTENT_STORED &&
			is_free(job->index, entry))
			take_one(job, entry);
	}
	directory_let_go(job->index, directory);
	claim_inputs(job, SEAL_IF_FREE);
}

void
choose_to_store(SegmentJob *job, const TieringChoice *choice)
{
	choose_oldest(job, choice);
}

void
choose_to_restore(SegmentJob *job)
{
	choose_oldest(job, NULL);
}

bool
tiering_is_due(Relation index, const TieringChoice *choice)
{
	Directory  *directory = directory_hold(index);
	bool		due = false;

	for (uint32 i = 0; i < directory->count && !due; i++)
		due = is_to_be_stored(index, &directory->entries[i], choice) &&
			is_free(index, &directory->entries[i]);
	directory_let_go(index, directory);
	return due;
}

static uint32
count_sealed(const Directory *directory)
{
	uint32		sealed = 0;

	for (uint32 i = 0; i < directory->count; i++)
		sealed += directory->entries[i].kind == SEGMENT_SEALED;
	return sealed;
}

/* The rows of growing segments of a directory that is held. */
static uint64
count_growing(Relation index, const Directory *directory)
{
	uint64		grown = 0;

	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == SEGMENT_GROWING)
			grown += growing_rows(index, &directory->entries[i]);
	return grown;
}

uint64
seal_count_growing(Relation index)
{
	Directory  *directory = directory_hold(index);
	uint64		grown = count_growing(index, directory);

	directory_let_go(index, directory);
	return grown;
}

bool
seal_is_behind(Relation index, uint64 seal_rows)
{
	Directory  *directory = directory_hold(index);
	bool		behind = count_sealed(directory) < MAX_WAITING &&
		count_growing(index, directory) / HURRY_FACTOR >= seal_rows;

	directory_let_go(index, directory);
	return behind;
}

bool
seal_is_crowded(Relation index)
{
	Directory  *directory = directory_read(index);
	bool		crowded = count_sealed(directory) >= CROWDED;

	pfree(directory);
	return crowded;
}

bool
seal_has_merge(Relation index, SealMerge what)
{
	SegmentJob	job;
	bool		has;

	choose_begin(&job, index, NULL);
	look_for_sealed(&job, what);
	has = job.input_count > 0;
	job.input_count = 0;
	choose_end(&job);
	return has;
}

void
seal_await(Relation index)
{
	Directory  *directory = directory_read(index);

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (entry->kind == SEGMENT_GROWING && !is_free(index, entry))
		{
			claim_wait(extent_of(index, entry), ExclusiveLock);
			claim_release(extent_of(index, entry), ExclusiveLock);
			break;
		}
	}
	pfree(directory);
}

/*
 * Whether a segment has rows and all of them are dead.  Without rows it is empty if no more are to
 * be appended to it.
 */
static bool
is_empty(Relation index, const SegmentEntry *entry)
{
	uint32		dead;
	uint64		rows;

	if (!segment_is_live(entry))
		return false;
	rows = segment_count(index, entry, &dead);
	return dead == rows &&
		(rows > 0 || entry->kind == SEGMENT_SEALED || segment_has_old_format(entry));
}

void
choose_empty(SegmentJob *job)
{
	Directory  *directory = directory_hold(job->index);
	int			kept = 0;

	WAIT_POINT("choose");
	job->inputs = palloc(sizeof(SegmentEntry) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
		if (is_empty(job->index, &directory->entries[i]))
			job->inputs[job->input_count++] = directory->entries[i];
	directory_let_go(job->index, directory);
	claim_inputs(job, SEAL_IF_FREE);
	for (int i = 0; i < job->input_count; i++)
	{
		SegmentEntry input = job->inputs[i];

		if (input.kind == SEGMENT_GROWING)
			growing_close(job->index, &input);
		if (is_empty(job->index, &input))
			job->inputs[kept++] = input;
		else
			unclaim(job, &input);
	}
	job->input_count = kept;
}
