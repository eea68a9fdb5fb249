/*
 * hnsw_build.c - CREATE INDEX: a scan of the table, by parallel workers if there are any, into a
 * segment build
 */
#include "am/hnsw_build.h"

#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"

#include "am/index.h"
#include "am/table_build.h"
#include "segment/build.h"

#define AREA_SIZE		((Size) 1024 * 1024)

/* One participant's state. */
typedef struct HnswBuild
{
	TableBuild	table;
	Space		space;
	SegmentBuild *build;
} HnswBuild;

DirectoryOptions
hnsw_directory_options(Relation index)
{
	HnswOptions options = hnsw_options(index);
	DirectoryOptions directory = index_column_options(index, "hnsw");

	if (options.ef_construction < 2 * options.m)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ef_construction must be greater than or equal to 2 * m")));
	directory.m = options.m;
	directory.ef_construction = options.ef_construction;
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
	Relation	index = state->table.index;
	SegmentEntry entry;

	if (!directory_reserve(index, state->table.heap, build_blocks(build), &entry))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" would have too many segments",
						RelationGetRelationName(index)),
				 errhint("Increase maintenance_work_mem.")));
	build_write(build, index, &entry);
	directory_replace(index, &entry, 1, NULL, 0, NULL, NULL);
	directory_unclaim(index, &entry);
	report_progress(BUILD_LOADING, 0, 0);
}

static void
add_row(void *arg, ItemPointer tid, const char *payload, Size size)
{
	HnswBuild  *state = arg;

	build_add(state->build, tid, payload, size, 0, 0);
}

/* One participant's work, from attaching to the last batch. */
static void
run_build(HnswBuild *state, BuildShared *shared, dsa_area *area, dsm_segment *segment)
{
	const BuildCallbacks callbacks = {
		.write = write_segment, .full = notice_full, .progress = report_progress, .arg = state
	};
	Directory  *directory = directory_read(state->table.index);
	bool		leader = state->table.leader;

	directory_space(directory, &state->space);
	state->table.space = &state->space;
	state->table.add = add_row;
	state->table.arg = state;
	state->build = build_attach(shared, area, segment, leader ? &callbacks : NULL);
	if (leader)
		report_progress(BUILD_LOADING, 0, 0);
	table_build_scan(&state->table);
	build_finish(state->build);
}

/* Of the memory that participants share: where the area is, behind the build. */
static void *
area_place(void *shared)
{
	return (char *) shared + MAXALIGN(build_shared_size());
}

/* A worker of a parallel build. */
extern PGDLLEXPORT void hnsw_parallel_build_main(dsm_segment *segment, shm_toc *toc);

void
hnsw_parallel_build_main(dsm_segment *segment, shm_toc *toc)
{
	HnswBuild	state = {0};
	void	   *shared;
	dsa_area   *area;

	table_build_open(&state.table, segment, toc);
	shared = state.table.method_shared;
	area = dsa_attach_in_place(area_place(shared), segment);
	run_build(&state, shared, area, segment);
	table_build_close(&state.table);
	dsa_detach(area);
}

/* The leader of a parallel build; false, and nothing done, where no worker could be started. */
static bool
build_in_parallel(HnswBuild *state, const Directory *directory, int workers)
{
	TableBuild *table = &state->table;
	BuildShared *shared;
	dsa_area   *area;

	if (!table_build_enter(table, "hnsw_parallel_build_main", workers,
						   MAXALIGN(build_shared_size()) + AREA_SIZE))
		return false;
	shared = table->method_shared;
	build_init_shared(shared, directory, build_memory());
	build_use_files(shared, table->segment);
	area = dsa_create_in_place(area_place(shared), AREA_SIZE, LWTRANCHE_PARALLEL_QUERY_DSA,
							   table->segment);
	build_start(shared, table_build_launch(table) + 1);
	run_build(state, shared, area, table->segment);
	table_build_wait(table);
	dsa_detach(area);
	table_build_leave(table);
	return true;
}

static void
build_alone(HnswBuild *state, const Directory *directory)
{
	/* owns the temporary files, so it has to outlive memory when the build fails */
	dsm_segment *segment = dsm_create(build_shared_size(), 0);
	BuildShared *shared = dsm_segment_address(segment);

	build_init_shared(shared, directory, build_memory());
	build_use_files(shared, segment);
	build_start(shared, 1);
	run_build(state, shared, NULL, segment);
	dsm_detach(segment);
}

static void
build_segment(void *arg, const Directory *directory)
{
	HnswBuild  *state = arg;
	int			workers = table_build_workers(&state->table);

	if (workers == 0 || !build_in_parallel(state, directory, workers))
		build_alone(state, directory);
}

IndexBuildResult *
hnswbuild(Relation heap, Relation index, IndexInfo *info)
{
	DirectoryOptions options = hnsw_directory_options(index);
	HnswBuild	state = {.table = {.heap = heap, .index = index, .info = info}};

	return table_build(&state.table, &options, build_segment, &state);
}

void
hnswbuildempty(Relation index)
{
	DirectoryOptions options = hnsw_directory_options(index);

	directory_create(index, INIT_FORKNUM, &options);
}
