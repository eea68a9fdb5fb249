/*
 * merge.c - scans of many small indexes that begin only when they may have one of the rows
 *
 * The node of am/merge_node.c stands in place of a Merge Append right below a LIMIT, after the plan
 * has been made: its plans of scans stay as they are.  Their prices say already that few begin
 * (am/cost.c).
 */
#include "planner/planner.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "am/hnsw.h"
#include "am/merge.h"

/* The query of a scan that orders by a distance; else NULL. */
static const OpExpr *
order_of(Plan *plan)
{
	const IndexScan *scan = merge_node_scan(plan);

	if (scan == NULL || plan->initPlan != NIL || plan->parallel_aware ||
		scan->scan.plan.parallel_aware || list_length(scan->indexorderby) != 1 ||
		!IsA(linitial(scan->indexorderby), OpExpr) ||
		list_length(linitial_node(OpExpr, scan->indexorderby)->args) != 2 ||
		contain_subplans((Node *) scan->indexqual))
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

/* The rows of an index, by its statistics. */
static double
rows_of_index(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
	double		rows;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", oid);
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return rows;
}

/* The first child that is the scan of a graph in the order of a distance; else NULL. */
static Plan *
first_scan(const List *plans)
{
	ListCell   *cell;

	foreach(cell, plans)
		if (order_of(lfirst(cell)) && is_graph(merge_node_scan(lfirst(cell))->indexid))
			return lfirst(cell);
	return NULL;
}

/* Children that are told from others. */
typedef struct AlikeScans
{
	List	   *indexes;		/* of all children; 0: it is not alike */
	int			count;			/* of those that are */
	double		share;			/* of their rows, that meets their conditions */
} AlikeScans;

/*
 * Finds the scans that order by the same distance from the same query; returns whether they have
 * few rows.
 */
static bool
find_alike(const List *plans, const OpExpr *first, AlikeScans *alike)
{
	double		rows = 0;
	double		passing = 0;
	ListCell   *cell;

	foreach(cell, plans)
	{
		Plan	   *plan = lfirst(cell);
		const OpExpr *order = order_of(plan);
		Oid			index = InvalidOid;

		if (order && order->opno == first->opno &&
			equal(lsecond(order->args), lsecond(first->args)))
		{
			index = merge_node_scan(plan)->indexid;
			rows += Max(plan->plan_rows, rows_of_index(index));
			passing += plan->plan_rows;
			alike->count++;
		}
		alike->indexes = lappend_oid(alike->indexes, index);
	}
	alike->share = rows > 0 ? Max(passing, 1) / Max(rows, 1) : 1;
	return rows <= (double) MERGE_MOST_ROWS * alike->count;
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

Plan *
merge_late(Plan *plan)
{
	const MergeAppend *append = (const MergeAppend *) plan;
	AlikeScans	alike = {0};
	CustomScan *scan;
	Plan	   *first;
	Node	   *query;

	if (!merge_node_enabled || !IsA(plan, MergeAppend) || plan->initPlan != NIL ||
		list_length(append->mergeplans) < MERGE_LEAST_SCANS || !merges_by_distance(append))
		return plan;
	first = first_scan(append->mergeplans);
	if (first == NULL)
		return plan;
	query = lsecond(order_of(first)->args);
	if (contain_subplans(query) || contain_volatile_functions(query) ||
		contain_subplans((Node *) first->targetlist) ||
		!find_alike(append->mergeplans, order_of(first), &alike) ||
		alike.count < MERGE_LEAST_SCANS)
		return plan;
	scan = makeNode(CustomScan);
	scan->scan.plan = *plan;
	NodeSetTag(scan, T_CustomScan);
	scan->scan.plan.targetlist = rows_of(append);
	scan->custom_plans = append->mergeplans;
	scan->custom_scan_tlist = (List *) over_table((Node *) first->targetlist, first);
	scan->custom_exprs = list_make1(copyObject(query));
	scan->custom_private = list_make4(makeInteger(append->sortColIdx[0]), alike.indexes,
									  makeFloat(psprintf("%.9f", alike.share)),
									  pruning_of(append));
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
		NULL, &merge_node_enabled, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
}
