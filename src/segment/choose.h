/*
 * choose.h - choosing the segments to replace
 */
#ifndef VECTOR_SEGMENT_CHOOSE_H
#define VECTOR_SEGMENT_CHOOSE_H

#include "segment/method.h"
#include "segment/seal.h"
#include "segment/tiering.h"

/* Prepares a job, in a memory context of its own, which is the current one until choose_end. */
extern void choose_begin(SegmentJob *job, Relation index, Relation heap);

/* Releases the claims on the inputs, and frees everything that belongs to the job. */
extern void choose_end(SegmentJob *job);

/*
 * Claims the oldest growing segments, as many as have max_rows rows together; none if those that
 * could be claimed have fewer than min_rows and none is in an old format.
 */
extern void choose_growing(SegmentJob *job, SealWait wait, uint64 min_rows, uint64 max_rows);

/* Claims sealed segments to be merged: all that were chosen, or none. */
extern void choose_sealed(SegmentJob *job, SealWait wait, SealMerge what);

/*
 * Claims a segment that should move to a block to make room for a merge of that kind, if the result
 * is ROOM_BY_MOVE and no other process has claimed it.
 */
extern DirectoryRoom choose_move(SegmentJob *job, SealMerge what, BlockNumber *to);

/* Claims the oldest segment that no other process has claimed and that is to be tiered; or is. */
extern void choose_to_store(SegmentJob *job, const TieringChoice *choice);
extern void choose_to_restore(SegmentJob *job);

/* Claims the segments without live rows, and closes the growing ones. */
extern void choose_empty(SegmentJob *job);

/* Whether one segment can be made of sealed ones within the memory, by a merge or by a build. */
extern bool segments_fit_memory(const SegmentJob *job, bool merged, const SegmentEntry *entries,
								int count);

#endif							/* VECTOR_SEGMENT_CHOOSE_H */
