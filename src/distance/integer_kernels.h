/*
 * integer_kernels.h - the int8 and bit kernels, written once over the primitives of an instruction
 * set
 *
 * The file that includes this defines the type vi, an accumulator of int32, and vw, WIDE_LANES
 * elements widened to int16, with
 *		vi_zero(), vi_sum(a), vw_sub(x, y), vw_abs(x), vw_ones()
 *		vi_madd(s, x, y)	s + products of x and y
 *		load_i8(p, n)		min(n, WIDE_LANES) elements, padded with zeros
 * or defines INTEGER_PORTABLE, for plain loops.  The difference of two int8 fits int16 and the
 * product of two such differences fits int32, so everything is exact below 131,072 dimensions.
 */
#ifndef VECTOR_INTEGER_KERNELS_H
#define VECTOR_INTEGER_KERNELS_H

#include <string.h>

#include "distance/distance.h"

#define LINE_BYTES	64

#if defined(INTEGER_PORTABLE)
#define WIDE_LANES			1
typedef int32_t vi;
typedef int32_t vw;
#define vi_zero()			0
#define vi_sum(a)			(a)
#define vi_madd(s, x, y)	((s) + (x) * (y))
#define vw_sub(x, y)		((x) - (y))
#define vw_abs(x)			((x) < 0 ? -(x) : (x))
#define vw_ones()			1
#define load_i8(p, n)		((void) (n), (int32_t) *(p))
#endif

#define I8_STEP_L2SQ(s, x, y)	do { vw d_ = vw_sub(x, y); s = vi_madd(s, d_, d_); } while (0)
#define I8_STEP_DOT(s, x, y)	s = vi_madd(s, x, y)
#define I8_STEP_L1(s, x, y) \
	do \
	{ \
		vw d_ = vw_sub(x, y); \
		s = vi_madd(s, vw_abs(d_), vw_ones()); \
	} while (0)

#define I8_PAIR_KERNEL(name, STEP) \
	static int32_t name(const int8_t *a, const int8_t *b, size_t n) \
	{ \
		vi s0 = vi_zero(); \
		vi s1 = vi_zero(); \
		size_t i = 0; \
\
		for (; i + 2 * WIDE_LANES <= n; i += 2 * WIDE_LANES) \
		{ \
			STEP(s0, load_i8(a + i, WIDE_LANES), load_i8(b + i, WIDE_LANES)); \
			STEP(s1, load_i8(a + i + WIDE_LANES, WIDE_LANES), \
				 load_i8(b + i + WIDE_LANES, WIDE_LANES)); \
		} \
		for (; i < n; i += WIDE_LANES) \
			STEP(s0, load_i8(a + i, n - i), load_i8(b + i, n - i)); \
		return vi_sum(s0) + vi_sum(s1); \
	}

/* Compares one query with each row, while the next row is prefetched. */
#define EACH_ROW_KERNEL(name, pair, Element, Result) \
static void \
name(const Element *q, const Element *const *rows, size_t count, size_t n, Result *out) \
{ \
	for (size_t r = 0; r < count; r++) \
	{ \
		if (r + 1 < count) \
			for (size_t offset = 0; offset < n; offset += LINE_BYTES) \
				__builtin_prefetch(rows[r + 1] + offset); \
		out[r] = pair(q, rows[r], n); \
	} \
}

#define I8_KERNELS(prefix) \
I8_PAIR_KERNEL(prefix ## _l2sq, I8_STEP_L2SQ) \
I8_PAIR_KERNEL(prefix ## _dot, I8_STEP_DOT) \
I8_PAIR_KERNEL(prefix ## _l1, I8_STEP_L1) \
static CosinePartsInt \
prefix ## _cosine(const int8_t *a, const int8_t *b, size_t n) \
{ \
	vi			dot = vi_zero(); \
	vi			norm_a = vi_zero(); \
	vi			norm_b = vi_zero(); \
\
	for (size_t i = 0; i < n; i += WIDE_LANES) \
	{ \
		vw			x = load_i8(a + i, n - i); \
		vw			y = load_i8(b + i, n - i); \
\
		dot = vi_madd(dot, x, y); \
		norm_a = vi_madd(norm_a, x, x); \
		norm_b = vi_madd(norm_b, y, y); \
	} \
	return (CosinePartsInt) {vi_sum(dot), vi_sum(norm_a), vi_sum(norm_b)}; \
} \
EACH_ROW_KERNEL(prefix ## _l2sq_many, prefix ## _l2sq, int8_t, int32_t) \
EACH_ROW_KERNEL(prefix ## _dot_many, prefix ## _dot, int8_t, int32_t)

/* Eight bytes, or fewer, padded with zeros. */
static inline uint64_t
load_bits(const uint8_t *p, size_t bytes)
{
	uint64_t	word = 0;

	if (bytes >= sizeof(word))
		memcpy(&word, p, sizeof(word));
	else
		memcpy(&word, p, bytes);
	return word;
}

/* One word at a time, with the population count that the including file is compiled for. */
#define BIT_KERNELS(prefix) \
	static uint64_t prefix##_hamming(const uint8_t *a, const uint8_t *b, size_t bytes) \
	{ \
		uint64_t sum = 0; \
\
		for (size_t i = 0; i < bytes; i += 8) \
			sum += (uint64_t) __builtin_popcountll(load_bits(a + i, bytes - i) ^ \
												   load_bits(b + i, bytes - i)); \
		return sum; \
	} \
	static BitParts prefix##_jaccard(const uint8_t *a, const uint8_t *b, size_t bytes) \
	{ \
		BitParts parts = {0, 0, 0}; \
\
		for (size_t i = 0; i < bytes; i += 8) \
		{ \
			uint64_t x = load_bits(a + i, bytes - i); \
			uint64_t y = load_bits(b + i, bytes - i); \
\
			parts.both += (uint64_t) __builtin_popcountll(x & y); \
			parts.a += (uint64_t) __builtin_popcountll(x); \
			parts.b += (uint64_t) __builtin_popcountll(y); \
		} \
		return parts; \
	} \
	EACH_ROW_KERNEL(prefix##_hamming_many, prefix##_hamming, uint8_t, uint64_t)

/* The entries of an element type in a table of kernels. */
#define I8_ENTRIES(prefix) \
	.i8_l2sq = prefix ## _l2sq, \
	.i8_dot = prefix ## _dot, \
	.i8_l1 = prefix ## _l1, \
	.i8_cosine = prefix ## _cosine, \
	.i8_l2sq_many = prefix ## _l2sq_many, \
	.i8_dot_many = prefix ## _dot_many

#define BIT_ENTRIES(prefix) \
	.bit_hamming = prefix ## _hamming, \
	.bit_jaccard = prefix ## _jaccard, \
	.bit_hamming_many = prefix ## _hamming_many

#endif							/* VECTOR_INTEGER_KERNELS_H */
