/*
 * scan.h - what scans of all access methods have in common: conditions and limits of their query,
 * results that wait to be returned, and statistics
 */
#ifndef VECTOR_AM_SCAN_H
#define VECTOR_AM_SCAN_H

#include "pg_compat.h"

#include <math.h>

#include "access/genam.h"
#include "access/relscan.h"

#include "segment/sealed.h"

/*
 * What a query's conditions and its LIMIT say about a scan; found by the keys that amrescan is
 * given, NULL if the scan was not started by the executor.
 */
typedef struct ScanBound ScanBound;

extern void scan_bound_init(void);
extern ScanBound *scan_bound(ScanKey orderbys);

/* No row with a greater distance meets the conditions; returns false if no row at all does. */
extern bool scan_bound_limit(const ScanBound *bound, double *limit);

/* The number of rows that the LIMIT takes, if all are visible; 0 if not known. */
extern uint64 scan_bound_rows(const ScanBound *bound);

/*
 * Scans whose rows are merged, mainly scans of partitions, report to each other that they are
 * asked for a row, and that they return one at a distance (as in GraphFound).  Scans that do not
 * know distances report nothing.
 */
extern void scan_bound_asked(ScanBound *bound);
extern void scan_bound_returned(ScanBound *bound, float distance);

/* How many of the wanted rows a scan looks for at first: twice its share, and a few. */
extern uint32 scan_bound_share(const ScanBound *bound, uint32 wanted);

/*
 * Rows farther than this are not wanted, because siblings have returned as many rows as the LIMIT
 * takes.  Infinite if they have not.
 */
extern float scan_bound_of_siblings(const ScanBound *bound);

/* A row that one of the cursors of a scan has found, and that has not been returned. */
typedef struct ScanResult
{
	GraphFound	found;
	uint32		cursor;
} ScanResult;

/* Results, the nearest first; of equally near ones the one that comes first in the table. */
typedef struct ScanResults
{
	ScanResult *items;			/* a binary heap */
	uint64		count;
	uint64		room;
	bool		lossy;			/* ordered by bounds, because distances are not known */
} ScanResults;

/* The key that results are ordered by: the distance or, if that is not known, its lower bound. */
static inline float
scan_result_key(const ScanResults *results, const ScanResult *result)
{
	return results->lossy ? result->found.bound : result->found.distance;
}

extern void scan_results_add(ScanResults *results, uint32 cursor, const GraphFound *found);

/* Removes and returns the first result. */
extern ScanResult scan_results_pop(ScanResults *results);

/* What scans of all access methods have in common; their states begin with it. */
typedef struct ScanBase
{
	MemoryContext context;		/* of one rescan */
	CachedIndex *cached;		/* held by the context */
	const Space *space;
	SpaceQuery	query;
	bool		started;
	bool		query_is_null;
	ScanBound  *bound;			/* or NULL */
	double		limit;			/* rows surely farther are not returned */
	ScanResults results;		/* found, not yet returned */
	ScanResults late;			/* found too late to be returned in order */
	ScanResult	current;		/* that was returned last */
	ScanStatistics statistics;	/* of this search */
	ScanStatistics before;		/* sum of the searches before a rescan */
} ScanBase;

/* Whether a row is surely beyond the limit. */
static inline bool
scan_is_beyond(const ScanBase *base, const GraphFound *found)
{
	return found->bound > base->limit && isfinite(found->distance);
}

/* Begins an ordered scan; its state is zeroed except for the context. */
extern IndexScanDesc scan_begin(Relation index, int nkeys, int norderbys, ScanBase *base);

/* Forgets the search, and takes new keys. */
extern void scan_reset(IndexScanDesc scan, ScanKey keys, ScanKey orderbys);

/*
 * Begins a search, in the scan's context: holds the index's segments, prepares the query, and takes
 * the limit.  Returns false if the index is empty or no row is within the limit; raises an error if
 * this scan is impossible.
 */
extern bool scan_start(IndexScanDesc scan);

/* Makes the late rows the results, of which there must be none; false if there are no late rows. */
extern bool scan_take_late(ScanBase *base);

/* Sets the returned ORDER BY value of the current result: a bound, if distances are not known. */
extern void scan_set_orderby(IndexScanDesc scan);

extern void scan_end(IndexScanDesc scan);

/* Statistics of the last scan of this session. */
extern ScanStatistics last_scan;

/* Statistics of one of our scans, with all its rescans. */
extern ScanStatistics scan_statistics(IndexScanDesc scan);

/* Installs a hook for EXPLAIN, in versions that have one. */
extern void scan_explain_init(void);

#endif							/* VECTOR_AM_SCAN_H */
