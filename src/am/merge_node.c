/*
 * merge_node.c - a node that merges scans, and begins each only if it may have one of the rows
 *
 * To begin and end the scan of a partition takes longer than to compare the codes of its rows, if
 * these are few, and of hundreds of partitions only some have the rows that a LIMIT takes.  So the
 * node has PostgreSQL's plans of scans, and begins those that are asked (merge.c).  EXPLAIN shows
 * all: they begin when the query does.
 */
#include "am/merge.h"

#include <math.h>

#include "access/genam.h"
#include "access/parallel.h"
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#endif
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "utils/ruleutils.h"
#include "utils/sortsupport.h"
#include "utils/tuplestore.h"

#include "am/bound.h"
#include "am/method.h"
#include "am/sketch.h"
#include "filter_scan/filter_scan.h"

bool		merge_node_enabled = true;

static const CustomExecMethods exec_methods;

static Node *
create_state(CustomScan *plan)
{
	return make_scan_state(sizeof(MergeNode), &exec_methods);
}

const CustomScanMethods merge_node_methods = {
	.CustomName = MERGE_NODE_NAME,
	.CreateCustomScanState = create_state
};

static const CustomScan *
plan_of(const MergeNode *node)
{
	return (const CustomScan *) node->node.ss.ps.plan;
}

/* The plan of a child. */
static Plan *
child_plan(const MergeNode *node, int number)
{
	return list_nth(plan_of(node)->custom_plans, node->plans[number]);
}

IndexScan *
merge_node_scan(Plan *child)
{
	return IsA(child, IndexScan) ? (IndexScan *) child : filter_scan_child_plan(child);
}

MergeNode *
merge_node(PlanState *node)
{
	return is_scan_state(node, &exec_methods) ? (MergeNode *) node : NULL;
}

/* The index of a child, or InvalidOid. */
static Oid
index_of(const MergeNode *node, int number)
{
	return list_nth_oid(lsecond(plan_of(node)->custom_private), node->plans[number]);
}

/* What is known of the conditions of a child; NULL if there are none. */
static MergeFilter *
filter_of(MergeNode *node, int number, Relation index)
{
	const IndexScan *scan = merge_node_scan(child_plan(node, number));
	MemoryContext old;

	if (node->filters[number] || (scan->indexqual == NIL && scan->scan.plan.qual == NIL))
		return node->filters[number];
	old = MemoryContextSwitchTo(node->node.ss.ps.state->es_query_cxt);
	node->filters[number] = merge_filter_make(scan, index, &node->node.ss);
	MemoryContextSwitchTo(old);
	return node->filters[number];
}

/* Whether the rows of a child that its attributes leave all meet its conditions. */
static bool
is_whole(MergeNode *node, int number)
{
	const IndexScan *scan = merge_node_scan(child_plan(node, number));
	Relation	index;

	if (scan->indexqual == NIL && scan->scan.plan.qual == NIL)
		return true;
	/* the index is opened only once to find out */
	if (node->filters[number] == NULL)
	{
		index = index_open(index_of(node, number), AccessShareLock);
		if (vector_am_of(index))
			(void) filter_of(node, number, index);
		index_close(index, NoLock);
	}
	return node->filters[number] == NULL || merge_filter_is_whole(node->filters[number]);
}

/* The child that has a plan, or -1 if it is pruned when the query starts. */
static int
child_of_plan(const MergeNode *node, int plan)
{
	int			first = 0;
	int			end = node->append->ms_nplans;

	while (first < end)
	{
		int			middle = (first + end) / 2;

		if (node->plans[middle] == plan)
			return middle;
		if (node->plans[middle] < plan)
			first = middle + 1;
		else
			end = middle;
	}
	return -1;
}

/* Plans are what all processes number alike, however each prunes. */
int
merge_node_next(MergeNode *node, const Bitmapset *valid, int previous)
{
	int			plan;

	if (node->shared == NULL)
		return bms_next_member(valid, previous);
	while ((plan = merge_share_take(node->shared)) >= 0)
	{
		int			child = child_of_plan(node, plan);

		if (child >= 0 && bms_is_member(child, valid))
			return child;
	}
	return -1;
}

/* A child is taken by this process alone. */
static void
note_taken(MergeNode *node, int number)
{
	MemoryContext old;

	if (node->shared == NULL)
		return;
	old = MemoryContextSwitchTo(node->node.ss.ps.state->es_query_cxt);
	node->taken = bms_add_member(node->taken, number);
	MemoryContextSwitchTo(old);
}

/* A child of which the codes are compared. */
typedef struct ComparedChild
{
	MergeNode  *node;
	int			number;
	bool		whole;			/* only rows are compared that meet all conditions */
} ComparedChild;

/* Of a sketch: the conditions of a child. */
static bool
make_filter(void *arg, Relation index, CachedIndex *cached, AttributeFilter **filter)
{
	const ComparedChild *child = arg;
	const MergeFilter *known = filter_of(child->node, child->number, index);
	bool		whole;

	if (known == NULL)
		return true;
	*filter = merge_filter(known, child->node->node.ss.ps.ps_ExprContext, index, cached, &whole);
	return whole || !child->whole;
}

/* The first child of which an index may be compared, or -1. */
static int
first_known(const MergeNode *node, const Bitmapset *valid)
{
	int			first = -1;

	while ((first = bms_next_member(valid, first)) >= 0 && !OidIsValid(index_of(node, first)))
		;
	return first;
}

double
merge_node_share(MergeNode *node, const Bitmapset *valid)
{
	int			first = first_known(node, valid);

	return first < 0 || is_whole(node, first) ? 1 :
		floatVal(lthird(plan_of(node)->custom_private));
}

/* Ends a sketch: notes what it tells of each child. */
static Bitmapset *
take_results(MergeNode *node, const SketchSet *set, const int *numbers, double *values,
			 Bitmapset **empty)
{
	Bitmapset  *far = NULL;

	for (int i = 0; i < node->append->ms_nplans; i++)
	{
		if (numbers[i] < 0)
			continue;
		node->counters.compared++;
		switch (sketch_result(set, numbers[i], &values[i]))
		{
			case SKETCH_NEAR:
				break;
			case SKETCH_BEYOND:
				far = bms_add_member(far, i);
				break;
			case SKETCH_EMPTY:
				*empty = bms_add_member(*empty, i);
				break;
		}
	}
	return far;
}

Bitmapset *
merge_node_sketch(MergeNode *node, const Bitmapset *valid, uint64 wanted, NearestFound *nearest,
				  double *values, Bitmapset **empty)
{
	ExprContext *context = node->node.ss.ps.ps_ExprContext;
	ComparedChild child = {.node = node};
	int			first = first_known(node, valid);
	int			children = bms_num_members(valid);
	Bitmapset  *far;
	SketchSet  *set;
	int		   *numbers;
	Datum		query;
	float		within;
	bool		isnull;

	/* the more rows are wanted, the more children have one of them */
	if (wanted == 0 || first < 0 || children < MERGE_LEAST_SCANS || wanted > children)
		return NULL;
	child.whole = is_whole(node, first);
	ResetExprContext(context);
	query = ExecEvalExprSwitchContext(node->query, context, &isnull);
	if (isnull)
		return NULL;
	set = sketch_begin(node->operator, query, wanted, node->node.ss.ps.state->es_snapshot,
					   node->shared ? merge_share_compared(node->shared) : NULL);
	numbers = palloc(sizeof(int) * node->append->ms_nplans);
	memset(numbers, -1, sizeof(int) * node->append->ms_nplans);
	for (child.number = -1; (child.number = merge_node_next(node, valid, child.number)) >= 0;)
	{
		/* there may be many, each of which takes too short a time to check */
		CHECK_FOR_INTERRUPTS();
		if (OidIsValid(index_of(node, child.number)))
			numbers[child.number] = sketch_add(set, index_of(node, child.number), make_filter,
											   &child);
		note_taken(node, child.number);
	}
	sketch_finish(set, &within);
	/* what scans look for may be fewer rows, that meet all conditions */
	if (nearest->wanted == wanted)
		nearest->within = within;
	far = take_results(node, set, numbers, values, empty);
	pfree(numbers);
	sketch_free(set);
	return far;
}

PlanState *
merge_node_begin(MergeNode *node, int number)
{
	PlanState  *child = ExecInitNode(child_plan(node, number), node->node.ss.ps.state,
									 node->eflags);

	node->node.custom_ps = lappend(node->node.custom_ps, child);
	return child;
}

void
merge_node_begun(PlanState *child, LimitState *limit, MergedScan *merged)
{
	scan_bound_begin(limit, merged, child);
}

/*
 * Finds the plans that are left by the pruning when the query starts, if there is one, and prepares
 * for that when the node is rescanned.  Returns how many there are.
 */
static int
find_plans(MergeNode *node, MergeAppendState *append)
{
	const CustomScan *plan = plan_of(node);
	Node	   *pruning = lfourth(plan->custom_private);
	int			all = list_length(plan->custom_plans);
	Bitmapset  *left = NULL;
	int			count = 0;

	if (pruning)
		append->ms_prune_state = begin_pruning(&append->ps, all, pruning, plan->custom_relids,
											   &left);
	else
		left = bms_add_range(NULL, 0, all - 1);
	node->plans = palloc(sizeof(int) * all);
	for (int i = -1; (i = bms_next_member(left, i)) >= 0;)
		node->plans[count++] = i;
	if (count > 0 && (pruning == NULL || !append->ms_prune_state->do_exec_prune))
		append->ms_valid_subplans = bms_add_range(NULL, 0, count - 1);
	return count;
}

/* Makes what is merged: what of PostgreSQL's state merge.c reads. */
static MergeAppendState *
make_append(MergeNode *node)
{
	MergeAppendState *append = makeNode(MergeAppendState);
	SortSupport key = palloc0(sizeof(SortSupportData));

	append->ps.plan = node->node.ss.ps.plan;
	append->ps.state = node->node.ss.ps.state;
	append->ps.ps_ResultTupleDesc = node->node.ss.ps.ps_ResultTupleDesc;
	append->ps.ps_ResultTupleSlot = node->node.ss.ps.ps_ResultTupleSlot;
	append->ms_nplans = find_plans(node, append);
	append->mergeplans = palloc0(sizeof(PlanState *) * (append->ms_nplans + 1));
	append->ms_slots = palloc0(sizeof(TupleTableSlot *) * (append->ms_nplans + 1));
	key->ssup_attno = (AttrNumber) intVal(linitial(plan_of(node)->custom_private));
	append->ms_nkeys = 1;
	append->ms_sortkeys = key;
	return append;
}

/* The operator of the scans that are merged. */
static Oid
operator_of(const CustomScan *plan)
{
	const IndexScan *scan = NULL;
	ListCell   *index;
	ListCell   *child;

	forboth(index, (List *) lsecond(plan->custom_private), child, plan->custom_plans)
		if (scan == NULL && OidIsValid(lfirst_oid(index)))
			scan = merge_node_scan(lfirst(child));
	return linitial_node(OpExpr, scan->indexorderby)->opno;
}

static void
begin_node(CustomScanState *custom, EState *estate, int eflags)
{
	MergeNode  *node = (MergeNode *) custom;

	node->eflags = eflags;
	node->operator = operator_of(plan_of(node));
	node->append = make_append(node);
	node->filters = palloc0(sizeof(MergeFilter *) * (node->append->ms_nplans + 1));
	node->query = ExecInitExpr(linitial(plan_of(node)->custom_exprs), &custom->ss.ps);
	/* rows are passed on in the slots of children */
	custom->ss.ps.resultopsset = true;
	custom->ss.ps.resultopsfixed = false;
	if (custom->ss.ps.plan->parallel_aware)
		node->slot = ExecInitExtraTupleSlot(estate, custom->ss.ps.ps_ResultTupleDesc,
											&TTSOpsMinimalTuple);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) || estate->es_instrument != 0)
		for (int i = 0; i < node->append->ms_nplans; i++)
			node->append->mergeplans[i] = merge_node_begin(node, i);
}

static TupleTableSlot *
next_row(CustomScanState *custom)
{
	PlanState  *append = &((MergeNode *) custom)->append->ps;

	if (append->ExecProcNode == NULL)
		elog(ERROR, "a node that merges scans has not been told of its LIMIT");
	return ExecProcNode(append);
}

/* Forgets rows that have not been returned. */
static void
drop_rows(MergeNode *node)
{
	if (node->rows)
	{
		(void) ExecClearTuple(node->slot);
		tuplestore_end(node->rows);
	}
	node->rows = NULL;
}

static void
end_node(CustomScanState *custom)
{
	ListCell   *cell;

	drop_rows((MergeNode *) custom);
	foreach(cell, custom->custom_ps)
		ExecEndNode(lfirst(cell));
}

static void
rescan_node(CustomScanState *custom)
{
	MergeAppendState *append = ((MergeNode *) custom)->append;
	ListCell   *cell;

	/* pruned by other values */
	if (append->ms_prune_state &&
		bms_overlap(custom->ss.ps.chgParam, append->ms_prune_state->execparamids))
	{
		bms_free(append->ms_valid_subplans);
		append->ms_valid_subplans = NULL;
	}

	foreach(cell, custom->custom_ps)
	{
		PlanState  *child = lfirst(cell);

		if (custom->ss.ps.chgParam != NULL)
			UpdateChangedParamSet(child, custom->ss.ps.chgParam);
		/* a node with changed parameters is rescanned when it is next asked */
		if (child->chgParam == NULL)
			ExecReScan(child);
	}
	append->ms_initialized = false;
	drop_rows((MergeNode *) custom);
}

LimitState *
merge_node_told(PlanState *node)
{
	LimitState *limit;

	if (!IsParallelWorker() || merge_node(node) == NULL || !node->plan->parallel_aware)
		return NULL;
	limit = makeNode(LimitState);
	limit->ps.state = node->state;
	limit->noCount = true;
	return limit;
}

static Size
estimate_shared(CustomScanState *custom, ParallelContext *context)
{
	const MergeNode *node = (MergeNode *) custom;

	return merge_share_size(list_length(plan_of(node)->custom_plans),
							merge_rows_taken(node->limit));
}

static void
initialize_shared(CustomScanState *custom, ParallelContext *context, void *coordinate)
{
	MergeNode  *node = (MergeNode *) custom;

	node->shared = coordinate;
	merge_share_init(node->shared, list_length(plan_of(node)->custom_plans),
					 merge_rows_taken(node->limit));
}

/* Before a rescan, when no worker runs. */
static void
reset_shared(CustomScanState *custom, ParallelContext *context, void *coordinate)
{
	MergeNode  *node = (MergeNode *) custom;

	node->shared = coordinate;
	merge_share_collect(node->shared, &node->counters);
	merge_share_reset(node->shared, merge_rows_taken(node->limit));
}

static void
initialize_worker(CustomScanState *custom, shm_toc *toc, void *coordinate)
{
	MergeNode  *node = (MergeNode *) custom;
	uint64		wanted = merge_share_wanted(coordinate);

	node->shared = coordinate;
	node->limit->noCount = wanted == 0;
	node->limit->count = (int64) Min(wanted, (uint64) PG_INT64_MAX);
}

/* Workers say what they have counted, which the leader takes over before the memory goes. */
static void
shut_down(CustomScanState *custom)
{
	MergeNode  *node = (MergeNode *) custom;

	if (node->shared == NULL)
		return;
	if (IsParallelWorker())
		merge_share_report(node->shared, &node->counters);
	else
		merge_share_collect(node->shared, &node->counters);
	node->shared = NULL;
}

/*
 * Shows the order, the children that are not shown, as PostgreSQL's node does, and how many told by
 * their codes whether they may have rows, had to begin, and had not.
 */
static void
explain_node(CustomScanState *custom, List *ancestors, ExplainState *es)
{
	const MergeNode *node = (MergeNode *) custom;
	const Plan *plan = custom->ss.ps.plan;
	List	   *context = set_deparse_context_plan(es->deparse_cxt, (Plan *) plan, ancestors);
	TargetEntry *entry = list_nth(plan->targetlist, node->append->ms_sortkeys->ssup_attno - 1);
	int			removed = list_length(plan_of(node)->custom_plans) - node->append->ms_nplans;

	ExplainPropertyList("Sort Key", list_make1(
		deparse_expression((Node *) entry->expr, context, true, true)), es);
	if (removed > 0 || es->format != EXPLAIN_FORMAT_TEXT)
		ExplainPropertyInteger("Subplans Removed", NULL, removed, es);
	if (!es->analyze)
		return;
	ExplainPropertyUInteger("Compared by Codes", NULL, node->counters.compared, es);
	ExplainPropertyUInteger("Scans Begun", NULL, node->counters.begun, es);
	ExplainPropertyUInteger("Scans Skipped", NULL, node->counters.skipped, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = MERGE_NODE_NAME,
	.BeginCustomScan = begin_node,
	.ExecCustomScan = next_row,
	.EndCustomScan = end_node,
	.ReScanCustomScan = rescan_node,
	.EstimateDSMCustomScan = estimate_shared,
	.InitializeDSMCustomScan = initialize_shared,
	.ReInitializeDSMCustomScan = reset_shared,
	.InitializeWorkerCustomScan = initialize_worker,
	.ShutdownCustomScan = shut_down,
	.ExplainCustomScan = explain_node
};

void
merge_node_init(void)
{
	RegisterCustomScanMethods(&merge_node_methods);
}
