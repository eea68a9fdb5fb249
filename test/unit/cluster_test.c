/*
 * cluster_test.c - assigning points to centroids, and ranking these, compared with plain code, with
 * and without OpenBLAS
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cluster/blas.h"
#include "cluster/coded.h"
#include "cluster/keys.h"
#include "distance/distance.h"
#include "points.h"
#include "random.h"

/* Every result is a nearest centroid, up to rounding, for any shape, threads and strides. */
static void
check_assign(size_t n, uint32_t k, uint32_t dims)
{
	float	   *points = make_points(n, dims, 8);
	float	   *centroids = make_points(k, dims, 8);
	float	   *half_norms = allocate(k * sizeof(float));
	float	   *distances = allocate(n * sizeof(float));
	float	   *scores = allocate(n * sizeof(float));
	uint32_t   *lists = allocate(n * sizeof(uint32_t));
	uint32_t   *others = allocate(n * sizeof(uint32_t));
	size_t		wrong = 0;
	size_t		half = (n + 1) / 2;
	ClusterCentroids c;
	void	   *scratch;

	cluster_centroids_init(&c, centroids, k, dims, half_norms);
	scratch = allocate(cluster_assign_scratch(&c, 3));
	cluster_assign(&c, &(ClusterRows) {points, n, 1}, 1, scratch, lists, distances);
	for (size_t i = 0; i < n; i++)
	{
		const float *x = points + i * dims;
		double		least;

		nearest(x, centroids, k, dims, &least);
		wrong += lists[i] >= k ||
			distance(x, centroids + (size_t) lists[i] * dims, dims) > least * 1.00001 + 1e-4 ||
			fabs((double) distances[i] - least) > least * 1e-4 + 1e-4;
	}
	CHECK(wrong == 0, "%zu of %zu wrong, k %u, %u dims", wrong, n, k, dims);

	cluster_assign(&c, &(ClusterRows) {points, n, 1}, 3, scratch, others, NULL);
	CHECK(memcmp(lists, others, n * sizeof(uint32_t)) == 0, "threads, k %u, %u dims", k, dims);

	cluster_score(&c, &(ClusterRows) {points, half, 2}, 3, scratch, others, scores);
	wrong = 0;
	for (size_t i = 0; i < half; i++)
	{
		const float *x = points + 2 * i * dims;
		double		score = (distance(x, centroids + (size_t) others[i] * dims, dims) -
							 (double) distance_kernels->f32_dot(x, x, dims)) / 2;

		wrong += fabs((double) distances[2 * i] -
					  distance(x, centroids + (size_t) others[i] * dims, dims)) >
			(double) distances[2 * i] * 1e-4 + 1e-4 ||
			fabs((double) scores[i] - score) > 1e-4 * (fabs(score) + dims);
	}
	CHECK(wrong == 0, "%zu of %zu wrong by strides, k %u, %u dims", wrong, half, k, dims);
	free(points);
	free(centroids);
	free(half_norms);
	free(distances);
	free(scores);
	free(lists);
	free(others);
	free(scratch);
}

/* One of several equal centroids is chosen; points that are not finite get a list, too. */
static void
check_assign_oddities(void)
{
	enum
	{
		ODD_K = 200,
		ODD_DIMS = 5,
		ODD_N = 40
	};
	float		points[ODD_N * ODD_DIMS];
	float		centroids[ODD_K * ODD_DIMS];
	float		half_norms[ODD_K];
	uint32_t	lists[ODD_N];
	ClusterCentroids c;
	void	   *scratch;

	for (int i = 0; i < ODD_K * ODD_DIMS; i++)
		centroids[i] = (float) (i / ODD_DIMS / 100);
	for (int i = 0; i < ODD_N * ODD_DIMS; i++)
		points[i] = i / ODD_DIMS % 4 == 0 ? 1 : i / ODD_DIMS % 4 == 1 ? 3e38f :
			i / ODD_DIMS % 4 == 2 ? -3e38f : NAN;
	cluster_centroids_init(&c, centroids, ODD_K, ODD_DIMS, half_norms);
	scratch = allocate(cluster_assign_scratch(&c, 1));
	cluster_assign(&c, &(ClusterRows) {points, ODD_N, 1}, 1, scratch, lists, NULL);
	for (int i = 0; i < ODD_N; i++)
	{
		CHECK(lists[i] < ODD_K, "%d: %u", i, lists[i]);
		CHECK(i % 4 != 0 || (lists[i] >= 100 && lists[i] == lists[0]), "%d: %u", i, lists[i]);
	}
	free(scratch);
}

typedef struct Ranked
{
	float		distance;
	uint32_t	list;
} Ranked;

static int
compare_ranked(const void *a, const void *b)
{
	const Ranked *x = a;
	const Ranked *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return x->list < y->list ? -1 : x->list > y->list;
}

/*
 * Ranking equals sorting, also by dot products; `order` puts the centroids in ascending, descending
 * or random order.
 */
static void
check_rank(uint32_t k, uint32_t dims, int order, bool product)
{
	float	   *query = make_points(1, dims, 1);
	float	   *points = make_points(k, dims, 3);
	uint64_t   *scratch = allocate(k * sizeof(uint64_t));
	uint32_t   *lists = allocate(k * sizeof(uint32_t));
	float	   *distances = allocate(k * sizeof(float));
	float	   *all = allocate(k * sizeof(float));
	const float **rows = allocate(k * sizeof(float *));
	Ranked	   *ranked = allocate(k * sizeof(Ranked));
	const uint32_t wanted[] = {1, 2, 10, k / 3, k - 1, k};
	float	   *half_norms = allocate(k * sizeof(float));
	ClusterCentroids c;
	ClusterPoints p;

	for (uint32_t i = 0; i < k; i++)
		for (uint32_t d = 0; d < dims && order != 0; d++)
			points[i * dims + d] = query[d] + (float) (order > 0 ? i / 3 : (k - i) / 3);
	for (uint32_t i = 0; i < k; i++)
		rows[i] = points + (size_t) i * dims;
	cluster_centroids_init(&c, points, k, dims, half_norms);
	p = cluster_points(&c);
	if (product)
		distance_kernels->f32_dot_many(query, rows, k, dims, all);
	else
		distance_kernels->f32_l2sq_many(query, rows, k, dims, all);
	for (uint32_t i = 0; i < k; i++)
	{
		all[i] = product ? -all[i] : all[i];
		ranked[i] = (Ranked) {all[i], i};
	}
	qsort(ranked, k, sizeof(Ranked), compare_ranked);
	for (size_t w = 0; w < sizeof(wanted) / sizeof(wanted[0]); w++)
	{
		uint32_t	wrong = 0;

		if (wanted[w] > k)
			continue;
		cluster_rank(&p, &(ClusterQuery) {query, product}, scratch,
					 &(ClusterRanking) {wanted[w], lists, distances});
		for (uint32_t i = 0; i < wanted[w]; i++)
			wrong += (lists[i] != ranked[i].list && order != 0) ||
				fabsf(distances[i] - ranked[i].distance) > 1e-4f * fabsf(ranked[i].distance) ||
				fabsf(distances[i] - all[lists[i]]) > 1e-4f * fabsf(distances[i]);
		CHECK(wrong == 0, "%u of the first %u of %u, order %d", wrong, wanted[w], k, order);
	}
	free(query);
	free(points);
	free(scratch);
	free(lists);
	free(distances);
	free(all);
	free(rows);
	free(ranked);
	free(half_norms);
}

/*
 * The share of the results of ranking that ranking by codes finds; values are exact, none repeats.
 */
static void
check_codes(const ClusterCodes *codes, const ClusterCentroids *c, bool product,
			const float *queries, size_t n, uint32_t wanted)
{
	ClusterPoints points = cluster_points(c);
	uint64_t   *exact_scratch = allocate(c->k * sizeof(uint64_t));
	void	   *scratch = allocate(cluster_codes_scratch(codes));
	uint32_t   *exact = allocate(wanted * sizeof(uint32_t));
	uint32_t   *lists = allocate(wanted * sizeof(uint32_t));
	float	   *values = allocate(wanted * sizeof(float));
	uint8_t    *seen = allocate(c->k);
	size_t		found = 0;
	size_t		wrong = 0;

	for (size_t q = 0; q < n; q++)
	{
		const float *query = queries + q * c->dims;
		ClusterQuery asked = {query, product};

		cluster_rank(&points, &asked, exact_scratch, &(ClusterRanking) {wanted, exact, values});
		cluster_codes_rank(codes, &points, &asked, scratch,
						   &(ClusterRanking) {wanted, lists, values});
		memset(seen, 0, c->k);
		for (uint32_t i = 0; i < wanted; i++)
		{
			const float *p = c->points + (size_t) lists[i] * c->dims;
			double		value = product ?
				-(double) distance_kernels->f32_dot(query, p, c->dims) :
				distance(query, p, c->dims);

			wrong += seen[lists[i]]++ != 0 || (i > 0 && values[i] < values[i - 1] - 1e-3f) ||
				fabs((double) values[i] - value) > 1e-4 * fabs(value) + 1e-3;
		}
		for (uint32_t i = 0; i < wanted; i++)
			found += seen[exact[i]];
	}
	CHECK(wrong == 0, "%zu of %u of %u", wrong, wanted, c->k);
	CHECK((double) found >= 0.96 * (double) (n * wanted), "%zu of %zu times %u of %u, %u dims",
		  found, n, wanted, c->k, c->dims);
	free(exact_scratch);
	free(scratch);
	free(exact);
	free(lists);
	free(values);
	free(seen);
}

/* Points get the centroid that comparing all centroids gives, or one hardly farther. */
static void
check_coded_assign(const ClusterCodes *codes, const ClusterCentroids *c, const float *points,
				   size_t n)
{
	ClusterPoints p = cluster_points(c);
	ClusterRows rows = {points, n, 1};
	uint32_t   *lists = allocate(2 * n * sizeof(uint32_t));
	float	   *distances = allocate(2 * n * sizeof(float));
	void	   *scratch = allocate(cluster_assign_scratch(c, 1));
	double		sums[2] = {0, 0};
	size_t		same = 0;

	cluster_assign(c, &rows, 1, scratch, lists, distances);
	free(scratch);
	scratch = allocate(cluster_codes_scratch(codes));
	cluster_codes_assign(codes, &p, &rows, scratch, lists + n, distances + n);
	for (size_t i = 0; i < n; i++)
	{
		same += lists[i] == lists[n + i];
		sums[0] += (double) distances[i];
		sums[1] += (double) distances[n + i];
	}
	CHECK((double) same >= 0.96 * (double) n, "%zu of %zu", same, n);
	CHECK(sums[1] <= sums[0] * 1.002, "%g after %g", sums[1], sums[0]);
	free(lists);
	free(distances);
	free(scratch);
}

static void
check_coded(uint32_t k, uint32_t dims, uint32_t places)
{
	const size_t n = 200;
	/* around the same places */
	float	   *points = make_points(k + n, dims, places);
	float	   *queries = points + (size_t) k * dims;
	float	   *half_norms = allocate(k * sizeof(float));
	float	   *mean = allocate(dims * sizeof(float));
	ClusterCentroids c;
	ClusterPoints p;
	ClusterCodes codes;
	void	   *memory;
	void	   *scratch;
	uint32_t	lists[40];
	float		values[40];

	cluster_centroids_init(&c, points, k, dims, half_norms);
	p = cluster_points(&c);
	cluster_measure(&p, mean, half_norms);
	memory = allocate(cluster_codes_size(&p));
	memset(memory, 0, cluster_codes_size(&p));
	cluster_codes_init(&codes, &p, mean, half_norms, memory);
	for (int product = 0; product < 2; product++)
	{
		check_codes(&codes, &c, product, queries, n, 1);
		check_codes(&codes, &c, product, queries, n, 12);
		check_codes(&codes, &c, product, queries, 20, k / CLUSTER_CODED_PART);
		check_codes(&codes, &c, product, queries, 2, k);
	}
	check_coded_assign(&codes, &c, queries, n);

	/* queries that are not finite get some centroids, none twice */
	scratch = allocate(cluster_codes_scratch(&codes));
	for (int i = 0; i < 3; i++)
	{
		for (uint32_t d = 0; d < dims; d++)
			queries[d] = i == 0 ? 3e38f : i == 1 ? INFINITY : NAN;
		cluster_codes_rank(&codes, &p, &(ClusterQuery) {queries, false}, scratch,
						   &(ClusterRanking) {40, lists, values});
		for (int a = 0; a < 40; a++)
			for (int b = 0; b <= a; b++)
				CHECK(lists[a] < k && (lists[a] != lists[b]) == (a != b), "%d: %u", i, lists[a]);
	}
	free(scratch);
	free(memory);
	free(mean);
	free(half_norms);
	free(points);
}

/* Assigning by one way of computing products. */
static void
check_assigning(void)
{
	const size_t rows[] = {1, 7, 256, 257, 1000};
	const uint32_t ks[] = {1, 3, 63, 64, 130, 1100};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j < sizeof(ks) / sizeof(ks[0]); j++)
			check_assign(rows[i], ks[j], i % 2 == 0 ? 13 : 64);
	check_assign_oddities();
}

static int
compare_keys(const void *a, const void *b)
{
	uint64_t	x = *(const uint64_t *) a;
	uint64_t	y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

/* The smallest keys come to the front, and with sorting to their places; no key is lost. */
static void
check_keys(size_t n, size_t wanted, bool sort)
{
	uint64_t   *keys = allocate((n + 1) * sizeof(uint64_t));
	uint64_t   *sorted = allocate((n + 1) * sizeof(uint64_t));
	size_t		front = wanted < n ? wanted : n;

	for (size_t i = 0; i < n; i++)
		sorted[i] = keys[i] = cluster_key((float) (random_u32() % 50) - 25, (uint32_t) i);
	qsort(sorted, n, sizeof(uint64_t), compare_keys);
	if (sort)
		cluster_sort_first(keys, n, wanted);
	else
		cluster_select_first(keys, n, wanted);
	if (!sort)
		qsort(keys, front, sizeof(uint64_t), compare_keys);
	CHECK(memcmp(keys, sorted, front * sizeof(uint64_t)) == 0, "the first %zu of %zu keys",
		  wanted, n);
	qsort(keys, n, sizeof(uint64_t), compare_keys);
	CHECK(memcmp(keys, sorted, n * sizeof(uint64_t)) == 0, "all of %zu keys", n);
	free(keys);
	free(sorted);
}

int
main(void)
{
	const uint32_t ks[] = {1, 2, 11, 64, 65, 1000};

	distance_select(DISTANCE_AUTO);
	if (cluster_blas_load())
		check_assigning();
	else
		printf("# %s\n", cluster_blas_describe());
	cluster_blas_select(CLUSTER_BLAS_KERNELS);
	CHECK(!cluster_blas_load(), "OpenBLAS is turned off");
	check_assigning();
	for (size_t i = 0; i < sizeof(ks) / sizeof(ks[0]); i++)
		for (int order = -1; order <= 1; order++)
			for (int product = 0; product < 2; product++)
				check_rank(ks[i], 17, order, product);
	for (size_t n = 0; n < 40; n++)
		for (size_t wanted = 0; wanted <= n + 1; wanted++)
			check_keys(n, wanted, wanted % 2 == 0);
	check_keys(5000, 300, true);
	check_keys(5000, 300, false);
	check_coded(5003, 24, 5003);
	if (LONG_TESTS)
	{
		check_coded(4097, 200, 60);
		check_coded(8192, 128, 8192);
	}
	return check_end("cluster_test");
}
