/*
 * scan.c - what scans of all access methods have in common
 */
#include "am/scan.h"

#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "segment/wait_point.h"

ScanStatistics last_scan;

static void
add_statistics(ScanStatistics *sum, const ScanStatistics *statistics)
{
	sum->hops += statistics->hops;
	sum->distances += statistics->distances;
	sum->blocks += statistics->blocks;
	sum->segments += statistics->segments;
}

ScanStatistics
scan_statistics(IndexScanDesc scan)
{
	const ScanBase *base = scan->opaque;
	ScanStatistics sum = base->before;

	add_statistics(&sum, &base->statistics);
	return sum;
}

IndexScanDesc
scan_begin(Relation index, int nkeys, int norderbys, ScanBase *base)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);

	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc0(sizeof(bool) * norderbys);
	}
	scan->opaque = base;
	return scan;
}

void
scan_reset(IndexScanDesc scan, ScanKey keys, ScanKey orderbys)
{
	ScanBase   *base = scan->opaque;

	add_statistics(&base->before, &base->statistics);
	memset(&base->statistics, 0, sizeof(base->statistics));
	MemoryContextReset(base->context);
	base->started = false;
	memset(&base->results, 0, sizeof(base->results));
	memset(&base->late, 0, sizeof(base->late));
	base->bound = scan_bound(orderbys);
	if (keys && scan->numberOfKeys > 0)
		memmove(scan->keyData, keys, scan->numberOfKeys * sizeof(ScanKeyData));
	if (orderbys && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys, scan->numberOfOrderBys * sizeof(ScanKeyData));
}

void
scan_end(IndexScanDesc scan)
{
	ScanBase   *base = scan->opaque;

	MemoryContextDelete(base->context);
	pfree(base);
	scan->opaque = NULL;
}

/* Prepares the query; a NULL becomes zeros, to which all rows are equally near. */
static void
prepare_query(IndexScanDesc scan)
{
	ScanBase   *base = scan->opaque;
	ScanKey		key = &scan->orderByData[0];
	const char *payload;
	Size		size;

	base->query_is_null = (key->sk_flags & SK_ISNULL) != 0;
	if (!base->query_is_null)
		payload = space_payload(base->space, key->sk_argument, &size);
	else
	{
		size = base->space->element == SPACE_SPARSE ? sizeof(int32) :
			space_payload_size(base->space);
		payload = palloc0(size);
	}
	space_prepare(base->space, &base->query, payload, size);
}

/*
 * Takes the limit of the bound, infinite if there is none or if it does not apply to the indexed
 * distances; returns false if no row meets the condition.
 */
static bool
take_limit(IndexScanDesc scan)
{
	ScanBase   *base = scan->opaque;
	double		value;

	base->limit = INFINITY;
	if (base->bound == NULL)
		return true;
	if (!scan_bound_limit(base->bound, &value))
		return false;
	if (isinf(value) && value > 0)
		return true;
	if (base->query_is_null)
		return false;

	/* an operator class may order by an operator other than ours */
	if (!space_is_operator(base->space, scan->orderByData[0].sk_func.fn_addr))
		return true;
	base->limit = value;
	return value >= 0 || base->space->metric == SPACE_IP;
}

static bool
has_rows(const Directory *directory)
{
	for (uint32 i = 0; i < directory->count; i++)
		if (segment_is_live(&directory->entries[i]))
			return true;
	return false;
}

bool
scan_start(IndexScanDesc scan)
{
	ScanBase   *base = scan->opaque;

	if (scan->numberOfOrderBys == 0)
		elog(ERROR, "cannot scan index \"%s\" without order",
			 RelationGetRelationName(scan->indexRelation));
	if (!IsMVCCSnapshot(scan->xs_snapshot))
		elog(ERROR, "non-MVCC snapshots are not supported with index \"%s\"",
			 RelationGetRelationName(scan->indexRelation));
	pgstat_count_index_scan(scan->indexRelation);
#if PG_VERSION_NUM >= 180000
	if (scan->instrument)
		scan->instrument->nsearches++;
#endif
	base->cached = cache_index(scan->indexRelation);
	cache_hold(base->cached);
	WAIT_POINT("search");
	base->space = cache_space(base->cached);
	base->started = true;
	base->results.lossy = base->late.lossy = space_is_lossy(base->space);

	/*
	 * a query of the wrong type or dimensions is an error only if there are rows to compare it with
	 */
	if (!has_rows(cache_directory(base->cached)))
		return false;
	prepare_query(scan);
	return take_limit(scan);
}

bool
scan_take_late(ScanBase *base)
{
	ScanResults late = base->late;

	base->late = base->results;
	base->results = late;
	return late.count > 0;
}

void
scan_set_orderby(IndexScanDesc scan)
{
	const ScanBase *base = scan->opaque;

	scan->xs_recheck = false;
	scan->xs_recheckorderby = base->results.lossy && !base->query_is_null;
	if (scan->xs_recheckorderby)
		scan->xs_orderbyvals[0] = Float8GetDatum(base->current.found.bound);
}

static inline bool
comes_before(const ScanResults *results, const ScanResult *a, const ScanResult *b)
{
	float		x = scan_result_key(results, a);
	float		y = scan_result_key(results, b);

	return x < y || (x == y && (a->found.tag & FOUND_TID) < (b->found.tag & FOUND_TID));
}

void
scan_results_add(ScanResults *results, uint32 cursor, const GraphFound *found)
{
	ScanResult	result = {*found, cursor};
	uint64		i = results->count;

	if (isnan(found->distance))
		result.found.distance = INFINITY;
	if (isnan(found->bound))
		result.found.bound = -INFINITY;
	if (i == results->room)
	{
		results->room = Max(results->room * 2, 128);
		results->items = results->items ?
			repalloc_huge(results->items, results->room * sizeof(ScanResult)) :
			palloc(results->room * sizeof(ScanResult));
	}
	for (; i > 0 && comes_before(results, &result, &results->items[(i - 1) / 2]); i = (i - 1) / 2)
		results->items[i] = results->items[(i - 1) / 2];
	results->items[i] = result;
	results->count++;
}

ScanResult
scan_results_pop(ScanResults *results)
{
	ScanResult *items = results->items;
	ScanResult	first = items[0];
	ScanResult *last = &items[--results->count];
	uint64		i = 0;

	for (uint64 child; (child = 2 * i + 1) < results->count; i = child)
	{
		if (child + 1 < results->count && comes_before(results, &items[child + 1], &items[child]))
			child++;
		if (!comes_before(results, &items[child], last))
			break;
		items[i] = items[child];
	}
	items[i] = *last;
	return first;
}
