/*
 * code_groups.c - writing and reading codes of rows in groups
 */
#include "segment/code_groups.h"

#include "miscadmin.h"

#include "quantize/rabitq.h"

uint32
elements_per_block(Size size)
{
	Size		per = size > 0 ? PAYLOAD_SIZE / size : 0;

	return per * size < PAYLOAD_SIZE - PAYLOAD_SIZE / 4 ? 0 : (uint32) per;
}

uint32
elements_blocks(uint64 count, Size size, uint32 per_block)
{
	return count == 0 || size == 0 ? 0 : extent_blocks_for(count, size, per_block > 0);
}

void
code_writer_begin(CodeWriter *writer, Extent extent, CodeGroups groups)
{
	writer->groups = groups;
	writer->count = 0;
	writer->group = palloc0(groups.size);
	extent_writer_begin(&writer->extent, extent);
	extent_writer_seek(&writer->extent, groups.first, BLOCK_CODES);
}

void
code_writer_put(CodeWriter *writer, const RowCode *row)
{
	ListGroup  *group = writer->group;
	uint32		bits = (writer->groups.size - sizeof(ListGroup)) / CODE_GROUP * 8;

	group->a[writer->count] = row->a;
	group->b[writer->count] = row->b;
	group->error[writer->count] = row->error;
	rabitq_pack((uint8 *) (group + 1), writer->count, row->code, bits);
	if (++writer->count == CODE_GROUP)
		code_writer_flush(writer);
}

void
code_writer_flush(CodeWriter *writer)
{
	if (writer->count == 0)
		return;
	if (writer->groups.per_block > 0)
		extent_writer_keep_whole(&writer->extent, writer->groups.size);
	extent_writer_put(&writer->extent, writer->group, writer->groups.size);
	memset(writer->group, 0, writer->groups.size);
	writer->count = 0;
}

void
code_writer_end(CodeWriter *writer)
{
	code_writer_flush(writer);
	extent_writer_end(&writer->extent);
	pfree(writer->group);
}

void
code_reader_begin(CodeReader *reader, SealedScan *scan, CodeGroups groups)
{
	memset(reader, 0, sizeof(*reader));
	reader->scan = scan;
	reader->groups = groups;
	reader->open = InvalidBlockNumber;
}

static void
close_block(CodeReader *reader)
{
	if (block_is_open(&reader->token))
		block_close(&reader->scan->reader, &reader->token);
	reader->open = InvalidBlockNumber;
}

/* Copies a group that crosses blocks. */
static const ListGroup *
copy_group(CodeReader *reader, uint64 offset)
{
	if (reader->copy == NULL)
		reader->copy = palloc(reader->groups.size);
	for (Size done = 0; done < reader->groups.size;)
	{
		BlockToken	token;
		Size		start = offset % PAYLOAD_SIZE;
		Size		part = Min(reader->groups.size - done, PAYLOAD_SIZE - start);
		const char *payload = sealed_open_block(reader->scan, reader->groups.first +
												(BlockNumber) (offset / PAYLOAD_SIZE), &token);

		memcpy(reader->copy + done, payload + start, part);
		block_close(&reader->scan->reader, &token);
		done += part;
		offset += part;
	}
	return (const ListGroup *) reader->copy;
}

const ListGroup *
code_reader_get(CodeReader *reader, uint32 group)
{
	uint64		offset = elements_offset(group, reader->groups.size, reader->groups.per_block);
	BlockNumber place = (BlockNumber) (offset / PAYLOAD_SIZE);
	Size		start = offset % PAYLOAD_SIZE;
	bool		whole = start + reader->groups.size <= PAYLOAD_SIZE;

	if (!whole || place != reader->open)
	{
		close_block(reader);
		CHECK_FOR_INTERRUPTS();
	}
	if (!whole)
		return copy_group(reader, offset);
	if (place != reader->open)
		reader->payload = sealed_open_block(reader->scan, reader->groups.first + place,
											&reader->token);
	reader->open = place;
	return (const ListGroup *) (reader->payload + start);
}

void
code_reader_end(CodeReader *reader)
{
	close_block(reader);
	if (reader->copy)
		pfree(reader->copy);
}

void
code_reader_prefetch(const CodeReader *reader, uint32 group)
{
	uint64		offset = elements_offset(group, reader->groups.size, reader->groups.per_block);
	Size		left = reader->groups.size;

	while (left > 0)
	{
		Size		start = offset % PAYLOAD_SIZE;
		Size		part = Min(left, PAYLOAD_SIZE - start);

		block_prefetch_bytes(&reader->scan->reader, reader->groups.first +
							 (BlockNumber) (offset / PAYLOAD_SIZE), start, part, NULL);
		offset += part;
		left -= part;
	}
}
