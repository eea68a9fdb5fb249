/*
 * recent.c - a table of hints, which grows while many entries replace others
 */
#include "segment/recent.h"

#include "pgstat.h"
#include "storage/buf_internals.h"
#if PG_VERSION_NUM >= 170000
#include "storage/read_stream.h"
#endif
#include "utils/memutils.h"
#include "utils/spccache.h"

#include "order.h"

#define FIRST_SLOTS			1024
#define MAX_SLOTS			(1 << 20)
#define LEAST_USAGE			3		/* a pin raises a usage count that has fallen below this */
#define DOUBT				1024	/* hints to look at after one has failed */

/*
 * The default of effective_io_concurrency, up to PostgreSQL 17 and later.  The old one has each
 * block waited for by itself, which only a disk that turns asks for.
 */
#define OLD_CONCURRENCY		1
#define NEW_CONCURRENCY		16

static RecentBlock first_blocks[FIRST_SLOTS];
static uint32 replaced;			/* slots that another block has taken, at this size */

RecentBlock *recent_blocks = first_blocks;
uint32		recent_mask = FIRST_SLOTS - 1;
uint32		recent_doubt = 0;

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

bool
recent_has(Relation index, BlockNumber block, Buffer buffer)
{
	BufferTag	tag;

	if (BufferIsLocal(buffer))
		return true;
	init_buffer_tag(&tag, index, MAIN_FORKNUM, block);
	return buffer_tags_equal(&tag, &GetBufferDescriptor(buffer - 1)->tag);
}

/* The usage count of a buffer, read without a lock. */
static inline uint32
buffer_usage(Buffer buffer)
{
	return BUF_STATE_GET_USAGECOUNT(read_buffer_state(GetBufferDescriptor(buffer - 1)));
}

Buffer
recent_pin(Relation index, BlockNumber block, bool once)
{
	Buffer		buffer = recent_buffer(index, block);

	/* ReadRecentBuffer raises no usage count, but ReadBuffer does */
	if (buffer != InvalidBuffer &&
		(once || BufferIsLocal(buffer) || buffer_usage(buffer) >= LEAST_USAGE))
	{
		if (ReadRecentBuffer(RelationGetLocator(index), MAIN_FORKNUM, block, buffer))
		{
			pgstat_count_buffer_read(index);
			pgstat_count_buffer_hit(index);
			return buffer;
		}
		recent_doubt = DOUBT;
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

/* Moves the blocks that have to be read to the front, in order; returns how many. */
static int
find_missing(Relation rel, BlockNumber *blocks, int count)
{
	int			missing = 0;

	qsort(blocks, count, sizeof(BlockNumber), order_uint32s);
	for (int i = 0; i < count; i++)
	{
		Buffer		buffer = recent_buffer(rel, blocks[i]);

		if ((missing > 0 && blocks[i] == blocks[missing - 1]) ||
			(buffer != InvalidBuffer && recent_has(rel, blocks[i], buffer)))
			continue;
		blocks[missing++] = blocks[i];
	}
	return missing;
}

#if PG_VERSION_NUM >= 170000

typedef struct BlockList
{
	const BlockNumber *next;
	const BlockNumber *end;
} BlockList;

static BlockNumber
next_block(ReadStream *stream, void *arg, void *per_buffer_data)
{
	BlockList  *list = arg;

	return list->next < list->end ? *list->next++ : InvalidBlockNumber;
}

static void
read_blocks(Relation rel, const BlockNumber *blocks, int count, BufferAccessStrategy strategy)
{
	BlockList	list = {blocks, blocks + count};
	ReadStream *stream = read_stream_begin_relation(READ_STREAM_FLAGS, strategy, rel,
													MAIN_FORKNUM, next_block, &list, 0);
	Buffer		buffer;

	while ((buffer = read_stream_next_buffer(stream, NULL)) != InvalidBuffer)
	{
		note(rel, BufferGetBlockNumber(buffer), buffer);
		ReleaseBuffer(buffer);
	}
	read_stream_end(stream);
}

#else

static void
read_blocks(Relation rel, const BlockNumber *blocks, int count, BufferAccessStrategy strategy)
{
	int			ahead = get_tablespace_io_concurrency(rel->rd_rel->reltablespace);

	if (ahead == OLD_CONCURRENCY)
		ahead = NEW_CONCURRENCY;
	for (int i = 0; i < count + ahead; i++)
	{
		if (i < count && ahead > 0)
			(void) PrefetchBuffer(rel, MAIN_FORKNUM, blocks[i]);
		if (i >= ahead)
		{
			Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, blocks[i - ahead],
													RBM_NORMAL, strategy);

			note(rel, blocks[i - ahead], buffer);
			ReleaseBuffer(buffer);
		}
	}
}

#endif

/* The few buffers of this process for blocks that are read once: several rings, in turns. */
static BufferAccessStrategy
once_strategy(int count)
{
	static BufferAccessStrategy rings[RECENT_RINGS];
	static int	last = 0;

	last = (last + 1) % count;
	if (rings[last] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		rings[last] = GetAccessStrategy(BAS_BULKREAD);
		MemoryContextSwitchTo(old);
	}
	return rings[last];
}

void
recent_fetch(Relation rel, BlockNumber *blocks, int count, int rings)
{
	int			missing = find_missing(rel, blocks, count);

	if (rings > 0 && missing > 0)
		read_blocks(rel, blocks, missing, once_strategy(rings));
	/* a single one is read as well by whoever pins it */
	else if (missing > 1)
		read_blocks(rel, blocks, missing, NULL);
}
