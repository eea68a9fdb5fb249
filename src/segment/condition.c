/*
 * condition.c - conditions on attributes: their values, and whether a row's record meets them
 */
#include "segment/filter_internal.h"

#include "access/nbtree.h"
#include "catalog/pg_type.h"
#include "lib/qunique.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "segment/sealed.h"

/* How the values of a condition are sorted. */
typedef struct ValueOrder
{
	FmgrInfo	compare;
	Oid			collation;
} ValueOrder;

static int
compare_values(const void *a, const void *b, void *arg)
{
	ValueOrder *order = arg;

	CHECK_FOR_INTERRUPTS();
	return DatumGetInt32(FunctionCall2Coll(&order->compare, order->collation, *(const Datum *) a,
										   *(const Datum *) b));
}

/* Sorts a condition's values, of a type that its column can be compared with. */
static void
sort_values(const AttributeFilter *filter, FilterCondition *condition, Oid type)
{
	Relation	index = filter->index;
	Oid			compare = get_opfamily_proc(index->rd_opfamily[condition->attribute + 1], type,
											type, ATTRIBUTE_COMPARE);
	ValueOrder	order = {.collation = condition->collation};
	MemoryContext old = MemoryContextSwitchTo(filter->temporary);

	if (OidIsValid(compare))
	{
		fmgr_info(compare, &order.compare);
		qsort_arg(condition->values, condition->count, sizeof(Datum), compare_values, &order);
		condition->count = (int) qunique_arg(condition->values, condition->count, sizeof(Datum),
											 compare_values, &order);
		condition->sorted = true;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(filter->temporary);
}

/* The values of `= ANY (array)` and the like, without NULLs, which no row meets. */
static void
take_array(const AttributeFilter *filter, FilterCondition *condition, Datum argument, Oid type)
{
	ArrayType  *array = DatumGetArrayTypeP(argument);
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			count;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &values, &nulls,
					  &count);
	condition->values = palloc(sizeof(Datum) * Max(count, 1));
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			condition->values[condition->count++] = values[i];
	condition->unknown = condition->count < count;
	condition->settled = count == 0;
	sort_values(filter, condition, type);
}

/*
 * A condition on the elements of an array.  No array has all elements of one with a NULL: such a
 * condition has no values.
 */
static void
take_elements(const AttributeFilter *filter, FilterCondition *condition, const ScanKeyData *key)
{
	const IndexAttribute *attribute = &filter->attributes->columns[condition->attribute];
	const IndexAttribute *element = &filter->attributes->columns[attribute->elements];
	Oid			compare = element->compare->fn_oid;
	bool		has_null;

	condition->column = attribute->elements;
	condition->strategy = BTEqualStrategyNumber;
	condition->unknown = (key->sk_flags & SK_ISNULL) != 0;
	if (key->sk_strategy == FILTER_HAS)
	{
		TypeCacheEntry *entry = lookup_type_cache(element->type, TYPECACHE_BTREE_OPFAMILY);

		compare = get_opfamily_proc(entry->btree_opf, entry->btree_opintype, key->sk_subtype,
									BTORDER_PROC);
		condition->null_unknown = true;
		condition->values = palloc(sizeof(Datum));
		condition->values[0] = key->sk_argument;
		condition->count = !condition->unknown;
	}
	else if (!condition->unknown)
	{
		condition->count = attribute_elements(element, key->sk_argument, &condition->values,
											  &has_null);
		condition->sorted = true;
		condition->every = key->sk_strategy == FILTER_CONTAINS && !has_null;
		if (key->sk_strategy == FILTER_CONTAINS && has_null)
			condition->count = 0;
	}
	if (!OidIsValid(compare))
		elog(ERROR, "index \"%s\" cannot search elements of column %d",
			 RelationGetRelationName(filter->index), key->sk_attno);
	fmgr_info(compare, &condition->compare);
}

void
condition_take_key(const AttributeFilter *filter, FilterCondition *condition,
				   const ScanKeyData *key)
{
	Relation	index = filter->index;
	int			column = key->sk_attno - 1;
	Oid			type = index->rd_opcintype[column];
	Oid			value_type = OidIsValid(key->sk_subtype) ? key->sk_subtype : type;
	Oid			compare;

	condition->attribute = condition->column = column - 1;
	condition->strategy = key->sk_strategy;
	condition->collation = key->sk_collation;
	if (key->sk_flags & (SK_SEARCHNULL | SK_SEARCHNOTNULL))
	{
		condition->strategy = 0;
		condition->wants_null = (key->sk_flags & SK_SEARCHNULL) != 0;
		return;
	}
	if (key->sk_strategy >= FILTER_OVERLAPS && type == ANYARRAYOID)
	{
		take_elements(filter, condition, key);
		return;
	}
	compare = get_opfamily_proc(index->rd_opfamily[column], type, value_type,
								ATTRIBUTE_COMPARE);
	if (condition->strategy < 1 || condition->strategy > FILTER_NOT_EQUAL || !OidIsValid(compare))
		elog(ERROR, "index \"%s\" cannot be searched by operator %d of column %d",
			 RelationGetRelationName(index), key->sk_strategy, key->sk_attno);
	fmgr_info(compare, &condition->compare);
	condition->unknown = (key->sk_flags & SK_ISNULL) != 0;
	if (condition->unknown)
		return;
	if (key->sk_flags & SK_SEARCHARRAY)
	{
		take_array(filter, condition, key->sk_argument, value_type);
		return;
	}
	condition->values = palloc(sizeof(Datum));
	condition->values[0] = key->sk_argument;
	condition->count = 1;
	/* x <> y is NOT (x = y), for which the rows of one value are read */
	if (condition->strategy == FILTER_NOT_EQUAL)
	{
		condition->strategy = BTEqualStrategyNumber;
		condition->negated = !condition->negated;
	}
}

void
condition_take_node(const AttributeFilter *filter, FilterCondition *condition,
					const FilterNode *node)
{
	condition->kind = node->kind;
	if (node->kind == FILTER_TEST)
	{
		condition->attribute = node->column - 1;
		condition->passes = node->passes;
		condition->arg = node->arg;
		return;
	}
	if (node->kind == FILTER_KEY)
	{
		condition->negated = node->negated;
		condition_take_key(filter, condition, &node->key);
		return;
	}
	condition->count = node->count;
	condition->conditions = palloc0(sizeof(FilterCondition) * Max(node->count, 1));
	for (int i = 0; i < node->count; i++)
		condition_take_node(filter, &condition->conditions[i], node->nodes[i]);
}

bool
condition_is_never_met(const FilterCondition *condition)
{
	if (condition->kind == FILTER_TEST)
		return false;
	if (condition->kind == FILTER_KEY)
		return condition->strategy != 0 && condition->count == 0 && !condition->every &&
			!condition->negated;
	for (int i = 0; i < condition->count; i++)
		if (condition_is_never_met(&condition->conditions[i]) == (condition->kind == FILTER_AND))
			return condition->kind == FILTER_AND;
	return condition->kind == FILTER_OR;
}

bool
condition_has_attribute(const FilterCondition *condition)
{
	bool		has = condition->kind == FILTER_KEY || condition->kind == FILTER_TEST;

	for (int i = 0; condition->conditions && i < condition->count; i++)
		has |= condition_has_attribute(&condition->conditions[i]);
	return has;
}

void
condition_drop_tests(FilterCondition *condition)
{
	if (condition->kind == FILTER_TEST)
		condition->kind = FILTER_AND;
	for (int i = 0; condition->conditions && i < condition->count; i++)
		condition_drop_tests(&condition->conditions[i]);
}

bool
condition_may_test(const FilterCondition *condition, const SealedHeader *header)
{
	if (condition->kind == FILTER_TEST)
		return header->attributes[condition->attribute].values <= FILTER_MOST_TESTED;
	for (int i = 0; condition->conditions && i < condition->count; i++)
		if (!condition_may_test(&condition->conditions[i], header))
			return false;
	return true;
}

/* Whether an attribute that compares like this with a value meets the condition with it. */
static bool
strategy_holds(int strategy, int32 order)
{
	switch (strategy)
	{
		case BTLessStrategyNumber:
			return order < 0;
		case BTLessEqualStrategyNumber:
			return order <= 0;
		case BTEqualStrategyNumber:
			return order == 0;
		case BTGreaterEqualStrategyNumber:
			return order >= 0;
		case BTGreaterStrategyNumber:
			return order > 0;
		default:
			return order != 0;
	}
}

int32
condition_compare(const FilterCondition *condition, Datum attribute, Datum value)
{
	return DatumGetInt32(FunctionCall2Coll(unconstify(FmgrInfo *, &condition->compare),
										   condition->collation, attribute, value));
}

/* Whether an attribute is one of a condition's sorted values. */
static bool
is_value(const FilterCondition *condition, Datum attribute)
{
	int			low = 0;
	int			high = condition->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int32		order = condition_compare(condition, attribute, condition->values[middle]);

		if (order == 0)
			return true;
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool
condition_has_equal_values(const FilterCondition *condition)
{
	return condition->sorted && condition->strategy == BTEqualStrategyNumber;
}

/* Whether an attribute compares with one of a condition's values as it requires. */
static bool
meets_value(const FilterCondition *condition, Datum attribute)
{
	if (condition_has_equal_values(condition))
		return is_value(condition, attribute);
	for (int i = 0; i < condition->count; i++)
		if (strategy_holds(condition->strategy,
						   condition_compare(condition, attribute, condition->values[i])))
			return true;
	return false;
}

/* Whether an array meets the condition of a key on its elements. */
static bool
array_holds(const AttributeFilter *filter, const FilterCondition *condition, Datum array)
{
	Datum	   *elements;
	bool		has_null;
	int			count = attribute_elements(&filter->attributes->columns[condition->column], array,
										   &elements, &has_null);
	bool		holds = condition->every;

	for (int i = 0; i < condition->count && holds == condition->every; i++)
	{
		holds = false;
		for (int k = 0; k < count && !holds; k++)
			holds = condition_compare(condition, elements[k], condition->values[i]) == 0;
	}
	if (condition->unknown)
		return false;
	return holds ? !condition->negated :
		condition->negated && !(condition->null_unknown && has_null);
}

/* Whether an attribute meets the condition of a key. */
static bool
key_holds(const AttributeFilter *filter, const FilterCondition *condition,
		  const AttributeValue *value)
{
	AttributeRoom room;
	Datum		attribute;

	if (condition->strategy == 0)
		return (condition->wants_null == (value->bytes == NULL)) != condition->negated;
	if (condition->settled)
		return condition->negated;
	if (value->bytes == NULL)
		return false;
	attribute = attribute_datum(&filter->attributes->columns[condition->attribute], value, &room);
	if (condition->column != condition->attribute)
		return array_holds(filter, condition, attribute);
	if (meets_value(condition, attribute))
		return !condition->negated;
	return condition->negated && !condition->unknown;
}

bool
condition_test_passes(const AttributeFilter *filter, const FilterCondition *condition,
					  const AttributeValue *value)
{
	AttributeRoom room;
	bool		isnull = value->bytes == NULL;

	return condition->passes(condition->arg, isnull ? (Datum) 0 :
							 attribute_datum(&filter->attributes->columns[condition->attribute],
											 value, &room), isnull);
}

static bool
condition_holds(const AttributeFilter *filter, const FilterCondition *condition,
				const AttributeValue *values)
{
	if (condition->kind == FILTER_KEY)
		return key_holds(filter, condition, &values[condition->attribute]);
	if (condition->kind == FILTER_TEST)
		return condition_test_passes(filter, condition, &values[condition->attribute]);
	for (int i = 0; i < condition->count; i++)
		if (condition_holds(filter, &condition->conditions[i], values) ==
			(condition->kind == FILTER_OR))
			return condition->kind == FILTER_OR;
	return condition->kind == FILTER_AND;
}

bool
condition_record_passes(AttributeFilter *filter, const char *record, Size size)
{
	AttributeValue values[SEGMENT_MAX_ATTRIBUTES];
	MemoryContext old = MemoryContextSwitchTo(filter->temporary);
	bool		passes;

	attributes_of_record(filter->attributes, filter->index, record, size, values);
	passes = condition_holds(filter, &filter->root, values);
	MemoryContextSwitchTo(old);
	MemoryContextReset(filter->temporary);
	return passes;
}
