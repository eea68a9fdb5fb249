/*
 * layout.h - in which form rows of lists are clustered and stored
 *
 * Clustering and codes use work vectors.  In a coded space that is the rotated vector (scaled to
 * unit length for cosine), rotation_padded(dims) floats; otherwise the elements (scaled likewise),
 * `dims` floats, with 0 or 1 for bits.  A row belongs to the list of the centroid that is nearest
 * by Euclidean distance, for every metric.
 */
#ifndef VECTOR_LIST_SEGMENT_LAYOUT_H
#define VECTOR_LIST_SEGMENT_LAYOUT_H

#include "segment/space.h"

/* The number of floats of a work vector. */
extern uint32 lists_work_width(const Space *space);

/* Computes the work vector of a payload. */
extern void lists_work_vector(const Space *space, const char *payload, float *out);

/* Fills in how a segment's rows are stored: header->lists and header->layout, except for places. */
extern void lists_layout(const Space *space, SealedHeader *header);

/* The number of bits of a fine code; 0: there are none. */
extern uint32 lists_fine_bits(const Space *space);

#endif							/* VECTOR_LIST_SEGMENT_LAYOUT_H */
