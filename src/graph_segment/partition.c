/*
 * partition.c - building a graph that does not fit into memory
 *
 * All rows go to temporary files.  A random sample of them determines how to divide the space (see
 * divide.c).  Another sample becomes the entries, or the levels above level 0.  Then all rows are
 * sent to their partitions: as payloads, or as work vectors if the graph is built of bytes.  The
 * graph of each partition is built in memory, and its edges are kept; rows that are in several
 * partitions connect them (as in Subramanya et al., DiskANN, NeurIPS 2019, section 3.3, there with
 * k-means clusters).  A node belongs to the first partition that has it.
 *
 * The nodes of a partition are then numbered and cut into the parts that are written: part by part,
 * the edges of its nodes are merged and the nodes are written.  A part is a whole partition, except
 * where the graph was built of bytes: these take less memory than the vectors that are written, so
 * that partitions have more rows.
 *
 * All participants take each step together, as they take the steps of a batch.
 */
#include "graph_segment/partition_files.h"

#include <math.h>

#include "common/cryptohash.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define MAX_OVERLAP		0.3		/* share of the rows at a division that go both ways */
#define MAX_OVERLAP_BYTES 0.45	/* the same where graphs are built of bytes */
#define COPIES			3.0		/* of a row, on average, if there are many partitions */
#define FEW_PARTITIONS	4		/* where rows have fewer copies */
#define SHORTER_LIST(degree) ((degree) * 2 / 3) /* of a node that has further lists elsewhere */
#define FILL			0.8		/* how full several are planned, because a sample is not exact */
#define MORE_PARTS		1.3		/* times as many, if one has become too large, */
#define DIVISIONS		3		/* at most this often, because equal rows cannot be divided */
#define STATE_MEMORY	(6 * sizeof(char *) * BUILD_MAX_PARTS)	/* of a PartitionState */
#define DIGEST			16		/* bytes that tell whether payloads are equal */

bool
partition_add(SegmentBuild *build, const SegmentRow *row)
{
	BuildShared *shared = build->shared;
	Size		memory = build_row_memory(&build->space, shared->m, row->size);
	RowHead		head;
	bool		whole;

	memset(&head, 0, sizeof(head));
	SpinLockAcquire(&shared->mutex);
	whole = build_is_whole(build, shared->sources, shared->spilled + memory);
	if (!whole)
	{
		head.source = (uint32) shared->sources++;
		shared->spilled += memory;
	}
	SpinLockRelease(&shared->mutex);
	if (whole)
		return false;
	head.tid = row->tid;
	head.size = (uint32) row->size;
	head.error = row->error;
	head.scale = row->scale;
	head.hash = build_hash(row->payload, row->size);
	partition_put(build, &build->partition->spill, &head, sizeof(head), row->payload, row->size);
	return true;
}

static void
make_state(SegmentBuild *build)
{
	PartitionState *state = build->partition = palloc0(sizeof(PartitionState));

	state->buffers = AllocSetContextCreate(build->context, "vector partition buffers",
										   ALLOCSET_DEFAULT_SIZES);
	state->rows = palloc0(sizeof(*state->rows) * BUILD_MAX_PARTS);
}

/* Makes the rest of it, once it is known how to divide the rows. */
static void
complete_state(SegmentBuild *build)
{
	PartitionState *state = build->partition;
	uint32		degree = build->graph.degree;

	if (state->sha256 == NULL)
		state->sha256 = pg_cryptohash_create(PG_SHA256);
	if (state->own)
		return;
	state->own = palloc0(sizeof(*state->own) * BUILD_MAX_PARTS);
	state->edges = palloc0(sizeof(*state->edges) * BUILD_MAX_PARTS);
	state->floats = palloc(sizeof(float) * (build->graph.padded + 1));
	state->work = palloc0(graph_work_size(&build->graph) + DIGEST);
	state->anchors = palloc0(sizeof(char *) * BUILD_MAX_PARTS);
	state->links.ids = palloc(sizeof(uint32) * degree);
	state->links.distances = palloc(sizeof(float) * degree);
	state->links.a = palloc(sizeof(float) * degree);
	state->links.b = palloc(sizeof(uint16) * degree);
	state->links.signs = palloc((build->graph.padded / 8 + 1) * degree);
}

/* The memory is full: its rows, and all that follow, go to files. */
void
partition_begin(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	uint32		from;
	uint32		to;

	if (build->partition == NULL)
		make_state(build);
	build->partition->written = 1;
	if (build->leader && build->callbacks.full)
	{
		build->callbacks.full(shared->rows, shared->refused, build->callbacks.arg);
		build->callbacks.full = NULL;
	}
	build_begin_step(build, 0);
	if (build->leader)
		shared->partitioned = true;
	while (build_next_nodes(build, (uint32) shared->rows, &from, &to))
		for (uint32 i = from; i < to; i++)
		{
			const BuildRow *had = build_row(build, i);
			const SegmentRow row = {
				.tid = had->tid, .payload = build_payload(build, i), .size = had->size,
				.error = had->error, .scale = had->scale
			};

			if (!partition_add(build, &row))
				elog(ERROR, "rows of a batch are too many for a segment");
		}
	build_reset(build);
}

static void
load_row(SegmentBuild *build, const RowHead *head, const char *payload)
{
	const SegmentRow row = {
		.tid = head->tid, .payload = payload, .size = head->size, .error = head->error,
		.scale = head->scale
	};
	BuildRow   *put = build_put_row(build, &row);

	put->hash = head->hash;
	put->source = head->source;
	put->secondary = head->secondary;
}

/* Loads the rows of a file, once all participants have reached this point, and closes it. */
static void
load_rows(SegmentBuild *build, PartitionFile **file)
{
	RowHead		head;
	const char *payload;

	partition_begin_reading(build, *file);
	while (partition_next_row(build->partition, *file, &head, &payload))
		load_row(build, &head, payload);
	partition_close(file);
	build_wait(build);
}

/* Loads a sample of this many rows, which always includes the first row. */
static void
load_sample(SegmentBuild *build, uint64 wanted)
{
	PartitionState *state = build->partition;
	uint64		rows = build->shared->sources;
	double		share = (double) wanted / rows * PG_UINT32_MAX;
	RowHead		head;
	const char *payload;

	partition_begin_reading(build, state->spill);
	while (partition_next_row(state, state->spill, &head, &payload))
		if (head.source == 0 || murmurhash32(head.source) < share)
			load_row(build, &head, payload);
}

/* The number of rows that fit into this much memory with their graph. */
static double
row_capacity(BuildShared *shared, Size memory)
{
	double		rows = (double) shared->sources;

	return Max(1, (double) memory / ((double) shared->spilled / rows));
}

/* Makes the graph that of one of so many partitions. */
static void
use_partitions(const BuildShared *shared, GraphBuild *graph, uint32 partitions)
{
	if (partitions == 1)
		return;
	/* a node that is inserted in several partitions needs fewer candidates in each, */
	graph->ef_construction = Max(graph->ef_construction / 2, shared->m);
	/* and, if it is in several, fewer neighbours */
	if (graph->bytes && partitions > FEW_PARTITIONS)
		graph->degree = SHORTER_LIST(graph->degree);
	graph_build_layout(graph);
}

/* The memory that a row takes while the graph of its partition, one of so many, is built. */
static Size
row_in_partition(const SegmentBuild *build, uint32 partitions, Size payload)
{
	GraphBuild	graph = build->graph;

	use_partitions(build->shared, &graph, partitions);
	return build_graph_memory(&graph, build_loads_bytes(build) ? DIGEST : payload);
}

/* The number of partitions' rows that fit into this much memory. */
static double
partition_capacity(const SegmentBuild *build, uint32 partitions, Size memory)
{
	return build->graph.bytes ?
		Max(1, (double) memory / row_in_partition(build, partitions,
												  space_payload_size(&build->space))) :
		row_capacity(build->shared, memory);
}

/* The memory of all participants' files. */
static Size
files_memory(const BuildShared *shared)
{
	return shared->memory / PARTITION_FILE_SHARE + STATE_MEMORY * shared->participants;
}

/*
 * Memory for the rows of a partition: less than for a batch by the numbers of all nodes, by files,
 * and by what places nodes.
 */
static Size
part_memory(const SegmentBuild *build)
{
	const BuildShared *shared = build->shared;
	Size		numbers = (build->space.element == SPACE_SPARSE ? 2 : 1) * sizeof(uint32) *
		shared->sources;
	Size		place = build->graph.bytes ? graph_place_size(&build->graph, 0) : 0;

	/* but at least half of the memory, however little that is */
	return shared->memory - Min(numbers + files_memory(shared) + place, shared->memory / 2);
}

/* The number of rows of a part. */
static uint64
part_capacity(const SegmentBuild *build)
{
	const BuildShared *shared = build->shared;

	if (!build->graph.bytes)
		return PG_UINT64_MAX;	/* the partition fits */
	return Max((uint64) (part_memory(build) / build_merge_memory(
							 &build->space, shared->m, true, space_payload_size(&build->space))),
			   shared->sources / (BUILD_MAX_PARTS - shared->partitions) + 1);
}

/*
 * Determines the number of partitions, more than before, so that each fits into memory; and their
 * overlap.
 */
static uint32
count_partitions(const SegmentBuild *build, uint32 before, double *overlap)
{
	BuildShared *shared = build->shared;
	double		rows = (double) shared->sources;
	uint32		parts;

	for (parts = before + 1; parts < BUILD_MAX_PARTS; parts++)
	{
		double		depth = ceil(log2(parts));

		*overlap = Min(build->graph.bytes ? MAX_OVERLAP_BYTES : MAX_OVERLAP,
					   pow(COPIES, 1 / depth) - 1);
		if (rows * pow(1 + *overlap, depth) / parts <=
			(parts == 1 ? 1 : FILL) * partition_capacity(build, parts, part_memory(build)))
			break;
	}
	return parts;
}

/* Takes a sample, as large as fits, to determine how to divide. */
static void
plan_partitions(SegmentBuild *build)
{
	BuildShared *shared = build->shared;

	load_sample(build, (uint64) (FILL * row_capacity(shared, shared->memory)));
	build_wait(build);
	if (build->leader)
	{
		double		overlap = 0;

		/* a batch was too large for the memory, but with bytes all rows may fit */
		shared->partitions = count_partitions(
			build, Max(build->graph.bytes ? 0 : 1, shared->partitions * MORE_PARTS), &overlap);
		build_make_nodes(build);
		divide_sample(build, overlap);
	}
	build_reset(build);
}

/* Makes the graph of the sample in memory the levels above level 0. */
static void
build_upper(SegmentBuild *build)
{
	BuildShared *shared = build->shared;

	if (build->leader)
	{
		build_allocate_graph(build, GRAPH_LEVELS - 1);
		shared->done = 0;
		shared->total = shared->nodes;
	}
	build_begin_step(build, 0);
	build_grow_graph(build);
	if (build->leader)
	{
		build_connect(build);
		plan_keep_upper(build, build->plan);
	}
}

/* Takes a sample for the entries, and for coded vectors also for the mean. */
static void
plan_entries(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	uint64		rows = shared->sources;
	uint64		wanted = build->space.coded ? Max(rows / GRAPH_FANOUT, BUILD_MEASURED) :
		rows / GRAPH_FANOUT;

	load_sample(build, (uint64) Max(1, Min(wanted, FILL * row_capacity(shared, shared->memory))));
	build_wait(build);
	if (build->leader)
	{
		build_make_nodes(build);
		build->nodes = build_address(build, shared->nodes_handle);
		if (build->space.coded)
			build_measure_vectors(build, rows);
		build->plan = plan_create(build);
	}
	if (!build->space.coded)
		build_upper(build);
	else if (build->leader)
		plan_keep_entries(build, build->plan,
						  Min(graph_entries_count((uint32) Min(rows, PG_UINT32_MAX)),
							  shared->nodes / CODE_GROUP * CODE_GROUP));
	build_reset(build);
}

/*
 * Makes what is loaded in place of a payload: its work vector, and a digest, because payloads that
 * differ may have the same work vector.
 */
static const char *
make_loaded(SegmentBuild *build, const char *payload, uint32 *size)
{
	PartitionState *state = build->partition;
	Size		work = graph_work_size(&build->graph);
	uint8		digest[PG_SHA256_DIGEST_LENGTH];

	if (!build_loads_bytes(build))
		return payload;
	build_work_of(build, payload, state->floats, state->work);
	if (pg_cryptohash_init(state->sha256) < 0 ||
		pg_cryptohash_update(state->sha256, (const uint8 *) payload, *size) < 0 ||
		pg_cryptohash_final(state->sha256, digest, sizeof(digest)) < 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute SHA-256")));
	memcpy(state->work + work, digest, DIGEST);
	*size = (uint32) (work + DIGEST);
	return state->work;
}

/* Sends all rows to their partitions. */
static void
send_rows(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	PartitionState *state = build->partition;
	uint32	   *parts;
	Size	   *memory = palloc0(sizeof(Size) * BUILD_MAX_PARTS);
	uint64		copies = 0;
	RowHead		head;
	const char *payload;

	state->written = shared->partitions;
	parts = palloc(sizeof(uint32) * shared->partitions);
	partition_begin_reading(build, state->spill);
	while (partition_next_row(state, state->spill, &head, &payload))
	{
		uint32		n = divide_route(build, payload, head.hash, parts);
		Size		size = row_in_partition(build, shared->partitions, head.size);
		const char *loaded = make_loaded(build, payload, &head.size);

		WAIT_POINT("divide");
		copies += n;
		for (uint32 i = 0; i < n; i++)
		{
			memory[parts[i]] += size;
			head.secondary = i > 0;
			partition_put(build, &state->rows[parts[i]], &head, sizeof(head), loaded, head.size);
		}
	}
	partition_flush(state, state->rows, shared->partitions);
	for (uint32 p = 0; p < shared->partitions; p++)
		pg_atomic_fetch_add_u64(&shared->part_memory[p], memory[p]);
	pfree(parts);
	pfree(memory);
	SpinLockAcquire(&shared->mutex);
	shared->copies += copies;
	SpinLockRelease(&shared->mutex);
	build_wait(build);
}

/*
 * Divides all rows into partitions, and once more into more of them if one has become too large for
 * its memory.
 */
static void
divide_rows(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	Size		memory;
	Size		largest;
	Size		smallest;
	int			divisions = 0;

	do
	{
		if (build->leader)
		{
			shared->copies = 0;
			for (uint32 p = 0; p < BUILD_MAX_PARTS; p++)
				pg_atomic_write_u64(&shared->part_memory[p], 0);
		}
		for (uint32 p = 0; p < shared->partitions; p++)
			partition_close(&build->partition->rows[p]);
		plan_partitions(build);
		build_shrink_memory(build, shared->memory - Min(files_memory(shared), shared->memory / 2));
		complete_state(build);
		send_rows(build);
		memory = part_memory(build);
		largest = 0;
		smallest = SIZE_MAX;
		for (uint32 p = 0; p < shared->partitions; p++)
		{
			largest = Max(largest, pg_atomic_read_u64(&shared->part_memory[p]));
			smallest = Min(smallest, pg_atomic_read_u64(&shared->part_memory[p]));
		}
		if (build->leader)
			ereport(DEBUG1,
					(errmsg_internal("%u partitions of %zu to %zu kB, with %zu kB for each",
									 shared->partitions, smallest / 1024, largest / 1024,
									 memory / 1024)));
		build_wait(build);
	}
	while (largest > memory && ++divisions < DIVISIONS && shared->partitions < BUILD_MAX_PARTS - 1);
	/* the numbers of nodes by row stay in memory besides */
	build_shrink_memory(build, Max(memory, Min(largest, shared->reserved)) +
						sizeof(uint32) * shared->sources);
}

/* Keeps the first node of a part, so that the part before can link to it. */
static void
keep_anchor(SegmentBuild *build, uint32 part, uint32 node)
{
	uint32		row = build_node_row(build, node);
	bool		coded = build->space.coded && !build->graph.exact;
	Size		size = coded ? graph_work_size(&build->graph) : build_row(build, row)->size;
	const void *anchor = coded && !build->graph.bytes ?
		graph_array_at(&build->graph.work, node) : (const void *) build_payload(build, row);

	build->partition->anchors[part] = memcpy(MemoryContextAlloc(build->context, size), anchor,
											 size);
}

/* Numbers a partition's own nodes, and cuts it into parts; to be called by the leader. */
static void
number_nodes(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	uint32	   *order = plan_order(build);
	uint32	   *node_of_row = build->node_of_row;
	uint32	   *numbers = build_address(build, shared->numbers);
	uint32		next = shared->part_first[shared->parts];
	uint64		capacity = part_capacity(build);
	uint64		rows = 0;

	for (uint32 i = 0; i < shared->nodes; i++)
	{
		uint32		first = build_node_row(build, order[i]);
		BuildRow   *row = build_row(build, first);

		if (!row->secondary)
		{
			if (rows >= capacity)
			{
				shared->part_first[++shared->parts] = next;
				rows = 0;
			}
			if (rows == 0)
				keep_anchor(build, shared->parts, order[i]);
			if (build->node_ids)
				shared->node_end = plan_place_node(
					build->plan, shared->node_end, plan_node_size(build->plan, row->size),
					&build->node_ids[next]);
			for (uint32 r = first; r != NO_ROW; r = build_row(build, r)->next, rows++)
				node_of_row[build_row(build, r)->source] = next;
			next++;
		}
		numbers[order[i]] = node_of_row[row->source];
	}
	if (rows > 0)
		shared->part_first[++shared->parts] = next;
	pfree(order);
}

/* Sends all rows to their parts, once the partitions are built. */
static void
keep_rows(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	PartitionState *state = build->partition;
	RowHead		head;
	const char *payload;

	state->written = shared->parts;
	partition_begin_reading(build, state->spill);
	while (partition_next_row(state, state->spill, &head, &payload))
	{
		uint32		part = partition_part_of(shared, build->node_of_row[head.source]);

		partition_put(build, &state->own[part], &head, sizeof(head), payload, head.size);
	}
	partition_flush(state, state->own, shared->parts);
	partition_close(&state->spill);
}

/* Builds the graph of a partition. */
static void
build_partition(SegmentBuild *build, uint32 partition)
{
	BuildShared *shared = build->shared;

	load_rows(build, &build->partition->rows[partition]);
	if (build->leader && shared->rows > 0)
	{
		build_make_nodes(build);
		shared->numbers = build_allocate(build, sizeof(uint32) * shared->nodes);
		build_allocate_graph(build, GRAPH_LEVELS);
	}
	build_begin_step(build, 0);
	if (shared->rows > 0)
	{
		build_grow_graph(build);
		if (build->leader)
		{
			number_nodes(build);
			shared->done += shared->rows;
		}
		build_begin_step(build, 0);
		partition_keep_edges(build);
	}
	build_reset(build);
}

/* Sorts the nodes in memory by their numbers; to be called by the leader. */
static void
order_nodes(SegmentBuild *build, uint32 part)
{
	BuildShared *shared = build->shared;
	const uint32 *node_of_row = build->node_of_row;
	uint32	   *nodes = build_address(build, shared->nodes_handle);
	uint32		n = shared->part_first[part + 1] - shared->part_first[part];
	uint32	   *rows = MemoryContextAllocHuge(build->context, sizeof(uint32) * Max(n, 1));

	if (shared->nodes != n)
		elog(ERROR, "part %u has %u nodes, not %u", part, shared->nodes, n);
	memcpy(rows, nodes, sizeof(uint32) * n);
	for (uint32 i = 0; i < n; i++)
		nodes[node_of_row[build_row(build, rows[i])->source] - shared->part_first[part]] = rows[i];
	pfree(rows);
}

/* Links a part's first node to that of the next one. */
static void
link_anchor(SegmentBuild *build, uint32 part)
{
	BuildShared *shared = build->shared;
	uint32		next = part + 1;
	const char *anchor;
	float		distance = 0;

	if (next == shared->parts)
		return;
	anchor = build->partition->anchors[next];
	if (!build->space.coded || build->graph.exact)
		distance = space_distance(&build->space, build_payload(build, build_node_row(build, 0)),
								  anchor);
	if (build->graph.exact)
	{
		build_work_floats(build, anchor, build->partition->floats);
		anchor = (const char *) build->partition->floats;
	}
	graph_set_anchor(&build->graph, shared->part_first[next], anchor, distance);
}

/* The participants' part of build_write. */
static void
partition_write(SegmentBuild *build, SegmentPlan *plan)
{
	BuildShared *shared = build->shared;
	GraphBuild *graph = &build->graph;

	for (uint32 part = 0; part < shared->parts; part++)
	{
		load_rows(build, &build->partition->own[part]);
		if (build->leader)
		{
			build_make_nodes(build);
			order_nodes(build, part);
			build_allocate_graph(build, 1);
		}
		build_begin_step(build, 0);
		build_map_graph(build);
		build_make_work_vectors(build);
		WAIT_POINT("unite");
		partition_merge_edges(build, part);
		if (build->leader)
		{
			graph->first = graph->anchor = shared->part_first[part];
			link_anchor(build, part);
			build_connect(build);
			plan_write_part(build, plan, shared->part_first[part]);
		}
		build_reset(build);
	}
}

/* Forgets the partitions after their segment was written; further rows go to another segment. */
static void
forget_partitions(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	PartitionState *state = build->partition;

	build_wait(build);
	for (uint32 p = 0; p < BUILD_MAX_PARTS; p++)
	{
		partition_close(&state->own[p]);
		if (state->anchors[p])
			pfree(state->anchors[p]);
		state->anchors[p] = NULL;
	}
	pg_cryptohash_free(state->sha256);
	state->sha256 = NULL;
	build->node_of_row = NULL;
	build_wait(build);
	if (!build->leader)
		return;
	build_clear_lasting(shared);
	if (build->node_ids)
		pfree(build->node_ids);
	build->node_ids = NULL;
	build->write_parts = NULL;
	build->graph.first = build->graph.anchor = 0;
	shared->partitioned = false;
	shared->needs_full = false;
	shared->sources = 0;
	shared->spilled = 0;
	shared->partitions = shared->parts = 0;
	shared->node_end = 0;
}

/* Called after the last row of all participants, or the last that the segment may have. */
void
partition_finish(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	GraphBuild *graph = &build->graph;
	uint32		ef_construction = graph->ef_construction;
	uint32		degree = graph->degree;

	plan_entries(build);
	build_use_exact(build);
	divide_rows(build);
	if (build->leader)
	{
		uint64		rows = shared->sources;

		shared->node_of_row = build_allocate_lasting(build, sizeof(uint32) * rows);
		if (plan_nodes_differ(build->plan))
			build->node_ids = MemoryContextAllocHuge(build->context, sizeof(uint32) * rows);
		shared->part_first[0] = 0;
		shared->total = shared->copies;
	}
	build_wait(build);
	build->node_of_row = build_address(build, shared->node_of_row);

	use_partitions(shared, graph, shared->partitions);
	for (uint32 p = 0; p < shared->partitions; p++)
		build_partition(build, p);
	keep_rows(build);
	graph->ef_construction = ef_construction;
	graph->degree = degree;
	graph_use_merging(graph, graph->bytes);
	build_wait(build);
	if (build->leader)
	{
		plan_size(build, build->plan);
		build->write_parts = partition_write;
		build_tell_ready(build);
	}
	else
		partition_write(build, NULL);
	graph_use_merging(graph, false);
	forget_partitions(build);
	build_reset(build);
}
