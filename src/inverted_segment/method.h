/*
 * method.h - sealed segments of sparse vectors: lists of the rows that have a dimension
 */
#ifndef VECTOR_INVERTED_SEGMENT_METHOD_H
#define VECTOR_INVERTED_SEGMENT_METHOD_H

#include "segment/method.h"

extern const SegmentMethod inverted_segment_method;

#endif							/* VECTOR_INVERTED_SEGMENT_METHOD_H */
