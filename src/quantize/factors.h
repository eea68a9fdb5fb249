/*
 * factors.h - the factors of all kinds of codes, computed from sums over the residual
 *
 * A code stands for a vector u, and K u for the residual o = x - c, where K = |o|^2 / <o, u>.  Then
 * K u - o is orthogonal to o, so <K u, q - c> estimates <o, q - c> without bias over random
 * rotations, and exactly if q is x.
 */
#ifndef VECTOR_FACTORS_H
#define VECTOR_FACTORS_H

#include <math.h>
#include <stdint.h>

typedef enum RabitqMetric
{
	RABITQ_L2,					/* squared Euclidean distance */
	RABITQ_IP					/* negative dot product */
} RabitqMetric;

/* The weight of a dot product in a distance. */
static inline float
metric_weight(RabitqMetric metric)
{
	return metric == RABITQ_L2 ? 2 : 1;
}

/* Up to this, the factor b is finite when rounded. */
#define LARGEST_SCALE	1e38f

/* From this on, underflow does not affect a sum of squares significantly. */
#define LEAST_SQUARES	1e-35f

/* K; 0, as if there were no code, if <o, u> is not positive or K would be too large. */
static inline float
code_scale(float l2sq, float product)
{
	float		scale = product > 0 && l2sq >= LEAST_SQUARES ? l2sq / product : 0;

	return scale <= LARGEST_SCALE ? scale : 0;
}

/* The factor b for K, and K for a factor b. */
static inline float
factor_of_scale(RabitqMetric metric, float scale)
{
	return -metric_weight(metric) * scale;
}

static inline float
scale_of_factor(RabitqMetric metric, float b)
{
	return -b / metric_weight(metric);
}

/* The factor a, from |o|^2, <o, c>, the stored b, and <u, c>. */
static inline float
additive_factor(RabitqMetric metric, float l2sq, float center, float b, float code_center)
{
	return (metric == RABITQ_L2 ? l2sq : -center) - b * code_center;
}

/* base(x, c) from |o|^2, <o, c> and |c|^2. */
static inline float
residual_distance(RabitqMetric metric, float l2sq, float center, float norm)
{
	return metric == RABITQ_L2 ? l2sq : -(center + norm);
}

/*
 * The part of <o, q - c> by which an estimate of it may be wrong whatever the direction of q - c:
 * all of it without a code; with one, what rounding the factor b to 8 significant bits changes.
 */
static inline float
rounded_part(float b)
{
	return b == 0 ? 1 : 1.0f / 256;
}

/*
 * The standard deviation of an estimate divided by |q - c|, from |o|^2 and |K u - o|^2, given that
 * the direction of q - c is random relative to o.  |K u - o|^2 may be negative by rounding, and NaN
 * if squares overflow; bounds are then as low as possible.  Bounds allow for three standard
 * deviations, which are at least `part` of |o|: the direction of q - c may be that of o, as it is
 * where q is x.  The squares of an o so short that it has no code understate its length.
 */
static inline float
factor_error(RabitqMetric metric, float l2sq, float missed, float part, uint32_t n)
{
	const float lost = 1e-40f;
	float		least = part * part / 9 * (float) n * l2sq;

	if (missed < least)
		missed = least;
	if (l2sq < LEAST_SQUARES)
		missed = (missed + lost) * (float) n;
	return metric_weight(metric) *
		sqrtf((missed < 0 ? 0 : missed) / (float) (n > 1 ? n - 1 : 1));
}

#endif							/* VECTOR_FACTORS_H */
