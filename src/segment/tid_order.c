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

/* The bytes of a page and of a row in the order, and what they may take in all. */
#define PAGE_BYTES	(sizeof(BlockNumber) + sizeof(uint32))
#define ROW_BYTES	(sizeof(OffsetNumber) + sizeof(uint32))
#define MOST_BYTES	(CACHE_SIZE / 2)

/* Pages of a set that are found at once, and rows' numbers in a line of the caches. */
#define PAGES_AHEAD	16
#define ROWS_A_LINE	(64 / sizeof(uint32))

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

static inline BlockNumber
block_of(const SortRow *row)
{
	return (BlockNumber) (row->tag >> 16);
}

/* The number of different pages of sorted rows. */
static uint32
count_pages(const SortRow *rows, uint32 count)
{
	uint32		pages = 0;

	for (uint32 i = 0; i < count; i++)
		pages += i == 0 || block_of(&rows[i]) != block_of(&rows[i - 1]);
	return pages;
}

static TidOrder *
make_order(const SortRow *rows, uint32 count, uint32 pages)
{
	TidOrder   *order = palloc(sizeof(TidOrder));

	*order = (TidOrder) {
		.blocks = palloc_extended(Max(pages, 1) * sizeof(BlockNumber), MCXT_ALLOC_HUGE),
		.starts = palloc_extended(((Size) pages + 1) * sizeof(uint32), MCXT_ALLOC_HUGE),
		.offsets = palloc_extended(Max(count, 1) * sizeof(OffsetNumber), MCXT_ALLOC_HUGE),
		.rows = palloc_extended(Max(count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE)
	};
	for (uint32 i = 0; i < count; i++)
	{
		if (i == 0 || block_of(&rows[i]) != order->blocks[order->count - 1])
		{
			order->starts[order->count] = i;
			order->blocks[order->count++] = block_of(&rows[i]);
		}
		order->offsets[i] = (OffsetNumber) rows[i].tag;
		order->rows[i] = rows[i].number;
	}
	order->starts[order->count] = count;
	return order;
}

const TidOrder *
tid_order_of(CachedSegment *segment, Relation index)
{
	const SealedHeader *header = &segment->header;
	MemoryContext old;
	SortRow    *rows;
	uint32		pages;

	if (segment->by_tid)
		return segment->by_tid;
	if (!segment->by_tid_wanted || segment->by_tid_refused ||
		header->rows > MOST_BYTES / ROW_BYTES)
	{
		segment->by_tid_wanted = true;
		return NULL;
	}
	rows = sort_rows(cached_extent(&segment->part, index), header);
	pages = count_pages(rows, header->rows);
	segment->by_tid_refused =
		(uint64) pages * PAGE_BYTES + (uint64) header->rows * ROW_BYTES > MOST_BYTES;
	if (!segment->by_tid_refused)
	{
		old = MemoryContextSwitchTo(segment->part.context);
		segment->by_tid = make_order(rows, header->rows, pages);
		MemoryContextSwitchTo(old);
		cache_count(&segment->part);
	}
	pfree(rows);
	return segment->by_tid;
}

/* The first page from `from` on with this block or one after it; fast if that is near. */
static uint32
find_page(const TidOrder *order, uint32 from, BlockNumber block)
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

/* Sets the bits of those rows of a page of the order that are in a page of a set. */
static void
select_rows(const TidOrder *order, uint32 number, const TidSet *set, const TidPage *page,
			uint8 *bits)
{
	const OffsetNumber *offset = set->offsets + page->first;
	const OffsetNumber *end = offset + page->count;

	for (uint32 i = order->starts[number]; i < order->starts[number + 1]; i++)
	{
		while (offset < end && *offset < order->offsets[i])
			offset++;
		if (!page->lossy && offset == end)
			break;
		if (page->lossy || *offset == order->offsets[i])
			bits_set(bits, order->rows[i]);
	}
}

/* Pages are found before their rows are looked at, which are fetched into the caches meanwhile. */
void
tid_order_select(const TidOrder *order, const TidSet *set, uint8 *bits)
{
	uint32		numbers[PAGES_AHEAD];
	uint32		number = 0;

	for (uint32 p = 0; p < set->count && number < order->count; p += PAGES_AHEAD)
	{
		const TidPage *pages = &set->pages[p];
		uint32		n = Min(set->count - p, PAGES_AHEAD);

		for (uint32 i = 0; i < n; i++)
		{
			number = numbers[i] = find_page(order, number, pages[i].block);
			__builtin_prefetch(order->offsets + order->starts[number]);
			__builtin_prefetch(order->rows + order->starts[number]);
			__builtin_prefetch(order->rows + order->starts[number] + ROWS_A_LINE);
		}
		for (uint32 i = 0; i < n; i++)
			if (numbers[i] < order->count && order->blocks[numbers[i]] == pages[i].block)
				select_rows(order, numbers[i], set, &pages[i], bits);
	}
}
