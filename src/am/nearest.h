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
	GraphHeap	heap;			/* at most as many distances, negated: the farthest first */
	MemoryContext context;		/* of the heap */
} NearestFound;

/* Forgets what was found; the heap stays. */
static inline void
nearest_reset(NearestFound *nearest, uint64 wanted)
{
	nearest->wanted = wanted;
	nearest->heap.count = 0;
}

/* Notes the distance of a row. */
extern void nearest_note(NearestFound *nearest, float distance);

/* No row farther than this is among the nearest; INFINITY if too few have been found. */
static inline float
nearest_bound(const NearestFound *nearest)
{
	return nearest->wanted > 0 && nearest->heap.count == nearest->wanted ?
		-nearest->heap.items[0].distance : INFINITY;
}

#endif							/* VECTOR_AM_NEAREST_H */
