/*
 * bound.c - the distance that a query's condition allows, and the rows that its LIMIT asks for
 *
 * For SELECT ...  WHERE v <-> q < r ORDER BY v <-> q LIMIT k an access method is given the order,
 * but neither the condition nor the limit.  When the executor starts, a hook looks for scans with
 * such conditions or limits, and remembers them by the address of the scan's ordering keys, which
 * the access method is given.  Both stay in the plan: a bound only lets the scan leave out rows
 * that would not meet the condition, and not search for rows before they are asked for.
 *
 * A node may merge the rows of scans of partitions in order.  It asks all scans for their first row
 * before it returns any.  Once the siblings of a scan have returned as many rows as the LIMIT
 * takes, the scan need not search for rows that are farther than all of these.
 */
#include "am/bound.h"

#include "access/parallel.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "lib/ilist.h"
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
#include "fusion/fusion.h"

/* A scan looks for at least this many rows at first, however many siblings it has. */
#define LEAST_SHARE		2

/* The limit that a condition compares the distance with. */
typedef struct BoundLimit
{
	ExprState  *value;
	bool		single;			/* float4 */
} BoundLimit;

/*
 * The scans whose rows one node merges in the order of the same distance.  While the node asks each
 * of them for its first row, the distances of these rows are collected here.
 */
typedef struct Siblings
{
	dlist_node	link;			/* of the list of all */
	MergeAppendState *merge;
	ExecProcNodeMtd next_row;	/* of the node */
	OpExpr	   *order;			/* of the first scan */
	float	   *distances;		/* of first rows, in order; room for one of each scan */
	int			count;
	ScanBound  *last;			/* the scan that has just returned a row, or NULL */
	float		last_distance;	/* of that row, which may not be visible */
	MemoryContextCallback forget;
} Siblings;

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
	bool		whole;			/* all rows that it takes are read */
	Siblings   *siblings;		/* or NULL */
	MemoryContextCallback forget;
};

/* An entry of the table of bounds. */
typedef struct BoundEntry
{
	ScanKey		orderbys;		/* the scan's ordering keys, by address */
	ScanBound  *bound;
} BoundEntry;

static HTAB *bounds;
static dlist_head all_siblings = DLIST_STATIC_INIT(all_siblings);
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

uint32
scan_bound_depth(const ScanBound *bound, uint32 most)
{
	return bound->whole ? (uint32) Min(scan_bound_rows(bound), most) : 0;
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

uint64
scan_bound_missing(const ScanBound *bound)
{
	const LimitState *limit = bound->limit;

	if (limit == NULL || limit->noCount)
		return 0;
	return (uint64) Max(limit->count + limit->offset - limit->position, 1);
}

double
scan_bound_expected(const ScanBound *bound)
{
	return bound->node ? scan_bound_missing(bound) / residual_share(bound->node) : 0;
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

/* Whether a scan has siblings that are still being asked for their first rows. */
static bool
has_new_siblings(const ScanBound *bound)
{
	return bound->siblings && !bound->siblings->merge->ms_initialized;
}

/*
 * If another scan is asked for a row, the row returned last is visible: otherwise the scan that
 * returned it would have been asked again.
 */
void
scan_bound_asked(ScanBound *bound)
{
	Siblings   *siblings = bound->siblings;
	int			i;

	if (!has_new_siblings(bound) || siblings->last == NULL)
		return;
	if (siblings->last != bound)
	{
		Assert(siblings->count < siblings->merge->ms_nplans);
		for (i = siblings->count++;
			 i > 0 && siblings->distances[i - 1] > siblings->last_distance; i--)
			siblings->distances[i] = siblings->distances[i - 1];
		siblings->distances[i] = siblings->last_distance;
	}
	siblings->last = NULL;
}

void
scan_bound_returned(ScanBound *bound, float distance)
{
	if (!has_new_siblings(bound))
		return;
	bound->siblings->last = bound;
	bound->siblings->last_distance = distance;
}

uint32
scan_bound_share(const ScanBound *bound, uint32 wanted)
{
	return has_new_siblings(bound) ?
		Min(wanted, LEAST_SHARE + 2 * wanted / bound->siblings->merge->ms_nplans) : wanted;
}

float
scan_bound_of_siblings(const ScanBound *bound)
{
	uint64		rows = scan_bound_rows(bound);

	if (!has_new_siblings(bound) || rows == 0 || bound->siblings->count < rows)
		return INFINITY;
	return bound->siblings->distances[rows - 1];
}

/* The siblings of a node; there are few nodes at a time that merge scans of ours. */
static Siblings *
siblings_of(PlanState *node)
{
	dlist_iter	iter;

	dlist_foreach(iter, &all_siblings)
	{
		Siblings   *siblings = dlist_container(Siblings, link, iter.cur);

		if (&siblings->merge->ps == node)
			return siblings;
	}
	elog(ERROR, "no scans are known of a node that merges them");
}

/* Forgets the rows of the previous execution before the node asks for those of the next. */
static TupleTableSlot *
merge_next_row(PlanState *node)
{
	Siblings   *siblings = siblings_of(node);

	if (!siblings->merge->ms_initialized)
	{
		siblings->count = 0;
		siblings->last = NULL;
	}
	return siblings->next_row(node);
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

/*
 * Makes the bound of a scan of an index by a distance; all rows that are wanted meet some of its
 * conditions, by number.
 */
static void
make_bound(ScanState *node, Relation index, OpExpr *order, const List *met)
{
	List	   *conditions = node->ps.plan->qual;
	List	   *others = NIL;
	ScanBound  *bound;
	ListCell   *cell;
	bool		leakproof;
	bool		all;

	bound = palloc0(sizeof(ScanBound));
	bound->order = order;
	bound->context = node->ps.ps_ExprContext;
	bound->limits = palloc(sizeof(BoundLimit) * list_length(conditions));
	foreach(cell, conditions)
	{
		Expr	   *limit = find_limit(lfirst(cell), bound->order);

		if (limit == NULL)
		{
			if (!list_member_int(met, foreach_current_index(cell)))
				others = lappend(others, lfirst(cell));
			continue;
		}
		bound->limits[bound->count].value = ExecInitExpr(limit, &node->ps);
		bound->limits[bound->count++].single = exprType((Node *) limit) == FLOAT4OID;
	}
	/* policies make a plan depend on the role, which parallel workers are not told */
	leakproof = IsParallelWorker() || node->ps.state->es_plannedstmt->dependsOnRole;
	bound->conditions = scan_conditions(&node->ps, index, others, leakproof, &all, &bound->tested);
	bound->others = !all;
	bound->filtered = bound->others || bound->tested;
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

/* Whether two scans order by the distance to the same vector. */
static bool
is_same_order(const OpExpr *a, const OpExpr *b)
{
	return a->opno == b->opno &&
		(equal(linitial(a->args), linitial(b->args)) || equal(lsecond(a->args), lsecond(b->args)));
}

/* Gives a scan its LIMIT and siblings. */
static void
hand_to_scan(LimitState *limit, bool whole, Siblings *siblings, const PlanState *scan)
{
	ScanBound  *bound = scan_bound(order_of(scan));

	if (bound == NULL)
		return;
	bound->limit = limit;
	bound->whole = whole;
	if (siblings == NULL)
		return;
	if (siblings->order == NULL)
		siblings->order = bound->order;
	if (is_same_order(bound->order, siblings->order))
		bound->siblings = siblings;
}

static void
forget_siblings(void *siblings)
{
	dlist_delete(&((Siblings *) siblings)->link);
}

/* Makes the siblings of a node that merges scans, and intercepts its calls for the next row. */
static Siblings *
make_siblings(MergeAppendState *merge)
{
	Siblings   *siblings = palloc0(sizeof(Siblings));

	siblings->merge = merge;
	siblings->distances = palloc(sizeof(float) * merge->ms_nplans);
	siblings->next_row = merge->ps.ExecProcNodeReal;
	dlist_push_head(&all_siblings, &siblings->link);
	siblings->forget.func = forget_siblings;
	siblings->forget.arg = siblings;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &siblings->forget);
	ExecSetExecProcNode(&merge->ps, merge_next_row);
	return siblings;
}

/*
 * Gives a LIMIT to the scans whose rows reach it in order; it takes no more rows of each.  Siblings
 * are the scans below the same merging node, with nothing but projections in between.
 */
static void
hand_limit(LimitState *limit, bool whole, Siblings *siblings, PlanState *node)
{
	check_stack_depth();
	switch (node ? nodeTag(node) : T_Invalid)
	{
		case T_IndexScanState:
		case T_IndexOnlyScanState:
			hand_to_scan(limit, whole, siblings, node);
			break;
		case T_CustomScanState:
			hand_limit(limit, whole, siblings, (PlanState *) filter_scan_child(node));
			break;
		case T_ResultState:
			if (node->qual == NULL)
				hand_limit(limit, whole, siblings, outerPlanState(node));
			break;
		case T_SubqueryScanState:
			if (node->qual == NULL)
				hand_limit(limit, whole, siblings, ((SubqueryScanState *) node)->subplan);
			break;
		case T_AppendState:
			for (int i = 0; i < ((AppendState *) node)->as_nplans; i++)
				hand_limit(limit, whole, NULL, ((AppendState *) node)->appendplans[i]);
			break;
		case T_MergeAppendState:
			siblings = make_siblings((MergeAppendState *) node);
			for (int i = 0; i < ((MergeAppendState *) node)->ms_nplans; i++)
				hand_limit(limit, whole, siblings, ((MergeAppendState *) node)->mergeplans[i]);
			break;
		default:
			break;
	}
}

/* Looks for scans, and for limits above them.  `fusion` is the node above if that is a fusion. */
static bool
find_bounds(PlanState *node, void *fusion)
{
	LimitState *limit = (LimitState *) node;

	if (IsA(node, IndexScanState))
		find_bound((IndexScanState *) node, NIL);
	else if (IsA(node, IndexOnlyScanState))
		find_index_only_bound((IndexOnlyScanState *) node);
	else if (filter_scan_child(node) != NULL)
		find_bound(filter_scan_child(node), filter_scan_met(node));
	planstate_tree_walker(node, find_bounds, is_fusion_node(node) ? node : NULL);
	if (IsA(node, LimitState) && limit->limitOption == LIMIT_OPTION_COUNT)
		hand_limit(limit, fusion != NULL, NULL, outerPlanState(node));
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
