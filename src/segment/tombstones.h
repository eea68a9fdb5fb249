/*
 * tombstones.h - dead rows of sealed segments, and the number of dead rows of any segment
 */
#ifndef VECTOR_SEGMENT_TOMBSTONES_H
#define VECTOR_SEGMENT_TOMBSTONES_H

#include "segment/directory.h"

/* Writes the tombstones of a new segment, which has no dead rows. */
extern void sealed_write_tombstones(ExtentWriter *writer, const SealedHeader *header);

/* The number of dead rows of a sealed segment. */
extern uint32 sealed_dead(Relation index, const SegmentEntry *entry);

/* The number of rows of a live segment of either kind, and of dead ones among them. */
extern uint64 segment_count(Relation index, const SegmentEntry *entry, uint32 *dead);

/* A number that changes with every change of tombstones, if the segment is closed to appends. */
extern uint32 segment_tombstone_changes(Relation index, const SegmentEntry *entry);

/*
 * The tombstones of such a segment, a bit for each row; palloc'd, *size bytes, a multiple of
 * TOMBSTONES_ALIGN.
 */
#define TOMBSTONES_ALIGN	8
extern uint8 *segment_tombstones(Relation index, const SegmentEntry *entry, Size *size);

/* Sets tombstones of n rows of a sealed segment, in ascending order. */
extern void sealed_bury(Relation index, const SegmentEntry *entry, const uint32 *rows, uint64 n);

/*
 * Sets tombstones of rows that the callback finds dead, as growing_vacuum does.
 */
extern bool sealed_vacuum(Relation index, const SegmentEntry *entry,
						  bool (*is_dead) (ItemPointer tid, void *arg), void *arg, uint64 *live,
						  uint64 *removed);

#endif							/* VECTOR_SEGMENT_TOMBSTONES_H */
