/*
 * gaps.c - gaps between extents, and moves that close them
 */
#include "segment/gaps.h"

#include "storage/block.h"

/* Gaps may be one block in this many of those that would be in use. */
#define MAX_GAPS	16

/* Moves may copy at most this many times the blocks that room is needed for. */
#define MAX_MOVED	2

int
segment_compare_place(const void *a, const void *b)
{
	BlockNumber x = ((const SegmentEntry *) a)->first;
	BlockNumber y = ((const SegmentEntry *) b)->first;

	return x < y ? -1 : x > y;
}

int
segment_compare_age(const void *a, const void *b)
{
	uint32		x = ((const SegmentEntry *) a)->uid;
	uint32		y = ((const SegmentEntry *) b)->uid;

	return x < y ? -1 : x > y;
}

int
segment_compare_rows(const void *a, const void *b)
{
	uint64		x = ((const SegmentEntry *) a)->rows;
	uint64		y = ((const SegmentEntry *) b)->rows;

	return x < y ? -1 : x > y;
}

SegmentEntry *
gaps_sort(const SegmentEntry *entries, uint32 count)
{
	SegmentEntry *sorted = palloc(sizeof(SegmentEntry) * (count + 1));

	memcpy(sorted, entries, sizeof(SegmentEntry) * count);
	qsort(sorted, count, sizeof(SegmentEntry), segment_compare_place);
	return sorted;
}

/* The first block after extent i - 1; the directory is before all of them. */
static BlockNumber
end_before(const SegmentEntry *sorted, uint32 i)
{
	return i == 0 ? DIRECTORY_BLOCK + 1 : sorted[i - 1].first + sorted[i - 1].blocks;
}

/* The position of the first extent after a gap that is large enough, or count. */
static uint32
find_gap(const SegmentEntry *sorted, uint32 count, uint32 blocks)
{
	uint32		i = 0;

	while (i < count && sorted[i].first - end_before(sorted, i) < blocks)
		i++;
	return i;
}

BlockNumber
gaps_find(const SegmentEntry *sorted, uint32 count, uint32 blocks)
{
	uint32		i = find_gap(sorted, count, blocks);

	return i < count ? end_before(sorted, i) : InvalidBlockNumber;
}

BlockNumber
gaps_find_upper(const SegmentEntry *sorted, uint32 count, uint32 blocks)
{
	uint32		i = find_gap(sorted, count, blocks);

	return i < count ? sorted[i].first - blocks : InvalidBlockNumber;
}

BlockNumber
gaps_end(const SegmentEntry *sorted, uint32 count)
{
	return end_before(sorted, count);
}

bool
gaps_have_room(const SegmentEntry *sorted, uint32 count, uint32 blocks)
{
	uint64		used = DIRECTORY_BLOCK + 1;

	for (uint32 i = 0; i < count; i++)
		if (sorted[i].kind != SEGMENT_RETIRED)
			used += sorted[i].blocks;
	return gaps_find(sorted, count, blocks) != InvalidBlockNumber ||
		gaps_end(sorted, count) - used <= (used + blocks) / MAX_GAPS;
}

/* The lowest gap above an extent that has room for another extent; if there is none, the end. */
static BlockNumber
find_above(const SegmentEntry *sorted, uint32 count, uint32 i, uint32 blocks)
{
	for (uint32 k = i + 1; k < count; k++)
		if (sorted[k].first - end_before(sorted, k) >= blocks)
			return end_before(sorted, k);
	return gaps_end(sorted, count);
}

/* Whether an extent could move down if smaller segments directly below it moved away. */
static bool
is_held_up(const SegmentEntry *sorted, uint32 i)
{
	for (uint32 k = i; k > 0 && sorted[k - 1].kind == SEGMENT_SEALED &&
		 sorted[k - 1].blocks < sorted[i].blocks;)
		if (sorted[i].first - end_before(sorted, --k) >= sorted[i].blocks)
			return true;
	return false;
}

/* Finds the next largest sealed extent: it has fewer blocks, or as many and is before. */
static bool
next_largest(const SegmentEntry *sorted, uint32 count, uint32 *i)
{
	uint32		next = count;

	for (uint32 k = 0; k < count; k++)
		if (sorted[k].kind == SEGMENT_SEALED &&
			(*i == count || sorted[k].blocks < sorted[*i].blocks ||
			 (sorted[k].blocks == sorted[*i].blocks && k < *i)) &&
			(next == count || sorted[k].blocks >= sorted[next].blocks))
			next = k;
	*i = next;
	return next < count;
}

/* Finds a gap to move the last sealed extent into. */
static bool
move_last(const SegmentEntry *sorted, uint32 count, uint32 *which, BlockNumber *to)
{
	for (uint32 i = count; i-- > 0;)
		if (sorted[i].kind == SEGMENT_SEALED)
		{
			*which = i;
			*to = gaps_find(sorted, i + 1, sorted[i].blocks);
			return *to != InvalidBlockNumber;
		}
	return false;
}

/*
 * Finds a gap for the largest sealed extent that fits into one; or, if smaller segments are in the
 * way of an extent, a place above it for the one directly below.
 */
static bool
move_largest(const SegmentEntry *sorted, uint32 count, uint32 *which, BlockNumber *to)
{
	for (uint32 i = count; next_largest(sorted, count, &i);)
	{
		*which = i;
		*to = gaps_find(sorted, i + 1, sorted[i].blocks);
		if (*to != InvalidBlockNumber)
			return true;
		if (is_held_up(sorted, i))
		{
			*which = i - 1;
			*to = find_above(sorted, count, i, sorted[i - 1].blocks);
			return true;
		}
	}
	return false;
}

/*
 * Tries moves of one kind until there is room; the first of them is the result.  Moves of the last
 * extent copy least, and suffice if it fits into the gaps; each move of a large extent brings it
 * down for good.
 */
static bool
try_moves(const SegmentEntry *entries, uint32 count, uint32 blocks,
		  bool (*next_move) (const SegmentEntry *sorted, uint32 count, uint32 *which,
							 BlockNumber *to),
		  SegmentEntry *move, BlockNumber *to)
{
	SegmentEntry *sorted = gaps_sort(entries, count);
	uint64		moved = 0;
	bool		room = false;
	uint32		which;
	BlockNumber place;

	while (!room && next_move(sorted, count, &which, &place))
	{
		if (moved == 0)
		{
			*move = sorted[which];
			*to = place;
		}
		moved += sorted[which].blocks;
		if (moved > (uint64) blocks * MAX_MOVED)
			break;
		sorted[which].first = place;
		qsort(sorted, count, sizeof(SegmentEntry), segment_compare_place);
		room = gaps_have_room(sorted, count, blocks);
	}
	pfree(sorted);
	return room;
}

bool
gaps_find_move(const SegmentEntry *sorted, uint32 count, uint32 blocks, SegmentEntry *move,
			   BlockNumber *to)
{
	uint32		which;

	if (try_moves(sorted, count, blocks, move_last, move, to) ||
		try_moves(sorted, count, blocks, move_largest, move, to))
		return true;
	if (!move_last(sorted, count, &which, to) || sorted[which].blocks > blocks)
		return false;
	*move = sorted[which];
	return true;
}
