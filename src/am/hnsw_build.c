/*
 * hnsw_build.c - CREATE INDEX: a scan of the table, by parallel workers if there are any, into a
 * segment build
 */
#include "am/hnsw_build.h"

#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "pgstat.h"
#include "storage/lwlock.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "segment/build.h"
#include "types/dense.h"
#include "types/sparsevec.h"

#define KEY_SHARED		UINT64CONST(0xB000000000000001)
#define KEY_SCAN		UINT64CONST(0xB000000000000002)
#define KEY_AREA		UINT64CONST(0xB000000000000003)
#define KEY_BUILD		UINT64CONST(0xB000000000000004)
#define KEY_QUERY		UINT64CONST(0xB000000000000005)

#define AREA_SIZE		((Size) 1024 * 1024)

/* Smaller tables are built alone. */
#define PARALLEL_MIN_BLOCKS	32

/* What workers need to open the same relations, and what they report. */
typedef struct HnswParallel
{
	Oid			heap;
	Oid			index;
	bool		concurrent;
	slock_t		mutex;
	double		rows;			/* scanned by all */
	double		indexed;
} HnswParallel;

/* The state of one participant. */
typedef struct HnswBuild
{
	Relation	heap;
	Relation	index;
	Space		space;
	SegmentBuild *build;
	MemoryContext temporary;
	double		indexed;
	bool		leader;
} HnswBuild;

DirectoryOptions
hnsw_directory_options(Relation index)
{
	HnswOptions options = hnsw_options(index);
	DirectoryOptions directory = {
		.m = options.m,
		.ef_construction = options.ef_construction,
		.dims = TupleDescAttr(index->rd_att, 0)->atttypmod
	};

	if (TupleDescAttr(index->rd_att, 0)->atttypid == VARBITOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type not supported for hnsw index")));
	space_of_index(index, &directory.element, &directory.metric);
	if (directory.dims < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column does not have dimensions")));
	if (directory.element == SPACE_BIT && directory.dims > HNSW_MAX_BITS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column cannot have more than %d dimensions for hnsw index",
						HNSW_MAX_BITS)));
	if (options.ef_construction < 2 * options.m)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ef_construction must be greater than or equal to 2 * m")));
	directory.storage = options.storage == HNSW_STORAGE_HALF ? STORAGE_HALF :
		options.storage == HNSW_STORAGE_SQ8 ? STORAGE_SQ8 : STORAGE_FULL;
	return directory;
}

static void
report_progress(BuildPhase phase, uint64 done, uint64 total)
{
	static const int names[] = {HNSW_PHASE_LOAD, HNSW_PHASE_GRAPH, HNSW_PHASE_WRITE};
	const int	indexes[] = {
		PROGRESS_CREATEIDX_SUBPHASE, PROGRESS_CREATEIDX_TUPLES_TOTAL,
		PROGRESS_CREATEIDX_TUPLES_DONE
	};
	const int64 values[] = {names[phase], (int64) total, (int64) done};

	pgstat_progress_update_multi_param(3, indexes, values);
}

/* Tells that the table does not fit into the memory, and what follows from it. */
static void
notice_full(uint64 rows, bool partitions, void *arg)
{
	ereport(NOTICE,
			(errmsg("hnsw graph no longer fits into maintenance_work_mem after " UINT64_FORMAT
					" tuples", rows),
			 errdetail("The graph is built in partitions, in temporary files, and united."),
			 errhint("Increase maintenance_work_mem to speed up builds.")));
}

/* What is built becomes a segment. */
static void
write_segment(SegmentBuild *build, void *arg)
{
	HnswBuild  *state = arg;
	SegmentEntry entry;

	if (!directory_reserve(state->index, state->heap, build_blocks(build), &entry))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" would have too many segments",
						RelationGetRelationName(state->index)),
				 errhint("Increase maintenance_work_mem.")));
	build_write(build, state->index, &entry);
	directory_replace(state->index, &entry, 1, NULL, 0, NULL, NULL);
	directory_unclaim(state->index, &entry);
	report_progress(BUILD_LOADING, 0, 0);
}

static void
add_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	HnswBuild  *state = arg;
	MemoryContext old;
	const char *payload;
	Size		size;

	if (isnull[0])
		return;
	old = MemoryContextSwitchTo(state->temporary);
	payload = space_payload(&state->space, values[0], &size);
	if (space_indexable(&state->space, payload))
	{
		MemoryContextSwitchTo(old);
		build_add(state->build, tid, payload, size, 0, 0);
		state->indexed++;
		if (state->leader && (uint64) state->indexed % 1024 == 0)
			pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, (int64) state->indexed);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->temporary);
}

/* One participant's work, from attaching to the last batch. */
static double
run_build(HnswBuild *state, BuildShared *shared, dsa_area *area, dsm_segment *segment,
		  IndexInfo *info, TableScanDesc scan)
{
	const BuildCallbacks callbacks = {
		.write = write_segment, .full = notice_full, .progress = report_progress, .arg = state
	};
	Directory  *directory = directory_read(state->index);
	double		rows;

	directory_space(directory, &state->space);
	state->temporary = AllocSetContextCreate(CurrentMemoryContext, "hnsw build row",
											 ALLOCSET_DEFAULT_SIZES);
	state->build = build_attach(shared, area, segment, state->leader ? &callbacks : NULL);
	if (state->leader)
		report_progress(BUILD_LOADING, 0, 0);
	rows = table_index_build_scan(state->heap, state->index, info, true, state->leader, add_row,
								  state, scan);
	build_finish(state->build);
	return rows;
}

/* A worker of a parallel build. */
extern PGDLLEXPORT void hnsw_parallel_build_main(dsm_segment *segment, shm_toc *toc);

void
hnsw_parallel_build_main(dsm_segment *segment, shm_toc *toc)
{
	HnswParallel *parallel = shm_toc_lookup(toc, KEY_SHARED, false);
	BuildShared *shared = shm_toc_lookup(toc, KEY_BUILD, false);
	ParallelTableScanDesc scan = shm_toc_lookup(toc, KEY_SCAN, false);
	dsa_area   *area = dsa_attach_in_place(shm_toc_lookup(toc, KEY_AREA, false), segment);
	LOCKMODE	heap_lock = parallel->concurrent ? ShareUpdateExclusiveLock : ShareLock;
	LOCKMODE	index_lock = parallel->concurrent ? RowExclusiveLock : AccessExclusiveLock;
	HnswBuild	state = {0};
	IndexInfo  *info;
	double		rows;

	debug_query_string = shm_toc_lookup(toc, KEY_QUERY, true);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	state.heap = table_open(parallel->heap, heap_lock);
	state.index = index_open(parallel->index, index_lock);
	info = BuildIndexInfo(state.index);
	info->ii_Concurrent = parallel->concurrent;
	rows = run_build(&state, shared, area, segment, info,
					 table_beginscan_parallel_compat(state.heap, scan));
	SpinLockAcquire(&parallel->mutex);
	parallel->rows += rows;
	parallel->indexed += state.indexed;
	SpinLockRelease(&parallel->mutex);
	index_close(state.index, index_lock);
	table_close(state.heap, heap_lock);
	dsa_detach(area);
}

/* The leader of a parallel build; false, and nothing done, where no worker could be started. */
static bool
build_in_parallel(HnswBuild *state, IndexInfo *info, const Directory *directory, int workers,
				  IndexBuildResult *result)
{
	ParallelContext *context;
	HnswParallel *parallel;
	BuildShared *shared;
	ParallelTableScanDesc scan;
	Snapshot	snapshot;
	dsa_area   *area;
	char	   *place;
	Size		scan_size;
	Size		query_size = debug_query_string ? strlen(debug_query_string) + 1 : 0;
	int			launched;

	EnterParallelMode();
	context = CreateParallelContext("vector", "hnsw_parallel_build_main", workers);
	snapshot = info->ii_Concurrent ? RegisterSnapshot(GetTransactionSnapshot()) : SnapshotAny;
	scan_size = table_parallelscan_estimate(state->heap, snapshot);
	shm_toc_estimate_chunk(&context->estimator, sizeof(HnswParallel));
	shm_toc_estimate_chunk(&context->estimator, build_shared_size());
	shm_toc_estimate_chunk(&context->estimator, scan_size);
	shm_toc_estimate_chunk(&context->estimator, AREA_SIZE);
	shm_toc_estimate_chunk(&context->estimator, query_size);
	shm_toc_estimate_keys(&context->estimator, 5);
	InitializeParallelDSM(context);
	if (context->seg == NULL)
	{
		if (IsMVCCSnapshot(snapshot))
			UnregisterSnapshot(snapshot);
		DestroyParallelContext(context);
		ExitParallelMode();
		return false;
	}

	parallel = shm_toc_allocate(context->toc, sizeof(HnswParallel));
	memset(parallel, 0, sizeof(*parallel));
	parallel->heap = RelationGetRelid(state->heap);
	parallel->index = RelationGetRelid(state->index);
	parallel->concurrent = info->ii_Concurrent;
	SpinLockInit(&parallel->mutex);
	shm_toc_insert(context->toc, KEY_SHARED, parallel);
	shared = shm_toc_allocate(context->toc, build_shared_size());
	build_init_shared(shared, directory, (Size) maintenance_work_mem * 1024);
	build_use_files(shared, context->seg);
	shm_toc_insert(context->toc, KEY_BUILD, shared);
	scan = shm_toc_allocate(context->toc, scan_size);
	table_parallelscan_initialize(state->heap, scan, snapshot);
	shm_toc_insert(context->toc, KEY_SCAN, scan);
	place = shm_toc_allocate(context->toc, AREA_SIZE);
	area = dsa_create_in_place(place, AREA_SIZE, LWTRANCHE_PARALLEL_QUERY_DSA, context->seg);
	shm_toc_insert(context->toc, KEY_AREA, place);
	if (query_size > 0)
	{
		char	   *query = shm_toc_allocate(context->toc, query_size);

		memcpy(query, debug_query_string, query_size);
		shm_toc_insert(context->toc, KEY_QUERY, query);
	}

	LaunchParallelWorkers(context);
	launched = context->nworkers_launched;
	if (launched > 0)
		WaitForParallelWorkersToAttach(context);
	ereport(DEBUG1, (errmsg("using %d parallel workers", launched)));
	build_start(shared, launched + 1);
	result->heap_tuples = run_build(state, shared, area, context->seg, info,
									table_beginscan_parallel_compat(state->heap, scan));
	WaitForParallelWorkersToFinish(context);
	result->heap_tuples += parallel->rows;
	result->index_tuples = state->indexed + parallel->indexed;
	dsa_detach(area);
	if (IsMVCCSnapshot(snapshot))
		UnregisterSnapshot(snapshot);
	DestroyParallelContext(context);
	ExitParallelMode();
	return true;
}

static void
build_alone(HnswBuild *state, IndexInfo *info, const Directory *directory,
			IndexBuildResult *result)
{
	/* owns the temporary files, so it has to outlive memory when the build fails */
	dsm_segment *segment = dsm_create(build_shared_size(), 0);
	BuildShared *shared = dsm_segment_address(segment);

	build_init_shared(shared, directory, (Size) maintenance_work_mem * 1024);
	build_use_files(shared, segment);
	build_start(shared, 1);
	result->heap_tuples = run_build(state, shared, NULL, segment, info, NULL);
	result->index_tuples = state->indexed;
	dsm_detach(segment);
}

/*
 * How many workers help.  PostgreSQL counts the blocks of the table alone, and not those of vectors
 * stored out of line; here the work grows with the rows, whatever their blocks.
 */
static int
count_workers(Relation heap, Relation index, IndexInfo *info)
{
	int			planned = plan_create_index_workers(RelationGetRelid(heap),
													RelationGetRelid(index));
	int			wanted = RelationGetParallelWorkers(heap, -1);
	BlockNumber blocks = RelationGetNumberOfBlocks(heap);

	if (wanted >= 0)
		return Min(planned, wanted);
	if (RelationUsesLocalBuffers(heap))
		return 0;
	if (planned == 0 && (info->ii_Expressions != NIL || info->ii_Predicate != NIL))
		return 0;
	return planned > 0 || blocks >= PARALLEL_MIN_BLOCKS ? max_parallel_maintenance_workers : 0;
}

IndexBuildResult *
hnswbuild(Relation heap, Relation index, IndexInfo *info)
{
	IndexBuildResult *result = palloc0(sizeof(IndexBuildResult));
	DirectoryOptions options = hnsw_directory_options(index);
	HnswBuild	state = {.heap = heap, .index = index, .leader = true};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnsw build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Directory  *directory;
	int			workers;

	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data", RelationGetRelationName(index));
	directory_create(index, MAIN_FORKNUM, &options);
	directory = directory_read(index);
	workers = count_workers(heap, index, info);
	if (workers == 0 || !build_in_parallel(&state, info, directory, workers, result))
		build_alone(&state, info, directory, result);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

void
hnswbuildempty(Relation index)
{
	DirectoryOptions options = hnsw_directory_options(index);

	directory_create(index, INIT_FORKNUM, &options);
}
