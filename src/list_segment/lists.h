/*
 * lists.h - sealed segments of inverted lists: how rows are stored; building and merging
 */
#ifndef VECTOR_LIST_SEGMENT_LISTS_H
#define VECTOR_LIST_SEGMENT_LISTS_H

#include "pg_compat.h"

#include "utils/tuplesort.h"

#include "list_segment/cached.h"
#include "list_segment/layout.h"
#include "segment/code_groups.h"
#include "segment/method.h"

/* The codes of all lists. */
static inline CodeGroups
lists_groups_of(const SealedLists *lists)
{
	return (CodeGroups) {lists->codes, lists->group_size, lists->groups_per_block};
}

typedef struct ListsBuild ListsBuild;

/*
 * Begins a segment of rows in any order; they are sorted by list within this much memory, or in
 * temporary files.  `coordinate` belongs to a parallel sort, or is NULL.  The caller holds the
 * centroids.
 */
extern ListsBuild *lists_build(Relation index, const Space *space,
							   const CachedCentroids *centroids, Size memory,
							   SortCoordinate coordinate);

extern void lists_build_add(ListsBuild *build, const SegmentRow *row);

/*
 * After this participant's last row: the number of its rows in each list, and the sum of their
 * distances.
 */
extern void lists_build_flush(ListsBuild *build);
extern const uint32 *lists_build_counts(const ListsBuild *build);
extern double lists_build_distance(const ListsBuild *build);

/* Ends a worker's part: passes its rows to the leader. */
extern void lists_build_end_part(ListsBuild *build);

/* Sorts all rows, given the number in each list; after that the segment can be written. */
extern void lists_build_sort(ListsBuild *build, const uint32 *counts, double distance);
extern SegmentMaking *lists_build_making(ListsBuild *build);
extern void lists_build_end(ListsBuild *build);

/* Begins a segment of the rows of a job's inputs; its end releases the claim on the centroids. */
extern SegmentMaking *lists_build_of_job(const SegmentJob *job, const CachedCentroids *centroids,
										 const SegmentEntry *claimed);

/*
 * Merges a job's inputs, which have the same centroids, list by list and without their dead rows.
 * Everything is held until the current memory context is deleted.
 */
extern SegmentMaking *lists_merge(const SegmentJob *job);

#endif							/* VECTOR_LIST_SEGMENT_LISTS_H */
