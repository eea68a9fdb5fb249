/*
 * residual.h - conditions that only the executor evaluates, evaluated on the whole table
 *
 * A scan returns rows in the order of their distances until the executor has enough that meet such
 * conditions.  If few do, it is cheaper to read the table, as a sequential scan does, and to search
 * among the rows that meet them.
 */
#ifndef VECTOR_AM_RESIDUAL_H
#define VECTOR_AM_RESIDUAL_H

#include "pg_compat.h"

#include "nodes/execnodes.h"

#include "segment/tid_set.h"

/*
 * The cost of a row that a scan of an index of vectors with so many dimensions returns, from a
 * table of so many pages, to a filter that costs this much a row.
 */
extern Cost residual_returned_cost(uint32 dims, double pages, Cost filter);

/* The same of a node. */
extern Cost residual_node_cost(const IndexScanState *node, uint32 dims);

/* The share of the table's rows that pass a node's conditions, as the planner estimated it. */
extern double residual_share(const IndexScanState *node);

/*
 * How many rows a node's scan of an index of vectors with so many dimensions can return in the time
 * that residual_rows takes; infinite if the conditions cannot be evaluated more often than once for
 * a row.
 */
extern double residual_worth(const IndexScanState *node, uint32 dims);

/*
 * The rows of the table that meet the conditions of a node's filter, in the current memory context;
 * perhaps with others on the same pages.  To be called while the node is waiting for a row.  Adds
 * the number of rows that were tested to *tested; PostgreSQL counts this as a sequential scan.
 */
extern TidSet *residual_rows(IndexScanState *node, uint64 *tested);

#endif							/* VECTOR_AM_RESIDUAL_H */
