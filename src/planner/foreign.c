/*
 * foreign.c - sends the LIMIT of a search to each of the servers that a table is divided among
 *
 * postgres_fdw sends ORDER BY for a partition on another server, but LIMIT only where a query is of
 * one foreign table.  Without it the other server plans for a tenth of all rows, and may sort its
 * whole table for the few that are fetched.  Where the rows of a query are those of one divided
 * table, in the order of a distance, the first k are among the first k of each partition.  So a
 * foreign partition's only path becomes the one of postgres_fdw in this order, with a LIMIT.
 *
 * A Merge Append asks one server after the other.  If all partitions are on servers that may be
 * asked at the same time (async_capable), their rows are sorted here instead, above an Append.
 *
 * postgres_fdw has no call that makes such a path.  What it keeps in one is two truth values,
 * whether the query's last sort is the server's, and whether LIMIT is.  The path is tried before it
 * is taken: unless the plan that postgres_fdw makes of it sends ORDER BY and LIMIT, and leaves no
 * condition to be tested here, nothing changes.
 */
#include "planner/planner.h"

#include "catalog/pg_class.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "foreign_append/foreign_append.h"

/* What postgres_fdw keeps in a path (FdwPathPrivateIndex) and, first, in a plan. */
#define PATH_HAS_FINAL_SORT		false
#define PATH_HAS_LIMIT			true
#define PLAN_SELECT_SQL			0

static bool enable_foreign_limit = true;
static set_rel_pathlist_hook_type previous_rel_hook;
static create_upper_paths_hook_type previous_upper_hook;

/* Whether the first of some sort keys is a distance. */
static bool
orders_by_distance(List *pathkeys)
{
	const PathKey *key = pathkeys == NIL ? NULL : linitial_node(PathKey, pathkeys);
	ListCell   *cell;

	if (key == NULL)
		return false;
	foreach(cell, key->pk_eclass->ec_members)
		if (computes_distance((Node *) lfirst_node(EquivalenceMember, cell)->em_expr))
			return true;
	return false;
}

/*
 * Whether the result of a query is the first rows of one table, as many as a LIMIT says, in the
 * order of a distance.
 */
static bool
takes_first_rows(const PlannerInfo *root, const Relids table)
{
	const Query *parse = root->parse;

	return parse->commandType == CMD_SELECT && parse->limitCount != NULL &&
		(IsA(parse->limitCount, Const) ||
		 (IsA(parse->limitCount, Param) &&
		  ((Param *) parse->limitCount)->paramkind == PARAM_EXTERN)) &&
		parse->limitOffset == NULL && parse->limitOption == LIMIT_OPTION_COUNT &&
		parse->rowMarks == NIL && parse->groupClause == NIL && parse->groupingSets == NIL &&
		parse->distinctClause == NIL && parse->havingQual == NULL &&
		parse->setOperations == NULL && !parse->hasAggs && !parse->hasWindowFuncs &&
		!parse->hasTargetSRFs && !root->hasPseudoConstantQuals &&
		bms_equal(all_relids(root), table) && root->query_pathkeys == root->sort_pathkeys &&
		orders_by_distance(root->sort_pathkeys);
}

/* Whether the plan of a path has the server sort, limit, and test all conditions. */
static bool
sends_limit(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte, ForeignPath *path)
{
	ForeignScan *plan = rel->fdwroutine->GetForeignPlan(root, rel, rte->relid, path, NIL,
														rel->baserestrictinfo, NULL);
	const Node *sql = plan->fdw_private == NIL ? NULL :
		list_nth(plan->fdw_private, PLAN_SELECT_SQL);

	return plan->scan.plan.qual == NIL && sql != NULL && IsA(sql, String) &&
		strstr(strVal(sql), " ORDER BY ") != NULL && strstr(strVal(sql), " LIMIT ") != NULL;
}

/* The path of postgres_fdw in the order of the query, with a LIMIT; NULL if there is none. */
static Path *
limited_path(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	Path	   *ordered = get_cheapest_path_for_pathkeys(rel->pathlist, root->sort_pathkeys, NULL,
														 TOTAL_COST, false);
	ForeignPath *limited;
	double		part;

	if (ordered == NULL || !IsA(ordered, ForeignPath) ||
		((ForeignPath *) ordered)->fdw_private != NIL ||
		((ForeignPath *) ordered)->fdw_outerpath != NULL)
		return NULL;
	limited = makeNode(ForeignPath);
	memcpy(limited, ordered, sizeof(ForeignPath));
	limited->fdw_private = list_make2(makeBoolean(PATH_HAS_FINAL_SORT),
									  makeBoolean(PATH_HAS_LIMIT));
	if (!sends_limit(root, rel, rte, limited))
		return NULL;
	if (root->limit_tuples > 0 && root->limit_tuples < limited->path.rows)
	{
		part = root->limit_tuples / limited->path.rows;
		limited->path.rows = root->limit_tuples;
		limited->path.total_cost = limited->path.startup_cost +
			(limited->path.total_cost - limited->path.startup_cost) * part;
	}
	return &limited->path;
}

static bool
is_postgres_fdw(Oid server)
{
	const ForeignDataWrapper *wrapper = GetForeignDataWrapper(GetForeignServer(server)->fdwid);
	const char *handler = get_func_name(wrapper->fdwhandler);

	return handler != NULL && strcmp(handler, "postgres_fdw_handler") == 0;
}

/*
 * Sends the LIMIT to the server of a partition.  That of one foreign table alone has it by
 * postgres_fdw, but returns vectors without this.
 */
static void
limit_table(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	const bool	partition = rel->reloptkind == RELOPT_OTHER_MEMBER_REL;
	Path	   *limited;

	if (previous_rel_hook)
		previous_rel_hook(root, rel, rti, rte);
	if (!enable_foreign_limit || rte->rtekind != RTE_RELATION ||
		rte->relkind != RELKIND_FOREIGN_TABLE || IS_DUMMY_REL(rel) || rel->fdwroutine == NULL ||
		!takes_first_rows(root, partition ? rel->top_parent_relids : rel->relids) ||
		!is_postgres_fdw(rel->serverid))
		return;
	if (partition)
	{
		limited = limited_path(root, rel, rte);
		if (limited == NULL)
			return;
		rel->pathlist = list_make1(limited);
	}
	foreign_plan_distance(rel);
}

/* Whether all parts of a path are foreign scans with a LIMIT that can wait for servers together. */
static bool
asks_together(const Path *path)
{
	ListCell   *cell;

	if (!IsA(path, AppendPath) || path->pathkeys != NIL)
		return false;
	foreach(cell, ((const AppendPath *) path)->subpaths)
	{
		Path	   *part = lfirst(cell);

		if (IsA(part, ProjectionPath))
			part = ((ProjectionPath *) part)->subpath;
		if (!IsA(part, ForeignPath) || list_length(((ForeignPath *) part)->fdw_private) != 2 ||
			part->parent->fdwroutine->IsForeignPathAsyncCapable == NULL ||
			!part->parent->fdwroutine->IsForeignPathAsyncCapable((ForeignPath *) part))
			return false;
	}
	return true;
}

static void
ask_together(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
			 RelOptInfo *output_rel, void *extra)
{
	PathTarget *target = root->upper_targets[UPPERREL_ORDERED];
	ListCell   *cell;

	if (previous_upper_hook)
		previous_upper_hook(root, stage, input_rel, output_rel, extra);
	if (stage != UPPERREL_ORDERED || !enable_async_append ||
		input_rel->reloptkind != RELOPT_BASEREL || !takes_first_rows(root, input_rel->relids))
		return;
	foreach(cell, input_rel->pathlist)
	{
		Path	   *path = lfirst(cell);
		Path	   *at_once;

		if (!asks_together(path))
			continue;
		at_once = foreign_append_path(root, (AppendPath *) path);
		path = (Path *) create_sort_path(root, output_rel, at_once ? at_once : path,
										 root->sort_pathkeys, root->limit_tuples);
		if (path->pathtarget != target)
			path = apply_projection_to_path(root, output_rel, path, target);
		output_rel->pathlist = list_make1(path);
		return;
	}
}

void
foreign_init(void)
{
	DefineCustomBoolVariable(
		"vector.enable_foreign_limit",
		"Enables the planner to send LIMIT to the servers of all partitions.",
		"Each foreign partition then returns as many rows as the search, in its order.",
		&enable_foreign_limit, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	previous_rel_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = limit_table;
	previous_upper_hook = create_upper_paths_hook;
	create_upper_paths_hook = ask_together;
}
