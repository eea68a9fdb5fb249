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
#include "knn_join/lists.h"
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
	static float products[7 * (ROWS + MAX_DIMS) + 5];
	static uint32_t all_queries[QUERIES];
	static double query_norms[QUERIES];
	static double row_norms[ROWS];
	static double bounds[QUERIES];
	Test		test = {.k = k, .ordered = true};
	Nearest		all = {.heap = malloc(sizeof(Near) * k)};
	bool		right = true;

	test.block = (JoinBlock) {.metric = metric, .dims = dims, .query_count = QUERIES,
		.queries = queries, .query_norms = query_norms, .bounds = bounds, .row_count = ROWS,
		.rows = block_rows, .row_norms = row_norms, .products = products,
		.visit = visit, .between = between, .arg = &test};
	make_vectors(queries, QUERIES, dims, center, odd);
	make_vectors(rows, BLOCKS * ROWS, dims, center, odd);
	for (size_t i = 0; i < QUERIES; i++)
	{
		all_queries[i] = (uint32_t) i;
		query_norms[i] = join_norm(queries + i * dims, dims);
		test.nearest[i].heap = malloc(sizeof(Near) * k);
		bounds[i] = nearest_bound(&test.nearest[i], k);
	}
	products_made = 0;
	for (size_t b = 0; b < BLOCKS; b++)
	{
		/* seven queries at a time, in place or copied */
		test.block.chosen = b == 1 ? all_queries : NULL;
		test.block.products_room = 7 * (ROWS + (b == 1 ? dims : 0)) + 5;
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

#define LISTS		1100		/* more than columns of a product */
#define LISTED		70			/* queries */

static void
count_step(void *arg)
{
	++*(size_t *) arg;
}

/* Lists of one row each, at their centroids, so that the nearest lists are the nearest rows. */
static void
test_lists(uint32_t dims)
{
	static float points[LISTS * MAX_DIMS];
	static float asked[LISTED * MAX_DIMS];
	static float half_norms[LISTS];
	static uint64_t row_counts[LISTS];
	static Near heaps[LISTED][20];
	static uint8_t marks[LISTS * (LISTED / 8 + 1)];
	Nearest		nearest[LISTED];
	size_t		steps = 0;
	JoinLists	lists = {.row_counts = row_counts, .scratch = malloc(join_lists_scratch(LISTS)),
		.between = count_step, .arg = &steps};
	uint32_t	chosen[LISTED];
	bool		right = true;
	size_t		marked = 0;

	make_vectors(points, LISTS, dims, 0, 0);
	make_vectors(asked, LISTED, dims, 0, 0);
	cluster_centroids_init(&lists.centroids, points, LISTS, dims, half_norms);
	for (size_t q = 0; q < LISTED; q++)
	{
		nearest[q] = (Nearest) {.heap = heaps[q]};
		for (size_t l = 0; l < LISTS; l++)
			(void) nearest_add(&nearest[q], 20, pair_distance(JOIN_L2, asked + q * dims,
															  points + l * dims, dims), l);
		nearest_sort(&nearest[q]);
		for (uint32_t j = 0; j < 20; j++)
			heaps[q][j].key = heaps[q][j].row;
	}
	for (size_t l = 0; l < LISTS; l++)
		row_counts[l] = 1;
	/* 16 of 20 nearest rows are in the 16 nearest lists, and no fewer lists have as many */
	join_lists_calibrate(&lists, asked, nearest, LISTED, 0.8);
	CHECK(lists.probes == 16, "%u lists, %u dimensions", lists.probes, dims);
	join_lists_calibrate(&lists, asked, nearest, LISTED, 1);
	CHECK(lists.probes == 20, "%u lists, %u dimensions", lists.probes, dims);
	steps = 0;
	/* a list without rows is passed over where k rows are needed */
	lists.probes = 3;
	row_counts[heaps[7][1].row] = 0;
	memset(marks, 0, sizeof(marks));
	join_lists_mark(&lists, asked, LISTED, 5, marks);
	CHECK(steps == (LISTED + JOIN_RANKED - 1) / JOIN_RANKED, "%zu steps", steps);
	for (uint32_t l = 0; l < LISTS; l++)
	{
		size_t		n = join_lists_chosen(marks, LISTED, l, chosen);

		marked += n;
		for (size_t i = 0; i < n; i++)
		{
			size_t		q = chosen[i];
			uint32_t	place = 0;
			uint64_t	before = 0;

			for (; place < 20 && heaps[q][place].row != l; place++)
				before += row_counts[heaps[q][place].row];
			right = right && q < LISTED && place < 20 && before < 5;
		}
	}
	CHECK(right, "%u dimensions", dims);
	CHECK(marked >= 5 * LISTED + 1, "%zu marks", marked);
	free(lists.scratch);
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
		test_lists(20);
		test_lists(MAX_DIMS);
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
