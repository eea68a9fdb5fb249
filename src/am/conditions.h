/*
 * conditions.h - conditions on attributes in a WHERE that are not index conditions
 *
 * PostgreSQL gives an access method only conditions on single columns, all of which must be met.
 * The rest of a WHERE is the filter of the scan's plan node.  What of it depends on nothing but
 * attributes is found here, as a tree of conditions joined by AND and OR, so that the scan leaves
 * out the rows that do not meet it.  The filter stays in the plan.
 */
#ifndef VECTOR_AM_CONDITIONS_H
#define VECTOR_AM_CONDITIONS_H

#include "pg_compat.h"

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

#include "segment/filter.h"

typedef struct ScanConditions ScanConditions;

/*
 * Finds the conditions in the filter of a scan of an index; NULL if there are none.  If some rows
 * of the table must not be shown to functions that might leak them, only leakproof operators are
 * evaluated.  Sets *all to whether the filter passes every row that meets the conditions, and
 * *tested to whether there are tests among these, which are not done if segments have many values.
 */
extern ScanConditions *scan_conditions(PlanState *node, Relation index, List *filter,
									   bool leakproof, bool *all, bool *tested);

/*
 * The conditions with the values that they have for this scan, in the current memory context, to
 * which these values may belong.
 */
extern FilterNode *scan_conditions_tree(const ScanConditions *conditions, ExprContext *context);

/* The clauses of the filter that a path's scan will have for which there are such conditions. */
extern List *path_conditions(PlannerInfo *root, const IndexPath *path);

#endif							/* VECTOR_AM_CONDITIONS_H */
