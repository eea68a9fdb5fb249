/*
 * float_kernels.h - the floating-point kernels, written once over the primitives of an instruction
 * set
 *
 * The file that includes this defines the type vf of LANES floats and
 *		vf_zero(), vf_set1(x), vf_add(a, b), vf_sub(a, b), vf_abs(a), vf_sum(a)
 *		vf_fma(a, b, c)		a * b + c
 * and for each element type a load of LANES elements, widened, and a load of fewer elements, padded
 * with zeros; and load_u8 of LANES bytes.  FLOAT_KERNELS(f32, float, load, load_tail) then defines
 * f32_l2sq and the others.  The padding is zero on both sides, so it adds nothing to a sum.
 *
 * Four accumulators for a result hide the latency of a fused multiply-add.  The *_many kernels give
 * one accumulator to each of four rows instead, so that one load of the query serves four rows.
 */
#ifndef VECTOR_FLOAT_KERNELS_H
#define VECTOR_FLOAT_KERNELS_H

#include "distance/distance.h"
#include "distance/half.h"

/* Rows of the next group are prefetched by cache lines of this size. */
#define CACHE_LINE	64

/* One step of each kernel: s is the accumulator, x and y are the elements. */
#define STEP_L2SQ(s, x, y)	do { vf d_ = vf_sub(x, y); s = vf_fma(d_, d_, s); } while (0)
#define STEP_DOT(s, x, y)	s = vf_fma(x, y, s)
#define STEP_L1(s, x, y)	s = vf_add(s, vf_abs(vf_sub(x, y)))

#define FLOAT_PAIR_KERNEL(name, Element, load, load_tail, STEP) \
static float \
name(const Element *a, const Element *b, size_t n) \
{ \
	vf			s0 = vf_zero(); \
	vf			s1 = vf_zero(); \
	vf			s2 = vf_zero(); \
	vf			s3 = vf_zero(); \
	size_t		i = 0; \
\
	for (; i + 4 * LANES <= n; i += 4 * LANES) \
	{ \
		STEP(s0, load(a + i), load(b + i)); \
		STEP(s1, load(a + i + LANES), load(b + i + LANES)); \
		STEP(s2, load(a + i + 2 * LANES), load(b + i + 2 * LANES)); \
		STEP(s3, load(a + i + 3 * LANES), load(b + i + 3 * LANES)); \
	} \
	for (; i + LANES <= n; i += LANES) \
		STEP(s0, load(a + i), load(b + i)); \
	if (i < n) \
		STEP(s1, load_tail(a + i, n - i), load_tail(b + i, n - i)); \
	return vf_sum(vf_add(vf_add(s0, s1), vf_add(s2, s3))); \
}

#define FLOAT_COSINE_KERNEL(name, Element, load, load_tail) \
static CosineParts \
name(const Element *a, const Element *b, size_t n) \
{ \
	vf			dot[2] = {vf_zero(), vf_zero()}; \
	vf			norm_a[2] = {vf_zero(), vf_zero()}; \
	vf			norm_b[2] = {vf_zero(), vf_zero()}; \
	size_t		i = 0; \
\
	for (; i + 2 * LANES <= n; i += 2 * LANES) \
		for (int k = 0; k < 2; k++) \
		{ \
			vf			x = load(a + i + k * LANES); \
			vf			y = load(b + i + k * LANES); \
\
			dot[k] = vf_fma(x, y, dot[k]); \
			norm_a[k] = vf_fma(x, x, norm_a[k]); \
			norm_b[k] = vf_fma(y, y, norm_b[k]); \
		} \
	for (; i < n; i += LANES) \
	{ \
		size_t		rest = n - i; \
		vf			x = rest >= LANES ? load(a + i) : load_tail(a + i, rest); \
		vf			y = rest >= LANES ? load(b + i) : load_tail(b + i, rest); \
\
		dot[0] = vf_fma(x, y, dot[0]); \
		norm_a[0] = vf_fma(x, x, norm_a[0]); \
		norm_b[0] = vf_fma(y, y, norm_b[0]); \
	} \
	return (CosineParts) {vf_sum(vf_add(dot[0], dot[1])), \
		vf_sum(vf_add(norm_a[0], norm_a[1])), vf_sum(vf_add(norm_b[0], norm_b[1]))}; \
}

/*
 * Compares four rows with the query at once, with two accumulators each, while the four rows
 * after them are prefetched, one cache line at a time.  Rows that do not fill a group go to the
 * pair kernel.
 */
#define FLOAT_MANY_KERNEL(name, pair, Element, load, load_tail, STEP) \
static void \
name(const Element *q, const Element *const *rows, size_t count, size_t n, float *out) \
{ \
	size_t		r = 0; \
\
	for (; r + 4 <= count; r += 4) \
	{ \
		const Element *r0 = rows[r]; \
		const Element *r1 = rows[r + 1]; \
		const Element *r2 = rows[r + 2]; \
		const Element *r3 = rows[r + 3]; \
		const Element *const *next = r + 8 <= count ? rows + r + 4 : rows + r; \
		vf			s0 = vf_zero(), t0 = vf_zero(); \
		vf			s1 = vf_zero(), t1 = vf_zero(); \
		vf			s2 = vf_zero(), t2 = vf_zero(); \
		vf			s3 = vf_zero(), t3 = vf_zero(); \
		size_t		i = 0; \
\
		for (; i + 2 * LANES <= n; i += 2 * LANES) \
		{ \
			vf			x = load(q + i); \
			vf			y = load(q + i + LANES); \
\
			if (i * sizeof(Element) % CACHE_LINE == 0) \
				for (int k = 0; k < 4; k++) \
					for (size_t line = 0; line < 2 * LANES * sizeof(Element); line += CACHE_LINE) \
						__builtin_prefetch((const char *) (next[k] + i) + line); \
			STEP(s0, x, load(r0 + i)); \
			STEP(s1, x, load(r1 + i)); \
			STEP(s2, x, load(r2 + i)); \
			STEP(s3, x, load(r3 + i)); \
			STEP(t0, y, load(r0 + i + LANES)); \
			STEP(t1, y, load(r1 + i + LANES)); \
			STEP(t2, y, load(r2 + i + LANES)); \
			STEP(t3, y, load(r3 + i + LANES)); \
		} \
		for (; i < n; i += LANES) \
		{ \
			size_t		rest = n - i; \
			vf			x = rest >= LANES ? load(q + i) : load_tail(q + i, rest); \
\
			STEP(s0, x, rest >= LANES ? load(r0 + i) : load_tail(r0 + i, rest)); \
			STEP(s1, x, rest >= LANES ? load(r1 + i) : load_tail(r1 + i, rest)); \
			STEP(s2, x, rest >= LANES ? load(r2 + i) : load_tail(r2 + i, rest)); \
			STEP(s3, x, rest >= LANES ? load(r3 + i) : load_tail(r3 + i, rest)); \
		} \
		out[r] = vf_sum(vf_add(s0, t0)); \
		out[r + 1] = vf_sum(vf_add(s1, t1)); \
		out[r + 2] = vf_sum(vf_add(s2, t2)); \
		out[r + 3] = vf_sum(vf_add(s3, t3)); \
	} \
	for (; r < count; r++) \
		out[r] = pair(q, rows[r], n); \
}

/*
 * A float query against stored elements that stand for low + step * element.  Elements that do not
 * fill a register are processed one by one.
 */
#define STORED_KERNEL(name, Element, load, widen, STEP) \
static float \
name(const float *q, const Element *x, size_t n, float low, float step) \
{ \
	vf			l = vf_set1(low); \
	vf			t = vf_set1(step); \
	vf			s0 = vf_zero(); \
	vf			s1 = vf_zero(); \
	float		rest[2 * LANES] = {0}; \
	size_t		i = 0; \
\
	for (; i + 2 * LANES <= n; i += 2 * LANES) \
	{ \
		STEP(s0, load_f32(q + i), vf_fma(t, load(x + i), l)); \
		STEP(s1, load_f32(q + i + LANES), vf_fma(t, load(x + i + LANES), l)); \
	} \
	for (size_t k = 0; i + k < n; k++) \
		rest[k] = low + step * widen(x[i + k]); \
	for (; i < n; i += LANES) \
	{ \
		size_t		left = n - i < LANES ? n - i : LANES; \
		vf			y = load_f32(rest + (n - i <= LANES && n % (2 * LANES) > LANES ? LANES : 0)); \
\
		STEP(s0, left == LANES ? load_f32(q + i) : load_tail_f32(q + i, left), y); \
	} \
	return vf_sum(vf_add(s0, s1)); \
}

#define widen_u8(x)	((float) (x))

#define STORED_KERNELS \
STORED_KERNEL(stored_f16_l2sq, uint16_t, load_f16, half_to_float, STEP_L2SQ) \
STORED_KERNEL(stored_f16_dot, uint16_t, load_f16, half_to_float, STEP_DOT) \
STORED_KERNEL(stored_u8_l2sq, uint8_t, load_u8, widen_u8, STEP_L2SQ) \
STORED_KERNEL(stored_u8_dot, uint8_t, load_u8, widen_u8, STEP_DOT)

#define STORED_ENTRIES \
	.stored_f16_l2sq = stored_f16_l2sq, \
	.stored_f16_dot = stored_f16_dot, \
	.stored_u8_l2sq = stored_u8_l2sq, \
	.stored_u8_dot = stored_u8_dot

#define FLOAT_KERNELS(prefix, Element, load, load_tail) \
FLOAT_PAIR_KERNEL(prefix ## _l2sq, Element, load, load_tail, STEP_L2SQ) \
FLOAT_PAIR_KERNEL(prefix ## _dot, Element, load, load_tail, STEP_DOT) \
FLOAT_PAIR_KERNEL(prefix ## _l1, Element, load, load_tail, STEP_L1) \
FLOAT_COSINE_KERNEL(prefix ## _cosine, Element, load, load_tail) \
FLOAT_MANY_KERNEL(prefix ## _l2sq_many, prefix ## _l2sq, Element, load, load_tail, STEP_L2SQ) \
FLOAT_MANY_KERNEL(prefix ## _dot_many, prefix ## _dot, Element, load, load_tail, STEP_DOT)

/* The entries of an element type in a table of kernels. */
#define FLOAT_ENTRIES(prefix) \
	.prefix ## _l2sq = prefix ## _l2sq, \
	.prefix ## _dot = prefix ## _dot, \
	.prefix ## _l1 = prefix ## _l1, \
	.prefix ## _cosine = prefix ## _cosine, \
	.prefix ## _l2sq_many = prefix ## _l2sq_many, \
	.prefix ## _dot_many = prefix ## _dot_many

#endif							/* VECTOR_FLOAT_KERNELS_H */
