/*
 * seal.h - making sealed segments of growing ones, and of sealed ones with too many dead rows
 */
#ifndef VECTOR_SEGMENT_SEAL_H
#define VECTOR_SEGMENT_SEAL_H

#include "segment/directory.h"

typedef enum SealWait
{
	SEAL_IF_FREE,				/* not if another process is at it */
	SEAL_WAIT
} SealWait;

/*
 * Seals growing segments if they have at least min_rows rows in all, and rewrites sealed segments
 * with more than 20 % dead rows, together with smaller ones of their kind where there are several.
 * Returns the number of segments that were replaced.
 */
extern int	seal_index(Relation index, Relation heap, SealWait wait, uint64 min_rows);

/* Retires segments without live rows; returns how many. */
extern int	seal_retire_empty(Relation index);

/* Dead rows of a sealed segment. */
extern uint32 sealed_dead(Relation index, const SegmentEntry *entry);

/* Sets tombstones of n rows of a sealed segment, in ascending order. */
extern void sealed_bury(Relation index, const SegmentEntry *entry, const uint32 *rows, uint64 n);

/*
 * Sets tombstones of rows that the callback finds dead, as growing_vacuum does.
 */
extern bool sealed_vacuum(Relation index, const SegmentEntry *entry,
						  bool (*is_dead) (ItemPointer tid, void *arg), void *arg, uint64 *live,
						  uint64 *removed);

#endif							/* VECTOR_SEGMENT_SEAL_H */
