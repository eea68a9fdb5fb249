/*
 * scan.h - what scans of all access methods share: what they learn of their query besides the
 * order, results that wait to be returned, and what they tell of themselves
 */
#ifndef VECTOR_AM_SCAN_H
#define VECTOR_AM_SCAN_H

#include "pg_compat.h"

#include "access/genam.h"
#include "access/relscan.h"

#include "segment/sealed.h"

/*
 * What a query's conditions and its LIMIT say of a scan; found by the keys that amrescan is given,
 * NULL where the executor has not started the scan.
 */
typedef struct ScanBound ScanBound;

extern void scan_bound_init(void);
extern ScanBound *scan_bound(ScanKey orderbys);

/* No row with a greater distance meets the conditions; false: no row at all does. */
extern bool scan_bound_limit(const ScanBound *bound, double *limit);

/* So many rows the LIMIT takes, if all are visible; 0 where that is not known. */
extern uint64 scan_bound_rows(const ScanBound *bound);

/*
 * The limit of a scan's bound, infinite where there is none that holds for what is indexed; false
 * if no row meets the condition.
 */
extern bool scan_take_limit(IndexScanDesc scan, const ScanBound *bound, const Space *space,
							bool query_is_null, double *limit);

/* What was found by one of the cursors of a scan, and not returned. */
typedef struct ScanResult
{
	GraphFound	found;
	uint32		cursor;
} ScanResult;

/* Results, the nearest first; of equals the one whose row lies first in the table. */
typedef struct ScanResults
{
	ScanResult *items;			/* a binary heap */
	uint64		count;
	uint64		room;
	bool		lossy;			/* ordered by bounds, as distances are not known */
} ScanResults;

/* What a result is ordered by: the distance, or where it is not known what it is not below. */
static inline float
scan_result_key(const ScanResults *results, const ScanResult *result)
{
	return results->lossy ? result->found.bound : result->found.distance;
}

extern void scan_results_add(ScanResults *results, uint32 cursor, const GraphFound *found);

/* Takes the first away. */
extern ScanResult scan_results_pop(ScanResults *results);

/*
 * The payload of a scan's query; for NULL zeros, from which nothing is nearer than anything else.
 */
extern const char *scan_query_payload(IndexScanDesc scan, const Space *space, Size *size,
									  bool *isnull);

/* Sets what a scan returns of the order: a bound, where the executor is to compute the distance. */
extern void scan_set_orderby(IndexScanDesc scan, bool recheck, float bound);

/* A scan that has its order. */
extern IndexScanDesc scan_begin(Relation index, int nkeys, int norderbys);
extern void scan_set_keys(IndexScanDesc scan, ScanKey keys, ScanKey orderbys);

/* An error where a scan cannot be, as the search begins; counts it. */
extern void scan_start(IndexScanDesc scan);

extern void scan_add_statistics(ScanStatistics *sum, const ScanStatistics *statistics);

/* What the last scan of this session did. */
extern ScanStatistics last_scan;

/* Whether an index is of one of our access methods that scan in order. */
extern bool scan_is_ours(Relation index);

/* What a scan of ours did with all its rescans. */
extern ScanStatistics scan_statistics(IndexScanDesc scan);

/* A hook for EXPLAIN, where the version has one. */
extern void scan_explain_init(void);

#endif							/* VECTOR_AM_SCAN_H */
