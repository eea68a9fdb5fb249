/*
 * merge.h - merging sealed segments by means of their graphs
 */
#ifndef VECTOR_GRAPH_SEGMENT_MERGE_H
#define VECTOR_GRAPH_SEGMENT_MERGE_H

#include "segment/method.h"

/* Whether segments of a space can be merged in this way; the nodes must have codes. */
extern bool merge_is_possible(const Space *space);

/*
 * Prepares one segment of the live rows of a job's inputs.  It takes maintenance_work_mem, and 8
 * bytes a row in addition; everything is held until the current memory context is deleted.
 */
extern SegmentMaking *merge_begin(const SegmentJob *job);

#endif							/* VECTOR_GRAPH_SEGMENT_MERGE_H */
