/*
 * kmeans_test.c - training of centroids, compared with plain code, with and without OpenBLAS
 */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cluster/blas.h"
#include "cluster/kmeans.h"
#include "distance/distance.h"
#include "points.h"

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

static KmeansOptions
options_of(uint32_t dims, uint32_t k)
{
	heap = (Heap) {.left = 8};
	return (KmeansOptions) {.dims = dims, .k = k, .iterations = 10, .seed = 1, .threads = 1,
		.memory = {heap_allocate, heap_release, &heap}};
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
 * many lists have no points.
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

/* Marks the lists that a point may be in or not, because of the rounding of float32. */
static void
mark_contested(const float *points, size_t n, const float *centroids, uint32_t k, uint32_t dims,
			   bool *contested)
{
	memset(contested, 0, k * sizeof(bool));
	for (size_t i = 0; i < n; i++)
	{
		const float *x = points + i * dims;
		double		least;
		uint32_t	list = nearest(x, centroids, k, dims, &least);

		for (uint32_t j = 0; j < k; j++)
			if (j != list &&
				distance(x, centroids + (size_t) j * dims, dims) <= least * (1 + 1e-5))
				contested[j] = contested[list] = true;
	}
}

/* Each further iteration equals a plain one: the seed makes the iterations before it the same. */
static void
check_reference(uint32_t k, uint32_t dims, size_t n)
{
	float	   *points = make_points(n, dims, 3);
	float	   *plain = allocate((size_t) k * dims * sizeof(float));
	float	   *centroids = allocate((size_t) k * dims * sizeof(float));
	bool	   *contested = allocate(k * sizeof(bool));
	KmeansOptions options = options_of(dims, k);

	options.plain = true;
	options.iterations = 0;
	CHECK(train(points, n, &options, centroids, NULL, NULL), "trained");
	for (uint32_t iterations = 1; iterations <= 5; iterations++)
	{
		double		off = 0;
		uint32_t	compared = 0;
		uint32_t	empty;

		memcpy(plain, centroids, (size_t) k * dims * sizeof(float));
		mark_contested(points, n, plain, k, dims, contested);
		empty = plain_iteration(points, n, plain, k, dims);
		options.iterations = iterations;
		CHECK(train(points, n, &options, centroids, NULL, NULL), "trained");
		for (uint32_t l = 0; l < k; l++)
		{
			compared += !contested[l];
			for (uint32_t i = l * dims; i < (l + 1) * dims && !contested[l]; i++)
				off = fmax(off, fabs((double) centroids[i] - (double) plain[i]));
		}
		CHECK(off < 1e-3, "%g off after %u iterations, k %u", off, iterations, k);
		CHECK(compared > k / 2, "only %u of %u lists can be compared", compared, k);
		CHECK(empty == 0, "the points leave %u of %u lists empty", empty, k);
	}
	free(points);
	free(plain);
	free(centroids);
	free(contested);
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
	check_repeatable(50, 9000);
	if (LONG_TESTS)
		check_repeatable(1600, 8000);
	check_interrupt();
	if (!ONE_THREAD)
		return;
	check_inertia();
	check_reference(5, 6, 400);
	check_reference(33, 50, 2500);
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
	if (LONG_TESTS)
	{
		check_balance(20000, 300, 2, 2);
		check_levels();
	}
}

int
main(void)
{
	distance_select(DISTANCE_AUTO);
	check_signals();
	if (cluster_blas_load())
		check_all();
	else
		printf("# %s\n", cluster_blas_describe());
	cluster_blas_select(CLUSTER_BLAS_KERNELS);
	CHECK(!cluster_blas_load(), "OpenBLAS is turned off");
	check_all();
	return check_end("kmeans_test");
}
