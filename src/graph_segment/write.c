/*
 * write.c - writes graphs in memory as a sealed extent
 *
 * Nodes of level 0 have numbers, which are their order on disk: plan_order makes that of a batch,
 * and of each partition, which has consecutive numbers.  The neighbours of partitions are given by
 * numbers.  The nodes above level 0 are numbered as in memory.
 */
#include "graph_segment/build_internal.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#include "distance/half.h"
#include "graph_segment/disk.h"
#include "segment/code_groups.h"
#include "segment/layout.h"
#include "segment/temporary.h"
#include "segment/tombstones.h"

struct SegmentPlan
{
	SealedHeader header;
	SpaceStorage storage;		/* of nodes' vectors */
	uint32		blocks;
	uint32	   *order;			/* of a batch: node in memory by number; and the reverse: */
	uint32	   *number;
	const uint32 *id;			/* if nodes differ in size: id by number */
	uint32	   *upper_id[GRAPH_LEVELS];	/* likewise for upper levels, by node in memory */

	/* partitions: the nodes above level 0, complete but for their ids at level 0 */
	BufFile    *upper;
	GraphEntries entries;		/* of a batch, those of its graph; else ids are sources */

	/* while the segment is written */
	ExtentWriter nodes;
	ExtentWriter rows;
	CodeWriter	codes;			/* if coded */
	DiskWriter	disk;			/* METHOD_DISK */
	float	   *residual;
	uint8	   *signs;
	char	   *record;			/* METHOD_DISK: room for a node; NULL: no vectors are kept */
	uint64		offset;			/* in the payloads of the level's blocks */
	BufFile    *others;			/* SealedRows of rows other than the first of each node */
	uint32		other_count;
};

static void
plan_layout(const SegmentBuild *build, SpaceStorage storage, NodeLayout *layout)
{
	const Space *space = &build->space;
	uint32		degree = build->graph.degree;
	uint32		padded = build->graph.padded;
	Size		stored = space_stored_size(space, storage);

	/* which the number of nodes decides: see disk_lay_out */
	if (space->method == METHOD_DISK)
		return;
	layout->degree = degree;
	layout->ids = sizeof(SealedNode);
	layout->a = layout->ids + degree * sizeof(uint32);
	layout->b = layout->a + (space->coded ? degree * sizeof(float) : 0);
	layout->codes = layout->b + (space->coded ? degree * sizeof(uint16) : 0);
	layout->vector = layout->codes +
		(space->coded ? degree / CODE_GROUP * rabitq_group_size(padded) : 0);
	if (stored == 0)
	{
		layout->unit = BUILD_NODE_UNIT;
		return;
	}
	layout->size = TYPEALIGN(sizeof(uint32), layout->vector + stored);
	node_layout_place(layout, storage);
}

SegmentPlan *
plan_create(SegmentBuild *build)
{
	SegmentPlan *plan = palloc0(sizeof(SegmentPlan));

	plan->storage = build->space.storage == STORAGE_FULL && !build->shared->needs_full ?
		STORAGE_BYTES : build->space.storage;
	if (build->shared->whole)
		plan->storage = STORAGE_FULL;
	plan_layout(build, plan->storage, &plan->header.layout);
	return plan;
}

bool
plan_nodes_differ(const SegmentPlan *plan)
{
	return node_layout_differs(&plan->header.layout);
}

Size
plan_node_size(const SegmentPlan *plan, Size payload)
{
	const NodeLayout *layout = &plan->header.layout;

	return layout->size ? layout->size : TYPEALIGN(BUILD_NODE_UNIT, layout->vector + payload);
}

/* Places a node of this size after `end`: sets its id, and returns the end after it. */
uint64
plan_place_node(const SegmentPlan *plan, uint64 end, Size size, uint32 *id)
{
	Size		left = PAYLOAD_SIZE - end % PAYLOAD_SIZE;

	if (size <= PAYLOAD_SIZE && left < size)
		end += left;
	/* see build_is_whole */
	if (end / BUILD_NODE_UNIT > segment_max_id)
		elog(ERROR, "segment is too large");
	*id = (uint32) (end / BUILD_NODE_UNIT);
	return end + size;
}

static Size
memory_node_size(SegmentBuild *build, const SegmentPlan *plan, uint32 node)
{
	return plan_node_size(plan, build_row(build, build_node_row(build, node))->size);
}

static uint32
blocks_of_bytes(uint64 bytes)
{
	return (uint32) ((bytes + PAYLOAD_SIZE - 1) / PAYLOAD_SIZE);
}

/* Plans a level above level 0, which is graph level `level - lowest` in memory. */
static void
plan_upper_level(SegmentBuild *build, SegmentPlan *plan, int level, uint32 nodes)
{
	SealedLevel *upper = &plan->header.level[level];
	uint64		end = 0;

	upper->nodes = nodes;
	if (!plan_nodes_differ(plan))
	{
		upper->blocks = node_layout_blocks(&plan->header.layout, nodes);
		return;
	}
	plan->upper_id[level] = MemoryContextAllocHuge(build->context, sizeof(uint32) * nodes);
	for (uint32 i = 0; i < nodes; i++)
		end = plan_place_node(plan, end, memory_node_size(build, plan, i),
							  &plan->upper_id[level][i]);
	upper->blocks = blocks_of_bytes(end);
}

/* Numbers the nodes of a batch. */
static void
plan_batch(SegmentBuild *build, SegmentPlan *plan)
{
	BuildShared *shared = build->shared;
	uint32		n = shared->nodes;

	plan->order = plan_order(build);
	plan->number = MemoryContextAllocHuge(build->context, sizeof(uint32) * n);
	for (uint32 i = 0; i < n; i++)
		plan->number[plan->order[i]] = i;
	plan->entries = build->graph.entries;
	plan->header.levels = build->space.coded ? 1 : shared->levels;
	for (uint32 l = 1; l < plan->header.levels; l++)
		plan_upper_level(build, plan, l, shared->sizes[l]);
	if (plan_nodes_differ(plan))
	{
		uint32	   *id = MemoryContextAllocHuge(build->context, sizeof(uint32) * n);

		shared->node_end = 0;
		for (uint32 i = 0; i < n; i++)
			shared->node_end = plan_place_node(
				plan, shared->node_end, memory_node_size(build, plan, plan->order[i]), &id[i]);
		plan->id = id;
	}
}

static uint32
id_of_number(const SegmentPlan *plan, uint32 number)
{
	return plan->id ? plan->id[number] : number;
}

static uint32
upper_id(const SegmentPlan *plan, int level, uint32 node)
{
	return plan->upper_id[level] ? plan->upper_id[level][node] : node;
}

/* The node in a place of the order of the nodes in memory. */
static inline uint32
node_in_place(const SegmentPlan *plan, uint32 i)
{
	return plan->order ? plan->order[i] : i;
}

/* The id on disk of a neighbour of a node in memory. */
static uint32
neighbour_id(const SegmentPlan *plan, int level, uint32 neighbour)
{
	if (level > 0)
		return upper_id(plan, level, neighbour);
	return id_of_number(plan, plan->number ? plan->number[neighbour] : neighbour);
}

/* Determines the places of the parts of the segment. */
void
plan_size(SegmentBuild *build, SegmentPlan *plan)
{
	BuildShared *shared = build->shared;
	SealedHeader *header = &plan->header;
	uint64		place = 1;

	if (shared->partitioned)
	{
		header->nodes = shared->part_first[shared->parts];
		header->rows = (uint32) shared->sources;
		plan->id = build->node_ids;
	}
	else
	{
		header->nodes = shared->nodes;
		header->rows = (uint32) shared->rows;
	}
	if (build->space.method == METHOD_DISK)
		disk_lay_out(build, plan->storage, header);
	header->padded = build->graph.padded;
	header->exact = build->shared->exact;
	header->level[0].nodes = header->nodes;
	header->level[0].blocks = plan_nodes_differ(plan) ? blocks_of_bytes(shared->node_end) :
		header->layout.size > 0 ? node_layout_blocks(&header->layout, header->nodes) : 0;
	header->mean = (BlockNumber) place;
	place += header->padded ? extent_blocks_for(header->padded, sizeof(float), false) : 0;
	header->entries = (BlockNumber) place;
	header->entry_count = plan->entries.count;
	place += extent_blocks_for(graph_entries_size(plan->entries.count, plan->entries.dims), 1,
							   false);
	header->tombstones = (BlockNumber) place;
	place += extent_blocks_for(sizeof(TombstoneHeader) + header->rows / 8 + 1, 1, false);
	header->tids = (BlockNumber) place;
	place += extent_blocks_for(header->rows, sizeof(SealedRow), true);
	if (build->space.method == METHOD_DISK)
		place = disk_place(build, header, place);
	else if (header->padded > 0)
	{
		header->codes = (BlockNumber) place;
		header->code_size = code_group_size(header->padded / 8);
		place += elements_blocks((header->nodes + CODE_GROUP - 1) / CODE_GROUP, header->code_size,
								 elements_per_block(header->code_size));
	}
	for (uint32 l = 0; l < header->levels; l++)
	{
		header->level[l].first = (BlockNumber) place;
		place += header->level[l].blocks;
	}
	header->entry = header->levels > 1 ? upper_id(plan, header->levels - 1, 0) :
		neighbour_id(plan, 0, 0);
	if (place > MaxBlockNumber)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("index is too large"),
				 errhint("Partition the table.")));
	plan->blocks = (uint32) place;
	header->blocks = plan->blocks;
	header->cold = header->level[0].first;
}

static SegmentPlan *
get_plan(SegmentBuild *build)
{
	if (build->plan == NULL)
	{
		build->plan = plan_create(build);
		plan_batch(build, build->plan);
		plan_size(build, build->plan);
	}
	return build->plan;
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

/* The number of an entry's node. */
static uint32
entry_number(const SegmentBuild *build, const SegmentPlan *plan, uint32 id)
{
	return plan->number ? plan->number[id] : build->node_of_row[id];
}

/* Writes the entries, in the scale of the vectors, like the codes of neighbours. */
static void
write_entries(SegmentBuild *build, const SegmentPlan *plan, ExtentWriter *writer)
{
	const GraphEntries *entries = &plan->entries;
	Size		size = graph_entries_size(CODE_GROUP, entries->dims);
	GraphEntryGroup *group = palloc(size);
	float		unit = 1 / build->shared->scale;

	for (uint32 g = 0; g < entries->count / CODE_GROUP; g++)
	{
		memcpy(group, graph_entries_group(entries, g), size);
		for (int i = 0; i < CODE_GROUP; i++)
		{
			group->ids[i] = entry_number(build, plan, group->ids[i]);
			group->a[i] *= unit * unit;
			group->b[i] = float_to_bf16(bf16_to_float(group->b[i]) * unit);
		}
		extent_writer_put(writer, group, size);
	}
	pfree(group);
}

static SealedRow
sealed_row(const BuildRow *row, uint32 id)
{
	SealedRow	sealed;

	memset(&sealed, 0, sizeof(sealed));
	sealed.tid = row->tid;
	sealed.node = id;
	return sealed;
}

static void
write_row(ExtentWriter *writer, const SealedRow *row)
{
	extent_writer_keep_whole(writer, sizeof(*row));
	extent_writer_put(writer, row, sizeof(*row));
}

/* Writes the rows of a node: the first has the node's number, the others follow all first ones. */
static void
write_node_rows(SegmentBuild *build, SegmentPlan *plan, BuildRow *row, uint32 number)
{
	uint32		id = id_of_number(plan, number);
	SealedRow	sealed = sealed_row(row, id);

	row->number = number;
	write_row(&plan->rows, &sealed);
	while (row->next != NO_ROW)
	{
		row = build_row(build, row->next);
		row->number = plan->header.nodes + plan->other_count++;
		sealed = sealed_row(row, id);
		if (plan->others == NULL)
			plan->others = BufFileCreateTemp(false);
		BufFileWrite(plan->others, &sealed, sizeof(sealed));
	}
}

/* Writes the rows other than the first of each node. */
static void
write_other_rows(SegmentPlan *plan)
{
	SealedRow	sealed;

	if (plan->others == NULL)
		return;
	temporary_rewind(plan->others);
	for (uint32 i = 0; i < plan->other_count; i++)
	{
		temporary_read(plan->others, &sealed, sizeof(sealed));
		write_row(&plan->rows, &sealed);
	}
	BufFileClose(plan->others);
	plan->others = NULL;
}

/* Composes the head and the vector of a node, in memory of zeros. */
static void
compose_vector(SegmentBuild *build, SegmentPlan *plan, uint32 node, char *out)
{
	BuildRow   *row = build_row(build, build_node_row(build, node));
	SealedNode *head = (SealedNode *) out;

	space_store(&build->space, plan->storage, build_payload(build, build_node_row(build, node)),
				head, out + plan->header.layout.vector);
	if (row->error > 0)
	{
		head->error += row->error;
		head->scale = row->scale;
	}
	head->tid = row->tid;
	head->row = row->number;
}

/* Sets how many other rows a node has, and the first of them. */
static void
find_extras(SegmentBuild *build, const BuildRow *row, uint32 *extra, uint32 *extras)
{
	*extra = *extras = 0;
	for (uint32 next = row->next; next != NO_ROW; ++*extras)
	{
		BuildRow   *other = build_row(build, next);

		if (*extras == 0)
			*extra = other->number;
		next = other->next;
	}
}

/*
 * Composes a node of a level, in memory of zeros, from its links; factors are converted from the
 * scale of the work vectors to that of the vectors.
 */
static void
compose_node(SegmentBuild *build, SegmentPlan *plan, int level, GraphLinks *links, uint32 node,
			 char *out)
{
	const NodeLayout *layout = &plan->header.layout;
	GraphBuild *graph = &build->graph;
	BuildRow   *row = build_row(build, build_node_row(build, node));
	SealedNode *head = (SealedNode *) out;
	uint32	   *ids = (uint32 *) (out + layout->ids);
	float		unit = 1 / build->shared->scale;

	compose_vector(build, plan, node, out);
	head->links = links->count;
	if (level > 1)
		head->extra = upper_id(plan, level - 1, node);
	else if (level == 1)
		head->extra = plan->upper ? row->source : neighbour_id(plan, 0, node);
	else
		find_extras(build, row, &head->extra, &head->extras);
	for (uint32 i = 0; i < links->count; i++)
		ids[i] = neighbour_id(plan, level, graph_link_ids(graph, links)[i]);
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
begin_level(SegmentPlan *plan, int level)
{
	extent_writer_seek(&plan->nodes, plan->header.level[level].first, BLOCK_NODES);
	plan->offset = 0;
}

/* Writes the i-th node of a level, directly after the one before it. */
static void
put_node(SegmentPlan *plan, uint32 i, uint32 id, const char *node, Size size)
{
	const NodeLayout *layout = &plan->header.layout;
	uint64		start;

	if (layout->per > 0)
		start = (uint64) (i / layout->per) * layout->span * PAYLOAD_SIZE +
			(uint64) (i % layout->per) * layout->size;
	else if (layout->size > 0)
		start = (uint64) i * layout->size;
	else
		start = (uint64) id * BUILD_NODE_UNIT;
	extent_writer_skip(&plan->nodes, start - plan->offset);
	extent_writer_put(&plan->nodes, node, size);
	plan->offset = start + size;
}

/* Makes room for a node of this size, all zeros. */
static char *
node_room(char *node, Size *room, Size size)
{
	if (size > *room)
	{
		*room = size;
		node = node ? repalloc(node, size) : palloc(size);
	}
	memset(node, 0, size);
	return node;
}

/* Writes a node's own code, relative to the mean. */
static void
put_code(SegmentBuild *build, SegmentPlan *plan, uint32 node)
{
	static const float origin[DENSE_MAX_DIM + 16];
	RabitqFactors factors;
	RowCode		code;

	build_residual(build, build_payload(build, build_node_row(build, node)), plan->residual);
	factors = rabitq_encode_residual(build->graph.metric, plan->residual, origin,
									 build->graph.padded, plan->signs);
	code = (RowCode) {
		factors.a, factors.b, float_to_bf16(factors.error * (1 + 1.0f / 128)), plan->signs
	};
	code_writer_put(&plan->codes, &code);
}

/*
 * Writes the node in a place of the order to a METHOD_DISK segment: its code, and its links,
 * with its vector if that is kept.
 */
static void
put_disk_node(SegmentBuild *build, SegmentPlan *plan, uint32 number, uint32 place)
{
	const NodeLayout *layout = &plan->header.layout;
	GraphBuild *graph = &build->graph;
	uint32		node = node_in_place(plan, place);
	GraphLinks *links = graph_array_at(&graph->links, node);
	BuildRow   *row = build_row(build, build_node_row(build, node));
	DiskNode	head = {.tid = row->tid, .links = (uint16) links->count};
	SealedNode *record = (SealedNode *) plan->record;
	uint32		ids[GRAPH_MAX_DEGREE];

	for (uint32 i = 0; i < links->count; i++)
		ids[i] = neighbour_id(plan, 0, graph_link_ids(graph, links)[i]);
	find_extras(build, row, &head.extra, &head.extras);
	if (build->codes)
		disk_writer_copy_code(&plan->disk, build,
							  build_payload(build, build_node_row(build, node)));
	else
		disk_writer_put_code(&plan->disk, build, build_node_row(build, node));
	if (record == NULL)
	{
		disk_writer_put_links(&plan->disk, &head, ids);
		return;
	}
	memset(record, 0, layout->size);
	compose_vector(build, plan, node, plan->record);
	record->links = head.links;
	record->extra = head.extra;
	record->extras = head.extras;
	disk_pack_ids(&plan->header.disk, ids, head.links, plan->record + layout->ids);
	put_node(plan, number, number, plan->record, layout->size);
}

void
plan_write_part(SegmentBuild *build, SegmentPlan *plan, uint32 first)
{
	uint32		n = build->shared->nodes;
	char	   *node = NULL;
	Size		room = 0;

	for (uint32 i = 0; i < n; i++)
		write_node_rows(build, plan,
						build_row(build, build_node_row(build, node_in_place(plan, i))),
						first + i);
	for (uint32 i = 0; i < n; i++)
	{
		uint32		which = node_in_place(plan, i);

		if ((i & 1023) == 0)
			build_report(build, BUILD_WRITING, first + i, plan->header.nodes);
		if (disk_is(&plan->header))
			put_disk_node(build, plan, first + i, i);
		else
		{
			Size		size = memory_node_size(build, plan, which);

			node = node_room(node, &room, size);
			compose_node(build, plan, 0, graph_array_at(&build->graph.links, which), which, node);
			put_node(plan, first + i, id_of_number(plan, first + i), node, size);
			if (plan->header.codes > 0)
				put_code(build, plan, which);
		}
	}
	if (disk_is(&plan->header))
		disk_writer_end_part(&plan->disk);
	if (node)
		pfree(node);
}

static GraphLinks *
links_of_level(const GraphBuild *graph, int level, uint32 node)
{
	return graph_array_at(level == 0 ? &graph->links : &graph->levels[level], node);
}

/* Writes the levels above level 0 of a batch. */
static void
write_upper(SegmentBuild *build, SegmentPlan *plan)
{
	char	   *node = NULL;
	Size		room = 0;

	for (int l = 1; l < (int) plan->header.levels; l++)
	{
		begin_level(plan, l);
		for (uint32 i = 0; i < plan->header.level[l].nodes; i++)
		{
			Size		size = memory_node_size(build, plan, i);

			node = node_room(node, &room, size);
			compose_node(build, plan, l, links_of_level(&build->graph, l, i), i, node);
			put_node(plan, i, upper_id(plan, l, i), node, size);
		}
	}
	if (node)
		pfree(node);
}

/* Partitions: keeps the graph in memory as the levels above level 0. */
void
plan_keep_upper(SegmentBuild *build, SegmentPlan *plan)
{
	BuildShared *shared = build->shared;
	char	   *node = NULL;
	Size		room = 0;

	plan->upper = BufFileCreateTemp(false);
	plan->header.levels = shared->levels + 1;
	for (int l = 1; l <= shared->levels; l++)
	{
		plan_upper_level(build, plan, l, shared->sizes[l - 1]);
		for (uint32 i = 0; i < shared->sizes[l - 1]; i++)
		{
			uint32		size = (uint32) memory_node_size(build, plan, i);
			uint32		source = build_row(build, build_node_row(build, i))->source;

			node = node_room(node, &room, size);
			compose_node(build, plan, l, links_of_level(&build->graph, l - 1, i), i, node);
			BufFileWrite(plan->upper, &source, sizeof(source));
			BufFileWrite(plan->upper, &size, sizeof(size));
			BufFileWrite(plan->upper, node, size);
		}
	}
	if (node)
		pfree(node);
}

/* Partitions: makes this many nodes in memory the entries. */
void
plan_keep_entries(SegmentBuild *build, SegmentPlan *plan, uint32 count)
{
	uint32		padded = build->graph.padded;
	GraphEntries *entries = &plan->entries;
	float	   *rotated = palloc(sizeof(float) * padded);

	plan->header.levels = 1;
	entries->count = count;
	entries->dims = graph_entries_dims(padded);
	entries->groups = MemoryContextAlloc(build->context,
										 graph_entries_size(count, entries->dims));
	for (uint32 i = 0; i < count; i++)
	{
		build_work_floats(build, build_payload(build, build_node_row(build, i)), rotated);
		graph_entries_put(entries, i, build_row(build, build_node_row(build, i))->source,
						  build->graph.metric, rotated, padded);
	}
	pfree(rotated);
}

/* Writes the kept levels, with the numbers that their nodes have got at level 0. */
static void
write_kept_upper(SegmentBuild *build, SegmentPlan *plan)
{
	const uint32 *node_of_row = build->node_of_row;
	char	   *node = NULL;
	Size		room = 0;

	temporary_rewind(plan->upper);
	for (int l = 1; l < (int) plan->header.levels; l++)
	{
		begin_level(plan, l);
		for (uint32 i = 0; i < plan->header.level[l].nodes; i++)
		{
			uint32		source;
			uint32		size;

			temporary_read(plan->upper, &source, sizeof(source));
			temporary_read(plan->upper, &size, sizeof(size));
			node = node_room(node, &room, size);
			temporary_read(plan->upper, node, size);
			((SealedNode *) node)->row = node_of_row[source];
			if (l == 1)
				((SealedNode *) node)->extra = id_of_number(plan, node_of_row[source]);
			put_node(plan, i, upper_id(plan, l, i), node, size);
		}
	}
	BufFileClose(plan->upper);
	if (node)
		pfree(node);
}

static void
begin_codes(SegmentBuild *build, SegmentPlan *plan, Extent extent)
{
	plan->residual = palloc(sizeof(float) * build->graph.padded);
	plan->signs = palloc(build->graph.padded / 8);
	code_writer_begin(&plan->codes, extent, sealed_codes(&plan->header));
}

void
build_write(SegmentBuild *build, SegmentEntry *output)
{
	SegmentPlan *plan = get_plan(build);
	const SealedHeader *header = &plan->header;

	attributes_place(build->making.attributes, &plan->header);
	Assert(output->blocks == header->blocks);
	extent_writer_begin(&plan->rows, extent_of(build->index, output));
	extent_writer_begin(&plan->nodes, extent_of(build->index, output));
	extent_writer_seek(&plan->rows, 0, BLOCK_SEALED_HEADER);
	extent_writer_put(&plan->rows, header, sizeof(*header));
	if (header->padded)
	{
		extent_writer_seek(&plan->rows, header->mean, BLOCK_MEAN);
		extent_writer_put(&plan->rows, build->shared->mean, sizeof(float) * header->padded);
	}
	if (header->entry_count > 0)
	{
		extent_writer_seek(&plan->rows, header->entries, BLOCK_ENTRIES);
		write_entries(build, plan, &plan->rows);
	}
	extent_writer_seek(&plan->rows, header->tombstones, BLOCK_TOMBSTONES);
	sealed_write_tombstones(&plan->rows, header);
	extent_writer_seek(&plan->rows, header->tids, BLOCK_TIDS);
	if (header->codes > 0)
		begin_codes(build, plan, extent_of(build->index, output));
	if (disk_is(header))
	{
		disk_writer_begin(&plan->disk, build, header, extent_of(build->index, output));
		plan->record = header->layout.size > 0 ? palloc(header->layout.size) : NULL;
	}
	if (header->level[0].blocks > 0)
		begin_level(plan, 0);
	if (build->write_parts)
		build->write_parts(build, plan);
	else
		plan_write_part(build, plan, 0);
	if (header->codes > 0)
		code_writer_end(&plan->codes);
	if (disk_is(header))
		disk_writer_end(&plan->disk);
	write_other_rows(plan);
	if (plan->upper)
		write_kept_upper(build, plan);
	else
		write_upper(build, plan);
	extent_writer_end(&plan->rows);
	extent_writer_end(&plan->nodes);
	output->rows = header->rows;
}

void
build_forget_plan(SegmentBuild *build)
{
	SegmentPlan *plan = build->plan;

	if (plan == NULL)
		return;
	if (plan->order)
		pfree(plan->order);
	if (plan->number)
		pfree(plan->number);
	for (int l = 0; l < GRAPH_LEVELS; l++)
		if (plan->upper_id[l])
			pfree(plan->upper_id[l]);
	pfree(plan);
	build->plan = NULL;
}
