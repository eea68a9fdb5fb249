/*
 * recent.h - in which buffer each block was seen last
 *
 * A buffer probably still has the block it had; checking that is cheaper than looking the block up
 * in the table of all buffers.  This process has one table for the blocks of all indexes: of the
 * blocks that share a slot, it has the one seen last.  An entry is a hint, which the buffer
 * confirms.
 *
 * Where all blocks stay in buffers, hints hold, and are believed without a look at the buffer until
 * the block is pinned.  Once one has failed, the next ones are looked at first, so that blocks that
 * have left their buffers are fetched ahead.
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
extern uint32 recent_doubt;		/* this many of the next hints are looked at */

/* Consecutive blocks of an index have consecutive keys. */
static inline uint32
recent_key(Relation index, BlockNumber block)
{
	return block + (uint32) RelationGetFile(index) * UINT32_C(0x9E3779B1);
}

/*
 * Whether a buffer has a block.  Its tag is read without a lock, so the answer is a hint as well.
 */
extern bool recent_has(Relation index, BlockNumber block, Buffer buffer);

/* The buffer that may have a block, or InvalidBuffer. */
static inline Buffer
recent_buffer(Relation index, BlockNumber block)
{
	uint32		key = recent_key(index, block);
	const RecentBlock *recent = &recent_blocks[key & recent_mask];

	if (recent->key != key ||
		(unlikely(recent_doubt > 0) && recent_doubt-- && !recent_has(index, block, recent->buffer)))
		return InvalidBuffer;
	return recent->buffer;
}

/* Pins a block; its buffer is kept longer than others, unless it was fetched `once`. */
extern Buffer recent_pin(Relation index, BlockNumber block, bool once);

/* Prefetches a block that is not known to be in a buffer and will be pinned soon. */
extern void recent_prefetch(Relation index, BlockNumber block);

/*
 * Reads those of the blocks of a relation into buffers that are not known to be there, with as many
 * reads in flight as effective_io_concurrency of its tablespace allows, of which 1 counts as 16
 * before PostgreSQL 17.  Changes `blocks`.  No buffer is pinned afterwards: under a starved pool
 * one may be replaced before it is used, and is then read again.  Blocks that will hardly be used
 * again replace each other, in so many rings of PostgreSQL's of 256 kB, up to RECENT_RINGS: the
 * more of them, the longer a search can come back.
 */
#define RECENT_RINGS	4
extern void recent_fetch(Relation rel, BlockNumber *blocks, int count, int rings);

#endif							/* VECTOR_SEGMENT_RECENT_H */
