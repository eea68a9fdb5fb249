/*
 * scan.h - searching a sealed segment by its graph
 */
#ifndef VECTOR_GRAPH_SEGMENT_SCAN_H
#define VECTOR_GRAPH_SEGMENT_SCAN_H

#include "attribute/bits.h"
#include "graph_segment/bounded.h"
#include "graph_segment/disk.h"
#include "segment/search.h"

/* Waiting nodes whose blocks are read together. */
#define GRAPH_AT_ONCE	16

typedef struct GraphScan
{
	SealedScan	sealed;			/* with the segment */
	float	   *centred;		/* if coded: the query, rotated, less the mean */
	CodeQuery	code;
	GraphSearch search;
	uint64		counted_hops;	/* in the statistics */
	uint64		counted_distances;
	uint64		counted_rejected;

	/* of a search with conditions: the nodes with rows left, by their first rows; else NULL */
	uint8	   *left;
	uint32		left_count;

	bool		keeps_memory;	/* see graph_scan_keep_memory */
	SegmentScan *share;			/* of a participant of a parallel scan, else NULL */

	BoundedNodes bounded;		/* see graph_scan_bound_rest, graph_scan_order_rest */

	/* Of METHOD_DISK: nodes that have been found, or are left, by estimates, */
	GraphHeap	waiting;
	/* and the nearest of them, nearest first, whose blocks have been read: they come next. */
	GraphCandidate *next;
	int			next_room;
	int			next_count;
	int			next_done;
	GraphHeap	nearest;		/* upper bounds of the wanted nearest found; negated */
	DiskScan   *disk;			/* METHOD_DISK, else NULL */
	BlockBatch *together;		/* see SegmentSearch */
} GraphScan;

/* Whether a search knows only estimates of what it finds: METHOD_DISK without vectors. */
static inline bool
graph_scan_estimates(const GraphScan *scan)
{
	return scan->disk && disk_has_links(&scan->sealed.segment->header);
}

/*
 * Copies the ids of a node's neighbours, which are not checked; `disk` is NULL but for a segment of
 * METHOD_DISK.  Returns how many, GRAPH_MAX_DEGREE at most.
 */
extern uint32 graph_read_links(SealedScan *sealed, DiskScan *disk, uint32 id, uint32 *ids);

/* Begins a scan of a segment that is held. */
extern void graph_scan_begin(GraphScan *scan, Relation index, const Space *space,
							 CachedSegment *segment, ScanStatistics *statistics);

/*
 * Has all searches use the same memory, of this context, in place of memory of the context that is
 * current when each begins.
 */
extern void graph_scan_keep_memory(GraphScan *scan, MemoryContext context);

/* To be called before a search: these rows are excluded, not only dead ones. */
extern void graph_scan_exclude(GraphScan *scan, const ExcludedRows *excluded);

/* How many nodes graph_scan_rest would read, and the share of all nodes that are not excluded. */
extern uint32 graph_scan_nodes_left(const GraphScan *scan);
extern double graph_scan_share(const GraphScan *scan);

/* Likewise of the nodes that a search has met, which are nearer to the query. */
extern double graph_scan_share_met(const GraphScan *scan);

/* Begins to look for the nearest rows. */
extern void graph_scan_search(GraphScan *scan, const SpaceQuery *query,
							  const SearchEffort *effort);

/* Goes on for so many hops; returns false if the search came to its end before. */
extern bool graph_scan_walk(GraphScan *scan, uint32 hops);

/*
 * Finds the next nearest rows; returns false if there are no more.  graph_scan_extend: adds to
 * those found as many as are wanted now.
 */
extern bool graph_scan_more(GraphScan *scan);
extern void graph_scan_extend(GraphScan *scan, const SearchEffort *effort);

/*
 * Ends a search, or replaces it: reads every node that was not expanded, in the order of the
 * segment, and calls a callback with each that is not excluded.
 */
extern void graph_scan_rest(GraphScan *scan, const SpaceQuery *query, SealedFound callback,
							void *arg);

/*
 * Reading goes over runs of nodes: takes the next one, and leaves out what is between it and *end,
 * where the one before ended.  A scan that is alone takes all nodes at once.  *end is 0 at first.
 */
extern bool graph_scan_take(GraphScan *scan, uint32 *first, uint32 *end);

/*
 * Likewise of a search with conditions, by the nodes' own codes, if the segment has them: every
 * such node waits, the nearest first by a lower bound of its distance.  Probably not many more than
 * `wanted` will be compared, and hardly one with a bound above `within`.
 */
extern bool graph_scan_has_codes(const GraphScan *scan);
extern void graph_scan_bound_rest(GraphScan *scan, const SpaceQuery *query, uint32 wanted,
								  float within, float sigmas);

/*
 * Likewise by their vectors, of a space that is not lossy: a node that is given is read again, but
 * those that are not take no more memory than a key, and of these not more than a few times as many
 * as are wanted.
 */
extern void graph_scan_order_rest(GraphScan *scan, const SpaceQuery *query, uint32 wanted);

/* Computes the distance of a node by its vector; the caller counts it. */
extern void graph_scan_compare(GraphScan *scan, uint32 id, GraphFound *found);

/* The least bound of those that wait; false if none waits. */
extern bool graph_scan_waiting(const GraphScan *scan, float *bound);

/*
 * Computes the distance of the waiting node with the least bound; returns false if only a bound
 * waited, beyond which there is none, or if the segment keeps no vectors, and none of the node's
 * rows is visible in the table.
 */
extern bool graph_scan_next(GraphScan *scan, SegmentScan *reading, GraphFound *found);

/*
 * Of a graph whose nodes are in an object store: whether a node waits that has not been asked for,
 * and the least bound of these; the distance within which so many rows seem to be (INFINITY: not
 * known); and takes the node with the least bound, whose blocks it adds to a batch, to be compared
 * after those that were taken before.
 */
extern bool graph_scan_unread(const GraphScan *scan, float *bound);
extern float graph_scan_enough(const GraphScan *scan, uint32 wanted);
extern void graph_scan_ask(GraphScan *scan, BlockBatch *batch);

/* Of a search for so many rows that knows only estimates: lets what it has found wait. */
extern void graph_scan_wait_found(GraphScan *scan, uint32 wanted);

/* The node of a row that is the first of its node. */
extern uint32 graph_scan_node_of_row(GraphScan *scan, uint32 number);

/* Whether a search begins from the cells near the query, so that it is near from the start. */
static inline bool
graph_scan_begins_near(const GraphScan *scan)
{
	return scan->disk && scan->disk->axes;
}

/* The node of a coded segment where a search begins, once the query is prepared; */
extern GraphCandidate graph_scan_entry(const GraphScan *scan);
/* and adds others; false if there is no memory. */
extern bool graph_scan_add_entries(GraphScan *scan);

/* Sets what is different in a METHOD_DISK segment as a source for the search. */
extern void disk_set_source(GraphScan *scan, GraphSource *source);

/* Whether the nodes are in an object store. */
static inline bool
graph_scan_is_stored(const GraphScan *scan)
{
	return scan->sealed.reader.extent.where == EXTENT_STORED;
}

/*
 * Likewise in another graph whose nodes are in an object store.  Reads nodes together with the
 * `ahead` nearest ones of those that have not been expanded.
 */
extern void stored_set_source(GraphSource *source);
extern void stored_fetch_nodes(GraphScan *scan, const uint32 *ids, int n, int ahead);

/* Gives back the blocks that are open, at the end of a round. */
extern void graph_scan_close(GraphScan *scan);

/*
 * A found node's rows that are not excluded, palloc'd if more than one; *single has room for one.
 */
extern int	graph_scan_rows(GraphScan *scan, const GraphFound *found, FoundRow *single,
							FoundRow **rows);

#endif							/* VECTOR_GRAPH_SEGMENT_SCAN_H */
