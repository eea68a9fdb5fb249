/*
 * nearest.h - the distance of the k-th nearest row that several segments or scans have found
 */
#ifndef VECTOR_AM_NEAREST_H
#define VECTOR_AM_NEAREST_H

#include "pg_compat.h"

#include <math.h>

#include "port/atomics.h"
#include "storage/spin.h"

#include "graph/search.h"

/* What several processes have found, in memory that they share. */
typedef struct NearestShared
{
	slock_t		lock;			/* of all that follows; the bound is read without */
	uint32		room;
	uint32		wanted;			/* k; 0: nobody has begun */
	uint32		count;
	pg_atomic_uint64 bound;		/* the bits of a double: the k-th nearest; or infinity */
	double		heap[FLEXIBLE_ARRAY_MEMBER];	/* the farthest first */
} NearestShared;

/* Makes an empty one, with room for so many, in memory of this size; forgets what was found. */
extern Size nearest_shared_size(uint32 room);
extern void nearest_shared_init(NearestShared *shared, uint32 room);
extern void nearest_shared_reset(NearestShared *shared);

/* Begins for k rows; false if there is no room, or others look for another number of rows. */
extern bool nearest_shared_begin(NearestShared *shared, uint64 wanted);

/* Notes the distance of a row, which is not NaN. */
extern void nearest_shared_note(NearestShared *shared, double distance);

/* The distance of the k-th nearest row; infinity if too few have been found. */
extern double nearest_shared_bound(NearestShared *shared);

typedef struct NearestFound
{
	NearestShared *shared;		/* in place of the heap; or NULL */
	uint64		wanted;			/* k; 0: not known */
	float		within;			/* no row farther than this is among them; or INFINITY */
	GraphHeap	heap;			/* at most as many distances, negated: the farthest first */
	MemoryContext context;		/* of the heap */
} NearestFound;

/* Forgets what was found by this process alone; the heap stays. */
static inline void
nearest_reset(NearestFound *nearest, uint64 wanted)
{
	nearest->shared = NULL;
	nearest->wanted = wanted;
	nearest->within = INFINITY;
	nearest->heap.count = 0;
}

/* Notes the distance of a row. */
extern void nearest_note(NearestFound *nearest, float distance);

/* No row farther than this is among the nearest; INFINITY if too few have been found. */
static inline float
nearest_bound(const NearestFound *nearest)
{
	if (nearest->wanted == 0)
		return INFINITY;
	if (nearest->shared)
		return Min((float) nearest_shared_bound(nearest->shared), nearest->within);
	return nearest->heap.count == nearest->wanted ?
		Min(-nearest->heap.items[0].distance, nearest->within) : nearest->within;
}

#endif							/* VECTOR_AM_NEAREST_H */
