/*
 * components.c - the two principal components of a sample
 */
#include "cluster/components.h"

#include <math.h>
#include <string.h>

#include "cluster/blas.h"

#define ITERATIONS	200

/* Directions that change less are found. */
#define PRECISION	1e-12

/* Of the variance along the first axis: what is less is rounding. */
#define LEAST_PART	1e-6

float
components_centre(float *points, size_t n, size_t all, uint32_t dims)
{
	float		most = 0;

	for (size_t i = 0; i < all * dims; i++)
		most = fmaxf(most, fabsf(points[i]));
	if (most == 0)
		return 1;
	for (uint32_t d = 0; d < dims; d++)
	{
		double		sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += points[i * dims + d] / most;
		for (size_t i = 0; i < all; i++)
			points[i * dims + d] = (float) (points[i * dims + d] / most - sum / (double) n);
	}
	return most;
}

size_t
components_memory(size_t n)
{
	return n * n * sizeof(float) + 2 * COMPONENTS * n * sizeof(double);
}

static double
dot(const double *a, const double *b, size_t n)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/*
 * Makes the vectors orthogonal to those before, and of length 1; one that is shorter than this part
 * of the first becomes 0.
 */
static void
make_orthonormal(double *vectors, size_t n)
{
	double		first = 0;

	for (int c = 0; c < COMPONENTS; c++)
	{
		double	   *v = vectors + c * n;
		double		norm;

		for (int b = 0; b < c; b++)
		{
			const double *u = vectors + b * n;
			double		product = dot(u, v, n);

			for (size_t i = 0; i < n; i++)
				v[i] -= product * u[i];
		}
		norm = sqrt(dot(v, v, n));
		if (c == 0)
			first = norm;
		for (size_t i = 0; i < n; i++)
			v[i] = norm > LEAST_PART * first ? v[i] / norm : 0;
	}
}

/* The direction in space of a combination of points, of length 1 and with a sign. */
static void
make_axis(const float *points, const double *weights, size_t n, uint32_t dims, float *axis)
{
	double		norm = 0;
	double		greatest = 0;

	for (uint32_t d = 0; d < dims; d++)
	{
		double		sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += weights[i] * points[i * dims + d];
		axis[d] = (float) sum;
		norm += (double) axis[d] * axis[d];
		if (fabs(sum) > fabs(greatest))
			greatest = axis[d];
	}
	norm = copysign(sqrt(norm), greatest);
	for (uint32_t d = 0; d < dims; d++)
		axis[d] = norm != 0 ? (float) (axis[d] / norm) : 0;
}

/* Multiplies the vectors by the matrix of products; returns how much their directions change. */
static double
multiply(const float *products, const double *vectors, size_t n, double *next)
{
	double		change = 0;

	for (int c = 0; c < COMPONENTS; c++)
	{
		const double *v = vectors + c * n;
		double	   *w = next + c * n;
		double		norm;

		for (size_t i = 0; i < n; i++)
		{
			w[i] = 0;
			for (size_t j = 0; j < n; j++)
				w[i] += (double) products[i * n + j] * v[j];
		}
		norm = sqrt(dot(w, w, n));
		if (norm > 0)
			change += 1 - dot(v, w, n) / norm;
	}
	return change;
}

/*
 * Turns two vectors within their plane, so that their multiples by the matrix, `next`, are at right
 * angles to the other vector, and the first varies more: where both vary nearly as much, iterations
 * find the plane long before the axes.
 */
static void
turn(double *vectors, const double *next, size_t n)
{
	double	   *v = vectors + n;
	double		angle = atan2(2 * dot(v, next, n), dot(vectors, next, n) - dot(v, next + n, n)) / 2;
	double		cosine = cos(angle);
	double		sine = sin(angle);

	for (size_t i = 0; i < n; i++)
	{
		double		first = vectors[i];

		vectors[i] = cosine * first + sine * v[i];
		v[i] = cosine * v[i] - sine * first;
	}
}

void
components_find(const float *points, size_t n, uint32_t dims, float *axes, void *scratch)
{
	double	   *vectors = scratch;
	double	   *next = vectors + COMPONENTS * n;
	float	   *products = (float *) (next + COMPONENTS * n);

	cluster_dots(points, n, points, n, dims, products);
	/* any start will do that is at no right angle to the axes */
	for (size_t i = 0; i < COMPONENTS * n; i++)
		vectors[i] = sin(1 + 7.31 * (double) i);
	for (int iteration = 0; iteration < ITERATIONS; iteration++)
	{
		double		change;

		make_orthonormal(vectors, n);
		change = multiply(products, vectors, n, next);
		memcpy(vectors, next, COMPONENTS * n * sizeof(double));
		if (change < PRECISION)
			break;
	}
	make_orthonormal(vectors, n);
	(void) multiply(products, vectors, n, next);
	turn(vectors, next, n);
	for (int c = 0; c < COMPONENTS; c++)
		make_axis(points, vectors + c * n, n, dims, axes + (size_t) c * dims);
}
