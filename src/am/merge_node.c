/*
 * merge_node.c - a node that merges scans, and begins each only if it may have one of the rows
 *
 * To begin and end the scan of a partition takes longer than to compare the codes of its rows, if
 * these are few, and of hundreds of partitions only some have the rows that a LIMIT takes.  So the
 * node has PostgreSQL's plans of scans, and begins those that are asked (merge.c).  EXPLAIN shows
 * all: they begin when the query does.
 */
#include "am/merge.h"

#include "access/genam.h"
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#endif
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "utils/ruleutils.h"
#include "utils/sortsupport.h"

#include "am/bound.h"
#include "am/sketch.h"
#include "filter_scan/filter_scan.h"

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

static const IndexScan *
child_plan(const MergeNode *node, int number)
{
	return list_nth_node(IndexScan, plan_of(node)->custom_plans, number);
}

MergeNode *
merge_node(PlanState *node)
{
	return is_scan_state(node, &exec_methods) ? (MergeNode *) node : NULL;
}

static Oid
index_of(const MergeNode *node, int number)
{
	return list_nth_oid(lsecond(plan_of(node)->custom_private), number);
}

Bitmapset *
merge_node_sketch(MergeNode *node, const Bitmapset *valid, NearestFound *nearest, double *value)
{
	ExprContext *context = node->node.ss.ps.ps_ExprContext;
	Bitmapset  *far = NULL;
	SketchSet  *set;
	int		   *numbers;
	Datum		query;
	bool		isnull;

	/* the more rows, the more children have one of them */
	if (nearest->wanted == 0 || nearest->wanted > (uint64) bms_num_members(valid))
		return NULL;
	ResetExprContext(context);
	query = ExecEvalExprSwitchContext(node->query, context, &isnull);
	if (isnull)
		return NULL;
	set = sketch_begin(node->operator, query, nearest->wanted, node->node.ss.ps.state->es_snapshot);
	numbers = palloc(sizeof(int) * node->append->ms_nplans);
	for (int i = -1; (i = bms_next_member(valid, i)) >= 0;)
	{
		/* there may be many, each of which takes too short a time to check */
		CHECK_FOR_INTERRUPTS();
		numbers[i] = sketch_add(set, index_of(node, i));
	}
	*value = sketch_finish(set, &nearest->within);
	for (int i = -1; (i = bms_next_member(valid, i)) >= 0;)
	{
		node->compared += numbers[i] >= 0;
		if (numbers[i] >= 0 && !sketch_is_near(set, numbers[i]))
			far = bms_add_member(far, i);
	}
	pfree(numbers);
	sketch_free(set);
	return far;
}

PlanState *
merge_node_begin(MergeNode *node, int number)
{
	PlanState  *child = ExecInitNode((Plan *) child_plan(node, number), node->node.ss.ps.state,
									 node->eflags);

	node->node.custom_ps = lappend(node->node.custom_ps, child);
	return child;
}

void
merge_node_begun(PlanState *child, LimitState *limit, MergedScan *merged)
{
	scan_bound_begin(limit, merged, child);
}

/* Makes what is merged: what of PostgreSQL's state merge.c reads. */
static MergeAppendState *
make_append(MergeNode *node)
{
	const CustomScan *plan = plan_of(node);
	MergeAppendState *append = makeNode(MergeAppendState);
	SortSupport key = palloc0(sizeof(SortSupportData));

	append->ps.plan = node->node.ss.ps.plan;
	append->ps.state = node->node.ss.ps.state;
	append->ps.ps_ResultTupleDesc = node->node.ss.ps.ps_ResultTupleDesc;
	append->ps.ps_ResultTupleSlot = node->node.ss.ps.ps_ResultTupleSlot;
	append->ms_nplans = list_length(plan->custom_plans);
	append->mergeplans = palloc0(sizeof(PlanState *) * append->ms_nplans);
	append->ms_slots = palloc0(sizeof(TupleTableSlot *) * append->ms_nplans);
	append->ms_valid_subplans = bms_add_range(NULL, 0, append->ms_nplans - 1);
	key->ssup_attno = (AttrNumber) intVal(linitial(plan->custom_private));
	append->ms_nkeys = 1;
	append->ms_sortkeys = key;
	return append;
}

static void
begin_node(CustomScanState *custom, EState *estate, int eflags)
{
	MergeNode  *node = (MergeNode *) custom;
	const OpExpr *order = linitial_node(OpExpr, child_plan(node, 0)->indexorderby);

	node->eflags = eflags;
	node->operator = order->opno;
	node->append = make_append(node);
	node->query = ExecInitExpr(linitial(plan_of(node)->custom_exprs), &custom->ss.ps);
	/* rows are passed on in the slots of children */
	custom->ss.ps.resultopsset = true;
	custom->ss.ps.resultopsfixed = false;
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

static void
end_node(CustomScanState *custom)
{
	ListCell   *cell;

	foreach(cell, custom->custom_ps)
		ExecEndNode(lfirst(cell));
}

static void
rescan_node(CustomScanState *custom)
{
	ListCell   *cell;

	foreach(cell, custom->custom_ps)
	{
		PlanState  *child = lfirst(cell);

		if (custom->ss.ps.chgParam != NULL)
			UpdateChangedParamSet(child, custom->ss.ps.chgParam);
		/* a node with changed parameters is rescanned when it is next asked */
		if (child->chgParam == NULL)
			ExecReScan(child);
	}
	((MergeNode *) custom)->append->ms_initialized = false;
}

/* Shows the order, and how many children told by their codes whether they may have rows. */
static void
explain_node(CustomScanState *custom, List *ancestors, ExplainState *es)
{
	const MergeNode *node = (MergeNode *) custom;
	const Plan *plan = custom->ss.ps.plan;
	List	   *context = set_deparse_context_plan(es->deparse_cxt, (Plan *) plan, ancestors);
	TargetEntry *entry = list_nth(plan->targetlist, node->append->ms_sortkeys->ssup_attno - 1);

	ExplainPropertyList("Sort Key", list_make1(
		deparse_expression((Node *) entry->expr, context, true, true)), es);
	if (es->analyze)
		ExplainPropertyUInteger("Compared by Codes", NULL, node->compared, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = MERGE_NODE_NAME,
	.BeginCustomScan = begin_node,
	.ExecCustomScan = next_row,
	.EndCustomScan = end_node,
	.ReScanCustomScan = rescan_node,
	.ExplainCustomScan = explain_node
};

void
merge_node_init(void)
{
	RegisterCustomScanMethods(&merge_node_methods);
}
