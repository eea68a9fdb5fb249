/*
 * reader.c - a segment of lists that is searched in rounds: each round searches one list
 */
#include "list_segment/method.h"

#include "miscadmin.h"

#include "list_segment/scan.h"
#include "segment/sealed.h"
#include "segment/search.h"

/* A query's lists for centroids that segments name; scans of segments with the same share them. */
typedef struct SharedQuery
{
	struct SharedQuery *next;
	ListsQuery	query;
} SharedQuery;

typedef struct ListsReading
{
	SegmentScan base;
	ListsScan	scan;
	ListsQuery *query;
} ListsReading;

/*
 * Ranks as many lists as are to be searched.  If they are to be ranked as if a row were not there,
 * rows are as many in each list as they are on average, so that by many such rows its list is as
 * much farther as without each.
 */
static void
rank_query(SegmentSearch *search, ListsQuery *query, const CachedCentroids *centroids)
{
	bool		without = ItemPointerIsValid(&sealed_absent);

	lists_query(query, search->index, search->space, search->query, centroids,
				search->effort.lists + without);
	if (without)
		lists_query_without_row(query, search->space,
								directory_rows(cache_directory(search->cached), SEGMENT_SEALED) /
								centroids->header.lists, search->effort.lists);
}

static ListsQuery *
share_query(SegmentSearch *search, const CachedSegment *segment)
{
	const CachedCentroids *centroids = cached_centroids(segment);
	SharedQuery *shared = search->shared;

	while (shared && shared->query.centroids != centroids)
		shared = shared->next;
	if (shared == NULL)
	{
		shared = palloc(sizeof(SharedQuery));
		rank_query(search, &shared->query, centroids);
		shared->next = search->shared;
		search->shared = shared;
	}
	return &shared->query;
}

static SegmentScan *
lists_open(SegmentSearch *search, const SegmentEntry *entry, CachedSegment *segment,
		   const ExcludedRows *excluded)
{
	ListsReading *reading = palloc0(sizeof(ListsReading));

	reading->base.search = search;
	search->statistics->reads++;
	reading->query = share_query(search, segment);
	lists_scan_begin(&reading->scan, reading->query, search->space, segment, search->statistics);
	reading->scan.sealed.excluded = *excluded;
	reading->scan.compared = &search->compared;
	reading->scan.effort = &search->effort;
	reading->scan.estimate = reading->base.eager = search->effort.estimate;
	return &reading->base;
}

/* Ranks as many lists as are to be searched. */
static void
rank_lists(ListsReading *reading)
{
	const SegmentSearch *search = reading->base.search;
	uint32		lists = Min(search->effort.lists, reading->query->centroids->header.lists);

	if (reading->query->ranked < lists)
		lists_query_more(reading->query, search->space, search->effort.lists);
}

static void
lists_expect(SegmentScan *scan, BlockBatch *batch)
{
	ListsReading *reading = (ListsReading *) scan;

	rank_lists(reading);
	lists_scan_expect(&reading->scan, batch);
}

static SegmentRound
lists_round(SegmentScan *scan)
{
	ListsReading *reading = (ListsReading *) scan;
	const SearchEffort *effort = &scan->search->effort;
	const Space *space = scan->search->space;
	uint32		lists = reading->query->centroids->header.lists;

	if (effort->rank >= lists)
		return ROUND_LAST;
	if (!tier_wait && !lists_scan_codes_at_hand(&reading->scan))
	{
		search_leave_out(scan->search);
		return ROUND_LAST;
	}
	rank_lists(reading);
	if (space->coded)
		lists_scan_codes(&reading->scan, effort->rank, space->storage == STORAGE_NONE ? INFINITY :
						 nextafterf(effort->threshold, INFINITY));
	else
		lists_scan_rows(&reading->scan, effort->rank, segment_give_row, reading);
	return effort->rank + 1 == lists ? ROUND_LAST : ROUND_DONE;
}

static bool
lists_waiting(SegmentScan *scan, float *bound)
{
	const SegmentSearch *search = scan->search;

	return (search->space->storage != STORAGE_NONE || search->effort.fetches > 0) &&
		lists_scan_bound(&((ListsReading *) scan)->scan, bound);
}

static bool
lists_unread(SegmentScan *scan, float *bound)
{
	return lists_scan_is_stored(&((ListsReading *) scan)->scan) && lists_waiting(scan, bound);
}

static bool
lists_ready(SegmentScan *scan)
{
	return lists_scan_ready(&((ListsReading *) scan)->scan);
}

static void
lists_ask(SegmentScan *scan, BlockBatch *batch)
{
	lists_scan_ask(&((ListsReading *) scan)->scan, batch);
}

static void
lists_asked(SegmentScan *scan)
{
	lists_scan_asked(&((ListsReading *) scan)->scan);
}

static bool
lists_next(SegmentScan *scan, GraphFound *found)
{
	ListsScan  *lists = &((ListsReading *) scan)->scan;
	SegmentSearch *search = scan->search;
	GraphCandidate row;
	SealedRow	sealed;

	CHECK_FOR_INTERRUPTS();
	if (!tier_wait && lists_scan_drop_first(lists))
	{
		search_leave_out(search);
		return false;
	}
	row = lists_scan_pop(lists);
	if (search->space->storage != STORAGE_NONE)
	{
		lists_scan_refine(lists, row.id, found);
		return true;
	}
	sealed_read_row(&lists->sealed, row.id, &sealed);
	found->id = row.id;
	found->tag = tag_from_tid(&sealed.tid);
	if (!search->fetch(scan, &(FoundRow) {sealed.tid, row.id}, found))
		return false;
	search->effort.fetches--;
	return true;
}

const SegmentReader lists_reader = {
	.open = lists_open,
	.expect = lists_expect,
	.round = lists_round,
	.waiting = lists_waiting,
	.next = lists_next,
	.ready = lists_ready,
	.unread = lists_unread,
	.ask = lists_ask,
	.asked = lists_asked,
	.divided = true,
	.leaves_dead = true
};
