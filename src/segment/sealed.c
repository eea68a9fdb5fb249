/*
 * sealed.c - the graph on disk as a source for the search
 *
 * The hot path of the extension.  A node's block is found by arithmetic, its buffer by memory of
 * where it was last (recent.h), and it is read without a content lock: sealed blocks
 * do not change, except on a standby, where redo may overwrite a block that was reused.
 */
#include "segment/sealed.h"

#include <math.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/buf_internals.h"
#include "utils/memutils.h"

#include "segment/layout.h"
#include "segment/recent.h"

#define CACHE_LINE			64
#define ROWS_AHEAD			4		/* nodes that are asked for ahead, of those read in order */
#define MAX_DEAD_FACTOR		4

static Buffer
pin_block(SealedScan *scan, BlockNumber block)
{
	scan->statistics->blocks++;
	return recent_pin(scan->index, block);
}

static inline char *
check_block(SealedScan *scan, Buffer buffer, BlockNumber block)
{
	Page		page = BufferGetPage(buffer);

	if (scan->lock)
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
	extent_check_page(scan->index, page, block, scan->segment->uid);
	return BlockGetPayload(page);
}

static inline void
unpin_block(SealedScan *scan, Buffer buffer)
{
	if (scan->lock)
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	ReleaseBuffer(buffer);
}

static void
reserve_scratch(SealedScan *scan, Size size)
{
	if (size <= scan->scratch_size)
		return;
	scan->scratch_size = size;
	scan->scratch = scan->scratch ? repalloc_huge(scan->scratch, size) :
		MemoryContextAllocHuge(scan->context, size);
}

/* Copies a node that runs on in the next block. */
static char *
copy_node(SealedScan *scan, BlockNumber block, Size start, Size size)
{
	reserve_scratch(scan, size);
	for (Size done = 0; done < size; block++, start = 0)
	{
		Size		part = Min(size - done, PAYLOAD_SIZE - start);
		Buffer		buffer = pin_block(scan, block);

		memcpy(scan->scratch + done, check_block(scan, buffer, block) + start, part);
		unpin_block(scan, buffer);
		done += part;
	}
	return scan->scratch;
}

/* Bytes of a node of a plain, sparse segment, from its first ones. */
static Size
sparse_node_size(const SealedScan *scan, BlockNumber block, Size start)
{
	const NodeLayout *layout = &scan->segment->header.layout;
	int32		nnz;

	extent_read(scan->index, block, scan->segment->uid, start + layout->vector, &nnz,
				sizeof(nnz));
	return layout->vector + sizeof(int32) + (Size) nnz * (sizeof(int32) + sizeof(float));
}

/*
 * A node's bytes in one piece, until leave_node.
 */
static const char *
visit_node(SealedScan *scan, uint32 id)
{
	const SealedHeader *header = &scan->segment->header;
	const NodeLayout *layout = &header->layout;
	const SealedLevel *level = &header->level[scan->level];
	uint64		offset = node_layout_offset(layout, id);
	BlockNumber place = (BlockNumber) (offset / PAYLOAD_SIZE);
	BlockNumber block = scan->segment->first + level->first + place;
	Size		start = offset % PAYLOAD_SIZE;
	char	   *payload;

	if (unlikely(place >= level->blocks))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has a neighbour that does not exist",
						RelationGetRelationName(scan->index)),
				 errhint("Please REINDEX it.")));
	if (layout->size > 0 && start + layout->size > PAYLOAD_SIZE)
		return copy_node(scan, block, start, layout->size);
	if (layout->size == 0)
	{
		Size		size;

		/* the head and the size of a vector lie in the first block if any part of a node does */
		scan->buffer = pin_block(scan, block);
		payload = check_block(scan, scan->buffer, block);
		if (start + layout->vector + sizeof(int32) <= PAYLOAD_SIZE)
		{
			size = layout->vector + sizeof(int32) +
				(Size) (*(int32 *) (payload + start + layout->vector)) *
				(sizeof(int32) + sizeof(float));
			if (start + size <= PAYLOAD_SIZE)
				return payload + start;
		}
		unpin_block(scan, scan->buffer);
		scan->buffer = InvalidBuffer;
		return copy_node(scan, block, start, sparse_node_size(scan, block, start));
	}
	scan->buffer = pin_block(scan, block);
	payload = check_block(scan, scan->buffer, block);
	return payload + start;
}

static void
leave_node(SealedScan *scan)
{
	if (BufferIsValid(scan->buffer))
	{
		unpin_block(scan, scan->buffer);
		scan->buffer = InvalidBuffer;
	}
}

static void
tell_found(const SealedScan *scan, const SealedNode *node, GraphFound *found)
{
	found->tag = tag_from_tid((ItemPointer) &node->tid);
	if (node->extras > 0)
		found->tag |= FOUND_EXTRAS;
	if (cached_row_is_dead(scan->segment, node->row))
		found->tag |= FOUND_FIRST_DEAD;
	found->bound = (float) space_order_by(scan->space, scan->query, found->distance, node->error,
										  node->scale);
}

static int
expand_node(void *arg, uint32_t id, GraphFound *found, uint32_t *ids, float *estimates)
{
	SealedScan *scan = arg;
	const NodeLayout *layout = &scan->segment->header.layout;
	const char *bytes = visit_node(scan, id);
	const SealedNode *node = (const SealedNode *) bytes;
	int			links = Min(node->links, layout->degree);

	CHECK_FOR_INTERRUPTS();
	memcpy(ids, bytes + layout->ids, links * sizeof(uint32));
	if (scan->space->coded)
	{
		Size		group = rabitq_group_size(scan->segment->header.padded);

		found->distance = space_node_distance(scan->space, scan->query, node,
											  bytes + layout->vector);
		for (int i = 0; i < links; i += CODE_GROUP)
			distance_kernels->code_estimates(
				&scan->code, (const uint8 *) bytes + layout->codes + i / CODE_GROUP * group,
				(const float *) (bytes + layout->a) + i,
				(const uint16 *) (bytes + layout->b) + i, found->distance, estimates + i);
	}
	if (scan->level == 0)
		tell_found(scan, node, found);
	/* the greatest of the products with vectors as long as the longest one met */
	if (scan->space->metric == SPACE_IP)
		scan->search.base = Max(scan->search.base, scan->query->norm * node->scale);
	leave_node(scan);
	return links;
}

static void
prefetch_node(void *arg, uint32_t id)
{
	SealedScan *scan = arg;
	CachedSegment *segment = scan->segment;
	const NodeLayout *layout = &segment->header.layout;
	uint64		offset = node_layout_offset(layout, id);
	BlockNumber place = (BlockNumber) (offset / PAYLOAD_SIZE);
	BlockNumber block = segment->first + segment->header.level[scan->level].first + place;
	Size		start = offset % PAYLOAD_SIZE;
	Buffer		recent = recent_buffer(scan->index, block);

	if (place >= segment->header.level[scan->level].blocks)
		return;
	if (recent == InvalidBuffer)
	{
		recent_prefetch(scan->index, block);
		if (start + layout->size > PAYLOAD_SIZE)
			recent_prefetch(scan->index, block + 1);
	}
	else
	{
		const char *bytes = BlockGetPayload(BufferGetPage(recent)) + start;
		Size		size = Min(layout->size ? layout->size : CACHE_LINE * 8, PAYLOAD_SIZE - start);

		if (!BufferIsLocal(recent))
			__builtin_prefetch(GetBufferDescriptor(recent - 1), 1);
		__builtin_prefetch(BufferGetPage(recent));
		for (Size i = 0; i < size; i += CACHE_LINE)
			__builtin_prefetch(bytes + i, 0, 2);
	}
}

char *
sealed_open_block(SealedScan *scan, BlockNumber place, Buffer *buffer)
{
	BlockNumber block = scan->segment->first + place;

	*buffer = pin_block(scan, block);
	return check_block(scan, *buffer, block);
}

void
sealed_close_block(SealedScan *scan, Buffer buffer)
{
	unpin_block(scan, buffer);
}

void
sealed_prefetch_block(SealedScan *scan, BlockNumber place)
{
	recent_prefetch(scan->index, scan->segment->first + place);
}

const SealedNode *
sealed_visit_node(SealedScan *scan, uint32 id)
{
	return (const SealedNode *) visit_node(scan, id);
}

uint32
sealed_visit_nodes(SealedScan *scan, uint32 id, uint32 n, const char **nodes)
{
	const NodeLayout *layout = &scan->segment->header.layout;
	Size		start = node_layout_offset(layout, id) % PAYLOAD_SIZE;
	uint32		whole = (uint32) ((PAYLOAD_SIZE - Min(start, PAYLOAD_SIZE)) / layout->size);

	*nodes = visit_node(scan, id);
	if (layout->per > 0)
		whole = Min(whole, layout->per - id % layout->per);
	return Max(Min(whole, n), 1);
}

void
sealed_leave_node(SealedScan *scan)
{
	leave_node(scan);
}

void
sealed_prefetch_node(SealedScan *scan, uint32 id)
{
	prefetch_node(scan, id);
}

static void
score_nodes(void *arg, const uint32_t *ids, int n, float *distances)
{
	SealedScan *scan = arg;
	Size		vector = scan->segment->header.layout.vector;

	for (int i = 0; i < Min(n, 4); i++)
		prefetch_node(scan, ids[i]);
	for (int i = 0; i < n; i++)
	{
		const char *bytes;

		if (i + 4 < n)
			prefetch_node(scan, ids[i + 4]);
		bytes = visit_node(scan, ids[i]);
		distances[i] = space_node_distance(scan->space, scan->query, (const SealedNode *) bytes,
										   bytes + vector);
		leave_node(scan);
	}
}

const SealedNode *
sealed_read_node(SealedScan *scan, int level, uint32 id)
{
	const char *bytes;
	int			old = scan->level;

	scan->level = level;
	bytes = visit_node(scan, id);
	if (BufferIsValid(scan->buffer))
	{
		const NodeLayout *layout = &scan->segment->header.layout;
		Size		size = layout->size ? layout->size : layout->vector +
			space_size_of(scan->space, bytes + layout->vector);

		reserve_scratch(scan, size);
		memcpy(scan->scratch, bytes, size);
		leave_node(scan);
	}
	scan->level = old;
	return (const SealedNode *) scan->scratch;
}

/* Whether all rows of a node are dead. */
static bool
node_is_dead(void *arg, uint32_t id)
{
	SealedScan *scan = arg;
	CachedSegment *segment = scan->segment;
	const SealedNode *node;
	bool		dead;

	/* nodes of one size are numbered as their first rows are */
	if (segment->header.layout.size > 0 && !cached_row_is_dead(segment, id))
		return false;
	node = (const SealedNode *) visit_node(scan, id);
	dead = cached_row_is_dead(segment, node->row);
	for (uint32 i = 0; i < node->extras && dead; i++)
		dead = cached_row_is_dead(segment, node->extra + i);
	leave_node(scan);
	return dead;
}

/* Prepares estimates, and finds a node of a coded segment to begin with. */
static GraphCandidate
begin_coded(SealedScan *scan)
{
	const SpaceQuery *query = scan->query;
	const GraphEntries *entries = &scan->segment->entries;
	uint32		padded = scan->segment->header.padded;
	float	   *centred = palloc(sizeof(float) * padded);
	uint8	   *lut = palloc(rabitq_lut_size(padded));
	GraphCandidate entry = {INFINITY, scan->segment->header.entry};

	for (uint32 i = 0; i < padded; i++)
		centred[i] = query->rotated[i] - scan->segment->mean[i];
	if (entries->count > 0)
		entry = graph_entries_nearest(entries, space_rabitq_metric(scan->space), centred, padded,
									  lut);
	rabitq_prepare(&scan->code, centred, padded, lut);
	pfree(centred);
	return entry;
}

/* The nearest node of level 1 of a plain segment, by its id at level 0. */
static GraphCandidate
descend(SealedScan *scan, const GraphSource *source)
{
	const SealedHeader *header = &scan->segment->header;
	GraphCandidate entry = {INFINITY, header->entry};

	for (scan->level = header->levels - 1; scan->level > 0; scan->level--)
	{
		entry = graph_descend(source, entry, &scan->search.hops);
		entry.id = ((const SealedNode *) visit_node(scan, entry.id))->extra;
		leave_node(scan);
	}
	score_nodes(scan, &entry.id, 1, &entry.distance);
	return entry;
}

void
sealed_scan_begin(SealedScan *scan, Relation index, const Space *space, CachedSegment *segment,
				  ScanStatistics *statistics)
{
	memset(scan, 0, sizeof(*scan));
	scan->context = CurrentMemoryContext;
	scan->index = index;
	scan->space = space;
	scan->segment = segment;
	scan->statistics = statistics;
	scan->lock = RecoveryInProgress();
	statistics->segments++;
}

/* Counts what the search has done since it had done so much. */
static void
count_work(SealedScan *scan, uint64 hops, uint64 distances)
{
	scan->statistics->hops += scan->search.hops - hops;
	scan->statistics->distances += scan->search.distances - distances;
}

/*
 * Dead nodes lead on, but the ways of their graph are those to all nodes, of which the near ones
 * that live are few: with so many more candidates as the graph has nodes for each that lives.  A
 * segment whose rows are mostly dead is written again soon.
 */
static uint32
candidates_for(const CachedSegment *segment, const SearchEffort *effort)
{
	uint32		rows = segment->header.rows;
	uint32		live = rows - Min(segment->dead, rows);

	return (uint32) ((double) effort->candidates *
					 Min((double) rows / Max(live, 1), MAX_DEAD_FACTOR));
}

void
sealed_scan_search(SealedScan *scan, const SpaceQuery *query, const SearchEffort *effort)
{
	CachedSegment *segment = scan->segment;
	GraphSearch *search = &scan->search;
	GraphCandidate entry;
	GraphCandidate root = {INFINITY, 0};	/* every node of level 0 can be reached from it */
	GraphSource source = {
		.expand = expand_node,
		.score = score_nodes,
		.prefetch = prefetch_node,
		.dead = segment->dead > 0 ? node_is_dead : NULL,
		.arg = scan,
		.coded = scan->space->coded
	};

	scan->query = query;
	graph_search_init(search, space_graph_memory(CurrentMemoryContext));
	if (scan->space->coded)
		entry = begin_coded(scan);
	else
	{
		entry = descend(scan, &source);
		score_nodes(scan, &root.id, 1, &root.distance);
	}
	if (!graph_search_begin(search, source, candidates_for(segment, effort), effort->keep,
							entry))
		elog(ERROR, "out of memory");
	graph_search_limit(search, effort->wanted, effort->reach, effort->least,
					   effort->patience);
	if (!graph_search_add(search, root) || !graph_search_run(search, UINT32_MAX))
		elog(ERROR, "out of memory");
	count_work(scan, 0, 0);
}

bool
sealed_scan_more(SealedScan *scan)
{
	GraphSearch *search = &scan->search;
	uint64		hops = search->hops;
	uint64		distances = search->distances;

	if (!graph_search_more(search))
		return false;
	if (!graph_search_run(search, UINT32_MAX))
		elog(ERROR, "out of memory");
	count_work(scan, hops, distances);
	return true;
}

/* The node of a row that is the first of one. */
static uint32
node_of_row(SealedScan *scan, uint32 number)
{
	SealedRow	row;

	if (number >= scan->segment->header.nodes || scan->segment->header.layout.size > 0)
		return number;
	sealed_read_row(scan, number, &row);
	return row.node;
}

void
sealed_scan_rest(SealedScan *scan, const SpaceQuery *query, SealedFound callback, void *arg)
{
	const CachedSegment *segment = scan->segment;
	uint32		nodes = segment->header.nodes;

	scan->query = query;
	for (uint32 i = 0; i < nodes; i++)
	{
		uint32		id = node_of_row(scan, i);
		GraphFound	found = {0, id, 0, 0};
		const char *bytes;

		CHECK_FOR_INTERRUPTS();
		if (segment->header.layout.size > 0 && i + ROWS_AHEAD < nodes)
			prefetch_node(scan, i + ROWS_AHEAD);
		if (graph_search_expanded(&scan->search, id) ||
			(segment->dead > 0 && node_is_dead(scan, id)))
			continue;
		bytes = visit_node(scan, id);
		found.distance = space_node_distance(scan->space, scan->query, (const SealedNode *) bytes,
											 bytes + segment->header.layout.vector);
		tell_found(scan, (const SealedNode *) bytes, &found);
		leave_node(scan);
		scan->statistics->distances++;
		callback(arg, &found);
	}
}

void
sealed_read_row(SealedScan *scan, uint32 number, SealedRow *row)
{
	const uint32 per = PAYLOAD_SIZE / sizeof(SealedRow);

	extent_read(scan->index, scan->segment->first + scan->segment->header.tids + number / per,
				scan->segment->uid, number % per * sizeof(SealedRow), row, sizeof(*row));
}

int
sealed_scan_tids(SealedScan *scan, const GraphFound *found, ItemPointer single, ItemPointer *tids)
{
	const SealedNode *node;
	ItemPointerData first;
	uint32		extra;
	uint32		extras;
	int			n = 0;

	tag_get_tid(found->tag, &first);
	*tids = single;
	if (!(found->tag & FOUND_FIRST_DEAD))
		single[n++] = first;
	if (!(found->tag & FOUND_EXTRAS))
		return n;
	node = (const SealedNode *) visit_node(scan, found->id);
	extra = node->extra;
	extras = node->extras;
	leave_node(scan);
	*tids = palloc(sizeof(ItemPointerData) * (extras + 1));
	(*tids)[0] = *single;
	for (uint32 i = 0; i < extras; i++)
	{
		SealedRow	row;

		if (cached_row_is_dead(scan->segment, extra + i))
			continue;
		sealed_read_row(scan, extra + i, &row);
		(*tids)[n++] = row.tid;
	}
	return n;
}
