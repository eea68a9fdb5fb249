/*
 * scan_share.c - the division of segments among the participants of a parallel scan
 */
#include "am/scan.h"

#include <float.h>

#include "access/parallel.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"

#include "attribute/bits.h"
#include "segment/method.h"

#define NO_CHANGE	PG_UINT64_MAX

static uint64 new_id;

/*
 * Rows that are taken at a time: so few that participants end at about the same time, and that what
 * is near the query is spread among them.  A multiple of what a word of a bitmap has.
 */
#define RUN_ROWS	2048

/* A participant is taken to be so many times as fast as others, or as slow, at most. */
#define MOST_TIMES	2.0

/* When no run has been taken for so long, workers have probably not started; in milliseconds. */
#define PATIENCE	20

Size
vectorestimateparallelscan(ESTIMATE_PARALLEL_PARAMETERS)
{
	return sizeof(ScanShared);
}

void
vectorinitparallelscan(void *target)
{
	ScanShared *shared = target;

	shared->id = new_id = participants_new_id();
	pg_atomic_init_u64(&shared->change, NO_CHANGE);
	pg_atomic_init_u32(&shared->participants, 0);
	pg_atomic_init_u32(&shared->whole, 0);
	pg_atomic_init_u64(&shared->taken, 0);
	pg_atomic_init_u32(&shared->active, 0);
	pg_atomic_init_u64(&shared->left, 0);
	pg_atomic_init_u64(&shared->read, 0);
}

uint64
scan_take_new_id(void)
{
	uint64		id = new_id;

	new_id = 0;
	return id;
}

bool
scan_takes_part(const VectorScan *scan)
{
	uint64		change = cache_directory(scan->search.cached)->change;
	uint64		first = NO_CHANGE;

	if (scan->shared && !IsParallelWorker() && scan->bound && scan_bound_workers(scan->bound) > 0)
		pg_atomic_write_u32(&scan->shared->participants,
							(uint32) scan_bound_workers(scan->bound) + 1);
	return scan->shared == NULL ||
		pg_atomic_compare_exchange_u64(&scan->shared->change, &first, change) ||
		first == change;
}

uint64
scan_wanted(const VectorScan *scan)
{
	if (scan->bound == NULL)
		return 0;
	if (scan->merged && scan->nearest && scan->filtered)
		return scan->nearest->wanted;
	return scan->shared ? scan_bound_shared_rows(scan->bound) : scan_bound_rows(scan->bound);
}

/* Whether participants divide a segment. */
static bool
is_divided(const SegmentEntry *entry)
{
	return entry->kind == SEGMENT_SEALED && segment_method_of(entry)->reader->divided;
}

bool
scan_takes_segment(VectorScan *scan, const SegmentEntry *entry)
{
	uint32		n = scan->whole;

	if (scan->shared == NULL || is_divided(entry))
		return true;
	scan->whole++;
	return pg_atomic_compare_exchange_u32(&scan->shared->whole, &n, n + 1);
}

/*
 * The excluded rows of each segment of a directory, which are the same for all participants, as all
 * that take part have read the same directory, and all have the same snapshot.
 */
struct SharedExcluded
{
	uint32		count;			/* of a segment's rows */
	Size		bits;			/* where these are, from the first SharedExcluded on */
};

/* Finds the rows, and the excluded ones of all segments; as large as the last parameter says. */
static SharedExcluded *
find_excluded(VectorScan *scan, const Directory *directory, Size *size)
{
	CachedIndex *cached = scan->search.cached;
	SharedExcluded *shared;

	scan_make_filter(scan, scan_bound_among(scan->bound));
	*size = MAXALIGN(sizeof(SharedExcluded) * (directory->count + 1));
	shared = MemoryContextAllocExtended(scan->context, *size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		CachedSegment *segment = NULL;
		ExcludedRows excluded;
		Size		bytes;

		if (!segment_is_live(entry))
			continue;
		if (entry->kind == SEGMENT_SEALED)
			segment = cache_acquire(cached, scan->search.index, entry);
		excluded = filter_excluded(scan->filter, entry, segment);
		bytes = Max(BITS_BYTES(segment ? segment->header.rows : entry->rows), 8);
		shared = repalloc_huge(shared, *size + bytes);
		memcpy((char *) shared + *size, excluded.bits, bytes);
		shared[i] = (SharedExcluded) {excluded.count, *size};
		*size += bytes;
	}
	return shared;
}

const SharedExcluded *
scan_share_excluded(VectorScan *scan, const Directory *directory)
{
	const SharedExcluded *shared;
	Size		size;

	shared = scan_bound_get_shared(scan->bound);
	if (shared == NULL)
	{
		SharedExcluded *found = find_excluded(scan, directory, &size);

		shared = scan_bound_set_shared(scan->bound, found, size);
		pfree(found);
	}
	return shared;
}

ExcludedRows
scan_shared_excluded(const SharedExcluded *shared, uint32 number)
{
	return (ExcludedRows) {(uint8 *) shared + shared[number].bits, shared[number].count};
}

/* The rows of the divided ones among the first segments. */
static uint64
count_divided(const VectorScan *scan, int segments)
{
	uint64		rows = 0;

	for (int i = 0; i < segments; i++)
		if (is_divided(&scan->cursors[i].entry))
			rows += scan->cursors[i].segment->header.nodes;
	return rows;
}

static double
milliseconds_between(instr_time begun, instr_time ended)
{
	INSTR_TIME_SUBTRACT(ended, begun);
	return INSTR_TIME_GET_MILLISEC(ended);
}

/*
 * Whether this participant has its part of all rows: what it takes while the others take theirs, if
 * all go on as fast as before.  A worker is slower than the leader where it first has to map what
 * it reads of the shared buffers, also in what follows, though less.  Until others have begun,
 * parts are equal.
 */
static bool
has_its_part(VectorScan *scan, double rows, uint32 participants, uint64 taken, instr_time now)
{
	SharePace  *pace = &scan->pace;
	uint64		others = taken - Min(scan->taken, taken);
	double		elapsed = pace->others ? milliseconds_between(pace->others_begun, now) : 0;
	double		theirs = (others - pace->others) / Max(elapsed, DBL_MIN);
	double		times = 1;		/* as fast as another one */

	if (!pace->others && others > 0)
	{
		pace->others = others;
		pace->others_begun = now;
	}
	if (elapsed > 0 && pace->busy > 0 && scan->taken > 0)
		times = scan->taken / pace->busy * (participants - 1) / Max(theirs, DBL_MIN);
	times = Min(Max(times, 1 / MOST_TIMES), MOST_TIMES);
	return scan->taken * (times + participants - 1) >= rows * times;
}

/* Once this participant has its part, lets others take the runs up to a row, as long as they do. */
static void
wait_for_others(VectorScan *scan, uint64 end, uint32 participants)
{
	uint64		rows = count_divided(scan, scan->cursor_count);
	uint64		before = 0;
	instr_time	now;
	instr_time	moved;

	for (INSTR_TIME_SET_CURRENT(moved);;)
	{
		uint64		taken = pg_atomic_read_u64(&scan->shared->taken);

		INSTR_TIME_SET_CURRENT(now);
		if (taken >= end || !has_its_part(scan, rows, participants, taken, now))
			return;
		if (taken != before)
			moved = now;
		before = taken;
		scan->takes_more = milliseconds_between(moved, now) >= PATIENCE;
		if (scan->takes_more)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Counts the time since the last run was taken. */
static void
count_busy(VectorScan *scan)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	if (scan->taken > 0)
		scan->pace.busy += milliseconds_between(scan->pace.run_begun, now);
}

/*
 * Rows are counted over all divided segments, in the order of the directory, which is the order
 * that participants search them in.  What is before a segment may not have been taken where the
 * segments before it have nothing to read.
 */
bool
scan_take_run(SegmentScan *reading, uint32 *first, uint32 *end)
{
	VectorScan *scan = (VectorScan *) reading->search;
	uint32		rows = scan->cursors[reading->number].segment->header.nodes;
	uint32		participants = pg_atomic_read_u32(&scan->shared->participants);
	uint64		before = count_divided(scan, (int) reading->number);
	uint64		taken;

	count_busy(scan);
	if (participants > 1 && !scan->takes_more)
		wait_for_others(scan, before + rows, participants);
	taken = pg_atomic_read_u64(&scan->shared->taken);
	do
	{
		if (taken >= before + rows)
			return false;
		*first = (uint32) (Max(taken, before) - before);
		*end = Min(*first + RUN_ROWS, rows);
	}
	while (!pg_atomic_compare_exchange_u64(&scan->shared->taken, &taken, before + *end));
	scan->taken += *end - *first;
	scan->runs++;
	INSTR_TIME_SET_CURRENT(scan->pace.run_begun);
	return true;
}
