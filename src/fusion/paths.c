/*
 * paths.c - offers a scan in the order of a fusion to the planner
 *
 * Each arm is planned by PostgreSQL and by the hooks below this one, from a copy of the table, as
 * SELECT ctid FROM table WHERE ...  ORDER BY arm LIMIT depth would be: in the order of an index,
 * with the conditions inside it where it answers them, among the rows of other indexes, or by
 * sorting.  Every arm tests every condition of the query, and those of policies before them.
 *
 * A call of rrf or weighted in any other plan of this table would be an error, so the fusion is its
 * only path.  Its target has the call, which PostgreSQL finds there wherever the query has it
 * again, and so have the targets of joins above it.
 */
#include "fusion/fusion_internal.h"

#include <math.h>

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "optimizer/appendinfo.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/typcache.h"

#include "filter_scan/filter_scan.h"

/* Of the depth and weights, if they are not known when the query is planned. */
#define DEFAULT_DEPTH	100

static set_rel_pathlist_hook_type previous_hook;
static create_upper_paths_hook_type previous_upper_hook;

#if PG_VERSION_NUM >= 180000
#define IS_ASCENDING(pathkey)	((pathkey)->pk_cmptype == COMPARE_LT)
#else
#define IS_ASCENDING(pathkey)	((pathkey)->pk_strategy == BTLessStrategyNumber)
#endif

/* The fusion that is an order of a query, if all its arms are orders of a table; or NULL. */
static FuncExpr *
fusion_of_order(const PathKey *order, const RelOptInfo *rel)
{
	ListCell   *cell;

	if (!IS_ASCENDING(order) || order->pk_eclass->ec_has_volatile)
		return NULL;
	foreach(cell, order->pk_eclass->ec_members)
	{
		const EquivalenceMember *member = lfirst(cell);
		FuncExpr   *call = (FuncExpr *) member->em_expr;
		bool		complete = true;
		ListCell   *arm;

		if (!bms_equal(member->em_relids, rel->relids) || !is_fusion((Node *) call))
			continue;
		foreach(arm, fusion_arms(call))
			complete &= contain_var_clause(lfirst(arm));
		for (int i = 0; i < OPTIONS; i++)
			complete &= !contain_var_clause((Node *) fusion_option(call, i));
		if (complete)
			return call;
	}
	return NULL;
}

/*
 * The fusion that a query is ordered by, and that order.  It comes first, but for keys of DISTINCT
 * ON, by which PostgreSQL sorts the fused rows.
 */
static FuncExpr *
find_fusion(PlannerInfo *root, const RelOptInfo *rel, PathKey **order)
{
	ListCell   *cell;

	foreach(cell, root->query_pathkeys)
	{
		FuncExpr   *call;

		*order = lfirst_node(PathKey, cell);
		call = fusion_of_order(*order, rel);
		if (call != NULL || !root->parse->hasDistinctOn)
			return call;
	}
	return NULL;
}

/* An arm of a fusion. */
typedef struct Arm
{
	Expr	   *order;
	List	   *pathkeys;
	Cardinality depth;
} Arm;

/* The order of an arm as the planner has it. */
static List *
make_pathkeys(PlannerInfo *root, Expr *order)
{
	SortGroupClause *clause = makeNode(SortGroupClause);
	TargetEntry *target = makeTargetEntry(order, 1, NULL, false);

	clause->tleSortGroupRef = target->ressortgroupref = 1;
	clause->sortop = lookup_type_cache(FLOAT8OID, TYPECACHE_LT_OPR)->lt_opr;
	clause->eqop = lookup_type_cache(FLOAT8OID, TYPECACHE_EQ_OPR)->eq_opr;
	clause->hashable = true;
	return make_pathkeys_for_sortclauses(root, list_make1(clause), list_make1(target));
}

/* A copy of a table without paths, whose paths have the columns of an arm. */
static RelOptInfo *
copy_for_arm(PlannerInfo *root, const RelOptInfo *rel, Expr *order)
{
	RelOptInfo *copy = table_without_paths(rel);
	PathTarget *target = create_empty_pathtarget();
	ListCell   *cell;

	/* in the order of ARM_DISTANCE, ARM_TABLE and ARM_TID */
	add_column_to_pathtarget(target, order, 0);
	add_column_to_pathtarget(target, (Expr *) makeVar(rel->relid, TableOidAttributeNumber, OIDOID,
													  -1, InvalidOid, 0), 0);
	add_column_to_pathtarget(target, (Expr *) makeVar(rel->relid, SelfItemPointerAttributeNumber,
													  TIDOID, -1, InvalidOid, 0), 0);
	copy->reltarget = set_pathtarget_cost_width(root, target);
	/* that these are needed keeps PostgreSQL from reading a row's other columns in their place */
	copy->attr_needed = palloc0(sizeof(Relids) * (rel->max_attr - rel->min_attr + 1));
	copy->attr_needed[TableOidAttributeNumber - rel->min_attr] = copy->relids;
	copy->attr_needed[SelfItemPointerAttributeNumber - rel->min_attr] = copy->relids;
	copy->consider_startup = true;
	foreach(cell, rel->indexlist)
		(void) add_index_copy(copy, lfirst_node(IndexOptInfo, cell));
	return copy;
}

/* The cheapest path of a table in the order of an arm. */
static Path *
plan_table(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte, const Arm *arm)
{
	RelOptInfo *copy = copy_for_arm(root, rel, arm->order);
	double		fraction = Min(arm->depth / Max(rel->rows, 1), 1);
	Path	   *ordered;
	Path	   *sorted;

	add_path(copy, create_seqscan_path(root, copy, NULL, 0));
	create_index_paths(root, copy);
	if (previous_hook != NULL)
		previous_hook(root, copy, rel->relid, rte);
	set_cheapest(copy);
	ordered = get_cheapest_fractional_path_for_pathkeys(copy->pathlist, arm->pathkeys, NULL,
														fraction);
	sorted = (Path *) create_sort_path(root, copy, copy->cheapest_total_path, arm->pathkeys,
									   arm->depth);
	return ordered && compare_fractional_path_costs(ordered, sorted, fraction) <= 0 ?
		ordered : sorted;
}

/* Makes the order of an arm known of a child table, as PostgreSQL does of all before it plans. */
static void
add_order_of_child(PlannerInfo *root, AppendRelInfo *info, RelOptInfo *parent, RelOptInfo *child,
				   const Arm *arm)
{
	Relids		all = parent->eclass_indexes;
	const PathKey *order = linitial(arm->pathkeys);

	parent->eclass_indexes = NULL;
	for (int i = list_length(root->eq_classes) - 1; parent->eclass_indexes == NULL; i--)
		if (list_nth(root->eq_classes, i) == order->pk_eclass)
			parent->eclass_indexes = bms_make_singleton(i);
	add_child_rel_equivalences(root, info, parent, child);
	parent->eclass_indexes = all;
}

/*
 * The same for a table, or for one with its children, whose rows are then merged.  The copy of a
 * parent has no conditions: its children's paths have them.
 */
static Path *
plan_tables(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte, const Arm *arm)
{
	RelOptInfo *copy;
	List	   *paths = NIL;
	ListCell   *cell;

	if (!rte->inh)
		return plan_table(root, rel, rte, arm);
	foreach(cell, root->append_rel_list)
	{
		AppendRelInfo *info = lfirst_node(AppendRelInfo, cell);
		RelOptInfo *child;
		Arm			child_arm = *arm;

		if (info->parent_relid != rel->relid)
			continue;
		child = find_base_rel(root, (int) info->child_relid);
		if (IS_DUMMY_REL(child))
			continue;
		add_order_of_child(root, info, rel, child, arm);
		child_arm.order = (Expr *) adjust_appendrel_attrs(root, (Node *) arm->order, 1, &info);
		paths = lappend(paths, plan_tables(root, child, planner_rt_fetch(info->child_relid, root),
										   &child_arm));
	}
	copy = copy_for_arm(root, rel, arm->order);
	copy->baserestrictinfo = NIL;
	return (Path *) create_merge_append_path_compat(root, copy, paths, arm->pathkeys);
}

/* Whether all tables of a tree have rows that can be fetched by their TIDs. */
static bool
have_tids(PlannerInfo *root, Index rti)
{
	const RangeTblEntry *rte = planner_rt_fetch(rti, root);
	ListCell   *cell;

	if (rte->rtekind != RTE_RELATION || rte->tablesample != NULL ||
		rte->relkind == RELKIND_FOREIGN_TABLE)
		return false;
	if (rte->inh)
		foreach(cell, root->append_rel_list)
			if (lfirst_node(AppendRelInfo, cell)->parent_relid == rti &&
				!have_tids(root, lfirst_node(AppendRelInfo, cell)->child_relid))
				return false;
	return true;
}

/* The depth, or how many rows there are if it is null; an error is for the executor to raise. */
static Cardinality
estimate_depth(PlannerInfo *root, const RelOptInfo *rel, const FuncExpr *call)
{
	const Const *depth = (const Const *)
		estimate_expression_value(root, (Node *) fusion_option(call, OPTION_DEPTH));

	if (!IsA(depth, Const))
		return DEFAULT_DEPTH;
	return depth->constisnull ? rel->rows : Max((double) DatumGetInt64(depth->constvalue), 1);
}

static const CustomPathMethods path_methods;

/* The path of a fusion of these arms, each of which stops at the depth, in its order. */
static Path *
make_path(RelOptInfo *rel, FuncExpr *call, PathKey *order, List *arms)
{
	CustomPath *path = makeNode(CustomPath);
	ListCell   *cell;

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = copy_pathtarget(rel->reltarget);
	add_column_to_pathtarget(path->path.pathtarget, (Expr *) call, 0);
	path->path.pathkeys = list_make1(order);
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION | CUSTOMPATH_SUPPORT_BACKWARD_SCAN;
	path->methods = &path_methods;
	path->custom_paths = arms;
	path->custom_private = list_make2(call, list_copy(path->path.pathtarget->exprs));
	foreach(cell, arms)
	{
		const Path *arm = lfirst(cell);

		path->path.rows += arm->rows;
		path->path.startup_cost += arm->total_cost + arm->rows * cpu_tuple_cost;
#if PG_VERSION_NUM >= 180000
		path->path.disabled_nodes += arm->disabled_nodes;
#endif
	}
	path->path.rows = clamp_row_est(Min(path->path.rows, rel->rows));
	path->path.total_cost = path->path.startup_cost + path->path.rows * cpu_tuple_cost;
	return &path->path;
}

static List *
plan_arms(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte, FuncExpr *call)
{
	List	   *paths = NIL;
	List	   *pathkeys = root->query_pathkeys;
	double		limit = root->limit_tuples;
	Cardinality depth = estimate_depth(root, rel, call);
	ListCell   *cell;

	foreach(cell, fusion_arms(call))
	{
		Arm			arm = {lfirst(cell), make_pathkeys(root, lfirst(cell)), depth};
		Path	   *path;

		root->query_pathkeys = arm.pathkeys;
		root->limit_tuples = depth;
		path = plan_tables(root, rel, rte, &arm);
		paths = lappend(paths,
						create_limit_path(root, path->parent, path, NULL,
										  (Node *) fusion_option(call, OPTION_DEPTH),
										  LIMIT_OPTION_COUNT, 0, (int64) depth));
	}
	root->query_pathkeys = pathkeys;
	root->limit_tuples = limit;
	return paths;
}

static void
offer_fusion(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	FuncExpr   *call;
	PathKey    *order;
	Path	   *path;

	if (previous_hook != NULL)
		previous_hook(root, rel, rti, rte);
	/* a copy of a table is for plans that find the rows of it in other ways */
	if (rel->reloptkind != RELOPT_BASEREL || rel != root->simple_rel_array[rti] ||
		IS_DUMMY_REL(rel) || root->parse->rowMarks != NIL ||
		root->parse->commandType != CMD_SELECT || !have_tids(root, rti))
		return;
	call = find_fusion(root, rel, &order);
	if (call == NULL)
		return;
	path = make_path(rel, call, order, plan_arms(root, rel, rte, call));
	rel->pathlist = list_make1(path);
	rel->rows = path->rows;
	rel->partial_pathlist = NIL;
	rel->consider_parallel = false;
	/* nothing is to be made of the paths of single partitions */
	rel->consider_partitionwise_join = false;
	rel->part_scheme = NULL;
}

/*
 * Whether an arm is read in the order of an index that knows its values.  Then its plan does not
 * compute them: to score a text takes many times as long as to find it.
 */
static bool
take_from_index(const Expr *order, const Plan *limit)
{
	const IndexScan *scan = (IndexScan *) outerPlan(limit);
	TargetEntry *distance;

	if (!fusion_is_of_words(order) || !IsA(scan, IndexScan) || scan->indexorderbyorig == NIL)
		return false;
	distance = list_nth_node(TargetEntry, scan->scan.plan.targetlist, ARM_DISTANCE - 1);
	if (!equal(distance->expr, linitial(scan->indexorderbyorig)))
		return false;
	distance->expr = (Expr *) makeNullConst(FLOAT8OID, -1, InvalidOid);
	return true;
}

static Plan *
make_plan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *targets, List *clauses,
		  List *plans)
{
	CustomScan *plan = makeNode(CustomScan);
	const FuncExpr *call = linitial_node(FuncExpr, path->custom_private);
	ListCell   *cell;
	ListCell   *arm_plan;

	plan->scan.plan.targetlist = targets;
	plan->scan.scanrelid = rel->relid;
	plan->flags = path->flags;
	plan->custom_plans = plans;
	for (int i = 0; i < OPTIONS; i++)
		plan->custom_exprs = lappend(plan->custom_exprs, fusion_option(call, i));
	forboth(cell, fusion_arms(call), arm_plan, plans)
		plan->custom_private = lappend_int(plan->custom_private,
			(fusion_is_score(lfirst(cell)) ? ARM_IS_SCORE : 0) |
			(take_from_index(lfirst(cell), lfirst(arm_plan)) ? ARM_IS_INDEXED : 0));
	foreach(cell, lsecond_node(List, path->custom_private))
		plan->custom_scan_tlist = lappend(plan->custom_scan_tlist,
										  makeTargetEntry(lfirst(cell),
														  foreach_current_index(cell) + 1,
														  NULL, false));
	plan->methods = &fusion_methods;
	return &plan->scan.plan;
}

/* The call that the only path of a table computes; NULL if that is not a fusion. */
static Expr *
call_of_table(const RelOptInfo *rel)
{
	const CustomPath *path = rel && rel->pathlist ? linitial(rel->pathlist) : NULL;

	return path && IsA(path, CustomPath) && path->methods == &path_methods ?
		linitial(path->custom_private) : NULL;
}

/*
 * Adds the calls to the targets of joins, once all paths of these are made.  The target of the last
 * join is the query's, which has them.
 */
static void
add_to_joins(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output,
			 void *extra)
{
	ListCell   *cell;

	if (previous_upper_hook != NULL)
		previous_upper_hook(root, stage, input, output, extra);
	if (stage != UPPERREL_FINAL || root->join_rel_list == NIL)
		return;
	for (int i = 1; i < root->simple_rel_array_size; i++)
	{
		Expr	   *call = call_of_table(root->simple_rel_array[i]);

		if (call == NULL)
			continue;
		foreach(cell, root->join_rel_list)
		{
			RelOptInfo *join = lfirst_node(RelOptInfo, cell);

			if (bms_is_member(i, join->relids) && !bms_equal(join->relids, all_relids(root)))
				add_column_to_pathtarget(join->reltarget, call, 0);
		}
	}
}

static const CustomPathMethods path_methods = {
	.CustomName = FUSION_NAME,
	.PlanCustomPath = make_plan
};

void
fusion_init(void)
{
	RegisterCustomScanMethods(&fusion_methods);
	previous_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = offer_fusion;
	previous_upper_hook = create_upper_paths_hook;
	create_upper_paths_hook = add_to_joins;
}
