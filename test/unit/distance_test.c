/*
 * distance_test.c - every kernel of every set, and the functions on top, compared with a
 * double-precision reference
 *
 * Arrays end at a page that may not be read, and start at every alignment that the elements allow.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "distance/distance.h"
#include "distance/half.h"
#include "distance/distance_internal.h"
#include "guard.h"

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

static uint8_t *a_end;
static uint8_t *b_end;
static uint8_t *row_ends[ROWS];

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
	EXTREME, /* the largest and the smallest elements, and zeros of both signs */
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
	double		dot_magnitude;	/* sum of absolute products, which rounding is relative to */
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
 * For float32 sums of n terms over several accumulators; if the sum leaves float32's range,
 * infinity is right.
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
	/* end the arrays at the guard page minus an offset, so that their alignments differ */
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

static uint64_t
count_bits(uint8_t byte)
{
	uint64_t	count = 0;

	for (; byte != 0; byte >>= 1)
		count += byte & 1;
	return count;
}

static void
fill_bits(uint8_t *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t) (random_u32() % 5 == 0 ? 0xFF : random_u32());
}

static uint64_t
reference_hamming(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	uint64_t	sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum += count_bits(a[i] ^ b[i]);
	return sum;
}

static void
check_bits(const DistanceKernels *k, size_t n, size_t offset)
{
	uint8_t    *a = a_end - n - offset;
	uint8_t    *b = b_end - n;
	BitParts	expected = {0, 0, 0};
	BitParts	parts;

	fill_bits(a, n);
	fill_bits(b, n);
	for (size_t i = 0; i < n; i++)
	{
		expected.both += count_bits(a[i] & b[i]);
		expected.a += count_bits(a[i]);
		expected.b += count_bits(b[i]);
	}
	parts = k->bit_jaccard(a, b, n);
	CHECK(k->bit_hamming(a, b, n) == reference_hamming(a, b, n), "%s: hamming of %zu bytes",
		  k->name, n);
	CHECK(parts.both == expected.both && parts.a == expected.a && parts.b == expected.b,
		  "%s: jaccard of %zu bytes", k->name, n);
}

/* A query and rows, each of which ends at its guard page. */
#define FILL_ROWS(Type, element) \
	const Type *q = (const Type *) (b_end - n * sizeof(Type)); \
	const Type *rows[ROWS]; \
\
	element_fill(element, (void *) q, n, fill); \
	for (size_t i = 0; i < count; i++) \
	{ \
		rows[i] = (const Type *) (row_ends[i] - n * sizeof(Type)); \
		element_fill(element, (void *) rows[i], n, fill); \
	}

#define CHECK_MANY_FLOATS(prefix, Type, element) \
	do \
	{ \
		float l2sq[ROWS]; \
		float dot[ROWS]; \
		FILL_ROWS(Type, element) \
\
		k->prefix##_l2sq_many(q, rows, count, n, l2sq); \
		k->prefix##_dot_many(q, rows, count, n, dot); \
		for (size_t i = 0; i < count; i++) \
		{ \
			Reference r = reference(element, q, rows[i], n); \
\
			CHECK(close_to((double) l2sq[i], r.l2sq, r.l2sq, n), \
				  "%s: " #prefix "_l2sq_many, row %zu of %zu, n %zu", k->name, i, count, n); \
			CHECK(close_to((double) dot[i], r.dot, r.dot_magnitude, n), \
				  "%s: " #prefix "_dot_many, row %zu of %zu, n %zu", k->name, i, count, n); \
		} \
	} while (0)

static void
check_many_i8(const DistanceKernels *k, size_t count, size_t n, Fill fill)
{
	int32_t		l2sq[ROWS];
	int32_t		dot[ROWS];
	FILL_ROWS(int8_t, I8)

	k->i8_l2sq_many(q, rows, count, n, l2sq);
	k->i8_dot_many(q, rows, count, n, dot);
	for (size_t i = 0; i < count; i++)
	{
		Reference	r = reference(I8, q, rows[i], n);

		CHECK(l2sq[i] == r.l2sq, "%s: i8_l2sq_many, row %zu of %zu, n %zu", k->name, i, count, n);
		CHECK(dot[i] == r.dot, "%s: i8_dot_many, row %zu of %zu, n %zu", k->name, i, count, n);
	}
}

static void
check_many_bits(const DistanceKernels *k, size_t count, size_t bytes)
{
	uint8_t    *q = b_end - bytes;
	const uint8_t *rows[ROWS];
	uint64_t	out[ROWS];

	fill_bits(q, bytes);
	for (size_t i = 0; i < count; i++)
	{
		rows[i] = row_ends[i] - bytes;
		fill_bits(row_ends[i] - bytes, bytes);
	}
	k->bit_hamming_many(q, rows, count, bytes, out);
	for (size_t i = 0; i < count; i++)
		CHECK(out[i] == reference_hamming(q, rows[i], bytes),
			  "%s: bit_hamming_many, row %zu of %zu, %zu bytes", k->name, i, count, bytes);
}

static void
check_many(const DistanceKernels *k, size_t count, size_t n)
{
	for (int f = UNIFORM; f < FILLS; f++)
	{
		Fill		fill = (Fill) f;

		CHECK_MANY_FLOATS(f32, float, F32);
		CHECK_MANY_FLOATS(f16, uint16_t, F16);
		CHECK_MANY_FLOATS(bf16, uint16_t, BF16);
		check_many_i8(k, count, n, fill);
	}
	check_many_bits(k, count, n);
}

/*
 * Overflow gives infinity; NaN, and infinities that meet, give NaN, wherever in the vector they
 * are.
 */
static void
check_special(const DistanceKernels *k, size_t n)
{
	float	   *a = (float *) a_end - n;
	float	   *b = (float *) b_end - n;
	CosineParts parts;

	for (size_t i = 0; i < n; i++)
	{
		a[i] = 0x1.fffffep127f;
		b[i] = -0x1.fffffep127f;
	}
	parts = k->f32_cosine(a, b, n);
	CHECK(k->f32_l2sq(a, b, n) == INFINITY, "%s: largest, n %zu", k->name, n);
	CHECK(k->f32_l1(a, b, n) == INFINITY, "%s: largest, n %zu", k->name, n);
	CHECK(k->f32_dot(a, b, n) == -INFINITY, "%s: largest, n %zu", k->name, n);
	CHECK(parts.dot == -INFINITY && parts.norm_a == INFINITY && parts.norm_b == INFINITY,
		  "%s: largest, n %zu", k->name, n);
	CHECK(k->f32_l2sq(a, a, n) == 0 && k->f32_l1(a, a, n) == 0, "%s: equal, n %zu", k->name, n);

	memset(a, 0, n * sizeof(float));
	for (size_t i = 0; i < n; i++)
		b[i] = -0.0f;
	CHECK(k->f32_l2sq(a, b, n) == 0 && k->f32_l1(a, b, n) == 0 && k->f32_dot(a, b, n) == 0,
		  "%s: zeros of both signs, n %zu", k->name, n);

	for (size_t i = 0; i < n; i++)
		a[i] = 0x1p-149f;
	CHECK(k->f32_l1(a, b, n) == (float) n * 0x1p-149f, "%s: subnormals, n %zu", k->name, n);

	for (size_t place = 0; place < n; place++)
	{
		for (size_t i = 0; i < n; i++)
			a[i] = b[i] = 1.0f;
		a[place] = -INFINITY;
		CHECK(k->f32_l2sq(a, b, n) == INFINITY && k->f32_l1(a, b, n) == INFINITY,
			  "%s: infinity at %zu of %zu", k->name, place, n);
		CHECK(k->f32_dot(a, b, n) == -INFINITY, "%s: infinity at %zu of %zu", k->name, place, n);
		b[place] = -INFINITY;
		CHECK(isnan(k->f32_l2sq(a, b, n)) && isnan(k->f32_l1(a, b, n)),
			  "%s: infinities at %zu of %zu", k->name, place, n);
		b[place] = 0;
		CHECK(isnan(k->f32_dot(a, b, n)), "%s: infinity and 0 at %zu of %zu", k->name, place, n);
		a[place] = NAN;
		CHECK(isnan(k->f32_l2sq(a, b, n)) && isnan(k->f32_l1(a, b, n)) &&
				  isnan(k->f32_dot(a, b, n)),
			  "%s: NaN at %zu of %zu", k->name, place, n);
	}
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
		for (size_t offset = 0; offset < 4; offset++)
			check_bits(k, n, offset);
		if (n < 130)
			check_special(k, n);
	}
	for (size_t count = 0; count <= ROWS; count++)
		for (size_t n = 1; n < 800; n = n < 40 ? n + 1 : n * 2 - 3)
			check_many(k, count, n);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		check_many(k, ROWS, more[i]);
}

/* Elements of all magnitudes of float32, or of one magnitude in each vector. */
static float
random_sized(double exponent)
{
	return (float) ((double) (int32_t) random_u32() * 0x1p-31 * pow(10, exponent));
}

static double
random_exponent(void)
{
	return -44 + (double) random_u32() * 0x1p-32 * 82;
}

/*
 * Cosine distances and norms do not depend on float32's range: they equal those of double
 * precision, except for the rounding of elements.  With the kernels in use.
 */
static void
check_lengths(void)
{
	enum {DIM = 70};

	for (int round = 0; round < 2000; round++)
	{
		size_t		n = 1 + random_u32() % DIM;
		float		x[2][DIM];
		uint16_t	b[2][DIM];
		int32_t		indices[DIM];
		Reference	r;
		Reference	rb;

		for (size_t i = 0; i < n; i++)
			indices[i] = (int32_t) i;
		for (int v = 0; v < 2; v++)
		{
			double		exponent = random_exponent();

			for (size_t i = 0; i < n; i++)
			{
				x[v][i] = random_sized(round % 2 ? random_exponent() : exponent);
				b[v][i] = float_to_bf16(x[v][i]);
			}
		}
		if (round % 5 == 0)
			for (size_t i = 0; i < n; i++)
				b[1][i] = float_to_bf16(x[1][i] = ldexpf(x[0][i], (int) (random_u32() % 60)));
		r = reference(F32, x[0], x[1], n);
		rb = reference(BF16, b[0], b[1], n);
#define CHECK_LENGTH(result, expected) \
	CHECK(isnan(expected) ? isnan(result) : fabs((result) - (expected)) <= 1e-5, \
		  "%s: %.9g, expected %.9g (n %zu, round %d)", #result, result, expected, n, round)
#define COSINE(r)	cosine_distance_from_parts((r).dot, (r).norm_a, (r).norm_b)
		if (isinf(x[1][0]))
			continue;
		CHECK_LENGTH(f32_cosine_distance(x[0], x[1], n), COSINE(r));
		CHECK_LENGTH(bf16_cosine_distance(b[0], b[1], n), COSINE(rb));
		CHECK_LENGTH(sparse_cosine_distance(indices, x[0], n, indices, x[1], n), COSINE(r));
		CHECK(fabs(f32_norm(x[0], n) / sqrt(r.norm_a) - 1) < 1e-5 || r.norm_a == 0, "norm %g",
			  f32_norm(x[0], n));
		CHECK(fabs(bf16_norm(b[0], n) / sqrt(rb.norm_a) - 1) < 1e-5 || rb.norm_a == 0, "norm %g",
			  bf16_norm(b[0], n));
		CHECK(fabs(sparse_norm(x[0], n) / sqrt(r.norm_a) - 1) < 1e-5 || r.norm_a == 0, "norm %g",
			  sparse_norm(x[0], n));
	}
}

/* The whole ranges of halves and int8, whose squares float32 can represent. */
static void
check_short_elements(void)
{
	static const uint16_t halves[] = {0x0001, 0x7BFF, 0x8001, 0x3C00};
	static const int8_t bytes[] = {-128, 127, 1, 0};
	uint16_t	h[MAX_DIM];
	int8_t		i8[MAX_DIM];

	for (size_t k = 0; k < 4; k++)
	{
		for (size_t i = 0; i < MAX_DIM; i++)
		{
			h[i] = halves[k];
			i8[i] = bytes[k];
		}
		CHECK(f16_cosine_distance(h, h, MAX_DIM) < 1e-6, "half %zu", k);
		CHECK(fabs(f16_norm(h, MAX_DIM) / (sqrt(MAX_DIM) * fabsf(half_to_float(halves[k]))) - 1) <
			  1e-5, "half %zu", k);
		CHECK(bytes[k] == 0 ? isnan(i8_cosine_distance(i8, i8, MAX_DIM)) :
			  i8_cosine_distance(i8, i8, MAX_DIM) < 1e-6, "int8 %zu", k);
		CHECK(fabs(i8_norm(i8, MAX_DIM) - sqrt(MAX_DIM) * abs(bytes[k])) < 1e-5, "int8 %zu", k);
	}
}

/* Expands indices and values to dense vectors of dim elements. */
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
	CHECK(isnan(cosine_distance_from_parts(1, 1, NAN)), "norm NaN");
	CHECK(isnan(cosine_distance_from_parts(NAN, 1, 1)), "dot NaN");
	CHECK(cosine_distance_from_parts(3e38, 3e38, 3e38) == 0, "norms whose product leaves float32");
	CHECK(cosine_distance_from_parts(1e-45, 1e-45, 1e-45) == 0, "subnormal norms");
}

int
main(void)
{
	a_end = guarded_end(MAX_DIM * sizeof(float));
	b_end = guarded_end(MAX_DIM * sizeof(float));
	for (size_t i = 0; i < ROWS; i++)
		row_ends[i] = guarded_end(MAX_DIM * sizeof(float));
	check_dispatch();
	for (int simd = DISTANCE_PORTABLE; simd <= DISTANCE_NEON; simd++)
	{
		const DistanceKernels *k = distance_get((DistanceSimd) simd);

		if (k == NULL)
			printf("distance_test: set %d is not of this machine\n", simd);
		else
		{
			check_set(k);
			distance_select((DistanceSimd) simd);
			check_lengths();
			check_short_elements();
		}
	}
#if defined(__x86_64__)
	/* the set without the extensions that this processor has */
	if (distance_get(DISTANCE_AVX512) != NULL)
		check_set(&avx512_kernels);
#endif
	check_sparse();
	return check_end("distance_test");
}
