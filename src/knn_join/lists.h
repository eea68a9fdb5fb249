/*
 * lists.h - which lists of rows a query is compared with
 *
 * The rows are in lists, each in that of its centroid, and a query is compared with the rows of the
 * lists that are nearest to it (Jegou et al., Product quantization for nearest neighbor search,
 * 2011, section 4).  How many these are is found by queries whose nearest rows are known.  Plain
 * C11.
 */
#ifndef VECTOR_KNN_JOIN_LISTS_H
#define VECTOR_KNN_JOIN_LISTS_H

#include <stddef.h>
#include <stdint.h>

#include "cluster/centroids.h"
#include "knn_join/nearest.h"

/* Queries whose lists are ranked at once. */
#define JOIN_RANKED		32

typedef struct JoinLists
{
	ClusterCentroids centroids;
	uint64_t   *row_counts;		/* by list */
	uint32_t	probes;			/* lists for each query */
	void	   *scratch;		/* of join_lists_scratch(centroids.k) bytes */
	void		(*between) (void *arg);	/* called before each step; need not return */
	void	   *arg;
} JoinLists;

extern size_t join_lists_scratch(uint32_t lists);

/*
 * Sets `probes` to the least number of lists that have this part of the nearest rows of some
 * queries; key of each of these rows is its list.
 */
extern void join_lists_calibrate(JoinLists *lists, const float *queries, const Nearest *nearest,
								 size_t count, double part);

/*
 * For each list and query, a bit in `marks`, zeros before: set if the query is compared with the
 * rows of the list, which together are at least k if all rows are.  Marks of a list take
 * join_lists_stride(count) bytes.
 */
extern void join_lists_mark(const JoinLists *lists, const float *queries, size_t count, uint32_t k,
							uint8_t *marks);

static inline size_t
join_lists_stride(size_t count)
{
	return (count + 7) / 8;
}

/* Writes the numbers of the queries that are marked for a list; returns how many. */
extern size_t join_lists_chosen(const uint8_t *marks, size_t count, uint32_t list,
								uint32_t *chosen);

#endif							/* VECTOR_KNN_JOIN_LISTS_H */
