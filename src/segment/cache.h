/*
 * cache.h - what a backend remembers of indexes that it has scanned
 *
 * The directory as of a change, the headers and means of sealed segments, which do not change,
 * their tombstones as of a count, and in which buffer each of their blocks was seen last.  All of
 * it is a hint that is checked when it is used, or true for ever.
 */
#ifndef VECTOR_SEGMENT_CACHE_H
#define VECTOR_SEGMENT_CACHE_H

#include "cluster/coded.h"
#include "segment/directory.h"

/* Centroids of lists, with what searching and assigning needs besides. */
typedef struct CachedCentroids
{
	struct CachedCentroids *next;
	MemoryContext context;		/* of these centroids */
	int			users;
	bool		dropped;		/* goes with its last user */
	uint32		uid;
	CentroidsHeader header;
	ClusterCentroids points;	/* header.lists vectors of header.width: see lists_work_vector */
	ClusterCodes *codes;		/* of many points; or NULL */
	float	   *mean;			/* of these, that codes are relative to besides; or NULL */
	void	   *codebooks;		/* of header.codebook_size bytes, or NULL */
} CachedCentroids;

typedef struct CachedSegment
{
	struct CachedSegment *next;
	MemoryContext context;		/* of this segment */
	int			users;			/* scans that hold it */
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
	Buffer	   *recent;			/* by block & recent_mask */
	uint32		recent_mask;
} CachedSegment;

typedef struct CachedIndex CachedIndex;

/* Whether there is an entry of the index's file. */
extern bool cache_has(Relation index);

/* The index's entry with a fresh directory; valid until the next call, or as long as it is held. */
extern CachedIndex *cache_index(Relation index);
extern void cache_hold(CachedIndex *cached);
extern void cache_unhold(CachedIndex *cached);

/* The same, and lets it go with the current memory context, also by an error. */
extern void cache_hold_guarded(CachedIndex *cached);

/* Has a function called when the current memory context goes, also by an error. */
extern void cache_guard(MemoryContextCallbackFunction release, void *arg);
extern const Directory *cache_directory(const CachedIndex *cached);
extern const Space *cache_space(const CachedIndex *cached);

/* A sealed segment with fresh tombstones; to be released, also on error. */
extern CachedSegment *cache_acquire(CachedIndex *cached, Relation index,
									const SegmentEntry *entry);
extern void cache_release(CachedSegment *segment);

/* Centroids by the uid of their segment; to be released, also on error. */
extern CachedCentroids *cache_acquire_centroids(CachedIndex *cached, Relation index, uint32 uid);
extern void cache_release_centroids(CachedCentroids *centroids);

/* Has them released when the current memory context goes, also by an error. */
extern void cache_guard_centroids(CachedCentroids *centroids);

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
