/*
 * merge.c - merges sealed segments by means of their graphs
 *
 * The largest input is the base.  Each node of another input is searched for in the larger inputs;
 * it and the nearest nodes there become neighbours of each other.  So the work grows with the
 * smaller inputs, while all nodes are copied.  Flat inputs are the last: their rows become nodes,
 * and none is searched for in them.  (Merging graphs by searching the nodes of the smaller in the
 * larger: Ponomarenko et al. 2025, arXiv 2505.16064.)
 *
 * All edges between inputs go to a file for each part of an input, where a part is as large as fits
 * into memory.  Then, part by part, nodes are loaded with their old edges except those to dead
 * nodes, these are merged with the new ones, every node is made reachable from the part's first
 * node, and the nodes are written.
 *
 * Segments of METHOD_DISK store no codes with the links: those of a node that gets new edges are
 * computed from work vectors.  Where such segments keep no vectors, a node's own code takes the
 * place of its payload: what it stands for is as good as a vector to search for and to compare, and
 * the code itself is copied, with the centroid that it is relative to, so that estimates do not
 * become worse however often it is merged.  Nodes keep their order, so those of a cell remain a
 * run.  Only centroids relative to another mean are made anew, with more bits.
 */
#include "graph_segment/merge.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "distance/half.h"
#include "graph_segment/merge_internal.h"
#include "segment/memory.h"

#define MIN_NEIGHBOURS		3		/* that it gets in each of them, at least */
#define SEARCH_REACH			1.1f
#define REPAIR_FRACTION		0.75	/* lists with a smaller share of their edges are filled up */
#define MEAN_SAMPLE			4096	/* nodes from which the scale is computed */
#define SHIFTED_CELL_BITS	8		/* of centroids, if any are relative to another mean */

bool
merge_is_possible(const Space *space)
{
	return space->coded;
}

/* Marks an input's live rows, and the nodes that they belong to. */
static void
mark_live(Merge *merge, MergeInput *input)
{
	CachedSegment *segment = input->segment;
	Extent		extent = cached_extent(&segment->part, merge->job->index);
	SealedRow  *rows = palloc(SEALED_ROWS * sizeof(SealedRow));

	for (uint32 first = 0; first < segment->header.rows; first += SEALED_ROWS)
	{
		uint32		n = sealed_read_rows(extent, &segment->header, first, rows);

		CHECK_FOR_OTHERS();
		for (uint32 i = 0; i < n; i++)
		{
			uint32		key = input->base + rows[i].node;

			if (cached_row_is_dead(segment, first + i))
				continue;
			merge->rows[input->first_row + first + i] = 0;
			merge->live_rows++;
			merge->live_nodes += merge->number[key] == NO_ROW;
			merge->number[key] = 0;
		}
	}
	pfree(rows);
}

static bool
is_flat(const MergeInput *input)
{
	const SealedHeader *header = &input->segment->header;

	return !disk_is(header) && header->layout.degree == 0;
}

/* Graphs before flat inputs, and then those with more live rows first. */
static int
compare_inputs(const void *a, const void *b)
{
	const MergeInput *m = a;
	const MergeInput *n = b;
	const CachedSegment *x = m->segment;
	const CachedSegment *y = n->segment;
	uint32		p = x->header.rows - x->dead;
	uint32		q = y->header.rows - y->dead;

	if (is_flat(m) != is_flat(n))
		return is_flat(m) ? 1 : -1;
	return p > q ? -1 : p < q;
}

/*
 * Whether an input has a vector that is not stored as bytes, or in a flat one cannot be: all nodes
 * of a graph are stored as its first is.
 */
static bool
needs_full(Merge *merge, MergeInput *input)
{
	uint32		nodes = is_flat(input) ? input->segment->header.nodes : 1;

	if (merge->build->codes)
		return false;
	for (uint32 id = 0; id < nodes; id++)
	{
		float		error;

		if (merge_read_node(merge, input->base + id, merge->payload, &error)->step == 0 &&
			!(is_flat(input) && space_fits_bytes(merge->space, merge->payload)))
			return true;
	}
	return false;
}

/* Allocates an array without any number yet. */
static uint32 *
no_numbers(uint64 count)
{
	uint32	   *numbers = MemoryContextAllocHuge(CurrentMemoryContext,
												 sizeof(uint32) * Max(count, 1));

	memset(numbers, 0xFF, sizeof(uint32) * count);
	return numbers;
}

/*
 * Divides the new neighbours among the inputs in proportion to their rows, as the nearest rows are.
 */
static void
share_neighbours(Merge *merge)
{
	for (int i = 0; i < merge->input_count; i++)
	{
		const CachedSegment *segment = merge->inputs[i].segment;
		double		part = (segment->header.rows - segment->dead) / Max(merge->live_rows, 1.0);

		merge->inputs[i].neighbours = Max((uint32) rint(MERGE_NEIGHBOURS * part), MIN_NEIGHBOURS);
	}
}

static void
open_inputs(Merge *merge)
{
	const SegmentJob *job = merge->job;
	uint64		rows = 0;
	uint32		cells = 0;		/* no more than nodes */

	merge->inputs = palloc0(sizeof(MergeInput) * merge->input_count);
	for (int i = 0; i < merge->input_count; i++)
	{
		MergeInput *input = &merge->inputs[i];

		input->segment = cache_acquire(job->cached, job->index, &job->inputs[i]);
		input->first_row = (uint32) rows;
		rows += input->segment->header.rows;
		if (rows >= NO_ROW)
			elog(ERROR, "too many rows for one segment");
	}
	merge->row_count = (uint32) rows;
	qsort(merge->inputs, merge->input_count, sizeof(MergeInput), compare_inputs);
	for (int i = 0; i < merge->input_count; i++)
	{
		MergeInput *input = &merge->inputs[i];
		const SealedHeader *header = &input->segment->header;

		graph_scan_begin(&input->scan, merge->job->index, merge->space, input->segment,
						 &merge->statistics);
		graph_scan_keep_memory(&input->scan, merge->context);
		if ((uint64) merge->keys + header->nodes >= NO_ROW)
			elog(ERROR, "too many rows for one segment");
		input->base = merge->keys;
		merge->keys += header->nodes;
		input->first_cell = cells;
		cells += header->disk.cell_count;
		merge->build->shared->exact |= header->exact > 0;
	}
	for (int i = 0; i < merge->input_count; i++)
		if (needs_full(merge, &merge->inputs[i]))
			merge->build->shared->needs_full = true;
	merge->number = no_numbers(merge->keys);
	/* by dot products short vectors are not found by any query, however many nodes lead to them */
	if (merge->space->metric != SPACE_IP)
		merge->build->graph.ways = MemoryContextAllocExtended(merge->context, Max(merge->keys, 1),
															  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	merge->rows = no_numbers(merge->row_count);
	for (int i = 0; i < merge->input_count; i++)
		mark_live(merge, &merge->inputs[i]);
	share_neighbours(merge);
	merge->build->shared->sources = merge->live_rows;
}

MergeInput *
merge_input_of_key(Merge *merge, uint32 key)
{
	int			i = merge->input_count - 1;

	while (merge->inputs[i].base > key)
		i--;
	return &merge->inputs[i];
}

/* Reads the code of a node that has no vector, and of the head of a node what it has. */
static void
read_code(Merge *merge, MergeInput *input, uint32 id, char *code)
{
	const DiskNode *node = (const DiskNode *) disk_reader_get(&input->scan.disk->links, id);

	merge->head = (SealedNode) {
		.tid = node->tid, .extra = node->extra, .extras = node->extras, .row = id
	};
	memcpy(code, disk_reader_get(&input->scan.disk->codes, id), merge->payload_size);
	graph_scan_close(&input->scan);
	if (((DiskCode *) code)->cell >= input->segment->header.disk.cell_count)
		sealed_damaged(merge->job->index, "In segment %u, node %u is in cell %u.",
					   input->segment->part.uid, id, ((DiskCode *) code)->cell);
	((DiskCode *) code)->cell += input->first_cell;
	if (input->shift)
		disk_shift(merge->space, merge->build->graph.padded, input->shift, code, merge->floats);
}

static MergeInput *
input_of_cell(Merge *merge, uint32 cell)
{
	int			i = merge->input_count - 1;

	while (merge->inputs[i].first_cell > cell)
		i--;
	return &merge->inputs[i];
}

/* The centroid of a cell relative to the output's mean: SegmentBuild.get_centroid of a merge. */
static const float *
get_centroid(SegmentBuild *build, uint32 cell)
{
	Merge	   *merge = build->callbacks.arg;
	MergeInput *input = input_of_cell(merge, cell);
	uint32		padded = build->graph.padded;

	if (merge->centroid_cell == cell)
		return merge->centroid;
	disk_restore_cell(&input->segment->header.disk, padded,
					  disk_reader_get(&input->scan.disk->cells, cell - input->first_cell),
					  merge->centroid);
	graph_scan_close(&input->scan);
	for (uint32 d = 0; d < padded && input->shift; d++)
		merge->centroid[d] -= input->shift[d];
	merge->centroid_cell = cell;
	return merge->centroid;
}

/* Writes a cell: SegmentBuild.put_cell of a merge. */
static void
put_cell(SegmentBuild *build, DiskWriter *writer, uint32 cell)
{
	MergeInput *input = input_of_cell(build->callbacks.arg, cell);

	if (input->shift || input->segment->header.disk.cell_bits != writer->disk.cell_bits)
	{
		disk_put_cell(writer, get_centroid(build, cell));
		return;
	}
	disk_copy_cell(writer, disk_reader_get(&input->scan.disk->cells, cell - input->first_cell));
	graph_scan_close(&input->scan);
}

const SealedNode *
merge_read_node(Merge *merge, uint32 key, char *payload, float *error)
{
	MergeInput *input = merge_input_of_key(merge, key);
	const SealedNode *node;

	if (merge->build->codes)
	{
		read_code(merge, input, key - input->base, payload);
		*error = 0;
		return &merge->head;
	}
	node = sealed_read_node(&input->scan.sealed, 0, key - input->base);
	*error = space_restore(merge->space, node,
						   (const char *) node + input->segment->header.layout.vector, payload);
	return node;
}

uint32
merge_read_links(Merge *merge, uint32 key, uint32 *ids)
{
	MergeInput *input = merge_input_of_key(merge, key);
	const SealedHeader *header = &input->segment->header;
	uint32		count = graph_read_links(&input->scan.sealed, input->scan.disk, key - input->base,
										 ids);

	graph_scan_close(&input->scan);
	for (uint32 i = 0; i < count; i++)
		if (ids[i] >= header->nodes)
			sealed_damaged(merge->job->index, "In segment %u, node %u has %u as a neighbour.",
						   input->segment->part.uid, key - input->base, ids[i]);
	return count;
}

/*
 * Samples live nodes, as many as fit into half of the memory, for the scale of work vectors and for
 * the entries; the mean is the base's.
 */
static void
sample_nodes(Merge *merge)
{
	SegmentBuild *build = merge->build;
	BuildShared *shared = build->shared;
	uint32		entries = graph_entries_count(merge->live_nodes);
	Size		fit = shared->memory / 2 / (sizeof(BuildRow) + MAXALIGN(merge->payload_size));
	uint32		wanted = Min(Max(MEAN_SAMPLE, entries), merge->live_nodes);
	pg_prng_state random;
	uint32	   *keys;
	uint32		taken = 0;

	wanted = Min(wanted, Max(fit, 1));
	merge->entries = entries = Min(entries, wanted / CODE_GROUP * CODE_GROUP);
	keys = palloc(sizeof(uint32) * Max(wanted, 1));
	pg_prng_seed(&random, shared->space.seed);
	for (uint32 key = 0, left = merge->live_nodes; key < merge->keys; key++)
		if (merge->number[key] != NO_ROW &&
			pg_prng_uint64_range(&random, 1, left--) <= wanted - taken)
			keys[taken++] = key;
	/* the entries are a random part of them */
	build_shuffle(&random, keys, taken);
	shared->nodes_handle = build_allocate(build, sizeof(uint32) * Max(taken, 1));
	build->nodes = build_address(build, shared->nodes_handle);
	for (uint32 i = 0; i < taken; i++)
	{
		float		error;
		const SealedNode *node = merge_read_node(merge, keys[i], merge->payload, &error);
		SegmentRow	row;

		CHECK_FOR_OTHERS();
		row = (SegmentRow) {
			.tid = node->tid, .payload = merge->payload, .size = merge->payload_size
		};
		build_put_row(build, &row)->source = i;
		build->nodes[i] = i;
	}
	shared->nodes = taken;
	/* the base keeps its mean, and with that its factors */
	build_use_mean(shared, merge->inputs[0].segment->mean);
	build_measure_vectors(build, merge->live_nodes);
	build->plan = plan_create(build);
	plan_keep_entries(build, build->plan, entries);
	/* the plan names entries by their places in this array */
	build->node_of_row = keys;
	build_reset(build);
	build_shrink_memory(build, 0);
}

/*
 * Computes the shifts from each input's mean to that of the output, which is the base's, for what
 * is not made again from vectors.
 */
static void
measure_shifts(Merge *merge)
{
	BuildShared *shared = merge->build->shared;
	uint32		padded = merge->build->graph.padded;
	const float *mean = merge->inputs[0].segment->mean;

	for (int i = 0; i < merge->input_count && !is_flat(&merge->inputs[i]); i++)
	{
		shared->cell_bits = Max(shared->cell_bits,
								merge->inputs[i].segment->header.disk.cell_bits);
		if (i == 0 ||
			(merge->inputs[i].scan.disk &&
			 (!merge->build->codes ||
			  memcmp(mean, merge->inputs[i].segment->mean, sizeof(float) * padded) == 0)))
			continue;
		merge->inputs[i].shift = palloc(sizeof(float) * padded);
		for (uint32 d = 0; d < padded; d++)
			merge->inputs[i].shift[d] = mean[d] - merge->inputs[i].segment->mean[d];
		shared->cell_bits = Max(shared->cell_bits, SHIFTED_CELL_BITS);
	}
}

static void
put_alias(Merge *merge, uint32 key, uint32 of)
{
	if (merge->alias_count == merge->alias_room)
	{
		merge->alias_room = Max(merge->alias_room * 2, 64);
		merge->aliases = merge->aliases ?
			repalloc_huge(merge->aliases, sizeof(MergeAlias) * merge->alias_room) :
			MemoryContextAlloc(merge->context, sizeof(MergeAlias) * merge->alias_room);
	}
	merge->aliases[merge->alias_count++] = (MergeAlias) {key, of};
	merge->number[key] = NO_ROW;
}

const void *
merge_other_work(Merge *merge, uint32 key)
{
	uint32		place = key % RECENT_NODES;
	char	   *work = merge->recent_work + place * merge->work_size;
	float		error;

	if (merge->recent_key[place] == key)
		return work;
	(void) merge_read_node(merge, key, merge->other_payload, &error);
	build_work_of(merge->build, merge->other_payload, merge->floats, work);
	merge->recent_key[place] = key;
	return work;
}

/*
 * Whether a node has the same vector as the current one; if stored lossily, also the same error, so
 * that the bounds of one hold for both.
 */
static bool
is_equal(Merge *merge, uint32 key)
{
	float		error;
	const SealedNode *node = merge_read_node(merge, key, merge->other_payload, &error);

	return error == merge->error && node->scale == merge->scale &&
		memcmp(merge->other_payload, merge->payload, merge->payload_size) == 0;
}

/* The nearest of the nodes that a search has found, but for the node itself and dead ones. */
static uint32
choose_nearest(const Merge *merge, uint32 key, const MergeInput *target, GraphFound *nearest)
{
	const GraphSearch *search = &target->scan.search;
	uint32		count = 0;

	for (size_t i = 0; i < search->found_count; i++)
	{
		const GraphFound *found = &search->found[i];
		uint32		place = count;

		if (count == target->neighbours && found->distance >= nearest[count - 1].distance)
			continue;
		if (target->base + found->id == key || merge->number[target->base + found->id] == NO_ROW)
			continue;
		if (count < target->neighbours)
			count++;
		else
			place--;
		for (; place > 0 && nearest[place - 1].distance > found->distance; place--)
			nearest[place] = nearest[place - 1];
		nearest[place] = *found;
	}
	return count;
}

/* Connects the current node with its nearest nodes in an input. */
static void
connect_to(Merge *merge, uint32 key, MergeInput *target, const SpaceQuery *query)
{
	const SearchEffort effort = {
		.candidates = 8 + 2 * target->neighbours,
		/* estimated products have no lowest value that a limit could be measured from */
		.wanted = graph_scan_estimates(&target->scan) && merge->space->metric == SPACE_IP ? 0 :
			target->neighbours,
		.reach = SEARCH_REACH,
		.known = INFINITY,
		.within = INFINITY
	};
	GraphFound	nearest[MERGE_NEIGHBOURS];
	uint32		count;

	graph_scan_search(&target->scan, query, &effort);
	(void) graph_scan_walk(&target->scan, PG_UINT32_MAX);
	graph_scan_close(&target->scan);
	count = choose_nearest(merge, key, target, nearest);
	for (uint32 i = 0; i < count; i++)
	{
		uint32		neighbour = target->base + nearest[i].id;
		const void *other = merge_other_work(merge, neighbour);

		/*
		 * an alias is always of a smaller input than its node, so no two are aliases of each other;
		 * codes do not tell whether vectors are equal
		 */
		if (i == 0 && !merge->build->codes && key >= target->base + target->segment->header.nodes &&
			memcmp(other, merge->work, merge->work_size) == 0 &&
			is_equal(merge, neighbour))
		{
			put_alias(merge, key, neighbour);
			return;
		}
		merge_put_edge(merge, key, neighbour, merge->work, other);
		merge_put_edge(merge, neighbour, key, other, merge->work);
	}
}

/* Whether a node has lost so many neighbours that it needs others. */
static bool
needs_repair(Merge *merge, const MergeInput *input, uint32 id)
{
	uint32		ids[GRAPH_MAX_DEGREE];
	uint32		links = merge_read_links(merge, input->base + id, ids);
	uint32		live = 0;

	for (uint32 i = 0; i < links; i++)
		live += merge->number[input->base + ids[i]] != NO_ROW;
	return live < REPAIR_FRACTION * links;
}

/* Prepares a query for the current node's vector, or for what its code stands for. */
static void
prepare_query(Merge *merge, SpaceQuery *query)
{
	const BuildShared *shared = merge->build->shared;
	uint32		padded = merge->build->graph.padded;

	if (!merge->build->codes)
	{
		space_prepare(merge->space, query, merge->payload, merge->payload_size);
		return;
	}
	memset(query, 0, sizeof(*query));
	query->rotated = palloc(sizeof(float) * padded);
	build_residual(merge->build, merge->payload, query->rotated);
	for (uint32 d = 0; d < padded; d++)
		query->rotated[d] += shared->mean[d];
}

static void
connect_node(Merge *merge, int i, uint32 id)
{
	MergeInput *input = &merge->inputs[i];
	MemoryContext old = MemoryContextSwitchTo(merge->step);
	SpaceQuery	query;
	bool		repair = input->segment->dead > 0 && needs_repair(merge, input, id);

	if (i > 0 || repair)
	{
		merge->scale = merge_read_node(merge, input->base + id, merge->payload,
									   &merge->error)->scale;
		build_work_of(merge->build, merge->payload, merge->floats, merge->work);
		prepare_query(merge, &query);
		for (int k = 0; k < i + repair && merge->number[input->base + id] != NO_ROW &&
			 !is_flat(&merge->inputs[k]); k++)
			connect_to(merge, input->base + id, &merge->inputs[k], &query);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(merge->step);
}

/* Finds the edges between the inputs, and further ones for nodes that lost too many. */
static void
connect_inputs(Merge *merge)
{
	uint64		done = 0;

	for (int i = 0; i < merge->input_count; i++)
	{
		MergeInput *input = &merge->inputs[i];

		if (i == 0 && input->segment->dead == 0)
			continue;
		for (uint32 id = 0; id < input->segment->header.nodes; id++)
		{
			WAIT_POINT("grow");
			CHECK_FOR_OTHERS();
			if (merge->number[input->base + id] == NO_ROW)
				continue;
			connect_node(merge, i, id);
			if (++done % 256 == 0)
				build_report(merge->build, BUILD_GRAPH, done, merge->live_nodes);
		}
	}
}

static int
compare_alias(const void *a, const void *b)
{
	uint32		x = ((const MergeAlias *) a)->of;
	uint32		y = ((const MergeAlias *) b)->of;

	return x < y ? -1 : x > y;
}

/* The key of a node's cell. */
static uint32
cell_of_key(Merge *merge, uint32 key)
{
	MergeInput *input = merge_input_of_key(merge, key);
	uint32		cell = input->first_cell + ((const DiskCode *)
		disk_reader_get(&input->scan.disk->codes, key - input->base))->cell;

	graph_scan_close(&input->scan);
	return cell;
}

/* Counts the cells of the nodes that are kept, which are written in this order. */
static uint32
count_cells(Merge *merge)
{
	uint32		before = PG_UINT32_MAX;
	uint32		count = 0;

	for (uint32 key = 0; key < merge->keys; key++)
		if (merge->number[key] != NO_ROW)
		{
			uint32		cell = cell_of_key(merge, key);

			CHECK_FOR_OTHERS();
			count += cell != before;
			before = cell;
		}
	return count;
}

/* Numbers the nodes that are kept, part by part; an alias gets the number of its node. */
static void
number_nodes(Merge *merge)
{
	BuildShared *shared = merge->build->shared;
	uint32	   *entries = merge->build->node_of_row;
	uint32		next = 0;

	shared->parts = merge->part_count;
	for (uint32 p = 0; p < merge->part_count; p++)
	{
		shared->part_first[p] = next;
		for (uint32 key = merge->parts[p].from; key < merge->parts[p].to; key++)
			if (merge->number[key] != NO_ROW)
				merge->number[key] = next++;
	}
	shared->part_first[merge->part_count] = next;
	/* the node of an alias is in a larger input, and no alias itself */
	for (uint32 i = 0; i < merge->alias_count; i++)
	{
		MergeAlias *alias = &merge->aliases[i];

		alias->of = merge->number[alias->key] = merge->number[alias->of];
	}
	for (uint32 i = 0; i < merge->entries; i++)
		entries[i] = merge->number[entries[i]];
	qsort(merge->aliases, merge->alias_count, sizeof(MergeAlias), compare_alias);
}

static void
write_segment(SegmentMaking *making, SegmentEntry *output)
{
	SegmentBuild *build = ((Merge *) making)->build;

	build->making.attributes = making->attributes;
	build_write(build, output);
}

static uint32
row_number(SegmentMaking *making, uint64 i)
{
	return ((Merge *) making)->rows[i];
}

/* Closes the files of parts that were not written: of those with no node but aliases, or of all. */
static void
end_merge(SegmentMaking *making)
{
	Merge	   *merge = (Merge *) making;

	for (uint32 p = 0; p < merge->part_count; p++)
		if (merge->parts[p].edges != NULL)
			BufFileClose(merge->parts[p].edges);
}

/* Opens the inputs and samples them, for a graph of bytes if the method has one. */
static Merge *
begin(const SegmentJob *job, bool bytes)
{
	Merge	   *merge = palloc0(sizeof(Merge));
	BuildShared *shared = palloc(build_shared_size());
	BuildCallbacks callbacks = {.progress = job->progress, .arg = merge};
	Size		padded;

	merge->making = (SegmentMaking) {
		.write = write_segment, .row_number = row_number, .end = end_merge
	};
	merge->job = job;
	merge->context = CurrentMemoryContext;
	merge->input_count = job->input_count;
	build_init_shared(shared, cache_directory(job->cached), build_memory());
	shared->bytes &= bytes;
	shared->merging = true;
	build_start(shared, 1);
	merge->build = build_attach(shared, job->index, &callbacks);
	merge->space = &merge->build->space;
	merge->build->codes = merge->space->storage == STORAGE_NONE;
	merge->build->get_centroid = get_centroid;
	merge->build->put_cell = put_cell;
	merge->centroid_cell = PG_UINT32_MAX;
	merge->build->write_parts = merge_write_parts;
	merge->build->graph.complete = merge_complete_node;
	graph_use_merging(&merge->build->graph, shared->bytes);
	/* all rows need not fit into memory, because the parts do */
	shared->partitioned = true;
	padded = merge->build->graph.padded;
	merge->step = AllocSetContextCreate(CurrentMemoryContext, "vector merge node",
										ALLOCSET_DEFAULT_SIZES);
	merge->floats = palloc(sizeof(float) * padded);
	merge->centroid = palloc(sizeof(float) * padded);
	merge->work_size = graph_work_size(&merge->build->graph);
	merge->work = palloc(merge->work_size);
	merge->recent_work = palloc(merge->work_size * RECENT_NODES);
	memset(merge->recent_key, 0xFF, sizeof(merge->recent_key));
	merge->payload_size = merge->build->codes ? disk_code_size(merge->space, padded) :
		space_payload_size(merge->space);
	merge->payload = palloc(merge->payload_size);
	merge->other_payload = palloc(merge->payload_size);
	open_inputs(merge);
	merge->making.rows = merge->row_count;
	if (merge->live_rows == 0)
		return merge;
	measure_shifts(merge);
	sample_nodes(merge);
	return merge;
}

SegmentMaking *
merge_begin(const SegmentJob *job)
{
	Merge	   *merge = begin(job, true);

	/* halves tell more than bytes, and are as much as a merge has memory for */
	if (merge->build->shared->exact && merge->build->shared->bytes)
	{
		build_free_memory(merge->build);
		merge = begin(job, false);
	}
	if (merge->live_rows == 0)
		return &merge->making;
	merge_make_parts(merge);
	connect_inputs(merge);
	number_nodes(merge);
	if (merge->build->codes)
		merge->build->shared->cells = count_cells(merge);
	plan_size(merge->build, merge->build->plan);
	merge->making.blocks = build_blocks(merge->build);
	return &merge->making;
}
