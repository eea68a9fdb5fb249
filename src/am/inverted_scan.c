/*
 * inverted_scan.c - how far a scan of inverted lists goes
 *
 * Each round finds in every segment the rows that may be among the best of so many, at first a few
 * more than the query wants, and then several times as many as before.  A result is returned once
 * it is nearer than all rows that have not been found, so that rows come in the order of their
 * distances, and a scan that is read to its end returns every row once.
 *
 * If weights are dropped, rows of a later round may be nearer than those of an earlier one; they
 * come last.
 */
#include "am/inverted.h"

#include <math.h>

#include "am/scan.h"
#include "am/sparse.h"

/* Rows of the first round if it is not known how many are wanted; rows more than wanted. */
#define FIRST_ROWS		64
#define MORE_ROWS		4

/* Each round has so many times the rows of the one before it. */
#define ROUND_FACTOR	4

typedef struct InvertedScan
{
	VectorScan	scan;
	float		left;			/* no row that has not been found is nearer */
} InvertedScan;

/* Does a round of every segment that has another one; false if none has. */
static bool
search_further(InvertedScan *state)
{
	VectorScan *scan = &state->scan;
	bool		more = false;

	for (int i = 0; i < scan->cursor_count; i++)
		if (!scan->cursors[i].searched)
		{
			(void) scan_round(scan, &scan->cursors[i]);
			more = true;
		}
	state->left = scan_left(scan);
	return more;
}

/* Sets how many rows the first round finds. */
static void
set_effort(InvertedScan *state)
{
	VectorScan *scan = &state->scan;
	uint64		wanted = scan->bound ? scan_bound_rows(scan->bound) : 0;

	wanted = wanted > 0 ? wanted + MORE_ROWS : FIRST_ROWS;
	if (scan->filtered)
		wanted *= ROUND_FACTOR;
	scan->search.effort = (SearchEffort) {
		.candidates = (uint32) Min(wanted, PG_INT32_MAX), .known = INFINITY, .within = INFINITY,
		.drop_ratio = sparse_drop_ratio
	};
}

static void
inverted_search(VectorScan *scan)
{
	InvertedScan *state = (InvertedScan *) scan;

	set_effort(state);
	scan_open(scan, NULL);
	(void) search_further(state);
}

static void
inverted_search_again(VectorScan *scan)
{
	InvertedScan *state = (InvertedScan *) scan;

	set_effort(state);
	scan_reopen(scan);
	(void) search_further(state);
}

static bool
inverted_go_on(VectorScan *scan)
{
	InvertedScan *state = (InvertedScan *) scan;
	uint32	   *rows = &scan->search.effort.candidates;

	/* all that is left is beyond what the query's condition allows */
	if (space_value(scan->search.space, state->left) > scan->limit)
		return false;
	*rows = (uint32) Min((uint64) *rows * ROUND_FACTOR, PG_INT32_MAX);
	return search_further(state) || scan_take_late(scan);
}

static bool
inverted_must_wait(VectorScan *scan, float nearest)
{
	return nearest > ((InvertedScan *) scan)->left;
}

const ScanMethod inverted_scan_method = {
	.size = sizeof(InvertedScan),
	.search = inverted_search,
	.search_again = inverted_search_again,
	.go_on = inverted_go_on,
	.must_wait = inverted_must_wait
};

bool
inverted_is_auto(Relation index)
{
	return true;
}
