/*
 * tid_order.c - the rows of a sealed segment in the order of the table
 */
#include "segment/tid_order.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "attribute/bits.h"
#include "segment/sealed.h"

/* A row while rows are sorted. */
typedef struct SortRow
{
	uint64		tag;			/* of its TID */
	uint32		number;
} SortRow;

/* The bytes of a row in the order, and what that may take. */
#define ROW_BYTES	(sizeof(BlockNumber) + sizeof(OffsetNumber) + sizeof(uint32))
#define MOST_BYTES	(CACHE_SIZE / 2)

#define DIGIT_BITS	8
#define DIGITS		(1 << DIGIT_BITS)

static SortRow *
allocate(uint32 count)
{
	return palloc_extended(Max(count, 1) * sizeof(SortRow), MCXT_ALLOC_HUGE);
}

static void
read_rows(Extent extent, const SealedHeader *header, SortRow *sorted)
{
	SealedRow  *rows = palloc(SEALED_ROWS * sizeof(SealedRow));

	for (uint32 first = 0; first < header->rows; first += SEALED_ROWS)
	{
		uint32		n = sealed_read_rows(extent, header, first, rows);

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < n; i++)
			sorted[first + i] = (SortRow) {tag_from_tid(&rows[i].tid), first + i};
	}
	pfree(rows);
}

/* Sorts by one digit of the tags, in a stable way; returns false if it is the same in all rows. */
static bool
sort_by_digit(const SortRow *rows, SortRow *sorted, uint32 count, int shift)
{
	uint32		places[DIGITS] = {0};
	uint32		place = 0;

	for (uint32 i = 0; i < count; i++)
		places[rows[i].tag >> shift & (DIGITS - 1)]++;
	for (int digit = 0; digit < DIGITS; digit++)
	{
		uint32		n = places[digit];

		if (n == count)
			return false;
		places[digit] = place;
		place += n;
	}
	for (uint32 i = 0; i < count; i++)
		sorted[places[rows[i].tag >> shift & (DIGITS - 1)]++] = rows[i];
	return true;
}

/* Reads the rows of a segment and sorts them. */
static SortRow *
sort_rows(Extent extent, const SealedHeader *header)
{
	SortRow    *rows = allocate(header->rows);
	SortRow    *other = allocate(header->rows);

	read_rows(extent, header, rows);
	for (int shift = 0; shift < 48; shift += DIGIT_BITS)
	{
		CHECK_FOR_INTERRUPTS();
		if (sort_by_digit(rows, other, header->rows, shift))
		{
			SortRow    *unsorted = rows;

			rows = other;
			other = unsorted;
		}
	}
	pfree(other);
	return rows;
}

static TidOrder *
make_order(const SortRow *rows, uint32 count)
{
	TidOrder   *order = palloc(sizeof(TidOrder));

	*order = (TidOrder) {
		.count = count,
		.blocks = palloc_extended(Max(count, 1) * sizeof(BlockNumber), MCXT_ALLOC_HUGE),
		.offsets = palloc_extended(Max(count, 1) * sizeof(OffsetNumber), MCXT_ALLOC_HUGE),
		.rows = palloc_extended(Max(count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE)
	};
	for (uint32 i = 0; i < count; i++)
	{
		order->blocks[i] = (BlockNumber) (rows[i].tag >> 16);
		order->offsets[i] = (OffsetNumber) rows[i].tag;
		order->rows[i] = rows[i].number;
	}
	return order;
}

const TidOrder *
tid_order_of(CachedSegment *segment, Relation index)
{
	const SealedHeader *header = &segment->header;
	MemoryContext old;
	SortRow    *rows;

	if (!segment->by_tid_wanted || header->rows > MOST_BYTES / ROW_BYTES)
	{
		segment->by_tid_wanted = true;
		return NULL;
	}
	if (segment->by_tid)
		return segment->by_tid;
	rows = sort_rows(cached_extent(&segment->part, index), header);
	old = MemoryContextSwitchTo(segment->part.context);
	segment->by_tid = make_order(rows, header->rows);
	MemoryContextSwitchTo(old);
	pfree(rows);
	cache_count(&segment->part);
	return segment->by_tid;
}

/* The first row from `from` on that is in this block or after it; fast if that is near. */
static uint32
find_block(const TidOrder *order, uint32 from, BlockNumber block)
{
	uint64		step = 1;
	uint32		low = from;
	uint32		high;

	while (low + step < order->count && order->blocks[low + step] < block)
	{
		low += step;
		step *= 2;
	}
	high = (uint32) Min(low + step, order->count);
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (order->blocks[middle] < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
tid_order_select(const TidOrder *order, const TidSet *set, uint8 *bits)
{
	uint32		i = 0;

	for (uint32 p = 0; p < set->count && i < order->count; p++)
	{
		const TidPage *page = &set->pages[p];
		const OffsetNumber *offset = set->offsets + page->first;
		const OffsetNumber *end = offset + page->count;

		for (i = find_block(order, i, page->block);
			 i < order->count && order->blocks[i] == page->block; i++)
		{
			while (offset < end && *offset < order->offsets[i])
				offset++;
			if (page->lossy || (offset < end && *offset == order->offsets[i]))
				bits_set(bits, order->rows[i]);
		}
	}
}
