/*
 * sealed.c - reading the blocks, nodes and rows of a sealed segment
 *
 * This is the hot path of the extension.  A node's block is computed, its buffer is remembered from
 * the last visit (recent.h), and the block is read without a content lock (block_reader.h).
 */
#include "segment/sealed.h"

#include "utils/memutils.h"

#include "segment/layout.h"
#include "segment/places.h"

ItemPointerData sealed_absent;

/* What of a node of any size is worth prefetching, in bytes. */
#define PREFETCH_SPARSE		512

#define ROWS_AHEAD			4		/* number of nodes to prefetch when nodes are read in order */

static void
reserve_scratch(SealedScan *scan, Size size)
{
	if (size <= scan->scratch_size)
		return;
	scan->scratch_size = size;
	scan->scratch = scan->scratch ? repalloc_huge(scan->scratch, size) :
		MemoryContextAllocHuge(scan->context, size);
}

/* Copies a node that continues in the next block. */
static char *
copy_node(SealedScan *scan, BlockNumber place, Size start, Size size)
{
	reserve_scratch(scan, size);
	for (Size done = 0; done < size; place++, start = 0)
	{
		Size		part = Min(size - done, PAYLOAD_SIZE - start);
		BlockToken	token;

		memcpy(scan->scratch + done, sealed_open_block(scan, place, &token) + start, part);
		block_close(&scan->reader, &token);
		done += part;
	}
	return scan->scratch;
}

/* Size of a node that may have any, from its first bytes. */
static Size
varying_node_size(const SealedScan *scan, BlockNumber place, Size start)
{
	const NodeLayout *layout = &scan->segment->header.layout;
	uint32		first;

	extent_read(scan->reader.extent, place, start + layout->vector, &first, sizeof(first));
	return layout->vector + sealed_payload_size(scan->index, scan->space, first);
}

const SealedNode *
sealed_visit_node(SealedScan *scan, uint32 id)
{
	const SealedHeader *header = &scan->segment->header;
	const NodeLayout *layout = &header->layout;
	const SealedLevel *level = &header->level[scan->level];
	uint64		offset = node_layout_offset(layout, id);
	BlockNumber place = (BlockNumber) (offset / PAYLOAD_SIZE);
	Size		start = offset % PAYLOAD_SIZE;
	const char *payload;

	if (unlikely(layout->size > 0 ? id >= level->nodes : place >= level->blocks))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has a neighbour that does not exist",
						RelationGetRelationName(scan->index)),
				 errhint("Please REINDEX it.")));
	place += level->first;
	if (layout->size > 0 && start + layout->size > PAYLOAD_SIZE)
		return (const SealedNode *) copy_node(scan, place, start, layout->size);
	payload = sealed_open_block(scan, place, &scan->node);
	if (layout->size == 0)
	{
		Size		size;

		/* the size of the vector may already be in the next block */
		if (start + layout->vector + sizeof(uint32) <= PAYLOAD_SIZE)
		{
			size = layout->vector +
				sealed_payload_size(scan->index, scan->space,
									*(const uint32 *) (payload + start + layout->vector));
			if (start + size <= PAYLOAD_SIZE)
				return (const SealedNode *) (payload + start);
		}
		block_close(&scan->reader, &scan->node);
		return (const SealedNode *) copy_node(scan, place, start,
											  varying_node_size(scan, place, start));
	}
	return (const SealedNode *) (payload + start);
}

void
sealed_leave_node(SealedScan *scan)
{
	if (block_is_open(&scan->node))
		block_close(&scan->reader, &scan->node);
}

/* Prefetches a part of a node, or adds its blocks to a batch if one is given. */
static void
prefetch_part(SealedScan *scan, uint32 id, Size from, Size left, BlockBatch *batch)
{
	const NodeLayout *layout = &scan->segment->header.layout;
	const SealedLevel *level = &scan->segment->header.level[scan->level];
	uint64		offset = node_layout_offset(layout, id) + from;
	BlockNumber place = (BlockNumber) (offset / PAYLOAD_SIZE);
	Size		start = offset % PAYLOAD_SIZE;

	for (; left > 0 && place < level->blocks; place++, start = 0)
	{
		Size		part = Min(left, PAYLOAD_SIZE - start);

		block_prefetch_bytes(&scan->reader, level->first + place, start, part, batch);
		left -= part;
	}
}

void
sealed_bring_near(const SealedScan *scan, uint32 id, bool slot)
{
	const SealedLevel *level = &scan->segment->header.level[scan->level];
	BlockNumber place = (BlockNumber) (node_layout_offset(&scan->segment->header.layout, id) /
									   PAYLOAD_SIZE);

	if (place < level->blocks && !extent_has(&scan->reader.extent, level->first + place))
		stored_bring_near(&scan->reader.extent, level->first + place, slot);
}

bool
sealed_node_at_hand(const SealedScan *scan, uint32 id)
{
	const NodeLayout *layout = &scan->segment->header.layout;
	const SealedLevel *level = &scan->segment->header.level[scan->level];
	uint64		offset = node_layout_offset(layout, id);
	uint64		end = offset + Max(layout->size, 1) - 1;

	for (uint64 place = offset / PAYLOAD_SIZE; place <= end / PAYLOAD_SIZE; place++)
		if (!block_at_hand(&scan->reader, level->first + (BlockNumber) place))
			return false;
	return true;
}

void
sealed_prefetch_node(SealedScan *scan, uint32 id, BlockBatch *batch)
{
	Size		size = scan->segment->header.layout.size;

	prefetch_part(scan, id, 0, size > 0 ? size : PREFETCH_SPARSE, batch);
}

void
sealed_prefetch_vector(SealedScan *scan, uint32 id, BlockBatch *batch)
{
	const NodeLayout *layout = &scan->segment->header.layout;

	/* of a page of an object all is there, or nothing: it is looked for once */
	if (layout->size == 0 || scan->reader.extent.where == EXTENT_STORED)
	{
		sealed_prefetch_node(scan, id, batch);
		return;
	}
	prefetch_part(scan, id, 0, sizeof(SealedNode), batch);
	prefetch_part(scan, id, layout->vector, layout->size - layout->vector, batch);
}

uint32
sealed_visit_nodes(SealedScan *scan, uint32 id, uint32 n, const char **nodes)
{
	const NodeLayout *layout = &scan->segment->header.layout;
	Size		start = node_layout_offset(layout, id) % PAYLOAD_SIZE;
	uint32		whole = (uint32) ((PAYLOAD_SIZE - Min(start, PAYLOAD_SIZE)) / layout->size);

	*nodes = (const char *) sealed_visit_node(scan, id);
	if (layout->per > 0)
		whole = Min(whole, layout->per - id % layout->per);
	return Max(Min(whole, n), 1);
}

void
sealed_compare(SealedScan *scan, uint32 row, const SealedNode *node, GraphFound *found)
{
	scan->statistics->distances++;
	found->id = row;
	found->tag = tag_from_tid((ItemPointer) &node->tid);
	found->distance = space_node_distance(scan->space, scan->query, node, (const char *) node +
										  scan->segment->header.layout.vector);
	found_set_bound(found, scan->space, scan->query, node->error, node->scale);
}

void
sealed_scan_nodes(SealedScan *scan, uint32 row, uint32 end, SealedFound callback, void *arg)
{
	Size		size = scan->segment->header.layout.size;
	uint32		asked = row;

	for (uint32 n; row < end; row += n)
	{
		const char *nodes;

		CHECK_FOR_INTERRUPTS();
		for (; asked < end && asked <= row + ROWS_AHEAD; asked++)
			sealed_prefetch_node(scan, asked, NULL);
		n = sealed_visit_nodes(scan, row, end - row, &nodes);
		for (uint32 i = 0; i < n; i++)
		{
			GraphFound	found;

			for (; asked < end && asked <= row + i + ROWS_AHEAD; asked++)
				sealed_prefetch_node(scan, asked, NULL);
			if (row_is_excluded(&scan->excluded, row + i))
				continue;
			sealed_compare(scan, row + i, (const SealedNode *) (nodes + i * size), &found);
			callback(arg, &found);
		}
		sealed_leave_node(scan);
	}
}

const SealedNode *
sealed_read_node(SealedScan *scan, int level, uint32 id)
{
	const char *bytes;
	int			old = scan->level;

	scan->level = level;
	bytes = (const char *) sealed_visit_node(scan, id);
	if (block_is_open(&scan->node))
	{
		const NodeLayout *layout = &scan->segment->header.layout;
		Size		size = layout->size ? layout->size : layout->vector +
			space_size_of(scan->space, bytes + layout->vector);

		reserve_scratch(scan, size);
		memcpy(scan->scratch, bytes, size);
		sealed_leave_node(scan);
	}
	scan->level = old;
	return (const SealedNode *) scan->scratch;
}

void
sealed_scan_begin(SealedScan *scan, Relation index, const Space *space, CachedSegment *segment,
				  ScanStatistics *statistics)
{
	memset(scan, 0, sizeof(*scan));
	scan->context = CurrentMemoryContext;
	scan->index = index;
	scan->space = space;
	scan->segment = segment;
	scan->excluded = cached_tombstones(segment);
	scan->statistics = statistics;
	block_reader_begin(&scan->reader, cached_extent(&segment->part, index));
	statistics->segments++;
}

int
tag_compare(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

/* Checks that a row names a node that exists; ids of nodes of any size are places of their own. */
static void
check_row(Extent extent, const SealedHeader *header, uint32 number, const SealedRow *row)
{
	if (row->node >= (header->nodes > 0 ? header->nodes : header->rows) &&
		!node_layout_differs(&header->layout))
		sealed_damaged(extent.index, "In segment %u, row %u names node %u.", extent.uid, number,
					   row->node);
}

uint32
sealed_read_rows(Extent extent, const SealedHeader *header, uint32 first, SealedRow *rows)
{
	uint32		n = Min(SEALED_ROWS, header->rows - first);

	extent_read(extent, header->tids + first / SEALED_ROWS, 0, rows, n * sizeof(SealedRow));
	for (uint32 i = 0; i < n; i++)
		check_row(extent, header, first + i, &rows[i]);
	return n;
}

void
sealed_read_row(SealedScan *scan, uint32 number, SealedRow *row)
{
	extent_read(scan->reader.extent, scan->segment->header.tids + number / SEALED_ROWS,
				number % SEALED_ROWS * sizeof(SealedRow), row, sizeof(*row));
	check_row(scan->reader.extent, &scan->segment->header, number, row);
}
