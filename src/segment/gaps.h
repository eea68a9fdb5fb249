/*
 * gaps.h - the free space of an index: the parts of the file that its extents leave
 *
 * These functions work on a directory's entries; none of them reads the index.
 */
#ifndef VECTOR_SEGMENT_GAPS_H
#define VECTOR_SEGMENT_GAPS_H

#include "pg_compat.h"

#include "segment/format.h"

/* For qsort of entries: by first block, by uid, by number of rows. */
extern int	segment_compare_place(const void *a, const void *b);
extern int	segment_compare_age(const void *a, const void *b);
extern int	segment_compare_rows(const void *a, const void *b);

/*
 * A palloc'd copy of the entries in the order of their first blocks, as the other functions need
 * them.
 */
extern SegmentEntry *gaps_sort(const SegmentEntry *entries, uint32 count);

/*
 * The first or the last place for an extent in the first gap that is large enough;
 * InvalidBlockNumber if there is none.  Growing segments, which do not move, take the first place,
 * sealed ones the last, so that they can move away for larger ones behind them.
 */
extern BlockNumber gaps_find(const SegmentEntry *sorted, uint32 count, uint32 blocks);
extern BlockNumber gaps_find_upper(const SegmentEntry *sorted, uint32 count, uint32 blocks);

/* The first block after all extents. */
extern BlockNumber gaps_end(const SegmentEntry *sorted, uint32 count);

/*
 * Whether an extent of this many blocks can be made without the file becoming much longer than its
 * contents: it fits into a gap, or the gaps are small.  For this purpose retired extents are
 * neither contents nor gaps.
 */
extern bool gaps_have_room(const SegmentEntry *sorted, uint32 count, uint32 blocks);

/*
 * Finds a sealed segment to move, and the block to move it to, such that this move and those found
 * by further calls make room for an extent of this many blocks, or at least leave less in its way.
 * The moves copy at most twice as many blocks.  Returns false if no move helps.
 */
extern bool gaps_find_move(const SegmentEntry *sorted, uint32 count, uint32 blocks,
						   SegmentEntry *move, BlockNumber *to);

#endif							/* VECTOR_SEGMENT_GAPS_H */
