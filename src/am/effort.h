/*
 * effort.h - how far searches go: as a setting of the access method says, or for a recall
 *
 * With vector.target_recall the effort of a search follows from the curves that ANALYZE has
 * measured (segment/curves.h), for the rows that the search is asked for.
 */
#ifndef VECTOR_AM_EFFORT_H
#define VECTOR_AM_EFFORT_H

#include "pg_compat.h"

#include "segment/cache.h"

/* Defines vector.target_recall, which is 0 or from 0.5 to 1. */
extern void effort_init(void);

extern double target_recall;

/*
 * The shortest list of candidates that a recall may need.  With one candidate a search ends at the
 * first row that has no nearer neighbour; and while recall is measured by rows, lists have a place
 * for the row itself.
 */
#define LEAST_LIST	2

/*
 * The node that is nearest to a row has lost more edges for the sake of the row than it would miss
 * if the row had never been there.  So for one row, each of so many queries is not searched for
 * without its row: recall by sampled rows is then that by other queries, on average of data sets.
 */
#define GRAPH_PRESENT	4

/* VectorAm.effort_part of graphs: a list has places only for rows that meet the conditions. */
extern double graph_effort_part(Relation index, double share);

/*
 * The effort of searches for this many rows, 0 if not known, among the given share of the rows, by
 * conditions on attributes.  The setting of the access method holds if there is no target, or no
 * curves: effort_follows says whether there are.
 */
extern double effort_of(CachedIndex *cached, Relation index, double wanted, double share,
						int setting);
extern bool effort_follows(CachedIndex *cached, Relation index);

/* Searches have this effort, whatever is set, while curves are measured; 0: they are not. */
extern int	effort_measured;

/*
 * Measures the curves of an index that has a table, in a transaction with a snapshot; the recall
 * room sets it.  ANALYZE calls it.
 */
extern void (*effort_measure) (Relation index);

/* Whether ANALYZE is to measure: there is a target, or there are curves already. */
extern bool effort_is_wanted(Relation index);

/*
 * Whether a worker is to: likewise, and there are no curves, the rows have become more or fewer by
 * a tenth, a tenth of them is in segments made since, or rows were searched for where there are now
 * enough samples of queries.
 */
extern bool effort_is_due(Relation index);

#endif							/* VECTOR_AM_EFFORT_H */
