/*
 * block_reader.h - reading blocks of an extent in place
 *
 * A reader asks for the payload at a place of an extent, and gives the block back by a token.  What
 * the token stands for, and where the bytes come from, only this file knows: a pinned buffer of the
 * index's file, or a page of an object that has the extent's cold blocks.
 *
 * Blocks are read without a content lock, because the bytes that are read do not change once they
 * are written, except on a standby, where redo may overwrite a reused block; there the share lock
 * is held from open to close.
 */
#ifndef VECTOR_SEGMENT_BLOCK_READER_H
#define VECTOR_SEGMENT_BLOCK_READER_H

#include "pg_compat.h"

#include "access/xlog.h"
#include "storage/buf_internals.h"

#include "segment/extent.h"
#include "segment/recent.h"

#define BLOCK_CACHE_LINE	64

typedef struct BlockReader
{
	Extent		extent;
	bool		lock;			/* blocks are locked while they are open */
	BlockNumber once;			/* blocks from this place on are hardly used again */
} BlockReader;

/* An open block; zero: none. */
typedef struct BlockToken
{
	Buffer		buffer;
	bool		stored;			/* no buffer, but this: */
	TierPin		pin;
} BlockToken;

static inline bool
block_is_open(const BlockToken *token)
{
	return token->buffer != InvalidBuffer || token->stored;
}

static inline void
block_reader_begin(BlockReader *reader, Extent extent)
{
	reader->extent = extent;
	reader->lock = RecoveryInProgress();
	reader->once = InvalidBlockNumber;
}

/* The payload at a place, which stays as it is until block_close. */
static inline const char *
block_open(const BlockReader *reader, BlockNumber place, BlockToken *token)
{
	Page		page;

	if (!extent_has(&reader->extent, place))
	{
		token->buffer = InvalidBuffer;
		page = stored_open(&reader->extent, place, &token->pin);
		token->stored = true;
		return BlockGetPayload(page);
	}
	token->stored = false;
	token->buffer = recent_pin(reader->extent.index, extent_block(&reader->extent, place),
							   place >= reader->once);
	page = BufferGetPage(token->buffer);
	if (reader->lock)
		LockBuffer(token->buffer, BUFFER_LOCK_SHARE);
	extent_check_page(&reader->extent, place, page);
	return BlockGetPayload(page);
}

static inline void
block_close(const BlockReader *reader, BlockToken *token)
{
	if (unlikely(token->stored))
	{
		tier_close(&token->pin);
		token->stored = false;
		return;
	}
	if (reader->lock)
		LockBuffer(token->buffer, BUFFER_LOCK_UNLOCK);
	ReleaseBuffer(token->buffer);
	token->buffer = InvalidBuffer;
}

/*
 * Has a block of the file fetched that will be opened soon, if it is not known to be at hand.
 * Those of an object are read together by a BlockBatch.
 */
static inline void
block_prefetch(const BlockReader *reader, BlockNumber place)
{
	if (extent_has(&reader->extent, place))
		recent_prefetch(reader->extent.index, extent_block(&reader->extent, place));
}

/* Whether a block can be opened without waiting for an object store. */
static inline bool
block_at_hand(const BlockReader *reader, BlockNumber place)
{
	return extent_has(&reader->extent, place) || stored_peek(&reader->extent, place) != NULL;
}

/*
 * Blocks of segments of an index that will be opened soon.  Those that are not at hand gather here,
 * and are then read together, many at a time, into memory.  What an object has beyond a full round
 * is read when it is opened.
 */
#define BLOCK_BATCH		64

typedef struct BlockBatch
{
	int			count;
	int			stored_count;
	int			rings;			/* see recent_fetch; 0: blocks are kept as others are */
	BlockNumber blocks[BLOCK_BATCH];	/* of the file; */
	TierPage   *stored;			/* of objects, all of which are read at once */
	int			stored_room;
} BlockBatch;

static inline void
block_batch_begin(BlockBatch *batch, int rings)
{
	batch->count = 0;
	batch->stored_count = batch->stored_room = 0;
	batch->stored = NULL;
	batch->rings = rings;
}

static inline bool
block_batch_is_full(const BlockBatch *batch)
{
	return batch->stored_count == TIER_ROUND;
}

extern void block_batch_add_stored(const BlockReader *reader, BlockBatch *batch,
								   BlockNumber place);
extern void block_batch_read_stored(Relation index, BlockBatch *batch);

/* Adds a block to a batch if it is in an object store, and not at hand. */
static inline void
block_batch_add(const BlockReader *reader, BlockBatch *batch, BlockNumber place)
{
	if (!block_at_hand(reader, place))
		block_batch_add_stored(reader, batch, place);
}

static inline void
block_batch_read_file(Relation index, BlockBatch *batch)
{
	if (batch->count > 0)
		recent_fetch(index, batch->blocks, batch->count, batch->rings);
	batch->count = 0;
}

static inline void
block_batch_read(Relation index, BlockBatch *batch)
{
	block_batch_read_file(index, batch);
	if (unlikely(batch->stored_count > 0))
		block_batch_read_stored(index, batch);
}

/* Has the processor fetch all lines of its caches that have these bytes. */
static inline void
block_bring_near(const char *bytes, Size size)
{
	const char *end = bytes + size;

	for (bytes -= (uintptr_t) bytes % BLOCK_CACHE_LINE; bytes < end; bytes += BLOCK_CACHE_LINE)
		__builtin_prefetch(bytes, 0, 2);
}

/*
 * Prefetches a block, or adds it to a batch if one is given.  If the block is at hand, has `size`
 * bytes of its payload brought into the processor's caches instead.
 */
static inline void
block_prefetch_bytes(const BlockReader *reader, BlockNumber place, Size start, Size size,
					 BlockBatch *batch)
{
	BlockNumber block;
	Buffer		recent;
	const char *bytes;

	if (!extent_has(&reader->extent, place))
	{
		bytes = stored_peek(&reader->extent, place);
		if (bytes)
			block_bring_near(bytes + PAYLOAD_START + start, size);
		else if (batch)
			block_batch_add_stored(reader, batch, place);
		return;
	}
	block = extent_block(&reader->extent, place);
	recent = recent_buffer(reader->extent.index, block);
	if (recent == InvalidBuffer && batch)
	{
		if (batch->count == BLOCK_BATCH)
			block_batch_read_file(reader->extent.index, batch);
		batch->blocks[batch->count++] = block;
		return;
	}
	if (recent == InvalidBuffer)
	{
		recent_prefetch(reader->extent.index, block);
		return;
	}
	bytes = BlockGetPayload(BufferGetPage(recent)) + start;
	if (!BufferIsLocal(recent))
		__builtin_prefetch(GetBufferDescriptor(recent - 1), 1);
	__builtin_prefetch(BufferGetPage(recent));
	block_bring_near(bytes, size);
}

#endif							/* VECTOR_SEGMENT_BLOCK_READER_H */
