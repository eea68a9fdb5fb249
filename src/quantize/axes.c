/*
 * axes.c - principal axes by Jacobi's method, and codes along them
 */
#include "quantize/axes.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define SWEEPS		12			/* over all pairs of axes, at most */
#define PRECISION	1e-7		/* cosine of an angle that counts as right */

/* Scales to try, as factors of that for the length of a residual. */
static const float tried[] = {0.76f, 0.84f, 0.92f, 1, 1.08f, 1.17f, 1.27f, 1.38f};

#define TRIED	((int) (sizeof(tried) / sizeof(tried[0])))

/* Levels of one bit are signs, whatever the scale. */
#define SIGN_SCALE	0x1p60f

/* Estimates of residuals that are not as the sample says err more, by about so much. */
#define ERROR_SPREAD	1.25f

/*
 * By bits, the width of a level for elements of deviation 1, and the part of their variance that is
 * lost (Max, Quantizing for minimum distortion, 1960, table II).
 */
static const float widths[FINE_MAX_BITS + 1] = {
	0, 1.596f, 0.9957f, 0.586f, 0.3352f, 0.1881f, 0.1041f, 0.0569f, 0.0308f
};
static const float lost[FINE_MAX_BITS + 1] = {
	1, 0.3634f, 0.1188f, 0.0374f, 0.01154f, 0.00349f, 0.00104f, 0.000304f, 0.0000877f
};

/* Turns two axes so that the sums between them vanish. */
static void
turn(double *sums, double *rows, uint32_t n, uint32_t p, uint32_t q)
{
	double	   *row_p = sums + (size_t) p * n;
	double	   *row_q = sums + (size_t) q * n;
	double		ratio = (row_q[q] - row_p[p]) / (2 * row_p[q]);
	double		t = (ratio < 0 ? -1 : 1) / (fabs(ratio) + sqrt(ratio * ratio + 1));
	double		c = 1 / sqrt(t * t + 1);
	double		s = t * c;

	for (uint32_t i = 0; i < n; i++)
	{
		double		x = row_p[i];
		double		y = row_q[i];

		row_p[i] = c * x - s * y;
		row_q[i] = s * x + c * y;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		double	   *row = sums + (size_t) i * n;
		double		x = row[p];
		double		y = row[q];

		row[p] = c * x - s * y;
		row[q] = s * x + c * y;
	}
	row_p = rows + (size_t) p * n;
	row_q = rows + (size_t) q * n;
	for (uint32_t i = 0; i < n; i++)
	{
		double		x = row_p[i];
		double		y = row_q[i];

		row_p[i] = c * x - s * y;
		row_q[i] = s * x + c * y;
	}
}

/* Jacobi's method: sums become a diagonal matrix, and rows its axes. */
static void
diagonalize(double *sums, double *rows, uint32_t n, void (*pause) (void))
{
	bool		turned = true;

	memset(rows, 0, sizeof(double) * n * n);
	for (uint32_t i = 0; i < n; i++)
		rows[(size_t) i * n + i] = 1;
	for (int sweep = 0; sweep < SWEEPS && turned; sweep++)
	{
		turned = false;
		for (uint32_t p = 0; p + 1 < n; p++)
		{
			pause();
			for (uint32_t q = p + 1; q < n; q++)
			{
				double		between = sums[(size_t) p * n + q];
				double		size = sums[(size_t) p * n + p] * sums[(size_t) q * n + q];

				/* sums that are not of a sample may be anything; a NaN turns nothing */
				if (!(between * between > PRECISION * PRECISION * fmax(size, DBL_MIN)))
					continue;
				turn(sums, rows, n, p, q);
				turned = true;
			}
		}
	}
}

/* Gives bits to sections, each time where it saves most, and sets what follows from them. */
static void
plan_bits(const float *variances, uint32_t padded, uint32_t bits, AxesPlan *plan)
{
	uint32_t	sections = padded / AXES_SECTION;
	uint32_t	budget = bits * padded > AXES_LEAST_BITS ? bits * padded : AXES_LEAST_BITS;
	float		total = 0;
	float		missed = 0;
	float		sums[AXES_SECTIONS] = {0};

	memset(plan, 0, sizeof(*plan));
	for (uint32_t i = 0; i < padded; i++)
	{
		sums[i / AXES_SECTION] += variances[i];
		total += variances[i];
	}
	for (uint32_t given = 0; given < budget; given += AXES_SECTION)
	{
		float		most = 0;
		uint32_t	best = 0;

		for (uint32_t i = 0; i < sections; i++)
		{
			int			has = plan->bits[i];
			float		gain = has < FINE_MAX_BITS ? sums[i] * (lost[has] - lost[has + 1]) : 0;

			if (gain > most)
			{
				most = gain;
				best = i;
			}
		}
		if (most == 0)
			break;
		plan->bits[best]++;
	}
	for (uint32_t i = 0; i < sections; i++)
	{
		plan->unit[i] = sqrtf(sums[i] / AXES_SECTION) * widths[plan->bits[i]];
		missed += sums[i] * lost[plan->bits[i]];
	}
	missed /= total;
	plan->length = sqrtf(total);
	/* |o| is about K (1 - missed) length; and factors are rounded to 8 bits */
	plan->error = ERROR_SPREAD * sqrtf(missed * (1 - missed) / (float) (padded - 1)) + 1.0f / 256;
	plan->error *= plan->length;
}

size_t
axes_find_memory(uint32_t padded)
{
	return 2 * sizeof(double) * padded * padded;
}

bool
axes_find(Axes *axes, float *rows, const double *sums, uint32_t bits, void *scratch,
		  void (*pause) (void))
{
	uint32_t	padded = axes->padded;
	double	   *square = scratch;
	double	   *found = square + (size_t) padded * padded;
	float		variances[AXES_MAX_DIMS];
	double		total = 0;

	for (uint32_t i = 0; i < padded; i++)
	{
		total += sums[(size_t) i * padded + i];
		for (uint32_t j = i; j < padded; j++)
			square[(size_t) i * padded + j] = square[(size_t) j * padded + i] =
				sums[(size_t) i * padded + j];
	}
	if (!(total > 0 && total < INFINITY))
		return false;
	diagonalize(square, found, padded, pause);
	for (uint32_t i = 0; i < padded; i++)
	{
		uint32_t	best = 0;
		double		most = -INFINITY;

		for (uint32_t j = 0; j < padded; j++)
			if (square[(size_t) j * padded + j] > most)
			{
				best = j;
				most = square[(size_t) j * padded + j];
			}
		if (!(most < INFINITY) || most == -INFINITY)
			return false;
		square[(size_t) best * padded + best] = -INFINITY;
		variances[i] = (float) fmax(most / total, 0);
		for (uint32_t j = 0; j < padded; j++)
			rows[(size_t) i * padded + j] = (float) found[(size_t) best * padded + j];
	}
	plan_bits(variances, padded, bits, &axes->plan);
	axes->rows = rows;
	return true;
}

bool
axes_plan_fits(const AxesPlan *plan, uint32_t padded)
{
	if (padded > AXES_MAX_DIMS || padded % AXES_SECTION != 0)
		return false;
	for (uint32_t i = 0; i < padded / AXES_SECTION; i++)
		if (plan->bits[i] > (i == 0 ? FINE_MAX_BITS : plan->bits[i - 1]) || !(plan->unit[i] >= 0))
			return false;
	return true;
}

void
axes_apply(const Axes *axes, const float *x, float *out)
{
	for (uint32_t i = 0; i < axes->padded; i++)
		out[i] = distance_kernels->f32_dot(axes->rows + (size_t) i * axes->padded, x, axes->padded);
}

/* The number of axes from one on whose elements have the same bits. */
static uint32_t
run_of(const AxesPlan *plan, uint32_t first, uint32_t padded)
{
	uint32_t	end = first;

	while (end < padded && plan->bits[end / AXES_SECTION] == plan->bits[first / AXES_SECTION])
		end += AXES_SECTION;
	return end - first;
}

/* Loops over the runs of axes with the same bits, as far as these are not 0. */
#define EACH_RUN(first, n, plan, padded) \
	for (uint32_t first = 0, n; first < (padded) && (plan)->bits[first / AXES_SECTION] > 0 && \
			 (n = run_of(plan, first, padded)) > 0; first += n)

size_t
axes_code_size(const AxesPlan *plan, uint32_t padded)
{
	size_t		size = 0;

	EACH_RUN(first, n, plan, padded)
		size += fine_size(plan->bits[first / AXES_SECTION], n);
	return size;
}

/* The levels of elements, divided by the units of their sections; returns <o, u> and |u|^2. */
static LevelParts
find_levels(const AxesPlan *plan, const float *divided, uint32_t padded, float scale,
			uint8_t *levels)
{
	LevelParts	sum = {0};

	for (uint32_t i = 0; i < padded; i += AXES_SECTION)
	{
		uint32_t	bits = plan->bits[i / AXES_SECTION];
		float		unit = plan->unit[i / AXES_SECTION];
		LevelParts	parts;

		if (bits == 0)
			break;
		parts = distance_kernels->f32_levels(
			divided + i, AXES_SECTION, bits == 1 ? scale * SIGN_SCALE : scale,
			(float) ((1u << bits) - 1), levels ? levels + i : NULL);
		sum.product += unit * unit * parts.product;
		sum.norm += unit * unit * parts.norm;
	}
	return sum;
}

/* Levels per unit by which the angle between o and its levels is smallest, of some; 0: none. */
static float
choose_scale(const AxesPlan *plan, const float *divided, uint32_t padded, float l2sq)
{
	float		best = 0;
	float		closest = -1;

	if (!(l2sq > 1e-30f && isfinite(l2sq)))
		return 0;
	for (int i = 0; i < TRIED; i++)
	{
		float		scale = plan->length / (sqrtf(l2sq) * tried[i]);
		LevelParts	parts = find_levels(plan, divided, padded, scale, NULL);
		float		close = parts.product / parts.norm * parts.product;

		if (parts.product > 0 && close > closest)
		{
			closest = close;
			best = scale;
		}
	}
	return best;
}

FineFactors
axes_encode(const Axes *axes, RabitqMetric metric, const float *o, const float *c, uint8_t *code)
{
	const AxesPlan *plan = &axes->plan;
	uint32_t	padded = axes->padded;
	float		l2sq = distance_kernels->f32_dot(o, o, padded);
	float		divided[AXES_MAX_DIMS];
	uint8_t		levels[AXES_MAX_DIMS];
	float		scale;
	float		code_center = 0;
	FineFactors factors;

	for (uint32_t i = 0; i < padded; i++)
	{
		float		unit = plan->unit[i / AXES_SECTION];

		divided[i] = unit > 0 ? o[i] / unit : 0;
	}
	scale = choose_scale(plan, divided, padded, l2sq);
	memset(levels, 0, sizeof(levels));
	if (scale > 0)
		scale = code_scale(l2sq, find_levels(plan, divided, padded, scale, levels).product);
	EACH_RUN(first, n, plan, padded)
	{
		uint32_t	bits = plan->bits[first / AXES_SECTION];
		float		middle = (float) ((1u << bits) - 1) / 2;

		for (uint32_t i = first; i < first + n; i++)
			code_center += c[i] * plan->unit[i / AXES_SECTION] * ((float) levels[i] - middle);
		fine_pack(levels + first, n, bits, code);
		code += fine_size(bits, n);
	}
	factors.b = factor_of_scale(metric, scale);
	factors.a = additive_factor(
		metric, l2sq, metric == RABITQ_IP ? distance_kernels->f32_dot(o, c, padded) : 0,
		factors.b, code_center);
	factors.error = plan->error * fabsf(factors.b);
	return factors;
}

size_t
axes_rounded_size(const AxesPlan *plan, uint32_t padded)
{
	return 8 * axes_code_size(plan, padded) * sizeof(int16_t);
}

void
axes_round(AxesQuery *query, const AxesPlan *plan, const float *along, uint32_t padded,
		   int16_t *memory)
{
	float		weighted[AXES_MAX_DIMS];
	float		weights[AXES_MAX_DIMS * FINE_MAX_BITS] = {0};
	size_t		n = 0;
	float		step;
	float		factor;
	int32_t		sum = 0;

	for (uint32_t i = 0; i < padded; i++)
		weighted[i] = along[i] * plan->unit[i / AXES_SECTION];
	EACH_RUN(first, run, plan, padded)
	{
		uint32_t	bits = plan->bits[first / AXES_SECTION];

		fine_weigh_bits(weighted + first, run, bits, weights + n);
		n += 8 * fine_size(bits, run);
	}
	step = distance_kernels->f32_levels(weights, n, 0, 1, NULL).largest / INT16_MAX;
	factor = step > FLT_MIN && step <= FLT_MAX ? 1 / step : 0;
	for (size_t i = 0; i < n; i++)
	{
		float		weight = weights[i] * factor;

		/* NaN counts as 0 */
		memory[i] = (int16_t) (weight > 0 || weight < 0 ? lrintf(weight) : 0);
		sum += memory[i];
	}
	/* half of the last level is half of all its bits */
	*query = (AxesQuery) {memory, n, step, -step * (float) sum / 2};
}
