/*
 * attributes.c - attributes of rows: records, and the columns of sealed segments
 *
 * A column is made by sorting its values with what identifies their rows.  A first pass over the
 * sorted values counts what the column will take, so that room can be reserved.  Once the segment
 * is written and its rows have numbers, a second pass writes the values and gives each row the
 * number of its value; everything else follows from these numbers.
 */
#include "segment/attributes.h"

#include "access/genam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "lib/qunique.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "segment/layout.h"
#include "segment/memory.h"

/* The strategy of "less than" in an operator class of an attribute, as in those of B-trees. */
#define LESS_STRATEGY		1

/* The part of a build's memory for sorting, and the least for a column, in kB. */
#define MEMORY_PART			8
#define MIN_SORT_MEMORY		64

/* Codes that are written at once. */
#define CODES_AT_ONCE		2048

/*
 * Of a part of a column, at most so many bytes are read from a copy of their block, which many
 * pieces have in common.
 */
#define MAX_PIECE			256

/* A value as bytes may need this memory: of a type that is passed by value. */
typedef char ValueRoom[sizeof(Datum)];

/* A column that is being made. */
typedef struct ColumnBuild
{
	const IndexAttribute *attribute;
	Tuplesortstate *sort;
	TupleTableSlot *in;			/* a value, and its source */
	TupleTableSlot *out;
} ColumnBuild;

struct AttributeBuild
{
	MemoryContext context;
	MemoryContext temporary;	/* for what comparing leaves */
	Relation	index;
	const IndexAttributes *attributes;
	ColumnBuild *columns;
	SegmentAttributes plan;
};

/* Adds the attribute of an array's elements. */
static void
add_elements(Relation index, IndexAttributes *attributes, int array)
{
	IndexAttribute *attribute = &attributes->columns[array];
	Oid			type = get_base_element_type(attribute->type);
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_LT_OPR | TYPECACHE_CMP_PROC_FINFO);
	int			number = attributes->sealed_count++;

	if (!OidIsValid(entry->lt_opr) || !OidIsValid(entry->cmp_proc))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("column \"%s\" cannot be an attribute of index \"%s\"", attribute->name,
						RelationGetRelationName(index)),
				 errdetail("Type %s of its elements has no default operator class for access "
						   "method btree.", format_type_be(type))));
	if (number == SEGMENT_MAX_ATTRIBUTES)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("too many attributes for index \"%s\"",
						RelationGetRelationName(index)),
				 errdetail("At most %d are allowed, and each array counts as two.",
						   SEGMENT_MAX_ATTRIBUTES)));
	attribute->elements = number;
	attributes->widths[number] = entry->typlen > 0 ? entry->typlen : ATTRIBUTE_VARYING;
	attributes->columns[number] = (IndexAttribute) {
		.name = attribute->name,
		.type = type,
		.collation = attribute->collation,
		.length = entry->typlen,
		.by_value = entry->typbyval,
		.align = entry->typalign,
		.compare = &entry->cmp_proc_finfo
	};
}

IndexAttributes *
index_attributes(Relation index)
{
	TupleDesc	desc = RelationGetDescr(index);
	IndexAttributes *attributes;

	if (desc->natts == 1)
		return NULL;
	attributes = palloc0(sizeof(IndexAttributes));
	attributes->count = attributes->sealed_count = desc->natts - 1;
	for (int i = 0; i < attributes->count; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i + 1);

		attributes->widths[i] = attribute->attlen > 0 ? attribute->attlen : ATTRIBUTE_VARYING;
		attributes->columns[i] = (IndexAttribute) {
			.name = NameStr(attribute->attname),
			.type = attribute->atttypid,
			.collation = index->rd_indcollation[i + 1],
			.length = attribute->attlen,
			.by_value = attribute->attbyval,
			.compare = index_getprocinfo(index, i + 2, ATTRIBUTE_COMPARE)
		};
		if (index->rd_opcintype[i + 1] == ANYARRAYOID)
			add_elements(index, attributes, i);
	}
	return attributes;
}

/* A datum as bytes; *detoasted is set to what must be freed, or NULL. */
static AttributeValue
bytes_of_datum(const IndexAttribute *attribute, Datum datum, ValueRoom room, void **detoasted)
{
	struct varlena *packed;

	*detoasted = NULL;
	if (attribute->by_value)
	{
		store_att_byval(room, datum, attribute->length);
		return (AttributeValue) {room, attribute->length};
	}
	if (attribute->length > 0)
		return (AttributeValue) {DatumGetPointer(datum), attribute->length};
	packed = PG_DETOAST_DATUM_PACKED(datum);
	if ((Pointer) packed != DatumGetPointer(datum))
		*detoasted = packed;
	return (AttributeValue) {VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed)};
}

Datum
attribute_datum(const IndexAttribute *attribute, const AttributeValue *value, AttributeRoom *room)
{
	if (attribute->length > 0)
	{
		memcpy(room->bytes, value->bytes, value->size);
		return fetch_att(room->bytes, attribute->by_value, attribute->length);
	}
	SET_VARSIZE(room->bytes, VARHDRSZ + value->size);
	memcpy(VARDATA(room->bytes), value->bytes, value->size);
	return PointerGetDatum(room->bytes);
}

static int
compare_elements(const void *a, const void *b, void *arg)
{
	const IndexAttribute *element = arg;

	return DatumGetInt32(FunctionCall2Coll(element->compare, element->collation,
										   *(const Datum *) a, *(const Datum *) b));
}

int
attribute_elements(const IndexAttribute *element, Datum array, Datum **values, bool *has_null)
{
	bool	   *nulls;
	int			all;
	int			count = 0;

	deconstruct_array(DatumGetArrayTypeP(array), element->type, element->length,
					  element->by_value, element->align, values, &nulls, &all);
	for (int i = 0; i < all; i++)
		if (!nulls[i])
			(*values)[count++] = (*values)[i];
	*has_null = count < all;
	qsort_arg(*values, count, sizeof(Datum), compare_elements,
			  unconstify(IndexAttribute *, element));
	return (int) qunique_arg(*values, count, sizeof(Datum), compare_elements,
							 unconstify(IndexAttribute *, element));
}

static void
check_size(const IndexAttribute *attribute, Relation index, Size size, Size most, const char *hint)
{
	if (size > most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value of column \"%s\" is too long for index \"%s\"", attribute->name,
						RelationGetRelationName(index)),
				 errdetail("It has %zu bytes, and at most %zu are allowed.", size, most),
				 errhint("%s", hint)));
}

/* Raises an error if a value is too long, or an element of it. */
static void
check_value(const IndexAttributes *attributes, int number, Relation index, Datum value, Size size)
{
	const char *hash = "Index an expression, such as a hash of the value.";
	const IndexAttribute *attribute = &attributes->columns[number];
	Datum	   *elements;
	bool		has_null;
	int			count;

	if (attribute->elements == 0)
		check_size(attribute, index, size, ATTRIBUTE_MAX_ELEMENT, hash);
	if (size <= ATTRIBUTE_MAX_ELEMENT)
		return;
	check_size(attribute, index, size, ATTRIBUTE_MAX_SIZE,
			   "Store shorter elements, such as numbers, or rows of another table.");
	if (attributes->widths[attribute->elements] != ATTRIBUTE_VARYING)
		return;
	attribute = &attributes->columns[attribute->elements];
	count = attribute_elements(attribute, value, &elements, &has_null);
	for (int i = 0; i < count; i++)
		check_size(attribute, index, VARSIZE_ANY_EXHDR(DatumGetPointer(elements[i])),
				   ATTRIBUTE_MAX_ELEMENT, hash);
	pfree(elements);
}

char *
attributes_record(const IndexAttributes *attributes, Relation index, const Datum *values,
				  const bool *isnull, Size *size)
{
	AttributeValue bytes[SEGMENT_MAX_ATTRIBUTES] = {0};
	ValueRoom	rooms[SEGMENT_MAX_ATTRIBUTES];
	void	   *detoasted[SEGMENT_MAX_ATTRIBUTES] = {0};
	char	   *record;

	for (int i = 0; i < attributes->count; i++)
	{
		bytes[i] = (AttributeValue) {NULL, 0};
		if (isnull[i + 1])
			continue;
		bytes[i] = bytes_of_datum(&attributes->columns[i], values[i + 1], rooms[i],
								  &detoasted[i]);
		check_value(attributes, i, index, values[i + 1], bytes[i].size);
	}
	*size = attribute_record_size(bytes, attributes->widths, attributes->count);
	if (*size > ATTRIBUTE_MAX_RECORD)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("attributes of a row are too long for index \"%s\"",
						RelationGetRelationName(index)),
				 errdetail("They have %zu bytes, and at most %d are allowed.", *size,
						   ATTRIBUTE_MAX_RECORD)));
	record = palloc(*size);
	attribute_record_write(bytes, attributes->widths, attributes->count, record);
	for (int i = 0; i < attributes->count; i++)
		if (detoasted[i])
			pfree(detoasted[i]);
	return record;
}

void
attributes_of_record(const IndexAttributes *attributes, Relation index, const char *record,
					 Size size, AttributeValue *values)
{
	if (!attribute_record_read(record, size, attributes->widths, attributes->count, values))
		sealed_damaged(index, "The attributes of a row are damaged.");
}

void
attributes_place(const SegmentAttributes *attributes, SealedHeader *header)
{
	if (attributes == NULL)
		return;
	header->attribute_count = attributes->count;
	memcpy(header->attributes, attributes->columns,
		   sizeof(SealedAttribute) * attributes->count);
	sealed_shift_places(header, 1, (int) attributes->blocks);
}

/* The operator by which the values of a column are sorted. */
static Oid
less_operator(const AttributeBuild *build, int number)
{
	Relation	index = build->index;
	Oid			family;
	Oid			type;
	Oid			less;

	if (number >= build->attributes->count)
		return lookup_type_cache(build->attributes->columns[number].type,
								 TYPECACHE_LT_OPR)->lt_opr;
	family = index->rd_opfamily[number + 1];
	type = index->rd_opcintype[number + 1];
	less = get_opfamily_member(family, type, type, LESS_STRATEGY);
	if (!OidIsValid(less))
		elog(ERROR, "operator family %u has no operator %d for type %u", family, LESS_STRATEGY,
			 type);
	return less;
}

/* Begins to sort the values of a column; NULLs come last. */
static void
begin_column(AttributeBuild *build, int number, int memory)
{
	ColumnBuild *column = &build->columns[number];
	TupleDesc	desc = CreateTemplateTupleDesc(2);
	AttrNumber	key = 1;
	Oid			less = less_operator(build, number);
	bool		nulls_first = false;

	column->attribute = &build->attributes->columns[number];
	TupleDescInitEntry(desc, 1, "value", column->attribute->type, -1, 0);
	TupleDescInitEntry(desc, 2, "source", INT8OID, -1, 0);
#if PG_VERSION_NUM >= 190000
	TupleDescFinalize(desc);
#endif
	column->sort = tuplesort_begin_heap(desc, 1, &key, &less,
										unconstify(Oid *, &column->attribute->collation),
										&nulls_first, memory, NULL, TUPLESORT_RANDOMACCESS);
	column->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	column->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
}

AttributeBuild *
attributes_begin(Relation index, const IndexAttributes *attributes)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector attributes",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	AttributeBuild *build = palloc0(sizeof(AttributeBuild));
	Size		memory = build_memory() / 1024 / MEMORY_PART / attributes->sealed_count;

	build->context = context;
	build->temporary = AllocSetContextCreate(context, "vector attributes comparison",
											 ALLOCSET_DEFAULT_SIZES);
	build->index = index;
	build->attributes = attributes;
	build->columns = palloc0(sizeof(ColumnBuild) * attributes->sealed_count);
	for (int i = 0; i < attributes->sealed_count; i++)
		begin_column(build, i, (int) Min(Max(memory, MIN_SORT_MEMORY), INT_MAX));
	MemoryContextSwitchTo(old);
	return build;
}

static void
add_value(AttributeBuild *build, int column, Datum value, bool isnull, uint64 source)
{
	TupleTableSlot *in = build->columns[column].in;

	ExecClearTuple(in);
	in->tts_values[0] = value;
	in->tts_isnull[0] = isnull;
	in->tts_values[1] = Int64GetDatum((int64) source);
	in->tts_isnull[1] = false;
	ExecStoreVirtualTuple(in);
	tuplesort_puttupleslot(build->columns[column].sort, in);
}

void
attributes_add(AttributeBuild *build, int column, Datum value, bool isnull, uint64 source)
{
	int			elements = build->attributes->columns[column].elements;
	MemoryContext old;
	Datum	   *values;
	bool		has_null;
	int			count;

	add_value(build, column, value, isnull, source);
	if (elements == 0 || isnull)
		return;
	old = MemoryContextSwitchTo(build->temporary);
	count = attribute_elements(&build->attributes->columns[elements], value, &values, &has_null);
	for (int i = 0; i < count; i++)
		add_value(build, elements, values[i], false, source);
	if (has_null)
		add_value(build, elements, (Datum) 0, true, source);
	MemoryContextSwitchTo(old);
	MemoryContextReset(build->temporary);
}

void
attributes_add_record(AttributeBuild *build, const char *record, Size size, uint64 source)
{
	AttributeValue values[SEGMENT_MAX_ATTRIBUTES];
	AttributeRoom room;

	attributes_of_record(build->attributes, build->index, record, size, values);
	for (int i = 0; i < build->attributes->count; i++)
	{
		bool		isnull = values[i].bytes == NULL;

		attributes_add(build, i, isnull ? (Datum) 0 :
					   attribute_datum(&build->attributes->columns[i], &values[i], &room), isnull,
					   source);
	}
}

/*
 * Called with the sorted values of a column: with the number of a row's value among the distinct
 * ones; and with that value, where it is met first, else with bytes NULL.  A NULL's number is the
 * number of distinct values.
 */
typedef void (*SortedCallback) (void *arg, uint32 number, const AttributeValue *value,
								uint64 source);

/* Returns the number of distinct values. */
static uint32
each_sorted(AttributeBuild *build, ColumnBuild *column, SortedCallback callback, void *arg)
{
	const IndexAttribute *attribute = column->attribute;
	MemoryContext old = MemoryContextSwitchTo(build->temporary);
	AttributeRoom last;
	Datum		last_datum = 0;
	uint32		values = 0;

	while (tuplesort_gettupleslot(column->sort, true, false, column->out, NULL))
	{
		AttributeValue value = {NULL, 0};
		ValueRoom	room;
		void	   *detoasted;
		bool		isnull;
		uint64		source = (uint64) DatumGetInt64(slot_getattr(column->out, 2, &isnull));
		Datum		datum = slot_getattr(column->out, 1, &isnull);

		CHECK_FOR_OTHERS();
		if (!isnull &&
			(values == 0 ||
			 DatumGetInt32(FunctionCall2Coll(attribute->compare, attribute->collation,
											 last_datum, datum)) != 0))
		{
			value = bytes_of_datum(attribute, datum, room, &detoasted);
			last_datum = attribute_datum(attribute, &value, &last);
			values++;
		}
		callback(arg, isnull ? values : values - 1, &value, source);
		MemoryContextReset(build->temporary);
	}
	MemoryContextSwitchTo(old);
	return values;
}

/* What the first pass counts. */
typedef struct ColumnCounts
{
	uint64		entries;
	uint64		bytes;
	uint64		last;			/* entries of the number met last */
	uint32		number;
} ColumnCounts;

static void
count_value(void *arg, uint32 number, const AttributeValue *value, uint64 source)
{
	ColumnCounts *counts = arg;

	counts->last = number == counts->number ? counts->last + 1 : 1;
	counts->number = number;
	counts->entries++;
	counts->bytes += value->bytes ? value->size : 0;
}

/* The sizes of the parts of a column. */
static void
part_sizes(const SealedAttribute *attribute, uint64 entries, uint64 bytes, uint64 *sizes)
{
	sizes[ATTRIBUTE_VALUES] = bytes;
	sizes[ATTRIBUTE_BOUNDS] = attribute->width == ATTRIBUTE_VARYING ?
		((uint64) attribute->values + 1) * sizeof(uint64) : 0;
	sizes[ATTRIBUTE_LISTS] = ((uint64) attribute->values + 2) * sizeof(uint32);
	sizes[ATTRIBUTE_ROWS] = entries * sizeof(uint32);
	sizes[ATTRIBUTE_CODES] = attribute->entries > 0 ? 0 : entries * attribute->code_size;
}

/* The number of entries of a column of elements. */
static uint32
count_elements(const AttributeBuild *build, const ColumnCounts *counts)
{
	if (counts->entries > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many elements of arrays for index \"%s\"",
						RelationGetRelationName(build->index)),
				 errhint("Partition the table.")));
	return (uint32) counts->entries;
}

const SegmentAttributes *
attributes_plan(AttributeBuild *build)
{
	SegmentAttributes *plan = &build->plan;
	uint64		place = 0;

	plan->count = build->attributes->sealed_count;
	for (int i = 0; i < build->attributes->sealed_count; i++)
	{
		ColumnBuild *column = &build->columns[i];
		SealedAttribute *attribute = &plan->columns[i];
		ColumnCounts counts = {0};
		uint64		sizes[ATTRIBUTE_PARTS];

		tuplesort_performsort(column->sort);
		attribute->width = build->attributes->widths[i];
		attribute->values = each_sorted(build, column, count_value, &counts);
		attribute->code_size = attribute_code_size(attribute->values);
		attribute->nulls = counts.number == attribute->values ? (uint32) counts.last : 0;
		if (i >= build->attributes->count)
			attribute->entries = count_elements(build, &counts);
		part_sizes(attribute, counts.entries, counts.bytes, sizes);
		for (int part = 0; part < ATTRIBUTE_PARTS; part++)
		{
			attribute->part[part] = (BlockNumber) (1 + place / PAYLOAD_SIZE);
			attribute->start[part] = place % PAYLOAD_SIZE;
			place += sizes[part];
		}
	}
	if (place / PAYLOAD_SIZE >= MaxBlockNumber)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("index is too large"),
				 errhint("Partition the table.")));
	plan->blocks = extent_blocks_for(place, 1, false);
	return plan;
}

/* The second pass, which knows the rows' numbers. */
typedef struct ColumnWriter
{
	ExtentWriter *writer;
	uint32		(*number) (void *arg, uint64 source);
	void	   *arg;
	uint64	   *bounds;			/* NULL if values are of one size */
	uint64		bytes;
	bool		elements;
	uint32	   *codes;			/* by row; of elements, by entry in the order of values */
	uint32	   *by_value;		/* of elements, rows in this order */
	uint32		entries;
} ColumnWriter;

static void
write_value(void *arg, uint32 number, const AttributeValue *value, uint64 source)
{
	ColumnWriter *column = arg;
	uint32		row = column->number(column->arg, source);

	if (column->elements)
		column->by_value[column->entries] = row;
	column->codes[column->elements ? column->entries++ : row] = number;
	if (value->bytes == NULL)
		return;
	extent_writer_put(column->writer, value->bytes, value->size);
	column->bytes += value->size;
	if (column->bounds)
		column->bounds[number + 1] = column->bytes;
}

static void
write_codes(ExtentWriter *writer, const uint32 *codes, uint32 rows, uint32 code_size)
{
	uint8		packed[CODES_AT_ONCE * sizeof(uint32)];

	for (uint32 first = 0; first < rows; first += CODES_AT_ONCE)
	{
		uint32		n = Min(CODES_AT_ONCE, rows - first);

		CHECK_FOR_OTHERS();
		attribute_pack_codes(codes + first, n, code_size, packed);
		extent_writer_put(writer, packed, n * code_size);
	}
}

static void
write_column(AttributeBuild *build, int number, ColumnWriter *state, uint32 rows)
{
	ColumnBuild *column = &build->columns[number];
	const SealedAttribute *attribute = &build->plan.columns[number];
	uint32		values = attribute->values;
	uint32		entries = number < build->attributes->count ? rows : attribute->entries;
	uint32	   *lists = MemoryContextAllocHuge(build->context,
											   ((Size) values + 2) * sizeof(uint32));

	state->bytes = 0;
	state->bounds = NULL;
	state->elements = number >= build->attributes->count;
	state->entries = 0;
	state->codes = MemoryContextAllocHuge(build->context, Max(entries, 1) * sizeof(uint32));
	state->by_value = MemoryContextAllocHuge(build->context, Max(entries, 1) * sizeof(uint32));
	if (attribute->width == ATTRIBUTE_VARYING)
	{
		state->bounds = MemoryContextAllocHuge(build->context,
											   ((Size) values + 1) * sizeof(uint64));
		state->bounds[0] = 0;
	}
	tuplesort_rescan(column->sort);
	(void) each_sorted(build, column, write_value, state);
	attribute_make_lists(state->codes, entries, values, lists);
	if (state->elements)
		attribute_sort_lists(lists, values, state->by_value);
	else
		attribute_make_rows(state->codes, rows, values, lists, state->by_value);
	if (state->bounds)
	{
		extent_writer_put(state->writer, state->bounds, ((Size) values + 1) * sizeof(uint64));
		pfree(state->bounds);
	}
	extent_writer_put(state->writer, lists, ((Size) values + 2) * sizeof(uint32));
	extent_writer_put(state->writer, state->by_value, entries * sizeof(uint32));
	if (!state->elements)
		write_codes(state->writer, state->codes, rows, attribute->code_size);
	pfree(state->codes);
	pfree(state->by_value);
	pfree(lists);
}

void
attributes_free(AttributeBuild *build)
{
	for (int i = 0; i < build->attributes->sealed_count; i++)
	{
		tuplesort_end(build->columns[i].sort);
		ExecDropSingleTupleTableSlot(build->columns[i].in);
		ExecDropSingleTupleTableSlot(build->columns[i].out);
	}
	MemoryContextDelete(build->context);
}

void
attributes_write(AttributeBuild *build, const SegmentEntry *output,
				 uint32 (*number) (void *arg, uint64 source), void *arg)
{
	ExtentWriter writer;
	ColumnWriter column = {.writer = &writer, .number = number, .arg = arg};

	extent_writer_begin(&writer, extent_of(build->index, output));
	extent_writer_seek(&writer, 1, BLOCK_ATTRIBUTES);
	for (int i = 0; i < build->attributes->sealed_count; i++)
		write_column(build, i, &column, output->rows);
	extent_writer_end(&writer);
	attributes_free(build);
}

static bool
read_part(void *arg, AttributePart part, uint64_t offset, void *out, size_t size)
{
	SealedColumn *column = arg;
	const SealedAttribute *attribute = column->attribute;
	ExtentReader *reader = column->readers[part];
	uint64		end = (uint64) column->extent.blocks * PAYLOAD_SIZE;
	uint64		start = (uint64) attribute->part[part] * PAYLOAD_SIZE + attribute->start[part];

	if (start > end || offset > end - start || size > end - start - offset)
		return false;
	if (size > MAX_PIECE || (start + offset) % PAYLOAD_SIZE + size > PAYLOAD_SIZE)
		extent_read(column->extent, 0, start + offset, out, size);
	else if (size > 0)
	{
		if (reader == NULL)
		{
			reader = MemoryContextAlloc(column->context, sizeof(ExtentReader));
			column->readers[part] = reader;
			extent_reader_begin(reader, column->extent, 0);
		}
		memcpy(out, extent_reader_get(reader, start + offset, size), size);
	}
	return true;
}

void
sealed_column_open(SealedColumn *column, Extent extent, const SealedHeader *header, int number)
{
	const SealedAttribute *attribute = &header->attributes[number];

	if (number >= (int) header->attribute_count)
		sealed_damaged(extent.index, "Segment %u has no attribute %d.", extent.uid, number + 1);
	*column = (SealedColumn) {
		.column = {
			.rows = header->rows,
			.entries = attribute->entries > 0 ? attribute->entries : header->rows,
			.values = attribute->values,
			.width = attribute->width,
			.code_size = attribute->code_size,
			.read = read_part,
			.arg = column
		},
		.extent = extent,
		.attribute = attribute,
		.context = CurrentMemoryContext
	};
	if (attribute->code_size != attribute_code_size(attribute->values))
		sealed_column_damaged(column);
}

void
sealed_column_close(SealedColumn *column)
{
	for (int part = 0; part < ATTRIBUTE_PARTS; part++)
		if (column->readers[part])
			pfree(column->readers[part]);
}

AttributeValue
sealed_column_number(SealedColumn *column, uint32 number, AttributeRoom *room)
{
	AttributeValue value = {room->bytes, 0};

	if (number == column->column.values)
		value.bytes = NULL;
	else if (!attribute_value(&column->column, number, room->bytes, &value.size))
		sealed_column_damaged(column);
	return value;
}

AttributeValue
sealed_column_value(SealedColumn *column, uint32 row, AttributeRoom *room)
{
	uint32		code;

	if (!attribute_code(&column->column, row, &code))
		sealed_column_damaged(column);
	return sealed_column_number(column, code, room);
}

void
sealed_column_damaged(const SealedColumn *column)
{
	sealed_damaged(column->extent.index, "The attributes of segment %u are damaged.",
				   column->extent.uid);
}

/* Calls a callback for the rows of one number. */
static void
each_row_of(SealedColumn *column, uint32 number, Datum value, SealedColumnCallback callback,
			void *arg)
{
	uint32		rows[CODES_AT_ONCE];
	uint32		place;
	uint32		end;

	if (!attribute_list(&column->column, number, &place) ||
		!attribute_list(&column->column, number + 1, &end) || place > end)
		sealed_column_damaged(column);
	while (place < end)
	{
		uint32		n = Min(end - place, CODES_AT_ONCE);

		CHECK_FOR_OTHERS();
		if (!read_part(column, ATTRIBUTE_ROWS, (uint64) place * sizeof(uint32), rows,
					   n * sizeof(uint32)))
			sealed_column_damaged(column);
		for (uint32 i = 0; i < n; i++)
		{
			if (rows[i] >= column->column.rows)
				sealed_column_damaged(column);
			callback(arg, rows[i], value, number == column->column.values);
		}
		place += n;
	}
}

void
sealed_column_each(SealedColumn *column, const IndexAttribute *attribute,
				   SealedColumnCallback callback, void *arg)
{
	AttributeRoom stored;
	AttributeRoom room;
	AttributeValue value = {stored.bytes, 0};

	for (uint32 i = 0; i < column->column.values; i++)
	{
		if (!attribute_value(&column->column, i, stored.bytes, &value.size))
			sealed_column_damaged(column);
		each_row_of(column, i, attribute_datum(attribute, &value, &room), callback, arg);
	}
	each_row_of(column, column->column.values, (Datum) 0, callback, arg);
}
