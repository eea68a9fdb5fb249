/*
 * bound.c - the distance that a query's condition allows, and the rows that its LIMIT asks for
 *
 * Of SELECT ...  WHERE v <-> q < r ORDER BY v <-> q LIMIT k an access method is told the order, not
 * the condition and not the limit.  When the executor starts, a hook looks for scans with such
 * conditions or limits, and remembers them by the address of the scan's ordering keys, which the
 * access method is given.  Both stay in the plan: all that a bound does is that rows are not
 * returned that would not meet the condition, and are not searched for while nobody asks for them.
 */
#include "am/scan.h"

#include "access/stratnum.h"
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

/* What a condition compares the distance with. */
typedef struct BoundLimit
{
	ExprState  *value;
	bool		single;			/* float4 */
} BoundLimit;

struct ScanBound
{
	ScanKey		key;
	ExprContext *context;
	int			count;			/* of conditions, all of which hold */
	BoundLimit *limits;
	bool		filtered;		/* by conditions of other kinds, too */
	LimitState *limit;			/* whose rows come from this scan, or NULL */
	MemoryContextCallback forget;
};

/* An entry of the table of bounds. */
typedef struct BoundEntry
{
	ScanKey		key;
	ScanBound *bound;
} BoundEntry;

static HTAB *bounds;
static ExecutorStart_hook_type previous_hook;

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
		/* NaN is above every number */
		if (x < *limit)
			*limit = x;
	}
	return true;
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

static void
forget_bound(void *arg)
{
	ScanBound *bound = arg;

	hash_search(bounds, &bound->key, HASH_REMOVE, NULL);
}

static void
remember_bound(ScanBound *bound, MemoryContext context)
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
	entry = hash_search(bounds, &bound->key, HASH_ENTER, NULL);
	entry->bound = bound;
	bound->forget.func = forget_bound;
	bound->forget.arg = bound;
	MemoryContextRegisterResetCallback(context, &bound->forget);
}

/* Whether an expression is the distance that a scan orders by, perhaps with its sides changed. */
static bool
is_distance(Node *node, OpExpr *order)
{
	OpExpr	   *op = (OpExpr *) node;

	if (equal(node, order))
		return true;
	return IsA(node, OpExpr) && op->opno == order->opno && list_length(op->args) == 2 &&
		list_length(order->args) == 2 && get_commutator(op->opno) == op->opno &&
		equal(linitial(op->args), lsecond(order->args)) &&
		equal(lsecond(op->args), linitial(order->args));
}

/* The expression that a condition says the distance is not above, or NULL. */
static Expr *
find_limit(Node *condition, OpExpr *order)
{
	OpExpr	   *op = (OpExpr *) condition;
	Node	   *limit;
	bool		distance_first;
	int			strategy;

	if (!IsA(condition, OpExpr) || list_length(op->args) != 2)
		return NULL;
	distance_first = is_distance(linitial(op->args), order);
	if (!distance_first && !is_distance(lsecond(op->args), order))
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
	/* it is evaluated once a scan, before there is a row */
	if (contain_var_clause(limit) || contain_volatile_functions(limit) || contain_subplans(limit))
		return NULL;
	return (Expr *) limit;
}

static void
find_bound(IndexScanState *node)
{
	IndexScan  *plan = (IndexScan *) node->ss.ps.plan;
	List	   *conditions = plan->scan.plan.qual;
	ScanBound  *bound;
	ListCell   *cell;

	if (node->iss_NumOrderByKeys != 1 ||
		!scan_is_ours(node->iss_RelationDesc) ||
		!IsA(linitial(plan->indexorderbyorig), OpExpr))
		return;
	bound = palloc0(sizeof(ScanBound));
	bound->key = node->iss_OrderByKeys;
	bound->context = node->ss.ps.ps_ExprContext;
	bound->limits = palloc(sizeof(BoundLimit) * list_length(conditions));
	foreach(cell, conditions)
	{
		Expr	   *limit = find_limit(lfirst(cell), linitial(plan->indexorderbyorig));

		if (limit == NULL)
		{
			bound->filtered = true;
			continue;
		}
		bound->limits[bound->count].value = ExecInitExpr(limit, &node->ss.ps);
		bound->limits[bound->count++].single = exprType((Node *) limit) == FLOAT4OID;
	}
	remember_bound(bound, node->ss.ps.state->es_query_cxt);
}

/* Hands a LIMIT to the scans whose rows reach it as they come; of each it takes no more. */
static void
hand_limit(LimitState *limit, PlanState *node)
{
	ScanBound  *bound;

	check_stack_depth();
	switch (node ? nodeTag(node) : T_Invalid)
	{
		case T_IndexScanState:
			bound = scan_bound(((IndexScanState *) node)->iss_OrderByKeys);
			if (bound)
				bound->limit = limit;
			break;
		case T_ResultState:
			if (node->qual == NULL)
				hand_limit(limit, outerPlanState(node));
			break;
		case T_SubqueryScanState:
			if (node->qual == NULL)
				hand_limit(limit, ((SubqueryScanState *) node)->subplan);
			break;
		case T_AppendState:
			for (int i = 0; i < ((AppendState *) node)->as_nplans; i++)
				hand_limit(limit, ((AppendState *) node)->appendplans[i]);
			break;
		case T_MergeAppendState:
			for (int i = 0; i < ((MergeAppendState *) node)->ms_nplans; i++)
				hand_limit(limit, ((MergeAppendState *) node)->mergeplans[i]);
			break;
		default:
			break;
	}
}

/* Looks for scans, and then for limits above them. */
static bool
find_bounds(PlanState *node, void *context)
{
	LimitState *limit = (LimitState *) node;

	if (IsA(node, IndexScanState))
		find_bound((IndexScanState *) node);
	planstate_tree_walker(node, find_bounds, context);
	if (IsA(node, LimitState) && limit->limitOption == LIMIT_OPTION_COUNT)
		hand_limit(limit, outerPlanState(node));
	return false;
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

		find_bounds(query->planstate, NULL);
		MemoryContextSwitchTo(old);
	}
}

void
scan_bound_init(void)
{
	previous_hook = ExecutorStart_hook;
	ExecutorStart_hook = start_with_bounds;
}
