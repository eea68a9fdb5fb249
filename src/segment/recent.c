/*
 * recent.c - a table of hints, which grows while many entries replace others
 */
#include "segment/recent.h"

#include "pgstat.h"
#include "utils/memutils.h"

#define FIRST_SLOTS			1024
#define MAX_SLOTS			(1 << 20)
#define REFRESH_USAGE		16		/* one in this many pins raises a buffer's usage count */

static RecentBlock first_blocks[FIRST_SLOTS];
static uint32 replaced;			/* slots that another block has taken, at this size */

RecentBlock *recent_blocks = first_blocks;
uint32		recent_mask = FIRST_SLOTS - 1;

/* Doubles the table, unless it is as large as is useful. */
static void
grow(void)
{
	uint32		slots = recent_mask + 1;
	RecentBlock *old = recent_blocks;
	RecentBlock *grown;

	replaced = 0;
	if (slots >= (uint32) NBuffers || slots >= MAX_SLOTS)
		return;
	grown = MemoryContextAllocExtended(CacheMemoryContext, 2 * slots * sizeof(RecentBlock),
									   MCXT_ALLOC_ZERO | MCXT_ALLOC_NO_OOM);
	if (grown == NULL)
		return;
	recent_mask = 2 * slots - 1;
	recent_blocks = grown;
	for (uint32 i = 0; i < slots; i++)
		grown[old[i].key & recent_mask] = old[i];
	if (old != first_blocks)
		pfree(old);
}

static void
note(Relation index, BlockNumber block, Buffer buffer)
{
	uint32		key = recent_key(index, block);
	RecentBlock *recent = &recent_blocks[key & recent_mask];

	if (recent->key != key && recent->buffer != InvalidBuffer && ++replaced > recent_mask / 2)
	{
		grow();
		recent = &recent_blocks[key & recent_mask];
	}
	*recent = (RecentBlock) {key, buffer};
}

Buffer
recent_pin(Relation index, BlockNumber block)
{
	static uint32 visits = 0;
	Buffer		buffer = recent_buffer(index, block);

	if (buffer != InvalidBuffer && ++visits % REFRESH_USAGE != 0 &&
		ReadRecentBuffer(RelationGetLocator(index), MAIN_FORKNUM, block, buffer))
	{
		pgstat_count_buffer_read(index);
		pgstat_count_buffer_hit(index);
		return buffer;
	}
	buffer = ReadBuffer(index, block);
	note(index, block, buffer);
	return buffer;
}

void
recent_prefetch(Relation index, BlockNumber block)
{
	Buffer		buffer;

	if (recent_buffer(index, block) != InvalidBuffer)
		return;
	buffer = PrefetchBuffer(index, MAIN_FORKNUM, block).recent_buffer;
	if (buffer != InvalidBuffer)
		note(index, block, buffer);
}
