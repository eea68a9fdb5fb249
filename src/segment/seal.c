/*
 * seal.c - replacing segments: growing ones are sealed, small or half-dead sealed ones rebuilt
 *
 * The inputs stay as they are, and are searched, until the directory flips.  Rows that VACUUM finds
 * dead in an input meanwhile get their tombstones in the output just before.
 */
#include "segment/seal.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "graph_segment/build.h"
#include "graph_segment/merge.h"
#include "list_segment/centroids.h"
#include "list_segment/lists.h"
#include "segment/growing.h"
#include "segment/moved.h"
#include "segment/wait_point.h"

#define MAX_DEAD_FRACTION	0.2

/* So many times what is sealed at once has grown: sealing is to be fast. */
#define HURRY_FACTOR		2

/* So many sealed segments may wait for a merge then. */
#define MAX_WAITING			32

/*
 * With so many sealed segments, two of one size are united, and by their graphs also where the few
 * bytes a row are more than the memory: the directory must not get full.
 */
#define CROWDED				64

/* Tombstones are copied under block 0's lock once so few are new, or after so many passes. */
#define FEW_DEAD			1000
#define MAX_PASSES			5

/* With less of them live, a graph is built anew. */
#define MIN_LIVE_FRACTION	0.6

/*
 * So many graphs would have to be searched for a row of the inputs, the average one, that building
 * a new graph is as fast; a better one it is.
 */
#define MAX_SEARCHES		4

/* What is chosen may be another's by the time it is claimed: chosen again so often at most. */
#define CHOICES				3

int			seal_default_rows;
int			seal_merge_factor;
void		(*seal_report) (BuildPhase phase, uint64 done, uint64 total);

typedef struct Seal
{
	Relation	index;
	Relation	heap;
	MemoryContext context;
	MemoryContext caller;
	Space		space;
	uint32		m;
	SegmentBuild *build;
	ListsBuild *lists;			/* of an index of lists, instead */
	CentroidsTraining *training;	/* rows are offered to it, not moved */
	bool		retrain;		/* the centroids are out of date */

	SegmentEntry *inputs;
	int			input_count;
	SegmentEntry *outputs;
	int			output_count;
	bool		failed;			/* no place for an output */
	bool		hurried;		/* rows come faster than they are sealed */

	MovedRows	moved;
	uint64		written;		/* of moved rows */
	int			input;			/* that is being read */
} Seal;

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

/* Adds a row to the build, and remembers where it came from; or offers it for a training. */
static void
move_row(Seal *seal, uint32 number, const SegmentRow *row)
{
	CHECK_FOR_OTHERS();
	if (seal->training)
	{
		centroids_offer(seal->training, row->payload);
		return;
	}
	if (seal->lists)
		lists_build_add(seal->lists, row);
	else
		build_add(seal->build, row);
	(void) moved_add(&seal->moved, seal->input, number);
}

static void
move_growing_row(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	if (!dead)
		move_row(arg, number, row);
}

/* Moves the live rows of a sealed segment. */
static void
move_sealed(Seal *seal, CachedIndex *cached, const SegmentEntry *entry)
{
	const uint32 per = PAYLOAD_SIZE / sizeof(SealedRow);
	CachedSegment *segment = cache_acquire(cached, seal->index, entry);
	ScanStatistics statistics = {0};
	SealedScan *scan = palloc(sizeof(SealedScan));
	char	   *payload = palloc(SPACE_MAX_PAYLOAD(&seal->space));
	SealedRow  *rows = palloc(per * sizeof(SealedRow));

	sealed_scan_begin(scan, seal->index, &seal->space, segment, &statistics);
	for (uint32 first = 0; first < segment->header.rows; first += per)
	{
		uint32		n = Min(per, segment->header.rows - first);

		extent_read(seal->index, entry->first + segment->header.tids + first / per, entry->uid, 0,
					rows, n * sizeof(SealedRow));
		for (uint32 i = 0; i < n; i++)
		{
			const SealedNode *node;
			SegmentRow	row = {.tid = rows[i].tid, .payload = payload};

			if (cached_row_is_dead(segment, first + i))
				continue;
			node = sealed_read_node(scan, 0, rows[i].node);
			row.error = space_restore(&seal->space, node, (const char *) node +
									  segment->header.layout.vector, payload);
			row.size = space_size_of(&seal->space, payload);
			row.scale = node->scale;
			move_row(seal, first + i, &row);
		}
	}
	pfree(rows);
	pfree(payload);
}

/* Moves the live rows of all inputs. */
static void
move_inputs(Seal *seal, CachedIndex *cached)
{
	for (seal->input = 0; seal->input < seal->input_count; seal->input++)
		if (seal->inputs[seal->input].kind == SEGMENT_GROWING)
			growing_each_row(seal->index, &seal->space, &seal->inputs[seal->input], true,
							 move_growing_row, seal);
		else
			move_sealed(seal, cached, &seal->inputs[seal->input]);
}

/* A place for another output; NULL if there is none. */
static SegmentEntry *
reserve_output(Seal *seal, uint32 blocks)
{
	SegmentEntry entry;

	if (seal->failed || !directory_reserve(seal->index, seal->heap, blocks, &entry))
	{
		seal->failed = true;
		return NULL;
	}
	seal->outputs = seal->outputs ?
		repalloc(seal->outputs, sizeof(SegmentEntry) * (seal->output_count + 1)) :
		palloc(sizeof(SegmentEntry));
	seal->outputs[seal->output_count] = entry;
	WAIT_POINT("reserved");
	return &seal->outputs[seal->output_count++];
}

/* A batch becomes an output. */
static void
write_output(SegmentBuild *build, void *arg)
{
	Seal	   *seal = arg;
	uint64		rows = build_rows(build);
	SegmentEntry *output = reserve_output(seal, build_blocks(build));

	if (output == NULL)
		return;
	build_write(build, seal->index, output);
	for (uint64 i = 0; i < rows; i++)
	{
		MovedRow   *moved = &seal->moved.rows[seal->written++];

		moved->output = seal->output_count - 1;
		moved->number = build_row_number(build, i);
	}
}

/* Copies to the outputs the tombstones that inputs have gained; called under block 0's lock. */
static void
copy_tombstones(void *arg)
{
	Seal	   *seal = arg;

	(void) moved_bury(&seal->moved, seal->outputs);
}

/* Copies most of them without that lock: few are to come while the last are copied. */
static void
copy_most_tombstones(Seal *seal)
{
	for (int pass = 0; pass < MAX_PASSES; pass++)
	{
		CHECK_FOR_OTHERS();
		if (moved_bury(&seal->moved, seal->outputs) <= FEW_DEAD)
			break;
	}
}

static int
compare_rows(const void *a, const void *b)
{
	uint64		x = ((const SegmentEntry *) a)->rows;
	uint64		y = ((const SegmentEntry *) b)->rows;

	return x < y ? -1 : x > y;
}

/* Memory that a row takes while a graph is built. */
static Size
row_memory(const Seal *seal)
{
	return build_row_memory(&seal->space, seal->m, seal->space.element == SPACE_SPARSE ? 1024 :
							space_payload_size(&seal->space));
}

/* Whether segments are united as they are, by copying what they have. */
static bool
can_unite(const Seal *seal)
{
	return seal->space.method == METHOD_LISTS || merge_is_possible(&seal->space);
}

/* Whether a segment may have as many rows as these. */
static bool
fit_segment(const SegmentEntry *entries, int count)
{
	uint64		rows = 0;

	for (int i = 0; i < count; i++)
		rows += entries[i].rows;
	return rows <= segment_max_rows;
}

/* Whether sealed segments can become one within the memory, united as they are or built anew. */
static bool
fits_memory(const Seal *seal, bool united, const SegmentEntry *entries, int count)
{
	Size		need = 0;

	/* what is on disk, and as much again; or a few numbers a row */
	for (int i = 0; i < count; i++)
		need += united ? entries[i].rows * (sizeof(MovedRow) + 2 * sizeof(uint32)) :
			entries[i].rows * row_memory(seal) + (Size) entries[i].blocks * BLCKSZ * 2;
	return need <= build_memory();
}

/*
 * Whether the outputs are made of the inputs' graphs: not of growing segments, and where there is
 * the memory for a new graph not if most nodes are gone from them or they are many small ones.
 */
static bool
goes_by_graphs(const Seal *seal)
{
	SegmentEntry *entries = palloc(sizeof(SegmentEntry) * seal->input_count);
	uint64		live = 0;
	uint64		rows = 0;
	uint64		searches = 0;

	memcpy(entries, seal->inputs, sizeof(SegmentEntry) * seal->input_count);
	qsort(entries, seal->input_count, sizeof(SegmentEntry), compare_rows);
	for (int i = 0; i < seal->input_count; i++)
	{
		if (entries[i].kind == SEGMENT_GROWING)
			return false;
		live += entries[i].rows;
		rows += entries[i].rows + sealed_dead(seal->index, &entries[i]);
		/* in each of the larger ones */
		searches += entries[i].rows * (seal->input_count - 1 - i);
	}
	pfree(entries);
	return merge_is_possible(&seal->space) &&
		((live > MIN_LIVE_FRACTION * rows && searches <= MAX_SEARCHES * live) ||
		 !fits_memory(seal, false, seal->inputs, seal->input_count));
}

/*
 * Takes the claims on the inputs, and lets those go that others have, or that are not what they
 * were any more.
 */
static void
claim_inputs(Seal *seal, SealWait wait)
{
	Directory  *directory;
	int			kept = 0;

	/* no two processes that wait for claims in this order wait for each other */
	qsort(seal->inputs, seal->input_count, sizeof(SegmentEntry), segment_compare_place);
	for (int i = 0; i < seal->input_count; i++)
		if (directory_claim(seal->index, &seal->inputs[i], wait == SEAL_WAIT))
			seal->inputs[kept++] = seal->inputs[i];
	seal->input_count = kept;
	kept = 0;
	directory = directory_read(seal->index);
	for (int i = 0; i < seal->input_count; i++)
	{
		SegmentEntry input = seal->inputs[i];
		const SegmentEntry *now = directory_find(directory, input.uid);

		if (now != NULL && segment_is_live(now) && now->first == input.first)
			seal->inputs[kept++] = input;
		else
			directory_unclaim(seal->index, &input);
	}
	seal->input_count = kept;
	pfree(directory);
}

static void
unclaim_inputs(Seal *seal)
{
	for (int i = 0; i < seal->input_count; i++)
		directory_unclaim(seal->index, &seal->inputs[i]);
	seal->input_count = 0;
}

/* The oldest growing segments, as many as have max_rows, if all of them have min_rows. */
static void
choose_growing(Seal *seal, SealWait wait, uint64 min_rows, uint64 max_rows)
{
	Directory  *directory = directory_hold(seal->index);
	uint64		grown = 0;
	uint64		claimed = 0;
	int			taken = 0;

	WAIT_POINT("choose");
	seal->inputs = palloc(sizeof(SegmentEntry) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
	{
		uint32		rows;

		if (directory->entries[i].kind != SEGMENT_GROWING)
			continue;
		rows = growing_rows(seal->index, &directory->entries[i]);
		if (rows == 0)
			continue;
		seal->inputs[seal->input_count++] = directory->entries[i];
		grown += rows;
	}
	directory_let_go(seal->index, directory);
	seal->hurried = grown / HURRY_FACTOR >= max_rows;
	claim_inputs(seal, wait);
	qsort(seal->inputs, seal->input_count, sizeof(SegmentEntry), segment_compare_age);
	while (taken < seal->input_count && claimed < max_rows)
		claimed += growing_rows(seal->index, &seal->inputs[taken++]);
	if (claimed < min_rows)
		taken = 0;
	for (int i = taken; i < seal->input_count; i++)
		directory_unclaim(seal->index, &seal->inputs[i]);
	seal->input_count = taken;
}

/* Segments are of one size if their logarithms to the base of the factor round to the same. */
static int
size_class(uint64 rows, int factor)
{
	return (int) rint(log((double) Max(rows, 1)) / log(factor));
}

/*
 * Of sealed segments, live rows in `rows`, the smallest class that has enough of them, and what its
 * union would make one of a larger class enough.
 */
static int
choose_class(const Seal *seal, SegmentEntry *entries, int count)
{
	int			first = 0;
	int			end = 0;
	uint64		total = 0;
	int			factor = count < CROWDED ? seal_merge_factor : 2;
	bool		unite;

	qsort(entries, count, sizeof(SegmentEntry), compare_rows);
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
	unite = can_unite(seal);
	if (!fit_segment(entries + first, end - first) ||
		(!(unite && count >= CROWDED) && !fits_memory(seal, unite, entries + first, end - first)))
		return 0;
	memmove(entries, entries + first, (end - first) * sizeof(SegmentEntry));
	return end - first;
}

/*
 * Of sealed segments, live rows in `rows`, the smaller ones up to the largest that is at most
 * vector.merge_factor times all that are smaller, and that fits into memory with them.  A search
 * takes about as long in each graph as in one of all rows; so many rows have come that it is worth
 * writing the large one again.
 */
static int
choose_smaller(const Seal *seal, SegmentEntry *entries, int count)
{
	uint64		total = 0;
	int			end = 0;

	if (seal->space.method == METHOD_LISTS || !merge_is_possible(&seal->space))
		return 0;
	qsort(entries, count, sizeof(SegmentEntry), compare_rows);
	for (int i = 0; i < count; i++)
	{
		if (i > 0 && entries[i].rows <= total * seal_merge_factor &&
			fit_segment(entries, i + 1) && fits_memory(seal, true, entries, i + 1))
			end = i + 1;
		total += entries[i].rows;
	}
	return end;
}

static bool
is_input(const Seal *seal, uint32 uid)
{
	for (int i = 0; i < seal->input_count; i++)
		if (seal->inputs[i].uid == uid)
			return true;
	return false;
}

/* Whether no other process is at a segment. */
static bool
is_free(Relation index, const SegmentEntry *entry)
{
	if (!directory_claim(index, entry, false))
		return false;
	directory_unclaim(index, entry);
	return true;
}

/*
 * Sealed segments that nobody is at: several of one size, or one with too many dead rows that will
 * not be among them; or all of them.
 */
static void
choose_sealed(Seal *seal, SealMerge what)
{
	Directory  *directory = directory_hold(seal->index);
	SegmentEntry half_dead = {0};
	bool		any_dead = false;
	bool		any_busy = false;

	WAIT_POINT("choose");
	seal->inputs = palloc(sizeof(SegmentEntry) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
	{
		SegmentEntry entry = directory->entries[i];
		uint32		dead;
		bool		too_many;

		if (entry.kind != SEGMENT_SEALED || !centroids_allow(seal->index, &seal->space, &entry))
			continue;
		if (what != MERGE_ALL && !is_free(seal->index, &entry))
		{
			any_busy = true;
			continue;
		}
		dead = sealed_dead(seal->index, &entry);
		too_many = dead > 0 && dead >= MAX_DEAD_FRACTION * entry.rows;
		any_dead |= dead > 0;
		entry.rows -= dead;
		if (too_many && half_dead.uid == 0)
			half_dead = entry;
		seal->inputs[seal->input_count++] = entry;
	}
	seal->retrain = !any_busy &&
		centroids_are_outdated(seal->index, &seal->space, directory) &&
		fit_segment(seal->inputs, seal->input_count) &&
		fits_memory(seal, true, seal->inputs, seal->input_count);
	directory_let_go(seal->index, directory);
	if (seal->retrain)
		return;
	if (what == MERGE_ALL)
	{
		qsort(seal->inputs, seal->input_count, sizeof(SegmentEntry), compare_rows);
		while (!fit_segment(seal->inputs, seal->input_count))
			seal->input_count--;
		seal->input_count = seal->input_count > 1 || any_dead ? seal->input_count : 0;
		return;
	}
	if (what == MERGE_IDLE)
	{
		seal->input_count = choose_smaller(seal, seal->inputs, seal->input_count);
		return;
	}
	seal->input_count = choose_class(seal, seal->inputs, seal->input_count);
	if (half_dead.uid != 0 && !is_input(seal, half_dead.uid))
	{
		seal->inputs[0] = half_dead;
		seal->input_count = 1;
	}
}

/*
 * The same, and claims them: of what is due all, as the others of what another has taken since are
 * not worth it.
 */
static void
take_sealed(Seal *seal, SealWait wait, SealMerge what)
{
	for (int choice = 0; choice < CHOICES; choice++)
	{
		int			chosen;

		CHECK_FOR_OTHERS();
		choose_sealed(seal, what);
		chosen = seal->input_count;
		claim_inputs(seal, wait);
		if (what == MERGE_ALL || seal->input_count == chosen)
			return;
		unclaim_inputs(seal);
	}
}

/* Memory for a batch, where there are several: they are to be of one size. */
static Size
batch_memory(const Seal *seal)
{
	Size		memory = build_memory();
	Size		row = row_memory(seal);
	uint64		rows = 0;
	uint64		batches;

	for (int i = 0; i < seal->input_count; i++)
		rows += seal->inputs[i].rows;
	batches = rows * row / memory + 1;
	return Min(memory, (rows / batches + 1) * row);
}

/* Builds graphs of the inputs' rows. */
static void
build_outputs(Seal *seal, CachedIndex *cached)
{
	BuildShared *shared = palloc(build_shared_size());
	BuildCallbacks callbacks = {
		.write = write_output, .progress = seal_report, .arg = seal
	};

	build_init_shared(shared, cache_directory(cached), batch_memory(seal));
	if (seal->hurried && merge_is_possible(&seal->space))
		build_hurry(shared);
	build_start(shared, 1);
	seal->build = build_attach(shared, &callbacks);
	move_inputs(seal, cached);
	build_finish(seal->build);
}

/* Makes one output of the inputs' graphs. */
static void
merge_outputs(Seal *seal, CachedIndex *cached)
{
	Merge	   *merge = merge_begin(seal->index, cached, seal->inputs, seal->input_count,
									seal_report);
	SegmentEntry *output = reserve_output(seal, merge_blocks(merge));

	if (output != NULL)
	{
		merge_write(merge, output);
		for (seal->input = 0; seal->input < seal->input_count; seal->input++)
			for (uint32 row = 0; row < merge_input_rows(merge, seal->input); row++)
			{
				uint32		number = merge_row_number(merge, seal->input, row);

				if (number != MERGE_NO_ROW)
					moved_add(&seal->moved, seal->input, row)->number = number;
			}
	}
}

/* Trains centroids by the inputs' rows. */
static void
train_centroids(Seal *seal, CachedIndex *cached)
{
	double		rows = 0;

	for (int i = 0; i < seal->input_count; i++)
		rows += seal->inputs[i].kind == SEGMENT_GROWING ?
			growing_rows(seal->index, &seal->inputs[i]) : seal->inputs[i].rows;
	seal->training = centroids_train(&seal->space, cache_directory(cached), rows,
									 build_memory(), 1, false);
	move_inputs(seal, cached);
	centroids_finish(seal->training, seal->index, seal->heap);
	seal->training = NULL;
}

/* Makes one output of lists of the inputs' rows. */
static void
build_lists(Seal *seal, const CachedCentroids *centroids, CachedIndex *cached)
{
	SegmentEntry *output;
	uint32	   *numbers;

	seal->lists = lists_build(seal->index, &seal->space, centroids,
							  build_memory(), NULL);
	move_inputs(seal, cached);
	lists_build_flush(seal->lists);
	lists_build_sort(seal->lists, lists_build_counts(seal->lists),
					 lists_build_distance(seal->lists));
	output = reserve_output(seal, lists_build_blocks(seal->lists));
	if (output != NULL)
	{
		numbers = MemoryContextAllocHuge(CurrentMemoryContext,
										 sizeof(uint32) * (seal->moved.count + 1));
		lists_build_write(seal->lists, output, numbers);
		for (uint64 i = 0; i < seal->moved.count; i++)
			seal->moved.rows[i].number = numbers[i];
		pfree(numbers);
	}
	lists_build_end(seal->lists);
	seal->lists = NULL;
}

/* Makes one output of the inputs' lists. */
static void
unite_lists(Seal *seal, CachedIndex *cached)
{
	ListsMerge *merge = lists_merge(seal->index, cached, seal->inputs, seal->input_count);
	SegmentEntry *output = reserve_output(seal, lists_merge_blocks(merge));

	if (output == NULL)
		return;
	lists_merge_write(merge, output);
	for (seal->input = 0; seal->input < seal->input_count; seal->input++)
		for (uint32 row = 0; row < lists_merge_input_rows(merge, seal->input); row++)
		{
			uint32		number = lists_merge_row_number(merge, seal->input, row);

			if (number != LISTS_NO_ROW)
				moved_add(&seal->moved, seal->input, row)->number = number;
		}
}

/*
 * The same in whichever way it goes; where rows get other lists, a claim on the centroids of these,
 * which the caller gives back once the output is published, is left in *claimed.
 */
static bool
make_lists(Seal *seal, CachedIndex *cached, SegmentEntry *claimed)
{
	CachedCentroids *centroids;

	if (!seal->retrain && centroids_of_inputs(seal->index, seal->inputs, seal->input_count))
	{
		unite_lists(seal, cached);
		return false;
	}
	if (seal->retrain || !centroids_claim(seal->index, claimed))
	{
		train_centroids(seal, cached);
		if (!centroids_claim(seal->index, claimed))
			elog(ERROR, "new centroids are gone");
	}
	cached = cache_index(seal->index);
	centroids = cache_acquire_centroids(cached, seal->index, claimed->uid);
	build_lists(seal, centroids, cached);
	return true;
}

/* Makes the outputs, and flips the directory. */
static int
replace_segments(Seal *seal)
{
	uint32	   *uids = palloc(sizeof(uint32) * seal->input_count);
	CachedIndex *cached = cache_index(seal->index);
	SegmentEntry centroids;
	bool		claimed = false;

	for (int i = 0; i < seal->input_count; i++)
	{
		uids[i] = seal->inputs[i].uid;
		if (seal->inputs[i].kind == SEGMENT_GROWING)
			growing_close(seal->index, &seal->inputs[i]);
	}
	WAIT_POINT("closed");
	moved_init(&seal->moved, seal->index, seal->inputs, seal->input_count);
	if (seal->space.method == METHOD_LISTS)
		claimed = make_lists(seal, cached, &centroids);
	else if (goes_by_graphs(seal))
		merge_outputs(seal, cached);
	else
		build_outputs(seal, cached);
	if (!seal->failed)
		copy_most_tombstones(seal);
	WAIT_POINT("flip");
	if (!seal->failed)
		directory_replace(seal->index, seal->outputs, seal->output_count, uids,
						  seal->input_count, copy_tombstones, seal);
	for (int i = 0; i < seal->output_count; i++)
		directory_unclaim(seal->index, &seal->outputs[i]);
	if (claimed)
		centroids_unclaim(seal->index, &centroids);
	if (seal->space.method == METHOD_LISTS)
		centroids_retire(seal->index);
	return seal->failed ? 0 : seal->input_count;
}

/* Prepares to choose inputs; memory is the context's until end_seal. */
static void
begin_seal(Seal *seal, Relation index, Relation heap)
{
	Directory  *directory;

	memset(seal, 0, sizeof(*seal));
	seal->index = index;
	seal->heap = heap;
	seal->context = AllocSetContextCreate(CurrentMemoryContext, "vector seal",
										  ALLOCSET_DEFAULT_SIZES);
	seal->caller = MemoryContextSwitchTo(seal->context);
	directory = directory_read(index);
	seal->m = directory->m;
	directory_space(directory, &seal->space);
	space_init_rotation(&seal->space);
	pfree(directory);
}

/* Replaces the inputs that were chosen. */
static int
end_seal(Seal *seal)
{
	int			replaced = 0;

	if (seal->input_count > 0)
		replaced = replace_segments(seal);
	unclaim_inputs(seal);
	MemoryContextSwitchTo(seal->caller);
	MemoryContextDelete(seal->context);
	return replaced;
}

int
seal_growing(Relation index, Relation heap, SealWait wait, uint64 min_rows, uint64 max_rows)
{
	Seal		seal;

	begin_seal(&seal, index, heap);
	choose_growing(&seal, wait, min_rows, max_rows);
	return end_seal(&seal);
}

int
seal_merge(Relation index, Relation heap, SealWait wait, SealMerge what)
{
	Seal		seal;

	begin_seal(&seal, index, heap);
	take_sealed(&seal, wait, what);
	return end_seal(&seal);
}

bool
seal_is_behind(Relation index, uint64 seal_rows)
{
	Directory  *directory = directory_hold(index);
	uint64		grown = 0;
	uint32		sealed = 0;

	for (uint32 i = 0; i < directory->count; i++)
	{
		sealed += directory->entries[i].kind == SEGMENT_SEALED;
		if (directory->entries[i].kind == SEGMENT_GROWING)
			grown += growing_rows(index, &directory->entries[i]);
	}
	directory_let_go(index, directory);
	return grown / HURRY_FACTOR >= seal_rows && sealed < MAX_WAITING;
}

bool
seal_is_crowded(Relation index)
{
	Directory  *directory = directory_read(index);
	uint32		sealed = 0;

	for (uint32 i = 0; i < directory->count; i++)
		sealed += directory->entries[i].kind == SEGMENT_SEALED;
	pfree(directory);
	return sealed >= CROWDED;
}

bool
seal_has_merge(Relation index, SealMerge what)
{
	Seal		seal;
	bool		has;

	begin_seal(&seal, index, NULL);
	choose_sealed(&seal, what);
	has = seal.input_count > 0;
	seal.input_count = 0;
	(void) end_seal(&seal);
	return has;
}

void
seal_await(Relation index)
{
	Directory  *directory = directory_read(index);

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		bool		busy;

		if (entry->kind != SEGMENT_GROWING)
			continue;
		busy = !directory_claim(index, entry, false);
		if (busy)
			directory_claim(index, entry, true);
		directory_unclaim(index, entry);
		if (busy)
			break;
	}
	pfree(directory);
}

/* Whether a segment has rows and all of them are dead. */
static bool
is_empty(Relation index, const SegmentEntry *entry)
{
	uint32		dead;
	uint64		rows;

	if (!segment_is_live(entry))
		return false;
	rows = segment_count(index, entry, &dead);
	return dead == rows && (rows > 0 || entry->kind == SEGMENT_SEALED);
}

int
seal_retire_empty(Relation index)
{
	Seal		seal;
	uint32	   *uids;
	int			count = 0;
	Directory  *directory;

	begin_seal(&seal, index, NULL);
	directory = directory_hold(index);
	WAIT_POINT("choose");
	seal.inputs = palloc(sizeof(SegmentEntry) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
		if (is_empty(index, &directory->entries[i]))
			seal.inputs[seal.input_count++] = directory->entries[i];
	directory_let_go(index, directory);
	claim_inputs(&seal, SEAL_IF_FREE);
	uids = palloc(sizeof(uint32) * (seal.input_count + 1));
	for (int i = 0; i < seal.input_count; i++)
	{
		if (seal.inputs[i].kind == SEGMENT_GROWING)
			growing_close(index, &seal.inputs[i]);
		if (is_empty(index, &seal.inputs[i]))
			uids[count++] = seal.inputs[i].uid;
	}
	if (count > 0)
		directory_replace(index, NULL, 0, uids, count, NULL, NULL);
	unclaim_inputs(&seal);
	MemoryContextSwitchTo(seal.caller);
	MemoryContextDelete(seal.context);
	return count;
}
