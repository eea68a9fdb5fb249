/*
 * sealed.c - reading the blocks, nodes and rows of a sealed segment
 *
 * This is the hot path of the extension.  A node's block is computed, its buffer is remembered from
 * the last visit (recent.h), and the block is read without a content lock.  That is safe because
 * sealed blocks never change, except on a standby, where redo may overwrite a reused block; there
 * the share lock is taken.
 */
#include "segment/sealed.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/buf_internals.h"
#include "utils/memutils.h"

#include "segment/layout.h"
#include "segment/recent.h"

#define CACHE_LINE			64

static Buffer
pin_block(SealedScan *scan, BlockNumber block)
{
	scan->statistics->blocks++;
	return recent_pin(scan->index, block);
}

static inline char *
check_block(SealedScan *scan, Buffer buffer, BlockNumber block)
{
	Page		page = BufferGetPage(buffer);

	if (scan->lock)
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
	extent_check_page(scan->index, page, block, scan->segment->part.uid);
	return BlockGetPayload(page);
}

static inline void
unpin_block(SealedScan *scan, Buffer buffer)
{
	if (scan->lock)
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	ReleaseBuffer(buffer);
}

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
copy_node(SealedScan *scan, BlockNumber block, Size start, Size size)
{
	reserve_scratch(scan, size);
	for (Size done = 0; done < size; block++, start = 0)
	{
		Size		part = Min(size - done, PAYLOAD_SIZE - start);
		Buffer		buffer = pin_block(scan, block);

		memcpy(scan->scratch + done, check_block(scan, buffer, block) + start, part);
		unpin_block(scan, buffer);
		done += part;
	}
	return scan->scratch;
}

/* Size of a plain sparse node, from its first bytes. */
static Size
sparse_node_size(const SealedScan *scan, BlockNumber block, Size start)
{
	const NodeLayout *layout = &scan->segment->header.layout;
	int32		nnz;

	extent_read(scan->index, block, scan->segment->part.uid, start + layout->vector, &nnz,
				sizeof(nnz));
	return layout->vector + sizeof(int32) + (Size) nnz * (sizeof(int32) + sizeof(float));
}

const SealedNode *
sealed_visit_node(SealedScan *scan, uint32 id)
{
	const SealedHeader *header = &scan->segment->header;
	const NodeLayout *layout = &header->layout;
	const SealedLevel *level = &header->level[scan->level];
	uint64		offset = node_layout_offset(layout, id);
	BlockNumber place = (BlockNumber) (offset / PAYLOAD_SIZE);
	BlockNumber block = scan->segment->part.first + level->first + place;
	Size		start = offset % PAYLOAD_SIZE;
	char	   *payload;

	if (unlikely(place >= level->blocks))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has a neighbour that does not exist",
						RelationGetRelationName(scan->index)),
				 errhint("Please REINDEX it.")));
	if (layout->size > 0 && start + layout->size > PAYLOAD_SIZE)
		return (const SealedNode *) copy_node(scan, block, start, layout->size);
	if (layout->size == 0)
	{
		Size		size;

		/* the size of the vector may already be in the next block */
		scan->buffer = pin_block(scan, block);
		payload = check_block(scan, scan->buffer, block);
		if (start + layout->vector + sizeof(int32) <= PAYLOAD_SIZE)
		{
			size = layout->vector + sizeof(int32) +
				(Size) (*(int32 *) (payload + start + layout->vector)) *
				(sizeof(int32) + sizeof(float));
			if (start + size <= PAYLOAD_SIZE)
				return (const SealedNode *) (payload + start);
		}
		unpin_block(scan, scan->buffer);
		scan->buffer = InvalidBuffer;
		return (const SealedNode *) copy_node(scan, block, start,
											  sparse_node_size(scan, block, start));
	}
	scan->buffer = pin_block(scan, block);
	payload = check_block(scan, scan->buffer, block);
	return (const SealedNode *) (payload + start);
}

void
sealed_leave_node(SealedScan *scan)
{
	if (BufferIsValid(scan->buffer))
	{
		unpin_block(scan, scan->buffer);
		scan->buffer = InvalidBuffer;
	}
}

/* Prefetches `size` bytes of a block, from an offset in its payload. */
static void
prefetch_part(SealedScan *scan, BlockNumber block, Size start, Size size)
{
	Buffer		recent = recent_buffer(scan->index, block);
	const char *bytes;

	if (recent == InvalidBuffer)
	{
		recent_prefetch(scan->index, block);
		return;
	}
	bytes = BlockGetPayload(BufferGetPage(recent)) + start;
	if (!BufferIsLocal(recent))
		__builtin_prefetch(GetBufferDescriptor(recent - 1), 1);
	__builtin_prefetch(BufferGetPage(recent));
	for (Size i = 0; i < size; i += CACHE_LINE)
		__builtin_prefetch(bytes + i, 0, 2);
}

void
sealed_prefetch_node(SealedScan *scan, uint32 id)
{
	CachedSegment *segment = scan->segment;
	const NodeLayout *layout = &segment->header.layout;
	const SealedLevel *level = &segment->header.level[scan->level];
	uint64		offset = node_layout_offset(layout, id);
	BlockNumber place = (BlockNumber) (offset / PAYLOAD_SIZE);
	Size		start = offset % PAYLOAD_SIZE;
	Size		left = layout->size ? layout->size : CACHE_LINE * 8;

	for (; left > 0 && place < level->blocks; place++, start = 0)
	{
		Size		part = Min(left, PAYLOAD_SIZE - start);

		prefetch_part(scan, segment->part.first + level->first + place, start, part);
		left -= part;
	}
}

char *
sealed_open_block(SealedScan *scan, BlockNumber place, Buffer *buffer)
{
	BlockNumber block = scan->segment->part.first + place;

	*buffer = pin_block(scan, block);
	return check_block(scan, *buffer, block);
}

void
sealed_close_block(SealedScan *scan, Buffer buffer)
{
	unpin_block(scan, buffer);
}

void
sealed_prefetch_block(SealedScan *scan, BlockNumber place)
{
	recent_prefetch(scan->index, scan->segment->part.first + place);
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

const SealedNode *
sealed_read_node(SealedScan *scan, int level, uint32 id)
{
	const char *bytes;
	int			old = scan->level;

	scan->level = level;
	bytes = (const char *) sealed_visit_node(scan, id);
	if (BufferIsValid(scan->buffer))
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
	scan->statistics = statistics;
	scan->lock = RecoveryInProgress();
	statistics->segments++;
}

void
sealed_read_row(SealedScan *scan, uint32 number, SealedRow *row)
{
	const uint32 per = PAYLOAD_SIZE / sizeof(SealedRow);

	extent_read(scan->index, scan->segment->part.first + scan->segment->header.tids + number / per,
				scan->segment->part.uid, number % per * sizeof(SealedRow), row, sizeof(*row));
}
