/*
 * hnsw_scan.c - an ordered scan: every live segment is searched, and what they find is merged
 *
 * A scan goes in rounds.  In the first, each segment gives the ef_search nearest that it finds; the
 * best ef_search of all are returned.  An iterative scan goes on with further rounds, in which no
 * segment visits anything twice.  What was found waits in a heap, so that a scan of n rows costs
 * n log n, however few of them a round returns.
 */
#include "am/hnsw.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "am/scan.h"
#include "segment/growing.h"

/*
 * With a limit on the distance, a segment is done when whole rounds have found only rows beyond it:
 * so many times ef_search, and such a part of those found within.
 */
#define BEYOND_TIMES	2
#define BEYOND_PART		4

/* A LIMIT of fewer rows is searched for as one of so many: a few distances vary too much. */
#define LEAST_WANTED	10

typedef struct Cursor
{
	bool		growing;
	bool		done;
	uint64		within;			/* rows found within the limit */
	uint64		beyond;			/* found in rounds since, or rows of a growing one, and beyond it */
	uint64		rows_left;		/* that a growing one may give in this round */
	bool		waits;			/* one of its rows is among the results */
	union
	{
		SealedScan	sealed;
		GrowingScan grown;
	};
} Cursor;

typedef struct ReturnedResult
{
	ScanResult	result;
	uint64		hash;			/* of its vector */
} ReturnedResult;

typedef struct HnswScan
{
	ScanBase	base;
	Cursor	   *cursors;
	int			cursor_count;

	uint64		left;			/* results that may still be returned */
	ReturnedResult *counted;	/* that have taken a place of ef_search each; or NULL */
	uint32		counted_count;
	uint32		hashed;			/* so many of them have their hash */
	uint64		visited;		/* results of all rounds */
	int			iterative;		/* HnswIterativeScan, as it was at the start */
	bool		exhausted;		/* no further round */
	SearchEffort effort;		/* of sealed segments */
	uint64		returned;
	float		horizon;		/* strict order: what is nearer than this has been found */
	float		last;			/* key of the last one returned */

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
	state->visited = state->left = state->returned = 0;
	state->counted = NULL;
	state->counted_count = state->hashed = 0;
	state->exhausted = false;
	state->tids = &state->single;
	state->tid_count = state->tid_next = 0;
	state->last = -INFINITY;
}

/* Adds a result, unless it is surely beyond the limit; false if it is. */
static bool
take_one(HnswScan *state, uint32 i, const GraphFound *found)
{
	state->visited++;
	if (scan_is_beyond(&state->base, found))
		return false;
	scan_results_add(&state->base.results, i, found);
	return true;
}

/* Whether a cursor whose latest finds were beyond the limit has nothing within it any more. */
static bool
is_beyond(const Cursor *cursor)
{
	return cursor->beyond >= Max(BEYOND_TIMES * (uint64) hnsw_ef_search,
								 cursor->within / BEYOND_PART);
}

/*
 * How near a row may be that a cursor has left for the next round: infinitely far, if it has none,
 * or those of this round are not all taken, which come in order.
 */
static float
nearest_left(const Cursor *cursor)
{
	const GrowingScan *grown = &cursor->grown;
	float		nearest = INFINITY;

	if (cursor->done)
		return INFINITY;
	if (!cursor->growing)
		return cursor->sealed.search.kept.count > 0 ?
			cursor->sealed.search.kept.items[0].distance : INFINITY;
	if (cursor->rows_left > 0)
		return INFINITY;
	if (grown->candidates.count > 0)
		nearest = grown->candidates.items[0].distance;
	if (grown->refined.count > 0)
		nearest = Min(nearest, grown->refined.items[0].distance);
	return nearest;
}

/*
 * In strict order a result waits as long as a candidate that no round has taken yet seems to be
 * nearer.
 */
static void
wait_for_left(HnswScan *state, const Cursor *cursor)
{
	if (state->iterative == HNSW_ITERATIVE_SCAN_STRICT && !state->exhausted)
		state->horizon = Min(state->horizon, nearest_left(cursor));
}

/*
 * Takes the next row of a growing segment, if this round has one.  Each is taken when the one
 * before is returned, so that no more vectors are read than results are asked for.
 */
static void
take_grown(HnswScan *state, uint32 i)
{
	Cursor	   *cursor = &state->cursors[i];
	GraphFound	found;

	cursor->waits = false;
	while (cursor->rows_left > 0 && !cursor->done && !cursor->waits)
	{
		if (!growing_scan_next(&cursor->grown, &found))
		{
			cursor->done = true;
			break;
		}
		cursor->rows_left--;
		cursor->waits = take_one(state, i, &found);
		cursor->within += cursor->waits;
		cursor->beyond = cursor->waits ? 0 : cursor->beyond + 1;
		cursor->done = is_beyond(cursor);
	}
	wait_for_left(state, cursor);
}

/*
 * Takes what a cursor found in a round, and decides whether a limit ends the search there.  That
 * the nearest candidate left is estimated to be beyond the limit would not be reason enough:
 * estimates err, and a way to near rows may lead through farther ones.  The more rows lie within
 * the limit, the more lie close to it, where candidates of both sides mix.
 */
static void
take_found(HnswScan *state, uint32 i)
{
	Cursor	   *cursor = &state->cursors[i];
	uint64		count = 0;
	uint64		within = 0;

	if (cursor->growing)
	{
		cursor->rows_left = hnsw_ef_search;
		take_grown(state, i);
		return;
	}
	for (; count < cursor->sealed.search.found_count; count++)
		within += take_one(state, i, &cursor->sealed.search.found[count]);
	cursor->within += within;
	cursor->beyond = within > 0 ? 0 : cursor->beyond + count;
	cursor->done |= is_beyond(cursor);
}

/* Begins the next round's horizon. */
static void
end_round(HnswScan *state)
{
	state->horizon = INFINITY;
	for (int i = 0; i < state->cursor_count; i++)
		wait_for_left(state, &state->cursors[i]);
}

/*
 * How far a search of a graph goes.  Estimates put some candidates in the wrong order; with twice
 * as many, a search finds about what one by exact distances finds with ef_search, by dot products
 * with three times as many.
 *
 * Where the rows that are wanted are known, the search ends by itself when what is left is too far
 * beyond them (graph_search_limit), and may keep more candidates for queries that need them.  How
 * far is too far follows from ef_search: about so many vectors are within reach where squared
 * distances are those of 32 dimensions, more than most data has.
 */
static SearchEffort
search_effort(const HnswScan *state)
{
	const Space *space = state->base.space;
	uint64		rows = state->base.bound ? scan_bound_rows(state->base.bound) : 0;
	SearchEffort effort = {
		.candidates = !space->coded ? hnsw_ef_search :
			hnsw_ef_search * (space->metric == SPACE_IP ? 3 : 2),
		.keep = state->iterative != HNSW_ITERATIVE_SCAN_OFF
	};

	/* the norms, by which products are compared, are known of coded nodes */
	if (rows == 0 || space_is_lossy(space) || (space->metric == SPACE_IP && !space->coded))
		return effort;
	effort.candidates *= 2;
	effort.wanted = (uint32) Min(Max(rows, LEAST_WANTED), hnsw_ef_search);
	effort.reach = powf(2.0f * hnsw_ef_search / effort.wanted, 1.0f / 16);
	return effort;
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
	state->left = PG_UINT64_MAX;
	if (state->iterative == HNSW_ITERATIVE_SCAN_OFF)
	{
		/* beside so many, those as far as the last before: see give_places_back */
		state->left = hnsw_ef_search;
		state->counted = palloc(sizeof(ReturnedResult) * 2 * hnsw_ef_search);
	}
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
		}
		else
		{
			state->cursor_count++;
			sealed_scan_guard(&cursor->sealed);
			sealed_scan_begin(&cursor->sealed, index, state->base.space,
							  cache_acquire(cached, index, entry), &state->base.statistics);
			sealed_scan_search(&cursor->sealed, &state->base.query, &state->effort);
		}
		take_found(state, state->cursor_count - 1);
	}
	end_round(state);
}

/* Whether an iterative scan has done as much as it may; a round of this cursor would come next. */
static bool
at_limit(const HnswScan *state, const Cursor *cursor)
{
	const ScanResults *results = &state->base.results;
	Size		limit = (Size) (work_mem * 1024.0 * hnsw_scan_mem_multiplier);
	Size		used = MemoryContextMemAllocated(state->base.context, true);

	if (state->visited >= (uint64) hnsw_max_scan_tuples)
		return true;
	if (!cursor->growing)
		used += graph_search_growth(&cursor->sealed.search, (Size) state->effort.candidates *
									cursor->sealed.segment->header.layout.degree);
	if (results->count + state->effort.candidates > results->room)
		used += results->room * sizeof(ScanResult);
	if (used <= Max(limit, (Size) 1024 * 1024))
		return false;
	ereport(DEBUG1,
			(errmsg("memory limit reached after " UINT64_FORMAT " tuples", state->visited),
			 errhint("Increase hnsw.scan_mem_multiplier to scan more tuples.")));
	return true;
}

/*
 * More rows are asked for than were wanted: searches that ended early are finished.  What they find
 * now should come after what was returned, but for little.
 */
static void
finish_search(HnswScan *state)
{
	for (int i = 0; i < state->cursor_count; i++)
		if (!state->cursors[i].growing)
		{
			sealed_scan_finish(&state->cursors[i].sealed);
			take_found(state, i);
		}
	state->effort.wanted = 0;
	end_round(state);
}

/* A further round; false if there is nothing more. */
static bool
continue_search(HnswScan *state)
{
	bool		more = false;

	if (state->iterative == HNSW_ITERATIVE_SCAN_OFF || state->exhausted)
		return false;
	for (int i = 0; i < state->cursor_count; i++)
	{
		Cursor	   *cursor = &state->cursors[i];

		if (cursor->done)
			continue;
		if (at_limit(state, cursor))
			break;
		if (!cursor->growing && !sealed_scan_more(&cursor->sealed))
			cursor->done = true;
		else
		{
			take_found(state, i);
			more = true;
		}
	}
	end_round(state);
	if (!more)
	{
		state->exhausted = true;
		state->horizon = INFINITY;
	}
	return more || state->base.results.count > 0;
}

/* Tells vectors apart: equal ones of one storage have the same. */
static uint64
vector_hash(HnswScan *state, const ScanResult *result)
{
	Cursor	   *cursor = &state->cursors[result->cursor];

	return cursor->growing ? growing_scan_hash(&cursor->grown, result->found.id) :
		sealed_scan_hash(&cursor->sealed, result->found.id);
}

static int
compare_hashes(const void *a, const void *b)
{
	uint64		x = ((const ReturnedResult *) a)->hash;
	uint64		y = ((const ReturnedResult *) b)->hash;

	return x < y ? -1 : x > y;
}

/*
 * Of results that are equally far, from one of those counted to another, moves the different
 * vectors to the front of the list; returns how many.
 */
static uint32
keep_different(HnswScan *state, uint32 from, uint32 to)
{
	ReturnedResult *counted = state->counted;
	uint32		kept = 0;

	for (uint32 i = Max(from, state->hashed); i < to; i++)
		counted[i].hash = vector_hash(state, &counted[i].result);
	qsort(counted + from, to - from, sizeof(ReturnedResult), compare_hashes);
	for (uint32 i = from; i < to; i++)
		if (kept == 0 || counted[i].hash != counted[kept - 1].hash)
			counted[kept++] = counted[i];
	return kept;
}

/*
 * A scan that has returned its ef_search results is asked for more.  Rows with the same vector, as
 * the versions of one row have, should take one place together: gives back what they took too much.
 * False if they did not.
 */
static bool
give_places_back(HnswScan *state)
{
	uint32		kept = 0;

	for (uint32 from = 0, to; from < state->counted_count; from = to)
	{
		const ReturnedResult *counted = state->counted;
		float		key = scan_result_key(&state->base.results, &counted[from].result);

		for (to = from + 1; to < state->counted_count; to++)
			if (scan_result_key(&state->base.results, &counted[to].result) != key)
				break;
		/* those that are as far as the last may have more like them */
		kept = 0;
		if (to > from + 1 || to == state->counted_count)
		{
			kept = keep_different(state, from, to);
			state->left += to - from - kept;
		}
	}
	state->counted_count = state->hashed = kept;
	/* a growing segment has given no more than there were places */
	for (int i = 0; i < state->cursor_count; i++)
	{
		state->cursors[i].rows_left += state->left;
		if (state->cursors[i].growing && !state->cursors[i].waits)
			take_grown(state, i);
	}
	return state->left > 0;
}

/* The next result, of this round or another; false at the end. */
static bool
next_result(HnswScan *state)
{
	ScanResults *results = &state->base.results;
	ScanResult *result = &state->base.current;

	while (state->left > 0 || give_places_back(state))
	{
		if (state->effort.wanted > 0 && (state->returned == state->effort.wanted ||
										 results->count == 0))
			finish_search(state);
		if (results->count == 0 || results->items[0].found.distance > state->horizon)
		{
			if (!continue_search(state))
				return false;
			continue;
		}
		*result = scan_results_pop(results);
		if (state->cursors[result->cursor].growing)
			take_grown(state, result->cursor);
		if (state->iterative != HNSW_ITERATIVE_SCAN_RELAXED &&
			scan_result_key(results, result) < state->last)
			continue;
		state->last = scan_result_key(results, result);
		state->returned++;
		if (state->counted)
			state->counted[state->counted_count++].result = *result;
		state->left--;
		return true;
	}
	return false;
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
		state->tid_count = sealed_scan_tids(&cursor->sealed, &result->found, &state->single,
											&state->tids);
}

bool
hnswgettuple(IndexScanDesc scan, ScanDirection dir)
{
	HnswScan   *state = scan->opaque;
	MemoryContext old = MemoryContextSwitchTo(state->base.context);
	bool		more = true;

	Assert(ScanDirectionIsForward(dir));
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
	return true;
}
