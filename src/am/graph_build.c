/*
 * graph_build.c - CREATE INDEX of graphs: a scan of the table, by parallel workers if there are
 * any, into a segment build
 */
#include "am/graph_build.h"

#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"

#include "am/table_build.h"
#include "graph_segment/build.h"
#include "segment/memory.h"
#include "segment/replace.h"
#include "segment/wait_point.h"

#define OTHER_MEMORY	((Size) 512 * 1024)

/* The size of a graph in memory relative to the table. */
#define GRAPH_OVERHEAD	4

/* One participant's state. */
typedef struct GraphTableBuild
{
	TableBuild *table;
	SegmentBuild *build;
} GraphTableBuild;

static void
report_progress(BuildPhase phase, uint64 done, uint64 total)
{
	static const int names[] = {GRAPH_PHASE_LOAD, GRAPH_PHASE_GRAPH, GRAPH_PHASE_WRITE};
	const int	indexes[] = {
		PROGRESS_CREATEIDX_SUBPHASE, PROGRESS_CREATEIDX_TUPLES_TOTAL,
		PROGRESS_CREATEIDX_TUPLES_DONE
	};
	const int64 values[] = {names[phase], (int64) total, (int64) done};

	pgstat_progress_update_multi_param(3, indexes, values);
}

/* Issues a notice that the table does not fit into memory, and what follows from that. */
static void
notice_full(uint64 rows, bool refused, void *arg)
{
	GraphTableBuild *state = arg;
	const char *name = vector_am_of(state->table->index)->name;
	const char *detail = "The graph is built in partitions, in temporary files, which are merged.";

	if (refused)
		ereport(NOTICE,
				(errmsg("%s graph no longer fits into shared memory after " UINT64_FORMAT
						" tuples", name, rows),
				 errdetail_internal("%s", _(detail)),
				 errhint("Give the server more shared memory to speed up builds.")));
	else
		ereport(NOTICE,
				(errmsg("%s graph no longer fits into maintenance_work_mem after " UINT64_FORMAT
						" tuples", name, rows),
				 errdetail_internal("%s", _(detail)),
				 errhint("Increase maintenance_work_mem to speed up builds.")));
}

/* Writes the graph that has been built as a segment. */
static void
write_segment(SegmentMaking *making, void *arg)
{
	GraphTableBuild  *state = arg;

	segment_publish(making, state->table->index, state->table->heap,
					table_build_attributes(state->table));
	report_progress(BUILD_LOADING, 0, 0);
}

static void
add_row(void *arg, const SegmentRow *row)
{
	GraphTableBuild  *state = arg;

	build_add(state->build, row);
}

/* Memory for the rows and their graph: what is left after the participants' other needs. */
static Size
graph_memory(void)
{
	Size		memory = build_memory();

	return memory - Min(memory / 8, OTHER_MEMORY);
}

/* One participant's work, from attaching to the shared state to the last batch. */
static void
run_build(GraphTableBuild *state, BuildShared *shared)
{
	const BuildCallbacks callbacks = {
		.ready = write_segment, .full = notice_full, .progress = report_progress, .arg = state
	};
	TableBuild *table = state->table;

	table->add = add_row;
	table->arg = state;
	state->build = build_attach(shared, table->index, table->leader ? &callbacks : NULL);
	if (table->memory)
	{
		WAIT_POINT("memory");
		build_give_memory(state->build, table->memory);
	}
	if (table->leader)
		report_progress(BUILD_LOADING, 0, 0);
	table_build_scan(table);
	build_finish(state->build);
}

/* A worker of a parallel build. */
extern PGDLLEXPORT void graph_parallel_build_main(dsm_segment *segment, shm_toc *toc);

void
graph_parallel_build_main(dsm_segment *segment, shm_toc *toc)
{
	TableBuild	table = {0};
	GraphTableBuild	state = {.table = &table};

	table_build_open(&table, segment, toc);
	run_build(&state, table.method_shared);
	table_build_close(&table);
}

/* The leader of a parallel build; false, with nothing done, if no worker could be started. */
static bool
build_in_parallel(GraphTableBuild *state, const Directory *directory, int workers)
{
	TableBuild *table = state->table;
	Size		memory = graph_memory();
	BuildShared *shared;

	if (!table_build_enter(table, "graph_parallel_build_main", workers, build_shared_size(),
						   Min(memory, table_build_bytes(table) * GRAPH_OVERHEAD)))
		return false;
	shared = table->method_shared;
	build_init_shared(shared, directory, memory);
	build_use_files(shared);
	if (table->memory)
		build_expect_memory(shared);
	build_start(shared, table_build_launch(table) + 1);
	run_build(state, shared);
	table_build_wait(table);
	table_build_leave(table);
	return true;
}

static void
build_alone(GraphTableBuild *state, const Directory *directory)
{
	BuildShared *shared = palloc(build_shared_size());

	build_init_shared(shared, directory, graph_memory());
	build_use_files(shared);
	build_start(shared, 1);
	run_build(state, shared);
}

void
graph_build(TableBuild *table, const Directory *directory)
{
	GraphTableBuild	state = {.table = table};
	int			workers = table_build_workers(table);

	if (workers == 0 || !build_in_parallel(&state, directory, workers))
		build_alone(&state, directory);
}

char *
graph_build_phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case GRAPH_PHASE_LOAD:
			return "loading tuples";
		case GRAPH_PHASE_GRAPH:
			return "building graph";
		case GRAPH_PHASE_WRITE:
			return "writing segment";
		default:
			return NULL;
	}
}
