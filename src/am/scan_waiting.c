/*
 * scan_waiting.c - rows that wait in the segments of a scan, and what is read for them together
 */
#include "am/scan.h"

#include <math.h>

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

/* Reads what the next rows of all segments need from object stores, together. */
static void
read_waiting(VectorScan *scan, float most)
{
	const SearchEffort *effort = &scan->search.effort;
	uint64		rows = Max(effort->stored_at_once, 1);
	BlockBatch	batch;
	ScanCursor *cursor;

	block_batch_begin(&batch, 0);
	for (; rows > 0 && !block_batch_is_full(&batch) &&
		 (cursor = least_waiting(scan, most, true)) != NULL; rows--)
		cursor->reading->reader->ask(cursor->reading, &batch);
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
