/*
 * scan.c - what scans of all access methods share
 */
#include "am/scan.h"

#include <math.h>

#include "pgstat.h"
#include "utils/snapmgr.h"

#include "am/hnsw.h"
#include "am/ivf_scan.h"

ScanStatistics last_scan;

bool
scan_is_ours(Relation index)
{
	return index->rd_indam->amrescan == hnswrescan || index->rd_indam->amrescan == ivfrescan;
}

ScanStatistics
scan_statistics(IndexScanDesc scan)
{
	return scan->indexRelation->rd_indam->amrescan == ivfrescan ? ivf_scan_statistics(scan) :
		hnsw_scan_statistics(scan);
}

void
scan_add_statistics(ScanStatistics *sum, const ScanStatistics *statistics)
{
	sum->hops += statistics->hops;
	sum->distances += statistics->distances;
	sum->blocks += statistics->blocks;
	sum->segments += statistics->segments;
}

IndexScanDesc
scan_begin(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);

	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc0(sizeof(bool) * norderbys);
	}
	return scan;
}

void
scan_set_keys(IndexScanDesc scan, ScanKey keys, ScanKey orderbys)
{
	if (keys && scan->numberOfKeys > 0)
		memmove(scan->keyData, keys, scan->numberOfKeys * sizeof(ScanKeyData));
	if (orderbys && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys, scan->numberOfOrderBys * sizeof(ScanKeyData));
}

void
scan_start(IndexScanDesc scan)
{
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
}

const char *
scan_query_payload(IndexScanDesc scan, const Space *space, Size *size, bool *isnull)
{
	ScanKey		key = &scan->orderByData[0];

	*isnull = (key->sk_flags & SK_ISNULL) != 0;
	if (!*isnull)
		return space_payload(space, key->sk_argument, size);
	*size = space->element == SPACE_SPARSE ? sizeof(int32) : space_payload_size(space);
	return palloc0(*size);
}

void
scan_set_orderby(IndexScanDesc scan, bool recheck, float bound)
{
	scan->xs_recheck = false;
	scan->xs_recheckorderby = recheck;
	if (recheck)
		scan->xs_orderbyvals[0] = Float8GetDatum(bound);
}

bool
scan_take_limit(IndexScanDesc scan, const ScanBound *bound, const Space *space,
				bool query_is_null, double *limit)
{
	double		value;

	*limit = INFINITY;
	if (bound == NULL)
		return true;
	if (!scan_bound_limit(bound, &value))
		return false;
	if (isinf(value) && value > 0)
		return true;
	if (query_is_null)
		return false;

	/* an operator class may order by an operator that is not ours */
	if (!space_is_operator(space, scan->orderByData[0].sk_func.fn_addr))
		return true;
	*limit = value;
	return value >= 0 || space->metric == SPACE_IP;
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
