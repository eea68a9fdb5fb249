/*
 * cache.c - a small table of indexes, the least recently used of which is forgotten
 */
#include "segment/cache.h"

#include "utils/memutils.h"

#define MAX_INDEXES		32
#define MAX_RECENT		(1 << 22)	/* buffer numbers remembered of a segment */

/* Of a growing segment. */
typedef struct CachedMean
{
	struct CachedMean *next;
	uint32		uid;
	float	   *mean;			/* or NULL */
} CachedMean;

struct CachedIndex
{
	Oid			database;
	Oid			relid;
	Oid			file;			/* number of the relation's file */
	uint64		used;			/* clock of the last use */
	int			users;			/* scans that hold it */
	bool		dropped;		/* goes with its last user */
	MemoryContext context;
	CachedSegment *segments;
	CachedCentroids *centroids;
	CachedMean *means;
	Space		space;
	PGAlignedBlock directory;
};

static CachedIndex *indexes[MAX_INDEXES];
static uint64 clock_now;

static void
drop_centroids(CachedCentroids *centroids)
{
	centroids->dropped = true;
	if (centroids->users == 0)
		MemoryContextDelete(centroids->context);
}

void
cache_release_centroids(CachedCentroids *centroids)
{
	centroids->users--;
	if (centroids->dropped && centroids->users == 0)
		MemoryContextDelete(centroids->context);
}

static void
free_segment(CachedSegment *segment)
{
	if (segment->centroids)
		cache_release_centroids(segment->centroids);
	MemoryContextDelete(segment->context);
}

static void
drop_segment(CachedSegment *segment)
{
	segment->dropped = true;
	if (segment->users == 0)
		free_segment(segment);
}

static void
drop_index(int i)
{
	CachedIndex *cached = indexes[i];

	indexes[i] = NULL;
	for (CachedSegment *segment = cached->segments, *next; segment; segment = next)
	{
		next = segment->next;
		drop_segment(segment);
	}
	cached->segments = NULL;
	for (CachedCentroids *centroids = cached->centroids, *next; centroids; centroids = next)
	{
		next = centroids->next;
		drop_centroids(centroids);
	}
	cached->centroids = NULL;
	cached->dropped = true;
	if (cached->users == 0)
		MemoryContextDelete(cached->context);
}

void
cache_hold(CachedIndex *cached)
{
	cached->users++;
}

void
cache_unhold(CachedIndex *cached)
{
	cached->users--;
	if (cached->dropped && cached->users == 0)
		MemoryContextDelete(cached->context);
}

void
cache_guard(MemoryContextCallbackFunction release, void *arg)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	callback->func = release;
	callback->arg = arg;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
}

static void
release_index(void *cached)
{
	cache_unhold(cached);
}

void
cache_hold_guarded(CachedIndex *cached)
{
	cache_hold(cached);
	cache_guard(release_index, cached);
}

static void
release_centroids(void *centroids)
{
	cache_release_centroids(centroids);
}

void
cache_guard_centroids(CachedCentroids *centroids)
{
	cache_guard(release_centroids, centroids);
}

static Oid
relation_file(Relation index)
{
#if PG_VERSION_NUM >= 160000
	return index->rd_locator.relNumber;
#else
	return index->rd_node.relNode;
#endif
}

/* The index's place, or a free one, or the least recently used. */
static int
find_place(Relation index, bool *found)
{
	int			best = 0;

	*found = false;
	for (int i = 0; i < MAX_INDEXES; i++)
	{
		const CachedIndex *cached = indexes[i];

		if (cached != NULL && cached->relid == RelationGetRelid(index))
		{
			*found = cached->file == relation_file(index);
			return i;
		}
		if (indexes[best] != NULL && (cached == NULL || cached->used < indexes[best]->used))
			best = i;
	}
	return best;
}

bool
cache_has(Relation index)
{
	bool		found;

	(void) find_place(index, &found);
	return found;
}

/* Forgets segments that the directory does not have any more, or has elsewhere. */
static void
sweep_segments(CachedIndex *cached)
{
	const Directory *directory = cache_directory(cached);
	CachedSegment **link = &cached->segments;

	while (*link)
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
	for (CachedCentroids **centroids = &cached->centroids; *centroids;)
	{
		CachedCentroids *this = *centroids;
		const SegmentEntry *entry = directory_find(directory, this->uid);

		if (entry != NULL && entry->kind == SEGMENT_CENTROIDS)
			centroids = &this->next;
		else
		{
			*centroids = this->next;
			drop_centroids(this);
		}
	}
	for (CachedMean **mean = &cached->means; *mean;)
	{
		CachedMean *this = *mean;
		const SegmentEntry *entry = directory_find(directory, this->uid);

		if (entry != NULL && entry->kind == SEGMENT_GROWING)
		{
			mean = &this->next;
			continue;
		}
		*mean = this->next;
		if (this->mean)
			pfree(this->mean);
		pfree(this);
	}
}

CachedIndex *
cache_index(Relation index)
{
	bool		found;
	int			i = find_place(index, &found);
	CachedIndex *cached = indexes[i];

	if (found && directory_refresh(index, (Directory *) cached->directory.data))
	{
		/* an index that TRUNCATE made anew in its file has another rotation */
		found = cache_directory(cached)->seed == cached->space.seed;
		if (found)
			sweep_segments(cached);
	}
	if (!found)
	{
		MemoryContext context;
		MemoryContext old;

		if (cached != NULL)
			drop_index(i);
		context = AllocSetContextCreate(CurrentMemoryContext, "vector index",
										ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(context);
		cached = palloc0(sizeof(CachedIndex));
		cached->context = context;
		cached->relid = RelationGetRelid(index);
		cached->file = relation_file(index);
		directory_refresh(index, (Directory *) cached->directory.data);
		directory_space(cache_directory(cached), &cached->space);
		space_init_rotation(&cached->space);
		MemoryContextSwitchTo(old);
		MemoryContextSetParent(context, CacheMemoryContext);
		indexes[i] = cached;
	}
	cached->used = ++clock_now;
	return cached;
}

const Directory *
cache_directory(const CachedIndex *cached)
{
	return (const Directory *) cached->directory.data;
}

const Space *
cache_space(const CachedIndex *cached)
{
	return &cached->space;
}

/*
 * The mean of centroids.  Queries less this are what tables of look-ups are made for, whose
 * rounding is of the order of what they are made for.  Not for inner products, which a shift
 * changes.
 */
static float *
mean_of(const ClusterCentroids *centroids)
{
	float	   *mean = palloc0(sizeof(float) * centroids->dims);

	for (uint32 l = 0; l < centroids->k; l++)
		for (uint32 i = 0; i < centroids->dims; i++)
			mean[i] += centroids->points[(Size) l * centroids->dims + i];
	for (uint32 i = 0; i < centroids->dims; i++)
		mean[i] /= (float) centroids->k;
	return mean;
}

static CachedCentroids *
load_centroids(const Space *space, Relation index, const SegmentEntry *entry)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector centroids",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CachedCentroids *centroids = palloc0(sizeof(CachedCentroids));
	CentroidsHeader *header = &centroids->header;
	float	   *points;
	float	   *half_norms;
	Size		size;

	centroids->context = context;
	centroids->uid = entry->uid;
	extent_read(index, entry->first, entry->uid, 0, header, sizeof(*header));
	size = sizeof(float) * header->lists * header->width;
	points = MemoryContextAllocHuge(context, size);
	extent_read(index, entry->first + header->centroids, entry->uid, 0, points, size);
	half_norms = palloc(sizeof(float) * header->lists);
	cluster_centroids_init(&centroids->points, points, header->lists, header->width, half_norms);
	if (header->lists > CLUSTER_CODED_MIN)
	{
		centroids->codes = palloc(sizeof(ClusterCodes));
		cluster_codes_init(centroids->codes, &centroids->points,
						   palloc_extended(cluster_codes_size(&centroids->points),
										   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
	}
	if (space->coded && space->metric != SPACE_IP)
		centroids->mean = mean_of(&centroids->points);
	if (header->codebook_size > 0)
	{
		centroids->codebooks = palloc(header->codebook_size);
		extent_read(index, entry->first + header->codebooks, entry->uid, 0,
					centroids->codebooks, header->codebook_size);
	}
	MemoryContextSwitchTo(old);
	return centroids;
}

CachedCentroids *
cache_acquire_centroids(CachedIndex *cached, Relation index, uint32 uid)
{
	CachedCentroids *centroids = cached->centroids;

	while (centroids && centroids->uid != uid)
		centroids = centroids->next;
	if (centroids == NULL)
	{
		const SegmentEntry *entry = directory_find(cache_directory(cached), uid);

		if (entry == NULL || entry->kind != SEGMENT_CENTROIDS)
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" does not have the centroids %u",
							RelationGetRelationName(index), uid),
					 errhint("Please REINDEX it.")));
		centroids = load_centroids(&cached->space, index, entry);
		MemoryContextSetParent(centroids->context, CacheMemoryContext);
		centroids->next = cached->centroids;
		cached->centroids = centroids;
	}
	centroids->users++;
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
	segment->centroids = cache_acquire_centroids(cached, index, lists->centroids);
}

static CachedSegment *
load_segment(CachedIndex *cached, Relation index, const SegmentEntry *entry)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector segment",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CachedSegment *segment = palloc0(sizeof(CachedSegment));
	uint32		recent = 1;

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
	while (recent < entry->blocks && recent < MAX_RECENT)
		recent *= 2;
	segment->recent = palloc0(sizeof(Buffer) * recent);
	segment->recent_mask = recent - 1;
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
		segment->tombstones = MemoryContextAllocHuge(segment->context,
													 segment->header.rows / 8 + 1);
	extent_read(index, block, segment->uid, sizeof(header), segment->tombstones,
				segment->header.rows / 8 + 1);
	segment->dead = header.dead;
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
		MemoryContextSetParent(segment->context, CacheMemoryContext);
		segment->next = cached->segments;
		cached->segments = segment;
	}
	refresh_tombstones(index, segment);
	segment->users++;
	return segment;
}

void
cache_release(CachedSegment *segment)
{
	segment->users--;
	if (segment->dropped && segment->users == 0)
		free_segment(segment);
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
