/*
 * factors.h - the factors of every code, from what is known of its residual
 *
 * A code stands for a vector u, and K u for the residual o = x - c, where K = |o|^2 / <o, u>: K u -
 * o is at a right angle to o, so that <K u, q - c> estimates <o, q - c> without bias over random
 * rotations, and exactly where q is x.
 */
#ifndef VECTOR_FACTORS_H
#define VECTOR_FACTORS_H

#include <math.h>

#include "quantize/rabitq.h"

/* What a dot product counts in a distance. */
static inline float
metric_weight(RabitqMetric metric)
{
	return metric == RABITQ_L2 ? 2 : 1;
}

/* So much that the factor b, rounded, is finite. */
#define LARGEST_SCALE	1e38f

/* So much that underflow took nothing of weight from a sum of squares. */
#define LEAST_SQUARES	1e-35f

/* K; 0, as if there was no code, where o and u have nothing in common or K would be too large. */
static inline float
code_scale(float l2sq, float product)
{
	float		scale = product > 0 && l2sq >= LEAST_SQUARES ? l2sq / product : 0;

	return scale <= LARGEST_SCALE ? scale : 0;
}

/* The factor b that goes with K, and K again. */
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

/* The factor a, from |o|^2, <o, c>, the b that is stored, and <u, c>. */
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
 * The standard deviation of an estimate over |q - c|, as the direction of q - c is random beside
 * o, from |o|^2 and |K u - o|^2; and the length again.  What is missed may be below 0 by rounding,
 * and NaN where squares overflow: bounds are as low as can be then.  Of an o so short that it has
 * no code for that, all is missed, more than the squares tell, in a direction that may be q - c's.
 */
static inline float
factor_error(RabitqMetric metric, float l2sq, float missed, uint32_t n)
{
	const float lost = 1e-40f;

	if (l2sq < LEAST_SQUARES)
		missed = (missed + lost) * (float) n;
	return metric_weight(metric) *
		sqrtf((missed < 0 ? 0 : missed) / (float) (n > 1 ? n - 1 : 1));
}

static inline float
missed_length(RabitqMetric metric, float error, uint32_t n)
{
	return error / metric_weight(metric) * sqrtf((float) (n > 1 ? n - 1 : 1));
}

#endif							/* VECTOR_FACTORS_H */
