/*
 * kernels.c - the distance kernels on data in the L1 cache
 *
 * usage: kernels [DIMENSIONS [ROWS]]
 *
 * Prints, for every set of this machine, nanoseconds a pair and what part of the load limit that
 * is.  The limit is measured in the same run: a loop that loads the query and the row with the
 * set's registers and does nothing else.
 */
#include <string.h>

#include "bench.h"
#include "distance/distance.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define ROUNDS		15
#define MAX_ROWS	4096

typedef void (*Pass) (const DistanceKernels *k);

static size_t dims = 768;
static size_t rows = 8;
static char *query;
static const void *row_list[MAX_ROWS];
static volatile double sink;

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Nanoseconds a row: the median of several rounds, each of about a millisecond. */
static double
measure(Pass pass, const DistanceKernels *k)
{
	double		results[ROUNDS];
	size_t		repeats = 1;

	for (double elapsed = 0; elapsed < 1e-3; repeats *= 2)
	{
		double		start = now();

		for (size_t i = 0; i < repeats; i++)
			pass(k);
		elapsed = now() - start;
	}
	for (int round = 0; round < ROUNDS; round++)
	{
		double		start = now();

		for (size_t i = 0; i < repeats; i++)
			pass(k);
		results[round] = (now() - start) * 1e9 / (double) (repeats * rows);
	}
	qsort(results, ROUNDS, sizeof(double), compare);
	return results[ROUNDS / 2];
}

/* A pass of a pair kernel over all rows, and one of its one-to-many form. */
#define PAIR_PASS(kernel, Element, length) \
static void \
pass_ ## kernel(const DistanceKernels *k) \
{ \
	double		sum = 0; \
\
	for (size_t i = 0; i < rows; i++) \
		sum += (double) k->kernel((const Element *) query, row_list[i], length); \
	sink = sum; \
}

#define MANY_PASS(kernel, Element, Result) \
static void \
pass_ ## kernel(const DistanceKernels *k) \
{ \
	static Result out[MAX_ROWS]; \
\
	k->kernel((const Element *) query, (const Element *const *) row_list, rows, dims, out); \
	sink = (double) out[rows - 1]; \
}

PAIR_PASS(f32_l2sq, float, dims)
PAIR_PASS(f32_dot, float, dims)
PAIR_PASS(f32_l1, float, dims)
PAIR_PASS(f16_l2sq, uint16_t, dims)
PAIR_PASS(f16_dot, uint16_t, dims)
PAIR_PASS(bf16_l2sq, uint16_t, dims)
PAIR_PASS(bf16_dot, uint16_t, dims)
PAIR_PASS(i8_l2sq, int8_t, dims)
PAIR_PASS(i8_dot, int8_t, dims)
PAIR_PASS(bit_hamming, uint8_t, dims / 8)
MANY_PASS(f32_l2sq_many, float, float)
MANY_PASS(f32_dot_many, float, float)
MANY_PASS(f16_l2sq_many, uint16_t, float)
MANY_PASS(f16_dot_many, uint16_t, float)

/* A row has as many bytes as 32 codes of a nibble for every four dimensions. */
static void
pass_code_bounds(const DistanceKernels *k)
{
	static const float a[CODE_GROUP];
	static const uint16_t b[CODE_GROUP];
	CodeQuery	q = {(const uint8_t *) query, dims / 4, 1, 0};
	float		out[CODE_GROUP];
	uint32_t	below = 0;

	for (size_t i = 0; i < rows; i++)
		below += k->code_bounds(&q, row_list[i], a, b, b, 0, 1, 1, out);
	sink = below;
}

PAIR_PASS(field_u4_dot, float, dims)
PAIR_PASS(field_u2_dot, float, dims)
PAIR_PASS(field_u1_dot, float, dims)

static void
pass_f32_cosine(const DistanceKernels *k)
{
	double		sum = 0;

	for (size_t i = 0; i < rows; i++)
		sum += (double) k->f32_cosine((const float *) query, row_list[i], dims).dot;
	sink = sum;
}

#if defined(__x86_64__)
#define LOAD_PASS(name, cpu, load, constraint, lanes) \
	__attribute__((target(cpu))) static void name(const DistanceKernels *k) \
	{ \
		(void) k; \
		for (size_t i = 0; i < rows; i++) \
		{ \
			const float *a = (const float *) query; \
			const float *b = row_list[i]; \
\
			for (size_t j = 0; j < dims; j += 2 * lanes) \
			{ \
				__asm__ volatile("" : : constraint(load(a + j)), constraint(load(b + j))); \
				__asm__ volatile("" \
								 : \
								 : constraint(load(a + j + lanes)), \
								   constraint(load(b + j + lanes))); \
			} \
		} \
	}

LOAD_PASS(pass_load_256, "avx2", _mm256_loadu_ps, "x", 8)
LOAD_PASS(pass_load_512, "avx512f", _mm512_loadu_ps, "v", 16)
#endif

/* The pass that only loads, or NULL. */
static Pass
load_pass(DistanceSimd simd)
{
#if defined(__x86_64__)
	if (simd == DISTANCE_AVX2)
		return pass_load_256;
	if (simd == DISTANCE_AVX512)
		return pass_load_512;
#endif
	(void) simd;
	return NULL;
}

static void
bench_set(const DistanceKernels *k, Pass load)
{
	static const struct
	{
		const char *name;
		Pass		pass;
		int			is_f32;
	} kernels[] = {{"f32 l2sq", pass_f32_l2sq, 1},
				   {"f32 dot", pass_f32_dot, 1},
				   {"f32 l1", pass_f32_l1, 1},
				   {"f32 cosine", pass_f32_cosine, 1},
				   {"f32 l2sq many", pass_f32_l2sq_many, 1},
				   {"f32 dot many", pass_f32_dot_many, 1},
				   {"f16 l2sq", pass_f16_l2sq, 0},
				   {"f16 dot", pass_f16_dot, 0},
				   {"f16 l2sq many", pass_f16_l2sq_many, 0},
				   {"f16 dot many", pass_f16_dot_many, 0},
				   {"bf16 l2sq", pass_bf16_l2sq, 0},
				   {"bf16 dot", pass_bf16_dot, 0},
				   {"i8 l2sq", pass_i8_l2sq, 0},
				   {"i8 dot", pass_i8_dot, 0},
				   {"bit hamming", pass_bit_hamming, 0},
				   {"u4 dot", pass_field_u4_dot, 0},
				   {"u2 dot", pass_field_u2_dot, 0},
				   {"u1 dot", pass_field_u1_dot, 0},
				   {"32 codes", pass_code_bounds, 0}};

	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
	{
		double		ns = measure(kernels[i].pass, k);

		printf("%s\t%s\t%.2f\t", k->name, kernels[i].name, ns);
		if (kernels[i].is_f32 && load != NULL)
			printf("%.0f\n", 100 * measure(load, k) / ns);
		else
			printf("-\n");
	}
}

int
main(int argc, char **argv)
{
	char	   *data;

	if (argc > 1)
		dims = (size_t) atol(argv[1]);
	if (argc > 2)
		rows = (size_t) atol(argv[2]);
	if (dims < 32 || dims % 32 != 0 || rows < 1 || rows > MAX_ROWS)
	{
		fprintf(stderr,
				"usage: kernels [DIMENSIONS [ROWS]], dimensions a multiple of 32, rows up to %d\n",
				MAX_ROWS);
		return 2;
	}
	query = aligned_alloc(64, dims * sizeof(float));
	data = aligned_alloc(64, rows * dims * sizeof(float));
	if (query == NULL || data == NULL)
		return 1;
	/* ordinary numbers in every format */
	memset(query, 0x3c, dims * sizeof(float));
	memset(data, 0x3b, rows * dims * sizeof(float));
	for (size_t i = 0; i < rows; i++)
		row_list[i] = data + i * dims * sizeof(float);

	printf("set\tkernel\tns a pair\t%% of load limit\n");
	for (int simd = DISTANCE_PORTABLE; simd <= DISTANCE_NEON; simd++)
		if (distance_get((DistanceSimd) simd) != NULL)
			bench_set(distance_get((DistanceSimd) simd), load_pass((DistanceSimd) simd));
	return 0;
}
