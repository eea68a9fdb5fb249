/*
 * merge_parts.c - the parts of a merge, with their new edges: part by part, nodes are loaded and
 * merged with these, and written
 */
#include "graph_segment/merge_internal.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "distance/half.h"

#include "segment/temporary.h"

/* Room for an edge in a file. */
#define MERGE_EDGE_SIZE	(sizeof(MergeEdge) + DENSE_MAX_DIM / 4 + 16)

/*
 * So many nodes of earlier parts lead to each node that has edges from as many.  Most have enough
 * in their own part, and each such edge takes the place of another: with 4, a tenth more rows were
 * missed after a merge of 20,000, 10,000, 10,000 and 5,000 rows.
 */
#define LEAST_LEADS	2

#define LEAST_ROWS	8192		/* whose memory a merge may take, however few there are */

/*
 * The memory for a part whose nodes take this much each: what is left of the limit, or of half of
 * what a build of the same rows would take if that is less, because a merge in more parts takes
 * hardly longer.
 */
static Size
part_memory(const Merge *merge, Size node)
{
	const BuildShared *shared = merge->build->shared;
	Size		memory = Min(shared->memory, Max(merge->live_rows, LEAST_ROWS) / 2 *
							 build_row_memory(merge->space, shared->m, merge->payload_size));
	Size		files = BLCKSZ * (merge->keys / Max(memory / node, 1) + merge->input_count);
	Size		taken = MemoryContextMemAllocated(merge->context, true) + files;

	/* but at least half of it */
	return memory - Min(taken, memory / 2);
}

void
merge_make_parts(Merge *merge)
{
	BuildShared *shared = merge->build->shared;
	Size		node = build_merge_memory(merge->space, shared->m, shared->bytes,
											 merge->payload_size);
	Size		edges = MERGE_NEIGHBOURS * (merge_edge_size(merge) + sizeof(LoadedEdge));
	uint64		fit = Max(part_memory(merge, node + edges) / (node + edges), 64);

	fit = Max(fit, merge->keys / (BUILD_MAX_PARTS - merge->input_count) + 1);
	/* so that no larger pieces are made */
	shared->memory = fit * node;
	merge->edge_room = fit * MERGE_NEIGHBOURS;
	merge->parts = palloc0(sizeof(MergePart) * BUILD_MAX_PARTS);
	for (int i = 0; i < merge->input_count; i++)
	{
		uint32		base = merge->inputs[i].base;
		uint32		nodes = merge->inputs[i].segment->header.nodes;
		uint32		parts = (uint32) ((nodes + fit - 1) / fit);

		for (uint32 p = 0; p < parts; p++)
			merge->parts[merge->part_count++] = (MergePart) {
				.from = base + (uint32) ((uint64) nodes * p / parts),
				.to = base + (uint32) ((uint64) nodes * (p + 1) / parts)
			};
	}
}

static MergePart *
part_of_key(Merge *merge, uint32 key)
{
	uint32		low = 0;
	uint32		high = merge->part_count - 1;

	while (low < high)
	{
		uint32		middle = (low + high + 1) / 2;

		if (merge->parts[middle].from <= key)
			low = middle;
		else
			high = middle - 1;
	}
	return &merge->parts[low];
}

void
merge_put_edge(Merge *merge, uint32 node, uint32 neighbour, const void *from, const void *to)
{
	MergePart  *part = part_of_key(merge, node);
	char		bytes[MERGE_EDGE_SIZE] = {0};
	MergeEdge  *edge = (MergeEdge *) bytes;
	RabitqFactors factors = graph_code_edge(&merge->build->graph, from, to,
											(uint8 *) (edge + 1));

	edge->node = node;
	edge->neighbour = neighbour;
	edge->distance = factors.distance;
	edge->a = factors.a;
	edge->b = factors.b;
	if (part->edges == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(merge->context);

		part->edges = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	BufFileWrite(part->edges, bytes, merge_edge_size(merge));
	part->edge_count++;
}

/* Adds the live rows of a node to the build; the first row of the node has the payload. */
static void
load_rows(Merge *merge, uint32 key, uint32 *first)
{
	MergeInput *input = merge_input_of_key(merge, key);
	float		error;
	const SealedNode *node = merge_read_node(merge, key, merge->payload, &error);
	SealedNode	head = *node;

	for (uint32 i = 0; i <= head.extras; i++)
	{
		uint32		number = i == 0 ? head.row : head.extra + i - 1;
		SealedRow	sealed = {.tid = head.tid};
		SegmentRow	row;
		uint32		place = (uint32) merge->build->shared->rows;
		BuildRow   *added;

		sealed_check_named(&input->scan.sealed, number);
		if (i > 0)
			sealed_read_row(&input->scan.sealed, number, &sealed);
		else
			sealed.node = number;
		if (sealed.node != key - input->base)
			sealed_damaged(merge->job->index, "In segment %u, node %u has row %u of node %u.",
						   input->segment->part.uid, key - input->base, number, sealed.node);
		if (merge->rows[input->first_row + number] == NO_ROW)
			continue;
		row = (SegmentRow) {
			.tid = sealed.tid, .payload = merge->payload,
			.size = *first == NO_ROW ? merge->payload_size : 0,
			.error = error, .scale = head.scale
		};
		added = build_put_row(merge->build, &row);
		added->next = NO_ROW;
		/* its source, in order to report its number when it is written */
		added->source = input->first_row + number;
		if (*first == NO_ROW)
			*first = place;
		else
		{
			BuildRow   *before = build_row(merge->build, *first);

			added->next = before->next;
			before->next = place;
		}
	}
}

/*
 * Adapts factor a of links, which is relative to a mean, to the output's mean: it changes by the
 * estimate for the shift.
 */
static void
shift_factors(Merge *merge, MergeInput *input, GraphLinks *links)
{
	const GraphBuild *graph = &merge->build->graph;
	Size		group = rabitq_group_size(graph->padded);
	uint8	   *lut = palloc(rabitq_lut_size(graph->padded));
	CodeQuery	query;

	rabitq_prepare(&query, input->shift, graph->padded, lut);
	for (uint32 i = 0; i < links->count; i += CODE_GROUP)
	{
		float		shifted[CODE_GROUP];

		distance_kernels->code_estimates(
			&query, graph_link_codes(graph, links) + i / CODE_GROUP * group,
			graph_link_a(graph, links) + i, graph_link_b(graph, links) + i, 0, shifted);
		memcpy(graph_link_a(graph, links) + i, shifted,
			   sizeof(float) * Min(CODE_GROUP, links->count - i));
	}
	pfree(lut);
}

/* Moves a link to another place of the list. */
static void
move_link(const GraphBuild *graph, GraphLinks *links, uint32 from, uint32 to)
{
	Size		group = rabitq_group_size(graph->padded);
	uint8		signs[DENSE_MAX_DIM / 8 + 16];

	if (from == to)
		return;
	graph_link_a(graph, links)[to] = graph_link_a(graph, links)[from];
	graph_link_b(graph, links)[to] = graph_link_b(graph, links)[from];
	rabitq_unpack(graph_link_codes(graph, links) + from / CODE_GROUP * group, from % CODE_GROUP,
				  signs, graph->padded);
	rabitq_pack(graph_link_codes(graph, links) + to / CODE_GROUP * group, to % CODE_GROUP, signs,
				graph->padded);
}

/* Loads the codes of a node's links; factors get the scale of work vectors. */
static void
load_codes(Merge *merge, uint32 key, GraphLinks *links)
{
	const GraphBuild *graph = &merge->build->graph;
	MergeInput *input = merge_input_of_key(merge, key);
	const NodeLayout *layout = &input->segment->header.layout;
	const char *bytes = (const char *) sealed_read_node(&input->scan.sealed, 0,
														key - input->base);
	float	   *a = graph_link_a(graph, links);
	uint16	   *b = graph_link_b(graph, links);
	float		scale = merge->build->shared->scale;

	memcpy(a, bytes + layout->a, sizeof(float) * graph->degree);
	memcpy(b, bytes + layout->b, sizeof(uint16) * graph->degree);
	memcpy(graph_link_codes(graph, links), bytes + layout->codes,
		   graph->degree / CODE_GROUP * rabitq_group_size(graph->padded));
	if (input->shift)
		shift_factors(merge, input, links);
	for (uint32 i = 0; i < links->count; i++)
	{
		a[i] *= scale * scale;
		b[i] = float_to_bf16(bf16_to_float(b[i]) * scale);
	}
}

/*
 * Finds the neighbours that a node of the part had and that are not gone: `places` gets their
 * places in its list, `keys` their keys.  Returns how many.
 */
static uint32
kept_links(Merge *merge, uint32 key, uint32 *places, uint32 *keys)
{
	uint32		base = merge_input_of_key(merge, key)->base;
	uint32		had = merge_read_links(merge, key, keys);
	uint32		kept = 0;

	for (uint32 i = 0; i < had; i++)
	{
		uint32		other = merge->number[base + keys[i]];

		if (other == NO_ROW || other == merge->number[key])
			continue;
		places[kept] = i;
		keys[kept++] = base + keys[i];
	}
	return kept;
}

/*
 * Loads the neighbours that a node of the part had, without those that are gone.  Distances, the
 * node's own work vector, and codes that are not stored with the links are missing: see
 * merge_complete_node.
 */
static void
load_links(Merge *merge, uint32 key, GraphLinks *links)
{
	const GraphBuild *graph = &merge->build->graph;
	bool		coded = merge_input_of_key(merge, key)->scan.disk == NULL;
	uint32		places[GRAPH_MAX_DEGREE];
	uint32		keys[GRAPH_MAX_DEGREE];
	uint32		kept = kept_links(merge, key, places, keys);

	memset(links, 0, sizeof(*links));
	memset(graph_link_distances(graph, links), 0, sizeof(float) * graph->degree);
	/* a node without neighbours may be of a flat segment, and then has no places for codes */
	if (kept == 0)
		return;
	links->count = places[kept - 1] + 1;
	if (coded)
		load_codes(merge, key, links);
	for (uint32 i = 0; i < kept; i++)
	{
		if (coded)
			move_link(graph, links, places[i], i);
		graph_link_ids(graph, links)[i] = merge->number[keys[i]];
	}
	links->count = kept;
}

/* The work vector of a node of the part, which is computed the first time. */
static const void *
own_work(Merge *merge, uint32 place)
{
	void	   *work = graph_array_at(&merge->build->graph.work, place);

	if (!merge->has_work[place])
		build_work_vector(merge->build, place, merge->floats, work);
	merge->has_work[place] = true;
	return work;
}

/* The work vector of a node, whether of the part or not. */
static const void *
work_of_key(Merge *merge, uint32 key)
{
	uint32		place = merge->number[key] - merge->build->graph.first;

	return place < merge->build->shared->nodes && merge->key[place] == key ?
		own_work(merge, place) : merge_other_work(merge, key);
}

/* Computes the codes and the distances of a node's links, which its input does not store. */
static void
code_links(Merge *merge, uint32 place)
{
	uint32		places[GRAPH_MAX_DEGREE];
	uint32		keys[GRAPH_MAX_DEGREE];
	uint32		kept = kept_links(merge, merge->key[place], places, keys);

	for (uint32 i = 0; i < kept; i++)
		graph_code_link(&merge->build->graph, place, i, work_of_key(merge, keys[i]));
}

/* Computes the distances of a node's links from their codes. */
static void
estimate_links(Merge *merge, uint32 place)
{
	const GraphBuild *graph = &merge->build->graph;
	GraphLinks *links = graph_array_at(&graph->links, place);
	const uint16 *work = graph_array_at(&graph->work, place);
	CodeQuery	query;
	float		base = 0;

	for (uint32 d = 0; d < graph->padded; d++)
		merge->floats[d] = half_to_float(work[d]);
	/* the estimated distance from the node itself is the neighbour's distance */
	rabitq_prepare(&query, merge->floats, graph->padded, palloc(rabitq_lut_size(graph->padded)));
	if (graph->metric == RABITQ_IP)
		base = -distance_kernels->f32_dot(merge->floats, merge->floats, graph->padded);
	for (uint32 i = 0; i < links->count; i += CODE_GROUP)
	{
		float		distances[CODE_GROUP];

		distance_kernels->code_estimates(
			&query, graph_link_codes(graph, links) +
			i / CODE_GROUP * rabitq_group_size(graph->padded),
			graph_link_a(graph, links) + i, graph_link_b(graph, links) + i, base, distances);
		memcpy(graph_link_distances(graph, links) + i, distances,
			   sizeof(float) * Min(CODE_GROUP, links->count - i));
	}
}

void
merge_complete_node(void *arg, uint32 place)
{
	SegmentBuild *build = arg;
	Merge	   *merge = build->callbacks.arg;
	MemoryContext old;

	if (merge->complete[place])
		return;
	merge->complete[place] = true;
	old = MemoryContextSwitchTo(merge->step);
	(void) own_work(merge, place);
	if (build->graph.bytes || merge_input_of_key(merge, merge->key[place])->scan.disk)
		code_links(merge, place);
	else
		estimate_links(merge, place);
	MemoryContextSwitchTo(old);
	MemoryContextReset(merge->step);
}

static int
compare_edges(const void *a, const void *b)
{
	const LoadedEdge *x = a;
	const LoadedEdge *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->distance < y->distance ? -1 : x->distance > y->distance;
}

/* Adds a run of loaded edges to a node's list. */
static void
merge_node_edges(Merge *merge, uint32 place, const LoadedEdge *run, uint64 count, const char *file)
{
	const GraphBuild *graph = &merge->build->graph;
	Size		signs = graph_sign_dims(graph) / 8;
	uint32		ids[GRAPH_MAX_DEGREE];
	float		distances[GRAPH_MAX_DEGREE];
	float		a[GRAPH_MAX_DEGREE];
	uint16		b[GRAPH_MAX_DEGREE];
	GraphEdges	edges = {0, ids, distances, a, b,
		palloc(GRAPH_MAX_DEGREE * signs)};

	for (uint64 i = 0; i < count && edges.count < graph->degree; i++)
	{
		const MergeEdge *edge = (const MergeEdge *) (file + run[i].place * merge_edge_size(merge));
		uint32		k = 0;

		while (k < edges.count && ids[k] != run[i].neighbour)
			k++;
		if (k < edges.count)
			continue;
		ids[k] = run[i].neighbour;
		distances[k] = edge->distance;
		a[k] = edge->a;
		b[k] = edge->b;
		memcpy(edges.signs + k * signs, edge + 1, signs);
		edges.count++;
	}
	merge_complete_node(merge->build, place);
	graph_merge_edges(&merge->build->inserter, place, &edges);
	pfree(edges.signs);
}

/* Reads the next edges of a part from its file, and merges them with those that its nodes have. */
static void
merge_next_edges(Merge *merge, uint32 p, uint64 count, char *file, LoadedEdge *edges)
{
	const uint32 *part_first = merge->build->shared->part_first;
	Size		size = merge_edge_size(merge);
	uint64		kept = 0;

	temporary_read(merge->parts[p].edges, file, size * count);
	for (uint64 i = 0; i < count; i++)
	{
		const MergeEdge *edge = (const MergeEdge *) (file + i * size);
		uint32		node = merge->number[edge->node];
		uint32		neighbour = merge->number[edge->neighbour];

		/* an alias, which has become a node of another part */
		if (node < part_first[p] || node >= part_first[p + 1] || neighbour == NO_ROW ||
			neighbour == node)
			continue;
		edges[kept++] = (LoadedEdge) {node, neighbour, edge->distance, (uint32) i};
	}
	qsort(edges, kept, sizeof(LoadedEdge), compare_edges);
	for (uint64 from = 0, to; from < kept; from = to)
	{
		CHECK_FOR_OTHERS();
		for (to = from + 1; to < kept && edges[to].node == edges[from].node;)
			to++;
		merge_node_edges(merge, edges[from].node - part_first[p], edges + from, to - from, file);
	}
}

/* Merges the edges of a part's nodes with the new ones. */
static void
merge_part_edges(Merge *merge, uint32 p)
{
	MergePart  *part = &merge->parts[p];
	uint64		room = Min(part->edge_count, merge->edge_room);
	char	   *file;
	LoadedEdge *edges;

	if (part->edges == NULL)
		return;
	file = MemoryContextAllocHuge(CurrentMemoryContext, merge_edge_size(merge) * room);
	edges = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(LoadedEdge) * room);
	build_note_memory(merge->build);
	temporary_rewind(part->edges);
	for (uint64 done = 0; done < part->edge_count; done += room)
		merge_next_edges(merge, p, Min(room, part->edge_count - done), file, edges);
	pfree(edges);
	pfree(file);
}

/*
 * Has the part lead to the nodes of those after it for which it has edges in its file.  A node's
 * nearest neighbours all may have kept others, and the nodes of its own part that are left may be
 * few, or far: it would be found late or never.  The nearest are the first in the file.
 */
static void
lead_to_later_parts(Merge *merge, uint32 p)
{
	const GraphBuild *graph = &merge->build->graph;
	const uint32 *part_first = merge->build->shared->part_first;
	MergePart  *part = &merge->parts[p];
	char		bytes[MERGE_EDGE_SIZE];
	const MergeEdge *edge = (const MergeEdge *) bytes;

	if (graph->ways == NULL || part->edges == NULL ||
		part_first[p + 1] == part_first[merge->part_count])
		return;
	graph_count_ways(graph, merge->build->shared->nodes);
	temporary_rewind(part->edges);
	for (uint64 i = 0; i < part->edge_count; i++)
	{
		uint32		node;
		uint32		neighbour;

		CHECK_FOR_OTHERS();
		temporary_read(part->edges, bytes, merge_edge_size(merge));
		node = merge->number[edge->node];
		neighbour = merge->number[edge->neighbour];
		if (node >= part_first[p] && node < part_first[p + 1] && neighbour != NO_ROW &&
			neighbour >= part_first[p + 1] && graph->ways[neighbour] < LEAST_LEADS)
			graph_lead(graph, node - part_first[p], neighbour, (RabitqFactors)
					   {.a = edge->a, .b = edge->b, .distance = edge->distance},
					   (const uint8 *) (edge + 1));
	}
	/* those that lead to the nodes of this part have been chosen */
	memset(graph->ways + part_first[p], UINT8_MAX, merge->build->shared->nodes);
}

static void
close_edges(MergePart *part)
{
	if (part->edges)
		BufFileClose(part->edges);
	part->edges = NULL;
}

/* The position of the first alias with a number, or where it would be. */
static uint32
find_aliases(const Merge *merge, uint32 number)
{
	uint32		low = 0;
	uint32		high = merge->alias_count;

	while (low < high)
	{
		uint32		middle = (low + high) / 2;

		if (merge->aliases[middle].of < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Loads a part's nodes as they were. */
static void
load_part_nodes(Merge *merge, uint32 p)
{
	SegmentBuild *build = merge->build;
	BuildShared *shared = build->shared;
	const MergePart *part = &merge->parts[p];
	uint32		first = shared->part_first[p];
	uint32		alias = find_aliases(merge, first);

	shared->nodes = shared->part_first[p + 1] - first;
	shared->nodes_handle = build_allocate(build, sizeof(uint32) * shared->nodes);
	build_allocate_graph(build, 1);
	build_map_graph(build);
	merge->key = MemoryContextAllocHuge(merge->context, sizeof(uint32) * shared->nodes);
	merge->has_work = MemoryContextAllocExtended(merge->context, 2 * (Size) shared->nodes,
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	merge->complete = merge->has_work + shared->nodes;
	for (uint32 key = part->from; key < part->to; key++)
	{
		uint32		number = merge->number[key];
		uint32		place = number - first;
		uint32		row = NO_ROW;

		/* skip dead nodes and aliases */
		if (number < first || place >= shared->nodes)
			continue;
		CHECK_FOR_OTHERS();
		load_rows(merge, key, &row);
		for (; alias < merge->alias_count && merge->aliases[alias].of == number; alias++)
			load_rows(merge, merge->aliases[alias].key, &row);
		build->nodes[place] = row;
		merge->key[place] = key;
		load_links(merge, key, graph_array_at(&build->graph.links, place));
	}
}

/* Links the part's first node to that of the next one. */
static void
link_next_part(Merge *merge, uint32 p)
{
	BuildShared *shared = merge->build->shared;
	uint32		next = shared->part_first[p + 1];
	uint32		key = merge->parts[p].to;
	float		error;

	if (next == shared->part_first[merge->part_count])
		return;
	while (merge->number[key] != next)
		key++;
	(void) merge_read_node(merge, key, merge->payload, &error);
	build_work_of(merge->build, merge->payload, merge->floats, merge->work);
	graph_set_anchor(&merge->build->graph, next, merge->work, 0);
}

/* Records the numbers of the rows that have been written. */
static void
note_rows(Merge *merge)
{
	SegmentBuild *build = merge->build;

	for (uint64 i = 0; i < build->shared->rows; i++)
	{
		const BuildRow *row = build_row(build, i);

		merge->rows[row->source] = row->number;
	}
}

void
merge_write_parts(SegmentBuild *build, SegmentPlan *plan)
{
	Merge	   *merge = build->callbacks.arg;
	BuildShared *shared = build->shared;
	GraphBuild *graph = &build->graph;

	for (uint32 p = 0; p < merge->part_count; p++)
	{
		if (shared->part_first[p] == shared->part_first[p + 1])
			continue;
		graph->first = graph->anchor = shared->part_first[p];
		load_part_nodes(merge, p);
		merge_part_edges(merge, p);
		link_next_part(merge, p);
		lead_to_later_parts(merge, p);
		close_edges(&merge->parts[p]);
		build_connect(build);
		plan_write_part(build, plan, shared->part_first[p]);
		note_rows(merge);
		pfree(merge->key);
		pfree(merge->has_work);
		build_reset(build);
	}
	ereport(DEBUG1, (errmsg_internal("memory of the merge: at most %zu kB, in %u parts",
									 shared->peak / 1024, merge->part_count)));
}
