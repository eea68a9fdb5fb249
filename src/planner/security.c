/*
 * security.c - marks plans of queries that read tables by way of policies
 *
 * A function that may leak what it sees must not be called with rows that a policy, or a view with
 * the option security_barrier, hides.  PostgreSQL orders the conditions of a scan so, but the
 * executor is not told which of them are of policies.  A plan with any is marked as dependent on
 * the role, as PostgreSQL marks those of prepared statements; see am/bound.c.
 */
#include "planner/planner.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"

static planner_hook_type previous_hook;

static bool
has_policy(Node *node, void *context)
{
	const Query *query = (Query *) node;
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, has_policy, context);
	if (query->hasRowSecurity)
		return true;
	foreach(cell, query->rtable)
		if (lfirst_node(RangeTblEntry, cell)->securityQuals != NIL)
			return true;
	return query_tree_walker(unconstify(Query *, query), has_policy, context, 0);
}

static PlannedStmt *
mark_plan(Query *parse, const char *query_string, int cursorOptions,
		  ParamListInfo boundParams PLANNER_PARAMETER)
{
	/* the planner changes the query */
	bool		policy = has_policy((Node *) parse, NULL);
	PlannedStmt *statement = previous_hook ?
		previous_hook(parse, query_string, cursorOptions, boundParams PLANNER_ARGUMENT) :
		standard_planner(parse, query_string, cursorOptions, boundParams PLANNER_ARGUMENT);

	if (policy)
		statement->dependsOnRole = true;
	return statement;
}

void
security_init(void)
{
	previous_hook = planner_hook;
	planner_hook = mark_plan;
}
