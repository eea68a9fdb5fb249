/*
 * product_test.c - product quantization: training, codes, tables, and estimates
 */
#include "quantize/product.h"

#include "distance/half.h"
#include "guard.h"
#include "trial.h"

#define POINTS	1000

static uint8_t *code_end;
static uint8_t *lut_end;
static int	interrupts;

static void
count_interrupt(void *arg)
{
	interrupts += arg != NULL;
}

/* A quantizer trained on points; memory and work are allocated. */
static void *
train(Product *product, const float *points, size_t n, uint32_t dims, uint32_t m, uint64_t seed)
{
	ProductOptions options = {dims, m, seed, count_interrupt, product};
	void	   *memory = allocate(product_size(dims, m));
	void	   *work = allocate(product_train_memory(dims));

	product_train(&options, points, n, work, memory);
	product_open(product, dims, m, memory);
	free(work);
	return memory;
}

/* The distance from a run to a centroid, by definition. */
static double
run_distance(const Product *product, uint32_t run, uint32_t k, const float *o)
{
	uint32_t	start = run * product->dims / product->m;
	uint32_t	end = (run + 1) * product->dims / product->m;
	double		sum = 0;

	for (uint32_t i = start; i < end; i++)
		sum += pow((double) o[i] - (double) product->columns[i * PRODUCT_CENTROIDS + k], 2);
	return sum;
}

static uint32_t
nibble(const uint8_t *code, uint32_t run)
{
	return run % 2 ? code[run / 2] >> 4 : code[run / 2] & 15;
}

/* The vector that a code stands for: c + K u, for this K. */
static void
restore(const Product *product, const uint8_t *code, float scale, const float *c, float *out)
{
	for (uint32_t j = 0; j < product->m; j++)
		for (uint32_t i = j * product->dims / product->m;
			 i < (j + 1) * product->dims / product->m; i++)
			out[i] = c[i] + scale * product->columns[i * PRODUCT_CENTROIDS + nibble(code, j)];
}

/*
 * Each nibble is of the nearest centroid, padding is 0, and restored vectors are within the bound.
 */
static void
check_codes(RabitqMetric metric, uint32_t dims, uint32_t m)
{
	float	   *points = allocate(POINTS * dims * sizeof(float));
	float	   *c = allocate(dims * sizeof(float));
	float	   *out = allocate(dims * sizeof(float));
	uint8_t    *code = code_end - product_code_size(m);
	Product		product;
	void	   *memory;

	for (size_t i = 0; i < POINTS * dims; i++)
		points[i] = random_gaussian();
	for (uint32_t i = 0; i < dims; i++)
		c[i] = random_gaussian();
	memory = train(&product, points, POINTS, dims, m, 3);
	CHECK(product_positions(m) % 4 == 0 && product_positions(m) >= m &&
		  product_positions(m) - m < 4 && product_code_size(m) * 2 == product_positions(m) &&
		  product_group_size(m) == rabitq_group_size(4 * product_positions(m)) &&
		  product_lut_size(m) == rabitq_lut_size(4 * product_positions(m)), "sizes of %u", m);
	for (int p = 0; p < 100; p++)
	{
		const float *o = points + (size_t) p * 7 * dims;
		RabitqFactors f;
		double		distance = 0;
		double		size = dot(o, o, dims) + dot(c, c, dims);
		double		least;
		double		bound;

		memset(code, 0xFF, product_code_size(m));
		f = product_encode(&product, metric, o, c, code);
		least = sqrt(dims * dot(o, o, dims)) / (bf16_to_float(f.b) == 0 ? 3 : 256 * 3);
		for (uint32_t j = 0; j < m; j++)
		{
			double		own = run_distance(&product, j, nibble(code, j), o);

			for (uint32_t k = 0; k < PRODUCT_CENTROIDS; k++)
				CHECK(own <= run_distance(&product, j, k, o) + 1e-5,
					  "%u of %u runs: %u is not the nearest", j, m, nibble(code, j));
		}
		for (uint32_t j = m; j < product_positions(m); j++)
			CHECK(nibble(code, j) == 0, "nibble %u of %u", j, m);
		restore(&product, code, scale_of_factor(metric, bf16_to_float(f.b)), c, out);
		for (uint32_t i = 0; i < dims; i++)
			distance += pow((double) out[i] - (double) c[i] - (double) o[i], 2);
		bound = restored_bound(metric, f.error, dims);
		CHECK(sqrt(distance) <= bound + sqrt(size) * 1e-6 && bound >= least &&
			  fmax(sqrt(distance), least) >= bound * 0.999 - sqrt(size) * 1e-6,
			  "%u dims, %u runs: restored at %g, bound %g", dims, m, sqrt(distance), bound);
		CHECK(fabs((double) f.distance - (metric == RABITQ_L2 ? dot(o, o, dims) :
										  -dot(o, c, dims) - dot(c, c, dims))) <= 1e-5 * size,
			  "distance %g", (double) f.distance);
	}
	free(memory);
	free(points);
	free(c);
	free(out);
}

/* A table's sums are dot products with the vectors of codes, up to half a step for each run. */
static void
check_tables(uint32_t dims, uint32_t m, float size)
{
	float	   *points = allocate(POINTS * dims * sizeof(float));
	float	   *zeros = calloc(dims, sizeof(float));
	float	   *q = allocate(dims * sizeof(float));
	float	   *out = allocate(dims * sizeof(float));
	uint8_t    *lut = lut_end - product_lut_size(m);
	uint8_t    *code = code_end - product_code_size(m);
	uint8_t    *group = allocate(product_group_size(m));
	float		a[CODE_GROUP] = {0};
	uint16_t	b[CODE_GROUP];
	float		estimates[CODE_GROUP];
	float		expected[CODE_GROUP];
	CodeQuery	query;
	Product		product;
	void	   *memory;

	for (size_t i = 0; i < POINTS * dims; i++)
		points[i] = random_gaussian();
	for (uint32_t i = 0; i < dims; i++)
		q[i] = random_gaussian() * size;
	memory = train(&product, points, POINTS, dims, m, 3);
	for (uint32_t i = 0; i < CODE_GROUP; i++)
	{
		RabitqFactors f = product_encode(&product, RABITQ_IP, points + i * dims, zeros, code);

		restore(&product, code, 1, zeros, out);
		expected[i] = (float) dot(out, q, dims);
		b[i] = float_to_bf16(1);
		rabitq_pack(group, i, code, 4 * product_positions(m));
		CHECK(signbit(bf16_to_float(f.b)) && (m < 4 || bf16_to_float(f.b) < -0.5f), "b %g",
			  (double) bf16_to_float(f.b));
	}
	product_prepare(&product, &query, q, lut);
	CHECK(query.lut == lut && query.positions == product_positions(m), "query of %u", m);
	distance_kernels->code_estimates(&query, group, a, b, 0, estimates);
	for (int i = 0; i < CODE_GROUP; i++)
		CHECK(fabsf(estimates[i] - expected[i]) <= query.scale * (float) m * 0.502f +
			  1e-5f * size * (float) dims,
			  "%u dims, %u runs: %g, expected %g (step %g)", dims, m, (double) estimates[i],
			  (double) expected[i], (double) query.scale);
	if (size >= 1)
		CHECK(query.scale < 30 * size * sqrtf((float) dims / (float) m) / 255, "step %g",
			  (double) query.scale);
	free(memory);
	free(points);
	free(zeros);
	free(q);
	free(out);
	free(group);
}

/* Estimates of rotated vectors, with quantizers trained on others of the same distribution. */
static void
check_estimates(RabitqMetric metric, uint32_t dims, uint32_t m, bool clustered)
{
	char		name[80];
	double		errors[CODE_GROUP];
	double		sines[CODE_GROUP];
	float	   *points;
	uint8_t    *lut = lut_end - product_lut_size(m);
	uint8_t    *code = code_end - product_code_size(m);
	Statistics	statistics;
	Trial		trial;
	Product		product;
	void	   *memory;
	uint8_t    *group = allocate(product_group_size(m));

	snprintf(name, sizeof(name), "product of %u, %s, %s", m, metric == RABITQ_L2 ? "l2" : "ip",
			 clustered ? "clustered" : "gaussian");
	trial_init(&trial, dims);
	points = allocate(POINTS * trial.padded * sizeof(float));
	for (size_t i = 0; i < POINTS * trial.padded; i++)
		points[i] = 1.4f * random_gaussian() * sqrtf((float) dims / (float) trial.padded);
	memory = train(&product, points, POINTS, trial.padded, m, 3);
	begin_statistics(&statistics, name, dims);
	for (int t = 0; t < TRIALS; t++)
	{
		CodeQuery	query;
		float		base;

		trial_begin(&trial, (uint64_t) t * 2 + clustered, clustered, 1);
		base = (float) base_of(metric, trial.q, trial.c, trial.padded);
		for (int i = 0; i < CODE_GROUP; i++)
		{
			float	   *o = points;

			for (uint32_t d = 0; d < trial.padded; d++)
				o[d] = trial.x[i][d] - trial.c[d];
			trial.factors[i] = product_encode(&product, metric, o, trial.c, code);
			trial.a[i] = trial.factors[i].a;
			trial.b[i] = trial.factors[i].b;
			rabitq_pack(group, (uint32_t) i, code, 4 * product_positions(m));
		}
		product_prepare(&product, &query, trial.q, lut);
		distance_kernels->code_estimates(&query, group, trial.a, trial.b, base, trial.estimates);
		trial_errors(&trial, metric, errors, sines);
		add_trial(&statistics, errors, sines, CODE_GROUP);
	}
	check_statistics(&statistics);
	trial_free(&trial);
	free(points);
	free(memory);
	free(group);
}

/*
 * The same seed gives the same quantizer; if the points are 16 different ones, these are the
 * centroids; few, no and equal points work.
 */
static void
check_training(void)
{
	enum
	{
		DIMS = 10, M = 3
	};
	static float points[PRODUCT_TRAIN_POINTS * 3 * DIMS];
	float		zeros[DIMS] = {0};
	float		values[16][DIMS];
	size_t		size = product_size(DIMS, M);
	double		error = 0;
	Product		product;
	Product		other;
	void	   *memory;
	void	   *again;

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		points[i] = random_gaussian();
	interrupts = 0;
	memory = train(&product, points, PRODUCT_TRAIN_POINTS * 3, DIMS, M, 5);
	CHECK(interrupts >= M, "%d interrupts", interrupts);
	again = train(&other, points, PRODUCT_TRAIN_POINTS * 3, DIMS, M, 5);
	CHECK(memcmp(memory, again, size) == 0, "the same seed gives another quantizer");
	free(again);
	again = train(&other, points, PRODUCT_TRAIN_POINTS * 3, DIMS, M, 6);
	CHECK(memcmp(memory, again, size) != 0, "another seed gives the same quantizer");
	free(again);

	/* no 4-bit code leaves less of 3 and 4 normally distributed elements than 0.16 and 0.25 */
	for (int p = 0; p < POINTS; p++)
	{
		const float *o = points + p * DIMS;

		for (uint32_t j = 0; j < M; j++)
		{
			double		least = INFINITY;

			for (uint32_t k = 0; k < PRODUCT_CENTROIDS; k++)
				least = fmin(least, run_distance(&product, j, k, o));
			error += least;
		}
	}
	error /= (double) POINTS * DIMS;
	CHECK(error > 0.16 && error < 0.36, "%g of the variance is left", error);
	free(memory);

	for (int k = 0; k < 16; k++)
		for (int i = 0; i < DIMS; i++)
			values[k][i] = (float) (k * 10 + i);
	for (int p = 0; p < POINTS; p++)
		memcpy(points + p * DIMS, values[random_u32() % 16], sizeof(values[0]));
	memory = train(&product, points, POINTS, DIMS, M, 5);
	for (int k = 0; k < 16; k++)
	{
		uint8_t		code[2];
		RabitqFactors f = product_encode(&product, RABITQ_L2, values[k], zeros, code);

		/* only the rounding of b is missed, for which three standard deviations allow */
		CHECK(f.error <= 2.001f * sqrtf((float) dot(values[k], values[k], DIMS) * DIMS /
										(DIMS - 1)) * 0x1p-8f / 3,
			  "value %d: error %g", k, (double) f.error);
	}
	for (int k = 1; k < 16; k++)
	{
		float		opposite[DIMS];
		uint8_t		code[2];
		RabitqFactors f;
		double		l2sq = dot(values[k], values[k], DIMS);

		/* without a code the bound covers all of the residual, as it must for the vector itself */
		for (int i = 0; i < DIMS; i++)
			opposite[i] = -values[k][i];
		f = product_encode(&product, RABITQ_L2, opposite, zeros, code);
		CHECK(bf16_to_float(f.b) == 0 && 3 * (double) f.error * sqrt(l2sq) >= 1.99 * l2sq,
			  "value %d: factor %g, error %g", k, (double) bf16_to_float(f.b), (double) f.error);
	}
	free(memory);

	for (size_t n = 0; n <= 20; n += n < 3 ? 1 : 17)
	{
		memory = train(&product, points, n, DIMS, M, 5);
		for (size_t i = 0; i < size / sizeof(float); i++)
			CHECK(isfinite(((float *) memory)[i]), "%zu points", n);
		free(memory);
	}
	for (int i = 0; i < POINTS * DIMS; i++)
		points[i] = 3;
	memory = train(&product, points, POINTS, DIMS, M, 5);
	CHECK(product.columns[0] == 3 && product.columns[17] == 3 && product.halves[5] == 13.5f,
		  "equal points: %g", (double) product.columns[0]);
	free(memory);
}

/* Residuals of zero and of numbers out of every range, and queries of them. */
static void
check_special(RabitqMetric metric)
{
	static const float values[] = {0, -0.0f, 1e-30f, 1e-45f, 1e15f, 3e38f, INFINITY, NAN};
	enum
	{
		DIMS = 17, M = 5
	};
	float		points[POINTS * DIMS];
	float		o[DIMS];
	float		c[DIMS];
	uint8_t    *lut = lut_end - product_lut_size(M);
	uint8_t    *code = code_end - product_code_size(M);
	uint8_t		group[8 * 16] = {0};
	Product		product;
	void	   *memory;

	for (int i = 0; i < POINTS * DIMS; i++)
		points[i] = random_gaussian();
	memory = train(&product, points, POINTS, DIMS, M, 1);
	for (int i = 0; i < DIMS; i++)
		c[i] = random_gaussian();
	for (int k = 0; k < 8; k++)
	{
		RabitqFactors f;
		CodeQuery	query;
		float		a[CODE_GROUP] = {0};
		uint16_t	b[CODE_GROUP] = {0};
		float		estimates[CODE_GROUP];

		for (int i = 0; i < DIMS; i++)
			o[i] = values[k];
		f = product_encode(&product, metric, o, c, code);
		product_prepare(&product, &query, o, lut);
		b[0] = f.b;
		a[0] = f.a;
		rabitq_pack(group, 0, code, 4 * product_positions(M));
		distance_kernels->code_estimates(&query, group, a, b, 1, estimates);
		if (k < 4)
		{
			CHECK(isfinite(estimates[0]) && isfinite(f.error), "value %g: %g, error %g",
				  (double) values[k], (double) estimates[0], (double) f.error);
			CHECK(estimates[1] == 1, "value %g: %g", (double) values[k], (double) estimates[1]);
		}
		if (k < 2)
			CHECK(f.b == 0x8000 && f.a == 0 && f.error < 1e-19f, "zero: %g %x %g", (double) f.a,
				  f.b, (double) f.error);
		checks_passed++;
	}
	free(memory);
}

int
main(void)
{
	static const uint32_t shapes[][2] = {{1, 1}, {3, 2}, {16, 16}, {17, 4}, {100, 13}, {128, 32},
										 {130, 1}};

	code_end = guarded_end(16000);
	lut_end = guarded_end(64000);
	for (int simd = DISTANCE_PORTABLE; simd <= DISTANCE_NEON; simd++)
		if (distance_select((DistanceSimd) simd))
		{
			for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
			{
				check_codes(RABITQ_L2, shapes[i][0], shapes[i][1]);
				check_codes(RABITQ_IP, shapes[i][0], shapes[i][1]);
				check_tables(shapes[i][0], shapes[i][1], 1);
				check_tables(shapes[i][0], shapes[i][1], 1e-20f);
				check_tables(shapes[i][0], shapes[i][1], 0);
			}
			check_training();
			check_special(RABITQ_L2);
			check_special(RABITQ_IP);
		}
	distance_select(DISTANCE_AUTO);
	for (int metric = RABITQ_L2; metric <= RABITQ_IP; metric++)
		for (int clustered = 0; clustered < 2; clustered++)
		{
			check_estimates((RabitqMetric) metric, 128, 32, clustered);
			check_estimates((RabitqMetric) metric, 272, 130, clustered);
		}
	return check_end("product_test");
}
