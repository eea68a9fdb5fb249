/*
 * tiering.h - moving the cold blocks of sealed segments to an object store, and back
 *
 * A segment is replaced by a copy, as a merge replaces its inputs: until the flip the original is
 * searched, and after it as long as a snapshot may need it.  The object is complete, and has been
 * looked at, before the flip.  So whatever ends the process, either the original is in the
 * directory or the copy; what is left behind is a reservation, or an object that no directory
 * names.
 */
#ifndef VECTOR_SEGMENT_TIERING_H
#define VECTOR_SEGMENT_TIERING_H

#include "segment/method.h"

/* What the copy of a segment is to be. */
typedef struct SegmentCopy
{
	const SegmentJob *job;
	CachedSegment *input;
	BlockNumber to;				/* place of a copy that is to be moved, or InvalidBlockNumber */
	ExtentWhere where;			/* of the cold blocks of the copy, */
	Oid			server;			/* and to which store they go; or InvalidOid */
	SealedHeader header;		/* of the copy */
	uint32		blocks;			/* of the copy in the file */
	BlockNumber shared;			/* blocks before this are the same in both, but for tombstones */
} SegmentCopy;

/* Plans a copy of the job's only input. */
extern void copy_plan_move(SegmentCopy *copy, const SegmentJob *job, BlockNumber to);
extern void copy_plan_tier(SegmentCopy *copy, const SegmentJob *job, Oid server);
extern void copy_plan_untier(SegmentCopy *copy, const SegmentJob *job);

/* Writes it into a reserved extent, and completes its entry.  It has no tombstones yet. */
extern void copy_write(const SegmentCopy *copy, SegmentEntry *output);

/* Whether a segment in the file has blocks that can go to a store. */
extern bool tiering_is_possible(Relation index, const SegmentEntry *entry);

/* What is to be tiered: sealed segments of at least so many rows, made before a time. */
typedef struct TieringChoice
{
	Oid			server;
	uint64		min_rows;
	TimestampTz before;
} TieringChoice;

/*
 * Tiers one segment, the oldest that no other process has claimed and that is to be; or brings one
 * back into the file.  Returns the number of segments replaced.
 */
extern int	tiering_store_one(Relation index, const TieringChoice *choice);
extern int	tiering_restore_one(Relation index);

/* Whether there is one to be tiered. */
extern bool tiering_is_due(Relation index, const TieringChoice *choice);

#endif							/* VECTOR_SEGMENT_TIERING_H */
