/*
 * points.h - reading the centroids of lists in place
 *
 * Thousands of centroids take hundreds of megabytes.  A session does not copy so many, but reads
 * them from their blocks in shared buffers.
 */
#ifndef VECTOR_LIST_SEGMENT_POINTS_H
#define VECTOR_LIST_SEGMENT_POINTS_H

#include "cluster/centroids.h"
#include "segment/block_reader.h"

typedef struct CentroidPoints
{
	ClusterPoints base;
	BlockReader reader;
	BlockNumber start;			/* place where they begin */
	BlockNumber place;			/* of the open block */
	BlockToken	token;
	const char *payload;
	float	   *scratch;		/* a copy of one that crosses blocks */
} CentroidPoints;

/* Opens the centroids of an extent; the memory is the current context's. */
extern void centroid_points_open(CentroidPoints *points, Extent extent,
								 const CentroidsHeader *header);
extern void centroid_points_close(CentroidPoints *points);

#endif							/* VECTOR_LIST_SEGMENT_POINTS_H */
