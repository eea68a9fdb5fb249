/*
 * tiering.c - tiering by the options of an index
 */
#include "am/tiering.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_server.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/timestamp.h"

#include "am/depend.h"
#include "am/index.h"
#include "am/method.h"
#include "segment/cache.h"
#include "segment/manifest.h"

/* Pages that vector_prewarm reads at once. */
#define PREWARM_PAGES		256

bool
tiering_wanted(Relation index)
{
	TieringChoice choice;

	return index_tiering(index, &choice) &&
		tiering_is_due(index, &choice);
}

/* The servers that have stored segments of an index, and one more, if that is valid. */
static List *
servers_of(Relation index, Oid more)
{
	Directory  *directory = directory_hold(index);
	List	   *servers = OidIsValid(more) ? list_make1_oid(more) : NIL;

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		Extent		extent = extent_of(index, entry);
		SealedHeader header;

		if (entry->where != EXTENT_STORED || !segment_is_live(entry))
			continue;
		extent_read_header(extent, BLOCK_SEALED_HEADER, &header, sizeof(header));
		servers = list_append_unique_oid(servers,
										 stored_server(stored_manifest(extent, &header)));
	}
	directory_let_go(index, directory);
	return servers;
}

/*
 * Keeps the table from being attached or detached before the end of the transaction: who does so
 * either sees what is recorded now, or is seen.
 */
static bool
lock_place(Relation index, bool wait)
{
	Oid			table = index->rd_index->indrelid;

	if (!wait)
		return ConditionalLockRelationOid(table, AccessShareLock);
	LockRelationOid(table, AccessShareLock);
	return true;
}

bool
tiering_depend(Relation index, Oid server, bool wait)
{
	ObjectAddress on;
	List	   *servers = servers_of(index, server);
	ListCell   *cell;
	bool		done;

	if (!lock_place(index, wait))
		return false;
	if (deleteDependencyRecordsForClass(RelationRelationId, RelationGetRelid(index),
										ForeignServerRelationId, DEPENDENCY_NORMAL) == 0 &&
		servers == NIL)
		return true;
	CommandCounterIncrement();
	foreach(cell, servers)
	{
		Oid			oid = lfirst_oid(cell);

		if (!OidIsValid(oid))
			continue;
		/* or else it may be dropped before anyone sees that it is needed */
		LockDatabaseObject(ForeignServerRelationId, oid, 0, AccessShareLock);
		(void) GetForeignServer(oid);
		ObjectAddressSet(on, ForeignServerRelationId, oid);
		depend_on(RelationGetRelid(index), &on);
	}
	list_free(servers);
	done = depend_above(RelationGetRelid(index), wait);
	/* the same statement may do this again */
	CommandCounterIncrement();
	return done;
}

int
tiering_store_all(Relation index)
{
	TieringChoice choice;
	int			stored = 0;

	if (vector_am_of(index)->segments->tiering == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("segments of index \"%s\" cannot be moved to an object store",
						RelationGetRelationName(index)),
				 errdetail("A search reads the lists of an index of access method %s themselves.",
						   vector_am_of(index)->name)));
	if (!index_tiering(index, &choice))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" has no option tier", RelationGetRelationName(index)),
				 errhint("Name an object store by ALTER INDEX ... SET (tier = ...).")));
	if (RelationUsesLocalBuffers(index))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("segments of temporary indexes cannot be moved to an object store")));
	choice.server = index_tiering_server(index);
	choice.min_rows = 0;
	choice.before = GetCurrentTimestamp();
	(void) tiering_depend(index, choice.server, true);
	while (tiering_store_one(index, &choice) > 0)
		stored++;
	return stored;
}

int
tiering_restore_all(Relation index)
{
	int			restored = 0;

	while (tiering_restore_one(index) > 0)
		restored++;
	(void) tiering_depend(index, InvalidOid, true);
	return restored;
}

/* Reads the cold blocks of a segment, unless they are at hand. */
static void
prewarm(Relation index, CachedSegment *segment)
{
	Extent		extent = cached_extent(&segment->part, index);
	TierPage	pages[PREWARM_PAGES];
	int			count = 0;

	for (BlockNumber place = extent.blocks; place < segment->header.blocks; place++)
	{
		pages[count++] = stored_page(&extent, place);
		if (count < PREWARM_PAGES && place + 1 < segment->header.blocks)
			continue;
		CHECK_FOR_INTERRUPTS();
		stored_fetch(index, pages, count, false);
		count = 0;
	}
}

int64
tiering_prewarm(Relation index)
{
	CachedIndex *cached = cache_index(index);
	Directory  *directory;
	int64		pages = 0;

	cache_hold(cached);
	directory = directory_read(index);
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		CachedSegment *segment;

		if (entry->kind != SEGMENT_SEALED || entry->where != EXTENT_STORED)
			continue;
		segment = cache_acquire(cached, index, entry);
		prewarm(index, segment);
		pages += segment->header.blocks - entry->blocks;
	}
	pfree(directory);
	return pages;
}
