/*
 * method.c - sealed segments that are a graph: when they are merged, and when rebuilt from rows
 */
#include "graph_segment/method.h"

#include "flat_segment/method.h"
#include "graph_segment/check.h"
#include "graph_segment/inspect.h"
#include "graph_segment/build.h"
#include "graph_segment/disk.h"
#include "graph_segment/merge.h"
#include "segment/choose.h"
#include "segment/gaps.h"
#include "segment/memory.h"
#include "segment/replace.h"
#include "segment/sealed.h"
#include "segment/tombstones.h"

/* If a smaller share of the rows is live, a graph is rebuilt. */
#define MIN_LIVE_FRACTION	0.6

/*
 * If more graphs than this would have to be searched for a row of the inputs, on average,
 * rebuilding is as fast, and gives a better graph.
 */
#define MAX_SEARCHES		4

/* So few rows are flat: to compare them takes no longer than a search for the nearest ten. */
#define FLAT_ROWS			64

/* The assumed size of a sparse vector's payload, in bytes. */
#define SPARSE_PAYLOAD		1024

static Size
row_memory(const Space *space, uint32 m)
{
	return build_row_memory(space, m, space->element == SPACE_SPARSE ? SPARSE_PAYLOAD :
							space_payload_size(space));
}

/* A row takes about twice as much memory in a build as it takes in blocks. */
static uint64
max_blocks(const Space *space)
{
	return build_max_memory(space) / 2 / PAYLOAD_SIZE;
}

static const SegmentMethod *
for_rows(const Space *space, uint64 rows)
{
	return rows <= FLAT_ROWS && flat_is_possible(space) ? &flat_segment_method :
		segment_method(space);
}

/*
 * Whether to merge the inputs' graphs: not if there are growing segments, or only flat ones; and if
 * there is memory for a new graph, not if most nodes are dead or there are many small graphs.
 */
static bool
merges(const SegmentJob *job)
{
	SegmentEntry *entries = palloc(sizeof(SegmentEntry) * job->input_count);
	uint64		live = 0;
	uint64		rows = 0;
	uint64		searches = 0;
	bool		any_graph = false;

	memcpy(entries, job->inputs, sizeof(SegmentEntry) * job->input_count);
	qsort(entries, job->input_count, sizeof(SegmentEntry), segment_compare_rows);
	for (int i = 0; i < job->input_count; i++)
	{
		if (entries[i].kind == SEGMENT_GROWING)
			return false;
		any_graph |= entries[i].method != METHOD_FLAT;
		live += entries[i].rows;
		rows += entries[i].rows + sealed_dead(job->index, &entries[i]);
		/* one in each larger input */
		searches += (uint64) entries[i].rows * (job->input_count - 1 - i);
	}
	pfree(entries);
	/* no row can be built from again without its vector */
	if (job->space.storage == STORAGE_NONE)
		return true;
	return merge_is_possible(&job->space) && any_graph &&
		((live > MIN_LIVE_FRACTION * rows && searches <= MAX_SEARCHES * live) ||
		 !segments_fit_memory(job, false, job->inputs, job->input_count));
}

/*
 * The memory for a batch; if there are several, they should be of the same size.  What rows take is
 * only assumed: that there is one batch is no reason to give it less memory.
 */
static Size
batch_memory(const SegmentJob *job)
{
	Size		memory = build_memory();
	Size		row = row_memory(&job->space, job->m);
	uint64		rows = segment_input_rows(job);
	uint64		batches = rows * row / memory + 1;

	return batches == 1 ? memory : Min(memory, (rows / batches + 1) * row);
}

/*
 * Without vectors, codes can stay as they are when segments are merged only if they are relative to
 * the same mean, so a new segment has that of the segments before it.
 */
static void
share_mean(const SegmentJob *job, BuildShared *shared)
{
	float	   *mean = cache_largest_mean(job->cached, job->index);

	if (mean == NULL)
		return;
	build_use_mean(shared, mean);
	pfree(mean);
}

static SegmentMaking *
from_rows(const SegmentJob *job)
{
	BuildShared *shared = palloc(build_shared_size());
	const BuildCallbacks callbacks = {
		.ready = job->ready, .progress = job->progress, .arg = job->arg
	};

	build_init_shared(shared, cache_directory(job->cached), batch_memory(job));
	if (job->hurried && merge_is_possible(&job->space))
		build_hurry(shared);
	if (job->space.storage == STORAGE_NONE)
		share_mean(job, shared);
	build_start(shared, 1);
	return build_making(build_attach(shared, job->index, &callbacks));
}

/* Loads the entries and the axes, if there are any. */
static void
load(CachedSegment *segment, Relation index)
{
	const SealedHeader *header = &segment->header;
	GraphLoaded *loaded = palloc0(sizeof(GraphLoaded));
	GraphEntries *entries = &loaded->entries;

	graph_check_header(index, segment);
	segment->loaded = loaded;
	loaded->axes = disk_read_axes(cached_extent(&segment->part, index), header);
	if (header->entry_count > 0)
	{
		Size		size;

		entries->count = header->entry_count;
		entries->dims = graph_entries_dims(header->padded);
		size = graph_entries_size(entries->count, entries->dims);
		entries->groups = palloc(size);
		extent_read(cached_extent(&segment->part, index), header->entries, 0, entries->groups,
					size);
	}
	check_entries(index, segment);
}

/* The nodes, if they have what is worth storing. */
static BlockNumber
stored_cold(const SealedHeader *header)
{
	return header->level[0].blocks > 0 ? header->level[0].first : 0;
}

static const SegmentTiering graph_tiering = {.cold = stored_cold};

const SegmentMethod graph_segment_method = {
	.id = METHOD_GRAPH,
	.name = "graph",
	.row_memory = row_memory,
	.max_blocks = max_blocks,
	.may_merge = merge_is_possible,
	.gains_by_merging = merge_is_possible,
	.for_rows = for_rows,
	.merges = merges,
	.from_segments = merge_begin,
	.from_rows = from_rows,
	.load = load,
	.tiering = &graph_tiering,
	.reader = &graph_reader,
	.inspect = graph_inspect,
	.check = graph_check
};

static void
init_disk_space(Space *space, const Directory *directory)
{
	space->bits = directory->bits;
	if (directory->storage == STORAGE_NONE)
		space->storage = STORAGE_NONE;
}

static const SegmentTiering disk_tiering = {
	.cold = stored_cold, .place = disk_place_links, .write = disk_write_links
};

const SegmentMethod disk_segment_method = {
	.id = METHOD_DISK,
	.name = "disk graph",
	.init_space = init_disk_space,
	.row_memory = row_memory,
	.may_merge = merge_is_possible,
	.gains_by_merging = merge_is_possible,
	.for_rows = for_rows,
	.merges = merges,
	.from_segments = merge_begin,
	.from_rows = from_rows,
	.load = load,
	.tiering = &disk_tiering,
	.reader = &graph_reader,
	.inspect = graph_inspect,
	.check = disk_check,
	.check_vector = disk_check_vector
};
