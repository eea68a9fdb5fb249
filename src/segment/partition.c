/*
 * partition.c - building a graph that does not fit into the memory
 *
 * All rows go to temporary files.  A random sample of them says how the space is divided: each
 * division is by two rows, those nearer to the one go one way, those nearer to the other one the
 * other, and those in between both (a spill tree: Liu, Moore, Gray and Yang, NIPS 2004).  Another
 * sample becomes the entries, or the levels above level 0.  The graph of each partition is built in
 * memory, and its edges are kept; rows that are in several partitions join them (as Subramanya et
 * al., DiskANN, NeurIPS 2019, section 3.3, with k-means clusters).  A node belongs to the first
 * partition that has it; partition by partition its edges are united and written.
 *
 * Each step is taken by all participants together, as those of a batch are.
 */
#include "segment/build_internal.h"

#include <math.h>

#include "access/htup_details.h"
#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/sharedtuplestore.h"

#define MAX_OVERLAP		0.3		/* of the rows at a division, those that go both ways */
#define COPIES			3.0		/* of a row, on average, if there are many partitions */
#define FILL			0.8		/* how full partitions are made, which sampling misses a little */
#define MIN_SAMPLE		16		/* fewer rows do not say where to divide */
#define PIVOT_PAIRS		10		/* that are tried */
#define PIVOT_CHOICE	16		/* rows of which the second pivot is the farthest */
#define PROBES			200		/* rows whose neighbours should stay with them, */
#define PROBE_CHOICE	1000	/* the nearest of so many */
#define SIGN_BIT		UINT32_C(0x80000000)

/* A division of the partitions [first, first + count) at first + left. */
typedef struct Split
{
	uint32		first;
	uint32		count;
	uint32		left;
	uint32		lower;			/* the divisions of the two sides */
	uint32		upper;
	bool		by_hash;		/* no distances divide the rows */
	uint64		low;			/* keys up to high go to the left, from low on to the right */
	uint64		high;
	uint64		pivots[2];		/* payloads */
} Split;

/* What a row in a file has beside its payload. */
typedef struct RowHead
{
	ItemPointerData tid;
	uint16		secondary;
	uint32		source;
	float		error;
	float		scale;
} RowHead;

/* What the edges of a node have before them. */
typedef struct EdgesHead
{
	uint32		number;			/* of the node */
	uint32		count;
} EdgesHead;

/* A participant's own. */
typedef struct PartitionState
{
	SharedTuplestoreAccessor *spill;
	SharedTuplestoreAccessor **rows;
	SharedTuplestoreAccessor **edges;
	Split	   *splits;
	char	   *tuple;			/* a MinimalTuple only by its first four bytes, the length */
	Size		tuple_room;
	GraphEdges	links;			/* room for a node's */
} PartitionState;

static SharedTuplestoreAccessor *
open_store(SegmentBuild *build, uint64 *handle, Size head, const char *name)
{
	BuildShared *shared = build->shared;

	if (build->leader)
	{
		*handle = build_allocate(build, sts_estimate(shared->participants));
		return sts_initialize(build_address(build, *handle), shared->participants, build->number,
							  head, 0, &shared->files, name);
	}
	return sts_attach(build_address(build, *handle), build->number, &shared->files);
}

static char *
tuple_room(PartitionState *state, Size size)
{
	if (size > state->tuple_room)
	{
		state->tuple_room = size;
		state->tuple = state->tuple ? repalloc_huge(state->tuple, size) :
			MemoryContextAllocHuge(CurrentMemoryContext, size);
	}
	*(uint32 *) state->tuple = (uint32) size;
	return state->tuple + sizeof(uint32);
}

static void
put_row(PartitionState *state, SharedTuplestoreAccessor *store, RowHead *head,
		const char *payload, Size size)
{
	memcpy(tuple_room(state, sizeof(uint32) + size), payload, size);
	sts_puttuple(store, head, (MinimalTuple) state->tuple);
}

/* The next row of a store; its payload is behind *payload until the one after it. */
static bool
next_row(SharedTuplestoreAccessor *store, RowHead *head, const char **payload, Size *size)
{
	MinimalTuple tuple = sts_parallel_scan_next(store, head);

	CHECK_FOR_INTERRUPTS();
	if (tuple == NULL)
		return false;
	*payload = (const char *) tuple + sizeof(uint32);
	*size = tuple->t_len - sizeof(uint32);
	return true;
}

/* Goes to the start of a store that all have written to, or read. */
static void
begin_reading(SegmentBuild *build, SharedTuplestoreAccessor *store)
{
	build_wait(build);
	if (build->leader)
		sts_reinitialize(store);
	build_wait(build);
	sts_begin_parallel_scan(store);
}

void
partition_add(SegmentBuild *build, ItemPointer tid, const char *payload, Size size, float error,
			  float scale)
{
	BuildShared *shared = build->shared;
	uint64		source = pg_atomic_fetch_add_u64(&shared->next_source, 1);
	Size		memory = build_row_memory(&build->space, shared->m, size);
	RowHead		head;

	if (source >= NO_ROW)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many rows for one index"),
				 errhint("Partition the table.")));
	memset(&head, 0, sizeof(head));
	ItemPointerCopy(tid, &head.tid);
	head.source = (uint32) source;
	head.error = error;
	head.scale = scale;
	put_row(build->partition, build->partition->spill, &head, payload, size);
	SpinLockAcquire(&shared->mutex);
	shared->spilled += memory;
	SpinLockRelease(&shared->mutex);
}

static void
make_state(SegmentBuild *build)
{
	PartitionState *state = build->partition = palloc0(sizeof(PartitionState));
	uint32		degree = build->graph.degree;

	state->rows = palloc0(sizeof(*state->rows) * BUILD_MAX_PARTS);
	state->edges = palloc0(sizeof(*state->edges) * BUILD_MAX_PARTS);
	state->links.ids = palloc(sizeof(uint32) * degree);
	state->links.distances = palloc(sizeof(float) * degree);
	state->links.a = palloc(sizeof(float) * degree);
	state->links.b = palloc(sizeof(uint16) * degree);
	state->links.signs = palloc((build->graph.padded / 8 + 1) * degree);
}

/* The memory is full: its rows go to files, and so do all that follow. */
void
partition_begin(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	uint32		from;
	uint32		to;

	make_state(build);
	if (build->leader)
	{
		if (build->callbacks.full)
			build->callbacks.full(shared->rows, true, build->callbacks.arg);
		build->partition->spill = open_store(build, &shared->spill, sizeof(RowHead), "rows");
	}
	build_begin_step(build, 0);
	if (build->leader)
		shared->partitioned = true;
	else
		build->partition->spill = open_store(build, &shared->spill, sizeof(RowHead), "rows");
	while (build_next_nodes(build, (uint32) shared->rows, &from, &to))
		for (uint32 i = from; i < to; i++)
		{
			BuildRow   *row = build_row(build, i);

			partition_add(build, &row->tid, build_payload(build, i), row->size, row->error,
						  row->scale);
		}
	build_reset(build);
}

static void
load_row(SegmentBuild *build, RowHead *head, const char *payload, Size size)
{
	BuildRow   *row = build_put_row(build, &head->tid, payload, size, head->error, head->scale);

	build_hash_row(row, payload);
	row->source = head->source;
	row->secondary = head->secondary;
}

/* Loads a sample of so many rows, and always the first. */
static void
load_sample(SegmentBuild *build, uint64 wanted)
{
	SharedTuplestoreAccessor *store = build->partition->spill;
	uint64		rows = pg_atomic_read_u64(&build->shared->next_source);
	double		share = (double) wanted / rows * PG_UINT32_MAX;
	RowHead		head;
	const char *payload;
	Size		size;

	begin_reading(build, store);
	while (next_row(store, &head, &payload, &size))
		if (head.source == 0 || murmurhash32(head.source) < share)
			load_row(build, &head, payload, size);
	sts_end_parallel_scan(store);
}

/* Loads a partition: its own rows, or all of them. */
static void
load_partition(SegmentBuild *build, uint32 part, bool all)
{
	SharedTuplestoreAccessor *store = build->partition->rows[part];
	RowHead		head;
	const char *payload;
	Size		size;

	begin_reading(build, store);
	while (next_row(store, &head, &payload, &size))
		if (all || !head.secondary)
			load_row(build, &head, payload, size);
	sts_end_parallel_scan(store);
	build_wait(build);
}

/*
 * A key of a division: how much nearer the first pivot is than the second one, and what parts rows
 * that are the same in this, but equal vectors.
 */
static uint64
make_key(float difference, uint32 chance)
{
	uint32		bits;

	if (isnan(difference))
		difference = INFINITY;
	memcpy(&bits, &difference, sizeof(bits));
	bits ^= bits & SIGN_BIT ? PG_UINT32_MAX : SIGN_BIT;		/* in the order of the floats */
	return (uint64) bits << 32 | chance;
}

/* Where a vector lies at a division. */
static uint64
split_key(SegmentBuild *build, const Split *split, const char *payload, uint64 hash)
{
	uint32		number = split->first * BUILD_MAX_PARTS + split->count;
	uint32		chance = (uint32) hash_bytes_uint32_extended(number, hash);

	if (split->by_hash)
		return make_key(0, chance);
	return make_key(space_distance(&build->space, build_address(build, split->pivots[0]), payload) -
					space_distance(&build->space, build_address(build, split->pivots[1]), payload),
					chance);
}

/* The partitions that a row goes to, in ascending order; returns how many. */
static uint32
route_row(SegmentBuild *build, uint32 which, const char *payload, uint64 hash, uint32 *parts)
{
	const Split *split = &build->partition->splits[which];
	uint32		n = 0;
	uint64		key;

	if (split->count == 1)
	{
		parts[0] = split->first;
		return 1;
	}
	key = split_key(build, split, payload, hash);
	if (key <= split->high)
		n += route_row(build, split->lower, payload, hash, parts);
	if (key >= split->low)
		n += route_row(build, split->upper, payload, hash, parts + n);
	return n;
}

typedef struct SampleKey
{
	uint64		key;
	uint32		row;
} SampleKey;

static int
compare_keys(const void *a, const void *b)
{
	uint64		x = ((const SampleKey *) a)->key;
	uint64		y = ((const SampleKey *) b)->key;

	return x < y ? -1 : x > y;
}

static uint64
copy_payload(SegmentBuild *build, uint32 row)
{
	Size		size = build_row(build, row)->size;
	uint64		handle = build_allocate(build, size);

	memcpy(build_address(build, handle), build_payload(build, row), size);
	return handle;
}

/* The tree's building. */
typedef struct Division
{
	SegmentBuild *build;
	Split	   *splits;
	uint32		count;
	double		overlap;
	pg_prng_state random;
	uint32		probes[PROBES];	/* rows of the part that is divided, */
	uint32		nearest[PROBES];	/* and a near neighbour of each */
} Division;

static float
sample_distance(SegmentBuild *build, uint32 a, uint32 b)
{
	return space_distance(&build->space, build_payload(build, a), build_payload(build, b));
}

static uint32
random_row(Division *division, const SampleKey *sample, uint32 n)
{
	return sample[pg_prng_uint64_range(&division->random, 0, n - 1)].row;
}

/* Picks rows, and the nearest of others to each. */
static void
pick_probes(Division *division, const SampleKey *sample, uint32 n)
{
	uint32		choice[PROBE_CHOICE];

	for (int i = 0; i < PROBE_CHOICE; i++)
		choice[i] = random_row(division, sample, n);
	for (int i = 0; i < PROBES; i++)
	{
		float		least = INFINITY;

		CHECK_FOR_INTERRUPTS();
		division->probes[i] = division->nearest[i] = random_row(division, sample, n);
		for (int k = 0; k < PROBE_CHOICE; k++)
		{
			float		distance = sample_distance(division->build, division->probes[i],
												   choice[k]);

			if (distance < least && choice[k] != division->probes[i])
			{
				least = distance;
				division->nearest[i] = choice[k];
			}
		}
	}
}

static uint64
pair_key(SegmentBuild *build, const uint32 *pair, uint32 row)
{
	return make_key(sample_distance(build, pair[0], row) - sample_distance(build, pair[1], row), 0);
}

/* How many probes a pair of pivots would part from their neighbours. */
static int
count_parted(Division *division, const uint32 *pair, double share)
{
	SampleKey	keys[PROBES];
	uint64		low;
	uint64		high;
	int			parted = 0;

	for (int i = 0; i < PROBES; i++)
		keys[i] = (SampleKey) {pair_key(division->build, pair, division->probes[i]), i};
	qsort(keys, PROBES, sizeof(SampleKey), compare_keys);
	low = keys[(int) Max(0, PROBES * (share - division->overlap / 2))].key;
	high = keys[(int) Min(PROBES - 1, PROBES * (share + division->overlap / 2))].key;
	for (int i = 0; i < PROBES; i++)
	{
		uint64		other = pair_key(division->build, pair, division->nearest[keys[i].row]);

		parted += (keys[i].key < low && other > high) || (keys[i].key > high && other < low);
	}
	return parted;
}

/* Two rows far from each other, between which few neighbours are parted. */
static void
choose_pivots(Division *division, Split *split, const SampleKey *sample, uint32 n)
{
	SegmentBuild *build = division->build;
	uint32		best[2] = {0};
	int			least = PROBES + 1;

	pick_probes(division, sample, n);
	for (int trial = 0; trial < PIVOT_PAIRS && least > 0; trial++)
	{
		uint32		pair[2];
		float		farthest = -INFINITY;
		int			parted;

		pair[0] = pair[1] = random_row(division, sample, n);
		for (int i = 0; i < PIVOT_CHOICE; i++)
		{
			uint32		row = random_row(division, sample, n);
			float		distance = sample_distance(build, pair[0], row);

			if (distance > farthest)
			{
				farthest = distance;
				pair[1] = row;
			}
		}
		parted = count_parted(division, pair, (double) split->left / split->count);
		if (parted < least)
		{
			least = parted;
			best[0] = pair[0];
			best[1] = pair[1];
		}
	}
	split->pivots[0] = copy_payload(build, best[0]);
	split->pivots[1] = copy_payload(build, best[1]);
}

/* Divides a part of the sample by two of its rows, and puts it in order; what goes both ways. */
static void
divide_sample(Division *division, Split *split, SampleKey *sample, uint32 n, uint32 *both_from,
			  uint32 *both_to)
{
	SegmentBuild *build = division->build;
	double		middle = (double) n * split->left / split->count;

	choose_pivots(division, split, sample, n);
	for (uint32 i = 0; i < n; i++)
		sample[i].key = split_key(build, split, build_payload(build, sample[i].row),
								  build_row(build, sample[i].row)->hash);
	qsort(sample, n, sizeof(SampleKey), compare_keys);
	*both_from = (uint32) Max(0, middle - n * division->overlap / 2);
	*both_to = (uint32) Min(n - 1, middle + n * division->overlap / 2) + 1;
	split->low = sample[*both_from].key;
	split->high = sample[*both_to - 1].key;
}

/* Divides the partitions where a sample says nothing. */
static void
divide_by_hash(Division *division, Split *split)
{
	double		middle = (double) split->left / split->count;

	split->by_hash = true;
	split->low = make_key(0, (uint32) (PG_UINT32_MAX * Max(0, middle - division->overlap / 2)));
	split->high = make_key(0, (uint32) (PG_UINT32_MAX * Min(1, middle + division->overlap / 2)));
}

/* Divides a part of the sample, which it reorders; returns the division. */
static uint32
divide(Division *division, SampleKey *sample, uint32 n, uint32 first, uint32 count)
{
	uint32		which = division->count++;
	Split	   *split = &division->splits[which];
	uint32		both_from = 0;
	uint32		both_to = n;
	Size		both;
	SampleKey  *kept;

	check_stack_depth();
	memset(split, 0, sizeof(*split));
	split->first = first;
	split->count = count;
	if (count == 1)
		return which;
	split->left = count / 2;
	if (n >= MIN_SAMPLE)
		divide_sample(division, split, sample, n, &both_from, &both_to);
	else
		divide_by_hash(division, split);

	/* the division of the lower side reorders what belongs to the upper side, too */
	both = sizeof(SampleKey) * (both_to - both_from);
	kept = MemoryContextAllocHuge(division->build->context, Max(both, 1));
	memcpy(kept, sample + both_from, both);
	split->lower = divide(division, sample, both_to, first, split->left);
	memcpy(sample + both_from, kept, both);
	pfree(kept);
	split->upper = divide(division, sample + both_from, n - both_from, first + split->left,
						  count - split->left);
	return which;
}

/* How many rows fit into the memory with their graph. */
static double
memory_capacity(BuildShared *shared)
{
	double		rows = (double) pg_atomic_read_u64(&shared->next_source);

	return Max(1, (double) shared->memory / ((double) shared->spilled / rows));
}

/* How many partitions there are to be, so that each fits into the memory; and how they overlap. */
static uint32
count_partitions(BuildShared *shared, double *overlap)
{
	double		rows = (double) pg_atomic_read_u64(&shared->next_source);
	uint32		parts;

	for (parts = 2; parts < BUILD_MAX_PARTS; parts++)
	{
		double		depth = ceil(log2(parts));

		*overlap = Min(MAX_OVERLAP, pow(COPIES, 1 / depth) - 1);
		if (rows * pow(1 + *overlap, depth) / parts <= FILL * memory_capacity(shared))
			break;
	}
	return parts;
}

/* Makes the tree, by the leader, from the vectors of the sample in memory, each counted once. */
static void
make_splits(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	Division	division = {.build = build};
	SampleKey  *sample;
	uint32		n;

	build_make_nodes(build);
	build->nodes = build_address(build, shared->nodes_handle);
	n = shared->nodes;
	sample = MemoryContextAllocHuge(build->context, sizeof(SampleKey) * n);
	shared->parts = count_partitions(shared, &division.overlap);
	shared->splits = build_allocate(build, sizeof(Split) * 2 * shared->parts);
	division.splits = build_address(build, shared->splits);
	pg_prng_seed(&division.random, shared->seed);
	for (uint32 i = 0; i < n; i++)
		sample[i].row = build_node_row(build, i);
	divide(&division, sample, n, 0, shared->parts);
	pfree(sample);
}

/* A sample, as large as fits, says how to divide. */
static void
plan_partitions(SegmentBuild *build)
{
	load_sample(build, (uint64) Max(1, FILL * memory_capacity(build->shared)));
	build_wait(build);
	if (build->leader)
		make_splits(build);
	build_reset(build);
}

/* The graph of the sample in memory becomes the levels above level 0. */
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
		if (!graph_connect(&build->graph, shared->nodes, build->inserter.search.memory))
			elog(ERROR, "out of memory");
		plan_keep_upper(build, build->plan);
	}
}

/* A sample says where searches begin, and of coded vectors the mean. */
static void
plan_entries(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	uint64		rows = pg_atomic_read_u64(&shared->next_source);

	load_sample(build, (uint64) Max(1, Min(rows / GRAPH_FANOUT, FILL * memory_capacity(shared))));
	build_wait(build);
	if (build->leader)
	{
		build_make_nodes(build);
		build->nodes = build_address(build, shared->nodes_handle);
		build->plan = plan_create(build);
	}
	if (!build->space.coded)
		build_upper(build);
	else if (build->leader)
	{
		build_measure_vectors(build);
		plan_keep_entries(build, build->plan,
						  Min(graph_entries_count((uint32) Min(rows, PG_UINT32_MAX)),
							  shared->nodes / CODE_GROUP * CODE_GROUP));
	}
	build_reset(build);
}

/* Sends all rows to their partitions. */
static void
divide_rows(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	PartitionState *state = build->partition;
	uint32	   *parts;
	uint64		copies = 0;
	RowHead		head;
	const char *payload;
	Size		size;

	for (int turn = 0; turn < 2; turn++)
	{
		for (uint32 p = 0; p < shared->parts && build->leader == (turn == 0); p++)
		{
			char		name[32];

			snprintf(name, sizeof(name), "rows%u", p);
			state->rows[p] = open_store(build, &shared->part_rows[p], sizeof(RowHead), name);
			snprintf(name, sizeof(name), "edges%u", p);
			state->edges[p] = open_store(build, &shared->part_edges[p], sizeof(EdgesHead), name);
		}
		build_wait(build);
	}
	state->splits = build_address(build, shared->splits);
	parts = palloc(sizeof(uint32) * shared->parts);
	begin_reading(build, state->spill);
	while (next_row(state->spill, &head, &payload, &size))
	{
		uint64		hash = hash_bytes_extended((const unsigned char *) payload, (int) size, 0);
		uint32		n = route_row(build, 0, payload, hash, parts);

		copies += n;
		for (uint32 i = 0; i < n; i++)
		{
			head.secondary = i > 0;
			put_row(state, state->rows[parts[i]], &head, payload, size);
		}
	}
	sts_end_parallel_scan(state->spill);
	for (uint32 p = 0; p < shared->parts; p++)
		sts_end_write(state->rows[p]);
	pfree(parts);
	SpinLockAcquire(&shared->mutex);
	shared->copies += copies;
	SpinLockRelease(&shared->mutex);
	build_wait(build);
}

/* The first node of a partition, for the one before to link to. */
static void
keep_anchor(SegmentBuild *build, uint32 part, uint32 node)
{
	Size		size = sizeof(uint16) * build->graph.padded;

	if (!build->space.coded)
	{
		build->shared->anchors[part] = copy_payload(build, build_node_row(build, node));
		return;
	}
	build->shared->anchors[part] = build_allocate(build, size);
	memcpy(build_address(build, build->shared->anchors[part]),
		   graph_array_at(&build->graph.work, node), size);
}

/* Numbers a partition's own nodes, by the leader: breadth first. */
static void
number_nodes(SegmentBuild *build, uint32 part)
{
	BuildShared *shared = build->shared;
	uint32	   *order = plan_breadth_first(build);
	uint32	   *node_of_row = build_address(build, shared->node_of_row);
	uint32	   *node_ids = shared->node_ids ? build_address(build, shared->node_ids) : NULL;
	uint32	   *numbers;
	uint32		next = shared->part_first[part];

	shared->numbers = build_allocate(build, sizeof(uint32) * shared->nodes);
	numbers = build_address(build, shared->numbers);
	for (uint32 i = 0; i < shared->nodes; i++)
	{
		uint32		first = build_node_row(build, order[i]);
		BuildRow   *row = build_row(build, first);

		if (!row->secondary)
		{
			if (next == shared->part_first[part])
				keep_anchor(build, part, order[i]);
			if (node_ids)
				shared->node_end = plan_place_node(
					build->plan, shared->node_end, plan_node_size(build->plan, row->size),
					&node_ids[next]);
			for (uint32 r = first; r != NO_ROW; r = build_row(build, r)->next)
				node_of_row[build_row(build, r)->source] = next;
			next++;
		}
		numbers[order[i]] = node_of_row[row->source];
	}
	shared->part_first[part + 1] = next;
	pfree(order);
}

/* The partition that a node belongs to. */
static uint32
partition_of(const BuildShared *shared, uint32 number, uint32 last)
{
	uint32		low = 0;

	while (low < last)
	{
		uint32		middle = (low + last + 1) / 2;

		if (shared->part_first[middle] <= number)
			low = middle;
		else
			last = middle - 1;
	}
	return low;
}

/* The edges of a node lie in a tuple so. */
static void
edge_arrays(const GraphBuild *graph, char *bytes, uint32 count, GraphEdges *edges)
{
	edges->count = count;
	edges->ids = (uint32 *) bytes;
	edges->distances = (float *) (edges->ids + count);
	edges->a = edges->distances + count;
	edges->b = (uint16 *) (edges->a + (graph->coded ? count : 0));
	edges->signs = (uint8 *) (edges->b + (graph->coded ? count : 0));
}

static Size
edges_size(const GraphBuild *graph, uint32 count)
{
	Size		edge = sizeof(uint32) + sizeof(float);

	if (graph->coded)
		edge += sizeof(float) + sizeof(uint16) + graph->padded / 8;
	return sizeof(uint32) + edge * count;
}

/* Puts the edges of a partition's nodes to the partitions that these belong to. */
static void
keep_edges(SegmentBuild *build, uint32 part)
{
	BuildShared *shared = build->shared;
	PartitionState *state = build->partition;
	const GraphBuild *graph = &build->graph;
	const uint32 *numbers = build_address(build, shared->numbers);
	GraphEdges *links = &state->links;
	uint32		from;
	uint32		to;

	while (build_next_nodes(build, shared->nodes, &from, &to))
		for (uint32 node = from; node < to; node++)
		{
			EdgesHead	head = {numbers[node], 0};
			GraphEdges	edges;

			graph_get_edges(graph, node, links);
			head.count = links->count;
			edge_arrays(graph, tuple_room(state, edges_size(graph, links->count)), links->count,
						&edges);
			for (uint32 i = 0; i < links->count; i++)
				edges.ids[i] = numbers[links->ids[i]];
			memcpy(edges.distances, links->distances, sizeof(float) * links->count);
			if (graph->coded)
			{
				memcpy(edges.a, links->a, sizeof(float) * links->count);
				memcpy(edges.b, links->b, sizeof(uint16) * links->count);
				memcpy(edges.signs, links->signs, graph->padded / 8 * links->count);
			}
			sts_puttuple(state->edges[partition_of(shared, head.number, part)], &head,
						 (MinimalTuple) state->tuple);
		}
}

/* Builds the graph of a partition. */
static void
build_partition(SegmentBuild *build, uint32 part)
{
	BuildShared *shared = build->shared;

	load_partition(build, part, true);
	if (build->leader)
	{
		shared->part_first[part + 1] = shared->part_first[part];
		if (shared->rows > 0)
		{
			build_make_nodes(build);
			build_allocate_graph(build, GRAPH_LEVELS);
		}
	}
	build_begin_step(build, 0);
	if (shared->rows > 0)
	{
		build_grow_graph(build);
		if (build->leader)
		{
			number_nodes(build, part);
			shared->done += shared->rows;
		}
		build_begin_step(build, 0);
		keep_edges(build, part);
		build_wait(build);
		if (build->leader)
			build_release(build, &shared->numbers);
	}
	build_reset(build);
}

/* Orders the nodes in memory by their numbers, by the leader. */
static void
order_nodes(SegmentBuild *build, uint32 part)
{
	BuildShared *shared = build->shared;
	const uint32 *node_of_row = build_address(build, shared->node_of_row);
	uint32	   *nodes = build_address(build, shared->nodes_handle);
	uint32		n = shared->part_first[part + 1] - shared->part_first[part];
	uint32	   *rows = MemoryContextAllocHuge(build->context, sizeof(uint32) * Max(n, 1));

	if (shared->nodes != n)
		elog(ERROR, "partition %u has %u nodes, not %u", part, shared->nodes, n);
	memcpy(rows, nodes, sizeof(uint32) * n);
	for (uint32 i = 0; i < n; i++)
		nodes[node_of_row[build_row(build, rows[i])->source] - shared->part_first[part]] = rows[i];
	pfree(rows);
}

/* Links a partition's first node to that of the next one. */
static void
link_anchor(SegmentBuild *build, uint32 part)
{
	BuildShared *shared = build->shared;
	uint32		next = part + 1;
	const char *anchor;
	float		distance = 0;

	while (next < shared->parts && shared->part_first[next] == shared->part_first[next + 1])
		next++;
	if (next == shared->parts)
		return;
	anchor = build_address(build, shared->anchors[next]);
	if (!build->space.coded)
		distance = space_distance(&build->space, build_payload(build, build_node_row(build, 0)),
								  anchor);
	graph_set_anchor(&build->graph, shared->part_first[next], (const uint16 *) anchor, distance);
}

/* Unites the edges of a partition's own nodes. */
static void
unite_edges(SegmentBuild *build, uint32 part)
{
	SharedTuplestoreAccessor *store = build->partition->edges[part];
	EdgesHead	head;
	MinimalTuple tuple;

	begin_reading(build, store);
	while ((tuple = sts_parallel_scan_next(store, &head)) != NULL)
	{
		GraphEdges	edges;

		CHECK_FOR_INTERRUPTS();
		edge_arrays(&build->graph, (char *) tuple + sizeof(uint32), head.count, &edges);
		graph_unite(&build->inserter, head.number - build->shared->part_first[part], &edges);
	}
	sts_end_parallel_scan(store);
	build_wait(build);
}

/* The participants' part of build_write. */
static void
partition_write(SegmentBuild *build, SegmentPlan *plan)
{
	BuildShared *shared = build->shared;
	GraphBuild *graph = &build->graph;

	for (uint32 part = 0; part < shared->parts; part++)
	{
		if (shared->part_first[part] == shared->part_first[part + 1])
			continue;
		load_partition(build, part, false);
		if (build->leader)
		{
			build_make_nodes(build);
			order_nodes(build, part);
			build_allocate_graph(build, 1);
		}
		build_begin_step(build, 0);
		build_map_graph(build);
		build_make_work_vectors(build);
		unite_edges(build, part);
		if (build->leader)
		{
			graph->first = graph->anchor = shared->part_first[part];
			link_anchor(build, part);
			if (!graph_connect(graph, shared->nodes, build->inserter.search.memory))
				elog(ERROR, "out of memory");
			plan_write_part(build, plan, shared->part_first[part]);
		}
		build_reset(build);
	}
}

/* After the last row of all participants. */
void
partition_finish(SegmentBuild *build)
{
	BuildShared *shared = build->shared;
	PartitionState *state = build->partition;

	sts_end_write(state->spill);
	plan_partitions(build);
	plan_entries(build);
	divide_rows(build);
	if (build->leader)
	{
		uint64		rows = pg_atomic_read_u64(&shared->next_source);

		shared->node_of_row = build_allocate(build, sizeof(uint32) * rows);
		if (plan_nodes_differ(build->plan))
			shared->node_ids = build_allocate(build, sizeof(uint32) * rows);
		shared->part_first[0] = 0;
		shared->total = shared->copies;
	}

	/* a node that is inserted several times needs fewer candidates each time */
	build->graph.ef_construction = Max(build->graph.ef_construction / 2, shared->m);
	for (uint32 part = 0; part < shared->parts; part++)
		build_partition(build, part);
	for (uint32 part = 0; part < shared->parts; part++)
		sts_end_write(state->edges[part]);
	build_wait(build);
	if (build->leader)
	{
		plan_size(build, build->plan);
		build->write_parts = partition_write;
		build->callbacks.write(build, build->callbacks.arg);
		build_forget_plan(build);
	}
	else
		partition_write(build, NULL);
	build_reset(build);
}
