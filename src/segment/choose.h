/*
 * choose.h - which segments are to be replaced
 */
#ifndef VECTOR_SEGMENT_CHOOSE_H
#define VECTOR_SEGMENT_CHOOSE_H

#include "segment/method.h"
#include "segment/seal.h"

/* Prepares a job, in a memory context of its own, which is the current one until choose_end. */
extern void choose_begin(SegmentJob *job, Relation index, Relation heap);

/* Lets the inputs go, and frees all that the job has. */
extern void choose_end(SegmentJob *job);

/*
 * Claims the oldest growing segments, as many as have max_rows rows together; none if those that
 * could be claimed have fewer than min_rows.
 */
extern void choose_growing(SegmentJob *job, SealWait wait, uint64 min_rows, uint64 max_rows);

/* Claims sealed segments to be merged: all that were chosen, or none. */
extern void choose_sealed(SegmentJob *job, SealWait wait, SealMerge what);

/* Claims the segments without live rows, and closes the growing ones. */
extern void choose_empty(SegmentJob *job);

/* Whether there is memory to make one segment of sealed ones, by a merge or by a build. */
extern bool segments_fit_memory(const SegmentJob *job, bool merged, const SegmentEntry *entries,
								int count);

#endif							/* VECTOR_SEGMENT_CHOOSE_H */
