/*
 * impacts.c - ranges of weights, codes, and bounds of products
 */
#include "inverted/impacts.h"

#include <math.h>

/*
 * The step is a little more than the 256th part of the range, however it is rounded, so that no
 * weight is beyond the last code.
 */
ImpactRange
impact_range(float least, float most)
{
	double		width = (double) most - (double) least;
	ImpactRange range = {least, (float) (width / (IMPACT_CODES - 1))};

	/* near the smallest float */
	while ((double) range.step * IMPACT_CODES < width)
		range.step = nextafterf(range.step, INFINITY);
	return range;
}

uint8_t
impact_code(ImpactRange range, float weight)
{
	double		offset = (double) weight - (double) range.low;
	int			code = range.step > 0 ? (int) (offset / range.step) : 0;

	if (code > IMPACT_CODES - 1)
		code = IMPACT_CODES - 1;
	while (code > 0 && (double) range.step * code > offset)
		code--;
	while (code < IMPACT_CODES - 1 && (double) range.step * (code + 1) < offset)
		code++;
	return (uint8_t) code;
}

double
impact_largest(ImpactRange range)
{
	return fmax(fabs((double) range.low),
				fabs((double) range.low + (double) range.step * IMPACT_CODES));
}

double
impact_scale(double largest)
{
	return IMPACT_LIMIT / largest;
}

ImpactPart
impact_part(ImpactRange range, double weight)
{
	double		slope = weight * range.step;
	double		base = weight * range.low + (weight > 0 ? slope : 0);
	ImpactPart	part;
	double		rest;
	int32_t		last;

	/* a line of integers above the real one at both ends, and so between them */
	part.slope = (int32_t) rint(slope);
	rest = (slope - part.slope) * (IMPACT_CODES - 1);
	part.base = (int32_t) ceil(base + (rest > 0 ? rest : 0));
	/* see InvertedTop.positive */
	if (weight > 0 && range.low > 0 && part.base < 1)
		part.base = 1;
	last = part.base + part.slope * (IMPACT_CODES - 1);
	part.most = last > part.base ? last : part.base;
	if (part.most < 0)
		part.most = 0;
	part.error = (int32_t) ceil(fabs(slope)) + IMPACT_ROUNDING;
	return part;
}
