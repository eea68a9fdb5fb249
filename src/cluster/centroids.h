/*
 * centroids.h - the nearest centroid of many vectors, and the nearest centroids of one
 *
 * Vectors are rows of `dims` float32, one after the other.  "Nearest" means by squared Euclidean
 * distance; among centroids of length 1 this is also the order of cosine distances and of inner
 * products.  Among centroids at equal distance, equal vectors always get the same one.  Vectors
 * that are not finite get any centroid.
 */
#ifndef VECTOR_CLUSTER_CENTROIDS_H
#define VECTOR_CLUSTER_CENTROIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Vectors in memory: n of them, every stride-th from `points` on. */
typedef struct ClusterRows
{
	const float *points;
	size_t		n;
	size_t		stride;
} ClusterRows;

/* Centroids and what is computed once for assigning to them. */
typedef struct ClusterCentroids
{
	const float *points;		/* k x dims */
	const float *half_norms;	/* |c|^2 / 2, k of them */
	uint32_t	k;				/* at least 1 */
	uint32_t	dims;
} ClusterCentroids;

/* Fills half_norms, room for k floats, and refers to both arrays. */
extern void cluster_centroids_init(ClusterCentroids *centroids, const float *points, uint32_t k,
								   uint32_t dims, float *half_norms);

/* Bytes of scratch that cluster_assign and cluster_score need. */
extern size_t cluster_assign_scratch(const ClusterCentroids *centroids, uint32_t threads);

/*
 * Writes the nearest centroid of each row to lists and, unless NULL, its exact squared distance to
 * distances.  OpenBLAS computes the products if cluster_blas_load has loaded it.  Batches of a few
 * hundred rows for each thread are as fast as one large call.  A row's result does not depend on
 * the number of threads.
 */
extern void cluster_assign(const ClusterCentroids *centroids, const ClusterRows *rows,
						   uint32_t threads, void *scratch, uint32_t *lists, float *distances);

/* Likewise with |c|^2 / 2 - <x, c> in place of distances. */
extern void cluster_score(const ClusterCentroids *centroids, const ClusterRows *rows,
						  uint32_t threads, void *scratch, uint32_t *lists, float *scores);

/*
 * Centroids wherever they are stored: `open` returns the address of the l-th, and how many follow
 * it contiguously.  The address is valid until the next call.
 */
typedef struct ClusterPoints
{
	uint32_t	k;
	uint32_t	dims;
	size_t		(*open) (void *arg, uint32_t l, const float **at);
	void	   *arg;
} ClusterPoints;

/* Centroids in memory, by reference. */
extern ClusterPoints cluster_points(const ClusterCentroids *centroids);

/* Computes the mean of centroids, and |c|^2 / 2 of each. */
extern void cluster_measure(const ClusterPoints *points, float *mean, float *half_norms);

typedef struct ClusterQuery
{
	const float *vector;
	bool		product;		/* by dot products, instead of by distances */
} ClusterQuery;

/*
 * The n centroids (at most k) nearest to a query: their numbers and squared distances, ascending,
 * at equal distance the lower number first; or those with the greatest dot products, whose signs
 * are changed.
 */
typedef struct ClusterRanking
{
	uint32_t	n;
	uint32_t   *lists;			/* room for n */
	float	   *values;			/* likewise */
} ClusterRanking;

/* Scratch has room for k uint64_t.  Does not use OpenBLAS. */
extern void cluster_rank(const ClusterPoints *points, const ClusterQuery *query,
						 uint64_t *scratch, const ClusterRanking *ranking);

#endif							/* VECTOR_CLUSTER_CENTROIDS_H */
