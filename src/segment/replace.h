/*
 * replace.h - what methods and builds need of the replacing of segments
 */
#ifndef VECTOR_SEGMENT_REPLACE_H
#define VECTOR_SEGMENT_REPLACE_H

#include "segment/method.h"

/* The number of rows of the inputs. */
extern uint64 segment_input_rows(const SegmentJob *job);

/* Calls back for each live row of an input. */
extern void segment_each_row(const SegmentJob *job, int input, SegmentRowCallback callback,
							 void *arg);

/*
 * Reserves an extent in a new index for a segment that is ready, writes and publishes it.  The
 * attributes of its rows come from a source; NULL: there are none.
 */
extern void segment_publish(SegmentMaking *making, Relation index, Relation heap,
							const AttributeSource *source);

#endif							/* VECTOR_SEGMENT_REPLACE_H */
