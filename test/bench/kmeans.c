/*
 * kmeans.c - k-means on the vectors of a file, for kmeans.py
 *
 * usage: kmeans POINTS DIMENSIONS LISTS ITERATIONS THREADS CENTROIDS [OPTION ...]
 *
 * POINTS and CENTROIDS are files of raw float32.  Options: spherical, plain (one level, all
 * points in every iteration), balance=FACTOR, seed=NUMBER, kernels (without OpenBLAS), rank (rank
 * the centroids, too, and do both by codes of them).
 * Prints a name and a number a line: seconds of the training, seconds of assigning all points, the
 * longest list relative to the mean; microseconds of ranking, of assigning a point by codes, and
 * what part of the nearest is found.
 */
#include <stdbool.h>
#include <string.h>

#include "bench.h"
#include "cluster/blas.h"
#include "cluster/coded.h"
#include "cluster/kmeans.h"
#include "distance/distance.h"

#define BATCH		1024
#define RANK_ROUNDS	1000

static void *
allocate(void *arg, size_t size)
{
	(void) arg;
	return malloc(size);
}

static void
release(void *arg, void *p)
{
	(void) arg;
	free(p);
}

/* In batches, as an index does; prints the time and the longest list. */
static void
bench_assign(const ClusterCentroids *c, const float *points, size_t n, uint32_t threads)
{
	void	   *scratch = must(malloc(cluster_assign_scratch(c, threads)));
	size_t	   *counts = must(calloc(c->k, sizeof(size_t)));
	size_t		batch = (size_t) BATCH * threads;
	uint32_t   *lists = must(malloc(batch * sizeof(uint32_t)));
	size_t		longest = 0;
	double		start = now();

	for (size_t i = 0; i < n; i += batch)
	{
		size_t		count = n - i < batch ? n - i : batch;

		cluster_assign(c, &(ClusterRows) {points + i * c->dims, count, 1}, threads, scratch, lists,
					   NULL);
		for (size_t j = 0; j < count; j++)
			counts[lists[j]]++;
	}
	printf("assign\t%.4f\n", now() - start);
	for (uint32_t i = 0; i < c->k; i++)
		longest = counts[i] > longest ? counts[i] : longest;
	printf("longest\t%.2f\n", (double) longest * c->k / (double) n);
	free(scratch);
	free(counts);
	free(lists);
}

/* Ranking by comparing all centroids and by codes of them, in turns, and assigning by codes. */
static void
bench_rank(const ClusterCentroids *c, const float *points, size_t n, uint32_t wanted)
{
	uint64_t   *scratch = must(malloc(c->k * sizeof(uint64_t)));
	ClusterPoints centroids = cluster_points(c);
	float	   *mean = must(malloc(c->dims * sizeof(float)));
	float	   *half_norms = must(malloc(c->k * sizeof(float)));
	ClusterCodes codes;
	double		start = now();
	void	   *coded_scratch;
	double		exact = 0;
	double		coded = 0;
	double		assigned = 0;
	size_t		found = 0;
	uint32_t   *lists = must(malloc(2 * c->k * sizeof(uint32_t)));
	float	   *distances = must(malloc(c->k * sizeof(float)));

	cluster_measure(&centroids, mean, half_norms);
	cluster_codes_init(&codes, &centroids, mean, half_norms,
					   must(calloc(1, cluster_codes_size(&centroids))));
	printf("codes_ms\t%.2f\n", (now() - start) * 1e3);
	coded_scratch = must(malloc(cluster_codes_scratch(&codes)));
	for (size_t i = 0; i < RANK_ROUNDS; i++)
	{
		const float *query = points + i * 7919 % n * c->dims;
		ClusterQuery asked = {query, false};
		double		times[4];

		times[0] = now();
		cluster_rank(&centroids, &asked, scratch,
					 &(ClusterRanking) {wanted, lists, distances});
		times[1] = now();
		cluster_codes_rank(&codes, &centroids, &asked, coded_scratch,
						   &(ClusterRanking) {wanted, lists + c->k, distances});
		times[2] = now();
		for (uint32_t j = 0; j < wanted; j++)
			for (uint32_t l = 0; l < wanted; l++)
				found += lists[j] == lists[c->k + l];
		times[3] = now();
		cluster_codes_assign(&codes, &centroids, &(ClusterRows) {query, 1, 1}, coded_scratch, lists,
							 distances);
		exact += times[1] - times[0];
		coded += times[2] - times[1];
		assigned += now() - times[3];
	}
	printf("rank_us\t%.2f\ncoded_rank_us\t%.2f\n", exact * 1e6 / RANK_ROUNDS,
		   coded * 1e6 / RANK_ROUNDS);
	printf("coded_assign_us\t%.2f\n", assigned * 1e6 / RANK_ROUNDS);
	printf("found\t%.4f\n", (double) found / RANK_ROUNDS / wanted);
}

int
main(int argc, char **argv)
{
	KmeansOptions options = {.seed = 1, .memory = {allocate, release, NULL}};
	bool		rank = false;
	ClusterCentroids c;
	float	   *points;
	float	   *centroids;
	FILE	   *file;
	double		start;
	size_t		n;
	uint32_t	done;

	if (argc < 7)
	{
		fprintf(stderr, "usage: kmeans POINTS DIMENSIONS LISTS ITERATIONS THREADS CENTROIDS "
				"[OPTION ...]\n");
		return 2;
	}
	options.dims = (uint32_t) atoi(argv[2]);
	options.k = (uint32_t) atoi(argv[3]);
	options.iterations = (uint32_t) atoi(argv[4]);
	options.threads = (uint32_t) atoi(argv[5]);
	distance_select(DISTANCE_AUTO);
	for (int i = 7; i < argc; i++)
	{
		if (strcmp(argv[i], "spherical") == 0)
			options.spherical = true;
		else if (strcmp(argv[i], "plain") == 0)
			options.plain = true;
		else if (strncmp(argv[i], "balance=", 8) == 0)
			options.balance = (float) atof(argv[i] + 8);
		else if (strncmp(argv[i], "seed=", 5) == 0)
			options.seed = (uint64_t) atoll(argv[i] + 5);
		else if (strcmp(argv[i], "kernels") == 0)
			cluster_blas_select(CLUSTER_BLAS_KERNELS);
		else if (strcmp(argv[i], "rank") == 0)
			rank = true;
	}
	points = read_points(argv[1], options.dims, &n);
	centroids = must(malloc((size_t) options.k * options.dims * sizeof(float)));
	cluster_blas_load();

	start = now();
	if (!kmeans_train(points, n, &options, centroids, NULL, &done))
		return 1;
	printf("train\t%.4f\n", now() - start);
	printf("iterations\t%u\n", done);
	cluster_centroids_init(&c, centroids, options.k, options.dims,
						   must(malloc(options.k * sizeof(float))));
	bench_assign(&c, points, n, options.threads);
	if (rank)
		for (uint32_t wanted = 1; wanted <= options.k / CLUSTER_CODED_PART; wanted *= 4)
		{
			printf("nearest\t%u\n", wanted);
			bench_rank(&c, points, n, wanted);
		}
	file = must(fopen(argv[6], "wb"));
	fwrite(centroids, sizeof(float) * options.dims, options.k, file);
	return fclose(file) != 0;
}
