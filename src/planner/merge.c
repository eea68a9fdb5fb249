/*
 * merge.c - scans of many small indexes that begin only when they may have one of the rows
 *
 * The node of am/merge_node.c stands in place of a Merge Append right below a LIMIT, after the plan
 * has been made: its plans of scans stay as they are.  Their prices say already that few begin
 * (am/cost.c).
 */
#include "planner/planner.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "storage/pg_shmem.h"
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

/*
 * In units of cost, and of 1,000,000 rows of 128 dimensions in 256 and 1,000 partitions: to send a
 * child's plan to a worker; to open its table and index there, as a new process knows nothing of
 * them; and to begin its scan after its codes have been compared, which takes a part of its price.
 */
#define COST_TO_SEND	1.5
#define COST_TO_OPEN	12.0
#define COST_TO_BEGIN	13.0
#define COMPARED_PART	0.4

/* What another worker adds to the time until all run, as a part of that for the first one. */
#define START_PART		0.1

/*
 * A worker that tests rows of the table takes so many times as long, as it has to map what it reads
 * of the shared buffers; in huge pages that is nothing.
 */
#define MAPPING_TIMES	3.0

/* A parallel plan is taken only if it takes no more than this part of the time. */
#define MOST_TIME		0.8

/* What it costs one process to find the rows, by what that takes rather than by its price. */
static Cost
cost_alone(const Limit *limit, int children, bool tests, double share)
{
	double		rows = limit->plan.plan_rows / (tests ? share : 1);
	Cost		price = limit->plan.total_cost;

	if (rows > children)
		return price;
	return price * COMPARED_PART + COST_TO_BEGIN * children * (1 - exp(-rows / children));
}

/* What it costs with so many workers: each takes one child after the other. */
static Cost
cost_with(int workers, Cost alone, int children, bool tests)
{
	double		child = alone / children;
	double		times = tests && !shared_pages_are_huge() ? MAPPING_TIMES : 1;
	double		taken = (parallel_leader_participation ? 1 / child : 0) +
		workers / (child * times + COST_TO_OPEN);

	return parallel_setup_cost * (1 + START_PART * workers) + children * COST_TO_SEND +
		children / taken;
}

/*
 * How many workers are best, and the part of the time that is left with them; 0: they are not worth
 * it.
 */
static int
best_workers(const Limit *limit, const CustomScan *scan, const Plan *first, double *part)
{
	int			children = list_length(scan->custom_plans);
	bool		tests = first->qual != NIL;
	Cost		alone = cost_alone(limit, children, tests,
								   floatVal(lthird(scan->custom_private)));
	int			best = 0;

	*part = MOST_TIME;
	for (int workers = 1; workers <= max_parallel_workers_per_gather; workers++)
	{
		double		left = cost_with(workers, alone, children, tests) / alone;

		if (left < *part)
		{
			*part = left;
			best = workers;
		}
	}
	return best;
}

/* Has workers merge parts of the scans, and merges their rows. */
static Plan *
merge_in_parallel(const MergeAppend *append, CustomScan *scan, int workers, double part)
{
	GatherMerge *gather = makeNode(GatherMerge);
	List	   *targets = NIL;
	ListCell   *cell;

	gather->plan = append->plan;
	NodeSetTag(gather, T_GatherMerge);
	foreach(cell, append->plan.targetlist)
	{
		TargetEntry *entry = flatCopyTargetEntry(lfirst_node(TargetEntry, cell));
		Node	   *value = (Node *) entry->expr;

		entry->expr = (Expr *) makeVar(OUTER_VAR, entry->resno, exprType(value),
									   exprTypmod(value), exprCollation(value), 0);
		targets = lappend(targets, entry);
	}
	gather->plan.targetlist = targets;
	gather->plan.lefttree = &scan->scan.plan;
	gather->plan.parallel_safe = false;
	/* of no other node: those of the planner are not negative */
	gather->plan.plan_node_id = -1 - append->plan.plan_node_id;
	gather->plan.startup_cost *= part;
	gather->plan.total_cost *= part;
	gather->num_workers = workers;
	gather->rescan_param = -1;
	gather->numCols = append->numCols;
	gather->sortColIdx = append->sortColIdx;
	gather->sortOperators = append->sortOperators;
	gather->collations = append->collations;
	gather->nullsFirst = append->nullsFirst;
	gather->initParam = bms_copy(append->plan.extParam);
	scan->scan.plan.parallel_aware = true;
	return &gather->plan;
}

/* Whether an expression has parameters that may change while a statement runs. */
static bool
may_change(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((const Param *) node)->paramkind == PARAM_EXEC;
	return IsA(node, SubPlan) || expression_tree_walker(node, may_change, context);
}

/* The node with its workers, if these are worth it. */
static Plan *
with_workers(Limit *limit, CustomScan *scan, const Plan *first, const MergePlace *place)
{
	const MergeAppend *append = (const MergeAppend *) outerPlan(limit);
	double		part;
	int			workers;

	/*
	 * Workers are told no values that change from row to row of another query; and PostgreSQL has
	 * them return as many rows as the LIMIT takes at first, so that it must stay the same.
	 */
	if (place->in_worker || !append->plan.parallel_safe ||
		!bms_is_subset(append->plan.extParam, place->once) ||
		may_change(limit->limitCount, NULL) || may_change(limit->limitOffset, NULL))
		return &scan->scan.plan;
	workers = best_workers(limit, scan, first, &part);
	if (workers == 0)
		return &scan->scan.plan;
	place->statement->parallelModeNeeded = true;
	limit->plan.parallel_safe = false;
	limit->plan.startup_cost *= part;
	limit->plan.total_cost *= part;
	return merge_in_parallel(append, scan, workers, part);
}

void
merge_late(Limit *limit, const MergePlace *place)
{
	Plan	   *plan = outerPlan(limit);
	const MergeAppend *append = (const MergeAppend *) plan;
	AlikeScans	alike = {0};
	CustomScan *scan;
	Plan	   *first;
	Node	   *query;

	if (!merge_node_enabled || !IsA(plan, MergeAppend) || plan->initPlan != NIL ||
		list_length(append->mergeplans) < MERGE_LEAST_SCANS || !merges_by_distance(append))
		return;
	first = first_scan(append->mergeplans);
	if (first == NULL)
		return;
	query = lsecond(order_of(first)->args);
	if (contain_subplans(query) || contain_volatile_functions(query) ||
		contain_subplans((Node *) first->targetlist) ||
		!find_alike(append->mergeplans, order_of(first), &alike) ||
		alike.count < MERGE_LEAST_SCANS)
		return;
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
	outerPlan(limit) = with_workers(limit, scan, first, place);
}

void
merge_late_init(void)
{
	DefineCustomBoolVariable(
		"vector.enable_merge_append",
		"Enables the planner to begin only the scans of small partitions that may have a row.",
		NULL, &merge_node_enabled, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
}
