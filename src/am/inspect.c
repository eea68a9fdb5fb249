/*
 * inspect.c - SQL functions that show indexes, and that seal, merge and check them
 */
#include "pg_compat.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_authid.h"
#include "commands/defrem.h"
#include "commands/progress.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "am/check.h"
#include "am/effort.h"
#include "am/index.h"
#include "am/method.h"
#include "am/owner.h"
#include "am/scan.h"
#include "am/tiering.h"
#include "segment/legacy.h"
#include "segment/seal.h"
#include "segment/manifest.h"
#include "segment/tombstones.h"
#include "worker/jobs.h"
#include "worker/worker.h"

/* Whether an index has no file here, as unlogged indexes on a standby. */
static bool
is_elsewhere(Relation index)
{
	return index->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED && RecoveryInProgress();
}

/* Raises an error if this is no index of ours, or one that this session cannot read. */
static void
require_ours(Relation index)
{
	if (index->rd_rel->relkind != RELKIND_INDEX || vector_am_of(index) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index of the extension vector",
						RelationGetRelationName(index))));
	if (RELATION_IS_OTHER_TEMP(index))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary indexes of other sessions")));
}

void
index_require_may_see(Relation index)
{
	if (!owner_may_be_seen(index->rd_rel->relowner))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_INDEX, RelationGetRelationName(index));
}

/* Whether CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY of a table is under way. */
static bool
is_indexed_concurrently(Oid table)
{
	pgstat_clear_backend_activity_snapshot();
	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		const LocalPgBackendStatus *local = pgstat_get_local_beentry_by_index(i);
		const PgBackendStatus *status = &local->backendStatus;
		int64		command = status->st_progress_param[PROGRESS_CREATEIDX_COMMAND];

		if (status->st_databaseid == MyDatabaseId &&
			status->st_progress_command == PROGRESS_COMMAND_CREATE_INDEX &&
			status->st_progress_command_target == table &&
			(command == PROGRESS_CREATEIDX_COMMAND_CREATE_CONCURRENTLY ||
			 command == PROGRESS_CREATEIDX_COMMAND_REINDEX_CONCURRENTLY))
			return true;
	}
	return false;
}

/*
 * Locks a table or its index, before it is opened.  Those that build an index concurrently keep
 * such locks while they wait for all transactions that began before, so for this one, too: it must
 * not wait for them, as they would find the deadlock, and fail.
 */
static void
lock_relation(Oid relation, LOCKMODE lock, Oid table)
{
	if (ConditionalLockRelationOid(relation, lock))
		return;
	if (lock == ShareUpdateExclusiveLock && is_indexed_concurrently(table))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not lock relation \"%s\"", get_rel_name(relation)),
				 errdetail("An index of table \"%s\" is being built concurrently, which waits for "
						   "transactions like this one.", get_rel_name(table)),
				 errhint("Try again when it is built: pg_stat_progress_create_index shows it.")));
	LockRelationOid(relation, lock);
}

/* Opens an index and, before it, its table, with locks. */
static Relation
open_index_and_table(Oid oid, LOCKMODE lock, LOCKMODE table_lock, Relation *heap)
{
	Oid			table = IndexGetRelation(oid, true);
	Relation	index;

	*heap = NULL;
	if (OidIsValid(table))
	{
		lock_relation(table, table_lock, table);
		*heap = table_open(table, NoLock);
	}
	lock_relation(oid, lock, table);
	index = relation_open(oid, NoLock);
	require_ours(index);
	if (*heap == NULL || table != IndexGetRelation(oid, false))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("could not open parent table of index \"%s\"",
						RelationGetRelationName(index))));
	if (is_elsewhere(index))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary or unlogged relations during recovery")));
	if (RelationGetNumberOfBlocks(index) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not built yet", RelationGetRelationName(index)),
				 errhint("REINDEX or DROP it, unless it is being built.")));
	return index;
}

/* The object store that has an extent's cold blocks, or NULL. */
static char *
store_of(Relation index, const SegmentEntry *entry)
{
	Extent		extent = extent_of(index, entry);
	StoredManifest *manifest;
	SealedHeader header;
	Oid			server;

	/* blocks of a retired extent may be another's by now */
	if (entry->where != EXTENT_STORED || entry->kind != SEGMENT_SEALED)
		return NULL;
	extent_read_header(extent, BLOCK_SEALED_HEADER, &header, sizeof(header));
	manifest = stored_manifest(extent, &header);
	server = stored_server(manifest);
	return OidIsValid(server) ? GetForeignServer(server)->servername : manifest->server_name;
}

/*
 * One row for each segment: segment, kind, rows, dead, blocks, bytes, created, method, version,
 * store, stored_bytes.  No rows for an index that is gone, or one of pgvector's.
 */
PG_FUNCTION_INFO_V1(vector_index_segments);
Datum
vector_index_segments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	index = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	static const char *const kinds[] = {NULL, "growing", "sealed", "reserved", "retired",
		"centroids", "curves"};
	Directory  *directory;

	InitMaterializedSRF(fcinfo, 0);
	if (index == NULL)
		return (Datum) 0;
	require_ours(index);
	index_require_may_see(index);
	if (is_elsewhere(index) || RelationGetNumberOfBlocks(index) == 0 ||
		legacy_state(index) != LEGACY_NONE)
	{
		relation_close(index, AccessShareLock);
		return (Datum) 0;
	}
	directory = directory_read(index);
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		Datum		values[11];
		bool		nulls[11] = {false};
		char	   *store;

		values[0] = Int64GetDatum(entry->uid);
		values[1] = CStringGetTextDatum(kinds[entry->kind]);
		nulls[2] = nulls[3] = !segment_is_live(entry);
		if (segment_is_live(entry))
		{
			uint32		dead;

			values[2] = Int64GetDatum((int64) segment_count(index, entry, &dead));
			values[3] = Int64GetDatum(dead);
		}
		values[4] = Int64GetDatum(entry->blocks);
		values[5] = Int64GetDatum((int64) entry->blocks * BLCKSZ);
		values[6] = TimestampTzGetDatum(entry->created);
		nulls[7] = entry->kind != SEGMENT_SEALED || segment_method_of(entry) == NULL;
		if (!nulls[7])
			values[7] = CStringGetTextDatum(segment_method_of(entry)->name);
		values[8] = Int32GetDatum(entry->version);
		store = store_of(index, entry);
		nulls[9] = store == NULL;
		if (store)
			values[9] = CStringGetTextDatum(store);
		values[10] = Int64GetDatum((int64) entry->stored * BLCKSZ);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	relation_close(index, AccessShareLock);
	return (Datum) 0;
}

typedef struct Inspection
{
	ReturnSetInfo *result;
	ScanStatistics statistics;	/* of no interest */
} Inspection;

static void
show_property(void *arg, const char *property, int64 item, double value)
{
	Inspection *inspection = arg;
	Datum		values[] = {
		CStringGetTextDatum(property), Int64GetDatum(item), Float8GetDatum(value)
	};
	bool		nulls[] = {false, item < 0, false};

	tuplestore_putvalues(inspection->result->setResult, inspection->result->setDesc, values, nulls);
}

/* Shows a segment, which the caller holds. */
static void
inspect_segment(CachedIndex *cached, Relation index, const SegmentEntry *entry,
				Inspection *inspection)
{
	uint32		dead;
	uint64		rows = segment_count(index, entry, &dead);
	CachedSegment *segment;
	const SealedHeader *header;
	SealedScan	scan;

	show_property(inspection, "age in seconds", -1,
				  (double) (GetCurrentTimestamp() - entry->created) / USECS_PER_SEC);
	show_property(inspection, "rows", -1, (double) rows);
	show_property(inspection, "dead rows", -1, dead);
	show_property(inspection, "blocks", -1, entry->blocks);
	if (entry->kind != SEGMENT_SEALED)
		return;
	segment = cache_acquire(cached, index, entry);
	header = &segment->header;
	show_property(inspection, "blocks in the store", -1, entry->stored);
	show_property(inspection, "nodes", -1, header->nodes);
	show_property(inspection, "bytes of a node", -1, header->layout.size);
	show_property(inspection, "nodes of a block", -1, header->layout.per);
	show_property(inspection, "coded dimensions", -1, header->padded);
	show_property(inspection, "attributes", -1, header->attribute_count);
	if (segment->method->inspect == NULL)
		return;
	sealed_scan_begin(&scan, index, cache_space(cached), segment, &inspection->statistics);
	segment->method->inspect(&scan, show_property, inspection);
}

/* What a live segment of an index consists of: property, item, value. */
PG_FUNCTION_INFO_V1(vector_inspect);
Datum
vector_inspect(PG_FUNCTION_ARGS)
{
	int64		uid = PG_GETARG_INT64(1);
	Inspection	inspection = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	const SegmentEntry *found = NULL;
	const Directory *directory;
	CachedIndex *cached;
	Relation	heap;
	Relation	index = open_index_and_table(PG_GETARG_OID(0), AccessShareLock, AccessShareLock,
											 &heap);
	Snapshot	snapshot;

	index_require_may_see(index);
	InitMaterializedSRF(fcinfo, 0);
	/* keeps what the directory names now */
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	cached = cache_index(index);
	cache_hold(cached);
	directory = cache_directory(cached);
	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].uid == uid && segment_is_live(&directory->entries[i]))
			found = &directory->entries[i];
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("index \"%s\" has no segment " INT64_FORMAT,
						RelationGetRelationName(index), uid)));
	inspect_segment(cached, index, found, &inspection);
	UnregisterSnapshot(snapshot);
	relation_close(index, AccessShareLock);
	table_close(heap, AccessShareLock);
	return (Datum) 0;
}

/*
 * Whether an index's file can be used: current, untouched, outdated (see LegacyState and
 * VectorAm.is_outdated), unknown.
 * NULL for an index that is gone, belongs to another access method, or has no blocks here.
 */
PG_FUNCTION_INFO_V1(vector_index_state);
Datum
vector_index_state(PG_FUNCTION_ARGS)
{
	Relation	index = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	static const char *const states[] = {NULL, "untouched", "outdated"};
	const char *state = NULL;
	const VectorAm *am;

	if (index == NULL)
		PG_RETURN_NULL();
	if (index->rd_rel->relkind == RELKIND_INDEX && !RELATION_IS_OTHER_TEMP(index) &&
		(am = vector_am_of(index)) != NULL && !is_elsewhere(index) &&
		RelationGetNumberOfBlocks(index) > 0)
	{
		index_require_may_see(index);
		state = states[legacy_state(index)];
		if (state == NULL)
			state = !directory_is_readable(index) ? "unknown" :
				am->is_outdated && am->is_outdated(index) ? "outdated" : "current";
	}
	relation_close(index, AccessShareLock);
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(state));
}

/*
 * One row for each job of this database that the user may see.  Only roles that monitor the server
 * see a job for all indexes, whose index is NULL.
 */
PG_FUNCTION_INFO_V1(vector_jobs);
Datum
vector_jobs(PG_FUNCTION_ARGS)
{
	static const char *const states[] = {NULL, "failed", "waiting", "starting", "running"};
	static const char *const phases[] = {NULL, "sealing", "merging", "tiering", "measuring"};
	static const char *const steps[] = {"reading", "building", "writing"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Job		   *jobs;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	count = jobs_list(&jobs);
	for (int i = 0; i < count; i++)
	{
		const Job  *job = &jobs[i];
		bool		idle = job->phase == JOB_IDLE;
		Oid			owner = InvalidOid;
		Datum		values[11];
		bool		nulls[11] = {false};

		if (job->database != MyDatabaseId)
			continue;
		if (OidIsValid(job->index))
		{
			/* a failed job may outlive its index */
			owner = relation_owner(job->index);
			if (!OidIsValid(owner))
				continue;
		}
		if (!owner_may_be_seen(owner))
			continue;
		values[0] = ObjectIdGetDatum(job->index);
		nulls[0] = !OidIsValid(job->index);
		values[1] = Int32GetDatum(job->pid);
		nulls[1] = job->pid == 0;
		values[2] = CStringGetTextDatum(states[job->state]);
		nulls[3] = nulls[4] = nulls[5] = nulls[6] = idle;
		if (!idle)
		{
			values[3] = CStringGetTextDatum(phases[job->phase]);
			values[4] = CStringGetTextDatum(steps[job->step]);
			values[5] = Int64GetDatum((int64) job->done);
			values[6] = Int64GetDatum((int64) job->total);
		}
		values[7] = TimestampTzGetDatum(job->since);
		nulls[8] = nulls[9] = job->error[0] == '\0';
		if (!nulls[8])
		{
			values[8] = CStringGetTextDatum(job->error);
			values[9] = TimestampTzGetDatum(job->failed);
		}
		values[10] = TimestampTzGetDatum(job->due);
		nulls[10] = job->due <= GetCurrentTimestamp();
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(vector_last_scan);
Datum
vector_last_scan(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[13];
	bool		nulls[13] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(last_scan.hops);
	values[1] = Int64GetDatum(last_scan.distances);
	values[2] = Int64GetDatum(last_scan.blocks);
	values[3] = Int64GetDatum(last_scan.segments);
	values[4] = Int64GetDatum(last_scan.walks);
	values[5] = Int64GetDatum(last_scan.reads);
	values[6] = Int64GetDatum(last_scan.switches);
	values[7] = Int64GetDatum(last_scan.survivors);
	values[8] = Int64GetDatum(last_scan.rejected);
	values[9] = Int64GetDatum(last_scan.table_rows);
	values[10] = Int64GetDatum(last_scan.rounds);
	values[11] = Int64GetDatum(last_scan.gets);
	values[12] = Int64GetDatum(last_scan.stored_bytes);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* Whether the user owns an index or, in versions with that privilege, may maintain its table. */
static bool
may_maintain(Oid index)
{
#if PG_VERSION_NUM >= 170000
	Oid			table = IndexGetRelation(index, true);

	if (OidIsValid(table) && pg_class_aclcheck(table, GetUserId(), ACL_MAINTAIN) == ACLCHECK_OK)
		return true;
#endif
	return relation_ownercheck(index, GetUserId());
}

static void
require_maintain(Oid index)
{
	if (!may_maintain(index))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_INDEX, get_rel_name(index));
}

/*
 * Opens an index that the user may maintain, and its table, with a lock that background workers
 * give way to.
 */
static Relation
open_to_maintain(Oid oid, Relation *heap)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("recovery is in progress"),
				 errhint("Segments are sealed and merged on the primary.")));
	require_maintain(oid);
	return open_index_and_table(oid, ShareUpdateExclusiveLock, AccessShareLock, heap);
}

/* Has a worker measure what searches find now, if that may be something else. */
static void
close_maintained(Relation index, Relation heap)
{
	if (effort_is_due(index))
		(void) worker_request(index);
	relation_close(index, ShareUpdateExclusiveLock);
	table_close(heap, AccessShareLock);
}

/* Seals the growing segments; returns how many segments were replaced. */
PG_FUNCTION_INFO_V1(vector_seal);
Datum
vector_seal(PG_FUNCTION_ARGS)
{
	Relation	heap;
	Relation	index = open_to_maintain(PG_GETARG_OID(0), &heap);
	int			replaced = seal_growing(index, heap, SEAL_WAIT, 1, PG_UINT64_MAX);

	seal_relieve(index, heap);
	close_maintained(index, heap);
	PG_RETURN_INT32(replaced);
}

/* Merges all sealed segments; returns how many were replaced. */
PG_FUNCTION_INFO_V1(vector_merge);
Datum
vector_merge(PG_FUNCTION_ARGS)
{
	Relation	heap;
	Relation	index = open_to_maintain(PG_GETARG_OID(0), &heap);
	int			replaced = seal_merge(index, heap, SEAL_WAIT, MERGE_ALL);

	close_maintained(index, heap);
	PG_RETURN_INT32(replaced);
}

/* Moves what sealed segments have of cold blocks to the index's object store; returns how many. */
PG_FUNCTION_INFO_V1(vector_tier);
Datum
vector_tier(PG_FUNCTION_ARGS)
{
	Relation	heap;
	Relation	index = open_to_maintain(PG_GETARG_OID(0), &heap);
	int			stored = tiering_store_all(index);

	close_maintained(index, heap);
	PG_RETURN_INT32(stored);
}

/* Brings segments back into the index's file; returns how many. */
PG_FUNCTION_INFO_V1(vector_untier);
Datum
vector_untier(PG_FUNCTION_ARGS)
{
	Relation	heap;
	Relation	index = open_to_maintain(PG_GETARG_OID(0), &heap);
	int			restored = tiering_restore_all(index);

	close_maintained(index, heap);
	PG_RETURN_INT32(restored);
}

/* Reads what the index has in object stores into the cache; returns the number of pages. */
PG_FUNCTION_INFO_V1(vector_prewarm);
Datum
vector_prewarm(PG_FUNCTION_ARGS)
{
	Oid			oid = PG_GETARG_OID(0);
	Relation	heap;
	Relation	index;
	int64		pages;

	require_maintain(oid);
	index = open_index_and_table(oid, AccessShareLock, AccessShareLock, &heap);
	pages = tiering_prewarm(index);
	relation_close(index, AccessShareLock);
	table_close(heap, AccessShareLock);
	PG_RETURN_INT64(pages);
}

/* Checks an index with the rights of the table's owner, whose functions it may call. */
static uint64
check_as_owner(Relation index, Relation heap, int64 segment)
{
	Oid			user;
	int			context;
	int			level;
	uint64		rows;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(heap->rd_rel->relowner, context | SECURITY_RESTRICTED_OPERATION);
	level = NewGUCNestLevel();
#if PG_VERSION_NUM >= 170000
	RestrictSearchPath();
#endif
	rows = check_index(index, heap, segment);
	AtEOXact_GUC(false, level);
	SetUserIdAndSecContext(user, context);
	return rows;
}

/*
 * Raises an error if an index, or one of its segments, is damaged; returns the number of its live
 * rows.
 */
PG_FUNCTION_INFO_V1(vector_index_check);
Datum
vector_index_check(PG_FUNCTION_ARGS)
{
	Oid			oid = PG_GETARG_OID(0);
	LOCKMODE	lock = RecoveryInProgress() ? AccessShareLock : ShareUpdateExclusiveLock;
	Relation	heap;
	Relation	index;
	uint64		rows;

	require_maintain(oid);
	/* keep VACUUM out: while we read, it would let new rows take the TIDs of others */
	index = open_index_and_table(oid, AccessShareLock, lock, &heap);

	if (!index->rd_index->indisvalid)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not valid", RelationGetRelationName(index)),
				 errhint("REINDEX or DROP it, unless it is being built.")));
	rows = check_as_owner(index, heap, PG_NARGS() > 1 ? PG_GETARG_INT64(1) : CHECK_ALL);
	relation_close(index, AccessShareLock);
	table_close(heap, lock);
	PG_RETURN_INT64((int64) rows);
}
