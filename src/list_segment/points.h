/*
 * points.h - the centroids of lists, read where they lie
 *
 * Thousands of centroids take hundreds of megabytes: a session has no copy of so many, but reads
 * them from their blocks, which sessions share.
 */
#ifndef VECTOR_LIST_SEGMENT_POINTS_H
#define VECTOR_LIST_SEGMENT_POINTS_H

#include "cluster/centroids.h"
#include "segment/extent.h"

typedef struct CentroidPoints
{
	ClusterPoints base;
	Relation	index;
	BlockNumber first;			/* block that they begin in */
	uint32		uid;
	bool		lock;			/* pages are locked while they are read: in recovery */
	BlockNumber block;			/* that is pinned, or invalid */
	Buffer		buffer;
	float	   *scratch;		/* one that runs on in the next block */
} CentroidPoints;

/* The centroids of a segment, whose first block and uid these are; memory is the context's. */
extern void centroid_points_open(CentroidPoints *points, Relation index, BlockNumber first,
								 uint32 uid, const CentroidsHeader *header);
extern void centroid_points_close(CentroidPoints *points);

#endif							/* VECTOR_LIST_SEGMENT_POINTS_H */
