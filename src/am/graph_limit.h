/*
 * graph_limit.h - searches of graphs that end once what is left is too far
 */
#ifndef VECTOR_AM_GRAPH_LIMIT_H
#define VECTOR_AM_GRAPH_LIMIT_H

#include "pg_compat.h"

#include <math.h>

#include "am/scan.h"

/*
 * Lets a search for this many rows end by itself (graph_search_limit) before all its candidates are
 * expanded.  How far it goes follows from `size`, the candidates that its user has asked for.  A
 * list has room for so many, or for more if the rows are more.
 */
extern void graph_limit(SearchEffort *effort, const Space *space, uint64 rows, uint32 size,
						uint32 list);

/* How many of the wanted rows a search of a part of all rows looks for at first. */
extern uint32 graph_share(const SearchEffort *effort, uint32 wanted, double part);

/*
 * Does the first round of every segment.  If it is known how many rows are wanted, the largest is
 * searched first; once it is known how near rows have to be, each of the others looks for these
 * and for its share of the rows only.  Segments that wait for object stores wait together, and tell
 * the others nothing: to wait for the largest alone takes longer than what it tells saves.  What
 * segments with fewer rows than the next one have told would lead that one too far.  Not for
 * searches whose distances are estimates or bounds.
 */
extern void graph_first_rounds(VectorScan *scan);

/*
 * Lets the next round of every segment look for more rows; false if so many have been looked for
 * that the searches, which began with lists of this length, have no room for more.
 */
extern bool graph_extend(VectorScan *scan, uint32 list);

/* Does a further round of a segment, which looks for its share of these rows. */
extern SegmentRound graph_next_round(VectorScan *scan, ScanCursor *cursor);

/* Whether the first rounds have found all rows so near, because other scans had told of theirs. */
static inline bool
graph_is_known(const SearchEffort *effort, float distance)
{
	return effort->known < INFINITY && distance <= effort->known;
}

#endif							/* VECTOR_AM_GRAPH_LIMIT_H */
