/*
 * graph_world.h - points, and graphs of them that are built in memory
 */
#ifndef GRAPH_WORLD_H
#define GRAPH_WORLD_H

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "distance/half.h"
#include "graph/build_internal.h"
#include "quantize/rotation.h"

#define HOLDS(condition)	CHECK(condition, "does not hold")

#define DIMS		24
#define MAX_THREADS	4
#define K			10

typedef enum Kind
{
	PLAIN,
	CODED,
	BYTES,						/* coded, but with bytes in place of codes */
	EXACT,						/* both without work vectors: for one thread */
	EXACT_BYTES
} Kind;

/* Points, and a graph of them. */
typedef struct World
{
	uint32_t	n;
	uint32_t	first;			/* searches know node i as first + i */
	RabitqMetric metric;
	bool		coded;
	float	   *points;			/* n * DIMS */
	float	   *rotated;		/* if exact: n * padded */
	char	   *arrays[GRAPH_LEVELS + 2];	/* and work vectors, and entries */
	GraphBuild	build;
	uint32_t   *order;			/* of insertion, if there are entries */
	_Atomic uint32_t next;
	uint32_t	end;
	_Atomic uint64_t hops;		/* of the searches of all steps */
	bool		(*step) (GraphInserter *inserter, uint32_t node);
} World;

static uint64_t seed = 7;

static float
uniform(void)
{
	return (float) (rotation_random(&seed) >> 40) / (1 << 24);
}

static void *
resize(void *arg, void *p, size_t size)
{
	int		   *left = arg;

	if (size == 0)
	{
		free(p);
		return NULL;
	}
	if (left && (*left)-- == 0)
		return NULL;
	return realloc(p, size);
}

static float
distance(const World *world, const float *a, const float *b)
{
	return world->metric == RABITQ_L2 ? distance_kernels->f32_l2sq(a, b, DIMS) :
		-distance_kernels->f32_dot(a, b, DIMS);
}

static const float *
point(const World *world, uint32_t i)
{
	return world->points + (size_t) i * DIMS;
}

static float
node_distance(void *arg, uint32_t a, uint32_t b)
{
	return distance(arg, point(arg, a), point(arg, b));
}

static void
node_vector(void *arg, uint32_t node, float *out)
{
	const World *world = arg;

	memcpy(out, world->rotated + (size_t) node * world->build.padded,
		   sizeof(float) * world->build.padded);
}

static void
free_search(GraphSearch *search)
{
	free(search->pool);
	free(search->seen);
	free(search->found);
	free(search->kept.items);
	free(search->dead.items);
	free(search->nearest.items);
	free(search->beyond);
}

static void
free_inserter(GraphInserter *inserter)
{
	free_search(&inserter->search);
	free(inserter->rotated);
	free(inserter->lut);
	free(inserter->entry_lut);
	free(inserter->signs);
	free(inserter->cosine);
	free(inserter->candidates);
}

/* Processes every node up to the end. */
static void *
visit_nodes(void *arg)
{
	World	   *world = arg;
	GraphInserter inserter;
	uint32_t	node;
	bool		ok = graph_inserter_init(&inserter, &world->build, (GraphMemory) {resize, NULL});

	while (ok && (node = atomic_fetch_add(&world->next, 1)) < world->end)
		ok = world->step(&inserter, world->order ? world->order[node] : node);
	world->hops += inserter.search.hops;
	free_inserter(&inserter);
	return ok ? world : NULL;
}

/*
 * Points near 30 centres, those of each centre in groups of `near` which lie close together;
 * rotated and rounded to halves as in the build of a segment.
 */
static void
make_world(World *world, uint32_t n, RabitqMetric metric, Kind kind, uint32_t near)
{
	Rotation	rotation;
	uint32_t   *signs = malloc(rotation_memory(DIMS));
	float	   *rotated;
	float		centres[30][DIMS];

	memset(world, 0, sizeof(*world));
	world->n = n;
	world->metric = metric;
	world->coded = kind != PLAIN;
	world->points = malloc(sizeof(float) * n * DIMS);
	for (int c = 0; c < 30; c++)
		for (int d = 0; d < DIMS; d++)
			centres[c][d] = uniform() * 2 - 1;
	for (uint32_t i = 0; i < n; i++)
		for (int d = 0; d < DIMS; d++)
			world->points[i * DIMS + d] = i / 30 % near == 0 ? centres[i % 30][d] + uniform() :
				world->points[(i - i / 30 % near * 30) * DIMS + d] + uniform() / 20;

	world->build.degree = 32;
	world->build.ef_construction = 100;
	world->build.coded = world->coded;
	world->build.bytes = kind == BYTES || kind == EXACT_BYTES;
	world->build.exact = kind == EXACT || kind == EXACT_BYTES;
	world->build.alpha = world->build.bytes ? 1.2f : 0;
	world->build.metric = metric;
	world->build.padded = world->coded ? rotation_padded(DIMS) : 0;
	world->build.distance = node_distance;
	world->build.arg = world;
	world->build.bottom = 1;
	graph_build_layout(&world->build);
	rotation_init(&rotation, DIMS, 3, signs);
	rotated = malloc(sizeof(float) * rotation.padded);
	if (world->build.exact)
	{
		uint32_t	padded = world->build.padded;

		world->build.vector = node_vector;
		world->build.scratch = malloc(2 * sizeof(float) * padded);
		world->rotated = malloc(sizeof(float) * n * padded);
		for (uint32_t i = 0; i < n; i++)
			rotation_apply(&rotation, point(world, i), world->rotated + (size_t) i * padded);
	}
	else if (world->coded)
	{
		size_t		size = graph_work_size(&world->build);
		char	   *works = malloc(size * n);

		world->arrays[GRAPH_LEVELS] = works;
		world->build.work = (GraphArray) {&world->arrays[GRAPH_LEVELS], 31, size};
		for (uint32_t i = 0; i < n; i++)
		{
			rotation_apply(&rotation, point(world, i), rotated);
			if (kind == BYTES)
				graph_make_bytes(&world->build, rotated, (GraphBytes *) (works + i * size));
			else
				distance_kernels->f32_to_f16(rotated, rotation.padded,
											 (uint16_t *) (works + i * size));
		}
	}
	free(rotated);
	free(signs);
}

static void
free_world(World *world)
{
	for (int i = 0; i < GRAPH_LEVELS + 2; i++)
		free(world->arrays[i]);
	free(world->order);
	free(world->points);
	free(world->rotated);
	free(world->build.scratch);
}

static void
run_step(World *world, int threads, bool (*step) (GraphInserter *, uint32_t), uint32_t from,
		 uint32_t end)
{
	pthread_t	thread[MAX_THREADS];
	void	   *result;

	world->step = step;
	world->next = from;
	world->end = end;
	for (int t = 0; t < threads; t++)
		pthread_create(&thread[t], NULL, visit_nodes, world);
	for (int t = 0; t < threads; t++)
	{
		pthread_join(thread[t], &result);
		HOLDS(result == world);
	}
}

/* The number of neighbours of all nodes. */
static uint32_t
count_links(const World *world)
{
	uint32_t	count = 0;

	for (uint32_t i = 0; i < world->n; i++)
		count += ((GraphLinks *) graph_array_at(&world->build.links, i))->count;
	return count;
}

/* The entry found for the vector of a node is that node, or near it. */
static void
make_entries(World *world, uint32_t count)
{
	GraphBuild *build = &world->build;
	GraphEntries entries = {count, graph_entries_dims(build->padded), NULL};
	float	   *rotated = malloc(sizeof(float) * build->padded);
	uint8_t    *lut = malloc(rabitq_lut_size(entries.dims));
	double		found = 0;
	double		others = 0;

	world->arrays[GRAPH_LEVELS + 1] = entries.groups = malloc(graph_entries_size(count,
																				 entries.dims));
	graph_build_entries(build, &entries, rotated);
	for (uint32_t i = 0; i < count; i++)
	{
		GraphCandidate nearest;

		graph_work_floats(build, i, rotated);
		nearest = graph_entries_nearest(&entries, build->metric, rotated, build->padded, lut);
		HOLDS(nearest.id < count);
		found += graph_build_distance(build, i, nearest.id);
		others += graph_build_distance(build, i, (i + 1) % count);
	}
	HOLDS(build->metric == RABITQ_IP ? found < others : found < others / 4);
	build->entries = entries;
	free(rotated);
	free(lut);
}

/*
 * Orders the nodes after the entries: in each round all nodes up to twice as many, those of a cell
 * one after the other.
 */
static void
make_order(World *world, uint32_t entries)
{
	GraphInserter inserter;
	uint32_t   *order = malloc(sizeof(uint32_t) * world->n);
	uint32_t   *cells = malloc(sizeof(uint32_t) * world->n);
	uint32_t   *scratch = malloc(sizeof(uint32_t) * world->n);
	char	   *chunk = (char *) order;
	const GraphArray numbers = {&chunk, 31, sizeof(uint32_t)};
	uint32_t	round = entries;

	HOLDS(graph_inserter_init(&inserter, &world->build, (GraphMemory) {resize, NULL}));
	for (uint32_t i = entries; i < world->n; i++)
		order[i] = cells[i] = graph_cell(&inserter, i);
	free_inserter(&inserter);
	graph_order(&numbers, entries, world->n, scratch);
	memset(scratch, 0, sizeof(uint32_t) * world->n);
	for (uint32_t i = 0; i < world->n; i++)
	{
		bool		begins = i == 2 * round;

		HOLDS(order[i] < world->n && scratch[order[i]]++ == 0);
		if (begins)
			round = i;
		if (i < entries)
			HOLDS(order[i] == i);
		else
			HOLDS(order[i] >= round && order[i] < 2 * round &&
				  (i == entries || begins || cells[order[i]] >= cells[order[i - 1]]));
	}
	free(cells);
	free(scratch);
	world->order = order;
}

static void
build_graph(World *world, int threads)
{
	GraphBuild *build = &world->build;
	uint32_t	sizes[GRAPH_LEVELS];
	int			levels = graph_level_sizes(build, world->n, sizes);
	uint32_t	from = 0;

	world->arrays[0] = calloc(world->n, build->size);
	build->links = (GraphArray) {&world->arrays[0], 31, build->size};
	for (int level = levels - 1; level >= 0; level--)
	{
		run_step(world, threads, graph_insert, from, sizes[level]);
		from = sizes[level];
		if (level == 0)
			break;
		if (build->coded)
		{
			make_entries(world, sizes[level]);
			make_order(world, sizes[level]);
			continue;
		}
		world->arrays[level] = malloc(build->size * sizes[level]);
		build->levels[level] = (GraphArray) {&world->arrays[level], 31, build->size};
		graph_build_snapshot(build, level, sizes[level]);
		if (build->top == 0)
			build->top = level;
		build->bottom = level;
	}
	from = count_links(world);
	run_step(world, threads, graph_fill, 0, world->n);
	HOLDS(world->n < 1000 || build->bytes || count_links(world) > from + from / 20);
	HOLDS(graph_connect(build, world->n, (GraphMemory) {resize, NULL}));
}

#endif							/* GRAPH_WORLD_H */
