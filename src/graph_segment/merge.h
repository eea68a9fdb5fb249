/*
 * merge.h - uniting sealed segments by the graphs that they have
 */
#ifndef VECTOR_GRAPH_SEGMENT_MERGE_H
#define VECTOR_GRAPH_SEGMENT_MERGE_H

#include "segment/method.h"

/* Whether segments of a space can be united so: it takes nodes with codes. */
extern bool merge_is_possible(const Space *space);

/*
 * Prepares one segment of the live rows of a job's inputs, several or one.  It takes
 * maintenance_work_mem, and 8 bytes a row beside; what it holds it holds while the current memory
 * context lives.
 */
extern SegmentMaking *merge_begin(const SegmentJob *job);

#endif							/* VECTOR_GRAPH_SEGMENT_MERGE_H */
