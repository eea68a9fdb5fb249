/*
 * extent.c - pages of an extent
 */
#include "segment/extent.h"

#include "access/xloginsert.h"
#include "commands/vacuum.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"

/* Number of blocks by which a file is extended at a time. */
#define EXTENSION		1024

/* See read_ahead: pages, of which a read has FIRST_AHEAD in any case. */
#define FIRST_AHEAD		4
#define MAX_AHEAD		128

void		(*extent_give_way) (void);

void
extent_vacuum_delay(void)
{
	vacuum_delay_point_compat();
}

uint32
extent_blocks_for(uint64 count, Size size, bool whole)
{
	uint64		per = PAYLOAD_SIZE / size;
	uint64		blocks = whole && per > 0 ? (count + per - 1) / per :
		(count * size + PAYLOAD_SIZE - 1) / PAYLOAD_SIZE;

	if (blocks > MaxBlockNumber)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("index is too large"),
				 errhint("Partition the table.")));
	return (uint32) blocks;
}

void
extent_init_page(Page page, uint32 uid, uint32 place, BlockKind kind)
{
	BlockHeader *header;

	PageInit(page, BLCKSZ, 0);
	((PageHeader) page)->pd_lower = BLCKSZ;
	header = BlockGetHeader(page);
	header->uid = uid;
	header->place = place;
	header->kind = kind;
	header->version = SEGMENT_VERSION;
}

void
extent_wrong_page(const Extent *extent, BlockNumber place)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("block %u of index \"%s\" was reused while it was being read",
					extent->first + place, RelationGetRelationName(extent->index)),
			 errhint("Retry the query.")));
}

static void
extend_file(Relation index, BlockNumber length, BlockNumber count)
{
#if PG_VERSION_NUM >= 160000
	smgrzeroextend(RelationGetSmgr(index), MAIN_FORKNUM, length, (int) count, false);
#else
	PGAlignedBlock zeros;

	memset(zeros.data, 0, BLCKSZ);
	for (BlockNumber i = 0; i < count; i++)
		smgrextend(RelationGetSmgr(index), MAIN_FORKNUM, length + i, zeros.data, false);
#endif
}

void
extent_extend_file(Relation index, BlockNumber blocks)
{
	while (RelationGetNumberOfBlocks(index) < blocks)
	{
		BlockNumber length;

		CHECK_FOR_OTHERS();
		if (!RELATION_IS_LOCAL(index))
			LockRelationForExtension(index, ExclusiveLock);
		length = RelationGetNumberOfBlocks(index);
		if (length < blocks)
			extend_file(index, length, Min(blocks - length, EXTENSION));
		if (!RELATION_IS_LOCAL(index))
			UnlockRelationForExtension(index, ExclusiveLock);
	}
}

Buffer
extent_lock(Extent extent, BlockNumber place, int lock)
{
	Buffer		buffer = ReadBufferExtended(extent.index, MAIN_FORKNUM,
											extent_block(&extent, place), RBM_NORMAL, extent.ring);

	LockBuffer(buffer, lock);
	extent_check_page(&extent, place, BufferGetPage(buffer));
	return buffer;
}

/* What is read: a page of a segment, or (0) pages of several. */
typedef struct Reading
{
	Relation	index;
	uint32		segment;
} Reading;

/* What an error of the store means for the index. */
static void
explain_error(void *arg)
{
	const Reading *reading = arg;
	const char *name = RelationGetRelationName(reading->index);
	int			code = geterrcode();

	if (reading->segment != 0)
		errcontext("index \"%s\", segment %u", name, reading->segment);
	else if (tier_failed != NULL)
		errcontext("index \"%s\", segment %u", name,
				   ((const StoredObject *) tier_failed)->segment);
	else
		errcontext("index \"%s\"", name);
	if (code == ERRCODE_FDW_TABLE_NOT_FOUND || code == ERRCODE_DATA_CORRUPTED)
		errhint("If the object is lost, REINDEX INDEX \"%s\" makes the index again from its table.",
				name);
}

static void
begin_reading(Reading *reading, ErrorContextCallback *context)
{
	AssertNoContentLock();
	*context = (ErrorContextCallback) {error_context_stack, explain_error, reading};
	error_context_stack = context;
}

/* The place of a page in the object. */
static uint32
stored_block(const Extent *extent, BlockNumber place)
{
	uint32		block = place - extent->blocks;

	Assert(place >= extent->blocks);
	if (extent->object == NULL)
		elog(ERROR, "block %u of segment %u is read without its object", place, extent->uid);
	if (unlikely(block >= extent->object->tier.blocks))
		sealed_damaged(extent->index, "Segment %u has no block %u.", extent->uid, place);
	return block;
}

/*
 * Where a page that is not at hand follows those that were read last, reads as many again and more,
 * up to MAX_AHEAD, together with it: whoever reads all in order does not wait for each.
 */
static void
read_ahead(StoredObject *object, uint32 block)
{
	TierPage	pages[MAX_AHEAD];
	uint32		count;
	uint32		ahead = FIRST_AHEAD;
	int			stream = 0;

	while (stream < STORED_STREAMS && object->streams[stream].next != block)
		stream++;
	if (stream < STORED_STREAMS && block > 0)
		ahead = Min(object->streams[stream].ahead * 2, MAX_AHEAD);
	else
		stream = (int) (object->turn++ % STORED_STREAMS);
	count = Min(ahead, object->tier.blocks - block);
	object->streams[stream].next = block + count;
	object->streams[stream].ahead = ahead;
	if (ahead == FIRST_AHEAD)
		return;
	for (uint32 i = 0; i < count; i++)
		pages[i] = (TierPage) {&object->tier, block + i};
	tier_fetch(pages, (int) count, ahead == MAX_AHEAD);
}

Page
stored_open(const Extent *extent, BlockNumber place, TierPin *pin)
{
	ErrorContextCallback context;
	Reading		reading = {extent->index, extent->uid};
	uint32		block = stored_block(extent, place);
	Page		page;

	begin_reading(&reading, &context);
	if (!tier_at_hand(&extent->object->tier, block))
		read_ahead(extent->object, block);
	page = (Page) tier_open(&extent->object->tier, block, pin);
	error_context_stack = context.previous;
	if (unlikely(BlockGetHeader(page)->uid != extent->object->uid ||
				 BlockGetHeader(page)->place != place))
	{
		tier_close(pin);
		sealed_damaged(extent->index, "Object \"%s\" is not that of segment %u.",
					   extent->object->tier.key, extent->uid);
	}
	return page;
}

const char *
stored_peek(const Extent *extent, BlockNumber place)
{
	return tier_peek(&extent->object->tier, stored_block(extent, place));
}

void
stored_bring_near(const Extent *extent, BlockNumber place, bool slot)
{
	tier_bring_near(&extent->object->tier, stored_block(extent, place), slot);
}

TierPage
stored_page(const Extent *extent, BlockNumber place)
{
	return (TierPage) {&extent->object->tier, stored_block(extent, place)};
}

void
stored_fetch(Relation index, TierPage *pages, int count, bool once)
{
	ErrorContextCallback context;
	Reading		reading = {index, 0};

	if (count == 0)
		return;
	begin_reading(&reading, &context);
	tier_fetch(pages, count, once);
	error_context_stack = context.previous;
}

/* Copies a part of the page at a place, wherever it is. */
static void
read_page(Extent extent, BlockNumber place, Size start, void *out, Size size)
{
	TierPin		pin;
	Buffer		buffer;

	if (extent_has(&extent, place))
	{
		buffer = extent_lock(extent, place, BUFFER_LOCK_SHARE);
		memcpy(out, (char *) BufferGetPage(buffer) + start, size);
		UnlockReleaseBuffer(buffer);
	}
	else
	{
		memcpy(out, (char *) stored_open(&extent, place, &pin) + start, size);
		tier_close(&pin);
	}
}

void
extent_read_page(Extent extent, BlockNumber place, Page page)
{
	read_page(extent, place, 0, page, BLCKSZ);
}

void
extent_read_header(Extent extent, BlockKind kind, void *out, Size size)
{
	Buffer		buffer = extent_lock(extent, 0, BUFFER_LOCK_SHARE);
	Page		page = BufferGetPage(buffer);

	if (BlockGetHeader(page)->kind != kind)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("block %u of index \"%s\" is not the header that it should be",
						extent.first, RelationGetRelationName(extent.index)),
				 errhint("Please REINDEX it.")));
	Assert(BlockGetHeader(page)->place == 0);
	memcpy(out, BlockGetPayload(page), size);
	UnlockReleaseBuffer(buffer);
}

void
extent_read(Extent extent, BlockNumber place, uint64 offset, void *out, Size size)
{
	char	   *to = out;

	while (size > 0)
	{
		Size		start = offset % PAYLOAD_SIZE;
		Size		part = Min(size, PAYLOAD_SIZE - start);

		read_page(extent, place + (BlockNumber) (offset / PAYLOAD_SIZE), PAYLOAD_START + start, to,
				  part);
		to += part;
		offset += part;
		size -= part;
	}
}

void
extent_reader_begin(ExtentReader *reader, Extent extent, BlockNumber start)
{
	reader->extent = extent;
	reader->start = start;
	reader->place = InvalidBlockNumber;
	reader->scratch = NULL;
	reader->room = 0;
}

const char *
extent_reader_get(ExtentReader *reader, uint64 offset, Size size)
{
	BlockNumber place = reader->start + (BlockNumber) (offset / PAYLOAD_SIZE);
	Size		start = offset % PAYLOAD_SIZE;

	if (start + size > PAYLOAD_SIZE)
	{
		if (size > reader->room)
		{
			reader->scratch = reader->scratch ? repalloc(reader->scratch, size) : palloc(size);
			reader->room = size;
		}
		extent_read(reader->extent, reader->start, offset, reader->scratch, size);
		return reader->scratch;
	}
	if (place != reader->place)
	{
		extent_read_page(reader->extent, place, reader->copy.data);
		reader->place = place;
	}
	return BlockGetPayload(reader->copy.data) + start;
}

void
extent_writer_begin(ExtentWriter *writer, Extent extent)
{
	writer->extent = extent;
	writer->kind = 0;
	writer->used = PAYLOAD_SIZE;
}

/* Copies a page to the buffer of a place and logs it, in one critical section. */
static void
put_page(const Extent *extent, BlockNumber place, Page page)
{
	Buffer		buffer;

	if (place >= extent->blocks)
		elog(ERROR, "block %u is beyond the extent of segment %u", place, extent->uid);
	buffer = ReadBufferExtended(extent->index, MAIN_FORKNUM, extent_block(extent, place),
								RBM_ZERO_AND_LOCK, NULL);
	START_CRIT_SECTION();
	memcpy(BufferGetPage(buffer), page, BLCKSZ);
	MarkBufferDirty(buffer);
	if (RelationNeedsWAL(extent->index))
		log_newpage_buffer(buffer, true);
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
}

void
extent_copy_block(Extent from, Extent to, BlockNumber place, bool empty)
{
	PGAlignedBlock copy;

	extent_read_page(from, place, copy.data);
	if (empty)
		memset(BlockGetPayload(copy.data), 0, PAYLOAD_SIZE);
	extent_put_page(to, place, copy.data);
}

void
extent_put_page(Extent extent, BlockNumber place, Page page)
{
	BlockGetHeader(page)->uid = extent.uid;
	BlockGetHeader(page)->place = place;
	put_page(&extent, place, page);
}

static void
write_page(ExtentWriter *writer)
{
	/* tombstones are set anywhere in their blocks */
	if (writer->kind != BLOCK_TOMBSTONES)
		((PageHeader) writer->page.data)->pd_lower = (LocationIndex) (PAYLOAD_START +
																	  writer->filled);
	put_page(&writer->extent, writer->place, writer->page.data);
}

static void
begin_page(ExtentWriter *writer, BlockNumber place)
{
	CHECK_FOR_OTHERS();
	writer->place = place;
	writer->used = 0;
	writer->filled = 0;
	extent_init_page(writer->page.data, writer->extent.uid, place, writer->kind);
}

void
extent_writer_seek(ExtentWriter *writer, BlockNumber place, BlockKind kind)
{
	extent_writer_end(writer);
	writer->kind = kind;
	begin_page(writer, place);
}

/* Writes a full page, and begins the next one. */
static void
end_full_page(ExtentWriter *writer)
{
	if (writer->used < PAYLOAD_SIZE)
		return;
	write_page(writer);
	begin_page(writer, writer->place + 1);
}

void
extent_writer_put(ExtentWriter *writer, const void *data, Size size)
{
	const char *from = data;

	while (size > 0)
	{
		Size		part;

		end_full_page(writer);
		part = Min(size, PAYLOAD_SIZE - writer->used);
		memcpy(BlockGetPayload(writer->page.data) + writer->used, from, part);
		writer->used += part;
		writer->filled = writer->used;
		from += part;
		size -= part;
	}
}

void
extent_writer_skip(ExtentWriter *writer, uint64 size)
{
	while (size > 0)
	{
		Size		part;

		end_full_page(writer);
		part = (Size) Min(size, PAYLOAD_SIZE - writer->used);
		writer->used += part;
		size -= part;
	}
}

void
extent_writer_keep_whole(ExtentWriter *writer, Size size)
{
	if (PAYLOAD_SIZE - writer->used < size)
		writer->used = PAYLOAD_SIZE;
}

void
extent_writer_end(ExtentWriter *writer)
{
	if (writer->kind != 0)
		write_page(writer);
	writer->kind = 0;
	writer->used = PAYLOAD_SIZE;
}
