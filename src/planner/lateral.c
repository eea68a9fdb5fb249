/*
 * lateral.c - the nearest rows of many queries by parallel workers
 *
 * In `FROM queries, LATERAL (SELECT ... ORDER BY distance LIMIT k)` PostgreSQL never divides the
 * queries among workers.  A subquery with a LIMIT may return other rows in each participant, and
 * the values that this one gets from its query are parameters, which workers do not have.  Neither
 * holds here: a participant takes a query and runs the whole search of it, with values that the
 * join sets in the same process.  So such a subquery is marked as safe, if nothing else in it is
 * unsafe, and the table of queries gets a parallel scan with as many workers as the searches of all
 * its rows are worth, as few pages of queries may be much work.
 */
#include "planner/planner.h"

#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"

#include "filter_scan/filter_scan.h"

/* How often a participant's searches are to be worth the start of workers. */
#define STARTS_WORTH	5

static set_rel_pathlist_hook_type previous_hook;

/* Whether an expression has a parameter that is set elsewhere than by the join, or a subquery. */
static bool
needs_others(Node *node, List *own)
{
	const Param *param = (const Param *) node;
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, needs_others, own, 0);
	if (IsA(node, SubPlan) || IsA(node, AlternativeSubPlan) || IsA(node, SubLink))
		return true;
	if (!IsA(node, Param))
		return expression_tree_walker(node, needs_others, own);
	if (param->paramkind != PARAM_EXEC)
		return false;
	foreach(cell, own)
		if (((const PlannerParamItem *) lfirst(cell))->paramId == param->paramid)
			return false;
	return true;
}

/* Whether a relation of a subquery is a table that workers can read. */
static bool
workers_can_read(const PlannerInfo *root, const RelOptInfo *rel)
{
	const RangeTblEntry *rte;

	if (!IS_SIMPLE_REL(rel))
		return false;
	rte = root->simple_rte_array[rel->relid];
	return rte->rtekind == RTE_RELATION && rte->tablesample == NULL &&
		rte->relkind != RELKIND_FOREIGN_TABLE &&
		get_rel_persistence(rte->relid) != RELPERSISTENCE_TEMP;
}

static bool mark_safe(const PlannerInfo *root, Path *path);

static bool
mark_all_safe(const PlannerInfo *root, List *paths)
{
	ListCell   *cell;

	foreach(cell, paths)
		if (!mark_safe(root, lfirst(cell)))
			return false;
	return true;
}

/*
 * Marks what a search is made of as safe in workers, and returns true; false if there is anything
 * else in it.  Marks that were made by then do nothing, as what is above is not marked.
 */
static bool
mark_safe(const PlannerInfo *root, Path *path)
{
	bool		safe;

	switch (nodeTag(path))
	{
		case T_LimitPath:
			safe = mark_safe(root, ((LimitPath *) path)->subpath);
			break;
		case T_ProjectionPath:
			safe = mark_safe(root, ((ProjectionPath *) path)->subpath);
			break;
		case T_SortPath:
		case T_IncrementalSortPath:
			safe = mark_safe(root, ((SortPath *) path)->subpath);
			break;
		case T_AppendPath:
			safe = mark_all_safe(root, ((AppendPath *) path)->subpaths);
			break;
		case T_MergeAppendPath:
			safe = mark_all_safe(root, ((MergeAppendPath *) path)->subpaths);
			break;
		case T_CustomPath:
			safe = is_filter_scan_path(path) &&
				mark_all_safe(root, ((CustomPath *) path)->custom_paths);
			break;
		case T_IndexPath:
		case T_BitmapHeapPath:
			safe = workers_can_read(root, path->parent);
			break;
		case T_Path:
			safe = path->pathtype == T_SeqScan && workers_can_read(root, path->parent);
			break;
		default:
			safe = false;
	}
	if (path->parallel_aware)
		safe = false;
	path->parallel_safe = path->parallel_safe || safe;
	return safe;
}

/* Whether a subquery is a search for each row of what is to the left of it. */
static bool
searches_for_each(const PlannerInfo *root, RelOptInfo *rel, const RangeTblEntry *rte)
{
	const Query *parse;

	if (rte->rtekind != RTE_SUBQUERY || rel->reloptkind != RELOPT_BASEREL ||
		rel->lateral_relids == NULL || rel->subroot == NULL || IS_DUMMY_REL(rel))
		return false;
	parse = rel->subroot->parse;
	return parse->limitCount != NULL && parse->sortClause != NIL &&
		rel->subroot->init_plans == NIL && parse->cteList == NIL &&
		computes_distance(get_sortgroupclause_expr(linitial(parse->sortClause),
												   parse->targetList));
}

/* Allows workers to run a search for each row, if that is safe. */
static void
allow_workers(PlannerInfo *root, RelOptInfo *rel, const RangeTblEntry *rte)
{
	ListCell   *cell;

	/* Functions and locks of rows that are not safe anywhere in the statement forbid it. */
	if (rel->consider_parallel || root->glob->maxParallelHazard != PROPARALLEL_SAFE ||
		!searches_for_each(root, rel, rte) ||
		!is_parallel_safe(root, (Node *) rel->baserestrictinfo) ||
		!is_parallel_safe(root, (Node *) rel->reltarget->exprs) ||
		needs_others((Node *) rel->subroot->parse, rel->subplan_params))
		return;
	foreach(cell, rel->pathlist)
	{
		Path	   *path = lfirst(cell);

		if (IsA(path, SubqueryScanPath) &&
			mark_safe(rel->subroot, ((SubqueryScanPath *) path)->subpath))
		{
			path->parallel_safe = true;
			rel->consider_parallel = true;
		}
	}
}

/* What the searches for all rows of a table cost that workers may run. */
static Cost
cost_of_searches(PlannerInfo *root, const RelOptInfo *rel)
{
	Cost		cost = 0;
	int			i = -1;

	while ((i = bms_next_member(rel->lateral_referencers, i)) >= 0)
	{
		RelOptInfo *search = root->simple_rel_array[i];
		const RangeTblEntry *rte = root->simple_rte_array[i];

		/* The hook may not have been called for it so far. */
		if (search == NULL || rte->rtekind != RTE_SUBQUERY)
			continue;
		allow_workers(root, search, rte);
		if (search->consider_parallel && search->pathlist != NIL)
			cost += rel->rows * ((const Path *) linitial(search->pathlist))->total_cost;
	}
	return cost;
}

/* Offers a parallel scan of queries. */
static void
divide_queries(PlannerInfo *root, RelOptInfo *rel, const RangeTblEntry *rte)
{
	double		workers = max_parallel_workers_per_gather;
	Cost		cost;

	if (!rel->consider_parallel || rel->lateral_referencers == NULL ||
		rel->lateral_relids != NULL || rel->rel_parallel_workers != -1 || workers == 0 ||
		IS_DUMMY_REL(rel) ||
		rte->rtekind != RTE_RELATION || rte->inh || rte->tablesample != NULL ||
		(rte->relkind != RELKIND_RELATION && rte->relkind != RELKIND_MATVIEW))
		return;
	cost = cost_of_searches(root, rel);
	if (parallel_setup_cost > 0)
		workers = Min(workers, cost / (STARTS_WORTH * parallel_setup_cost));
	if (cost > 0 && workers >= 1)
		add_partial_path(rel, create_seqscan_path(root, rel, NULL, (int) workers));
}

static void
divide_searches(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	if (previous_hook != NULL)
		previous_hook(root, rel, rti, rte);
	if (!root->glob->parallelModeOK)
		return;
	if (rte->rtekind == RTE_SUBQUERY)
		allow_workers(root, rel, rte);
	else
		divide_queries(root, rel, rte);
}

void
lateral_init(void)
{
	previous_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = divide_searches;
}
