/*
 * graph_test.c - building and searching graphs in memory, compared with brute force
 */
#include "graph_world.h"

/* The edges of a graph of bytes have the distances and signs that the points have. */
static void
check_bytes(const World *world)
{
	const GraphBuild *build = &world->build;
	uint32_t	ids[GRAPH_MAX_DEGREE];
	float		distances[GRAPH_MAX_DEGREE];
	float		a[GRAPH_MAX_DEGREE];
	uint16_t	b[GRAPH_MAX_DEGREE];
	uint8_t		signs[GRAPH_MAX_DEGREE * 32];
	GraphEdges	edges = {0, ids, distances, a, b, signs};
	float	   *from = malloc(sizeof(float) * build->padded);
	float	   *to = malloc(sizeof(float) * build->padded);
	uint64_t	wrong = 0;

	for (uint32_t node = 0; node < world->n; node++)
	{
		graph_get_edges(build, node, &edges);
		graph_work_floats(build, node, from);
		HOLDS(edges.count == ((GraphLinks *) graph_array_at(&build->links, node))->count);
		for (uint32_t i = 0; i < edges.count; i++)
		{
			const float *x = point(world, node);
			const float *y = point(world, ids[i]);
			float		lengths = distance_kernels->f32_dot(x, x, DIMS) +
				distance_kernels->f32_dot(y, y, DIMS);
			float		exact = distance(world, x, y);

			HOLDS(fabsf(distances[i] - exact) <= 0.05f * sqrtf(exact * lengths) + 1e-3f * lengths);
			graph_work_floats(build, ids[i], to);
			for (uint32_t d = 0; d < build->padded; d++)
				wrong += (signs[i * (build->padded / 8) + d / 8] >> d % 8 & 1) !=
					(to[d] > from[d]);
		}
	}
	HOLDS(wrong == 0);
	free(from);
	free(to);
}

/* Every neighbour's distance and code are right. */
static void
check_codes(const World *world)
{
	const GraphBuild *build = &world->build;
	const size_t group = rabitq_group_size(build->padded);
	uint8_t		signs[2][512];

	for (uint32_t node = 0; node < world->n; node++)
	{
		GraphLinks *links = graph_array_at(&build->links, node);

		for (uint32_t i = 0; i < links->count; i++)
		{
			uint32_t	id = graph_link_ids(build, links)[i];
			float		exact = graph_build_distance(build, node, id);
			RabitqFactors factors;

			HOLDS(fabsf(graph_link_distances(build, links)[i] - exact) <=
				  1e-2f + 1e-2f * fabsf(exact));
			if (!world->coded)
				continue;
			factors = encode_link(build, node, id, signs[0]);
			rabitq_unpack(graph_link_codes(build, links) + i / CODE_GROUP * group, i % CODE_GROUP,
						  signs[1], build->padded);
			HOLDS(memcmp(signs[0], signs[1], build->padded / 8) == 0);
			HOLDS(graph_link_a(build, links)[i] == factors.a);
			HOLDS(graph_link_b(build, links)[i] == factors.b);
		}
	}
}

/* Links are in bounds and without repetition, and from node 0 they lead to every node. */
static void
check_links(const World *world)
{
	const GraphBuild *build = &world->build;
	bool	   *reached = calloc(world->n, sizeof(bool));
	uint32_t   *queue = malloc(sizeof(uint32_t) * world->n);
	uint32_t	count = 1;

	queue[0] = 0;
	reached[0] = true;
	for (uint32_t i = 0; i < count; i++)
	{
		GraphLinks *links = graph_array_at(&build->links, queue[i]);
		uint32_t   *ids = graph_link_ids(build, links);

		HOLDS(links->count <= build->degree);
		for (uint32_t a = 0; a < links->count; a++)
		{
			HOLDS(ids[a] < world->n && ids[a] != queue[i]);
			for (uint32_t b = 0; b < a; b++)
				HOLDS(ids[a] != ids[b]);
			if (!reached[ids[a]])
				queue[count++] = ids[a];
			reached[ids[a]] = true;
		}
	}
	HOLDS(count == world->n);
	free(queue);
	free(reached);
}

/* A search for a point with exact distances to all neighbours. */
typedef struct Probe
{
	const World *world;
	const float *query;
	uint8_t    *expanded;		/* how often each node was expanded, */
	int			most;			/* and how often it may be */
} Probe;

static int
expand(void *arg, uint32_t id, GraphFound *found, uint32_t *ids, float *estimates)
{
	Probe	   *probe = arg;
	const GraphBuild *build = &probe->world->build;
	uint32_t	node = id - probe->world->first;
	GraphLinks *links = graph_array_at(&build->links, node);

	(void) estimates;
	found->tag = id;
	HOLDS(probe->expanded[node]++ < probe->most);
	for (uint32_t i = 0; i < links->count; i++)
		ids[i] = probe->world->first + graph_link_ids(build, links)[i];
	return (int) links->count;
}

static void
score(void *arg, const uint32_t *ids, int n, float *distances)
{
	Probe	   *probe = arg;

	for (int i = 0; i < n; i++)
		distances[i] = distance(probe->world, probe->query,
								point(probe->world, ids[i] - probe->world->first));
}

static bool
is_odd(void *arg, uint32_t id)
{
	const Probe *probe = arg;

	return (id - probe->world->first) % 2 == 1;
}

/* Checks that everything a search found is found for the first time. */
static size_t
count_found(const World *world, const GraphSearch *search, uint8_t *seen)
{
	for (size_t i = 0; i < search->found_count; i++)
	{
		HOLDS(seen[search->found[i].id - world->first]++ == 0);
		HOLDS(graph_search_expanded(search, search->found[i].id));
	}
	return search->found_count;
}

/*
 * How many of the K nearest a search finds; if it goes on, it finds all of them in the end.  A
 * search with a limit keeps nothing, and goes on by reading again what it expanded.
 */
static int
check_search(const World *world, GraphSearch *search, bool odd_are_dead, float reach,
			 float patience)
{
	bool		limited = reach > 0;
	float		query[DIMS];
	float		found[K];
	Probe		probe = {world, query, calloc(world->n, 1), limited ? 2 : 1};
	uint8_t    *seen = calloc(world->n, 1);
	GraphSource source = {
		.expand = expand, .score = score, .arg = &probe, .degree = world->build.degree,
		.dead = odd_are_dead ? is_odd : NULL
	};
	GraphCandidate entry = {0, world->first};
	uint32_t	living = odd_are_dead ? (world->n + 1) / 2 : world->n;
	uint64_t	before;
	size_t		total;
	int			nearer;
	int			hits = 0;

	for (int d = 0; d < DIMS; d++)
		query[d] = point(world, (uint32_t) (rotation_random(&seed) % world->n))[d] +
			uniform() * 0.2f;
	score(&probe, &entry.id, 1, &entry.distance);
	HOLDS(graph_search_begin(search, source, 64, !limited, entry));
	if (limited)
		graph_search_limit(search, K, reach, INFINITY, patience);
	if (odd_are_dead)
		graph_search_expect(search, 0.5f, limited ? 4 : 1);
	/* hops can be counted out, and the search goes on */
	before = search->hops;
	HOLDS(graph_search_run(search, 5) && search->hops - before <= 5);
	HOLDS(graph_search_run(search, UINT32_MAX));
	HOLDS(search->met_live + search->met_dead == (odd_are_dead ? search->hops - before : 0));
	HOLDS(limited || search->found_count >= (world->n < 64 ? living : odd_are_dead ? 32 : 64));
	graph_sort_found(search->found, search->found_count);
	for (size_t i = 0; i < K && i < search->found_count; i++)
	{
		nearer = 0;
		found[i] = search->found[i].distance;
		HOLDS(search->found[i].tag == search->found[i].id);
		HOLDS(!odd_are_dead || !is_odd(&probe, search->found[i].id));
		for (uint32_t k = 0; k < world->n; k += 1 + odd_are_dead)
			nearer += distance(world, query, point(world, k)) < found[i];
		hits += nearer < K;
	}
	total = count_found(world, search, seen);
	while (graph_search_more(search))
	{
		HOLDS(graph_search_run(search, UINT32_MAX));
		total += count_found(world, search, seen);
	}
	HOLDS(total == living);
	free(probe.expanded);
	free(seen);
	return hits;
}

static void
check_graph(uint32_t n, RabitqMetric metric, Kind kind, int threads)
{
	World		world;
	GraphSearch search;
	int			hits = 0;
	int			dead_hits = 0;
	int			limited_hits = 0;
	int			short_hits = 0;
	int			patient_hits = 0;
	int			high_hits = 0;
	const int	queries = 100;

	make_world(&world, n, metric, kind, 1);
	build_graph(&world, threads);
	check_links(&world);
	if (world.build.bytes)
		check_bytes(&world);
	else
		check_codes(&world);
	graph_search_init(&search, (GraphMemory) {resize, NULL});
	for (int i = 0; i < queries; i++)
	{
		hits += check_search(&world, &search, false, 0, 0);
		dead_hits += check_search(&world, &search, true, 0, 0);
		if (metric == RABITQ_L2)
		{
			limited_hits += check_search(&world, &search, i % 2 == 1, 1.5f, 0);
			short_hits += check_search(&world, &search, i % 2 == 1, 1, 0);
			patient_hits += check_search(&world, &search, i % 2 == 1, 1, 4);
		}
	}
	/* with the largest ids that there are, nothing changes */
	world.first = GRAPH_MAX_ID - (n - 1);
	for (int i = 0; i < queries; i++)
		high_hits += check_search(&world, &search, i % 2 == 1,
								  metric == RABITQ_L2 && i % 3 == 0 ? 1.5f : 0, 0);
	if (n > 2 * K)
	{
		HOLDS(hits >= 0.95 * queries * K);
		HOLDS(dead_hits >= 0.95 * queries * K);
		HOLDS(high_hits >= 0.95 * queries * K);
		HOLDS(metric != RABITQ_L2 || limited_hits >= 0.95 * queries * K);
		HOLDS(metric != RABITQ_L2 || n < 100 || short_hits < patient_hits);
	}
	free_search(&search);
	free_world(&world);
}

static void
pause_place(void)
{
}

/*
 * The order of nodes by cells has each node once, also if all are equal, and neighbours near each
 * other: more of them share a cell than in the order of the nodes, or another run of as many nodes.
 */
static void
check_place(uint32_t n, Kind kind, bool equal)
{
	World		world;
	uint32_t   *order = malloc(sizeof(uint32_t) * n);
	uint32_t   *number = malloc(sizeof(uint32_t) * n);
	uint8_t    *scratch;
	uint32_t	edges[3] = {0};	/* all, those within cells, and within runs from half a cell on */

	make_world(&world, n, RABITQ_L2, kind, 1);
	build_graph(&world, 1);
	for (uint32_t i = 1; i < n && equal; i++)
		memcpy(graph_array_at(&world.build.work, i), graph_array_at(&world.build.work, 0),
			   world.build.work.stride);
	scratch = malloc(graph_place_size(&world.build, n));
	graph_place(&world.build, order, n, scratch, pause_place);
	memset(number, 0xFF, sizeof(uint32_t) * n);
	for (uint32_t i = 0; i < n; i++)
	{
		HOLDS(order[i] < n && number[order[i]] == UINT32_MAX);
		number[order[i]] = i;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		GraphLinks *list = graph_array_at(&world.build.links, i);

		for (uint32_t k = 0; k < list->count; k++, edges[0]++)
			for (uint32_t half = 0; half < 2; half++)
				edges[1 + half] += (number[i] + half * GRAPH_CELL / 2) / GRAPH_CELL ==
					(number[graph_link_ids(&world.build, list)[k]] + half * GRAPH_CELL / 2) /
					GRAPH_CELL;
	}
	/* exact, parts do not end where cells do */
	HOLDS(equal || n <= 2 * GRAPH_CELL ||
		  (edges[1] > edges[0] / 4 && (world.build.exact || edges[1] > edges[2])));
	free(scratch);
	free(number);
	free(order);
	free_world(&world);
}

/* If any request for memory fails, the search reports it, and goes on when there is memory. */
static void
check_memory(void)
{
	World		world;
	bool		complete = false;

	make_world(&world, 500, RABITQ_L2, CODED, 1);
	build_graph(&world, 1);
	for (int limit = 0; !complete; limit++)
	{
		int			left = limit;
		float		query[DIMS] = {0};
		Probe		probe = {&world, query, calloc(world.n, 1), 2};
		GraphSource source = {
			.expand = expand, .score = score, .arg = &probe, .degree = world.build.degree
		};
		GraphSearch search;

		graph_search_init(&search, (GraphMemory) {resize, &left});
		complete = graph_search_begin(&search, source, 64, true, (GraphCandidate) {0, 0}) &&
			graph_search_run(&search, UINT32_MAX) &&
			graph_search_begin(&search, source, 64, false, (GraphCandidate) {0, 0});
		graph_search_limit(&search, K, 1, INFINITY, 4);
		complete = complete && graph_search_run(&search, UINT32_MAX);
		HOLDS(complete == (left >= 0));
		free(probe.expanded);
		free_search(&search);
	}
	free_world(&world);
}

static bool
has_neighbour(const GraphBuild *build, GraphLinks *links, uint32_t id)
{
	for (uint32_t i = 0; i < links->count; i++)
		if (graph_link_ids(build, links)[i] == id)
			return true;
	return false;
}

/* A part of a list of edges. */
static GraphEdges
slice(const GraphBuild *build, const GraphEdges *edges, uint32_t from, uint32_t to)
{
	return (GraphEdges) {
		to - from, edges->ids + from, edges->distances + from, edges->a + from, edges->b + from,
		edges->signs + (size_t) from * (graph_sign_dims(build) / 8)
	};
}

/*
 * A node of a part leads to one outside of it, in a free place or in that of the farthest
 * neighbour, but not of one to which few nodes lead.  Connecting the part leaves that.
 */
static void
lead_outside(GraphBuild *build, uint32_t n, uint32_t id, uint8_t *signs)
{
	RabitqFactors edge = {.distance = 1e9f};
	GraphLinks *links = graph_array_at(&build->links, 1);
	uint32_t	had = links->count;
	uint32_t	lost = 0;
	uint8_t	   *before = malloc(id + 2);

	build->ways = calloc(id + 2 + GRAPH_MAX_DEGREE, 1);
	graph_count_ways(build, n);
	memcpy(before, build->ways, id + 2);
	graph_lead(build, 1, id, edge, signs);
	HOLDS(build->ways[id] == 1 && has_neighbour(build, links, id));
	HOLDS(links->count == (had < build->degree ? had + 1 : build->degree));
	for (uint32_t i = 0; i < id; i++)
	{
		lost += build->ways[i] != before[i];
		HOLDS(build->ways[i] == before[i] ||
			  (build->ways[i] + 1 == before[i] && before[i] > GRAPH_LEAST_WAYS));
	}
	HOLDS(lost == (had == build->degree));
	/* once more changes nothing; another one leaves the first its place, though that is farther */
	graph_lead(build, 1, id, edge, signs);
	HOLDS(build->ways[id] == 1);
	edge.distance = 1;
	while (links->count < build->degree)
		graph_lead(build, 1, id + 2 + links->count, edge, signs);
	graph_lead(build, 1, id + 1, edge, signs);
	HOLDS(has_neighbour(build, links, id) && has_neighbour(build, links, id + 1));
	free(before);
}

/* How many nodes of a part are reached from its first. */
static uint32_t
count_reached(const GraphBuild *build, uint32_t n)
{
	bool	   *reached = calloc(n, sizeof(bool));
	uint32_t   *queue = malloc(sizeof(uint32_t) * n);
	uint32_t	count = 1;

	queue[0] = 0;
	reached[0] = true;
	for (uint32_t i = 0; i < count; i++)
	{
		GraphLinks *links = graph_array_at(&build->links, queue[i]);

		for (uint32_t k = 0; k < links->count; k++)
		{
			uint32_t	node = graph_link_ids(build, links)[k] - build->first;

			if (node < n && !reached[node])
			{
				reached[node] = true;
				queue[count++] = node;
			}
		}
	}
	free(reached);
	free(queue);
	return count;
}

/*
 * A graph whose nodes have other ids, as a partition has: its lists are merged from overlapping
 * parts, then with lists of neighbours outside, with an anchor outside, and all nodes are
 * connected.
 */
static void
check_parts(Kind kind)
{
	const uint32_t first = 500;
	const uint32_t anchor = 7;
	const uint32_t outside = 200000;
	World		world;
	World		part;
	GraphInserter inserter;
	uint32_t	ids[GRAPH_MAX_DEGREE];
	float		distances[GRAPH_MAX_DEGREE];
	float		a[GRAPH_MAX_DEGREE];
	uint16_t	b[GRAPH_MAX_DEGREE];
	uint8_t		signs[GRAPH_MAX_DEGREE * 32];
	GraphEdges	edges = {0, ids, distances, a, b, signs};

	make_world(&world, 2000, RABITQ_L2, kind, 1);
	build_graph(&world, 1);
	part = world;
	part.build.first = first;
	graph_use_merging(&part.build, kind == BYTES);
	part.build.links.stride = part.build.size;
	part.build.links.chunks = &part.arrays[0];
	part.arrays[0] = calloc(part.n, part.build.size);
	HOLDS(graph_inserter_init(&inserter, &part.build, (GraphMemory) {resize, NULL}));
	for (uint32_t node = 0; node < part.n; node++)
	{
		GraphLinks *links = graph_array_at(&part.build.links, node);
		GraphEdges	some;

		graph_get_edges(&world.build, node, &edges);
		for (uint32_t i = 0; i < edges.count; i++)
			ids[i] += first;
		some = slice(&part.build, &edges, 0, edges.count * 2 / 3);
		graph_merge_edges(&inserter, node, &some);
		HOLDS(links->count == some.count);
		some = slice(&part.build, &edges, edges.count / 3, edges.count);
		graph_merge_edges(&inserter, node, &some);
		HOLDS(links->count == edges.count);
		for (uint32_t i = 0; i < edges.count; i++)
			HOLDS(has_neighbour(&part.build, links, ids[i]));
	}
	for (uint32_t node = 0; node < part.n; node++)
	{
		GraphLinks *links = graph_array_at(&part.build.links, node);
		uint32_t	had = links->count;

		graph_get_edges(&world.build, (node * 7 + 1) % part.n, &edges);
		for (uint32_t i = 0; i < edges.count; i++)
			ids[i] += 100000;
		graph_merge_edges(&inserter, node, &edges);
		HOLDS(links->count == (had + edges.count < 32 ? had + edges.count : 32));
		for (uint32_t i = 0; i < links->count; i++)
			for (uint32_t k = 0; k < i; k++)
				HOLDS(graph_link_ids(&part.build, links)[i] !=
					  graph_link_ids(&part.build, links)[k]);
	}
	lead_outside(&part.build, part.n, outside, signs);
	graph_set_anchor(&part.build, anchor,
					 kind == PLAIN ? NULL : graph_array_at(&part.build.work, 5), 1);
	HOLDS(graph_connect(&part.build, part.n, (GraphMemory) {resize, NULL}));
	HOLDS(has_neighbour(&part.build, graph_array_at(&part.build.links, 0), anchor));
	HOLDS(has_neighbour(&part.build, graph_array_at(&part.build.links, 1), outside));
	HOLDS(count_reached(&part.build, part.n) == part.n);
	/* likewise if all edges lead outside, to nodes of which no other edge is known */
	memset(part.build.ways, 0, outside);
	for (uint32_t node = 0; node < part.n; node++)
	{
		GraphLinks *links = graph_array_at(&part.build.links, node);

		links->count = part.build.degree;
		for (uint32_t i = 0; i < links->count; i++)
			graph_link_ids(&part.build, links)[i] = outside / 2 + i;
	}
	HOLDS(graph_connect(&part.build, part.n, (GraphMemory) {resize, NULL}));
	HOLDS(count_reached(&part.build, part.n) == part.n);
	free_inserter(&inserter);
	free(part.build.ways);
	free(part.arrays[0]);
	free_world(&world);
}

/* Nodes in small clusters, whose neighbours cover each other, fill their lists all the same. */
static void
check_clusters(void)
{
	World		world;

	make_world(&world, 3000, RABITQ_L2, CODED, 6);
	build_graph(&world, 1);
	HOLDS(count_links(&world) >= 20 * world.n);
	free_world(&world);
}

/*
 * Nodes that lie apart, around all others: the nearest neighbour covers almost all candidates,
 * however many.  Most insertions do not search for more.
 */
static void
check_apart(void)
{
	World		world;
	uint32_t	ef;

	make_world(&world, 3000, RABITQ_L2, CODED, 1);
	ef = world.build.ef_construction;
	for (uint32_t i = world.n / 2; i < world.n; i++)
	{
		uint16_t   *work = graph_array_at(&world.build.work, i);

		for (uint32_t d = 0; d < world.build.padded; d++)
			work[d] = float_to_half(20 * (uniform() - 0.5f));
	}
	build_graph(&world, 1);
	HOLDS(world.hops <= world.n * (ef + ef / 3));
	free_world(&world);
}

static void
check_one_thread(void)
{
	const uint32_t sizes[] = {1, 2, 33, 3000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		check_graph(sizes[i], RABITQ_L2, CODED, 1);
		check_graph(sizes[i], RABITQ_IP, CODED, 1);
		check_graph(sizes[i], RABITQ_L2, BYTES, 1);
		check_graph(sizes[i], RABITQ_L2, PLAIN, 1);
	}
	check_clusters();
	check_apart();
	check_parts(CODED);
	check_parts(BYTES);
	check_parts(PLAIN);
	for (Kind kind = CODED; kind <= BYTES; kind++)
	{
		check_place(1, kind, false);
		check_place(33, kind, true);
		check_place(3000, kind, false);
		check_place(3000, kind, true);
	}
	check_memory();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		check_graph(sizes[i], RABITQ_L2, EXACT, 1);
		check_graph(sizes[i], RABITQ_L2, EXACT_BYTES, 1);
	}
	check_place(3000, EXACT_BYTES, false);
}

int
main(void)
{
	distance_select(DISTANCE_AUTO);
	check_graph(3000, RABITQ_L2, CODED, MAX_THREADS);
	check_graph(3000, RABITQ_L2, BYTES, MAX_THREADS);
	check_graph(3000, RABITQ_L2, PLAIN, MAX_THREADS);
	if (ONE_THREAD)
		check_one_thread();
	return check_end("graph_test");
}
