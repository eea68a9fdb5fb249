/*
 * code_kernels.h - kernels on codes of nibbles, written once over the primitives of an instruction
 * set
 *
 * In addition to what float_kernels.h and rotate_kernels.h require, the file that includes this
 * defines
 *		vf_max(a, b)		the larger of two, lane by lane; b if a is NaN
 *		load_sums(p)		LANES int32, as floats
 *		vf_below(a, b)		a bit for each lane in which a < b, the first lane lowest
 * and either CODE_PORTABLE, for plain C versions of the rest, or
 *		vf_signs(a)			a bit for each lane whose sign bit is clear, the first lane lowest
 *		sum_codes(...)		as CODE_SUMS describes
 *		store_entries(...)	as TABLE_ENTRIES describes
 */
#ifndef VECTOR_CODE_KERNELS_H
#define VECTOR_CODE_KERNELS_H

#include <math.h>
#include <string.h>

#include "distance/distance.h"
#include "distance/half.h"
#include "distance/distance_internal.h"
#include "distance/rotate_kernels.h"

#ifdef CODE_PORTABLE
static inline uint32_t
vf_signs(vf a)
{
	uint32_t	bits = 0;

	for (int i = 0; i < LANES; i++)
		bits |= (float_bits(a[i]) >> 31 ^ 1) << i;
	return bits;
}

/*
 * CODE_SUMS: sums[i] = sum over positions p of lut[16 * p + nibble(p, i)], where the nibble of code
 * i at a position is the low half of byte i for i < 16, the high half of byte i - 16 beyond
 * (fast-scan layout: Andre, Kermarrec, Le Scouarnec, VLDB 2015).
 */
static void
sum_codes(const uint8_t *codes, const uint8_t *lut, size_t positions, uint32_t *sums)
{
	memset(sums, 0, CODE_GROUP * sizeof(uint32_t));
	for (size_t p = 0; p < positions; p++, codes += 16, lut += 16)
		for (int i = 0; i < 16; i++)
		{
			sums[i] += lut[codes[i] & 15];
			sums[i + 16] += lut[codes[i] >> 4];
		}
}

/*
 * TABLE_ENTRIES: four lanes give the 16 bytes of a position.  Entry k is half the sum of `range`,
 * which is the sum of |q_i| in all four lanes, and of q_i for each bit i set in k, -q_i for each
 * other.  `pairs` has q_0 + q_1, q_0 - q_1, q_2 + q_3, q_2 - q_3.  Both are given multiplied by
 * 2^(ENTRY_BITS - 1) and are rounded to integers; their sum, with ENTRY_BITS of fraction, is
 * rounded to the entry.
 */
static void
store_entries(uint8_t *entries, vf pairs, vf range)
{
	const vf	magic = vf_set1(0x1.8p23f);	/* floats of this size have no fraction bits */
	bits128		t = (bits128) (pairs + magic) - (bits128) magic;
	bits128		r = (bits128) (range + magic) - (bits128) magic + (1 << (ENTRY_BITS - 1));
	uint32_t	low[4] = {r[0] - t[0], r[0] + t[1], r[0] - t[1], r[0] + t[0]};
	uint32_t	high[4] = {-t[2], t[3], -t[3], t[2]};

	for (int k = 0; k < 16; k++)
		entries[k] = (uint8_t) ((low[k & 3] + high[k >> 2]) >> ENTRY_BITS);
}
#endif

/* The largest lane, or 0. */
static inline float
vf_largest(vf a)
{
	float		lanes[LANES];
	float		largest = 0;

	store_f32(lanes, a);
	for (int i = 0; i < LANES; i++)
		largest = fmaxf(largest, lanes[i]);
	return largest;
}

/* The sum of each group of four lanes, in all four of them. */
static inline vf
sum_fours(vf a)
{
	a = vf_add(a, vf_swap1(a));
	return vf_add(a, vf_swap2(a));
}

/*
 * <s, q> = 2 <bits, q> - sum of q.  An entry of the table is the dot product of four bits with four
 * dimensions, less the smallest entry of the position, in steps of 1/255 of the widest position's
 * range: (sum of |q_i| + sum of +-q_i) / 2.  The sum of all smallest entries, doubled and less the
 * sum of q, is -sum of |q_i|.
 */
static CodeQuery
code_query(const float *q, size_t n, uint8_t *lut)
{
	vf			sum = vf_zero();
	vf			widest = vf_zero();
	float		range;
	float		step;
	vf			factor;

	for (size_t i = 0; i < n; i += LANES)
	{
		vf			size = vf_abs(load_f32(q + i));

		sum = vf_add(sum, size);
		widest = vf_max(widest, sum_fours(size));
	}
	range = vf_largest(widest);
		/* below this the factor would overflow to infinity; then all entries are zero */
	step = range >= 1e-34f && isfinite(range) ? range / 255 : 1;
	factor = vf_set1((1 << (ENTRY_BITS - 1)) / step);
	for (size_t i = 0; i < n; i += LANES)
	{
		vf			x = load_f32(q + i);

		store_entries(lut + 4 * i, vf_mul(lane_pairs(x), factor),
					  vf_mul(sum_fours(vf_abs(x)), factor));
	}
	return (CodeQuery) {lut, n / 4, 2 * step, -vf_sum(sum)};
}

/* The estimates of LANES codes, from the sums of their table entries. */
static inline vf
estimates_of(const CodeQuery *q, const uint32_t *sums, const float *a, const uint16_t *b,
			 float base)
{
	vf			product = vf_fma(vf_set1(q->scale), load_sums(sums), vf_set1(q->bias));

	return vf_fma(load_bf16(b), product, vf_add(vf_set1(base), load_f32(a)));
}

#define CODE_ESTIMATES_KERNEL(name, sum_codes) \
static void \
name(const CodeQuery *q, const uint8_t *codes, const float *a, const uint16_t *b, \
	 float base, float *out) \
{ \
	uint32_t	sums[CODE_GROUP]; \
\
	sum_codes(codes, q->lut, q->positions, sums); \
	for (int i = 0; i < CODE_GROUP; i += LANES) \
		store_f32(out + i, estimates_of(q, sums + i, a + i, b + i, base)); \
}

#define CODE_BOUNDS_KERNEL(name, sum_codes) \
static uint32_t \
name(const CodeQuery *q, const uint8_t *codes, const float *a, const uint16_t *b, \
	 const uint16_t *error, float base, float slack, float threshold, float *out) \
{ \
	uint32_t	sums[CODE_GROUP]; \
	uint32_t	below = 0; \
\
	sum_codes(codes, q->lut, q->positions, sums); \
	for (int i = 0; i < CODE_GROUP; i += LANES) \
	{ \
		vf			bound = vf_max(vf_fma(vf_set1(-slack), load_bf16(error + i), \
										  estimates_of(q, sums + i, a + i, b + i, base)), \
								   vf_set1(-INFINITY)); \
\
		store_f32(out + i, bound); \
		below |= vf_below(bound, vf_set1(threshold)) << i; \
	} \
	return below; \
}

/* Whether a residual is yet to be computed, or is given. */
#define DIFFERENCE(x, center)	vf_sub(x, center)
#define RESIDUAL(o, center)		(o)

#define RESIDUAL_KERNEL(name, Element, load, RESIDUAL_OF) \
static ResidualParts \
name(const Element *x, const Element *c, size_t n, uint8_t *signs) \
{ \
	vf			l1 = vf_zero(); \
	vf			l2sq = vf_zero(); \
	vf			dot = vf_zero(); \
\
	for (size_t i = 0; i < n; i += 16) \
	{ \
		uint32_t	bits = 0; \
\
		for (size_t k = 0; k < 16; k += LANES) \
		{ \
			vf			center = load(c + i + k); \
			vf			d = RESIDUAL_OF(load(x + i + k), center); \
			vf			size = vf_abs(d); \
			uint32_t	lanes = vf_signs(d); \
\
			l1 = vf_add(l1, size); \
			l2sq = vf_fma(d, d, l2sq); \
			dot = vf_add(dot, vf_sub(vf_where(lanes, center), vf_where(~lanes, center))); \
			bits |= (lanes & ((1u << LANES) - 1)) << k; \
		} \
		signs[i / 8] = (uint8_t) bits; \
		signs[i / 8 + 1] = (uint8_t) (bits >> 8); \
	} \
	return (ResidualParts) {vf_sum(l1), vf_sum(l2sq), vf_sum(dot)}; \
}

#define CODE_KERNELS(prefix) \
CODE_ESTIMATES_KERNEL(prefix ## _estimates, sum_codes) \
CODE_BOUNDS_KERNEL(prefix ## _bounds, sum_codes) \
RESIDUAL_KERNEL(f16_residual, uint16_t, load_f16, DIFFERENCE) \
RESIDUAL_KERNEL(f32_residual, float, load_f32, RESIDUAL)

#define CODE_ENTRIES(prefix) \
	.code_estimates = prefix ## _estimates, \
	.code_bounds = prefix ## _bounds, \
	.code_query = code_query, \
	.f16_residual = f16_residual, \
	.f32_residual = f32_residual

#endif							/* VECTOR_CODE_KERNELS_H */
