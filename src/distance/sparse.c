/*
 * sparse.c - distances of sparse vectors
 *
 * One merge pass over the two ascending lists of indices.  Its branches depend on the data, so SIMD
 * would gain nothing at the lengths that sparse embeddings have.
 */
#include "distance/distance.h"

#include <math.h>

/*
 * Visits every index that either vector has: x and y are the elements there, zero if a vector has
 * none.
 */
#define SPARSE_MERGE(statement) \
	for (size_t i = 0, j = 0; i < an || j < bn;) \
	{ \
		bool		in_a = j == bn || (i < an && ai[i] <= bi[j]); \
		bool		in_b = i == an || (j < bn && bi[j] <= ai[i]); \
		float		x = in_a ? av[i] : 0; \
		float		y = in_b ? bv[j] : 0; \
\
		statement; \
		i += in_a; \
		j += in_b; \
	}

float
sparse_l2sq(const int32_t *ai, const float *av, size_t an, const int32_t *bi, const float *bv,
			size_t bn)
{
	float		sum = 0;

	SPARSE_MERGE(sum += (x - y) * (x - y));
	return sum;
}

float
sparse_l1(const int32_t *ai, const float *av, size_t an, const int32_t *bi, const float *bv,
		  size_t bn)
{
	float		sum = 0;

	SPARSE_MERGE(sum += fabsf(x - y));
	return sum;
}

/* Only indices that both vectors have contribute. */
float
sparse_dot(const int32_t *ai, const float *av, size_t an, const int32_t *bi, const float *bv,
		   size_t bn)
{
	float		sum = 0;

	for (size_t i = 0, j = 0; i < an && j < bn;)
	{
		int32_t		a = ai[i];
		int32_t		b = bi[j];

		if (a == b)
			sum += av[i] * bv[j];
		i += a <= b;
		j += b <= a;
	}
	return sum;
}

static float
sum_of_squares(const float *v, size_t n)
{
	float		sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i] * v[i];
	return sum;
}

CosineParts
sparse_cosine(const int32_t *ai, const float *av, size_t an, const int32_t *bi, const float *bv,
			  size_t bn)
{
	return (CosineParts){sparse_dot(ai, av, an, bi, bv, bn), sum_of_squares(av, an),
						 sum_of_squares(bv, bn)};
}

double
sparse_cosine_distance(const int32_t *ai, const float *av, size_t an, const int32_t *bi,
					   const float *bv, size_t bn)
{
	CosineParts parts = sparse_cosine(ai, av, an, bi, bv, bn);
	double		dot = 0;
	double		norm_a = 0;
	double		norm_b = 0;

	if (squares_hold(parts.norm_a) && squares_hold(parts.norm_b))
		return cosine_distance_from_parts(parts.dot, parts.norm_a, parts.norm_b);
	SPARSE_MERGE(dot += (double) x * y;
				 norm_a += (double) x * x;
				 norm_b += (double) y * y);
	return cosine_distance_from_parts(dot, norm_a, norm_b);
}

double
sparse_norm(const float *values, size_t nnz)
{
	double		sum = 0;

	for (size_t i = 0; i < nnz; i++)
		sum += (double) values[i] * (double) values[i];
	return sqrt(sum);
}
