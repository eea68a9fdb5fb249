/*
 * hnsw_scan.c - an ordered scan: searches every live segment, and merges the results
 *
 * A scan proceeds in rounds.  In the first, each segment provides the ef_search nearest rows that
 * it finds; the best ef_search of all are returned.  When more rows are asked for, further rounds
 * go on from there, in which no segment finds anything twice.  Once a segment has done so much work
 * that reading the rest of it costs no more, it is read.  Results wait in a heap, so that a scan of
 * n rows costs n log n, however few of them a round returns.
 *
 * A scan that is read to its end returns every row once.  Except in relaxed_order, rows found too
 * late to be in order wait until nothing else is left.  Only iterative scans limit what they
 * visit, and end there.
 */
#include "am/hnsw.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/scan.h"
#include "graph_segment/scan.h"
#include "segment/growing.h"

/*
 * With a limit on the distance, a segment is done when whole rounds have found only rows beyond it:
 * this many times ef_search, plus one in BEYOND_PART of the rows found within the limit.
 */
#define BEYOND_TIMES	2
#define BEYOND_PART		4

/* A result is returned before a candidate is visited that seems this much farther. */
#define MARGIN			1.02f

/* A LIMIT of fewer rows is treated as one of this many: a few distances vary too much. */
#define LEAST_WANTED	10

/* See search_effort. */
#define REACH_DIMS		32.0f
#define PATIENCE_EF		200.0f
#define PLAIN_PATIENCE_EF	60.0f

typedef struct Cursor
{
	bool		growing;
	bool		done;
	uint64		within;			/* rows found within the limit */
	uint64		beyond;			/* rows beyond it found since, in rounds or of a growing segment */
	bool		waits;			/* one of its rows is among the results */
	union
	{
		GraphScan	graph;
		GrowingScan grown;
	};
} Cursor;

typedef struct HnswScan
{
	ScanBase	base;
	Cursor	   *cursors;
	int			cursor_count;

	uint64		visited;		/* results of all rounds */
	int			iterative;		/* HnswIterativeScan, as it was at the start */
	bool		limited;		/* an iterative scan has reached its limit */
	bool		exhausted;		/* there is no further round */
	SearchEffort effort;		/* for sealed segments */
	uint64		first;			/* results that are returned before the second round */
	uint64		returned;
	float		horizon;		/* everything nearer seems to have been found */
	float		last;			/* key of the result returned last */

	ItemPointer tids;			/* of a node with several rows */
	ItemPointerData single;
	int			tid_count;
	int			tid_next;
} HnswScan;

IndexScanDesc
hnswbeginscan(Relation index, int nkeys, int norderbys)
{
	HnswScan   *state = palloc0(sizeof(HnswScan));

	state->base.context = AllocSetContextCreate(CurrentMemoryContext, "hnsw scan",
												ALLOCSET_DEFAULT_SIZES);
	return scan_begin(index, nkeys, norderbys, &state->base);
}

void
hnswrescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	HnswScan   *state = scan->opaque;

	scan_reset(scan, keys, orderbys);
	state->cursors = NULL;
	state->cursor_count = 0;
	state->visited = state->returned = 0;
	state->limited = state->exhausted = false;
	state->tids = &state->single;
	state->tid_count = state->tid_next = 0;
	state->last = -INFINITY;
}

/* Adds a result, unless it is surely beyond the limit; returns false if it is. */
static bool
take_one(HnswScan *state, uint32 i, const GraphFound *found)
{
	state->visited++;
	if (scan_is_beyond(&state->base, found))
		return false;
	scan_results_add(&state->base.results, i, found);
	return true;
}

/* Whether a cursor has found so many rows beyond the limit that none within it can be expected. */
static bool
is_beyond(const Cursor *cursor)
{
	return cursor->beyond >= Max(BEYOND_TIMES * (uint64) hnsw_ef_search,
								 cursor->within / BEYOND_PART);
}

/* The least distance of a row that a graph search has left for the next round. */
static float
nearest_left(const Cursor *cursor)
{
	const GraphHeap *kept = &cursor->graph.search.kept;

	return cursor->growing || cursor->done || kept->count == 0 ? INFINITY :
		kept->items[0].distance;
}

/* Whether an iterative scan has reached its limit on visits. */
static bool
at_visit_limit(HnswScan *state)
{
	if (state->iterative != HNSW_ITERATIVE_SCAN_OFF &&
		state->visited >= (uint64) hnsw_max_scan_tuples)
		state->limited = true;
	return state->limited;
}

/*
 * Takes the next row of a growing segment.  Each row is taken when the one before it is returned,
 * so that no more vectors are read than results are asked for.
 */
static void
take_grown(HnswScan *state, uint32 i)
{
	Cursor	   *cursor = &state->cursors[i];
	GraphFound	found;

	cursor->waits = false;
	while (!cursor->done && !cursor->waits)
	{
		if (at_visit_limit(state) || !growing_scan_next(&cursor->grown, &found))
		{
			cursor->done = true;
			break;
		}
		cursor->waits = take_one(state, i, &found);
		cursor->within += cursor->waits;
		cursor->beyond = cursor->waits ? 0 : cursor->beyond + 1;
		cursor->done = is_beyond(cursor);
	}
}

/*
 * Takes what a cursor found in a round, and decides whether a limit ends the search there.  It
 * would not suffice that the nearest remaining candidate is estimated to be beyond the limit:
 * estimates err, and the way to near rows may lead through farther ones.  The more rows are within
 * the limit, the more are close to it, where candidates on both sides mix.
 */
static void
take_found(HnswScan *state, uint32 i)
{
	Cursor	   *cursor = &state->cursors[i];
	uint64		count = 0;
	uint64		within = 0;

	for (; count < cursor->graph.search.found_count; count++)
		within += take_one(state, i, &cursor->graph.search.found[count]);
	cursor->within += within;
	cursor->beyond = within > 0 ? 0 : cursor->beyond + count;
	cursor->done |= is_beyond(cursor);
}

/*
 * Ends a round.  A result must wait as long as a candidate that no round has taken seems to be
 * nearer, or only a little farther.  If distances are negative, the margin is measured from the
 * lowest possible distance.
 */
static void
end_round(HnswScan *state)
{
	state->horizon = INFINITY;
	for (int i = 0; i < state->cursor_count && !state->exhausted; i++)
	{
		const Cursor *cursor = &state->cursors[i];
		float		base = cursor->growing ? 0 : cursor->graph.search.base;

		state->horizon = Min(state->horizon, (nearest_left(cursor) + base) / MARGIN - base);
	}
}

/*
 * How far a search of a graph goes.  Estimates put some candidates in the wrong order; with twice
 * as many candidates, a search finds about what one by exact distances finds with ef_search.  By
 * dot products paths are longer, and three times as many again are needed.
 *
 * If the number of wanted rows is known, the search ends by itself when what is left is too far
 * beyond them (graph_search_limit), and may keep more candidates for queries that need them.  How
 * far is too far follows from ef_search: about twice ef_search vectors are within reach if squared
 * distances are distributed as in REACH_DIMS dimensions, or in all that the vectors have if these
 * are fewer.  The intrinsic dimension of most data is lower.  In some data the way to near vectors
 * leads over far ones.  So a search goes on beyond its reach as long as that brings a gain now and
 * then: with fewer candidates than PATIENCE_EF for a part of the hops that it took to the last
 * gain, because reach alone serves most data best; with more candidates for many times as many
 * hops.  Plain nodes, whose graphs have fewer neighbours and whose distances are often whole
 * numbers, need this at smaller ef_search.
 *
 * When the rows of partitions are merged, each scan looks for its share only, and for rows nearer
 * than those that the others have returned already; it goes on when it is asked for more.
 */
static SearchEffort
search_effort(const HnswScan *state)
{
	const Space *space = state->base.space;
	uint64		rows = state->base.bound ? scan_bound_rows(state->base.bound) : 0;
	bool		limited = rows > 0 && !space_is_lossy(space) && space->metric != SPACE_IP;
	SearchEffort effort = {
		.candidates = hnsw_ef_search,
		.keep = state->iterative != HNSW_ITERATIVE_SCAN_OFF && !limited,
		.known = state->base.bound && !space_is_lossy(space) ?
			scan_bound_of_siblings(state->base.bound) : INFINITY
	};
	float		dims;

	if (space->coded)
		effort.candidates *= 2;
	if (space->metric == SPACE_IP)
		effort.candidates *= 3;
	if (!limited)
		return effort;
	effort.candidates *= 2;
	effort.wanted = (uint32) Min(Max(rows, LEAST_WANTED), hnsw_ef_search);
	dims = Min(space->dims, REACH_DIMS);
	effort.reach = powf(2.0f * hnsw_ef_search / effort.wanted, 2 / dims);
	effort.patience = space->coded ? powf(hnsw_ef_search / PATIENCE_EF, 3) :
		powf(hnsw_ef_search / PLAIN_PATIENCE_EF, 2);
	effort.wanted = scan_bound_share(state->base.bound, effort.wanted);
	return effort;
}

/* The argument of take_rest_one. */
typedef struct Rest
{
	HnswScan   *state;
	uint32		cursor;
} Rest;

static void
take_rest_one(void *arg, const GraphFound *found)
{
	const Rest *rest = arg;

	(void) take_one(rest->state, rest->cursor, found);
}

/* Whether an iterative scan may use this much more memory, and room for this many more results. */
static bool
has_memory(HnswScan *state, Size more, uint64 more_results)
{
	const ScanResults *results = &state->base.results;
	Size		limit = (Size) (work_mem * 1024.0 * hnsw_scan_mem_multiplier);
	Size		used = MemoryContextMemAllocated(state->base.context, true) + more;

	if (state->iterative == HNSW_ITERATIVE_SCAN_OFF)
		return true;
	if (results->count + more_results > results->room)
		used += Max(results->room, more_results) * sizeof(ScanResult);
	return used <= Max(limit, (Size) 1024 * 1024);
}

/*
 * Reads the rest of a segment in place of further hops, if that costs no more than `hops` of them
 * and is within the limits of an iterative scan; returns false if not.
 */
static bool
take_rest(HnswScan *state, uint32 i, uint64 hops)
{
	Cursor	   *cursor = &state->cursors[i];
	uint64		nodes = cursor->graph.sealed.segment->header.nodes;
	uint64		left = nodes - Min(cursor->graph.search.hops, nodes);
	Rest		rest = {state, i};

	if (left > HNSW_NODES_PER_HOP * hops)
		return false;
	if (state->iterative != HNSW_ITERATIVE_SCAN_OFF &&
		(state->visited + left > (uint64) hnsw_max_scan_tuples || !has_memory(state, 0, left)))
		return false;
	graph_scan_rest(&cursor->graph, &state->base.query, take_rest_one, &rest);
	cursor->done = true;
	return true;
}

/*
 * The first round of a segment; a segment that costs no more to read than to search is read.  A
 * search visits each of the wanted rows at least; without a number of wanted rows it visits as many
 * as it has candidates.
 */
static void
search_first(HnswScan *state, uint32 i)
{
	uint32		hops = state->effort.wanted > 0 ? state->effort.wanted : state->effort.candidates;

	if (take_rest(state, i, hops))
		return;
	graph_scan_search(&state->cursors[i].graph, &state->base.query, &state->effort);
	take_found(state, i);
}

static void
begin_search(IndexScanDesc scan, HnswScan *state)
{
	Relation	index = scan->indexRelation;
	CachedIndex *cached;
	const Directory *directory;

	state->iterative = hnsw_iterative_scan;
	if (!scan_start(scan))
		return;
	cached = state->base.cached;
	directory = cache_directory(cached);
	state->effort = search_effort(state);
	state->first = state->effort.wanted > 0 ? state->effort.wanted : hnsw_ef_search;
	state->cursors = palloc0(sizeof(Cursor) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		Cursor	   *cursor = &state->cursors[state->cursor_count];

		if (!segment_is_live(entry))
			continue;
		cursor->growing = entry->kind == SEGMENT_GROWING;
		if (cursor->growing)
		{
			state->cursor_count++;
			growing_scan_begin(&cursor->grown, index, cached, &state->base.query, entry,
							   &state->base.statistics);
			take_grown(state, state->cursor_count - 1);
		}
		else
		{
			state->cursor_count++;
			graph_scan_begin(&cursor->graph, index, state->base.space,
							  cache_acquire(cached, index, entry), &state->base.statistics);
			search_first(state, state->cursor_count - 1);
		}
	}
	end_round(state);
}

/* Whether an iterative scan may do a further round of this cursor. */
static bool
may_go_on(HnswScan *state, const Cursor *cursor)
{
	uint32		candidates = state->effort.candidates;

	if (at_visit_limit(state))
		return false;
	if (has_memory(state, graph_search_growth(&cursor->graph.search, (Size) candidates *
											  cursor->graph.sealed.segment->header.layout.degree),
				   candidates))
		return true;
	ereport(DEBUG1,
			(errmsg("memory limit reached after " UINT64_FORMAT " tuples", state->visited),
			 errhint("Increase hnsw.scan_mem_multiplier to scan more tuples.")));
	state->limited = true;
	return false;
}

/* Does a further round; returns false if there is nothing more. */
static bool
continue_search(HnswScan *state)
{
	bool		more = false;

	if (state->exhausted)
		return false;
	state->first = PG_UINT64_MAX;
	for (int i = 0; i < state->cursor_count; i++)
	{
		Cursor	   *cursor = &state->cursors[i];

		if (cursor->growing || cursor->done)
			continue;
		if (!take_rest(state, i, cursor->graph.search.hops))
		{
			if (!may_go_on(state, cursor))
				break;
			if (graph_scan_more(&cursor->graph))
				take_found(state, i);
			else
				cursor->done = true;
		}
		more = true;
	}
	state->exhausted = !more;
	end_round(state);
	return more || state->base.results.count > 0;
}

/* Finds the next result, of this round or another; returns false at the end. */
static bool
next_result(HnswScan *state)
{
	ScanResults *results = &state->base.results;
	ScanResult *result = &state->base.current;
	float		known = state->effort.known;

	for (;;)
	{
		if (known < INFINITY &&
			(results->count == 0 || results->items[0].found.distance > known))
			return false;
		if (results->count == 0 || results->items[0].found.distance > state->horizon ||
			state->returned == state->first)
		{
			if (continue_search(state))
				continue;
			/* if a limit ended the scan, rows that would break the order are left out */
			if (state->limited || !scan_take_late(&state->base))
				return false;
			state->last = -INFINITY;
		}
		*result = scan_results_pop(results);
		if (state->cursors[result->cursor].growing)
			take_grown(state, result->cursor);
		if (state->iterative != HNSW_ITERATIVE_SCAN_RELAXED &&
			scan_result_key(results, result) < state->last)
		{
			scan_results_add(&state->base.late, result->cursor, &result->found);
			continue;
		}
		state->last = scan_result_key(results, result);
		state->returned++;
		return true;
	}
}

/* Takes the TIDs of the current result. */
static void
take_tids(HnswScan *state)
{
	const ScanResult *result = &state->base.current;
	Cursor	   *cursor = &state->cursors[result->cursor];

	if (state->tids != &state->single)
		pfree(state->tids);
	state->tid_next = 0;
	if (cursor->growing)
	{
		tag_get_tid(result->found.tag, &state->single);
		state->tids = &state->single;
		state->tid_count = 1;
	}
	else
		state->tid_count = graph_scan_tids(&cursor->graph, &result->found, &state->single,
											&state->tids);
}

bool
hnswgettuple(IndexScanDesc scan, ScanDirection dir)
{
	HnswScan   *state = scan->opaque;
	MemoryContext old = MemoryContextSwitchTo(state->base.context);
	bool		more = true;

	Assert(ScanDirectionIsForward(dir));
	if (state->base.bound)
		scan_bound_asked(state->base.bound);
	if (!state->base.started)
		begin_search(scan, state);
	while (state->tid_next == state->tid_count && (more = next_result(state)))
		take_tids(state);
	MemoryContextSwitchTo(old);
	last_scan = state->base.statistics;
	if (!more)
		return false;
	scan->xs_heaptid = state->tids[state->tid_next++];
	scan_set_orderby(scan);
	if (state->base.bound && !state->base.results.lossy)
		scan_bound_returned(state->base.bound, state->base.current.found.distance);
	return true;
}
