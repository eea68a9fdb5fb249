/*
 * paths.c - offers group scans to the planner
 *
 * For
 *     SELECT ... FROM (SELECT DISTINCT ON (key) ... ORDER BY key, distance)
 *     ORDER BY distance LIMIT k
 * PostgreSQL sorts all rows of the subquery by key, and what is left of them by the distance.  The
 * rows of a scan in the order of the distance of which each is the first one with its key are the
 * same rows in the order that the outer query asks for, and it takes only the first ones.
 *
 * The hook is called where the subquery's rows have their order (UPPERREL_ORDERED): before that,
 * PostgreSQL would sort ours by key.  A path of another order is right there because the query
 * around the subquery brings its rows into an order of its own; the planner matches this with the
 * path's.
 */
#include "group_scan/group_scan_internal.h"

#include "access/genam.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/guc.h"

#include "am/index.h"
#include "am/method.h"
#include "filter_scan/filter_scan.h"

static bool enable_group_scan = true;
static create_upper_paths_hook_type previous_hook;
static const CustomPathMethods path_methods;

/*
 * What a subquery orders by within a group, if that is one expression after all keys; NULL if it is
 * of another kind.
 */
static SortGroupClause *
order_in_groups(const Query *query)
{
	SortGroupClause *last = query->sortClause ? llast(query->sortClause) : NULL;
	ListCell   *cell;

	if (!query->hasDistinctOn || query->limitCount || query->limitOffset ||
		list_length(query->sortClause) != list_length(query->distinctClause) + 1 ||
		query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs || query->groupClause ||
		query->groupingSets || query->havingQual || query->setOperations ||
		query->rowMarks || contain_volatile_functions((Node *) query->targetList))
		return NULL;
	foreach(cell, query->distinctClause)
		if (lfirst_node(SortGroupClause, cell)->tleSortGroupRef == last->tleSortGroupRef)
			return NULL;
	return grouping_is_hashable(query->distinctClause) ? last : NULL;
}

/* Whether a query orders first by this column of a subquery of the kind, in the same direction. */
static bool
orders_by(const Query *query, AttrNumber column, const SortGroupClause *order)
{
	SortGroupClause *first = query->sortClause ? linitial(query->sortClause) : NULL;
	const Var  *var;
	const RangeTblEntry *rte;

	if (first == NULL || first->sortop != order->sortop)
		return false;
	var = (Var *) get_sortgroupclause_expr(first, query->targetList);
	if (!IsA(var, Var) || var->varlevelsup != 0 || var->varattno != column)
		return false;
	rte = rt_fetch(var->varno, query->rtable);
	return rte->rtekind == RTE_SUBQUERY && rte->subquery->hasDistinctOn;
}

/* Whether a scan of an index goes on until no more rows are asked for. */
static bool
is_endless(const IndexOptInfo *info)
{
	Relation	index;
	bool		endless;

	if (!vector_am_plans(info))
		return true;
	index = index_open(info->indexoid, NoLock);
	endless = vector_am_of(index)->is_auto(index);
	index_close(index, NoLock);
	return endless;
}

/* The paths of a table in an order, of which so many rows are asked for. */
static List *
ordered_paths(PlannerInfo *root, RelOptInfo *rel, List *pathkeys, double rows)
{
	RelOptInfo *copy = table_without_paths(rel);
	List	   *query_pathkeys = root->query_pathkeys;
	double		limit_tuples = root->limit_tuples;
	ListCell   *cell;

	foreach(cell, rel->indexlist)
		if (is_endless(lfirst(cell)))
			(void) add_index_copy(copy, lfirst(cell));
	root->query_pathkeys = pathkeys;
	root->limit_tuples = rows;
	create_index_paths(root, copy);
	if (set_rel_pathlist_hook)
		set_rel_pathlist_hook(root, copy, rel->relid, planner_rt_fetch(rel->relid, root));
	root->query_pathkeys = query_pathkeys;
	root->limit_tuples = limit_tuples;
	return copy->pathlist;
}

/* Offers a group scan of the rows of a path. */
static void
add_group_path(PlannerInfo *root, RelOptInfo *output, Path *scan, double groups)
{
	CustomPath *path = makeNode(CustomPath);

	path->path.pathtype = T_CustomScan;
	path->path.parent = output;
	path->path.pathtarget = scan->pathtarget;
	path->path.rows = groups;
	path->path.startup_cost = scan->startup_cost;
	path->path.total_cost = scan->total_cost +
		scan->rows * cpu_operator_cost * list_length(root->parse->distinctClause);
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = scan->disabled_nodes;
#endif
	path->path.pathkeys = scan->pathkeys;
	path->custom_paths = list_make1(scan);
	path->methods = &path_methods;
	add_path(output, &path->path);
}

static void
offer_group_scans(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
				  RelOptInfo *output, void *extra)
{
	SortGroupClause *order;
	RelOptInfo *rel;
	RangeTblEntry *rte;
	List	   *pathkeys;
	double		groups;
	double		asked;
	int			relid;
	ListCell   *cell;

	if (previous_hook)
		previous_hook(root, stage, input, output, extra);
	if (stage != UPPERREL_ORDERED || !enable_group_scan || !enable_indexscan ||
		root->parent_root == NULL || (order = order_in_groups(root->parse)) == NULL ||
		!orders_by(root->parent_root->parse,
				   get_sortgroupclause_tle(order, root->parse->targetList)->resno, order) ||
		!bms_get_singleton_member(root->all_baserels, &relid))
		return;
	rel = root->simple_rel_array[relid];
	rte = planner_rt_fetch(relid, root);
	pathkeys = make_pathkeys_for_sortclauses(root, list_make1(order), root->processed_tlist);
	if (rte->rtekind != RTE_RELATION || rte->inh || rte->tablesample != NULL ||
		rel->lateral_relids != NULL || IS_DUMMY_REL(rel) || !vector_am_plans_any(rel) ||
		list_length(pathkeys) != 1 ||
		!equal(rel->reltarget->exprs, root->upper_targets[UPPERREL_FINAL]->exprs))
		return;
	groups = input->cheapest_total_path->rows;
	asked = root->parent_root->limit_tuples;
	if (asked > 0)
		asked = Min(asked * Max(rel->rows / Max(groups, 1), 1), rel->rows);
	foreach(cell, ordered_paths(root, rel, pathkeys, asked))
	{
		Path	   *path = lfirst(cell);

		if (path->param_info == NULL && pathkeys_contained_in(pathkeys, path->pathkeys))
			add_group_path(root, output, path, groups);
	}
}

static Plan *
make_plan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *targets, List *clauses,
		  List *plans)
{
	CustomScan *plan = makeNode(CustomScan);
	const Plan *scan = linitial(plans);
	List	   *columns = NIL;
	List	   *operators = NIL;
	List	   *collations = NIL;
	ListCell   *cell;

	foreach(cell, root->parse->distinctClause)
	{
		const SortGroupClause *key = lfirst(cell);
		TargetEntry *entry = get_sortgroupref_tle(key->tleSortGroupRef, targets);

		columns = lappend_int(columns, entry->resno);
		operators = lappend_oid(operators, key->eqop);
		collations = lappend_oid(collations, exprCollation((Node *) entry->expr));
	}
	plan->scan.plan.targetlist = targets;
	plan->custom_plans = plans;
	plan->custom_scan_tlist = copyObject(scan->targetlist);
	plan->custom_private = list_make3(columns, operators, collations);
	plan->methods = &group_scan_methods;
	return &plan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = GROUP_SCAN_NAME,
	.PlanCustomPath = make_plan
};

void
group_scan_init(void)
{
	DefineCustomBoolVariable(
		"vector.enable_group_scan",
		"Enables the planner's use of scans that return the nearest row of each group.",
		NULL, &enable_group_scan, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	RegisterCustomScanMethods(&group_scan_methods);
	previous_hook = create_upper_paths_hook;
	create_upper_paths_hook = offer_group_scans;
}
