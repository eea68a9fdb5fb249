/*
 * scan.h - searching sealed segments of lists
 *
 * A query is prepared once for each set of centroids: its ranking of the lists, and its look-up
 * tables.  A list of a segment is scanned by its codes: rows whose distance is not surely beyond a
 * threshold become candidates, ordered by lower bounds.  Fine codes raise the bounds of the first
 * candidates; the candidate whose bound is then smallest is compared by its vector.
 */
#ifndef VECTOR_LIST_SEGMENT_SCAN_H
#define VECTOR_LIST_SEGMENT_SCAN_H

#include "list_segment/lists.h"
#include "quantize/fine.h"
#include "segment/search.h"

/* A query and its ranking of the lists of some centroids. */
typedef struct ListsQuery
{
	Relation	index;
	const SpaceQuery *query;
	const CachedCentroids *centroids;
	uint32	   *lists;			/* the nearest, in order */
	float	   *distances;		/* of the query from their centroids, squared */
	float	   *bases;			/* the base of estimates: the same, or -<q, c> */
	uint32		ranked;			/* number of lists ranked */
	uint32	   *ranks;			/* ranks by list; with fine codes */
	const float *work;			/* the query's work vector */
	CodeQuery	code;
	FineQuery	fine;
} ListsQuery;

/* Ranks the n nearest lists, and prepares the query, in the current memory context. */
extern void lists_query(ListsQuery *lists, Relation index, const Space *space,
						const SpaceQuery *query, const CachedCentroids *centroids, uint32 n);

/*
 * Of the n + 1 lists ranked, or of all, ranks the n nearest to a query that is the vector of a row
 * of the index, as if the row were not there: the row's list is that of the nearest centroid, which
 * would be the mean of the list's other rows.
 */
extern void lists_query_without_row(ListsQuery *lists, const Space *space, double rows_per_list,
									uint32 n);

/* Ranks n lists, more than before; those ranked before keep their ranks. */
extern void lists_query_more(ListsQuery *lists, const Space *space, uint32 n);

/* Likewise, with a single list. */
extern void lists_query_one(ListsQuery *lists, Relation index, const Space *space,
							const SpaceQuery *query, const CachedCentroids *centroids,
							uint32 list);

typedef struct ListsScan
{
	SealedScan	sealed;			/* with the segment */
	const ListsQuery *query;
	GraphHeap	coarse;			/* rows by bounds of packed codes */
	GraphHeap	fine;			/* rows by bounds of fine codes, if there are any */
	bool		estimate;		/* order by estimates, because vectors are not kept */
	ComparedRows *compared;		/* of the search */
	const SearchEffort *effort;	/* of the search */
	uint32		lists_read;		/* ranks of which has been read what an object store has */
	GraphHeap	asked_coarse;	/* rows that are being read, of either heap */
	GraphHeap	asked_fine;
} ListsScan;

/* Whether what is cold in the segment is in an object store. */
static inline bool
lists_scan_is_stored(const ListsScan *scan)
{
	return scan->sealed.reader.extent.where == EXTENT_STORED;
}

/* Begins a scan of a segment that is held. */
extern void lists_scan_begin(ListsScan *scan, const ListsQuery *lists, const Space *space,
							 CachedSegment *segment, ScanStatistics *statistics);

/*
 * Adds to a batch what the next rounds read of lists from an object store, before the vectors of
 * candidates, as far as it has room.
 */
extern void lists_scan_expect(ListsScan *scan, BlockBatch *batch);

/* Scans a list by its codes: rows that are not surely beyond the threshold become candidates. */
extern void lists_scan_codes(ListsScan *scan, uint32 rank, float threshold);

/* Without codes: calls back for each row of a list that is not excluded, with its distance. */
extern void lists_scan_rows(ListsScan *scan, uint32 rank, SealedFound callback, void *arg);

/*
 * The smallest bound of any candidate; returns false if there is none, or it is not known by what
 * is at hand.
 */
extern bool lists_scan_bound(ListsScan *scan, float *bound);

/*
 * The greatest lower bound by the codes of a row, which is in the list of this rank; or, with
 * `estimate`, the estimate by the finest of its codes.
 */
extern float lists_scan_row_bound(ListsScan *scan, uint32 rank, uint32 row);

/* Whether codes are compared, and none of them is in an object store; or all is in the file. */
extern bool lists_scan_codes_at_hand(const ListsScan *scan);

/*
 * Whether what is to be read of the candidate with the smallest bound is at hand; else adds it to a
 * batch, and sets the candidate aside until what was asked for has been read.
 */
extern bool lists_scan_ready(ListsScan *scan);
extern void lists_scan_ask(ListsScan *scan, BlockBatch *batch);
extern void lists_scan_asked(ListsScan *scan);

/* Removes the candidate with the smallest bound if what is to be read of it is not at hand. */
extern bool lists_scan_drop_first(ListsScan *scan);

/* Removes the candidate with the smallest bound and returns it. */
extern GraphCandidate lists_scan_pop(ListsScan *scan);

/* Computes the distance of a row by its stored vector. */
extern void lists_scan_refine(ListsScan *scan, uint32 row, GraphFound *found);

/* SegmentMethod.check, and inspect. */
extern void *lists_check(SealedScan *sealed);
extern void lists_inspect(SealedScan *sealed, SegmentShow show, void *arg);

#endif							/* VECTOR_LIST_SEGMENT_SCAN_H */
