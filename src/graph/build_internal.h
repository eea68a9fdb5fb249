/*
 * build_internal.h - nodes' links, for build.c, fill.c and connect.c
 */
#ifndef VECTOR_GRAPH_BUILD_INTERNAL_H
#define VECTOR_GRAPH_BUILD_INTERNAL_H

#include <sched.h>

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
prefetch_work(const GraphBuild *build, uint32_t node)
{
	const char *work = graph_array_at(&build->work, node);

	for (size_t i = 0; i < build->padded * sizeof(uint16_t); i += 64)
		__builtin_prefetch(work + i, 0, 2);
}

static inline RabitqFactors
encode_link(const GraphBuild *build, uint32_t node, uint32_t neighbour, uint8_t *signs)
{
	return rabitq_encode(build->metric, graph_array_at(&build->work, neighbour),
						 graph_array_at(&build->work, node), build->padded, 1, signs);
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

/* Writes a neighbour into a place of a node's links, which the caller has locked. */
extern void graph_put_link(const GraphBuild *build, GraphLinks *links, uint32_t place,
						   uint32_t node, GraphCandidate neighbour);

/* A node's work vector as floats. */
extern void graph_work_floats(const GraphBuild *build, uint32_t node, float *out);

/* Makes a node the query of the search. */
extern void graph_begin_query(GraphInserter *inserter, uint32_t node);

#endif							/* VECTOR_GRAPH_BUILD_INTERNAL_H */
