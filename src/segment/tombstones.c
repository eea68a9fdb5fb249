/*
 * tombstones.c - dead rows of sealed segments
 */
#include "segment/tombstones.h"

#include "access/generic_xlog.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "segment/growing.h"
#include "segment/sealed.h"
#include "segment/wait_point.h"

static void
read_header(Relation index, const SegmentEntry *entry, SealedHeader *header)
{
	extent_read_header(extent_of(index, entry), BLOCK_SEALED_HEADER, header, sizeof(*header));
}

void
sealed_write_tombstones(ExtentWriter *writer, const SealedHeader *header)
{
	TombstoneHeader none = {0, 0};

	extent_writer_put(writer, &none, sizeof(none));
	extent_writer_skip(writer, header->rows / 8 + 1);
}

uint32
sealed_dead(Relation index, const SegmentEntry *entry)
{
	SealedHeader header;
	TombstoneHeader tombstones;

	read_header(index, entry, &header);
	extent_read(extent_of(index, entry), header.tombstones, 0, &tombstones, sizeof(tombstones));
	return tombstones.dead;
}

uint64
segment_count(Relation index, const SegmentEntry *entry, uint32 *dead)
{
	if (entry->kind == SEGMENT_GROWING)
		return growing_count(index, entry, dead);
	*dead = sealed_dead(index, entry);
	return entry->rows;
}

uint32
segment_tombstone_changes(Relation index, const SegmentEntry *entry)
{
	return entry->kind == SEGMENT_GROWING ? growing_burials(index, entry) :
		sealed_dead(index, entry);
}

/* Allocates a bit for each row. */
static uint8 *
make_bits(uint32 rows, Size *size)
{
	*size = TYPEALIGN(TOMBSTONES_ALIGN, rows / 8 + 1);
	return MemoryContextAllocExtended(CurrentMemoryContext, *size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static void
set_if_dead(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	uint8	   *bits = arg;

	bits[number / 8] |= dead << (number % 8);
}

static uint8 *
read_tombstones(Relation index, const SegmentEntry *entry, const SealedHeader *header, Size *size)
{
	uint8	   *bits = make_bits(header->rows, size);

	extent_read(extent_of(index, entry), header->tombstones, sizeof(TombstoneHeader), bits,
				header->rows / 8 + 1);
	return bits;
}

uint8 *
segment_tombstones(Relation index, const SegmentEntry *entry, Size *size)
{
	SealedHeader header;
	uint8	   *bits;

	if (entry->kind == SEGMENT_GROWING)
	{
		bits = make_bits(growing_rows(index, entry), size);
		growing_each_row(index, NULL, entry, 0, set_if_dead, bits);
		return bits;
	}
	read_header(index, entry, &header);
	return read_tombstones(index, entry, &header, size);
}

/*
 * In one record, sets the bits of rows that are in one block, and counts them in the first block.
 */
static void
bury_in_block(Extent extent, BlockNumber tombstones, uint32 place, const uint32 *rows, uint64 n)
{
	Buffer		first = extent_lock(extent, tombstones, BUFFER_LOCK_EXCLUSIVE);
	Buffer		buffer = place == 0 ? first :
		extent_lock(extent, tombstones + place, BUFFER_LOCK_EXCLUSIVE);
	GenericXLogState *state = GenericXLogStart(extent.index);
	Page		first_page = GenericXLogRegisterBuffer(state, first, 0);
	Page		page = place == 0 ? first_page : GenericXLogRegisterBuffer(state, buffer, 0);
	TombstoneHeader *header = (TombstoneHeader *) BlockGetPayload(first_page);

	for (uint64 i = 0; i < n; i++)
	{
		uint64		byte = sizeof(TombstoneHeader) + rows[i] / 8;
		uint8	   *bits = (uint8 *) BlockGetPayload(page) + byte % PAYLOAD_SIZE;
		uint8		bit = 1 << (rows[i] % 8);

		if (!(*bits & bit))
			header->dead++;
		*bits |= bit;
	}
	GenericXLogFinish(state);
	if (place != 0)
		UnlockReleaseBuffer(buffer);
	UnlockReleaseBuffer(first);
}

void
sealed_bury(Relation index, const SegmentEntry *entry, const uint32 *rows, uint64 n)
{
	SealedHeader header;

	read_header(index, entry, &header);
	while (n > 0)
	{
		uint32		place = (uint32) ((sizeof(TombstoneHeader) + rows[0] / 8) / PAYLOAD_SIZE);
		uint64		here = 1;

		while (here < n && (sizeof(TombstoneHeader) + rows[here] / 8) / PAYLOAD_SIZE == place)
			here++;
		bury_in_block(extent_of(index, entry), header.tombstones, place, rows, here);
		rows += here;
		n -= here;
	}
}

/* Likewise, if the segment is live. */
static bool
bury_if_live(Relation index, const SegmentEntry *entry, const uint32 *rows, uint64 n)
{
	Buffer		directory = directory_lock_if_live(index, entry);

	if (!BufferIsValid(directory))
		return false;
	sealed_bury(index, entry, rows, n);
	UnlockReleaseBuffer(directory);
	return true;
}

bool
sealed_vacuum(Relation index, const SegmentEntry *entry,
			  bool (*is_dead) (ItemPointer tid, void *arg), void *arg, uint64 *live,
			  uint64 *removed)
{
	SealedHeader header;
	uint8	   *tombstones;
	Size		size;
	SealedRow	rows[SEALED_ROWS];
	uint32		dead[SEALED_ROWS];

	read_header(index, entry, &header);
	tombstones = read_tombstones(index, entry, &header, &size);
	for (uint32 first = 0; first < header.rows; first += SEALED_ROWS)
	{
		uint32		n = sealed_read_rows(extent_of(index, entry), &header, first, rows);
		uint32		count = 0;

		for (uint32 i = 0; i < n; i++)
			if (tombstones[(first + i) / 8] >> ((first + i) % 8) & 1)
				continue;
			else if (is_dead(&rows[i].tid, arg))
				dead[count++] = first + i;
			else
				(*live)++;
		*removed += count;
		WAIT_POINT("bury");
		if (count > 0 && !bury_if_live(index, entry, dead, count))
		{
			pfree(tombstones);
			return false;
		}
		vacuum_delay_point_compat();
	}
	pfree(tombstones);
	return true;
}
