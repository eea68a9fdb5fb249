/*
 * merge.c - scans of many small indexes that begin only when they may have one of the rows
 *
 * The node of am/merge_node.c stands in place of a Merge Append right below a LIMIT, after the plan
 * has been made: its plans of scans stay as they are, and so does the price, which is that of a
 * search of all (cost.c).
 */
#include "planner/planner.h"

#include "access/genam.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/guc.h"

#include "am/hnsw.h"
#include "am/merge.h"

/* With fewer scans, or more rows in each on average, less is saved than is compared again. */
#define LEAST_SCANS		32
#define MOST_ROWS		4096

static bool enable_merge_append = true;

/* The query of a scan that orders by a distance and has no condition; else NULL. */
static const OpExpr *
order_of(const Plan *plan)
{
	const IndexScan *scan = (const IndexScan *) plan;

	if (!IsA(plan, IndexScan) || plan->qual != NIL || plan->initPlan != NIL ||
		plan->parallel_aware || scan->indexqual != NIL ||
		list_length(scan->indexorderby) != 1 || !IsA(linitial(scan->indexorderby), OpExpr) ||
		list_length(linitial_node(OpExpr, scan->indexorderby)->args) != 2)
		return NULL;
	return linitial_node(OpExpr, scan->indexorderby);
}

/* Whether an index, which the planner has locked, is a graph. */
static bool
is_graph(Oid oid)
{
	Relation	index = index_open(oid, NoLock);
	bool		graph = vector_am_of(index) == &hnsw_am;

	index_close(index, NoLock);
	return graph;
}

/* Whether all scans order by the same distance from the same query, and have few rows. */
static bool
are_alike(const List *plans)
{
	const OpExpr *first = order_of(linitial(plans));
	double		rows = 0;
	ListCell   *cell;

	if (first == NULL || contain_subplans(lsecond(first->args)) ||
		contain_volatile_functions(lsecond(first->args)) ||
		contain_subplans((Node *) ((Plan *) linitial(plans))->targetlist))
		return false;
	foreach(cell, plans)
	{
		const OpExpr *order = order_of(lfirst(cell));

		if (order == NULL || order->opno != first->opno ||
			!equal(lsecond(order->args), lsecond(first->args)))
			return false;
		rows += ((Plan *) lfirst(cell))->plan_rows;
	}
	return rows <= (double) MOST_ROWS * list_length(plans) &&
		is_graph(((IndexScan *) linitial(plans))->indexid);
}

/* Whether rows are merged by one column, a distance, the nearest first. */
static bool
merges_by_distance(const MergeAppend *plan)
{
	const TargetEntry *entry;

	if (plan->numCols != 1 || plan->nullsFirst[0] || plan->sortOperators[0] != Float8LessOperator)
		return false;
	entry = list_nth_node(TargetEntry, plan->plan.targetlist, plan->sortColIdx[0] - 1);
	return exprType((Node *) entry->expr) == FLOAT8OID;
}

/* Whether children are left out when the query runs: few are left then. */
static bool
prunes(const MergeAppend *plan)
{
#if PG_VERSION_NUM >= 180000
	return plan->part_prune_index >= 0;
#else
	return plan->part_prune_info != NULL;
#endif
}

/* The rows of the first child, which are those of all. */
static List *
rows_of(const MergeAppend *plan)
{
	List	   *targets = NIL;
	ListCell   *cell;

	foreach(cell, plan->plan.targetlist)
	{
		const TargetEntry *entry = lfirst_node(TargetEntry, cell);
		Node	   *value = (Node *) entry->expr;
		TargetEntry *target = flatCopyTargetEntry((TargetEntry *) entry);

		target->expr = (Expr *) makeVar(INDEX_VAR, entry->resno, exprType(value),
										exprTypmod(value), exprCollation(value), 0);
		targets = lappend(targets, target);
	}
	return targets;
}

static List *
indexes_of(const List *plans)
{
	List	   *indexes = NIL;
	ListCell   *cell;

	foreach(cell, plans)
		indexes = lappend_oid(indexes, ((IndexScan *) lfirst(cell))->indexid);
	return indexes;
}

Plan *
merge_late(Plan *plan)
{
	const MergeAppend *append = (const MergeAppend *) plan;
	CustomScan *scan;

	if (!enable_merge_append || !IsA(plan, MergeAppend) || plan->initPlan != NIL ||
		list_length(append->mergeplans) < LEAST_SCANS || prunes(append) ||
		!merges_by_distance(append) || !are_alike(append->mergeplans))
		return plan;
	scan = makeNode(CustomScan);
	scan->scan.plan = *plan;
	NodeSetTag(scan, T_CustomScan);
	scan->scan.plan.targetlist = rows_of(append);
	scan->custom_plans = append->mergeplans;
	scan->custom_scan_tlist = copyObject(((Plan *) linitial(append->mergeplans))->targetlist);
	scan->custom_exprs = list_make1(copyObject(lsecond(order_of(
		linitial(append->mergeplans))->args)));
	scan->custom_private = list_make2(makeInteger(append->sortColIdx[0]),
									  indexes_of(append->mergeplans));
	scan->custom_relids = bms_copy(append->apprelids);
	scan->methods = &merge_node_methods;
	return &scan->scan.plan;
}

void
merge_late_init(void)
{
	DefineCustomBoolVariable(
		"vector.enable_merge_append",
		"Enables the planner to begin only the scans of small partitions that may have a row.",
		NULL, &enable_merge_append, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
}
