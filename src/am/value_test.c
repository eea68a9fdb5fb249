/*
 * value_test.c - conditions on an attribute that no operator class knows, such as LIKE
 *
 * A segment has each value of an attribute once.  If they are few, the condition is evaluated on
 * each of them, and the rows of those that meet it are read.
 *
 * Among the values are such as no row has that the query sees.  So only functions are called that
 * neither reveal a value nor raise an error because of it: those that are leakproof, comparisons of
 * B-trees, and some of PostgreSQL's own.
 */
#include "am/conditions_internal.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/subscripting.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "am/returned.h"

struct ValueTest
{
	int			column;			/* of the index */
	Expr	   *condition;		/* in which a CoerceToDomainValue is the attribute */
	ExprState  *state;
	List	   *patterns;		/* of LIKE: expressions, or arrays of patterns */
	List	   *pattern_states;
};

/* The argument of a function that may depend on an attribute; the others are values of the scan. */
typedef enum AttributeArgument
{
	FIRST, SECOND, ANY, MATCHED	/* MATCHED: the first; the second is a pattern of LIKE */
} AttributeArgument;

/* Functions whose errors, if they raise any, are due to their other arguments. */
static const struct
{
	Oid			function;
	AttributeArgument argument;
}			known_functions[] =
{
	{F_TEXTLIKE, MATCHED}, {F_TEXTNLIKE, MATCHED}, {F_TEXTICLIKE, MATCHED},
	{F_TEXTICNLIKE, MATCHED}, {F_BYTEALIKE, MATCHED}, {F_BYTEANLIKE, MATCHED},
	{F_TEXTREGEXEQ, FIRST}, {F_TEXTREGEXNE, FIRST}, {F_TEXTICREGEXEQ, FIRST},
	{F_TEXTICREGEXNE, FIRST}, {F_LOWER_TEXT, FIRST}, {F_UPPER_TEXT, FIRST}, {F_LENGTH_TEXT, FIRST},
	{F_CHAR_LENGTH_TEXT, FIRST}, {F_OCTET_LENGTH_TEXT, FIRST}, {F_LEFT, FIRST}, {F_RIGHT, FIRST},
	{F_SUBSTR_TEXT_INT4, FIRST}, {F_SUBSTR_TEXT_INT4_INT4, FIRST},
	{F_SUBSTRING_TEXT_INT4, FIRST}, {F_SUBSTRING_TEXT_INT4_INT4, FIRST}, {F_BTRIM_TEXT, FIRST},
	{F_LTRIM_TEXT, FIRST}, {F_RTRIM_TEXT, FIRST}, {F_STRPOS, FIRST},
	{F_INT2MOD, FIRST}, {F_INT4MOD, FIRST}, {F_INT8MOD, FIRST},
	{F_INT2AND, ANY}, {F_INT4AND, ANY}, {F_INT8AND, ANY}, {F_INT2OR, ANY}, {F_INT4OR, ANY},
	{F_INT8OR, ANY}, {F_INT2XOR, ANY}, {F_INT4XOR, ANY}, {F_INT8XOR, ANY}, {F_INT2NOT, ANY},
	{F_INT4NOT, ANY}, {F_INT8NOT, ANY},
	{F_DATE_TIMESTAMP, FIRST}, {F_DATE_TIMESTAMPTZ, FIRST}, {F_EXTRACT_TEXT_DATE, SECOND},
	{F_EXTRACT_TEXT_TIME, SECOND}, {F_EXTRACT_TEXT_TIMESTAMP, SECOND},
	{F_EXTRACT_TEXT_TIMESTAMPTZ, SECOND}, {F_DATE_PART_TEXT_TIME, SECOND},
	{F_DATE_PART_TEXT_TIMESTAMP, SECOND}, {F_DATE_PART_TEXT_TIMESTAMPTZ, SECOND},
	{F_ARRAYCONTAINED, ANY}, {F_CARDINALITY, ANY}, {F_ARRAY_LENGTH, FIRST}
};

/* A search for a test in a clause. */
typedef struct TestSearch
{
	const IndexColumns *columns;
	Node	   *attribute;		/* NULL: none has been met */
	ValueTest  *test;
	bool		fails;
} TestSearch;

/* Whether a function may be called with any value of the attribute. */
static bool
is_known(TestSearch *search, Oid function, List *arguments)
{
	for (int i = 0; i < lengthof(known_functions); i++)
	{
		AttributeArgument argument = known_functions[i].argument;
		int			place = argument == SECOND ? 1 : 0;

		if (known_functions[i].function != function)
			continue;
		for (int k = 0; k < list_length(arguments); k++)
			if (argument != ANY && k != place && !is_scan_value(list_nth(arguments, k)))
				return false;
		if (argument == MATCHED)
			search->test->patterns = lappend(search->test->patterns, lsecond(arguments));
		return true;
	}
	return false;
}

static bool
is_comparison(Oid operator)
{
	return OidIsValid(operator) && get_op_btree_interpretation(operator) != NIL;
}

static bool
may_call(TestSearch *search, Oid function, Oid operator, List *arguments)
{
	return get_func_leakproof(function) ||
		(!search->columns->leakproof &&
		 (is_comparison(operator) || is_known(search, function, arguments)));
}

/* Whether an expression calls only functions that may be called, apart from its arguments. */
static bool
may_evaluate(TestSearch *search, Node *node)
{
	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			return may_call(search, get_opcode(((OpExpr *) node)->opno), ((OpExpr *) node)->opno,
							((OpExpr *) node)->args);
		case T_ScalarArrayOpExpr:
			return may_call(search, get_opcode(((ScalarArrayOpExpr *) node)->opno),
							((ScalarArrayOpExpr *) node)->opno,
							((ScalarArrayOpExpr *) node)->args);
		case T_FuncExpr:
			return !((FuncExpr *) node)->funcretset &&
				may_call(search, ((FuncExpr *) node)->funcid, InvalidOid,
						 ((FuncExpr *) node)->args);
		case T_SubscriptingRef:
			return ((SubscriptingRef *) node)->refassgnexpr == NULL &&
				getSubscriptingRoutines(((SubscriptingRef *) node)->refcontainertype,
										NULL)->fetch_leakproof;
		case T_NullTest:
			return !((NullTest *) node)->argisrow;
		case T_BoolExpr:
		case T_BooleanTest:
		case T_RelabelType:
		case T_CollateExpr:
		case T_CoalesceExpr:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_List:
			return true;
		default:
			return false;
	}
}

/* Makes an attribute the value on which the expression is evaluated. */
static Node *
replace_attribute(Node *node, void *arg)
{
	TestSearch *search = arg;
	int			column;

	if (node == NULL || search->fails)
		return node;
	column = index_column_of(node, search->columns);
	if (column > 0 && (search->attribute == NULL || search->test->column == column))
	{
		CoerceToDomainValue *value = makeNode(CoerceToDomainValue);

		search->attribute = node;
		search->test->column = column;
		value->typeId = exprType(node);
		value->typeMod = exprTypmod(node);
		value->collation = exprCollation(node);
		value->location = -1;
		return (Node *) value;
	}
	/* PostgreSQL walks through the branches of CASE as its parts only */
	if (!IsA(node, List) && !IsA(node, CaseWhen) && is_scan_value(node))
		return node;
	if (column > 0 || !may_evaluate(search, node))
	{
		search->fails = true;
		return node;
	}
	return expression_tree_mutator(node, replace_attribute, arg);
}

/* Whether the planner expects that segments have few values of an attribute. */
static bool
has_few_values(PlannerInfo *root, Node *attribute)
{
	VariableStatData data;
	double		values;
	bool		is_default;

	examine_variable(root, attribute, 0, &data);
	values = get_variable_numdistinct(&data, &is_default);
	ReleaseVariableStats(data);
	return values <= FILTER_MOST_TESTED;
}

ValueTest *
value_test_find(Node *clause, bool negated, const IndexColumns *columns)
{
	ValueTest  *test = palloc0(sizeof(ValueTest));
	TestSearch	search = {.columns = columns, .test = test};
	Node	   *condition = replace_attribute(clause, &search);

	if (search.fails || search.attribute == NULL || contain_volatile_functions(clause) ||
		!attribute_is_exact(exprType(search.attribute), columns->collations[test->column]) ||
		(columns->root && !has_few_values(columns->root, search.attribute)))
		return NULL;
	test->condition = (Expr *) (negated ? (Node *) make_notclause((Expr *) condition) : condition);
	return test;
}

void
value_test_prepare(ValueTest *test, PlanState *node)
{
	test->state = ExecInitExpr(test->condition, node);
	test->pattern_states = ExecInitExprList(test->patterns, node);
}

/* Whether a pattern of LIKE ends with a backslash, for which some values raise an error. */
static bool
ends_with_escape(Datum pattern)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(pattern);
	int			length = VARSIZE_ANY_EXHDR(bytes);

	return length > 0 && VARDATA_ANY(bytes)[length - 1] == '\\';
}

/* Whether all patterns are such that no value raises an error. */
static bool
has_good_patterns(const ValueTest *test, ExprContext *context)
{
	ListCell   *state;
	ListCell   *pattern;

	forboth(state, test->pattern_states, pattern, test->patterns)
	{
		Oid			element = get_element_type(exprType(lfirst(pattern)));
		bool		isnull;
		Datum		value = ExecEvalExpr((ExprState *) lfirst(state), context, &isnull);
		Datum	   *values = &value;
		bool	   *nulls = &isnull;
		int			count = 1;

		if (isnull)
			continue;
		if (OidIsValid(element))
			deconstruct_array(DatumGetArrayTypeP(value), element, -1, false, TYPALIGN_INT,
							  &values, &nulls, &count);
		for (int i = 0; i < count; i++)
			if (!nulls[i] && ends_with_escape(values[i]))
				return false;
	}
	return true;
}

/* A test in a scan. */
typedef struct RunningTest
{
	ExprState  *state;
	ExprContext *context;
} RunningTest;

static bool
meets_test(void *arg, Datum value, bool isnull)
{
	const RunningTest *running = arg;
	Datum		result;

	running->context->domainValue_datum = value;
	running->context->domainValue_isNull = isnull;
	result = ExecEvalExpr(running->state, running->context, &isnull);
	return !isnull && DatumGetBool(result);
}

FilterNode *
value_test_node(const ValueTest *test, ExprContext *context)
{
	FilterNode *node = palloc0(sizeof(FilterNode));
	RunningTest *running;

	node->kind = FILTER_AND;
	if (!has_good_patterns(test, context))
		return node;
	running = palloc(sizeof(RunningTest));
	*running = (RunningTest) {test->state, context};
	node->kind = FILTER_TEST;
	node->column = test->column;
	node->passes = meets_test;
	node->arg = running;
	return node;
}
