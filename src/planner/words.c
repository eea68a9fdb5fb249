/*
 * words.c - names the index of a query of words
 *
 * `body <@> 'words'` has the score by the statistics of the index of `body`: here it becomes
 * `body <@> to_bm25query('words', index)`, by the support function of the operator's functions.
 * So the score is the same in every plan, and an index scan orders by it.
 */
#include "planner/planner.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "am/bm25_index.h"
#include "types/bm25query.h"

static Node *
strip_relabel(Node *node)
{
	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* Makes an expression one of the query that its columns are of, and returns that query. */
static PlannerInfo *
query_of(PlannerInfo *root, Node **expression)
{
	int			level = 0;

	while (root && pull_vars_of_level(*expression, level) == NIL)
	{
		root = root->parent_root;
		level++;
	}
	if (root && level > 0)
	{
		*expression = copyObject(*expression);
		IncrementVarSublevelsUp(*expression, -level, level);
	}
	return root;
}

/*
 * The table that an expression is of, which then has the range table index *varno in it.  Goes
 * into subqueries as long as the expression is one of their columns.
 */
static RangeTblEntry *
table_of(PlannerInfo *root, Node **expression, int *varno)
{
	List	   *rtable;

	root = query_of(root, expression);
	if (!root)
		return NULL;
	rtable = root->parse->rtable;
	for (;;)
	{
		RangeTblEntry *entry;
		TargetEntry *target;
		Var		   *var = (Var *) *expression;
		List	   *vars = pull_vars_of_level(*expression, 0);

		if (vars == NIL)
			return NULL;
		*varno = linitial_node(Var, vars)->varno;
		if (*varno < 1 || *varno > list_length(rtable))
			return NULL;
		entry = rt_fetch(*varno, rtable);
		if (entry->rtekind == RTE_RELATION)
			return entry;
#if PG_VERSION_NUM >= 180000
		if (entry->rtekind == RTE_GROUP && IsA(var, Var))
		{
			*expression = strip_relabel(list_nth(entry->groupexprs, var->varattno - 1));
			continue;
		}
#endif
		if (entry->rtekind != RTE_SUBQUERY || !IsA(var, Var) || !entry->subquery ||
			entry->subquery->setOperations)
			return NULL;
		target = get_tle_by_resno(entry->subquery->targetList, var->varattno);
		if (!target)
			return NULL;
		*expression = strip_relabel((Node *) target->expr);
		rtable = entry->subquery->rtable;
	}
}

/* Whether an index orders by an expression of its table, which is varno in it. */
static bool
orders_by(Relation index, Node *expression, int varno)
{
	AttrNumber	column = index->rd_index->indkey.values[0];
	Node	   *key;

	if (column != 0)
		return IsA(expression, Var) && ((Var *) expression)->varattno == column;
	key = copyObject(linitial(RelationGetIndexExpressions(index)));
	ChangeVarNodes(key, 1, varno, 0);
	return equal(strip_relabel(key), expression);
}

/*
 * The index of an expression, or InvalidOid: of several, the oldest.  An index of a part of the
 * table is not meant.
 */
static Oid
index_of(PlannerInfo *root, Node *expression)
{
	Oid			found = InvalidOid;
	Relation	table;
	RangeTblEntry *entry;
	List	   *indexes;
	ListCell   *cell;
	int			varno;

	expression = strip_relabel(expression);
	entry = table_of(root, &expression, &varno);
	if (!entry || (entry->relkind != RELKIND_RELATION && entry->relkind != RELKIND_MATVIEW &&
				   entry->relkind != RELKIND_PARTITIONED_TABLE))
		return InvalidOid;
	/* the query has it locked */
	table = table_open(entry->relid, NoLock);
	indexes = RelationGetIndexList(table);
	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (bm25_is_index(index) && index->rd_index->indisvalid &&
			RelationGetIndexPredicate(index) == NIL && orders_by(index, expression, varno) &&
			(!OidIsValid(found) || RelationGetRelid(index) < found))
			found = RelationGetRelid(index);
		index_close(index, NoLock);
	}
	list_free(indexes);
	table_close(table, NoLock);
	return found;
}

/* The index that a call of to_bm25query gives to a query, if it is a constant; else NULL. */
static const Const *
given_index(const Node *query, const char *schema)
{
	const FuncExpr *call = (const FuncExpr *) query;

	return IsA(query, FuncExpr) && list_length(call->args) == 2 &&
		strcmp(get_func_name(call->funcid), "to_bm25query") == 0 &&
		strcmp(get_namespace_name(get_func_namespace(call->funcid)), schema) == 0 &&
		IsA(lsecond(call->args), Const) ? lsecond(call->args) : NULL;
}

/* A query with an index, unless it has one; NULL if nothing is to be done. */
static Expr *
name_index(Node *query, Oid index, Oid type, char *schema)
{
	const Const *given = given_index(query, schema);
	Oid			arguments[] = {InvalidOid, REGCLASSOID};
	List	   *name;
	Const	   *constant = (Const *) query;
	Datum		value;

	if (IsA(query, Const) && !constant->constisnull)
	{
		struct varlena *text = PG_DETOAST_DATUM(constant->constvalue);

		if (constant->consttype == type)
		{
			BM25Query  *words = (BM25Query *) text;

			if (OidIsValid(words->index))
				return NULL;
			value = PointerGetDatum(bm25query_make(words->query, bm25query_length(words), index));
		}
		else
			value = PointerGetDatum(bm25query_make(VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text),
												   index));
		return (Expr *) makeConst(type, -1, InvalidOid, -1, value, false, false);
	}
	if (given && !given->constisnull)
		return NULL;
	if (given)
		query = linitial(((FuncExpr *) query)->args);
	arguments[0] = exprType(query);
	name = list_make2(makeString(schema), makeString("to_bm25query"));
	return (Expr *) makeFuncExpr(LookupFuncName(name, 2, arguments, false), type,
								 list_make2(query,
											makeConst(REGCLASSOID, -1, InvalidOid, sizeof(Oid),
													  ObjectIdGetDatum(index), false, true)),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

/*
 * The value of (SELECT expression), without FROM or anything else that may decide about its row, is
 * that of the expression.  As a subquery of its own it would hide the index that it names.
 */
static Node *
without_select(PlannerInfo *root, Node *node)
{
	const SubLink *link = (const SubLink *) node;
	const Query *query;
	Node	   *value;

	if (!IsA(node, SubLink) || link->subLinkType != EXPR_SUBLINK)
		return node;
	query = castNode(Query, link->subselect);
	if (query->commandType != CMD_SELECT || query->rtable != NIL || query->jointree->quals ||
		query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs || query->hasSubLinks ||
		query->cteList != NIL || query->setOperations || query->groupClause != NIL ||
		query->groupingSets != NIL || query->havingQual || query->limitCount ||
		query->limitOffset || list_length(query->targetList) != 1)
		return node;
	value = (Node *) copyObject(linitial_node(TargetEntry, query->targetList)->expr);
	if (contain_volatile_functions(value))
		return node;
	IncrementVarSublevelsUp(value, -1, 1);
	return eval_const_expressions(root, value);
}

/* The call with the index, or NULL if there is none, or it is there already. */
static Node *
name_in_call(PlannerInfo *root, FuncExpr *call)
{
	Node	   *body = linitial(call->args);
	Node	   *given = lsecond(call->args);
	Node	   *query = without_select(root, given);
	char	   *schema = get_namespace_name(get_func_namespace(call->funcid));
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("bm25query"),
									   ObjectIdGetDatum(get_func_namespace(call->funcid)));
	Oid			index = index_of(root, body);
	Oid			operator;
	Expr	   *named;
	Expr	   *search;

	if (!OidIsValid(index))
		return NULL;
	named = name_index(query, index, type, schema);
	if (!named && query == given)
		return NULL;
	if (!named)
		named = (Expr *) query;
	operator = OpernameGetOprid(list_make2(makeString(schema), makeString("<@>")),
								exprType(body), type);
	if (!OidIsValid(operator))
		return NULL;
	search = make_opclause(operator, FLOAT8OID, false, (Expr *) body, named, InvalidOid,
						   call->inputcollid);
	set_opfuncid((OpExpr *) search);
	return (Node *) search;
}

/* The support function of the functions of <@>. */
PG_FUNCTION_INFO_V1(bm25_score_support);
Datum
bm25_score_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *result = NULL;

	if (IsA(request, SupportRequestSimplify))
	{
		SupportRequestSimplify *simplify = (SupportRequestSimplify *) request;

		result = name_in_call(simplify->root, simplify->fcall);
	}
	PG_RETURN_POINTER(result);
}
