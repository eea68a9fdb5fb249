/*
 * ivf_scan.c - an ordered scan of lists: searches the nearest lists of every segment, and merges
 * the results
 *
 * A scan searches the nearest lists, `probes` of them, and when more rows are asked for twice as
 * many each time, until all rows have been returned once, or an iterative scan has reached its
 * limit.  With codes, candidates of all segments wait by lower bounds of their distances; the
 * smallest is refined until a row is found that is not farther than any bound left.  If a LIMIT
 * says how many rows are wanted, lists are searched one after the other, and a later row must be
 * nearer than the farthest of that many rows found so far.  Without codes every row of a list is
 * compared, so a search of all lists is exact.
 *
 * Participants of a parallel scan divide the lists among them, and return what they find in theirs
 * in order.
 *
 * If vectors are not kept, the best candidates by their estimates, `ivf.refine_k` times the rows
 * wanted, are compared in the table; in a scan without a LIMIT, all of them in the order of bounds.
 */
#include "am/ivf_scan.h"

#include <math.h>

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/memutils.h"

#include "am/ivf.h"
#include "list_segment/scan.h"
#include "segment/growing.h"

uint32
ivf_probes_of(Relation index, uint32 lists)
{
	if (ivf_is_flat(index))
		return Min(lists, (uint32) ivfflat_probes);
	if (ivf_probes > 0)
		return Min(lists, (uint32) ivf_probes);
	return Min(lists, (uint32) ceil(sqrt(lists)));
}

/*
 * The state that participants of a parallel scan share.  They search the segments that the first
 * participant has read; one that begins when the directory has changed since takes no part.
 */
typedef struct IvfShared
{
	pg_atomic_uint64 change;	/* of the first participant's directory */
	pg_atomic_uint32 probed;	/* ranks of lists that have been taken */
	pg_atomic_uint32 growing;	/* growing segments that have been taken */
	pg_atomic_uint32 active;	/* participants still in the first round */
} IvfShared;

#define NO_CHANGE	PG_UINT64_MAX

/* A segment that is searched. */
typedef struct IvfCursor
{
	bool		growing;
	union
	{
		ListsScan	lists;
		GrowingScan grown;
	};
} IvfCursor;

/* A query's lists for centroids that segments name. */
typedef struct IvfRanks
{
	struct IvfRanks *next;
	ListsQuery	query;
} IvfRanks;

/* The table, if rows are compared in it. */
typedef struct IvfTable
{
	struct IndexFetchTableData *fetch;
	TupleTableSlot *slot;
	IndexInfo  *info;
	EState	   *estate;
} IvfTable;

typedef struct IvfScan
{
	ScanBase	base;
	MemoryContext temporary;	/* of a row */
	IvfRanks   *ranks;
	IvfCursor  *cursors;
	int			cursor_count;
	IvfTable	table;

	uint32		lists;			/* maximum number that may be searched in any segment */
	uint32		first;			/* number of lists in the first round */
	uint32		ranked;			/* this many lists are in order */
	uint32		end;			/* of the ranks of this round */
	uint32		probed;			/* ranks taken, unless parallel: */
	IvfShared  *shared;			/* or NULL */
	bool		iterative;
	uint64		wanted;			/* number of rows; 0: not known */
	bool		limited;		/* in the table only this many rows may be compared: */
	uint64		refinable;
	uint64	   *given;			/* tags of rows returned under `wanted`; sorted once it is lifted */
	uint64		given_count;
	uint64		given_room;
	bool		repeated;		/* the search was repeated: rows in `given` are left out */
	float		last;			/* key of the result returned last in this round */
	GraphHeap	best;			/* distances of the wanted nearest, negated */
	uint32		cursor;			/* whose lists' rows are being added */
} IvfScan;

IndexScanDesc
ivfbeginscan(Relation index, int nkeys, int norderbys)
{
	IvfScan    *state = palloc0(sizeof(IvfScan));

	state->base.context = AllocSetContextCreate(CurrentMemoryContext, "ivf scan",
												ALLOCSET_DEFAULT_SIZES);
	state->temporary = AllocSetContextCreate(CurrentMemoryContext, "ivf scan row",
											 ALLOCSET_SMALL_SIZES);
	return scan_begin(index, nkeys, norderbys, &state->base);
}

static void
close_table(IvfScan *state)
{
	if (state->table.fetch == NULL)
		return;
	table_index_fetch_end(state->table.fetch);
	ExecDropSingleTupleTableSlot(state->table.slot);
	FreeExecutorState(state->table.estate);
	state->table.fetch = NULL;
}

void
ivfrescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	IvfScan    *state = scan->opaque;

	close_table(state);
	scan_reset(scan, keys, orderbys);
	state->cursors = NULL;
	state->cursor_count = 0;
	state->ranks = NULL;
	memset(&state->best, 0, sizeof(state->best));
	state->probed = state->end = 0;
	state->given = NULL;
	state->given_count = state->given_room = 0;
	state->repeated = false;
	state->last = -INFINITY;
}

void
ivfendscan(IndexScanDesc scan)
{
	IvfScan    *state = scan->opaque;

	close_table(state);
	MemoryContextDelete(state->temporary);
	scan_end(scan);
}

/* The query's ranking of lists for a segment's centroids. */
static const ListsQuery *
ranks_of(Relation index, IvfScan *state, const CachedSegment *segment)
{
	IvfRanks   *ranks = state->ranks;

	while (ranks && ranks->query.centroids != cached_centroids(segment))
		ranks = ranks->next;
	if (ranks == NULL)
	{
		ranks = palloc(sizeof(IvfRanks));
		lists_query(&ranks->query, index, state->base.space, &state->base.query,
					cached_centroids(segment), state->ranked);
		ranks->next = state->ranks;
		state->ranks = ranks;
	}
	return &ranks->query;
}

/* The distance that a row must be below to be among those wanted. */
static inline float
threshold(const IvfScan *state)
{
	return state->wanted > 0 && state->best.count == state->wanted ?
		-state->best.items[0].distance : INFINITY;
}

static int
compare_tags(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

/* Whether a row was returned before the search was repeated. */
static bool
was_returned(const IvfScan *state, const GraphFound *found)
{
	uint64		tid = found->tag & FOUND_TID;

	return state->repeated &&
		bsearch(&tid, state->given, state->given_count, sizeof(uint64), compare_tags) != NULL;
}

/* Remembers a row that is returned, while the search may be repeated. */
static void
note_returned(IvfScan *state, const GraphFound *found)
{
	if (state->wanted == 0)
		return;
	if (state->given_count == state->given_room)
	{
		state->given_room = Max(state->given_room * 2, 64);
		state->given = state->given ?
			repalloc_huge(state->given, state->given_room * sizeof(uint64)) :
			palloc(state->given_room * sizeof(uint64));
	}
	state->given[state->given_count++] = found->tag & FOUND_TID;
}

/* Adds a found row, unless it is surely beyond the limit or farther than the rows wanted. */
static void
add_ordered(IvfScan *state, uint32 cursor, const GraphFound *found)
{
	if (scan_is_beyond(&state->base, found) || was_returned(state, found))
		return;
	if (state->wanted > 0)
	{
		if (found->distance > threshold(state))
			return;
		if (state->best.count == state->wanted)
			(void) graph_heap_pop(&state->best);
		graph_heap_push(&state->best, space_graph_memory(state->base.context),
						(GraphCandidate) {-found->distance, 0});
	}
	scan_results_add(&state->base.results, cursor, found);
}

/* Likewise; a distance that is NaN comes last in the order. */
static void
add_found(IvfScan *state, uint32 cursor, const GraphFound *found)
{
	GraphFound	last;

	if (likely(!isnan(found->distance)))
	{
		add_ordered(state, cursor, found);
		return;
	}
	last = *found;
	last.distance = INFINITY;
	add_ordered(state, cursor, &last);
}

static void
add_row(void *arg, const GraphFound *found)
{
	IvfScan    *state = arg;

	add_found(state, state->cursor, found);
}

/* Opens the table to compare rows in it. */
static void
open_table(IndexScanDesc scan, IvfScan *state)
{
	IvfTable   *table = &state->table;

	table->fetch = table_index_fetch_begin_compat(scan->heapRelation);
	table->slot = table_slot_create(scan->heapRelation, NULL);
	table->info = BuildIndexInfo(scan->indexRelation);
	table->estate = CreateExecutorState();
}

/* Compares a row in the table; false if it is not visible. */
static bool
refine_by_table(IndexScanDesc scan, IvfScan *state, ListsScan *lists, uint32 row,
				GraphFound *found)
{
	IvfTable   *table = &state->table;
	ExprContext *context;
	MemoryContext old;
	SealedRow	sealed;
	bool		again = false;
	bool		dead = false;
	bool		visible;
	Datum		value[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];
	float		scale;

	if (table->fetch == NULL)
		open_table(scan, state);
	sealed_read_row(&lists->sealed, row, &sealed);
	visible = table_index_fetch_tuple(table->fetch, &sealed.tid, scan->xs_snapshot, table->slot,
									  &again, &dead);
	if (!visible)
		return false;
	old = MemoryContextSwitchTo(state->temporary);
	context = GetPerTupleExprContext(table->estate);
	context->ecxt_scantuple = table->slot;
	FormIndexDatum(table->info, table->slot, table->estate, value, isnull);
	if (!isnull[0])
	{
		const Space *space = state->base.space;
		const SpaceQuery *query = &state->base.query;
		Size		size;
		const char *payload = space_payload(space, value[0], &size);

		found->id = row;
		sealed_read_row(&lists->sealed, row, &sealed);
		found->tag = tag_from_tid(&sealed.tid);
		found->distance = space_query_distance(space, query, payload, &scale);
		found->bound = (float) space_order_by(space, query, found->distance, 0, scale);
		state->base.statistics.distances++;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->temporary);
	ResetPerTupleExprContext(table->estate);
	ExecClearTuple(table->slot);
	return !isnull[0];
}

/* The cursor whose best candidate has the smallest bound of all; *bound is set to it.  Or NULL. */
static IvfCursor *
nearest_candidate(IvfScan *state, float *bound)
{
	IvfCursor  *nearest = NULL;

	*bound = INFINITY;
	for (int i = 0; i < state->cursor_count; i++)
	{
		IvfCursor  *cursor = &state->cursors[i];
		float		own;

		if (cursor->growing)
			continue;
		if (lists_scan_bound(&cursor->lists, &own) && (nearest == NULL || own < *bound))
		{
			*bound = own;
			nearest = cursor;
		}
	}
	return nearest;
}

/* Computes the distance of the best candidate of a cursor. */
static void
refine(IndexScanDesc scan, IvfScan *state, IvfCursor *cursor)
{
	GraphCandidate row = lists_scan_pop(&cursor->lists);
	GraphFound	found;

	CHECK_FOR_INTERRUPTS();
	if (state->base.space->storage != STORAGE_NONE)
		lists_scan_refine(&cursor->lists, row.id, &found);
	else
	{
		if (state->limited)
			state->refinable--;
		if (!refine_by_table(scan, state, &cursor->lists, row.id, &found))
			return;
	}
	add_found(state, (uint32) (cursor - state->cursors), &found);
}

/* Computes distances as long as candidates may be among the rows wanted. */
static void
refine_wanted(IndexScanDesc scan, IvfScan *state)
{
	IvfCursor  *cursor;
	float		bound;

	if (state->wanted == 0 || state->base.space->storage == STORAGE_NONE)
		return;
	while ((cursor = nearest_candidate(state, &bound)) != NULL && bound <= threshold(state))
		refine(scan, state, cursor);
}

/* Takes the rank of the next list of this round; false if none is left. */
static bool
take_rank(IvfScan *state, uint32 *rank)
{
	if (state->shared == NULL)
	{
		*rank = state->probed;
		state->probed = Min(state->probed + 1, state->end);
		return *rank < state->end;
	}
	*rank = pg_atomic_read_u32(&state->shared->probed);
	while (*rank < state->end)
		if (pg_atomic_compare_exchange_u32(&state->shared->probed, rank, *rank + 1))
			return true;
	return false;
}

/* Ranks the rest of the lists that may be searched. */
static void
rank_rest(IvfScan *state)
{
	if (state->ranked == state->lists)
		return;
	state->ranked = state->lists;
	for (IvfRanks *ranks = state->ranks; ranks; ranks = ranks->next)
		lists_query_more(&ranks->query, state->base.space, state->lists);
}

/* Searches the lists up to a rank. */
static void
probe(IndexScanDesc scan, IvfScan *state, uint32 end)
{
	uint32		rank;

	state->end = end;
	while (take_rank(state, &rank))
	{
		for (int i = 0; i < state->cursor_count; i++)
		{
			IvfCursor  *cursor = &state->cursors[i];

			if (cursor->growing || rank >= cursor->lists.query->ranked)
				continue;
			state->cursor = i;
			if (state->base.space->coded)
				lists_scan_codes(&cursor->lists, rank,
								 state->base.space->storage == STORAGE_NONE ? INFINITY :
								 nextafterf(threshold(state), INFINITY));
			else
				lists_scan_rows(&cursor->lists, rank, add_row, state);
		}
		refine_wanted(scan, state);
	}
}

/*
 * Searches as many further lists as have been searched; false if there are none left.  Of the
 * participants only the last one in the first round goes on: the rows of another may be all that
 * the leader needs.
 */
static bool
probe_more(IndexScanDesc scan, IvfScan *state)
{
	if (state->end == state->lists)
		return false;
	if (state->shared && state->end == state->first &&
		pg_atomic_sub_fetch_u32(&state->shared->active, 1) > 0)
	{
		state->lists = state->end;
		return false;
	}
	rank_rest(state);
	probe(scan, state, Min(2 * state->end, state->lists));
	state->last = -INFINITY;
	return true;
}

/* Takes a growing segment's next row. */
static void
take_grown(IvfScan *state, uint32 i)
{
	GraphFound	found;

	if (growing_scan_next(&state->cursors[i].grown, &found) &&
		!scan_is_beyond(&state->base, &found))
		scan_results_add(&state->base.results, i, &found);
}

/* Whether this participant searches the n-th growing segment. */
static bool
take_growing(IvfScan *state, uint32 n)
{
	return state->shared == NULL ||
		pg_atomic_compare_exchange_u32(&state->shared->growing, &n, n + 1);
}

static void
open_cursors(IndexScanDesc scan, IvfScan *state)
{
	const Directory *directory = cache_directory(state->base.cached);
	Relation	index = scan->indexRelation;
	uint32		growing = 0;

	state->cursors = palloc0(sizeof(IvfCursor) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		IvfCursor  *cursor = &state->cursors[state->cursor_count];
		CachedSegment *segment;

		if (!segment_is_live(entry) ||
			(entry->kind == SEGMENT_GROWING && !take_growing(state, growing++)))
			continue;
		cursor->growing = entry->kind == SEGMENT_GROWING;
		if (cursor->growing)
		{
			state->cursor_count++;
			growing_scan_begin(&cursor->grown, index, state->base.cached, &state->base.query, entry,
							   &state->base.statistics);
			continue;
		}
		state->cursor_count++;
		segment = cache_acquire(state->base.cached, index, entry);
		lists_scan_begin(&cursor->lists, ranks_of(index, state, segment), state->base.space,
						 segment, &state->base.statistics);
		cursor->lists.estimate = state->limited;
	}
}

uint32
ivf_count_lists(const Directory *directory)
{
	uint64		lists = 0;

	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == SEGMENT_CENTROIDS)
			lists = Max(lists, directory->entries[i].rows);
	return (uint32) lists;
}

static IvfShared *
shared_of(IndexScanDesc scan)
{
	ParallelIndexScanDesc parallel = scan->parallel_scan;

	if (parallel == NULL)
		return NULL;
#if PG_VERSION_NUM >= 180000
	return (IvfShared *) OffsetToPointer(parallel, parallel->ps_offset_am);
#else
	return (IvfShared *) OffsetToPointer(parallel, parallel->ps_offset);
#endif
}

/* Whether this participant sees the same segments as the first one. */
static bool
takes_part(IvfScan *state)
{
	uint64		change = cache_directory(state->base.cached)->change;
	uint64		first = NO_CHANGE;

	return state->shared == NULL ||
		pg_atomic_compare_exchange_u64(&state->shared->change, &first, change) ||
		first == change;
}

Size
ivf_shared_size(void)
{
	return sizeof(IvfShared);
}

void
ivfinitparallelscan(void *target)
{
	IvfShared  *shared = target;

	pg_atomic_init_u64(&shared->change, NO_CHANGE);
	pg_atomic_init_u32(&shared->probed, 0);
	pg_atomic_init_u32(&shared->growing, 0);
	pg_atomic_init_u32(&shared->active, 0);
}

void
ivfparallelrescan(IndexScanDesc scan)
{
	ivfinitparallelscan(shared_of(scan));
}

static void
begin_search(IndexScanDesc scan, IvfScan *state)
{
	bool		flat = ivf_is_flat(scan->indexRelation);
	uint32		lists;

	state->shared = shared_of(scan);
	state->wanted = 0;
	state->lists = state->first = 0;
	if (!scan_start(scan) || !takes_part(state))
		return;

	if (state->shared)
		pg_atomic_fetch_add_u32(&state->shared->active, 1);
	lists = ivf_count_lists(cache_directory(state->base.cached));
	state->iterative = flat ? ivfflat_iterative_scan : ivf_iterative_scan;
	state->first = state->ranked = ivf_probes_of(scan->indexRelation, lists);
	state->lists = lists;
	if (state->iterative)
		state->lists = Min(lists, Max(state->first, (uint32) (flat ? ivfflat_max_probes :
															  ivf_max_probes)));
	if (state->base.bound && !state->base.results.lossy && state->shared == NULL)
		state->wanted = scan_bound_rows(state->base.bound);
	state->limited = state->base.space->storage == STORAGE_NONE && state->wanted > 0;
	state->refinable = (uint64) ceil((double) state->wanted * ivf_refine_k);
	open_cursors(scan, state);
	for (int i = 0; i < state->cursor_count; i++)
		if (state->cursors[i].growing)
			take_grown(state, i);
	probe(scan, state, state->first);
}

/* Drops results of sealed segments, because these will be searched again. */
static void
drop_sealed(const IvfScan *state, ScanResults *results)
{
	uint64		count = results->count;

	results->count = 0;
	for (uint64 i = 0; i < count; i++)
	{
		ScanResult	result = results->items[i];

		if (state->cursors[result.cursor].growing)
			scan_results_add(results, result.cursor, &result.found);
	}
}

/*
 * Called when more rows are asked for than were wanted: repeats the search for what was left out.
 * Returns false if nothing was.
 */
static bool
repeat_search(IndexScanDesc scan, IvfScan *state)
{
	uint32		probed = state->end;

	if (state->wanted == 0)
		return false;
	state->wanted = 0;
	state->limited = false;
	state->repeated = true;
	if (state->given_count > 0)
		qsort(state->given, state->given_count, sizeof(uint64), compare_tags);
	drop_sealed(state, &state->base.results);
	drop_sealed(state, &state->base.late);
	for (int i = 0; i < state->cursor_count; i++)
		if (!state->cursors[i].growing)
		{
			lists_scan_reset(&state->cursors[i].lists);
			state->cursors[i].lists.estimate = false;
		}
	state->probed = state->end = 0;
	probe(scan, state, probed);
	return true;
}

/* Whether the best candidate may come before the best result, or must be compared in any case. */
static bool
is_to_refine(const IvfScan *state, float bound)
{
	const ScanResults *results = &state->base.results;

	if (state->limited)
		return state->refinable > 0;
	return results->count == 0 || results->items[0].found.distance >= bound;
}

/* The next result; false at the end. */
static bool
next_result(IndexScanDesc scan, IvfScan *state)
{
	ScanResults *results = &state->base.results;

	for (;;)
	{
		float		bound;
		IvfCursor  *cursor = nearest_candidate(state, &bound);

		if (cursor && is_to_refine(state, bound))
			refine(scan, state, cursor);
		/*
		 * rows nearer than the next result may have been left out, if some wanted were not visible
		 */
		else if (results->count > 0 && state->wanted > 0 &&
				 results->items[0].found.distance > threshold(state))
			(void) repeat_search(scan, state);
		else if (results->count > 0)
		{
			ScanResult	result = scan_results_pop(results);

			if (state->cursors[result.cursor].growing)
				take_grown(state, result.cursor);

			/* a row that its bound held back for too long waits for the end of the round */
			if (!state->iterative && scan_result_key(results, &result) < state->last)
			{
				scan_results_add(&state->base.late, result.cursor, &result.found);
				continue;
			}
			state->base.current = result;
			state->last = scan_result_key(results, &result);
			note_returned(state, &result.found);
			return true;
		}
		else if (repeat_search(scan, state))
			continue;
		else if (scan_take_late(&state->base))
			state->last = -INFINITY;
		else if (!probe_more(scan, state))
			return false;
	}
}

bool
ivfgettuple(IndexScanDesc scan, ScanDirection dir)
{
	IvfScan    *state = scan->opaque;
	MemoryContext old = MemoryContextSwitchTo(state->base.context);
	bool		more;

	Assert(ScanDirectionIsForward(dir));
	if (!state->base.started)
		begin_search(scan, state);
	more = next_result(scan, state);
	MemoryContextSwitchTo(old);
	last_scan = state->base.statistics;
	if (!more)
		return false;
	tag_get_tid(state->base.current.found.tag, &scan->xs_heaptid);
	scan_set_orderby(scan);
	return true;
}
