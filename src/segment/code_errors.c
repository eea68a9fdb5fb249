/*
 * code_errors.c - how far distances that are estimated from codes are from the distances
 */
#include "segment/code_errors.h"

#include <math.h>

void
code_errors_add(CodeErrors *errors, float estimate, float distance)
{
	if (!isfinite(estimate) || !isfinite(distance))
		return;
	errors->errors[errors->count++] = fabs((double) estimate - distance);
	errors->distance += fabs((double) distance);
}

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

void
code_errors_show(CodeErrors *errors, SegmentShow show, void *arg)
{
	double		sum = 0;

	if (errors->distance <= 0)
		return;
	qsort(errors->errors, errors->count, sizeof(double), compare);
	for (int i = 0; i < errors->count; i++)
		sum += errors->errors[i];
	show(arg, "code error", -1, sum / errors->distance);
	show(arg, "code error of 95 %", -1, errors->errors[(errors->count - 1) * 95 / 100] *
		 errors->count / errors->distance);
}
