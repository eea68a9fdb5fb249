/*
 * moved.h - where the rows of segments went that are being replaced, and which have died since
 *
 * Rows that VACUUM finds dead in an input get their tombstones in its output, too.  What an input
 * had when it was last looked at is remembered, so that a pass takes no longer than there are new
 * ones: the last, under block 0's exclusive lock, finds few.
 */
#ifndef VECTOR_SEGMENT_MOVED_H
#define VECTOR_SEGMENT_MOVED_H

#include "segment/format.h"

#include "utils/rel.h"

/* Where a row of an input went. */
typedef struct MovedRow
{
	uint32		input;			/* index of inputs */
	uint32		row;
	uint32		output;			/* index of outputs */
	uint32		number;
} MovedRow;

typedef struct SeenTombstones SeenTombstones;

typedef struct MovedRows
{
	Relation	index;
	const SegmentEntry *inputs;
	int			input_count;
	MovedRow   *rows;			/* in the order of inputs and their rows */
	uint64		count;
	uint64		room;
	SeenTombstones *seen;		/* of each input */
} MovedRows;

/* Prepares for rows of inputs that are not appended to; in the current memory context. */
extern void moved_init(MovedRows *moved, Relation index, const SegmentEntry *inputs,
					   int input_count);

/* Remembers that a row was moved; rows come in order. */
extern MovedRow *moved_add(MovedRows *moved, uint32 input, uint32 row);

/*
 * Sets tombstones in the outputs of the moved rows that have died since the last pass, or since
 * they were moved.  Returns how many there were.
 */
extern uint64 moved_bury(MovedRows *moved, const SegmentEntry *outputs);

#endif							/* VECTOR_SEGMENT_MOVED_H */
