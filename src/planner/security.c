/*
 * security.c - marks plans in which conditions wait for those of policies
 *
 * A function that may leak what it sees must not be called with rows that a policy, or a view with
 * the option security_barrier, hides.  PostgreSQL orders the conditions of a scan so, but the
 * executor is not told which of them are of policies.  A plan in which any has to wait is marked as
 * dependent on the role, as PostgreSQL marks those of prepared statements; see am/bound.c.
 *
 * This is not a hook of the planner as a whole: a session may load the library only when it first
 * opens an index in its first plan, and then such a hook would come too late.
 */
#include "planner/planner.h"

#include "nodes/pathnodes.h"
#include "optimizer/paths.h"

static set_rel_pathlist_hook_type previous_hook;

static void
mark_plan(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	ListCell   *cell;

	if (previous_hook)
		previous_hook(root, rel, rti, rte);
	foreach(cell, rel->baserestrictinfo)
		if (lfirst_node(RestrictInfo, cell)->security_level > 0)
			root->glob->dependsOnRole = true;
}

void
security_init(void)
{
	previous_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = mark_plan;
}
