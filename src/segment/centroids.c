/*
 * centroids.c - training centroids, and retiring them
 */
#include "segment/centroids.h"

#include <math.h>

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"

#include "cluster/blas.h"
#include "cluster/kmeans.h"
#include "segment/lists.h"

/* Of the memory, k-means has what the sample leaves. */
#define SAMPLE_FRACTION		2

#define KMEANS_ITERATIONS	10
#define KMEANS_BALANCE		3

struct CentroidsTraining
{
	MemoryContext context;
	const Space *space;
	uint32		lists;
	uint32		width;
	double		rows;			/* of the index */
	float	   *points;			/* the sample's work vectors */
	uint32		wanted;
	uint32		sampled;
	uint64		offered;
	pg_prng_state random;
};

uint32
centroids_count(const Directory *directory, double rows)
{
	if (directory->lists > 0)
		return directory->lists;
	return (uint32) Min(Max(rint(sqrt(rows)), 1), CENTROIDS_MAX_LISTS);
}

CentroidsTraining *
centroids_train(const Space *space, const Directory *directory, double rows, Size memory)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector centroids",
												  ALLOCSET_DEFAULT_SIZES);
	CentroidsTraining *training = MemoryContextAllocZero(context, sizeof(CentroidsTraining));
	Size		size;
	Size		least;

	training->context = context;
	training->space = space;
	training->lists = centroids_count(directory, rows);
	training->width = lists_work_width(space);
	training->rows = rows;
	size = sizeof(float) * training->width;
	least = size * training->lists;
	if (least > memory)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("memory required is %zu MB, maintenance_work_mem is %zu MB",
						least / (1024 * 1024) + 1, memory / (1024 * 1024)),
				 errdetail("The centroids of %u lists do not fit.", training->lists),
				 errhint("Increase maintenance_work_mem, or make fewer lists.")));
	training->wanted = (uint32) Min(Max(memory / SAMPLE_FRACTION / size, training->lists),
									(Size) training->lists * CENTROIDS_SAMPLE);
	training->wanted = (uint32) Min(training->wanted, Max(rows, 1));
	training->points = MemoryContextAllocHuge(context, size * training->wanted);
	pg_prng_seed(&training->random, space->seed);
	return training;
}

uint32
centroids_wanted(const CentroidsTraining *training)
{
	return training->wanted;
}

uint32
centroids_sampled(const CentroidsTraining *training)
{
	return training->sampled;
}

/* A reservoir: the n-th row takes the place of a random one with the probability wanted / n. */
void
centroids_offer(CentroidsTraining *training, const char *payload)
{
	uint64		place = training->offered++;

	if (training->sampled < training->wanted)
		training->sampled++;
	else
		place = pg_prng_uint64_range(&training->random, 0, place);
	if (place < training->wanted)
		lists_work_vector(training->space, payload, training->points + place * training->width);
}

static void *
allocate(void *arg, size_t size)
{
	return MemoryContextAllocHuge(arg, size);
}

static void
release(void *arg, void *p)
{
	pfree(p);
}

static void
interrupt(void *arg)
{
	CHECK_FOR_OTHERS();
}

/* Writes an extent of centroids, and makes it the newest. */
static void
publish(CentroidsTraining *training, Relation index, Relation heap, const float *centroids,
		float distance, const void *codebooks, Size codebook_size)
{
	Size		size = sizeof(float) * training->lists * training->width;
	CentroidsHeader header = {
		.lists = training->lists,
		.width = training->width,
		.rows = (uint64) training->rows,
		.distance = distance,
		.codebook_size = (uint32) codebook_size,
		.centroids = 1
	};
	SegmentEntry entry;
	ExtentWriter writer;
	uint32		blocks;

	header.codebooks = header.centroids + extent_blocks_for(size, 1, false);
	blocks = header.codebooks + extent_blocks_for(codebook_size, 1, false);
	if (!directory_reserve(index, heap, blocks, &entry))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" has too many segments", RelationGetRelationName(index)),
				 errhint("End old transactions, and VACUUM the table.")));
	extent_writer_begin(&writer, index, entry.first, entry.uid);
	extent_writer_seek(&writer, 0, BLOCK_CENTROIDS_HEADER);
	extent_writer_put(&writer, &header, sizeof(header));
	extent_writer_seek(&writer, header.centroids, BLOCK_CENTROIDS);
	extent_writer_put(&writer, centroids, size);
	if (codebook_size > 0)
	{
		extent_writer_seek(&writer, header.codebooks, BLOCK_CODEBOOKS);
		extent_writer_put(&writer, codebooks, codebook_size);
	}
	extent_writer_end(&writer);
	entry.rows = training->lists;
	directory_publish(index, &entry, SEGMENT_CENTROIDS);
	directory_unclaim(index, &entry);
}

void
centroids_finish(CentroidsTraining *training, Relation index, Relation heap, int threads)
{
	MemoryContext old = MemoryContextSwitchTo(training->context);
	KmeansOptions options = {
		.dims = training->width,
		.k = training->lists,
		.iterations = KMEANS_ITERATIONS,
		.spherical = training->space->metric == SPACE_COSINE,
		.seed = training->space->seed,
		.balance = KMEANS_BALANCE,
		.threads = threads,
		.interrupt = interrupt,
		.memory = {allocate, release, training->context}
	};
	float	   *centroids = MemoryContextAllocHuge(training->context, sizeof(float) *
												   training->lists * training->width);
	double		inertia[KMEANS_ITERATIONS] = {0};
	uint32		done = 0;
	float		distance;

	(void) cluster_blas_load();
	ereport(DEBUG1, (errmsg_internal("k-means of %u rows by %s", training->sampled,
									 cluster_blas_describe())));
	if (!kmeans_train(training->points, training->sampled, &options, centroids, inertia, &done))
		elog(ERROR, "out of memory");
	distance = done > 0 && training->sampled > 0 ?
		(float) (inertia[done - 1] / training->sampled) : 0;
	publish(training, index, heap, centroids, distance, NULL, 0);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(training->context);
}

/* The newest centroids of a directory, or NULL. */
static const SegmentEntry *
newest(const Directory *directory)
{
	const SegmentEntry *found = NULL;

	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == SEGMENT_CENTROIDS &&
			(found == NULL || directory->entries[i].uid > found->uid))
			found = &directory->entries[i];
	return found;
}

bool
centroids_claim(Relation index, SegmentEntry *entry)
{
	for (;;)
	{
		Directory  *directory = directory_read(index);
		const SegmentEntry *found = newest(directory);
		bool		same;

		if (found == NULL)
			return false;
		*entry = *found;
		pfree(directory);
		LockPage(index, entry->first, ShareLock);
		directory = directory_read(index);
		found = directory_find(directory, entry->uid);
		same = found != NULL && found->kind == SEGMENT_CENTROIDS && found->first == entry->first;
		pfree(directory);
		if (same)
			return true;
		UnlockPage(index, entry->first, ShareLock);
	}
}

void
centroids_unclaim(Relation index, const SegmentEntry *entry)
{
	UnlockPage(index, entry->first, ShareLock);
}

/* Whether a sealed segment names centroids. */
static bool
are_named(Relation index, uint32 uid)
{
	Directory  *directory = directory_read(index);
	bool		named = false;

	for (uint32 i = 0; i < directory->count && !named; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		SealedHeader header;

		if (entry->kind != SEGMENT_SEALED)
			continue;
		extent_read(index, entry->first, entry->uid, 0, &header, sizeof(header));
		named = header.lists.centroids == uid;
	}
	pfree(directory);
	return named;
}

void
centroids_retire(Relation index)
{
	Directory  *directory = directory_read(index);
	const SegmentEntry *kept = newest(directory);

	/* a segment that is replaced meanwhile stays readable */
	LockPage(index, VACUUM_LOCK_BLOCK, ShareLock);
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (entry->kind != SEGMENT_CENTROIDS || entry == kept ||
			!directory_claim(index, entry, false))
			continue;
		if (!are_named(index, entry->uid))
			directory_replace(index, NULL, 0, &entry->uid, 1, NULL, NULL);
		directory_unclaim(index, entry);
	}
	UnlockPage(index, VACUUM_LOCK_BLOCK, ShareLock);
	pfree(directory);
}
