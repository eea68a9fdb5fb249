/*
 * axes_test.c - principal axes of samples, and the estimates by codes along them
 */
#include "quantize/axes.h"

#include <float.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "guard.h"
#include "quantize/rotation.h"
#include "random.h"

#define SAMPLE	4000
#define PAIRS	600

static int	pauses;

static void
count_pause(void)
{
	pauses++;
}

/* Data whose elements along some hidden axes have these deviations. */
typedef struct World
{
	uint32_t	padded;
	float		deviations[AXES_MAX_DIMS];
	Rotation	hidden;
} World;

static World
make_world(uint32_t padded, float decay)
{
	World		world = {.padded = padded};

	for (uint32_t i = 0; i < padded; i++)
		world.deviations[i] = 10 * powf(decay, (float) i);
	rotation_init(&world.hidden, padded, 7, malloc(rotation_memory(padded)));
	return world;
}

static void
draw(const World *world, float *x)
{
	for (uint32_t i = 0; i < world->padded; i++)
		x[i] = world->deviations[i] * random_gaussian();
	rotation_apply(&world->hidden, x, x);
}

static Axes
find(const World *world, uint32_t bits)
{
	uint32_t	n = world->padded;
	Axes		axes = {.padded = n};
	float	   *rows = malloc(sizeof(float) * n * n);
	double	   *sums = calloc((size_t) n * n, sizeof(double));
	void	   *scratch = malloc(axes_find_memory(n));
	float		x[AXES_MAX_DIMS];

	for (int i = 0; i < SAMPLE; i++)
	{
		draw(world, x);
		for (uint32_t d = 0; d < n; d++)
			for (uint32_t e = d; e < n; e++)
				sums[d * n + e] += (double) x[d] * x[e];
	}
	CHECK(axes_find(&axes, rows, sums, bits, scratch, count_pause), "%u padded", n);
	free(scratch);
	free(sums);
	return axes;
}

/* The axes are an orthonormal basis, along which deviations fall as they should. */
static void
check_axes(const World *world, const Axes *axes)
{
	uint32_t	n = world->padded;
	float		along[AXES_MAX_DIMS];
	float		x[AXES_MAX_DIMS];
	double		squares[AXES_MAX_DIMS] = {0};
	double		before = 0;
	double		after = 0;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j <= i; j++)
		{
			float		dot = distance_kernels->f32_dot(axes->rows + i * n, axes->rows + j * n, n);

			CHECK(fabsf(dot - (i == j)) < 1e-4f, "axes %u and %u: %g", i, j, (double) dot);
		}
	for (int i = 0; i < SAMPLE; i++)
	{
		draw(world, x);
		axes_apply(axes, x, along);
		for (uint32_t d = 0; d < n; d++)
		{
			before += (double) x[d] * x[d];
			after += (double) along[d] * along[d];
			squares[d] += (double) along[d] * along[d];
		}
	}
	CHECK(fabs(after / before - 1) < 1e-4, "%g, %g", before, after);
	for (uint32_t d = 0; d < n; d++)
	{
		double		deviation = sqrt(squares[d] / SAMPLE);

		CHECK(fabs(deviation / world->deviations[d] - 1) < 0.2, "axis %u: %g in place of %g", d,
			  deviation, (double) world->deviations[d]);
	}
}

static void
check_plan(const Axes *axes, uint32_t bits)
{
	uint32_t	n = axes->padded;
	uint32_t	budget = bits * n > AXES_LEAST_BITS ? bits * n : AXES_LEAST_BITS;
	uint32_t	given = 0;
	AxesPlan	plan = axes->plan;

	CHECK(axes_plan_fits(&plan, n), "%u bits", bits);
	for (uint32_t i = 0; i < n / AXES_SECTION; i++)
		given += plan.bits[i] * AXES_SECTION;
	CHECK(given == budget, "%u bits of %u", given, budget);
	CHECK(axes_code_size(&plan, n) == budget / 8, "%zu bytes", axes_code_size(&plan, n));
	CHECK(!axes_plan_fits(&plan, n + 1) && !axes_plan_fits(&plan, AXES_MAX_DIMS + 16), "dims");
	plan.bits[1] = plan.bits[0] + 1;
	CHECK(!axes_plan_fits(&plan, n), "rising");
	plan.bits[0] = plan.bits[1] = FINE_MAX_BITS + 1;
	CHECK(!axes_plan_fits(&plan, n), "too many");
}

/*
 * Estimates are those of <o, q - c>: exact if q is x, else without bias, and off by no more than
 * the error says.  Returns by how much, as a part of |o| |q - c|.
 */
static double
check_estimates(const World *world, const Axes *axes, RabitqMetric metric)
{
	uint32_t	n = world->padded;
	size_t		size = axes_code_size(&axes->plan, n);
	uint8_t    *code = guarded_end(size) - size;
	int16_t    *memory = malloc(axes_rounded_size(&axes->plan, n));
	float		x[AXES_MAX_DIMS];
	float		c[AXES_MAX_DIMS];
	double		bias = 0;
	double		square = 0;
	double		allowed = 0;
	double		parts = 0;

	for (int pair = 0; pair < PAIRS; pair++)
	{
		float		o[AXES_MAX_DIMS];
		FineFactors factors;
		float		length;

		draw(world, x);
		axes_apply(axes, x, o);
		draw(world, x);
		axes_apply(axes, x, c);
		if (metric == RABITQ_IP)
			memset(c, 0, sizeof(c));
		factors = axes_encode(axes, metric, o, c, code);
		length = distance_kernels->f32_dot(o, o, n);
		/* the vector itself, and another one */
		for (int own = 1; own >= 0; own--)
		{
			float		q[AXES_MAX_DIMS];
			AxesQuery	query;
			float		base;
			float		distance;
			float		way = 0;
			float		estimate;

			draw(world, x);
			axes_apply(axes, x, q);
			for (uint32_t d = 0; d < n; d++)
			{
				if (own)
					q[d] = c[d] + o[d];
				way += (q[d] - c[d]) * (q[d] - c[d]);
			}
			axes_round(&query, &axes->plan, q, n, memory);
			base = metric == RABITQ_L2 ? way : -distance_kernels->f32_dot(q, c, n);
			distance = 0;
			for (uint32_t d = 0; d < n; d++)
				distance += metric == RABITQ_L2 ? (q[d] - c[d] - o[d]) * (q[d] - c[d] - o[d]) :
					-q[d] * (c[d] + o[d]);
			estimate = base + factors.a + factors.b * axes_dot(&query, code);
			if (own)
				CHECK(fabsf(estimate - distance) < 0.03f * (way + length), "%g, %g",
					  (double) estimate, (double) distance);
			else
			{
				bias += estimate - distance;
				square += (double) (estimate - distance) * (estimate - distance);
				allowed += (double) factors.error * factors.error * way;
				parts += metric_weight(metric) * metric_weight(metric) * (double) length * way;
			}
		}
	}
	CHECK(fabs(bias) < 5 * sqrt(square), "bias %g, %g", bias, sqrt(square));
	CHECK(square < 1.1 * allowed, "error %g, allowed %g", sqrt(square), sqrt(allowed));
	free(memory);
	return sqrt(square / parts);
}

/* Where nothing is to be learned, or squares have no length, there is no code, but no accident. */
static void
check_special(const World *world, const Axes *axes)
{
	static const float sizes[] = {0, 1e-30f, 1e-18f, 1e18f, 1e30f, INFINITY, NAN};
	uint32_t	n = world->padded;
	size_t		size = axes_code_size(&axes->plan, n);
	uint8_t    *code = guarded_end(size) - size;
	double	   *sums = calloc((size_t) n * n, sizeof(double));
	void	   *scratch = malloc(axes_find_memory(n));
	float	   *rows = malloc(sizeof(float) * n * n);
	float		o[AXES_MAX_DIMS];
	float		zeros[AXES_MAX_DIMS] = {0};
	Axes		found = {.padded = n};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		FineFactors factors;

		for (uint32_t d = 0; d < n; d++)
			o[d] = sizes[i] * random_gaussian();
		factors = axes_encode(axes, RABITQ_L2, o, zeros, code);
		CHECK(factors.b <= 0 && isfinite(factors.b), "size %g: %g", (double) sizes[i],
			  (double) factors.b);
	}
	CHECK(!axes_find(&found, rows, sums, 1, scratch, count_pause), "zeros");
	sums[0] = INFINITY;
	CHECK(!axes_find(&found, rows, sums, 1, scratch, count_pause), "infinity");
	sums[0] = NAN;
	CHECK(!axes_find(&found, rows, sums, 1, scratch, count_pause), "NaN");
	/* a single direction: other axes get no bits, however many are left */
	sums[0] = 1;
	CHECK(axes_find(&found, rows, sums, 1, scratch, count_pause), "a line");
	CHECK(found.plan.bits[0] == FINE_MAX_BITS && found.plan.bits[1] == 0, "%u, %u",
		  found.plan.bits[0], found.plan.bits[1]);
	free(sums);
	free(scratch);
	free(rows);
}

int
main(void)
{
	static const float decays[] = {1, 0.98f, 0.95f};

	distance_select(DISTANCE_AUTO);
	for (uint32_t bits = 1; bits <= FINE_MAX_BITS; bits += bits < 4 ? 1 : 4)
	{
		double		before = 1;

		if (!LONG_TESTS && bits != 2 && bits != FINE_MAX_BITS)
			continue;

		for (int i = 0; i < 3; i++)
		{
			World		world = make_world(bits == 2 ? 208 : 128, decays[i]);
			Axes		axes = find(&world, bits);

			if (i == 1)
				check_axes(&world, &axes);
			check_plan(&axes, bits);
			for (int metric = RABITQ_L2; metric <= RABITQ_IP; metric++)
			{
				double		error = check_estimates(&world, &axes, (RabitqMetric) metric);

				if (metric == RABITQ_L2)
					continue;
				CHECK(bits == FINE_MAX_BITS || error < before, "%u bits, decay %g: %g, before %g",
					  bits, (double) decays[i], error, before);
				before = error;
			}
			check_special(&world, &axes);
			free((void *) axes.rows);
			free((void *) world.hidden.signs);
		}
	}
	CHECK(pauses > 0, "no pauses");
	return check_end("axes_test");
}
