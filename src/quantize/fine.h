/*
 * fine.h - codes of 1 to 8 bits an element, each of which is compared by itself
 *
 * The code of a residual o = P(x - c), P a random rotation, has a level u_i from 0 to 2^bits - 1
 * for each element, and stands for K (u - middle), where middle is half the last level.  K makes
 * estimates unbiased as in rabitq.h, and an estimate is base(q, c) + a + b <u - middle, Pq>: the
 * same prepared query serves every centre, and base is the same as for 1-bit codes.  The error
 * falls by about half with each bit (Gao et al., Practical and asymptotically optimal quantization
 * of high-dimensional vectors in Euclidean space for approximate nearest neighbor search, SIGMOD
 * 2025).  A code is complete by itself: the first bits of its elements are the signs.
 */
#ifndef VECTOR_FINE_H
#define VECTOR_FINE_H

#include "quantize/rabitq.h"

#define FINE_MIN_BITS	1
#define FINE_MAX_BITS	8

/* How the width of a level is chosen. */
typedef enum FineMethod
{
	FINE_SCALAR,				/* so that the largest element has the last level */
	FINE_RABITQ					/* so that the angle between o and u - middle is about smallest */
} FineMethod;

typedef struct FineFactors
{
	float		a;
	float		b;
	float		error;			/* standard deviation of an estimate, divided by |q - c| */
} FineFactors;

typedef struct FineQuery
{
	const float *q;
	uint32_t	padded;
	uint32_t	bits;
	float		offset;			/* of <u, q>, because levels count from the middle */
} FineQuery;

/* Bytes of a code; `padded` is a multiple of 16. */
static inline size_t
fine_size(uint32_t bits, uint32_t padded)
{
	return (size_t) padded / 8 * bits;
}

typedef struct FineQuantizer
{
	RabitqMetric metric;
	FineMethod	method;
	uint32_t	bits;			/* FINE_MIN_BITS to FINE_MAX_BITS */
	uint32_t	padded;			/* dimensions */
} FineQuantizer;

/* The code of a residual o = x - c, o and c rotated.  Writes fine_size bytes to `code`. */
extern FineFactors fine_encode(const FineQuantizer *quantizer, const float *o, const float *c,
							   uint8_t *code);

/* What a code stands for, K (u - middle), as `padded` floats; b is the factor of the code. */
extern void fine_restore(const FineQuantizer *quantizer, const uint8_t *code, float b, float *o);

/* Writes levels, a multiple of 16 of them, as a code has them. */
extern void fine_pack(const uint8_t *levels, uint32_t n, uint32_t bits, uint8_t *code);

/*
 * Writes what each bit of a code of n elements, a multiple of 16, adds to the product of its levels
 * with these elements: 8 * fine_size(bits, n) weights.
 */
extern void fine_weigh_bits(const float *elements, uint32_t n, uint32_t bits, float *weights);

/* Prepares a rotated query, which must stay in place, for codes of this many bits. */
extern void fine_prepare(FineQuery *query, uint32_t bits, const float *rotated, uint32_t padded);

/* Lowers bounds by the rounding error of float32 sums, a part of the sum of all products. */
extern void fine_allow_rounding(FineQuery *query, float part);

/* <u - middle, Pq>. */
extern float fine_dot(const FineQuery *query, const uint8_t *code);

/* An estimate; base is |q - c|^2 or -<q, c>. */
static inline float
fine_estimate(const FineQuery *query, const uint8_t *code, float a, float b, float base)
{
	return base + a + b * fine_dot(query, code);
}

/*
 * A query rounded to 8 bits an element: estimates by it take a fraction of the time, but their
 * error is larger than `error` says.
 */
typedef struct FineRounded
{
	const int8_t *q;			/* for the fields of each width: see field_i8_dot */
	uint32_t	padded;
	uint32_t	bits;
	float		step;
	float		offset;
} FineRounded;

/* Bytes that fine_round writes to `memory`. */
extern size_t fine_rounded_size(uint32_t bits, uint32_t padded);
extern void fine_round(FineRounded *query, uint32_t bits, const float *rotated, uint32_t padded,
					   int8_t *memory);

/* <u - middle, Pq>. */
extern float fine_rounded_dot(const FineRounded *query, const uint8_t *code);

#endif							/* VECTOR_FINE_H */
