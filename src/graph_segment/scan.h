/*
 * scan.h - searching a sealed segment by its graph
 */
#ifndef VECTOR_GRAPH_SEGMENT_SCAN_H
#define VECTOR_GRAPH_SEGMENT_SCAN_H

#include "segment/search.h"

typedef struct GraphScan
{
	SealedScan	sealed;			/* with the segment */
	CodeQuery	code;
	GraphSearch search;
} GraphScan;

/* Begins a scan of a segment that is held. */
extern void graph_scan_begin(GraphScan *scan, Relation index, const Space *space,
							 CachedSegment *segment, ScanStatistics *statistics);

/* Finds the nearest rows. */
extern void graph_scan_search(GraphScan *scan, const SpaceQuery *query,
							  const SearchEffort *effort);

/* Finds the next nearest rows; returns false if there are no more. */
extern bool graph_scan_more(GraphScan *scan);

/*
 * Ends a search, or replaces it: reads every node that was not expanded, in the order of the
 * segment, and calls a callback with each that is not excluded.
 */
extern void graph_scan_rest(GraphScan *scan, const SpaceQuery *query, SealedFound callback,
							void *arg);

/*
 * The TIDs of a found node's rows that are not excluded, palloc'd if more than one; *single has
 * room for one.
 */
extern int	graph_scan_tids(GraphScan *scan, const GraphFound *found, ItemPointer single,
							ItemPointer *tids);

#endif							/* VECTOR_GRAPH_SEGMENT_SCAN_H */
