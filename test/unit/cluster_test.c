/*
 * cluster_test.c - k-means, assigning and ranking, compared with plain code, with and without
 * OpenBLAS
 */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cluster/blas.h"
#include "cluster/coded.h"
#include "cluster/kmeans.h"
#include "distance/distance.h"
#include "random.h"

#define MAX_ITERATIONS	50

/* What a training has allocated, and how many allocations may succeed. */
typedef struct Heap
{
	void	   *blocks[8];
	size_t		largest;
	int			count;
	int			left;
} Heap;

static Heap heap;

static void *
heap_allocate(void *arg, size_t size)
{
	Heap	   *h = arg;

	if (h->left-- <= 0)
		return NULL;
	h->largest = size > h->largest ? size : h->largest;
	return h->blocks[h->count++] = malloc(size);
}

static void
heap_release(void *arg, void *p)
{
	Heap	   *h = arg;

	for (int i = 0; i < h->count; i++)
		if (h->blocks[i] == p)
			h->blocks[i] = h->blocks[--h->count];
	free(p);
}

static void *
allocate(size_t size)
{
	void	   *p = malloc(size > 0 ? size : 1);

	if (p == NULL)
		abort();
	return p;
}

static KmeansOptions
options_of(uint32_t dims, uint32_t k)
{
	heap = (Heap) {.left = 8};
	return (KmeansOptions) {.dims = dims, .k = k, .iterations = 10, .seed = 1, .threads = 1,
		.memory = {heap_allocate, heap_release, &heap}};
}

/* Points around this many places. */
static float *
make_points(size_t n, uint32_t dims, uint32_t places)
{
	float	   *points = allocate(n * dims * sizeof(float));
	float	   *centres = allocate((size_t) places * dims * sizeof(float));

	for (size_t i = 0; i < (size_t) places * dims; i++)
		centres[i] = 4 * random_gaussian();
	for (size_t i = 0; i < n; i++)
	{
		const float *centre = centres + (size_t) (random_u32() % places) * dims;

		for (uint32_t d = 0; d < dims; d++)
			points[i * dims + d] = centre[d] + random_gaussian();
	}
	free(centres);
	return points;
}

static double
distance(const float *a, const float *b, uint32_t dims)
{
	double		sum = 0;

	for (uint32_t i = 0; i < dims; i++)
		sum += ((double) a[i] - (double) b[i]) * ((double) a[i] - (double) b[i]);
	return sum;
}

static uint32_t
nearest(const float *x, const float *centroids, uint32_t k, uint32_t dims, double *least)
{
	uint32_t	best = 0;

	*least = INFINITY;
	for (uint32_t i = 0; i < k; i++)
	{
		double		d = distance(x, centroids + (size_t) i * dims, dims);

		if (d < *least)
		{
			*least = d;
			best = i;
		}
	}
	return best;
}

static double
inertia_of(const float *points, size_t n, const float *centroids, uint32_t k, uint32_t dims)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
	{
		double		least;

		nearest(points + i * dims, centroids, k, dims, &least);
		sum += least;
	}
	return sum;
}

static bool
train(const float *points, size_t n, const KmeansOptions *options, float *centroids,
	  double *inertia, uint32_t *done)
{
	bool		trained = kmeans_train(points, n, options, centroids, inertia, done);

	CHECK(heap.count == 0, "%d blocks are left", heap.count);
	CHECK(!trained || heap.largest == kmeans_memory(options, n), "%zu bytes", heap.largest);
	for (size_t i = 0; trained && i < (size_t) options->k * options->dims; i++)
		if (!isfinite(centroids[i]))
		{
			CHECK(false, "centroid %zu", i / options->dims);
			break;
		}
	return trained;
}

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

/* Inertia never rises, and ends where plain iterations from the same centroids end. */
static void
check_inertia(void)
{
	const uint32_t dims = 20;
	const uint32_t k = 24;
	const size_t n = 3000;
	float	   *points = make_points(n, dims, k / 2);
	float	   *centroids = allocate(k * dims * sizeof(float));
	double		inertia[MAX_ITERATIONS];
	KmeansOptions options = options_of(dims, k);
	uint32_t	done = 0;

	options.plain = true;
	options.iterations = MAX_ITERATIONS;
	CHECK(train(points, n, &options, centroids, inertia, &done), "trained");
	CHECK(done > 1 && done < MAX_ITERATIONS, "%u iterations", done);
	for (uint32_t i = 1; i < done; i++)
		CHECK(inertia[i] <= inertia[i - 1] * (1 + 1e-6), "%u: %g after %g", i, inertia[i],
			  inertia[i - 1]);
	CHECK(fabs(inertia[done - 1] / inertia_of(points, n, centroids, k, dims) - 1) < 1e-5,
		  "%g", inertia[done - 1]);
	/* the spread around a place is 1 in each dimension */
	CHECK(inertia[done - 1] < 1.6 * (double) n * dims, "%g", inertia[done - 1]);
	free(points);
	free(centroids);
}

/*
 * One iteration of Lloyd's algorithm in plain code; centroids without points stay.  Returns how
 * many lists have points.
 */
static uint32_t
plain_iteration(const float *points, size_t n, float *centroids, uint32_t k, uint32_t dims)
{
	double	   *sums = allocate((size_t) k * dims * sizeof(double));
	size_t	   *counts = allocate(k * sizeof(size_t));
	uint32_t	empty = 0;

	memset(sums, 0, (size_t) k * dims * sizeof(double));
	memset(counts, 0, k * sizeof(size_t));
	for (size_t i = 0; i < n; i++)
	{
		double		least;
		uint32_t	list = nearest(points + i * dims, centroids, k, dims, &least);

		counts[list]++;
		for (uint32_t d = 0; d < dims; d++)
			sums[list * dims + d] += (double) points[i * dims + d];
	}
	for (uint32_t i = 0; i < k * dims; i++)
		if (counts[i / dims] > 0)
			centroids[i] = (float) (sums[i] / (double) counts[i / dims]);
	for (uint32_t i = 0; i < k; i++)
		empty += counts[i] == 0;
	free(sums);
	free(counts);
	return empty;
}

/* Further iterations equal as many plain iterations: the seed makes the start the same. */
static void
check_reference(uint32_t k, uint32_t dims, size_t n)
{
	float	   *points = make_points(n, dims, 3);
	float	   *plain = allocate((size_t) k * dims * sizeof(float));
	float	   *centroids = allocate((size_t) k * dims * sizeof(float));
	KmeansOptions options = options_of(dims, k);

	options.plain = true;
	options.iterations = 0;
	CHECK(train(points, n, &options, plain, NULL, NULL), "trained");
	for (uint32_t iterations = 1; iterations <= 5; iterations++)
	{
		double		off = 0;
		uint32_t	empty = 0;

		options.iterations = iterations;
		CHECK(train(points, n, &options, centroids, NULL, NULL), "trained");
		empty += plain_iteration(points, n, plain, k, dims);
		for (uint32_t i = 0; i < k * dims; i++)
			off = fmax(off, fabs((double) centroids[i] - (double) plain[i]));
		CHECK(off < 1e-3, "%g off after %u iterations, k %u", off, iterations, k);
		CHECK(empty == 0, "the points leave %u of %u lists empty", empty, k);
	}
	free(points);
	free(plain);
	free(centroids);
}

/* The same seed gives the same bits with any number of threads; another seed gives others. */
static void
check_repeatable(uint32_t k, size_t n)
{
	const uint32_t dims = 16;
	float	   *points = make_points(n, dims, 40);
	size_t		size = (size_t) k * dims * sizeof(float);
	float	   *first = allocate(size);
	float	   *again = allocate(size);
	KmeansOptions options = options_of(dims, k);

	options.balance = 3;
	options.iterations = 6;
	CHECK(train(points, n, &options, first, NULL, NULL), "trained");
	CHECK(train(points, n, &options, again, NULL, NULL), "trained");
	CHECK(memcmp(first, again, size) == 0, "k %u: the same seed", k);
	options.threads = 3;
	CHECK(train(points, n, &options, again, NULL, NULL), "trained");
	CHECK(memcmp(first, again, size) == 0, "k %u: threads", k);
	options.seed = 2;
	CHECK(train(points, n, &options, again, NULL, NULL), "trained");
	CHECK(memcmp(first, again, size) != 0, "k %u: another seed", k);
	free(points);
	free(first);
	free(again);
}

/* Counts the lists that have points. */
static uint32_t
lists_used(const float *points, size_t n, const float *centroids, uint32_t k, uint32_t dims,
		   size_t *longest)
{
	size_t	   *counts = allocate(k * sizeof(size_t));
	uint32_t	used = 0;

	memset(counts, 0, k * sizeof(size_t));
	for (size_t i = 0; i < n; i++)
	{
		double		least;

		counts[nearest(points + i * dims, centroids, k, dims, &least)]++;
	}
	*longest = 0;
	for (uint32_t i = 0; i < k; i++)
	{
		used += counts[i] > 0;
		*longest = counts[i] > *longest ? counts[i] : *longest;
	}
	free(counts);
	return used;
}

/* n points, `different` of them distinct: as many lists are used, and no centroid is a copy. */
static void
check_few(size_t n, size_t different, uint32_t k, bool spherical)
{
	const uint32_t dims = 9;
	float	   *points = make_points(n, dims, 4);
	float	   *centroids = allocate((size_t) k * dims * sizeof(float));
	KmeansOptions options = options_of(dims, k);
	uint32_t	expected = n == 0 ? 0 : different < k ? (uint32_t) different : k;
	uint32_t	copies = 0;
	size_t		longest;

	for (size_t i = 0; i < n; i++)
	{
		double		norm = sqrt((double) distance_kernels->f32_dot(points + i * dims,
																   points + i * dims, dims));

		for (uint32_t d = 0; d < dims && spherical; d++)
			points[i * dims + d] /= (float) norm;
		if (i >= different)
			memcpy(points + i * dims, points + i % different * dims, dims * sizeof(float));
	}
	options.spherical = spherical;
	options.balance = 3;
	CHECK(train(points, n, &options, centroids, NULL, NULL), "trained");
	CHECK(lists_used(points, n, centroids, k, dims, &longest) == expected,
		  "%zu points, %zu different, k %u", n, different, k);
	if (different <= k)
		CHECK(inertia_of(points, n, centroids, k, dims) < 1e-6 * (double) (n + 1),
			  "%zu points, %zu different, k %u", n, different, k);
	for (uint32_t i = 0; i < k; i++)
		for (uint32_t j = 0; j < i; j++)
			copies += memcmp(centroids + i * dims, centroids + j * dims,
							 dims * sizeof(float)) == 0;
	CHECK(copies == 0, "%u copies, %zu points, %zu different, k %u", copies, n, different, k);
	free(points);
	free(centroids);
}

static void
check_all_zero(void)
{
	float		points[100] = {0};
	float		centroids[30];
	KmeansOptions options = options_of(10, 3);

	options.spherical = true;
	CHECK(train(points, 10, &options, centroids, NULL, NULL), "trained");
}

static void
check_spherical(void)
{
	const uint32_t dims = 33;
	const uint32_t k = 20;
	const size_t n = 2000;
	float	   *points = make_points(n, dims, 30);
	float	   *centroids = allocate(k * dims * sizeof(float));
	double		inertia[MAX_ITERATIONS];
	KmeansOptions options = options_of(dims, k);
	uint32_t	done;

	options.spherical = true;
	options.plain = true;
	CHECK(train(points, n, &options, centroids, inertia, &done), "trained");
	for (uint32_t i = 0; i < k; i++)
	{
		const float *c = centroids + i * dims;

		CHECK(fabsf(distance_kernels->f32_dot(c, c, dims) - 1) < 1e-5f, "centroid %u", i);
	}
	for (uint32_t i = 1; i < done; i++)
		CHECK(inertia[i] <= inertia[i - 1] * (1 + 1e-6), "%u: %g after %g", i, inertia[i],
			  inertia[i - 1]);
	free(points);
	free(centroids);
}

/* Points most of which are in one of many places: no list exceeds the limit. */
static void
check_balance(size_t n, uint32_t k, float balance, uint32_t iterations)
{
	const uint32_t dims = 12;
	float	   *points = make_points(n, dims, 50);
	float	   *centroids = allocate((size_t) k * dims * sizeof(float));
	KmeansOptions options = options_of(dims, k);
	size_t		longest;
	size_t		unlimited;

	options.iterations = iterations;
	for (size_t i = 0; i < n * dims; i++)
		if (i / dims % 10 < 7)
			points[i] = points[i] * 0.02f + 3;
	CHECK(train(points, n, &options, centroids, NULL, NULL), "trained");
	lists_used(points, n, centroids, k, dims, &unlimited);
	options.balance = balance;
	CHECK(train(points, n, &options, centroids, NULL, NULL), "trained");
	CHECK(lists_used(points, n, centroids, k, dims, &longest) == k, "k %u", k);
	CHECK((double) longest <= (double) balance * (double) n / k + 1,
		  "%zu, without limit %zu, of %zu, k %u, %u iterations", longest, unlimited, n, k,
		  iterations);
	CHECK((double) unlimited > (double) balance * (double) n / k, "the points need no limit");
	free(points);
	free(centroids);
}

/* Two levels are about as good as one. */
static void
check_levels(void)
{
	const uint32_t dims = 8;
	const uint32_t k = 1600;
	const size_t n = 8000;
	float	   *points = make_points(n, dims, 100);
	float	   *centroids = allocate((size_t) k * dims * sizeof(float));
	float	   *sample = allocate((size_t) k * dims * sizeof(float));
	KmeansOptions options = options_of(dims, k);
	double		trained;
	double		sampled;
	size_t		longest;

	CHECK(train(points, n, &options, centroids, NULL, NULL), "trained");
	trained = inertia_of(points, n, centroids, k, dims);
	for (uint32_t i = 0; i < k; i++)
		memcpy(sample + i * dims, points + n / k * i * dims, dims * sizeof(float));
	for (int i = 0; i < 3; i++)
		plain_iteration(points, n, sample, k, dims);
	sampled = inertia_of(points, n, sample, k, dims);
	CHECK(trained < sampled, "%g, plain iterations %g", trained, sampled);
	CHECK(lists_used(points, n, centroids, k, dims, &longest) == k, "%u lists", k);
	free(points);
	free(centroids);
	free(sample);
}

static jmp_buf escape;
static int	calls_left;
static uint32_t progressed;

static void
leave(void *arg)
{
	(void) arg;
	if (calls_left-- == 0)
		longjmp(escape, 1);
}

static void
count_progress(void *arg, uint32_t iteration, double inertia)
{
	(void) arg;
	CHECK(iteration == progressed && inertia > 0, "%u: %g", iteration, inertia);
	progressed++;
}

/* The caller may leave from any call of interrupt; its memory knows what was allocated. */
static void
check_interrupt(void)
{
	const uint32_t dims = 16;
	const uint32_t k = 20;
	const size_t n = 9000;
	float	   *points = make_points(n, dims, 30);
	float	   *centroids = allocate(k * dims * sizeof(float));
	KmeansOptions options = options_of(dims, k);
	volatile int left = 0;
	volatile int calls = 0;

	options.interrupt = leave;
	options.progress = count_progress;
	options.threads = 2;
	options.balance = 3;
	for (;; calls++)
	{
		calls_left = calls;
		progressed = 0;
		heap.left = 8;
		if (setjmp(escape) == 0)
		{
			CHECK(train(points, n, &options, centroids, NULL, NULL), "trained");
			break;
		}
		left += heap.count == 1;
		for (; heap.count > 0; heap.count--)
			free(heap.blocks[heap.count - 1]);
	}
	CHECK(calls > 10 && left == calls, "%d interrupts, %d had memory", calls, left);
	CHECK(progressed > 1, "%u iterations", progressed);

	heap.left = 0;
	options.interrupt = NULL;
	CHECK(!train(points, n, &options, centroids, NULL, NULL), "no memory");
	free(points);
	free(centroids);
}

/* A signal's handler runs only in this thread, whose mask is as before. */
static void
check_signals(void)
{
	sigset_t	before;
	sigset_t	after;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	sigaddset(&before, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	cluster_blas_load();
	check_repeatable(7, 600);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int i = 1; i < 32; i++)
		CHECK(sigismember(&before, i) == sigismember(&after, i), "signal %d", i);
}

static void
check_all(void)
{
	const size_t rows[] = {1, 7, 256, 257, 1000};
	const uint32_t ks[] = {1, 3, 63, 64, 130, 1100};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j < sizeof(ks) / sizeof(ks[0]); j++)
			check_assign(rows[i], ks[j], i % 2 == 0 ? 13 : 64);
	check_assign_oddities();
	check_inertia();
	check_reference(5, 6, 400);
	check_reference(33, 50, 2500);
	check_repeatable(50, 9000);
	check_repeatable(1600, 8000);
	check_few(0, 1, 4, false);
	check_few(1, 1, 4, false);
	check_few(1, 1, 1, false);
	check_few(5, 5, 20, false);
	check_few(5, 5, 20, true);
	check_few(20, 20, 20, false);
	check_few(300, 1, 5, false);
	check_few(300, 1, 5, true);
	check_few(3000, 17, 40, false);
	check_few(3000, 40, 40, false);
	check_few(3000, 60, 40, false);
	check_few(3000, 150, 200, false);
	check_few(3000, 1, 200, false);
	check_all_zero();
	check_spherical();
	check_balance(6000, 60, 3, 10);
	check_balance(6000, 60, 2, 1);
	check_balance(20000, 300, 2, 2);
	check_levels();
	check_interrupt();
}

int
main(void)
{
	const uint32_t ks[] = {1, 2, 11, 64, 65, 1000};

	distance_select(DISTANCE_AUTO);
	check_signals();
	if (cluster_blas_load())
		check_all();
	else
		printf("# %s\n", cluster_blas_describe());
	cluster_blas_select(CLUSTER_BLAS_KERNELS);
	CHECK(!cluster_blas_load(), "OpenBLAS is turned off");
	check_all();
	for (size_t i = 0; i < sizeof(ks) / sizeof(ks[0]); i++)
		for (int order = -1; order <= 1; order++)
			for (int product = 0; product < 2; product++)
				check_rank(ks[i], 17, order, product);
	check_coded(5003, 24, 5003);
	check_coded(4097, 200, 60);
	check_coded(8192, 128, 8192);
	return check_end("cluster");
}
