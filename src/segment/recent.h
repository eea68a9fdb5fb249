/*
 * recent.h - in which buffer each block was seen last
 *
 * A buffer probably still has the block it had; checking that is cheaper than looking the block up
 * in the table of all buffers.  This process has one table for the blocks of all indexes: of the
 * blocks that share a slot, it has the one seen last.  An entry is a hint, which the buffer
 * confirms.
 */
#ifndef VECTOR_SEGMENT_RECENT_H
#define VECTOR_SEGMENT_RECENT_H

#include "pg_compat.h"

#include "storage/bufmgr.h"
#include "utils/rel.h"

typedef struct RecentBlock
{
	uint32		key;
	Buffer		buffer;
} RecentBlock;

extern RecentBlock *recent_blocks;
extern uint32 recent_mask;

/* Consecutive blocks of an index have consecutive keys. */
static inline uint32
recent_key(Relation index, BlockNumber block)
{
	return block + (uint32) RelationGetFile(index) * UINT32_C(0x9E3779B1);
}

/* The buffer that may have a block, or InvalidBuffer. */
static inline Buffer
recent_buffer(Relation index, BlockNumber block)
{
	uint32		key = recent_key(index, block);
	const RecentBlock *recent = &recent_blocks[key & recent_mask];

	return recent->key == key ? recent->buffer : InvalidBuffer;
}

/* Pins a block. */
extern Buffer recent_pin(Relation index, BlockNumber block);

/* Prefetches a block that is not known to be in a buffer and will be pinned soon. */
extern void recent_prefetch(Relation index, BlockNumber block);

#endif							/* VECTOR_SEGMENT_RECENT_H */
