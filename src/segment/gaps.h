/*
 * gaps.h - the free space of an index: what its extents leave of the file
 *
 * Functions of a directory's entries; none of them looks at the index.
 */
#ifndef VECTOR_SEGMENT_GAPS_H
#define VECTOR_SEGMENT_GAPS_H

#include "pg_compat.h"

#include "segment/format.h"

/* For qsort of entries: by first block, by uid. */
extern int	segment_compare_place(const void *a, const void *b);
extern int	segment_compare_age(const void *a, const void *b);

/* A palloc'd copy of the entries by place, as the others want them. */
extern SegmentEntry *gaps_sort(const SegmentEntry *entries, uint32 count);

/*
 * The first or the last place for an extent in the first gap that is large enough;
 * InvalidBlockNumber if none is.  Growing segments, which do not move, take the first, sealed ones
 * the last: so they can leave the way of larger ones behind them.
 */
extern BlockNumber gaps_find(const SegmentEntry *sorted, uint32 count, uint32 blocks);
extern BlockNumber gaps_find_upper(const SegmentEntry *sorted, uint32 count, uint32 blocks);

/* The first block after all extents. */
extern BlockNumber gaps_end(const SegmentEntry *sorted, uint32 count);

/*
 * Whether an extent of so many blocks can be made without the file becoming much longer than what
 * is in it: it fits into a gap, or the gaps are few.  Retired extents are not in the file for that,
 * but gaps they are not either.
 */
extern bool gaps_have_room(const SegmentEntry *sorted, uint32 count, uint32 blocks);

/*
 * Finds which sealed segment to move, and to which block, so that after this move, and others that
 * the next calls find, there is room for an extent of so many blocks, or at least less is in the
 * way.  The moves are of no more than twice as many.  False if no move helps.
 */
extern bool gaps_find_move(const SegmentEntry *sorted, uint32 count, uint32 blocks,
						   SegmentEntry *move, BlockNumber *to);

#endif							/* VECTOR_SEGMENT_GAPS_H */
