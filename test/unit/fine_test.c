/*
 * fine_test.c - codes of several bits an element: their estimates, and restoring vectors from them
 */
#include "quantize/fine.h"

#include "guard.h"
#include "trial.h"

/* The number of trials where there are many statistics. */
#define FEW_TRIALS	(TRIALS < 300 ? TRIALS : TRIALS / 6)

static const char *const method_names[] = {"scalar", "rabitq"};

/* The guarded end of codes. */
static uint8_t *code_end;

static void
residual_of(const Trial *trial, int i, float *o)
{
	for (uint32_t d = 0; d < trial->padded; d++)
		o[d] = trial->x[i][d] - trial->c[d];
}

/* The level of an element, by definition: see fine.c. */
static uint32_t
level_at(const uint8_t *code, uint32_t bits, uint32_t padded, uint32_t i)
{
	uint32_t	level = 0;

	if (bits == 8)
		return code[i];
	for (uint32_t width = 4; width > 0; width /= 2)
		if ((bits & width) != 0)
		{
			uint32_t	start = width == 4 ? i % 16 / 2 * 4 + i % 2 * 32 : i % 16 * width;
			uint64_t	word = 0;

			memcpy(&word, code + (size_t) (i / 16) * 2 * width, 2 * width);
			level = level << width | (uint32_t) (word >> start & ((1u << width) - 1));
			code += padded / 8 * width;
		}
	return level;
}

/* The vector that a code stands for: c + K (u - middle), for this K. */
static void
restore(uint32_t bits, uint32_t padded, const uint8_t *code, float scale, const float *c,
		float *out)
{
	float		middle = (float) ((1u << bits) - 1) / 2;

	for (uint32_t i = 0; i < padded; i++)
		out[i] = c[i] + scale * ((float) level_at(code, bits, padded, i) - middle);
}

/*
 * The distance between a vector and the one its code stands for is within the bound, which is
 * tight.
 */
static void
check_restored(const Trial *trial, RabitqMetric metric, uint32_t bits, int i,
			   const uint8_t *code, FineFactors factors)
{
	uint32_t	n = trial->padded;
	float	   *out = allocate(n * sizeof(float));
	float	   *residual = allocate(n * sizeof(float));
	double		distance = 0;
	double		rounding = 0;
	double		bound = restored_bound(metric, factors.error, n);

	restore(bits, n, code, scale_of_factor(metric, factors.b), trial->c, out);
	fine_restore(&(FineQuantizer) {.metric = metric, .bits = bits, .padded = n}, code, factors.b,
				 residual);
	for (uint32_t d = 0; d < n; d++)
	{
		/* the processor may round a product and a sum once, or each */
		CHECK(fabsf(trial->c[d] + residual[d] - out[d]) <=
			  0x1p-22f * (fabsf(trial->c[d]) + fabsf(residual[d])),
			  "%u bits, %u padded: restored %g, not %g", bits, n, trial->c[d] + residual[d],
			  out[d]);
		distance += pow((double) out[d] - (double) trial->x[i][d], 2);
		rounding += pow(fabs((double) out[d]) + fabs((double) trial->x[i][d]) +
						fabs((double) trial->c[d]), 2);
	}
	rounding = sqrt(rounding) * 0x1p-24;
	CHECK(sqrt(distance) <= bound + rounding && sqrt(distance) >= 0.999 * bound - rounding,
		  "%u bits, %u padded: restored at %g, bound %g", bits, n, sqrt(distance), bound);
	free(out);
	free(residual);
}

/* Statistics of a method; returns the mean of the squared predicted errors over |o|. */
static double
check_estimates(RabitqMetric metric, FineMethod method, uint32_t bits, uint32_t dims,
				bool clustered, int trials)
{
	char		name[80];
	double		errors[CODE_GROUP];
	double		sines[CODE_GROUP];
	double		share = 0;
	double		own = 0;
	Statistics	statistics;
	Trial		trial;
	float	   *o;
	uint8_t    *code;

	snprintf(name, sizeof(name), "%s, %u bits, %s, %s", method_names[method], bits,
			 metric == RABITQ_L2 ? "l2" : "ip", clustered ? "clustered" : "gaussian");
	random_state = 88172645463325252u;	/* the same vectors for every method */
	trial_init(&trial, dims);
	o = allocate(trial.padded * sizeof(float));
	code = code_end - fine_size(bits, trial.padded);
	begin_statistics(&statistics, name, dims);
	for (int t = 0; t < trials; t++)
	{
		FineQuery	query;

		trial_begin(&trial, (uint64_t) t * 2 + clustered, clustered, 1);
		fine_prepare(&query, bits, trial.q, trial.padded);
		for (int i = 0; i < CODE_GROUP; i++)
		{
			FineFactors factors;
			FineQuery	itself;
			double		l2sq;
			double		x2 = dot(trial.x[i], trial.x[i], trial.padded);

			residual_of(&trial, i, o);
			l2sq = dot(o, o, trial.padded);
			factors = fine_encode(&(FineQuantizer) {metric, method, bits, trial.padded}, o,
								  trial.c, code);
			trial.factors[i].error = factors.error;
			trial.estimates[i] = fine_estimate(
				&query, code, factors.a, factors.b,
				(float) base_of(metric, trial.q, trial.c, trial.padded));
			share += pow((double) factors.error, 2) * (trial.padded - 1) / l2sq;
			check_restored(&trial, metric, bits, i, code, factors);

			/* if the query is the vector itself, only rounding is off */
			fine_prepare(&itself, bits, trial.x[i], trial.padded);
			own = (double) fine_estimate(&itself, code, factors.a, factors.b,
										 (float) base_of(metric, trial.x[i], trial.c,
														 trial.padded));
			CHECK(fabs(own - (metric == RABITQ_L2 ? 0 : -x2)) <= 1e-5 * (l2sq + x2),
				  "%s: %g to itself", name, own);
		}
		trial_errors(&trial, metric, errors, sines);
		add_trial(&statistics, errors, sines, CODE_GROUP);
	}
	check_statistics(&statistics);
	trial_free(&trial);
	free(o);
	return share / (trials * CODE_GROUP) / (metric == RABITQ_L2 ? 4 : 1);
}

/*
 * Each further bit about halves the error: for a uniform quantizer of normally distributed
 * elements, the root of 1 / (1 - D) - 1 with D by Max, and with one bit that of pi / 2 - 1.
 */
static void
check_bits(RabitqMetric metric, uint32_t dims, bool clustered)
{
	static const double expected[] = {
		0, 0.7555, 0.367, 0.197, 0.108, 0.0592, 0.0323, 0.0175, 0.0093
	};
	double		before = INFINITY;

	for (uint32_t bits = FINE_MIN_BITS; bits <= FINE_MAX_BITS; bits++)
	{
		double		error = sqrt(check_estimates(metric, FINE_RABITQ, bits, dims, clustered,
												 FEW_TRIALS));

		if (getenv("VERBOSE"))
			printf("%u bits, %u dims: error %.4f\n", bits, dims, error);
		CHECK(error <= expected[bits] * 1.02, "%u bits, %u dims: error %g, expected %g", bits,
			  dims, error, expected[bits]);
		CHECK(error < before * 0.58, "%u bits, %u dims: error %g after %g", bits, dims, error,
			  before);
		before = error;
		if (bits == 4 || bits == 8)
		{
			double		scalar = sqrt(check_estimates(metric, FINE_SCALAR, bits, dims, clustered,
													  FEW_TRIALS));

			CHECK(scalar < error * 1.3 && scalar >= error * 0.9999,
				  "%u bits, %u dims: error %g, scalar %g", bits, dims, error, scalar);
		}
	}
}

/* Every set gives the same code up to the choice of the width, and the same estimate by a code. */
static void
check_sets_agree(uint32_t padded, uint32_t bits)
{
	float	   *o = allocate(padded * sizeof(float));
	float	   *c = allocate(padded * sizeof(float));
	float	   *q = allocate(padded * sizeof(float));
	uint8_t    *code = code_end - fine_size(bits, padded);
	double		size = pow(2, bits) * sqrt(padded);
	int8_t	   *memory = allocate(fine_rounded_size(bits, padded));
	FineRounded rounded;
	FineQuery	query;

	for (uint32_t i = 0; i < padded; i++)
	{
		o[i] = random_gaussian();
		c[i] = random_gaussian();
		q[i] = random_gaussian();
	}
	fine_prepare(&query, bits, q, padded);
	fine_round(&rounded, bits, q, padded, memory);
	for (int simd = DISTANCE_AVX2; simd <= DISTANCE_NEON; simd++)
	{
		FineFactors expected;
		FineFactors f;
		float		expected_dot;
		float		rounded_dot;
		float		dot;

		distance_select(DISTANCE_PORTABLE);
		expected = fine_encode(&(FineQuantizer) {RABITQ_IP, FINE_RABITQ, bits, padded}, o, c, code);
		expected_dot = fine_dot(&query, code);
		rounded_dot = fine_rounded_dot(&rounded, code);
		/* an element is off by half a step at most: six deviations of the sum of as many */
		CHECK(fabs((double) rounded_dot - (double) expected_dot) <=
			  6 * (double) rounded.step / sqrt(12) * size, "%u bits: %g rounded, %g", bits,
			  (double) rounded_dot, (double) expected_dot);
		if (!distance_select((DistanceSimd) simd))
			continue;
		dot = fine_dot(&query, code);
		CHECK(fabs((double) dot - (double) expected_dot) <= 1e-5 * size, "%s, %u bits: %g %g",
			  distance_kernels->name, bits, (double) dot, (double) expected_dot);
		CHECK(fine_rounded_dot(&rounded, code) == rounded_dot, "%s, %u bits: %g, expected %g",
			  distance_kernels->name, bits, (double) fine_rounded_dot(&rounded, code),
			  (double) rounded_dot);
		f = fine_encode(&(FineQuantizer) {RABITQ_IP, FINE_RABITQ, bits, padded}, o, c, code);
		CHECK(fabsf(f.b / expected.b - 1) < 0.1f && fabsf(f.error / expected.error - 1) < 1e-2f,
			  "%s, %u bits: b %g %g, error %g %g", distance_kernels->name, bits, (double) f.b,
			  (double) expected.b, (double) f.error, (double) expected.error);
		f = fine_encode(&(FineQuantizer) {RABITQ_IP, FINE_SCALAR, bits, padded}, o, c, code);
		distance_select(DISTANCE_PORTABLE);
		dot = fine_dot(&query, code);
		fine_encode(&(FineQuantizer) {RABITQ_IP, FINE_SCALAR, bits, padded}, o, c, code);
		CHECK(fine_dot(&query, code) == dot, "set %d, %u bits: another code", simd, bits);
	}
	distance_select(DISTANCE_AUTO);
	free(memory);
	free(o);
	free(c);
	free(q);
}

/* A query of zeros or of numbers without use gives no other estimate than zero or NaN. */
static void
check_rounded_special(uint32_t bits)
{
	static const float values[] = {0, 1e-45f, 1e-38f, INFINITY, NAN};
	enum
	{
		PADDED = 144
	};
	uint8_t    *code = code_end - fine_size(bits, PADDED);
	int8_t		memory[PADDED * 8 + 3 * 8 * FIELD_BLOCK];
	float		q[PADDED];

	for (size_t i = 0; i < fine_size(bits, PADDED); i++)
		code[i] = (uint8_t) random_u32();
	for (int k = 0; k < 5; k++)
	{
		FineRounded query;
		float		dot;

		for (int i = 0; i < PADDED; i++)
			q[i] = i % 3 == 0 ? values[k] : 0;
		fine_round(&query, bits, q, PADDED, memory);
		dot = fine_rounded_dot(&query, code);
		CHECK(isnan(dot) || fabsf(dot) < 1e-32f, "%u bits, value %g: %g", bits,
			  (double) values[k], (double) dot);
	}
}

/* Residuals that are zero, constant, one element, or out of every range. */
static void
check_special(RabitqMetric metric, FineMethod method, uint32_t bits)
{
	static const float values[] = {0, -0.0f, 1, -3e15f, 1e-12f, 1e-30f, 1e-45f, 3e38f, INFINITY,
								   NAN};
	enum
	{
		PADDED = 144
	};
	uint8_t    *code = code_end - fine_size(bits, PADDED);
	float		c[PADDED];
	float		q[PADDED];
	float		o[PADDED];
	float		out[PADDED];
	FineQuery	query;

	for (int i = 0; i < PADDED; i++)
	{
		c[i] = random_gaussian();
		q[i] = random_gaussian();
	}
	fine_prepare(&query, bits, q, PADDED);
	for (int k = 0; k < 10; k++)
		for (int kind = 0; kind < 3; kind++)
		{
			FineFactors f;
			float		estimate;
			double		missed = 0;

			/* all, one, and alternating signs */
			for (int i = 0; i < PADDED; i++)
				o[i] = kind == 1 && i != 77 ? 0 : kind == 2 && i % 2 ? -values[k] : values[k];
			f = fine_encode(&(FineQuantizer) {metric, method, bits, PADDED}, o, c, code);
			estimate = fine_estimate(&query, code, f.a, f.b, 5);
			restore(bits, PADDED, code, scale_of_factor(metric, f.b), c, out);
			for (int i = 0; i < PADDED; i++)
				missed += pow((double) out[i] - (double) c[i] - (double) o[i], 2);
			if (k < 7)
			{
				CHECK(isfinite(estimate) && f.error >= 0,
					  "%s, %u bits, value %g, kind %d: estimate %g, error %g",
					  method_names[method], bits, (double) values[k], kind, (double) estimate,
					  (double) f.error);
				/* elements so small that their squares underflow count as zero */
				CHECK(sqrt(missed) <= restored_bound(metric, f.error, PADDED) +
					  1e-6 * (sqrt(PADDED) + fabs((double) values[k]) * sqrt(PADDED)),
					  "%s, %u bits, value %g, kind %d: restored at %g, bound %g",
					  method_names[method], bits, (double) values[k], kind, sqrt(missed),
					  restored_bound(metric, f.error, PADDED));
			}
			if (k < 2)
				CHECK(f.b == 0 && f.a == 0 && f.error < 1e-19f && estimate == 5, "zero: %g %g %g",
					  (double) f.a, (double) f.b, (double) f.error);
			if (k == 2 && kind != 1)
				CHECK(f.error < 1e-5f, "constant: error %g", (double) f.error);
		}
}

/* What was put into a code comes out of it: levels that are their own scalar codes. */
static void
check_levels(uint32_t bits, uint32_t padded)
{
	uint8_t    *code = code_end - fine_size(bits, padded);
	float	   *o = allocate(padded * sizeof(float));
	float	   *zeros = calloc(padded, sizeof(float));
	float	   *out = allocate(padded * sizeof(float));
	float		middle = (float) ((1u << bits) - 1) / 2;
	float		worst = 0;
	FineFactors f;

	CHECK(fine_size(bits, padded) == padded / 8 * bits, "size");
	for (uint32_t i = 0; i < padded; i++)
		o[i] = (float) (random_u32() % (1u << bits)) - middle;
	o[padded / 2] = middle;
	f = fine_encode(&(FineQuantizer) {RABITQ_L2, FINE_SCALAR, bits, padded}, o, zeros, code);
	restore(bits, padded, code, scale_of_factor(RABITQ_L2, f.b), zeros, out);
	for (uint32_t i = 0; i < padded; i++)
		worst = fmaxf(worst, fabsf(out[i] - o[i]));
	CHECK(worst <= middle * 1e-4f, "%u bits, %u padded: a level off by %g", bits, padded,
		  (double) worst);
	free(o);
	free(zeros);
	free(out);
}

/*
 * The width of a level that RaBitQ chooses is never worse than that of scalar codes, for any
 * vector, whether its elements are spread evenly, normally, or with a few outliers.
 */
static void
check_widths(uint32_t bits, uint32_t padded)
{
	uint8_t    *code = code_end - fine_size(bits, padded);
	float	   *o = allocate(padded * sizeof(float));
	float	   *zeros = calloc(padded, sizeof(float));

	for (int t = 0; t < 30; t++)
	{
		float		scalar;
		float		rabitq;

		for (uint32_t i = 0; i < padded; i++)
			o[i] = t % 3 == 0 ? random_uniform() : random_gaussian() * (t % 3 == 2 && i % 50 == 0 ?
																		  4 : 1);
		scalar = fine_encode(&(FineQuantizer) {RABITQ_L2, FINE_SCALAR, bits, padded}, o, zeros,
							 code).error;
		rabitq = fine_encode(&(FineQuantizer) {RABITQ_L2, FINE_RABITQ, bits, padded}, o, zeros,
							 code).error;
		CHECK(rabitq <= scalar * 1.0001f, "%u bits, %u padded, kind %d: error %g, scalar %g", bits,
			  padded, t % 3, (double) rabitq, (double) scalar);
	}
	free(o);
	free(zeros);
}

int
main(void)
{
	code_end = guarded_end(16000);
	distance_select(DISTANCE_AUTO);
	for (int metric = RABITQ_L2; metric <= RABITQ_IP; metric++)
		for (int clustered = 0; clustered < 2; clustered++)
		{
			check_bits((RabitqMetric) metric, 16, clustered);
			check_bits((RabitqMetric) metric, 272, clustered);
		}
	for (uint32_t bits = FINE_MIN_BITS; bits <= FINE_MAX_BITS; bits++)
	{
		for (int simd = DISTANCE_PORTABLE; simd <= DISTANCE_NEON; simd++)
			if (distance_select((DistanceSimd) simd))
			{
				for (int metric = RABITQ_L2; metric <= RABITQ_IP; metric++)
					for (int method = FINE_SCALAR; method <= FINE_RABITQ; method++)
						check_special((RabitqMetric) metric, (FineMethod) method, bits);
				for (uint32_t padded = 128; padded <= 560; padded += 16)
					check_levels(bits, padded);
				check_levels(bits, 16000);
			}
		distance_select(DISTANCE_AUTO);
		check_widths(bits, 128);
		check_widths(bits, 784);
		check_sets_agree(128, bits);
		check_sets_agree(784, bits);
		check_sets_agree(16 * 33, bits);
		check_rounded_special(bits);
	}
	return check_end("fine_test");
}
