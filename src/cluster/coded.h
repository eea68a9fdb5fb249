/*
 * coded.h - the nearest of many centroids, by codes of them
 *
 * With thousands of centroids, comparing a vector with all of them costs more than searching the
 * lists that are found.  1-bit codes of the centroids, relative to their mean, give lower bounds of
 * all distances in a hundredth of the time, and then few centroids have to be compared.  The bounds
 * hold for all but a few centroids in a hundred, so a near centroid may be missed now and then.
 * Equal vectors get the same answer.
 */
#ifndef VECTOR_CLUSTER_CODED_H
#define VECTOR_CLUSTER_CODED_H

#include <stdbool.h>

#include "cluster/centroids.h"
#include "quantize/rotation.h"

/* Up to this many centroids are better compared one by one, */
#define CLUSTER_CODED_MIN	4096

/* and so are centroids of which more than one in this many is wanted. */
#define CLUSTER_CODED_PART	64

typedef struct ClusterCodes
{
	uint32_t	k;
	const float *half_norms;	/* |c|^2 / 2 */
	Rotation	rotation;
	const float *mean;			/* rotated */
	const char *groups;			/* of 32 centroids */
} ClusterCodes;

/* Bytes of memory that cluster_codes_init needs, zeroed. */
extern size_t cluster_codes_size(const ClusterPoints *points);

/*
 * Makes the codes of centroids whose mean and half norms are known (see cluster_measure); keeps
 * references to the half norms and to the memory.
 */
extern void cluster_codes_init(ClusterCodes *codes, const ClusterPoints *points,
							   const float *mean, const float *half_norms, void *memory);

/* Bytes of scratch for one query at a time. */
extern size_t cluster_codes_scratch(const ClusterCodes *codes);

/* Finds centroids as cluster_rank does. */
extern void cluster_codes_rank(const ClusterCodes *codes, const ClusterPoints *points,
							   const ClusterQuery *query, void *scratch,
							   const ClusterRanking *ranking);

/* The nearest centroid of each row, and its squared distance. */
extern void cluster_codes_assign(const ClusterCodes *codes, const ClusterPoints *points,
								 const ClusterRows *rows, void *scratch, uint32_t *lists,
								 float *distances);

#endif							/* VECTOR_CLUSTER_CODED_H */
