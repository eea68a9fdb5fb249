/*
 * coded.c - computes bounds for all centroids, then compares those that may be among the nearest
 */
#include "cluster/coded.h"

#include <math.h>
#include <string.h>

#include "cluster/keys.h"
#include "distance/half.h"
#include "quantize/rabitq.h"

/* A centroid may be missed if its estimate is off by more standard deviations than this. */
#define ERROR_SIGMAS	1.5f

#define SEED			1

/* Minima that are computed side by side. */
#define LANES			4

/* The head of a group; its codes follow. */
typedef struct CentroidGroup
{
	float		a[2][CODE_GROUP];	/* for squared distances, and for these less |c|^2 */
	uint16_t	b[CODE_GROUP];	/* bfloat16 */
	uint16_t	error[CODE_GROUP];	/* bfloat16 */
} CentroidGroup;

/* What a query needs, in its scratch. */
typedef struct CodedQuery
{
	const ClusterCodes *codes;
	const ClusterPoints *points;
	const float *query;
	bool		product;		/* see ClusterQuery */
	uint64_t   *keys;			/* room for k */
	float	   *bounds;			/* by centroid */
	float	   *least;			/* by group: its smallest bound */
	float	   *rotated;
	uint8_t    *lut;
} CodedQuery;

static size_t
group_count(uint32_t k)
{
	return ((size_t) k + CODE_GROUP - 1) / CODE_GROUP;
}

static size_t
group_size(uint32_t padded)
{
	return sizeof(CentroidGroup) + rabitq_group_size(padded);
}

static const CentroidGroup *
group_at(const ClusterCodes *codes, size_t i)
{
	return (const CentroidGroup *) (codes->groups + i * group_size(codes->rotation.padded));
}

/* The memory has the mean, a residual and a code, the groups, and the signs of the rotation. */
size_t
cluster_codes_size(const ClusterPoints *points)
{
	uint32_t	padded = rotation_padded(points->dims);

	return 3 * sizeof(float) * padded + group_count(points->k) * group_size(padded) +
		rotation_memory(points->dims);
}

void
cluster_codes_init(ClusterCodes *codes, const ClusterPoints *points, const float *mean,
				   const float *half_norms, void *memory)
{
	uint32_t	padded = rotation_padded(points->dims);
	float	   *rotated = memory;
	float	   *residual = rotated + padded;
	uint8_t    *signs = (uint8_t *) (residual + padded);
	char	   *groups = (char *) (residual + 2 * (size_t) padded);

	*codes = (ClusterCodes) {
		.k = points->k, .half_norms = half_norms, .mean = rotated, .groups = groups
	};
	rotation_init(&codes->rotation, points->dims, SEED,
				  groups + group_count(points->k) * group_size(padded));
	rotation_apply(&codes->rotation, mean, rotated);
	for (uint32_t l = points->k; l % CODE_GROUP != 0; l++)
		for (int product = 0; product < 2; product++)
			((CentroidGroup *) group_at(codes, l / CODE_GROUP))->a[product][l % CODE_GROUP] =
				INFINITY;
	for (uint32_t l = 0; l < points->k; l++)
	{
		CentroidGroup *group = (CentroidGroup *) group_at(codes, l / CODE_GROUP);
		uint32_t	place = l % CODE_GROUP;
		RabitqFactors factors;
		const float *c;

		(void) points->open(points->arg, l, &c);
		rotation_apply(&codes->rotation, c, residual);
		for (uint32_t i = 0; i < padded; i++)
			residual[i] -= rotated[i];
		factors = rabitq_encode_residual(RABITQ_L2, residual, rotated, padded, signs);
		rabitq_pack((uint8_t *) (group + 1), place, signs, padded);
		group->a[0][place] = factors.a;
		group->a[1][place] = factors.a - 2 * half_norms[l];
		group->b[place] = factors.b;
		group->error[place] = float_to_bf16(factors.error);
	}
}

size_t
cluster_codes_scratch(const ClusterCodes *codes)
{
	size_t		groups = group_count(codes->k);
	uint32_t	padded = codes->rotation.padded;

	return groups * (CODE_GROUP * (sizeof(uint64_t) + sizeof(float)) + sizeof(float)) +
		sizeof(float) * padded + rabitq_lut_size(padded);
}

static CodedQuery
open_query(const ClusterCodes *codes, const ClusterPoints *points, const ClusterQuery *query,
		   void *scratch)
{
	size_t		groups = group_count(codes->k);
	CodedQuery	coded = {
		.codes = codes, .points = points, .query = query->vector, .product = query->product,
		.keys = scratch
	};

	coded.bounds = (float *) (coded.keys + groups * CODE_GROUP);
	coded.least = coded.bounds + groups * CODE_GROUP;
	coded.rotated = coded.least + groups;
	coded.lut = (uint8_t *) (coded.rotated + codes->rotation.padded);
	return coded;
}

/* The smallest of a group's bounds. */
static float
least_of(const float *bounds)
{
	float		least[LANES] = {INFINITY, INFINITY, INFINITY, INFINITY};

	for (size_t i = 0; i < CODE_GROUP; i += LANES)
		for (size_t j = 0; j < LANES; j++)
			least[j] = bounds[i + j] < least[j] ? bounds[i + j] : least[j];
	for (size_t j = 1; j < LANES; j++)
		least[0] = least[j] < least[0] ? least[j] : least[0];
	return least[0];
}

/* Computes the bounds of all centroids. */
static void
bound_all(const CodedQuery *coded)
{
	const ClusterCodes *codes = coded->codes;
	size_t		groups = group_count(codes->k);
	CodeQuery	code;
	float		base;

	rotation_apply(&codes->rotation, coded->query, coded->rotated);
	base = distance_kernels->f32_l2sq(coded->rotated, codes->mean, codes->rotation.padded);
	rabitq_prepare(&code, coded->rotated, codes->rotation.padded, coded->lut);
	for (size_t g = 0; g < groups; g++)
	{
		const CentroidGroup *group = group_at(codes, g);
		float	   *bounds = coded->bounds + g * CODE_GROUP;

		distance_kernels->code_bounds(&code, (const uint8_t *) (group + 1),
									  group->a[coded->product], group->b, group->error, base,
									  ERROR_SIGMAS * sqrtf(base), 0, bounds);
		coded->least[g] = least_of(bounds);
	}
}

/* The n-th smallest of the groups' smallest bounds: at least n bounds are not above it. */
static float
nth_least_bound(const CodedQuery *coded, uint32_t n)
{
	size_t		groups = group_count(coded->codes->k);

	if (n > groups)
		return INFINITY;
	for (size_t g = 0; g < groups; g++)
		coded->keys[g] = cluster_key(coded->least[g], (uint32_t) g);
	cluster_sort_first(coded->keys, groups, n);
	return cluster_key_value(coded->keys[n - 1]);
}

/* Makes keys of the bounds that are not above `reach`, as far as they come after another key. */
static size_t
take_bounds(const CodedQuery *coded, uint64_t after, float reach, uint64_t *keys)
{
	uint32_t	k = coded->codes->k;
	size_t		count = 0;

	for (uint32_t start = 0; start < k; start += CODE_GROUP)
	{
		uint32_t	end = start + CODE_GROUP < k ? start + CODE_GROUP : k;

		if (coded->least[start / CODE_GROUP] > reach)
			continue;
		for (uint32_t i = start; i < end; i++)
		{
			keys[count] = cluster_key(coded->bounds[i], i);
			count += coded->bounds[i] <= reach && keys[count] > after;
		}
	}
	return count;
}

/* Replaces bounds by squared distances, or for products by these less |c|^2. */
static void
compare(const CodedQuery *coded, uint64_t *keys, size_t n)
{
	const ClusterPoints *points = coded->points;

	for (size_t i = 0; i < n; i++)
	{
		uint32_t	l = cluster_key_number(keys[i]);
		const float *c;
		float		distance;

		(void) points->open(points->arg, l, &c);
		distance = distance_kernels->f32_l2sq(coded->query, c, points->dims);
		keys[i] = cluster_key(coded->product ? distance - 2 * coded->codes->half_norms[l] :
							  distance, l);
	}
}

/*
 * Brings the n nearest to the front of the keys: compares the centroids with the smallest bounds,
 * and further ones as long as their bounds are not above the n-th value.
 */
static void
find_nearest(const CodedQuery *coded, uint32_t n)
{
	uint64_t   *keys = coded->keys;
	uint64_t   *rest = keys + n;
	size_t		count;
	uint64_t	last;

	bound_all(coded);
	count = take_bounds(coded, 0, nth_least_bound(coded, n), keys);
	/* with a query that is not finite, places behind the last centroid may seem near */
	if (count < n)
		count = take_bounds(coded, 0, INFINITY, keys);
	cluster_sort_first(keys, count, n);
	last = keys[n - 1];
	compare(coded, keys, n);
	cluster_sort_first(keys, n, n);
	count = take_bounds(coded, last, cluster_key_value(keys[n - 1]), rest);
	for (size_t batch = n; count > 0; batch *= 2)
	{
		size_t		next = batch < count ? batch : count;
		size_t		left = 0;

		cluster_sort_first(rest, count, next);
		compare(coded, rest, next);
		cluster_sort_first(keys, n + next, n);
		for (size_t i = next; i < count; i++)
		{
			rest[left] = rest[i];
			left += cluster_key_value(rest[i]) <= cluster_key_value(keys[n - 1]);
		}
		count = left;
	}
}

void
cluster_codes_rank(const ClusterCodes *codes, const ClusterPoints *points,
				   const ClusterQuery *query, void *scratch, const ClusterRanking *ranking)
{
	CodedQuery	coded = open_query(codes, points, query, scratch);

	find_nearest(&coded, ranking->n);
	for (uint32_t i = 0; i < ranking->n; i++)
	{
		const float *c;

		ranking->lists[i] = cluster_key_number(coded.keys[i]);
		ranking->values[i] = cluster_key_value(coded.keys[i]);
		if (!query->product)
			continue;
		(void) points->open(points->arg, ranking->lists[i], &c);
		ranking->values[i] = -distance_kernels->f32_dot(query->vector, c, points->dims);
	}
}

void
cluster_codes_assign(const ClusterCodes *codes, const ClusterPoints *points,
					 const ClusterRows *rows, void *scratch, uint32_t *lists, float *distances)
{
	for (size_t i = 0; i < rows->n; i++)
	{
		ClusterQuery query = {rows->points + i * rows->stride * points->dims, false};
		ClusterRanking nearest = {1, &lists[i], &distances[i]};

		cluster_codes_rank(codes, points, &query, scratch, &nearest);
	}
}
