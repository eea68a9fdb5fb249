/*
 * fetch.c - comparing rows of the table, and reading their blocks ahead
 */
#include "am/fetch.h"

#include "access/heapam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "utils/memutils.h"

#include "segment/recent.h"

struct TableFetch
{
	IndexScanDesc desc;
	struct IndexFetchTableData *data;
	TupleTableSlot *slot;
	IndexInfo  *info;
	EState	   *estate;
	MemoryContext row;			/* of one row */
};

TableFetch *
fetch_begin(IndexScanDesc desc)
{
	TableFetch *fetch = palloc(sizeof(TableFetch));

	fetch->desc = desc;
	fetch->data = table_index_fetch_begin_compat(desc->heapRelation);
	fetch->slot = table_slot_create(desc->heapRelation, NULL);
	fetch->info = BuildIndexInfo(desc->indexRelation);
	fetch->estate = CreateExecutorState();
	fetch->row = AllocSetContextCreate(CurrentMemoryContext, "vector fetch row",
									   ALLOCSET_DEFAULT_SIZES);
	return fetch;
}

void
fetch_end(TableFetch *fetch)
{
	table_index_fetch_end(fetch->data);
	ExecDropSingleTupleTableSlot(fetch->slot);
	FreeExecutorState(fetch->estate);
}

void
fetch_expect(Relation table, const ItemPointerData *tids, int count)
{
	BlockNumber *blocks;

	/* only of heaps it is known that TIDs have the numbers of blocks */
	if (table->rd_tableam != GetHeapamTableAmRoutine())
		return;
	blocks = palloc(sizeof(BlockNumber) * count);
	for (int i = 0; i < count; i++)
		blocks[i] = ItemPointerGetBlockNumber(&tids[i]);
	recent_fetch(table, blocks, count, false);
	pfree(blocks);
}

bool
fetch_compare(TableFetch *fetch, SegmentSearch *search, const FoundRow *row, bool *dead,
			  GraphFound *found)
{
	ItemPointerData tid = row->tid;
	MemoryContext old;
	bool		again = false;
	Datum		value[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];
	float		scale;

	if (!table_index_fetch_tuple(fetch->data, &tid, fetch->desc->xs_snapshot, fetch->slot, &again,
								 dead))
		return false;
	old = MemoryContextSwitchTo(fetch->row);
	GetPerTupleExprContext(fetch->estate)->ecxt_scantuple = fetch->slot;
	FormIndexDatum(fetch->info, fetch->slot, fetch->estate, value, isnull);
	if (!isnull[0])
	{
		const Space *space = search->space;
		Size		size;
		const char *payload = space_payload(space, value[0], &size);

		found->distance = space_query_distance(space, search->query, payload, &scale);
		found_set_bound(found, space, search->query, 0, scale);
		search->statistics->distances++;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(fetch->row);
	ResetPerTupleExprContext(fetch->estate);
	ExecClearTuple(fetch->slot);
	/* nothing stays pinned between rows, for there may be many scans and few buffers */
	table_index_fetch_reset(fetch->data);
	return !isnull[0];
}
