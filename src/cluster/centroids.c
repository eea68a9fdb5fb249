/*
 * centroids.c - blocks of products and their minima, and ranking
 */
#include "cluster/centroids.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "cluster/blas.h"
#include "cluster/keys.h"
#include "cluster/threads.h"
#include "distance/distance.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* Rows of a block: their products with the centroids of one call fill a megabyte. */
#define BLOCK_ROWS		256

/* Scores whose minimum is computed at once, before its place is looked for. */
#define STRIP			64
#define STRIP_LANES		4

#define RANK_BLOCK		64

typedef float Floats __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t Masks __attribute__((vector_size(16), aligned(4), may_alias));

/* A call's arguments, for its threads, and the next row that no thread has taken. */
typedef struct Assignment
{
	const ClusterCentroids *centroids;
	ClusterRows rows;
	char	   *scratch;
	size_t		thread_scratch;
	uint32_t   *lists;
	float	   *scores;			/* this or distances, or neither */
	float	   *distances;
	_Atomic size_t next;
} Assignment;

void
cluster_centroids_init(ClusterCentroids *centroids, const float *points, uint32_t k, uint32_t dims,
					   float *half_norms)
{
	for (uint32_t i = 0; i < k; i++)
	{
		const float *c = points + (size_t) i * dims;

		half_norms[i] = 0.5f * distance_kernels->f32_dot(c, c, dims);
	}
	*centroids = (ClusterCentroids) {points, half_norms, k, dims};
}

/* Bytes for a block's products, and for its rows if they must be gathered; for each thread. */
static size_t
thread_scratch_size(uint32_t k, uint32_t dims)
{
	size_t		columns = k < CLUSTER_DOTS_COLUMNS ? k : CLUSTER_DOTS_COLUMNS;

	return sizeof(float) * BLOCK_ROWS * (columns + dims);
}

size_t
cluster_assign_scratch(const ClusterCentroids *centroids, uint32_t threads)
{
	return thread_scratch_size(centroids->k, centroids->dims) * threads;
}

/* In each lane, a if it is less than b, else b. */
static inline Floats
lesser(Floats a, Floats b)
{
#if defined(__SSE__)
	return _mm_min_ps(a, b);
#else
	Masks		less = a < b;

	return (Floats) (((Masks) a & less) | ((Masks) b & ~less));
#endif
}

/* The smallest of STRIP scores that is not NaN; `above` if none is less. */
static float
strip_minimum(const float *half_norms, const float *dots, float above)
{
	Floats		least[2] = {{above, above, above, above}, {above, above, above, above}};

	for (int i = 0; i < STRIP; i += 2 * STRIP_LANES)
		for (int j = 0; j < 2; j++)
		{
			const float *h = half_norms + i + j * STRIP_LANES;
			const float *d = dots + i + j * STRIP_LANES;

			least[j] = lesser(*(const Floats *) h - *(const Floats *) d, least[j]);
		}
	least[0] = lesser(least[0], least[1]);
	for (int i = 0; i < STRIP_LANES; i++)
		above = least[0][i] < above ? least[0][i] : above;
	return above;
}

/*
 * The place of the smallest of n scores if that is less than *best, which is then updated; n if
 * none is.  Of equal scores, the first.
 */
static size_t
least_score(const float *half_norms, const float *dots, size_t n, float *best)
{
	size_t		place = n;
	size_t		strip = n;
	size_t		i = 0;

	for (; i + STRIP <= n; i += STRIP)
	{
		float		least = strip_minimum(half_norms + i, dots + i, *best);

		if (least < *best)
		{
			*best = least;
			strip = i;
		}
	}
	for (size_t j = 0; strip < n && j < STRIP; j++)
		if (half_norms[strip + j] - dots[strip + j] <= *best)
		{
			place = strip + j;
			break;
		}
	for (; i < n; i++)
		if (half_norms[i] - dots[i] < *best)
		{
			*best = half_norms[i] - dots[i];
			place = i;
		}
	return place;
}

static void
nearest_of_block(const ClusterCentroids *centroids, const float *rows, size_t n, float *dots,
				 uint32_t *lists, float *scores)
{
	uint32_t	dims = centroids->dims;

	for (size_t i = 0; i < n; i++)
	{
		lists[i] = 0;
		scores[i] = INFINITY;
	}
	for (uint32_t start = 0; start < centroids->k; start += CLUSTER_DOTS_COLUMNS)
	{
		uint32_t	columns = centroids->k - start < CLUSTER_DOTS_COLUMNS ?
			centroids->k - start : CLUSTER_DOTS_COLUMNS;

		cluster_dots(rows, n, centroids->points + (size_t) start * dims, columns, dims, dots);
		for (size_t i = 0; i < n; i++)
		{
			size_t		place = least_score(centroids->half_norms + start, dots + i * columns,
											columns, &scores[i]);

			if (place < columns)
				lists[i] = start + (uint32_t) place;
		}
	}
}

static void
assign_block(const Assignment *job, uint32_t thread, size_t start)
{
	uint32_t	dims = job->centroids->dims;
	size_t		stride = job->rows.stride;
	size_t		left = job->rows.n - start;
	size_t		n = left < BLOCK_ROWS ? left : BLOCK_ROWS;
	float	   *gathered = (float *) (job->scratch + thread * job->thread_scratch);
	float	   *dots = gathered + (size_t) BLOCK_ROWS * dims;
	const float *rows = job->rows.points + start * stride * dims;
	uint32_t   *lists = job->lists + start;
	float		scores[BLOCK_ROWS];

	if (stride > 1)
	{
		for (size_t i = 0; i < n; i++)
			memcpy(gathered + i * dims, rows + i * stride * dims, dims * sizeof(float));
		rows = gathered;
	}
	nearest_of_block(job->centroids, rows, n, dots, lists, scores);
	if (job->scores != NULL)
		memcpy(job->scores + start, scores, n * sizeof(float));
	if (job->distances != NULL)
		for (size_t i = 0; i < n; i++)
			job->distances[start + i] = distance_kernels->f32_l2sq(
				rows + i * dims, job->centroids->points + (size_t) lists[i] * dims, dims);
}

static void
assign_blocks(void *arg, uint32_t thread)
{
	Assignment *job = arg;
	size_t		start;

	while ((start = atomic_fetch_add_explicit(&job->next, BLOCK_ROWS, memory_order_relaxed)) <
		   job->rows.n)
		assign_block(job, thread, start);
}

/* Runs a job with as many threads as have work. */
static void
run_assignment(Assignment *job, uint32_t threads, void *scratch)
{
	size_t		blocks = (job->rows.n + BLOCK_ROWS - 1) / BLOCK_ROWS;

	if (threads > blocks)
		threads = (uint32_t) blocks;
	if (threads > CLUSTER_MAX_THREADS)
		threads = CLUSTER_MAX_THREADS;
	if (threads < 1 || !cluster_blas_threads())
		threads = 1;
	job->scratch = scratch;
	job->thread_scratch = thread_scratch_size(job->centroids->k, job->centroids->dims);
	cluster_parallel(threads, assign_blocks, job);
}

void
cluster_assign(const ClusterCentroids *centroids, const ClusterRows *rows, uint32_t threads,
			   void *scratch, uint32_t *lists, float *distances)
{
	Assignment	job = {.centroids = centroids, .rows = *rows, .lists = lists,
		.distances = distances};

	run_assignment(&job, threads, scratch);
}

void
cluster_score(const ClusterCentroids *centroids, const ClusterRows *rows, uint32_t threads,
			  void *scratch, uint32_t *lists, float *scores)
{
	Assignment	job = {.centroids = centroids, .rows = *rows, .lists = lists, .scores = scores};

	run_assignment(&job, threads, scratch);
}

static size_t
open_in_memory(void *arg, uint32_t l, const float **at)
{
	const ClusterCentroids *centroids = arg;

	*at = centroids->points + (size_t) l * centroids->dims;
	return centroids->k - l;
}

ClusterPoints
cluster_points(const ClusterCentroids *centroids)
{
	return (ClusterPoints) {centroids->k, centroids->dims, open_in_memory, (void *) centroids};
}

void
cluster_measure(const ClusterPoints *points, float *mean, float *half_norms)
{
	uint32_t	dims = points->dims;
	const float *c;

	memset(mean, 0, sizeof(float) * dims);
	for (uint32_t l = 0; l < points->k; l++)
	{
		(void) points->open(points->arg, l, &c);
		half_norms[l] = 0.5f * distance_kernels->f32_dot(c, c, dims);
		for (uint32_t i = 0; i < dims; i++)
			mean[i] += c[i];
	}
	for (uint32_t i = 0; i < dims; i++)
		mean[i] /= (float) points->k;
}

void
cluster_rank(const ClusterPoints *points, const ClusterQuery *query, uint64_t *scratch,
			 const ClusterRanking *ranking)
{
	uint32_t	dims = points->dims;
	const float *rows[RANK_BLOCK];
	float		block[RANK_BLOCK];
	size_t		count;

	for (uint32_t start = 0; start < points->k; start += (uint32_t) count)
	{
		const float *c;

		count = points->open(points->arg, start, &c);
		if (count > RANK_BLOCK)
			count = RANK_BLOCK;
		for (uint32_t i = 0; i < count; i++)
			rows[i] = c + (size_t) i * dims;
		if (query->product)
			distance_kernels->f32_dot_many(query->vector, rows, count, dims, block);
		else
			distance_kernels->f32_l2sq_many(query->vector, rows, count, dims, block);
		for (uint32_t i = 0; i < count; i++)
			scratch[start + i] = cluster_key(query->product ? -block[i] : block[i], start + i);
	}
	cluster_sort_first(scratch, points->k, ranking->n);
	for (uint32_t i = 0; i < ranking->n; i++)
	{
		ranking->lists[i] = cluster_key_number(scratch[i]);
		ranking->values[i] = cluster_key_value(scratch[i]);
	}
}
