/*
 * method.h - sealed segments of inverted lists
 */
#ifndef VECTOR_LIST_SEGMENT_METHOD_H
#define VECTOR_LIST_SEGMENT_METHOD_H

#include "segment/method.h"

/* SegmentMethod.reader. */
extern const struct SegmentReader lists_reader;

extern const SegmentMethod list_segment_method;

#endif							/* VECTOR_LIST_SEGMENT_METHOD_H */
