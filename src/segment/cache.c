/*
 * cache.c - a table of indexes; those that were used last are kept, as many as the memory is for
 */
#include "segment/cache.h"

#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "segment/method.h"

/* Of a growing segment. */
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
	bool		dropped;		/* goes with its last user */
	dlist_node	idle;			/* of idle_indexes, if nobody holds it */
	MemoryContext context;		/* of this and its parts */
	Size		size;			/* of the context, as it counts in cached_size */
	CachedSegment *segments;
	CachedCentroids *centroids;
	CachedMean *means;
	Space		space;
	Directory  *directory;
	uint32		room;			/* entries of the directory */
};

typedef struct IndexPlace
{
	Oid			relid;
	CachedIndex *cached;
} IndexPlace;

static HTAB *indexes;
static dlist_head idle_indexes = DLIST_STATIC_INIT(idle_indexes);	/* the last used comes first */
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
 * An index has grown: counts its memory, and forgets others that nobody holds where all are too
 * much.
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

/* Has a function called when the current memory context goes, also by an error. */
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
release_centroids(CachedCentroids *centroids)
{
	if (--centroids->users == 0 && centroids->dropped)
		MemoryContextDelete(centroids->context);
}

static void
drop_centroids(CachedCentroids *centroids)
{
	centroids->dropped = true;
	if (centroids->users == 0)
		MemoryContextDelete(centroids->context);
}

static void
free_segment(CachedSegment *segment)
{
	if (segment->centroids)
		release_centroids(segment->centroids);
	MemoryContextDelete(segment->context);
}

static void
drop_segment(CachedSegment *segment)
{
	segment->dropped = true;
	if (segment->users == 0)
		free_segment(segment);
}

/* Forgets segments that the directory does not have any more, or has elsewhere. */
static void
sweep_segments(CachedIndex *cached)
{
	const Directory *directory = cached->directory;

	for (CachedSegment **link = &cached->segments; *link;)
	{
		CachedSegment *segment = *link;
		const SegmentEntry *entry = directory_find(directory, segment->uid);

		if (entry != NULL && entry->kind == SEGMENT_SEALED && entry->first == segment->first)
			link = &segment->next;
		else
		{
			*link = segment->next;
			drop_segment(segment);
		}
	}
	for (CachedCentroids **link = &cached->centroids; *link;)
	{
		CachedCentroids *centroids = *link;
		const SegmentEntry *entry = directory_find(directory, centroids->uid);

		if (entry != NULL && entry->kind == SEGMENT_CENTROIDS && entry->first == centroids->first)
			link = &centroids->next;
		else
		{
			*link = centroids->next;
			drop_centroids(centroids);
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

/* Takes over a directory. */
static void
copy_directory(CachedIndex *cached, const Directory *directory)
{
	Size		size = offsetof(Directory, entries) + directory->count * sizeof(SegmentEntry);

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

static CachedIndex *
make_index(Relation index, const Directory *directory)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector index",
												  ALLOCSET_START_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CachedIndex *cached = palloc0(sizeof(CachedIndex));

	cached->context = context;
	cached->relid = RelationGetRelid(index);
	cached->file = RelationGetFile(index);
	copy_directory(cached, directory);
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
		/* an index that TRUNCATE made anew in its file has another rotation */
		if (cached && cached->directory->seed != directory->seed)
		{
			drop_index(cached);
			cached = NULL;
		}
		if (cached == NULL)
			return make_index(index, directory);
		copy_directory(cached, directory);
		sweep_segments(cached);
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

const Space *
cache_space(const CachedIndex *cached)
{
	return &cached->space;
}

void
cache_open_points(const CachedCentroids *centroids, Relation index, CentroidPoints *points)
{
	if (centroids->copy.points == NULL)
		centroid_points_open(points, index, centroids->first, centroids->uid,
							 &centroids->header);
	else
		*points = (CentroidPoints) {
			.base = cluster_points(&centroids->copy), .block = InvalidBlockNumber
		};
}

/* Reads the centroids, and what is to be known of all of them. */
static void
read_centroids(const Space *space, Relation index, const SegmentEntry *entry,
			   CachedCentroids *centroids)
{
	const CentroidsHeader *header = &centroids->header;
	Size		size = sizeof(float) * header->lists * header->width;
	CentroidPoints points;
	float	   *mean = palloc(sizeof(float) * header->width);

	centroids->half_norms = palloc(sizeof(float) * header->lists);
	if (header->lists <= CLUSTER_CODED_MIN && size <= CACHE_MAX_COPY)
	{
		float	   *copy = palloc(size);

		extent_read(index, entry->first + header->centroids, entry->uid, 0, copy, size);
		centroids->copy = (ClusterCentroids) {
			copy, centroids->half_norms, header->lists, header->width
		};
	}
	cache_open_points(centroids, index, &points);
	cluster_measure(&points.base, mean, centroids->half_norms);
	if (centroids->copy.points == NULL)
	{
		centroids->codes = palloc(sizeof(ClusterCodes));
		cluster_codes_init(centroids->codes, &points.base, mean, centroids->half_norms,
						   palloc_extended(cluster_codes_size(&points.base),
										   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
	}
	centroid_points_close(&points);

	/*
	 * Queries less the mean are what tables of look-ups are made for, whose rounding is of the
	 * order of what they are made for.  Not for inner products, which a shift changes.
	 */
	if (space->coded && space->metric != SPACE_IP)
		centroids->mean = mean;
	else
		pfree(mean);
}

static CachedCentroids *
load_centroids(CachedIndex *cached, Relation index, const SegmentEntry *entry)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector centroids",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CachedCentroids *centroids = palloc0(sizeof(CachedCentroids));
	CentroidsHeader *header = &centroids->header;

	centroids->index = cached;
	centroids->context = context;
	centroids->uid = entry->uid;
	centroids->first = entry->first;
	extent_read(index, entry->first, entry->uid, 0, header, sizeof(*header));
	read_centroids(&cached->space, index, entry, centroids);
	if (header->codebook_size > 0)
	{
		centroids->codebooks = palloc(header->codebook_size);
		extent_read(index, entry->first + header->codebooks, entry->uid, 0,
					centroids->codebooks, header->codebook_size);
	}
	MemoryContextSwitchTo(old);
	return centroids;
}

static CachedCentroids *
find_centroids(CachedIndex *cached, Relation index, uint32 uid)
{
	CachedCentroids *centroids = cached->centroids;

	while (centroids && centroids->uid != uid)
		centroids = centroids->next;
	if (centroids == NULL)
	{
		const SegmentEntry *entry = directory_find(cached->directory, uid);

		if (entry == NULL || entry->kind != SEGMENT_CENTROIDS)
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" does not have the centroids %u",
							RelationGetRelationName(index), uid),
					 errhint("Please REINDEX it.")));
		centroids = load_centroids(cached, index, entry);
		MemoryContextSetParent(centroids->context, cached->context);
		centroids->next = cached->centroids;
		cached->centroids = centroids;
		count_size(cached);
	}
	return centroids;
}

static void
unguard_centroids(void *arg)
{
	CachedCentroids *centroids = arg;
	CachedIndex *cached = centroids->index;

	release_centroids(centroids);
	unhold(cached);
}

CachedCentroids *
cache_acquire_centroids(CachedIndex *cached, Relation index, uint32 uid)
{
	CachedCentroids *centroids = find_centroids(cached, index, uid);

	guard(unguard_centroids, centroids);
	centroids->users++;
	hold(cached);
	return centroids;
}

/* Reads what a segment of lists has beside a graph's. */
static void
load_lists(CachedIndex *cached, Relation index, const SegmentEntry *entry, CachedSegment *segment)
{
	const SealedLists *lists = &segment->header.lists;

	if (lists->centroids == 0)
		return;
	segment->lists = MemoryContextAllocHuge(segment->context, sizeof(SealedList) * lists->count);
	extent_read(index, entry->first + lists->list, entry->uid, 0, segment->lists,
				sizeof(SealedList) * lists->count);
	segment->centroids = find_centroids(cached, index, lists->centroids);
	segment->centroids->users++;
}

static CachedSegment *
load_segment(CachedIndex *cached, Relation index, const SegmentEntry *entry)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector segment",
												  ALLOCSET_START_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CachedSegment *segment = palloc0(sizeof(CachedSegment));

	segment->index = cached;
	segment->context = context;
	segment->uid = entry->uid;
	segment->first = entry->first;
	extent_read(index, entry->first, entry->uid, 0, &segment->header, sizeof(SealedHeader));
	if (segment->header.padded > 0)
	{
		segment->mean = palloc(sizeof(float) * segment->header.padded);
		extent_read(index, entry->first + segment->header.mean, entry->uid, 0, segment->mean,
					sizeof(float) * segment->header.padded);
	}
	if (segment->header.entry_count > 0)
	{
		GraphEntries *entries = &segment->entries;
		Size		size;

		entries->count = segment->header.entry_count;
		entries->dims = graph_entries_dims(segment->header.padded);
		size = graph_entries_size(entries->count, entries->dims);
		entries->groups = palloc(size);
		extent_read(index, entry->first + segment->header.entries, entry->uid, 0,
					entries->groups, size);
	}
	MemoryContextSwitchTo(old);
	load_lists(cached, index, entry, segment);
	return segment;
}

/* Reads the tombstones again if there are more of them. */
static void
refresh_tombstones(Relation index, CachedSegment *segment)
{
	BlockNumber block = segment->first + segment->header.tombstones;
	TombstoneHeader header;

	extent_read(index, block, segment->uid, 0, &header, sizeof(header));
	if (header.dead == segment->dead)
		return;
	if (segment->tombstones == NULL)
	{
		segment->tombstones = MemoryContextAllocHuge(segment->context,
													 segment->header.rows / 8 + 1);
		count_size(segment->index);
	}
	extent_read(index, block, segment->uid, sizeof(header), segment->tombstones,
				segment->header.rows / 8 + 1);
	segment->dead = header.dead;
}

static void
unguard_segment(void *arg)
{
	CachedSegment *segment = arg;
	CachedIndex *cached = segment->index;

	if (--segment->users == 0 && segment->dropped)
		free_segment(segment);
	unhold(cached);
}

CachedSegment *
cache_acquire(CachedIndex *cached, Relation index, const SegmentEntry *entry)
{
	CachedSegment *segment = cached->segments;

	while (segment && segment->uid != entry->uid)
		segment = segment->next;
	if (segment == NULL)
	{
		segment = load_segment(cached, index, entry);
		MemoryContextSetParent(segment->context, cached->context);
		segment->next = cached->segments;
		cached->segments = segment;
		count_size(cached);
	}
	refresh_tombstones(index, segment);
	guard(unguard_segment, segment);
	segment->users++;
	hold(cached);
	return segment;
}

/* A mean of a segment, in the current context. */
static float *
read_mean(const CachedIndex *cached, Relation index, const SegmentEntry *entry, BlockNumber place)
{
	uint32		padded = rotation_padded(cached->space.dims);
	float	   *mean = palloc(sizeof(float) * padded);

	extent_read(index, entry->first + place, entry->uid, 0, mean, sizeof(float) * padded);
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
	extent_read(index, entry->first, entry->uid, 0, &header, sizeof(header));
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
	extent_read(index, largest->first, largest->uid, 0, &header, sizeof(header));
	return read_mean(cached, index, largest, header.mean);
}
