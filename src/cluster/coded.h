/*
 * coded.h - the nearest of many centroids, by codes of them
 *
 * Where there are thousands of centroids, comparing a vector with all of them costs more than
 * searching the lists that are found.  1-bit codes of the centroids, relative to their mean, give
 * lower bounds of all distances in a hundredth of the time, and few centroids are compared.
 * Bounds hold for all but a few centroids in a hundred, so that one that is near may be missed now
 * and then.  Equal vectors get the same answer.
 */
#ifndef VECTOR_CLUSTER_CODED_H
#define VECTOR_CLUSTER_CODED_H

#include <stdbool.h>

#include "cluster/centroids.h"
#include "quantize/rotation.h"

/* Up to so many centroids are better compared one by one, */
#define CLUSTER_CODED_MIN	4096

/* and so are those of which more than this part is wanted. */
#define CLUSTER_CODED_PART	64

typedef struct ClusterCodes
{
	uint32_t	k;
	const float *half_norms;	/* |c|^2 / 2 */
	Rotation	rotation;
	const float *mean;			/* rotated */
	const char *groups;			/* of 32 centroids */
} ClusterCodes;

/* Bytes of memory that cluster_codes_init needs, all zeros. */
extern size_t cluster_codes_size(const ClusterPoints *points);

/*
 * Makes the codes of centroids, whose mean and half norms are known (cluster_measure); refers to
 * the latter and to the memory.
 */
extern void cluster_codes_init(ClusterCodes *codes, const ClusterPoints *points,
							   const float *mean, const float *half_norms, void *memory);

/* Bytes of scratch for one query at a time. */
extern size_t cluster_codes_scratch(const ClusterCodes *codes);

/*
 * Finds n centroids (at most k) that are nearest to a query, as cluster_rank does; or by product
 * those with the greatest dot products, which go to values with the sign changed.
 */
extern void cluster_codes_rank(const ClusterCodes *codes, const ClusterPoints *points,
							   bool product, const float *query, uint32_t n, void *scratch,
							   uint32_t *lists, float *values);

/* The nearest centroid of each of n vectors, and its squared distance. */
extern void cluster_codes_assign(const ClusterCodes *codes, const ClusterPoints *points,
								 const float *vectors, size_t n, void *scratch, uint32_t *lists,
								 float *distances);

#endif							/* VECTOR_CLUSTER_CODED_H */
