/*
 * moved.h - where the rows of replaced segments went, and which of them have died since
 *
 * Rows that VACUUM finds dead in an input get their tombstones in the output, too.  The tombstones
 * that an input had at the last pass are remembered, so that the time of a pass depends on the
 * number of new ones: the last pass, under block 0's exclusive lock, finds few.
 */
#ifndef VECTOR_SEGMENT_MOVED_H
#define VECTOR_SEGMENT_MOVED_H

#include "segment/format.h"

#include "utils/rel.h"

/* Where a row of an input went. */
typedef struct MovedRow
{
	uint32		input;			/* position among the inputs */
	uint32		row;
	uint32		output;			/* position among the outputs */
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
	SeenTombstones *seen;		/* by input */
} MovedRows;

/* Prepares for rows of inputs that are closed to appends; uses the current memory context. */
extern void moved_init(MovedRows *moved, Relation index, const SegmentEntry *inputs,
					   int input_count);

/* Records that a row was moved; rows come in order. */
extern MovedRow *moved_add(MovedRows *moved, uint32 input, uint32 row);

/*
 * Sets tombstones in the outputs for moved rows that have died since the last pass, or since they
 * were moved.  Returns their number.
 */
extern uint64 moved_bury(MovedRows *moved, const SegmentEntry *outputs);

#endif							/* VECTOR_SEGMENT_MOVED_H */
