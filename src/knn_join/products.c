/*
 * products.c - products of queries and rows, and the least product that a bound lets pass
 */
#include "knn_join/products.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "cluster/blas.h"
#include "distance/distance.h"

/* Rounding to nearest changes a float by at most this part. */
#define UNIT_ROUNDOFF	0x1p-24

/* Roundings besides those of the sum over the dimensions: of norms, offsets, bounds and scales. */
#define OTHER_ROUNDINGS	32

/* Between these squares of norms nothing that counts overflows float, or is lost by underflow. */
#define LEAST_NORM		1e-24
#define GREATEST_NORM	1e30

/* Products that are compared with a bound before the first of them that passes is looked for. */
#define GROUP			64

double
join_norm(const float *vector, uint32_t dims)
{
	double		norm = (double) distance_kernels->f32_dot(vector, vector, dims);

	if (norm >= LEAST_NORM && norm <= GREATEST_NORM)
		return norm;
	norm = 0;
	for (uint32_t i = 0; i < dims; i++)
		norm += (double) vector[i] * (double) vector[i];
	return norm;
}

/* Whether a vector's products tell how far it is from others; if not, each pair is visited. */
static bool
usable(JoinMetric metric, double norm)
{
	return (norm >= LEAST_NORM && norm <= GREATEST_NORM) || (norm == 0 && metric != JOIN_COSINE);
}

/*
 * The greatest error of a sum of products, in parts of the product of both norms; as great is that
 * of a distance function, and of a norm in parts of itself.
 */
static double
rounding(uint32_t dims)
{
	return 1.01 * (dims + OTHER_ROUNDINGS) * UNIT_ROUNDOFF;
}

/*
 * What a product is reduced by before it is compared: for Euclidean distances, half the row's
 * norm, less what may be wrong by rounding: e of the norm itself, and of the product at most
 * e |a| |b|, so at most e (|a|^2 + |b|^2) / 2.  A row that is not usable always passes.
 */
static void
set_offsets(const JoinBlock *block, float *offsets)
{
	double		e = rounding(block->dims);

	for (size_t j = 0; j < block->row_count; j++)
	{
		double		norm = block->row_norms[j];

		if (!usable(block->metric, norm))
			offsets[j] = -INFINITY;
		else
			offsets[j] = block->metric == JOIN_L2 ? (float) ((1 - 2 * e) * norm / 2) : 0;
	}
}

/* The greatest norm among the usable rows. */
static double
greatest_norm(const JoinBlock *block)
{
	double		greatest = 0;

	for (size_t j = 0; j < block->row_count; j++)
		if (usable(block->metric, block->row_norms[j]) && block->row_norms[j] > greatest)
			greatest = block->row_norms[j];
	return sqrt(greatest);
}

static void
scale_rows(JoinBlock *block)
{
	for (size_t j = 0; j < block->row_count; j++)
	{
		float	   *row = block->rows + j * block->dims;
		float		scale = (float) (1 / sqrt(block->row_norms[j]));

		if (usable(block->metric, block->row_norms[j]))
			for (uint32_t i = 0; i < block->dims; i++)
				row[i] *= scale;
	}
}

/*
 * The least reduced product of a query with a row that may be within the bound.  The products, the
 * distance function's sums, and the norms by which vectors are scaled are wrong by e each.
 */
static float
least_product(const JoinBlock *block, size_t query, double longest_row)
{
	double		norm = block->query_norms[query];
	double		bound = block->bounds[query];
	double		e = rounding(block->dims);
	double		least;

	if (!usable(block->metric, norm) || !isfinite(bound))
		return -INFINITY;
	switch (block->metric)
	{
		case JOIN_L2:
			least = ((1 - 2 * e) * norm - (1 + e) * bound * bound) / 2;
			break;
		case JOIN_PRODUCT:
			least = -bound - 3 * e * sqrt(norm) * longest_row;
			break;
		default:
			least = (1 - bound - 4 * e) * sqrt(norm);
			break;
	}
	return nextafterf((float) least, -INFINITY);
}

/* Whether any of the products of a group passes; NaN, which overflow leads to, does. */
static bool
any_passes(const float *products, const float *offsets, float least)
{
	int			passing = 0;

	for (int j = 0; j < GROUP; j++)
		passing |= !(products[j] - offsets[j] < least);
	return passing != 0;
}

static void
visit_row_of_products(const JoinBlock *block, size_t query, const float *products,
					  const float *offsets, double longest_row)
{
	float		least = least_product(block, query, longest_row);

	for (size_t start = 0; start < block->row_count; start += GROUP)
	{
		size_t		end = start + GROUP;

		if (end > block->row_count)
			end = block->row_count;
		else if (!any_passes(products + start, offsets + start, least))
			continue;
		for (size_t j = start; j < end; j++)
			if (!(products[j] - offsets[j] < least))
			{
				block->visit(block->arg, query, j);
				least = least_product(block, query, longest_row);
			}
	}
}

/* The number of a query of those that are compared. */
static size_t
query_number(const JoinBlock *block, size_t i)
{
	return block->chosen ? block->chosen[i] : i;
}

/* The products of some queries with all rows; chosen queries are copied to lie side by side. */
static void
multiply(const JoinBlock *block, size_t start, size_t count)
{
	size_t		dims = block->dims;
	const float *queries = block->queries + start * dims;

	if (block->chosen)
	{
		float	   *copies = block->products + count * block->row_count;

		for (size_t i = 0; i < count; i++)
			memcpy(copies + i * dims, block->queries + block->chosen[start + i] * dims,
				   sizeof(float) * dims);
		queries = copies;
	}
	cluster_dots(queries, count, block->rows, block->row_count, block->dims, block->products);
}

void
join_visit_near(JoinBlock *block)
{
	float		offsets[JOIN_MOST_ROWS];
	double		longest_row = greatest_norm(block);
	size_t		step;

	if (block->row_count == 0)
		return;
	step = block->products_room / (block->row_count + (block->chosen ? block->dims : 0));
	set_offsets(block, offsets);
	if (block->metric == JOIN_COSINE)
		scale_rows(block);
	for (size_t start = 0; start < block->query_count; start += step)
	{
		size_t		count = block->query_count - start < step ? block->query_count - start : step;

		block->between(block->arg);
		multiply(block, start, count);
		for (size_t i = 0; i < count; i++)
			visit_row_of_products(block, query_number(block, start + i),
								  block->products + i * block->row_count, offsets, longest_row);
	}
}
