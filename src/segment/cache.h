/*
 * cache.h - what a backend remembers of indexes that it has scanned
 *
 * The directory as of a change, the headers and means of sealed segments, which do not change,
 * their tombstones as of a count, and codes of centroids where there are many.  All of it is
 * checked when it is used, or true for ever.  Of what nobody holds, that is kept which was used
 * last, as far as all together takes no more than CACHE_SIZE.
 */
#ifndef VECTOR_SEGMENT_CACHE_H
#define VECTOR_SEGMENT_CACHE_H

#include "cluster/coded.h"
#include "list_segment/points.h"
#include "segment/directory.h"

#define CACHE_SIZE			((Size) 32 * 1024 * 1024)

/* Centroids that take more memory are not copied. */
#define CACHE_MAX_COPY		(CACHE_SIZE / 4)

typedef struct CachedIndex CachedIndex;

/* What searching and assigning needs to know of centroids; many are read where they lie. */
typedef struct CachedCentroids
{
	struct CachedCentroids *next;
	CachedIndex *index;
	MemoryContext context;		/* of these centroids */
	int			users;
	bool		dropped;		/* goes with its last user */
	uint32		uid;
	BlockNumber first;
	CentroidsHeader header;		/* vectors of header.width: see lists_work_vector */
	float	   *half_norms;		/* |c|^2 / 2 of each */
	ClusterCentroids copy;		/* of few centroids */
	ClusterCodes *codes;		/* of many centroids; or NULL: there is a copy */
	float	   *mean;			/* of these, that codes are relative to besides; or NULL */
	void	   *codebooks;		/* of header.codebook_size bytes, or NULL */
} CachedCentroids;

typedef struct CachedSegment
{
	struct CachedSegment *next;
	CachedIndex *index;
	MemoryContext context;		/* of this segment */
	int			users;
	bool		dropped;		/* goes with its last user */
	uint32		uid;
	BlockNumber first;
	SealedHeader header;
	float	   *mean;			/* rotated, of header.padded dimensions; NULL without */
	GraphEntries entries;
	CachedCentroids *centroids;	/* lists; held */
	SealedList *lists;
	uint32		dead;			/* bits set in tombstones */
	uint8	   *tombstones;		/* NULL as long as none is dead */
} CachedSegment;

/* Whether there is an entry of the index's file. */
extern bool cache_has(Relation index);

/* The index's entry with a fresh directory; valid until the next call, or as long as it is held. */
extern CachedIndex *cache_index(Relation index);

/* Holds it until the current memory context goes, also by an error. */
extern void cache_hold(CachedIndex *cached);

extern const Directory *cache_directory(const CachedIndex *cached);
extern const Space *cache_space(const CachedIndex *cached);

/* A sealed segment with fresh tombstones; held with its index as that is by cache_hold. */
extern CachedSegment *cache_acquire(CachedIndex *cached, Relation index,
									const SegmentEntry *entry);

/* The same with centroids, by the uid of their segment. */
extern CachedCentroids *cache_acquire_centroids(CachedIndex *cached, Relation index, uint32 uid);

/* To read centroids; memory is the current context's.  To be closed, but for an error. */
extern void cache_open_points(const CachedCentroids *centroids, Relation index,
							  CentroidPoints *points);

/* The mean that the codes of a growing segment are relative to; NULL: none. */
extern const float *cache_growing_mean(CachedIndex *cached, Relation index,
									   const SegmentEntry *entry);

/* The mean of the largest sealed segment, palloc'd; NULL where there is none. */
extern float *cache_largest_mean(CachedIndex *cached, Relation index);

static inline bool
cached_row_is_dead(const CachedSegment *segment, uint32 row)
{
	return segment->tombstones && (segment->tombstones[row / 8] >> (row % 8) & 1);
}

#endif							/* VECTOR_SEGMENT_CACHE_H */
