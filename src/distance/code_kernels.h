/*
 * code_kernels.h - kernels on 1-bit codes, written once over the primitives of an instruction set
 *
 * Beside what float_kernels.h asks for, the file that includes this defines
 *		vf_signs(a)			a bit for each lane whose sign bit is clear, the first lane lowest
 *		sum_codes(...)		as CODE_SUMS describes
 * or CODE_PORTABLE, for plain C.
 */
#ifndef VECTOR_CODE_KERNELS_H
#define VECTOR_CODE_KERNELS_H

#include <string.h>

#include "distance/distance.h"
#include "distance/half.h"

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
#endif

#define CODE_KERNELS(prefix) \
static void \
prefix ## _estimates(const CodeQuery *q, const uint8_t *codes, const float *a, const uint16_t *b, \
					 float base, float *out) \
{ \
	uint32_t	sums[CODE_GROUP]; \
	float		scale = q->scale; \
	float		bias = q->bias; \
\
	sum_codes(codes, q->lut, q->positions, sums); \
	for (int i = 0; i < CODE_GROUP; i++) \
		out[i] = base + a[i] + bf16_to_float(b[i]) * (scale * (float) (int32_t) sums[i] + bias); \
} \
\
static ResidualParts \
prefix ## _residual(const uint16_t *x, const uint16_t *c, size_t n, uint8_t *signs) \
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
			vf			center = load_f16(c + i + k); \
			vf			d = vf_sub(load_f16(x + i + k), center); \
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

#define CODE_ENTRIES(prefix) \
	.code_estimates = prefix ## _estimates, \
	.f16_residual = prefix ## _residual

#endif							/* VECTOR_CODE_KERNELS_H */
