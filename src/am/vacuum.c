/*
 * vacuum.c - VACUUM: sets tombstones, then seals, rewrites segments and truncates the file
 */
#include "am/index.h"

#include "access/xact.h"
#include "commands/vacuum.h"
#include "executor/instrument.h"
#include "storage/lmgr.h"

#include "am/effort.h"
#include "am/method.h"
#include "am/tiering.h"
#include "counters/counters.h"
#include "segment/compact.h"
#include "segment/growing.h"
#include "segment/legacy.h"
#include "segment/seal.h"
#include "segment/tombstones.h"
#include "worker/worker.h"

typedef struct DeadCheck
{
	IndexBulkDeleteCallback callback;
	void	   *state;
} DeadCheck;

static bool
is_dead(ItemPointer tid, void *arg)
{
	DeadCheck  *check = arg;

	return check->callback(tid, check->state);
}

/* The first live segment that is not in a list; NULL if all are. */
static const SegmentEntry *
next_segment(const Directory *directory, List *visited)
{
	for (uint32 i = 0; i < directory->count; i++)
		if (segment_is_live(&directory->entries[i]) &&
			!list_member_oid(visited, directory->entries[i].uid))
			return &directory->entries[i];
	return NULL;
}

/*
 * Visits segments until the directory has no live segment that was not visited: a segment that
 * appears meanwhile may have rows that were copied before they were found dead.
 */
IndexBulkDeleteResult *
vectorbulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
				 IndexBulkDeleteCallback callback, void *callback_state)
{
	Relation	index = info->index;
	DeadCheck	check = {callback, callback_state};
	const SegmentEntry *entry;
	List	   *visited = NIL;
	uint64		live = 0;
	uint64		removed = 0;
	uint64		logged = pgWalUsage.wal_bytes;
	IndexCounters *counters;

	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	if (legacy_pass_by(index))
	{
		stats->num_index_tuples = info->num_heap_tuples;
		stats->estimated_count = true;
		return stats;
	}
	claim_index_wait(index, CLAIM_REUSE, ShareLock);
	while ((entry = next_segment(directory_read(index), visited)) != NULL)
	{
		uint64		kept = 0;

		visited = lappend_oid(visited, entry->uid);
		if (entry->kind == SEGMENT_GROWING ?
			growing_vacuum(index, entry, is_dead, &check, &kept, &removed) :
			sealed_vacuum(index, entry, is_dead, &check, &kept, &removed))
			live += kept;
	}
	claim_index_release(index, CLAIM_REUSE, ShareLock);
	list_free(visited);
	stats->num_index_tuples = live;
	stats->tuples_removed += removed;
	/* so calls CREATE INDEX CONCURRENTLY, too, some time after the build */
	if (!index->rd_index->indisvalid && effort_is_due(index))
		(void) worker_request_made(index);
	counters = counters_of(RelationGetRelid(index));
	counters->removed += removed;
	counters->wal_bytes += pgWalUsage.wal_bytes - logged;
	return stats;
}

uint64
index_count_live(Relation index)
{
	Directory  *directory = directory_hold(index);
	uint64		live = 0;

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		uint32		dead;

		if (!segment_is_live(entry))
			continue;
		live += segment_count(index, entry, &dead);
		live -= dead;
	}
	directory_let_go(index, directory);
	return live;
}

IndexBulkDeleteResult *
vectorvacuumcleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	Relation	index = info->index;
	Relation	heap = VACUUM_HEAP(info);
	int			replaced;
	int			merged;
	uint64		logged;

	if (legacy_state(index) != LEGACY_NONE)
		return stats;
	if (info->analyze_only)
	{
		if (vector_am_of(index)->effort_range && effort_is_wanted(index))
			effort_measure(index);
		return stats;
	}
	if (stats == NULL)
	{
		stats = palloc0(sizeof(IndexBulkDeleteResult));
		stats->num_index_tuples = index_count_live(index);
	}
	replaced = seal_retire_empty(index);
	replaced += seal_growing(index, heap, SEAL_IF_FREE,
							 index_seal_rows(index) / SEAL_FRACTION, PG_UINT64_MAX);
	if (seal_has_merge(index, MERGE_DUE) && !worker_request(index))
		while ((merged = seal_merge(index, heap, SEAL_IF_FREE, MERGE_DUE)) > 0)
			replaced += merged;
	else if (seal_has_merge(index, MERGE_IDLE))
		(void) worker_request(index);
	if (tiering_wanted(index) || effort_is_due(index))
		(void) worker_request(index);

	/*
	 * What was retired becomes free when all current transactions have ended and a later
	 * transaction id exists.  On an idle server that might take long, so we take an id here.
	 */
	if (replaced > 0 && !IsInParallelMode())
		(void) GetTopFullTransactionId();
	logged = pgWalUsage.wal_bytes;
	segment_compact(index);
	counters_of(RelationGetRelid(index))->wal_bytes += pgWalUsage.wal_bytes - logged;
	stats->num_pages = RelationGetNumberOfBlocks(index);
	return stats;
}
