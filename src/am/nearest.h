/*
 * nearest.h - the distance of the k-th nearest row that several segments or scans have found
 */
#ifndef VECTOR_AM_NEAREST_H
#define VECTOR_AM_NEAREST_H

#include "pg_compat.h"

#include <math.h>

#include "graph/search.h"

typedef struct NearestFound
{
	uint64		wanted;			/* k; 0: not known */
	float		within;			/* no row farther than this is among them; or INFINITY */
	GraphHeap	heap;			/* at most as many distances, negated: the farthest first */
	MemoryContext context;		/* of the heap */
} NearestFound;

/* Forgets what was found; the heap stays. */
static inline void
nearest_reset(NearestFound *nearest, uint64 wanted)
{
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
	return nearest->heap.count == nearest->wanted ?
		Min(-nearest->heap.items[0].distance, nearest->within) : nearest->within;
}

#endif							/* VECTOR_AM_NEAREST_H */
