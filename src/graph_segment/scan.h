/*
 * scan.h - searching a sealed segment by its graph
 */
#ifndef VECTOR_GRAPH_SEGMENT_SCAN_H
#define VECTOR_GRAPH_SEGMENT_SCAN_H

#include "segment/sealed.h"

typedef struct GraphScan
{
	SealedScan	sealed;			/* has the segment */
	CodeQuery	code;
	GraphSearch search;
} GraphScan;

/* How far a search goes. */
typedef struct SearchEffort
{
	uint32		candidates;		/* that it expands at most */
	uint32		wanted;			/* see graph_search_limit; 0: expands all */
	float		reach;			/* the same */
	float		least;			/* the same */
	float		patience;		/* the same */
	bool		keep;			/* the others, for graph_scan_more */
} SearchEffort;

/* Begins with a segment that is held. */
extern void graph_scan_begin(GraphScan *scan, Relation index, const Space *space,
							 CachedSegment *segment, ScanStatistics *statistics);

/* Finds the nearest. */
extern void graph_scan_search(GraphScan *scan, const SpaceQuery *query,
							  const SearchEffort *effort);

/* Goes on with the next nearest: false if there is nothing more. */
extern bool graph_scan_more(GraphScan *scan);

/*
 * Ends a search, or comes in its place: reads every node that was not expanded, in the order of the
 * segment, and hands the live ones to a callback.
 */
typedef void (*SealedFound) (void *arg, const GraphFound *found);
extern void graph_scan_rest(GraphScan *scan, const SpaceQuery *query, SealedFound callback,
							void *arg);

/* The TIDs of a found node's live rows, palloc'd if more than one; *single has room for one. */
extern int	graph_scan_tids(GraphScan *scan, const GraphFound *found, ItemPointer single,
							ItemPointer *tids);

#endif							/* VECTOR_GRAPH_SEGMENT_SCAN_H */
