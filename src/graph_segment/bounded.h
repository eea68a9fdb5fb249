/*
 * bounded.h - nodes of a graph in the order of lower bounds of their distances, by their own codes
 *
 * All nodes' codes are compared at first, but only the nodes with the least bounds are kept: few of
 * the others are ever asked for, and their bounds are computed again when they are.  Bounds may
 * also be distances, which takes no longer where most vectors would be compared.
 */
#ifndef VECTOR_GRAPH_SEGMENT_BOUNDED_H
#define VECTOR_GRAPH_SEGMENT_BOUNDED_H

#include "graph/search.h"
#include "graph_segment/disk.h"
#include "segment/sealed.h"

typedef struct BoundedNodes
{
	/* set by the caller */
	SealedScan *sealed;
	const uint8 *left;			/* the nodes, without those that the search has expanded */
	uint32		left_count;
	const GraphSearch *search;
	const float *centred;		/* the query, rotated, less the mean */
	CodeQuery	code;			/* prepared for it; or */
	DiskScan   *disk;			/* METHOD_DISK, prepared for it; else NULL */
	float		sigmas;			/* a bound may fail beyond so many standard deviations */
	bool		(*take) (void *arg, uint32 *first, uint32 *end);	/* as graph_scan_take */

	/* adds the nodes of a run, in place of what their codes tell of them; NULL: by codes */
	void		(*add) (void *arg, uint32 first, uint32 end);
	void	   *arg;

	/* keys (cluster/keys.h) of bounds and nodes; zeros before bounded_begin */
	uint64	   *keys;			/* those kept */
	uint32		next;			/* the first one that has not been given */
	uint32		sorted;			/* so many are in order, and before the others */
	uint32		count;
	uint32		most;			/* so many are kept, */
	uint64		room;			/* and so many before the others are left out */
	uint64		first;			/* all keys are after it, */
	uint64		last;			/* and those after this one are not kept; PG_UINT64_MAX: all are */
} BoundedNodes;

/*
 * Computes the bounds.  More than `wanted` nodes take much longer, but are given as well; so are
 * those with bounds above `within`, which may be INFINITY.
 */
extern void bounded_begin(BoundedNodes *nodes, uint32 wanted, float within);

/* Adds a node with its bound, within BoundedNodes.add; each at most once. */
extern void bounded_add(BoundedNodes *nodes, uint32 id, float bound);

/* Has the vector of the next node brought near. */
extern void bounded_bring_near(const BoundedNodes *nodes);

/* A bound of the next node, if there may be one. */
extern bool bounded_least(const BoundedNodes *nodes, float *bound);

/* Gives the next node; false if there is none. */
extern bool bounded_next(BoundedNodes *nodes, uint32 *id);

#endif							/* VECTOR_GRAPH_SEGMENT_BOUNDED_H */
