/*
 * block_reader.h - reading blocks of an extent in place
 *
 * A reader asks for the payload at a place of an extent, and gives the block back by a token.  What
 * the token stands for, and where the bytes come from, only this file knows: here a pinned buffer
 * of the index's file.
 *
 * Blocks are read without a content lock, because the bytes that are read do not change once they
 * are written, except on a standby, where redo may overwrite a reused block; there the share lock
 * is held from open to close.
 */
#ifndef VECTOR_SEGMENT_BLOCK_READER_H
#define VECTOR_SEGMENT_BLOCK_READER_H

#include "pg_compat.h"

#include "access/xlog.h"

#include "segment/extent.h"
#include "segment/recent.h"

typedef struct BlockReader
{
	Extent		extent;
	bool		lock;			/* blocks are locked while they are open */
} BlockReader;

/* An open block; zero: none. */
typedef struct BlockToken
{
	Buffer		buffer;
} BlockToken;

static inline bool
block_is_open(BlockToken token)
{
	return token.buffer != InvalidBuffer;
}

static inline void
block_reader_begin(BlockReader *reader, Extent extent)
{
	reader->extent = extent;
	reader->lock = RecoveryInProgress();
}

/* The payload at a place, which stays as it is until block_close. */
static inline const char *
block_open(const BlockReader *reader, BlockNumber place, BlockToken *token)
{
	Page		page;

	token->buffer = recent_pin(reader->extent.index, extent_block(&reader->extent, place));
	page = BufferGetPage(token->buffer);
	if (reader->lock)
		LockBuffer(token->buffer, BUFFER_LOCK_SHARE);
	extent_check_page(&reader->extent, place, page);
	return BlockGetPayload(page);
}

static inline void
block_close(const BlockReader *reader, BlockToken *token)
{
	if (reader->lock)
		LockBuffer(token->buffer, BUFFER_LOCK_UNLOCK);
	ReleaseBuffer(token->buffer);
	token->buffer = InvalidBuffer;
}

/* Has a block fetched that will be opened soon, if it is not known to be at hand. */
static inline void
block_prefetch(const BlockReader *reader, BlockNumber place)
{
	recent_prefetch(reader->extent.index, extent_block(&reader->extent, place));
}

/*
 * Likewise, and has `size` bytes of its payload brought into the processor's caches if the block is
 * at hand.
 */
extern void block_prefetch_bytes(const BlockReader *reader, BlockNumber place, Size start,
								 Size size);

#endif							/* VECTOR_SEGMENT_BLOCK_READER_H */
