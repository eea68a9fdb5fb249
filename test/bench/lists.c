/*
 * lists.c - the search of inverted lists by their codes, as an index does it, for lists.py
 *
 * usage: lists POINTS QUERIES CENTROIDS DIMENSIONS LISTS QUANTIZER K PROBES THREADS FOUND
 *
 * POINTS, QUERIES and CENTROIDS are files of raw float32; QUANTIZER is rabitq, or pq, with a run of
 * four elements each.  Points go to the lists of their nearest centroids as groups of 32 codes.  A
 * query is rotated and prepared, centroids are ranked, and the codes of the nearest lists scanned;
 * the K points that seem nearest go to FOUND, K int32 a query.
 * Prints a name and a number a line: seconds of all queries, and what of it is scanning.
 */
#include <math.h>
#include <string.h>

#include "bench.h"
#include "cluster/blas.h"
#include "cluster/centroids.h"
#include "cluster/threads.h"
#include "distance/distance.h"
#include "distance/half.h"
#include "quantize/product.h"
#include "quantize/rabitq.h"
#include "quantize/rotation.h"

#define RUN				4		/* elements of a run of pq */
#define BATCH			256

typedef struct Group
{
	float		a[CODE_GROUP];
	uint16_t	b[CODE_GROUP];
	uint16_t	error[CODE_GROUP];
} Group;

typedef struct Hit
{
	float		distance;
	int32_t		point;
} Hit;

typedef struct Lists
{
	uint32_t	dims;
	uint32_t	width;			/* of work vectors */
	uint32_t	lists;
	uint32_t	positions;		/* of a code */
	bool		pq;
	Product		product;
	Rotation	rotation;
	ClusterCentroids centroids; /* rotated */
	size_t		group_size;
	size_t	   *first;			/* group of each list, and the end */
	uint32_t   *rows;			/* of each list */
	char	   *groups;
	int32_t    *points;			/* by place: CODE_GROUP a group */

	const float *queries;
	size_t		query_count;
	uint32_t	k;
	uint32_t	probes;
	uint32_t	threads;
	int32_t    *found;
	double	   *scanning;		/* seconds by thread */
} Lists;

/* Reads vectors and rotates them. */
static float *
read_rotated(const Lists *lists, const char *path, size_t *n)
{
	float	   *points = read_points(path, lists->dims, n);
	float	   *rotated = must(malloc(*n * lists->width * sizeof(float)));

	for (size_t i = 0; i < *n; i++)
		rotation_apply(&lists->rotation, points + i * lists->dims, rotated + i * lists->width);
	free(points);
	return rotated;
}

static uint32_t *
assign(const Lists *lists, const float *points, size_t n)
{
	uint32_t   *out = must(malloc(n * sizeof(uint32_t)));
	void	   *scratch = must(malloc(cluster_assign_scratch(&lists->centroids, 1)));

	for (size_t i = 0; i < n; i += BATCH)
	{
		ClusterRows rows = {points + i * lists->width, n - i < BATCH ? n - i : BATCH, 1};

		cluster_assign(&lists->centroids, &rows, 1, scratch, out + i, NULL);
	}
	free(scratch);
	return out;
}

static void
residual_of(const Lists *lists, const float *x, uint32_t list, float *out)
{
	const float *c = lists->centroids.points + (size_t) list * lists->width;

	for (uint32_t i = 0; i < lists->width; i++)
		out[i] = x[i] - c[i];
}

static void
train_product(Lists *lists, const float *points, size_t n, const uint32_t *assigned)
{
	uint32_t	width = lists->width;
	ProductOptions options = {.dims = width, .m = width / RUN, .seed = 1};
	float	   *residuals = must(malloc(n * width * sizeof(float)));
	void	   *books = must(malloc(product_size(width, width / RUN)));

	for (size_t i = 0; i < n; i++)
		residual_of(lists, points + i * width, assigned[i], residuals + i * width);
	product_train(&options, residuals, n, must(malloc(product_train_memory(width))), books);
	product_open(&lists->product, width, width / RUN, books);
	free(residuals);
}

/* Codes of all points, in groups of their lists. */
static void
make_groups(Lists *lists, const float *points, size_t n, const uint32_t *assigned)
{
	uint32_t	width = lists->width;
	float	   *residual = must(malloc(width * sizeof(float)));
	uint8_t    *code = must(calloc(1, width));
	size_t		count = 0;

	lists->rows = must(calloc(lists->lists, sizeof(uint32_t)));
	lists->first = must(calloc(lists->lists + 1, sizeof(size_t)));
	for (size_t i = 0; i < n; i++)
		lists->rows[assigned[i]]++;
	for (uint32_t l = 0; l < lists->lists; l++)
	{
		lists->first[l] = count;
		count += (lists->rows[l] + CODE_GROUP - 1) / CODE_GROUP;
		lists->rows[l] = 0;
	}
	lists->first[lists->lists] = count;
	lists->groups = must(aligned_alloc(64, (count * lists->group_size + 63) & ~(size_t) 63));
	memset(lists->groups, 0, count * lists->group_size);
	lists->points = must(malloc(count * CODE_GROUP * sizeof(int32_t)));
	for (size_t i = 0; i < n; i++)
	{
		uint32_t	list = assigned[i];
		const float *c = lists->centroids.points + (size_t) list * width;
		uint32_t	row = lists->rows[list]++;
		size_t		g = lists->first[list] + row / CODE_GROUP;
		Group	   *group = (Group *) (lists->groups + g * lists->group_size);
		uint32_t	place = row % CODE_GROUP;
		RabitqFactors factors;

		residual_of(lists, points + i * width, list, residual);
		factors = lists->pq ? product_encode(&lists->product, RABITQ_L2, residual, c, code) :
			rabitq_encode_residual(RABITQ_L2, residual, c, width, code);
		rabitq_pack((uint8_t *) (group + 1), place, code, lists->positions * 4);
		group->a[place] = factors.a;
		group->b[place] = factors.b;
		group->error[place] = float_to_bf16(factors.error);
		lists->points[g * CODE_GROUP + place] = (int32_t) i;
	}
	free(residual);
	free(code);
}

/* Puts a hit into the k nearest, the farthest of which is the first of a heap. */
static void
keep(Hit *hits, uint32_t *count, uint32_t k, Hit hit)
{
	uint32_t	i;

	if (*count < k)
	{
		for (i = (*count)++; i > 0 && hits[(i - 1) / 2].distance < hit.distance; i = (i - 1) / 2)
			hits[i] = hits[(i - 1) / 2];
		hits[i] = hit;
		return;
	}
	i = 0;
	for (uint32_t child; (child = 2 * i + 1) < k; i = child)
	{
		child += child + 1 < k && hits[child + 1].distance > hits[child].distance;
		if (hits[child].distance <= hit.distance)
			break;
		hits[i] = hits[child];
	}
	hits[i] = hit;
}

static void
scan_list(const Lists *lists, const CodeQuery *query, uint32_t list, float base, Hit *hits,
		  uint32_t *count)
{
	for (size_t g = lists->first[list]; g < lists->first[list + 1]; g++)
	{
		const Group *group = (const Group *) (lists->groups + g * lists->group_size);
		uint32_t	left = lists->rows[list] - (uint32_t) (g - lists->first[list]) * CODE_GROUP;
		float		bounds[CODE_GROUP];
		uint32_t	mask = distance_kernels->code_bounds(
			query, (const uint8_t *) (group + 1), group->a, group->b, group->error, base, 0,
			*count < lists->k ? INFINITY : hits[0].distance, bounds);

		if (left < CODE_GROUP)
			mask &= (UINT32_C(1) << left) - 1;
		for (; mask != 0; mask &= mask - 1)
		{
			int			i = __builtin_ctz(mask);

			if (*count < lists->k || bounds[i] < hits[0].distance)
				keep(hits, count, lists->k,
					 (Hit) {bounds[i], lists->points[g * CODE_GROUP + (size_t) i]});
		}
	}
}

/* Every `threads`-th query. */
static void
search(void *arg, uint32_t thread)
{
	Lists	   *lists = arg;
	uint64_t   *scratch = must(malloc(lists->lists * sizeof(uint64_t)));
	uint32_t   *nearest = must(malloc(lists->probes * sizeof(uint32_t)));
	float	   *distances = must(malloc(lists->probes * sizeof(float)));
	uint8_t    *lut = must(malloc(lists->positions * (size_t) 16));
	float	   *rotated = must(malloc(lists->width * sizeof(float)));
	Hit		   *hits = must(malloc(lists->k * sizeof(Hit)));
	double		scanning = 0;

	for (size_t q = thread; q < lists->query_count; q += lists->threads)
	{
		ClusterPoints centroids = cluster_points(&lists->centroids);
		CodeQuery	query;
		uint32_t	count = 0;
		double		start;

		rotation_apply(&lists->rotation, lists->queries + q * lists->dims, rotated);
		cluster_rank(&centroids, &(ClusterQuery) {rotated, false}, scratch,
					 &(ClusterRanking) {lists->probes, nearest, distances});
		if (lists->pq)
			product_prepare(&lists->product, &query, rotated, lut);
		else
			rabitq_prepare(&query, rotated, lists->width, lut);
		start = now();
		for (uint32_t i = 0; i < lists->probes; i++)
			scan_list(lists, &query, nearest[i], distances[i], hits, &count);
		scanning += now() - start;
		for (uint32_t i = 0; i < lists->k; i++)
			lists->found[q * lists->k + i] = i < count ? hits[i].point : -1;
	}
	lists->scanning[thread] = scanning;
	free(scratch);
	free(nearest);
	free(distances);
	free(lut);
	free(rotated);
	free(hits);
}

int
main(int argc, char **argv)
{
	Lists		lists = {0};
	float	   *points;
	size_t		n;
	size_t		k;
	uint32_t   *assigned;
	FILE	   *file;
	double		start;
	double		scanning = 0;

	if (argc != 11)
	{
		fprintf(stderr, "usage: lists POINTS QUERIES CENTROIDS DIMENSIONS LISTS QUANTIZER K PROBES "
				"THREADS FOUND\n");
		return 2;
	}
	distance_select(DISTANCE_AUTO);
	(void) cluster_blas_load();
	lists.dims = (uint32_t) atoi(argv[4]);
	lists.lists = (uint32_t) atoi(argv[5]);
	lists.pq = strcmp(argv[6], "pq") == 0;
	lists.k = (uint32_t) atoi(argv[7]);
	lists.probes = (uint32_t) atoi(argv[8]);
	lists.threads = (uint32_t) atoi(argv[9]);
	lists.width = rotation_padded(lists.dims);
	lists.positions = lists.pq ? product_positions(lists.width / RUN) : lists.width / 4;
	lists.group_size = sizeof(Group) + (size_t) lists.positions * 16;
	lists.scanning = must(calloc(CLUSTER_MAX_THREADS, sizeof(double)));
	rotation_init(&lists.rotation, lists.dims, 1, must(malloc(rotation_memory(lists.dims))));

	points = read_rotated(&lists, argv[3], &k);
	if (k != lists.lists || lists.probes > lists.lists || lists.threads > CLUSTER_MAX_THREADS)
		return 2;
	cluster_centroids_init(&lists.centroids, points, lists.lists, lists.width,
						   must(malloc(lists.lists * sizeof(float))));
	points = read_rotated(&lists, argv[1], &n);
	assigned = assign(&lists, points, n);
	if (lists.pq)
		train_product(&lists, points, n, assigned);
	make_groups(&lists, points, n, assigned);
	free(points);

	lists.queries = read_points(argv[2], lists.dims, &lists.query_count);
	lists.found = must(malloc(lists.query_count * lists.k * sizeof(int32_t)));

	cluster_parallel(lists.threads, search, &lists);	/* once for the caches */
	start = now();
	cluster_parallel(lists.threads, search, &lists);
	printf("search\t%.6f\n", now() - start);
	for (uint32_t i = 0; i < lists.threads; i++)
		scanning += lists.scanning[i] / lists.threads;
	printf("scan\t%.6f\n", scanning);
	file = must(fopen(argv[10], "wb"));
	fwrite(lists.found, sizeof(int32_t), lists.query_count * lists.k, file);
	return fclose(file) != 0;
}
