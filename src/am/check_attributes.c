/*
 * check_attributes.c - the checks of attributes
 */
#include "am/check_attributes.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "segment/sealed.h"

/* The record of a growing segment's row. */
typedef struct KeptRecord
{
	char	   *bytes;
	Size		size;
} KeptRecord;

struct AttributesCheck
{
	Relation	index;
	IndexAttributes *attributes;
	const CachedSegment **segments;
	uint32		segment_count;
	KeptRecord *records;
	uint32		record_count;
	uint32		record_room;
};

AttributesCheck *
check_attributes_begin(Relation index)
{
	IndexAttributes *attributes = index_attributes(index);
	AttributesCheck *check;

	if (attributes == NULL)
		return NULL;
	check = palloc0(sizeof(AttributesCheck));
	check->index = index;
	check->attributes = attributes;
	check->segments = palloc(sizeof(CachedSegment *) * DIRECTORY_MAX_ENTRIES);
	return check;
}

static int32
compare_values(const IndexAttribute *attribute, Datum a, Datum b)
{
	return DatumGetInt32(FunctionCall2Coll(attribute->compare, attribute->collation, a, b));
}

/* Checks that the values of a column ascend. */
static void
check_values(const IndexAttribute *attribute, SealedColumn *column)
{
	AttributeRoom stored;
	AttributeRoom rooms[2];
	Datum		before = 0;
	AttributeValue value = {stored.bytes, 0};

	for (uint32 i = 0; i < column->column.values; i++)
	{
		Datum		datum;

		CHECK_FOR_INTERRUPTS();
		if (!attribute_value(&column->column, i, stored.bytes, &value.size))
			sealed_column_damaged(column);
		datum = attribute_datum(attribute, &value, &rooms[i % 2]);
		if (i > 0 && compare_values(attribute, before, datum) >= 0)
			sealed_damaged(column->extent.index, "Value %u of attribute \"%s\" of segment %u is "
						   "not in order.", i, attribute->name, column->extent.uid);
		before = datum;
	}
}

/*
 * Checks that the list of each number has the rows with this code, in ascending order.  A column of
 * elements has no codes.
 */
static void
check_lists(const IndexAttribute *attribute, SealedColumn *column)
{
	const AttributeColumn *parts = &column->column;
	bool		coded = column->attribute->entries == 0;
	uint32		end = 0;
	uint32		rows = 0;

	for (uint64 number = 0; number <= parts->values; number++)
	{
		uint32		place;
		uint32		before = 0;

		if (!attribute_list(parts, (uint32) number, &place) || place != end ||
			!attribute_list(parts, (uint32) number + 1, &end) || place > end)
			sealed_damaged(column->extent.index, "List " UINT64_FORMAT " of attribute \"%s\" of "
						   "segment %u is not where it should be.", number, attribute->name,
						   column->extent.uid);
		for (; place < end; place++, rows++)
		{
			uint32		row;
			uint32		code = (uint32) number;

			CHECK_FOR_INTERRUPTS();
			if (!parts->read(parts->arg, ATTRIBUTE_ROWS, (uint64) place * sizeof(uint32), &row,
							 sizeof(row)) ||
				(coded && !attribute_code(parts, row, &code)) || code != number ||
				row >= parts->rows || row < before)
				sealed_damaged(column->extent.index, "List " UINT64_FORMAT " of attribute \"%s\" "
							   "of segment %u has a wrong row.", number, attribute->name,
							   column->extent.uid);
			before = row + 1;
		}
	}
	if (rows != parts->entries)
		sealed_damaged(column->extent.index, "The lists of attribute \"%s\" of segment %u have %u "
					   "rows, of %u.", attribute->name, column->extent.uid, rows, parts->entries);
}

/* An element that is searched for in a column. */
typedef struct SoughtElement
{
	const IndexAttribute *element;
	Datum		value;
} SoughtElement;

static int
compare_sought(void *arg, const AttributeValue *value)
{
	const SoughtElement *sought = arg;
	AttributeRoom room;

	return compare_values(sought->element, sought->value,
						  attribute_datum(sought->element, value, &room));
}

/* Checks that the list of an element's number has the rows of an array. */
static void
check_array_rows(const IndexAttribute *attribute, SealedColumn *arrays, uint32 array,
				 SealedColumn *elements, uint32 number)
{
	const AttributeColumn *parts = &arrays->column;
	uint32		place;
	uint32		end;

	if (!attribute_list(parts, array, &place) || !attribute_list(parts, array + 1, &end))
		sealed_column_damaged(arrays);
	for (; place < end; place++)
	{
		uint32		row;
		bool		has;

		CHECK_FOR_INTERRUPTS();
		if (!parts->read(parts->arg, ATTRIBUTE_ROWS, (uint64) place * sizeof(uint32), &row,
						 sizeof(row)) ||
			!attribute_has_row(&elements->column, number, row, &has) || !has)
			sealed_damaged(arrays->extent.index, "List %u of the elements of attribute \"%s\" of "
						   "segment %u lacks row %u.", number, attribute->name,
						   arrays->extent.uid, row);
	}
}

/* Checks that the rows of each element are those whose arrays have it: no fewer and no more. */
static void
check_elements(const IndexAttributes *attributes, int number, SealedColumn *arrays,
			   SealedColumn *elements)
{
	const IndexAttribute *attribute = &attributes->columns[number];
	SoughtElement sought = {&attributes->columns[attribute->elements], 0};
	MemoryContext temporary = AllocSetContextCreate(CurrentMemoryContext, "vector elements",
													ALLOCSET_SMALL_SIZES);
	AttributeRoom stored;
	AttributeRoom room;
	AttributeValue value = {stored.bytes, 0};
	uint64		entries = 0;

	for (uint32 i = 0; i < arrays->column.values; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(temporary);
		Datum	   *values;
		bool		has_null;
		int			count;
		uint32		first;
		uint32		end;

		if (!attribute_value(&arrays->column, i, stored.bytes, &value.size) ||
			!attribute_list(&arrays->column, i, &first) ||
			!attribute_list(&arrays->column, i + 1, &end))
			sealed_column_damaged(arrays);
		count = attribute_elements(sought.element, attribute_datum(attribute, &value, &room),
								   &values, &has_null);
		for (int k = 0; k < count + has_null; k++)
		{
			uint32		list = elements->column.values;

			if (k < count)
			{
				sought.value = values[k];
				if (!attribute_search(&elements->column, false, compare_sought, &sought, &list))
					sealed_column_damaged(elements);
			}
			check_array_rows(attribute, arrays, i, elements, list);
		}
		entries += (uint64) (count + has_null) * (end - first);
		MemoryContextSwitchTo(old);
		MemoryContextReset(temporary);
	}
	if (entries != elements->attribute->entries)
		sealed_damaged(arrays->extent.index, "The elements of attribute \"%s\" of segment %u are "
					   "in " UINT64_FORMAT " rows, not in %u.", attribute->name, arrays->extent.uid,
					   entries, elements->attribute->entries);
	MemoryContextDelete(temporary);
}

static void
open_column(const AttributesCheck *check, const CachedSegment *segment, int number,
			SealedColumn *column)
{
	sealed_column_open(column, cached_extent(&segment->part, check->index), &segment->header,
					   number);
}

void
check_attributes_segment(AttributesCheck *check, const CachedSegment *segment)
{
	for (int i = 0; i < check->attributes->sealed_count; i++)
	{
		const IndexAttribute *attribute = &check->attributes->columns[i];
		SealedColumn column;
		SealedColumn elements;

		open_column(check, segment, i, &column);
		check_values(attribute, &column);
		if (i < check->attributes->count || column.attribute->entries > 0)
			check_lists(attribute, &column);
		if (attribute->elements > 0)
		{
			open_column(check, segment, attribute->elements, &elements);
			check_elements(check->attributes, i, &column, &elements);
			sealed_column_close(&elements);
		}
		sealed_column_close(&column);
	}
	check->segments[check->segment_count++] = segment;
}

CheckedPlace
check_attributes_record(AttributesCheck *check, const SegmentRow *row)
{
	KeptRecord *kept;

	if (check->record_count == check->record_room)
	{
		check->record_room = Max(check->record_room * 2, 1024);
		check->records = check->records ?
			repalloc_huge(check->records, check->record_room * sizeof(KeptRecord)) :
			palloc(check->record_room * sizeof(KeptRecord));
	}
	kept = &check->records[check->record_count];
	*kept = (KeptRecord) {palloc(row->attributes_size), row->attributes_size};
	memcpy(kept->bytes, row->attributes, row->attributes_size);
	return (CheckedPlace) {CHECKED_RECORD, check->record_count++};
}

/* A row's value of an attribute in a sealed segment, read into `stored`. */
static AttributeValue
sealed_value(const AttributesCheck *check, CheckedPlace place, int number, AttributeRoom *stored)
{
	SealedColumn column;
	AttributeValue value;

	open_column(check, check->segments[place.segment], number, &column);
	value = sealed_column_value(&column, place.number, stored);
	sealed_column_close(&column);
	return value;
}

void
check_attributes_row(AttributesCheck *check, CheckedPlace place, ItemPointer tid,
					 const Datum *values, const bool *isnull)
{
	AttributeValue record[SEGMENT_MAX_ATTRIBUTES];
	AttributeRoom stored;
	AttributeRoom room;

	if (place.segment == CHECKED_RECORD)
		attributes_of_record(check->attributes, check->index,
							 check->records[place.number].bytes,
							 check->records[place.number].size, record);
	for (int i = 0; i < check->attributes->count; i++)
	{
		const IndexAttribute *attribute = &check->attributes->columns[i];
		AttributeValue value = place.segment == CHECKED_RECORD ? record[i] :
			sealed_value(check, place, i, &stored);

		if (isnull[i + 1] ? value.bytes != NULL :
			value.bytes == NULL ||
			compare_values(attribute, attribute_datum(attribute, &value, &room),
						   values[i + 1]) != 0)
			sealed_damaged(check->index, "Attribute \"%s\" of row (%u,%u) of the table is not what "
						   "the table has.", attribute->name, ItemPointerGetBlockNumber(tid),
						   ItemPointerGetOffsetNumber(tid));
	}
}
