/*
 * level_kernels.h - kernels on codes of several bits an element, written once over the primitives
 * of an instruction set
 *
 * In addition to what float_kernels.h, rotate_kernels.h and code_kernels.h require, the file that
 * includes this defines
 *		vf_min(a, b)		the smaller of two, lane by lane
 *		store_u8(p, a)		LANES whole numbers from 0 to 255, as bytes
 *		load_u4(p, k), load_u2(p, k)
 *							LANES of the 16 fields at p, from the k-th on
 *		load_set(p, bits, n)
 *							min(n, WIDE_LANES) int16 whose bits are set, and zeros
 * and the types vi of 32-bit sums, and vb of BYTES bytes, with
 *		vi_zero(), vi_add(a, b), vi_sum(a)
 *		load_bytes(p, n)	BYTES bytes at p, or n if these are fewer, padded with zeros
 *		vb_field(x, shift, mask)
 *							of each byte, the bits from `shift` on
 *		vb_dot(s, x, q)		s plus products of unsigned bytes x with signed bytes q, added up
 * or FIELDS_PORTABLE.
 */
#ifndef VECTOR_LEVEL_KERNELS_H
#define VECTOR_LEVEL_KERNELS_H

#include <string.h>

#include "distance/code_kernels.h"
#include "distance/distance.h"

static inline vf
add_u4(vf sum, const float *q, const uint8_t *x, size_t i)
{
	return vf_fma(load_f32(q + i), load_u4(x + i / 16 * 8, i % 16), sum);
}

static inline vf
add_u2(vf sum, const float *q, const uint8_t *x, size_t i)
{
	return vf_fma(load_f32(q + i), load_u2(x + i / 16 * 4, i % 16), sum);
}

static inline vf
add_u1(vf sum, const float *q, const uint8_t *x, size_t i)
{
	uint16_t	bits;

	memcpy(&bits, x + i / 16 * 2, sizeof(bits));
	return vf_add(sum, vf_where((uint32_t) bits >> i % 16, load_f32(q + i)));
}

#define FIELD_KERNEL(name, add) \
static float \
name(const float *q, const uint8_t *x, size_t n) \
{ \
	vf			s0 = vf_zero(); \
	vf			s1 = vf_zero(); \
	vf			s2 = vf_zero(); \
	vf			s3 = vf_zero(); \
	size_t		i = 0; \
\
	for (; i + 4 * LANES <= n; i += 4 * LANES) \
	{ \
		s0 = add(s0, q, x, i); \
		s1 = add(s1, q, x, i + LANES); \
		s2 = add(s2, q, x, i + 2 * LANES); \
		s3 = add(s3, q, x, i + 3 * LANES); \
	} \
	for (; i < n; i += LANES) \
		s0 = add(s0, q, x, i); \
	return vf_sum(vf_add(vf_add(s0, s1), vf_add(s2, s3))); \
}

#ifdef FIELDS_PORTABLE

#define FIELD_I8_KERNEL(name) \
static int32_t \
name(const int8_t *q, const uint8_t *x, size_t bytes, int width) \
{ \
	const int	mask = (1 << width) - 1; \
	int32_t		sum = 0; \
\
	for (size_t i = 0; i < bytes; i += FIELD_BLOCK) \
		for (int shift = 0; shift < 8; shift += width, q += FIELD_BLOCK) \
			for (size_t k = 0; k < FIELD_BLOCK && i + k < bytes; k++) \
				sum += (x[i + k] >> shift & mask) * q[k]; \
	return sum; \
}

#else

/* One of these for each width, which is a constant in it. */
#define FIELDS_I8_DOT(name, width) \
static inline int32_t \
name(const int8_t *q, const uint8_t *x, size_t bytes) \
{ \
	vi			s[4] = {vi_zero(), vi_zero(), vi_zero(), vi_zero()}; \
\
	for (size_t i = 0; i < bytes; i += FIELD_BLOCK, q += 8 / width * FIELD_BLOCK) \
		for (size_t k = 0; k < FIELD_BLOCK && i + k < bytes; k += BYTES) \
		{ \
			vb			v = load_bytes(x + i + k, bytes - i - k); \
\
			for (int f = 0; f < 8 / width; f++) \
				s[f % 4] = vb_dot(s[f % 4], vb_field(v, f * width, (1 << width) - 1), \
								  load_bytes((const uint8_t *) q + f * FIELD_BLOCK + k, BYTES)); \
		} \
	return vi_sum(vi_add(vi_add(s[0], s[1]), vi_add(s[2], s[3]))); \
}

#define FIELD_I8_KERNEL(name) \
FIELDS_I8_DOT(name ## _1, 1) \
FIELDS_I8_DOT(name ## _2, 2) \
FIELDS_I8_DOT(name ## _4, 4) \
FIELDS_I8_DOT(name ## _8, 8) \
\
static int32_t \
name(const int8_t *q, const uint8_t *x, size_t bytes, int width) \
{ \
	return width == 1 ? name ## _1(q, x, bytes) : width == 2 ? name ## _2(q, x, bytes) : \
		width == 4 ? name ## _4(q, x, bytes) : name ## _8(q, x, bytes); \
}

#endif							/* FIELDS_PORTABLE */

#ifdef FIELDS_PORTABLE

#define BITS_I16_KERNEL(name) \
static int32_t \
name(const int16_t *weights, const uint8_t *x, size_t n) \
{ \
	int32_t		sum = 0; \
\
	for (size_t i = 0; i < n; i++) \
		sum += weights[i] & -(x[i / 8] >> i % 8 & 1); \
	return sum; \
}

#else

/* Of n bits, 16 or at least WIDE_LANES of them. */
static inline vw
load_weights(const int16_t *weights, const uint8_t *x, size_t n)
{
	uint32_t	bits = 0;

	memcpy(&bits, x, n < WIDE_LANES ? 2 : (WIDE_LANES) / 8);
	return load_set(weights, bits, n);
}

#define BITS_I16_KERNEL(name) \
static int32_t \
name(const int16_t *weights, const uint8_t *x, size_t n) \
{ \
	vi			s0 = vi_zero(); \
	vi			s1 = vi_zero(); \
	size_t		i = 0; \
\
	for (; i + 2 * WIDE_LANES <= n; i += 2 * WIDE_LANES) \
	{ \
		s0 = vi_madd(s0, load_weights(weights + i, x + i / 8, WIDE_LANES), vw_ones()); \
		s1 = vi_madd(s1, load_weights(weights + i + WIDE_LANES, x + (i + WIDE_LANES) / 8, \
									  WIDE_LANES), vw_ones()); \
	} \
	for (; i < n; i += WIDE_LANES) \
		s0 = vi_madd(s0, load_weights(weights + i, x + i / 8, n - i), vw_ones()); \
	return vi_sum(vi_add(s0, s1)); \
}

#endif							/* FIELDS_PORTABLE */

/* Rounds a number below 2^22 to the nearest integer, ties to even. */
static inline vf
whole(vf a)
{
	const vf	magic = vf_set1(0x1.8p23f);	/* floats of this size have no fraction bits */

	return vf_sub(vf_add(a, magic), magic);
}

/*
 * The product is clamped before it is added, so that no compiler can fuse the two: levels are the
 * same to the bit in every set.
 */
static LevelParts
f32_levels(const float *x, size_t n, float scale, float top, uint8_t *out)
{
	const vf	middle = vf_set1(top / 2);
	const vf	least = vf_set1(-top / 2);
	const vf	factor = vf_set1(scale);
	vf			product = vf_zero();
	vf			norm = vf_zero();
	vf			largest = vf_zero();

	for (size_t i = 0; i < n; i += LANES)
	{
		vf			v = load_f32(x + i);
		vf			place = vf_min(vf_max(vf_mul(v, factor), least), middle);
		vf			level = whole(vf_add(place, middle));
		vf			u = vf_sub(level, middle);

		product = vf_fma(v, u, product);
		norm = vf_fma(u, u, norm);
		largest = vf_max(largest, vf_abs(v));
		if (out != NULL)
			store_u8(out + i, level);
	}
	return (LevelParts) {vf_sum(product), vf_sum(norm), vf_largest(largest)};
}

/* The smallest of all lanes, in all of them, by vf_min; or the largest by vf_max. */
#if LANES == 4
#define ACROSS_LANES(a, choose)	a = choose(a, vf_swap1(a)), a = choose(a, vf_swap2(a))
#elif LANES == 8
#define ACROSS_LANES(a, choose) \
	a = choose(a, vf_swap1(a)), a = choose(a, vf_swap2(a)), a = choose(a, vf_swap4(a))
#else
#define ACROSS_LANES(a, choose) \
	a = choose(a, vf_swap1(a)), a = choose(a, vf_swap2(a)), a = choose(a, vf_swap4(a)), \
	a = choose(a, vf_swap8(a))
#endif

#define COLUMNS		16
#define PARTS		(COLUMNS / LANES)

/* Adds the dot products of x with the columns. */
static inline void
add_columns(vf *sums, const float *x, const float *columns, size_t n)
{
	for (size_t i = 0; i < n; i++, columns += COLUMNS)
		for (int k = 0; k < PARTS; k++)
			sums[k] = vf_fma(vf_set1(x[i]), load_f32(columns + k * LANES), sums[k]);
}

static uint32_t
columns_nearest(const float *x, const float *columns, const float *half, size_t n,
				float *distance)
{
	vf			sums[PARTS];
	vf			least;
	float		lanes[LANES];
	uint32_t	beyond = 0;

	for (int k = 0; k < PARTS; k++)
		sums[k] = vf_zero();
	add_columns(sums, x, columns, n);
	for (int k = 0; k < PARTS; k++)
	{
		sums[k] = vf_sub(load_f32(half + k * LANES), sums[k]);
		least = k == 0 ? sums[0] : vf_min(least, sums[k]);
	}
	ACROSS_LANES(least, vf_min);
	for (int k = 0; k < PARTS; k++)
		beyond |= vf_below(least, sums[k]) << k * LANES;
	store_f32(lanes, least);
	*distance = lanes[0];
	return beyond == 0xFFFF ? 0 : (uint32_t) __builtin_ctz(~beyond);
}

static Range
columns_entries(const float *x, const float *columns, size_t n, float factor, uint8_t *out)
{
	vf			sums[PARTS];
	vf			least;
	vf			largest;
	float		lanes[2][LANES];

	for (int k = 0; k < PARTS; k++)
		sums[k] = vf_zero();
	add_columns(sums, x, columns, n);
	least = largest = sums[0];
	for (int k = 1; k < PARTS; k++)
	{
		least = vf_min(least, sums[k]);
		largest = vf_max(largest, sums[k]);
	}
	ACROSS_LANES(least, vf_min);
	ACROSS_LANES(largest, vf_max);
	for (int k = 0; k < PARTS && out != NULL; k++)
		store_u8(out + k * LANES, whole(vf_mul(vf_sub(sums[k], least), vf_set1(factor))));
	store_f32(lanes[0], least);
	store_f32(lanes[1], largest);
	return (Range) {lanes[0][0], lanes[1][0]};
}

#define LEVEL_KERNELS \
FIELD_KERNEL(field_u4_dot, add_u4) \
FIELD_KERNEL(field_u2_dot, add_u2) \
FIELD_KERNEL(field_u1_dot, add_u1) \
FIELD_I8_KERNEL(field_i8_dot) \
BITS_I16_KERNEL(bits_i16_sum)

#define LEVEL_ENTRIES \
	.field_u4_dot = field_u4_dot, \
	.field_u2_dot = field_u2_dot, \
	.field_u1_dot = field_u1_dot, \
	.field_i8_dot = field_i8_dot, \
	.bits_i16_sum = bits_i16_sum, \
	.f32_levels = f32_levels, \
	.columns_nearest = columns_nearest, \
	.columns_entries = columns_entries

#endif							/* VECTOR_LEVEL_KERNELS_H */
