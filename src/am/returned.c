/*
 * returned.c - answers of index-only scans: the attributes of the rows that a scan returns
 */
#include "am/returned.h"

#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/tableam.h"
#include "access/visibilitymap.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "segment/growing.h"
#include "segment/tombstones.h"

struct ReturnedRows
{
	IndexScanDesc scan;
	const ScanBound *bound;
	MemoryContext context;
	IndexAttributes *attributes;
	Datum	   *values;			/* of the index's columns */
	bool	   *isnull;
	AttributeRoom *rooms;		/* for the values of attributes */
	HeapTuple	tuple;			/* the last one, or NULL */
	Buffer		map;			/* a page of the table's visibility map, or none */
	IndexFetchTableData *fetch; /* of rows of the table; NULL: none yet */
	TupleTableSlot *slot;
};

ReturnedRows *
returned_begin(IndexScanDesc scan, const ScanBound *bound)
{
	ReturnedRows *returned = palloc0(sizeof(ReturnedRows));
	int			columns = RelationGetDescr(scan->indexRelation)->natts;

	returned->scan = scan;
	returned->bound = bound;
	returned->context = CurrentMemoryContext;
	returned->attributes = index_attributes(scan->indexRelation);
	returned->values = palloc0(sizeof(Datum) * columns);
	returned->isnull = palloc(sizeof(bool) * columns);
	returned->rooms = palloc(sizeof(AttributeRoom) * columns);
	returned->map = InvalidBuffer;
	return returned;
}

void
returned_end(ReturnedRows *returned)
{
	if (BufferIsValid(returned->map))
		ReleaseBuffer(returned->map);
	if (returned->fetch)
	{
		table_index_fetch_end(returned->fetch);
		ExecDropSingleTupleTableSlot(returned->slot);
	}
}

/* Whether no row of a segment has died since it was opened. */
static bool
is_unchanged(const ReturnedRows *returned, const ReturnedSegment *segment)
{
	Relation	index = returned->scan->indexRelation;
	bool		same = segment_tombstone_changes(index, segment->entry) == segment->changes;
	Buffer		directory = directory_lock_if_live(index, segment->entry);

	if (!BufferIsValid(directory))
		return false;
	UnlockReleaseBuffer(directory);
	return same;
}

static bool
is_visible(ReturnedRows *returned, const ReturnedSegment *segment, ItemPointerData tid)
{
	Relation	table = returned->scan->heapRelation;
	bool		again = false;
	bool		dead = false;
	bool		visible;

	if (VM_ALL_VISIBLE(table, ItemPointerGetBlockNumber(&tid), &returned->map) &&
		is_unchanged(returned, segment))
		return true;
	if (returned->fetch == NULL)
	{
		returned->fetch = table_index_fetch_begin_compat(table);
		returned->slot = table_slot_create(table, NULL);
	}
	visible = table_index_fetch_tuple(returned->fetch, &tid, returned->scan->xs_snapshot,
									  returned->slot, &again, &dead);
	ExecClearTuple(returned->slot);
	returned->scan->kill_prior_tuple = dead && !returned->scan->xactStartedInRecovery;
	return visible;
}

static void
set_value(ReturnedRows *returned, int number, const AttributeValue *value)
{
	returned->isnull[number + 1] = value->bytes == NULL;
	if (value->bytes)
		returned->values[number + 1] = attribute_datum(&returned->attributes->columns[number],
													   value, &returned->rooms[number]);
}

/* Sets the values of a row of a growing segment, from its record. */
static void
read_growing(ReturnedRows *returned, const ReturnedSegment *segment, uint32 row)
{
	Relation	index = returned->scan->indexRelation;
	AttributeValue values[SEGMENT_MAX_ATTRIBUTES];
	Size		size;
	char	   *record = growing_read_attributes(index, segment->entry, row, &size);

	attributes_of_record(returned->attributes, index, record, size, values);
	for (int i = 0; i < returned->attributes->count; i++)
		set_value(returned, i, &values[i]);
	pfree(record);
}

/* Sets the values of a row of a sealed segment that the query reads. */
static void
read_sealed(ReturnedRows *returned, ReturnedSegment *segment, uint32 row)
{
	int			count = returned->attributes->count;

	if (segment->columns == NULL)
	{
		segment->columns = palloc(sizeof(SealedColumn) * count);
		for (int i = 0; i < count; i++)
			sealed_column_open(&segment->columns[i],
							   cached_extent(&segment->segment->part,
											 returned->scan->indexRelation),
							   &segment->segment->header, i);
	}
	for (int i = 0; i < count; i++)
	{
		AttributeRoom stored;
		AttributeValue value;

		if (returned->bound && !scan_bound_reads(returned->bound, i + 1))
			continue;
		value = sealed_column_value(&segment->columns[i], row, &stored);
		set_value(returned, i, &value);
	}
}

bool
returned_row(ReturnedRows *returned, ReturnedSegment *segment, const FoundRow *row)
{
	TupleDesc	columns = RelationGetDescr(returned->scan->indexRelation);
	MemoryContext old;

	if (!is_visible(returned, segment, row->tid))
		return false;
	old = MemoryContextSwitchTo(returned->context);
	if (returned->tuple)
		heap_freetuple(returned->tuple);
	memset(returned->isnull, true, sizeof(bool) * columns->natts);
	if (segment->segment)
		read_sealed(returned, segment, row->number);
	else
		read_growing(returned, segment, row->number);
	returned->tuple = heap_form_tuple(columns, returned->values, returned->isnull);
	returned->scan->xs_hitup = returned->tuple;
	returned->scan->xs_hitupdesc = columns;
	MemoryContextSwitchTo(old);
	return true;
}

/*
 * As B-trees decide whether equal values may be stored once: see _bt_allequalimage.  Blanks at the
 * end of a char do not count, which older minor releases do not tell.
 */
bool
attribute_is_exact(Oid type, Oid collation)
{
	Oid			element = get_base_element_type(type);
	TypeCacheEntry *entry = lookup_type_cache(OidIsValid(element) ? element : type,
											  TYPECACHE_BTREE_OPFAMILY);
	Oid			same_image = get_opfamily_proc(entry->btree_opf, entry->btree_opintype,
											   entry->btree_opintype, BTEQUALIMAGE_PROC);

	return OidIsValid(same_image) && entry->btree_opintype != BPCHAROID &&
		DatumGetBool(OidFunctionCall1Coll(same_image, collation,
										  ObjectIdGetDatum(entry->btree_opintype)));
}

bool
vectorcanreturn(Relation index, int column)
{
	return column > 1 && attribute_is_exact(TupleDescAttr(RelationGetDescr(index),
														  column - 1)->atttypid,
											index->rd_indcollation[column - 1]);
}
