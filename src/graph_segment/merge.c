/*
 * merge.c - sealed segments become one, by the graphs that they have
 *
 * The largest input is the base.  Each node of the others is searched for in the larger inputs;
 * what is nearest there gets it as a neighbour, and the other way round.  So the work grows with
 * the smaller inputs, while all nodes are copied.  (Merging graphs by searching the nodes of the
 * smaller in the larger: Ponomarenko et al.  2025, arXiv 2505.16064.)
 *
 * All edges between inputs go to a file for each part of an input, as large as fits into the
 * memory.  Part by part then nodes are loaded with the edges that they had, those to dead nodes
 * left out, united with the new ones, made reachable from the part's first, and written.
 */
#include "graph_segment/merge.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "distance/half.h"
#include "graph_segment/build_internal.h"
#include "graph_segment/scan.h"

#define JOIN_NEIGHBOURS		24		/* that a node gets in all other inputs, as a rule */
#define MIN_NEIGHBOURS		3		/* that it gets in each of them */
#define JOIN_REACH			1.1f
#define REPAIR_FRACTION		0.75	/* lists with less than this of their edges are filled again */
#define MEAN_SAMPLE			4096	/* nodes of which the scale is taken */
#define RECENT_NODES 512 /* work vectors that are kept for the next nodes, 2 KB each as a rule */

typedef struct MergeInput
{
	CachedSegment *segment;
	GraphScan	scan;
	uint32		base;			/* key of its first node */
	uint32		first_row;		/* in the merge's rows */
	float	   *shift;			/* from its mean to the output's, rotated; NULL: none */
	uint32		neighbours;		/* that a node of another input gets in it */
} MergeInput;

/* A run of an input's nodes. */
typedef struct MergePart
{
	uint32		from;			/* keys */
	uint32		to;
	BufFile    *edges;
	uint64		edge_count;
} MergePart;

/* A node of a smaller input that is the same vector as another, and goes with that. */
typedef struct MergeAlias
{
	uint32		key;
	uint32		of;				/* the other's key, later number */
} MergeAlias;

/*
 * Nodes are named by keys: the inputs' nodes one after the other.
 */
struct Merge
{
	Relation	index;
	Space	   *space;
	CachedIndex *cached;
	SegmentBuild *build;
	ScanStatistics statistics;

	MergeInput *inputs;			/* by live rows, most first */
	int		   *place;			/* of the caller's inputs among these */
	int			input_count;
	uint32		keys;
	uint32	   *number;			/* in the output by key; NO_ROW: it has none */
	uint32	   *rows;			/* in the output, by input and row; NO_ROW: dead */
	uint32		live_nodes;
	uint32		live_rows;
	uint32		entries;

	MergePart  *parts;
	uint32		part_count;
	MergeAlias *aliases;		/* by the time they were found, then by number */
	uint32		alias_count;
	uint32		alias_room;

	MemoryContext context;
	MemoryContext step;			/* for one node */
	float	   *floats;
	uint16	   *work;			/* of the node at hand */
	char	   *payload;		/* of the node at hand */
	float		error;			/* of this payload */
	float		scale;			/* of the node */
	char	   *other_payload;

	/* work vectors of nodes that were met as neighbours, by key % RECENT_NODES */
	uint32		recent_key[RECENT_NODES];
	uint16	   *recent_work;

	bool	   *complete;		/* nodes of the part that is written: see complete_node */
};

/* An edge in a file; the signs follow. */
typedef struct MergeEdge
{
	uint32		node;			/* keys */
	uint32		neighbour;
	float		distance;
	float		a;
	uint16		b;
	uint16		unused;
} MergeEdge;

/* An edge of a file that is in memory. */
typedef struct LoadedEdge
{
	uint32		node;			/* numbers */
	uint32		neighbour;
	float		distance;
	uint32		place;			/* in the file */
} LoadedEdge;

bool
merge_is_possible(const Space *space)
{
	return space->coded;
}

static Size
edge_size(const Merge *merge)
{
	return TYPEALIGN(sizeof(uint32), sizeof(MergeEdge) + merge->build->graph.padded / 8);
}

/* Marks an input's live rows, and the nodes that they belong to. */
static void
mark_live(Merge *merge, MergeInput *input)
{
	const uint32 per = PAYLOAD_SIZE / sizeof(SealedRow);
	CachedSegment *segment = input->segment;
	SealedRow  *rows = palloc(per * sizeof(SealedRow));

	for (uint32 first = 0; first < segment->header.rows; first += per)
	{
		uint32		n = Min(per, segment->header.rows - first);

		CHECK_FOR_OTHERS();
		extent_read(merge->index, segment->first + segment->header.tids + first / per,
					segment->uid, 0, rows, n * sizeof(SealedRow));
		for (uint32 i = 0; i < n; i++)
		{
			uint32		key = input->base + rows[i].node;

			if (cached_row_is_dead(segment, first + i))
				continue;
			merge->rows[input->first_row + first + i] = 0;
			merge->live_rows++;
			merge->live_nodes += merge->number[key] == NO_ROW;
			merge->number[key] = 0;
		}
	}
	pfree(rows);
}

static int
compare_live(const void *a, const void *b)
{
	const CachedSegment *x = ((const MergeInput *) a)->segment;
	const CachedSegment *y = ((const MergeInput *) b)->segment;
	uint32		p = x->header.rows - x->dead;
	uint32		q = y->header.rows - y->dead;

	return p > q ? -1 : p < q;
}

/* An array with no number yet. */
static uint32 *
no_numbers(uint64 count)
{
	uint32	   *numbers = MemoryContextAllocHuge(CurrentMemoryContext,
												 sizeof(uint32) * Max(count, 1));

	memset(numbers, 0xFF, sizeof(uint32) * count);
	return numbers;
}

/* The nearest of all rows lie in the inputs as the rows do. */
static void
share_neighbours(Merge *merge)
{
	for (int i = 0; i < merge->input_count; i++)
	{
		const CachedSegment *segment = merge->inputs[i].segment;
		double		part = (segment->header.rows - segment->dead) / Max(merge->live_rows, 1.0);

		merge->inputs[i].neighbours = Max((uint32) rint(JOIN_NEIGHBOURS * part), MIN_NEIGHBOURS);
	}
}

static void
open_inputs(Merge *merge, const SegmentEntry *entries)
{
	uint32		rows = 0;

	merge->inputs = palloc0(sizeof(MergeInput) * merge->input_count);
	merge->place = palloc(sizeof(int) * merge->input_count);
	for (int i = 0; i < merge->input_count; i++)
		merge->inputs[i].segment = cache_acquire(merge->cached, merge->index, &entries[i]);
	qsort(merge->inputs, merge->input_count, sizeof(MergeInput), compare_live);
	for (int i = 0; i < merge->input_count; i++)
	{
		MergeInput *input = &merge->inputs[i];
		const SealedHeader *header = &input->segment->header;

		for (int k = 0; k < merge->input_count; k++)
			if (entries[k].uid == input->segment->uid)
				merge->place[k] = i;
		graph_scan_begin(&input->scan, merge->index, merge->space, input->segment,
						 &merge->statistics);
		if ((uint64) merge->keys + header->nodes >= NO_ROW ||
			(uint64) rows + header->rows >= NO_ROW)
			elog(ERROR, "too many rows for one segment");
		input->base = merge->keys;
		input->first_row = rows;
		merge->keys += header->nodes;
		rows += header->rows;
	}
	merge->number = no_numbers(merge->keys);
	merge->rows = no_numbers(rows);
	for (int i = 0; i < merge->input_count; i++)
		mark_live(merge, &merge->inputs[i]);
	share_neighbours(merge);
	merge->build->shared->sources = merge->live_rows;
}

static MergeInput *
input_of_key(Merge *merge, uint32 key)
{
	int			i = merge->input_count - 1;

	while (merge->inputs[i].base > key)
		i--;
	return &merge->inputs[i];
}

/* Reads a node, and the payload that it stands for into `payload`; valid until the next. */
static const SealedNode *
read_node(Merge *merge, MergeInput *input, uint32 id, char *payload, float *error)
{
	const SealedNode *node = sealed_read_node(&input->scan.sealed, 0, id);

	*error = space_restore(merge->space, node,
						   (const char *) node + input->segment->header.layout.vector, payload);
	return node;
}

/* Of some live nodes the scale of work vectors, and the entries; the mean is the base's. */
static void
sample_nodes(Merge *merge)
{
	SegmentBuild *build = merge->build;
	BuildShared *shared = build->shared;
	uint32		entries = graph_entries_count(merge->live_nodes);
	uint32		wanted = Min(Max(MEAN_SAMPLE, entries), merge->live_nodes);
	pg_prng_state random;
	uint32	   *keys;
	uint32		taken = 0;

	merge->entries = entries;
	keys = palloc(sizeof(uint32) * Max(wanted, 1));
	pg_prng_seed(&random, shared->seed);
	for (uint32 key = 0, left = merge->live_nodes; key < merge->keys; key++)
		if (merge->number[key] != NO_ROW &&
			pg_prng_uint64_range(&random, 1, left--) <= wanted - taken)
			keys[taken++] = key;
	/* the entries are a part of them, from all over */
	build_shuffle(&random, keys, taken);
	shared->nodes_handle = build_allocate(build, sizeof(uint32) * Max(taken, 1));
	build->nodes = build_address(build, shared->nodes_handle);
	for (uint32 i = 0; i < taken; i++)
	{
		MergeInput *input = input_of_key(merge, keys[i]);
		float		error;
		const SealedNode *node = read_node(merge, input, keys[i] - input->base, merge->payload,
										   &error);
		SegmentRow	row;

		CHECK_FOR_OTHERS();
		row = (SegmentRow) {node->tid, merge->payload, space_payload_size(merge->space), 0, 0};
		build_put_row(build, &row)->source = i;
		build->nodes[i] = i;
	}
	shared->nodes = taken;
	build_measure_vectors(build);
	/* the base keeps its mean, and with that its factors */
	memcpy(shared->mean, merge->inputs[0].segment->mean, sizeof(float) * build->graph.padded);
	plan_keep_entries(build, build->plan, entries);
	/* which the plan names by their places here */
	build->node_of_row = keys;
	build_reset(build);
}

/* From each input's mean to that of the output, the base's. */
static void
measure_shifts(Merge *merge)
{
	uint32		padded = merge->build->graph.padded;
	const float *mean = merge->inputs[0].segment->mean;

	for (int i = 1; i < merge->input_count; i++)
	{
		merge->inputs[i].shift = palloc(sizeof(float) * padded);
		for (uint32 d = 0; d < padded; d++)
			merge->inputs[i].shift[d] = mean[d] - merge->inputs[i].segment->mean[d];
	}
}

/* Cuts the inputs into parts that fit into the memory with their edges. */
static void
make_parts(Merge *merge)
{
	SegmentBuild *build = merge->build;
	Size		row = build_row_memory(merge->space, build->shared->m,
									   space_payload_size(merge->space)) +
		2 * JOIN_NEIGHBOURS * (edge_size(merge) + sizeof(LoadedEdge));
	uint64		fit = Max(build->shared->memory / row, 64);

	fit = Max(fit, merge->keys / (BUILD_MAX_PARTS - merge->input_count) + 1);
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

/* Puts an edge to the part of its node: work vectors are the neighbour's and the node's. */
static void
put_edge(Merge *merge, uint32 node, uint32 neighbour, const uint16 *x, const uint16 *c)
{
	const GraphBuild *graph = &merge->build->graph;
	MergePart  *part = part_of_key(merge, node);
	char		bytes[sizeof(MergeEdge) + DENSE_MAX_DIM / 4 + 16] = {0};
	MergeEdge  *edge = (MergeEdge *) bytes;
	RabitqFactors factors = rabitq_encode(graph->metric, x, c, graph->padded, 1,
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
	BufFileWrite(part->edges, bytes, edge_size(merge));
	part->edge_count++;
}

static void
put_alias(Merge *merge, uint32 key, uint32 of)
{
	if (merge->alias_count == merge->alias_room)
	{
		merge->alias_room = Max(merge->alias_room * 2, 64);
		merge->aliases = merge->aliases ?
			repalloc_huge(merge->aliases, sizeof(MergeAlias) * merge->alias_room) :
			MemoryContextAlloc(merge->context, sizeof(MergeAlias) * merge->alias_room);
	}
	merge->aliases[merge->alias_count++] = (MergeAlias) {key, of};
	merge->number[key] = NO_ROW;
}

/* The work vector of a node of another input. */
static const uint16 *
other_work(Merge *merge, MergeInput *input, uint32 key)
{
	uint32		place = key % RECENT_NODES;
	uint16	   *work = merge->recent_work + (Size) place * merge->build->graph.padded;
	float		error;

	if (merge->recent_key[place] == key)
		return work;
	(void) read_node(merge, input, key - input->base, merge->other_payload, &error);
	build_work_of(merge->build, merge->other_payload, merge->floats, work);
	merge->recent_key[place] = key;
	return work;
}

/*
 * Whether a node is the same vector as the one whose payload is at hand: stored lossily, if as far
 * from what was indexed, too, so that the bounds of one hold for both.
 */
static bool
is_equal(Merge *merge, MergeInput *input, uint32 key)
{
	float		error;
	const SealedNode *node = read_node(merge, input, key - input->base, merge->other_payload,
									   &error);

	return error == merge->error && node->scale == merge->scale &&
		memcmp(merge->other_payload, merge->payload, space_payload_size(merge->space)) == 0;
}

/* Joins a node, whose payload and work vector are at hand, to its nearest of an input. */
static void
join_to(Merge *merge, uint32 key, MergeInput *target, const SpaceQuery *query)
{
	const SearchEffort effort = {
		.candidates = 8 + 2 * target->neighbours,
		.wanted = target->neighbours,
		.reach = JOIN_REACH,
		.least = -INFINITY
	};
	GraphSearch *search = &target->scan.search;
	uint32		joined = 0;

	graph_scan_search(&target->scan, query, &effort);
	graph_sort_found(search->found, search->found_count);
	for (size_t i = 0; i < search->found_count && joined < target->neighbours; i++)
	{
		uint32		neighbour = target->base + search->found[i].id;
		const uint16 *other;

		if (neighbour == key || merge->number[neighbour] == NO_ROW)
			continue;
		other = other_work(merge, target, neighbour);
		/* none of a smaller input stands for one of a larger, so none for each other */
		if (i == 0 && key >= target->base + target->segment->header.nodes &&
			memcmp(other, merge->work, sizeof(uint16) * merge->build->graph.padded) == 0 &&
			is_equal(merge, target, neighbour))
		{
			put_alias(merge, key, neighbour);
			return;
		}
		put_edge(merge, key, neighbour, other, merge->work);
		put_edge(merge, neighbour, key, merge->work, other);
		joined++;
	}
}

/* Whether a node has lost so many of its neighbours that it needs others. */
static bool
needs_repair(const Merge *merge, const MergeInput *input, const SealedNode *node)
{
	const uint32 *ids = (const uint32 *)
		((const char *) node + input->segment->header.layout.ids);
	uint32		live = 0;

	for (uint32 i = 0; i < node->links; i++)
		live += merge->number[input->base + ids[i]] != NO_ROW;
	return live < REPAIR_FRACTION * node->links;
}

static void
join_node(Merge *merge, int i, uint32 id)
{
	MergeInput *input = &merge->inputs[i];
	MemoryContext old = MemoryContextSwitchTo(merge->step);
	SpaceQuery	query;
	const SealedNode *node = read_node(merge, input, id, merge->payload, &merge->error);
	bool		repair = input->segment->dead > 0 && needs_repair(merge, input, node);

	merge->scale = node->scale;
	if (i > 0 || repair)
	{
		build_work_of(merge->build, merge->payload, merge->floats, merge->work);
		space_prepare(merge->space, &query, merge->payload, space_payload_size(merge->space));
		for (int k = 0; k < i + repair && merge->number[input->base + id] != NO_ROW; k++)
			join_to(merge, input->base + id, &merge->inputs[k], &query);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(merge->step);
}

/* Finds the edges between the inputs, and new ones where too many were lost. */
static void
join_inputs(Merge *merge)
{
	uint64		done = 0;

	for (int i = 0; i < merge->input_count; i++)
	{
		MergeInput *input = &merge->inputs[i];

		if (i == 0 && input->segment->dead == 0)
			continue;
		for (uint32 id = 0; id < input->segment->header.nodes; id++)
		{
			CHECK_FOR_OTHERS();
			if (merge->number[input->base + id] == NO_ROW)
				continue;
			join_node(merge, i, id);
			if (++done % 256 == 0)
				build_report(merge->build, BUILD_GRAPH, done, merge->live_nodes);
		}
	}
}

static int
compare_alias(const void *a, const void *b)
{
	uint32		x = ((const MergeAlias *) a)->of;
	uint32		y = ((const MergeAlias *) b)->of;

	return x < y ? -1 : x > y;
}

/* Numbers the nodes that stay, part by part; an alias has the number of the other. */
static void
number_nodes(Merge *merge)
{
	BuildShared *shared = merge->build->shared;
	uint32	   *entries = merge->build->node_of_row;
	uint32		next = 0;

	shared->parts = merge->part_count;
	for (uint32 p = 0; p < merge->part_count; p++)
	{
		shared->part_first[p] = next;
		for (uint32 key = merge->parts[p].from; key < merge->parts[p].to; key++)
			if (merge->number[key] != NO_ROW)
				merge->number[key] = next++;
	}
	shared->part_first[merge->part_count] = next;
	/* what an alias stands for is of a larger input, and no alias itself */
	for (uint32 i = 0; i < merge->alias_count; i++)
	{
		MergeAlias *alias = &merge->aliases[i];

		alias->of = merge->number[alias->key] = merge->number[alias->of];
	}
	for (uint32 i = 0; i < merge->entries; i++)
		entries[i] = merge->number[entries[i]];
	qsort(merge->aliases, merge->alias_count, sizeof(MergeAlias), compare_alias);
}

/* Adds the live rows of a node to the build; the first of all has the payload. */
static void
load_rows(Merge *merge, uint32 key, uint32 *first)
{
	MergeInput *input = input_of_key(merge, key);
	float		error;
	const SealedNode *node = read_node(merge, input, key - input->base, merge->payload, &error);
	SealedNode	head = *node;

	for (uint32 i = 0; i <= head.extras; i++)
	{
		uint32		number = i == 0 ? head.row : head.extra + i - 1;
		SealedRow	sealed = {.tid = head.tid};
		SegmentRow	row;
		uint32		place = (uint32) merge->build->shared->rows;
		BuildRow   *added;

		if (merge->rows[input->first_row + number] == NO_ROW)
			continue;
		if (i > 0)
			sealed_read_row(&input->scan.sealed, number, &sealed);
		row = (SegmentRow) {
			sealed.tid, merge->payload, *first == NO_ROW ? space_payload_size(merge->space) : 0,
			error, head.scale
		};
		added = build_put_row(merge->build, &row);
		added->next = NO_ROW;
		/* where it is from, to tell its number when it is written */
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

/* Factor a of links is relative to a mean; the estimate of a shift is what it changes by. */
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

/*
 * The neighbours that a node of the part had, but for those that are gone; factors in the scale of
 * work vectors, distances and the node's own work vector are missing: see complete_node.
 */
static void
load_links(Merge *merge, uint32 key, uint32 number, GraphLinks *links)
{
	const GraphBuild *graph = &merge->build->graph;
	MergeInput *input = input_of_key(merge, key);
	const NodeLayout *layout = &input->segment->header.layout;
	const SealedNode *node = sealed_read_node(&input->scan.sealed, 0, key - input->base);
	const char *bytes = (const char *) node;
	const uint32 *ids = (const uint32 *) (bytes + layout->ids);
	float	   *a = graph_link_a(graph, links);
	uint16	   *b = graph_link_b(graph, links);
	float		scale = merge->build->shared->scale;
	uint32		had;

	memset(links, 0, sizeof(*links));
	memset(graph_link_distances(graph, links), 0, sizeof(float) * graph->degree);
	links->count = Min(node->links, graph->degree);
	memcpy(a, bytes + layout->a, sizeof(float) * graph->degree);
	memcpy(b, bytes + layout->b, sizeof(uint16) * graph->degree);
	memcpy(graph_link_codes(graph, links), bytes + layout->codes,
		   graph->degree / CODE_GROUP * rabitq_group_size(graph->padded));
	if (input->shift)
		shift_factors(merge, input, links);
	had = links->count;
	links->count = 0;
	for (uint32 i = 0; i < had; i++)
	{
		uint32		other = merge->number[input->base + ids[i]];

		if (other == NO_ROW || other == number)
			continue;
		move_link(graph, links, i, links->count);
		graph_link_ids(graph, links)[links->count++] = other;
	}
	for (uint32 i = 0; i < links->count; i++)
	{
		a[i] *= scale * scale;
		b[i] = float_to_bf16(bf16_to_float(b[i]) * scale);
	}
}

/* Gives a node of the part its work vector, and its links their distances. */
static void
complete_node(void *arg, uint32 place)
{
	SegmentBuild *build = arg;
	Merge	   *merge = build->callbacks.arg;
	const GraphBuild *graph = &build->graph;
	GraphLinks *links = graph_array_at(&graph->links, place);
	uint16	   *work = graph_array_at(&graph->work, place);
	MemoryContext old;
	CodeQuery	query;
	float		base = 0;

	if (merge->complete[place])
		return;
	merge->complete[place] = true;
	old = MemoryContextSwitchTo(merge->step);
	build_work_vector(build, place, merge->floats, work);
	for (uint32 d = 0; d < graph->padded; d++)
		merge->floats[d] = half_to_float(work[d]);
	/* the estimate of a distance to the node itself is the neighbour's */
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

/* Gives a node the edges of one run of those that are loaded. */
static void
unite_node(Merge *merge, uint32 place, const LoadedEdge *run, uint64 count, const char *file)
{
	const GraphBuild *graph = &merge->build->graph;
	uint32		ids[GRAPH_MAX_DEGREE];
	float		distances[GRAPH_MAX_DEGREE];
	float		a[GRAPH_MAX_DEGREE];
	uint16		b[GRAPH_MAX_DEGREE];
	GraphEdges	edges = {0, ids, distances, a, b,
		palloc(GRAPH_MAX_DEGREE * (Size) graph->padded / 8)};

	for (uint64 i = 0; i < count && edges.count < graph->degree; i++)
	{
		const MergeEdge *edge = (const MergeEdge *) (file + run[i].place * edge_size(merge));
		uint32		k = 0;

		while (k < edges.count && ids[k] != run[i].neighbour)
			k++;
		if (k < edges.count)
			continue;
		ids[k] = run[i].neighbour;
		distances[k] = edge->distance;
		a[k] = edge->a;
		b[k] = edge->b;
		memcpy(edges.signs + (Size) k * (graph->padded / 8), edge + 1, graph->padded / 8);
		edges.count++;
	}
	complete_node(merge->build, place);
	graph_unite(&merge->build->inserter, place, &edges);
	pfree(edges.signs);
}

/* Unites the edges of a part's nodes with the new ones. */
static void
unite_edges(Merge *merge, uint32 p)
{
	MergePart  *part = &merge->parts[p];
	const uint32 *part_first = merge->build->shared->part_first;
	Size		size = edge_size(merge);
	uint64		kept = 0;
	char	   *file;
	LoadedEdge *edges;

	if (part->edges == NULL)
		return;
	file = MemoryContextAllocHuge(CurrentMemoryContext, size * part->edge_count);
	edges = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(LoadedEdge) * part->edge_count);
	build_rewind_file(part->edges);
	build_read_file(part->edges, file, size * part->edge_count);
	BufFileClose(part->edges);
	part->edges = NULL;
	for (uint64 i = 0; i < part->edge_count; i++)
	{
		const MergeEdge *edge = (const MergeEdge *) (file + i * size);
		uint32		node = merge->number[edge->node];
		uint32		neighbour = merge->number[edge->neighbour];

		/* an alias has gone to another part */
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
		unite_node(merge, edges[from].node - part_first[p], edges + from, to - from, file);
	}
	pfree(edges);
	pfree(file);
}

/* The first alias of a number, or where it would be. */
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

/* A part's nodes, as they were. */
static void
load_part(Merge *merge, uint32 p)
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
	merge->complete = MemoryContextAllocExtended(merge->context, shared->nodes,
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 key = part->from; key < part->to; key++)
	{
		uint32		number = merge->number[key];
		uint32		place = number - first;
		uint32		row = NO_ROW;

		/* neither dead, nor an alias */
		if (number < first || place >= shared->nodes)
			continue;
		CHECK_FOR_OTHERS();
		load_rows(merge, key, &row);
		for (; alias < merge->alias_count && merge->aliases[alias].of == number; alias++)
			load_rows(merge, merge->aliases[alias].key, &row);
		build->nodes[place] = row;
		load_links(merge, key, number, graph_array_at(&build->graph.links, place));
	}
}

/* Links the part's first node to that of the next one. */
static void
link_next_part(Merge *merge, uint32 p)
{
	BuildShared *shared = merge->build->shared;
	uint32		next = shared->part_first[p + 1];
	uint32		key = merge->parts[p].to;
	MergeInput *input;
	float		error;

	if (next == shared->part_first[merge->part_count])
		return;
	while (merge->number[key] != next)
		key++;
	input = input_of_key(merge, key);
	(void) read_node(merge, input, key - input->base, merge->payload, &error);
	build_work_of(merge->build, merge->payload, merge->floats, merge->work);
	graph_set_anchor(&merge->build->graph, next, merge->work, 0);
}

/* Says of the rows that are written where they went. */
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

static void
write_parts(SegmentBuild *build, SegmentPlan *plan)
{
	Merge	   *merge = build->callbacks.arg;
	BuildShared *shared = build->shared;
	GraphBuild *graph = &build->graph;

	for (uint32 p = 0; p < merge->part_count; p++)
	{
		if (shared->part_first[p] == shared->part_first[p + 1])
			continue;
		load_part(merge, p);
		unite_edges(merge, p);
		graph->first = graph->anchor = shared->part_first[p];
		link_next_part(merge, p);
		if (!graph_connect(graph, shared->nodes, build->inserter.search.memory))
			elog(ERROR, "out of memory");
		plan_write_part(build, plan, shared->part_first[p]);
		note_rows(merge);
		pfree(merge->complete);
		build_reset(build);
	}
}

Merge *
merge_begin(Relation index, CachedIndex *cached, const SegmentEntry *inputs, int count,
			void (*progress) (BuildPhase phase, uint64 done, uint64 total))
{
	Merge	   *merge = palloc0(sizeof(Merge));
	BuildShared *shared = palloc(build_shared_size());
	BuildCallbacks callbacks = {.progress = progress, .arg = merge};
	Size		padded;

	merge->context = CurrentMemoryContext;
	merge->index = index;
	merge->cached = cached;
	merge->input_count = count;
	build_init_shared(shared, cache_directory(cached), build_memory());
	build_start(shared, 1);
	merge->build = build_attach(shared, &callbacks);
	merge->space = &merge->build->space;
	merge->build->write_parts = write_parts;
	merge->build->graph.complete = complete_node;
	merge->build->plan = plan_create(merge->build);
	/* rows are not bounded by the memory, but parts are made to fit */
	shared->partitioned = true;
	padded = merge->build->graph.padded;
	merge->step = AllocSetContextCreate(CurrentMemoryContext, "vector merge node",
										ALLOCSET_DEFAULT_SIZES);
	merge->floats = palloc(sizeof(float) * padded);
	merge->work = palloc(sizeof(uint16) * padded);
	merge->recent_work = palloc(sizeof(uint16) * padded * RECENT_NODES);
	memset(merge->recent_key, 0xFF, sizeof(merge->recent_key));
	merge->payload = palloc(space_payload_size(merge->space));
	merge->other_payload = palloc(space_payload_size(merge->space));
	open_inputs(merge, inputs);
	sample_nodes(merge);
	measure_shifts(merge);
	make_parts(merge);
	join_inputs(merge);
	number_nodes(merge);
	return merge;
}

uint32
merge_blocks(Merge *merge)
{
	plan_size(merge->build, merge->build->plan);
	return build_blocks(merge->build);
}

void
merge_write(Merge *merge, SegmentEntry *output)
{
	build_write(merge->build, merge->index, output);
}

uint32
merge_input_rows(const Merge *merge, int input)
{
	return merge->inputs[merge->place[input]].segment->header.rows;
}

uint32
merge_row_number(const Merge *merge, int input, uint32 row)
{
	return merge->rows[merge->inputs[merge->place[input]].first_row + row];
}
