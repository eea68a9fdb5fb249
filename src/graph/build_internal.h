/*
 * build_internal.h - nodes' links, for build.c, fill.c and connect.c
 */
#ifndef VECTOR_GRAPH_BUILD_INTERNAL_H
#define VECTOR_GRAPH_BUILD_INTERNAL_H

#include <sched.h>
#include <string.h>

#include "graph/build.h"

#define WRITER	UINT32_C(0x80000000)

/*
 * Filling a list considers this many candidates, which this many hops find: a wide choice matters
 * more than the very nearest candidates.
 */
#define FILL_CANDIDATES	192
#define FILL_NEAREST	32		/* it tries all of these, and every second of the others */
#define FILL_TRIED		(FILL_NEAREST + (FILL_CANDIDATES - FILL_NEAREST + 1) / 2)
#define FILL_HOPS		20

/* Whether distances are negative dot products, for which no triangle inequality holds. */
static inline bool
is_dot(const GraphBuild *build)
{
	return build->metric == RABITQ_IP;
}

static inline GraphLinks *
links_at(const GraphBuild *build, int level, uint32_t node)
{
	return graph_array_at(level == 0 ? &build->links : &build->levels[level], node);
}

/*
 * Waits a moment; now and then for longer, in case the holder of the lock has lost its processor.
 */
static inline void
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

static inline void
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

static inline void
unlock_exclusive(GraphLinks *links)
{
	atomic_fetch_and_explicit(&links->lock, ~WRITER, memory_order_release);
}

static inline void
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

static inline void
unlock_shared(GraphLinks *links)
{
	atomic_fetch_sub_explicit(&links->lock, 1, memory_order_release);
}

static inline void
prefetch_work(const GraphBuild *build, uint32_t node)
{
	const char *work;

	if (build->exact)
		return;
	work = graph_array_at(&build->work, node);
	for (size_t i = 0; i < build->padded * sizeof(uint16_t); i += 64)
		__builtin_prefetch(work + i, 0, 2);
}

static inline void
put_code(const GraphBuild *build, GraphLinks *links, uint32_t place, RabitqFactors factors,
		 const uint8_t *signs)
{
	graph_link_a(build, links)[place] = factors.a;
	graph_link_b(build, links)[place] = factors.b;
	rabitq_pack(graph_link_codes(build, links) +
				place / CODE_GROUP * rabitq_group_size(build->padded), place % CODE_GROUP, signs,
				build->padded);
}

/* Likewise the code of a neighbour in a list of bytes that is merged. */
static inline void
put_signs(const GraphBuild *build, GraphLinks *links, uint32_t place, const uint8_t *signs)
{
	size_t		size = graph_sign_dims(build) / 8;

	memcpy(graph_link_codes(build, links) + place * size, signs, size);
}

/* Writes a neighbour whose code is known into a place of a list that may be merged. */
static inline void
put_edge(const GraphBuild *build, GraphLinks *links, uint32_t place, GraphCandidate end,
		 const RabitqFactors *factors, const uint8_t *signs)
{
	graph_link_ids(build, links)[place] = end.id;
	graph_link_distances(build, links)[place] = end.distance;
	if (build->bytes)
		put_signs(build, links, place, signs);
	else if (build->coded)
		put_code(build, links, place, *factors, signs);
}

/*
 * In an order of chosen neighbours, moves one forward that has covered a candidate: those that have
 * covered more come first, because they soon cover another.
 */
static inline void
bring_forward(uint16_t *order, uint32_t k)
{
	uint16_t	place = order[k];

	if (k == 0)
		return;
	order[k] = order[k - 1];
	order[k - 1] = place;
}

/* A list of numbers has room for further ones, and is cut when it is full. */
static inline uint32_t
vamana_room(uint32_t degree)
{
	uint32_t	room = degree + degree / 3;

	return room < GRAPH_MAX_DEGREE ? room : GRAPH_MAX_DEGREE;
}

/* NULL if exact. */
static inline const GraphBytes *
bytes_at(const GraphBuild *build, uint32_t node)
{
	return build->exact ? NULL : build->places ? (const GraphBytes *) build->places[node] :
		graph_array_at(&build->work, node);
}

/* As graph_code_edge, of what the neighbour's work vector would be made of. */
extern RabitqFactors graph_encode_exact(const GraphBuild *build, uint32_t node,
										const float *neighbour, uint8_t *signs);

static inline RabitqFactors
encode_link(const GraphBuild *build, uint32_t node, uint32_t neighbour, uint8_t *signs)
{
	if (build->exact)
	{
		build->vector(build->arg, neighbour, build->scratch);
		return graph_encode_exact(build, node, build->scratch, signs);
	}
	return build->bytes ? graph_code_edge(build, bytes_at(build, node),
										  bytes_at(build, neighbour), signs) :
		graph_code_edge(build, graph_array_at(&build->work, node),
						graph_array_at(&build->work, neighbour), signs);
}

/* The distance of a node's neighbour. */
static inline float
link_distance(const GraphBuild *build, GraphLinks *links, uint32_t node, uint32_t place)
{
	return build->bytes && !build->merging ?
		graph_build_distance(build, node, graph_link_ids(build, links)[place]) :
		graph_link_distances(build, links)[place];
}

extern float graph_bytes_distance(const GraphBuild *build, uint32_t a, uint32_t b);

/* vamana.c: what other functions of this room do if there are bytes in place of codes. */
extern bool vamana_init(GraphInserter *inserter, GraphMemory memory);
extern bool vamana_insert(GraphInserter *inserter, uint32_t node);
/* Cuts a node's list to its degree. */
extern void vamana_trim(const GraphBuild *build, uint32_t node);
/*
 * Returns the distance of a neighbour, and sets the signs of its elements less those of the node,
 * graph_sign_dims() of them.
 */
extern float vamana_code(const GraphBuild *build, const GraphBytes *node,
						 const GraphBytes *neighbour, uint8_t *signs);

/* Writes a neighbour into a place of a node's links, which the caller has locked. */
extern void graph_put_link(const GraphBuild *build, GraphLinks *links, uint32_t place,
						   uint32_t node, GraphCandidate neighbour);

/* A node's work vector as floats. */
extern void graph_work_floats(const GraphBuild *build, uint32_t node, float *out);

/* Where the search for an inserted node begins, if there are entries; `rotated` is its vector. */
extern GraphCandidate graph_nearest_entry(GraphInserter *inserter, uint32_t node);

/* Makes a node the query of the search. */
extern void graph_begin_query(GraphInserter *inserter, uint32_t node);

#endif							/* VECTOR_GRAPH_BUILD_INTERNAL_H */
