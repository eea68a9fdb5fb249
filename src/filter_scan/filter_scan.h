/*
 * filter_scan.h - a search of a vector index among the rows that other indexes find
 */
#ifndef VECTOR_FILTER_SCAN_FILTER_SCAN_H
#define VECTOR_FILTER_SCAN_FILTER_SCAN_H

#include "pg_compat.h"

#include "nodes/execnodes.h"
#include "nodes/extensible.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/* The name of its paths and plans, which EXPLAIN shows. */
#define FILTER_SCAN_NAME	"Vector Filter Scan"

/* Whether a path is of a filter scan. */
extern bool is_filter_scan_path(const Path *path);

/* Defines the setting, and installs the planner's hook. */
extern void filter_scan_init(void);

/* The scan of the vector index below a node or plan; NULL if that is not a filter scan. */
extern IndexScanState *filter_scan_child(PlanState *node);
extern IndexScan *filter_scan_child_plan(Plan *plan);

/*
 * The numbers of those conditions of the scan that the bitmap answers: a row that is in it meets
 * them, unless its page is lossy or the other index is.  None if the plan is late.
 */
extern const List *filter_scan_met(PlanState *node);

/* The state of a scan of ours: zeros after the CustomScanState at its begin. */
extern Node *make_scan_state(Size size, const CustomExecMethods *methods);

/* Whether a node is a scan of ours with these methods. */
static inline bool
is_scan_state(const PlanState *node, const CustomExecMethods *methods)
{
	return IsA(node, CustomScanState) && ((const CustomScanState *) node)->methods == methods;
}

/*
 * Passes on a child's row, or its end, in the slot of a node, and projects it.  `origin`, if given,
 * says which row of the table it is.
 */
extern TupleTableSlot *pass_row(CustomScanState *node, TupleTableSlot *row,
								const TupleTableSlot *origin);

/*
 * A copy of a table without paths and indexes, from which the planner makes the paths of another
 * order, or of some indexes; and the copy of an index in such a copy.
 */
extern RelOptInfo *table_without_paths(const RelOptInfo *rel);
extern IndexOptInfo *add_index_copy(RelOptInfo *copy, const IndexOptInfo *index);

#endif							/* VECTOR_FILTER_SCAN_FILTER_SCAN_H */
