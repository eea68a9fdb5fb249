/*
 * row.h - a row of an index, on its way to a segment or from one
 *
 * Every property of a row that a segment stores is a field here: builds, merges and growing
 * segments pass a row on as one argument.
 */
#ifndef VECTOR_SEGMENT_ROW_H
#define VECTOR_SEGMENT_ROW_H

#include "pg_compat.h"

#include "storage/itemptr.h"

typedef struct SegmentRow
{
	ItemPointerData tid;
	const char *payload;		/* NULL if not asked for */
	Size		size;			/* of the payload, in bytes */

	/* of a payload that was stored lossily, as in its node; else 0 */
	float		error;			/* at most its distance from the vector that was indexed */
	float		scale;			/* see SealedNode */

	/*
	 * The record of the row's attributes (attribute/record.h); NULL if the index has none, or they
	 * are not asked for.  Builds and merges need none: see attributes.h.
	 */
	const char *attributes;
	Size		attributes_size;
} SegmentRow;

/* Called with the rows of a segment one by one, and their numbers in it. */
typedef void (*SegmentRowCallback) (void *arg, uint32 number, bool dead, const SegmentRow *row);

/*
 * Rows of a segment that a search leaves out, by number.  Every reason to leave out a row is a bit
 * here: that it is dead, or that it does not meet the conditions.
 */
typedef struct ExcludedRows
{
	const uint8 *bits;			/* a bit a row; NULL: none */
	uint32		count;			/* of bits that are set */
} ExcludedRows;

static inline bool
row_is_excluded(const ExcludedRows *excluded, uint32 row)
{
	return excluded->bits && (excluded->bits[row / 8] >> (row % 8) & 1);
}

/* A row that a search has found, as the table and the segment know it. */
typedef struct FoundRow
{
	ItemPointerData tid;
	uint32		number;
} FoundRow;

/* No row's number. */
#define NO_ROW	PG_UINT32_MAX

#endif							/* VECTOR_SEGMENT_ROW_H */
