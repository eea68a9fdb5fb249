/*
 * check.c - the checks of vector_index_check
 *
 * Extents are disjoint and within the file, and objects are in their stores; every block names
 * its segment.  Sealed segments are what their method says (SegmentMethod.check), for which it
 * reads all blocks, also those of an object store, and have as many tombstones as they count.  No
 * TID occurs twice, and every row of the table that should be indexed occurs, with its attributes,
 * and with its vector where the segment can tell that by codes alone (SegmentMethod.check_vector).
 */
#include "am/check.h"

#include "access/tableam.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "am/check_attributes.h"
#include "am/index.h"
#include "segment/curves.h"
#include "segment/growing.h"
#include "segment/manifest.h"
#include "segment/method.h"
#include "segment/sealed.h"

/* A live row, ordered by tag_compare. */
typedef struct CheckedRow
{
	uint64		tid;			/* as a tag */
	CheckedPlace place;			/* of its attributes, if it has any */
} CheckedRow;

typedef struct Check
{
	Relation	index;
	CachedIndex *cached;
	const Space *space;
	AttributesCheck *attributes;	/* NULL: none */
	CachedSegment **sealed;		/* segments, by number, */
	void	  **checked;		/* and what checks of them have returned */
	uint32		sealed_count;
	MemoryContext row;			/* of one row of the table */
	CheckedRow *rows;			/* that are live */
	uint64		count;
	uint64		room;
	ScanStatistics statistics;	/* of no interest */
	bool		recovery;		/* changes by VACUUM may be replayed: see vector_index_check */
} Check;

static void
add_row(Check *check, const ItemPointerData *tid, CheckedPlace place)
{
	if (check->count == check->room)
	{
		check->room = Max(check->room * 2, 1024);
		check->rows = check->rows ?
			repalloc_huge(check->rows, check->room * sizeof(CheckedRow)) :
			palloc(check->room * sizeof(CheckedRow));
	}
	check->rows[check->count++] = (CheckedRow) {tag_from_tid(tid), place};
}

static void
check_extents(Check *check, const Directory *directory)
{
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *a = &directory->entries[i];

		for (uint32 k = 0; k < i; k++)
		{
			const SegmentEntry *b = &directory->entries[k];

			if (a->uid == b->uid ||
				(a->first < b->first + b->blocks && b->first < a->first + a->blocks))
				sealed_damaged(check->index, "Segments %u and %u overlap.", a->uid, b->uid);
		}
	}
}

/* Whether a segment is to be checked: it is this one, or all are. */
static bool
is_checked(const SegmentEntry *entry, int64 segment)
{
	return segment_is_needed(entry) && (segment == CHECK_ALL || segment == entry->uid);
}

/* Names all objects that are lost, of a segment or all. */
static void
check_objects(Check *check, const Directory *directory, int64 segment)
{
	StringInfoData lost;
	int			count = 0;

	initStringInfo(&lost);
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		Extent		extent = extent_of(check->index, entry);
		SealedHeader header;
		const char *problem;

		CHECK_FOR_INTERRUPTS();
		if (!is_checked(entry, segment) || entry->where != EXTENT_STORED)
			continue;
		extent_read_header(extent, BLOCK_SEALED_HEADER, &header, sizeof(header));
		problem = stored_lost(extent, &header);
		if (problem != NULL)
			appendStringInfo(&lost, "%s%s", count++ > 0 ? "\n" : "", problem);
	}
	if (count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg_plural("index \"%s\" has lost %d object",
							   "index \"%s\" has lost %d objects", count,
							   RelationGetRelationName(check->index), count),
				 errdetail_internal("%s", lost.data),
				 errhint("REINDEX makes the index again from its table.")));
	pfree(lost.data);
}

static void
check_blocks(Check *check, const SegmentEntry *entry)
{
	for (uint32 place = 0; place < entry->blocks; place++)
	{
		Buffer		buffer = ReadBuffer(check->index, entry->first + place);
		BlockHeader header;

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		header = *BlockGetHeader(BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
		if (header.uid != entry->uid || header.place != place)
			sealed_damaged(check->index, "Block %u should be block %u of segment %u, and is block "
						   "%u of segment %u.", entry->first + place, place, entry->uid,
						   header.place, header.uid);
		/* centroids that version 2 wrote are those of version 3 */
		if (entry->kind != SEGMENT_CENTROIDS && header.version != entry->version)
			sealed_damaged(check->index, "Block %u is in version %u of the format, segment %u in "
						   "version %u.", entry->first + place, header.version, entry->uid,
						   entry->version);
	}
}

static void
check_sealed(Check *check, const SegmentEntry *entry)
{
	CachedSegment *segment = cache_acquire(check->cached, check->index, entry);
	SealedScan	scan;
	CheckedPlace place = {check->sealed_count, 0};
	uint32		dead = 0;

	check->sealed[check->sealed_count++] = segment;
	sealed_scan_begin(&scan, check->index, check->space, segment, &check->statistics);
	if (segment->header.rows != entry->rows)
		sealed_damaged(check->index, "Segment %u has %u rows, the directory says %u.", entry->uid,
					   segment->header.rows, entry->rows);
	if (check->attributes)
		check_attributes_segment(check->attributes, segment);
	for (uint32 row = 0; row < segment->header.rows; row++)
	{
		SealedRow	sealed;

		CHECK_FOR_INTERRUPTS();
		sealed_read_row(&scan, row, &sealed);
		if (cached_row_is_dead(segment, row))
			dead++;
		else
		{
			place.number = row;
			add_row(check, &sealed.tid, place);
		}
	}
	check->checked[place.segment] = segment->method->check(&scan);
	if (check->recovery ? dead < segment->dead : dead != segment->dead)
		sealed_damaged(check->index, "Segment %u has %u tombstones and counts %u.", entry->uid,
					   dead, segment->dead);
}

static void
check_growing_row(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	Check	   *check = arg;
	CheckedPlace place = {CHECKED_RECORD, 0};

	if (dead)
		return;
	if (!space_indexable(check->space, row->payload))
		sealed_damaged(check->index, "A growing segment has a vector that is not indexed.");
	if (check->attributes)
		place = check_attributes_record(check->attributes, row);
	add_row(check, &row->tid, place);
}

/* Compares a vector of the table with what a sealed segment has of it. */
static void
check_vector(Check *check, CheckedPlace place, const char *payload)
{
	CachedSegment *segment = check->sealed[place.segment];
	SealedScan	scan;
	MemoryContext old;

	if (segment->method->check_vector == NULL)
		return;
	old = MemoryContextSwitchTo(check->row);
	sealed_scan_begin(&scan, check->index, check->space, segment, &check->statistics);
	segment->method->check_vector(&scan, check->checked[place.segment], place.number, payload);
	MemoryContextSwitchTo(old);
}

static void
check_heap_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	Check	   *check = arg;
	CheckedRow	sought = {.tid = tag_from_tid(tid)};
	const CheckedRow *row;
	SegmentRow	taken = {.tid = *tid};
	MemoryContext old;
	bool		indexed;

	MemoryContextReset(check->row);
	old = MemoryContextSwitchTo(check->row);
	indexed = index_take_row(index, check->space, values, isnull, &taken);
	MemoryContextSwitchTo(old);
	if (!indexed)
		return;
	row = bsearch(&sought, check->rows, check->count, sizeof(CheckedRow), tag_compare);
	if (row == NULL)
		sealed_damaged(check->index, "Row (%u,%u) of the table is not in it.",
					   ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid));
	if (check->attributes)
		check_attributes_row(check->attributes, row->place, tid, values, isnull);
	if (row->place.segment != CHECKED_RECORD)
		check_vector(check, row->place, taken.payload);
}

/* Checks that every row that a snapshot sees is in the index. */
static void
check_heap(Check *check, Relation heap, Snapshot snapshot)
{
	IndexInfo  *info = BuildIndexInfo(check->index);
	TableScanDesc scan = table_beginscan_strat(heap, snapshot, 0, NULL, true, true);

	/* scan with an MVCC snapshot, as CREATE INDEX CONCURRENTLY does */
	info->ii_Concurrent = true;
	info->ii_Unique = false;
	info->ii_ExclusionOps = NULL;
	info->ii_ExclusionProcs = NULL;
	info->ii_ExclusionStrats = NULL;
	table_index_build_scan(heap, check->index, info, true, false, check_heap_row, check, scan);
}

uint64
check_index(Relation index, Relation heap, int64 segment)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Check		check = {.index = index, .recovery = RecoveryInProgress()};
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	Directory  *directory;
	bool		found = false;
	uint64		rows;

	check.cached = cache_index(index);
	cache_hold(check.cached);
	check.space = cache_space(check.cached);
	check.attributes = check_attributes_begin(index);
	directory = directory_read(index);
	check.sealed = palloc_array(CachedSegment *, Max(directory->count, 1));
	check.checked = palloc_array(void *, Max(directory->count, 1));
	check.row = AllocSetContextCreate(context, "vector check row", ALLOCSET_DEFAULT_SIZES);
	check_extents(&check, directory);
	check_objects(&check, directory, segment);
	(void) curves_acquire(check.cached, index);
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (!is_checked(entry, segment))
			continue;
		found = true;
		ereport(DEBUG1,
				(errmsg_internal("checking segment %u of index \"%s\", %u of %u", entry->uid,
								 RelationGetRelationName(index), i + 1, directory->count)));
		check_blocks(&check, entry);
		if (!segment_is_live(entry))
			continue;
		if (entry->kind == SEGMENT_SEALED)
			check_sealed(&check, entry);
		else
			growing_each_row(index, check.space, entry, GROWING_PAYLOADS | GROWING_ATTRIBUTES,
							 check_growing_row, &check);
	}
	if (!found && segment != CHECK_ALL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("index \"%s\" has no segment " INT64_FORMAT,
						RelationGetRelationName(index), segment)));
	qsort(check.rows, check.count, sizeof(CheckedRow), tag_compare);
	for (uint64 i = 1; i < check.count; i++)
		if (check.rows[i].tid == check.rows[i - 1].tid && !check.recovery)
			sealed_damaged(check.index, "A row of the table is there twice.");
	if (segment == CHECK_ALL)
		check_heap(&check, heap, snapshot);
	UnregisterSnapshot(snapshot);
	rows = check.count;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return rows;
}
