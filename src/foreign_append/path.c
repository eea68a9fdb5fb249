/*
 * path.c - offers the planner one statement for each of the servers that are asked together
 *
 * postgres_fdw declares a cursor on each server, one server after the other, fetches from all at
 * the same time, and closes each.  A few rows need no cursor: the statement itself is sent, to all
 * servers before the first answer is waited for.  Connections and transactions are those of
 * postgres_fdw, whose foreign scans the node has as its children.
 */
#include "foreign_append/foreign_append_internal.h"

#include "access/sysattr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "utils/guc.h"

/* The width of rows is a guess where a foreign table was never analyzed. */
#define ROWS_AT_ONCE	1000

static bool enable_foreign_append = true;
static const CustomPathMethods path_methods;

bool
rows_fit(double rows, double width)
{
	return rows <= ROWS_AT_ONCE && rows * width <= work_mem * 1024.0;
}

static bool
has_parameter(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return IsA(node, Param) || expression_tree_walker(node, has_parameter, context);
}

/*
 * Whether an Append might leave out partitions when it is executed: a condition on their key has a
 * value that is not known to the planner.
 */
static bool
may_prune(const PlannerInfo *root, const AppendPath *append)
{
	const RelOptInfo *table = append->path.parent;
	Bitmapset  *key = NULL;
	ListCell   *cell;

	if (table->part_scheme == NULL || table->partexprs == NULL)
		return true;
	for (int i = 0; i < table->part_scheme->partnatts; i++)
		pull_varattnos((Node *) table->partexprs[i], table->relid, &key);
	foreach(cell, table->baserestrictinfo)
	{
		Node	   *clause = (Node *) lfirst_node(RestrictInfo, cell)->clause;
		Bitmapset  *columns = NULL;

		pull_varattnos(clause, table->relid, &columns);
		if (bms_overlap(key, columns) &&
			(has_parameter(clause, NULL) || contain_mutable_functions(clause)))
			return true;
	}
	foreach(cell, append->subpaths)
	{
		Index		relid = lfirst_node(Path, cell)->parent->relid;

		/* partitions of partitions have keys of their own */
		if (root->append_rel_array[relid]->parent_relid != table->relid)
			return true;
	}
	return false;
}

/* Whether a query reads columns of a table that no other server can tell, as tableoid. */
static bool
reads_system_column(const RelOptInfo *table)
{
	Bitmapset  *columns = NULL;

	pull_varattnos((Node *) table->reltarget->exprs, table->relid, &columns);
	return bms_next_member(columns, -1) >= 0 &&
		bms_next_member(columns, -1) < 0 - FirstLowInvalidHeapAttributeNumber;
}

Path *
foreign_append_path(PlannerInfo *root, const AppendPath *append)
{
	CustomPath *path = makeNode(CustomPath);

	if (!enable_foreign_append || may_prune(root, append) ||
		reads_system_column(append->path.parent) ||
		!rows_fit(root->limit_tuples, append->path.pathtarget->width))
		return NULL;
	path->path.pathtype = T_CustomScan;
	path->path.parent = append->path.parent;
	path->path.pathtarget = append->path.pathtarget;
	path->path.rows = append->path.rows;
	path->path.startup_cost = append->path.startup_cost;
	path->path.total_cost = append->path.total_cost;
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = append->path.disabled_nodes;
#endif
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = append->subpaths;
	path->methods = &path_methods;
	return &path->path;
}

static Plan *
make_plan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *targets, List *clauses,
		  List *plans)
{
	CustomScan *plan = makeNode(CustomScan);

	plan->scan.plan.targetlist = targets;
	plan->flags = path->flags;
	plan->custom_plans = plans;
	plan->custom_scan_tlist = make_tlist_from_pathtarget(path->path.pathtarget);
	plan->custom_exprs = list_make1(copyObject(root->parse->limitCount));
	plan->custom_private = list_make1(makeInteger(path->path.pathtarget->width));
	plan->methods = &foreign_append_methods;
	return &plan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = FOREIGN_APPEND_NAME,
	.PlanCustomPath = make_plan
};

void
foreign_append_init(void)
{
	DefineCustomBoolVariable(
		"vector.enable_foreign_append",
		"Enables the planner to have all servers of a search sent one statement at the same time.",
		NULL, &enable_foreign_append, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	RegisterCustomScanMethods(&foreign_append_methods);
}
