/*
 * scan.c - scans of all access methods
 */
#include "am/scan.h"

#include <math.h>

#include "pgstat.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "am/index.h"
#include "am/method.h"
#include "am/sample_query.h"
#include "segment/growing.h"
#include "segment/method.h"
#include "segment/tombstones.h"
#include "segment/wait_point.h"

/*
 * With a limit on the distance, a segment is done when whole rounds have found only rows beyond it:
 * VectorScan.most_beyond of them, and at least one in BEYOND_PART of the rows found within the
 * limit.  If rows come in order, ORDERED_BEYOND are enough, and needed because bounds may fail.
 */
#define BEYOND_PART		4
#define ORDERED_BEYOND	80

/*
 * A scan whose rows the executor filters looks for the first time after so many results whether few
 * of them pass, and then each time that there are so many more.
 */
#define FIRST_LOOK		64
#define NEXT_LOOK		32

IndexScanDesc
vectorbeginscan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc desc = RelationGetIndexScan(index, nkeys, norderbys);
	const ScanMethod *method = vector_am_of(index)->scan;
	VectorScan *scan = palloc0(method->size);

	if (norderbys > 0)
	{
		desc->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		desc->xs_orderbynulls = palloc0(sizeof(bool) * norderbys);
	}
	scan->method = method;
	scan->desc = desc;
	scan->share_id = scan_take_new_id();
	scan->context = AllocSetContextCreate(CurrentMemoryContext, "vector scan",
										  ALLOCSET_DEFAULT_SIZES);
	desc->opaque = scan;
	return desc;
}

/* What participants of a parallel scan share. */
static void *
shared_of(IndexScanDesc desc)
{
	ParallelIndexScanDesc parallel = desc->parallel_scan;

	if (parallel == NULL)
		return NULL;
#if PG_VERSION_NUM >= 180000
	return OffsetToPointer(parallel, parallel->ps_offset_am);
#else
	return OffsetToPointer(parallel, parallel->ps_offset);
#endif
}

void
vectorparallelrescan(IndexScanDesc desc)
{
	ScanShared *shared = shared_of(desc);
	uint64		id = shared->id;

	vectorinitparallelscan(shared);
	/* it is the same scan */
	shared->id = id;
	(void) scan_take_new_id();
}

static void
end_search(VectorScan *scan)
{
	if (scan->table)
		fetch_end(scan->table);
	scan->table = NULL;
	if (scan->answers)
		returned_end(scan->answers);
	scan->answers = NULL;
	scan_note_dead(scan);
	scan_count_search(scan);
}

void
vectorrescan(IndexScanDesc desc, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	VectorScan *scan = desc->opaque;
	VectorScan	kept;

	end_search(scan);
	MemoryContextReset(scan->context);
	kept = *scan;
	memset(scan, 0, kept.method->size);
	scan->method = kept.method;
	scan->desc = kept.desc;
	scan->context = kept.context;
	scan->before = kept.before;
	scan->share_id = kept.share_id;
	scan->own = kept.own;
	scan->bound = scan_bound(orderbys);
	scan->merged = scan_bound_merged(scan->bound);
	desc->xs_hitup = NULL;
	scan->last = -INFINITY;
	scan->rows = &scan->single;
	scan->most_visited = scan->most_beyond = scan->next_look = PG_UINT64_MAX;
	if (keys && desc->numberOfKeys > 0)
		memmove(desc->keyData, keys, desc->numberOfKeys * sizeof(ScanKeyData));
	if (orderbys && desc->numberOfOrderBys > 0)
		memmove(desc->orderByData, orderbys, desc->numberOfOrderBys * sizeof(ScanKeyData));
}

void
vectorendscan(IndexScanDesc desc)
{
	VectorScan *scan = desc->opaque;

	end_search(scan);
	MemoryContextDelete(scan->context);
	pfree(scan);
	desc->opaque = NULL;
}

/*
 * Prepares the query.  A vector that is NULL becomes zeros, to which all rows are equally near; no
 * row matches words that are NULL.
 */
static bool
prepare_query(VectorScan *scan)
{
	const VectorAm *am = vector_am_of(scan->desc->indexRelation);
	const Space *space = scan->search.space;
	ScanKey		key = &scan->desc->orderByData[0];
	const char *payload;
	Size		size;

	scan->query_is_null = (key->sk_flags & SK_ISNULL) != 0;
	if (am->prepare_query)
	{
		if (!scan->query_is_null)
			am->prepare_query(scan->desc->indexRelation, key->sk_argument, &scan->query);
		return !scan->query_is_null;
	}
	if (!scan->query_is_null)
		payload = space_payload(space, key->sk_argument, &size);
	else
	{
		size = space->element == SPACE_SPARSE ? sizeof(int32) : space_payload_size(space);
		payload = palloc0(size);
	}
	space_prepare(space, &scan->query, payload, size);
	return true;
}

/*
 * Takes the limit of the bound, infinite if there is none or if it does not apply to the indexed
 * distances; returns false if no row meets the condition.
 */
static bool
take_limit(VectorScan *scan)
{
	const Space *space = scan->search.space;
	double		value;

	scan->limit = INFINITY;
	if (scan->bound == NULL)
		return true;
	if (!scan_bound_limit(scan->bound, &value))
		return false;
	if (isinf(value) && value > 0)
		return true;
	if (scan->query_is_null)
		return false;

	/* an operator class may order by an operator other than ours */
	if (!space_is_operator(space, scan->desc->orderByData[0].sk_func.fn_addr))
		return true;
	scan->limit = value;
	return value >= 0 || space->metric == SPACE_IP;
}

static bool
has_rows(const Directory *directory)
{
	for (uint32 i = 0; i < directory->count; i++)
		if (segment_is_live(&directory->entries[i]))
			return true;
	return false;
}

/* Whether the operator's value for a row follows from its distance. */
static inline bool
is_exact(const GraphFound *found)
{
	return (found->tag & FOUND_EXACT) != 0 && isfinite(found->distance);
}

/* Takes a row that a segment gives: it becomes a result, unless it is surely not wanted. */
static void
take_row(SegmentScan *reading, const GraphFound *found)
{
	VectorScan *scan = (VectorScan *) reading->search;
	ScanCursor *cursor = &scan->cursors[reading->number];
	ScanResult	result = {*found, reading->number};

	scan->visited++;
	if (isnan(found->distance))
		result.found.distance = INFINITY;
	if (isnan(found->bound))
		result.found.bound = -INFINITY;
	if (result.found.bound > scan->limit && isfinite(result.found.distance))
		return;
	cursor->within++;
	if (scan->left_out > 0 && scan_was_given(scan, &result))
	{
		scan->found_again++;
		return;
	}
	if (scan->results.lossy && is_exact(&result.found))
		result.found.bound = (float) space_value(scan->search.space, result.found.distance);
	if (scan->method->accepts && !scan->method->accepts(scan, &result.found))
		return;
	scan_add_result(&scan->results, &result);
	if (scan->nearest)
		nearest_note(scan->nearest, result.found.distance);
}

static TableFetch *
table_of(VectorScan *scan)
{
	if (scan->table == NULL)
		scan->table = fetch_begin(scan->desc);
	return scan->table;
}

/* SegmentSearch.fetch. */
static bool
fetch_row(SegmentScan *reading, const FoundRow *row, GraphFound *found)
{
	VectorScan *scan = (VectorScan *) reading->search;
	bool		dead = false;
	bool		compared = fetch_compare(table_of(scan), &scan->search, row, &dead, found);

	if (dead && !scan->desc->xactStartedInRecovery)
		scan_remember_dead(scan, reading->number, row->number);
	return compared;
}

/* SegmentSearch.expect. */
static void
expect_rows(SegmentSearch *search, const ItemPointerData *tids, int count)
{
	fetch_expect(((VectorScan *) search)->desc->heapRelation, tids, count);
}

/*
 * Of a scan whose rows are merged with those of others: whether its values compare with theirs, and
 * where they note what they have found.
 */
static void
share_merge(VectorScan *scan)
{
	const ScanKey order = &scan->desc->orderByData[0];

	scan->merged->beyond = false;
	scan->merged->comparable = !scan->results.lossy && !(order->sk_flags & SK_ISNULL) &&
		space_is_operator(scan->search.space, order->sk_func.fn_addr);
	if (scan->merged->comparable)
		scan->nearest = scan_merge_nearest(scan->merged);
}

/* Whether participants of a parallel scan share which rows they leave out. */
static bool
shares_excluded(const VectorScan *scan)
{
	return scan->shared && scan->bound && scan_bound_is_shared(scan->bound);
}

/*
 * Begins a search, in the scan's context: holds the index's segments, prepares the query, and takes
 * the limit.  Returns false if the index is empty, or no row passes the filter or is within the
 * limit; raises an error if this scan is impossible.
 */
static bool
start(VectorScan *scan)
{
	IndexScanDesc desc = scan->desc;
	Relation	index = desc->indexRelation;
	CachedIndex *cached;
	bool		can_adapt;
	bool		shares;

	if (desc->numberOfOrderBys == 0)
		elog(ERROR, "cannot scan index \"%s\" without order", RelationGetRelationName(index));
	if (!IsMVCCSnapshot(desc->xs_snapshot))
		elog(ERROR, "non-MVCC snapshots are not supported with index \"%s\"",
			 RelationGetRelationName(index));
	scan->counted = scan->merged && scan->merged->counted;
	if (!scan->counted)
		pgstat_count_index_scan(index);
#if PG_VERSION_NUM >= 180000
	if (desc->instrument)
		desc->instrument->nsearches++;
#endif
	cached = cache_index(index);
	cache_hold(cached);
	WAIT_POINT("search");
	scan->started = true;
	scan->shared = shared_of(desc);
	scan->share_id = scan->shared ? scan->shared->id : 0;
	scan->search = (SegmentSearch) {
		.index = index, .cached = cached, .space = cache_space(cached), .query = &scan->query,
		.statistics = &scan->statistics, .found = take_row, .fetch = fetch_row,
		.expect = expect_rows, .take_run = scan->shared ? scan_take_run : NULL
	};
	scan->results.lossy = scan->late.lossy = space_is_lossy(scan->search.space);
	can_adapt = scan->bound && scan->shared == NULL && !scan->results.lossy &&
		vector_am_of(index)->is_auto(index);
	scan->finds_late = can_adapt && scan_bound_is_late(scan->bound);

	/* a query of the wrong type or dimensions is an error only if there are rows to compare */
	if (!has_rows(cache_directory(cached)))
		return false;
	shares = shares_excluded(scan);
	scan_make_filter(scan, scan->bound && !scan->finds_late && !shares ?
					 scan_bound_among(scan->bound) : NULL);
	scan->among |= shares;

	if (scan->merged)
		share_merge(scan);

	/* rows ordered by bounds are reordered before they are filtered */
	if (scan->bound && scan_bound_is_filtered(scan->bound) && !scan->results.lossy)
	{
		scan->filtered = true;
		scan->adaptive = can_adapt;
		scan->passed = scan_bound_passed(scan->bound);
	}
	if (!prepare_query(scan))
		return false;
	sample_query(desc->indexRelation, scan->search.space, &desc->orderByData[0],
				 scan->filtered ? 0 : scan_wanted(scan));
	return take_limit(scan) && !(scan->filter && filter_is_empty(scan->filter));
}

/* Opens a cursor's segment. */
static void
open_cursor(VectorScan *scan, ScanCursor *cursor)
{
	const SegmentReader *reader = cursor->segment ? cursor->segment->method->reader :
		&growing_reader;

	cursor->reading = reader->open(&scan->search, &cursor->entry, cursor->segment,
								   &cursor->excluded);
	cursor->reading->reader = reader;
	cursor->reading->number = (uint32) (cursor - scan->cursors);
	cursor->searched = reader->round == NULL;
	cursor->done = false;
	cursor->within = cursor->beyond = 0;
}

/* The number of a segment's rows, of which some are excluded. */
static inline uint32
segment_rows(const ScanCursor *cursor)
{
	return cursor->segment ? cursor->segment->header.rows : cursor->entry.rows;
}

void
scan_open(VectorScan *scan, bool (*takes) (VectorScan *scan, const SegmentEntry *entry))
{
	CachedIndex *cached = scan->search.cached;
	const Directory *directory = cache_directory(cached);
	const SharedExcluded *shared = NULL;

	if (shares_excluded(scan))
	{
		directory = cache_copy_directory(cached);
		shared = scan_share_excluded(scan, directory);
	}
	scan->cursors = palloc0(sizeof(ScanCursor) * (directory->count + 1));
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		ScanCursor *cursor = &scan->cursors[scan->cursor_count];

		if (!segment_is_live(entry) || (takes && !takes(scan, entry)))
			continue;
		cursor->entry = *entry;
		if (scan->desc->xs_want_itup)
			cursor->returned.changes = segment_tombstone_changes(scan->search.index, entry);
		if (entry->kind == SEGMENT_SEALED)
			cursor->segment = cache_acquire(cached, scan->search.index, entry);
		cursor->excluded = shared ? scan_shared_excluded(shared, i) :
			filter_excluded(scan->filter, entry, cursor->segment);
		if (scan_is_narrowed(scan))
			scan->statistics.survivors += segment_rows(cursor) - cursor->excluded.count;
		open_cursor(scan, cursor);
		scan->cursor_count++;
	}
}

void
scan_reopen(VectorScan *scan)
{
	scan->results.count = scan->late.count = scan->found_again = 0;
	for (int i = 0; i < scan->cursor_count; i++)
		open_cursor(scan, &scan->cursors[i]);
}

/*
 * Decides whether the limit ends the search of a segment, after what it gave since there were
 * `visited` rows, `within` of this segment within the limit.  It would not suffice that the nearest
 * remaining candidate is estimated to be beyond the limit: estimates err, and the way to near rows
 * may lead through farther ones.  The more rows are within the limit, the more are close to it,
 * where candidates on both sides mix.
 */
static void
note_beyond(VectorScan *scan, ScanCursor *cursor, uint64 visited, uint64 within)
{
	uint64		most = cursor->reading->reader->ordered ? ORDERED_BEYOND : scan->most_beyond;

	cursor->beyond = cursor->within > within ? 0 : cursor->beyond + (scan->visited - visited);
	cursor->done |= cursor->beyond >= Max(most, cursor->within / BEYOND_PART);
}

SegmentRound
scan_round(VectorScan *scan, ScanCursor *cursor)
{
	uint64		visited = scan->visited;
	uint64		within = cursor->within;
	SegmentRound round = cursor->reading->reader->round(cursor->reading);

	cursor->searched = round == ROUND_LAST;
	cursor->waits = round == ROUND_WAITS;
	note_beyond(scan, cursor, visited, within);
	return round;
}

bool
scan_take_waiting(VectorScan *scan, float most)
{
	uint64		visited = scan->visited;
	ScanCursor *nearest = visited < scan->most_visited ? scan_least_waiting(scan, most) : NULL;
	uint64		within;
	GraphFound	found;

	if (nearest == NULL)
		return false;
	within = nearest->within;
	if (nearest->reading->reader->next(nearest->reading, &found))
		take_row(nearest->reading, &found);
	note_beyond(scan, nearest, visited, within);
	return true;
}

float
scan_left(const VectorScan *scan)
{
	float		least = INFINITY;

	for (int i = 0; i < scan->cursor_count; i++)
	{
		const ScanCursor *cursor = &scan->cursors[i];
		SegmentScan *reading = cursor->reading;

		if (!cursor->searched && !cursor->done && reading->reader->left)
			least = Min(least, reading->reader->left(reading));
	}
	return least;
}

/*
 * Whether so few results seem to pass the executor's filter that it would cost less to have the
 * rows that pass found by another node, or by reading the table.  If it is not known how many rows
 * are wanted, as many as have passed so far are assumed.  The share of rows that pass is taken to
 * be rather too large than too small.
 */
static bool
pass_too_few(VectorScan *scan)
{
	double		missing = scan_bound_missing(scan->bound);
	double		passed = scan->given_passed;
	double		share = (passed + 2) / (scan->returned + 2);

	scan->next_look = scan->returned + NEXT_LOOK;
	if (scan->worth == 0)
		scan->worth = (scan->finds_late ? scan_bound_late_worth : scan_bound_worth)
			(scan->bound, scan->search.space->dims);
	if (missing == 0)
		missing = Max(passed, 1);
	return missing * (1 / share - 1) > scan->worth;
}

/*
 * Finds the rows that pass the executor's filter, and begins again among them.  Thus a scan costs
 * at most about as much again as a sequential scan, or a scan of another index, however few rows
 * pass.  Of the rows that another node has found, few may pass the rest of the filter.
 */
static void
search_among_passing(VectorScan *scan)
{
	bool		late = scan->finds_late;

	scan_make_filter(scan, late ? scan_bound_among(scan->bound) :
					 scan_bound_passing(scan->bound, &scan->statistics.table_rows));
	for (int i = 0; i < scan->cursor_count; i++)
	{
		ScanCursor *cursor = &scan->cursors[i];

		cursor->excluded = filter_excluded(scan->filter, &cursor->entry, cursor->segment);
	}
	scan_leave_out_given(scan);
	scan->finds_late = scan->takes_late = false;
	scan->worth = 0;
	scan->statistics.among++;
	scan->notes_given = late;
	scan->next_look = late ? scan->returned + NEXT_LOOK : PG_UINT64_MAX;
	scan->method->search_again(scan);
}

/* Searches further; the time of the first call is counted as a whole. */
static bool
go_on(VectorScan *scan)
{
	instr_time	begun;
	bool		more;

	scan->statistics.search_rounds++;
	if (scan->timed)
		return scan->method->go_on(scan);
	INSTR_TIME_SET_CURRENT(begun);
	more = scan->method->go_on(scan);
	scan_count_time(scan, begun);
	return more;
}

/*
 * Makes the nearest result the first.  Returns false once there is no result within `most`, and all
 * that is so near has been found, if rows may wait that are nearer than the first result; if `most`
 * is INFINITY, at the end.
 */
static bool
find_nearest(VectorScan *scan, float most)
{
	const ScanMethod *method = scan->method;
	const ScanResults *results = &scan->results;

	for (;;)
	{
		float		nearest;

		if (scan->returned >= scan->next_look && pass_too_few(scan))
			search_among_passing(scan);
		nearest = results->count > 0 ? scan_first_result(results)->found.distance : INFINITY;
		if (scan_take_waiting(scan, Min(nearest, most)))
			continue;
		if (results->count > 0 && !(method->must_wait && method->must_wait(scan, nearest)))
			return nearest <= most || !scan_waits(scan, nearest);
		if (most < INFINITY && nearest > most)
			return false;
		if (!go_on(scan))
		{
			scan->ended = true;
			return false;
		}
	}
}

/*
 * Whether a result comes too late to be returned in order: this scan has returned a farther row, or
 * another one whose rows are merged with its rows.
 */
static bool
comes_late(const VectorScan *scan, float key)
{
	if (scan->relaxed || scan->takes_late)
		return false;
	return key < scan->last ||
		(scan->merged && scan->merged->comparable &&
		 space_value(scan->search.space, key) < scan_merge_returned(scan->merged));
}

/* Finds the next result; returns false at the end. */
static bool
next_result(VectorScan *scan)
{
	while (find_nearest(scan, INFINITY))
	{
		ScanResult	result = scan_pop_result(&scan->results);
		float		key = scan->results.lossy ? result.found.bound : result.found.distance;

		if (comes_late(scan, key))
		{
			scan_add_result(&scan->late, &result);
			continue;
		}
		scan->current = result;
		if (!scan->filtered)
			scan->last = key;
		scan->returned++;
		if (scan->notes_given)
			scan_note_given(scan, &result);
		return true;
	}
	return false;
}

/*
 * Of a scan whose rows the executor filters: notes whether the row returned last has passed.  Only
 * rows that pass have to be in order.
 */
static void
note_passed(VectorScan *scan)
{
	uint64		passed = scan_bound_passed(scan->bound);

	if (passed > scan->passed)
		scan->last = scan->current.found.distance;
	scan->given_passed += passed - scan->passed;
	scan->passed = passed;
}

/* Takes the rows of the current result. */
static void
take_rows(VectorScan *scan)
{
	const GraphFound *found = &scan->current.found;
	SegmentScan *reading = scan->cursors[scan->current.cursor].reading;

	if (scan->rows != &scan->single)
		pfree(scan->rows);
	scan->row_next = 0;
	scan->rows = &scan->single;
	if (reading->reader->rows)
		scan->row_count = reading->reader->rows(reading, found, &scan->single, &scan->rows);
	else
	{
		tag_get_tid(found->tag, &scan->single.tid);
		scan->single.number = found->id;
		scan->row_count = 1;
	}
}

/*
 * Sets the returned ORDER BY value of the current result: the operator's, apart from rounding, and
 * without any of scores of words.  Where not all distances are known, it is a bound of those that
 * the executor has to compute.
 */
static void
set_orderby(VectorScan *scan)
{
	IndexScanDesc desc = scan->desc;
	const GraphFound *found = &scan->current.found;
	bool		exact = is_exact(found);

	desc->xs_recheck = false;
	desc->xs_recheckorderby = scan->results.lossy && !scan->query_is_null && !exact;
	desc->xs_orderbyvals[0] = Float8GetDatum(
		exact || !scan->results.lossy ? space_value(scan->search.space, found->distance) :
		found->bound);
}

/* Returns a row of an index-only scan, if it is visible. */
static bool
return_row(VectorScan *scan, const FoundRow *row)
{
	ScanCursor *cursor = &scan->cursors[scan->current.cursor];

	if (scan->answers == NULL)
		scan->answers = returned_begin(scan->desc, scan->bound);
	cursor->returned.entry = &cursor->entry;
	cursor->returned.segment = cursor->segment;
	return returned_row(scan->answers, &cursor->returned, row);
}

/* Begins the search. */
static void
begin(VectorScan *scan)
{
	if (!start(scan))
	{
		scan->ended = true;
		return;
	}
	scan->statistics.search_rounds++;
	scan->method->search(scan);
	if (scan->adaptive)
	{
		scan->notes_given = true;
		scan->next_look = FIRST_LOOK;
	}
}

/* Tells the node that merges the rows of this scan with others the distance of a row. */
static void
answer(VectorScan *scan, float distance)
{
	MergedScan *merged = scan->merged;

	merged->answered = true;
	merged->ended = scan->ended;
	merged->beyond = false;
	merged->value = isfinite(distance) ? space_value(scan->search.space, distance) :
		get_float8_infinity();
}

/*
 * Tells it of the next row; or that it is beyond all that the LIMIT takes, unless that is known.
 * Late rows are returned after those of all scans.
 */
static void
look_ahead(VectorScan *scan)
{
	float		most = scan->nearest && !scan->merged->beyond ? nearest_bound(scan->nearest) :
		INFINITY;

	if (scan->row_next < scan->row_count)
		answer(scan, scan->current.found.distance);
	else if (!scan->ended && find_nearest(scan, most))
		answer(scan, scan->takes_late ? INFINITY :
			   scan_first_result(&scan->results)->found.distance);
	else
	{
		answer(scan, Max(most, scan->last));
		scan->merged->beyond = true;
	}
}

/* Finds the next row; returns false at the end. */
static bool
next_row(VectorScan *scan, FoundRow *row)
{
	for (;;)
	{
		while (scan->row_next == scan->row_count && !scan->ended)
			if (next_result(scan))
				take_rows(scan);
		if (scan->ended)
			return false;
		*row = scan->rows[scan->row_next++];
		if (!scan->desc->xs_want_itup || return_row(scan, row))
			return true;
		scan_take_dead(scan);
	}
}

bool
vectorgettuple(IndexScanDesc desc, ScanDirection direction)
{
	VectorScan *scan = desc->opaque;
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	bool		looks = scan->merged && scan_merge_looks(scan->merged);
	FoundRow	row = {.number = NO_ROW};
	ScanMark	mark;
	bool		found;

	Assert(ScanDirectionIsForward(direction));
	scan_count_begin(scan, &mark);
	scan_take_dead(scan);
	if (scan->filtered)
		note_passed(scan);
	if (!scan->started)
		begin(scan);
	found = !looks && next_row(scan, &row);
	if (found && scan->returned == 1 && tier_counters.rounds > mark.tier.rounds)
		scan_expect_results(scan);
	if (looks)
		look_ahead(scan);
	else if (found && scan->merged)
		answer(scan, scan->current.found.distance);
	MemoryContextSwitchTo(old);
	scan_count_end(scan, &mark);
	if (!found)
		return false;
	desc->xs_heaptid = row.tid;
	set_orderby(scan);
	return true;
}
