/*
 * build.c - insertion into a graph in memory, and the choice of neighbours
 */
#include "graph/build.h"

#include <math.h>
#include <string.h>

#include "distance/half.h"
#include "graph/build_internal.h"

/*
 * An insertion ends when everything left seems this many times as far (squared) as this many found
 * nodes: hardly any node beyond is chosen as a neighbour.
 */
#define INSERT_WANTED	28
#define INSERT_REACH	1.2f

/*
 * An insertion into a coded graph that has found fewer neighbours than this searches again with
 * twice as many candidates: in a small cluster most candidates cover each other.  In some data that
 * finds others of the same kind only.  So once the last REPEATED searches have gained less than a
 * neighbour in two, only one in UNREPEATED is repeated.
 */
#define INSERT_CHOSEN	5
#define REPEATED		32
#define UNREPEATED		16

void
graph_build_layout(GraphBuild *build)
{
	/* codes are compared in groups */
	size_t		degree = build->coded ?
		(build->degree + CODE_GROUP - 1) / CODE_GROUP * CODE_GROUP : build->degree;

	build->ids = sizeof(GraphLinks);
	build->distances = build->ids + degree * sizeof(uint32_t);
	build->a = build->distances + degree * sizeof(float);
	if (build->bytes && !build->merging)
		build->size = build->ids + vamana_room(build->degree) * sizeof(uint32_t);
	else if (build->bytes)
	{
		build->codes = build->a;
		build->size = build->codes + degree * (graph_sign_dims(build) / 8);
	}
	else
	{
		build->b = build->a + (build->coded ? degree * sizeof(float) : 0);
		build->codes = build->b + (build->coded ? degree * sizeof(uint16_t) : 0);
		build->size = build->codes +
			(build->coded ? degree / CODE_GROUP * rabitq_group_size(build->padded) : 0);
	}
	build->size = (build->size + 7) & ~(size_t) 7;
}

void
graph_use_merging(GraphBuild *build, bool merging)
{
	build->merging = merging;
	graph_build_layout(build);
}

int
graph_level_sizes(const GraphBuild *build, uint32_t n, uint32_t sizes[GRAPH_LEVELS])
{
	int			levels = 1;

	sizes[0] = n;
	if (build->coded)
	{
		sizes[1] = graph_entries_count(n);
		return sizes[1] > 0 ? 2 : 1;
	}
	while (levels < GRAPH_LEVELS && sizes[levels - 1] > GRAPH_FANOUT)
	{
		sizes[levels] = (sizes[levels - 1] + GRAPH_FANOUT - 1) / GRAPH_FANOUT;
		levels++;
	}
	return levels;
}

/* Between work vectors: squared Euclidean distance, or negative dot product. */
static inline float
work_distance(const GraphBuild *build, uint32_t a, uint32_t b)
{
	const uint16_t *x = graph_array_at(&build->work, a);
	const uint16_t *y = graph_array_at(&build->work, b);

	return build->metric == RABITQ_L2 ? distance_kernels->f16_l2sq(x, y, build->padded) :
		-distance_kernels->f16_dot(x, y, build->padded);
}

float
graph_build_distance(const GraphBuild *build, uint32_t a, uint32_t b)
{
	if (build->exact)
		return build->distance(build->arg, a, b);
	if (build->bytes)
		return graph_bytes_distance(build, a, b);
	return build->coded ? work_distance(build, a, b) : build->distance(build->arg, a, b);
}

static int
expand_node(void *arg, uint32_t node, GraphFound *found, uint32_t *ids, float *estimates)
{
	GraphInserter *inserter = arg;
	const GraphBuild *build = inserter->build;
	GraphLinks *links = links_at(build, inserter->level, node);
	float		norm2 = 0;
	float		factors[CODE_GROUP];
	uint32_t	count;

	if (inserter->source.coded)
		found->distance = work_distance(build, inserter->node, node);
	if (inserter->source.coded && is_dot(build))
		norm2 = -work_distance(build, node, node);
	lock_shared(links);
	count = links->count;
	memcpy(ids, graph_link_ids(build, links), count * sizeof(uint32_t));
	if (inserter->source.coded)
		for (uint32_t i = 0; i < count; i += CODE_GROUP)
			distance_kernels->code_estimates(
				&inserter->query,
				graph_link_codes(build, links) + i / CODE_GROUP * rabitq_group_size(build->padded),
				rabitq_factors_for(build->metric, found->distance, norm2,
								   graph_link_a(build, links) + i, factors),
				graph_link_b(build, links) + i, found->distance, estimates + i);
	unlock_shared(links);
	return (int) count;
}

static void
score_nodes(void *arg, const uint32_t *ids, int n, float *distances)
{
	GraphInserter *inserter = arg;

	for (int i = 0; i < n; i++)
		distances[i] = inserter->build->distance(inserter->build->arg, inserter->node, ids[i]);
}

static void
prefetch_node(void *arg, uint32_t node)
{
	GraphInserter *inserter = arg;
	const GraphBuild *build = inserter->build;
	const char *links = (const char *) links_at(build, inserter->level, node);

	prefetch_work(build, node);
	for (size_t i = 0; i < build->size; i += 64)
		__builtin_prefetch(links + i, 0, 2);
}

static void
set_source(GraphInserter *inserter)
{
	const GraphBuild *build = inserter->build;
	bool		coded = build->coded && !build->exact;

	inserter->source = (GraphSource) {
		.expand = expand_node,
		.score = score_nodes,
		.prefetch = coded ? prefetch_node : NULL,
		.arg = inserter,
		.degree = build->degree,
		.exact = coded,
		.coded = coded
	};
}

bool
graph_inserter_init(GraphInserter *inserter, const GraphBuild *build, GraphMemory memory)
{
	memset(inserter, 0, sizeof(*inserter));
	inserter->build = build;
	inserter->gained = REPEATED / 2;
	graph_search_init(&inserter->search, memory);
	set_source(inserter);
	if (!build->coded)
		return true;
	inserter->rotated = memory.resize(memory.arg, NULL, build->padded * sizeof(float));
	inserter->lut = memory.resize(memory.arg, NULL, rabitq_lut_size(build->padded));
	inserter->entry_lut = memory.resize(memory.arg, NULL,
										rabitq_lut_size(graph_entries_dims(build->padded)));
	inserter->signs = memory.resize(memory.arg, NULL, (build->degree + FILL_TRIED) *
									(build->padded / 8));
	inserter->cosine = memory.resize(memory.arg, NULL, (build->padded + 1) * sizeof(float));
	if (!inserter->rotated || !inserter->lut || !inserter->entry_lut || !inserter->signs ||
		!inserter->cosine)
		return false;
	for (uint32_t i = 0; i <= graph_sign_dims(build); i++)
		inserter->cosine[i] = (float) cos(M_PI * i / graph_sign_dims(build));
	return !build->bytes || vamana_init(inserter, memory);
}

void
graph_use_exact(GraphInserter *inserter, GraphBuild *build, bool exact)
{
	build->exact = exact;
	/* lists of numbers are searched in the same way */
	if (!build->bytes)
		set_source(inserter);
}

void
graph_work_floats(const GraphBuild *build, uint32_t node, float *out)
{
	const uint16_t *work;

	if (build->exact)
	{
		build->vector(build->arg, node, out);
		return;
	}
	if (build->bytes)
	{
		const GraphBytes *bytes = bytes_at(build, node);

		for (uint32_t i = 0; i < build->padded; i++)
			out[i] = bytes->step * bytes->elements[i];
		return;
	}
	work = graph_array_at(&build->work, node);
	for (uint32_t i = 0; i < build->padded; i++)
		out[i] = half_to_float(work[i]);
}

void
graph_begin_query(GraphInserter *inserter, uint32_t node)
{
	const GraphBuild *build = inserter->build;

	inserter->node = node;
	if (build->coded)
	{
		graph_work_floats(build, node, inserter->rotated);
		rabitq_prepare(&inserter->query, inserter->rotated, build->padded, inserter->lut);
	}
}

void
graph_put_link(const GraphBuild *build, GraphLinks *links, uint32_t place, uint32_t node,
			   GraphCandidate neighbour)
{
	graph_link_ids(build, links)[place] = build->first + neighbour.id;
	if (build->bytes && !build->merging)
		return;
	graph_link_distances(build, links)[place] = neighbour.distance;
	if (build->coded && !build->bytes)
	{
		uint8_t		signs[16384 / 8];
		RabitqFactors factors = encode_link(build, node, neighbour.id, signs);

		put_code(build, links, place, factors, signs);
	}
}

RabitqFactors
graph_code_edge(const GraphBuild *build, const void *node, const void *neighbour, uint8_t *signs)
{
	if (build->bytes)
		return (RabitqFactors) {.distance = vamana_code(build, node, neighbour, signs)};
	return rabitq_encode(build->metric, neighbour, node, build->padded, 1, signs);
}

RabitqFactors
graph_encode_exact(const GraphBuild *build, uint32_t node, const float *neighbour, uint8_t *signs)
{
	float	   *own = build->scratch + build->padded;
	float	   *way = build->scratch;

	build->vector(build->arg, node, own);
	for (uint32_t i = 0; i < build->padded; i++)
		way[i] = neighbour[i] - own[i];
	if (!build->bytes)
		return rabitq_encode_residual(build->metric, way, own, build->padded, signs);
	memset(signs, 0, graph_sign_dims(build) / 8);
	for (uint32_t i = 0; i < graph_sign_dims(build); i++)
		signs[i / 8] |= (uint8_t) ((way[i] > 0) << i % 8);
	return (RabitqFactors) {.distance = distance_kernels->f32_dot(way, way, build->padded)};
}

void
graph_code_link(const GraphBuild *build, uint32_t node, uint32_t place, const void *work)
{
	GraphLinks *links = links_at(build, 0, node);
	uint8_t		signs[16384 / 8];
	RabitqFactors factors = build->exact ? graph_encode_exact(build, node, work, signs) :
		graph_code_edge(build, graph_array_at(&build->work, node), work, signs);

	graph_link_distances(build, links)[place] = factors.distance;
	if (build->bytes)
		put_signs(build, links, place, signs);
	else
		put_code(build, links, place, factors, signs);
}

/*
 * Whether a candidate is nearer to a chosen neighbour than to the node itself.  `order` lists the
 * neighbours (bring_forward).
 */
static bool
is_covered(const GraphBuild *build, const GraphFound *candidate, const GraphCandidate *chosen,
		   uint32_t count, uint16_t *order)
{
	for (uint32_t k = 0; k < count; k++)
	{
		if (graph_build_distance(build, candidate->id, chosen[order[k]].id) >=
			candidate->distance)
			continue;
		bring_forward(order, k);
		return true;
	}
	return false;
}

/*
 * Chooses neighbours from candidates in order of distance.  A candidate nearer to a chosen
 * neighbour than to the node itself is left out (Malkov and Yashunin 2016, algorithm 4, without
 * keepPrunedConnections: lists that are full already serve later nodes worse).  Returns how many.
 */
static uint32_t
choose(const GraphBuild *build, const GraphFound *candidates, size_t n, GraphCandidate *chosen)
{
	uint32_t	count = 0;
	uint16_t	order[GRAPH_MAX_DEGREE];

	for (size_t i = 0; i < n && count < build->degree; i++)
	{
		if (is_covered(build, &candidates[i], chosen, count, order))
			continue;
		order[count] = (uint16_t) count;
		chosen[count++] = (GraphCandidate) {candidates[i].distance, candidates[i].id};
	}

	/* by dot products, long vectors cover almost all others, so fill up to half the degree */
	for (size_t i = 0; i < n && count < build->degree / 2 && is_dot(build); i++)
	{
		bool		fresh = true;

		for (uint32_t k = 0; k < count && fresh; k++)
			fresh = chosen[k].id != candidates[i].id;
		if (fresh)
			chosen[count++] = (GraphCandidate) {candidates[i].distance, candidates[i].id};
	}
	return count;
}

/*
 * The place of a new neighbour in a full list: that of the farthest neighbour that is nearer to the
 * new one than to the node; if there is none, that of the farthest neighbour, if it is farther than
 * the new one.  Returns degree, for no place, if a nearer neighbour covers the new one, i.e. is
 * nearer to it than the node is; for dot products this says nothing and is not considered.
 */
static uint32_t
choose_place(const GraphBuild *build, GraphLinks *links, GraphCandidate neighbour)
{
	const uint32_t *ids = graph_link_ids(build, links);
	const float *distances = graph_link_distances(build, links);
	uint32_t	degree = build->degree;
	uint32_t	covered = degree;
	uint32_t	farthest = 0;

	for (uint32_t i = 0; i < degree; i++)
	{
		float		between = graph_build_distance(build, neighbour.id, ids[i]);

		if (distances[i] > distances[farthest])
			farthest = i;
		if (distances[i] <= neighbour.distance)
		{
			if (between < neighbour.distance && !is_dot(build))
				return degree;
		}
		else if (between < distances[i] &&
				 (covered == degree || distances[i] > distances[covered]))
			covered = i;
	}
	if (covered < degree)
		return covered;
	return distances[farthest] > neighbour.distance ? farthest : degree;
}

/* Makes an inserted node a neighbour of a node that it has chosen. */
static void
link_back(const GraphBuild *build, uint32_t node, GraphCandidate neighbour)
{
	GraphLinks *links = links_at(build, 0, node);
	uint32_t	place;

	lock_exclusive(links);
	place = links->count;
	if (place == build->degree)
		place = choose_place(build, links, neighbour);
	if (place < build->degree)
	{
		graph_put_link(build, links, place, node, neighbour);
		if (place == links->count)
			links->count++;
	}
	unlock_exclusive(links);
}

/* Searches with this many candidates, and chooses the node's neighbours among the results. */
static bool
find_neighbours(GraphInserter *inserter, GraphCandidate entry, uint32_t ef,
				GraphCandidate *chosen, uint32_t *count)
{
	const GraphBuild *build = inserter->build;
	GraphSearch *search = &inserter->search;

	if (!graph_search_begin(search, inserter->source, ef, false, entry))
		return false;
	if (build->coded && !is_dot(build))
		graph_search_limit(search, INSERT_WANTED, INSERT_REACH, INFINITY, 0);
	if (!graph_search_run(search, UINT32_MAX))
		return false;
	graph_sort_found(search->found, search->found_count);
	*count = choose(build, search->found, search->found_count, chosen);
	return true;
}

/* Whether a search that has found few neighbours is to be repeated. */
static bool
is_to_repeat(GraphInserter *inserter)
{
	return 2 * inserter->gained >= inserter->repeated ||
		++inserter->unrepeated % UNREPEATED == 0;
}

/* Repeats the search for a node's neighbours, of which there are *count, with more candidates. */
static bool
find_more_neighbours(GraphInserter *inserter, GraphCandidate entry, uint32_t ef,
					 GraphCandidate *chosen, uint32_t *count)
{
	uint32_t	before = *count;

	if (!find_neighbours(inserter, entry, ef, chosen, count))
		return false;
	inserter->repeated++;
	inserter->gained += *count > before ? *count - before : 0;
	if (inserter->repeated >= 2 * REPEATED)
	{
		inserter->repeated /= 2;
		inserter->gained /= 2;
	}
	return true;
}

/* Estimates of entries are not exact, either: the nearest of these is one of the nearest. */
#define EXACT_ENTRIES	16

GraphCandidate
graph_nearest_entry(GraphInserter *inserter, uint32_t node)
{
	const GraphBuild *build = inserter->build;
	const GraphEntryQuery query = {
		build->metric, inserter->rotated, build->padded, inserter->entry_lut
	};
	GraphCandidate nearest[EXACT_ENTRIES];
	GraphCandidate best;
	int			n;

	if (!build->exact)
		return graph_entries_nearest(&build->entries, build->metric, inserter->rotated,
									 build->padded, inserter->entry_lut);
	n = graph_entries_find(&build->entries, &query, nearest, EXACT_ENTRIES);
	best.id = 0;
	best.distance = build->distance(build->arg, node, best.id);
	for (int i = 0; i < n; i++)
	{
		float		distance = build->distance(build->arg, node, nearest[i].id);

		if (distance < best.distance)
			best = (GraphCandidate) {distance, nearest[i].id};
	}
	return best;
}

bool
graph_insert(GraphInserter *inserter, uint32_t node)
{
	const GraphBuild *build = inserter->build;
	GraphSearch *search = &inserter->search;
	GraphCandidate entry = {INFINITY, 0};
	GraphCandidate chosen[GRAPH_MAX_DEGREE];
	GraphLinks *links = links_at(build, 0, node);
	uint32_t	ef = build->ef_construction;
	uint32_t	count;

	if (build->bytes)
		return vamana_insert(inserter, node);
	if (node == 0)
		return true;
	graph_begin_query(inserter, node);
	if (build->entries.count > 0)
		entry = graph_nearest_entry(inserter, node);
	for (inserter->level = build->top; inserter->level >= build->bottom; inserter->level--)
		entry = graph_descend(&inserter->source, entry, &search->hops);
	inserter->level = 0;
	if (build->exact ? build->entries.count == 0 : !build->coded && build->top < build->bottom)
		score_nodes(inserter, &entry.id, 1, &entry.distance);
	if (!find_neighbours(inserter, entry, ef, chosen, &count))
		return false;
	/* a search that has found fewer than ef nodes has reached everything near */
	if (build->coded && count < INSERT_CHOSEN && search->found_count >= ef &&
		is_to_repeat(inserter) &&
		!find_more_neighbours(inserter, entry, 2 * ef, chosen, &count))
		return false;
	lock_exclusive(links);
	for (uint32_t i = 0; i < count; i++)
		graph_put_link(build, links, i, node, chosen[i]);
	links->count = count;
	unlock_exclusive(links);
	for (uint32_t i = 0; i < count; i++)
		link_back(build, chosen[i].id, (GraphCandidate) {chosen[i].distance, node});
	return true;
}

void
graph_build_entries(const GraphBuild *build, GraphEntries *entries, float *scratch)
{
	for (uint32_t i = 0; i < entries->count; i++)
	{
		graph_work_floats(build, i, scratch);
		graph_entries_put(entries, i, i, build->metric, scratch, build->padded);
	}
}

void
graph_build_snapshot(const GraphBuild *build, int level, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		memcpy(graph_array_at(&build->levels[level], i), graph_array_at(&build->links, i),
			   build->size);
}
