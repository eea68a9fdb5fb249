/*
 * graph_cost.h - the time that a parallel scan of graphs takes
 */
#ifndef VECTOR_AM_GRAPH_COST_H
#define VECTOR_AM_GRAPH_COST_H

#include "am/method.h"

/* VectorAm.shared_time. */
extern double graph_shared_time(Relation index, const Directory *directory,
								const SharedScan *scan);

#endif							/* VECTOR_AM_GRAPH_COST_H */
