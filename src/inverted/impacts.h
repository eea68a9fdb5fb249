/*
 * impacts.h - weights of rows as bytes, and what they say of a query's scores
 *
 * A list has the rows that have one dimension, with a code of each row's weight.  The codes are
 * relative to the range of the list's weights, so a code stands for an interval of weights, and a
 * query's weight times that for an interval of the term's part of the score.  Its upper end is
 * rounded up to an integer: a score's bound is a sum of integers, and so the same in whatever order
 * the lists are added.
 *
 * The room is plain C11 without PostgreSQL.
 */
#ifndef VECTOR_INVERTED_IMPACTS_H
#define VECTOR_INVERTED_IMPACTS_H

#include <stdint.h>

#define IMPACT_CODES	256

/* Code c stands for weights from low + step * c to low + step * (c + 1). */
typedef struct ImpactRange
{
	float		low;
	float		step;			/* 0: all weights are `low` */
} ImpactRange;

/* The range of weights from `least` to `most`, and the code of one of them. */
extern ImpactRange impact_range(float least, float most);
extern uint8_t impact_code(ImpactRange range, float weight);

/* The largest absolute value that a code of the range may stand for. */
extern double impact_largest(ImpactRange range);

/*
 * Bounds of a term's parts are sums of at most this in all: see impact_scale.  Rounding adds less
 * than IMPACT_ROUNDING to each part.
 */
#define IMPACT_LIMIT		(1 << 28)
#define IMPACT_ROUNDING		130

/*
 * Bounds are in units of 1 / scale: the scale if no score is larger than this, which is positive
 * and finite.
 */
extern double impact_scale(double largest);

/* What a list adds to the scores of its rows: at most base + slope * code. */
typedef struct ImpactPart
{
	int32_t		base;
	int32_t		slope;
	int32_t		most;			/* the largest of these bounds, and of 0 */
	int32_t		error;			/* the part is less than a bound by this at most */
} ImpactPart;

/* The parts of a list's scores for a query's weight, times the scale. */
extern ImpactPart impact_part(ImpactRange range, double weight);

#endif							/* VECTOR_INVERTED_IMPACTS_H */
