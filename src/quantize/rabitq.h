/*
 * rabitq.h - 1-bit codes of residuals, and distances estimated from them
 *
 * The code of x relative to a centre c is the signs s of o = P(x - c), P a random rotation.  With K
 * = |o|^2 / sum |o_i|, K <s, P(q - c)> estimates <x - c, q - c> without bias (Gao and Long, RaBitQ,
 * SIGMOD 2024, theorem 3.2), its error of order |x - c| |q - c| / sqrt(d).  As <s, P(q - c)> = <s,
 * Pq> - <s, Pc>, one table of look-ups serves every centre (Gou et al., SymphonyQG, SIGMOD 2025,
 * section 3.1.2), and an estimate is base(q, c) + a + b <s, Pq> with two factors a code:
 *
 *		squared Euclidean		base = |q - c|^2	a = |o|^2 + 2 K <s, Pc>		b = -2 K
 *		negative dot product	base = -<q, c>		a = K <s, Pc> - <x - c, c>	b = -K
 *
 * Codes lie in groups of 32 (CODE_GROUP) for the look-up in registers; b is stored as bfloat16, and
 * a made from the b that is stored.
 */
#ifndef VECTOR_RABITQ_H
#define VECTOR_RABITQ_H

#include <math.h>
#include <stdbool.h>

#include "distance/distance.h"

typedef enum RabitqMetric
{
	RABITQ_L2,					/* squared Euclidean distance */
	RABITQ_IP					/* negative dot product */
} RabitqMetric;

/* The factors of a code, and what bounds the error of its estimates. */
typedef struct RabitqFactors
{
	float		a;
	uint16_t	b;				/* bfloat16 */
	float		distance;		/* base(x, c): |o|^2, or -<x, c> */
	float		error;			/* standard deviation of an estimate, over |q - c| */
} RabitqFactors;

/* Bytes of a group's codes. */
static inline size_t
rabitq_group_size(uint32_t padded)
{
	return (size_t) padded / 4 * 16;
}

/* Bytes of a query's table. */
static inline size_t
rabitq_lut_size(uint32_t padded)
{
	return (size_t) padded / 4 * 16;
}

/*
 * The code of x relative to c, both rotated, as `padded` halves that stand for values times
 * `scale`.  Signs go to `signs`, padded / 8 bytes; factors are in the values' own scale.
 */
extern RabitqFactors rabitq_encode(RabitqMetric metric, const uint16_t *x, const uint16_t *c,
								   uint32_t padded, float scale, uint8_t *signs);

/*
 * The code of a residual o = x - c, o and c rotated, as `padded` floats.  Signs and factors as
 * above.
 */
extern RabitqFactors rabitq_encode_residual(RabitqMetric metric, const float *o, const float *c,
											uint32_t padded, uint8_t *signs);

/*
 * The code of a vector relative to the origin, from the first `n` of its `padded` rotated elements:
 * norm2 is the squared norm of all of them.  With n < padded the estimates are as if from n
 * dimensions.  a and b serve squared distances with base |q|^2, or dot products with base 0.
 */
extern RabitqFactors rabitq_encode_vector(RabitqMetric metric, const float *rotated, uint32_t n,
										  uint32_t padded, float norm2, uint8_t *signs);

/* Puts a code into its place, 0 to 31, of a group. */
extern void rabitq_pack(uint8_t *group, uint32_t place, const uint8_t *signs, uint32_t padded);

/* The code at a place of a group. */
extern void rabitq_unpack(const uint8_t *group, uint32_t place, uint8_t *signs, uint32_t padded);

/*
 * Makes bounds allow for the rounding of a table's entries too, for so many standard deviations of
 * it or for all there can be: as b is never above 0, a larger bias makes estimates smaller.  The
 * rounding is of the order of |q|, where errors are of that of |q - c|; it is as if random unless
 * there are few dimensions, whose rotation has only a few different elements.  Sums in float32 are
 * off by a part of all entries.
 */
static inline void
rabitq_allow_rounding(CodeQuery *query, float deviations, float part)
{
	float		positions = (float) query->positions;

	/* half a step each, and what rounding to 1/128 adds */
	query->bias += query->scale * fminf(deviations * sqrtf(positions / 12), 0.52f * positions) +
		part * (255 * positions * query->scale + fabsf(query->bias));
}

/* Prepares a rotated query: `lut`, of rabitq_lut_size bytes, is filled and stays the caller's. */
extern void rabitq_prepare(CodeQuery *query, const float *rotated, uint32_t padded, uint8_t *lut);

#endif							/* VECTOR_RABITQ_H */
