/*
 * junk.c - avoids computing distances that nothing reads
 *
 * SELECT id ...  ORDER BY v <-> q LIMIT k has the distance as a hidden column, which PostgreSQL
 * computes for every row that an index returns in order, only to drop it.  With vectors out of line
 * that costs more than the search.  If the hidden column is dropped without being read, we replace
 * it by a NULL.  What is left may be had from the index alone: see index_only.c.
 */
#include "planner/planner.h"

#include "access/genam.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"

#include "am/method.h"
#include "filter_scan/filter_scan.h"

static planner_hook_type previous_hook;

/* Whether an index, which the planner has locked, is one of ours. */
static bool
is_ours(Oid oid)
{
	Relation	index = index_open(oid, NoLock);
	bool		ours = vector_am_of(index) != NULL;

	index_close(index, NoLock);
	return ours;
}

Node *
over_table(Node *node, void *plan)
{
	const Var  *var = (Var *) node;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var))
		return expression_tree_mutator(node, over_table, plan);
	if (var->varno == INDEX_VAR && IsA(plan, CustomScan))
		return (Node *) list_nth_node(TargetEntry, ((CustomScan *) plan)->custom_scan_tlist,
									  var->varattno - 1)->expr;
	if (var->varno == OUTER_VAR && IsA(plan, NestLoop))
	{
		Plan	   *outer = outerPlan(plan);

		return over_table((Node *) list_nth_node(TargetEntry, outer->targetlist,
												 var->varattno - 1)->expr, outer);
	}
	return node;
}

static void
drop_value(TargetEntry *entry)
{
	entry->expr = (Expr *) makeNullConst(exprType((Node *) entry->expr),
										 exprTypmod((Node *) entry->expr),
										 exprCollation((Node *) entry->expr));
}

/* Adds the columns of its outer side that an expression of a join reads. */
static bool
add_outer_columns(Node *node, void *columns)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var) && ((Var *) node)->varno == OUTER_VAR)
		*(Bitmapset **) columns = bms_add_member(*(Bitmapset **) columns,
												 ((Var *) node)->varattno);
	return expression_tree_walker(node, add_outer_columns, columns);
}

/* The target list of a join's outer side, without the values that the join does not read. */
static List *
targets_read(const NestLoop *join)
{
	List	   *targets = copyObject(outerPlan(join)->targetlist);
	Bitmapset  *columns = NULL;
	ListCell   *cell;

	(void) add_outer_columns((Node *) join->join.plan.targetlist, &columns);
	(void) add_outer_columns((Node *) join->join.plan.qual, &columns);
	(void) add_outer_columns((Node *) join->join.joinqual, &columns);
	foreach(cell, join->nestParams)
		(void) add_outer_columns((Node *) lfirst_node(NestLoopParam, cell)->paramval, &columns);
	foreach(cell, targets)
		if (!bms_is_member(foreach_current_index(cell) + 1, columns))
			drop_value(lfirst_node(TargetEntry, cell));
	return targets;
}

/*
 * Handles a plan's root: an index scan or a filter scan, joins that keep its order, or a LIMIT of
 * these.  Returns the root.
 */
static Plan *
drop_hidden_distance(Plan *root)
{
	bool		limited = root && IsA(root, Limit) &&
		((Limit *) root)->limitOption == LIMIT_OPTION_COUNT;
	Plan	   *top = limited ? outerPlan(root) : root;
	Plan	   *plan = top;
	Plan	   *only;
	IndexScan  *scan;
	NestLoop   *join = NULL;
	ListCell   *cell;

	while (plan && IsA(plan, NestLoop))
		plan = outerPlan(plan);
	if (plan == NULL)
		return root;
	scan = IsA(plan, IndexScan) ? (IndexScan *) plan : filter_scan_child_plan(plan);
	if (scan == NULL || list_length(scan->indexorderbyorig) != 1 || !is_ours(scan->indexid))
		return root;
	foreach(cell, top->targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		TargetEntry *above = list_nth_node(TargetEntry, root->targetlist, entry->resno - 1);

		if (above->resjunk && equal(over_table((Node *) entry->expr, top),
									linitial(scan->indexorderbyorig)))
			drop_value(entry);
	}
	if (!IsA(plan, IndexScan))
		return root;
	/* a join reads the vector only for its distance */
	for (plan = top; IsA(plan, NestLoop); plan = outerPlan(plan))
	{
		join = (NestLoop *) plan;
		if (IsA(outerPlan(join), NestLoop))
			outerPlan(join)->targetlist = targets_read(join);
	}
	only = index_only_scan(scan, join ? targets_read(join) : scan->scan.plan.targetlist);
	if (only == NULL)
		return root;
	if (plan == root)
		return only;
	outerPlan(join ? &join->join.plan : root) = only;
	return root;
}

/*
 * Visits the roots of subqueries in a plan: their hidden columns do not leave them.  Nodes that
 * merge scans may be replaced if the statement changes no rows; `place` says what of the statement
 * is above the plan.
 */
static void
visit_subqueries(Plan *plan, bool reads, MergePlace place)
{
	ListCell   *cell;
	List	   *children = NIL;

	if (plan == NULL)
		return;
	check_stack_depth();
	place.in_worker |= IsA(plan, Gather) || IsA(plan, GatherMerge);
	foreach(cell, plan->initPlan)
	{
		ListCell   *param;

		foreach(param, lfirst_node(SubPlan, cell)->setParam)
			place.once = bms_add_member(bms_copy(place.once), lfirst_int(param));
	}
	visit_subqueries(plan->lefttree, reads, place);
	visit_subqueries(plan->righttree, reads, place);
	/* whatever is above a LIMIT is of the query around it, often without a SubqueryScan between */
	if (IsA(plan, Limit))
	{
		(void) drop_hidden_distance(plan);
		if (reads && ((Limit *) plan)->limitOption == LIMIT_OPTION_COUNT)
			merge_late((Limit *) plan, &place);
	}
	else if (IsA(plan, SubqueryScan))
	{
		((SubqueryScan *) plan)->subplan =
			drop_hidden_distance(((SubqueryScan *) plan)->subplan);
		visit_subqueries(((SubqueryScan *) plan)->subplan, reads, place);
	}
	else if (IsA(plan, Append))
		children = ((Append *) plan)->appendplans;
	else if (IsA(plan, MergeAppend))
		children = ((MergeAppend *) plan)->mergeplans;
	foreach(cell, children)
		visit_subqueries(lfirst(cell), reads, place);
}

static PlannedStmt *
plan_without_hidden_distances(Query *parse, const char *query_string, int cursorOptions,
							  ParamListInfo boundParams PLANNER_PARAMETER)
{
	PlannedStmt *statement = previous_hook ?
		previous_hook(parse, query_string, cursorOptions, boundParams PLANNER_ARGUMENT) :
		standard_planner(parse, query_string, cursorOptions, boundParams PLANNER_ARGUMENT);
	bool		reads = !statement->hasModifyingCTE;
	MergePlace	place = {.statement = statement};
	ListCell   *cell;

	/* a query that locks or updates rows reads the whole row anyway */
	if (statement->rowMarks != NIL || statement->commandType != CMD_SELECT)
		return statement;
	statement->planTree = drop_hidden_distance(statement->planTree);
	visit_subqueries(statement->planTree, reads, place);
	foreach(cell, statement->subplans)
	{
		lfirst(cell) = drop_hidden_distance(lfirst(cell));
		/* workers may run it, who are sent no subplan that has workers itself */
		place.in_worker = statement->parallelModeNeeded;
		visit_subqueries(lfirst(cell), reads, place);
	}
	return statement;
}

void
junk_init(void)
{
	previous_hook = planner_hook;
	planner_hook = plan_without_hidden_distances;
}
