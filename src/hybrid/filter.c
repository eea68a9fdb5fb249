/*
 * filter.c - conditions in JSON, as those of a WHERE
 *
 * A filter is an object of columns.  Names of columns are looked up in the catalog, and quoted;
 * operators are those by which B-trees order the column's type, with their schemas; values are read
 * as the column's type reads its input, and become parameters.  So no text of a filter is read as
 * SQL.
 */
#include "hybrid/filter.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* A column that is filtered by. */
typedef struct Column
{
	const char *name;
	Oid			type;			/* below domains */
	Oid			element;		/* of its type, if that is an array */
} Column;

typedef enum Comparison
{
	COMPARE_ORDER,				/* by a B-tree's strategy */
	COMPARE_DIFFERENT,
	COMPARE_AMONG,
	COMPARE_ARRAYS				/* by an operator of arrays */
} Comparison;

static const struct
{
	const char *name;			/* as PostgREST has it */
	Comparison	comparison;
	StrategyNumber strategy;
	const char *operator;
}			comparisons[] = {
	{"eq", COMPARE_ORDER, BTEqualStrategyNumber, NULL},
	{"neq", COMPARE_DIFFERENT, BTEqualStrategyNumber, NULL},
	{"lt", COMPARE_ORDER, BTLessStrategyNumber, NULL},
	{"lte", COMPARE_ORDER, BTLessEqualStrategyNumber, NULL},
	{"gte", COMPARE_ORDER, BTGreaterEqualStrategyNumber, NULL},
	{"gt", COMPARE_ORDER, BTGreaterStrategyNumber, NULL},
	{"in", COMPARE_AMONG, BTEqualStrategyNumber, NULL},
	{"cs", COMPARE_ARRAYS, InvalidStrategy, "@>"},
	{"cd", COMPARE_ARRAYS, InvalidStrategy, "<@"},
	{"ov", COMPARE_ARRAYS, InvalidStrategy, "&&"},
};

int
parameter_add(Parameters *parameters, Oid type, Datum value)
{
	if (parameters->count == parameters->allocated)
	{
		Oid		   *types = parameters->types;
		Datum	   *values = parameters->values;

		parameters->allocated = Max(16, 2 * parameters->allocated);
		parameters->types = palloc(sizeof(Oid) * parameters->allocated);
		parameters->values = palloc(sizeof(Datum) * parameters->allocated);
		for (int i = 0; i < parameters->count; i++)
		{
			parameters->types[i] = types[i];
			parameters->values[i] = values[i];
		}
	}
	parameters->types[parameters->count] = type;
	parameters->values[parameters->count] = value;
	return ++parameters->count;
}

void
append_operator(StringInfo sql, Oid operator)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	appendStringInfo(sql, " OPERATOR(%s.%s) ",
					 quote_identifier(get_namespace_name(form->oprnamespace)),
					 NameStr(form->oprname));
	ReleaseSysCache(tuple);
}

static Column
get_column(Relation table, const JsonbValue *key)
{
	Column		column;
	AttrNumber	number;

	column.name = pnstrdup(key->val.string.val, key->val.string.len);
	number = get_attnum(RelationGetRelid(table), column.name);
	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of the filter does not exist in \"%s\"",
						column.name, RelationGetRelationName(table))));
	column.type = getBaseType(TupleDescAttr(RelationGetDescr(table), number - 1)->atttypid);
	column.element = get_base_element_type(column.type);
	return column;
}

/* The B-tree operator of a strategy of the column's type. */
static Oid
get_operator(const Column *column, StrategyNumber strategy)
{
	const TypeCacheEntry *entry = lookup_type_cache(column->type, TYPECACHE_BTREE_OPFAMILY);
	Oid			operator = InvalidOid;

	if (OidIsValid(entry->btree_opf))
		operator = get_opfamily_member(entry->btree_opf, entry->btree_opintype,
									   entry->btree_opintype, strategy);
	if (!OidIsValid(operator))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("column \"%s\" of type %s cannot be filtered by comparison",
						column->name, format_type_be(column->type)),
				 errdetail("The type has no default operator class for B-trees.")));
	return operator;
}

static void value_error(const Column *column, int code, const char *detail)
	__attribute__((noreturn));

static void
value_error(const Column *column, int code, const char *detail)
{
	ereport(ERROR,
			(errcode(code),
			 errmsg("invalid value in the filter of column \"%s\"", column->name),
			 errdetail_internal("%s", detail)));
	pg_unreachable();
}

/* Reads a text as a value of a type. */
static Datum
read_value(const Column *column, Oid type, char *text)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			input;
	Oid			element;
	Datum		value = (Datum) 0;

	getTypeInputInfo(type, &input, &element);
	PG_TRY();
	{
		value = OidInputFunctionCall(input, text, element, -1);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		value_error(column, error->sqlerrcode, error->message);
	}
	PG_END_TRY();
	return value;
}

/* Reads what is neither an array nor an object, nor null. */
static Datum
read_scalar(const Column *column, Oid type, const JsonbValue *value)
{
	char	   *text = NULL;

	switch (value->type)
	{
		case jbvString:
			text = pnstrdup(value->val.string.val, value->val.string.len);
			break;
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
			break;
		case jbvBool:
			text = pstrdup(value->val.boolean ? "true" : "false");
			break;
		case jbvNull:
			value_error(column, ERRCODE_NULL_VALUE_NOT_ALLOWED,
						"Only \"eq\" and \"neq\" take null.");
		default:
			value_error(column, ERRCODE_INVALID_PARAMETER_VALUE,
						"A number, a text or a boolean is expected.");
	}
	return read_value(column, type, text);
}

/* Reads an array of values of a type. */
static Datum
read_array(const Column *column, Oid type, const JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbValue	element;
	JsonbIteratorToken token;
	ArrayBuildState *state;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		value_error(column, ERRCODE_INVALID_PARAMETER_VALUE, "An array is expected.");
	state = initArrayResult(type, CurrentMemoryContext, false);
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			state = accumArrayResult(state, read_scalar(column, type, &element), false, type,
									 CurrentMemoryContext);
	return makeArrayResult(state, CurrentMemoryContext);
}

/* The type of arrays of the column's values. */
static Oid
get_array_of(const Column *column)
{
	Oid			type = get_array_type(column->type);

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("column \"%s\" of type %s cannot be filtered by a list",
						column->name, format_type_be(column->type)),
				 errhint("Arrays are filtered by \"cs\" (contains), \"cd\" and \"ov\" "
						 "(overlaps).")));
	return type;
}

/* Appends one condition, `column operator value`. */
static void
append_comparison(StringInfo sql, const Column *column, int number, const JsonbValue *value,
				  Parameters *parameters)
{
	Comparison	comparison = comparisons[number].comparison;
	StrategyNumber strategy = comparisons[number].strategy;
	Oid			operator;
	int			parameter;

	appendStringInfo(sql, " AND t.%s", quote_identifier(column->name));
	if (value->type == jbvNull && strategy == BTEqualStrategyNumber && comparison != COMPARE_AMONG)
		appendStringInfoString(sql, comparison == COMPARE_DIFFERENT ? " IS NOT NULL" : " IS NULL");
	else if (comparison == COMPARE_ARRAYS)
	{
		if (!OidIsValid(column->element))
			value_error(column, ERRCODE_WRONG_OBJECT_TYPE,
						psprintf("\"%s\" is for arrays.", comparisons[number].name));
		parameter = parameter_add(parameters, column->type,
								  read_array(column, column->element, value));
		appendStringInfo(sql, " OPERATOR(pg_catalog.%s) $%d", comparisons[number].operator,
						 parameter);
	}
	else if (comparison == COMPARE_AMONG)
	{
		Oid			array = get_array_of(column);

		append_operator(sql, get_operator(column, strategy));
		parameter = parameter_add(parameters, array, read_array(column, column->type, value));
		appendStringInfo(sql, "ANY ($%d)", parameter);
	}
	else
	{
		operator = get_operator(column, strategy);
		if (comparison == COMPARE_DIFFERENT)
			operator = get_negator(operator);
		if (!OidIsValid(operator))
			value_error(column, ERRCODE_UNDEFINED_FUNCTION,
						"The type's operator of equality has no negator.");
		append_operator(sql, operator);
		parameter = parameter_add(parameters, column->type,
								  OidIsValid(column->element) && value->type == jbvBinary ?
								  read_array(column, column->element, value) :
								  read_scalar(column, column->type, value));
		appendStringInfo(sql, "$%d", parameter);
	}
}

/* The number of a comparison in `comparisons`. */
static int
find_comparison(const Column *column, const char *name, int length)
{
	for (int i = 0; i < lengthof(comparisons); i++)
		if (strlen(comparisons[i].name) == length &&
			memcmp(comparisons[i].name, name, length) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown comparison \"%.*s\" in the filter of column \"%s\"",
					length, name, column->name),
			 errhint("Valid are eq, neq, lt, lte, gte, gt and in, and for arrays cs, cd and "
					 "ov.")));
}

/* Appends the conditions on one column: a value, values, or an object of comparisons. */
static void
append_column(StringInfo sql, const Column *column, const JsonbValue *condition,
			  Parameters *parameters)
{
	JsonbIterator *iterator;
	JsonbValue	key;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (condition->type != jbvBinary)
	{
		append_comparison(sql, column, find_comparison(column, "eq", 2), condition, parameters);
		return;
	}
	if (JsonContainerIsArray(condition->val.binary.data))
	{
		append_comparison(sql, column, find_comparison(column, "in", 2), condition, parameters);
		return;
	}
	iterator = JsonbIteratorInit(condition->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		append_comparison(sql, column, find_comparison(column, key.val.string.val,
													   key.val.string.len),
						  &value, parameters);
	}
}

void
append_filter(StringInfo sql, Relation table, Jsonb *filter, Parameters *parameters)
{
	JsonbIterator *iterator;
	JsonbValue	key;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_OBJECT(filter))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a filter must be a JSON object"),
				 errhint("For example {\"lang\": \"en\", \"year\": {\"gte\": 2020}}.")));
	iterator = JsonbIteratorInit(&filter->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		Column		column;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		column = get_column(table, &key);
		append_column(sql, &column, &value, parameters);
	}
}
