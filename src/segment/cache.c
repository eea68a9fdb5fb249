/*
 * cache.c - a table of indexes; the most recently used are kept, as far as the memory allows
 */
#include "segment/cache.h"

#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "attribute/bits.h"
#include "segment/block_reader.h"
#include "segment/method.h"
#include "segment/manifest.h"
#include "segment/places.h"

/* The mean of a growing segment. */
typedef struct CachedMean
{
	struct CachedMean *next;
	uint32		uid;
	float	   *mean;			/* or NULL */
} CachedMean;

struct CachedIndex
{
	Oid			relid;
	Oid			file;			/* number of the relation's file */
	int			users;			/* that hold it, or a part of it */
	bool		dropped;		/* to be freed by its last user */
	dlist_node	idle;			/* in idle_indexes, if nothing holds it */
	MemoryContext context;		/* of this and its parts */
	Size		size;			/* of the context, as counted in cached_size */
	CachedPart *parts;
	CachedMean *means;
	Space		space;
	Directory  *directory;
	uint32		room;			/* entries of the directory */
	float		found_times;	/* see cache_found_times */
};

typedef struct IndexPlace
{
	Oid			relid;
	CachedIndex *cached;
} IndexPlace;

static HTAB *indexes;
static dlist_head idle_indexes = DLIST_STATIC_INIT(idle_indexes);	/* most recently used first */
static Size cached_size;

static void
drop_index(CachedIndex *cached)
{
	hash_search(indexes, &cached->relid, HASH_REMOVE, NULL);
	cached->dropped = true;
	cached_size -= cached->size;
	cached->size = 0;
	if (cached->users > 0)
		return;
	dlist_delete(&cached->idle);
	MemoryContextDelete(cached->context);
}

/*
 * Counts the memory of an index that has grown, and drops others that nothing holds if all together
 * take too much.
 */
static void
count_size(CachedIndex *cached)
{
	Size		size = MemoryContextMemAllocated(cached->context, true);

	if (cached->dropped)
		return;
	cached_size += size - cached->size;
	cached->size = size;
	while (cached_size > CACHE_SIZE && !dlist_is_empty(&idle_indexes))
	{
		CachedIndex *last = dlist_tail_element(CachedIndex, idle, &idle_indexes);

		if (last == cached)
			break;
		drop_index(last);
	}
}

static void
unhold(CachedIndex *cached)
{
	if (--cached->users > 0)
		return;
	if (cached->dropped)
		MemoryContextDelete(cached->context);
	else
		dlist_push_head(&idle_indexes, &cached->idle);
}

static void
unguard_index(void *cached)
{
	unhold(cached);
}

/* Has a function called when the current memory context is deleted, also by an error. */
static void
guard(MemoryContextCallbackFunction release, void *arg)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	callback->func = release;
	callback->arg = arg;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
}

static void
hold(CachedIndex *cached)
{
	if (cached->users++ == 0)
		dlist_delete(&cached->idle);
}

void
cache_hold(CachedIndex *cached)
{
	guard(unguard_index, cached);
	hold(cached);
}

static CachedIndex *
find_index(Relation index)
{
	Oid			relid = RelationGetRelid(index);
	IndexPlace *place;

	if (indexes == NULL)
		return NULL;
	place = hash_search(indexes, &relid, HASH_FIND, NULL);
	return place ? place->cached : NULL;
}

bool
cache_has(Relation index)
{
	CachedIndex *cached = find_index(index);

	return cached != NULL && cached->file == RelationGetFile(index);
}

static void
free_part(CachedPart *part)
{
	if (part->kind->unload)
		part->kind->unload(part);
	MemoryContextDelete(part->context);
}

void
cache_release_part(CachedPart *part)
{
	if (--part->users == 0 && part->dropped)
		free_part(part);
}

/* Drops segments that the directory no longer has, or has at another place. */
static void
sweep_parts(CachedIndex *cached)
{
	const Directory *directory = cached->directory;

	for (CachedPart **link = &cached->parts; *link;)
	{
		CachedPart *part = *link;
		const SegmentEntry *entry = directory_find(directory, part->uid);

		if (entry != NULL && entry->kind == part->kind->kind && entry->first == part->first &&
			entry->blocks == part->blocks && entry->where == part->where)
			link = &part->next;
		else
		{
			*link = part->next;
			part->dropped = true;
			if (part->users == 0)
				free_part(part);
		}
	}
	for (CachedMean **link = &cached->means; *link;)
	{
		CachedMean *mean = *link;
		const SegmentEntry *entry = directory_find(directory, mean->uid);

		if (entry != NULL && entry->kind == SEGMENT_GROWING)
		{
			link = &mean->next;
			continue;
		}
		*link = mean->next;
		if (mean->mean)
			pfree(mean->mean);
		pfree(mean);
	}
}

static Size
directory_size(const Directory *directory)
{
	return offsetof(Directory, entries) + directory->count * sizeof(SegmentEntry);
}

/* Replaces the entry's copy of the directory. */
static void
copy_directory(CachedIndex *cached, const Directory *directory)
{
	Size		size = directory_size(directory);

	if (cached->directory == NULL)
		cached->directory = MemoryContextAlloc(cached->context, size);
	else if (directory->count > cached->room)
		cached->directory = repalloc(cached->directory, size);
	cached->room = Max(cached->room, directory->count);
	memcpy(cached->directory, directory, size);
}

static void
add_index(CachedIndex *cached)
{
	IndexPlace *place;

	if (indexes == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(Oid), .entrysize = sizeof(IndexPlace), .hcxt = CacheMemoryContext
		};

		indexes = hash_create("vector indexes", 64, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	place = hash_search(indexes, &cached->relid, HASH_ENTER, NULL);
	place->cached = cached;
	MemoryContextSetParent(cached->context, CacheMemoryContext);
	dlist_push_head(&idle_indexes, &cached->idle);
	count_size(cached);
}

/* Checks that the directory says of what is indexed what the index's column does. */
static void
check_space(Relation index, const Directory *directory)
{
	SpaceElement element;
	SpaceMetric metric;

	space_of_index(index, &element, &metric);
	if (directory->element != element || directory->metric != metric ||
		directory->dims != space_dims_of_index(index, element) ||
		directory->pq_m > (uint32) directory->dims)
		sealed_damaged(index, "The directory has wrong parameters.");
}

static CachedIndex *
make_index(Relation index, const Directory *directory)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector index",
												  ALLOCSET_START_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CachedIndex *cached = palloc0(sizeof(CachedIndex));

	cached->found_times = 1;
	cached->context = context;
	cached->relid = RelationGetRelid(index);
	cached->file = RelationGetFile(index);
	copy_directory(cached, directory);
	check_space(index, directory);
	segment_space(directory, &cached->space);
	space_init_rotation(&cached->space);
	MemoryContextSwitchTo(old);
	add_index(cached);
	return cached;
}

CachedIndex *
cache_index(Relation index)
{
	CachedIndex *cached = find_index(index);
	PGAlignedBlock copy;
	Directory  *directory = (Directory *) copy.data;

	if (cached && cached->file != RelationGetFile(index))
	{
		drop_index(cached);
		cached = NULL;
	}
	directory->change = cached ? cached->directory->change : 0;
	directory->seed = cached ? cached->directory->seed : 0;
	if (directory_refresh(index, directory))
	{
		/* an index that TRUNCATE has made again in the same file has another rotation */
		if (cached && cached->directory->seed != directory->seed)
		{
			drop_index(cached);
			cached = NULL;
		}
		if (cached == NULL)
			return make_index(index, directory);
		copy_directory(cached, directory);
		sweep_parts(cached);
	}
	if (cached->users == 0)
		dlist_move_head(&idle_indexes, &cached->idle);
	return cached;
}

const Directory *
cache_directory(const CachedIndex *cached)
{
	return cached->directory;
}

Directory *
cache_copy_directory(const CachedIndex *cached)
{
	Size		size = directory_size(cached->directory);

	return memcpy(palloc(size), cached->directory, size);
}

const Space *
cache_space(const CachedIndex *cached)
{
	return &cached->space;
}

float *
cache_found_times(CachedIndex *cached)
{
	return &cached->found_times;
}

static CachedPart *
load_part(CachedIndex *cached, Relation index, const SegmentEntry *entry, const CachedKind *kind)
{
	MemoryContext context = AllocSetContextCreateInternal(CurrentMemoryContext, kind->context,
														  ALLOCSET_START_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CachedPart *part = palloc0(kind->size);

	part->index = cached;
	part->context = context;
	part->kind = kind;
	part->uid = entry->uid;
	part->first = entry->first;
	part->blocks = entry->blocks;
	part->where = (ExtentWhere) entry->where;
	kind->load(part, index, entry);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, cached->context);
	part->next = cached->parts;
	cached->parts = part;
	count_size(cached);
	return part;
}

CachedPart *
cache_use_part(CachedIndex *cached, Relation index, const SegmentEntry *entry,
			   const CachedKind *kind)
{
	CachedPart *part = cached->parts;

	while (part && part->uid != entry->uid)
		part = part->next;
	if (part == NULL)
		part = load_part(cached, index, entry, kind);
	part->users++;
	return part;
}

static void
unguard_part(void *arg)
{
	CachedPart *part = arg;
	CachedIndex *cached = part->index;

	cache_release_part(part);
	unhold(cached);
}

CachedPart *
cache_acquire_part(CachedIndex *cached, Relation index, const SegmentEntry *entry,
				   const CachedKind *kind)
{
	CachedPart *part = cache_use_part(cached, index, entry, kind);

	part->users--;
	guard(unguard_part, part);
	part->users++;
	hold(cached);
	return part;
}

static void
unload_segment(CachedPart *part)
{
	CachedSegment *segment = (CachedSegment *) part;

	if (segment->method->unload)
		segment->method->unload(segment);
}

static void
load_segment(CachedPart *part, Relation index, const SegmentEntry *entry)
{
	CachedSegment *segment = (CachedSegment *) part;

	segment->method = segment_method_of(entry);
	if (segment->method == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has a segment of an unknown method",
						RelationGetRelationName(index)),
				 errdetail("Segment %u is of method %u.", entry->uid, entry->method),
				 errhint("Please REINDEX it.")));
	extent_read_header(extent_of(index, entry), BLOCK_SEALED_HEADER, &segment->header,
					   sizeof(SealedHeader));
	sealed_check_header(index, cache_space(part->index), entry, &segment->header);
	if (segment->header.padded > 0)
	{
		segment->mean = palloc(sizeof(float) * segment->header.padded);
		extent_read(extent_of(index, entry), segment->header.mean, 0, segment->mean,
					sizeof(float) * segment->header.padded);
	}
	if (part->where == EXTENT_STORED)
		part->object = stored_load(extent_of(index, entry), &segment->header);
	if (segment->method->load)
		segment->method->load(segment, index);
}

static const CachedKind segment_kind = {
	SEGMENT_SEALED, "vector segment", sizeof(CachedSegment), load_segment, unload_segment
};

/* Adds the tombstones to the rows known to be dead, if any are. */
static void
add_tombstones(CachedSegment *segment)
{
	uint32		rows = segment->header.rows;

	if (segment->known_dead == NULL || segment->tombstones == NULL)
		return;
	for (uint32 byte = 0; byte < (rows + 7) / 8; byte++)
		segment->known_dead[byte] |= segment->tombstones[byte];
	segment->known_count = bits_count(segment->known_dead, rows);
}

void
cache_note_dead(CachedSegment *segment, uint32 row)
{
	if (segment->known_dead == NULL)
	{
		segment->known_dead = MemoryContextAllocExtended(segment->part.context,
														 BITS_BYTES(segment->header.rows),
														 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		add_tombstones(segment);
		count_size(segment->part.index);
	}
	if (bits_has(segment->known_dead, row))
		return;
	bits_set(segment->known_dead, row);
	segment->known_count++;
}

/* Reads the tombstones again if their number has grown. */
static void
refresh_tombstones(Relation index, CachedSegment *segment)
{
	Extent		extent = cached_extent(&segment->part, index);
	BlockNumber place = segment->header.tombstones;
	TombstoneHeader header;
	BlockReader reader;
	BlockToken	token;

	/* the count is one word, so it is read whole beside a change, which is seen now or next time */
	block_reader_begin(&reader, extent);
	header = *(const TombstoneHeader *) block_open(&reader, place, &token);
	block_close(&reader, &token);
	if (header.dead == segment->dead)
		return;
	if (header.dead > segment->header.rows)
		sealed_damaged(index, "Segment %u has %u rows, and counts %u tombstones.",
					   segment->part.uid, segment->header.rows, header.dead);
	if (segment->tombstones == NULL)
	{
		segment->tombstones = MemoryContextAllocHuge(segment->part.context,
													 segment->header.rows / 8 + 1);
		count_size(segment->part.index);
	}
	extent_read(extent, place, sizeof(header), segment->tombstones, segment->header.rows / 8 + 1);
	segment->dead = header.dead;
	add_tombstones(segment);
}

CachedSegment *
cache_acquire(CachedIndex *cached, Relation index, const SegmentEntry *entry)
{
	CachedSegment *segment = (CachedSegment *)
		cache_acquire_part(cached, index, entry, &segment_kind);

	refresh_tombstones(index, segment);
	return segment;
}

void
cache_count(CachedPart *part)
{
	count_size(part->index);
}

/* Reads a mean of a segment into the current memory context. */
static float *
read_mean(const CachedIndex *cached, Relation index, const SegmentEntry *entry, BlockNumber place)
{
	uint32		padded = rotation_padded(cached->space.dims);
	float	   *mean = palloc(sizeof(float) * padded);

	extent_read(extent_of(index, entry), place, 0, mean, sizeof(float) * padded);
	return mean;
}

const float *
cache_growing_mean(CachedIndex *cached, Relation index, const SegmentEntry *entry)
{
	CachedMean *mean = cached->means;
	GrowingHeader header;
	MemoryContext old;

	if (!cached->space.coded)
		return NULL;
	while (mean && mean->uid != entry->uid)
		mean = mean->next;
	if (mean)
		return mean->mean;
	extent_read_header(extent_of(index, entry), BLOCK_GROWING_HEADER, &header, sizeof(header));
	old = MemoryContextSwitchTo(cached->context);
	mean = palloc(sizeof(CachedMean));
	mean->uid = entry->uid;
	mean->mean = header.mean == 0 ? NULL : read_mean(cached, index, entry, header.mean);
	mean->next = cached->means;
	cached->means = mean;
	MemoryContextSwitchTo(old);
	count_size(cached);
	return mean->mean;
}

float *
cache_largest_mean(CachedIndex *cached, Relation index)
{
	const Directory *directory = cache_directory(cached);
	const SegmentEntry *largest = NULL;
	SealedHeader header;

	if (!cached->space.coded || cached->space.metric == SPACE_IP)
		return NULL;
	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == SEGMENT_SEALED &&
			(largest == NULL || directory->entries[i].rows > largest->rows))
			largest = &directory->entries[i];
	if (largest == NULL)
		return NULL;
	extent_read_header(extent_of(index, largest), BLOCK_SEALED_HEADER, &header, sizeof(header));
	/* a flat segment has none */
	if (header.padded == 0)
		return NULL;
	return read_mean(cached, index, largest, header.mean);
}
