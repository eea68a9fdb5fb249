/*
 * scan.h - searching sealed segments of lists
 *
 * A query is prepared once for each set of centroids: which lists are nearest, and its tables of
 * look-ups.  A segment's list is scanned by its codes: rows whose distance is not surely beyond a
 * threshold become candidates, by lower bounds.  Fine codes raise the bounds of those that come
 * first; what then is the smallest bound is refined by the row's vector.
 */
#ifndef VECTOR_LIST_SEGMENT_SCAN_H
#define VECTOR_LIST_SEGMENT_SCAN_H

#include "list_segment/lists.h"
#include "quantize/fine.h"
#include "segment/sealed.h"

/* A query and the lists of some centroids. */
typedef struct ListsQuery
{
	Relation	index;
	const CachedCentroids *centroids;
	uint32	   *lists;			/* the nearest, in order */
	float	   *distances;		/* of the query from their centroids, squared */
	float	   *bases;			/* what estimates are relative to: the same, or -<q, c> */
	uint32		ranked;			/* how many of them */
	uint32	   *ranks;			/* by list, of these; with fine codes */
	const float *work;			/* the query's work vector */
	CodeQuery	code;
	FineQuery	fine;
} ListsQuery;

/* Ranks the n nearest lists, and prepares the query, in the current memory context. */
extern void lists_query(ListsQuery *lists, Relation index, const Space *space,
						const SpaceQuery *query, const CachedCentroids *centroids, uint32 n);

/* Ranks n, more than before: those that were ranked come first, as they did. */
extern void lists_query_more(ListsQuery *lists, const Space *space, uint32 n);

/* The same with one list alone. */
extern void lists_query_one(ListsQuery *lists, Relation index, const Space *space,
							const SpaceQuery *query, const CachedCentroids *centroids,
							uint32 list);

typedef struct ListsScan
{
	SealedScan	sealed;			/* has the segment */
	const ListsQuery *query;
	GraphHeap	coarse;			/* rows by bounds of packed codes */
	GraphHeap	fine;			/* rows by bounds of fine codes; without them not used */
	bool		estimate;		/* by estimates, not lower bounds: where vectors are not kept */
	char	   *scratch;		/* a group that runs on in the next block */
} ListsScan;

/* Begins with a segment that is held. */
extern void lists_scan_begin(ListsScan *scan, Relation index, const Space *space,
							 CachedSegment *segment, const SpaceQuery *query,
							 const ListsQuery *lists, ScanStatistics *statistics);

/* Scans the list of a rank by its codes: rows not surely beyond the threshold become candidates. */
extern void lists_scan_codes(ListsScan *scan, uint32 rank, float threshold);

/* Hands each live row of the list of a rank to a callback with its distance: without codes. */
typedef void (*ListsRow) (void *arg, const GraphFound *found);
extern void lists_scan_rows(ListsScan *scan, uint32 rank, ListsRow callback, void *arg);

/* The smallest bound of a candidate; false if there is none. */
extern bool lists_scan_bound(ListsScan *scan, float *bound);

/* The greatest lower bound by the codes of a row of the list of a rank. */
extern float lists_scan_row_bound(ListsScan *scan, uint32 rank, uint32 row);

/* Forgets all candidates. */
extern void lists_scan_reset(ListsScan *scan);

/* Takes the candidate with the smallest bound: its row, */
extern GraphCandidate lists_scan_pop(ListsScan *scan);

/* and the distance of a row by the vector that is kept of it. */
extern void lists_scan_refine(ListsScan *scan, uint32 row, GraphFound *found);

/* SegmentMethod.check. */
extern void lists_check(SealedScan *sealed);

#endif							/* VECTOR_LIST_SEGMENT_SCAN_H */
