/*
 * trial.h - the errors of estimates by codes, over many random rotations
 *
 * Each trial has its own rotation, query, centre and group of vectors; statistics are over
 * trials, and all numbers are the same in every run.
 */
#ifndef VECTOR_TEST_TRIAL_H
#define VECTOR_TEST_TRIAL_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "distance/distance.h"
#include "quantize/rabitq.h"
#include "quantize/rotation.h"
#include "random.h"

/* Rotations in a statistic; the Makefile sets fewer where the processor is emulated. */
#ifndef TRIALS
#define TRIALS	300
#endif

static inline double
dot(const float *a, const float *b, uint32_t n)
{
	double		sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (double) a[i] * (double) b[i];
	return sum;
}

static inline void *
allocate(size_t size)
{
	void	   *p = malloc(size);

	if (p == NULL)
		abort();
	return p;
}

/*
 * An upper bound of the distance between a vector of n elements and the one that its code stands
 * for, from the error of its factors, without the errors of rounding.
 */
static inline double
restored_bound(RabitqMetric metric, float error, uint32_t n)
{
	return (double) (error / metric_weight(metric)) * sqrt(n > 1 ? n - 1 : 1) * 1.0001;
}

/* Errors of estimates, divided by the predicted ones. */
typedef struct Statistics
{
	const char *name;
	uint32_t	dims;
	int			trials;
	int			count;
	int			beyond;			/* more than three standard deviations off */
	double		square;			/* sums: of squares, of these corrected for the angle, */
	double		angled;
	double		mean;			/* of the trials' means, and of the squares of these */
	double		mean_square;
} Statistics;

static inline void
begin_statistics(Statistics *statistics, const char *name, uint32_t dims)
{
	memset(statistics, 0, sizeof(*statistics));
	statistics->name = name;
	statistics->dims = dims;
}

/*
 * Adds a trial's errors.  The prediction is for a residual orthogonal to the query; at another
 * angle, the standard deviation is smaller by the factor of its sine.
 */
static inline void
add_trial(Statistics *statistics, const double *errors, const double *sines, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
	{
		sum += errors[i];
		statistics->square += errors[i] * errors[i];
		statistics->angled += errors[i] * errors[i] / (sines[i] * sines[i]);
		statistics->beyond += fabs(errors[i]) > 3;
	}
	statistics->count += n;
	statistics->trials++;
	statistics->mean += sum / n;
	statistics->mean_square += sum / n * (sum / n);
}

static inline void
check_statistics(const Statistics *s)
{
	double		mean = s->mean / s->trials;
	double		standard = sqrt((s->mean_square / s->trials - mean * mean) / (s->trials - 1));
	double		deviation = sqrt(s->square / s->count);
	double		angled = sqrt(s->angled / s->count);

	if (getenv("VERBOSE"))
		printf("%s, %u dims: mean %.4f (%.4f), deviation %.3f, %.3f, beyond 3: %.4f\n", s->name,
			   s->dims, mean, standard, deviation, angled, (double) s->beyond / s->count);
	CHECK(fabs(mean) <= 4 * standard, "%s, %u dims: mean error %g, standard error %g", s->name,
		  s->dims, mean, standard);
	CHECK(deviation <= 1.1 && deviation >= 0.75, "%s, %u dims: deviation %g", s->name, s->dims,
		  deviation);
	CHECK(angled <= 1.1 && angled >= 0.9, "%s, %u dims: deviation for the angle %g", s->name,
		  s->dims, angled);
	CHECK(s->beyond <= s->count / 100, "%s, %u dims: %d of %d beyond three deviations", s->name,
		  s->dims, s->beyond, s->count);
}

#define CLUSTERS	8

/* The vectors of a trial: a query, a centre, and a group. */
typedef struct Trial
{
	uint32_t	dims;
	uint32_t	padded;
	void	   *memory;
	Rotation	rotation;
	float	   *clusters;
	float	   *q;				/* rotated */
	float	   *c;
	float	   *x[CODE_GROUP];
	uint8_t    *lut;
	uint8_t    *signs;
	uint8_t    *group;
	float		a[CODE_GROUP];
	uint16_t	b[CODE_GROUP];
	RabitqFactors factors[CODE_GROUP];
	float		estimates[CODE_GROUP];
} Trial;

static inline void
trial_init(Trial *trial, uint32_t dims)
{
	uint32_t	padded = rotation_padded(dims);

	trial->dims = dims;
	trial->padded = padded;
	trial->memory = allocate(rotation_memory(dims));
	trial->clusters = allocate(CLUSTERS * dims * sizeof(float));
	trial->q = allocate(padded * sizeof(float));
	trial->c = allocate(padded * sizeof(float));
	for (int i = 0; i < CODE_GROUP; i++)
		trial->x[i] = allocate(padded * sizeof(float));
	trial->lut = allocate(rabitq_lut_size(padded));
	trial->signs = allocate(padded / 8);
	trial->group = allocate(rabitq_group_size(padded));
}

static inline void
trial_free(Trial *trial)
{
	free(trial->memory);
	free(trial->clusters);
	free(trial->q);
	free(trial->c);
	for (int i = 0; i < CODE_GROUP; i++)
		free(trial->x[i]);
	free(trial->lut);
	free(trial->signs);
	free(trial->group);
}

/* A random rotated vector; `size` is the approximate magnitude of its elements. */
static inline void
trial_vector(Trial *trial, bool clustered, float size, float *out)
{
	const float *centre = trial->clusters + random_u32() % CLUSTERS * trial->dims;

	for (uint32_t i = 0; i < trial->dims; i++)
		out[i] = size * (clustered ? centre[i] + 0.2f * random_gaussian() : random_gaussian());
	rotation_apply(&trial->rotation, out, out);
}

static inline void
trial_begin(Trial *trial, uint64_t seed, bool clustered, float size)
{
	rotation_init(&trial->rotation, trial->dims, seed, trial->memory);
	for (uint32_t i = 0; i < CLUSTERS * trial->dims; i++)
		trial->clusters[i] = random_gaussian();
	trial_vector(trial, clustered, size, trial->q);
	trial_vector(trial, clustered, size, trial->c);
	for (int i = 0; i < CODE_GROUP; i++)
		trial_vector(trial, clustered, size, trial->x[i]);
}

static inline void
put_code(Trial *trial, int i, RabitqFactors factors, uint32_t n)
{
	rabitq_pack(trial->group, (uint32_t) i, trial->signs, n);
	trial->factors[i] = factors;
	trial->a[i] = factors.a;
	trial->b[i] = factors.b;
}

/*
 * The errors of a trial's estimates divided by the prediction, for vectors relative to a centre,
 * and the sines of the angles between residual and query.
 */
static inline void
trial_errors(const Trial *trial, RabitqMetric metric, double *errors, double *sines)
{
	for (int i = 0; i < CODE_GROUP; i++)
	{
		double		l2sq = 0;
		double		ip = 0;
		double		inner = 0;
		double		o2 = 0;
		double		q2 = 0;

		for (uint32_t d = 0; d < trial->padded; d++)
		{
			double		x = (double) trial->x[i][d];
			double		q = (double) trial->q[d];
			double		c = (double) trial->c[d];

			l2sq += (x - q) * (x - q);
			ip += x * q;
			inner += (x - c) * (q - c);
			o2 += (x - c) * (x - c);
			q2 += (q - c) * (q - c);
		}
		errors[i] = ((double) trial->estimates[i] - (metric == RABITQ_L2 ? l2sq : -ip)) /
			((double) trial->factors[i].error * sqrt(q2));
		sines[i] = sqrt(1 - inner * inner / (o2 * q2));
	}
}

static inline double
base_of(RabitqMetric metric, const float *q, const float *c, uint32_t n)
{
	return metric == RABITQ_L2 ? dot(q, q, n) + dot(c, c, n) - 2 * dot(q, c, n) : -dot(q, c, n);
}

#endif							/* VECTOR_TEST_TRIAL_H */
