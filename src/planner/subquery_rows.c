/*
 * subquery_rows.c - how many rows meet a condition with a subquery
 *
 * PostgreSQL assumes that an array which it does not know while it plans has 10 elements, and that
 * half of the rows meet a condition with any other subquery.  But by then it has planned the
 * subquery and estimated its rows.  Conditions of tables that have an index of ours get their
 * selectivity from that, and the paths of the table are made again.
 */
#include "pg_compat.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "am/index.h"
#include "planner/planner.h"

/* What the executor keeps of an element besides its bytes: in the array, and in a hash table. */
#define ELEMENT_OVERHEAD	(5 * sizeof(Datum))

double		subquery_array_bytes;

static set_rel_pathlist_hook_type previous_hook;

/* The selectivity of x = any of this many values of a type, or -1 of another operator. */
static Selectivity
equality_selectivity(PlannerInfo *root, Oid operator, Node *x, Oid collation, Oid type,
					 double values)
{
	CaseTestExpr *value = makeNode(CaseTestExpr);

	if (get_oprrest(operator) != F_EQSEL)
		return -1;
	value->typeId = type;
	value->typeMod = -1;
	value->collation = collation;
	return Min(values * restriction_selectivity(root, operator, list_make2(x, value), collation,
												0), 1);
}

/* The plan of the subquery that computes an array, or NULL. */
static const Plan *
array_plan(PlannerInfo *root, const Param *array)
{
	ListCell   *cell;

	if (!IsA(array, Param) || array->paramkind != PARAM_EXEC)
		return NULL;
	/* a condition may have been pushed down into a subquery of the one that computes the array */
	for (; root != NULL; root = root->parent_root)
		foreach(cell, root->init_plans)
		{
			SubPlan    *subplan = lfirst_node(SubPlan, cell);

			if (subplan->subLinkType == ARRAY_SUBLINK &&
				list_member_int(subplan->setParam, array->paramid))
				return planner_subplan_get_plan(root, subplan);
		}
	return NULL;
}

/*
 * The selectivity of a condition with an array of a subquery, and what it costs to test a row;
 * -1 if the array is another.
 */
static Selectivity
array_selectivity(PlannerInfo *root, const ScalarArrayOpExpr *condition, QualCost *cost)
{
	const Param *array = lsecond(condition->args);
	const Plan *plan = condition->useOr ? array_plan(root, array) : NULL;

	if (plan == NULL)
		return -1;
	subquery_array_bytes = Max(subquery_array_bytes,
							   plan->plan_rows * (plan->plan_width + ELEMENT_OVERHEAD));
	cost->startup = OidIsValid(condition->hashfuncid) ? plan->plan_rows * cpu_operator_cost : 0;
	cost->per_tuple = (OidIsValid(condition->hashfuncid) ? 2 : plan->plan_rows / 2) *
		cpu_operator_cost;
	return equality_selectivity(root, condition->opno, linitial(condition->args),
								condition->inputcollid, get_element_type(array->paramtype),
								plan->plan_rows);
}

/* The selectivity of x = any row of a subquery that does not depend on x, or -1. */
static Selectivity
subplan_selectivity(PlannerInfo *root, const SubPlan *subplan)
{
	OpExpr	   *test = (OpExpr *) subplan->testexpr;

	if (subplan->subLinkType != ANY_SUBLINK || subplan->parParam != NIL || !IsA(test, OpExpr) ||
		list_length(test->args) != 2)
		return -1;
	return equality_selectivity(root, test->opno, linitial(test->args), test->inputcollid,
								exprType(lsecond(test->args)),
								planner_subplan_get_plan(root, subplan)->plan_rows);
}

/* The selectivity of a condition with a subquery, -1 if it is another; sets its cost if known. */
static Selectivity
subquery_selectivity(PlannerInfo *root, Node *condition, QualCost *cost)
{
	Selectivity selectivity = -1;
	ListCell   *cell;

	if (IsA(condition, ScalarArrayOpExpr))
		return array_selectivity(root, (ScalarArrayOpExpr *) condition, cost);
	if (IsA(condition, SubPlan))
		return subplan_selectivity(root, (SubPlan *) condition);
	/* EXISTS: computed for each row, or once as IN would be */
	if (IsA(condition, AlternativeSubPlan))
		foreach(cell, ((AlternativeSubPlan *) condition)->subplans)
			selectivity = Max(selectivity, subplan_selectivity(root, lfirst(cell)));
	return selectivity;
}

/*
 * Estimates the selectivity and cost of conditions with subqueries, also where they are one of
 * several choices.  PostgreSQL keeps estimates in the same place, and uses them for the table and
 * all of its paths; it computes those that are -1.  Returns whether there are such conditions.
 */
static bool
estimate(PlannerInfo *root, Node *node)
{
	RestrictInfo *info = (RestrictInfo *) node;
	Selectivity selectivity = -1;
	QualCost	cost = {-1, 0};
	bool		found = false;
	ListCell   *cell;

	if (is_andclause(node) || is_orclause(node))
		foreach(cell, ((BoolExpr *) node)->args)
			found |= estimate(root, lfirst(cell));
	if (!IsA(node, RestrictInfo))
		return found;
	if (info->orclause)
		found = estimate(root, (Node *) info->orclause);
	else
	{
		selectivity = subquery_selectivity(root, (Node *) info->clause, &cost);
		found = selectivity >= 0;
	}
	if (found)
	{
		info->norm_selec = info->outer_selec = selectivity;
		info->eval_cost = cost;
	}
	return found;
}

/* Makes the paths of a table as PostgreSQL does. */
static void
make_paths(PlannerInfo *root, RelOptInfo *rel)
{
	rel->pathlist = rel->partial_pathlist = NIL;
	add_path(rel, create_seqscan_path(root, rel, rel->lateral_relids, 0));
	if (rel->consider_parallel && rel->lateral_relids == NULL)
	{
		int			workers = compute_parallel_worker(rel, rel->pages, -1,
													  max_parallel_workers_per_gather);

		if (workers > 0)
			add_partial_path(rel, create_seqscan_path(root, rel, NULL, workers));
	}
	create_index_paths(root, rel);
	create_tidscan_paths(root, rel);
}

static void
estimate_subqueries(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	bool		found = false;
	ListCell   *cell;

	if (rte->rtekind == RTE_RELATION && !rte->inh && rte->tablesample == NULL &&
		!IS_DUMMY_REL(rel) && vector_am_plans_any(rel))
		foreach(cell, rel->baserestrictinfo)
			found |= estimate(root, lfirst(cell));
	if (found)
	{
		set_baserel_size_estimates(root, rel);
		make_paths(root, rel);
	}
	if (previous_hook)
		previous_hook(root, rel, rti, rte);
}

void
subquery_rows_init(void)
{
	previous_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = estimate_subqueries;
}
