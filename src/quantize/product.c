/*
 * product.c - training, encoding and the look-up tables of queries
 */
#include "quantize/product.h"

#include <string.h>

#include "distance/half.h"
#include "quantize/rotation.h"

/* Lloyd's rounds for a run, at most; fewer if a round gains less than this part. */
#define ROUNDS		16
#define LEAST_GAIN	1e-3

/* Of the angle between a residual and its code; below this there is no code. */
#define LEAST_COSINE	0.125f

static inline uint32_t
run_start(uint32_t dims, uint32_t m, uint32_t run)
{
	return (uint32_t) ((uint64_t) run * dims / m);
}

static inline const float *
run_columns(const Product *product, uint32_t start)
{
	return product->columns + (size_t) start * PRODUCT_CENTROIDS;
}

void
product_open(Product *product, uint32_t dims, uint32_t m, const void *memory)
{
	product->dims = dims;
	product->m = m;
	product->columns = memory;
	product->halves = product->columns + (size_t) dims * PRODUCT_CENTROIDS;
}

/* The training of one run. */
typedef struct Run
{
	const float *points;		/* the run's first element of the first point */
	size_t		n;
	size_t		stride;			/* floats from a point in use to the next */
	uint32_t	dims;			/* elements of the run */
	float	   *columns;
	float	   *halves;
	float	   *distances;		/* n: from each point to the nearest centroid so far */
	double	   *sums;			/* dims x 16 */
	size_t		counts[PRODUCT_CENTROIDS];
	size_t		farthest;		/* the point farthest from its centroid, in the last round */
} Run;

static const float *
run_point(const Run *run, size_t i)
{
	return run->points + i * run->stride;
}

static void
set_halves(Run *run)
{
	for (uint32_t k = 0; k < PRODUCT_CENTROIDS; k++)
	{
		float		norm = 0;

		for (uint32_t i = 0; i < run->dims; i++)
			norm += run->columns[i * PRODUCT_CENTROIDS + k] *
				run->columns[i * PRODUCT_CENTROIDS + k];
		run->halves[k] = norm / 2;
	}
}

static void
set_centroid(Run *run, uint32_t k, size_t point)
{
	for (uint32_t i = 0; i < run->dims; i++)
		run->columns[i * PRODUCT_CENTROIDS + k] = run_point(run, point)[i];
}

/* Updates the points' distances with centroid k; returns their sum. */
static double
update_distances(Run *run, uint32_t k)
{
	double		sum = 0;

	for (size_t p = 0; p < run->n; p++)
	{
		const float *x = run_point(run, p);
		float		distance = 0;

		for (uint32_t i = 0; i < run->dims; i++)
		{
			float		d = x[i] - run->columns[i * PRODUCT_CENTROIDS + k];

			distance += d * d;
		}
		if (k == 0 || distance < run->distances[p])
			run->distances[p] = distance;
		sum += (double) run->distances[p];
	}
	return sum;
}

/* The first centroids: points drawn by their squared distance to those before (k-means++). */
static void
seed_centroids(Run *run, uint64_t *state)
{
	double		sum = 0;

	for (uint32_t k = 0; k < PRODUCT_CENTROIDS; k++)
	{
		double		place = (double) (rotation_random(state) >> 11) * 0x1p-53;
		size_t		point = (size_t) (place * (double) run->n);

		if (sum > 0)
		{
			place *= sum;
			for (point = 0; point + 1 < run->n; point++)
				if ((place -= (double) run->distances[point]) < 0)
					break;
		}
		set_centroid(run, k, point);
		sum = update_distances(run, k);
	}
}

/* Assigns every point; returns the sum of halved squared distances, without the points' norms. */
static double
assign_points(Run *run)
{
	double		total = 0;
	double		farthest = -1;

	memset(run->sums, 0, run->dims * PRODUCT_CENTROIDS * sizeof(double));
	memset(run->counts, 0, sizeof(run->counts));
	for (size_t p = 0; p < run->n; p++)
	{
		const float *x = run_point(run, p);
		float		distance;
		uint32_t	k = distance_kernels->columns_nearest(x, run->columns, run->halves,
															   run->dims, &distance);
		double		norm = 0;

		for (uint32_t i = 0; i < run->dims; i++)
		{
			run->sums[i * PRODUCT_CENTROIDS + k] += (double) x[i];
			norm += (double) x[i] * (double) x[i];
		}
		run->counts[k]++;
		total += norm / 2 + (double) distance;
		if (norm / 2 + (double) distance > farthest)
		{
			farthest = norm / 2 + (double) distance;
			run->farthest = p;
		}
	}
	return total;
}

/* Moves centroids to their means; the first one without points moves to the farthest point. */
static void
move_centroids(Run *run)
{
	bool		taken = false;

	for (uint32_t k = 0; k < PRODUCT_CENTROIDS; k++)
	{
		for (uint32_t i = 0; i < run->dims && run->counts[k] > 0; i++)
			run->columns[i * PRODUCT_CENTROIDS + k] =
				(float) (run->sums[i * PRODUCT_CENTROIDS + k] / (double) run->counts[k]);
		if (run->counts[k] == 0 && !taken)
		{
			set_centroid(run, k, run->farthest);
			taken = true;
		}
	}
	set_halves(run);
}

static void
train_run(Run *run, uint64_t *state, void (*interrupt) (void *arg), void *arg)
{
	double		before = INFINITY;

	seed_centroids(run, state);
	set_halves(run);
	for (int round = 0; round < ROUNDS; round++)
	{
		double		total = assign_points(run);

		if (!(total < before * (1 - LEAST_GAIN)))
			break;
		before = total;
		move_centroids(run);
		if (interrupt != NULL)
			interrupt(arg);
	}
}

size_t
product_train_memory(uint32_t dims)
{
	return dims * PRODUCT_CENTROIDS * sizeof(double) + PRODUCT_TRAIN_POINTS * sizeof(float);
}

void
product_train(const ProductOptions *options, const float *points, size_t n, void *work,
			  void *memory)
{
	uint32_t	dims = options->dims;
	uint32_t	m = options->m;
	uint64_t	seed = options->seed;
	size_t		step = (n + PRODUCT_TRAIN_POINTS - 1) / PRODUCT_TRAIN_POINTS;
	float	   *columns = memory;
	float	   *halves = columns + (size_t) dims * PRODUCT_CENTROIDS;

	memset(memory, 0, product_size(dims, m));
	for (uint32_t j = 0; j < m && n > 0; j++)
	{
		uint32_t	start = run_start(dims, m, j);
		Run			run = {
			.points = points + start,
			.n = (n + step - 1) / step,
			.stride = dims * step,
			.dims = run_start(dims, m, j + 1) - start,
			.columns = columns + (size_t) start * PRODUCT_CENTROIDS,
			.halves = halves + (size_t) j * PRODUCT_CENTROIDS,
			.sums = work,
			.distances = (float *) ((double *) work + (size_t) dims * PRODUCT_CENTROIDS)
		};

		train_run(&run, &seed, options->interrupt, options->arg);
	}
}

static inline uint32_t
code_at(const uint8_t *code, uint32_t run)
{
	return code[run / 2] >> run % 2 * 4 & 15;
}

/* Sums over the elements of u, K u - o and c. */
typedef struct CodeSums
{
	float		center;			/* <u, c> */
	float		missed;			/* |K u - o|^2 */
} CodeSums;

static CodeSums
sum_code(const Product *product, const uint8_t *code, float scale, const float *o, const float *c)
{
	CodeSums	sums = {0, 0};

	for (uint32_t j = 0, i = 0; j < product->m; j++)
	{
		uint32_t	end = run_start(product->dims, product->m, j + 1);
		const float *column = run_columns(product, i) + code_at(code, j);

		for (; i < end; i++, column += PRODUCT_CENTROIDS)
		{
			float		d = scale * *column - o[i];

			sums.center += *column * c[i];
			sums.missed += d * d;
		}
	}
	return sums;
}

RabitqFactors
product_encode(const Product *product, RabitqMetric metric, const float *o, const float *c,
			   uint8_t *code)
{
	const DistanceKernels *kernels = distance_kernels;
	uint32_t	dims = product->dims;
	float		l2sq = kernels->f32_dot(o, o, dims);
	float		center = metric == RABITQ_IP ? kernels->f32_dot(o, c, dims) : 0;
	float		norm = metric == RABITQ_IP ? kernels->f32_dot(c, c, dims) : 0;
	float		dot = 0;
	float		norm_u = 0;
	CodeSums	sums;
	RabitqFactors factors;

	memset(code, 0, product_code_size(product->m));
	for (uint32_t j = 0, start = 0; j < product->m; j++)
	{
		const float *halves = product->halves + (size_t) j * PRODUCT_CENTROIDS;
		uint32_t	end = run_start(dims, product->m, j + 1);
		float		distance;
		uint32_t	k = kernels->columns_nearest(o + start, run_columns(product, start), halves,
												 end - start, &distance);

		code[j / 2] |= (uint8_t) (k << j % 2 * 4);
		dot += halves[k] - distance;
		norm_u += 2 * halves[k];
		start = end;
	}
	/* a code almost orthogonal to its residual would get far too much weight */
	if (!(dot * dot >= LEAST_COSINE * LEAST_COSINE * l2sq * norm_u))
		dot = 0;
	factors.b = float_to_bf16(factor_of_scale(metric, code_scale(l2sq, dot)));
	sums = sum_code(product, code, scale_of_factor(metric, bf16_to_float(factors.b)), o, c);
	factors.a = additive_factor(metric, l2sq, center, bf16_to_float(factors.b), sums.center);
	factors.distance = residual_distance(metric, l2sq, center, norm);
	factors.error = factor_error(metric, l2sq, sums.missed,
								 rounded_part(bf16_to_float(factors.b)), dims);
	return factors;
}

/* The dot products of a run of a query with the run's centroids, as columns_entries. */
static Range
run_entries(const Product *product, const float *q, uint32_t run, float factor, uint8_t *out)
{
	uint32_t	start = run_start(product->dims, product->m, run);
	uint32_t	end = run_start(product->dims, product->m, run + 1);

	return distance_kernels->columns_entries(q + start, run_columns(product, start), end - start,
											 factor, out);
}

void
product_prepare(const Product *product, CodeQuery *query, const float *q, uint8_t *lut)
{
	float		widest = 0;
	float		bias = 0;
	float		factor;

	for (uint32_t j = 0; j < product->m; j++)
	{
		Range		range = run_entries(product, q, j, 0, NULL);

		bias += range.least;
		widest = fmaxf(widest, range.largest - range.least);
	}
	/* below this the factor would overflow to infinity; then all entries are zero */
	factor = widest >= 1e-34f && isfinite(widest) ? 255 / widest : 0;
	memset(lut, 0, product_lut_size(product->m));
	for (uint32_t j = 0; j < product->m; j++)
		run_entries(product, q, j, factor, lut + (size_t) j * PRODUCT_CENTROIDS);
	*query = (CodeQuery) {lut, product_positions(product->m), widest / 255, bias};
}
