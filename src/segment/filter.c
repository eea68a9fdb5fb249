/*
 * filter.c - conditions on attributes, and sets of rows
 *
 * The rows of a segment that meet a condition are those of one or more ranges of its column's
 * values, whose ends a binary search finds.  Of conditions that are one range each, such as those
 * of BETWEEN, only the common range is read.
 *
 * Rows that scans of other indexes have found are looked up by their TIDs.
 */
#include "segment/filter.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "segment/growing.h"
#include "segment/sealed.h"

/* What a condition compares an attribute with; NULL is less and greater than nothing. */
typedef struct FilterCondition
{
	int			attribute;
	int			strategy;		/* 0: IS NULL or IS NOT NULL */
	bool		wants_null;		/* IS NULL */
	Oid			collation;
	FmgrInfo	compare;		/* the attribute with a value */
	Datum	   *values;			/* one of which must be met */
	int			count;
} FilterCondition;

struct AttributeFilter
{
	Relation	index;
	IndexAttributes *attributes;
	MemoryContext temporary;	/* for what comparing leaves */
	FilterCondition *conditions;
	int			count;
	TidSet	   *rows;			/* the only rows that may pass; NULL: all may */
	bool		nothing;		/* a condition that no row of an index meets */
};

/* Consecutive numbers of a column's values; the end is not in it. */
typedef struct ValueRange
{
	uint32		from;
	uint32		to;
} ValueRange;

/* The values of `= ANY (array)` and the like, without NULLs, which no row meets. */
static void
take_array(FilterCondition *condition, Datum argument)
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
}

static void
take_key(AttributeFilter *filter, FilterCondition *condition, const ScanKeyData *key)
{
	Relation	index = filter->index;
	int			column = key->sk_attno - 1;
	Oid			type = index->rd_opcintype[column];
	Oid			compare;

	condition->attribute = column - 1;
	condition->strategy = key->sk_strategy;
	condition->collation = key->sk_collation;
	if (key->sk_flags & (SK_SEARCHNULL | SK_SEARCHNOTNULL))
	{
		condition->strategy = 0;
		condition->wants_null = (key->sk_flags & SK_SEARCHNULL) != 0;
		return;
	}
	compare = get_opfamily_proc(index->rd_opfamily[column], type,
								OidIsValid(key->sk_subtype) ? key->sk_subtype : type,
								ATTRIBUTE_COMPARE);
	if (condition->strategy < 1 || condition->strategy > FILTER_STRATEGIES || !OidIsValid(compare))
		elog(ERROR, "index \"%s\" cannot be searched by operator %d of column %d",
			 RelationGetRelationName(index), key->sk_strategy, key->sk_attno);
	fmgr_info(compare, &condition->compare);
	if (key->sk_flags & SK_ISNULL)
		return;
	if (key->sk_flags & SK_SEARCHARRAY)
	{
		take_array(condition, key->sk_argument);
		return;
	}
	condition->values = palloc(sizeof(Datum));
	condition->values[0] = key->sk_argument;
	condition->count = 1;
}

AttributeFilter *
filter_create(Relation index, ScanKey keys, int count, TidSet *rows)
{
	AttributeFilter *filter;

	if (count == 0 && rows == NULL)
		return NULL;
	filter = palloc0(sizeof(AttributeFilter));
	filter->index = index;
	filter->rows = rows;
	filter->nothing = rows != NULL && rows->count == 0;
	filter->attributes = index_attributes(index);
	filter->temporary = AllocSetContextCreate(CurrentMemoryContext, "vector filter",
											  ALLOCSET_SMALL_SIZES);
	filter->conditions = palloc0(sizeof(FilterCondition) * count);
	for (int i = 0; i < count; i++)
	{
		/* a condition on the vector is IS [NOT] NULL, and no vector of an index is NULL */
		if (keys[i].sk_attno > 1)
			take_key(filter, &filter->conditions[filter->count++], &keys[i]);
		else if (keys[i].sk_flags & SK_SEARCHNULL)
			filter->nothing = true;
	}
	return filter->count > 0 || rows != NULL || filter->nothing ? filter : NULL;
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

static int32
compare_with(const FilterCondition *condition, Datum attribute, Datum value)
{
	return DatumGetInt32(FunctionCall2Coll(unconstify(FmgrInfo *, &condition->compare),
										   condition->collation, attribute, value));
}

static bool
condition_holds(const AttributeFilter *filter, const FilterCondition *condition,
				const AttributeValue *value)
{
	AttributeRoom room;
	Datum		attribute;

	if (condition->strategy == 0)
		return condition->wants_null == (value->bytes == NULL);
	if (value->bytes == NULL)
		return false;
	attribute = attribute_datum(&filter->attributes->columns[condition->attribute], value, &room);
	for (int i = 0; i < condition->count; i++)
		if (strategy_holds(condition->strategy,
						   compare_with(condition, attribute, condition->values[i])))
			return true;
	return false;
}

/* Whether the row with this record of attributes meets the conditions. */
static bool
record_passes(AttributeFilter *filter, const char *record, Size size)
{
	AttributeValue values[SEGMENT_MAX_ATTRIBUTES];
	MemoryContext old = MemoryContextSwitchTo(filter->temporary);
	bool		passes = true;

	attributes_of_record(filter->attributes, filter->index, record, size, values);
	for (int i = 0; i < filter->count && passes; i++)
		passes = condition_holds(filter, &filter->conditions[i],
								 &values[filter->conditions[i].attribute]);
	MemoryContextSwitchTo(old);
	MemoryContextReset(filter->temporary);
	return passes;
}

/* A value that is searched for in a column. */
typedef struct Sought
{
	const IndexAttribute *attribute;
	const FilterCondition *condition;
	Datum		value;
} Sought;

static int
compare_sought(void *arg, const AttributeValue *value)
{
	const Sought *sought = arg;
	AttributeRoom room;
	int32		order = compare_with(sought->condition,
									 attribute_datum(sought->attribute, value, &room),
									 sought->value);

	return order < 0 ? 1 : order > 0 ? -1 : 0;
}

/*
 * The ranges of a column that meet a condition with one value: one, but two for <>.  Returns their
 * number.
 */
static int
find_ranges(const AttributeFilter *filter, const FilterCondition *condition, Datum value,
			SealedColumn *column, ValueRange *ranges)
{
	Sought		sought = {&filter->attributes->columns[condition->attribute], condition, value};
	MemoryContext old = MemoryContextSwitchTo(filter->temporary);
	uint32		values = column->column.values;
	uint32		first;
	uint32		after;
	int			count = 1;

	if (!attribute_search(&column->column, false, compare_sought, &sought, &first) ||
		!attribute_search(&column->column, true, compare_sought, &sought, &after))
		sealed_column_damaged(column);
	MemoryContextSwitchTo(old);
	MemoryContextReset(filter->temporary);
	switch (condition->strategy)
	{
		case BTLessStrategyNumber:
			ranges[0] = (ValueRange) {0, first};
			break;
		case BTLessEqualStrategyNumber:
			ranges[0] = (ValueRange) {0, after};
			break;
		case BTEqualStrategyNumber:
			ranges[0] = (ValueRange) {first, after};
			break;
		case BTGreaterEqualStrategyNumber:
			ranges[0] = (ValueRange) {first, values};
			break;
		case BTGreaterStrategyNumber:
			ranges[0] = (ValueRange) {after, values};
			break;
		default:
			ranges[0] = (ValueRange) {0, first};
			ranges[1] = (ValueRange) {after, values};
			count = 2;
	}
	return count;
}

/* Whether a condition is one range; if so, narrows a range to what is in both. */
static bool
narrow(const AttributeFilter *filter, const FilterCondition *condition, SealedColumn *column,
	   ValueRange *range)
{
	uint32		values = column->column.values;
	ValueRange	met[2] = {{0, 0}};

	if (condition->strategy == 0)
		met[0] = condition->wants_null ? (ValueRange) {values, values + 1} :
			(ValueRange) {0, values};
	else if (condition->count > 1 || condition->strategy == FILTER_NOT_EQUAL)
		return false;
	else if (condition->count == 1)
		(void) find_ranges(filter, condition, condition->values[0], column, met);
	range->from = Max(range->from, met[0].from);
	range->to = Min(range->to, met[0].to);
	return true;
}

/* A set for the rows of a segment, empty. */
static uint8 *
make_set(uint32 rows)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, Max(BITS_BYTES(rows), 8),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Keeps the rows of a range. */
static void
keep_range(SealedColumn *column, ValueRange range, uint8 *passing)
{
	uint8	   *set = make_set(column->column.rows);

	if (!attribute_add_rows(&column->column, range.from, range.to, set))
		sealed_column_damaged(column);
	bits_and(passing, set, column->column.rows);
	pfree(set);
}

/* Keeps the rows that meet a condition of several ranges. */
static void
keep_ranges(const AttributeFilter *filter, const FilterCondition *condition, SealedColumn *column,
			uint8 *passing)
{
	uint8	   *set = make_set(column->column.rows);

	for (int i = 0; i < condition->count; i++)
	{
		ValueRange	ranges[2];
		int			n = find_ranges(filter, condition, condition->values[i], column, ranges);

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < n; k++)
			if (!attribute_add_rows(&column->column, ranges[k].from, ranges[k].to, set))
				sealed_column_damaged(column);
	}
	bits_and(passing, set, column->column.rows);
	pfree(set);
}

/* Keeps the rows whose attribute meets all conditions on it. */
static void
keep_attribute(const AttributeFilter *filter, int attribute, const CachedSegment *segment,
			   uint8 *passing)
{
	ValueRange	range = {0, PG_UINT32_MAX};
	bool		opened = false;
	SealedColumn column;

	for (int i = 0; i < filter->count; i++)
	{
		const FilterCondition *condition = &filter->conditions[i];

		if (condition->attribute != attribute)
			continue;
		if (!opened)
			sealed_column_open(&column, cached_extent(&segment->part, filter->index),
							   &segment->header, attribute);
		opened = true;
		if (!narrow(filter, condition, &column, &range))
			keep_ranges(filter, condition, &column, passing);
	}
	if (range.to != PG_UINT32_MAX)
		keep_range(&column, range, passing);
}

/* Keeps the rows that are in the set. */
static void
keep_rows(const AttributeFilter *filter, const CachedSegment *segment, uint8 *passing)
{
	Extent		extent = cached_extent(&segment->part, filter->index);
	SealedRow  *rows = palloc(SEALED_ROWS * sizeof(SealedRow));

	for (uint32 first = 0; first < segment->header.rows; first += SEALED_ROWS)
	{
		uint32		n = sealed_read_rows(extent, &segment->header, first, rows);

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < n; i++)
			if (!tid_set_has(filter->rows, &rows[i].tid))
				bits_clear(passing, first + i);
	}
	pfree(rows);
}

/* The rows of a sealed segment that are dead or do not meet the conditions. */
static ExcludedRows
exclude_sealed(AttributeFilter *filter, const CachedSegment *segment)
{
	uint32		rows = segment->header.rows;
	uint8	   *passing = make_set(rows);
	uint8	   *excluded = make_set(rows);

	if (!filter->nothing)
	{
		bits_fill(passing, rows);
		for (int i = 0; filter->count > 0 && i < filter->attributes->count; i++)
			keep_attribute(filter, i, segment, passing);
		if (filter->rows)
			keep_rows(filter, segment, passing);
	}
	bits_fill(excluded, rows);
	bits_and_not(excluded, passing, rows);
	if (segment->tombstones)
		for (uint32 byte = 0; byte < (rows + 7) / 8; byte++)
			excluded[byte] |= segment->tombstones[byte];
	pfree(passing);
	return (ExcludedRows) {excluded, bits_count(excluded, rows)};
}

/* The rows of a growing segment that meet the conditions. */
typedef struct GrowingRows
{
	AttributeFilter *filter;
	uint32		room;			/* of the segment */
	ExcludedRows excluded;
	uint8	   *bits;
} GrowingRows;

static void
test_row(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	GrowingRows *rows = arg;

	if (!dead && number < rows->room &&
		(rows->filter->rows == NULL || tid_set_has(rows->filter->rows, &row->tid)) &&
		(rows->filter->count == 0 ||
		 record_passes(rows->filter, row->attributes, row->attributes_size)))
	{
		bits_clear(rows->bits, number);
		rows->excluded.count--;
	}
}

static ExcludedRows
exclude_growing(AttributeFilter *filter, const SegmentEntry *entry)
{
	GrowingRows rows = {filter, entry->rows, {NULL, entry->rows}, make_set(entry->rows)};

	bits_fill(rows.bits, rows.room);
	if (!filter->nothing)
		(void) growing_each_row(filter->index, NULL, entry,
								filter->count > 0 ? GROWING_ATTRIBUTES : 0, test_row, &rows);
	rows.excluded.bits = rows.bits;
	return rows.excluded;
}

ExcludedRows
filter_excluded(AttributeFilter *filter, const SegmentEntry *entry, const CachedSegment *segment)
{
	if (filter != NULL)
		return segment ? exclude_sealed(filter, segment) : exclude_growing(filter, entry);
	return segment ? cached_tombstones(segment) : (ExcludedRows) {NULL, 0};
}
