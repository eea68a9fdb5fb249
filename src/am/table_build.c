/*
 * table_build.c - CREATE INDEX: the scan of the table, with parallel workers if there are any
 */
#include "am/table_build.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "pgstat.h"
#include "storage/spin.h"
#include "tcop/tcopprot.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "am/effort.h"
#include "am/index.h"
#include "am/method.h"
#include "am/tiering.h"
#include "segment/directory.h"
#include "shared/memory.h"
#include "worker/worker.h"

#define KEY_SHARED		UINT64CONST(0xB000000000000001)
#define KEY_SCAN		UINT64CONST(0xB000000000000002)
#define KEY_METHOD		UINT64CONST(0xB000000000000003)
#define KEY_QUERY		UINT64CONST(0xB000000000000004)

/* What PostgreSQL adds to a shared segment: the workers' queues, the leader's state. */
#define PARALLEL_STATE	((Size) 1024 * 1024)

/* No more than this is requested in advance, because it takes time. */
#define MAX_ASKED		((Size) 1024 * 1024 * 1024)

/* Smaller tables are built without workers. */
#define PARALLEL_MIN_BLOCKS	32

/* What workers need to open the same relations, and what they report. */
struct TableBuildShared
{
	Oid			heap;
	Oid			index;
	bool		concurrent;
	slock_t		mutex;
	double		rows;			/* scanned by all workers */
	double		indexed;
	SharedFileSet files;		/* of attributes, if the index has any */
};

/*
 * PostgreSQL counts only the blocks of the table, not those of vectors stored out of line;
 * here the work grows with the rows, whatever their blocks.
 */
int
table_build_workers(const TableBuild *build)
{
	Relation	heap = build->heap;
	int			planned = plan_create_index_workers(RelationGetRelid(heap),
													RelationGetRelid(build->index));
	int			wanted = RelationGetParallelWorkers(heap, -1);
	BlockNumber blocks = RelationGetNumberOfBlocks(heap);

	if (wanted >= 0)
		return Min(planned, wanted);
	if (RelationUsesLocalBuffers(heap))
		return 0;
	if (planned == 0 &&
		(build->info->ii_Expressions != NIL || build->info->ii_Predicate != NIL))
		return 0;
	return planned > 0 || blocks >= PARALLEL_MIN_BLOCKS ? max_parallel_maintenance_workers : 0;
}

static void
add_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	TableBuild *build = arg;
	MemoryContext old;
	SegmentRow	row = {.tid = *tid};

	if (isnull[0])
		return;
	old = MemoryContextSwitchTo(build->temporary);
	if (index_take_row(index, &build->space, values, isnull, &row))
	{
		if (build->attributes)
			row.attributes = attributes_record(table_attributes_of(build->attributes), index,
											   values, isnull, &row.attributes_size);
		MemoryContextSwitchTo(old);
		build->add(build->arg, &row);
		if (build->attributes)
			table_attributes_put(build->attributes, &row);
		build->indexed++;
		if (build->leader && (uint64) build->indexed % 1024 == 0)
			pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, (int64) build->indexed);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(build->temporary);
}

void
table_build_scan(TableBuild *build)
{
	TableScanDesc scan = build->scan ?
		table_beginscan_parallel_compat(build->heap, build->scan) : NULL;

	build->temporary = AllocSetContextCreate(CurrentMemoryContext, "vector build row",
											 ALLOCSET_DEFAULT_SIZES);
	if (build->attributes)
		table_attributes_begin(build->attributes, build->shared ? &build->shared->files : NULL);
	build->rows = table_index_build_scan(build->heap, build->index, build->info, true,
										 build->leader, add_row, build, scan);
	if (build->attributes)
		table_attributes_end(build->attributes);
}

const AttributeSource *
table_build_attributes(TableBuild *build)
{
	return table_attributes_source(build->attributes,
								   build->context ? build->context->nworkers_launched : 0);
}

static void
forget_snapshot(TableBuild *build)
{
	if (IsMVCCSnapshot(build->snapshot))
		UnregisterSnapshot(build->snapshot);
}

IndexBuildResult *
vectorbuild(Relation heap, Relation index, IndexInfo *indexInfo)
{
	const VectorAm *am = vector_am_of(index);
	DirectoryOptions options = am->directory_options(index);
	TableBuild	build = {.heap = heap, .index = index, .info = indexInfo, .leader = true};
	IndexBuildResult *result = palloc0(sizeof(IndexBuildResult));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Directory  *directory;

	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data", RelationGetRelationName(index));
	directory_create(index, MAIN_FORKNUM, &options);
	directory = directory_read(index);
	segment_space(directory, &build.space);
	build.attributes = table_attributes(index);
	am->build(&build, directory);
	if (build.attributes)
		table_attributes_close(build.attributes);
	result->heap_tuples = build.rows;
	result->index_tuples = build.indexed;
	if (am->depend)
		am->depend(index);
	/* what the index had in object stores before */
	(void) tiering_depend(index, InvalidOid, true);
	if (am->effort_range && target_recall > 0 && build.indexed > 0)
		(void) worker_request_made(index);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

void
vectorbuildempty(Relation index)
{
	DirectoryOptions options = vector_am_of(index)->directory_options(index);

	directory_create(index, INIT_FORKNUM, &options);
}

uint64
table_build_bytes(const TableBuild *build)
{
	return (uint64) DatumGetInt64(DirectFunctionCall1(
		pg_table_size, ObjectIdGetDatum(RelationGetRelid(build->heap))));
}

/*
 * Takes half of the shared memory wanted, but for what the context of the parallel build will need;
 * issues a notice and returns false if that is not available.
 */
static bool
take_shared_memory(TableBuild *build, Size context, Size wanted)
{
	Size		half = Min(wanted / 2, MAX_ASKED);

	build->memory = half > 0 ? shared_memory_try(half) : NULL;
	if ((build->memory || half == 0) && shared_memory_has(context + PARALLEL_STATE))
		return true;
	if (build->memory)
		dsm_detach(build->memory);
	build->memory = NULL;
	ereport(NOTICE,
			(errmsg("not enough shared memory to build the index in parallel"),
			 errdetail("%zu MB were refused. One process builds the index alone.",
					   (context + PARALLEL_STATE + half) / (1024 * 1024)),
			 errhint("Give the server more shared memory to speed up builds.")));
	return false;
}

bool
table_build_enter(TableBuild *build, const char *worker_main, int workers, Size method_size,
				  Size wanted)
{
	ParallelContext *context;
	Size		scan_size;
	Size		query_size = debug_query_string ? strlen(debug_query_string) + 1 : 0;

	EnterParallelMode();
	context = CreateParallelContext("vector", worker_main, workers);
	build->snapshot = build->info->ii_Concurrent ?
		RegisterSnapshot(GetTransactionSnapshot()) : SnapshotAny;
	scan_size = table_parallelscan_estimate(build->heap, build->snapshot);
	shm_toc_estimate_chunk(&context->estimator, sizeof(TableBuildShared));
	shm_toc_estimate_chunk(&context->estimator, method_size);
	shm_toc_estimate_chunk(&context->estimator, scan_size);
	shm_toc_estimate_chunk(&context->estimator, query_size);
	shm_toc_estimate_keys(&context->estimator, 4);
	if (take_shared_memory(build, shm_toc_estimate(&context->estimator), wanted))
		InitializeParallelDSM(context);
	if (context->seg == NULL)
	{
		if (build->memory)
			dsm_detach(build->memory);
		forget_snapshot(build);
		DestroyParallelContext(context);
		ExitParallelMode();
		return false;
	}

	build->context = context;
	build->segment = context->seg;
	build->shared = shm_toc_allocate(context->toc, sizeof(TableBuildShared));
	memset(build->shared, 0, sizeof(TableBuildShared));
	build->shared->heap = RelationGetRelid(build->heap);
	build->shared->index = RelationGetRelid(build->index);
	build->shared->concurrent = build->info->ii_Concurrent;
	SpinLockInit(&build->shared->mutex);
	if (build->attributes)
		SharedFileSetInit(&build->shared->files, context->seg);
	shm_toc_insert(context->toc, KEY_SHARED, build->shared);
	build->method_shared = shm_toc_allocate(context->toc, method_size);
	memset(build->method_shared, 0, method_size);
	shm_toc_insert(context->toc, KEY_METHOD, build->method_shared);
	build->scan = shm_toc_allocate(context->toc, scan_size);
	table_parallelscan_initialize(build->heap, build->scan, build->snapshot);
	shm_toc_insert(context->toc, KEY_SCAN, build->scan);
	if (query_size > 0)
	{
		char	   *query = shm_toc_allocate(context->toc, query_size);

		memcpy(query, debug_query_string, query_size);
		shm_toc_insert(context->toc, KEY_QUERY, query);
	}
	return true;
}

int
table_build_launch(TableBuild *build)
{
	int			launched;

	LaunchParallelWorkers(build->context);
	launched = build->context->nworkers_launched;
	if (launched > 0)
		WaitForParallelWorkersToAttach(build->context);
	ereport(DEBUG1, (errmsg("using %d parallel workers", launched)));
	return launched;
}

void
table_build_wait(TableBuild *build)
{
	WaitForParallelWorkersToFinish(build->context);
	build->rows += build->shared->rows;
	build->indexed += build->shared->indexed;
}

void
table_build_leave(TableBuild *build)
{
	forget_snapshot(build);
	DestroyParallelContext(build->context);
	ExitParallelMode();
}

static LOCKMODE
heap_lock(const TableBuild *build)
{
	return build->shared->concurrent ? ShareUpdateExclusiveLock : ShareLock;
}

static LOCKMODE
index_lock(const TableBuild *build)
{
	return build->shared->concurrent ? RowExclusiveLock : AccessExclusiveLock;
}

void
table_build_open(TableBuild *build, dsm_segment *segment, shm_toc *toc)
{
	build->shared = shm_toc_lookup(toc, KEY_SHARED, false);
	build->method_shared = shm_toc_lookup(toc, KEY_METHOD, false);
	build->scan = shm_toc_lookup(toc, KEY_SCAN, false);
	build->segment = segment;
	debug_query_string = shm_toc_lookup(toc, KEY_QUERY, true);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	build->heap = table_open(build->shared->heap, heap_lock(build));
	build->index = index_open(build->shared->index, index_lock(build));
	build->info = BuildIndexInfo(build->index);
	build->info->ii_Concurrent = build->shared->concurrent;
	segment_space(directory_read(build->index), &build->space);
	build->attributes = table_attributes(build->index);
	if (build->attributes)
		SharedFileSetAttach(&build->shared->files, segment);
}

void
table_build_close(TableBuild *build)
{
	SpinLockAcquire(&build->shared->mutex);
	build->shared->rows += build->rows;
	build->shared->indexed += build->indexed;
	SpinLockRelease(&build->shared->mutex);
	index_close(build->index, index_lock(build));
	table_close(build->heap, heap_lock(build));
}
