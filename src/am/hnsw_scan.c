/*
 * hnsw_scan.c - how far a scan of graphs goes
 *
 * In the first round each segment provides the ef_search nearest rows that it finds, or in the mode
 * auto the rows of the LIMIT, if these are more; the best of all are returned.  When more rows are
 * asked for, further rounds go on from there, in which no segment finds anything twice.  A search
 * that ended by itself once it had the wanted rows (graph_limit) first goes on for a few more of
 * them, as some of those found may be dead.  Where more rows are wanted than a round finds, the
 * first one may read a segment whole, so that there is no further one.  Results wait in a heap, so
 * that a scan of n rows costs n log n, however few of them a round returns.
 *
 * In the mode auto a scan that is read to its end returns every row once.  The modes of pgvector
 * end before: off after ef_search rows, the others at limits on what they visit.  Except in
 * relaxed_order, rows found too late to be in order wait until nothing else is left.
 *
 * Participants of a parallel scan do not walk: each reads the runs of rows that it takes, by codes
 * or by vectors, and returns them in order.  Plans are parallel in the mode auto only; where
 * another mode is set later, each participant ends where a scan would.
 */
#include "am/hnsw.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/graph_limit.h"
#include "am/scan.h"

/* See VectorScan.most_beyond: this many times ef_search. */
#define BEYOND_TIMES	2

/* See search_effort. */
#define FILTERED_MARGIN	1.06f

/*
 * Where the index has vectors in another form, the executor takes a few more rows than it returns,
 * until the bound of one is beyond them.  They are to be found by the first round, as a second one
 * costs as much again.
 */
#define LOSSY_PART		4
#define LOSSY_MORE		3

typedef struct HnswScan
{
	VectorScan	scan;
	int			iterative;		/* HnswIterativeScan, as it was at the start */
	bool		limited;		/* an iterative scan has reached its limit */
	bool		exhausted;		/* there is no further round */
	uint64		first;			/* results, also found again, that come before the second round */
	uint64		most;			/* results that are returned at all */
	uint32		list;			/* candidates that a search keeps room for */
	float		horizon;		/* everything nearer seems to have been found */
} HnswScan;

/* Whether a mode of pgvector limits how far the scan goes on. */
static bool
is_limited(const HnswScan *state)
{
	return state->iterative == HNSW_ITERATIVE_SCAN_RELAXED ||
		state->iterative == HNSW_ITERATIVE_SCAN_STRICT;
}

/*
 * Ends a round.  A result must wait as long as a candidate that no round has taken seems to be
 * nearer, or only a little farther.
 */
static void
end_round(HnswScan *state)
{
	state->horizon = state->exhausted ? INFINITY : scan_left(&state->scan);
}

/*
 * How far a search of a graph goes.  Estimates put some candidates in the wrong order; with twice
 * as many candidates, a search finds about what one by exact distances finds with ef_search.  By
 * dot products paths are longer, and three times as many again are needed.
 *
 * If the number of wanted rows is known, the search ends by itself when what is left is too far
 * beyond them (graph_limit), and may keep more candidates for queries that need them.
 *
 * If the executor filters the rows, a search in the mode auto has twice as many candidates in each
 * round: the rows that pass are farther than those that are usually wanted.  It also allows for
 * larger errors of what has been left: a LIMIT ends the scan soon after rows of several rounds have
 * passed, before those come that the rounds have left and that are nearer.  A search that expects
 * to return more rows than ef_search until as many have passed keeps what its rounds leave, whose
 * order is then known, and allows for smaller errors.
 *
 * When the rows of scans are merged, each looks for its share only, and for rows nearer than those
 * that the others have found already; it goes on when it is asked for more.
 */
static SearchEffort
search_effort(const HnswScan *state)
{
	const Space *space = state->scan.search.space;
	const ScanBound *bound = state->scan.bound;
	uint64		rows = scan_wanted(&state->scan);
	uint32		size = state->list;
	bool		limited = rows > 0 && !space_is_lossy(space) && space->metric != SPACE_IP;
	SearchEffort effort = {
		.candidates = size,
		.keep = is_limited(state) && !limited,
		.rows = state->iterative == HNSW_ITERATIVE_SCAN_AUTO || state->scan.shared ? rows : 0,
		.margin = SEARCH_MARGIN,
		.known = state->scan.nearest ? scan_merge_known(state->scan.merged) : INFINITY,
		.within = INFINITY
	};

	if (space->coded)
		effort.candidates *= 2;
	if (space->metric == SPACE_IP)
		effort.candidates *= 3;
	if (!limited)
	{
		if (state->iterative == HNSW_ITERATIVE_SCAN_AUTO && state->scan.filtered &&
			!state->scan.among)
		{
			effort.keep = scan_bound_expected(bound) > size;
			effort.candidates *= 2;
			effort.margin = effort.keep ? KEPT_MARGIN : FILTERED_MARGIN;
		}
		return effort;
	}
	effort.candidates *= 2;
	graph_limit(&effort, space, rows, (uint32) state->scan.effort, state->list);
	if (state->scan.nearest)
		effort.wanted = graph_share(&effort, effort.wanted,
									1.0 / scan_merge_children(state->scan.merged));
	return effort;
}

/* SegmentSearch.allows: whether an iterative scan is within its limits. */
static bool
has_room(SegmentSearch *search, uint64 rows, Size memory)
{
	const VectorScan *scan = (VectorScan *) search;
	const ScanResults *results = &scan->results;
	Size		limit = (Size) (work_mem * 1024.0 * hnsw_scan_mem_multiplier);
	Size		used = MemoryContextMemAllocated(scan->context, true) + memory;
	uint64		more = rows > 0 ? rows : search->effort.candidates;

	if (scan->visited >= scan->most_visited || scan->visited + rows > scan->most_visited)
		return false;
	if (results->count + more > results->room)
		used += Max(results->room, more) * (sizeof(ScanResult) + sizeof(ResultPlace));
	return used <= Max(limit, (Size) 1024 * 1024);
}

/* Does the first round. */
static void
search_first(HnswScan *state)
{
	graph_first_rounds(&state->scan);
	end_round(state);
}

/* The candidates that a search keeps room for, of an effort for the wanted rows. */
static uint32
list_size(const VectorScan *scan, uint32 size, bool iterative)
{
	uint64		rows = scan_wanted(scan);

	if (!iterative || rows == 0 || !space_is_lossy(scan->search.space))
		return size;
	rows += rows / LOSSY_PART + LOSSY_MORE;
	return Max(size, (uint32) Min(rows, HNSW_MAX_EF_SEARCH));
}

static void
hnsw_search(VectorScan *scan)
{
	HnswScan   *state = (HnswScan *) scan;
	bool		iterative = hnsw_iterative_scan == HNSW_ITERATIVE_SCAN_AUTO;

	if (!scan_takes_part(scan))
		return;
	state->iterative = hnsw_iterative_scan;
	/* a mode of pgvector may return a part of the rows only */
	state->list = list_size(scan, (uint32) scan_set_effort(scan, hnsw_ef_search, iterative ?
														   HNSW_MAX_EF_SEARCH : 0),
							iterative);
	scan->relaxed = state->iterative == HNSW_ITERATIVE_SCAN_RELAXED;
	scan->most_beyond = BEYOND_TIMES * (uint64) scan->effort;
	if (is_limited(state))
	{
		scan->most_visited = (uint64) hnsw_max_scan_tuples;
		scan->search.allows = has_room;
	}
	state->most = state->iterative == HNSW_ITERATIVE_SCAN_OFF ?
		(uint64) scan->effort : PG_UINT64_MAX;
	scan->search.effort = search_effort(state);
	state->first = scan->search.effort.wanted > 0 ? scan->search.effort.wanted : state->list;
	scan_open(scan, scan_takes_segment);
	search_first(state);
}

static void
hnsw_search_again(VectorScan *scan)
{
	HnswScan   *state = (HnswScan *) scan;

	state->exhausted = false;
	state->first = scan->returned + scan->effort;
	scan_reopen(scan);
	search_first(state);
}

/* An iterative scan may do no further round. */
static void
note_limit(HnswScan *state)
{
	state->limited = true;
	if (state->scan.visited < state->scan.most_visited)
		ereport(DEBUG1,
				(errmsg("memory limit reached after " UINT64_FORMAT " tuples",
						state->scan.visited),
				 errhint("Increase hnsw.scan_mem_multiplier to scan more tuples.")));
}

/* Does a further round; returns false if there is nothing more. */
static bool
search_further(HnswScan *state)
{
	VectorScan *scan = &state->scan;
	bool		more = false;
	BlockBatch	batch;

	if (state->exhausted)
		return false;
	state->first = graph_extend(scan, state->list) ? scan->search.effort.wanted :
		PG_UINT64_MAX;
	if (scan->visited >= scan->most_visited)
		state->limited = true;
	/* limits count what the segments before have found */
	if (scan->search.allows == NULL)
		scan_wait_together(scan, &batch);
	for (int i = 0; i < scan->cursor_count && !state->limited; i++)
	{
		ScanCursor *cursor = &scan->cursors[i];

		if (cursor->searched || cursor->done)
			continue;
		if (graph_next_round(scan, cursor) == ROUND_REFUSED)
			note_limit(state);
		else
			more = true;
	}
	scan_end_waiting(scan);
	state->exhausted = !more;
	if (!more)
		state->first = PG_UINT64_MAX;
	end_round(state);
	return more || scan->results.count > 0;
}

static bool
hnsw_go_on(VectorScan *scan)
{
	HnswScan   *state = (HnswScan *) scan;

	if (scan->returned >= state->most)
		return false;
	if (search_further(state))
		return true;
	/* if a limit ended the scan, rows that would break the order are left out */
	return !state->limited && scan_take_late(scan);
}

static bool
hnsw_must_wait(VectorScan *scan, float nearest)
{
	const HnswScan *state = (HnswScan *) scan;

	/* the first round finds as many rows as are wanted, and all within what is known */
	return nearest > state->horizon || scan->returned >= state->most ||
		(scan->returned + scan->found_again >= state->first &&
		 !graph_is_known(&scan->search.effort, nearest));
}

const ScanMethod hnsw_scan_method = {
	.size = sizeof(HnswScan),
	.search = hnsw_search,
	.search_again = hnsw_search_again,
	.go_on = hnsw_go_on,
	.must_wait = hnsw_must_wait
};
