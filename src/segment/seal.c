/*
 * seal.c - replacing segments: growing ones are sealed, small or half-dead sealed ones rebuilt
 *
 * The inputs stay as they are, and are searched, until the directory flips.  Rows that VACUUM finds
 * dead in an input meanwhile get their tombstones in the output just before.
 */
#include "segment/seal.h"

#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"

#include "segment/build.h"
#include "segment/growing.h"

#define MAX_DEAD_FRACTION	0.2

/* Sealed segments of about one size are joined once there are so many. */
#define MERGE_COUNT			3

/* Where a row of an input went. */
typedef struct MovedRow
{
	uint32		input;			/* index of inputs */
	uint32		row;
	uint32		output;			/* index of outputs */
	uint32		number;
} MovedRow;

typedef struct Seal
{
	Relation	index;
	Relation	heap;
	Space		space;
	SegmentBuild *build;

	SegmentEntry *inputs;
	int			input_count;
	SegmentEntry *outputs;
	int			output_count;
	bool		failed;			/* no place for an output */

	MovedRow   *moved;
	uint64		moved_count;
	uint64		moved_room;
	uint64		written;		/* of moved rows */

	int			input;			/* that is being read */
	uint64		cursor;			/* of moved rows, when tombstones are copied */
	uint32	   *dead;			/* of one output */
	uint64		dead_count;
} Seal;

/* Adds a row to the build, and remembers where it came from. */
static void
move_row(Seal *seal, uint32 row, ItemPointer tid, const char *payload, Size size, float error,
		 float scale)
{
	build_add(seal->build, tid, payload, size, error, scale);
	if (seal->moved_count == seal->moved_room)
	{
		seal->moved_room = Max(seal->moved_room * 2, 1024);
		seal->moved = seal->moved ?
			repalloc_huge(seal->moved, seal->moved_room * sizeof(MovedRow)) :
			palloc(seal->moved_room * sizeof(MovedRow));
	}
	seal->moved[seal->moved_count++] = (MovedRow) {seal->input, row, 0, 0};
}

static void
move_growing_row(void *arg, uint32 row, ItemPointer tid, bool dead, const char *payload, Size size)
{
	if (!dead)
		move_row(arg, row, tid, payload, size, 0, 0);
}

/* Moves the live rows of a sealed segment. */
static void
move_sealed(Seal *seal, CachedIndex *cached, const SegmentEntry *entry)
{
	const uint32 per = PAYLOAD_SIZE / sizeof(SealedRow);
	CachedSegment *segment = cache_acquire(cached, seal->index, entry);
	ScanStatistics statistics = {0};
	SealedScan	scan;
	char	   *payload = palloc(SPACE_MAX_PAYLOAD(&seal->space));
	SealedRow  *rows = palloc(per * sizeof(SealedRow));

	sealed_scan_begin(&scan, seal->index, &seal->space, segment, &statistics);
	for (uint32 first = 0; first < segment->header.rows; first += per)
	{
		uint32		n = Min(per, segment->header.rows - first);

		extent_read(seal->index, entry->first + segment->header.tids + first / per, entry->uid, 0,
					rows, n * sizeof(SealedRow));
		for (uint32 i = 0; i < n; i++)
		{
			const SealedNode *node;
			float		error;

			CHECK_FOR_INTERRUPTS();
			if (cached_row_is_dead(segment, first + i))
				continue;
			node = sealed_read_node(&scan, 0, rows[i].node);
			error = space_restore(&seal->space, node,
								  (const char *) node + segment->header.layout.vector, payload);
			move_row(seal, first + i, &rows[i].tid, payload,
					 space_size_of(&seal->space, payload), error, node->scale);
		}
	}
	pfree(rows);
	pfree(payload);
	sealed_scan_end(&scan);
}

/* A batch becomes an output. */
static void
write_output(SegmentBuild *build, void *arg)
{
	Seal	   *seal = arg;
	uint64		rows = build_rows(build);
	SegmentEntry entry;

	if (seal->failed ||
		!directory_reserve(seal->index, seal->heap, SEGMENT_SEALED, seal->output_count > 0,
						   build_blocks(build), &entry))
	{
		seal->failed = true;
		return;
	}
	build_write(build, seal->index, &entry);
	for (uint64 i = 0; i < rows; i++)
	{
		MovedRow   *moved = &seal->moved[seal->written++];

		moved->output = seal->output_count;
		moved->number = build_row_number(build, i);
	}
	seal->outputs = seal->outputs ?
		repalloc(seal->outputs, sizeof(SegmentEntry) * (seal->output_count + 1)) :
		palloc(sizeof(SegmentEntry));
	seal->outputs[seal->output_count++] = entry;
}

/* Marks a row that has died in its input since it was moved: moved rows come in the same order. */
static void
note_if_dead(void *arg, uint32 row, ItemPointer tid, bool dead, const char *payload, Size size)
{
	Seal	   *seal = arg;
	MovedRow   *moved;

	if (seal->cursor == seal->moved_count)
		return;
	moved = &seal->moved[seal->cursor];
	if (moved->input != (uint32) seal->input || moved->row != row)
		return;
	seal->cursor++;
	if (!dead)
		moved->output = PG_UINT32_MAX;
}

static void
note_dead_sealed(Seal *seal, const SegmentEntry *entry)
{
	SealedHeader header;
	uint8	   *tombstones;
	ItemPointerData none;

	ItemPointerSetInvalid(&none);
	extent_read(seal->index, entry->first, entry->uid, 0, &header, sizeof(header));
	tombstones = MemoryContextAllocHuge(CurrentMemoryContext, header.rows / 8 + 1);
	extent_read(seal->index, entry->first + header.tombstones, entry->uid,
				sizeof(TombstoneHeader), tombstones, header.rows / 8 + 1);
	for (uint32 row = 0; row < header.rows; row++)
		note_if_dead(seal, row, &none, tombstones[row / 8] >> (row % 8) & 1, NULL, 0);
	pfree(tombstones);
}

static int
compare_moved(const void *a, const void *b)
{
	const MovedRow *x = a;
	const MovedRow *y = b;

	if (x->output != y->output)
		return x->output < y->output ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Copies to the outputs the tombstones that inputs have gained; called under block 0's lock. */
static void
copy_tombstones(void *arg)
{
	Seal	   *seal = arg;
	uint32	   *rows = NULL;

	seal->cursor = 0;
	for (seal->input = 0; seal->input < seal->input_count; seal->input++)
	{
		const SegmentEntry *entry = &seal->inputs[seal->input];

		if (entry->kind == SEGMENT_GROWING)
			growing_each_row(seal->index, &seal->space, entry, false, note_if_dead, seal);
		else
			note_dead_sealed(seal, entry);
	}

	/* what is left with an output has died */
	qsort(seal->moved, seal->moved_count, sizeof(MovedRow), compare_moved);
	for (uint64 i = 0; i < seal->moved_count && seal->moved[i].output != PG_UINT32_MAX;)
	{
		uint32		output = seal->moved[i].output;
		uint64		n = 0;

		if (rows == NULL)
			rows = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint32) * seal->moved_count);
		for (; i < seal->moved_count && seal->moved[i].output == output; i++)
			rows[n++] = seal->moved[i].number;
		sealed_bury(seal->index, &seal->outputs[output], rows, n);
	}
}

static int
compare_rows(const void *a, const void *b)
{
	uint64		x = ((const SegmentEntry *) a)->rows;
	uint64		y = ((const SegmentEntry *) b)->rows;

	return x < y ? -1 : x > y;
}

/*
 * Chooses the inputs: growing segments, if there are enough rows; sealed ones with many dead rows;
 * and, as far as the memory goes, sealed ones that are not much larger than what comes together,
 * once there are several of them.
 */
static void
choose_inputs(Seal *seal, const Directory *directory, uint64 min_rows)
{
	SegmentEntry *others = palloc(sizeof(SegmentEntry) * (directory->count + 1));
	int			other_count = 0;
	int			taken = 0;
	uint64		grown = 0;
	uint64		total = 0;
	uint64		limit = (uint64) maintenance_work_mem * 1024 /
		build_row_memory(&seal->space, directory->m,
						 seal->space.element == SPACE_SPARSE ? 1024 :
						 space_payload_size(&seal->space));

	seal->inputs = palloc(sizeof(SegmentEntry) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == SEGMENT_GROWING)
			grown += growing_rows(seal->index, &directory->entries[i]);
	for (uint32 i = 0; i < directory->count; i++)
	{
		SegmentEntry entry = directory->entries[i];

		if (entry.kind == SEGMENT_GROWING && grown > 0 && grown >= min_rows)
			seal->inputs[seal->input_count++] = entry;
		else if (entry.kind == SEGMENT_SEALED)
		{
			uint32		dead = sealed_dead(seal->index, &entry);

			entry.rows -= dead;
			if (dead > MAX_DEAD_FRACTION * (entry.rows + dead))
			{
				seal->inputs[seal->input_count++] = entry;
				total += entry.rows;
			}
			else
				others[other_count++] = entry;
		}
	}
	total += seal->input_count > 0 ? grown : 0;
	if (seal->input_count == 0)
		return;
	qsort(others, other_count, sizeof(SegmentEntry), compare_rows);
	for (;;)
	{
		int			end = taken;
		uint64		sum = total;

		while (end < other_count && others[end].rows <= 2 * total &&
			   sum + others[end].rows <= limit)
			sum += others[end++].rows;
		if (end - taken < MERGE_COUNT)
			break;
		while (taken < end)
			seal->inputs[seal->input_count++] = others[taken++];
		total = sum;
	}
	pfree(others);
}

/* Builds the outputs, and flips the directory. */
static int
replace_segments(Seal *seal, const Directory *directory)
{
	BuildShared *shared = palloc(build_shared_size());
	BuildCallbacks callbacks = {.write = write_output, .arg = seal};
	uint32	   *uids = palloc(sizeof(uint32) * seal->input_count);
	CachedIndex *cached;

	for (int i = 0; i < seal->input_count; i++)
	{
		uids[i] = seal->inputs[i].uid;
		if (seal->inputs[i].kind == SEGMENT_GROWING)
			growing_close(seal->index, &seal->inputs[i]);
	}
	build_init_shared(shared, directory, (Size) maintenance_work_mem * 1024);
	build_start(shared, 1);
	seal->build = build_attach(shared, NULL, NULL, &callbacks);
	cached = cache_index(seal->index);
	for (seal->input = 0; seal->input < seal->input_count; seal->input++)
		if (seal->inputs[seal->input].kind == SEGMENT_GROWING)
			growing_each_row(seal->index, &seal->space, &seal->inputs[seal->input], true,
							 move_growing_row, seal);
		else
			move_sealed(seal, cached, &seal->inputs[seal->input]);
	build_finish(seal->build);
	if (seal->failed)
		return 0;
	directory_replace(seal->index, seal->outputs, seal->output_count, uids, seal->input_count,
					  copy_tombstones, seal);
	return seal->input_count;
}

int
seal_index(Relation index, Relation heap, SealWait wait, uint64 min_rows)
{
	MemoryContext context;
	MemoryContext old;
	Directory  *directory;
	Seal		seal = {.index = index, .heap = heap};
	int			replaced = 0;

	if (wait == SEAL_WAIT)
		LockPage(index, SEAL_LOCK_BLOCK, ExclusiveLock);
	else if (!ConditionalLockPage(index, SEAL_LOCK_BLOCK, ExclusiveLock))
		return 0;
	context = AllocSetContextCreate(CurrentMemoryContext, "vector seal", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	directory = directory_read(index);
	directory_space(directory, &seal.space);
	space_init_rotation(&seal.space);
	choose_inputs(&seal, directory, min_rows);
	if (seal.input_count > 0)
		replaced = replace_segments(&seal, directory);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	UnlockPage(index, SEAL_LOCK_BLOCK, ExclusiveLock);
	return replaced;
}

/* Whether a segment has rows and all of them are dead; a growing one gets no more then. */
static bool
is_empty(Relation index, const SegmentEntry *entry)
{
	uint32		dead;
	uint32		rows;

	if (entry->kind == SEGMENT_SEALED)
		return sealed_dead(index, entry) == entry->rows;
	if (entry->kind != SEGMENT_GROWING)
		return false;
	rows = growing_count(index, entry, &dead);
	if (rows == 0 || dead < rows)
		return false;
	growing_close(index, entry);
	return growing_count(index, entry, &dead) == dead;
}

int
seal_retire_empty(Relation index)
{
	Directory  *directory = directory_read(index);
	uint32	   *uids = palloc(sizeof(uint32) * (directory->count + 1));
	int			count = 0;

	if (ConditionalLockPage(index, SEAL_LOCK_BLOCK, ExclusiveLock))
	{
		pfree(directory);
		directory = directory_read(index);
		for (uint32 i = 0; i < directory->count; i++)
			if (is_empty(index, &directory->entries[i]))
				uids[count++] = directory->entries[i].uid;
		if (count > 0)
			directory_replace(index, NULL, 0, uids, count, NULL, NULL);
		UnlockPage(index, SEAL_LOCK_BLOCK, ExclusiveLock);
	}
	pfree(directory);
	pfree(uids);
	return count;
}
