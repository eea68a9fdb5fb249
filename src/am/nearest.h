/*
 * nearest.h - the distance of the k-th nearest row that several segments or scans have found
 */
#ifndef VECTOR_AM_NEAREST_H
#define VECTOR_AM_NEAREST_H

#include "pg_compat.h"

#include <math.h>

typedef struct NearestFound
{
	uint64		wanted;			/* k */
	uint64		count;			/* at most as many */
	uint64		room;
	float	   *distances;		/* a binary heap, the farthest first */
} NearestFound;

/* Forgets what was found; memory is of the context that is current then, and stays. */
extern void nearest_reset(NearestFound *nearest, uint64 wanted);

/* Notes the distance of a row. */
extern void nearest_note(NearestFound *nearest, float distance);

/* No row farther than this is among the nearest; INFINITY if too few have been found. */
static inline float
nearest_bound(const NearestFound *nearest)
{
	return nearest->wanted > 0 && nearest->count == nearest->wanted ? nearest->distances[0] :
		INFINITY;
}

#endif							/* VECTOR_AM_NEAREST_H */
