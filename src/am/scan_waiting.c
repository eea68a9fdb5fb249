/*
 * scan_waiting.c - rows that wait in the segments of a scan, and what is read together
 */
#include "am/scan.h"

#include <math.h>

#include "segment/sealed.h"

#define FEW_ROUNDS	2

/* Rows whose blocks of the table are read together, at most. */
#define MOST_EXPECTED	100

bool
scan_any_stored(const VectorScan *scan)
{
	for (int i = 0; i < scan->cursor_count; i++)
	{
		const ScanCursor *cursor = &scan->cursors[i];

		if (cursor->entry.where == EXTENT_STORED &&
			cursor->excluded.count < cursor->segment->header.rows)
			return true;
	}
	return false;
}

void
scan_expect(VectorScan *scan)
{
	BlockBatch	batch;

	if (!tier_wait)
		return;
	block_batch_begin(&batch, 0);
	for (int i = 0; i < scan->cursor_count; i++)
	{
		const ScanCursor *cursor = &scan->cursors[i];

		if (!cursor->searched && cursor->reading->reader->expect)
			cursor->reading->reader->expect(cursor->reading, &batch);
	}
	block_batch_read(scan->search.index, &batch);
}

void
scan_expect_results(VectorScan *scan)
{
	ItemPointerData tids[MOST_EXPECTED];
	uint64		most = Min(scan_wanted(scan), MOST_EXPECTED);
	ScanResults rest = scan->results;
	int			count = 0;

	/* index-only scans seldom need the table, and others may take any number of rows */
	if (scan->desc->xs_want_itup || most < 2)
		return;
	/* only places in the heap move */
	rest.heap = MemoryContextAllocHuge(CurrentMemoryContext,
									   Max(rest.count, 1) * sizeof(ResultPlace));
	if (rest.count > 0)
		memcpy(rest.heap, scan->results.heap, rest.count * sizeof(ResultPlace));
	tids[count++] = scan->rows[0].tid;
	while (rest.count > 0 && count < most)
	{
		ScanResult	result = scan_pop_result(&rest);

		if (result.found.bound <= scan->limit && !(result.found.tag & FOUND_FIRST_EXCLUDED))
			tag_get_tid(result.found.tag, &tids[count++]);
	}
	pfree(rest.heap);
	fetch_expect(scan->desc->heapRelation, tids, count);
}

void
scan_wait_together(VectorScan *scan, BlockBatch *batch)
{
	block_batch_begin(batch, 0);
	scan->search.together = batch;
}

void
scan_end_waiting(VectorScan *scan)
{
	for (bool waits = scan->search.together != NULL; waits;)
	{
		block_batch_read(scan->search.index, scan->search.together);
		waits = false;
		for (int i = 0; i < scan->cursor_count; i++)
			if (scan->cursors[i].waits)
			{
				(void) scan_round(scan, &scan->cursors[i]);
				waits |= scan->cursors[i].waits;
			}
	}
	scan->search.together = NULL;
}

/*
 * The segment with the waiting row whose bound is least, unless that is above `most`; or likewise
 * of rows that have to be asked for.
 */
static ScanCursor *
least_waiting(const VectorScan *scan, float most, bool unread)
{
	ScanCursor *nearest = NULL;
	float		least = INFINITY;

	for (int i = 0; i < scan->cursor_count; i++)
	{
		ScanCursor *cursor = &scan->cursors[i];
		SegmentScan *reading = cursor->reading;
		bool		(*waiting) (SegmentScan *scan, float *bound) = unread ?
			reading->reader->unread : reading->reader->waiting;
		float		bound;

		if (waiting == NULL || cursor->done || !waiting(reading, &bound) ||
			(bound > most && !reading->eager))
			continue;
		if (nearest == NULL || bound < least)
		{
			nearest = cursor;
			least = bound;
		}
	}
	return nearest;
}

bool
scan_waits(const VectorScan *scan, float most)
{
	return least_waiting(scan, most, false) != NULL;
}

/*
 * Rows up to which distance are asked for: up to that within which one of the segments seems to
 * have as many as are wanted, and once these have been, those that come before the next result.
 */
static float
asked_most(const VectorScan *scan, float most)
{
	float		least = INFINITY;

	for (int i = 0; i < scan->cursor_count; i++)
	{
		SegmentScan *reading = scan->cursors[i].reading;

		if (reading->reader->enough && !scan->cursors[i].done)
			least = Min(least, reading->reader->enough(reading));
	}
	return isfinite(least) && least_waiting(scan, least, true) ? least : most;
}

/* Asks for so many rows, the nearest first, as far as there are any; returns how many. */
static uint64
ask(const VectorScan *scan, float most, uint64 rows, BlockBatch *batch)
{
	ScanCursor *cursor;
	uint64		count = 0;

	for (; count < rows && !block_batch_is_full(batch) &&
		 (cursor = least_waiting(scan, most, true)) != NULL; count++)
		cursor->reading->reader->ask(cursor->reading, batch);
	return count;
}

/*
 * Reads what the next rows of all segments need from object stores, together.  What comes before
 * the next result may be few rows each time.  So from the third round on at least as many are asked
 * for as in all rounds before.
 */
static void
read_waiting(VectorScan *scan, float most)
{
	uint64		least = scan->asked_rounds < FEW_ROUNDS ? 0 : scan->asked;
	uint64		count;
	BlockBatch	batch;

	block_batch_begin(&batch, 0);
	count = ask(scan, asked_most(scan, most), Max(scan->search.effort.stored_at_once, 1), &batch);
	if (count < least)
		count += ask(scan, INFINITY, least - count, &batch);
	scan->asked += count;
	scan->asked_rounds += batch.stored_count > 0;
	block_batch_read(scan->search.index, &batch);
	for (int i = 0; i < scan->cursor_count; i++)
		if (scan->cursors[i].reading->reader->asked)
			scan->cursors[i].reading->reader->asked(scan->cursors[i].reading);
}

ScanCursor *
scan_least_waiting(VectorScan *scan, float most)
{
	ScanCursor *nearest;

	/* what has been read may raise bounds */
	while ((nearest = least_waiting(scan, most, false)) != NULL && tier_wait &&
		   nearest->reading->reader->ready && !nearest->reading->reader->ready(nearest->reading))
		read_waiting(scan, most);
	return nearest;
}
