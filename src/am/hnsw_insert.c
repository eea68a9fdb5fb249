/*
 * hnsw_insert.c - INSERT appends to the growing segment
 */
#include "am/hnsw.h"

#include "utils/memutils.h"

#include "segment/growing.h"
#include "segment/seal.h"

/*
 * So many times seal_rows may wait for VACUUM before an inserting backend makes a sealed segment of
 * them itself.
 */
#define HARD_CAP	2

bool
hnswinsert(Relation index, Datum *values, bool *isnull, ItemPointer heap_tid, Relation heap,
		   IndexUniqueCheck checkUnique, bool indexUnchanged, IndexInfo *indexInfo)
{
	MemoryContext context;
	MemoryContext old;
	CachedIndex *cached;
	const char *payload;
	Size		size;

	if (isnull[0])
		return false;
	context = AllocSetContextCreate(CurrentMemoryContext, "hnsw insert", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	cached = cache_index(index);
	payload = space_payload(cache_space(cached), values[0], &size);
	if (space_indexable(cache_space(cached), payload))
	{
		uint32		seal_rows = hnsw_options(index).seal_rows;
		uint64		rows = growing_append(index, heap, cached, heap_tid, payload, size, seal_rows);

		if (rows >= (uint64) HARD_CAP * seal_rows)
			seal_index(index, heap, SEAL_IF_FREE, seal_rows);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return false;
}
