/*
 * distance_test.c - every kernel of every set against a double-precision reference
 *
 * Arrays end at a page that may not be read, and start at every alignment that the elements allow.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "distance/distance.h"
#include "distance/half.h"

#define MAX_DIM	16000
#define ROWS	11

static uint64_t random_state = 88172645463325252u;

static uint32_t
random_u32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t) (random_state >> 16);
}

/* Memory whose last byte is followed by a page that faults. */
static uint8_t *
guarded_end(void)
{
	size_t		page = (size_t) sysconf(_SC_PAGESIZE);
	size_t		size = (MAX_DIM * sizeof(float) / page + 2) * page;
	uint8_t *memory =
		mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory + size, page, PROT_NONE) != 0)
		abort();
	return memory + size;
}

static uint8_t *a_end;
static uint8_t *b_end;

typedef enum Element
{
	F32,
	F16,
	BF16,
	I8
} Element;

static const size_t element_size[] = {4, 2, 2, 1};

static double
element_get(Element element, const void *p, size_t i)
{
	switch (element)
	{
		case F32:
			return ((const float *) p)[i];
		case F16:
			return half_to_float(((const uint16_t *) p)[i]);
		case BF16:
			return bf16_to_float(((const uint16_t *) p)[i]);
		case I8:
			return ((const int8_t *) p)[i];
	}
	return 0;
}

/* Kinds of contents. */
typedef enum Fill
{
	UNIFORM, /* about -1 to 1; for int8 the whole range */
	EXTREME, /* the largest and the smallest that an element can be, and zeros of both signs */
	FILLS
} Fill;

static void
element_fill(Element element, void *p, size_t n, Fill fill)
{
	static const float extremes[] = {1e18f, -1e18f, 1e-42f, -1e-30f, 0.0f, -0.0f, 1.0f, -1.0f};
	static const uint16_t halves[] = {0x7BFF, 0xFBFF, 0x0001, 0x8001,
									  0x0000, 0x8000, 0x3C00, 0xBC00};
	static const int8_t bytes[] = {-128, 127, -128, 127, 0, -1, 1, -127};

	for (size_t i = 0; i < n; i++)
	{
		uint32_t	r = random_u32();
		float		uniform = (float) (int32_t) r * 0x1p-31f;

		if (element == F32)
			((float *) p)[i] = fill == UNIFORM ? uniform : extremes[r % 8];
		else if (element == F16)
			((uint16_t *) p)[i] = fill == UNIFORM ? float_to_half(uniform) : halves[r % 8];
		else if (element == BF16)
			((uint16_t *) p)[i] =
				fill == UNIFORM ? float_to_bf16(uniform) : float_to_bf16(extremes[r % 8]);
		else
			((int8_t *) p)[i] = fill == UNIFORM ? (int8_t) r : bytes[r % 8];
	}
}

typedef struct Reference
{
	double		l2sq;
	double		l1;
	double		dot;
	double		dot_magnitude;	/* sum of absolute products: what rounding is relative to */
	double		norm_a;
	double		norm_b;
} Reference;

static Reference
reference(Element element, const void *a, const void *b, size_t n)
{
	Reference	r = {0, 0, 0, 0, 0, 0};

	for (size_t i = 0; i < n; i++)
	{
		double		x = element_get(element, a, i);
		double		y = element_get(element, b, i);

		r.l2sq += (x - y) * (x - y);
		r.l1 += fabs(x - y);
		r.dot += x * y;
		r.dot_magnitude += fabs(x * y);
		r.norm_a += x * x;
		r.norm_b += y * y;
	}
	return r;
}

/*
 * float32 sums of n terms over several accumulators; where the sum leaves float32's range, infinity
 * is right.
 */
static int
close_to(double result, double expected, double magnitude, size_t n)
{
	if (fabs(expected) > 3.4e38)
		return isinf(result);
	return fabs(result - expected) <= magnitude * 1.2e-7 * (4 + (double) n / 16) + 1e-37;
}

#define CHECK_CLOSE(result, expected, magnitude) \
	CHECK(close_to(result, expected, magnitude, n), \
		  "%s: %.9g, expected %.9g (element %d, n %zu, offset %zu, fill %d)", k->name, \
		  (double) (result), (double) (expected), (int) element, n, offset, (int) fill)

#define CHECK_FLOATS(prefix, Type) \
	do { \
		const Type *x = a; \
		const Type *y = b; \
		CosineParts parts = k->prefix ## cosine(x, y, n); \
\
		CHECK_CLOSE(k->prefix ## l2sq(x, y, n), r.l2sq, r.l2sq); \
		CHECK_CLOSE(k->prefix ## dot(x, y, n), r.dot, r.dot_magnitude); \
		CHECK_CLOSE(k->prefix ## l1(x, y, n), r.l1, r.l1); \
		CHECK_CLOSE(parts.dot, r.dot, r.dot_magnitude); \
		CHECK_CLOSE(parts.norm_a, r.norm_a, r.norm_a); \
		CHECK_CLOSE(parts.norm_b, r.norm_b, r.norm_b); \
	} while (0)

#define CHECK_EXACT(result, expected) \
	CHECK((double) (result) == (expected), "%s: %.0f, expected %.0f (n %zu, offset %zu, fill %d)", \
		  k->name, (double) (result), (double) (expected), n, offset, (int) fill)

static void
check_pair(const DistanceKernels *k, Element element, size_t n, size_t offset, Fill fill)
{
	/* the arrays end at the guard page less an offset: different alignments of both */
	void	   *a = a_end - (n + offset) * element_size[element];
	void	   *b = b_end - n * element_size[element];
	Reference	r;

	element_fill(element, a, n, fill);
	element_fill(element, b, n, fill);
	r = reference(element, a, b, n);
	if (element == F32)
		CHECK_FLOATS(f32_, float);
	else if (element == F16)
		CHECK_FLOATS(f16_, uint16_t);
	else if (element == BF16)
		CHECK_FLOATS(bf16_, uint16_t);
	else
	{
		CosinePartsInt parts = k->i8_cosine(a, b, n);

		CHECK_EXACT(k->i8_l2sq(a, b, n), r.l2sq);
		CHECK_EXACT(k->i8_dot(a, b, n), r.dot);
		CHECK_EXACT(k->i8_l1(a, b, n), r.l1);
		CHECK_EXACT(parts.dot, r.dot);
		CHECK_EXACT(parts.norm_a, r.norm_a);
		CHECK_EXACT(parts.norm_b, r.norm_b);
	}
}

static void
check_bits(const DistanceKernels *k, size_t n)
{
	uint8_t    *a = a_end - n;
	uint8_t    *b = b_end - n;
	uint64_t	hamming = 0;
	BitParts	expected = {0, 0, 0};
	BitParts	parts;

	for (size_t i = 0; i < n; i++)
	{
		a[i] = (uint8_t) (random_u32() % 5 == 0 ? 0xFF : random_u32());
		b[i] = (uint8_t) random_u32();
		for (int bit = 0; bit < 8; bit++)
		{
			int			x = a[i] >> bit & 1;
			int			y = b[i] >> bit & 1;

			hamming += (uint64_t) (x != y);
			expected.both += (uint64_t) (x & y);
			expected.a += (uint64_t) x;
			expected.b += (uint64_t) y;
		}
	}
	parts = k->bit_jaccard(a, b, n);
	CHECK(k->bit_hamming(a, b, n) == hamming, "%s: hamming of %zu bytes", k->name, n);
	CHECK(parts.both == expected.both && parts.a == expected.a && parts.b == expected.b,
		  "%s: jaccard of %zu bytes", k->name, n);
}

/* The one-to-many forms agree with their pair kernels up to the order of summation. */
#define CHECK_MANY(kernel, Type, Result, element) \
	do \
	{ \
		Result out[ROWS]; \
		const Type *rows[ROWS]; \
		const Type *q = (const Type *) (b_end - n * sizeof(Type)); \
\
		element_fill(element, (void *) q, n, UNIFORM); \
		for (size_t i = 0; i < count; i++) \
		{ \
			Type *row = malloc(n * sizeof(Type)); \
\
			element_fill(element, row, n, UNIFORM); \
			rows[i] = row; \
		} \
		k->kernel##_many(q, rows, count, n, out); \
		for (size_t i = 0; i < count; i++) \
		{ \
			Reference r = reference(element, q, rows[i], n); \
\
			CHECK(close_to((double) out[i], (double) k->kernel(q, rows[i], n), \
						   2 * (r.dot_magnitude + r.l2sq), n), \
				  "%s: " #kernel "_many, row %zu of %zu, n %zu", k->name, i, count, n); \
			free((void *) rows[i]); \
		} \
	} while (0)

static void
check_many(const DistanceKernels *k, size_t count, size_t n)
{
	CHECK_MANY(f32_l2sq, float, float, F32);
	CHECK_MANY(f32_dot, float, float, F32);
	CHECK_MANY(f16_l2sq, uint16_t, float, F16);
	CHECK_MANY(f16_dot, uint16_t, float, F16);
	CHECK_MANY(bf16_l2sq, uint16_t, float, BF16);
	CHECK_MANY(bf16_dot, uint16_t, float, BF16);
	CHECK_MANY(i8_l2sq, int8_t, int32_t, I8);
	CHECK_MANY(i8_dot, int8_t, int32_t, I8);
	CHECK_MANY(bit_hamming, uint8_t, uint64_t, I8);
}

static void
check_set(const DistanceKernels *k)
{
	static const size_t more[] = {255, 256, 257, 768, 1536, 16000};

	for (size_t i = 0; i < 130 + sizeof(more) / sizeof(more[0]); i++)
	{
		size_t		n = i < 130 ? i + 1 : more[i - 130];

		for (int element = F32; element <= I8; element++)
			for (int fill = UNIFORM; fill < FILLS; fill++)
				for (size_t offset = 0; offset < 4 && n + offset <= MAX_DIM; offset++)
					check_pair(k, (Element) element, n, offset, (Fill) fill);
		check_bits(k, n);
	}
	for (size_t count = 0; count <= ROWS; count++)
		for (size_t n = 1; n < 800; n = n * 2 + 1)
			check_many(k, count, n);
}

/* The dense vectors of dim elements that the indices and values stand for. */
static void
densify(float *dense, size_t dim, const int32_t *indices, const float *values, size_t n)
{
	memset(dense, 0, dim * sizeof(float));
	for (size_t i = 0; i < n; i++)
		dense[indices[i]] = values[i];
}

static void
check_sparse(void)
{
	enum {DIM = 200};

	for (int round = 0; round < 500; round++)
	{
		int32_t		indices[2][DIM];
		float		values[2][DIM];
		float		dense[2][DIM];
		size_t		nnz[2];
		Reference	r;
		CosineParts parts;

		for (int v = 0; v < 2; v++)
		{
			uint32_t	keep = random_u32() % 8;

			nnz[v] = 0;
			for (int32_t i = 0; i < DIM; i++)
				if (random_u32() % 8 < keep)
				{
					indices[v][nnz[v]] = i;
					values[v][nnz[v]++] = (float) (int32_t) random_u32() * 0x1p-31f;
				}
			densify(dense[v], DIM, indices[v], values[v], nnz[v]);
		}
#define ARGUMENTS	indices[0], values[0], nnz[0], indices[1], values[1], nnz[1]
		r = reference(F32, dense[0], dense[1], DIM);
		parts = sparse_cosine(ARGUMENTS);
		CHECK(close_to(sparse_l2sq(ARGUMENTS), r.l2sq, r.l2sq, 16 * DIM), "sparse l2sq, round %d",
			  round);
		CHECK(close_to(sparse_l1(ARGUMENTS), r.l1, r.l1, 16 * DIM), "sparse l1, round %d", round);
		CHECK(close_to(sparse_dot(ARGUMENTS), r.dot, r.dot_magnitude, 16 * DIM),
			  "sparse dot, round %d", round);
		CHECK(close_to(parts.dot, r.dot, r.dot_magnitude, 16 * DIM), "sparse cosine dot, round %d",
			  round);
		CHECK(close_to(parts.norm_a, r.norm_a, r.norm_a, 16 * DIM), "sparse norm a, round %d",
			  round);
		CHECK(close_to(parts.norm_b, r.norm_b, r.norm_b, 16 * DIM), "sparse norm b, round %d",
			  round);
	}
}

static void
check_dispatch(void)
{
	CHECK(distance_get(DISTANCE_PORTABLE) != NULL, "portable is everywhere");
	CHECK(distance_get(DISTANCE_AUTO) != NULL, "auto is everywhere");
	CHECK(strcmp(distance_kernels->name, "portable") == 0, "portable until a set is selected");
	CHECK(distance_select(DISTANCE_AUTO) && distance_kernels == distance_get(DISTANCE_AUTO),
		  "auto selects the best");
	CHECK(cosine_distance_from_parts(2, 4, 1) == 0, "parallel");
	CHECK(cosine_distance_from_parts(-2.0000001, 4, 1) == 2, "opposite, clamped");
	CHECK(isnan(cosine_distance_from_parts(0, 0, 1)), "zero vector");
	CHECK(isnan(cosine_distance_from_parts(1, INFINITY, 1)), "overflowing vector");
}

int
main(void)
{
	a_end = guarded_end();
	b_end = guarded_end();
	check_dispatch();
	for (int simd = DISTANCE_PORTABLE; simd <= DISTANCE_NEON; simd++)
	{
		const DistanceKernels *k = distance_get((DistanceSimd) simd);

		if (k == NULL)
			printf("distance_test: set %d is not of this machine\n", simd);
		else
			check_set(k);
	}
	check_sparse();
	return check_end("distance_test");
}
