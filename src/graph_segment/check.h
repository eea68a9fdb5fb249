/*
 * check.h - what the checks of both kinds of graphs have in common
 */
#ifndef VECTOR_GRAPH_SEGMENT_CHECK_H
#define VECTOR_GRAPH_SEGMENT_CHECK_H

#include "segment/code_groups.h"
#include "segment/sealed.h"

/* SegmentMethod.check, and check_vector. */
extern void *graph_check(SealedScan *scan);
extern void *disk_check(SealedScan *scan);
extern void disk_check_vector(SealedScan *scan, const void *checked, uint32 number,
							  const char *payload);

/* Vectors shorter than this part of the longest lose all their bits when they are coded. */
#define CHECK_CODED_PART	1e-6

/*
 * Whether a vector's estimated distance from itself is right.  Estimates whose terms are near the
 * limits of float32 prove nothing.
 */
extern bool check_own_estimate(const Space *space, const SpaceQuery *query, float estimate,
							   double size);

/*
 * Prepares the query for a node's vector; centred is that vector, rotated, less the mean.  To be
 * followed by check_forget_node.
 */
extern void check_prepare_node(SealedScan *scan, const SealedNode *node, char *payload,
							   SpaceQuery *query, float *centred);
/* Likewise for a vector. */
extern void check_prepare_vector(SealedScan *scan, const char *payload, SpaceQuery *query,
								 float *centred);
extern void check_forget_node(SpaceQuery *query);

extern double check_length_squared(const float *x, uint32 n);

/*
 * Estimates by their own codes how far the nodes of a group are from a vector, which is given as
 * centred; returns the squared length of that.
 */
extern double check_estimate_group(SealedScan *scan, CodeReader *reader, uint32 number,
								   const float *centred, float *estimates);

/* Raises an error unless what the header of a graph says of nodes and codes can be true. */
extern void graph_check_header(Relation index, const CachedSegment *segment);

/* Raises an error if an entry names no node. */
extern void check_entries(Relation index, const CachedSegment *segment);

#endif							/* VECTOR_GRAPH_SEGMENT_CHECK_H */
