/*
 * search_test.c - searches of a graph on a disk: by estimates, some nodes at a time
 *
 * Points are in clusters, each of which is a block of the disk.  A node's neighbours are the points
 * nearest to it, and a few at random.  And entries, where searches begin.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "graph/entries.h"
#include "quantize/rotation.h"

#define HOLDS(condition)	CHECK(condition, "does not hold")

#define DIMS		8
#define BLOCK		16			/* nodes */
#define BLOCKS		100
#define NODES		(BLOCK * BLOCKS)
#define NEAR		10
#define LINKS		16
#define K			10
#define QUERIES		60

static uint64_t seed = 3;
static float points[NODES][DIMS];
static uint32_t links[NODES][LINKS];

/* A search and what it has read. */
typedef struct Probe
{
	const float *query;
	bool		near;
	bool		present[BLOCKS];
	uint8_t		expanded[NODES];
	uint32_t	hops;
	uint32_t	reads;			/* blocks */
	uint32_t	rounds;			/* in which blocks were read */
} Probe;

static float
uniform(void)
{
	return (float) (rotation_random(&seed) >> 40) / (1 << 24);
}

static void *
resize(void *arg, void *p, size_t size)
{
	(void) arg;
	if (size > 0)
		return realloc(p, size);
	free(p);
	return NULL;
}

static float
distance(const float *x, const float *y)
{
	float		sum = 0;

	for (int d = 0; d < DIMS; d++)
		sum += (x[d] - y[d]) * (x[d] - y[d]);
	return sum;
}

static void
make_graph(void)
{
	for (uint32_t i = 0; i < NODES; i++)
		for (int d = 0; d < DIMS; d++)
			points[i][d] = i % BLOCK == 0 ? uniform() :
				points[i - i % BLOCK][d] + 1.0f * (uniform() - 0.5f);
	for (uint32_t i = 0; i < NODES; i++)
	{
		for (int n = 0; n < NEAR; n++)
		{
			float		before = n > 0 ? distance(points[i], points[links[i][n - 1]]) : 0;
			float		least = INFINITY;

			for (uint32_t k = 0; k < NODES; k++)
			{
				float		to = distance(points[i], points[k]);

				if (k != i && to > before && to < least)
				{
					least = to;
					links[i][n] = k;
				}
			}
		}
		for (int n = NEAR; n < LINKS; n++)
			links[i][n] = (uint32_t) (rotation_random(&seed) % NODES);
	}
}

static int
expand(void *arg, uint32_t id, GraphFound *found, uint32_t *ids, float *estimates)
{
	Probe	   *probe = arg;

	(void) estimates;
	HOLDS(probe->present[id / BLOCK] && probe->expanded[id]++ == 0);
	probe->hops++;
	found->distance = distance(probe->query, points[id]);
	memcpy(ids, links[id], sizeof(links[id]));
	return LINKS;
}

/* Estimates err by a part of the distance that is always the same for a node. */
static void
estimate(void *arg, const uint32_t *ids, int n, float *distances)
{
	const Probe *probe = arg;

	for (int i = 0; i < n; i++)
		distances[i] = distance(probe->query, points[ids[i]]) *
			(0.8f + 0.4f * (float) (ids[i] * 2654435761u >> 8) / (1 << 24));
}

/* Every second time the search has to wait. */
static bool
fetch(void *arg, const uint32_t *ids, int n)
{
	Probe	   *probe = arg;
	uint32_t	before = probe->reads;

	HOLDS(n >= 1 && n <= (probe->near ? GRAPH_BEAM : GRAPH_FAR_BEAM));
	for (int i = 0; i < n; i++)
	{
		probe->reads += !probe->present[ids[i] / BLOCK];
		probe->present[ids[i] / BLOCK] = true;
	}
	probe->rounds += probe->reads > before;
	return probe->rounds % 2 == 0;
}

static int
compare_block(void *arg, uint32_t id, uint32_t *ids, float *distances)
{
	const Probe *probe = arg;

	HOLDS(probe->present[id / BLOCK]);
	for (uint32_t i = 0; i < BLOCK; i++)
	{
		ids[i] = id - id % BLOCK + i;
		distances[i] = distance(probe->query, points[ids[i]]);
	}
	return BLOCK;
}

/* Runs a search to its end, however often it has to wait. */
static bool
run_to_end(GraphSearch *search)
{
	while (graph_search_run(search, UINT32_MAX))
		if (!search->waits)
			return true;
	return false;
}

/*
 * Searches with nothing in memory at first; adds what it has read to *sum, and returns how many of
 * the nearest it has found.
 */
static int
search_once(GraphSearch *search, uint32_t i, bool compares, bool near, Probe *sum)
{
	static Probe probe;
	float		query[DIMS];
	GraphSource source = {
		.expand = expand, .score = estimate, .fetch = fetch,
		.beside = compares ? compare_block : NULL, .arg = &probe, .degree = LINKS, .exact = true,
		.near = near
	};
	GraphCandidate entry = {0, near ? i * 23 % NODES : 0};
	int			hits = 0;

	for (int d = 0; d < DIMS; d++)
		query[d] = points[i * 23 % NODES][d] + 0.02f;
	memset(&probe, 0, sizeof(probe));
	probe.query = query;
	probe.near = near;
	estimate(&probe, &entry.id, 1, &entry.distance);
	HOLDS(graph_search_begin(search, source, 80, false, entry));
	graph_search_limit(search, K, 1.3f, INFINITY, 0);
	/* what has been asked for is still expanded after a pause */
	do
		HOLDS(graph_search_run(search, 6 - probe.hops));
	while (search->waits);
	HOLDS(probe.hops == 6);
	HOLDS(run_to_end(search));
	HOLDS(probe.hops == search->found_count);
	graph_sort_found(search->found, search->found_count);
	for (int k = 0; k < K; k++)
	{
		int			nearer = 0;

		/* found by exact distances */
		HOLDS(search->found[k].distance == distance(query, points[search->found[k].id]));
		for (uint32_t node = 0; node < NODES; node++)
			nearer += distance(query, points[node]) < search->found[k].distance;
		hits += nearer < K;
	}
	sum->reads += probe.reads;
	sum->rounds += probe.rounds;
	return hits;
}

static void
free_memory(GraphSearch *search)
{
	free(search->pool);
	free(search->beyond);
	free(search->nearest.items);
	free(search->dead.items);
	free(search->kept.items);
	free(search->seen);
	free(search->found);
}

/*
 * Nodes are read some at a time, so there are fewer rounds than reads.  If all nodes of the blocks
 * that are read are compared, there are fewer reads.  A search that begins near the query reads
 * more of them at a time from the start.
 */
static void
check_disk(void)
{
	GraphSearch search;
	Probe		alone = {0};
	Probe		beside = {0};
	Probe		near = {0};
	int			hits = 0;

	graph_search_init(&search, (GraphMemory) {resize, NULL});
	for (uint32_t i = 0; i < QUERIES; i++)
		hits += search_once(&search, i, false, false, &alone);
	HOLDS(hits >= 0.95 * QUERIES * K);
	HOLDS(alone.rounds * 5 < alone.reads * 3);
	hits = 0;
	for (uint32_t i = 0; i < QUERIES; i++)
		hits += search_once(&search, i, true, false, &beside);
	HOLDS(hits >= 0.95 * QUERIES * K);
	HOLDS(beside.reads < alone.reads);
	hits = 0;
	for (uint32_t i = 0; i < QUERIES; i++)
		hits += search_once(&search, i, true, true, &near);
	HOLDS(hits >= 0.95 * QUERIES * K);
	HOLDS(near.rounds * 4 < beside.rounds * 3);
	free_memory(&search);
}

/*
 * A search that is told that more nodes are wanted than it has looked for goes on from where it
 * ended, expands nothing twice (`expand` checks that), and finds as many as if it had known.
 */
static void
check_extend(void)
{
	static Probe probe;
	GraphSearch search;
	int			hits = 0;
	int			at_once = 0;

	graph_search_init(&search, (GraphMemory) {resize, NULL});
	for (uint32_t i = 0; i < 2 * QUERIES; i++)
	{
		bool		extends = i % 2 == 0;
		uint32_t	from = i / 2 * 23 % NODES;
		float		query[DIMS];
		GraphSource source = {
			.expand = expand, .score = estimate, .fetch = fetch, .arg = &probe, .degree = LINKS,
			.exact = true
		};
		GraphCandidate entry = {0, 0};

		for (int d = 0; d < DIMS; d++)
			query[d] = points[from][d] + 0.02f;
		memset(&probe, 0, sizeof(probe));
		probe.query = query;
		estimate(&probe, &entry.id, 1, &entry.distance);
		HOLDS(graph_search_begin(&search, source, 80, false, entry));
		graph_search_limit(&search, extends ? K : 3 * K, 1.3f, INFINITY, 0.01f);
		HOLDS(run_to_end(&search));
		if (extends)
			HOLDS(graph_search_extend(&search, 3 * K, 1.3f) && run_to_end(&search) &&
				  probe.hops == search.found_count);
		for (size_t k = 0; k < search.found_count; k++)
		{
			int			nearer = 0;

			for (uint32_t node = 0; node < NODES; node++)
				nearer += distance(query, points[node]) < search.found[k].distance;
			*(extends ? &hits : &at_once) += nearer < 3 * K;
		}
	}
	HOLDS(hits >= 0.98 * at_once && at_once >= 0.9 * QUERIES * 3 * K);
	free_memory(&search);
}

/* The nearest entries are in order, and the first ones are the same however many are found. */
static void
check_entries(void)
{
	enum {ENTRIES = 3 * CODE_GROUP, PADDED = 128, FEW = 5};
	GraphEntries entries = {ENTRIES, PADDED, malloc(graph_entries_size(ENTRIES, PADDED))};
	uint8_t    *lut = malloc(rabitq_lut_size(PADDED));
	float		query[PADDED];
	GraphEntryQuery q = {RABITQ_L2, query, PADDED, lut};
	GraphCandidate few[FEW];
	GraphCandidate all[ENTRIES];

	for (uint32_t i = 0; i < ENTRIES; i++)
	{
		for (int d = 0; d < PADDED; d++)
			query[d] = uniform() - 0.5f;
		graph_entries_put(&entries, i, 7 * i, RABITQ_L2, query, PADDED);
	}
	HOLDS(graph_entries_find(&entries, &q, few, FEW) == FEW);
	HOLDS(graph_entries_find(&entries, &q, all, ENTRIES) == ENTRIES);
	/* the query is the last entry */
	HOLDS(few[0].id == 7 * (ENTRIES - 1));
	HOLDS(graph_entries_nearest(&entries, RABITQ_L2, query, PADDED, lut).id == few[0].id);
	for (int i = 0; i < FEW; i++)
		HOLDS(few[i].id == all[i].id);
	for (int i = 1; i < ENTRIES; i++)
		HOLDS(all[i].distance >= all[i - 1].distance);
	free(lut);
	free(entries.groups);
}

int
main(void)
{
	make_graph();
	check_disk();
	check_extend();
	check_entries();
	return check_end("search_test");
}
