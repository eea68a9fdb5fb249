/*
 * order.c - the order in which the nodes of a graph in memory are written
 */
#include "graph_segment/build_internal.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* The nodes in memory breadth first from node 0, so that neighbours are near each other. */
static uint32 *
breadth_first(SegmentBuild *build)
{
	GraphBuild *graph = &build->graph;
	uint32		n = build->shared->nodes;
	uint32	   *order = MemoryContextAllocHuge(build->context, sizeof(uint32) * n);
	bool	   *taken = MemoryContextAllocExtended(build->context, n,
												   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint32		count = 0;
	uint32		start = 0;

	for (uint32 next = 0; next < n; next++)
	{
		GraphLinks *links;
		uint32	   *ids;

		if (next == count)
		{
			while (taken[start])
				start++;
			taken[start] = true;
			order[count++] = start;
		}
		links = graph_array_at(&graph->links, order[next]);
		ids = graph_link_ids(graph, links);
		for (uint32 i = 0; i < links->count; i++)
			if (!taken[ids[i]])
			{
				taken[ids[i]] = true;
				order[count++] = ids[i];
			}
		if ((next & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	pfree(taken);
	return order;
}

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

/*
 * The nodes in memory by cells, so that the nodes that a search meets are in few blocks, but node 0
 * first, from which a search begins.
 */
static uint32 *
by_cells(SegmentBuild *build)
{
	GraphBuild *graph = &build->graph;
	uint32		n = build->shared->nodes;
	uint32	   *order = MemoryContextAllocHuge(build->context, sizeof(uint32) * n);
	void	   *scratch = MemoryContextAllocHuge(build->context, graph_place_size(graph, n));

	graph_place(graph, order, n, scratch, check_interrupts);
	pfree(scratch);
	for (uint32 i = 1; i < n; i++)
		if (order[i] == 0)
		{
			order[i] = order[0];
			order[0] = 0;
			break;
		}
	return order;
}

uint32 *
plan_order(SegmentBuild *build)
{
	return build->space.method == METHOD_DISK ? by_cells(build) : breadth_first(build);
}
