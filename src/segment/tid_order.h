/*
 * tid_order.h - the rows of a sealed segment in the order of the table
 */
#ifndef VECTOR_SEGMENT_TID_ORDER_H
#define VECTOR_SEGMENT_TID_ORDER_H

#include "segment/cache.h"
#include "segment/tid_set.h"

typedef struct TidOrder
{
	uint32		count;			/* of pages of the table that have rows of the segment */
	BlockNumber *blocks;
	uint32	   *starts;			/* of each page, and the number of rows */
	OffsetNumber *offsets;		/* of each row, and its number */
	uint32	   *rows;
} TidOrder;

/*
 * The order of a segment that is held, which keeps it from then on.  NULL when it is asked for the
 * first time, because to make it costs several times as much as to look at every row once; and if
 * it would take too much of the cache.
 */
extern const TidOrder *tid_order_of(CachedSegment *segment, Relation index);

/*
 * Sets the bits of those rows of the segment that are in a set of TIDs.  The work is that of the
 * set's rows, however many the segment has.
 */
extern void tid_order_select(const TidOrder *order, const TidSet *set, uint8 *bits);

#endif							/* VECTOR_SEGMENT_TID_ORDER_H */
