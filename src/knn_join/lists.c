/*
 * lists.c - the order of lists for a query
 */
#include "knn_join/lists.h"

#include <string.h>

#include "cluster/blas.h"
#include "cluster/keys.h"

/* The parts of the scratch. */
typedef struct Scratch
{
	uint64_t   *keys;			/* of the lists, for each of JOIN_RANKED queries */
	uint64_t   *counts;			/* by list or place, as is what follows */
	float	   *dots;			/* as many as keys */
	uint32_t   *places;
} Scratch;

size_t
join_lists_scratch(uint32_t lists)
{
	return lists * ((JOIN_RANKED + 1) * sizeof(uint64_t) + JOIN_RANKED * sizeof(float) +
					sizeof(uint32_t));
}

static Scratch
scratch_of(const JoinLists *lists)
{
	size_t		k = lists->centroids.k;
	Scratch		scratch = {.keys = lists->scratch};

	scratch.counts = scratch.keys + JOIN_RANKED * k;
	scratch.dots = (float *) (scratch.counts + k);
	scratch.places = (uint32_t *) (scratch.dots + JOIN_RANKED * k);
	return scratch;
}

/* By query, a key for each list, which orders the lists by their distance from the query. */
static uint64_t *
rank_lists(const JoinLists *lists, const float *queries, size_t count)
{
	const ClusterCentroids *centroids = &lists->centroids;
	Scratch		scratch = scratch_of(lists);
	uint64_t   *keys = scratch.keys;
	float	   *dots = scratch.dots;

	lists->between(lists->arg);
	for (uint32_t start = 0; start < centroids->k; start += CLUSTER_DOTS_COLUMNS)
	{
		uint32_t	columns = centroids->k - start < CLUSTER_DOTS_COLUMNS ?
			centroids->k - start : CLUSTER_DOTS_COLUMNS;

		cluster_dots(queries, count, centroids->points + (size_t) start * centroids->dims, columns,
					 centroids->dims, dots);
		for (size_t i = 0; i < count; i++)
			for (uint32_t l = 0; l < columns; l++)
				keys[i * centroids->k + start + l] =
					cluster_key(centroids->half_norms[start + l] - dots[i * columns + l],
								start + l);
	}
	return keys;
}

/* The number of the last place up to which there is this part of what the places have. */
static uint32_t
least_places(const uint64_t *counts, uint32_t places, double part)
{
	uint64_t	all = 0;
	uint64_t	sum = 0;

	for (uint32_t p = 0; p < places; p++)
		all += counts[p];
	for (uint32_t p = 0; p < places; p++)
	{
		sum += counts[p];
		if ((double) sum >= part * (double) all)
			return p + 1;
	}
	return places;
}

void
join_lists_calibrate(JoinLists *lists, const float *queries, const Nearest *nearest, size_t count,
					 double part)
{
	uint32_t	k = lists->centroids.k;
	Scratch		scratch = scratch_of(lists);

	memset(scratch.counts, 0, sizeof(uint64_t) * k);
	for (size_t start = 0; start < count; start += JOIN_RANKED)
	{
		size_t		n = count - start < JOIN_RANKED ? count - start : JOIN_RANKED;
		uint64_t   *keys = rank_lists(lists, queries + start * lists->centroids.dims, n);

		for (size_t i = 0; i < n; i++, keys += k)
		{
			const Nearest *near = &nearest[start + i];

			cluster_sort_first(keys, k, k);
			for (uint32_t p = 0; p < k; p++)
				scratch.places[cluster_key_number(keys[p])] = p;
			for (uint32_t j = 0; j < near->count; j++)
				scratch.counts[scratch.places[near->heap[j].key]]++;
		}
	}
	lists->probes = least_places(scratch.counts, k, part);
}

void
join_lists_mark(const JoinLists *lists, const float *queries, size_t count, uint32_t k,
				uint8_t *marks)
{
	uint32_t	all = lists->centroids.k;
	size_t		stride = join_lists_stride(count);

	for (size_t query = 0; query < count;)
	{
		size_t		n = count - query < JOIN_RANKED ? count - query : JOIN_RANKED;
		uint64_t   *keys = rank_lists(lists, queries + query * lists->centroids.dims, n);

		for (size_t end = query + n; query < end; query++, keys += all)
		{
			uint64_t	rows = 0;

			cluster_select_first(keys, all, lists->probes);
			for (uint32_t p = 0; p < all && (p < lists->probes || rows < k); p++)
			{
				uint32_t	list;

				if (p == lists->probes)
					cluster_sort_first(keys + p, all - p, all - p);
				list = cluster_key_number(keys[p]);
				rows += lists->row_counts[list];
				marks[list * stride + query / 8] |= (uint8_t) (1 << query % 8);
			}
		}
	}
}

size_t
join_lists_chosen(const uint8_t *marks, size_t count, uint32_t list, uint32_t *chosen)
{
	size_t		stride = join_lists_stride(count);
	size_t		n = 0;

	marks += list * stride;
	for (size_t i = 0; i < stride; i++)
		for (unsigned int bits = marks[i]; bits != 0; bits &= bits - 1)
			chosen[n++] = (uint32_t) (i * 8 + (size_t) __builtin_ctz(bits));
	return n;
}
