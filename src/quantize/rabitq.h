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
 * Codes are stored in groups of 32 (CODE_GROUP) for look-ups in registers.  b is stored as
 * bfloat16, and a is computed from the stored b.
 */
#ifndef VECTOR_RABITQ_H
#define VECTOR_RABITQ_H

#include <math.h>
#include <stdbool.h>

#include "distance/distance.h"
#include "quantize/factors.h"

/* The factors of a code, and the error of its estimates. */
typedef struct RabitqFactors
{
	float		a;
	uint16_t	b;				/* bfloat16 */
	float		distance;		/* base(x, c): |o|^2, or -<x, c> */
	float		error;			/* standard deviation of an estimate, divided by |q - c| */
} RabitqFactors;

/* Bytes of a group's codes. */
static inline size_t
rabitq_group_size(uint32_t padded)
{
	return (size_t) padded / 4 * 16;
}

/* Bytes of a query's look-up table. */
static inline size_t
rabitq_lut_size(uint32_t padded)
{
	return (size_t) padded / 4 * 16;
}

/*
 * The code of x relative to c, both rotated, as `padded` halves that represent their values times
 * `scale`.  Writes padded / 8 bytes to `signs`; the factors are for the unscaled values.
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
 * The code of a vector relative to the origin, from the first `n` of its `padded` rotated elements;
 * norm2 is the squared norm of all of them.  With n < padded, estimates are as precise as with n
 * dimensions.  a and b serve squared distances with base |q|^2, or dot products with base 0.
 */
extern RabitqFactors rabitq_encode_vector(RabitqMetric metric, const float *rotated, uint32_t n,
										  uint32_t padded, float norm2, uint8_t *signs);

/* Puts a code into its place, 0 to 31, of a group. */
extern void rabitq_pack(uint8_t *group, uint32_t place, const uint8_t *signs, uint32_t padded);

/* The code at a place of a group. */
extern void rabitq_unpack(const uint8_t *group, uint32_t place, uint8_t *signs, uint32_t padded);

/*
 * Lowers bounds by the rounding of a table's entries, by the given number of standard deviations or
 * the maximum: as b is never positive, a larger bias makes estimates smaller.  This rounding error
 * is proportional to |q|, whereas `error` is proportional to |q - c|.  It behaves as if random,
 * unless there are few dimensions, whose rotation has only a few different elements.  Float32 sums
 * are off by a part of the sum of all entries.
 */
static inline void
rabitq_allow_rounding(CodeQuery *query, float deviations, float part)
{
	float		positions = (float) query->positions;

	/* half a step for each entry, and what rounding to 1/128 adds */
	query->bias += query->scale * fminf(deviations * sqrtf(positions / 12), 0.52f * positions) +
		part * (255 * positions * query->scale + fabsf(query->bias));
}

/*
 * The factors a of a group for a query with this base(q, c), where norm2 is |c|^2; they may be put
 * into `room`.  For dot products, <x - c, q> is estimated by <x - c, t c> + K <s, P(q - t c)>,
 * where t c is the multiple of c nearest to q: c may be much longer than q, and the error is of the
 * order |x - c| |q - t c| / sqrt(d).
 */
static inline const float *
rabitq_factors_for(RabitqMetric metric, float base, float norm2, const float *a,
				   float room[CODE_GROUP])
{
	float		times = norm2 > 0 ? -base / norm2 : 0;

	if (metric != RABITQ_IP)
		return a;
	for (int i = 0; i < CODE_GROUP; i++)
		room[i] = times * a[i];
	return room;
}

/* Prepares a rotated query: fills `lut`, of rabitq_lut_size bytes, which must stay in place. */
extern void rabitq_prepare(CodeQuery *query, const float *rotated, uint32_t padded, uint8_t *lut);

#endif							/* VECTOR_RABITQ_H */
