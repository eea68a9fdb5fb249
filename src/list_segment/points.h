/*
 * points.h - reading the centroids of lists in place
 *
 * Thousands of centroids take hundreds of megabytes.  A session does not copy so many, but reads
 * them from their blocks in shared buffers.
 */
#ifndef VECTOR_LIST_SEGMENT_POINTS_H
#define VECTOR_LIST_SEGMENT_POINTS_H

#include "cluster/centroids.h"
#include "segment/extent.h"

typedef struct CentroidPoints
{
	ClusterPoints base;
	Relation	index;
	BlockNumber first;			/* block in which they begin */
	uint32		uid;
	bool		lock;			/* pages are locked while they are read (in recovery) */
	BlockNumber block;			/* the pinned block, or invalid */
	Buffer		buffer;
	float	   *scratch;		/* a copy of one that crosses blocks */
} CentroidPoints;

/*
 * Opens the centroids of a segment by its first block and uid; the memory is the current context's.
 */
extern void centroid_points_open(CentroidPoints *points, Relation index, BlockNumber first,
								 uint32 uid, const CentroidsHeader *header);
extern void centroid_points_close(CentroidPoints *points);

#endif							/* VECTOR_LIST_SEGMENT_POINTS_H */
