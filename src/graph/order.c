/*
 * order.c - the order in which nodes are inserted
 */
#include "graph/build.h"

#include <string.h>

#include "graph/build_internal.h"

/* A round inserts as many nodes as there are, times this less one. */
#define ROUND_GROWTH	2

uint32_t
graph_cell(GraphInserter *inserter, uint32_t node)
{
	const GraphBuild *build = inserter->build;

	graph_work_floats(build, node, inserter->rotated);
	return graph_entries_nearest(&build->entries, build->metric, inserter->rotated,
								 build->padded, inserter->entry_lut).id;
}

static inline uint32_t *
number_at(const GraphArray *numbers, uint32_t i)
{
	return graph_array_at(numbers, i);
}

/* Sorts the nodes of a round by their cells: numbers[i] was the cell of node i. */
static void
order_round(const GraphArray *numbers, uint32_t from, uint32_t to, uint32_t *scratch)
{
	uint32_t	place[GRAPH_MAX_ENTRIES + 1] = {0};

	for (uint32_t i = from; i < to; i++)
		place[*number_at(numbers, i) + 1]++;
	for (uint32_t c = 0; c < GRAPH_MAX_ENTRIES; c++)
		place[c + 1] += place[c];
	for (uint32_t i = from; i < to; i++)
		scratch[place[*number_at(numbers, i)]++] = i;
	for (uint32_t i = from; i < to; i++)
		*number_at(numbers, i) = scratch[i - from];
}

void
graph_order(const GraphArray *numbers, uint32_t entries, uint32_t n, uint32_t *scratch)
{
	for (uint32_t i = 0; i < entries; i++)
		*number_at(numbers, i) = i;
	for (uint32_t from = entries; from < n;)
	{
		uint32_t	to = n - from > from * (ROUND_GROWTH - 1) ? from * ROUND_GROWTH : n;

		order_round(numbers, from, to, scratch);
		from = to;
	}
}
