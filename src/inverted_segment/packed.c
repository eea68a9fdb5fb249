/*
 * packed.c - reading the packed lists of a segment
 */
#include "inverted_segment/packed.h"

#include "text/number.h"

/* Bytes of the head of a list that are read at first, and the most that it has for a window. */
#define FIRST_BYTES		128
#define WINDOW_BYTES	(3 * NUMBER_ROOM + 1)

/* The rest of a chunk takes less than this. */
#define REST_BYTES		(8 * PACKED_BLOCK)

static void
bad_lists(const SealedScan *scan)
{
	sealed_damaged(scan->index, "The lists of segment %u are wrong.", scan->segment->part.uid);
}

void
packed_load(CachedSegment *segment, Relation index)
{
	const SealedHeader *header = &segment->header;
	const SealedPacked *packed = &header->packed;
	Extent		extent = cached_extent(&segment->part, index);
	PackedLengths *lengths = MemoryContextAllocHuge(CurrentMemoryContext,
													offsetof(PackedLengths, of_row) +
													header->rows);
	Size		size = sizeof(LengthClass) * packed->classes;

	if (packed->classes == 0 || packed->classes > LENGTH_CLASSES || packed->scale == 0)
		sealed_damaged(index, "Segment %u has %u classes of lengths.", segment->part.uid,
					   packed->classes);
	memset(lengths, 0, offsetof(PackedLengths, of_row));
	extent_read(extent, packed->lengths, 0, lengths->classes, size);
	extent_read(extent, packed->lengths, size, lengths->of_row, header->rows);
	segment->loaded = lengths;
}

/* The bytes that lists may have from a place on. */
static uint64
bytes_left(const SealedScan *scan, uint64 place)
{
	uint64		all = (uint64) scan->segment->header.packed.list_blocks * PAYLOAD_SIZE;

	return place < all ? all - place : 0;
}

/* Copies bytes of lists, which must be there. */
static void
read_bytes(SealedScan *scan, uint64 place, void *out, Size size)
{
	BlockNumber lists = scan->segment->header.packed.lists;
	char	   *to = out;

	while (size > 0)
	{
		Size		start = place % PAYLOAD_SIZE;
		Size		part = Min(size, PAYLOAD_SIZE - start);
		BlockToken	token;
		const char *payload = sealed_open_block(scan, lists + (BlockNumber) (place / PAYLOAD_SIZE),
												&token);

		memcpy(to, payload + start, part);
		block_close(&scan->reader, &token);
		to += part;
		place += part;
		size -= part;
	}
}

/* Reads the head of one window; false if it is damaged. */
static bool
read_head(const unsigned char **p, const unsigned char *end, uint32 windows, PackedChunk *chunk)
{
	uint64		gap;
	uint64		count;
	uint64		size;

	if (!number_get(p, end, windows - 1 - chunk->window, &gap) ||
		!number_get(p, end, INVERTED_WINDOW, &count) || count == 0 || *p == end)
		return false;
	chunk->window += (uint32) gap;
	chunk->count = (uint32) count;
	chunk->largest = *(*p)++;
	if (!number_get(p, end, packed_room(chunk->count), &size) ||
		size < count / PACKED_BLOCK * sizeof(PackedEntry))
		return false;
	chunk->size = (uint32) size;
	return true;
}

PackedChunk *
packed_read_chunks(SealedScan *scan, uint64 place, uint32 *count, uint64 *end)
{
	const SealedHeader *header = &scan->segment->header;
	uint32		windows = (uint32) (((uint64) header->rows + INVERTED_WINDOW - 1) /
									INVERTED_WINDOW);
	unsigned char first[FIRST_BYTES];
	unsigned char *bytes = first;
	Size		size = Min(bytes_left(scan, place), sizeof(first));
	const unsigned char *p = bytes;
	PackedChunk *chunks;
	PackedChunk next = {0};
	uint64		n;

	read_bytes(scan, place, bytes, size);
	if (!number_get(&p, bytes + size, windows, &n) || n == 0)
		bad_lists(scan);
	if (NUMBER_ROOM + n * WINDOW_BYTES > sizeof(first))
	{
		size = Min(bytes_left(scan, place), NUMBER_ROOM + n * WINDOW_BYTES);
		bytes = palloc(size);
		read_bytes(scan, place, bytes, size);
		p = bytes;
		(void) number_get(&p, bytes + size, windows, &n);
	}
	chunks = palloc_array(PackedChunk, n);
	*count = (uint32) n;
	for (uint64 i = 0; i < n; i++)
	{
		if (next.window >= windows || !read_head(&p, bytes + size, windows, &next))
			bad_lists(scan);
		chunks[i] = next;
		next.window++;
	}
	place += p - bytes;
	for (uint64 i = 0; i < n; i++)
	{
		chunks[i].place = place;
		place += chunks[i].size;
		if (bytes_left(scan, chunks[i].place) < chunks[i].size)
			bad_lists(scan);
	}
	if (bytes != first)
		pfree(bytes);
	if (end)
		*end = place;
	return chunks;
}

void
packed_begin(PackedReader *reader, SealedScan *scan, const PackedChunk *chunk)
{
	Size		size = chunk->count / PACKED_BLOCK * sizeof(PackedEntry);

	reader->scan = scan;
	reader->chunk = *chunk;
	reader->rows_in_window = Min(INVERTED_WINDOW, scan->segment->header.rows -
								 chunk->window * INVERTED_WINDOW);
	read_bytes(scan, chunk->place, reader->entries, size);
	reader->block = 0;
	reader->place = chunk->place + size;
	reader->next = 0;
	reader->passed = 0;
}

/* Reads a block in place, or a copy of it if it continues in the next block of the segment. */
static bool
read_block(PackedReader *reader, const PackedEntry *entry)
{
	SealedScan *scan = reader->scan;
	uint32		size = packed_block_size(entry);
	Size		start = reader->place % PAYLOAD_SIZE;
	unsigned char copy[PACKED_BLOCK / 8 * (16 + 32)];
	BlockToken	token;
	const char *payload;
	bool		sound;

	if (size > sizeof(copy) || entry->last >= reader->rows_in_window ||
		reader->place + size > reader->chunk.place + reader->chunk.size)
		return false;
	if (start + size > PAYLOAD_SIZE)
	{
		read_bytes(scan, reader->place, copy, size);
		return packed_read_block(entry, copy, reader->next, reader->rows, reader->frequencies);
	}
	payload = sealed_open_block(scan, scan->segment->header.packed.lists +
								(BlockNumber) (reader->place / PAYLOAD_SIZE), &token);
	sound = packed_read_block(entry, (const unsigned char *) payload + start, reader->next,
							  reader->rows, reader->frequencies);
	block_close(&scan->reader, &token);
	return sound;
}

static bool
read_rest(PackedReader *reader)
{
	uint64		end = reader->chunk.place + reader->chunk.size;
	unsigned char bytes[REST_BYTES];
	Size		size = (Size) (end - reader->place);

	if (reader->place > end || size > sizeof(bytes))
		return false;
	read_bytes(reader->scan, reader->place, bytes, size);
	return packed_read_rest(bytes, size, reader->next, reader->count, reader->rows,
							reader->frequencies) &&
		reader->rows[reader->count - 1] < reader->rows_in_window;
}

bool
packed_next(PackedReader *reader, uint32 row)
{
	const uint32 blocks = reader->chunk.count / PACKED_BLOCK;
	const PackedEntry *entry = &reader->entries[reader->block];

	for (; reader->block < blocks && entry->last < row; entry++)
	{
		reader->place += packed_block_size(entry);
		reader->next = (uint32) entry->last + 1;
		reader->passed += PACKED_BLOCK;
		reader->block++;
	}
	if (reader->block < blocks)
	{
		reader->count = PACKED_BLOCK;
		reader->most = packed_most(entry);
		if (!read_block(reader, entry))
			bad_lists(reader->scan);
		reader->place += packed_block_size(entry);
		reader->next = (uint32) entry->last + 1;
	}
	else
	{
		reader->count = reader->chunk.count % PACKED_BLOCK;
		if (reader->block > blocks || reader->count == 0)
			return false;
		if (!read_rest(reader))
			bad_lists(reader->scan);
		reader->most = 0;
		for (uint32 i = 0; i < reader->count; i++)
			reader->most |= reader->frequencies[i];
	}
	reader->block++;
	reader->passed += reader->count;
	return true;
}
