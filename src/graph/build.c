/*
 * build.c - insertion into a graph in memory, and the choice of neighbours
 */
#include "graph/build.h"

#include <math.h>
#include <sched.h>
#include <string.h>

#include "distance/half.h"

#define WRITER	UINT32_C(0x80000000)

/*
 * An insertion ends when everything left seems this many times as far (squared) as this many found
 * nodes: hardly any node beyond is chosen as a neighbour.
 */
#define INSERT_WANTED	32
#define INSERT_REACH	1.2f

/*
 * An insertion into a coded graph that has found fewer neighbours than this searches again with
 * twice as many candidates: in a small cluster most candidates cover each other.
 */
#define INSERT_CHOSEN	5

/*
 * Filling a list considers this many candidates, which this many hops find: a wide choice matters
 * more than the very nearest candidates.
 */
#define FILL_CANDIDATES	192
#define FILL_NEAREST	32		/* it tries all of these, and every second of the others */
#define FILL_TRIED		(FILL_NEAREST + (FILL_CANDIDATES - FILL_NEAREST + 1) / 2)
#define FILL_HOPS		20
#define FILL_RELAX		1.21f	/* factor of squared distances */
#define SPARE_RELAX		2.0f	/* likewise, for lists less than 3/4 full after that */

/*
 * In the end this many nodes have an edge to each node.  A node far from all others is among the
 * nearest of few; with a single edge to it, it is found late or never.
 */
#define LEAST_WAYS		4

/*
 * Waits a moment; now and then for longer, in case the holder of the lock has lost its processor.
 */
static void
pause_spinning(uint32_t *spins)
{
	if (++*spins % 128 == 0)
		sched_yield();
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("isb");
#endif
}

static void
lock_shared(GraphLinks *links)
{
	uint32_t	spins = 0;

	while (atomic_fetch_add_explicit(&links->lock, 1, memory_order_acquire) & WRITER)
	{
		atomic_fetch_sub_explicit(&links->lock, 1, memory_order_relaxed);
		while (atomic_load_explicit(&links->lock, memory_order_relaxed) & WRITER)
			pause_spinning(&spins);
	}
}

static void
unlock_shared(GraphLinks *links)
{
	atomic_fetch_sub_explicit(&links->lock, 1, memory_order_release);
}

static void
lock_exclusive(GraphLinks *links)
{
	uint32_t	spins = 0;
	uint32_t	expected = 0;

	while (!atomic_compare_exchange_weak_explicit(&links->lock, &expected, WRITER,
												  memory_order_acquire, memory_order_relaxed))
	{
		expected = 0;
		pause_spinning(&spins);
	}
}

static void
unlock_exclusive(GraphLinks *links)
{
	atomic_fetch_and_explicit(&links->lock, ~WRITER, memory_order_release);
}

void
graph_build_layout(GraphBuild *build)
{
	size_t		degree = build->degree;

	build->ids = sizeof(GraphLinks);
	build->distances = build->ids + degree * sizeof(uint32_t);
	build->a = build->distances + degree * sizeof(float);
	build->b = build->a + (build->coded ? degree * sizeof(float) : 0);
	build->codes = build->b + (build->coded ? degree * sizeof(uint16_t) : 0);
	build->size = build->codes +
		(build->coded ? degree / CODE_GROUP * rabitq_group_size(build->padded) : 0);
	build->size = (build->size + 7) & ~(size_t) 7;
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

/* Whether distances are negative dot products, for which no triangle inequality holds. */
static inline bool
is_dot(const GraphBuild *build)
{
	return build->metric == RABITQ_IP;
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
	return build->coded ? work_distance(build, a, b) : build->distance(build->arg, a, b);
}

static GraphLinks *
links_at(const GraphBuild *build, int level, uint32_t node)
{
	return graph_array_at(level == 0 ? &build->links : &build->levels[level], node);
}

static int
expand_node(void *arg, uint32_t node, GraphFound *found, uint32_t *ids, float *estimates)
{
	GraphInserter *inserter = arg;
	const GraphBuild *build = inserter->build;
	GraphLinks *links = links_at(build, inserter->level, node);
	uint32_t	count;

	if (build->coded)
		found->distance = work_distance(build, inserter->node, node);
	lock_shared(links);
	count = links->count;
	memcpy(ids, graph_link_ids(build, links), count * sizeof(uint32_t));
	if (build->coded)
		for (uint32_t i = 0; i < count; i += CODE_GROUP)
			distance_kernels->code_estimates(
				&inserter->query,
				graph_link_codes(build, links) + i / CODE_GROUP * rabitq_group_size(build->padded),
				graph_link_a(build, links) + i, graph_link_b(build, links) + i,
				found->distance, estimates + i);
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
prefetch_work(const GraphBuild *build, uint32_t node)
{
	const char *work = graph_array_at(&build->work, node);

	for (size_t i = 0; i < build->padded * sizeof(uint16_t); i += 64)
		__builtin_prefetch(work + i, 0, 2);
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

bool
graph_inserter_init(GraphInserter *inserter, const GraphBuild *build, GraphMemory memory)
{
	memset(inserter, 0, sizeof(*inserter));
	inserter->build = build;
	graph_search_init(&inserter->search, memory);
	inserter->source = (GraphSource) {
		.expand = expand_node,
		.score = score_nodes,
		.prefetch = build->coded ? prefetch_node : NULL,
		.arg = inserter,
		.coded = build->coded
	};
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
	for (uint32_t i = 0; i <= build->padded; i++)
		inserter->cosine[i] = (float) cos(M_PI * i / build->padded);
	return true;
}

static void
work_floats(const GraphBuild *build, uint32_t node, float *out)
{
	const uint16_t *work = graph_array_at(&build->work, node);

	for (uint32_t i = 0; i < build->padded; i++)
		out[i] = half_to_float(work[i]);
}

/* Makes a node the query of the search. */
static void
begin_query(GraphInserter *inserter, uint32_t node)
{
	const GraphBuild *build = inserter->build;

	inserter->node = node;
	if (build->coded)
	{
		work_floats(build, node, inserter->rotated);
		rabitq_prepare(&inserter->query, inserter->rotated, build->padded, inserter->lut);
	}
}

static RabitqFactors
encode_link(const GraphBuild *build, uint32_t node, uint32_t neighbour, uint8_t *signs)
{
	return rabitq_encode(build->metric, graph_array_at(&build->work, neighbour),
						 graph_array_at(&build->work, node), build->padded, 1, signs);
}

static void
put_code(const GraphBuild *build, GraphLinks *links, uint32_t place, RabitqFactors factors,
		 const uint8_t *signs)
{
	graph_link_a(build, links)[place] = factors.a;
	graph_link_b(build, links)[place] = factors.b;
	rabitq_pack(graph_link_codes(build, links) +
				place / CODE_GROUP * rabitq_group_size(build->padded), place % CODE_GROUP, signs,
				build->padded);
}

/* Writes a neighbour into a place of a node's links, which the caller has locked. */
static void
put_link(const GraphBuild *build, GraphLinks *links, uint32_t place, uint32_t node,
		 GraphCandidate neighbour)
{
	graph_link_ids(build, links)[place] = build->first + neighbour.id;
	graph_link_distances(build, links)[place] = neighbour.distance;
	if (build->coded)
	{
		uint8_t		signs[16384 / 8];
		RabitqFactors factors = encode_link(build, node, neighbour.id, signs);

		put_code(build, links, place, factors, signs);
	}
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

	for (size_t i = 0; i < n && count < build->degree; i++)
	{
		bool		good = true;

		for (uint32_t k = 0; k < count && good; k++)
			good = graph_build_distance(build, candidates[i].id, chosen[k].id) >=
				candidates[i].distance;
		if (good)
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
		put_link(build, links, place, node, neighbour);
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

	if (node == 0)
		return true;
	begin_query(inserter, node);
	if (build->entries.count > 0)
		entry = graph_entries_nearest(&build->entries, build->metric, inserter->rotated,
									  build->padded, inserter->entry_lut);
	for (inserter->level = build->top; inserter->level >= build->bottom; inserter->level--)
		entry = graph_descend(&inserter->source, entry, &search->hops);
	inserter->level = 0;
	if (!build->coded && build->top < build->bottom)
		score_nodes(inserter, &entry.id, 1, &entry.distance);
	if (!find_neighbours(inserter, entry, ef, chosen, &count))
		return false;
	/* a search that has found fewer than ef nodes has reached everything near */
	if (build->coded && count < INSERT_CHOSEN && search->found_count >= ef &&
		!find_neighbours(inserter, entry, 2 * ef, chosen, &count))
		return false;
	lock_exclusive(links);
	for (uint32_t i = 0; i < count; i++)
		put_link(build, links, i, node, chosen[i]);
	links->count = count;
	unlock_exclusive(links);
	for (uint32_t i = 0; i < count; i++)
		link_back(build, chosen[i].id, (GraphCandidate) {chosen[i].distance, node});
	return true;
}

/* A neighbour of a node whose list is filled or merged, or a candidate for that list. */
typedef struct Spoke
{
	GraphCandidate end;
	RabitqFactors factors;
	const uint8_t *signs;
} Spoke;

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
		inserter->cosine[distance_kernels->bit_hamming(a->signs, b->signs, build->padded / 8)];
}

/* Whether an earlier spoke is this many times (squared) nearer to this one than the node is. */
static bool
is_covered(const GraphInserter *inserter, const Spoke *spokes, uint32_t count,
		   const Spoke *spoke, float times)
{
	for (uint32_t i = 0; i < count && !is_dot(inserter->build); i++)
		if (distance_between(inserter, spoke, &spokes[i]) * times < spoke->end.distance)
			return true;
	return false;
}

/* Reads the current neighbours of a node. */
static uint32_t
read_spokes(GraphInserter *inserter, GraphLinks *links, Spoke *spokes)
{
	const GraphBuild *build = inserter->build;

	for (uint32_t i = 0; i < links->count; i++)
	{
		uint8_t    *signs = inserter->signs + i * (build->padded / 8);

		spokes[i].end.id = graph_link_ids(build, links)[i];
		spokes[i].end.distance = graph_link_distances(build, links)[i];
		spokes[i].signs = signs;
		if (!build->coded)
			continue;
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

	if (links->count == 0 || links->count == build->degree)
		return true;
	begin_query(inserter, node);
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

		if (build->coded && i + 6 < search->pool_count)
			prefetch_work(build, graph_search_candidate(search, i + 6).id);
		if (!make_spoke(inserter, spokes, count, graph_search_candidate(search, i),
						inserter->signs + (count + spare_count) * (build->padded / 8), spare))
			continue;
		if (is_covered(inserter, spokes, count, spare, FILL_RELAX))
			spare_count++;
		else
			add_spoke(build, links, spokes, count++, spare);
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
	memcpy(edges->distances, graph_link_distances(build, links), links->count * sizeof(float));
	if (!build->coded)
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

		if (is_covered(inserter, spokes, chosen, &spoke, FILL_RELAX))
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
		spokes[count].end = (GraphCandidate) {edges->distances[i], edges->ids[i]};
		if (build->coded)
		{
			spokes[count].factors.a = edges->a[i];
			spokes[count].factors.b = edges->b[i];
			spokes[count].signs = edges->signs + (size_t) i * (build->padded / 8);
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
		graph_link_ids(build, links)[i] = spokes[i].end.id;
		graph_link_distances(build, links)[i] = spokes[i].end.distance;
		if (build->coded)
			put_code(build, links, i, spokes[i].factors, spokes[i].signs);
	}
	links->count = count;
	unlock_exclusive(links);
}

static inline void
complete(const GraphBuild *build, uint32_t node)
{
	if (build->complete)
		build->complete(build->arg, node);
}

void
graph_set_anchor(GraphBuild *build, uint32_t id, const uint16_t *work, float distance)
{
	GraphLinks *links = links_at(build, 0, 0);
	float	   *distances = graph_link_distances(build, links);
	uint32_t	place = 0;

	build->anchor = id;
	complete(build, 0);
	while (place < links->count && graph_link_ids(build, links)[place] != id)
		place++;
	if (place < links->count)
		return;
	if (links->count < build->degree)
		links->count++;
	else
	{
		place = 0;
		for (uint32_t i = 1; i < links->count; i++)
			if (distances[i] > distances[place])
				place = i;
	}
	graph_link_ids(build, links)[place] = id;
	if (build->coded)
	{
		uint8_t		signs[16384 / 8];
		RabitqFactors factors = rabitq_encode(build->metric, work,
											  graph_array_at(&build->work, 0), build->padded, 1,
											  signs);

		distance = factors.distance;
		put_code(build, links, place, factors, signs);
	}
	distances[place] = distance;
}

/* The state of graph_connect. */
typedef struct Connect
{
	const GraphBuild *build;
	uint32_t	n;
	uint32_t   *incoming;		/* by node: how many nodes have it as a neighbour */
	uint32_t   *queue;			/* nodes reached so far, in the order of reaching them */
	uint32_t	reached;
	uint32_t	next;			/* the neighbours of all nodes before it are reached, too */
	uint32_t   *parent;			/* by node: the node it was reached from; itself for the first */
} Connect;

#define NOT_REACHED	UINT32_MAX

static void
reach(Connect *connect, uint32_t node, uint32_t parent)
{
	if (connect->parent[node] != NOT_REACHED)
		return;
	connect->parent[node] = parent;
	connect->queue[connect->reached++] = node;
}

/* The number of a neighbour among the n nodes, or n if it is outside. */
static uint32_t
inside(const Connect *connect, uint32_t id)
{
	uint32_t	node = id - connect->build->first;

	return node < connect->n ? node : connect->n;
}

static void
reach_neighbours(Connect *connect)
{
	while (connect->next < connect->reached)
	{
		uint32_t	node = connect->queue[connect->next++];
		GraphLinks *links = links_at(connect->build, 0, node);
		const uint32_t *ids = graph_link_ids(connect->build, links);

		for (uint32_t i = 0; i < links->count; i++)
			if (inside(connect, ids[i]) < connect->n)
				reach(connect, inside(connect, ids[i]), node);
	}
}

/*
 * The place of the farthest neighbour to which more than `enough` nodes lead, and which was not
 * reached from this node; or degree if there is none.
 */
static uint32_t
spare_place(const Connect *connect, GraphLinks *links, uint32_t node, uint32_t enough)
{
	const GraphBuild *build = connect->build;
	const uint32_t *ids = graph_link_ids(build, links);
	const float *distances = graph_link_distances(build, links);
	uint32_t	place = build->degree;

	if (links->count < build->degree)
		return links->count;
	for (uint32_t i = 0; i < links->count; i++)
	{
		uint32_t	neighbour = inside(connect, ids[i]);

		if (neighbour < connect->n ? connect->parent[neighbour] == node ||
			connect->incoming[neighbour] <= enough : ids[i] == build->anchor)
			continue;
		if (place == build->degree || distances[i] > distances[place])
			place = i;
	}
	return place;
}

static bool
has_link(const GraphBuild *build, GraphLinks *links, uint32_t id)
{
	const uint32_t *ids = graph_link_ids(build, links);

	for (uint32_t i = 0; i < links->count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* Makes `node` a neighbour of `from`, if that has a place to spare. */
static bool
link_from(Connect *connect, uint32_t from, uint32_t node, uint32_t enough)
{
	const GraphBuild *build = connect->build;
	GraphLinks *links = links_at(build, 0, from);
	uint32_t	place;

	if (has_link(build, links, build->first + node))
		return false;
	complete(build, from);
	complete(build, node);
	place = spare_place(connect, links, from, enough);
	if (place == build->degree)
		return false;
	if (place == links->count)
		links->count++;
	else
	{
		uint32_t	old = inside(connect, graph_link_ids(build, links)[place]);

		if (old < connect->n)
			connect->incoming[old]--;
	}
	put_link(build, links, place, from,
			 (GraphCandidate) {graph_build_distance(build, from, node), node});
	connect->incoming[node]++;
	return true;
}

/* Links an unreachable node from a reached one, if that has a place to spare. */
static bool
link_cut_off_from(Connect *connect, uint32_t from, uint32_t node, uint32_t enough)
{
	if (connect->parent[from] == NOT_REACHED || !link_from(connect, from, node, enough))
		return false;
	reach(connect, node, from);
	return true;
}

/*
 * Links an unreachable node from one of its neighbours, in a place where no other node loses an
 * edge that it needs; if there is no such place, from any reached node.
 */
static void
link_cut_off(Connect *connect, uint32_t node)
{
	GraphLinks *links = links_at(connect->build, 0, node);
	const uint32_t *ids = graph_link_ids(connect->build, links);

	for (int rest = 1; rest >= 0; rest--)
		for (uint32_t i = 0; i < links->count; i++)
		{
			uint32_t	neighbour = inside(connect, ids[i]);

			if (neighbour < connect->n &&
				link_cut_off_from(connect, neighbour, node, rest * LEAST_WAYS))
				return;
		}
	for (uint32_t i = connect->reached; i > 0; i--)
		if (link_cut_off_from(connect, connect->queue[i - 1], node, 0))
			return;
}

/*
 * Gives a node enough edges that lead to it, from its nearest neighbours, which are looked for in
 * order of distance.
 */
static void
give_ways(Connect *connect, uint32_t node)
{
	const GraphBuild *build = connect->build;
	GraphLinks *links = links_at(build, 0, node);
	uint32_t	ids[GRAPH_MAX_DEGREE];
	float		distances[GRAPH_MAX_DEGREE];
	uint32_t	left = links->count;

	if (connect->incoming[node] >= LEAST_WAYS)
		return;
	complete(build, node);
	memcpy(ids, graph_link_ids(build, links), left * sizeof(uint32_t));
	memcpy(distances, graph_link_distances(build, links), left * sizeof(float));
	while (connect->incoming[node] < LEAST_WAYS && left > 0)
	{
		uint32_t	nearest = 0;

		for (uint32_t i = 1; i < left; i++)
			if (distances[i] < distances[nearest])
				nearest = i;
		if (inside(connect, ids[nearest]) < connect->n)
			(void) link_from(connect, inside(connect, ids[nearest]), node, LEAST_WAYS);
		ids[nearest] = ids[--left];
		distances[nearest] = distances[left];
	}
}

/* Counts the edges that lead to each node. */
static void
count_ways(Connect *connect)
{
	memset(connect->incoming, 0, connect->n * sizeof(uint32_t));
	for (uint32_t node = 0; node < connect->n; node++)
	{
		GraphLinks *links = links_at(connect->build, 0, node);
		const uint32_t *ids = graph_link_ids(connect->build, links);

		for (uint32_t i = 0; i < links->count; i++)
			if (inside(connect, ids[i]) < connect->n)
				connect->incoming[inside(connect, ids[i])]++;
	}
}

bool
graph_connect(const GraphBuild *build, uint32_t n, GraphMemory memory)
{
	Connect		connect = {.build = build, .n = n};

	if (n == 0)
		return true;
	connect.queue = memory.resize(memory.arg, NULL, 3 * (size_t) n * sizeof(uint32_t));
	if (connect.queue == NULL)
		return false;
	connect.parent = connect.queue + n;
	connect.incoming = connect.parent + n;
	memset(connect.parent, 0xFF, n * sizeof(uint32_t));
	count_ways(&connect);
	/* by dot products short vectors are not found by any query, and lead nowhere */
	for (uint32_t node = 0; node < n && !is_dot(build); node++)
		give_ways(&connect, node);
	reach(&connect, 0, 0);
	reach_neighbours(&connect);
	for (uint32_t node = 0; node < n; node++)
		if (connect.parent[node] == NOT_REACHED)
		{
			link_cut_off(&connect, node);
			reach_neighbours(&connect);
		}
	memory.resize(memory.arg, connect.queue, 0);
	return true;
}

void
graph_build_entries(const GraphBuild *build, GraphEntries *entries, float *scratch)
{
	for (uint32_t i = 0; i < entries->count; i++)
	{
		work_floats(build, i, scratch);
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
