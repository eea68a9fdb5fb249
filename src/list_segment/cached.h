/*
 * cached.h - what a backend keeps of centroids, and of the segments that have lists of them
 */
#ifndef VECTOR_LIST_SEGMENT_CACHED_H
#define VECTOR_LIST_SEGMENT_CACHED_H

#include "cluster/coded.h"
#include "list_segment/points.h"
#include "segment/cache.h"

/* What searches and assignments need of centroids; many centroids are read from their blocks. */
typedef struct CachedCentroids
{
	CachedPart	part;
	CentroidsHeader header;		/* vectors of header.width: see lists_work_vector */
	float	   *half_norms;		/* |c|^2 / 2 of each */
	ClusterCentroids copy;		/* of few centroids */
	ClusterCodes *codes;		/* of many centroids; or NULL: there is a copy */
	float	   *mean;			/* of the centroids, which codes are relative to; or NULL */
	void	   *codebooks;		/* of header.codebook_size bytes, or NULL */
} CachedCentroids;

/* What a segment of lists has loaded. */
typedef struct CachedLists
{
	CachedCentroids *centroids;
	SealedList *lists;
} CachedLists;

static inline const SealedList *
cached_list(const CachedSegment *segment, uint32 list)
{
	return &((const CachedLists *) segment->loaded)->lists[list];
}

static inline CachedCentroids *
cached_centroids(const CachedSegment *segment)
{
	return ((const CachedLists *) segment->loaded)->centroids;
}

/* The centroids with this uid; held together with the index (see cache_hold). */
extern CachedCentroids *cache_acquire_centroids(CachedIndex *cached, Relation index, uint32 uid);

/* Opens centroids for reading, in the current memory context; must be closed but for errors. */
extern void cache_open_points(const CachedCentroids *centroids, Relation index,
							  CentroidPoints *points);

/* SegmentMethod.load and unload. */
extern void cached_lists_load(CachedSegment *segment, Relation index);
extern void cached_lists_unload(CachedSegment *segment);

#endif							/* VECTOR_LIST_SEGMENT_CACHED_H */
