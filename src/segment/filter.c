/*
 * filter.c - the rows of a segment that meet conditions
 *
 * The rows of a segment that meet the condition of a key are those of one or more ranges of its
 * column's values, whose ends a binary search finds.  Of conditions that are one range each, such
 * as those of BETWEEN, only the common range is read.  A test is evaluated on each value.  A tree
 * of conditions is evaluated by sets of rows.
 *
 * Rows that scans of other indexes have found are looked up by their TIDs.
 */
#include "segment/filter_internal.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "segment/growing.h"
#include "segment/sealed.h"
#include "segment/tid_order.h"

/* Consecutive numbers of a column's values; the end is not in it. */
typedef struct ValueRange
{
	uint32		from;
	uint32		to;
} ValueRange;

AttributeFilter *
filter_create(Relation index, ScanKey keys, int count, const FilterNode *tree, TidSet *rows)
{
	AttributeFilter *filter;
	FilterCondition *root;

	if (count == 0 && tree == NULL && rows == NULL)
		return NULL;
	filter = palloc0(sizeof(AttributeFilter));
	filter->index = index;
	filter->rows = rows;
	filter->nothing = rows != NULL && rows->count == 0;
	filter->attributes = index_attributes(index);
	filter->temporary = AllocSetContextCreate(CurrentMemoryContext, "vector filter",
											  ALLOCSET_SMALL_SIZES);
	root = &filter->root;
	root->kind = FILTER_AND;
	root->conditions = palloc0(sizeof(FilterCondition) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		/* a condition on the vector is IS [NOT] NULL, and no vector of an index is NULL */
		if (keys[i].sk_attno > 1)
			condition_take_key(filter, &root->conditions[root->count++], &keys[i]);
		else if (keys[i].sk_flags & SK_SEARCHNULL)
			filter->nothing = true;
	}
	if (tree)
		condition_take_node(filter, &root->conditions[root->count++], tree);
	filter->nothing |= condition_is_never_met(root);
	return root->count > 0 || rows != NULL || filter->nothing ? filter : NULL;
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
	int32		order = condition_compare(sought->condition,
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
	Sought		sought = {&filter->attributes->columns[condition->column], condition, value};
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

/* Whether a condition of a key is met by one range of values; if so, finds it. */
static bool
is_range(const AttributeFilter *filter, const FilterCondition *condition, SealedColumn *column,
		 ValueRange *range)
{
	uint32		values = column->column.values;

	if (condition->strategy == 0)
		*range = condition->wants_null != condition->negated ?
			(ValueRange) {values, values + 1} : (ValueRange) {0, values};
	else if (condition->negated || condition->count > 1 ||
			 condition->column != condition->attribute ||
			 condition->strategy == FILTER_NOT_EQUAL)
		return false;
	else if (condition->count == 1)
		(void) find_ranges(filter, condition, condition->values[0], column, range);
	else
		*range = (ValueRange) {0, 0};
	return true;
}

/* A set for the rows of a segment, empty. */
static uint8 *
make_set(uint32 rows)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, Max(BITS_BYTES(rows), 8),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static void
add_range(SealedColumn *column, ValueRange range, uint8 *set)
{
	if (!attribute_add_rows(&column->column, range.from, range.to, set))
		sealed_column_damaged(column);
}

static void
open_column(const AttributeFilter *filter, int attribute, const CachedSegment *segment,
			SealedColumn *column)
{
	sealed_column_open(column, cached_extent(&segment->part, filter->index), &segment->header,
					   attribute);
}

/* Adds the rows whose attribute is one of a condition's sorted values. */
static void
add_equal_values(const AttributeFilter *filter, const FilterCondition *condition,
				 SealedColumn *column, uint8 *set)
{
	Sought		sought = {&filter->attributes->columns[condition->column], condition, 0};
	MemoryContext old = MemoryContextSwitchTo(filter->temporary);
	ValueRange	range = {0, 0};
	uint32		number = 0;

	for (int i = 0; i < condition->count; i++)
	{
		bool		equal;

		CHECK_FOR_INTERRUPTS();
		sought.value = condition->values[i];
		if (!attribute_find(&column->column, number, compare_sought, &sought, &number, &equal))
			sealed_column_damaged(column);
		MemoryContextReset(filter->temporary);
		if (!equal)
			continue;
		if (number != range.to)
		{
			add_range(column, range, set);
			range.from = number;
		}
		range.to = number + 1;
	}
	add_range(column, range, set);
	MemoryContextSwitchTo(old);
}

/* Adds the rows whose attribute meets one of a condition's values. */
static void
add_values(const AttributeFilter *filter, const FilterCondition *condition, SealedColumn *column,
		   uint8 *set)
{
	if (condition_has_equal_values(condition))
	{
		add_equal_values(filter, condition, column, set);
		return;
	}
	for (int i = 0; i < condition->count; i++)
	{
		ValueRange	ranges[2];
		int			n = find_ranges(filter, condition, condition->values[i], column, ranges);

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < n; k++)
			add_range(column, ranges[k], set);
	}
}

/* Keeps the rows of a range. */
static void
keep_range(SealedColumn *column, ValueRange range, uint8 *passing)
{
	uint32		rows = column->column.rows;
	uint8	   *set = make_set(rows);

	add_range(column, range, set);
	bits_and(passing, set, rows);
	pfree(set);
}

/* Adds the rows where the condition of a key that is not one range is true, before negation. */
static void
add_true(const AttributeFilter *filter, const FilterCondition *condition,
		 const CachedSegment *segment, SealedColumn *column, uint8 *set)
{
	uint32		rows = column->column.rows;
	SealedColumn elements;
	uint8	   *passing;

	if (condition->column == condition->attribute)
	{
		add_values(filter, condition, column, set);
		return;
	}
	open_column(filter, condition->column, segment, &elements);
	if (!condition->every)
		add_values(filter, condition, &elements, set);
	else
	{
		passing = make_set(rows);
		add_range(column, (ValueRange) {0, column->column.values}, passing);
		for (int i = 0; i < condition->count; i++)
		{
			ValueRange	range;

			(void) find_ranges(filter, condition, condition->values[i], &elements, &range);
			keep_range(&elements, range, passing);
		}
		bits_or(set, passing, rows);
		pfree(passing);
	}
	sealed_column_close(&elements);
}

/* Adds the rows where the condition of a key is NULL though it has a value to compare with. */
static void
add_unknown(const AttributeFilter *filter, const FilterCondition *condition,
			const CachedSegment *segment, SealedColumn *column, uint8 *set)
{
	uint32		values = column->column.values;
	SealedColumn elements;

	add_range(column, (ValueRange) {values, values + 1}, set);
	if (!condition->null_unknown)
		return;
	open_column(filter, condition->column, segment, &elements);
	values = elements.column.values;
	add_range(&elements, (ValueRange) {values, values + 1}, set);
	sealed_column_close(&elements);
}

/* Adds the rows that meet the condition of a key. */
static void
add_key(const AttributeFilter *filter, const FilterCondition *condition,
		const CachedSegment *segment, uint8 *set)
{
	uint32		rows = segment->header.rows;
	SealedColumn column;
	ValueRange	range;

	open_column(filter, condition->attribute, segment, &column);
	if (is_range(filter, condition, &column, &range))
		add_range(&column, range, set);
	else if (!condition->negated)
		add_true(filter, condition, segment, &column, set);
	else if (condition->settled)
		bits_fill(set, rows);
	else if (!condition->unknown)
	{
		uint8	   *others = make_set(rows);
		uint8	   *met = make_set(rows);

		add_unknown(filter, condition, segment, &column, others);
		add_true(filter, condition, segment, &column, others);
		bits_fill(met, rows);
		bits_and_not(met, others, rows);
		bits_or(set, met, rows);
		pfree(others);
		pfree(met);
	}
	sealed_column_close(&column);
}

/* Adds the rows whose attribute passes a test. */
static void
add_tested(const AttributeFilter *filter, const FilterCondition *condition,
		   const CachedSegment *segment, uint8 *set)
{
	MemoryContext old = MemoryContextSwitchTo(filter->temporary);
	SealedColumn column;
	AttributeRoom room;

	open_column(filter, condition->attribute, segment, &column);
	for (uint32 i = 0; i <= column.column.values; i++)
	{
		AttributeValue value = sealed_column_number(&column, i, &room);

		if (condition_test_passes(filter, condition, &value))
			add_range(&column, (ValueRange) {i, i + 1}, set);
	}
	sealed_column_close(&column);
	MemoryContextSwitchTo(old);
	MemoryContextReset(filter->temporary);
}

static void add_rows(const AttributeFilter *filter, const FilterCondition *condition,
					 const CachedSegment *segment, uint8 *set);

/* Keeps the rows that meet a condition. */
static void
keep_rows(const AttributeFilter *filter, const FilterCondition *condition,
		  const CachedSegment *segment, uint8 *passing)
{
	uint32		rows = segment->header.rows;
	uint8	   *set = make_set(rows);

	add_rows(filter, condition, segment, set);
	bits_and(passing, set, rows);
	pfree(set);
}

/*
 * Keeps the rows whose attribute meets all conditions on it among those that must be met.  Of
 * ranges only what they have in common is read.
 */
static void
keep_attribute(const AttributeFilter *filter, int attribute, const FilterCondition *all,
			   const CachedSegment *segment, uint8 *passing)
{
	ValueRange	common = {0, PG_UINT32_MAX};
	bool		opened = false;
	SealedColumn column;

	for (int i = 0; i < all->count; i++)
	{
		const FilterCondition *condition = &all->conditions[i];
		ValueRange	range;

		if (condition->kind != FILTER_KEY || condition->attribute != attribute)
			continue;
		if (!opened)
			open_column(filter, attribute, segment, &column);
		opened = true;
		if (is_range(filter, condition, &column, &range))
		{
			common.from = Max(common.from, range.from);
			common.to = Min(common.to, range.to);
		}
		else
			keep_rows(filter, condition, segment, passing);
	}
	if (common.to != PG_UINT32_MAX)
		keep_range(&column, common, passing);
	if (opened)
		sealed_column_close(&column);
}

/* Adds the rows of a sealed segment that meet all of some conditions. */
static void
add_common_rows(const AttributeFilter *filter, const FilterCondition *all,
				const CachedSegment *segment, uint8 *set)
{
	uint32		rows = segment->header.rows;
	uint8	   *passing = make_set(rows);

	bits_fill(passing, rows);
	for (int i = 0; all->count > 0 && i < filter->attributes->count; i++)
		keep_attribute(filter, i, all, segment, passing);
	for (int i = 0; i < all->count && bits_next(passing, rows, 0) != BITS_NONE; i++)
		if (all->conditions[i].kind != FILTER_KEY)
			keep_rows(filter, &all->conditions[i], segment, passing);
	bits_or(set, passing, rows);
	pfree(passing);
}

/* Adds the rows of a sealed segment that meet a condition. */
static void
add_rows(const AttributeFilter *filter, const FilterCondition *condition,
		 const CachedSegment *segment, uint8 *set)
{
	CHECK_FOR_INTERRUPTS();
	switch (condition->kind)
	{
		case FILTER_KEY:
			add_key(filter, condition, segment, set);
			break;
		case FILTER_TEST:
			add_tested(filter, condition, segment, set);
			break;
		case FILTER_AND:
			add_common_rows(filter, condition, segment, set);
			break;
		case FILTER_OR:
			for (int i = 0; i < condition->count; i++)
				add_rows(filter, &condition->conditions[i], segment, set);
			break;
	}
}

/* Keeps the rows that are in the set: looks up each row of the segment. */
static void
look_up_rows(const AttributeFilter *filter, const CachedSegment *segment, uint8 *passing)
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

/* Keeps the rows that are in the set. */
static void
keep_found(const AttributeFilter *filter, CachedSegment *segment, uint8 *passing)
{
	const TidOrder *order = tid_order_of(segment, filter->index);
	uint8	   *set;

	if (order == NULL)
	{
		look_up_rows(filter, segment, passing);
		return;
	}
	set = make_set(segment->header.rows);
	tid_order_select(order, filter->rows, set);
	bits_and(passing, set, segment->header.rows);
	pfree(set);
}

/* The rows of a sealed segment that are dead or do not meet the conditions. */
static ExcludedRows
exclude_sealed(AttributeFilter *filter, CachedSegment *segment)
{
	uint32		rows = segment->header.rows;
	uint8	   *passing = make_set(rows);
	uint8	   *excluded = make_set(rows);
	ExcludedRows dead = cached_known_dead(segment);

	if (!filter->nothing)
	{
		add_rows(filter, &filter->root, segment, passing);
		if (filter->rows)
			keep_found(filter, segment, passing);
	}
	bits_fill(excluded, rows);
	bits_and_not(excluded, passing, rows);
	if (dead.bits)
		for (uint32 byte = 0; byte < (rows + 7) / 8; byte++)
			excluded[byte] |= dead.bits[byte];
	pfree(passing);
	return (ExcludedRows) {excluded, bits_count(excluded, rows)};
}

/* The rows of a growing segment that meet the conditions. */
typedef struct GrowingRows
{
	AttributeFilter *filter;
	uint32		room;			/* of the segment */
	bool		read;			/* attributes are read */
	ExcludedRows excluded;
	uint8	   *bits;
} GrowingRows;

static void
test_row(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	GrowingRows *rows = arg;

	if (!dead && number < rows->room &&
		(rows->filter->rows == NULL || tid_set_has(rows->filter->rows, &row->tid)) &&
		(!rows->read || condition_record_passes(rows->filter, row->attributes,
												row->attributes_size)))
	{
		bits_clear(rows->bits, number);
		rows->excluded.count--;
	}
}

static ExcludedRows
exclude_growing(AttributeFilter *filter, const SegmentEntry *entry)
{
	GrowingRows rows = {
		.filter = filter,
		.room = entry->rows,
		.read = condition_has_attribute(&filter->root),
		.excluded = {NULL, entry->rows},
		.bits = make_set(entry->rows)
	};

	bits_fill(rows.bits, rows.room);
	if (!filter->nothing)
		(void) growing_each_row(filter->index, NULL, entry,
								rows.read ? GROWING_ATTRIBUTES : 0, test_row, &rows);
	rows.excluded.bits = rows.bits;
	return rows.excluded;
}

bool
filter_is_empty(const AttributeFilter *filter)
{
	return filter->nothing;
}

bool
filter_may_test_segment(const AttributeFilter *filter, const CachedSegment *segment)
{
	return condition_may_test(&filter->root, &segment->header);
}

bool
filter_may_test(const AttributeFilter *filter, CachedIndex *cached)
{
	const Directory *directory = cache_directory(cached);

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (segment_is_live(entry) && entry->kind == SEGMENT_SEALED &&
			!filter_may_test_segment(filter, cache_acquire(cached, filter->index, entry)))
			return false;
	}
	return true;
}

AttributeFilter *
filter_without_tests(AttributeFilter *filter)
{
	condition_drop_tests(&filter->root);
	return filter->rows || filter->nothing || condition_has_attribute(&filter->root) ? filter :
		NULL;
}

ExcludedRows
filter_excluded(AttributeFilter *filter, const SegmentEntry *entry, CachedSegment *segment)
{
	if (filter != NULL)
		return segment ? exclude_sealed(filter, segment) : exclude_growing(filter, entry);
	return segment ? cached_known_dead(segment) : (ExcludedRows) {NULL, 0};
}
