/*
 * vamana.c - insertion into a graph of lists of numbers, by vectors rounded to bytes
 *
 * The graph is that of Subramanya et al., DiskANN, NeurIPS 2019 (Vamana), but each node is inserted
 * once.  A node takes the bytes of its vector and four for a neighbour, and nothing is estimated.
 *
 * Each vector has a step of its own, so that vectors of any length are as precise: elements are off
 * by less than a hundredth of the vector's length, which changes hardly a neighbour.
 *
 * Not for dot products, which obey no triangle inequality.  One more element, by which all vectors
 * are of the same length, would make them distances that do (Bachrach et al., RecSys 2014); but
 * then long vectors are the neighbours of each other alone, and hardly another one is found from
 * them.
 */
#include "graph/build.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "graph/build_internal.h"

/*
 * An insertion ends when everything left is this many times as far (squared) as this many found
 * nodes: hardly any node beyond is chosen as a neighbour.
 */
#define INSERT_WANTED	28
#define INSERT_REACH	1.05f

/* An element of a rounded vector is at most this. */
#define LARGEST			127

/* Vectors are fetched into the caches so long before they are compared. */
#define AHEAD			3

void
graph_make_bytes(const GraphBuild *build, const float *vector, GraphBytes *out)
{
	float		largest = 0;
	float		inverse;

	for (uint32_t i = 0; i < build->padded; i++)
		largest = fabsf(vector[i]) > largest ? fabsf(vector[i]) : largest;
	out->step = largest < LARGEST * FLT_MIN ? 0 : largest / LARGEST;
	inverse = out->step > 0 ? 1 / out->step : 0;
	for (uint32_t i = 0; i < build->padded; i++)
		out->elements[i] = (int8_t) (vector[i] * inverse + (vector[i] < 0 ? -0.5f : 0.5f));
	out->length2 = out->step * out->step *
		(float) distance_kernels->i8_dot(out->elements, out->elements, build->padded);
}

static inline float
distance_of(const GraphBuild *build, const GraphBytes *a, const GraphBytes *b)
{
	float		dot = a->step * b->step *
		(float) distance_kernels->i8_dot(a->elements, b->elements, build->padded);
	float		distance = a->length2 + b->length2 - 2 * dot;

	return distance > 0 ? distance : 0;
}

float
graph_bytes_distance(const GraphBuild *build, uint32_t a, uint32_t b)
{
	return distance_of(build, bytes_at(build, a), bytes_at(build, b));
}

/* The distance of a node, whose bytes are given, from another one. */
static inline float
distance_from(const GraphBuild *build, uint32_t node, const GraphBytes *bytes, uint32_t other)
{
	return build->exact ? build->distance(build->arg, node, other) :
		distance_of(build, bytes, bytes_at(build, other));
}

static inline void
prefetch_bytes(const GraphBuild *build, uint32_t node)
{
	const char *bytes = (const char *) bytes_at(build, node);

	for (size_t i = 0; i < graph_work_size(build); i += 64)
		__builtin_prefetch(bytes + i, 0, 3);
}

static int
expand_list(void *arg, uint32_t node, GraphFound *found, uint32_t *ids, float *estimates)
{
	GraphInserter *inserter = arg;
	const GraphBuild *build = inserter->build;
	GraphLinks *links = links_at(build, 0, node);
	uint32_t	count;

	(void) found;
	(void) estimates;
	lock_shared(links);
	count = links->count;
	memcpy(ids, graph_link_ids(build, links), count * sizeof(uint32_t));
	unlock_shared(links);
	return (int) count;
}

static void
score_nodes(void *arg, const uint32_t *ids, int n, float *distances)
{
	GraphInserter *inserter = arg;
	const GraphBuild *build = inserter->build;
	const GraphBytes *query = bytes_at(build, inserter->node);

	for (int i = 0; i < n && i < AHEAD; i++)
		prefetch_bytes(build, ids[i]);
	for (int i = 0; i < n; i++)
	{
		if (i + AHEAD < n)
			prefetch_bytes(build, ids[i + AHEAD]);
		distances[i] = distance_from(build, inserter->node, query, ids[i]);
	}
}

static void
prefetch_list(void *arg, uint32_t node)
{
	GraphInserter *inserter = arg;
	const char *links = (const char *) links_at(inserter->build, 0, node);

	for (size_t i = 0; i < inserter->build->size; i += 64)
		__builtin_prefetch(links + i, 0, 2);
}

bool
vamana_init(GraphInserter *inserter, GraphMemory memory)
{
	const GraphBuild *build = inserter->build;

	inserter->source = (GraphSource) {
		.expand = expand_list,
		.score = score_nodes,
		.prefetch = prefetch_list,
		.arg = inserter,
		.degree = vamana_room(build->degree),
		.once = true
	};
	inserter->candidates = memory.resize(memory.arg, NULL,
										 build->ef_construction * sizeof(VamanaCandidate));
	return inserter->candidates != NULL;
}

/*
 * The distance to a chosen neighbour that is `times` as near to a candidate as the node is;
 * INFINITY if there is none.  `order` lists the chosen (bring_forward).
 */
static float
cover_distance(const GraphBuild *build, GraphCandidate candidate, const uint32_t *chosen,
			   uint32_t count, float times, uint16_t *order)
{
	const GraphBytes *bytes = bytes_at(build, candidate.id);

	for (uint32_t k = 0; k < count; k++)
	{
		float		between = distance_from(build, candidate.id, bytes, chosen[order[k]]);

		if (between * times >= candidate.distance)
			continue;
		bring_forward(order, k);
		return between;
	}
	return INFINITY;
}

/*
 * Chooses neighbours from candidates in order of distance, by algorithm 2 of Vamana: first without
 * those that are nearer to a chosen one than to the node, then, with the places that are left,
 * without those that are alpha times nearer.  Returns how many.
 */
static uint32_t
choose(const GraphBuild *build, VamanaCandidate *candidates, uint32_t n, uint32_t *chosen)
{
	const float alpha2 = build->alpha * build->alpha;
	uint16_t	order[GRAPH_MAX_DEGREE];
	uint32_t	count = 0;

	for (uint32_t i = 0; i < n && count < build->degree; i++)
	{
		candidates[i].cover = cover_distance(build, candidates[i].end, chosen, count, 1, order);
		if (candidates[i].cover < INFINITY)
			continue;
		order[count] = (uint16_t) count;
		chosen[count++] = candidates[i].end.id;
	}
	for (uint32_t i = 0; i < n && count < build->degree && alpha2 > 1; i++)
	{
		if (candidates[i].cover * alpha2 < candidates[i].end.distance ||
			candidates[i].cover == INFINITY ||
			cover_distance(build, candidates[i].end, chosen, count, alpha2, order) < INFINITY)
			continue;
		order[count] = (uint16_t) count;
		chosen[count++] = candidates[i].end.id;
	}
	return count;
}

/* Sorts candidates by distance; they are few, or nearly in order. */
static void
sort_candidates(VamanaCandidate *candidates, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
	{
		VamanaCandidate item = candidates[i];
		uint32_t	k = i;

		for (; k > 0 && candidates[k - 1].end.distance > item.end.distance; k--)
			candidates[k] = candidates[k - 1];
		candidates[k] = item;
	}
}

/* Chooses a list's neighbours again, among those in it and, unless it is the node, another. */
static void
choose_again(const GraphBuild *build, GraphLinks *links, uint32_t node, uint32_t other)
{
	uint32_t   *ids = graph_link_ids(build, links);
	VamanaCandidate candidates[GRAPH_MAX_DEGREE + 1];
	uint32_t	n = links->count;

	for (uint32_t i = 0; i < n; i++)
	{
		if (i + AHEAD < n)
			prefetch_bytes(build, ids[i + AHEAD]);
		candidates[i].end =
			(GraphCandidate) {graph_build_distance(build, node, ids[i]), ids[i]};
	}
	if (other != node)
		candidates[n++].end = (GraphCandidate) {graph_build_distance(build, node, other), other};
	sort_candidates(candidates, n);
	links->count = choose(build, candidates, n, ids);
}

/* Makes an inserted node a neighbour of a node that it has chosen. */
static void
link_back(const GraphBuild *build, uint32_t node, uint32_t neighbour)
{
	GraphLinks *links = links_at(build, 0, node);
	uint32_t   *ids = graph_link_ids(build, links);

	lock_exclusive(links);
	if (links->count < vamana_room(build->degree))
		ids[links->count++] = neighbour;
	else
		choose_again(build, links, node, neighbour);
	unlock_exclusive(links);
}

bool
vamana_insert(GraphInserter *inserter, uint32_t node)
{
	const GraphBuild *build = inserter->build;
	GraphSearch *search = &inserter->search;
	GraphLinks *links = links_at(build, 0, node);
	GraphCandidate entry = {0, 0};
	VamanaCandidate *candidates = inserter->candidates;
	uint32_t	chosen[GRAPH_MAX_DEGREE];
	uint32_t	count;

	if (node == 0)
		return true;
	inserter->node = node;
	inserter->level = 0;
	if (build->entries.count > 0)
	{
		graph_work_floats(build, node, inserter->rotated);
		entry = graph_nearest_entry(inserter, node);
	}
	entry.distance = graph_build_distance(build, node, entry.id);
	if (!graph_search_begin(search, inserter->source, build->ef_construction, false, entry))
		return false;
	graph_search_limit(search, INSERT_WANTED, INSERT_REACH, INFINITY, 0);
	if (!graph_search_run(search, UINT32_MAX))
		return false;
	for (uint32_t i = 0; i < search->pool_count; i++)
		candidates[i].end = graph_search_candidate(search, i);
	count = choose(build, candidates, search->pool_count, chosen);
	lock_exclusive(links);
	memcpy(graph_link_ids(build, links), chosen, count * sizeof(uint32_t));
	links->count = count;
	unlock_exclusive(links);
	for (uint32_t i = 0; i < count; i++)
		link_back(build, chosen[i], node);
	return true;
}

void
vamana_trim(const GraphBuild *build, uint32_t node)
{
	GraphLinks *links = links_at(build, 0, node);

	lock_exclusive(links);
	if (links->count > build->degree)
		choose_again(build, links, node, node);
	unlock_exclusive(links);
}

float
vamana_code(const GraphBuild *build, const GraphBytes *node, const GraphBytes *neighbour,
			uint8_t *signs)
{
	for (uint32_t i = 0; i < graph_sign_dims(build); i += 8)
	{
		uint8_t		bits = 0;

		for (uint32_t k = 0; k < 8; k++)
			bits |= (uint8_t) ((neighbour->step * neighbour->elements[i + k] >
								node->step * node->elements[i + k]) << k);
		signs[i / 8] = bits;
	}
	return distance_of(build, node, neighbour);
}
