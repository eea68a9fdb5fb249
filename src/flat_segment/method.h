/*
 * method.h - sealed segments whose vectors are all compared
 *
 * Searching a few rows by a graph costs no less than comparing each, so graphs leave few rows to
 * this method.  Rows have the numbers of their nodes, which have no neighbours and no codes.
 */
#ifndef VECTOR_FLAT_SEGMENT_METHOD_H
#define VECTOR_FLAT_SEGMENT_METHOD_H

#include "segment/method.h"

/* Whether vectors of a space can be stored flat: they must be of one size. */
extern bool flat_is_possible(const Space *space);

extern const SegmentMethod flat_segment_method;

#endif							/* VECTOR_FLAT_SEGMENT_METHOD_H */
