/*
 * write.c - a batch becomes a sealed extent
 */
#include "segment/build_internal.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "distance/half.h"

/* Where the parts of a segment go, and the nodes' numbers there. */
typedef struct Plan
{
	SealedHeader header;
	uint32	   *order;			/* node by number */
	uint32	   *id;				/* id by node, at level 0 */
	uint32	   *upper_id[GRAPH_LEVELS];	/* plain nodes of different sizes: id by node */
	uint32		blocks;
} Plan;

/*
 * Nodes of different sizes are addressed in units; so many bytes a unit make 2^32 of them 128 GB.
 */
#define NODE_UNIT	32

static void
plan_layout(const SegmentBuild *build, NodeLayout *layout)
{
	const Space *space = &build->space;
	uint32		degree = build->graph.degree;
	uint32		padded = build->graph.padded;
	Size		stored = space_stored_size(space);

	layout->degree = degree;
	layout->ids = sizeof(SealedNode);
	layout->a = layout->ids + degree * sizeof(uint32);
	layout->b = layout->a + (space->coded ? degree * sizeof(float) : 0);
	layout->codes = layout->b + (space->coded ? degree * sizeof(uint16) : 0);
	layout->vector = layout->codes +
		(space->coded ? degree / CODE_GROUP * rabitq_group_size(padded) : 0);
	if (stored == 0)
	{
		layout->unit = NODE_UNIT;
		return;
	}
	layout->size = TYPEALIGN(sizeof(uint32), layout->vector + stored);
	layout->unit = layout->size;
	layout->span = (layout->size + PAYLOAD_SIZE - 1) / PAYLOAD_SIZE;
	layout->per = Max(PAYLOAD_SIZE / layout->size, 1);

	/*
	 * A node that one block holds is read faster; where that wastes more than a quarter of the
	 * blocks, or an eighth if vectors are stored small, nodes lie without gaps.
	 */
	if ((Size) layout->span * PAYLOAD_SIZE - (Size) layout->per * layout->size >
		(Size) layout->span * PAYLOAD_SIZE / (space->storage == STORAGE_SQ8 ? 8 : 4))
		layout->per = layout->span = 0;
}

/* Numbers the nodes breadth first from node 0, so that neighbours lie near each other. */
static void
plan_order(SegmentBuild *build, Plan *plan)
{
	GraphBuild *graph = &build->graph;
	uint32		n = build->shared->nodes;
	uint32		count = 0;
	uint32		next = 0;
	uint32		start = 0;

	plan->order = MemoryContextAllocHuge(build->context, sizeof(uint32) * n);
	plan->id = MemoryContextAllocHuge(build->context, sizeof(uint32) * n);
	memset(plan->id, 0xFF, sizeof(uint32) * n);
	while (count < n)
	{
		GraphLinks *links;
		uint32	   *ids;

		if (next == count)
		{
			while (plan->id[start] != NO_ROW)
				start++;
			plan->id[start] = count;
			plan->order[count++] = start;
		}
		links = graph_array_at(&graph->links, plan->order[next++]);
		ids = graph_link_ids(graph, links);
		for (uint32 i = 0; i < links->count; i++)
			if (plan->id[ids[i]] == NO_ROW)
			{
				plan->id[ids[i]] = count;
				plan->order[count++] = ids[i];
			}
		if ((next & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
	}
}

static Size
node_size(SegmentBuild *build, const NodeLayout *layout, uint32 node)
{
	return layout->size ? layout->size :
		TYPEALIGN(NODE_UNIT, layout->vector +
				  build_row(build, build_node_row(build, node))->size);
}

/* Where a node of this size starts, at or after an offset in the payloads. */
static uint64
place_node(uint64 offset, Size size)
{
	Size		left = PAYLOAD_SIZE - offset % PAYLOAD_SIZE;

	return size <= PAYLOAD_SIZE && left < size ? offset + left : offset;
}

/* The blocks of a level; nodes of different sizes get their ids. */
static uint32
plan_level(SegmentBuild *build, Plan *plan, int level, uint32 nodes)
{
	const NodeLayout *layout = &plan->header.layout;
	uint64		offset = 0;
	uint32	   *ids;

	if (layout->per > 0)
		return (nodes + layout->per - 1) / layout->per * layout->span;
	if (layout->size > 0)
		return extent_blocks_for(nodes, layout->size, false);
	ids = MemoryContextAllocHuge(build->context, sizeof(uint32) * nodes);
	for (uint32 i = 0; i < nodes; i++)
	{
		uint32		node = level == 0 ? plan->order[i] : i;
		Size		size = node_size(build, layout, node);

		offset = place_node(offset, size);
		if (offset / NODE_UNIT >= NO_ROW)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("segment is too large")));
		ids[node] = (uint32) (offset / NODE_UNIT);
		offset += size;
	}
	if (level == 0)
	{
		pfree(plan->id);
		plan->id = ids;
	}
	else
		plan->upper_id[level] = ids;
	return (uint32) ((offset + PAYLOAD_SIZE - 1) / PAYLOAD_SIZE);
}

static uint32
node_id(const Plan *plan, int level, uint32 node)
{
	if (level == 0)
		return plan->id[node];
	return plan->upper_id[level] ? plan->upper_id[level][node] : node;
}

static Plan *
get_plan(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	Plan	   *plan = build->plan;
	SealedHeader *header;
	uint32		place = 1;

	if (plan != NULL)
		return plan;
	plan = build->plan = palloc0(sizeof(Plan));
	header = &plan->header;
	plan_layout(build, &header->layout);
	plan_order(build, plan);
	header->nodes = shared->nodes;
	header->rows = (uint32) shared->rows;
	header->padded = build->graph.padded;
	header->levels = shared->levels;
	header->mean = place;
	place += header->padded ? extent_blocks_for(header->padded, sizeof(float), false) : 0;
	header->tombstones = place;
	place += extent_blocks_for(sizeof(TombstoneHeader) + header->rows / 8 + 1, 1, false);
	header->tids = place;
	place += extent_blocks_for(header->rows, sizeof(SealedRow), true);
	for (int l = 0; l < shared->levels; l++)
	{
		header->level[l].first = place;
		header->level[l].nodes = shared->sizes[l];
		header->level[l].blocks = plan_level(build, plan, l, shared->sizes[l]);
		place += header->level[l].blocks;
	}
	header->entry = node_id(plan, shared->levels - 1, 0);
	plan->blocks = place;
	return plan;
}

uint32
build_blocks(SegmentBuild *build)
{
	return get_plan(build)->blocks;
}

uint32
build_row_number(SegmentBuild *build, uint64 i)
{
	return build_row(build, i)->number;
}

/* Rotated like the work vectors, but in the vectors' own scale. */
static void
write_mean(SegmentBuild *build, ExtentWriter *writer)
{
	float	   *mean = palloc(sizeof(float) * build->graph.padded);

	rotation_apply(&build->space.rotation, build->shared->mean, mean);
	extent_writer_put(writer, mean, sizeof(float) * build->graph.padded);
	pfree(mean);
}

static void
write_tombstones(ExtentWriter *writer, const SealedHeader *header)
{
	TombstoneHeader none = {0, 0};
	static const char zeros[PAYLOAD_SIZE];
	Size		left = header->rows / 8 + 1;

	extent_writer_put(writer, &none, sizeof(none));
	for (Size part; left > 0; left -= part)
	{
		part = Min(left, sizeof(zeros));
		extent_writer_put(writer, zeros, part);
	}
}

static void
write_row(ExtentWriter *writer, const BuildRow *row, uint32 id)
{
	SealedRow	sealed;

	memset(&sealed, 0, sizeof(sealed));
	sealed.tid = row->tid;
	sealed.node = id;
	extent_writer_keep_whole(writer, sizeof(sealed));
	extent_writer_put(writer, &sealed, sizeof(sealed));
}

/* The first rows of the nodes in order, then the others. */
static void
write_rows(SegmentBuild *build, Plan *plan, ExtentWriter *writer)
{
	uint32		number = 0;

	for (uint32 i = 0; i < plan->header.nodes; i++)
	{
		BuildRow   *row = build_row(build, build_node_row(build, plan->order[i]));

		row->number = number++;
		write_row(writer, row, plan->id[plan->order[i]]);
	}
	for (uint32 i = 0; i < plan->header.nodes; i++)
	{
		BuildRow   *row = build_row(build, build_node_row(build, plan->order[i]));

		while (row->next != NO_ROW)
		{
			row = build_row(build, row->next);
			row->number = number++;
			write_row(writer, row, plan->id[plan->order[i]]);
		}
	}
	Assert(number == plan->header.rows);
}

/*
 * Makes the bytes of a node; factors go back from the scale of the work vectors to the vectors'
 * own.
 */
static void
compose_node(SegmentBuild *build, Plan *plan, int level, uint32 node, char *out, Size size)
{
	const NodeLayout *layout = &plan->header.layout;
	GraphBuild *graph = &build->graph;
	GraphLinks *links = graph_array_at(level ? &graph->levels[level] : &graph->links, node);
	BuildRow   *row = build_row(build, build_node_row(build, node));
	SealedNode *head = (SealedNode *) out;
	uint32	   *ids = (uint32 *) (out + layout->ids);
	float		unit = 1 / build->shared->scale;

	memset(out, 0, size);
	space_store(&build->space, build_payload(build, build_node_row(build, node)), head,
				out + layout->vector);
	if (row->error > 0)
	{
		head->error += row->error;
		head->scale = row->scale;
	}
	head->tid = row->tid;
	head->links = links->count;
	head->row = row->number;
	if (level > 0)
		head->extra = node_id(plan, level - 1, node);
	else
		for (uint32 next = row->next; next != NO_ROW; head->extras++)
		{
			BuildRow   *other = build_row(build, next);

			if (head->extras == 0)
				head->extra = other->number;
			next = other->next;
		}
	for (uint32 i = 0; i < links->count; i++)
		ids[i] = node_id(plan, level, graph_link_ids(graph, links)[i]);
	if (!graph->coded)
		return;
	for (uint32 i = 0; i < links->count; i++)
	{
		((float *) (out + layout->a))[i] = graph_link_a(graph, links)[i] * unit * unit;
		((uint16 *) (out + layout->b))[i] =
			float_to_bf16(bf16_to_float(graph_link_b(graph, links)[i]) * unit);
	}
	for (uint32 i = 0; i < links->count; i += CODE_GROUP)
	{
		uint32		group = i / CODE_GROUP * rabitq_group_size(graph->padded);

		memcpy(out + layout->codes + group, graph_link_codes(graph, links) + group,
			   rabitq_group_size(graph->padded));
	}
}

static void
write_level(SegmentBuild *build, Plan *plan, ExtentWriter *writer, int level)
{
	const NodeLayout *layout = &plan->header.layout;
	static const char zeros[PAYLOAD_SIZE];
	char	   *node = NULL;
	Size		room = 0;
	uint64		offset = 0;

	for (uint32 i = 0; i < plan->header.level[level].nodes; i++)
	{
		uint32		which = level == 0 ? plan->order[i] : i;
		Size		size = node_size(build, layout, which);
		uint64		start = offset;

		if (layout->per > 0)
			start = (uint64) (i / layout->per) * layout->span * PAYLOAD_SIZE +
				(uint64) (i % layout->per) * layout->size;
		else if (layout->size == 0)
			start = place_node(offset, size);
		if (size > room)
		{
			room = size;
			node = node ? repalloc(node, size) : palloc(size);
		}
		for (Size part; offset < start; offset += part)
		{
			part = Min(start - offset, sizeof(zeros));
			extent_writer_put(writer, zeros, part);
		}
		compose_node(build, plan, level, which, node, size);
		extent_writer_put(writer, node, size);
		offset += size;
		if (build->progress && (i & 1023) == 0)
			build->progress(BUILD_WRITING, i, plan->header.level[0].nodes);
	}
	pfree(node);
}

void
build_write(SegmentBuild *build, Relation index, SegmentEntry *entry)
{
	Plan	   *plan = get_plan(build);
	const SealedHeader *header = &plan->header;
	ExtentWriter writer;

	Assert(entry->blocks == plan->blocks);
	extent_writer_begin(&writer, index, entry->first, entry->uid);
	extent_writer_seek(&writer, 0, BLOCK_SEALED_HEADER);
	extent_writer_put(&writer, header, sizeof(*header));
	if (header->padded)
	{
		extent_writer_seek(&writer, header->mean, BLOCK_MEAN);
		write_mean(build, &writer);
	}
	extent_writer_seek(&writer, header->tombstones, BLOCK_TOMBSTONES);
	write_tombstones(&writer, header);
	extent_writer_seek(&writer, header->tids, BLOCK_TIDS);
	write_rows(build, plan, &writer);
	for (int l = 0; l < (int) header->levels; l++)
	{
		extent_writer_seek(&writer, header->level[l].first, BLOCK_NODES);
		write_level(build, plan, &writer, l);
	}
	extent_writer_end(&writer);
	entry->rows = header->rows;
}

void
build_forget_plan(SegmentBuild *build)
{
	Plan	   *plan = build->plan;

	if (plan == NULL)
		return;
	pfree(plan->order);
	pfree(plan->id);
	for (int l = 0; l < GRAPH_LEVELS; l++)
		if (plan->upper_id[l])
			pfree(plan->upper_id[l]);
	pfree(plan);
	build->plan = NULL;
}
