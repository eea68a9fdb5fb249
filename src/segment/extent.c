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
	Buffer		buffer = ReadBuffer(extent.index, extent_block(&extent, place));

	LockBuffer(buffer, lock);
	extent_check_page(&extent, place, BufferGetPage(buffer));
	return buffer;
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
		Buffer		buffer = extent_lock(extent, place + (BlockNumber) (offset / PAYLOAD_SIZE),
										 BUFFER_LOCK_SHARE);

		memcpy(to, BlockGetPayload(BufferGetPage(buffer)) + start, part);
		UnlockReleaseBuffer(buffer);
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
		Buffer		buffer = extent_lock(reader->extent, place, BUFFER_LOCK_SHARE);

		memcpy(reader->copy.data, BufferGetPage(buffer), BLCKSZ);
		UnlockReleaseBuffer(buffer);
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
	Buffer		buffer = ReadBuffer(from.index, extent_block(&from, place));

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	memcpy(copy.data, BufferGetPage(buffer), BLCKSZ);
	UnlockReleaseBuffer(buffer);
	BlockGetHeader(copy.data)->uid = to.uid;
	if (empty)
		memset(BlockGetPayload(copy.data), 0, PAYLOAD_SIZE);
	put_page(&to, place, copy.data);
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
