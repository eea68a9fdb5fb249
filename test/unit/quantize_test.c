/*
 * quantize_test.c - rotations, 1-bit codes, and the errors of estimates by them
 *
 * Estimates are unbiased and have the predicted error over random rotations, so each trial has its
 * own rotation; all numbers are the same in every run.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "distance/distance.h"
#include "distance/half.h"
#include "quantize/rabitq.h"
#include "quantize/rotation.h"
#include "random.h"
#include "trial.h"

static float *
gaussian_vector(uint32_t n)
{
	float	   *x = allocate(n * sizeof(float));

	for (uint32_t i = 0; i < n; i++)
		x[i] = random_gaussian();
	return x;
}

/* Norms and dot products are preserved, elements beyond dims are ignored, and in may be out. */
static void
check_rotation(uint32_t dims)
{
	uint32_t	padded = rotation_padded(dims);
	void	   *memory = allocate(rotation_memory(dims));
	void	   *other_memory = allocate(rotation_memory(dims));
	float	   *x = gaussian_vector(dims);
	float	   *y = gaussian_vector(dims);
	float	   *px = gaussian_vector(padded);
	float	   *py = gaussian_vector(padded);
	float	   *other = gaussian_vector(padded);
	double		size;
	Rotation	rotation;
	Rotation	again;

	CHECK(padded >= dims && padded >= ROTATION_MIN_PADDED && padded % 16 == 0 &&
			  (padded == ROTATION_MIN_PADDED || padded - dims < 16),
		  "%u dims, %u padded", dims, padded);
	rotation_init(&rotation, dims, 42, memory);
	rotation_apply(&rotation, x, px);
	rotation_apply(&rotation, y, py);
	size = sqrt(dot(x, x, dims) * dot(y, y, dims));
	CHECK(fabs(dot(px, px, padded) / dot(x, x, dims) - 1) < 1e-5, "norm, %u dims", dims);
	CHECK(fabs(dot(px, py, padded) - dot(x, y, dims)) < 1e-5 * size, "dot product, %u dims", dims);

	rotation_init(&again, dims, 42, other_memory);
	CHECK(again.padded == padded && memcmp(memory, other_memory, rotation_memory(dims)) == 0,
		  "same seed, %u dims", dims);
	memcpy(other, x, dims * sizeof(float));
	rotation_apply(&again, other, other);
	CHECK(memcmp(other, px, padded * sizeof(float)) == 0, "in place, %u dims", dims);

	rotation_init(&again, dims, 43, other_memory);
	rotation_apply(&again, x, other);
	for (uint32_t i = 0; i < padded; i++)
		other[i] -= px[i];
	CHECK(dot(other, other, padded) > 0.1 * dot(x, x, dims), "another seed, %u dims", dims);

	free(memory);
	free(other_memory);
	free(x);
	free(y);
	free(px);
	free(py);
	free(other);
}

/* The rotation of a seed never changes: indexes hold vectors that were rotated by it. */
static void
check_known(void)
{
	static const struct
	{
		uint32_t	dims;
		float		rotated[4];	/* the first, the two in the middle, the last */
	}			known[] = {
		{100, {3.91503882f, -1.93847656f, 1.07324243f, 2.39550781f}},
		{784, {2.49196482f, 0.0654546022f, -0.213853955f, -0.682226956f}},
		{1024, {-0.941040039f, -1.63369751f, 1.25100708f, 0.479858398f}}
	};

	for (int i = 0; i < 3; i++)
	{
		uint32_t	dims = known[i].dims;
		uint32_t	padded = rotation_padded(dims);
		const uint32_t places[4] = {0, padded / 2 - 1, padded / 2, padded - 1};
		void	   *memory = allocate(rotation_memory(dims));
		float	   *x = allocate(padded * sizeof(float));
		Rotation	rotation;

		rotation_init(&rotation, dims, 42, memory);
		for (uint32_t k = 0; k < dims; k++)
			x[k] = (float) (k % 7) - 3;
		rotation_apply(&rotation, x, x);
		for (int k = 0; k < 4; k++)
			CHECK(fabsf(x[places[k]] - known[i].rotated[k]) < 5e-6f,
				  "%s: %u dims, element %u is %.9g, expected %.9g", distance_kernels->name, dims,
				  places[k], (double) x[places[k]], (double) known[i].rotated[k]);
		free(memory);
		free(x);
	}
}

/*
 * A unit vector spreads over all coordinates.  With a window that does not cover all of them, each
 * round may leave the vector in the half that Kac's walk does not mix: at most a sixteenth of its
 * square stays in one place.
 */
static void
check_spread(uint32_t dims)
{
	uint32_t	padded = rotation_padded(dims);
	void	   *memory = allocate(rotation_memory(dims));
	float	   *x = calloc(dims, sizeof(float));
	float	   *px = allocate(padded * sizeof(float));
	Rotation	rotation;
	float		largest = 0;

	rotation_init(&rotation, dims, 7, memory);
	for (uint32_t place = 0; place < dims; place += dims / 16 + 1)
	{
		x[place] = 1;
		rotation_apply(&rotation, x, px);
		x[place] = 0;
		for (uint32_t i = 0; i < padded; i++)
			largest = fmaxf(largest, fabsf(px[i]));
	}
	CHECK(largest < 6 / sqrtf((float) padded) + (rotation.window < padded ? 0.25f : 0),
		  "%u dims: %g", dims, (double) largest);
	free(memory);
	free(x);
	free(px);
}

/* What was packed is unpacked, at every place, and no other place changes. */
static void
check_pack(uint32_t padded)
{
	size_t		bytes = padded / 8;
	uint8_t    *group = allocate(rabitq_group_size(padded));
	uint8_t    *signs = allocate(CODE_GROUP * bytes);
	uint8_t    *out = allocate(bytes);

	for (size_t i = 0; i < rabitq_group_size(padded); i++)
		group[i] = (uint8_t) random_u32();
	for (int round = 0; round < 2; round++)
		for (uint32_t k = 0; k < CODE_GROUP; k++)
		{
			uint32_t	place = k * 13 % CODE_GROUP;

			for (size_t i = 0; i < bytes; i++)
				signs[place * bytes + i] = (uint8_t) random_u32();
			rabitq_pack(group, place, signs + place * bytes, padded);
			for (uint32_t other = 0; other < CODE_GROUP && round == 1; other++)
			{
				rabitq_unpack(group, other, out, padded);
				CHECK(memcmp(out, signs + other * bytes, bytes) == 0,
					  "%u padded: place %u after packing %u", padded, other, place);
			}
		}
	free(group);
	free(signs);
	free(out);
}

/* Rounds to halves of a scale, and back. */
static void
to_halves(float *x, uint32_t n, float scale, uint16_t *out)
{
	for (uint32_t i = 0; i < n; i++)
	{
		out[i] = float_to_half(x[i] * scale);
		x[i] = half_to_float(out[i]) / scale;
	}
}

static void
estimate(Trial *trial, uint32_t n, float base)
{
	CodeQuery	query;

	rabitq_prepare(&query, trial->q, n, trial->lut);
	distance_kernels->code_estimates(&query, trial->group, trial->a, trial->b, base,
									 trial->estimates);
}

static void
check_encode(RabitqMetric metric, uint32_t dims, bool clustered, float scale, int trials)
{
	const char *name = metric == RABITQ_L2 ? (clustered ? "l2, clustered" : "l2, gaussian") :
		clustered ? "ip, clustered" : "ip, gaussian";
	uint16_t   *x = allocate(rotation_padded(dims) * sizeof(uint16_t));
	uint16_t   *c = allocate(rotation_padded(dims) * sizeof(uint16_t));
	double		errors[CODE_GROUP];
	double		sines[CODE_GROUP];
	Statistics	statistics;
	Trial		trial;

	trial_init(&trial, dims);
	begin_statistics(&statistics, name, dims);
	for (int t = 0; t < trials; t++)
	{
		trial_begin(&trial, (uint64_t) t * 2 + clustered, clustered, 4 / scale);
		to_halves(trial.c, trial.padded, scale, c);
		for (int i = 0; i < CODE_GROUP; i++)
		{
			RabitqFactors factors;
			double		distance;

			to_halves(trial.x[i], trial.padded, scale, x);
			factors = rabitq_encode(metric, x, c, trial.padded, scale, trial.signs);
			put_code(&trial, i, factors, trial.padded);
			distance = base_of(metric, trial.x[i], trial.c, trial.padded);
			CHECK(fabs((double) factors.distance - distance) <=
				  2e-6 * dot(trial.c, trial.c, trial.padded) + 2e-5 * fabs(distance),
				  "%s, %u dims: distance %g, expected %g", name, dims, (double) factors.distance,
				  distance);
		}
		estimate(&trial, trial.padded,
				 (float) base_of(metric, trial.q, trial.c, trial.padded));
		trial_errors(&trial, metric, errors, sines);
		add_trial(&statistics, errors, sines, CODE_GROUP);
	}
	check_statistics(&statistics);
	trial_free(&trial);
	free(x);
	free(c);
}

/* Codes of residuals in full precision equal the codes of halves with the same values. */
static void
check_encode_residual(RabitqMetric metric, uint32_t dims, bool clustered, int trials)
{
	uint32_t	padded = rotation_padded(dims);
	uint16_t   *x = allocate(padded * sizeof(uint16_t));
	uint16_t   *c = allocate(padded * sizeof(uint16_t));
	uint8_t    *signs = allocate(padded / 8);
	float	   *o = allocate(padded * sizeof(float));
	double		errors[CODE_GROUP];
	double		sines[CODE_GROUP];
	Statistics	statistics;
	Trial		trial;

	trial_init(&trial, dims);
	begin_statistics(&statistics, metric == RABITQ_L2 ? "residuals, l2" : "residuals, ip", dims);
	for (int t = 0; t < trials; t++)
	{
		trial_begin(&trial, (uint64_t) t * 2 + clustered, clustered, 1);
		if (t == 0)
			to_halves(trial.c, padded, 4, c);
		for (int i = 0; i < CODE_GROUP; i++)
		{
			RabitqFactors f;

			if (t == 0)
				to_halves(trial.x[i], padded, 4, x);
			for (uint32_t d = 0; d < padded; d++)
				o[d] = trial.x[i][d] - trial.c[d];
			f = rabitq_encode_residual(metric, o, trial.c, padded, trial.signs);
			put_code(&trial, i, f, padded);
			if (t == 0)
			{
				RabitqFactors halves = rabitq_encode(metric, x, c, padded, 4, signs);
				float		size = (float) dot(trial.c, trial.c, padded) + fabsf(f.a);

				CHECK(memcmp(signs, trial.signs, padded / 8) == 0 &&
					  fabsf(bf16_to_float(f.b) / bf16_to_float(halves.b) - 1) < 0x1p-7f &&
					  fabsf(f.error / halves.error - 1) < 1e-4f &&
					  fabsf(f.distance - halves.distance) < 1e-5f * size &&
					  fabsf(f.a - halves.a) < 1e-2f * size,
					  "%u dims: a %g %g, distance %g %g, error %g %g", dims, (double) f.a,
					  (double) halves.a, (double) f.distance, (double) halves.distance,
					  (double) f.error, (double) halves.error);
			}
		}
		estimate(&trial, padded, (float) base_of(metric, trial.q, trial.c, padded));
		trial_errors(&trial, metric, errors, sines);
		add_trial(&statistics, errors, sines, CODE_GROUP);
	}
	check_statistics(&statistics);
	trial_free(&trial);
	free(x);
	free(c);
	free(signs);
	free(o);
}

static void
check_encode_vector(RabitqMetric metric, uint32_t dims, uint32_t n, bool clustered, int trials)
{
	char		name[80];
	double		errors[CODE_GROUP];
	double		sines[CODE_GROUP];
	Statistics	statistics;
	Trial		trial;

	snprintf(name, sizeof(name), "vectors, %s, %s, of %u", metric == RABITQ_L2 ? "l2" : "ip",
			 clustered ? "clustered" : "gaussian", n);
	trial_init(&trial, dims);
	begin_statistics(&statistics, name, dims);
	for (int t = 0; t < trials; t++)
	{
		trial_begin(&trial, (uint64_t) t * 2 + clustered, clustered, 1);
		memset(trial.c, 0, trial.padded * sizeof(float));
		for (int i = 0; i < CODE_GROUP; i++)
		{
			float		norm2 = (float) dot(trial.x[i], trial.x[i], trial.padded);

			put_code(&trial, i, rabitq_encode_vector(metric, trial.x[i], n, trial.padded, norm2,
													 trial.signs), n);
		}
		estimate(&trial, n, metric == RABITQ_L2 ? (float) dot(trial.q, trial.q, trial.padded) : 0);
		trial_errors(&trial, metric, errors, sines);
		add_trial(&statistics, errors, sines, CODE_GROUP);
	}
	check_statistics(&statistics);
	trial_free(&trial);
}

/* Every set gives the same codes, and factors that differ only by rounding. */
static void
check_sets_agree(uint32_t padded)
{
	uint16_t   *x = allocate(padded * sizeof(uint16_t));
	uint16_t   *c = allocate(padded * sizeof(uint16_t));
	uint8_t    *signs = allocate(padded / 8);
	uint8_t    *expected_signs = allocate(padded / 8);

	for (int metric = RABITQ_L2; metric <= RABITQ_IP; metric++)
	{
		RabitqFactors expected;

		for (uint32_t i = 0; i < padded; i++)
		{
			x[i] = float_to_half(4 * random_gaussian());
			c[i] = float_to_half(4 * random_gaussian());
		}
		distance_select(DISTANCE_PORTABLE);
		expected = rabitq_encode((RabitqMetric) metric, x, c, padded, 2, expected_signs);
		for (int simd = DISTANCE_AVX2; simd <= DISTANCE_NEON; simd++)
		{
			RabitqFactors f;

			if (!distance_select((DistanceSimd) simd))
				continue;
			f = rabitq_encode((RabitqMetric) metric, x, c, padded, 2, signs);
			CHECK(memcmp(signs, expected_signs, padded / 8) == 0, "%s: signs",
				  distance_kernels->name);
			/* b is rounded to eight bits, and a follows from it */
			CHECK(fabsf(f.a - expected.a) <= 1e-2f * (fabsf(expected.a) + fabsf(f.distance)) &&
				  fabsf(bf16_to_float(f.b) / bf16_to_float(expected.b) - 1) < 0x1p-7f &&
				  fabsf(f.distance - expected.distance) <= 1e-5f * (float) padded * 4 &&
				  fabsf(f.error / expected.error - 1) < 1e-3f,
				  "%s: a %g %g, distance %g %g, error %g %g", distance_kernels->name,
				  (double) f.a, (double) expected.a, (double) f.distance,
				  (double) expected.distance, (double) f.error, (double) expected.error);
		}
	}
	distance_select(DISTANCE_AUTO);
	free(x);
	free(c);
	free(signs);
	free(expected_signs);
}

/* A vector that equals the centre, queries of zero, and numbers out of every range. */
static void
check_special(RabitqMetric metric, uint32_t dims)
{
	static const float extremes[] = {INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 1e-45f, 1e-40f, 0};
	uint32_t	padded = rotation_padded(dims);
	uint16_t   *x = allocate(padded * sizeof(uint16_t));
	uint16_t   *c = allocate(padded * sizeof(uint16_t));
	float		base;
	RabitqFactors f;
	Trial		trial;

	trial_init(&trial, dims);
	trial_begin(&trial, 1, false, 1);
	to_halves(trial.c, padded, 4, c);
	f = rabitq_encode(metric, c, c, padded, 4, trial.signs);
	CHECK(f.error < 1e-19f && (f.b & 0x7FFF) == 0 && fabsf(f.a) <= 1e-5f * (float) padded,
		  "equal: a %g, b %x, error %g", (double) f.a, f.b, (double) f.error);
	for (int i = 0; i < CODE_GROUP; i++)
		put_code(&trial, i, f, padded);
	base = (float) base_of(metric, trial.q, trial.c, padded);
	estimate(&trial, padded, base);
	CHECK(fabsf(trial.estimates[5] - base) <= 1e-5f * (float) padded, "equal: %g, expected %g",
		  (double) trial.estimates[5], (double) base);

	f = rabitq_encode_vector(metric, memset(trial.x[0], 0, padded * sizeof(float)), padded, padded,
							 0, trial.signs);
	CHECK(f.a == 0 && (f.b & 0x7FFF) == 0 && f.error < 1e-19f, "zero vector");

	/* a zero query leaves only the part that belongs to the code */
	memset(trial.q, 0, padded * sizeof(float));
	for (int i = 0; i < CODE_GROUP; i++)
	{
		to_halves(trial.x[i], padded, 4, x);
		put_code(&trial, i, rabitq_encode(metric, x, c, padded, 4, trial.signs), padded);
	}
	estimate(&trial, padded, 1);
	for (int i = 0; i < CODE_GROUP; i++)
		CHECK(trial.estimates[i] == 1 + trial.a[i], "zero query: %g, expected %g",
			  (double) trial.estimates[i], (double) (1 + trial.a[i]));

	/* whatever the results, nothing crashes and estimates of finite codes are finite */
	for (int k = 0; k < 8; k++)
		for (uint32_t all = 0; all < 2; all++)
		{
			for (uint32_t i = 0; i < padded; i++)
			{
				trial.q[i] = all || i == 21 ? extremes[k] : random_gaussian();
				trial.x[0][i] = trial.q[i];
			}
			to_halves(trial.x[0], padded, 4, x);
			put_code(&trial, 3, rabitq_encode(metric, x, c, padded, 4, trial.signs), padded);
			put_code(&trial, 4, rabitq_encode(metric, c, x, padded, 4, trial.signs), padded);
			put_code(&trial, 5, rabitq_encode(metric, x, x, padded, 1e-30f, trial.signs), padded);
			put_code(&trial, 6, rabitq_encode_vector(metric, trial.q, padded, padded,
													 (float) dot(trial.q, trial.q, padded),
													 trial.signs), padded);
			estimate(&trial, padded, 1);
			if (k >= 5)
				CHECK(isfinite(trial.estimates[7]), "estimate %g for %g",
					  (double) trial.estimates[7], (double) extremes[k]);
			checks_passed++;
		}
	trial_free(&trial);
	free(x);
	free(c);
}

int
main(void)
{
	static const uint32_t more[] = {768, 784, 1000, 1536, 16000, 1024};
	static const uint32_t coded[] = {16, 128, 784};

	for (int simd = DISTANCE_PORTABLE; simd <= DISTANCE_NEON; simd++)
		if (distance_select((DistanceSimd) simd))
		{
			check_known();
			for (uint32_t dims = 1; dims <= 300; dims++)
				check_rotation(dims);
		}
	distance_select(DISTANCE_AUTO);
	for (uint32_t i = 0; i < 6; i++)
	{
		check_rotation(more[i]);
		check_spread(more[i]);
	}
	for (uint32_t padded = 128; padded < 200; padded += 16)
		check_pack(padded);
	check_pack(16000);
	for (uint32_t i = 0; i < 3; i++)
		for (int metric = RABITQ_L2; metric <= RABITQ_IP; metric++)
		{
			RabitqMetric m = (RabitqMetric) metric;
			uint32_t	dims = coded[i];
			uint32_t	padded = rotation_padded(dims);

			for (int clustered = 0; clustered < 2; clustered++)
			{
				check_encode(m, dims, clustered, clustered ? 4 : 1, TRIALS);
				check_encode_residual(m, dims, clustered, TRIALS);
				check_encode_vector(m, dims, padded, clustered, TRIALS);
				check_encode_vector(m, dims, padded / 32 * 16, clustered, TRIALS);
			}
			check_encode(m, dims, false, 0x1p-10f, 50);
			check_sets_agree(padded);
			for (int simd = DISTANCE_PORTABLE; simd <= DISTANCE_NEON; simd++)
				if (distance_select((DistanceSimd) simd))
					check_special(m, dims);
			distance_select(DISTANCE_AUTO);
		}
	return check_end("quantize_test");
}
