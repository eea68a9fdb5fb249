/*
 * model.c - from what two samples of a table cost to what the whole table will
 */
#include "recall/model.h"

#include <math.h>

double
model_linear(TwoSizes sizes, double rows)
{
	double		between = sizes.rows[1] - sizes.rows[0];
	double		slope = between > 0 ? (sizes.figure[1] - sizes.figure[0]) / between : 0;

	return fmax(sizes.figure[1] + slope * (rows - sizes.rows[1]), 0);
}

double
model_power(TwoSizes sizes, double rows, double least, double most)
{
	double		exponent = least;

	if (sizes.rows[0] > 0 && sizes.rows[1] > sizes.rows[0] && sizes.figure[0] > 0 &&
		sizes.figure[1] > 0)
		exponent = log(sizes.figure[1] / sizes.figure[0]) / log(sizes.rows[1] / sizes.rows[0]);
	if (sizes.rows[1] <= 0)
		return sizes.figure[1];
	return sizes.figure[1] * pow(rows / sizes.rows[1], fmin(fmax(exponent, least), most));
}

double
model_recall(TwoSizes sizes, double rows)
{
	for (int i = 0; i < 2; i++)
		sizes.figure[i] = 1 - sizes.figure[i];
	return fmax(1 - model_power(sizes, rows, 0, MODEL_MISSED_MOST), 0);
}

double
model_expected_ms(const ModelCost *cost, double memory)
{
	double		missing = cost->read_bytes > memory ? 1 - memory / cost->read_bytes : 0;

	return cost->ms + missing * (cost->cold_ms - cost->ms);
}

/* Whether one is a better choice than none, or another, as to recall. */
static bool
finds_enough(const ModelCost *cost, bool any_reaches, double greatest)
{
	return any_reaches ? cost->reaches : cost->recall >= greatest;
}

int
model_choose(const ModelCost *costs, int count, double memory)
{
	bool		any_reaches = false;
	double		greatest = 0;
	double		fastest = INFINITY;
	int			chosen = -1;

	for (int i = 0; i < count; i++)
	{
		any_reaches |= costs[i].reaches;
		greatest = fmax(greatest, costs[i].recall);
	}
	for (int i = 0; i < count; i++)
		if (finds_enough(&costs[i], any_reaches, greatest))
			fastest = fmin(fastest, model_expected_ms(&costs[i], memory));
	for (int i = 0; i < count; i++)
		if (finds_enough(&costs[i], any_reaches, greatest) &&
			model_expected_ms(&costs[i], memory) <= MODEL_NEARLY * fastest &&
			(chosen < 0 || costs[i].bytes < costs[chosen].bytes))
			chosen = i;
	return chosen;
}
