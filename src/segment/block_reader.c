/*
 * block_reader.c - prefetching parts of blocks
 */
#include "segment/block_reader.h"

#include "storage/buf_internals.h"

#define CACHE_LINE			64

void
block_prefetch_bytes(const BlockReader *reader, BlockNumber place, Size start, Size size)
{
	Relation	index = reader->extent.index;
	BlockNumber block = extent_block(&reader->extent, place);
	Buffer		recent = recent_buffer(index, block);
	const char *bytes;

	if (recent == InvalidBuffer)
	{
		recent_prefetch(index, block);
		return;
	}
	bytes = BlockGetPayload(BufferGetPage(recent)) + start;
	if (!BufferIsLocal(recent))
		__builtin_prefetch(GetBufferDescriptor(recent - 1), 1);
	__builtin_prefetch(BufferGetPage(recent));
	for (Size i = 0; i < size; i += CACHE_LINE)
		__builtin_prefetch(bytes + i, 0, 2);
}
