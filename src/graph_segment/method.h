/*
 * method.h - sealed segments that are a graph
 */
#ifndef VECTOR_GRAPH_SEGMENT_METHOD_H
#define VECTOR_GRAPH_SEGMENT_METHOD_H

#include "segment/method.h"

/* This many nodes can be read in the order of their segment at the cost of a hop. */
#define GRAPH_NODES_PER_HOP	8

/* And this many, if they do not follow each other. */
#define GRAPH_SCATTERED_PER_HOP	3

/*
 * So many groups of codes are compared at the cost of a hop, or codes one by one; and about so many
 * nodes are read besides, the codes of which do not tell that they are too far.
 */
#define GRAPH_GROUPS_PER_HOP	12
#define GRAPH_CODES_PER_HOP		20
#define GRAPH_REFINED			150

/* A walk with conditions has so many hops for each row that is wanted, by the rows' share. */
#define GRAPH_WALKED_PER_SHARE	2.5

/*
 * If it is known how near rows have to be, the codes of one node of so many do not tell that it is
 * too far.
 */
#define GRAPH_WITHIN_PART		48

/*
 * Participants of a parallel scan read by codes, and then some vectors for each row that is
 * returned, which costs so many hops; or all vectors in their order, so many at the cost of a hop.
 */
#define GRAPH_HOPS_PER_ROW		2

/*
 * What each of many rows costs one process, in hops: in the rounds of a walk that finds some of
 * them in each; and by codes, by the vectors that are compared for it.
 */
#define GRAPH_WALKED_PER_ROW	2
#define GRAPH_COMPARED_PER_ROW	1.5

static inline double
graph_nodes_in_order(uint32 dims)
{
	return Max(2048.0 / dims, GRAPH_NODES_PER_HOP);
}

/* SegmentMethod.reader. */
extern const struct SegmentReader graph_reader;

extern const SegmentMethod graph_segment_method;

/* Graphs whose walk reads no vectors: see disk.h. */
extern const SegmentMethod disk_segment_method;

#endif							/* VECTOR_GRAPH_SEGMENT_METHOD_H */
