/*
 * build.c - rows in memory, and the steps of a batch
 *
 * All participants take the steps of a batch together, with a barrier after each: the leader makes
 * nodes of the rows, in random order; all rotate vectors; all insert nodes, level by level of the
 * hierarchy, and fill up their lists; the leader writes.
 */
#include "graph_segment/build.h"

#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "graph_segment/build_internal.h"
#include "segment/wait_point.h"

#define ARENA_CHUNK_SIZE	((Size) 1024 * 1024)

/* If more shared memory was refused, the rest of what there is is left for the ends of chunks. */
#define REFUSED_FILL		0.9

/* One byte in this many is lost at the ends of chunks. */
#define CHUNK_LOSS			16

Size
build_shared_size(void)
{
	return sizeof(BuildShared);
}

/*
 * Whether graphs are built of bytes: where no codes of neighbours are stored, none need be
 * computed.  Not for dot products (vamana.c).
 */
static bool
builds_bytes(const Space *space)
{
	return space->method == METHOD_DISK && space->metric != SPACE_IP;
}

void
build_init_shared(BuildShared *shared, const Directory *directory, Size memory)
{
	memset(shared, 0, sizeof(*shared));
	segment_space(directory, &shared->space);
	shared->m = directory->m;
	shared->ef_construction = directory->ef_construction;
	shared->alpha = directory->max_alpha;
	shared->bytes = builds_bytes(&shared->space);
	shared->memory = memory;
	shared->chunk = build_chunk_size(memory);
	while ((sizeof(BuildRow) << shared->row_shift) <= shared->chunk / 2)
		shared->row_shift++;
	SpinLockInit(&shared->mutex);
	ConditionVariableInit(&shared->started);
	ConditionVariableInit(&shared->grown);
	pg_atomic_init_u64(&shared->next_node, 0);
}

void
build_hurry(BuildShared *shared)
{
	shared->ef_construction = Max(shared->ef_construction / 2, shared->m);
	shared->hurried = true;
}

void
build_use_mean(BuildShared *shared, const float *mean)
{
	memcpy(shared->mean, mean, sizeof(float) * rotation_padded(shared->space.dims));
	shared->has_mean = true;
}

void
build_use_files(BuildShared *shared)
{
	shared->has_files = true;
}

void
build_start(BuildShared *shared, int participants)
{
	BarrierInit(&shared->barrier, participants);
	SpinLockAcquire(&shared->mutex);
	shared->participants = participants;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->started);
}

static int
participants(BuildShared *shared)
{
	int			n;

	SpinLockAcquire(&shared->mutex);
	n = shared->participants;
	SpinLockRelease(&shared->mutex);
	return n;
}

/* The degree of the graph: 2 m, rounded up to whole groups where nodes store codes in groups. */
static uint32
graph_degree(const Space *space, uint32 m)
{
	return space->coded && space->method != METHOD_DISK ? TYPEALIGN(CODE_GROUP, 2 * m) : 2 * m;
}

static void
init_graph(const Space *space, uint32 m, uint32 ef_construction, bool bytes, GraphBuild *graph)
{
	memset(graph, 0, sizeof(*graph));
	graph->degree = graph_degree(space, m);
	graph->coded = space->coded;
	graph->bytes = bytes;
	/* where codes are estimated by, filling up lists makes up for a quarter less */
	graph->ef_construction = Max(graph->coded && !graph->bytes ? ef_construction * 3 / 4 :
								 ef_construction, m);
	graph->metric = space_rabitq_metric(space);
	graph->padded = space->coded ? rotation_padded(space->dims) : 0;
	graph->bottom = 1;
	graph_build_layout(graph);
}

Size
build_graph_memory(const GraphBuild *graph, Size payload)
{
	/*
	 * upper levels or entries, the random order of nodes and that of insertion, their numbers, the
	 * hash table to find equal vectors
	 */
	Size		size = sizeof(BuildRow) + MAXALIGN(payload) +
		(graph->coded ? graph_work_size(graph) : 0) +
		graph->size + graph->size / (GRAPH_FANOUT - 1) + 5 * sizeof(uint32);

	/* each process has the places of work vectors that are not in an array */
	if (graph->bytes)
		size += 2 * sizeof(char *);
	return size + size / CHUNK_LOSS;
}

Size
build_row_memory(const Space *space, uint32 m, Size payload)
{
	GraphBuild	graph;

	init_graph(space, m, 0, builds_bytes(space), &graph);
	return build_graph_memory(&graph, payload);
}

Size
build_merge_memory(const Space *space, uint32 m, bool bytes, Size payload)
{
	GraphBuild	graph;

	init_graph(space, m, 0, bytes, &graph);
	graph_use_merging(&graph, graph.bytes);
	return build_graph_memory(&graph, payload);
}

static float
plain_distance(void *arg, uint32_t a, uint32_t b)
{
	SegmentBuild *build = arg;

	return space_distance(&build->space, build_payload(build, build_node_row(build, a)),
						  build_payload(build, build_node_row(build, b)));
}

static void
add_row(SegmentMaking *making, const SegmentRow *row)
{
	build_add((SegmentBuild *) making, row);
}

static void
finish(SegmentMaking *making)
{
	build_finish((SegmentBuild *) making);
}

static void
write_segment(SegmentMaking *making, SegmentEntry *output)
{
	build_write((SegmentBuild *) making, output);
}

void
build_tell_ready(SegmentBuild *build)
{
	build->making.blocks = build_blocks(build);
	build->making.rows = build->shared->rows;
	build->callbacks.ready(&build->making, build->callbacks.arg);
	build_forget_plan(build);
}

static uint32
row_number(SegmentMaking *making, uint64 i)
{
	return build_row_number((SegmentBuild *) making, i);
}

SegmentBuild *
build_attach(BuildShared *shared, Relation index, const BuildCallbacks *callbacks)
{
	SegmentBuild *build = palloc0(sizeof(SegmentBuild));
	GraphMemory memory = space_graph_memory(CurrentMemoryContext);

	ConditionVariablePrepareToSleep(&shared->started);
	while (participants(shared) == 0)
		ConditionVariableSleep(&shared->started, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();

	SpinLockAcquire(&shared->mutex);
	build->number = shared->attached++;
	SpinLockRelease(&shared->mutex);
	build->making = (SegmentMaking) {
		.add = add_row, .finish = finish, .write = write_segment, .row_number = row_number
	};
	build->index = index;
	build->shared = shared;
	build->leader = callbacks != NULL;
	build->alone = participants(shared) == 1;
	if (build->leader)
		build->callbacks = *callbacks;
	build->context = CurrentMemoryContext;
	build->space = shared->space;
	space_init_rotation(&build->space);
	init_graph(&build->space, shared->m, shared->ef_construction, shared->bytes, &build->graph);
	build->graph.alpha = shared->alpha;
	build->graph.distance = plain_distance;
	build->graph.arg = build;
	if (!graph_inserter_init(&build->inserter, &build->graph, memory))
		elog(ERROR, "out of memory");
	return build;
}

BuildRow *
build_row(SegmentBuild *build, uint64 i)
{
	const BuildShared *shared = build->shared;
	BuildRow   *rows = build_address(build, shared->row_chunks[i >> shared->row_shift]);

	return &rows[i & ((UINT64CONST(1) << shared->row_shift) - 1)];
}

const char *
build_payload(SegmentBuild *build, uint64 row)
{
	return build_address(build, build_row(build, row)->payload);
}

/* Allocates memory for a payload from a chunk of this participant. */
static uint64
arena_allocate(SegmentBuild *build, Size size)
{
	uint64		place;

	size = MAXALIGN(size);
	if (build->arena_left < size)
	{
		build->arena_left = Max(size, Min(build->shared->chunk, ARENA_CHUNK_SIZE));
		build->arena = build_allocate(build, build->arena_left);
	}
	place = build->arena;
	build->arena += size;
	build->arena_left -= size;
	return place;
}

/* The number of rows for which there are chunks. */
static uint64
max_rows(const BuildShared *shared)
{
	return Min((uint64) BUILD_MAX_CHUNKS << shared->row_shift, GRAPH_MAX_ID);
}

/* A row takes more memory than its node will take in the segment. */
Size
build_max_memory(const Space *space)
{
	return space->element == SPACE_SPARSE ? BUILD_MAX_UNITS : SIZE_MAX;
}

bool
build_is_whole(const SegmentBuild *build, uint64 rows, Size memory)
{
	return rows >= segment_max_rows || (rows > 0 && memory > build_max_memory(&build->space));
}

/* No more memory is available: the batch consists of the rows so far, if there are any. */
static void
note_refused(BuildShared *shared)
{
	SpinLockAcquire(&shared->mutex);
	shared->full = shared->refused = true;
	shared->memory = Min(shared->memory, (Size) (shared->reserved * REFUSED_FILL));
	SpinLockRelease(&shared->mutex);
}

/*
 * Makes room for a new row and reserves the memory for its graph; returns NULL if the memory is
 * full.  Partitions have been planned to fit.
 */
static BuildRow *
new_row(SegmentBuild *build, Size memory)
{
	BuildShared *shared = build->shared;
	Size		chunk = sizeof(BuildRow) << shared->row_shift;

	for (;;)
	{
		uint64		i;
		uint64		needed;
		bool		full;
		bool		grow = false;

		SpinLockAcquire(&shared->mutex);
		i = shared->rows;
		needed = shared->used + memory;
		full = i >= max_rows(shared) ||
			(!shared->partitioned && i > 0 &&
			 (shared->full || needed > shared->memory || build_is_whole(build, i, needed)));
		if (full)
			shared->full = true;
		else
		{
			uint64	   *rows = &shared->row_chunks[i >> shared->row_shift];

			if (*rows == 0)
				*rows = build_take(shared, chunk, false);
			grow = *rows == 0 || (needed > shared->reserved && !shared->partitioned);
			if (!grow)
			{
				shared->rows++;
				shared->used = needed;
			}
		}
		SpinLockRelease(&shared->mutex);
		if (full && shared->partitioned)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many rows in one part of a graph"),
					 errhint("Increase maintenance_work_mem.")));
		if (full)
			return NULL;
		if (!grow)
			return build_row(build, i);
		if (build_grow_memory(build, chunk))
			continue;
		if (i == 0 || shared->partitioned)
			build_refuse(build, chunk);
		note_refused(shared);
	}
}

void
build_shuffle(pg_prng_state *random, uint32 *numbers, uint32 n)
{
	for (uint32 i = n; i > 1; i--)
	{
		uint32		k = (uint32) pg_prng_uint64_range(random, 0, i - 1);
		uint32		number = numbers[i - 1];

		numbers[i - 1] = numbers[k];
		numbers[k] = number;
	}
}

/* Makes one node of rows with equal vectors: `next` chains the others to the first. */
void
build_make_nodes(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	uint32		rows = (uint32) shared->rows;
	uint32		slots = 1024;
	uint32	   *table;
	uint32	   *nodes;
	pg_prng_state random;

	while (slots < rows * UINT64CONST(2) && slots < PG_UINT32_MAX / 2)
		slots *= 2;
	table = MemoryContextAllocHuge(build->context, sizeof(uint32) * slots);
	memset(table, 0xFF, sizeof(uint32) * slots);
	shared->nodes_handle = build_allocate(build, sizeof(uint32) * rows);
	nodes = build_address(build, shared->nodes_handle);
	shared->nodes = 0;
	for (uint32 i = 0; i < rows; i++)
	{
		BuildRow   *row = build_row(build, i);
		uint32		slot = (uint32) row->hash & (slots - 1);

		if ((i & 1023) == 0)
			CHECK_FOR_OTHERS();
		row->next = NO_ROW;
		for (; table[slot] != NO_ROW; slot = (slot + 1) & (slots - 1))
		{
			BuildRow   *other = build_row(build, table[slot]);

			/*
			 * if stored lossily, both must have the same error, so that the bounds of one hold for
			 * both
			 */
			if (other->hash == row->hash && other->size == row->size &&
				other->error == row->error && other->scale == row->scale &&
				memcmp(build_payload(build, table[slot]), build_payload(build, i), row->size) == 0)
				break;
		}
		if (table[slot] == NO_ROW)
		{
			table[slot] = i;
			nodes[shared->nodes++] = i;
		}
		else
		{
			BuildRow   *first = build_row(build, table[slot]);

			row->next = first->next;
			first->next = i;
		}
	}
	pfree(table);

	/* levels and entries must be random nodes, and so must be the order of insertion */
	pg_prng_seed(&random, shared->space.seed);
	build_shuffle(&random, nodes, shared->nodes);
}

/* Forgets the batch. */
void
build_reset(SegmentBuild *build)
{
	BuildShared *shared = build->shared;

	build_note_memory(build);
	if (build->leader)
	{
		build_clear_memory(shared);
		memset(shared->row_chunks, 0, sizeof(shared->row_chunks));
		memset(shared->links, 0, sizeof(shared->links));
		shared->entries = 0;
		shared->nodes_handle = 0;
		memset(&shared->work, 0, sizeof(shared->work));
		memset(&shared->order, 0, sizeof(shared->order));
		shared->rows = 0;
		shared->used = 0;
		shared->full = false;
		shared->last = shared->finished == shared->participants;
	}
	build_unmap_graph(build);
	build->arena_left = 0;
	build_wait(build);
}

/* Builds and writes a batch, together with the other participants. */
static void
build_batch(SegmentBuild *build)
{
	BuildShared *shared = build->shared;

	if (build->leader && shared->rows > 0)
	{
		build_make_nodes(build);
		if (build->space.coded)
		{
			build->nodes = build_address(build, shared->nodes_handle);
			build_measure_vectors(build, shared->nodes);
		}
		build_use_exact(build);
		build_allocate_graph(build, GRAPH_LEVELS);
		shared->done = 0;
		shared->total = shared->nodes;
	}
	build_begin_step(build, 0);
	build_use_exact(build);
	if (shared->rows > 0)
	{
		build_grow_graph(build);
		if (build->leader)
		{
			build_connect(build);
			build_report(build, BUILD_WRITING, 0, shared->nodes);
			build_tell_ready(build);
			shared->needs_full = false;
		}
	}
	build_reset(build);
}

/*
 * Called when the memory is full, or this participant has no more rows; all participants call it
 * alike.
 */
static void
end_batch(SegmentBuild *build)
{
	BuildShared *shared = build->shared;

	build_wait(build);
	if (shared->partitioned)
		partition_finish(build);
	else if (shared->full && shared->has_files &&
			 !build_is_whole(build, shared->rows, shared->used))
		partition_begin(build);
	else
		build_batch(build);
}

BuildRow *
build_put_row(SegmentBuild *build, const SegmentRow *row)
{
	Size		memory = build_row_memory(&build->space, build->shared->m, row->size);
	BuildRow   *put = new_row(build, memory);

	if (put == NULL)
		return NULL;
	put->tid = row->tid;
	put->secondary = 0;
	put->size = (uint32) row->size;
	put->error = row->error;
	put->scale = row->scale;
	put->source = 0;
	put->hash = 0;
	put->payload = arena_allocate(build, row->size);
	memcpy(build_address(build, put->payload), row->payload, row->size);
	return put;
}

uint64
build_hash(const char *payload, Size size)
{
	return hash_bytes_extended((const unsigned char *) payload, (int) size, 0);
}

/* Notes whether the vector of an added row can be stored as bytes. */
static void
note_storage(SegmentBuild *build, const SegmentRow *row)
{
	BuildShared *shared = build->shared;

	if (shared->needs_full || space_fits_bytes(&build->space, row->payload))
		return;
	SpinLockAcquire(&shared->mutex);
	shared->needs_full = true;
	SpinLockRelease(&shared->mutex);
}

void
build_add(SegmentBuild *build, const SegmentRow *row)
{
	BuildRow   *put;

	for (;;)
	{
		if (build->shared->partitioned)
		{
			if (partition_add(build, row))
				break;
		}
		else if ((put = build_put_row(build, row)) != NULL)
		{
			put->hash = build_hash(row->payload, row->size);
			break;
		}
		end_batch(build);
	}
	note_storage(build, row);
}

void
build_finish(SegmentBuild *build)
{
	SpinLockAcquire(&build->shared->mutex);
	build->shared->finished++;
	SpinLockRelease(&build->shared->mutex);
	do
		end_batch(build);
	while (!build->shared->last);
	if (build->leader)
		ereport(DEBUG1, (errmsg_internal("memory of the build: at most %zu kB",
										 build->shared->peak / 1024)));
	build_free_memory(build);
}

void
build_report(SegmentBuild *build, BuildPhase phase, uint64 done, uint64 total)
{
	if (build->callbacks.progress)
		build->callbacks.progress(phase, done, total);
}

SegmentMaking *
build_making(SegmentBuild *build)
{
	return &build->making;
}
