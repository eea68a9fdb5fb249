/*
 * code_test.c - the kernels on 1-bit codes, on stored elements and of rotations, of every set
 *
 * Arrays end at a page that may not be read or written, and start at every alignment that the
 * elements allow.  References are plain loops in double precision or in integers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "distance/distance.h"
#include "distance/half.h"
#include "distance/distance_internal.h"
#include "guard.h"
#include "random.h"

#define MAX_DIM		16000
#define MAX_BYTES	(MAX_DIM / 4 * 16)

static uint8_t *q_end;
static uint8_t *x_end;
static uint8_t *a_end;
static uint8_t *b_end;
static uint8_t *out_end;

/* How the codes and the tables of a comparison are filled. */
typedef enum Fill
{
	RANDOM,
	LARGEST,					/* every table entry is 255 */
	EVERY_BYTE,					/* the positions together have all 256 values in their tables */
	FILLS
} Fill;

static const char *const fill_names[] = {"random", "largest", "every byte"};

static void
fill_codes(uint8_t *codes, uint8_t *lut, size_t positions, Fill fill)
{
	for (size_t i = 0; i < positions * 16; i++)
	{
		codes[i] = (uint8_t) (fill == EVERY_BYTE ? i * 7 + i / 256 : random_u32());
		lut[i] = (uint8_t) (fill == LARGEST ? 255 : random_u32());
	}
}

/* The sum of the table entries of one code of a group. */
static uint32_t
reference_sum(const uint8_t *codes, const uint8_t *lut, size_t positions, int i)
{
	uint32_t	sum = 0;

	for (size_t p = 0; p < positions; p++)
	{
		uint8_t		byte = codes[p * 16 + (size_t) i % 16];

		sum += lut[p * 16 + (i < 16 ? byte & 15 : byte >> 4)];
	}
	return sum;
}

/* A group of codes, and their factors. */
typedef struct CodedGroup
{
	const uint8_t *codes;
	const float *a;
	const uint16_t *b;
} CodedGroup;

/* Bounds equal estimates minus the slack, and the bits tell which are below. */
static void
check_bounds(const DistanceKernels *k, const CodeQuery *query, const CodedGroup *group,
			 float base, const float *estimates)
{
	uint16_t   *error = (uint16_t *) (out_end - MAX_BYTES / 2) - CODE_GROUP;
	float	   *out = (float *) out_end - 3 * CODE_GROUP;
	float		threshold = estimates[random_u32() % CODE_GROUP];
	float		slack = fabsf(random_uniform()) * 10;
	uint32_t	below;

	for (int i = 0; i < CODE_GROUP; i++)
		error[i] = float_to_bf16(fabsf(random_uniform()) * fabsf(estimates[i]));
	below = k->code_bounds(query, group->codes, group->a, group->b, error, base, slack, threshold,
						   out);
	for (int i = 0; i < CODE_GROUP; i++)
	{
		float		less = slack * bf16_to_float(error[i]);

		CHECK(fabsf(out[i] - (estimates[i] - less)) <= (fabsf(estimates[i]) + less) * 4e-7f,
			  "%s: bound %g of %g less %g", k->name, (double) out[i], (double) estimates[i],
			  (double) less);
		CHECK((below >> i & 1) == (out[i] < threshold), "%s: bit %d is %u for %g, threshold %g",
			  k->name, i, below >> i & 1, (double) out[i], (double) threshold);
	}
	below = k->code_bounds(query, group->codes, group->a, group->b, error, base, slack, out[7],
						   out);
	CHECK((below >> 7 & 1) == 0, "%s: a bound is below itself", k->name);
}

/*
 * With scale 1, bias 0, b 1, a and base 0 an estimate is the sum itself, which a float represents;
 * with other factors it is what the formula gives, up to rounding.
 */
static void
check_estimates(const DistanceKernels *k, size_t n, size_t offset, Fill fill)
{
	size_t		positions = n / 4;
	uint8_t    *codes = x_end - positions * 16 - offset;
	uint8_t    *lut = q_end - positions * 16 - (offset * 5) % 16;
	float	   *a = (float *) a_end - CODE_GROUP - offset % 3;
	uint16_t   *b = (uint16_t *) b_end - CODE_GROUP - offset;
	float	   *out = (float *) out_end - CODE_GROUP;
	uint32_t	sums[CODE_GROUP];
	CodeQuery	plain = {lut, positions, 1, 0};
	CodeQuery	query = {lut, positions, random_uniform(), random_uniform() * 100};
	float		base = random_uniform() * 1000;

	fill_codes(codes, lut, positions, fill);
	for (int i = 0; i < CODE_GROUP; i++)
	{
		sums[i] = reference_sum(codes, lut, positions, i);
		a[i] = 0;
		b[i] = float_to_bf16(1);
	}
	k->code_estimates(&plain, codes, a, b, 0, out);
	for (int i = 0; i < CODE_GROUP; i++)
		CHECK(out[i] == (float) sums[i], "%s: %.0f, expected %u (code %d, n %zu, offset %zu, %s)",
			  k->name, (double) out[i], sums[i], i, n, offset, fill_names[fill]);

	for (int i = 0; i < CODE_GROUP; i++)
	{
		a[i] = random_uniform() * 500;
		b[i] = float_to_bf16(random_uniform());
		out[i] = NAN;
	}
	k->code_estimates(&query, codes, a, b, base, out);
	for (int i = 0; i < CODE_GROUP; i++)
	{
		double		factor = bf16_to_float(b[i]);
		double		part = factor * ((double) query.scale * sums[i] + (double) query.bias);
		double		expected = (double) base + (double) a[i] + part;
		double		magnitude = fabs((double) base) + fabs((double) a[i]) +
			fabs(factor) * (fabs((double) query.scale) * sums[i] + fabs((double) query.bias));

		CHECK(fabs((double) out[i] - expected) <= magnitude * 4e-7,
			  "%s: %.9g, expected %.9g (code %d, n %zu, offset %zu, %s)", k->name, (double) out[i],
			  expected, i, n, offset, fill_names[fill]);
	}
	check_bounds(k, &query, &(CodedGroup) {codes, a, b}, base, out);
}

/* One position in which all 256 code bytes occur, with a table of 16 different entries. */
static void
check_every_byte(const DistanceKernels *k)
{
	uint8_t    *codes = x_end - 64;
	uint8_t    *lut = q_end - 64;
	float		zeros[CODE_GROUP] = {0};
	uint16_t	ones[CODE_GROUP];
	float		out[CODE_GROUP];
	CodeQuery	query = {lut, 4, 1, 0};

	for (int i = 0; i < CODE_GROUP; i++)
		ones[i] = float_to_bf16(1);
	for (int position = 0; position < 4; position++)
		for (int byte = 0; byte < 256; byte++)
		{
			memset(lut, 0, 64);
			memset(codes, 0x5A, 64);
			for (int i = 0; i < 16; i++)
			{
				lut[position * 16 + i] = (uint8_t) (i * 17);
				codes[position * 16 + i] = (uint8_t) (byte + i);
			}
			k->code_estimates(&query, codes, zeros, ones, 0, out);
			for (int i = 0; i < 16; i++)
			{
				uint8_t		code = (uint8_t) (byte + i);

				CHECK(out[i] == (float) ((code & 15) * 17) &&
					  out[i + 16] == (float) ((code >> 4) * 17),
					  "%s: byte %02x at place %d of position %d: %g, %g", k->name, code, i,
					  position, (double) out[i], (double) out[i + 16]);
			}
		}
}

/* Kinds of residuals. */
typedef enum Residual
{
	UNIFORM,
	EQUAL,						/* the vector equals the centre: zeros, whose sign is 1 */
	EXTREME,					/* largest, smallest and subnormal halves */
	RESIDUALS
} Residual;

static uint16_t
random_half(Residual residual)
{
	static const uint16_t extremes[] = {0x7BFF, 0xFBFF, 0x0001, 0x8001, 0x0400, 0x83FF, 0x3C00,
										0xBC00};
	uint32_t	r = random_u32();

	return residual == EXTREME ? extremes[r % 8] : float_to_half(random_uniform() * 8);
}

static int
close_to(double result, double expected, double magnitude, size_t n)
{
	return fabs(result - expected) <= magnitude * 1.2e-7 * (8 + (double) n / 16) + 1e-37;
}

static void
check_residual(const DistanceKernels *k, size_t n, size_t offset, Residual residual)
{
	uint16_t   *x = (uint16_t *) x_end - n - offset;
	uint16_t   *c = (uint16_t *) q_end - n - (offset * 3) % 8;
	uint8_t    *signs = out_end - n / 8;
	double		l1 = 0;
	double		l2sq = 0;
	double		dot = 0;
	double		magnitude = 0;
	size_t		wrong = n;
	ResidualParts parts;

	for (size_t i = 0; i < n; i++)
	{
		x[i] = random_half(residual);
		c[i] = residual == EQUAL ? x[i] : random_half(residual);
	}
	memset(signs, (int) random_u32() & 0xFF, n / 8);
	parts = k->f16_residual(x, c, n, signs);
	for (size_t i = 0; i < n; i++)
	{
		double		center = half_to_float(c[i]);
		double		d = half_to_float(x[i]) - center;
		bool		sign = !signbit(d);

		l1 += fabs(d);
		l2sq += d * d;
		dot += sign ? center : -center;
		magnitude += fabs(center);
		if ((signs[i / 8] >> i % 8 & 1) != sign)
			wrong = i;
	}
	CHECK(wrong == n, "%s: sign at %zu of %zu (offset %zu, kind %d)", k->name, wrong, n, offset,
		  (int) residual);
	CHECK(close_to(parts.l1, l1, l1, n), "%s: l1 %.9g, expected %.9g (n %zu, kind %d)", k->name,
		  (double) parts.l1, l1, n, (int) residual);
	CHECK(close_to(parts.l2sq, l2sq, l2sq, n), "%s: l2sq %.9g, expected %.9g (n %zu, kind %d)",
		  k->name, (double) parts.l2sq, l2sq, n, (int) residual);
	CHECK(close_to(parts.sign_dot, dot, magnitude, n),
		  "%s: sign_dot %.9g, expected %.9g (n %zu, kind %d)", k->name, (double) parts.sign_dot,
		  dot, n, (int) residual);
}

static void
check_to_half(const DistanceKernels *k, size_t n, size_t offset)
{
	float	   *x = (float *) q_end - n - offset % 4;
	uint16_t   *out = (uint16_t *) x_end - n - offset;
	size_t		wrong = n;

	for (size_t i = 0; i < n; i++)
		x[i] = i % 7 == 3 ? random_uniform() * 1e6f : i % 7 == 5 ? random_uniform() * 1e-7f :
			random_uniform() * 8;
	k->f32_to_f16(x, n, out);
	for (size_t i = 0; i < n; i++)
		if (out[i] != float_to_half(fminf(fmaxf(x[i], -65504), 65504)))
			wrong = i;
	CHECK(wrong == n, "%s: half %zu of %zu: %04x of %g", k->name, wrong, n, out[wrong % n],
		  (double) x[wrong % n]);
}

/* Zeros of both signs: +0 minus -0 is +0 and -0 minus +0 is -0, the same in every set. */
static void
check_zero_signs(const DistanceKernels *k)
{
	for (int place = 0; place < 32; place++)
	{
		uint16_t	x[32] = {0};
		uint16_t	c[32] = {0};
		uint8_t		signs[4];
		ResidualParts parts;

		x[place] = 0x8000;
		c[(place + 1) % 32] = 0x8000;
		parts = k->f16_residual(x, c, 32, signs);
		CHECK(parts.l1 == 0 && parts.l2sq == 0 && parts.sign_dot == 0, "%s: -0 at %d", k->name,
			  place);
		for (int i = 0; i < 32; i++)
			CHECK((signs[i / 8] >> i % 8 & 1) == (i != place), "%s: -0 at %d, sign %d", k->name,
				  place, i);
	}
}

static void
check_stored(const DistanceKernels *k, size_t n, size_t offset, float low, float step)
{
	const float *q = (float *) q_end - n - offset % 4;
	uint16_t   *h = (uint16_t *) x_end - n - offset;
	uint8_t    *u = b_end - n - offset;
	double		l2sq[2] = {0, 0};
	double		dot[2] = {0, 0};
	double		magnitude[2] = {0, 0};
	double		rounding[2] = {0, 0};
	float		results[2][2];

	for (size_t i = 0; i < n; i++)
	{
		double		y[2];
		double		size[2];

		((float *) q)[i] = random_uniform() * 4;
		h[i] = float_to_half(random_uniform() * 2);
		u[i] = (uint8_t) (i < 256 && offset == 0 ? i * 37 : random_u32());
		y[0] = (double) low + (double) step * (double) half_to_float(h[i]);
		y[1] = (double) low + (double) step * u[i];
		size[0] = fabs((double) low) + fabs((double) step * (double) half_to_float(h[i]));
		size[1] = fabs((double) low) + fabs((double) step * u[i]);
		for (int kind = 0; kind < 2; kind++)
		{
			double		d = (double) q[i] - y[kind];

			l2sq[kind] += d * d;
			dot[kind] += (double) q[i] * y[kind];
			magnitude[kind] += fabs((double) q[i] * y[kind]);
			/* the rounding of low + step * element and of the difference */
			rounding[kind] += 2 * fabs(d) * (size[kind] + fabs((double) q[i])) * 1.2e-7;
			magnitude[kind] += fabs((double) q[i]) * size[kind];
		}
	}
	results[0][0] = k->stored_f16_l2sq(q, h, n, low, step);
	results[0][1] = k->stored_f16_dot(q, h, n, low, step);
	results[1][0] = k->stored_u8_l2sq(q, u, n, low, step);
	results[1][1] = k->stored_u8_dot(q, u, n, low, step);
	for (int kind = 0; kind < 2; kind++)
	{
		const char *name = kind == 0 ? "f16" : "u8";

		CHECK(fabs((double) results[kind][0] - l2sq[kind]) <=
			  rounding[kind] + l2sq[kind] * 1.2e-7 * (8 + (double) n / 16),
			  "%s: stored_%s_l2sq %.9g, expected %.9g (n %zu, offset %zu, low %g, step %g)",
			  k->name, name, (double) results[kind][0], l2sq[kind], n, offset, (double) low,
			  (double) step);
		CHECK(close_to(results[kind][1], dot[kind], magnitude[kind], n),
			  "%s: stored_%s_dot %.9g, expected %.9g (n %zu, offset %zu, low %g, step %g)",
			  k->name, name, (double) results[kind][1], dot[kind], n, offset, (double) low,
			  (double) step);
	}
}

/* Kinds of queries. */
typedef enum Query
{
	EVEN,						/* all positions of about the same range */
	PEAK,						/* one element that dwarfs all others */
	NEGATIVE,
	SMALL,						/* around the smallest that have steps */
	TINY,
	LARGE,
	ZERO,
	QUERIES
} Query;

static float
random_element(Query query, size_t i)
{
	float		x = random_uniform();

	switch (query)
	{
		case PEAK:
			return i == 5 ? -1e4f : x;
		case NEGATIVE:
			return -fabsf(x);
		case SMALL:
			return x * 1e-33f;
		case TINY:
			return x * 1e-37f;
		case LARGE:
			return x * 1e30f;
		case ZERO:
			return i % 2 ? 0.0f : -0.0f;
		default:
			return x;
	}
}

/*
 * Compares a table with the definition: 16 sums of subsets of four elements each, minus the
 * smallest, in steps of 1/255 of the widest range, rounded; before that, three terms of a sum are
 * rounded to 1/128.
 */
static void
check_query(const DistanceKernels *k, size_t n, size_t offset, Query kind)
{
	float	   *q = (float *) q_end - n - offset;
	uint8_t    *lut = out_end - 4 * n - (offset * 5) % 16;
	double		widest = 0;
	double		sum = 0;
	double		step;
	double		worst = 0;
	int			largest = 0;
	CodeQuery	query;

	for (size_t i = 0; i < n; i++)
	{
		q[i] = random_element(kind, i);
		sum += fabs((double) q[i]);
	}
	for (size_t i = 0; i < n; i += 4)
		widest = fmax(widest, fabs((double) q[i]) + fabs((double) q[i + 1]) +
					  fabs((double) q[i + 2]) + fabs((double) q[i + 3]));
	step = widest >= 1e-34 ? widest / 255 : 1;
	memset(lut, 0x5A, 4 * n);
	query = k->code_query(q, n, lut);
	CHECK(query.lut == lut && query.positions == n / 4 &&
		  fabs((double) query.scale / (2 * step) - 1) < 1e-6 &&
		  fabs((double) query.bias + sum) <= sum * 1.2e-7 * (8 + (double) n / 16),
		  "%s: scale %g, bias %g, expected %g, %g (n %zu, kind %d)", k->name,
		  (double) query.scale, (double) query.bias, 2 * step, -sum, n, (int) kind);
	for (size_t i = 0; i < n; i += 4)
		for (int bits = 0; bits < 16; bits++)
		{
			double		entry = 0;

			for (size_t j = 0; j < 4; j++)
				entry += (bits >> j & 1 ? (double) q[i + j] : 0) - fmin((double) q[i + j], 0);
			worst = fmax(worst, fabs(lut[4 * i + (size_t) bits] - entry / step));
			largest = lut[4 * i + (size_t) bits] > largest ? lut[4 * i + (size_t) bits] : largest;
		}
	CHECK(worst <= 0.5 + 1.5 / 128 + 1e-4 && largest == (widest >= 1e-34 ? 255 : 0),
		  "%s: an entry is off by %g, the largest %d (n %zu, offset %zu, kind %d)", k->name, worst,
		  largest, n, offset, (int) kind);
}

/* A round by its definition, in double precision. */
static void
reference_round(double *x, const uint32_t *signs, size_t n, size_t window, size_t start)
{
	for (size_t i = 0; i < n; i++)
		x[i] = signs[i] ? -x[i] : x[i];
	for (size_t h = 1; h < window; h *= 2)
		for (size_t i = start; i < start + window; i++)
			if (((i - start) & h) == 0)
			{
				double		a = x[i];

				x[i] = (a + x[i + h]) * M_SQRT1_2;
				x[i + h] = (a - x[i + h]) * M_SQRT1_2;
			}
	for (size_t i = 0; i < n / 2 && window < n; i++)
	{
		double		a = x[i];

		x[i] = (a + x[i + n / 2]) * M_SQRT1_2;
		x[i + n / 2] = (a - x[i + n / 2]) * M_SQRT1_2;
	}
}

/* Every set's result equals the reference up to rounding, and portable's to the bit. */
static void
check_round(const DistanceKernels *k, size_t n, size_t window, size_t start, size_t offset)
{
	static double expected[MAX_DIM];
	static float first[MAX_DIM];
	float	   *x = (float *) x_end - n - offset;
	uint32_t   *signs = (uint32_t *) q_end - n - (offset * 3) % 8;
	double		norm2 = 0;
	double		worst = 0;

	for (size_t i = 0; i < n; i++)
	{
		x[i] = first[i] = random_uniform();
		expected[i] = (double) x[i];
		norm2 += expected[i] * expected[i];
		signs[i] = random_u32() & 0x80000000;
	}
	reference_round(expected, signs, n, window, start);
	k->rotate_round(x, signs, n, window, start);
	portable_kernels.rotate_round(first, signs, n, window, start);
	for (size_t i = 0; i < n; i++)
		worst = fmax(worst, fabs((double) x[i] - expected[i]));
	CHECK(worst <= 1e-6 * sqrt(norm2 / (double) n),
		  "%s: rotated, off by %g (n %zu, window %zu from %zu, offset %zu)", k->name, worst, n,
		  window, start, offset);
	CHECK(memcmp(x, first, n * sizeof(float)) == 0,
		  "%s: rotated otherwise than portable (n %zu, window %zu from %zu, offset %zu)", k->name,
		  n, window, start, offset);
}

/* Windows at both ends and between them, of every size. */
static void
check_rounds(const DistanceKernels *k, size_t n)
{
	for (size_t window = 128; window <= n; window *= 2)
		for (size_t offset = 0; offset < 8; offset += window * 2 > n ? 3 : 5)
		{
			check_round(k, n, window, 0, offset);
			check_round(k, n, window, n - window, offset);
			check_round(k, n, window, (n - window) / 32 * 16, offset);
		}
}

static void
check_set(const DistanceKernels *k)
{
	static const size_t sizes[] = {784, 1008, 1024, 1040, 1536, 2032, 2048, 2064, 3072, 4080,
								   4096, 4112, 6144, 8192, 8208, 12304, 15984, 16000};

	check_every_byte(k);
	check_zero_signs(k);
	for (size_t i = 0; i < 40 + sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		size_t		n = i < 40 ? (i + 1) * 16 : sizes[i - 40];

		for (size_t offset = 0; offset < 8; offset++)
		{
			if (n * 4 + offset <= MAX_BYTES)
				for (int fill = RANDOM; fill < FILLS; fill++)
					check_estimates(k, n, offset, (Fill) fill);
			for (int residual = UNIFORM; residual < RESIDUALS; residual++)
				check_residual(k, n, offset, (Residual) residual);
			check_to_half(k, n, offset);
			for (int query = EVEN; query < (offset % 4 == 0 ? QUERIES : PEAK); query++)
				check_query(k, n, offset, (Query) query);
		}
		check_rounds(k, n);
	}
	for (size_t i = 1; i <= 70 + sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		size_t		n = i <= 70 ? i : sizes[i - 71] - i % 16;

		for (size_t offset = 0; offset < 8; offset++)
		{
			check_stored(k, n, offset, 0, 1);
			check_stored(k, n, offset, -3.25f, 1.0f / 64);
			check_stored(k, n, offset, 1.5f, -0.01f);
			check_stored(k, n, offset, 2, 0);
		}
	}
}

int
main(void)
{
	q_end = guarded_end(MAX_BYTES);
	x_end = guarded_end(MAX_BYTES);
	a_end = guarded_end(MAX_BYTES);
	b_end = guarded_end(MAX_BYTES);
	out_end = guarded_end(MAX_BYTES);
	for (int simd = DISTANCE_PORTABLE; simd <= DISTANCE_NEON; simd++)
	{
		const DistanceKernels *k = distance_get((DistanceSimd) simd);

		if (k == NULL)
			printf("code_test: set %d is not of this machine\n", simd);
		else
			check_set(k);
#if defined(__x86_64__)
		/* the kernels without the faster versions for this processor */
		if (k != NULL && simd == DISTANCE_AVX512)
			check_set(&avx512_kernels);
#endif
	}
	return check_end("code_test");
}
