/*
 * collect.c - what object stores have: statistics, and the collector of objects that no index needs
 *
 * An object is named by the directory of an index, or it is not.  Since when it is not is kept in a
 * file of the data directory, because stores cannot be trusted about times.  A server that has not
 * the file, such as a standby that was promoted, begins to count anew.  So an object stays for
 * vector.tier_retention at least, for which standbys, backups and recoveries to a point in time
 * find it.
 *
 * The collector decides on the objects of its database, and on those of databases of its cluster
 * that exist no more.  It leaves alone those of other clusters and of later timelines, and unless
 * it is told that the server of earlier timelines is gone, those of earlier timelines: where a
 * standby was promoted, the old primary may still run, and need them.
 */
#include "pg_compat.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_server.h"
#include "commands/dbcommands.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "am/method.h"
#include "am/owner.h"
#include "segment/directory.h"
#include "segment/legacy.h"
#include "segment/manifest.h"
#include "tier/stat.h"
#include "tier/tier.h"

#define DELETED_AT_ONCE	1000

/* ---- the indexes of the database ---- */

/* Whether an index has a directory that can be read here. */
static bool
has_directory(Relation index)
{
	return vector_am_of(index) != NULL && !RELATION_IS_OTHER_TEMP(index) &&
		!(index->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED && RecoveryInProgress()) &&
		RelationGetNumberOfBlocks(index) > 0 && legacy_state(index) == LEGACY_NONE;
}

static void
each_index(void (*visit) (Relation index, void *arg), void *arg)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	List	   *indexes = NIL;
	ListCell   *cell;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		if (class->relkind == RELKIND_INDEX && vector_am_by_oid(class->relam) != NULL)
			indexes = lappend_oid(indexes, class->oid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	foreach(cell, indexes)
	{
		Relation	index;

		CHECK_FOR_INTERRUPTS();
		index = try_relation_open(lfirst_oid(cell), AccessShareLock);
		if (index == NULL)
			continue;
		if (has_directory(index))
			visit(index, arg);
		relation_close(index, AccessShareLock);
	}
}

/* ---- statistics ---- */

typedef struct ServerBytes
{
	Oid			server;
	int64		segments;
	int64		local;
	int64		remote;
} ServerBytes;

static void
add_segments(Relation index, void *arg)
{
	Directory  *directory = directory_hold(index);

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		Extent		extent = extent_of(index, entry);
		StoredManifest *manifest;
		SealedHeader header;
		ServerBytes *bytes;

		if (entry->kind != SEGMENT_SEALED || entry->where != EXTENT_STORED)
			continue;
		extent_read_header(extent, BLOCK_SEALED_HEADER, &header, sizeof(header));
		manifest = stored_manifest(extent, &header);
		for (bytes = arg; OidIsValid(bytes->server); bytes++)
			if (bytes->server == stored_server(manifest))
			{
				bytes->segments++;
				bytes->local += (int64) entry->blocks * BLCKSZ;
				bytes->remote += (int64) manifest->blocks * BLCKSZ;
			}
		pfree(manifest);
	}
	directory_let_go(index, directory);
}

/* Whether the user may know what is done with an object store: who may use it, or monitors. */
static bool
may_see_server(Form_pg_foreign_server server)
{
	return owner_may_be_seen(server->srvowner) ||
		foreign_server_aclcheck_compat(server->oid, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
}

/* The object stores that the user may see; the array ends by one without a server. */
static ServerBytes *
find_servers(void)
{
	Relation	catalog = table_open(ForeignServerRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	ServerBytes *servers = palloc0(sizeof(ServerBytes));
	int			count = 0;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_foreign_server server = (Form_pg_foreign_server) GETSTRUCT(tuple);

		if (!store_is_server(server->oid) || !may_see_server(server))
			continue;
		servers[count++].server = server->oid;
		servers = repalloc(servers, sizeof(ServerBytes) * (count + 1));
		memset(&servers[count], 0, sizeof(ServerBytes));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return servers;
}

/*
 * A row for each object store: server, segments, local_bytes, remote_bytes, gets, bytes_read,
 * writes, bytes_written, hits, misses, retries, hedges, errors, last_error, last_error_time,
 * get_p50, get_p99 (milliseconds).
 */
PG_FUNCTION_INFO_V1(vector_stat_tier);
Datum
vector_stat_tier(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ServerBytes *servers = find_servers();

	InitMaterializedSRF(fcinfo, 0);
	each_index(add_segments, servers);
	for (ServerBytes *server = servers; OidIsValid(server->server); server++)
	{
		TierStat	stat;
		Datum		values[17];
		bool		nulls[17] = {false};
		NameData	name;

		stat_read(server->server, &stat);
		namestrcpy(&name, GetForeignServer(server->server)->servername);
		values[0] = NameGetDatum(&name);
		values[1] = Int64GetDatum(server->segments);
		values[2] = Int64GetDatum(server->local);
		values[3] = Int64GetDatum(server->remote);
		values[4] = Int64GetDatum((int64) stat.done.gets);
		values[5] = Int64GetDatum((int64) stat.done.bytes_read);
		values[6] = Int64GetDatum((int64) stat.done.writes);
		values[7] = Int64GetDatum((int64) stat.done.bytes_written);
		values[8] = Int64GetDatum((int64) stat.hits);
		values[9] = Int64GetDatum((int64) stat.misses);
		values[10] = Int64GetDatum((int64) stat.done.retries);
		values[11] = Int64GetDatum((int64) stat.done.hedges);
		values[12] = Int64GetDatum((int64) stat.done.errors);
		nulls[13] = nulls[14] = stat.error[0] == '\0';
		values[13] = nulls[13] ? (Datum) 0 : CStringGetTextDatum(stat.error);
		values[14] = TimestampTzGetDatum(stat.failed);
		nulls[15] = nulls[16] = stat.done.gets == 0;
		values[15] = Float8GetDatum(store_time_of(stat.done.times, 0.5));
		values[16] = Float8GetDatum(store_time_of(stat.done.times, 0.99));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(vector_stat_tier_reset);
Datum
vector_stat_tier_reset(PG_FUNCTION_ARGS)
{
	stat_reset();
	PG_RETURN_VOID();
}

/* ---- since when objects are needed by no index ---- */

typedef struct Unneeded
{
	char		key[STORE_MAX_KEY + 1];
	TimestampTz since;
	bool		there;			/* the store has the object, still */
} Unneeded;

static void
path_of_times(Oid server, char *path)
{
	snprintf(path, MAXPGPATH, "pg_stat/vector_tier.%u.%u", MyDatabaseId, server);
}

static HTAB *
new_times(void)
{
	HASHCTL		control = {
		.keysize = STORE_MAX_KEY + 1, .entrysize = sizeof(Unneeded), .hcxt = CurrentMemoryContext
	};

	return hash_create("vector tier collector", 256, &control,
					   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static HTAB *
read_times(Oid server)
{
	HTAB	   *times = new_times();
	char		path[MAXPGPATH];
	char		line[STORE_MAX_KEY + 64];
	FILE	   *file;

	path_of_times(server, path);
	file = AllocateFile(path, "r");
	if (file == NULL && errno != ENOENT)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not open file \"%s\": %m", path)));
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
	{
		char	   *space = strchr(line, ' ');
		Unneeded   *unneeded;

		/* a line that is no time and key is as if there were none: time counts anew */
		if (space == NULL || strlen(space + 1) > STORE_MAX_KEY + 1)
			continue;
		space[1 + strcspn(space + 1, "\n")] = '\0';
		unneeded = hash_search(times, space + 1, HASH_ENTER, NULL);
		unneeded->since = strtoll(line, NULL, 10);
		unneeded->there = false;
	}
	if (file != NULL)
		FreeFile(file);
	return times;
}

/* Writes the times of the objects that are still there. */
static void
write_times(Oid server, HTAB *times)
{
	HASH_SEQ_STATUS status;
	Unneeded   *unneeded;
	char		path[MAXPGPATH];
	char		new_path[MAXPGPATH + 8];
	FILE	   *file;

	path_of_times(server, path);
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	file = AllocateFile(new_path, "w");
	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not create file \"%s\": %m", new_path)));
	hash_seq_init(&status, times);
	while ((unneeded = hash_seq_search(&status)) != NULL)
		if (unneeded->there)
			fprintf(file, INT64_FORMAT " %s\n", (int64) unneeded->since, unneeded->key);
	if (ferror(file) || fflush(file) != 0)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not write file \"%s\": %m", new_path)));
	FreeFile(file);
	(void) durable_rename(new_path, path, ERROR);
}

/* ---- objects ---- */

typedef enum ObjectState
{
	OBJECT_LIVE,				/* a directory of this database names it */
	OBJECT_RETAINED,			/* none does, or nothing that is known of */
	OBJECT_ORPHANED,			/* likewise, for longer than the retention */
	OBJECT_OTHER				/* not for this database to decide */
} ObjectState;

typedef struct FoundObject
{
	char	   *key;
	uint64		size;
	Oid			database;		/* InvalidOid: of another cluster, or no key of ours */
	TimeLineID	timeline;
	bool		earlier;		/* of an earlier timeline */
	ObjectState state;
	TimestampTz since;			/* 0: it was not noticed yet */
} FoundObject;

typedef struct Collection
{
	MemoryContext context;
	FoundObject *objects;
	Size		count;
	Size		room;
	HTAB	   *live;			/* keys */
	List	   *begun;			/* what keys of objects begin with that are being written */
	HTAB	   *times;
} Collection;

/* Takes a key apart: cluster/database/index/segment.version.timeline.random. */
static void
parse_key(FoundObject *object)
{
	unsigned long long cluster;
	unsigned int database;
	unsigned int timeline;
	int			length = 0;

	object->database = InvalidOid;
	if (sscanf(object->key, "%16llx/%u/%*16[0-9a-f]/%*8[0-9a-f].%*d.%8x.%*16[0-9a-f]%n",
			   &cluster, &database, &timeline, &length) == 3 &&
		object->key[length] == '\0' && length > 0 && cluster == GetSystemIdentifier())
	{
		object->database = database;
		object->timeline = timeline;
	}
}

static void
take_object(void *arg, const char *key, uint64 size)
{
	Collection *collection = arg;
	FoundObject *object;

	if (collection->count == collection->room)
	{
		collection->room *= 2;
		collection->objects = repalloc_huge(collection->objects,
											sizeof(FoundObject) * collection->room);
	}
	object = &collection->objects[collection->count++];
	memset(object, 0, sizeof(FoundObject));
	object->key = MemoryContextStrdup(collection->context, key);
	object->size = size;
	parse_key(object);
}

static void
take_key(void *arg, const char *key, bool begins)
{
	Collection *collection = arg;

	if (begins)
		collection->begun = lappend(collection->begun, pstrdup(key));
	else
		(void) hash_search(collection->live, key, HASH_ENTER, NULL);
}

static void
take_index(Relation index, void *arg)
{
	stored_each_key(index, take_key, arg);
}

static bool
is_live(const Collection *collection, const char *key)
{
	ListCell   *cell;

	if (hash_search(collection->live, key, HASH_FIND, NULL) != NULL)
		return true;
	foreach(cell, collection->begun)
		if (strncmp(key, lfirst(cell), strlen(lfirst(cell))) == 0)
			return true;
	return false;
}

static void
judge(Collection *collection, FoundObject *object, TimeLineID timeline)
{
	Unneeded   *unneeded;

	if (is_live(collection, object->key))
	{
		object->state = OBJECT_LIVE;
		return;
	}
	if (!OidIsValid(object->database) || object->timeline > timeline ||
		(object->database != MyDatabaseId &&
		 SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(object->database))))
	{
		object->state = OBJECT_OTHER;
		return;
	}
	object->earlier = object->timeline < timeline;
	unneeded = hash_search(collection->times, object->key, HASH_FIND, NULL);
	object->since = unneeded == NULL ? 0 : unneeded->since;
	object->state = object->since != 0 &&
		GetCurrentTimestamp() >= TimestampTzPlusMilliseconds(object->since,
															 (int64) tier_retention * 1000) ?
		OBJECT_ORPHANED : OBJECT_RETAINED;
}

/*
 * Lists the objects, and then reads all directories: an object that was listed, and that none of
 * them names, will never be named again.
 */
static void
collect(Collection *collection, Store *store, Oid server, bool notice)
{
	TimeLineID	timeline = RecoveryInProgress() ? PG_UINT32_MAX : GetWALInsertionTimeLine();

	collection->context = CurrentMemoryContext;
	collection->room = 64;
	collection->objects = palloc(sizeof(FoundObject) * collection->room);
	collection->live = new_times();
	(void) store_list(store, "", take_object, collection, NULL);
	tier_report(store, server);
	each_index(take_index, collection);
	collection->times = read_times(server);
	for (Size i = 0; i < collection->count; i++)
	{
		FoundObject *object = &collection->objects[i];

		CHECK_FOR_INTERRUPTS();
		judge(collection, object, timeline);
		if (notice && (object->state == OBJECT_RETAINED || object->state == OBJECT_ORPHANED))
		{
			bool		found;
			Unneeded   *unneeded = hash_search(collection->times, object->key, HASH_ENTER, &found);

			if (!found)
				unneeded->since = GetCurrentTimestamp();
			unneeded->there = true;
			judge(collection, object, timeline);
		}
	}
}

/* A row for each object: key, state, bytes, database, timeline, unneeded_since. */
PG_FUNCTION_INFO_V1(vector_tier_objects);
Datum
vector_tier_objects(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			server = get_foreign_server_oid(NameStr(*PG_GETARG_NAME(0)), false);
	static const char *const states[] = {"live", "retained", "orphaned", "other"};
	Collection	collection = {0};

	InitMaterializedSRF(fcinfo, 0);
	collect(&collection, store_open(server, GetUserId()), server, false);
	for (Size i = 0; i < collection.count; i++)
	{
		const FoundObject *object = &collection.objects[i];
		Datum		values[6];
		bool		nulls[6] = {false};

		values[0] = CStringGetTextDatum(object->key);
		values[1] = CStringGetTextDatum(states[object->state]);
		values[2] = Int64GetDatum((int64) object->size);
		nulls[3] = nulls[4] = !OidIsValid(object->database);
		values[3] = ObjectIdGetDatum(object->database);
		values[4] = Int64GetDatum(object->timeline);
		nulls[5] = object->since == 0;
		values[5] = TimestampTzGetDatum(object->since);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static void
check_owner(Oid server)
{
	if (!foreign_server_ownercheck_compat(server, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FOREIGN_SERVER,
					   GetForeignServer(server)->servername);
}

/* Deletes keys; those that were deleted are no longer noted as there. */
static void
delete_objects(Collection *collection, Store *store, const char **keys, int count)
{
	if (count == 0)
		return;
	(void) store_delete(store, keys, count, NULL);
	for (int i = 0; i < count; i++)
		((Unneeded *) hash_search(collection->times, keys[i], HASH_FIND, NULL))->there = false;
}

/*
 * (server, earlier_timelines): notices which objects are not needed, and deletes those that have
 * not been for longer than the retention; returns how many.
 */
PG_FUNCTION_INFO_V1(vector_tier_collect);
Datum
vector_tier_collect(PG_FUNCTION_ARGS)
{
	Oid			server = get_foreign_server_oid(NameStr(*PG_GETARG_NAME(0)), false);
	bool		earlier = PG_GETARG_BOOL(1);
	Collection	collection = {0};
	const char **keys = palloc(sizeof(char *) * DELETED_AT_ONCE);
	int64		deleted = 0;
	int			count = 0;
	Store	   *store;

	check_owner(server);
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("objects cannot be collected during recovery"),
				 errhint("Call the function on the primary server.")));
	/* one collector at a time */
	LockDatabaseObject(ForeignServerRelationId, server, 0, ShareUpdateExclusiveLock);
	store = store_open(server, GetUserId());
	collect(&collection, store, server, true);
	/* times are kept also if deleting fails */
	write_times(server, collection.times);
	for (Size i = 0; i < collection.count; i++)
	{
		const FoundObject *object = &collection.objects[i];

		if (object->state != OBJECT_ORPHANED || (object->earlier && !earlier))
			continue;
		keys[count++] = object->key;
		deleted++;
		if (count < DELETED_AT_ONCE)
			continue;
		delete_objects(&collection, store, keys, count);
		count = 0;
	}
	delete_objects(&collection, store, keys, count);
	tier_report(store, server);
	if (deleted > 0)
		write_times(server, collection.times);
	PG_RETURN_INT64(deleted);
}
