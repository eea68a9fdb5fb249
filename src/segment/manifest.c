/*
 * manifest.c - the manifest of a stored extent, and writing its object
 */
#include "segment/manifest.h"

#include "access/xlog.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

StaticAssertDecl(STORE_BLOCK == BLCKSZ, "checksums are those of pages");
StaticAssertDecl(sizeof(((StoredManifest *) 0)->sha256) == STORE_SHA256, "size of a digest");
StaticAssertDecl(sizeof(((StoredManifest *) 0)->server_name) == NAMEDATALEN, "size of a name");

uint32
stored_manifest_blocks(uint32 cold_blocks)
{
	return extent_blocks_for(sizeof(StoredManifest) + (uint64) cold_blocks * sizeof(uint32), 1,
							 false);
}

StoredManifest *
stored_manifest(Extent extent, const SealedHeader *header)
{
	StoredManifest *manifest = palloc(sizeof(StoredManifest));

	if (header->manifest == 0 || header->manifest >= header->cold ||
		header->cold != extent.blocks || header->cold > header->blocks)
		sealed_damaged(extent.index, "Segment %u has no manifest.", extent.uid);
	extent_read(extent, header->manifest, 0, manifest, sizeof(StoredManifest));
	manifest->key[sizeof(manifest->key) - 1] = '\0';
	manifest->server_name[sizeof(manifest->server_name) - 1] = '\0';
	if (manifest->blocks != header->blocks - header->cold)
		sealed_damaged(extent.index, "Segment %u has %u cold blocks, its manifest says %u.",
					   extent.uid, header->blocks - header->cold, manifest->blocks);
	return manifest;
}

/* After pg_upgrade, servers have other OIDs. */
Oid
stored_server(const StoredManifest *manifest)
{
	ForeignServer *server = GetForeignServerExtended(manifest->server, FSV_MISSING_OK);

	if (server == NULL)
		server = GetForeignServerByName(manifest->server_name, true);
	return server ? server->serverid : InvalidOid;
}

StoredObject *
stored_load(Extent extent, const SealedHeader *header)
{
	StoredManifest *manifest = stored_manifest(extent, header);
	StoredObject *object = palloc0(sizeof(StoredObject));
	uint32	   *crcs = MemoryContextAllocHuge(CurrentMemoryContext,
											  sizeof(uint32) * Max(manifest->blocks, 1));
	Oid			server = stored_server(manifest);

	if (!OidIsValid(server))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("server \"%s\" does not exist", manifest->server_name),
				 errdetail("Object \"%s\" of index \"%s\" is stored there.", manifest->key,
						   RelationGetRelationName(extent.index)),
				 errhint("Create the server again, or REINDEX the index.")));
	extent_read(extent, header->manifest, sizeof(StoredManifest), crcs,
				sizeof(uint32) * manifest->blocks);
	object->uid = manifest->uid;
	object->segment = extent.uid;
	object->tier = (TierObject) {
		.server = server, .user = extent.index->rd_rel->relowner, .id = tier_id(manifest->key),
		.key = pstrdup(manifest->key), .blocks = manifest->blocks, .crcs = crcs
	};
	pfree(manifest);
	return object;
}

/* An index in the names of keys: a number that no other one has, also after REINDEX. */
static uint64
index_number(Relation index)
{
	Directory  *directory = directory_read(index);
	uint64		number = directory->seed;

	pfree(directory);
	return number;
}

char *
stored_key_prefix(void)
{
	return psprintf("%016llx/%u/", (unsigned long long) GetSystemIdentifier(), MyDatabaseId);
}

/* What the key of a segment begins with. */
static char *
segment_prefix(uint64 index, uint32 uid)
{
	char	   *database = stored_key_prefix();
	char	   *prefix = psprintf("%s%016llx/%08x.", database, (unsigned long long) index, uid);

	pfree(database);
	return prefix;
}

static char *
make_key(Relation index, uint32 uid)
{
	char	   *prefix = segment_prefix(index_number(index), uid);
	uint64		number;
	char	   *key;

	if (!pg_strong_random(&number, sizeof(number)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate a random number")));
	key = psprintf("%s%d.%08x.%016llx", prefix, SEGMENT_VERSION, GetWALInsertionTimeLine(),
				   (unsigned long long) number);
	pfree(prefix);
	return key;
}

/* Tags of an object have few characters that all servers take: others are written as "_". */
static void
append_tag(StringInfo tags, const char *value)
{
	for (; *value != '\0'; value++)
		appendStringInfoChar(tags, strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
										  "0123456789_.-", *value) != NULL ? *value : '_');
}

/* What rules of a bucket may tell objects by. */
static char *
make_tags(Relation index, uint32 uid)
{
	StringInfoData tags;

	initStringInfo(&tags);
	appendStringInfoString(&tags, "index=");
	append_tag(&tags, get_namespace_name(RelationGetNamespace(index)));
	appendStringInfoChar(&tags, '.');
	append_tag(&tags, RelationGetRelationName(index));
	appendStringInfo(&tags, "&segment=%u", uid);
	return tags.data;
}

/* The pages of an object that is written. */
typedef struct WrittenPages
{
	StoreSource source;
	Extent		extent;
	BlockNumber cold;
	StoredSource page;
	void	   *arg;
	char	   *room;			/* the page of `block` */
	uint32		block;
} WrittenPages;

static void
read_pages(void *arg, uint64 offset, char *buffer, size_t length)
{
	WrittenPages *pages = arg;

	while (length > 0)
	{
		uint32		block = (uint32) (offset / BLCKSZ);
		size_t		start = offset % BLCKSZ;
		size_t		part = Min(length, BLCKSZ - start);

		if (block != pages->block)
		{
			CHECK_FOR_OTHERS();
			pages->page(pages->arg, pages->cold + block, pages->room);
			BlockGetHeader(pages->room)->uid = pages->extent.uid;
			BlockGetHeader(pages->room)->place = pages->cold + block;
			/* what depends on the WAL, or on whether the file has checksums */
			PageSetLSN(pages->room, (XLogRecPtr) InvalidXLogRecPtr);
			((PageHeader) pages->room)->pd_checksum = 0;
			pages->block = block;
		}
		memcpy(buffer, pages->room + start, part);
		buffer += part;
		offset += part;
		length -= part;
	}
}

void
stored_write(Extent extent, const SealedHeader *header, Oid server, StoredSource source,
			 void *arg)
{
	Store	   *store = store_open(server, extent.index->rd_rel->relowner);
	char	   *key = make_key(extent.index, extent.uid);
	StoredManifest manifest = {
		.blocks = header->blocks - header->cold, .uid = extent.uid, .server = server,
		.stored = GetCurrentTimestamp()
	};
	WrittenPages pages = {
		.source = {.size = (uint64) manifest.blocks * BLCKSZ, .read = read_pages, .arg = &pages,
			.tags = make_tags(extent.index, extent.uid), .rate = tier_send_rate},
		.extent = extent, .cold = header->cold, .page = source, .arg = arg,
		.room = palloc(BLCKSZ), .block = PG_UINT32_MAX
	};
	StoreDigest digest;
	ExtentWriter writer;

	(void) store_put(store, key, &pages.source, &digest, NULL);
	(void) store_verify(store, key, pages.source.size, &digest, NULL);
	tier_report(store, server);
	strlcpy(manifest.server_name, GetForeignServer(server)->servername,
			sizeof(manifest.server_name));
	strlcpy(manifest.key, key, sizeof(manifest.key));
	memcpy(manifest.sha256, digest.sha256, sizeof(manifest.sha256));
	Assert(digest.blocks == manifest.blocks);
	extent_writer_begin(&writer, extent);
	extent_writer_seek(&writer, header->manifest, BLOCK_MANIFEST);
	extent_writer_put(&writer, &manifest, sizeof(manifest));
	extent_writer_put(&writer, digest.crcs, sizeof(uint32) * digest.blocks);
	extent_writer_end(&writer);
	pfree(digest.crcs);
	pfree(pages.room);
	pfree(key);
}

/* What is wrong with the object of a segment, palloc'd; an error if the store cannot tell. */
static char *
problem_of(uint32 segment, const StoredManifest *manifest, const char *server,
		   const StoreError *error)
{
	if (error->kind == STORE_OK)
		return NULL;
	if (error->kind == STORE_NOT_FOUND)
		return psprintf("Segment %u: server \"%s\" has no object \"%s\".", segment, server,
						manifest->key);
	return psprintf("Segment %u: object \"%s\" of server \"%s\": %s.", segment, manifest->key,
					server, error->message);
}

char *
stored_lost(Extent extent, const SealedHeader *header)
{
	StoredManifest *manifest = stored_manifest(extent, header);
	StoredObject *object;
	Store	   *store;
	StoreDigest digest = {.blocks = manifest->blocks};
	StoreError	error;

	if (!OidIsValid(stored_server(manifest)))
		return psprintf("Segment %u: server \"%s\", which had object \"%s\", does not exist.",
						extent.uid, manifest->server_name, manifest->key);
	object = stored_load(extent, header);
	digest.crcs = (uint32 *) object->tier.crcs;
	memcpy(digest.sha256, manifest->sha256, STORE_SHA256);
	store = store_open(object->tier.server, object->tier.user);
	if (!store_verify_all(store, manifest->key, (uint64) manifest->blocks * BLCKSZ, &digest,
						  &error) &&
		error.kind != STORE_NOT_FOUND && error.kind != STORE_DAMAGED)
		store_raise(store, manifest->key, &error);
	return problem_of(extent.uid, manifest, GetForeignServer(object->tier.server)->servername,
					  &error);
}

void
stored_compare(Extent extent, const SealedHeader *header, StoreHash *hash)
{
	StoredManifest *manifest = stored_manifest(extent, header);
	uint8		sha256[STORE_SHA256];

	store_hash_end(hash, sha256);
	if (memcmp(sha256, manifest->sha256, STORE_SHA256) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("object \"%s\" does not have the bytes that it was written with",
						manifest->key),
				 errdetail("It is that of segment %u of index \"%s\".", extent.uid,
						   RelationGetRelationName(extent.index)),
				 errhint("REINDEX makes the index again from its table.")));
	pfree(manifest);
}

/*
 * Calls back for the key of a stored segment; not for a retired one whose blocks are another's by
 * now, which no snapshot needs.
 */
static void
visit_key(Relation index, const SegmentEntry *entry, StoredVisit visit, void *arg)
{
	Extent		extent = extent_of(index, entry);
	Buffer		buffer = ReadBuffer(index, entry->first);
	SealedHeader header;
	StoredManifest *manifest;
	BlockHeader block;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	block = *BlockGetHeader(BufferGetPage(buffer));
	memcpy(&header, BlockGetPayload(BufferGetPage(buffer)), sizeof(header));
	UnlockReleaseBuffer(buffer);
	if (entry->kind == SEGMENT_RETIRED &&
		(block.uid != entry->uid || block.kind != BLOCK_SEALED_HEADER ||
		 header.cold != entry->blocks))
		return;
	manifest = stored_manifest(extent, &header);
	visit(arg, manifest->key, false);
	pfree(manifest);
}

void
stored_each_key(Relation index, StoredVisit visit, void *arg)
{
	Directory  *directory = directory_hold(index);

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		CHECK_FOR_INTERRUPTS();
		if (entry->kind == SEGMENT_RESERVED)
		{
			char	   *prefix = segment_prefix(directory->seed, entry->uid);

			visit(arg, prefix, true);
			pfree(prefix);
		}
		else if (entry->where == EXTENT_STORED)
			visit_key(index, entry, visit, arg);
	}
	directory_let_go(index, directory);
}
