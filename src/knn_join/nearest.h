/*
 * nearest.h - the nearest rows of a query so far: a heap with the farthest on top
 *
 * Distances have the order of ORDER BY: NaN is the greatest.  Of equal distances the earlier row is
 * the nearer.
 */
#ifndef VECTOR_KNN_JOIN_NEAREST_H
#define VECTOR_KNN_JOIN_NEAREST_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Near
{
	double		distance;
	uint64_t	row;			/* its number in the order in which rows came */
	uintptr_t	key;			/* what the caller knows it by, */
	bool		key_null;		/* unless it is null */
} Near;

typedef struct Nearest
{
	Near	   *heap;			/* room for k */
	uint32_t	count;
} Nearest;

/* Takes a row that came later than all others, if it is among the k nearest; returns whether. */
extern bool nearest_add(Nearest *nearest, uint32_t k, double distance, uint64_t row);

/* Brings the rows into their order; nothing may be added from then on. */
extern void nearest_sort(Nearest *nearest);

/* The greatest distance that would be taken: NaN before there are k rows. */
static inline double
nearest_bound(const Nearest *nearest, uint32_t k)
{
	return nearest->count < k ? NAN : nearest->heap[0].distance;
}

#endif							/* VECTOR_KNN_JOIN_NEAREST_H */
