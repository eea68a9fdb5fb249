/*
 * method.h - sealed segments that are a graph
 */
#ifndef VECTOR_GRAPH_SEGMENT_METHOD_H
#define VECTOR_GRAPH_SEGMENT_METHOD_H

#include "segment/method.h"

/* SegmentMethod.check. */
extern void graph_check(SealedScan *scan);

extern const SegmentMethod graph_segment_method;

#endif							/* VECTOR_GRAPH_SEGMENT_METHOD_H */
