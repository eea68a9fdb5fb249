/*
 * rotate_kernels.h - the round of a rotation, written once over the primitives of an instruction
 * set
 *
 * In addition to what float_kernels.h requires, the file that includes this defines
 *		vf_mul(a, b)		the product
 *		vf_flip(a, bits)	a with the sign flipped in each lane whose word at bits has the sign bit
 *		store_f32(p, a)		the counterpart of load_f32; store_f16(p, a) rounds, within +-MAX_F16
 *		vf_swap1(a)			the lanes of each pair exchanged; vf_swap2, the pairs of each pair
 *							of pairs; with more than 4 lanes vf_swap4, with more than 8 vf_swap8
 *
 * In each set every number is the sum or the difference of the same two numbers, rounded once:
 * fused multiplications are by 1 or -1 only, and no other product is an operand of a sum that a
 * compiler might fuse it with.  So results are the same to the bit.
 */
#ifndef VECTOR_ROTATE_KERNELS_H
#define VECTOR_ROTATE_KERNELS_H

#include <math.h>

#include "distance/distance.h"

/* The sign of a lane's own value in a butterfly with the lane 1, 2, 4 or 8 places away. */
static const float lane_signs[4][16] = {
	{1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1},
	{1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1},
	{1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1},
	{1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1}
};

/* (a, b) -> (a + b, a - b) for each pair of neighbouring lanes. */
static inline vf
lane_pairs(vf a)
{
	return vf_fma(a, load_f32(lane_signs[0]), vf_swap1(a));
}

/* The Hadamard transform of the lanes, not normalized. */
static inline vf
lane_hadamard(vf a)
{
	a = lane_pairs(a);
	a = vf_fma(a, load_f32(lane_signs[1]), vf_swap2(a));
#if LANES > 4
	a = vf_fma(a, load_f32(lane_signs[2]), vf_swap4(a));
#endif
#if LANES > 8
	a = vf_fma(a, load_f32(lane_signs[3]), vf_swap8(a));
#endif
	return a;
}

#define BUTTERFLY(a, b)	do { vf d_ = vf_sub(a, b); a = vf_add(a, b); b = d_; } while (0)

/* One to three steps of the transform, over 2, 4 or 8 registers that are h floats apart. */
#define LOAD_2(v, p, h)		v[0] = load_f32(p), v[1] = load_f32((p) + (h))
#define LOAD_4(v, p, h)		LOAD_2(v, p, h), v[2] = load_f32((p) + 2 * (h)), \
							v[3] = load_f32((p) + 3 * (h))
#define LOAD_8(v, p, h)		LOAD_4(v, p, h), v[4] = load_f32((p) + 4 * (h)), \
							v[5] = load_f32((p) + 5 * (h)), v[6] = load_f32((p) + 6 * (h)), \
							v[7] = load_f32((p) + 7 * (h))
#define STORE_2(v, p, h)	store_f32(p, v[0]), store_f32((p) + (h), v[1])
#define STORE_4(v, p, h)	STORE_2(v, p, h), store_f32((p) + 2 * (h), v[2]), \
							store_f32((p) + 3 * (h), v[3])
#define STORE_8(v, p, h)	STORE_4(v, p, h), store_f32((p) + 4 * (h), v[4]), \
							store_f32((p) + 5 * (h), v[5]), store_f32((p) + 6 * (h), v[6]), \
							store_f32((p) + 7 * (h), v[7])
#define STEPS_2(v)			BUTTERFLY(v[0], v[1])
#define STEPS_4(v) \
	do \
	{ \
		BUTTERFLY(v[0], v[1]); \
		BUTTERFLY(v[2], v[3]); \
		BUTTERFLY(v[0], v[2]); \
		BUTTERFLY(v[1], v[3]); \
	} while (0)
#define STEPS_8(v) \
	do \
	{ \
		STEPS_4(v); \
		STEPS_4((v + 4)); \
		BUTTERFLY(v[0], v[4]); \
		BUTTERFLY(v[1], v[5]); \
		BUTTERFLY(v[2], v[6]); \
		BUTTERFLY(v[3], v[7]); \
	} while (0)

/* The steps for the distances h to radix * h / 2, over n floats. */
#define HADAMARD_PASS(radix, x, n, h) \
	for (size_t i_ = 0; i_ < (n); i_ += (radix) * (h)) \
		for (size_t k_ = i_; k_ < i_ + (h); k_ += LANES) \
		{ \
			vf			v[radix]; \
\
			LOAD_ ## radix(v, (x) + k_, h); \
			STEPS_ ## radix(v); \
			STORE_ ## radix(v, (x) + k_, h); \
		}

#define FLIPPED(k)	vf_mul(load_f32(x + i + (k) * LANES), vf_flip(factor, signs + i + (k) * LANES))

/* Flips signs and then transforms n = 2^k >= 128 floats, orthonormal. */
static void
signed_hadamard(float *x, const uint32_t *signs, size_t n)
{
	vf			factor = vf_set1(1 / sqrtf((float) n));
	size_t		h = 8 * LANES;

	for (size_t i = 0; i < n; i += h)
	{
		vf			v[8] = {
			lane_hadamard(FLIPPED(0)), lane_hadamard(FLIPPED(1)), lane_hadamard(FLIPPED(2)),
			lane_hadamard(FLIPPED(3)), lane_hadamard(FLIPPED(4)), lane_hadamard(FLIPPED(5)),
			lane_hadamard(FLIPPED(6)), lane_hadamard(FLIPPED(7))
		};

		STEPS_8(v);
		STORE_8(v, x + i, (size_t) LANES);
	}
	for (; h * 8 <= n; h *= 8)
		HADAMARD_PASS(8, x, n, h);
	if (h * 4 <= n)
		HADAMARD_PASS(4, x, n, h)
	else if (h < n)
		HADAMARD_PASS(2, x, n, h);
}

static inline void
flip_signs(float *x, const uint32_t *signs, size_t n)
{
	for (size_t i = 0; i < n; i += LANES)
		store_f32(x + i, vf_flip(load_f32(x + i), signs + i));
}

/* A step of Kac's walk: (a, b) -> (a + b, a - b) over the root of 2, for n pairs. */
static void
mix_halves(float *a, float *b, size_t n)
{
	const float factor = (float) M_SQRT1_2;
	size_t		i = 0;

	for (; i + LANES <= n; i += LANES)
	{
		vf			x = load_f32(a + i);
		vf			y = load_f32(b + i);

		store_f32(a + i, vf_mul(vf_add(x, y), vf_set1(factor)));
		store_f32(b + i, vf_mul(vf_sub(x, y), vf_set1(factor)));
	}
	for (; i < n; i++)
	{
		float		x = a[i];
		float		y = b[i];

		a[i] = (x + y) * factor;
		b[i] = (x - y) * factor;
	}
}

static void
rotate_round(float *x, const uint32_t *signs, size_t n, size_t window, size_t start)
{
	size_t		end = start + window;

	flip_signs(x, signs, start);
	signed_hadamard(x + start, signs + start, window);
	flip_signs(x + end, signs + end, n - end);
	if (window < n)
		mix_halves(x, x + n / 2, n / 2);
}

static void
f32_to_f16(const float *x, size_t n, uint16_t *out)
{
	for (size_t i = 0; i < n; i += LANES)
		store_f16(out + i, load_f32(x + i));
}

#endif							/* VECTOR_ROTATE_KERNELS_H */
