/*
 * directory.c - the entries of block 0, and free space
 */
#include "segment/directory.h"

#include "access/generic_xlog.h"
#include "access/nbtxlog.h"
#include "access/xact.h"
#include "access/xloginsert.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "quantize/fine.h"
#include "segment/format_2.h"
#include "segment/recent.h"
#include "segment/wait_point.h"

static int	seed;
static pg_prng_state seeds;		/* if the setting is not 0 */

static void
assign_seed(int newval, void *extra)
{
	pg_prng_seed(&seeds, (uint64) newval);
}

void
directory_init(void)
{
	DefineCustomIntVariable(
		"vector.seed",
		"Makes the random choices in the indexes that this session creates repeatable.",
		"Those of each index follow from this number and from how many the session created since "
		"it was set.  0 makes them different each time.  For tests.",
		&seed, 0, 0, INT_MAX, PGC_USERSET, 0, NULL, assign_seed, NULL);
}

uint64
directory_seed(void)
{
	return (uint64) seed;
}

void
directory_create(Relation index, ForkNumber fork, const DirectoryOptions *options)
{
	Buffer		buffer = ReadBufferExtended(index, fork, P_NEW, RBM_NORMAL, NULL);
	Directory  *directory;
	Page		page;

	Assert(BufferGetBlockNumber(buffer) == DIRECTORY_BLOCK);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	START_CRIT_SECTION();
	page = BufferGetPage(buffer);
	extent_init_page(page, 0, 0, BLOCK_DIRECTORY);
	directory = BlockGetDirectory(page);
	directory->magic = SEGMENT_MAGIC;
	directory->version = SEGMENT_VERSION;
	directory->element = options->element;
	directory->metric = options->metric;
	directory->storage = options->storage;
	directory->dims = options->dims;
	directory->features = options->features;
	directory->m = options->m;
	directory->ef_construction = options->ef_construction;
	directory->max_alpha = options->max_alpha;
	directory->method = options->method;
	directory->quantizer = options->quantizer;
	directory->bits = options->bits;
	directory->lists = options->lists;
	directory->pq_m = options->pq_m;
	directory->k1 = options->k1;
	directory->b = options->b;
	memcpy(directory->digest, options->digest, sizeof(directory->digest));
	directory->next_uid = 1;
	directory->seed = pg_prng_uint64(seed != 0 ? &seeds : &pg_global_prng_state);
	directory->change = 1;
	MarkBufferDirty(buffer);
	if (RelationNeedsWAL(index) || fork == INIT_FORKNUM)
		log_newpage_buffer(buffer, true);
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
}

static bool
is_known_version(const Directory *directory)
{
	return directory->version >= SEGMENT_OLDEST_VERSION && directory->version <= SEGMENT_VERSION;
}

/* Zero in version 2, which had no features. */
static uint32
unknown_features(const Directory *directory)
{
	return directory->features & ~SEGMENT_FEATURES;
}

bool
directory_is_readable(Relation index)
{
	Buffer		buffer;
	Page		page;
	const Directory *directory;
	bool		readable;

	if (RelationGetNumberOfBlocks(index) == 0)
		return false;
	buffer = ReadBuffer(index, DIRECTORY_BLOCK);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	directory = BlockGetDirectory(page);
	readable = !PageIsNew(page) && directory->magic == SEGMENT_MAGIC &&
		is_known_version(directory) && unknown_features(directory) == 0;
	UnlockReleaseBuffer(buffer);
	return readable;
}

/* Raises an error that says what to do, unless a page is a directory that this library reads. */
static void
check_format(Relation index, Page page)
{
	const Directory *directory = BlockGetDirectory(page);

	if (PageIsNew(page) || directory->magic != SEGMENT_MAGIC)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" is not in the format of this version of the extension",
						RelationGetRelationName(index)),
				 errhint("Build it again with REINDEX INDEX.")));
	if (!is_known_version(directory))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" has format version %u, this library knows %d to %d",
						RelationGetRelationName(index), directory->version,
						SEGMENT_OLDEST_VERSION, SEGMENT_VERSION),
				 errhint("Use the library that made it, or build it again with REINDEX INDEX.")));
	if (unknown_features(directory) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" has features that this library does not know",
						RelationGetRelationName(index)),
				 errdetail("Their bits are 0x%x.", unknown_features(directory)),
				 errhint("Use the library that made it, or build it again with REINDEX INDEX.")));
	Assert(BlockGetHeader(page)->kind == BLOCK_DIRECTORY);
	if (unlikely(directory->count > DIRECTORY_MAX_ENTRIES))
		sealed_damaged(index, "The directory has %u entries.", directory->count);
}

Buffer
directory_lock(Relation index, int lock)
{
	Buffer		buffer;

	/* block 0 is locked before any other block */
	AssertNoContentLock();
	buffer = recent_pin(index, DIRECTORY_BLOCK, false);
	LockBuffer(buffer, lock);
	check_format(index, BufferGetPage(buffer));
	return buffer;
}

/* Converts a copy of block 0's directory, or one that is about to be changed, to this version. */
static void
convert(Directory *directory)
{
	if (directory->version == 2)
		directory_convert_2(directory);
	Assert(directory->version == SEGMENT_VERSION);
}

/* Copies a page's directory into memory of BLCKSZ bytes, converted to this version. */
static void
copy_directory(Directory *copy, const Directory *directory)
{
	/* entries of version 2 have the same size, and begin earlier */
	memcpy(copy, directory,
		   offsetof(Directory, entries) + directory->count * sizeof(SegmentEntry));
	convert(copy);
}

/*
 * Checks what a directory says, in memory, where all have the newest form.  Extents of segments
 * that are needed are within the file; one that is reserved or retired may be after its end.
 */
static void
check_directory(Relation index, const Directory *directory)
{
	BlockNumber length = RelationGetNumberOfBlocks(index);

	if (directory->element > SPACE_WORDS || directory->metric > SPACE_JACCARD ||
		!method_is_of_index(directory->method) || directory->storage > STORAGE_NONE ||
		directory->quantizer > QUANTIZER_PQ || directory->bits > FINE_MAX_BITS)
		sealed_damaged(index, "The directory has wrong parameters.");
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (entry->kind < SEGMENT_GROWING || entry->kind > SEGMENT_CURVES ||
			entry->method >= SEGMENT_METHODS || entry->where > EXTENT_STORED ||
			entry->version < SEGMENT_OLDEST_VERSION || entry->version > SEGMENT_VERSION)
			sealed_damaged(index, "Segment %u is said to be of kind %u and method %u, in version "
						   "%u of the format, and at place %u.", entry->uid, entry->kind,
						   entry->method, entry->version, entry->where);
		if (entry->first == DIRECTORY_BLOCK || entry->blocks == 0 ||
			entry->blocks > MaxBlockNumber - Min(entry->first, MaxBlockNumber) ||
			(segment_is_needed(entry) && entry->first + entry->blocks > length))
			sealed_damaged(index, "Segment %u is not within the file.", entry->uid);
	}
}

bool
directory_refresh(Relation index, Directory *copy)
{
	Buffer		buffer = directory_lock(index, BUFFER_LOCK_SHARE);
	const Directory *directory = BlockGetDirectory(BufferGetPage(buffer));
	bool		changed = directory->change != copy->change || directory->seed != copy->seed;

	if (changed)
		copy_directory(copy, directory);
	UnlockReleaseBuffer(buffer);
	if (changed)
		check_directory(index, copy);
	return changed;
}

Directory *
directory_read(Relation index)
{
	Directory  *copy = palloc0(BLCKSZ);

	directory_refresh(index, copy);
	return copy;
}

Directory *
directory_hold(Relation index)
{
	claim_index_wait(index, CLAIM_REUSE, ShareLock);
	return directory_read(index);
}

void
directory_let_go(Relation index, Directory *directory)
{
	pfree(directory);
	claim_index_release(index, CLAIM_REUSE, ShareLock);
}

const SegmentEntry *
directory_find(const Directory *directory, uint32 uid)
{
	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].uid == uid)
			return &directory->entries[i];
	return NULL;
}

const SegmentEntry *
directory_newest(const Directory *directory, SegmentKind kind)
{
	const SegmentEntry *found = NULL;

	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == kind &&
			(found == NULL || directory->entries[i].uid > found->uid))
			found = &directory->entries[i];
	return found;
}

double
directory_rows(const Directory *directory, SegmentKind kind)
{
	double		rows = 0;

	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == kind)
			rows += directory->entries[i].rows;
	return rows;
}

bool
directory_has(const Directory *directory, const SegmentEntry *entry)
{
	const SegmentEntry *now = directory_find(directory, entry->uid);

	return now != NULL && now->kind == entry->kind && now->first == entry->first;
}

Buffer
directory_lock_if_live(Relation index, const SegmentEntry *entry)
{
	Buffer		buffer = directory_lock(index, BUFFER_LOCK_SHARE);
	PGAlignedBlock copy;

	copy_directory((Directory *) copy.data, BlockGetDirectory(BufferGetPage(buffer)));
	if (directory_has((Directory *) copy.data, entry))
		return buffer;
	UnlockReleaseBuffer(buffer);
	return InvalidBuffer;
}

/*
 * Exclusive access to block 0, for a change that is logged as one record.  The first change of a
 * directory of an older version also converts it, in the same record.
 */
typedef struct DirectoryChange
{
	Buffer		buffer;
	GenericXLogState *state;
	Directory  *directory;
} DirectoryChange;

static void
begin_change(Relation index, DirectoryChange *change)
{
	Page		page;

	change->buffer = directory_lock(index, BUFFER_LOCK_EXCLUSIVE);
	change->state = GenericXLogStart(index);
	page = GenericXLogRegisterBuffer(change->state, change->buffer, 0);
	change->directory = BlockGetDirectory(page);
	convert(change->directory);
	BlockGetHeader(page)->version = SEGMENT_VERSION;
}

/*
 * Invariants of every version of a directory: see README.md. Extents are disjoint and follow block
 * 0.
 */
static void
assert_sound(const Directory *directory)
{
#ifdef USE_ASSERT_CHECKING
	Assert(directory->count <= DIRECTORY_MAX_ENTRIES);
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *a = &directory->entries[i];

		Assert(a->uid > 0 && a->uid < directory->next_uid);
		Assert(a->kind >= SEGMENT_GROWING && a->kind <= SEGMENT_CURVES);
		Assert(a->method < SEGMENT_METHODS && a->where <= EXTENT_STORED);
		Assert(a->version >= SEGMENT_OLDEST_VERSION && a->version <= SEGMENT_VERSION);
		Assert(a->first > DIRECTORY_BLOCK && a->blocks > 0);
		for (uint32 k = 0; k < i; k++)
		{
			const SegmentEntry *b = &directory->entries[k];

			Assert(a->uid != b->uid);
			Assert(a->first >= b->first + b->blocks || b->first >= a->first + a->blocks);
		}
	}
#endif
}

/*
 * A library that does not know a kind of extents must not use the index while there is one, and one
 * that does not know packed lists must not use an index of words.
 */
static void
set_features(Directory *directory)
{
	directory->features &= ~(FEATURE_STORED | FEATURE_CURVES);
	if (directory->element == SPACE_WORDS)
		directory->features |= FEATURE_PACKED;
	for (uint32 i = 0; i < directory->count; i++)
	{
		if (directory->entries[i].where == EXTENT_STORED)
			directory->features |= FEATURE_STORED;
		if (directory->entries[i].kind == SEGMENT_CURVES)
			directory->features |= FEATURE_CURVES;
	}
}

static void
end_change(DirectoryChange *change)
{
	change->directory->change++;
	set_features(change->directory);
	assert_sound(change->directory);
	GenericXLogFinish(change->state);
	UnlockReleaseBuffer(change->buffer);
}

static void
abort_change(DirectoryChange *change)
{
	GenericXLogAbort(change->state);
	UnlockReleaseBuffer(change->buffer);
}

static void
remove_entry(Directory *directory, uint32 i)
{
	directory->count--;
	memmove(directory->entries + i, directory->entries + i + 1,
			(directory->count - i) * sizeof(SegmentEntry));
	memset(directory->entries + directory->count, 0, sizeof(SegmentEntry));
}

/*
 * Tells standbys that blocks which snapshots up to the stamp may read are about to be rewritten.
 * Redo of this record touches no page; it raises PostgreSQL's snapshot conflict, as for a recycled
 * page of a B-tree.
 */
static void
log_reuse(Relation index, Relation heap, const SegmentEntry *entry)
{
	xl_btree_reuse_page record;

	if (!RelationNeedsWAL(index) || !XLogStandbyInfoActive())
		return;
	memset(&record, 0, sizeof(record));
	record.block = entry->first;
#if PG_VERSION_NUM >= 160000
	record.locator = index->rd_locator;
	record.snapshotConflictHorizon = entry->stamp;
	record.isCatalogRel = heap != NULL && RelationIsAccessibleInLogicalDecoding(heap);
#else
	record.node = index->rd_node;
	record.latestRemovedFullXid = entry->stamp;
#endif
	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfBtreeReusePage);
	XLogInsert(RM_BTREE_ID, XLOG_BTREE_REUSE_PAGE);
}

static bool
any_retired(const Directory *directory)
{
	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == SEGMENT_RETIRED)
			return true;
	return false;
}

/*
 * Removes entries of extents that no snapshot can need; the caller ends the change.
 * GlobalVisCheckRemovableFullXid remembers the horizon of this process's last snapshot.  A worker
 * has none, so the horizon is computed here.
 */
static void
expire_retired(Relation index, Relation heap, Directory *directory)
{
	bool		locked = false;

	if (any_retired(directory))
		(void) GetOldestNonRemovableTransactionId(heap);

	for (uint32 i = 0; i < directory->count;)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (entry->kind != SEGMENT_RETIRED ||
			!GlobalVisCheckRemovableFullXid(heap, entry->stamp))
		{
			i++;
			continue;
		}
		/* the snapshot of a VACUUM that reads the extents does not hold back the horizon */
		if (!locked && !claim_index_try(index, CLAIM_REUSE, ExclusiveLock))
			return;
		locked = true;
		log_reuse(index, heap, entry);
		remove_entry(directory, i);
	}
	if (locked)
		claim_index_release(index, CLAIM_REUSE, ExclusiveLock);
}

BlockNumber
directory_end(const Directory *directory)
{
	SegmentEntry *sorted = gaps_sort(directory->entries, directory->count);
	BlockNumber end = gaps_end(sorted, directory->count);

	pfree(sorted);
	return end;
}

/* The place for an extent that will be of this kind: in a gap, or at the end. */
static BlockNumber
find_room(const Directory *directory, SegmentKind kind, uint32 blocks)
{
	SegmentEntry *sorted = gaps_sort(directory->entries, directory->count);
	BlockNumber room = kind == SEGMENT_SEALED ?
		gaps_find_upper(sorted, directory->count, blocks) :
		gaps_find(sorted, directory->count, blocks);

	if (room == InvalidBlockNumber)
		room = gaps_end(sorted, directory->count);
	pfree(sorted);
	if (blocks > MaxBlockNumber - room)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("index is too large")));
	return room;
}

/* Removes entries of reservations whose builders are gone. */
static void
expire_reserved(Relation index, Directory *directory)
{
	for (uint32 i = directory->count; i-- > 0;)
	{
		Extent		extent = extent_of(index, &directory->entries[i]);

		if (directory->entries[i].kind == SEGMENT_RESERVED && !claim_is_mine(extent) &&
			claim_try(extent, ExclusiveLock))
		{
			remove_entry(directory, i);
			claim_release(extent, ExclusiveLock);
		}
	}
}

/* Whether the blocks of a place are all free. */
static bool
is_gap(const Directory *directory, BlockNumber first, uint32 blocks)
{
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (entry->first < first + blocks && first < entry->first + entry->blocks)
			return false;
	}
	return true;
}

/* Reserves an extent at a block, if the place is free; or, if `at` is invalid, where it fits. */
static bool
reserve(Relation index, Relation heap, SegmentKind kind, uint32 blocks, BlockNumber at,
		SegmentEntry *entry)
{
	DirectoryChange change;
	bool		claimed;

	begin_change(index, &change);
	expire_retired(index, heap, change.directory);
	expire_reserved(index, change.directory);
	memset(entry, 0, sizeof(*entry));
	entry->first = at == InvalidBlockNumber ?
		find_room(change.directory, kind, blocks) : at;
	claimed = is_gap(change.directory, entry->first, blocks) &&
		claim_try(extent_of(index, entry), ExclusiveLock);
	if (!claimed && at == InvalidBlockNumber)
	{
		/* another process still has a claim on what was there before */
		entry->first = directory_end(change.directory);
		claimed = claim_try(extent_of(index, entry), ExclusiveLock);
	}
	if (!claimed || change.directory->count == DIRECTORY_MAX_ENTRIES)
	{
		if (claimed)
			claim_release(extent_of(index, entry), ExclusiveLock);
		abort_change(&change);
		return false;
	}
	if ((uint64) entry->first + blocks > MaxBlockNumber)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("index is too large"),
				 errhint("Partition the table.")));
	entry->uid = change.directory->next_uid++;
	entry->kind = SEGMENT_RESERVED;
	entry->method = change.directory->method;
	entry->version = SEGMENT_VERSION;
	entry->blocks = blocks;
	entry->created = GetCurrentTimestamp();
	change.directory->entries[change.directory->count++] = *entry;
	end_change(&change);
	extent_extend_file(index, entry->first + entry->blocks);
	return true;
}

bool
directory_reserve(Relation index, Relation heap, SegmentKind kind, uint32 blocks,
				  SegmentEntry *entry)
{
	return reserve(index, heap, kind, blocks, InvalidBlockNumber, entry);
}

bool
directory_reserve_at(Relation index, uint32 blocks, BlockNumber at, SegmentEntry *entry)
{
	return reserve(index, NULL, SEGMENT_SEALED, blocks, at, entry);
}

DirectoryRoom
directory_find_move(Relation index, uint32 blocks, SegmentEntry *move, BlockNumber *to)
{
	DirectoryChange change;
	DirectoryRoom room = ROOM_BY_MOVE;
	SegmentEntry *sorted;
	uint32		count;

	begin_change(index, &change);
	count = change.directory->count;
	expire_retired(index, NULL, change.directory);
	expire_reserved(index, change.directory);
	sorted = gaps_sort(change.directory->entries, change.directory->count);
	if (gaps_have_room(sorted, change.directory->count, blocks))
		room = ROOM_AS_IT_IS;
	else if (any_retired(change.directory))
		room = ROOM_LATER;
	if (change.directory->count < count)
	{
		count = change.directory->count;
		end_change(&change);
	}
	else
		abort_change(&change);
	if (room == ROOM_BY_MOVE && !gaps_find_move(sorted, count, blocks, move, to))
		room = ROOM_AS_IT_IS;
	pfree(sorted);
	return room;
}

/*
 * Merges adjacent retired extents, and the gaps between them, into one extent if entries are
 * getting scarce, because a long transaction may hold back all of them.  The later of two stamps
 * is kept.  After that there is at most one retired extent more than there are others.
 */
static void
merge_retired(Directory *directory)
{
	SegmentEntry *sorted;
	uint32		kept = 0;

	if (directory->count < DIRECTORY_MAX_ENTRIES / 2)
		return;
	sorted = gaps_sort(directory->entries, directory->count);
	for (uint32 i = 0; i < directory->count; i++)
	{
		SegmentEntry *last = kept > 0 ? &sorted[kept - 1] : NULL;

		if (last && last->kind == SEGMENT_RETIRED && sorted[i].kind == SEGMENT_RETIRED)
		{
			last->blocks = sorted[i].first + sorted[i].blocks - last->first;
			if (FullTransactionIdPrecedes(last->stamp, sorted[i].stamp))
				last->stamp = sorted[i].stamp;
		}
		else
			sorted[kept++] = sorted[i];
	}
	qsort(sorted, kept, sizeof(SegmentEntry), segment_compare_age);
	memset(directory->entries, 0, sizeof(SegmentEntry) * directory->count);
	memcpy(directory->entries, sorted, sizeof(SegmentEntry) * kept);
	directory->count = kept;
	pfree(sorted);
}

/* The entry of a segment that is in the directory. */
static SegmentEntry *
find_entry(Directory *directory, uint32 uid)
{
	SegmentEntry *entry = (SegmentEntry *) directory_find(directory, uid);

	if (entry == NULL)
		elog(ERROR, "segment %u is not in the directory", uid);
	return entry;
}

/* Makes a reserved extent a segment of a kind. */
static void
publish(Relation index, Directory *directory, const SegmentEntry *entry, SegmentKind kind)
{
	SegmentEntry *published = find_entry(directory, entry->uid);

	Assert(published->kind == SEGMENT_RESERVED && claim_is_mine(extent_of(index, entry)));
	*published = *entry;
	published->kind = kind;
}

void
directory_publish(Relation index, const SegmentEntry *entry, SegmentKind kind)
{
	DirectoryChange change;

	begin_change(index, &change);
	publish(index, change.directory, entry, kind);
	end_change(&change);
}

/* Makes entries of a directory those of retired segments. */
static void
retire(Relation index, Directory *directory, const SegmentSet *inputs)
{
	for (int i = 0; i < inputs->count; i++)
	{
		SegmentEntry *entry = find_entry(directory, inputs->entries[i].uid);

		Assert(segment_is_needed(entry) && claim_is_mine(extent_of(index, entry)));
		entry->kind = SEGMENT_RETIRED;
		entry->stamp = ReadNextFullTransactionId();
	}
}

void
directory_replace(Relation index, const SegmentSet *outputs, const SegmentSet *inputs,
				  void (*before_flip) (void *arg), void *arg)
{
	DirectoryChange change;

	begin_change(index, &change);
	before_flip(arg);
	retire(index, change.directory, inputs);
	for (int i = 0; i < outputs->count; i++)
		publish(index, change.directory, &outputs->entries[i], SEGMENT_SEALED);
	merge_retired(change.directory);
	end_change(&change);
}

void
directory_retire(Relation index, const SegmentSet *inputs)
{
	DirectoryChange change;

	begin_change(index, &change);
	retire(index, change.directory, inputs);
	merge_retired(change.directory);
	end_change(&change);
}

/* Whether the directory, as it is now, has an extent that it had. */
static bool
is_there(Relation index, const SegmentEntry *entry)
{
	Directory  *directory = directory_read(index);
	bool		is = directory_has(directory, entry);

	pfree(directory);
	return is;
}

void
directory_retire_older(Relation index, SegmentKind kind,
					   bool (*is_named) (Relation index, uint32 uid))
{
	Directory  *directory = directory_read(index);
	const SegmentEntry *newest = directory_newest(directory, kind);

	WAIT_POINT("retire");
	for (uint32 i = 0; i < directory->count; i++)
	{
		SegmentEntry *entry = &directory->entries[i];
		Extent		extent = extent_of(index, entry);

		if (entry->kind != kind || entry == newest || !claim_try(extent, ExclusiveLock))
			continue;
		/* another process may have retired it before the claim */
		if (is_there(index, entry) && (is_named == NULL || !is_named(index, entry->uid)))
			directory_retire(index, &(SegmentSet) {entry, 1});
		claim_release(extent, ExclusiveLock);
	}
	pfree(directory);
}

void
directory_move(Relation index, const SegmentEntry *entry, BlockNumber to)
{
	DirectoryChange change;

	begin_change(index, &change);
	find_entry(change.directory, entry->uid)->first = to;
	end_change(&change);
}

void
directory_drop_unneeded(Relation index)
{
	DirectoryChange change;

	begin_change(index, &change);
	for (uint32 i = change.directory->count; i-- > 0;)
		if (!segment_is_needed(&change.directory->entries[i]))
			remove_entry(change.directory, i);
	end_change(&change);
}
