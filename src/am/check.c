/*
 * check.c - the checks of vector_index_check
 *
 * Extents are disjoint and within the file; every block names its segment.  Every row of a sealed
 * segment names a node that names the row.  Neighbours exist, are not the node itself, and their
 * codes are those of their vectors: the estimated distance of a neighbour from itself is zero (or
 * its negative squared norm).  Rows of lists follow each other list by list, and their codes are
 * those of their vectors.  A segment has as many tombstones as it counts.  No TID occurs twice, and
 * every row of the table that should be indexed occurs.
 */
#include "am/check.h"

#include <math.h>

#include "access/tableam.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "list_segment/scan.h"
#include "segment/growing.h"
#include "segment/seal.h"

/* Of this many nodes of a segment, one has its neighbours' codes checked. */
#define CODES_CHECKED_EVERY	8

/*
 * Tolerance of a vector's estimated distance from itself, as a part of the terms of the estimate.
 */
#define ESTIMATE_TOLERANCE	0.1f

/* Vectors shorter than this part of the longest lose all their bits when they are coded. */
#define CODED_PART	1e-6

typedef struct Check
{
	Relation	index;
	CachedIndex *cached;
	const Space *space;
	double		longest;		/* ip: norm of any node of the segment */
	uint64	   *tids;			/* of live rows, as tags */
	uint64		count;
	uint64		room;
	bool		recovery;		/* changes by VACUUM may be replayed: see vector_index_check */
} Check;

#define corrupted(check, ...) \
	ereport(ERROR, \
			(errcode(ERRCODE_INDEX_CORRUPTED), \
			 errmsg("index \"%s\" is damaged", RelationGetRelationName((check)->index)), \
			 errdetail(__VA_ARGS__), errhint("Please REINDEX it.")))

static void
add_tid(Check *check, const ItemPointerData *tid)
{
	if (check->count == check->room)
	{
		check->room = Max(check->room * 2, 1024);
		check->tids = check->tids ?
			repalloc_huge(check->tids, check->room * sizeof(uint64)) :
			palloc(check->room * sizeof(uint64));
	}
	check->tids[check->count++] = tag_from_tid(tid);
}

static int
compare_tids(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

static void
check_extents(Check *check, const Directory *directory)
{
	BlockNumber length = RelationGetNumberOfBlocks(check->index);

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *a = &directory->entries[i];

		if (a->first == DIRECTORY_BLOCK ||
			(segment_is_needed(a) && a->first + a->blocks > length))
			corrupted(check, "Segment %u is not within the file.", a->uid);
		for (uint32 k = 0; k < i; k++)
		{
			const SegmentEntry *b = &directory->entries[k];

			if (a->uid == b->uid ||
				(a->first < b->first + b->blocks && b->first < a->first + a->blocks))
				corrupted(check, "Segments %u and %u overlap.", a->uid, b->uid);
		}
	}
}

static void
check_blocks(Check *check, const SegmentEntry *entry)
{
	for (uint32 place = 0; place < entry->blocks; place++)
	{
		Buffer		buffer = ReadBuffer(check->index, entry->first + place);
		BlockHeader header;

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		header = *BlockGetHeader(BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
		if (header.uid != entry->uid || header.place != place)
			corrupted(check, "Block %u should be block %u of segment %u, and is block %u of "
					  "segment %u.", entry->first + place, place, entry->uid, header.place,
					  header.uid);
	}
}

/*
 * Whether a vector's estimated distance from itself is right.  Estimates whose terms are near the
 * limits of float32 prove nothing.
 */
static bool
is_own_estimate(const Space *space, const SpaceQuery *query, float estimate, double size)
{
	double		expected = space->metric == SPACE_IP ? -query->norm * query->norm : 0;

	return !(size <= 1e30) || fabs(estimate - expected) <= ESTIMATE_TOLERANCE * size + 1e-6;
}

/* Checks the code that a node has of a neighbour. */
static void
check_code(Check *check, SealedScan *scan, const char *bytes, uint32 place)
{
	const SealedHeader *header = &scan->segment->header;
	const NodeLayout *layout = &header->layout;
	const SealedNode *node = (const SealedNode *) bytes;
	uint32		id = ((const uint32 *) (bytes + layout->ids))[place];
	const SealedNode *other = sealed_read_node(scan, 0, id);
	Size		size = space_payload_size(check->space);
	char	   *payload = palloc(size);
	float	   *centred = palloc(sizeof(float) * header->padded);
	uint8	   *lut = palloc(rabitq_lut_size(header->padded));
	float		estimates[CODE_GROUP];
	uint32		group = place / CODE_GROUP;
	SpaceQuery	query;
	CodeQuery	code;
	float		distance;
	float		own;
	float		scale;
	double		parts;

	space_restore(check->space, other, (const char *) other + layout->vector, payload);
	space_prepare(check->space, &query, payload, size);
	distance = space_node_distance(check->space, &query, node, bytes + layout->vector);
	own = space_query_distance(check->space, &query, payload, &scale);
	for (uint32 i = 0; i < header->padded; i++)
		centred[i] = query.rotated[i] - scan->segment->mean[i];
	rabitq_prepare(&code, centred, header->padded, lut);
	distance_kernels->code_estimates(
		&code, (const uint8 *) bytes + layout->codes + group * rabitq_group_size(header->padded),
		(const float *) (bytes + layout->a) + group * CODE_GROUP,
		(const uint16 *) (bytes + layout->b) + group * CODE_GROUP, distance, estimates);
	parts = 0.05f * distance_kernels->f32_dot(centred, centred, header->padded);
	if (check->space->metric == SPACE_IP)
		parts += 2 * (query.norm * query.norm + (double) node->scale * node->scale) +
			CODED_PART * check->longest * check->longest;
	else
		parts += fabsf(distance) + fabsf(own) +
			(space_is_lossy(check->space) ? query.norm * query.norm : 0);
	if (!is_own_estimate(check->space, &query, estimates[place % CODE_GROUP], parts))
		corrupted(check, "In segment %u, node %u has a code of its neighbour %u that does not fit "
				  "its vector: the distance is estimated as %g.", scan->segment->uid, node->row,
				  id, estimates[place % CODE_GROUP]);
	pfree(lut);
	pfree(centred);
	pfree(payload);
	pfree(query.floats);
	pfree(query.rotated);
}

static void
check_node(Check *check, SealedScan *scan, uint32 id, uint32 row)
{
	const NodeLayout *layout = &scan->segment->header.layout;
	const SealedNode *node = sealed_read_node(scan, 0, id);
	const uint32 *ids = (const uint32 *) ((const char *) node + layout->ids);
	char	   *copy;

	if (node->row != row)
		corrupted(check, "In segment %u, row %u names a node of row %u.", scan->segment->uid, row,
				  node->row);
	if (node->links > layout->degree)
		corrupted(check, "In segment %u, node %u has %u neighbours.", scan->segment->uid, id,
				  node->links);
	for (uint32 i = 0; i < node->links; i++)
		if (ids[i] == id || (layout->size > 0 && ids[i] >= scan->segment->header.nodes))
			corrupted(check, "In segment %u, node %u has %u as a neighbour.", scan->segment->uid,
					  id, ids[i]);
	if (!check->space->coded || row % CODES_CHECKED_EVERY != 0)
		return;
	copy = palloc(layout->size);
	memcpy(copy, node, layout->size);
	for (uint32 i = 0; i < ((SealedNode *) copy)->links; i++)
		check_code(check, scan, copy, i);
	pfree(copy);
}

/*
 * Checks the estimates of a row of a list by its packed and its fine code, with the row itself as
 * the query: they are lower bounds, exact but for the predicted error.
 */
static void
check_row_codes(Check *check, ListsScan *scan, uint32 list, uint32 row, const SealedNode *node)
{
	Size		size = space_payload_size(check->space);
	char	   *payload = palloc(size);
	SpaceQuery	query;
	ListsQuery	lists;
	float		slack;
	float		scale;
	float		own;
	float		bound;

	space_restore(check->space, node, (const char *) node +
				  scan->sealed.segment->header.layout.vector, payload);
	space_prepare(check->space, &query, payload, size);
	own = space_query_distance(check->space, &query, payload, &scale);
	lists_query_one(&lists, check->index, check->space, &query, scan->sealed.segment->centroids,
					list);
	slack = ESTIMATE_TOLERANCE * (fabsf(own) + query.norm * query.norm +
								  (check->space->metric == SPACE_COSINE ? 1 : 0)) + 1e-6f;
	scan->query = &lists;
	bound = lists_scan_row_bound(scan, 0, row);
	if (bound > own + slack)
		corrupted(check, "In segment %u, row %u has a code that does not fit its vector: "
				  "its distance is bounded by %g.", scan->sealed.segment->uid, row, bound);
}

/*
 * Checks the rows of lists: each is in one list, named by its node, and has the code of its vector.
 */
static void
check_lists(Check *check, SealedScan *sealed)
{
	CachedSegment *segment = sealed->segment;
	const SealedLists *lists = &segment->header.lists;
	ListsScan	scan = {.sealed = *sealed};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector check row",
												  ALLOCSET_DEFAULT_SIZES);
	uint32		row = 0;
	uint32		group = 0;

	scan.scratch = palloc(Max(lists->group_size, 1));

	if (lists->count != segment->centroids->header.lists)
		corrupted(check, "Segment %u has %u lists, its centroids are %u.", segment->uid,
				  lists->count, segment->centroids->header.lists);
	for (uint32 l = 0; l < lists->count; l++)
	{
		const SealedList *list = &segment->lists[l];

		CHECK_FOR_INTERRUPTS();
		if (list->row != row || list->group != group)
			corrupted(check, "In segment %u, list %u begins at row %u and group %u, not %u and "
					  "%u.", segment->uid, l, list->row, list->group, row, group);
		row += list->rows;
		group += (list->rows + CODE_GROUP - 1) / CODE_GROUP;
		for (uint32 i = 0; i < list->rows && segment->header.nodes > 0; i++)
		{
			uint32		number = list->row + i;
			const SealedNode *node = sealed_read_node(&scan.sealed, 0, number);
			MemoryContext old;

			if (node->row != number)
				corrupted(check, "In segment %u, row %u has another's vector.", segment->uid,
						  number);
			if (!check->space->coded || cached_row_is_dead(segment, number))
				continue;
			old = MemoryContextSwitchTo(context);
			check_row_codes(check, &scan, l, number, node);
			MemoryContextSwitchTo(old);
			MemoryContextReset(context);
		}
	}
	MemoryContextDelete(context);
	if (row != segment->header.rows)
		corrupted(check, "The lists of segment %u have %u rows of its %u.", segment->uid, row,
				  segment->header.rows);
}

static void
check_sealed(Check *check, const SegmentEntry *entry)
{
	const uint32 per = PAYLOAD_SIZE / sizeof(SealedRow);
	CachedSegment *segment = cache_acquire(check->cached, check->index, entry);
	ScanStatistics statistics = {0};
	SealedScan	scan;
	uint32		dead = 0;

	sealed_scan_begin(&scan, check->index, check->space, segment, &statistics);
	if (segment->header.rows != entry->rows)
		corrupted(check, "Segment %u has %u rows, the directory says " UINT64_FORMAT ".",
				  entry->uid, segment->header.rows, entry->rows);
	for (uint32 i = 0; i < segment->entries.count; i++)
		if (graph_entries_group(&segment->entries, i / CODE_GROUP)->ids[i % CODE_GROUP] >=
			segment->header.nodes)
			corrupted(check, "In segment %u, entry %u names no node.", entry->uid, i);
	check->longest = 0;
	if (check->space->metric == SPACE_IP && check->space->method == METHOD_GRAPH)
		for (uint32 id = 0; id < segment->header.nodes && check->space->coded; id++)
			check->longest = Max(check->longest, sealed_read_node(&scan, 0, id)->scale);
	for (uint32 row = 0; row < segment->header.rows; row++)
	{
		SealedRow	sealed;

		CHECK_FOR_INTERRUPTS();
		extent_read(check->index, entry->first + segment->header.tids + row / per, entry->uid,
					row % per * sizeof(SealedRow), &sealed, sizeof(sealed));
		if (cached_row_is_dead(segment, row))
			dead++;
		else
			add_tid(check, &sealed.tid);
		if (check->space->method == METHOD_LISTS)
		{
			if (sealed.node != row)
				corrupted(check, "In segment %u, row %u names a node of row %u.", entry->uid, row,
						  sealed.node);
		}
		else if (row < segment->header.nodes)
			check_node(check, &scan, sealed.node, row);
		else
		{
			const SealedNode *node = sealed_read_node(&scan, 0, sealed.node);

			if (row < node->extra || row - node->extra >= node->extras)
				corrupted(check, "In segment %u, row %u is not one of its node's.", entry->uid,
						  row);
		}
	}
	if (check->space->method == METHOD_LISTS)
		check_lists(check, &scan);
	if (check->recovery ? dead < segment->dead : dead != segment->dead)
		corrupted(check, "Segment %u has %u tombstones and counts %u.", entry->uid, dead,
				  segment->dead);
}

static void
check_growing_row(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	Check	   *check = arg;

	if (dead)
		return;
	if (!space_indexable(check->space, row->payload))
		corrupted(check, "A growing segment has a vector that is not indexed.");
	add_tid(check, &row->tid);
}

static void
check_heap_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *arg)
{
	Check	   *check = arg;
	uint64		tag = tag_from_tid(tid);
	const char *payload;
	Size		size;

	if (isnull[0])
		return;
	payload = space_payload(check->space, values[0], &size);
	if (space_indexable(check->space, payload) &&
		bsearch(&tag, check->tids, check->count, sizeof(uint64), compare_tids) == NULL)
		corrupted(check, "Row (%u,%u) of the table is not in it.", ItemPointerGetBlockNumber(tid),
				  ItemPointerGetOffsetNumber(tid));
}

/* Checks that every row that a snapshot sees is in the index. */
static void
check_heap(Check *check, Relation heap, Snapshot snapshot)
{
	IndexInfo  *info = BuildIndexInfo(check->index);
	TableScanDesc scan = table_beginscan_strat(heap, snapshot, 0, NULL, true, true);

	/* scan with an MVCC snapshot, as CREATE INDEX CONCURRENTLY does */
	info->ii_Concurrent = true;
	info->ii_Unique = false;
	info->ii_ExclusionOps = NULL;
	info->ii_ExclusionProcs = NULL;
	info->ii_ExclusionStrats = NULL;
	table_index_build_scan(heap, check->index, info, true, false, check_heap_row, check, scan);
}

uint64
check_index(Relation index, Relation heap)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Check		check = {.index = index, .recovery = RecoveryInProgress()};
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	Directory  *directory;
	uint64		rows;

	check.cached = cache_index(index);
	cache_hold(check.cached);
	check.space = cache_space(check.cached);
	directory = directory_read(index);
	check_extents(&check, directory);
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (!segment_is_needed(entry))
			continue;
		check_blocks(&check, entry);
		if (entry->kind == SEGMENT_CENTROIDS)
			continue;
		if (entry->kind == SEGMENT_SEALED)
			check_sealed(&check, entry);
		else
			growing_each_row(index, check.space, entry, true, check_growing_row, &check);
	}
	qsort(check.tids, check.count, sizeof(uint64), compare_tids);
	for (uint64 i = 1; i < check.count; i++)
		if (check.tids[i] == check.tids[i - 1] && !check.recovery)
			corrupted(&check, "A row of the table is there twice.");
	check_heap(&check, heap, snapshot);
	UnregisterSnapshot(snapshot);
	rows = check.count;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return rows;
}
