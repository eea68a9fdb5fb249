/*
 * partition_edges.c - the edges of partitions: kept in files by part, and merged
 */
#include "graph_segment/partition_files.h"

/* The head of the edges of a node in a file. */
typedef struct EdgesHead
{
	uint32		number;			/* of the node */
	uint32		count;
} EdgesHead;

uint32
partition_part_of(const BuildShared *shared, uint32 number)
{
	uint32		low = 0;
	uint32		last = shared->parts - 1;

	while (low < last)
	{
		uint32		middle = (low + last + 1) / 2;

		if (shared->part_first[middle] <= number)
			low = middle;
		else
			last = middle - 1;
	}
	return low;
}

/* How the edges of a node are laid out in a record. */
static void
edge_arrays(const GraphBuild *graph, char *bytes, uint32 count, GraphEdges *edges)
{
	edges->count = count;
	edges->ids = (uint32 *) bytes;
	edges->distances = (float *) (edges->ids + count);
	edges->a = edges->distances + count;
	edges->b = (uint16 *) (edges->a + (graph->coded && !graph->bytes ? count : 0));
	edges->signs = (uint8 *) (edges->b + (graph->coded && !graph->bytes ? count : 0));
}

static Size
edges_size(const GraphBuild *graph, uint32 count)
{
	Size		edge = sizeof(uint32) + sizeof(float);

	if (graph->coded)
		edge += graph_sign_dims(graph) / 8;
	if (graph->coded && !graph->bytes)
		edge += sizeof(float) + sizeof(uint16);
	return edge * count;
}

void
partition_keep_edges(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	PartitionState *state = build->partition;
	const GraphBuild *graph = &build->graph;
	const uint32 *numbers = build_address(build, shared->numbers);
	GraphEdges *links = &state->links;
	uint32		from;
	uint32		to;

	state->written = shared->parts;
	while (build_next_nodes(build, shared->nodes, &from, &to))
		for (uint32 node = from; node < to; node++)
		{
			EdgesHead	head = {numbers[node], 0};
			GraphEdges	edges;

			graph_get_edges(graph, node, links);
			head.count = links->count;
			edge_arrays(graph, partition_room(state, edges_size(graph, links->count)), links->count,
						&edges);
			for (uint32 i = 0; i < links->count; i++)
				edges.ids[i] = numbers[links->ids[i]];
			memcpy(edges.distances, links->distances, sizeof(float) * links->count);
			if (graph->coded)
				memcpy(edges.signs, links->signs, graph_sign_dims(graph) / 8 * links->count);
			if (graph->coded && !graph->bytes)
			{
				memcpy(edges.a, links->a, sizeof(float) * links->count);
				memcpy(edges.b, links->b, sizeof(uint16) * links->count);
			}
			partition_put(build, &state->edges[partition_part_of(shared, head.number)], &head,
						  sizeof(head), state->record, edges_size(graph, links->count));
		}
	partition_flush(state, state->edges, shared->parts);
}

void
partition_merge_edges(SegmentBuild *build, uint32 part)
{
	PartitionState *state = build->partition;
	PartitionFile **file = &state->edges[part];
	EdgesHead	head;

	partition_begin_reading(build, *file);
	while (partition_read_head(*file, &head, sizeof(head)))
	{
		Size		size = edges_size(&build->graph, head.count);
		GraphEdges	edges;

		edge_arrays(&build->graph, partition_room(state, size), head.count, &edges);
		partition_read(*file, state->record, size);
		graph_merge_edges(&build->inserter, head.number - build->shared->part_first[part], &edges);
	}
	partition_close(file);
	build_wait(build);
}
