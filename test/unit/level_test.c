/*
 * level_test.c - the kernels on codes of several bits an element and on columns, of every set
 *
 * Arrays end at a page that may not be read or written.  References are plain loops in double
 * precision or in integers.
 */
#include <math.h>
#include <string.h>

#include "check.h"
#include "distance/distance.h"
#include "distance/distance_internal.h"
#include "guard.h"
#include "random.h"

#define MAX_DIM		2064
#define MAX_BYTES	(MAX_DIM * 16 * sizeof(float))

static uint8_t *x_end;
static uint8_t *y_end;
static uint8_t *out_end;

static int
close_to(double result, double expected, double magnitude, size_t n)
{
	return fabs(result - expected) <= magnitude * 1.2e-7 * (8 + (double) n / 16) + 1e-37;
}

/* Element i of an array of fields, by the definition in distance.h. */
static unsigned
field(const uint8_t *x, size_t i, unsigned width)
{
	size_t		k = i % 16;
	size_t		bit = i / 16 * 16 * width + (width == 4 ? k / 2 * 4 + k % 2 * 32 : k * width);

	return x[bit / 8] >> bit % 8 & ((1u << width) - 1);
}

static void
check_fields(const DistanceKernels *k, size_t n, size_t offset)
{
	float	   *q = (float *) x_end - n - offset;

	for (unsigned width = 1; width <= 4; width *= 2)
	{
		uint8_t    *x = y_end - n / 8 * width - offset;
		double		expected = 0;
		double		magnitude = 0;
		float		result;

		for (size_t i = 0; i < n; i++)
			q[i] = random_uniform();
		for (size_t i = 0; i < n / 8 * width; i++)
			x[i] = (uint8_t) random_u32();
		for (size_t i = 0; i < n; i++)
		{
			expected += (double) q[i] * field(x, i, width);
			magnitude += fabs((double) q[i]) * field(x, i, width);
		}
		result = width == 4 ? k->field_u4_dot(q, x, n) : width == 2 ? k->field_u2_dot(q, x, n) :
			k->field_u1_dot(q, x, n);
		CHECK(close_to(result, expected, magnitude, n), "%s: %u bits: %.9g, expected %.9g (n %zu)",
			  k->name, width, (double) result, expected, n);
	}
}

/* A field of `width` bits of a byte is multiplied by the element that is in its place. */
static void
check_rounded(const DistanceKernels *k, size_t bytes, size_t offset)
{
	for (int width = 1; width <= 8; width *= 2)
	{
		size_t		fields = (size_t) (8 / width);
		size_t		blocks = (bytes + FIELD_BLOCK - 1) / FIELD_BLOCK;
		int8_t	   *q = (int8_t *) x_end - blocks * FIELD_BLOCK * fields;
		uint8_t    *x = y_end - bytes - offset;
		int32_t		expected = 0;
		int32_t		result;

		/* the extremes, and other elements */
		for (size_t i = 0; i < blocks * FIELD_BLOCK * fields; i++)
			q[i] = (int8_t) (random_u32() % 4 == 0 ? 128 : random_u32());
		for (size_t i = 0; i < bytes; i++)
			x[i] = (uint8_t) (random_u32() % 2 == 0 ? 255 : random_u32());
		for (size_t i = 0; i < bytes; i++)
			for (size_t f = 0; f < fields; f++)
				expected += (x[i] >> f * (size_t) width & ((1 << width) - 1)) *
					q[(i / FIELD_BLOCK * fields + f) * FIELD_BLOCK + i % FIELD_BLOCK];
		result = k->field_i8_dot(q, x, bytes, width);
		CHECK(result == expected, "%s: %d bits: %d, expected %d (%zu bytes)", k->name, width,
			  (int) result, (int) expected, bytes);
	}
}

/* Weights count if their bits are set. */
static void
check_weights(const DistanceKernels *k, size_t n, size_t offset)
{
	int16_t    *weights = (int16_t *) x_end - n - offset;
	uint8_t    *x = y_end - n / 8 - offset;
	int32_t		expected = 0;
	int32_t		result;

	/* the extremes, and other weights */
	for (size_t i = 0; i < n; i++)
		weights[i] = (int16_t) (random_u32() % 4 == 0 ? 0x8000 : random_u32());
	for (size_t i = 0; i < n / 8; i++)
		x[i] = (uint8_t) (random_u32() % 4 == 0 ? 255 : random_u32());
	for (size_t i = 0; i < n; i++)
		expected += x[i / 8] >> i % 8 & 1 ? weights[i] : 0;
	result = k->bits_i16_sum(weights, x, n);
	CHECK(result == expected, "%s: %d, expected %d (%zu bits)", k->name, (int) result,
		  (int) expected, n);
}

/* Levels are the nearest ones, equal portable's, and do not depend on whether they are written. */
static void
check_levels(const DistanceKernels *k, size_t n, size_t offset, unsigned bits, float scale)
{
	static uint8_t portable[MAX_DIM];
	float	   *x = (float *) x_end - n - offset;
	uint8_t    *levels = y_end - n - offset * 3;
	float		top = (float) ((1u << bits) - 1);
	double		product = 0;
	double		norm = 0;
	double		magnitude = 0;
	double		worst = 0;
	float		largest = 0;
	LevelParts	parts;
	LevelParts	again;

	/* every 7th is between two levels, every 11th far out */
	for (size_t i = 0; i < n; i++)
		x[i] = i % 7 == 3 ? (float) ((int) (random_u32() % 8) - 4) / scale :
			random_uniform() * (i % 11 == 5 ? 1e4f : 3);
	parts = k->f32_levels(x, n, scale, top, levels);
	again = k->f32_levels(x, n, scale, top, NULL);
	portable_kernels.f32_levels(x, n, scale, top, portable);
	for (size_t i = 0; i < n; i++)
	{
		double		place = fmin(fmax((double) x[i] * (double) scale + (double) top / 2, 0),
								 (double) top);
		double		u = levels[i] - (double) top / 2;

		worst = fmax(worst, fabs(place - levels[i]));
		product += (double) x[i] * u;
		norm += u * u;
		magnitude += fabs((double) x[i] * u);
		largest = fmaxf(largest, fabsf(x[i]));
	}
	CHECK(worst <= 0.5 + 1e-4, "%s: a level off by %g (n %zu, %u bits)", k->name, worst, n, bits);
	CHECK(memcmp(levels, portable, n) == 0, "%s: levels are not portable's (n %zu, %u bits)",
		  k->name, n, bits);
	CHECK(memcmp(&parts, &again, sizeof(parts)) == 0, "%s: written and not (n %zu)", k->name, n);
	CHECK(close_to(parts.product, product, magnitude, n) && close_to(parts.norm, norm, norm, n) &&
		  parts.largest == largest, "%s: %g %g %g, expected %g %g %g (n %zu, %u bits)", k->name,
		  (double) parts.product, (double) parts.norm, (double) parts.largest, product, norm,
		  (double) largest, n, bits);
}

static void
check_columns(const DistanceKernels *k, size_t n, size_t offset)
{
	float	   *x = (float *) x_end - n - offset;
	float	   *columns = (float *) y_end - 16 * n - offset;
	uint8_t    *entries = out_end - 16;
	float	   *half = (float *) (out_end - 1024) - 16;
	double		dots[16] = {0};
	double		magnitude = 0;
	double		least = INFINITY;
	double		largest = -INFINITY;
	double		nearest = INFINITY;
	float		distance;
	float		factor;
	uint32_t	best;
	Range		range;

	for (size_t i = 0; i < n; i++)
		x[i] = random_uniform();
	for (size_t i = 0; i < n * 16; i++)
		columns[i] = random_uniform();
	for (int j = 0; j < 16; j++)
	{
		half[j] = random_uniform() + 1;
		for (size_t i = 0; i < n; i++)
		{
			dots[j] += (double) x[i] * (double) columns[i * 16 + (size_t) j];
			magnitude += fabs((double) x[i] * (double) columns[i * 16 + (size_t) j]);
		}
		least = fmin(least, dots[j]);
		largest = fmax(largest, dots[j]);
		nearest = fmin(nearest, (double) half[j] - dots[j]);
	}
	magnitude += 2;
	best = k->columns_nearest(x, columns, half, n, &distance);
	CHECK(best < 16 && close_to(distance, nearest, magnitude, n) &&
		  close_to((double) half[best] - dots[best], nearest, magnitude, n),
		  "%s: nearest %u at %g, expected %g (n %zu)", k->name, best, (double) distance, nearest,
		  n);

	range = k->columns_entries(x, columns, n, 0, NULL);
	CHECK(close_to(range.least, least, magnitude, n) &&
		  close_to(range.largest, largest, magnitude, n), "%s: range %g to %g, expected %g to %g",
		  k->name, (double) range.least, (double) range.largest, least, largest);
	factor = 255 / (range.largest - range.least);
	k->columns_entries(x, columns, n, factor, entries);
	for (int j = 0; j < 16; j++)
		CHECK(fabs(entries[j] - (dots[j] - least) * (double) factor) <=
			  0.5 + magnitude * (double) factor * 1e-5,
			  "%s: entry %d is %d, expected %g (n %zu)", k->name, j, entries[j],
			  (dots[j] - least) * (double) factor, n);

	/* of equal columns the first is found */
	for (size_t i = 0; i < n * 16; i++)
		columns[i] = 1;
	for (int j = 0; j < 16; j++)
		half[j] = j < 5 ? 2 : 1;
	best = k->columns_nearest(x, columns, half, n, &distance);
	CHECK(best == 5, "%s: nearest of equal ones is %u", k->name, best);
}

/* A given residual has the same result as the vectors that it is the difference of. */
static void
check_residual(const DistanceKernels *k, size_t n, size_t offset)
{
	float	   *o = (float *) x_end - n - offset;
	float	   *c = (float *) y_end - n - offset * 2;
	uint8_t    *signs = out_end - n / 8;
	double		sums[3] = {0};
	double		magnitude = 0;
	size_t		wrong = n;
	ResidualParts parts;

	for (size_t i = 0; i < n; i++)
	{
		o[i] = i % 13 == 7 ? (i % 2 ? 0.0f : -0.0f) : random_uniform() * 5;
		c[i] = random_uniform();
	}
	parts = k->f32_residual(o, c, n, signs);
	for (size_t i = 0; i < n; i++)
	{
		sums[0] += fabs((double) o[i]);
		sums[1] += (double) o[i] * (double) o[i];
		sums[2] += signbit(o[i]) ? -(double) c[i] : (double) c[i];
		magnitude += fabs((double) c[i]);
		if ((signs[i / 8] >> i % 8 & 1) != !signbit(o[i]))
			wrong = i;
	}
	CHECK(wrong == n, "%s: sign %zu of %zu", k->name, wrong, n);
	CHECK(close_to(parts.l1, sums[0], sums[0], n) && close_to(parts.l2sq, sums[1], sums[1], n) &&
		  close_to(parts.sign_dot, sums[2], magnitude, n), "%s: %g %g %g, expected %g %g %g",
		  k->name, (double) parts.l1, (double) parts.l2sq, (double) parts.sign_dot, sums[0],
		  sums[1], sums[2]);
}

static void
check_set(const DistanceKernels *k)
{
	static const size_t sizes[] = {784, 1024, 1536, 2032, 2048, 2064};

	for (size_t i = 0; i < 20 + sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		size_t		n = i < 20 ? (i + 1) * 16 : sizes[i - 20];

		for (size_t offset = 0; offset < 8; offset++)
		{
			check_fields(k, n, offset);
			check_rounded(k, n / 8, offset);
			check_weights(k, n, offset);
			check_residual(k, n, offset);
			for (unsigned bits = 1; bits <= 8; bits++)
				check_levels(k, n, offset, bits, (float) (1u << bits) * 0.17f);
		}
		check_levels(k, n, 0, 4, 0.5f);
	}
	for (size_t n = 1; n <= 100; n++)
		for (size_t offset = 0; offset < 4; offset++)
			check_columns(k, n, offset);
	check_columns(k, MAX_DIM - 16, 0);
}

int
main(void)
{
	x_end = guarded_end(MAX_BYTES);
	y_end = guarded_end(MAX_BYTES);
	out_end = guarded_end(MAX_BYTES);
	for (int simd = DISTANCE_PORTABLE; simd <= DISTANCE_NEON; simd++)
		if (distance_get((DistanceSimd) simd) != NULL)
			check_set(distance_get((DistanceSimd) simd));
	return check_end("level_test");
}
