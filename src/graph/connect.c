/*
 * connect.c - edges by which every node is found
 */
#include "graph/build.h"

#include <math.h>
#include <string.h>

#include "graph/build_internal.h"

static inline void
complete(const GraphBuild *build, uint32_t node)
{
	if (build->complete)
		build->complete(build->arg, node);
}

void
graph_set_anchor(GraphBuild *build, uint32_t id, const void *work, float distance)
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
		graph_code_link(build, 0, place, work);
	else
		distances[place] = distance;
}

/*
 * Whether an edge has to stay, as it leads to the anchor, or to a node that few nodes lead to.  If
 * none are enough, no node is one of those, as ways of other parts need not have been counted.
 */
static inline bool
must_stay(const GraphBuild *build, uint32_t id, uint32_t enough)
{
	return id == build->anchor || (build->ways && enough > 0 && build->ways[id] <= enough);
}

/* Notes a node that leads to another, or that no longer does.  UINT8_MAX stands for any number. */
static inline void
add_way(const GraphBuild *build, uint32_t id)
{
	build->ways[id] += build->ways[id] < UINT8_MAX;
}

static inline void
remove_way(const GraphBuild *build, uint32_t id)
{
	build->ways[id] -= build->ways[id] > 0 && build->ways[id] < UINT8_MAX;
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
	float		farthest = -INFINITY;
	uint32_t	place = build->degree;

	if (links->count < build->degree)
		return links->count;
	for (uint32_t i = 0; i < links->count; i++)
	{
		uint32_t	neighbour = inside(connect, ids[i]);

		if (neighbour < connect->n ? connect->parent[neighbour] == node ||
			connect->incoming[neighbour] <= enough : must_stay(build, ids[i], enough))
			continue;
		if (place == build->degree || link_distance(build, links, node, i) > farthest)
		{
			place = i;
			farthest = link_distance(build, links, node, i);
		}
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
		else if (build->ways)
			remove_way(build, graph_link_ids(build, links)[place]);
	}
	graph_put_link(build, links, place, from,
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
				link_cut_off_from(connect, neighbour, node, rest * GRAPH_LEAST_WAYS))
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

	if (connect->incoming[node] >= GRAPH_LEAST_WAYS)
		return;
	complete(build, node);
	memcpy(ids, graph_link_ids(build, links), left * sizeof(uint32_t));
	for (uint32_t i = 0; i < left; i++)
		distances[i] = link_distance(build, links, node, i);
	while (connect->incoming[node] < GRAPH_LEAST_WAYS && left > 0)
	{
		uint32_t	nearest = 0;

		for (uint32_t i = 1; i < left; i++)
			if (distances[i] < distances[nearest])
				nearest = i;
		if (inside(connect, ids[nearest]) < connect->n)
			(void) link_from(connect, inside(connect, ids[nearest]), node, GRAPH_LEAST_WAYS);
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
graph_count_ways(const GraphBuild *build, uint32_t n)
{
	for (uint32_t node = 0; node < n; node++)
	{
		GraphLinks *links = links_at(build, 0, node);

		for (uint32_t i = 0; i < links->count; i++)
			if (graph_link_ids(build, links)[i] >= build->first)
				add_way(build, graph_link_ids(build, links)[i]);
	}
}

void
graph_lead(const GraphBuild *build, uint32_t node, uint32_t id, RabitqFactors edge,
		   const uint8_t *signs)
{
	/* no node is taken to be inside, as ways are counted of all */
	const Connect connect = {.build = build};
	GraphLinks *links = links_at(build, 0, node);
	uint32_t	place;

	if (has_link(build, links, id))
		return;
	complete(build, node);
	place = spare_place(&connect, links, node, GRAPH_LEAST_WAYS);
	if (place == build->degree)
		return;
	if (place == links->count)
		links->count++;
	else
		remove_way(build, graph_link_ids(build, links)[place]);
	put_edge(build, links, place, (GraphCandidate) {edge.distance, id}, &edge, signs);
	add_way(build, id);
}
