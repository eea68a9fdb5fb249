/*
 * bound.c - the distance that a query's condition allows
 *
 * Of SELECT ...  WHERE v <-> q < r ORDER BY v <-> q an access method is told the order, not the
 * condition.  When the executor starts, a hook looks for scans with such conditions, and remembers
 * them by the address of the scan's ordering keys, which the access method is given.  The condition
 * stays in the plan: all that a bound does is that rows are not returned that would not meet it.
 */
#include "am/hnsw.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
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

struct DistanceBound
{
	ScanKey		key;
	ExprContext *context;
	int			count;			/* of conditions, all of which hold */
	BoundLimit *limits;
	MemoryContextCallback forget;
};

/* An entry of the table of bounds. */
typedef struct BoundEntry
{
	ScanKey		key;
	DistanceBound *bound;
} BoundEntry;

static HTAB *bounds;
static ExecutorStart_hook_type previous_hook;

DistanceBound *
hnsw_bound(ScanKey orderbys)
{
	BoundEntry *entry = bounds ? hash_search(bounds, &orderbys, HASH_FIND, NULL) : NULL;

	return entry ? entry->bound : NULL;
}

bool
hnsw_bound_limit(const DistanceBound *bound, double *limit)
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

static void
forget_bound(void *arg)
{
	DistanceBound *bound = arg;

	hash_search(bounds, &bound->key, HASH_REMOVE, NULL);
}

static void
remember_bound(DistanceBound *bound, MemoryContext context)
{
	BoundEntry *entry;

	if (bounds == NULL)
	{
		HASHCTL		info = {
			.keysize = sizeof(ScanKey),
			.entrysize = sizeof(BoundEntry),
			.hcxt = TopMemoryContext
		};

		bounds = hash_create("bounds of hnsw scans", 16, &info,
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
	DistanceBound *bound = NULL;
	ListCell   *cell;

	if (plan->scan.plan.qual == NIL || node->iss_NumOrderByKeys != 1 ||
		node->iss_RelationDesc->rd_indam->amrescan != hnswrescan ||
		!IsA(linitial(plan->indexorderbyorig), OpExpr))
		return;
	foreach(cell, plan->scan.plan.qual)
	{
		Expr	   *limit = find_limit(lfirst(cell), linitial(plan->indexorderbyorig));

		if (limit == NULL)
			continue;
		if (bound == NULL)
		{
			bound = palloc0(sizeof(DistanceBound));
			bound->key = node->iss_OrderByKeys;
			bound->context = node->ss.ps.ps_ExprContext;
			bound->limits = palloc(sizeof(BoundLimit) * list_length(plan->scan.plan.qual));
		}
		bound->limits[bound->count].value = ExecInitExpr(limit, &node->ss.ps);
		bound->limits[bound->count++].single = exprType((Node *) limit) == FLOAT4OID;
	}
	if (bound)
		remember_bound(bound, node->ss.ps.state->es_query_cxt);
}

static bool
find_bounds(PlanState *node, void *context)
{
	if (IsA(node, IndexScanState))
		find_bound((IndexScanState *) node);
	return planstate_tree_walker(node, find_bounds, context);
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
hnsw_bound_init(void)
{
	previous_hook = ExecutorStart_hook;
	ExecutorStart_hook = start_with_bounds;
}
