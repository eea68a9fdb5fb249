/*
 * diskann_scan.c - how far a scan of METHOD_DISK segments goes
 *
 * If the index keeps vectors, a walk reads those of the nodes that it goes through, which are found
 * by exact distances.
 *
 * If it keeps them in another form, the executor takes a few more rows than it returns: the walk
 * goes on for these a little, as for those in place of dead rows.
 *
 * Otherwise, or if the vectors are in an object store, it knows its candidates by estimates.  They
 * wait by bounds that they are hardly nearer than, and are compared by the vectors of the table, or
 * by those of the store, which are read together, the least bound of all segments first, until the
 * next row to be returned is nearer than all bounds.  No more than `diskann.query_rescore` rows, or
 * twice as many as are wanted (of those in a store, three times as many), are compared for the
 * first ones; when more are asked for, each row costs about one comparison.  Once no row waits,
 * segments are walked further.
 *
 * If the number of wanted rows is known, a walk ends by itself when what is left is too far beyond
 * them (graph_limit), and may keep more candidates for queries that need them.  If the executor
 * filters the rows, and it is expected that a walk does not suffice, what it leaves is kept for
 * further ones, and larger errors of that are allowed for.  Several segments, and scans whose rows
 * are merged, tell each other what they have found if the walks know distances.
 *
 * In the mode auto a scan that is read to its end returns every row once; the mode off ends after
 * query_search_list_size rows.  Except in relaxed_order, rows found too late to be in order wait
 * until nothing else is left.
 *
 * Participants of a parallel scan do not walk: each reads the runs of rows that it takes.
 */
#include "am/diskann.h"

#include <math.h>

#include "am/graph_limit.h"
#include "am/scan.h"

typedef struct DiskannScan
{
	VectorScan	scan;
	uint64		first;			/* results for which a limited number of rows is compared */
	uint64		most;			/* results that are returned at all */
	uint32		size;			/* of the first walk */
	bool		reads;			/* walks read vectors, as the index has them */
	bool		exact;			/* and find rows by the distances that order them */
	bool		limited;		/* what has been walked suffices for so many only */
	bool		exhausted;		/* there is no further round */
} DiskannScan;

/*
 * The list of a walk by estimates that finds as many of the nearest rows as one of this length by
 * vectors.  Those of few dimensions have codes that err more, and blocks of so many nodes that a
 * walk by vectors compares those that it comes by.  It has at least all rows that are wanted, for
 * what a further walk finds is read by itself.
 */
#define STORED_LIST_MORE	2
#define STORED_LIST_PART	4
#define STORED_FEW_DIMS		192
#define STORED_FEW_DIMS_PART	2

static uint32
stored_list(const Space *space, uint32 size, uint64 wanted)
{
	size += size / (space->dims <= STORED_FEW_DIMS ? STORED_FEW_DIMS_PART : STORED_LIST_PART) +
		STORED_LIST_MORE;
	return Max(size, (uint32) Min(wanted, DISKANN_MAX_QUERY_LIST_SIZE));
}

/*
 * Rows that are compared for each that is wanted, at least, as estimates mistake some of the wanted
 * rows for farther ones; of those in an object store there are more, which are read at once.
 * Without rows to be compared for the sake of recall, as many are as are wanted.
 */
#define COMPARED			2
#define STORED_COMPARED		3

/* Sets how far the first walks of the open segments go, and how many rows are compared. */
static void
set_effort(DiskannScan *state)
{
	VectorScan *scan = &state->scan;
	const Space *space = scan->search.space;
	SearchEffort *effort = &scan->search.effort;
	bool		stored = scan_any_stored(scan);
	bool		estimates = space->storage == STORAGE_NONE || stored;
	bool		iterative = diskann_iterative_scan == DISKANN_ITERATIVE_SCAN_AUTO;
	uint32		size = (uint32) scan_set_effort(scan, diskann_query_search_list_size,
												iterative ? DISKANN_MAX_QUERY_LIST_SIZE : 0);
	uint64		rescore = diskann_rescore(size);
	uint64		wanted = scan_wanted(scan);
	uint64		first;
	uint64		compared;

	if (stored)
		size = stored_list(space, size, wanted);
	first = estimates ? rescore / 2 : size;
	compared = Max(rescore, wanted * (stored ? STORED_COMPARED : rescore > 0 ? COMPARED : 1));
	*effort = (SearchEffort) {
		.candidates = size, .known = INFINITY, .within = INFINITY, .margin = SEARCH_MARGIN
	};
	effort->rows = iterative || scan->shared ? wanted : 0;
	effort->fetches = estimates ? compared : PG_UINT32_MAX;
	effort->stored_at_once = (uint32) Min(compared, DISKANN_MAX_QUERY_RESCORE);
	state->first = scan->returned + Max(Max(wanted, first), 1);
	state->limited = !estimates;
	state->reads = !estimates;
	state->exact = state->reads && !space_is_lossy(space);
	state->size = size;
	if (scan->filtered && !scan->among && scan_bound_expected(scan->bound) > size / 2)
	{
		effort->keep = true;
		effort->margin = KEPT_MARGIN;
	}
	if (wanted == 0 || space->metric == SPACE_IP)
		return;
	effort->candidates *= 2;
	graph_limit(effort, space, wanted, (uint32) scan->effort, size);
	/* to order rows by their distances, the executor takes a few more if it is given bounds */
	if (!space_is_lossy(space))
	{
		state->limited = true;
		if (scan->nearest && state->exact)
		{
			effort->known = scan_merge_known(scan->merged);
			effort->wanted = graph_share(effort, effort->wanted,
										 1.0 / scan_merge_children(scan->merged));
		}
		state->first = scan->returned + effort->wanted;
	}
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
			(void) graph_next_round(scan, &scan->cursors[i]);
			more = true;
		}
	return more;
}

/* Walks every segment for the first time. */
static void
walk_first(DiskannScan *state)
{
	if (state->exact)
		graph_first_rounds(&state->scan);
	else
		(void) walk_further(state);
}

static void
diskann_search(VectorScan *scan)
{
	DiskannScan *state = (DiskannScan *) scan;

	if (!scan_takes_part(scan))
		return;
	scan->relaxed = diskann_iterative_scan == DISKANN_ITERATIVE_SCAN_RELAXED;
	scan_open(scan, scan_takes_segment);
	set_effort(state);
	scan->most_beyond = 2 * (uint64) scan->effort;
	state->most = diskann_iterative_scan == DISKANN_ITERATIVE_SCAN_OFF ?
		(uint64) scan->effort : PG_UINT64_MAX;
	walk_first(state);
}

static void
diskann_search_again(VectorScan *scan)
{
	DiskannScan *state = (DiskannScan *) scan;

	scan_reopen(scan);
	state->exhausted = false;
	set_effort(state);
	walk_first(state);
}

static bool
diskann_go_on(VectorScan *scan)
{
	DiskannScan *state = (DiskannScan *) scan;

	if (scan->returned >= state->most)
		return false;
	if (state->reads)
		state->first = graph_extend(scan, state->size) ? scan->search.effort.wanted :
			PG_UINT64_MAX;
	else if (state->first != PG_UINT64_MAX)
	{
		state->first = PG_UINT64_MAX;
		scan->search.effort.fetches = PG_UINT32_MAX;
		if (!state->limited)
			return true;
	}
	if (!state->exhausted && walk_further(state))
		return true;
	state->exhausted = true;
	state->first = PG_UINT64_MAX;
	return scan->results.count > 0 || scan_take_waiting(scan, INFINITY) || scan_take_late(scan);
}

static bool
diskann_must_wait(VectorScan *scan, float nearest)
{
	const DiskannScan *state = (DiskannScan *) scan;

	return scan->returned >= state->most ||
		(scan->returned + scan->found_again >= state->first &&
		 !graph_is_known(&scan->search.effort, nearest)) ||
		(!state->exhausted && nearest > scan_left(scan));
}

const ScanMethod diskann_scan_method = {
	.size = sizeof(DiskannScan),
	.search = diskann_search,
	.search_again = diskann_search_again,
	.go_on = diskann_go_on,
	.must_wait = diskann_must_wait
};
