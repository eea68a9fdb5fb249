/*
 * inspect.h - shows what a segment that is a graph consists of
 */
#ifndef VECTOR_GRAPH_SEGMENT_INSPECT_H
#define VECTOR_GRAPH_SEGMENT_INSPECT_H

#include "segment/method.h"

/* SegmentMethod.inspect */
extern void graph_inspect(SealedScan *scan, SegmentShow show, void *arg);

#endif							/* VECTOR_GRAPH_SEGMENT_INSPECT_H */
