/*
 * ivf_build.c - CREATE INDEX: trains centroids on a sample of the table, then scans it, with
 * parallel workers if there are any, and sorts the rows by list
 */
#include "am/ivf.h"

#include <math.h>

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/sampling.h"

#include "am/table_build.h"
#include "list_segment/centroids.h"
#include "list_segment/lists.h"
#include "segment/growing.h"
#include "segment/memory.h"
#include "segment/replace.h"

/* Blocks to learn how many rows a block has; more of them if they have fewer rows than this. */
#define DENSITY_BLOCKS	128
#define DENSITY_ROWS	1000

/* This many times the blocks that should have the rows of a sample are read. */
#define SAMPLE_MARGIN	1.2

/* What participants share. */
typedef struct IvfShared
{
	uint32		centroids;		/* uid of the segment */
	int			participants;	/* the memory is divided among them */
	slock_t		mutex;
	double		distance;		/* sum over the participants that have finished */
	pg_atomic_uint32 counts[FLEXIBLE_ARRAY_MEMBER]; /* rows by list; a Sharedsort follows */
} IvfShared;

/* One participant's state. */
typedef struct IvfBuild
{
	TableBuild *table;
	CachedIndex *cached;
	CachedCentroids *centroids;
	ListsBuild *lists;
} IvfBuild;

/* The rows of a sample of blocks. */
typedef struct IvfSample
{
	const Space *space;
	MemoryContext temporary;
	CentroidsTraining *training;	/* NULL: rows are only counted */
	double		rows;
} IvfSample;

static void
check_ivf_options(const IvfOptions *options, IvfQuantizer quantizer,
				  const DirectoryOptions *directory)
{
	if (directory->element == SPACE_BIT && quantizer != IVF_QUANTIZER_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bit strings have no codes"),
				 errhint("Use quantizer = none.")));
	if (options->bits > 0 && quantizer != IVF_QUANTIZER_RABITQ)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bits can only be set with quantizer = rabitq"),
				 errdetail("Codes of other quantizers have a fixed number of bits.")));
	if (options->pq_m > 0 && quantizer != IVF_QUANTIZER_PQ)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pq_m can only be set with quantizer = pq")));
	if (options->pq_m > directory->dims)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pq_m must not be greater than the dimensions"),
				 errdetail("The column has %d dimensions.", directory->dims)));
	if (options->refine != IVF_REFINE_FULL && quantizer == IVF_QUANTIZER_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refine must be full with quantizer = none"),
				 errdetail("Without codes, rows are searched by their vectors."),
				 errhint("Choose a quantizer.")));
}

DirectoryOptions
ivf_directory_options(Relation index)
{
	static const SpaceQuantizer quantizers[] = {
		[IVF_QUANTIZER_NONE] = QUANTIZER_NONE,
		[IVF_QUANTIZER_RABITQ] = QUANTIZER_RABITQ,
		[IVF_QUANTIZER_SQ8] = QUANTIZER_SQ8,
		[IVF_QUANTIZER_SQ4] = QUANTIZER_SQ4,
		[IVF_QUANTIZER_PQ] = QUANTIZER_PQ
	};
	static const SpaceStorage storages[] = {
		[IVF_REFINE_FULL] = STORAGE_FULL,
		[IVF_REFINE_HALF] = STORAGE_HALF,
		[IVF_REFINE_SQ8] = STORAGE_SQ8,
		[IVF_REFINE_NONE] = STORAGE_NONE
	};
	IvfOptions	options = ivf_options(index);
	DirectoryOptions directory = index_column_options(index);
	IvfQuantizer quantizer = options.quantizer;

	if (directory.element == SPACE_SPARSE ||
		directory.metric == SPACE_L1 || directory.metric == SPACE_JACCARD)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("operator class not supported for %s index",
						vector_am_of(index)->name),
				 errhint("Use an hnsw index.")));
	if (quantizer == IVF_QUANTIZER_DEFAULT)
		quantizer = directory.element == SPACE_BIT ? IVF_QUANTIZER_NONE : IVF_QUANTIZER_RABITQ;
	check_ivf_options(&options, quantizer, &directory);
	directory.lists = options.lists;
	directory.quantizer = quantizers[quantizer];
	directory.storage = storages[options.refine];
	if (quantizer == IVF_QUANTIZER_RABITQ)
		directory.bits = Max(options.bits, 1);
	if (quantizer == IVF_QUANTIZER_PQ)
		directory.pq_m = options.pq_m > 0 ? options.pq_m : Max(directory.dims / 4, 1);
	return directory;
}

static void
report_phase(int phase)
{
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, phase);
}

static void
sample_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	IvfSample  *sample = arg;
	MemoryContext old;
	const char *payload;
	Size		size;

	if (isnull[0])
		return;
	old = MemoryContextSwitchTo(sample->temporary);
	payload = space_payload(sample->space, values[0], &size);
	if (space_indexable(sample->space, payload))
	{
		sample->rows++;
		if (sample->training)
			centroids_offer(sample->training, payload);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(sample->temporary);
}

/* Gives a sample the rows of `wanted` random blocks, or of all blocks if there are fewer. */
static void
sample_blocks(IvfBuild *build, IvfSample *sample, double wanted)
{
	TableBuild *table = build->table;
	BlockNumber blocks = RelationGetNumberOfBlocks(table->heap);
	BlockSamplerData sampler;

	/* sample uncommitted rows, too; CREATE INDEX CONCURRENTLY reads by an MVCC snapshot instead */
	bool		any_visible = !table->info->ii_Concurrent;

	sample->rows = 0;
	if (wanted >= blocks)
	{
		(void) table_index_build_range_scan(table->heap, table->index, table->info, false,
											any_visible, false, 0, InvalidBlockNumber,
											sample_row, sample, NULL);
		return;
	}
	BlockSampler_Init(&sampler, blocks, (int) wanted, (uint32) build->table->space.seed);
	while (BlockSampler_HasMore(&sampler))
		(void) table_index_build_range_scan(table->heap, table->index, table->info, false,
											any_visible, false, BlockSampler_Next(&sampler), 1,
											sample_row, sample, NULL);
}

/* Issues a notice about the effect of having fewer rows than lists. */
static void
notice_little_data(const IvfBuild *build, uint32 sampled)
{
	const char *am = vector_am_of(build->table->index)->name;

	if (sampled == 0)
		ereport(NOTICE,
				(errmsg("%s index created with little data", am),
				 errdetail("Lists are made of the rows that are inserted later.")));
	else if (build->table->space.storage == STORAGE_NONE)
		ereport(NOTICE,
				(errmsg("%s index created with little data", am),
				 errdetail("The lists stay as they are, because the index does not keep vectors."),
				 errhint("REINDEX the index when the table has more data.")));
	else
		ereport(NOTICE,
				(errmsg("%s index created with little data", am),
				 errdetail("New lists are made once there are ten times as many rows.")));
}

/* Trains the centroids on a sample of the table; without rows there are none. */
static void
train_centroids(IvfBuild *build, const Directory *directory, int workers)
{
	TableBuild *table = build->table;
	BlockNumber blocks = RelationGetNumberOfBlocks(table->heap);
	double		counted = Min(blocks, DENSITY_BLOCKS);
	IvfSample	sample = {.space = &build->table->space};
	double		rows;
	double		wanted;

	sample.temporary = AllocSetContextCreate(CurrentMemoryContext, "ivf sample row",
											 ALLOCSET_DEFAULT_SIZES);
	sample_blocks(build, &sample, counted);
	while (sample.rows < DENSITY_ROWS && counted < blocks)
	{
		/* few of the rows are indexed, or they are not spread evenly */
		counted = Min(blocks, counted * 4);
		sample_blocks(build, &sample, counted);
	}
	if (sample.rows == 0)
	{
		notice_little_data(build, 0);
		return;
	}
	rows = sample.rows * blocks / counted;
	sample.training = centroids_train(&build->table->space, directory, rows,
									  build_memory(), workers + 1, true);
	wanted = ceil(centroids_wanted(sample.training) / Max(rows, 1) * blocks * SAMPLE_MARGIN);
	sample_blocks(build, &sample, wanted);
	if (centroids_sampled(sample.training) == 0 && wanted < blocks)
		sample_blocks(build, &sample, blocks);
	if (centroids_sampled(sample.training) < directory->lists ||
		centroids_sampled(sample.training) == 0)
		notice_little_data(build, centroids_sampled(sample.training));
	if (centroids_sampled(sample.training) > 0)
	{
		report_phase(IVF_PHASE_KMEANS);
		centroids_finish(sample.training, table->index, table->heap);
	}
}

static void
add_row(void *arg, const SegmentRow *row)
{
	IvfBuild   *build = arg;

	lists_build_add(build->lists, row);
}

/* Appends a row that the table has got since it was found empty, as INSERT does. */
static void
append_row(void *arg, const SegmentRow *row)
{
	IvfBuild   *build = arg;
	Relation	index = build->table->index;
	bool		added;

	(void) growing_append(index, build->table->heap, cache_index(index), row,
						  index_seal_rows(index), &added);
}

/* Prepares a participant whose rows go to the lists of these centroids. */
static void
open_build(IvfBuild *build, uint32 centroids)
{
	build->table->arg = build;
	build->table->add = add_row;
	build->cached = cache_index(build->table->index);
	build->centroids = cache_acquire_centroids(build->cached, build->table->index, centroids);
}

static Size
participant_memory(int participants)
{
	return build_memory() / participants;
}

/* Begins a participant's part of the sort. */
static ListsBuild *
begin_lists(IvfBuild *build, Size memory, SortCoordinate coordinate)
{
	return lists_build(build->table->index, &build->table->space, build->centroids, memory,
					   coordinate);
}

/* Sorts the rows that all participants have added, and writes a segment of them. */
static void
write_lists(IvfBuild *build, const uint32 *counts, double distance)
{
	report_phase(IVF_PHASE_LOAD);
	lists_build_sort(build->lists, counts, distance);
	segment_publish(lists_build_making(build->lists), build->table->index, build->table->heap,
					table_build_attributes(build->table));
	lists_build_end(build->lists);
}

static Size
counts_size(uint32 lists)
{
	return MAXALIGN(offsetof(IvfShared, counts) + sizeof(pg_atomic_uint32) * lists);
}

static Sharedsort *
shared_sort(IvfShared *shared, uint32 lists)
{
	return (Sharedsort *) ((char *) shared + counts_size(lists));
}

/* Adds a participant's counts to the shared sums. */
static void
add_counts(IvfShared *shared, const ListsBuild *lists, uint32 count)
{
	const uint32 *counts = lists_build_counts(lists);
	double		distance = lists_build_distance(lists);

	for (uint32 i = 0; i < count; i++)
		pg_atomic_fetch_add_u32(&shared->counts[i], counts[i]);
	SpinLockAcquire(&shared->mutex);
	shared->distance += distance;
	SpinLockRelease(&shared->mutex);
}

/* The sums by list, palloc'd. */
static uint32 *
read_counts(IvfShared *shared, uint32 count)
{
	uint32	   *counts = palloc(sizeof(uint32) * count);

	for (uint32 i = 0; i < count; i++)
		counts[i] = pg_atomic_read_u32(&shared->counts[i]);
	return counts;
}

/* One participant's work in a parallel build. */
static void
run_part(IvfBuild *build, IvfShared *shared)
{
	uint32		lists = build->centroids->header.lists;
	SortCoordinateData coordinate = {
		.isWorker = true,
		.nParticipants = -1,
		.sharedsort = shared_sort(shared, lists)
	};

	build->lists = begin_lists(build, participant_memory(shared->participants), &coordinate);
	table_build_scan(build->table);
	lists_build_flush(build->lists);
	add_counts(shared, build->lists, lists);
	lists_build_end_part(build->lists);
	lists_build_end(build->lists);
}

/* A worker of a parallel build. */
extern PGDLLEXPORT void ivf_parallel_build_main(dsm_segment *segment, shm_toc *toc);

void
ivf_parallel_build_main(dsm_segment *segment, shm_toc *toc)
{
	TableBuild	table = {0};
	IvfBuild	build = {.table = &table};
	IvfShared  *shared;

	table_build_open(&table, segment, toc);
	shared = table.method_shared;
	space_init_rotation(&table.space);
	open_build(&build, shared->centroids);
	tuplesort_attach_shared(shared_sort(shared, build.centroids->header.lists), segment);
	run_part(&build, shared);
	table_build_close(&table);
}

/* The leader of a parallel build; false, with nothing done, if no worker could be started. */
static bool
build_in_parallel(IvfBuild *build, int workers)
{
	TableBuild *table = build->table;
	uint32		lists = build->centroids->header.lists;
	SortCoordinateData coordinate = {0};
	IvfShared  *shared;

	if (!table_build_enter(table, "ivf_parallel_build_main", workers,
						   counts_size(lists) + tuplesort_estimate_shared(workers + 1), 0))
		return false;
	shared = table->method_shared;
	shared->centroids = build->centroids->part.uid;
	shared->participants = workers + 1;
	SpinLockInit(&shared->mutex);
	for (uint32 i = 0; i < lists; i++)
		pg_atomic_init_u32(&shared->counts[i], 0);
	tuplesort_initialize_shared(shared_sort(shared, lists), workers + 1, table->segment);
	coordinate.sharedsort = shared_sort(shared, lists);
	coordinate.nParticipants = table_build_launch(table) + 1;
	run_part(build, shared);
	table_build_wait(table);
	build->lists = begin_lists(build, participant_memory(1), &coordinate);
	write_lists(build, read_counts(shared, lists), shared->distance);
	table_build_leave(table);
	return true;
}

static void
build_alone(IvfBuild *build)
{
	build->lists = begin_lists(build, participant_memory(1), NULL);
	table_build_scan(build->table);
	lists_build_flush(build->lists);
	write_lists(build, lists_build_counts(build->lists), lists_build_distance(build->lists));
}

/* Builds the lists, if there are centroids. */
static void
build_lists(IvfBuild *build, int workers)
{
	SegmentEntry claimed;

	report_phase(IVF_PHASE_ASSIGN);
	if (!centroids_claim(build->table->index, &claimed))
	{
			build->table->arg = build;
		build->table->add = append_row;
		table_build_scan(build->table);
		return;
	}
	open_build(build, claimed.uid);
	if (workers == 0 || !build_in_parallel(build, workers))
		build_alone(build);
	centroids_unclaim(build->table->index, &claimed);
}

void
ivf_build(TableBuild *table, const Directory *directory)
{
	IvfBuild	build = {.table = table};
	int			workers = table_build_workers(table);

	space_init_rotation(&table->space);
	train_centroids(&build, directory, workers);
	build_lists(&build, workers);
}
