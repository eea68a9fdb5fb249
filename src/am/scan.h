/*
 * scan.h - what scans of all access methods share: what they learn of their query besides the
 * order, results that wait to be returned, and what they tell of themselves
 */
#ifndef VECTOR_AM_SCAN_H
#define VECTOR_AM_SCAN_H

#include "pg_compat.h"

#include <math.h>

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
 * What scans whose rows are merged, those of partitions above all, tell each other: that one is
 * asked for a row, and that it returns one at a distance, as GraphFound has it.  Those that do not
 * know distances tell nothing.
 */
extern void scan_bound_asked(ScanBound *bound);
extern void scan_bound_returned(ScanBound *bound, float distance);

/* Of the rows that are wanted, how many a scan looks for at first: twice its part, and a few. */
extern uint32 scan_bound_share(const ScanBound *bound, uint32 wanted);

/*
 * No row that is farther is wanted: siblings have returned as many as the LIMIT takes.  Infinite
 * where they have not.
 */
extern float scan_bound_of_siblings(const ScanBound *bound);

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

/* What scans of all access methods have: their states begin with it. */
typedef struct ScanBase
{
	MemoryContext context;		/* of one rescan */
	CachedIndex *cached;		/* held by the context */
	const Space *space;
	SpaceQuery	query;
	bool		started;
	bool		query_is_null;
	ScanBound  *bound;			/* or NULL */
	double		limit;			/* what is surely farther is not returned */
	ScanResults results;		/* found, not returned */
	ScanResults late;			/* found when it would have broken the order to return them */
	ScanResult	current;		/* that was returned last */
	ScanStatistics statistics;	/* of this search */
	ScanStatistics before;		/* of those before a rescan */
} ScanBase;

/* Whether a row is surely beyond the limit. */
static inline bool
scan_is_beyond(const ScanBase *base, const GraphFound *found)
{
	return found->bound > base->limit && isfinite(found->distance);
}

/* A scan that has its order, with a state of zeros but for the context. */
extern IndexScanDesc scan_begin(Relation index, int nkeys, int norderbys, ScanBase *base);

/* Forgets the search, and takes other keys. */
extern void scan_reset(IndexScanDesc scan, ScanKey keys, ScanKey orderbys);

/*
 * Begins a search, in the scan's context: holds the index's segments, prepares the query, and takes
 * the limit.  False if the index is empty or no row within the limit; an error where a scan cannot
 * be.
 */
extern bool scan_start(IndexScanDesc scan);

/* Makes those that were found too late the results, of which there are none; false if none was. */
extern bool scan_take_late(ScanBase *base);

/* Sets what is returned of the current result's order: a bound, where distances are not known. */
extern void scan_set_orderby(IndexScanDesc scan);

extern void scan_end(IndexScanDesc scan);

/* What the last scan of this session did. */
extern ScanStatistics last_scan;

/* Whether an index is of one of our access methods that scan in order. */
extern bool scan_is_ours(Relation index);

/* What a scan of ours did with all its rescans. */
extern ScanStatistics scan_statistics(IndexScanDesc scan);

/* A hook for EXPLAIN, where the version has one. */
extern void scan_explain_init(void);

#endif							/* VECTOR_AM_SCAN_H */
