/*
 * bound.c - the distance that a query's condition allows, and the rows that its LIMIT asks for
 *
 * For SELECT ...  WHERE v <-> q < r ORDER BY v <-> q LIMIT k an access method is given the order,
 * but neither the condition nor the limit.  When the executor starts, a hook looks for scans with
 * such conditions or limits, and remembers them by the address of the scan's ordering keys, which
 * the access method is given.  Both stay in the plan: a bound only lets the scan leave out rows
 * that would not meet the condition, and not search for rows before they are asked for.
 *
 * If a node merges the rows of scans, mainly of partitions, each gets its place there (merge.c).
 */
#include "am/bound.h"

#include "access/parallel.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/float.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "am/conditions.h"
#include "am/method.h"
#include "am/residual.h"
#include "filter_scan/filter_scan.h"

/* The limit that a condition compares the distance with. */
typedef struct BoundLimit
{
	ExprState  *value;
	bool		single;			/* float4 */
} BoundLimit;

struct ScanBound
{
	OpExpr	   *order;			/* the distance */
	ExprContext *context;
	int			count;			/* of conditions, all of which must hold */
	BoundLimit *limits;
	ScanConditions *conditions; /* on attributes, or NULL */
	Bitmapset  *columns;		/* of an index-only scan: those read, as by pull_varattnos */
	ScanOffer	offer;			/* find is NULL: there is none */
	bool		tested;			/* there are tests among these */
	bool		others;			/* there are other conditions as well */
	bool		filtered;		/* the scan may return rows that are not wanted */

	/* if there are tests or other conditions: */
	IndexScanState *node;		/* NULL: an index-only scan */
	ExecProcNodeMtd next_row;	/* of the node */
	uint64		passed;			/* rows that the node has returned */
	LimitState *limit;			/* the LIMIT that the scan's rows reach, or NULL */
	double		share;			/* see scan_bound_share */
	const int  *workers;		/* of the node that gathers the scan's rows, or NULL */
	MergedScan *merged;			/* its place in a node that merges scans, or NULL */
	MemoryContextCallback forget;
};

/* An entry of the table of bounds. */
typedef struct BoundEntry
{
	ScanKey		orderbys;		/* the scan's ordering keys, by address */
	ScanBound  *bound;
} BoundEntry;

static HTAB *bounds;
static ExecutorStart_hook_type previous_hook;
static ExecutorRun_hook_type previous_run_hook;

/* The rows that the query that runs is asked for, which a parallel worker is told; 0: all. */
static uint64 asked_rows;

ScanBound *
scan_bound(ScanKey orderbys)
{
	BoundEntry *entry = bounds ? hash_search(bounds, &orderbys, HASH_FIND, NULL) : NULL;

	return entry ? entry->bound : NULL;
}

bool
scan_bound_limit(const ScanBound *bound, double *limit)
{
	*limit = get_float8_infinity();
	for (int i = 0; i < bound->count; i++)
	{
		bool		isnull;
		Datum		value = ExecEvalExprSwitchContext(bound->limits[i].value, bound->context,
													  &isnull);
		double		x;

		if (isnull)
			return false;
		x = bound->limits[i].single ? DatumGetFloat4(value) : DatumGetFloat8(value);
		/* in PostgreSQL's order, NaN is greater than every number */
		if (x < *limit)
			*limit = x;
	}
	return true;
}

void
scan_bound_offer(ScanBound *bound, const ScanOffer *offer)
{
	bound->offer = *offer;
}

TidSet *
scan_bound_among(const ScanBound *bound)
{
	return bound->offer.find ? bound->offer.find(bound->offer.arg) : NULL;
}

bool
scan_bound_is_late(const ScanBound *bound)
{
	return bound->offer.late > 0;
}

double
scan_bound_late_worth(const ScanBound *bound, uint32 dims)
{
	return bound->offer.late / residual_node_cost(bound->node, dims);
}

bool
scan_bound_is_shared(const ScanBound *bound)
{
	return bound->offer.once != NULL;
}

const void *
scan_bound_get_shared(const ScanBound *bound)
{
	return once_get(bound->offer.once, bound->offer.area);
}

const void *
scan_bound_set_shared(const ScanBound *bound, const void *value, Size size)
{
	return once_set(bound->offer.once, bound->offer.area, value, size);
}

bool
scan_bound_reads(const ScanBound *bound, int column)
{
	return bms_is_member(column + 1 - FirstLowInvalidHeapAttributeNumber, bound->columns);
}

FilterNode *
scan_bound_tree(const ScanBound *bound)
{
	return bound->conditions ? scan_conditions_tree(bound->conditions, bound->context) : NULL;
}

uint64
scan_bound_rows(const ScanBound *bound)
{
	const LimitState *limit = bound->limit;

	/* the node has computed its limit before it asks for the first row */
	if (limit == NULL || limit->noCount || bound->filtered)
		return 0;
	return (uint64) Max(limit->count, 0) + (uint64) Max(limit->offset, 0);
}

double
scan_bound_share(const ScanBound *bound)
{
	return bound->share;
}

uint64
scan_bound_shared_rows(const ScanBound *bound)
{
	if (!IsParallelWorker())
		return scan_bound_rows(bound);
	return bound->filtered ? 0 : asked_rows;
}

int
scan_bound_workers(const ScanBound *bound)
{
	return bound->workers ? *bound->workers : 0;
}

bool
scan_bound_is_tested(const ScanBound *bound)
{
	return bound->tested;
}

void
scan_bound_set_answered(ScanBound *bound, bool answered)
{
	bound->filtered = bound->others || (bound->tested && !answered);
}

bool
scan_bound_is_filtered(const ScanBound *bound)
{
	return bound->filtered;
}

uint64
scan_bound_passed(const ScanBound *bound)
{
	return bound->passed;
}

/* The rows that the LIMIT still takes of a scan: of those that are merged, as many of each. */
static double
missing_rows(const ScanBound *bound)
{
	const LimitState *limit = bound->limit;
	double		missing;

	if (limit == NULL || limit->noCount)
		return 0;
	missing = (double) Max(limit->count + limit->offset - limit->position, 1);
	return bound->merged ? missing / scan_merge_children(bound->merged) : missing;
}

double
scan_bound_missing(const ScanBound *bound)
{
	double		missing = missing_rows(bound);

	return missing > 0 ? Max(missing, 1) : 0;
}

double
scan_bound_expected(const ScanBound *bound)
{
	return bound->node ? missing_rows(bound) / residual_share(bound->node) : 0;
}

double
scan_bound_worth(const ScanBound *bound, uint32 dims)
{
	return bound->node ? residual_worth(bound->node, dims) : INFINITY;
}

TidSet *
scan_bound_passing(const ScanBound *bound, uint64 *tested)
{
	return residual_rows(bound->node, tested);
}

/* The ordering keys of the node of an index scan. */
static ScanKey
order_of(const PlanState *node)
{
	return IsA(node, IndexScanState) ? ((IndexScanState *) node)->iss_OrderByKeys :
		((IndexOnlyScanState *) node)->ioss_OrderByKeys;
}

/* Counts the rows that meet the conditions of a scan. */
static TupleTableSlot *
next_passing_row(PlanState *node)
{
	ScanBound  *bound = scan_bound(order_of(node));
	TupleTableSlot *slot = bound->next_row(node);

	if (!TupIsNull(slot))
		bound->passed++;
	return slot;
}

MergedScan *
scan_bound_merged(const ScanBound *bound)
{
	return bound ? bound->merged : NULL;
}

static void
forget_bound(void *orderbys)
{
	hash_search(bounds, &orderbys, HASH_REMOVE, NULL);
}

/* Puts a bound into the table, until the memory context of the query ends. */
static void
remember_bound(ScanKey orderbys, ScanBound *bound)
{
	BoundEntry *entry;

	if (bounds == NULL)
	{
		HASHCTL		info = {
			.keysize = sizeof(ScanKey),
			.entrysize = sizeof(BoundEntry),
			.hcxt = TopMemoryContext
		};

		bounds = hash_create("bounds of vector scans", 16, &info,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(bounds, &orderbys, HASH_ENTER, NULL);
	entry->bound = bound;
	bound->forget.func = forget_bound;
	bound->forget.arg = orderbys;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &bound->forget);
}

/*
 * Whether an expression is the distance that a scan orders by, perhaps with its operands swapped.
 */
static bool
is_scan_distance(Node *node, OpExpr *order)
{
	OpExpr	   *op = (OpExpr *) node;

	if (equal(node, order))
		return true;
	return IsA(node, OpExpr) && op->opno == order->opno && list_length(op->args) == 2 &&
		list_length(order->args) == 2 && get_commutator(op->opno) == op->opno &&
		equal(linitial(op->args), lsecond(order->args)) &&
		equal(lsecond(op->args), linitial(order->args));
}

/* The expression that a condition requires the distance not to exceed, or NULL. */
static Expr *
find_limit(Node *condition, OpExpr *order)
{
	OpExpr	   *op = (OpExpr *) condition;
	Node	   *limit;
	bool		distance_first;
	int			strategy;

	if (!IsA(condition, OpExpr) || list_length(op->args) != 2)
		return NULL;
	distance_first = is_scan_distance(linitial(op->args), order);
	if (!distance_first && !is_scan_distance(lsecond(op->args), order))
		return NULL;
	limit = distance_first ? lsecond(op->args) : linitial(op->args);
	if (exprType(limit) != FLOAT8OID && exprType(limit) != FLOAT4OID)
		return NULL;
	strategy = get_op_opfamily_strategy(
		op->opno, lookup_type_cache(FLOAT8OID, TYPECACHE_BTREE_OPFAMILY)->btree_opf);
	if (distance_first ?
		strategy != BTLessStrategyNumber && strategy != BTLessEqualStrategyNumber :
		strategy != BTGreaterStrategyNumber && strategy != BTGreaterEqualStrategyNumber)
		return NULL;
	/* it is evaluated once for each scan, before there is a row */
	if (contain_var_clause(limit) || contain_volatile_functions(limit) || contain_subplans(limit))
		return NULL;
	return (Expr *) limit;
}

List *
scan_other_conditions(List *conditions, OpExpr *order, const List *met)
{
	List	   *others = NIL;
	ListCell   *cell;

	foreach(cell, conditions)
		if (!list_member_int(met, foreach_current_index(cell)) &&
			find_limit(lfirst(cell), order) == NULL)
			others = lappend(others, lfirst(cell));
	return others;
}

bool
scan_needs_leakproof(const EState *state)
{
	return IsParallelWorker() || state->es_plannedstmt->dependsOnRole;
}

/*
 * The share of an index's rows that the planner expects a scan to return, if it has conditions;
 * those that another node's rows meet are not known to the planner.
 */
static double
passing_share(const ScanState *node, Relation index, const List *met)
{
	const Plan *plan = node->ps.plan;
	const List *keys = IsA(plan, IndexScan) ? ((const IndexScan *) plan)->indexqual :
		((const IndexOnlyScan *) plan)->indexqual;
	double		rows = index->rd_rel->reltuples;

	if (met != NIL || (keys == NIL && plan->qual == NIL) || rows < plan->plan_rows)
		return 1;
	return Max(plan->plan_rows, 1) / rows;
}

/*
 * Makes the bound of a scan of an index by a distance; all rows that are wanted meet some of its
 * conditions, by number.
 */
static void
make_bound(ScanState *node, Relation index, OpExpr *order, const List *met)
{
	List	   *conditions = node->ps.plan->qual;
	List	   *others = scan_other_conditions(conditions, order, met);
	ScanBound  *bound;
	ListCell   *cell;
	bool		all;

	bound = palloc0(sizeof(ScanBound));
	bound->order = order;
	bound->context = node->ps.ps_ExprContext;
	bound->limits = palloc(sizeof(BoundLimit) * list_length(conditions));
	foreach(cell, conditions)
	{
		Expr	   *limit = find_limit(lfirst(cell), bound->order);

		if (limit == NULL)
			continue;
		bound->limits[bound->count].value = ExecInitExpr(limit, &node->ps);
		bound->limits[bound->count++].single = exprType((Node *) limit) == FLOAT4OID;
	}
	bound->conditions = scan_conditions(&node->ps, index, others,
										scan_needs_leakproof(node->ps.state), &all,
										&bound->tested);
	bound->others = !all;
	bound->filtered = bound->others || bound->tested;
	bound->share = bound->count == 0 ? passing_share(node, index, met) : 1;
	if (bound->filtered)
	{
		bound->node = IsA(node, IndexScanState) ? (IndexScanState *) node : NULL;
		bound->next_row = node->ps.ExecProcNodeReal;
		ExecSetExecProcNode(&node->ps, next_passing_row);
	}
	if (IsA(node, IndexOnlyScanState))
	{
		pull_varattnos((Node *) node->ps.plan->targetlist, INDEX_VAR, &bound->columns);
		pull_varattnos((Node *) conditions, INDEX_VAR, &bound->columns);
		pull_varattnos((Node *) ((IndexOnlyScan *) node->ps.plan)->recheckqual, INDEX_VAR,
					   &bound->columns);
	}
	remember_bound(order_of(&node->ps), bound);
}

static void
find_bound(IndexScanState *node, const List *met)
{
	const List *order = ((IndexScan *) node->ss.ps.plan)->indexorderbyorig;

	/* the scan of a filter scan is met before it is visited */
	if (node->iss_NumOrderByKeys == 1 && scan_bound(node->iss_OrderByKeys) == NULL &&
		vector_am_of(node->iss_RelationDesc) != NULL && IsA(linitial(order), OpExpr))
		make_bound(&node->ss, node->iss_RelationDesc, linitial(order), met);
}

static void
find_index_only_bound(IndexOnlyScanState *node)
{
	const List *order = ((IndexOnlyScan *) node->ss.ps.plan)->indexorderby;

	if (node->ioss_NumOrderByKeys == 1 && vector_am_of(node->ioss_RelationDesc) != NULL &&
		IsA(linitial(order), OpExpr))
		make_bound(&node->ss, node->ioss_RelationDesc, linitial(order), NIL);
}

/* Gives a scan its LIMIT, and its place below a node that merges scans. */
static void
hand_to_scan(LimitState *limit, MergedScan *merged, PlanState *scan)
{
	ScanBound  *bound = scan_bound(order_of(scan));

	if (bound == NULL)
		return;
	bound->limit = limit;
	bound->merged = merged;
	if (merged)
	{
		scan_merge_add(merged, scan, bound->order->opno);
		merged->share = bound->filtered && bound->node ? residual_share(bound->node) : 1;
	}
}

static void hand_limit(LimitState *limit, MergedScan *merged, PlanState *node);

/* Has the rows of scans merged by what they tell; those that begin later follow then. */
static void
hand_to_merge(LimitState *limit, MergeAppendState *node, MergeNode *late)
{
	ScanMerge  *merge = scan_merge(node, limit, late);

	for (int i = 0; i < node->ms_nplans; i++)
		hand_limit(limit, scan_merge_child(merge, i), node->mergeplans[i]);
}

/*
 * Gives a LIMIT to the scans whose rows reach it in order; it takes no more rows of each.  If the
 * rows of scans are merged, there is nothing but projections between them and the merging node.
 */
static void
hand_limit(LimitState *limit, MergedScan *merged, PlanState *node)
{
	MergeNode  *late;

	check_stack_depth();
	switch (node ? nodeTag(node) : T_Invalid)
	{
		case T_IndexScanState:
		case T_IndexOnlyScanState:
			hand_to_scan(limit, merged, node);
			break;
		case T_CustomScanState:
			late = merge_node(node);
			if (late)
				hand_to_merge(limit, late->append, late);
			else
				hand_limit(limit, merged, (PlanState *) filter_scan_child(node));
			break;
		case T_ResultState:
			if (node->qual == NULL)
				hand_limit(limit, merged, outerPlanState(node));
			break;
		case T_SubqueryScanState:
			if (node->qual == NULL)
				hand_limit(limit, merged, ((SubqueryScanState *) node)->subplan);
			break;
		case T_GatherMergeState:
			hand_limit(limit, NULL, outerPlanState(node));
			break;
		case T_AppendState:
			for (int i = 0; i < ((AppendState *) node)->as_nplans; i++)
				hand_limit(limit, NULL, ((AppendState *) node)->appendplans[i]);
			break;
		case T_MergeAppendState:
			hand_to_merge(limit, (MergeAppendState *) node, NULL);
			break;
		default:
			break;
	}
}

/* Tells all scans below a node that gathers their rows of its workers. */
static bool
hand_workers(PlanState *node, void *workers)
{
	ScanBound  *bound = IsA(node, IndexScanState) || IsA(node, IndexOnlyScanState) ?
		scan_bound(order_of(node)) : NULL;

	if (bound)
		bound->workers = workers;
	return planstate_tree_walker(node, hand_workers, workers);
}

/* Looks for scans, and for limits above them. */
static bool
find_bounds(PlanState *node, void *context)
{
	LimitState *limit = (LimitState *) node;

	if (IsA(node, IndexScanState))
		find_bound((IndexScanState *) node, NIL);
	else if (IsA(node, IndexOnlyScanState))
		find_index_only_bound((IndexOnlyScanState *) node);
	else if (filter_scan_child(node) != NULL)
		find_bound(filter_scan_child(node), filter_scan_met(node));
	planstate_tree_walker(node, find_bounds, context);
	if (IsA(node, GatherMergeState))
		(void) hand_workers(outerPlanState(node), &((GatherMergeState *) node)->nworkers_launched);
	else if (IsA(node, GatherState))
		(void) hand_workers(outerPlanState(node), &((GatherState *) node)->nworkers_launched);
	if (IsA(node, LimitState) && limit->limitOption == LIMIT_OPTION_COUNT)
		hand_limit(limit, NULL, outerPlanState(node));
	return false;
}

void
scan_bound_begin(LimitState *limit, MergedScan *merged, PlanState *node)
{
	(void) find_bounds(node, NULL);
	hand_limit(limit, merged, node);
}

static void
start_with_bounds(QueryDesc *query, int eflags)
{
	if (previous_hook)
		previous_hook(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY) && query->planstate != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(query->estate->es_query_cxt);
		LimitState *told;

		find_bounds(query->planstate, NULL);
		told = merge_node_told(query->planstate);
		if (told)
			hand_limit(told, NULL, query->planstate);
		MemoryContextSwitchTo(old);
	}
}

/* A worker is told of the LIMIT by the number of rows that it is to return at most. */
static void
run_with_rows(QueryDesc *query, ScanDirection direction, uint64 count EXECUTOR_RUN_ONCE)
{
	uint64		before = asked_rows;

	asked_rows = count;
	if (previous_run_hook)
		previous_run_hook(query, direction, count EXECUTOR_RUN_PASS_ONCE);
	else
		standard_ExecutorRun(query, direction, count EXECUTOR_RUN_PASS_ONCE);
	asked_rows = before;
}

void
scan_bound_init(void)
{
	merge_node_init();
	previous_run_hook = ExecutorRun_hook;
	ExecutorRun_hook = run_with_rows;
	previous_hook = ExecutorStart_hook;
	ExecutorStart_hook = start_with_bounds;
}
