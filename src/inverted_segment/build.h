/*
 * build.h - makes segments of inverted lists from rows
 *
 * Vectors and TIDs go to temporary files, in which they are placed as in the segment.  Postings are
 * gathered in memory and sorted by dimension; what does not fit is written to temporary files, a
 * run each, which are merged in the end.  Rows have ascending numbers in all runs, so that the
 * lists of a dimension are put one after the other.
 */
#ifndef VECTOR_INVERTED_SEGMENT_BUILD_H
#define VECTOR_INVERTED_SEGMENT_BUILD_H

#include "pg_compat.h"

#include "segment/method.h"

typedef struct InvertedBuild InvertedBuild;

/*
 * Begins a build, in the current memory context; ready(making, arg) is called for each segment that
 * is ready.  The index's space must stay in place.
 */
extern InvertedBuild *inverted_build_begin(Relation index, const Space *space,
										   void (*ready) (SegmentMaking *making, void *arg),
										   void *arg);
/* What is made: its `add` and `finish` do the rest. */
extern SegmentMaking *inverted_build_making(InvertedBuild *build);

/* For a job of src/segment. */
extern SegmentMaking *inverted_from_rows(const SegmentJob *job);

/* The number of blocks that a segment may have, whose nodes are known by their places. */
extern uint64 inverted_max_blocks(const Space *space);

#endif							/* VECTOR_INVERTED_SEGMENT_BUILD_H */
