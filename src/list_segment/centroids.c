/*
 * centroids.c - training, claiming and retiring centroids
 */
#include "list_segment/centroids.h"

#include <math.h>

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "cluster/blas.h"
#include "cluster/kmeans.h"
#include "list_segment/lists.h"
#include "segment/memory.h"
#include "quantize/product.h"
#include "segment/wait_point.h"

#define KMEANS_ITERATIONS	10
#define KMEANS_BALANCE		3

/*
 * Centroids are trained again when there are this many times the rows, or distances have risen by
 * this factor.
 */
#define OUTDATED_ROWS		10
#define OUTDATED_DISTANCE	1.2

/*
 * Distances do not matter before there are this many times the rows: the rows of the sample are
 * nearer by nature.
 */
#define DRIFTED_ROWS		2

struct CentroidsTraining
{
	MemoryContext context;
	const Space *space;
	uint32		lists;
	uint32		width;
	int			threads;
	double		rows;			/* of the index */
	float	   *points;			/* the sample's work vectors */
	uint32		wanted;
	uint32		sampled;
	uint64		offered;
	pg_prng_state random;
};

/* The number of lists of an index: the option, or by the number of rows. */
static uint32
lists_for_rows(const Directory *directory, double rows)
{
	if (directory->lists > 0)
		return directory->lists;
	return (uint32) Min(Max(rint(sqrt(rows)), 1), CENTROIDS_MAX_LISTS);
}

/* The size of the centroids of an index with this many rows. */
static Size
centroids_size(const Space *space, const Directory *directory, double rows)
{
	return sizeof(float) * lists_work_width(space) * lists_for_rows(directory, rows);
}

static void
interrupt(void *arg)
{
	WAIT_POINT("train");
	CHECK_FOR_OTHERS();
}

static KmeansOptions
kmeans_options(const CentroidsTraining *training)
{
	return (KmeansOptions) {
		.dims = training->width,
		.k = training->lists,
		.iterations = KMEANS_ITERATIONS,
		.spherical = training->space->metric == SPACE_COSINE,
		.seed = training->space->seed,
		.balance = KMEANS_BALANCE,
		.threads = training->threads,
		.interrupt = interrupt,
		.memory = cluster_memory(training->context)
	};
}

/* The memory of a sample of this size, and of training centroids on it. */
static Size
training_memory(const CentroidsTraining *training, Size rows)
{
	KmeansOptions options = kmeans_options(training);

	return (rows + training->lists) * training->width * sizeof(float) +
		kmeans_memory(&options, rows);
}

/* The number of these rows for which there is memory; at least one for each list. */
static Size
rows_that_fit(const CentroidsTraining *training, Size rows, Size memory)
{
	Size		least = Min(training->lists, rows);

	while (least < rows)
	{
		Size		middle = rows - (rows - least) / 2;

		if (training_memory(training, middle) <= memory)
			least = middle;
		else
			rows = middle - 1;
	}
	return least;
}

CentroidsTraining *
centroids_train(const Space *space, const Directory *directory, double rows, Size memory,
				int threads, bool exactly)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector centroids",
												  ALLOCSET_DEFAULT_SIZES);
	CentroidsTraining *training = MemoryContextAllocZero(context, sizeof(CentroidsTraining));
	Size		size = centroids_size(space, directory, rows);

	training->context = context;
	training->space = space;
	training->lists = lists_for_rows(directory, rows);
	training->width = lists_work_width(space);
	if (exactly && directory->lists > 0 && size > memory)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("memory required is %zu MB, maintenance_work_mem is %zu MB",
						size / (1024 * 1024) + 1, memory / (1024 * 1024)),
				 errdetail("The centroids of %u lists do not fit.", training->lists),
				 errhint("Increase maintenance_work_mem, or make fewer lists.")));
	training->threads = threads;
	while (training->lists > 1 && (!exactly || directory->lists == 0) &&
		   training_memory(training, training->lists) > memory)
		training->lists /= 2;
	training->rows = rows;
	rows = Min((double) training->lists * CENTROIDS_SAMPLE, Max(rows, 1));
	training->wanted = (uint32) rows_that_fit(training, (Size) rows, memory);
	training->points = MemoryContextAllocHuge(context, sizeof(float) * training->width *
											  training->wanted);
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

/* Reservoir sampling: the n-th row replaces a random one with the probability wanted / n. */
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

typedef struct TrainedCentroids
{
	float	   *centroids;
	float		distance;		/* see CentroidsHeader */
	void	   *codebooks;
	Size		codebook_size;	/* 0: there are none */
} TrainedCentroids;

/* Writes an extent of centroids and publishes it, which makes it the newest. */
static void
publish(CentroidsTraining *training, Relation index, Relation heap,
		const TrainedCentroids *trained)
{
	Size		size = sizeof(float) * training->lists * training->width;
	CentroidsHeader header = {
		.lists = training->lists,
		.width = training->width,
		.rows = (uint64) training->rows,
		.distance = trained->distance,
		.codebook_size = (uint32) trained->codebook_size,
		.centroids = 1
	};
	SegmentEntry entry;
	ExtentWriter writer;
	uint32		blocks;

	header.codebooks = header.centroids + extent_blocks_for(size, 1, false);
	blocks = header.codebooks + extent_blocks_for(trained->codebook_size, 1, false);
	if (!directory_reserve(index, heap, SEGMENT_CENTROIDS, blocks, &entry))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" has too many segments", RelationGetRelationName(index)),
				 errhint("End old transactions, and VACUUM the table.")));
	extent_writer_begin(&writer, extent_of(index, &entry));
	extent_writer_seek(&writer, 0, BLOCK_CENTROIDS_HEADER);
	extent_writer_put(&writer, &header, sizeof(header));
	extent_writer_seek(&writer, header.centroids, BLOCK_CENTROIDS);
	extent_writer_put(&writer, trained->centroids, size);
	if (trained->codebook_size > 0)
	{
		extent_writer_seek(&writer, header.codebooks, BLOCK_CODEBOOKS);
		extent_writer_put(&writer, trained->codebooks, trained->codebook_size);
	}
	extent_writer_end(&writer);
	entry.rows = training->lists;
	WAIT_POINT("centroids");
	directory_publish(index, &entry, SEGMENT_CENTROIDS);
	claim_release(extent_of(index, &entry), ExclusiveLock);
}

/* Trains a product quantizer on the residuals of a part of the sample. */
static void
train_codebooks(CentroidsTraining *training, TrainedCentroids *trained)
{
	const Space *space = training->space;
	uint32		width = training->width;
	uint32		count = Min(training->sampled, PRODUCT_TRAIN_POINTS);
	uint32	   *lists = palloc(sizeof(uint32) * (count + 1));
	float	   *half_norms = palloc(sizeof(float) * training->lists);
	ClusterRows rows = {training->points, count, 1};
	ProductOptions options = {width, space->pq_m, space->seed, interrupt, NULL};
	ClusterCentroids points;

	cluster_centroids_init(&points, trained->centroids, training->lists, width, half_norms);
	for (uint32 i = 0; i < count; i++)
		memmove(training->points + (Size) i * width, training->points +
				(Size) ((uint64) i * training->sampled / count) * width, sizeof(float) * width);
	interrupt(NULL);
	if (count > 0)
		cluster_assign(&points, &rows, 1, palloc(cluster_assign_scratch(&points, 1)), lists, NULL);
	interrupt(NULL);
	for (uint32 i = 0; i < count; i++)
	{
		float	   *x = training->points + (Size) i * width;
		const float *c = trained->centroids + (Size) lists[i] * width;

		for (uint32 d = 0; d < width; d++)
			x[d] -= c[d];
	}
	trained->codebook_size = product_size(width, space->pq_m);
	trained->codebooks = palloc(trained->codebook_size);
	product_train(&options, training->points, count, palloc(product_train_memory(width)),
				  trained->codebooks);
}

void
centroids_finish(CentroidsTraining *training, Relation index, Relation heap)
{
	MemoryContext old = MemoryContextSwitchTo(training->context);
	KmeansOptions options = kmeans_options(training);
	TrainedCentroids trained = {
		.centroids = MemoryContextAllocHuge(training->context, sizeof(float) * training->lists *
											training->width)
	};
	double		inertia[KMEANS_ITERATIONS] = {0};
	uint32		done = 0;

	(void) cluster_blas_load();
	ereport(DEBUG1, (errmsg_internal("k-means of %u rows by %s", training->sampled,
									 cluster_blas_describe())));
	if (!kmeans_train(training->points, training->sampled, &options, trained.centroids, inertia,
					  &done))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (done > 0 && training->sampled > 0)
		trained.distance = (float) (inertia[done - 1] / training->sampled);
	if (training->space->quantizer == QUANTIZER_PQ)
		train_codebooks(training, &trained);
	publish(training, index, heap, &trained);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(training->context);
}

bool
centroids_claim(Relation index, SegmentEntry *entry)
{
	for (;;)
	{
		Directory  *directory = directory_read(index);
		const SegmentEntry *found = directory_newest(directory, SEGMENT_CENTROIDS);
		bool		same;

		if (found == NULL)
			return false;
		*entry = *found;
		pfree(directory);
		claim_wait(extent_of(index, entry), ShareLock);
		directory = directory_read(index);
		same = directory_has(directory, entry);
		pfree(directory);
		if (same)
			return true;
		centroids_unclaim(index, entry);
	}
}

void
centroids_unclaim(Relation index, const SegmentEntry *entry)
{
	claim_release(extent_of(index, entry), ShareLock);
}

static SealedHeader
read_header(Relation index, const SegmentEntry *entry)
{
	SealedHeader header;

	extent_read_header(extent_of(index, entry), BLOCK_SEALED_HEADER, &header, sizeof(header));
	return header;
}

bool
centroids_are_outdated(Relation index, const Space *space, const Directory *directory)
{
	const SegmentEntry *entry = directory_newest(directory, SEGMENT_CENTROIDS);
	CentroidsHeader centroids;
	double		rows = 0;
	double		distance = 0;

	if (entry == NULL || space->storage == STORAGE_NONE)
		return false;
	extent_read_header(extent_of(index, entry), BLOCK_CENTROIDS_HEADER, &centroids,
					   sizeof(centroids));
	for (uint32 i = 0; i < directory->count; i++)
	{
		SealedHeader header;

		if (directory->entries[i].kind != SEGMENT_SEALED)
			continue;
		header = read_header(index, &directory->entries[i]);
		rows += header.rows;
		distance += (double) header.rows * header.lists.distance;
	}
	if (centroids_size(space, directory, rows) > build_memory())
		return false;
	return rows >= OUTDATED_ROWS * Max((double) centroids.rows, 1) ||
		(rows >= DRIFTED_ROWS * (double) centroids.rows &&
		 distance > OUTDATED_DISTANCE * rows * centroids.distance);
}

bool
centroids_of_inputs(Relation index, const SegmentEntry *inputs, int count)
{
	uint32		uid = 0;

	for (int i = 0; i < count; i++)
	{
		uint32		named = inputs[i].kind == SEGMENT_SEALED ?
			read_header(index, &inputs[i]).lists.centroids : 0;

		if (named == 0 || (i > 0 && named != uid))
			return false;
		uid = named;
	}
	return true;
}

bool
centroids_allow(Relation index, const Space *space, const SegmentEntry *entry)
{
	Directory  *directory;
	const SegmentEntry *centroids;
	bool		allowed;

	if (space->storage != STORAGE_NONE)
		return true;
	directory = directory_read(index);
	centroids = directory_newest(directory, SEGMENT_CENTROIDS);
	allowed = centroids != NULL && read_header(index, entry).lists.centroids == centroids->uid;
	pfree(directory);
	return allowed;
}

/* Whether any sealed segment names the centroids. */
static bool
are_named(Relation index, uint32 uid)
{
	Directory  *directory = directory_read(index);
	bool		named = false;

	for (uint32 i = 0; i < directory->count && !named; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (entry->kind == SEGMENT_SEALED)
			named = read_header(index, entry).lists.centroids == uid;
	}
	pfree(directory);
	return named;
}

void
centroids_retire(Relation index)
{
	/* keep segments readable that are replaced meanwhile */
	claim_index_wait(index, CLAIM_REUSE, ShareLock);
	directory_retire_older(index, SEGMENT_CENTROIDS, are_named);
	claim_index_release(index, CLAIM_REUSE, ShareLock);
}
