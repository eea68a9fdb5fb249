/*
 * waiting.c - nodes of which a search knows bounds, and that wait to be compared
 */
#include "graph_segment/scan.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

/* Lets a node of METHOD_DISK wait by its bound, or by the bound of its estimate. */
static void
add_waiting(GraphScan *scan, GraphCandidate candidate)
{
	(void) graph_heap_push(&scan->waiting, space_graph_memory(CurrentMemoryContext), candidate);
}

/* Keeps the wanted least upper bounds. */
static void
note_upper(GraphScan *scan, float upper, uint32 wanted)
{
	GraphHeap  *nearest = &scan->nearest;

	if (nearest->count == wanted)
	{
		if (wanted == 0 || upper >= -nearest->items[0].distance)
			return;
		(void) graph_heap_pop(nearest);
	}
	(void) graph_heap_push(nearest, space_graph_memory(CurrentMemoryContext),
						   (GraphCandidate) {-upper, 0});
}

/* Has what the looks for the blocks of all found nodes will read brought near. */
static void
bring_near(GraphScan *scan)
{
	if (!graph_scan_is_stored(scan))
		return;
	for (int slot = 0; slot < 2; slot++)
		for (size_t i = 0; i < scan->search.found_count; i++)
			sealed_bring_near(&scan->sealed, scan->search.found[i].id, slot == 1);
}

void
graph_scan_wait_found(GraphScan *scan, uint32 wanted)
{
	const GraphSearch *search = &scan->search;

	/* what is new may be nearer than what would be compared next */
	while (scan->next_done < scan->next_count)
		add_waiting(scan, scan->next[scan->next_done++]);
	bring_near(scan);
	for (size_t i = 0; i < search->found_count; i++)
	{
		uint32		id = search->found[i].id;
		float		estimate = search->found[i].distance;
		float		bound = disk_bound(scan->disk, id, estimate);

		add_waiting(scan, (GraphCandidate) {isnan(bound) ? -INFINITY : bound, id});
		/* an estimate is too low as seldom as it is too high */
		note_upper(scan, isnan(bound) ? INFINITY : 2 * estimate - bound, wanted);
	}
}

float
graph_scan_enough(const GraphScan *scan, uint32 wanted)
{
	return wanted > 0 && scan->nearest.count == wanted ? -scan->nearest.items[0].distance :
		INFINITY;
}

/* The least bound of those that are not taken; false if there is none. */
static bool
least_bound(const GraphScan *scan, float *bound)
{
	float		least;

	if (scan->waiting.count == 0)
		return bounded_least(&scan->bounded, bound);
	*bound = scan->waiting.items[0].distance;
	if (bounded_least(&scan->bounded, &least))
		*bound = Min(*bound, least);
	return true;
}

bool
graph_scan_waiting(const GraphScan *scan, float *bound)
{
	if (scan->next_done == scan->next_count)
		return least_bound(scan, bound);
	*bound = scan->next[scan->next_done].distance;
	return true;
}

/* Has the table's rows of the nodes read together that are compared next. */
static void
expect_next(GraphScan *scan, SegmentSearch *search)
{
	ItemPointerData *tids = palloc(sizeof(ItemPointerData) * Max(scan->next_count, 1));
	DiskReader *links = &scan->disk->links;
	int			count = 0;

	/* the table may have no block any more for a row that is excluded */
	for (int i = 0; i < scan->next_count; i++)
		if (!row_is_excluded(&scan->sealed.excluded, scan->next[i].id))
			tids[count++] = ((const DiskNode *) disk_reader_get(links, scan->next[i].id))->tid;
	search->expect(search, tids, count);
	pfree(tids);
}

/* Takes the node of METHOD_DISK with the least bound; false if there is none. */
static bool
take_least(GraphScan *scan, GraphCandidate *least)
{
	float		bound;

	while (least_bound(scan, &bound))
	{
		if (scan->waiting.count > 0 && scan->waiting.items[0].distance <= bound)
		{
			*least = graph_heap_pop(&scan->waiting);
			return true;
		}
		least->distance = bound;
		if (bounded_next(&scan->bounded, &least->id))
			return true;
	}
	return false;
}

/* Makes room for so many nodes that come next. */
static void
reserve_next(GraphScan *scan, int room)
{
	if (scan->next_done == scan->next_count)
		scan->next_done = scan->next_count = 0;
	if (room <= scan->next_room)
		return;
	scan->next = scan->next ? repalloc(scan->next, sizeof(GraphCandidate) * room) :
		MemoryContextAlloc(scan->sealed.context, sizeof(GraphCandidate) * room);
	scan->next_room = room;
}

bool
graph_scan_unread(const GraphScan *scan, float *bound)
{
	return least_bound(scan, bound);
}

void
graph_scan_ask(GraphScan *scan, BlockBatch *batch)
{
	reserve_next(scan, scan->next_count < scan->next_room ? 0 : Max(2 * scan->next_room, 64));
	if (take_least(scan, &scan->next[scan->next_count]))
		sealed_prefetch_vector(&scan->sealed, scan->next[scan->next_count++].id, batch);
}

/*
 * Compares a node whose vector is not kept by the first of its rows that is visible in the table;
 * false if none is.
 */
static bool
fetch_node(GraphScan *scan, SegmentScan *reading, uint32 id, GraphFound *found)
{
	DiskNode	node = *(const DiskNode *) disk_reader_get(&scan->disk->links, id);

	*found = (GraphFound) {0, id, 0, 0};
	found->tag = tag_from_tid(&node.tid);
	if (node.extras > 0)
		found->tag |= FOUND_EXTRAS;
	if (row_is_excluded(&scan->sealed.excluded, id))
		found->tag |= FOUND_FIRST_EXCLUDED;
	else if (reading->search->fetch(reading, &(FoundRow) {node.tid, id}, found))
		return true;
	for (uint32 i = 0; i < node.extras; i++)
	{
		SealedRow	row;

		if (row_is_excluded(&scan->sealed.excluded, node.extra + i))
			continue;
		sealed_read_row(&scan->sealed, node.extra + i, &row);
		if (reading->search->fetch(reading, &(FoundRow) {row.tid, node.extra + i}, found))
			return true;
	}
	return false;
}

/*
 * Takes the nearest nodes that wait, to be compared next, and has what that reads of the index's
 * file, or of the table, read together.
 */
static void
take_waiting(GraphScan *scan, SegmentSearch *search)
{
	int			most = (int) Min(search->effort.fetches + 1, GRAPH_AT_ONCE);
	bool		by_table = scan->sealed.space->storage == STORAGE_NONE;
	BlockBatch	batch;

	block_batch_begin(&batch, scan->disk->once && !by_table);
	reserve_next(scan, most);
	while (scan->next_count < most && take_least(scan, &scan->next[scan->next_count]))
	{
		uint32		id = scan->next[scan->next_count++].id;

		if (by_table)
			disk_reader_prefetch(&scan->disk->links, id, &batch);
		else if (!graph_scan_is_stored(scan))
			sealed_prefetch_vector(&scan->sealed, id, &batch);
	}
	block_batch_read(scan->sealed.index, &batch);
	if (by_table)
		expect_next(scan, search);
}

bool
graph_scan_next(GraphScan *scan, SegmentScan *reading, GraphFound *found)
{
	SegmentSearch *search = reading->search;
	uint32		id;

	CHECK_FOR_INTERRUPTS();
	if (scan->disk)
	{
		if (scan->next_done == scan->next_count)
			take_waiting(scan, search);
		if (scan->next_count == 0)
			return false;
		id = scan->next[scan->next_done++].id;
	}
	else if (!bounded_next(&scan->bounded, &id))
		return false;
	if (scan->sealed.space->storage == STORAGE_NONE)
		return fetch_node(scan, reading, id, found);
	if (!tier_wait && !sealed_node_at_hand(&scan->sealed, id))
	{
		search_leave_out(search);
		return false;
	}
	graph_scan_compare(scan, id, found);
	/* a vector counts once, however often it is read */
	scan->sealed.statistics->distances += scan->bounded.add == NULL;
	return true;
}
