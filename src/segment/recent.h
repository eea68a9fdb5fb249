/*
 * recent.h - in which buffers blocks were seen last
 *
 * What a buffer had, it is likely to have still: asking it is cheaper than looking the block up
 * among all buffers.  One table of this process for the blocks of all indexes: a slot has what was
 * seen last of those that fall to it.  All of it is a hint, which the buffer confirms.
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

/* The blocks of an index have keys that follow each other. */
static inline uint32
recent_key(Relation index, BlockNumber block)
{
	return block + (uint32) RelationGetFile(index) * UINT32_C(0x9E3779B1);
}

/* The buffer that may have a block; or InvalidBuffer. */
static inline Buffer
recent_buffer(Relation index, BlockNumber block)
{
	uint32		key = recent_key(index, block);
	const RecentBlock *recent = &recent_blocks[key & recent_mask];

	return recent->key == key ? recent->buffer : InvalidBuffer;
}

/* Pins a block. */
extern Buffer recent_pin(Relation index, BlockNumber block);

/* Has a block read that is not known to be in a buffer, and that will be pinned soon. */
extern void recent_prefetch(Relation index, BlockNumber block);

#endif							/* VECTOR_SEGMENT_RECENT_H */
