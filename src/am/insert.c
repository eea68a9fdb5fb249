/*
 * insert.c - INSERT appends to the growing segment
 */
#include "am/index.h"

#include "executor/instrument.h"
#include "utils/memutils.h"

#include "counters/counters.h"
#include "segment/attributes.h"
#include "segment/growing.h"
#include "segment/legacy.h"
#include "segment/seal.h"
#include "worker/worker.h"

/*
 * Growing segments may have this many times seal_rows rows before an inserting backend seals them
 * itself: if a background worker is expected to, and if none is.
 */
#define CAP_WITH_WORKER		4
#define CAP_WITHOUT_WORKER	2

/*
 * Called when a growing segment was added, so that they have `rows` rows.  Requests a worker to
 * seal them.  If they are too many, seals some segments that no other process has claimed, and
 * merges if there are too many sealed ones; if all are claimed, waits for the process that has a
 * claim.
 */
static void
relieve(Relation index, Relation heap, uint64 rows, uint32 seal_rows)
{
	bool		asked;

	if (rows < seal_rows)
		return;
	asked = worker_request(index);
	/* the next growing segment counts towards the cap */
	if (rows < (uint64) seal_rows * (asked ? CAP_WITH_WORKER - 1 : CAP_WITHOUT_WORKER))
		return;
	if (seal_growing(index, heap, SEAL_IF_FREE, seal_rows, seal_rows) > 0)
		seal_relieve(index, heap);
	else if (rows >= (uint64) seal_rows * (CAP_WITH_WORKER - 1))
		seal_await(index);
}

bool
vectorinsert(Relation index, Datum *values, bool *isnull, ItemPointer heap_tid, Relation heap,
			 IndexUniqueCheck checkUnique, bool indexUnchanged, IndexInfo *indexInfo)
{
	MemoryContext context;
	MemoryContext old;
	CachedIndex *cached;
	SegmentRow	row = {.tid = *heap_tid};

	if (isnull[0] || legacy_pass_by(index))
		return false;
	context = AllocSetContextCreate(CurrentMemoryContext, "vector insert", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	cached = cache_index(index);
	if (index_take_row(index, cache_space(cached), values, isnull, &row))
	{
		const IndexAttributes *attributes = index_attributes(index);
		uint32		seal_rows = index_seal_rows(index);
		uint64		logged = pgWalUsage.wal_bytes;
		IndexCounters *counters;
		uint64		rows;
		bool		added;

		if (attributes)
			row.attributes = attributes_record(attributes, index, values, isnull,
											   &row.attributes_size);
		rows = growing_append(index, heap, cached, &row, seal_rows, &added);
		counters = counters_of(RelationGetRelid(index));
		counters->inserted++;
		counters->wal_bytes += pgWalUsage.wal_bytes - logged;
		/* a worker that is idle seals as few rows, once no others have come for a while */
		if (rows % (seal_rows / SEAL_FRACTION) == 0)
			(void) worker_request_idle(index);
		if (added)
			relieve(index, heap, rows, seal_rows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return false;
}
