/*
 * knn_join_test.c - joins by products find what comparing each pair by the kernels finds
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cluster/blas.h"
#include "distance/distance.h"
#include "knn_join/nearest.h"
#include "knn_join/products.h"
#include "random.h"

#define MAX_DIMS	200
#define QUERIES		20
#define ROWS		300
#define BLOCKS		3

static const char *const names[] = {"l2", "product", "cosine"};

/* The vectors of one side, before rows are scaled. */
static float queries[QUERIES * MAX_DIMS];
static float rows[BLOCKS * ROWS * MAX_DIMS];

typedef struct Test
{
	JoinBlock	block;
	uint32_t	k;
	size_t		first_row;		/* of the block */
	Nearest		nearest[QUERIES];
	size_t		visits;
	size_t		last_query;
	size_t		last_row;
	bool		ordered;
} Test;

static double
pair_distance(JoinMetric metric, const float *query, const float *row, uint32_t dims)
{
	if (metric == JOIN_L2)
		return sqrt((double) distance_kernels->f32_l2sq(row, query, dims));
	if (metric == JOIN_PRODUCT)
		return -(double) distance_kernels->f32_dot(row, query, dims);
	return f32_cosine_distance(row, query, dims);
}

static void
visit(void *arg, size_t query, size_t row)
{
	Test	   *test = arg;
	const JoinBlock *block = &test->block;
	size_t		number = test->first_row + row;
	double		distance = pair_distance(block->metric, queries + query * block->dims,
										 rows + number * block->dims, block->dims);

	test->ordered = test->ordered &&
		(query > test->last_query || (query == test->last_query && row >= test->last_row));
	test->last_query = query;
	test->last_row = row + 1;
	test->visits++;
	if (nearest_add(&test->nearest[query], test->k, distance, number))
		block->bounds[query] = nearest_bound(&test->nearest[query], test->k);
}

static size_t products_made;

static void
between(void *arg)
{
	products_made++;
	((Test *) arg)->last_query = 0;
}

/* Elements around `center`; some vectors are equal to others, and every `odd`-th is not usable. */
static void
make_vectors(float *vectors, size_t count, uint32_t dims, float center, size_t odd)
{
	static const float values[] = {0, 1e-30f, 1e-13f, 1e19f, 3e18f, 1e38f, -1};

	for (size_t i = 0; i < count; i++)
	{
		float	   *x = vectors + i * dims;

		for (uint32_t d = 0; d < dims; d++)
			x[d] = odd && i % odd == 3 ? values[i / odd % 7] * random_uniform() :
				center + random_gaussian();
		if (i > 0 && i % 10 == 9)
			memcpy(x, x - dims, dims * sizeof(float));
	}
}

/* The distances of the k nearest rows, by comparing with all. */
static void
search_all(const Test *test, size_t query, Nearest *all)
{
	uint32_t	dims = test->block.dims;

	all->count = 0;
	for (size_t j = 0; j < BLOCKS * ROWS; j++)
		(void) nearest_add(all, test->k, pair_distance(test->block.metric, queries + query * dims,
													   rows + j * dims, dims), j);
	nearest_sort(all);
}

static void
test_join(JoinMetric metric, uint32_t dims, float center, size_t odd, uint32_t k)
{
	static float block_rows[ROWS * MAX_DIMS];
	static float products[7 * ROWS + 5];
	static double query_norms[QUERIES];
	static double row_norms[ROWS];
	static double bounds[QUERIES];
	Test		test = {.k = k, .ordered = true};
	Nearest		all = {.heap = malloc(sizeof(Near) * k)};
	bool		right = true;

	test.block = (JoinBlock) {.metric = metric, .dims = dims, .query_count = QUERIES,
		.queries = queries, .query_norms = query_norms, .bounds = bounds, .row_count = ROWS,
		.rows = block_rows, .row_norms = row_norms, .products = products,
		.products_room = sizeof(products) / sizeof(products[0]), .visit = visit,
		.between = between, .arg = &test};
	make_vectors(queries, QUERIES, dims, center, odd);
	make_vectors(rows, BLOCKS * ROWS, dims, center, odd);
	for (size_t i = 0; i < QUERIES; i++)
	{
		query_norms[i] = join_norm(queries + i * dims, dims);
		test.nearest[i].heap = malloc(sizeof(Near) * k);
		bounds[i] = nearest_bound(&test.nearest[i], k);
	}
	products_made = 0;
	for (size_t b = 0; b < BLOCKS; b++)
	{
		test.first_row = b * ROWS;
		memcpy(block_rows, rows + b * ROWS * dims, sizeof(float) * ROWS * dims);
		for (size_t j = 0; j < ROWS; j++)
			row_norms[j] = join_norm(block_rows + j * dims, dims);
		test.last_query = test.last_row = 0;
		join_visit_near(&test.block);
	}
	for (size_t i = 0; i < QUERIES; i++)
	{
		nearest_sort(&test.nearest[i]);
		search_all(&test, i, &all);
		right = right && test.nearest[i].count == all.count;
		for (uint32_t j = 0; j < all.count && right; j++)
			right = test.nearest[i].heap[j].row == all.heap[j].row;
		free(test.nearest[i].heap);
	}
	CHECK(right, "%s, %u dimensions, center %g, odd %zu, k %u", names[metric], dims,
		  (double) center, odd, k);
	CHECK(test.ordered, "%s, %u dimensions", names[metric], dims);
	CHECK(products_made == BLOCKS * ((QUERIES + 6) / 7), "%zu products", products_made);
	/* with k of n rows seen, the next is among the k nearest with probability k / n */
	if (odd == 0 && center == 0 && dims >= 20)
		CHECK(test.visits < QUERIES * (k * (2 + log((double) BLOCKS * ROWS / k))),
			  "%s, %u dimensions: %zu visits", names[metric], dims, test.visits);
	free(all.heap);
}

static void
test_nearest(void)
{
	Near		heap[7];
	Nearest		nearest = {.heap = heap};
	static const double distances[] = {3, NAN, 1, INFINITY, 1, 3, 0, NAN, 2, 3, -INFINITY};
	static const uint64_t order[] = {10, 6, 2, 4, 8, 0, 5};

	for (uint64_t i = 0; i < 11; i++)
	{
		CHECK(nearest.count == 7 || isnan(nearest_bound(&nearest, 7)), "a bound before there is");
		(void) nearest_add(&nearest, 7, distances[i], i);
	}
	CHECK(nearest_bound(&nearest, 7) == 3, "%g", nearest_bound(&nearest, 7));
	CHECK(!nearest_add(&nearest, 7, 3, 11) && !nearest_add(&nearest, 7, NAN, 12), "not nearer");
	nearest_sort(&nearest);
	for (int i = 0; i < 7; i++)
		CHECK(heap[i].row == order[i], "place %d: row %llu", i, (unsigned long long) heap[i].row);
}

int
main(void)
{
	static const uint32_t dims[] = {1, 3, 20, MAX_DIMS};

	distance_select(DISTANCE_AUTO);
	test_nearest();
	for (int kernels = 0; kernels < 2; kernels++)
	{
		cluster_blas_select(kernels ? CLUSTER_BLAS_KERNELS : CLUSTER_BLAS_AUTO);
		(void) cluster_blas_load();
		for (int metric = JOIN_L2; metric <= JOIN_COSINE; metric++)
			for (int d = 0; d < 4; d++)
			{
				test_join(metric, dims[d], 0, 0, 10);
				test_join(metric, dims[d], 0, 20, 1);
				test_join(metric, dims[d], 1000, 20, 10);
				test_join(metric, dims[d], 100, 0, 300);
			}
	}
	return check_end("knn_join");
}
