/*
 * graph_cost.h - the time that a parallel scan of graphs takes
 */
#ifndef VECTOR_AM_GRAPH_COST_H
#define VECTOR_AM_GRAPH_COST_H

#include "am/method.h"

/* VectorAm.shared_time. */
extern double graph_shared_time(Relation index, const Directory *directory,
								const SharedScan *scan);

/*
 * What it takes to compare the codes of the rows that are left of so many, in hops; `grouped` as
 * those of graphs whose nodes have the codes of neighbours.
 */
extern double graph_code_hops(bool grouped, double rows, double left);

#endif							/* VECTOR_AM_GRAPH_COST_H */
