/*
 * diskann_scan.c - how far a scan of METHOD_DISK segments goes
 *
 * A walk knows its candidates by estimates.  In each round the best of those of all segments,
 * `diskann.query_rescore` of them, are compared by their vectors.  When more rows are asked for,
 * the next ones are; once none is left, segments are walked further.
 *
 * In the mode auto a scan that is read to its end returns every row once; the mode off ends after
 * query_search_list_size rows.  Except in relaxed_order, rows found too late to be in order wait
 * until nothing else is left.
 */
#include "am/diskann.h"

#include <math.h>

#include "am/scan.h"

typedef struct DiskannScan
{
	VectorScan	scan;
	uint64		first;			/* results that are returned before more are compared */
	uint64		most;			/* results that are returned at all */
	bool		exhausted;		/* there is no further round */
} DiskannScan;

/* Lets the next candidates be compared. */
static void
allow_fetches(VectorScan *scan)
{
	const ScanBound *bound = scan->bound;
	uint64		wanted = bound ? scan_bound_rows(bound) : 0;

	scan->search.effort.fetches = Max(Max((uint64) diskann_query_rescore, wanted), 1);
}

/* Walks every segment further; false if none can be. */
static bool
walk_further(DiskannScan *state)
{
	VectorScan *scan = &state->scan;
	bool		more = false;

	for (int i = 0; i < scan->cursor_count; i++)
		if (!scan->cursors[i].searched && !scan->cursors[i].done)
		{
			(void) scan_round(scan, &scan->cursors[i]);
			more = true;
		}
	return more;
}

static void
diskann_search(VectorScan *scan)
{
	DiskannScan *state = (DiskannScan *) scan;

	scan->relaxed = diskann_iterative_scan == DISKANN_ITERATIVE_SCAN_RELAXED;
	scan->adaptive = diskann_iterative_scan == DISKANN_ITERATIVE_SCAN_AUTO;
	scan->most_beyond = 2 * (uint64) diskann_query_search_list_size;
	scan->search.effort = (SearchEffort) {
		.candidates = diskann_query_search_list_size, .known = INFINITY
	};
	allow_fetches(scan);
	state->first = scan->search.effort.fetches;
	state->most = diskann_iterative_scan == DISKANN_ITERATIVE_SCAN_OFF ?
		diskann_query_search_list_size : PG_UINT64_MAX;
	scan_open(scan, NULL);
	(void) walk_further(state);
}

static void
diskann_search_again(VectorScan *scan)
{
	DiskannScan *state = (DiskannScan *) scan;

	scan_reopen(scan);
	state->exhausted = false;
	allow_fetches(scan);
	state->first = scan->returned + scan->search.effort.fetches;
	(void) walk_further(state);
}

static bool
diskann_go_on(VectorScan *scan)
{
	DiskannScan *state = (DiskannScan *) scan;

	if (scan->returned >= state->most)
		return false;
	state->first = PG_UINT64_MAX;
	allow_fetches(scan);
	if (scan_take_waiting(scan, INFINITY))
		return true;
	if (!state->exhausted && walk_further(state))
		return true;
	state->exhausted = true;
	return scan->results.count > 0 || scan_take_late(scan);
}

static bool
diskann_must_wait(VectorScan *scan, float nearest)
{
	const DiskannScan *state = (DiskannScan *) scan;

	if (scan->returned >= state->most || scan->returned == state->first)
		return true;
	return state->first == PG_UINT64_MAX && !state->exhausted && nearest > scan_left(scan);
}

const ScanMethod diskann_scan_method = {
	.size = sizeof(DiskannScan),
	.search = diskann_search,
	.search_again = diskann_search_again,
	.go_on = diskann_go_on,
	.must_wait = diskann_must_wait
};
