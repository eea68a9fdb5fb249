/*
 * conditions.c - conditions on attributes in a WHERE that are not index conditions
 */
#include "am/conditions_internal.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

/* A condition as in a FilterNode, whose value is an expression. */
typedef struct Condition
{
	FilterKind	kind;
	List	   *conditions;			/* of FILTER_AND and FILTER_OR */
	bool		constant;		/* not of a key: whether the value is true */
	bool		negated;
	ScanKeyData key;
	ValueTest  *test;			/* FILTER_TEST */
	Expr	   *value;
	ExprState  *state;
} Condition;

struct ScanConditions
{
	Condition  *root;
};

bool
is_scan_value(Node *node)
{
	return !contain_var_clause(node) && !contain_volatile_functions(node) &&
		!contain_subplans(node);
}

static Node *
without_relabel(Node *node)
{
	return node && IsA(node, RelabelType) ? (Node *) ((RelabelType *) node)->arg : node;
}

/* An array without the coercion of its elements to a type of the same representation. */
static Node *
without_coercion(Node *node)
{
	const ArrayCoerceExpr *coercion = (ArrayCoerceExpr *) node;

	return IsA(node, ArrayCoerceExpr) && IsA(coercion->elemexpr, RelabelType) &&
		IsA(((RelabelType *) coercion->elemexpr)->arg, CaseTestExpr) ?
		(Node *) coercion->arg : node;
}

int
index_column_of(Node *node, const IndexColumns *columns)
{
	const Var  *var = (Var *) (node = without_relabel(node));
	ListCell   *expression = list_head(columns->expressions);

	if (IsA(node, Var) && var->varno == INDEX_VAR)
		return var->varattno - 1;
	for (int i = 0; i < columns->count; i++)
	{
		if (columns->numbers[i] == 0)
		{
			if (i > 0 && equal(without_relabel(lfirst(expression)), node))
				return i;
			expression = lnext(columns->expressions, expression);
		}
		else if (i > 0 && IsA(node, Var) && var->varno == columns->rel &&
				 var->varattno == columns->numbers[i])
			return i;
	}
	return 0;
}

static Condition *
make_key(int column, int strategy, Oid subtype, Oid collation, Expr *value)
{
	Condition  *condition = palloc0(sizeof(Condition));

	condition->kind = FILTER_KEY;
	condition->value = value;
	condition->key.sk_attno = (AttrNumber) (column + 1);
	condition->key.sk_strategy = (StrategyNumber) strategy;
	condition->key.sk_subtype = subtype;
	condition->key.sk_collation = collation;
	return condition;
}

/* Whether an operator may compare an attribute with an expression's value. */
static bool
is_comparable(int column, Oid operator, Oid collation, Node *value, const IndexColumns *columns)
{
	return is_scan_value(value) &&
		(!OidIsValid(columns->collations[column]) || columns->collations[column] == collation) &&
		(!columns->leakproof || get_func_leakproof(get_opcode(operator)));
}

/* The condition that an operator makes of an attribute and a value, or an array of values. */
static Condition *
make_comparison(int column, Oid operator, Oid collation, Node *value, const IndexColumns *columns)
{
	Oid			family = columns->families[column];
	int			strategy;
	Oid			left;
	Oid			right;

	if (!OidIsValid(operator) || !op_in_opfamily(operator, family) ||
		!is_comparable(column, operator, collation, value, columns))
		return NULL;
	get_op_opfamily_properties(operator, family, false, &strategy, &left, &right);
	return left != columns->types[column] ? NULL :
		make_key(column, strategy, right, collation, (Expr *) value);
}

static Condition *
find_operator(OpExpr *op, bool negated, const IndexColumns *columns)
{
	Condition  *condition = NULL;
	int			column;

	if (list_length(op->args) != 2)
		return NULL;
	if ((column = index_column_of(linitial(op->args), columns)) > 0)
		condition = make_comparison(column, op->opno, op->inputcollid, lsecond(op->args),
									columns);
	else if ((column = index_column_of(lsecond(op->args), columns)) > 0)
		condition = make_comparison(column, get_commutator(op->opno), op->inputcollid,
									linitial(op->args), columns);
	if (condition)
		condition->negated = negated;
	return condition;
}

/* `value = ANY (attribute)`, by the operator that compares an element with the value. */
static Condition *
make_element(int column, Oid operator, ScalarArrayOpExpr *op, const IndexColumns *columns)
{
	Oid			type = get_base_element_type(exprType(lsecond(op->args)));
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY);
	int			strategy;
	Oid			left;
	Oid			right;

	if (columns->types[column] != ANYARRAYOID || !OidIsValid(entry->btree_opf) ||
		!OidIsValid(operator) ||
		get_op_opfamily_strategy(operator, entry->btree_opf) != BTEqualStrategyNumber ||
		!is_comparable(column, operator, op->inputcollid, linitial(op->args), columns))
		return NULL;
	get_op_opfamily_properties(operator, entry->btree_opf, false, &strategy, &left, &right);
	return left != entry->btree_opintype ? NULL :
		make_key(column, FILTER_HAS, right, op->inputcollid, linitial(op->args));
}

/* `op ALL (array)` is the negation of `negator ANY (array)`. */
static Condition *
find_array_operator(ScalarArrayOpExpr *op, bool negated, const IndexColumns *columns)
{
	Oid			operator = op->useOr ? op->opno : get_negator(op->opno);
	Condition  *condition = NULL;
	int			column;

	if ((column = index_column_of(linitial(op->args), columns)) > 0)
	{
		condition = make_comparison(column, operator, op->inputcollid, lsecond(op->args),
									columns);
		if (condition)
			condition->key.sk_flags = SK_SEARCHARRAY;
	}
	else if ((column = index_column_of(without_coercion(lsecond(op->args)), columns)) > 0)
		condition = make_element(column, get_commutator(operator), op, columns);
	if (condition)
		condition->negated = negated == op->useOr;
	return condition;
}

/* IS [NOT] NULL. */
static Condition *
find_null_test(int column, bool null)
{
	Condition  *condition;

	if (column == 0)
		return NULL;
	condition = make_key(column, InvalidStrategy, InvalidOid, InvalidOid, NULL);
	condition->key.sk_flags = null ? SK_SEARCHNULL : SK_SEARCHNOTNULL;
	return condition;
}

/* A boolean attribute that is true; or, if negated, false. */
static Condition *
find_boolean(int column, bool negated, const IndexColumns *columns)
{
	if (column == 0 || columns->types[column] != BOOLOID)
		return NULL;
	return make_key(column, BTEqualStrategyNumber, BOOLOID, InvalidOid,
					(Expr *) makeBoolConst(!negated, false));
}

static Condition *
make_list(FilterKind kind, List *conditions)
{
	Condition  *condition = palloc0(sizeof(Condition));

	condition->kind = kind;
	condition->conditions = conditions;
	return condition;
}

static Condition *
find_boolean_test(BooleanTest *test, bool negated, const IndexColumns *columns)
{
	int			column = index_column_of((Node *) test->arg, columns);
	bool		isnot = negated;
	Condition  *condition;

	if (column == 0 || columns->types[column] != BOOLOID)
		return NULL;
	switch (test->booltesttype)
	{
		case IS_UNKNOWN:
		case IS_NOT_UNKNOWN:
			return find_null_test(column, (test->booltesttype == IS_UNKNOWN) != negated);
		case IS_NOT_TRUE:
		case IS_NOT_FALSE:
			isnot = !negated;
			break;
		default:
			break;
	}
	condition = find_boolean(column, (test->booltesttype == IS_FALSE ||
									  test->booltesttype == IS_NOT_FALSE) != isnot, columns);
	return isnot ? make_list(FILTER_OR, list_make2(condition, find_null_test(column, true))) :
		condition;
}

static Condition *find_condition(Node *node, bool negated, IndexColumns *columns);

/*
 * AND, or OR, of clauses or of their negations.  Those that must all be met can be left out, but
 * not alternatives.
 */
static Condition *
find_list(FilterKind kind, List *clauses, bool negated, IndexColumns *columns)
{
	List	   *conditions = NIL;
	ListCell   *cell;

	foreach(cell, clauses)
	{
		Condition  *condition = find_condition(lfirst(cell), negated, columns);

		if (condition)
			conditions = lappend(conditions, condition);
		else if (kind == FILTER_OR)
			return NULL;
		else
			columns->all = false;
	}
	return conditions == NIL ? NULL : make_list(kind, conditions);
}

static Node *
is_null(Node *node, NullTestType type)
{
	NullTest   *test = makeNode(NullTest);

	test->arg = (Expr *) node;
	test->nulltesttype = type;
	test->location = -1;
	return (Node *) test;
}

/*
 * IS [NOT] DISTINCT FROM, in terms of =, which is NULL if either is:
 * a = b OR a IS NULL AND b IS NULL; or NOT a = b, or one of them is NULL and the other is not.
 */
static Condition *
find_distinct(const DistinctExpr *distinct, bool negated, IndexColumns *columns)
{
	OpExpr	   *equal = copyObject((OpExpr *) distinct);
	Node	   *a = linitial(distinct->args);
	Node	   *b = lsecond(distinct->args);
	NullTestType other = negated ? IS_NULL : IS_NOT_NULL;
	List	   *args;

	if (index_column_of(a, columns) == 0 && index_column_of(b, columns) == 0)
		return NULL;
	NodeSetTag(equal, T_OpExpr);
	args = list_make2(negated ? (Node *) equal : (Node *) make_notclause((Expr *) equal),
					  make_andclause(list_make2(is_null(a, IS_NULL), is_null(b, other))));
	if (!negated)
		args = lappend(args, make_andclause(list_make2(is_null(a, IS_NOT_NULL),
													   is_null(b, IS_NULL))));
	return find_list(FILTER_OR, args, false, columns);
}

/* The condition that a clause is in terms of the operators of an index. */
static Condition *
find_key(Node *node, bool negated, IndexColumns *columns)
{
	switch (nodeTag(node))
	{
		case T_OpExpr:
			return find_operator((OpExpr *) node, negated, columns);
		case T_DistinctExpr:
			return find_distinct((DistinctExpr *) node, negated, columns);
		case T_ScalarArrayOpExpr:
			return find_array_operator((ScalarArrayOpExpr *) node, negated, columns);
		case T_NullTest:
			return ((NullTest *) node)->argisrow ? NULL :
				find_null_test(index_column_of((Node *) ((NullTest *) node)->arg, columns),
							   (((NullTest *) node)->nulltesttype == IS_NULL) != negated);
		case T_BooleanTest:
			return find_boolean_test((BooleanTest *) node, negated, columns);
		default:
			return find_boolean(index_column_of(node, columns), negated, columns);
	}
}

/*
 * The condition that a clause is if it is evaluated on values; a scan leaves it to the executor if
 * there are too many of them.
 */
static Condition *
find_test(Node *node, bool negated, IndexColumns *columns)
{
	ValueTest  *test = value_test_find(node, negated, columns);
	Condition  *condition;

	if (test == NULL)
		return NULL;
	condition = palloc0(sizeof(Condition));
	condition->kind = FILTER_TEST;
	condition->test = test;
	columns->tested = true;
	return condition;
}

/*
 * The condition that a clause is, or its negation, or one that is met by all rows that meet the
 * clause; NULL if none is found.
 */
static Condition *
find_condition(Node *node, bool negated, IndexColumns *columns)
{
	const BoolExpr *clause = (BoolExpr *) node;
	Condition  *condition;

	check_stack_depth();
	if (is_scan_value(node))
	{
		condition = make_list(FILTER_AND, NIL);
		condition->constant = true;
		condition->negated = negated;
		condition->value = (Expr *) node;
		return condition;
	}
	if (IsA(node, BoolExpr))
		return clause->boolop == NOT_EXPR ?
			find_condition(linitial(clause->args), !negated, columns) :
			find_list((clause->boolop == AND_EXPR) != negated ? FILTER_AND : FILTER_OR,
					  clause->args, negated, columns);
	condition = find_key(node, negated, columns);
	return condition ? condition : find_test(node, negated, columns);
}

/* Prepares the expressions of a condition's values for their evaluation. */
static void
prepare_values(Condition *condition, PlanState *node)
{
	ListCell   *cell;

	if (condition->value)
		condition->state = ExecInitExpr(condition->value, node);
	if (condition->test)
		value_test_prepare(condition->test, node);
	foreach(cell, condition->conditions)
		prepare_values(lfirst(cell), node);
}

ScanConditions *
scan_conditions(PlanState *node, Relation index, List *filter, bool leakproof, bool *all,
				bool *tested)
{
	const Scan *scan = (Scan *) node->plan;
	IndexColumns columns = {
		.rel = scan->scanrelid,
		.count = index->rd_index->indnkeyatts,
		.families = index->rd_opfamily,
		.types = index->rd_opcintype,
		.collations = index->rd_indcollation,
		.leakproof = leakproof,
		.all = true
	};
	ScanConditions *conditions;
	Condition  *root;

	if (columns.count > 1 && filter != NIL)
	{
		for (int i = 0; i < columns.count; i++)
			columns.numbers[i] = index->rd_index->indkey.values[i];
		columns.expressions = RelationGetIndexExpressions(index);
		if (columns.expressions != NIL && columns.rel != 1)
			ChangeVarNodes((Node *) columns.expressions, 1, (int) columns.rel, 0);
	}
	root = columns.count > 1 ? find_list(FILTER_AND, filter, false, &columns) : NULL;
	*all = filter == NIL || (root && columns.all);
	*tested = columns.tested;
	if (root == NULL)
		return NULL;
	prepare_values(root, node);
	conditions = palloc(sizeof(ScanConditions));
	conditions->root = root;
	return conditions;
}

/* Whether a node is met by all rows or by none. */
static bool
is_decided(const FilterNode *node)
{
	return (node->kind == FILTER_AND || node->kind == FILTER_OR) && node->count == 0;
}

static FilterNode *
make_node(const Condition *condition, ExprContext *context)
{
	FilterNode *node;
	ListCell   *cell;
	bool		isnull = true;
	Datum		value = 0;

	if (condition->kind == FILTER_TEST)
		return value_test_node(condition->test, context);
	node = palloc0(sizeof(FilterNode));
	node->kind = condition->kind;
	if (condition->state)
		value = ExecEvalExpr(condition->state, context, &isnull);
	if (condition->kind == FILTER_KEY)
	{
		node->negated = condition->negated;
		node->key = condition->key;
		node->key.sk_argument = value;
		if (condition->state && isnull)
			node->key.sk_flags |= SK_ISNULL;
		return node;
	}
	if (condition->constant)
	{
		if (isnull || DatumGetBool(value) == condition->negated)
			node->kind = FILTER_OR;
		return node;
	}
	node->nodes = palloc(sizeof(FilterNode *) * list_length(condition->conditions));
	foreach(cell, condition->conditions)
	{
		FilterNode *next = make_node(lfirst(cell), context);

		/* what follows a condition that decides is not evaluated, as in the executor */
		if (is_decided(next) && next->kind != node->kind)
			return next;
		node->nodes[node->count++] = next;
	}
	return node;
}

FilterNode *
scan_conditions_tree(const ScanConditions *conditions, ExprContext *context)
{
	return make_node(conditions->root, context);
}

List *
path_conditions(PlannerInfo *root, const IndexPath *path)
{
	const IndexOptInfo *index = path->indexinfo;
	List	   *found = NIL;
	ListCell   *cell;
	IndexColumns columns = {
		.root = root,
		.rel = index->rel->relid,
		.count = index->nkeycolumns,
		.expressions = index->indexprs,
		.families = index->opfamily,
		.types = index->opcintype,
		.collations = index->indexcollations
	};

	if (columns.count == 1)
		return NIL;
	for (int i = 0; i < columns.count; i++)
		columns.numbers[i] = (AttrNumber) index->indexkeys[i];
	foreach(cell, index->indrestrictinfo)
	{
		RestrictInfo *clause = lfirst_node(RestrictInfo, cell);

		if (clause->pseudoconstant || is_redundant_with_indexclauses(clause, path->indexclauses))
			continue;
		columns.leakproof = !restriction_is_securely_promotable(clause, index->rel);
		columns.all = true;
		if (find_condition((Node *) clause->clause, false, &columns) && columns.all)
			found = lappend(found, clause);
	}
	return found;
}
