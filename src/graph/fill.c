/*
 * fill.c - filling the free places of nodes' lists, and merging the lists of partitions
 */
#include "graph/build.h"

#include <math.h>
#include <string.h>

#include "graph/build_internal.h"

/* A factor of squared distances, for lists less than 3/4 full after those with alpha. */
#define SPARE_RELAX		2.0f

/* A neighbour of a node whose list is filled or merged, or a candidate for that list. */
typedef struct Spoke
{
	GraphCandidate end;
	RabitqFactors factors;
	const uint8_t *signs;
} Spoke;

static float
squared_alpha(const GraphBuild *build)
{
	float		alpha = build->alpha > 0 ? build->alpha : GRAPH_ALPHA;

	return alpha * alpha;
}

/* The squared distance between two neighbours of a node; in a coded graph, from their codes. */
static float
distance_between(const GraphInserter *inserter, const Spoke *a, const Spoke *b)
{
	const GraphBuild *build = inserter->build;
	float		lengths;

	if (!build->coded)
		return graph_build_distance(build, a->end.id, b->end.id);
	lengths = sqrtf(fmaxf(0, a->end.distance * b->end.distance));
	return a->end.distance + b->end.distance - 2 * lengths *
		inserter->cosine[distance_kernels->bit_hamming(a->signs, b->signs,
													   graph_sign_dims(build) / 8)];
}

/*
 * The distance to the first of the earlier spokes that covers this one, being this many times
 * (squared) nearer to it than the node is; INFINITY if none does.
 */
static float
cover_distance(const GraphInserter *inserter, const Spoke *spokes, uint32_t count,
			   const Spoke *spoke, float times)
{
	for (uint32_t i = 0; i < count && !is_dot(inserter->build); i++)
	{
		float		between = distance_between(inserter, spoke, &spokes[i]);

		if (between * times < spoke->end.distance)
			return between;
	}
	return INFINITY;
}

static bool
is_covered(const GraphInserter *inserter, const Spoke *spokes, uint32_t count,
		   const Spoke *spoke, float times)
{
	return cover_distance(inserter, spokes, count, spoke, times) < INFINITY;
}

/* Reads the current neighbours of a node. */
static uint32_t
read_spokes(GraphInserter *inserter, GraphLinks *links, Spoke *spokes)
{
	const GraphBuild *build = inserter->build;

	for (uint32_t i = 0; i < links->count; i++)
	{
		uint8_t    *signs = inserter->signs + i * (build->padded / 8);
		size_t		bytes = graph_sign_dims(build) / 8;

		spokes[i].end.id = graph_link_ids(build, links)[i];
		spokes[i].end.distance = graph_link_distances(build, links)[i];
		spokes[i].signs = signs;
		if (!build->coded)
			continue;
		if (build->bytes)
		{
			memcpy(signs, graph_link_codes(build, links) + i * bytes, bytes);
			continue;
		}
		spokes[i].factors.a = graph_link_a(build, links)[i];
		spokes[i].factors.b = graph_link_b(build, links)[i];
		rabitq_unpack(graph_link_codes(build, links) +
					  i / CODE_GROUP * rabitq_group_size(build->padded), i % CODE_GROUP, signs,
					  build->padded);
	}
	return links->count;
}

/* Makes a spoke of a candidate, with its code at `signs`; false if it is a neighbour already. */
static bool
make_spoke(GraphInserter *inserter, const Spoke *spokes, uint32_t count,
		   GraphCandidate candidate, uint8_t *signs, Spoke *spoke)
{
	const GraphBuild *build = inserter->build;

	if (candidate.id == inserter->node)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (spokes[i].end.id == candidate.id)
			return false;
	spoke->end = candidate;
	if (build->coded)
	{
		spoke->signs = signs;
		spoke->factors = encode_link(build, inserter->node, candidate.id, signs);
		spoke->end.distance = spoke->factors.distance;
	}
	return true;
}

/* Adds a spoke to those of a node, and to the node's neighbours. */
static void
add_spoke(const GraphBuild *build, GraphLinks *links, Spoke *spokes, uint32_t place,
		  const Spoke *spoke)
{
	spokes[place] = *spoke;
	lock_exclusive(links);
	graph_link_ids(build, links)[place] = spoke->end.id;
	graph_link_distances(build, links)[place] = spoke->end.distance;
	if (build->coded)
		put_code(build, links, place, spoke->factors, spoke->signs);
	links->count = place + 1;
	unlock_exclusive(links);
}

bool
graph_fill(GraphInserter *inserter, uint32_t node)
{
	const GraphBuild *build = inserter->build;
	GraphSearch *search = &inserter->search;
	GraphLinks *links = links_at(build, 0, node);
	Spoke		spokes[GRAPH_MAX_DEGREE];
	Spoke		spares[FILL_TRIED];
	uint32_t	spare_count = 0;
	uint32_t	count;

	if (build->bytes)
	{
		vamana_trim(build, node);
		return true;
	}
	if (links->count == 0 || links->count == build->degree)
		return true;
	graph_begin_query(inserter, node);
	inserter->level = 0;
	count = read_spokes(inserter, links, spokes);
	if (!graph_search_begin(search, inserter->source, FILL_CANDIDATES, false, spokes[0].end))
		return false;
	for (uint32_t i = 1; i < count; i++)
		if (!graph_search_add(search, spokes[i].end))
			return false;
	if (!graph_search_run(search, FILL_HOPS))
		return false;
	for (uint32_t i = 0; i < search->pool_count && count < build->degree;
		 i += i < FILL_NEAREST ? 1 : 2)
	{
		Spoke	   *spare = &spares[spare_count];
		float		cover;

		if (build->coded && i + 6 < search->pool_count)
			prefetch_work(build, graph_search_candidate(search, i + 6).id);
		if (!make_spoke(inserter, spokes, count, graph_search_candidate(search, i),
						inserter->signs + (count + spare_count) * (build->padded / 8), spare))
			continue;
		cover = cover_distance(inserter, spokes, count, spare, squared_alpha(inserter->build));
		if (cover == INFINITY)
			add_spoke(build, links, spokes, count++, spare);
		else if (!(cover * SPARE_RELAX < spare->end.distance))
			spare_count++;
	}
	for (uint32_t i = 0; i < spare_count && count < build->degree / 4 * 3; i++)
		if (!is_covered(inserter, spokes, count, &spares[i], SPARE_RELAX))
			add_spoke(build, links, spokes, count++, &spares[i]);
	return true;
}

void
graph_get_edges(const GraphBuild *build, uint32_t node, GraphEdges *edges)
{
	GraphLinks *links = links_at(build, 0, node);

	edges->count = links->count;
	memcpy(edges->ids, graph_link_ids(build, links), links->count * sizeof(uint32_t));
	for (uint32_t i = 0; i < links->count; i++)
	{
		if (build->bytes)
			edges->distances[i] = encode_link(build, node, edges->ids[i], edges->signs +
											  (size_t) i * (graph_sign_dims(build) / 8)).distance;
		else
			edges->distances[i] = link_distance(build, links, node, i);
	}
	if (!build->coded || build->bytes)
		return;
	memcpy(edges->a, graph_link_a(build, links), links->count * sizeof(float));
	memcpy(edges->b, graph_link_b(build, links), links->count * sizeof(uint16_t));
	for (uint32_t i = 0; i < links->count; i++)
		rabitq_unpack(graph_link_codes(build, links) +
					  i / CODE_GROUP * rabitq_group_size(build->padded), i % CODE_GROUP,
					  edges->signs + (size_t) i * (build->padded / 8), build->padded);
}

/* Sorts spokes by distance; there are few. */
static void
sort_spokes(Spoke *spokes, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
	{
		Spoke		spoke = spokes[i];
		uint32_t	k = i;

		for (; k > 0 && spokes[k - 1].end.distance > spoke.end.distance; k--)
			spokes[k] = spokes[k - 1];
		spokes[k] = spoke;
	}
}

/* Sorts the spokes, and moves those that no spoke before them covers to the front. */
static void
choose_spokes(const GraphInserter *inserter, Spoke *spokes, uint32_t count)
{
	uint32_t	chosen = 0;

	sort_spokes(spokes, count);
	for (uint32_t i = 0; i < count && chosen < inserter->build->degree; i++)
	{
		Spoke		spoke = spokes[i];

		if (is_covered(inserter, spokes, chosen, &spoke, squared_alpha(inserter->build)))
			continue;
		memmove(spokes + chosen + 1, spokes + chosen, (i - chosen) * sizeof(Spoke));
		spokes[chosen++] = spoke;
	}
}

/* Interleaves two consecutive lists, as far as the shorter one goes. */
static void
mix_spokes(Spoke *spokes, uint32_t first, uint32_t count)
{
	for (uint32_t i = 1; i < count && first + i / 2 < count && i < first + i / 2; i += 2)
	{
		uint32_t	from = first + i / 2;
		Spoke		spoke = spokes[from];

		memmove(spokes + i + 1, spokes + i, (from - i) * sizeof(Spoke));
		spokes[i] = spoke;
	}
}

void
graph_merge_edges(GraphInserter *inserter, uint32_t node, const GraphEdges *edges)
{
	const GraphBuild *build = inserter->build;
	GraphLinks *links = links_at(build, 0, node);
	Spoke		spokes[2 * GRAPH_MAX_DEGREE];
	uint32_t	count;
	uint32_t	had;

	inserter->node = node;
	lock_exclusive(links);
	count = had = read_spokes(inserter, links, spokes);
	for (uint32_t i = 0; i < edges->count; i++)
	{
		uint32_t	k = 0;

		while (k < had && spokes[k].end.id != edges->ids[i])
			k++;
		if (k < had)
			continue;
		spokes[count] = (Spoke) {.end = {edges->distances[i], edges->ids[i]}};
		if (build->coded)
			spokes[count].signs = edges->signs + (size_t) i * (graph_sign_dims(build) / 8);
		if (build->coded && !build->bytes)
		{
			spokes[count].factors.a = edges->a[i];
			spokes[count].factors.b = edges->b[i];
		}
		count++;
	}
	if (count > build->degree)
	{
		if (build->coded && !is_dot(build))
			choose_spokes(inserter, spokes, count);
		else
			mix_spokes(spokes, had, count);
		count = build->degree;
		had = 0;
	}
	for (uint32_t i = had; i < count; i++)
	{
		put_edge(build, links, i, spokes[i].end, &spokes[i].factors, spokes[i].signs);
	}
	links->count = count;
	unlock_exclusive(links);
}
