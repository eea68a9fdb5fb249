/*
 * build_graph.c - the steps in which all participants make the graph of the nodes in memory
 */
#include "graph_segment/build_internal.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "graph_segment/disk.h"
#include "order.h"

/* Nodes that follow each other are near each other: one participant takes many. */
#define BATCH_OF_NODES		64

/*
 * Nodes that are inserted at the same time do not find each other, so the first ones, of which the
 * upper levels consist, are inserted one after the other.
 */
#define NODES_BY_LEADER		1024

/*
 * The mean is that of BUILD_MEASURED vectors, but those count less that are FAR times as far from
 * it as the nearest of NEAR_PART are: vectors that are rounded by how far they are from the mean
 * could not be told from each other if they were nearer to each other than to it.  It is found in
 * MEAN_ROUNDS, from the middle of MIDDLE_SAMPLE of them.  What else is measured leaves out those
 * that are FARTHEST_COUNTED times as far from it as the median.
 */
#define MIDDLE_SAMPLE		31
#define MEAN_ROUNDS			2
#define NEAR_PART(n)		((n) / 8)
#define FAR					2
#define FARTHEST_COUNTED	16

/*
 * Rows are compared exactly if for more than one in TIGHT_PART of TIGHT_PROBES rows of the sample,
 * TIGHT_OTHERS others are TIGHT_TIMES nearer to it than it or others are to the mean: the centroids
 * of cells, and bytes, tell no more.  Codes relative to neighbours, and halves, tell more.  From
 * CLOSE_TIMES on, the centroids have all bits.  (Of images and texts, the others are 1.2 to 1.8
 * times nearer to one in eight.)
 *
 * Vectors are stored as they are if otherwise the bound of what is lost is this part of the
 * distance of these others, squared.
 */
#define TIGHT_PROBES	32
#define TIGHT_PART		8
#define TIGHT_OTHERS	3
#define TIGHT_TIMES		8
#define CLOSE_TIMES		4
#define TIGHT_TIMES_CODED 64
#define LOST_PART		8

/* Halves of this size are far from both ends of their range. */
#define HALF_SIZE			0.125f
#define LARGEST_HALF		65504.0f

/*
 * Codes are along principal axes if there are so many times as many rows as dimensions, so that the
 * axes are a small part of the segment, and at least so many in the sample.
 */
#define AXES_ROWS			32
#define AXES_SAMPLED		8

/* The vector that the graph is built of: for cosine scaled to unit length. */
static void
payload_floats(const Space *space, const char *payload, float *out)
{
	space_floats(space, payload, out);
	if (space->metric == SPACE_COSINE)
	{
		float		scale = 1 / space_norm(space, payload);

		for (int d = 0; d < space->dims; d++)
			out[d] *= scale;
	}
}

/* How many floats node_floats gives: those of the vector, or of what its code stands for. */
static int
float_count(const SegmentBuild *build)
{
	return build->codes ? (int) build->graph.padded : build->space.dims;
}

static void
node_floats(SegmentBuild *build, uint32 node, float *out)
{
	const char *payload = build_payload(build, build_node_row(build, node));

	if (build->codes)
		build_residual(build, payload, out);
	else
		payload_floats(&build->space, payload, out);
}

/* The middle of a few rows in each dimension, which rows of another size do not move. */
static void
find_middle(SegmentBuild *build, uint32 rows, float *middle)
{
	int			dims = float_count(build);
	float	   *x = palloc(sizeof(float) * dims * rows);
	float		sorted[MIDDLE_SAMPLE];

	for (uint32 i = 0; i < rows; i++)
		node_floats(build, i, x + (Size) i * dims);
	for (int d = 0; d < dims; d++)
	{
		for (uint32 i = 0; i < rows; i++)
		{
			float		value = x[(Size) i * dims + d];
			uint32		place = i;

			for (; place > 0 && sorted[place - 1] > value; place--)
				sorted[place] = sorted[place - 1];
			sorted[place] = value;
		}
		middle[d] = sorted[rows / 2];
	}
	pfree(x);
}

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

/*
 * Finds the principal axes of the vectors of a sample no farther than `limit` from the middle, for
 * a segment of so many rows; none if there are no vectors, as then a merge copies codes.
 */
static void
find_axes(SegmentBuild *build, uint64 rows, const double *lengths, uint32 sample, double limit)
{
	uint32		padded = build->graph.padded;
	double	   *sums;
	float	   *x;
	float	   *found;
	void	   *scratch;
	Axes	   *axes;

	if (build->axes)
		pfree(build->axes);
	build->axes = NULL;
	if (build->space.method != METHOD_DISK || build->space.storage == STORAGE_NONE ||
		build->shared->exact ||
		padded > AXES_MAX_DIMS || rows < (uint64) AXES_ROWS * padded ||
		sample < AXES_SAMPLED * padded)
		return;
	sums = palloc0(sizeof(double) * padded * padded);
	x = palloc(sizeof(float) * padded);
	for (uint32 i = 0; i < sample; i++)
	{
		if (lengths[i] > limit)
			continue;
		CHECK_FOR_INTERRUPTS();
		build_residual(build, build_payload(build, build_node_row(build, i)), x);
		for (uint32 d = 0; d < padded; d++)
			for (uint32 e = d; e < padded; e++)
				sums[(Size) d * padded + e] += (double) x[d] * x[e];
	}
	scratch = palloc(axes_find_memory(padded));
	axes = MemoryContextAlloc(build->context, sizeof(Axes) + sizeof(float) * padded * padded);
	found = (float *) (axes + 1);
	axes->padded = padded;
	if (axes_find(axes, found, sums, build->space.bits, scratch, check_interrupts))
		build->axes = axes;
	else
		pfree(axes);
	pfree(scratch);
	pfree(sums);
	pfree(x);
}

/* Measures how far each of a sample is from a place, squared: `lengths`, and sorted. */
static void
measure_lengths(SegmentBuild *build, uint32 sample, const float *place, double *lengths,
				double *sorted)
{
	int			dims = float_count(build);
	float	   *x = palloc(sizeof(float) * dims);

	for (uint32 i = 0; i < sample; i++)
	{
		lengths[i] = 0;
		node_floats(build, i, x);
		for (int d = 0; d < dims; d++)
			lengths[i] += ((double) x[d] - place[d]) * ((double) x[d] - place[d]);
	}
	memcpy(sorted, lengths, sizeof(double) * sample);
	qsort(sorted, sample, sizeof(double), order_doubles);
	pfree(x);
}

/* The mean of a sample, each with the weight that it has by its length: see FAR. */
static void
weighted_mean(SegmentBuild *build, uint32 sample, const double *lengths, double near, float *mean)
{
	int			dims = float_count(build);
	float	   *x = palloc(sizeof(float) * dims);
	double	   *sums = palloc0(sizeof(double) * dims);
	double		weights = 0;

	for (uint32 i = 0; i < sample; i++)
	{
		double		far = near * FAR * FAR;
		double		weight = lengths[i] > far ? far / lengths[i] : 1;

		weights += weight;
		node_floats(build, i, x);
		for (int d = 0; d < dims; d++)
			sums[d] += weight * x[d];
	}
	for (int d = 0; d < dims && weights > 0; d++)
		mean[d] = (float) (sums[d] / weights);
	pfree(x);
	pfree(sums);
}

/* The squared distance of a node of the sample from the nearest TIGHT_OTHERS others. */
static double
distance_of_near(SegmentBuild *build, uint32 sample, uint32 node, const float *x, float *other)
{
	int			dims = float_count(build);
	double		nearest[TIGHT_OTHERS];

	for (int i = 0; i < TIGHT_OTHERS; i++)
		nearest[i] = INFINITY;
	for (uint32 i = 0; i < sample; i++)
	{
		double		distance;
		int			k = TIGHT_OTHERS - 1;

		if (i == node)
			continue;
		node_floats(build, i, other);
		distance = distance_kernels->f32_l2sq(x, other, dims);
		if (!(distance < nearest[k]))
			continue;
		for (; k > 0 && nearest[k - 1] > distance; k--)
			nearest[k] = nearest[k - 1];
		nearest[k] = distance;
	}
	return nearest[TIGHT_OTHERS - 1];
}

/* Whether to store a vector takes away as much as its neighbours differ: see LOST_PART. */
static bool
loses_much(SegmentBuild *build, const char *payload, double near)
{
	const Space *space = &build->space;
	SealedNode	node;
	char	   *stored = palloc(space_stored_size(space, space->storage));
	double		error;

	space_store(space, space->storage, payload, &node, stored);
	pfree(stored);
	error = space->metric == SPACE_COSINE ? (double) node.error * node.scale : node.error;
	return space->metric == SPACE_COSINE ? error * LOST_PART * 2 > near :
		error * LOST_PART * 2 > sqrt(near);
}

/*
 * Finds whether rows of the sample are in groups that are far from the segment's mean, for their
 * size: see TIGHT_*.  Then vectors and the centroids of cells, if rounded relative to the mean,
 * tell less than the distances within a group.  Or in groups near the mean, from which many others
 * are `far`, squared: cells must not have rows of both.  Likewise whether vectors must be stored
 * as they are.
 */
static void
find_tight(SegmentBuild *build, uint32 sample, double far)
{
	BuildShared *shared = build->shared;
	uint32		padded = build->graph.padded;
	float	   *x = palloc(sizeof(float) * padded * 2);
	bool		lossy = space_is_lossy(&build->space) && build->space.metric != SPACE_IP;
	double		times = build->space.method == METHOD_DISK ? TIGHT_TIMES : TIGHT_TIMES_CODED;
	uint32		probes = Min(sample, TIGHT_PROBES);
	uint32		tight = 0;
	uint32		close = 0;
	uint32		lost = 0;

	for (uint32 i = 0; i < probes; i++)
	{
		uint32		node = (uint32) ((uint64) i * sample / probes);
		const char *payload = build_payload(build, build_node_row(build, node));
		double		near;
		double		length2;

		CHECK_FOR_INTERRUPTS();
		node_floats(build, node, x);
		near = distance_of_near(build, sample, node, x, x + padded);
		build_residual(build, payload, x);
		length2 = distance_kernels->f32_dot(x, x, padded);
		close += near * CLOSE_TIMES * CLOSE_TIMES < length2;
		tight += near * times * times < Max(length2, far);
		lost += lossy && loses_much(build, payload, near);
	}
	pfree(x);
	/* a graph that others are merged to is as exact as they are */
	shared->exact = (shared->exact && shared->merging) || tight * TIGHT_PART > probes;
	shared->cell_bits = shared->exact ? DISK_CELL_FLOATS :
		close * TIGHT_PART > probes ? FINE_MAX_BITS : DISK_CELL_BITS;
	shared->whole = lost * TIGHT_PART > probes;
}

/*
 * Computes the rotated mean of a sample of the vectors, unless it is given, and the power of two
 * that scales their elements, as halves, to about HALF_SIZE.  A few vectors of quite another size
 * than the others must not decide either: the others would be as good as equal.  Dot products are
 * not taken relative to a mean.
 */
void
build_measure_vectors(SegmentBuild *build, uint64 rows)
{
	BuildShared *shared = build->shared;
	int			dims = float_count(build);
	uint32		sample = Min(shared->nodes, BUILD_MEASURED);
	float	   *mean = palloc0(sizeof(float) * dims);
	double	   *lengths = palloc0(sizeof(double) * Max(sample, 1) * 2); /* squared */
	double	   *sorted = lengths + sample;
	double		limit;
	double		spread = 0;
	uint32		kept = 0;

	if (build->space.metric != SPACE_IP && sample > 0)
	{
		find_middle(build, Min(sample, MIDDLE_SAMPLE), mean);
		for (int round = 0; round < MEAN_ROUNDS; round++)
		{
			measure_lengths(build, sample, mean, lengths, sorted);
			weighted_mean(build, sample, lengths, sorted[NEAR_PART(sample)], mean);
		}
	}
	measure_lengths(build, sample, mean, lengths, sorted);
	limit = sorted[sample / 2] * FARTHEST_COUNTED * FARTHEST_COUNTED;
	for (uint32 i = 0; i < sample; i++)
	{
		if (lengths[i] > limit)
			continue;
		kept++;
		spread += lengths[i];
	}
	spread /= (double) Max(kept, 1) * dims;
	if (!shared->has_mean)
	{
		memset(shared->mean, 0, sizeof(shared->mean));
		rotation_apply(&build->space.rotation, mean, shared->mean);
	}
	/* of codes, a merge knows it from the segments that had the vectors */
	if (!build->codes)
		find_tight(build, sample, build->space.method == METHOD_DISK && sample > 0 ?
				   sorted[sample - 1 - sample / TIGHT_PART] : 0);
	/* without vectors, centroids relative to different means cannot be merged as they are */
	shared->has_mean |= build->space.storage == STORAGE_NONE;
	shared->scale = shared->exact && !shared->merging ? 1 : spread > 0 && isfinite(spread) ?
		ldexpf(HALF_SIZE, Min(Max((int) -rint(log2(spread) / 2), -100), 100)) : 1;
	find_axes(build, rows, lengths, sample, limit);
	pfree(mean);
	pfree(lengths);
}

static void
allocate_array(SegmentBuild *build, SharedArray *array, Size stride, uint32 n)
{
	uint64	   *chunks;

	array->shift = 0;
	while (array->shift < 31 && (stride << (array->shift + 1)) <= build->shared->chunk)
		array->shift++;
	array->count = (uint32) (((uint64) n + (UINT64CONST(1) << array->shift) - 1) >> array->shift);
	array->chunks = build_allocate(build, sizeof(uint64) * Max(array->count, 1));
	chunks = build_address(build, array->chunks);
	for (uint32 i = 0; i < array->count; i++)
	{
		uint32		first = i << array->shift;

		chunks[i] = build_allocate(build, stride * Min(n - first, UINT32_C(1) << array->shift));
	}
}

static void
map_array(SegmentBuild *build, const SharedArray *array, Size stride, GraphArray *map)
{
	const uint64 *chunks = build_address(build, array->chunks);

	map->chunks = MemoryContextAllocHuge(build->context, sizeof(char *) * Max(array->count, 1));
	for (uint32 i = 0; i < array->count; i++)
		map->chunks[i] = build_address(build, chunks[i]);
	map->shift = array->shift;
	map->stride = stride;
}

static void
forget_map(GraphArray *map)
{
	if (map->chunks)
		pfree(map->chunks);
	map->chunks = NULL;
}

static GraphArray *
level_links(GraphBuild *graph, int level)
{
	return level == 0 ? &graph->links : &graph->levels[level];
}

/* Allocates the memory of the graph. */
void
build_allocate_graph(SegmentBuild *build, int max_levels)
{
	BuildShared *shared = build->shared;

	shared->levels = Min(graph_level_sizes(&build->graph, shared->nodes, shared->sizes),
						 max_levels);
	for (int l = 0; l < shared->levels; l++)
		if (l == 0 || !build->space.coded)
			allocate_array(build, &shared->links[l], build->graph.size, shared->sizes[l]);
		else
			shared->entries = build_allocate(build, Max(1, graph_entries_size(
				shared->sizes[l], graph_entries_dims(build->graph.padded))));
	if (build->space.coded && !build->graph.exact && !build_loads_bytes(build))
		allocate_array(build, &shared->work, graph_work_size(&build->graph), shared->nodes);
	if (shared->entries)
		allocate_array(build, &shared->order, sizeof(uint32), shared->nodes);
}

/* The places of work vectors that were loaded in place of payloads. */
static void
map_places(SegmentBuild *build)
{
	build->graph.places = MemoryContextAllocHuge(build->context,
												 sizeof(char *) * build->shared->nodes);
	for (uint32 i = 0; i < build->shared->nodes; i++)
		build->graph.places[i] = build_payload(build, build_node_row(build, i));
}

/* GraphBuild.vector */
static void
node_vector(void *arg, uint32_t node, float *out)
{
	SegmentBuild *build = arg;

	build_work_floats(build, build_payload(build, build_node_row(build, node)), out);
}

void
build_use_exact(SegmentBuild *build)
{
	GraphBuild *graph = &build->graph;

	graph_use_exact(&build->inserter, graph,
					graph->coded && build->shared->exact && !build->shared->merging);
	if (!graph->exact || graph->scratch)
		return;
	graph->vector = node_vector;
	graph->scratch = MemoryContextAlloc(build->context, 2 * sizeof(float) * graph->padded);
}

/* Maps the arrays into this process. */
void
build_map_graph(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	GraphBuild *graph = &build->graph;

	build->nodes = build_address(build, shared->nodes_handle);
	for (int l = 0; l < shared->levels && shared->links[l].chunks; l++)
		map_array(build, &shared->links[l], graph->size, level_links(graph, l));
	if (build->space.coded && build_loads_bytes(build))
		map_places(build);
	else if (build->space.coded && !graph->exact)
		map_array(build, &shared->work, graph_work_size(graph), &graph->work);
	if (shared->order.chunks)
		map_array(build, &shared->order, sizeof(uint32), &build->order);
	graph->top = 0;
	graph->bottom = 1;
	graph->entries.count = 0;
}

void
build_unmap_graph(SegmentBuild *build)
{
	for (int l = 0; l < GRAPH_LEVELS; l++)
		forget_map(level_links(&build->graph, l));
	forget_map(&build->graph.work);
	forget_map(&build->order);
	if (build->graph.places)
		pfree(build->graph.places);
	build->graph.places = NULL;
}

/* Takes the next nodes before `end` for this participant; returns false if there are none. */
bool
build_next_nodes(SegmentBuild *build, uint32 end, uint32 *from, uint32 *to)
{
	uint64		first = pg_atomic_fetch_add_u64(&build->shared->next_node, BATCH_OF_NODES);

	WAIT_POINT("grow");
	CHECK_FOR_OTHERS();
	*from = (uint32) Min(first, end);
	*to = (uint32) Min(first + BATCH_OF_NODES, end);
	return *from < *to;
}

void
build_residual(SegmentBuild *build, const char *payload, float *residual)
{
	if (build->codes)
	{
		const float *centroid =
			build->get_centroid(build, ((const DiskCode *) payload)->cell);

		disk_restore(&build->space, build->graph.padded, payload, residual);
		for (uint32 d = 0; d < build->graph.padded; d++)
			residual[d] += centroid[d];
		return;
	}
	payload_floats(&build->space, payload, residual);
	rotation_apply(&build->space.rotation, residual, residual);
	for (uint32 d = 0; d < build->graph.padded; d++)
		residual[d] -= build->shared->mean[d];
}

void
build_work_floats(SegmentBuild *build, const char *payload, float *out)
{
	float		scale = build->shared->scale;

	build_residual(build, payload, out);
	for (uint32 d = 0; d < build->graph.padded && !build->graph.exact; d++)
		out[d] = Max(Min(out[d] * scale, LARGEST_HALF), -LARGEST_HALF);
}

/*
 * Computes a work vector: centred and rotated, as halves or bytes; scratch has room for `padded`
 * floats.
 */
void
build_work_of(SegmentBuild *build, const char *payload, float *scratch, void *work)
{
	build_work_floats(build, payload, scratch);
	if (build->graph.bytes)
		graph_make_bytes(&build->graph, scratch, work);
	else
		distance_kernels->f32_to_f16(scratch, build->graph.padded, work);
}

/* Likewise for a node. */
void
build_work_vector(SegmentBuild *build, uint32 node, float *scratch, void *work)
{
	build_work_of(build, build_payload(build, build_node_row(build, node)), scratch, work);
}

/* Rotates nodes' vectors into work vectors, and clears their links. */
void
build_make_work_vectors(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	GraphBuild *graph = &build->graph;
	float	   *scratch = palloc(sizeof(float) * graph->padded);
	uint32		from;
	uint32		to;

	while (build_next_nodes(build, shared->nodes, &from, &to))
		for (uint32 node = from; node < to; node++)
		{
			memset(graph_array_at(&graph->links, node), 0, graph->size);
			if (build->space.coded && !graph->exact && graph->places == NULL)
				build_work_vector(build, node, scratch, graph_array_at(&graph->work, node));
		}
	pfree(scratch);
}

void
build_wait(SegmentBuild *build)
{
	BarrierArriveAndWait(&build->shared->barrier, PG_WAIT_EXTENSION);
}

/* Begins a step for which all participants take nodes, from `node` on. */
void
build_begin_step(SegmentBuild *build, uint32 node)
{
	build_wait(build);
	if (build->leader)
		pg_atomic_write_u64(&build->shared->next_node, node);
	build_wait(build);
}

/* Makes the first nodes, once they are inserted, the entries for those after them. */
static void
make_entries(SegmentBuild *build)
{
	GraphBuild *graph = &build->graph;
	GraphEntries entries = {
		build->shared->sizes[1], graph_entries_dims(graph->padded),
		build_address(build, build->shared->entries)
	};

	if (build->leader)
		graph_build_entries(graph, &entries, build->inserter.rotated);
	build_wait(build);
	graph->entries = entries;
}

/* Determines the order of the nodes after the entries. */
static void
order_nodes(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	uint32		entries = shared->sizes[1];
	uint32		from;
	uint32		to;

	build_begin_step(build, entries);
	while (build_next_nodes(build, shared->nodes, &from, &to))
		for (uint32 node = from; node < to; node++)
			*(uint32 *) graph_array_at(&build->order, node) = graph_cell(&build->inserter, node);
	build_wait(build);
	if (build->leader)
	{
		uint32	   *scratch = MemoryContextAllocHuge(build->context,
													 sizeof(uint32) * shared->nodes);

		graph_order(&build->order, entries, shared->nodes, scratch);
		pfree(scratch);
	}
}

/* The node in a place of the order. */
static inline uint32
ordered_node(const SegmentBuild *build, uint32 place)
{
	return build->order.chunks ? *(uint32 *) graph_array_at(&build->order, place) : place;
}

/* Inserts the nodes that complete level `level`. */
static void
insert_nodes(SegmentBuild *build, int level)
{
	BuildShared *shared = build->shared;
	GraphBuild *graph = &build->graph;
	uint32		from;
	uint32		to;

	while ((build->leader || shared->sizes[level] > NODES_BY_LEADER) &&
		   build_next_nodes(build, shared->sizes[level], &from, &to))
	{
		for (uint32 node = from; node < to; node++)
			if (!graph_insert(&build->inserter,
							  level == 0 ? ordered_node(build, node) : node))
				elog(ERROR, "out of memory");
		build_report(build, BUILD_GRAPH, shared->done + to, shared->total);
	}
	build_wait(build);
	if (level == 0)
		return;
	if (graph->coded)
	{
		make_entries(build);
		order_nodes(build);
		return;
	}
	if (build->leader)
		graph_build_snapshot(graph, level, shared->sizes[level]);
	if (graph->top == 0)
		graph->top = level;
	graph->bottom = level;
}

static void
fill_nodes(SegmentBuild *build)
{
	uint32		from;
	uint32		to;

	while (build_next_nodes(build, build->shared->nodes, &from, &to))
		for (uint32 node = from; node < to; node++)
			if (!graph_fill(&build->inserter, ordered_node(build, node)))
				elog(ERROR, "out of memory");
}

void
build_connect(SegmentBuild *build)
{
	if (!graph_connect(&build->graph, build->shared->nodes, build->inserter.search.memory))
		elog(ERROR, "out of memory");
}

/* Builds the graph of the nodes, in memory that the leader has allocated. */
void
build_grow_graph(SegmentBuild *build)
{
	BuildShared *shared = build->shared;

	build_map_graph(build);
	build_make_work_vectors(build);
	for (int level = shared->levels - 1; level >= 0; level--)
	{
		build_begin_step(build, level == shared->levels - 1 ? 0 : shared->sizes[level + 1]);
		insert_nodes(build, level);
	}
	build_begin_step(build, 0);
	if (!shared->hurried || build->graph.bytes)
		fill_nodes(build);
	build_wait(build);
}
