/*
 * components_test.c - principal components of samples whose axes are known
 */
#include "cluster/components.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cluster/blas.h"
#include "distance/distance.h"
#include "guard.h"
#include "quantize/rotation.h"
#include "random.h"

static double
product(const float *a, const float *b, uint32_t dims)
{
	double		sum = 0;

	for (uint32_t d = 0; d < dims; d++)
		sum += (double) a[d] * b[d];
	return sum;
}

/* Centres points and finds their axes, with memory that faults past its end. */
static void
find(float *points, size_t n, uint32_t dims, float *axes)
{
	size_t		size = (components_memory(n) + 7) & ~(size_t) 7;

	components_centre(points, n, n, dims);
	components_find(points, n, dims, axes, guarded_end(size) - size);
}

/* Points that vary by 9 and 3 along two axes that a rotation hides, and little along the others. */
static void
check_hidden(size_t n, uint32_t dims, float scale)
{
	size_t		size = n * dims * sizeof(float);
	float	   *points = (float *) (guarded_end(size) - size);
	float		axes[COMPONENTS * 256];
	float		truth[COMPONENTS * 256] = {0};
	Rotation	hidden;

	rotation_init(&hidden, dims, 5, malloc(rotation_memory(dims)));
	for (size_t i = 0; i < n; i++)
	{
		float	   *x = points + i * dims;

		for (uint32_t d = 0; d < dims; d++)
			x[d] = scale * (d == 0 ? 9 : d == 1 ? 3 : 0.1f) * random_gaussian();
		rotation_apply(&hidden, x, x);
		for (uint32_t d = 0; d < dims; d++)
			x[d] += scale * 100;
	}
	truth[0] = truth[dims + 1] = 1;
	for (int c = 0; c < COMPONENTS; c++)
		rotation_apply(&hidden, truth + c * dims, truth + c * dims);
	find(points, n, dims, axes);
	for (int c = 0; c < COMPONENTS; c++)
	{
		const float *axis = axes + c * dims;
		const float *true_axis = truth + c * dims;
		float		greatest = 0;
		double		cosine = product(axis, true_axis, dims) /
			sqrt(product(true_axis, true_axis, dims));

		CHECK(fabs(cosine) > 0.98, "axis %d of %u: %g", c, dims, cosine);
		CHECK(fabs(product(axis, axis, dims) - 1) < 1e-5, "length %d", c);
		for (uint32_t d = 0; d < dims; d++)
			if (fabsf(axis[d]) > fabsf(greatest))
				greatest = axis[d];
		CHECK(greatest > 0, "sign %d", c);
	}
	CHECK(fabs(product(axes, axes + dims, dims)) < 1e-4, "right angle, %u", dims);
	free((void *) hidden.signs);
}

/* Points that vary as much along two axes, the first is still that along which they vary more. */
static void
check_round(void)
{
	float		points[300 * 2];
	float		axes[COMPONENTS * 2];
	double		spread[COMPONENTS] = {0};
	double		both = 0;

	for (int i = 0; i < 300; i++)
	{
		points[2 * i] = random_gaussian();
		points[2 * i + 1] = 1.001f * random_gaussian();
	}
	find(points, 300, 2, axes);
	for (int c = 0; c < COMPONENTS; c++)
		for (int i = 0; i < 300; i++)
			spread[c] += pow(product(points + 2 * i, axes + 2 * c, 2), 2);
	CHECK(spread[0] >= spread[1], "%g < %g", spread[0], spread[1]);
	CHECK(fabs(product(axes, axes + 2, 2)) < 1e-5, "right angle");
	for (int i = 0; i < 300; i++)
		both += product(points + 2 * i, axes, 2) *
			product(points + 2 * i, axes + 2, 2);
	CHECK(fabs(both) < 1e-4 * spread[0], "places along the axes are correlated: %g", both);
}

/* Points that do not vary, or along one axis only. */
static void
check_flat(void)
{
	float		same[4 * 3] = {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3};
	float		line[3 * 2] = {0, 0, 3, 4, 6, 8};
	float		one[1] = {7};
	float		zero[2 * 2] = {0};
	float		axes[COMPONENTS * 3];
	float		empty[COMPONENTS * 3] = {0};

	find(same, 4, 3, axes);
	CHECK(memcmp(axes, empty, sizeof(empty)) == 0, "equal points have an axis");
	find(line, 3, 2, axes);
	CHECK(fabsf(axes[0] - 0.6f) < 1e-6f && fabsf(axes[1] - 0.8f) < 1e-6f, "%g %g", axes[0],
		  axes[1]);
	CHECK(axes[2] == 0 && axes[3] == 0, "a line has a second axis");
	find(one, 1, 1, axes);
	CHECK(axes[0] == 0 && axes[1] == 0, "a point has an axis");
	find(zero, 2, 2, axes);
	CHECK(axes[0] == 0, "zeros have an axis");
}

/* Points that are not in the sample are moved and scaled with it. */
static void
check_centre(void)
{
	float		points[] = {1, 2, 3, 6, -8, 0};
	float		scale = components_centre(points, 2, 3, 2);

	CHECK(scale == 8, "%g", scale);
	CHECK(points[0] == -0.125f && points[2] == 0.125f && points[1] == -0.25f &&
		  points[3] == 0.25f &&
		  points[4] == -1.25f && points[5] == -0.5f, "%g %g %g %g", points[0], points[1], points[4],
		  points[5]);
}

int
main(void)
{
	distance_select(DISTANCE_AUTO);
	for (int blas = 0; blas < 2; blas++)
	{
		cluster_blas_select(blas ? CLUSTER_BLAS_AUTO : CLUSTER_BLAS_KERNELS);
		(void) cluster_blas_load();
		check_hidden(500, 128, 1);
		check_hidden(60, 256, 1);
		check_hidden(500, 128, 1e34f);
		for (int i = 0; i < 20; i++)
			check_round();
		check_flat();
	}
	check_centre();
	return check_end("components_test");
}
