/*
 * lists.h - sealed segments of inverted lists: what is kept of a row, building, uniting
 *
 * Clustering and codes are of work vectors: of a coded space the rotated vector (of unit length for
 * cosine), rotation_padded(dims) floats; else the elements (of unit length for cosine), `dims`
 * floats, of bits 0 or 1.  A row belongs to the list of the centroid that is nearest by Euclidean
 * distance, for every metric.
 */
#ifndef VECTOR_LIST_SEGMENT_LISTS_H
#define VECTOR_LIST_SEGMENT_LISTS_H

#include "pg_compat.h"

#include "utils/tuplesort.h"

#include "list_segment/cached.h"
#include "segment/method.h"
#include "segment/sealed.h"

/* Floats of a work vector. */
extern uint32 lists_work_width(const Space *space);

/* Makes the work vector of a payload. */
extern void lists_work_vector(const Space *space, const char *payload, float *out);

/* Fills in how a segment's rows are kept: header->lists and header->layout, but for places. */
extern void lists_layout(const Space *space, SealedHeader *header);

/* Where the i-th group or fine code is: bytes into the payloads of its array. */
static inline uint64
lists_offset(uint32 i, Size size, uint32 per_block)
{
	return per_block > 0 ? (uint64) (i / per_block) * PAYLOAD_SIZE + i % per_block * size :
		(uint64) i * size;
}

typedef struct ListsBuild ListsBuild;

/*
 * Begins a segment of rows given in any order; they are sorted by lists within so much memory, or
 * in temporary files.  coordinate is of a parallel sort, or NULL.  The centroids are held by the
 * caller.
 */
extern ListsBuild *lists_build(Relation index, const Space *space,
							   const CachedCentroids *centroids, Size memory,
							   SortCoordinate coordinate);

extern void lists_build_add(ListsBuild *build, const SegmentRow *row);

/* Of this participant, after the last row: rows of each list, and the sum of their distances. */
extern void lists_build_flush(ListsBuild *build);
extern const uint32 *lists_build_counts(const ListsBuild *build);
extern double lists_build_distance(const ListsBuild *build);

/* The end of a worker's part: hands its rows to the leader. */
extern void lists_build_end_part(ListsBuild *build);

/* Sorts all rows, of which each list has so many; then what is made can be written. */
extern void lists_build_sort(ListsBuild *build, const uint32 *counts, double distance);
extern SegmentMaking *lists_build_making(ListsBuild *build);
extern void lists_build_end(ListsBuild *build);

/*
 * What is made of the rows of a job's inputs; the claim on the centroids goes when it ends.
 */
extern SegmentMaking *lists_build_of_job(const SegmentJob *job, const CachedCentroids *centroids,
										 const SegmentEntry *claimed);

/*
 * Unites a job's inputs, of the same centroids, list by list and without their dead rows.  What it
 * holds it holds while the current memory context lives.
 */
extern SegmentMaking *lists_merge(const SegmentJob *job);

#endif							/* VECTOR_LIST_SEGMENT_LISTS_H */
