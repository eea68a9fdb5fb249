/*
 * points.h - points for the tests of k-means and of its results, and plain code to compare with
 */
#ifndef VECTOR_TEST_POINTS_H
#define VECTOR_TEST_POINTS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "random.h"

static inline void *
allocate(size_t size)
{
	void	   *p = malloc(size > 0 ? size : 1);

	if (p == NULL)
		abort();
	return p;
}

/* Points around this many places. */
static inline float *
make_points(size_t n, uint32_t dims, uint32_t places)
{
	float	   *points = allocate(n * dims * sizeof(float));
	float	   *centres = allocate((size_t) places * dims * sizeof(float));

	for (size_t i = 0; i < (size_t) places * dims; i++)
		centres[i] = 4 * random_gaussian();
	for (size_t i = 0; i < n; i++)
	{
		const float *centre = centres + (size_t) (random_u32() % places) * dims;

		for (uint32_t d = 0; d < dims; d++)
			points[i * dims + d] = centre[d] + random_gaussian();
	}
	free(centres);
	return points;
}

static inline double
distance(const float *a, const float *b, uint32_t dims)
{
	double		sum = 0;

	for (uint32_t i = 0; i < dims; i++)
		sum += ((double) a[i] - (double) b[i]) * ((double) a[i] - (double) b[i]);
	return sum;
}

static inline uint32_t
nearest(const float *x, const float *centroids, uint32_t k, uint32_t dims, double *least)
{
	uint32_t	best = 0;

	*least = INFINITY;
	for (uint32_t i = 0; i < k; i++)
	{
		double		d = distance(x, centroids + (size_t) i * dims, dims);

		if (d < *least)
		{
			*least = d;
			best = i;
		}
	}
	return best;
}

#endif							/* VECTOR_TEST_POINTS_H */
