/*
 * graph_cost.h - the work of a parallel scan of graphs
 */
#ifndef VECTOR_AM_GRAPH_COST_H
#define VECTOR_AM_GRAPH_COST_H

#include "am/method.h"

/* VectorAm.count_shared_work. */
extern bool graph_count_shared_work(Relation index, const Directory *directory, double rows,
									ScanWork *work);

#endif							/* VECTOR_AM_GRAPH_COST_H */
