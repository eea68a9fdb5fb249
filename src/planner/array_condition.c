/*
 * array_condition.c - a subquery as the array of a condition
 *
 * In WHERE, where NULL is as good as false, `x IN (SELECT y ...)` says the same as
 * `x = ANY (ARRAY (SELECT y ...))` with the same operator.  But PostgreSQL computes the array once,
 * before the first row, and can use the second form as a condition of an index.
 */
#include "planner/planner.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

/* What a subquery contains. */
typedef struct SubqueryParts
{
	int			depth;			/* of the query that is visited, in the subquery */
	bool		correlated;		/* something of the query around it */
	bool		outer;			/* something of a query outside, the one around it or another */
	bool		effects;		/* it locks or changes rows */
} SubqueryParts;

static bool
find_parts(Node *node, void *context)
{
	SubqueryParts *parts = context;
	int			up = 0;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;

		parts->effects |= query->commandType != CMD_SELECT || query->rowMarks != NIL ||
			query->hasModifyingCTE;
		parts->depth++;
		(void) query_tree_walker(query, find_parts, context, QTW_EXAMINE_RTES_BEFORE);
		parts->depth--;
		return false;
	}
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *entry = (RangeTblEntry *) node;

		/* the query's own common table expressions are no part of the rows around it */
		if (entry->rtekind == RTE_CTE && entry->ctelevelsup >= parts->depth)
			parts->outer = true;
		return false;
	}
	if (IsA(node, Var))
		up = ((Var *) node)->varlevelsup;
	else if (IsA(node, Aggref))
		up = ((Aggref *) node)->agglevelsup;
	else if (IsA(node, GroupingFunc))
		up = ((GroupingFunc *) node)->agglevelsup;
	parts->correlated |= up > 0 && up == parts->depth;
	parts->outer |= up > 0 && up >= parts->depth;
	return expression_tree_walker(node, find_parts, context);
}

static SubqueryParts
subquery_parts(Query *query)
{
	SubqueryParts parts = {0};

	(void) find_parts((Node *) query, &parts);
	return parts;
}

/* Whether an expression is free of subqueries and volatile functions. */
static bool
is_plain(Node *node)
{
	return !checkExprHasSubLink(node) && !contain_volatile_functions(node);
}

/* Puts an expression in place of the parameter that stands for a subquery's column. */
static Node *
replace_column(Node *node, void *column)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_SUBLINK)
		return copyObject(column);
	return expression_tree_mutator(node, replace_column, column);
}

/* The subquery with its only column converted as a condition converts it. */
static Query *
convert_column(Query *query, Node *conversion)
{
	TargetEntry *entry = linitial_node(TargetEntry, query->targetList);
	Query	   *around = makeNode(Query);
	RangeTblRef *reference = makeNode(RangeTblRef);
	ParseState *state = make_parsestate(NULL);
	Var		   *column;

	/* the subquery may sort or group by its column: leave that as it is */
	IncrementVarSublevelsUp((Node *) query, 1, 1);
	(void) addRangeTableEntryForSubquery(state, query, makeAlias("s", NIL), false, true);
	column = makeVar(1, entry->resno, exprType((Node *) entry->expr),
					 exprTypmod((Node *) entry->expr), exprCollation((Node *) entry->expr), 0);
	around->commandType = CMD_SELECT;
	around->canSetTag = true;
	around->rtable = state->p_rtable;
	reference->rtindex = 1;
	around->jointree = makeFromExpr(list_make1(reference), NULL);
	around->targetList = list_make1(makeTargetEntry((Expr *) replace_column(conversion, column),
													1, entry->resname, false));
	free_parsestate(state);
	return around;
}

/* The condition of x and an operator with an array of a subquery's rows, or NULL. */
static ScalarArrayOpExpr *
make_condition(Expr *x, const OpExpr *op, Query *query)
{
	ScalarArrayOpExpr *condition;
	TargetEntry *entry = linitial_node(TargetEntry, query->targetList);
	Oid			type = exprType((Node *) entry->expr);
	Oid			array = get_array_type(type);
	SubqueryParts parts = subquery_parts(query);
	SubLink    *link;
	RegProcedure left;
	RegProcedure right;

	/* an array of arrays would be one of their elements */
	if (!OidIsValid(array) || array != get_promoted_array_type(type) || parts.correlated ||
		parts.effects || contain_volatile_functions((Node *) query) || !is_plain((Node *) x))
		return NULL;
	link = makeNode(SubLink);
	link->subLinkType = ARRAY_SUBLINK;
	link->subselect = (Node *) query;
	link->location = -1;
	condition = makeNode(ScalarArrayOpExpr);
	condition->opno = op->opno;
	condition->opfuncid = get_opcode(op->opno);
	condition->useOr = true;
	condition->inputcollid = op->inputcollid;
	condition->args = list_make2(x, link);
	condition->location = -1;
	/* where no index answers the condition, the executor looks into a hash table of an array that
	 * does not change */
	if (!parts.outer && get_op_hash_functions(op->opno, &left, &right) && left == right)
		condition->hashfuncid = left;
	return condition;
}

static ScalarArrayOpExpr *
condition_of_in(SubLink *link)
{
	OpExpr	   *op = (OpExpr *) link->testexpr;
	Query	   *query = castNode(Query, link->subselect);

	if (!IsA(op, OpExpr) || list_length(op->args) != 2 || op->opretset)
		return NULL;
	if (!IsA(lsecond(op->args), Param))
		query = convert_column(query, lsecond(op->args));
	return make_condition(linitial(op->args), op, query);
}

/* Whether EXISTS depends on nothing but whether there are rows that meet the WHERE. */
static bool
is_simple(const Query *query)
{
	const Const *limit = (const Const *) query->limitCount;

	return query->setOperations == NULL && !query->hasAggs && !query->hasWindowFuncs &&
		!query->hasTargetSRFs && query->groupClause == NIL && query->groupingSets == NIL &&
		query->havingQual == NULL && query->limitOffset == NULL && query->rowMarks == NIL &&
		query->jointree->fromlist != NIL &&
		(limit == NULL || (IsA(limit, Const) && !limit->constisnull &&
						   DatumGetInt64(limit->constvalue) > 0));
}

static List *
flatten_and(Node *condition)
{
	List	   *conditions = NIL;
	ListCell   *cell;

	if (!is_andclause(condition))
		return list_make1(condition);
	foreach(cell, ((BoolExpr *) condition)->args)
		conditions = list_concat(conditions, flatten_and(lfirst(cell)));
	return conditions;
}

/* Whether an expression has columns of the query around, and only these. */
static bool
is_outer(Node *node)
{
	return contain_vars_of_level(node, 1) && !contain_vars_of_level(node, 0);
}

/*
 * The equality of a condition of EXISTS between a row of the query around, on the left, and one of
 * the subquery; NULL if the condition is none.
 */
static OpExpr *
find_correlation(Node *condition)
{
	OpExpr	   *op = (OpExpr *) condition;

	if (!IsA(op, OpExpr) || list_length(op->args) != 2 || op->opretset)
		return NULL;
	if (is_outer(lsecond(op->args)))
	{
		op = copyObject(op);
		op->opno = get_commutator(op->opno);
		op->args = list_make2(lsecond(op->args), linitial(op->args));
	}
	if (!OidIsValid(op->opno) || get_mergejoin_opfamilies(op->opno) == NIL ||
		!is_outer(linitial(op->args)) || contain_vars_of_level(lsecond(op->args), 1) ||
		!contain_vars_of_level(lsecond(op->args), 0))
		return NULL;
	return op;
}

static ScalarArrayOpExpr *
condition_of_exists(SubLink *link)
{
	Query	   *query = castNode(Query, link->subselect);
	OpExpr	   *correlation = NULL;
	List	   *others = NIL;
	Node	   *x;
	ListCell   *cell;

	if (!is_simple(query) || query->jointree->quals == NULL)
		return NULL;
	foreach(cell, flatten_and(query->jointree->quals))
	{
		OpExpr	   *op = correlation ? NULL : find_correlation(lfirst(cell));

		/* of two equalities, the second one keeps the subquery correlated */
		if (op != NULL)
			correlation = op;
		else
			others = lappend(others, lfirst(cell));
	}
	if (correlation == NULL)
		return NULL;
	x = linitial(correlation->args);
	IncrementVarSublevelsUp(x, -1, 1);
	query->jointree->quals = others ? (Node *) make_ands_explicit(others) : NULL;
	query->targetList = list_make1(makeTargetEntry(lsecond(correlation->args), 1, NULL, false));
	query->windowClause = query->distinctClause = query->sortClause = NIL;
	query->hasDistinctOn = false;
	query->limitCount = NULL;
	return make_condition((Expr *) x, correlation, query);
}

ScalarArrayOpExpr *
array_condition(SubLink *given)
{
	SubLink    *link = copyObject(given);

	switch (link->subLinkType)
	{
		case ANY_SUBLINK:
			return condition_of_in(link);
		case EXISTS_SUBLINK:
			return condition_of_exists(link);
		default:
			return NULL;
	}
}
