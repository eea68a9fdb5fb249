/*
 * scan.c - scanning the codes of lists, block by block
 */
#include "list_segment/scan.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "attribute/bits.h"
#include "distance/half.h"
#include "list_segment/lists_internal.h"
#include "quantize/product.h"
#include "segment/layout.h"
#include "types/dense.h"

/* Number of blocks to prefetch. */
#define BLOCKS_AHEAD	8

/* Ranks the lists; by codes of the centroids, if these are many and few lists are wanted. */
static void
rank_lists(ListsQuery *lists, const Space *space)
{
	const CachedCentroids *centroids = lists->centroids;
	uint32		k = centroids->header.lists;
	ClusterQuery query = {lists->work, space->metric == SPACE_IP};
	ClusterRanking ranking = {lists->ranked, lists->lists, lists->bases};
	CentroidPoints points;
	void	   *scratch;

	cache_open_points(centroids, lists->index, &points);
	if (centroids->codes && lists->ranked <= k / CLUSTER_CODED_PART)
	{
		scratch = palloc(cluster_codes_scratch(centroids->codes));
		cluster_codes_rank(centroids->codes, &points.base, &query, scratch, &ranking);
	}
	else
	{
		scratch = palloc(sizeof(uint64) * k);
		cluster_rank(&points.base, &query, scratch, &ranking);
	}
	centroid_points_close(&points);
	pfree(scratch);
	if (query.product)
	{
		float		norm = distance_kernels->f32_dot(lists->work, lists->work,
													 centroids->header.width);

		for (uint32 i = 0; i < lists->ranked; i++)
			lists->distances[i] = Max(0, norm + 2 * lists->bases[i] +
									  2 * centroids->half_norms[lists->lists[i]]);
	}
	else
		memcpy(lists->distances, lists->bases, sizeof(float) * lists->ranked);
}

/* Computes the ranks by list. */
static void
note_ranks(ListsQuery *lists)
{
	for (uint32 i = 0; i < lists->ranked; i++)
		lists->ranks[lists->lists[i]] = i;
}

/* Prepares the look-up tables for the codes; sigmas: how much of their rounding is allowed for. */
static void
prepare_codes(ListsQuery *lists, const Space *space, float sigmas)
{
	uint32		width = lists->centroids->header.width;
	const float *mean = lists->centroids->mean;
	const float *q = lists->work;

	if (!space->coded)
		return;
	if (mean)
	{
		float	   *centred = palloc(sizeof(float) * width);

		for (uint32 i = 0; i < width; i++)
			centred[i] = q[i] - mean[i];
		q = centred;
	}
	if (space->quantizer == QUANTIZER_PQ)
	{
		Product		product;

		product_open(&product, width, space->pq_m, lists->centroids->codebooks);
		product_prepare(&product, &lists->code, q, palloc(product_lut_size(space->pq_m)));
	}
	else
		rabitq_prepare(&lists->code, q, width, palloc(rabitq_lut_size(width)));
	/* with few dimensions there are few different elements, so rounding errors add up */
	rabitq_allow_rounding(&lists->code, space->dims < ROTATION_MIN_PADDED ? INFINITY :
						  sigmas, space->rounding);
	if (lists_fine_bits(space) == 0)
		return;
	fine_prepare(&lists->fine, lists_fine_bits(space), q, width);
	fine_allow_rounding(&lists->fine, space->rounding);
	lists->ranks = palloc(sizeof(uint32) * lists->centroids->header.lists);
	note_ranks(lists);
}

/* Makes room for n lists. */
static void
reserve_lists(ListsQuery *lists, uint32 n)
{
	lists->ranked = Min(n, lists->centroids->header.lists);
	lists->lists = palloc(sizeof(uint32) * lists->ranked);
	lists->distances = palloc(sizeof(float) * lists->ranked);
	lists->bases = palloc(sizeof(float) * lists->ranked);
}

/* Prepares what does not depend on the lists: the query's work vector, and room for n lists. */
static void
open_query(ListsQuery *lists, Relation index, const Space *space, const SpaceQuery *query,
		   const CachedCentroids *centroids, uint32 n)
{
	memset(lists, 0, sizeof(*lists));
	lists->index = index;
	lists->query = query;
	lists->centroids = centroids;
	reserve_lists(lists, n);
	if (space->coded)
		lists->work = query->rotated;
	else
	{
		float	   *work = palloc(sizeof(float) * centroids->header.width);

		lists_work_vector(space, query->payload, work);
		lists->work = work;
	}
}

void
lists_query(ListsQuery *lists, Relation index, const Space *space, const SpaceQuery *query,
			const CachedCentroids *centroids, uint32 n)
{
	open_query(lists, index, space, query, centroids, n);
	rank_lists(lists, space);
	prepare_codes(lists, space, CODE_SIGMAS);
}

/* Moves a list of another ranking to a rank. */
static void
set_rank(ListsQuery *lists, uint32 rank, const ListsQuery *from, uint32 i)
{
	lists->lists[rank] = from->lists[i];
	lists->distances[rank] = from->distances[i];
	lists->bases[rank] = from->bases[i];
}

/* The place of the list whose centroid is nearest; with dot products it need not be the first. */
static uint32
nearest_list(const ListsQuery *lists)
{
	uint32		nearest = 0;

	for (uint32 i = 1; i < lists->ranked; i++)
		if (lists->distances[i] < lists->distances[nearest])
			nearest = i;
	return nearest;
}

/*
 * Without one of n rows, the mean c is (n c - q) / (n - 1), and its distance from q is n / (n - 1)
 * times as much.  A mean that was computed of a part of the rows is moved more by each of these,
 * and not by the others: on average, as if it had been computed of all.
 */
void
lists_query_without_row(ListsQuery *lists, const Space *space, double rows_per_list, uint32 n)
{
	uint32		i = nearest_list(lists);
	double		rows = Max(rows_per_list, 2);
	ListsQuery	row = {.lists = &(uint32) {lists->lists[i]}};
	float		distance = lists->distances[i] * pow(rows / (rows - 1), 2);
	float		base = distance;

	if (space->metric == SPACE_IP)
		base = (rows * lists->bases[i] + distance_kernels->f32_dot(
					lists->work, lists->work, lists->centroids->header.width)) / (rows - 1);
	row.distances = &distance;
	row.bases = &base;
	for (; i + 1 < lists->ranked && lists->bases[i + 1] < base; i++)
		set_rank(lists, i, lists, i + 1);
	set_rank(lists, i, &row, 0);
	lists->ranked = Min(lists->ranked, n);
	if (lists->ranks)
		note_ranks(lists);
}

void
lists_query_more(ListsQuery *lists, const Space *space, uint32 n)
{
	ListsQuery	before = *lists;
	ListsQuery	all = *lists;
	bool	   *ranked = palloc0(lists->centroids->header.lists);
	uint32		rank = 0;

	reserve_lists(&all, n);
	rank_lists(&all, space);
	reserve_lists(lists, n);
	for (; rank < before.ranked; rank++)
	{
		set_rank(lists, rank, &before, rank);
		ranked[before.lists[rank]] = true;
	}
	for (uint32 i = 0; i < all.ranked && rank < lists->ranked; i++)
		if (!ranked[all.lists[i]])
			set_rank(lists, rank++, &all, i);
	if (lists->ranks)
		note_ranks(lists);
	pfree(ranked);
}

void
lists_query_one(ListsQuery *lists, Relation index, const Space *space, const SpaceQuery *query,
				const CachedCentroids *centroids, uint32 list)
{
	CentroidPoints points;
	const float *c;

	open_query(lists, index, space, query, centroids, 1);
	cache_open_points(centroids, index, &points);
	(void) points.base.open(points.base.arg, list, &c);
	lists->lists[0] = list;
	lists->distances[0] = distance_kernels->f32_l2sq(lists->work, c, centroids->header.width);
	lists->bases[0] = space->metric == SPACE_IP ?
		-distance_kernels->f32_dot(lists->work, c, centroids->header.width) : lists->distances[0];
	centroid_points_close(&points);
	/* a bound of every row is checked, one of which may have all roundings the same way */
	prepare_codes(lists, space, INFINITY);
}

void
lists_scan_begin(ListsScan *scan, const ListsQuery *lists, const Space *space,
				 CachedSegment *segment, ScanStatistics *statistics)
{
	memset(scan, 0, sizeof(*scan));
	sealed_scan_begin(&scan->sealed, lists->index, space, segment, statistics);
	scan->sealed.query = lists->query;
	scan->query = lists;
}

static void
push(GraphHeap *heap, float bound, uint32 row)
{
	GraphMemory memory = space_graph_memory(CurrentMemoryContext);

	graph_heap_push(heap, memory, (GraphCandidate) {isnan(bound) ? -INFINITY : bound, row});
}

/* How the rows of a list are bounded by their codes, and up to which bound they are candidates. */
typedef struct ListBounds
{
	float		base;			/* see ListsQuery */
	float		slack;
	float		threshold;
} ListBounds;

/* Scans n rows, from number `first` on, of a contiguous group. */
static void
scan_group(ListsScan *scan, const ListGroup *group, uint32 first, uint32 n,
		   const ListBounds *list)
{
	const Space *space = scan->sealed.space;
	float		bounds[CODE_GROUP];

	/* by rounding, a row at the threshold may be below it */
	uint32		mask = distance_kernels->code_bounds(&scan->query->code,
													 (const uint8 *) (group + 1), group->a,
													 group->b, group->error, list->base,
													 list->slack,
													 -space_below(space, -list->threshold,
																  list->base), bounds);

	/* estimates may be infinite or NaN */
	if (isinf(list->threshold))
		mask = PG_UINT32_MAX;
	if (n < CODE_GROUP)
		mask &= (UINT32_C(1) << n) - 1;
	for (; mask != 0; mask &= mask - 1)
	{
		uint32		i = (uint32) pg_rightmost_one_pos32(mask);

		if (!row_is_excluded(&scan->sealed.excluded, first + i))
			push(&scan->coarse, space_below(space, bounds[i], list->base), first + i);
	}
}

/* How many of n rows are not excluded. */
static uint32
count_left(const SealedScan *scan, uint32 row, uint32 n)
{
	return scan->excluded.bits ? n - bits_count_range(scan->excluded.bits, row, n) : n;
}

/* The block of the codes in which a group begins. */
static BlockNumber
group_place(const SealedLists *lists, uint32 group)
{
	return (BlockNumber) (elements_offset(group, lists->group_size, lists->groups_per_block) /
						  PAYLOAD_SIZE);
}

/* Adds the blocks of a list's codes to a batch. */
static void
add_codes(const ListsScan *scan, uint32 rank, BlockBatch *batch)
{
	const SealedLists *lists = &scan->sealed.segment->header.lists;
	const SealedList *list = cached_list(scan->sealed.segment, scan->query->lists[rank]);
	uint32		groups = (list->rows + CODE_GROUP - 1) / CODE_GROUP;
	uint64		end;

	if (count_left(&scan->sealed, list->row, list->rows) == 0)
		return;
	end = elements_offset(list->group + groups - 1, lists->group_size, lists->groups_per_block) +
		lists->group_size - 1;
	for (BlockNumber place = group_place(lists, list->group); place <= end / PAYLOAD_SIZE; place++)
		block_batch_add(&scan->sealed.reader, batch, lists->codes + place);
}

/* Likewise those of a row's vector; returns false if they are at hand. */
static bool
add_node(const ListsScan *scan, uint32 row, BlockBatch *batch)
{
	const SealedHeader *header = &scan->sealed.segment->header;
	uint64		offset = node_layout_offset(&header->layout, row);
	int			count = batch->stored_count;
	BlockNumber last = (BlockNumber) ((offset + header->layout.size - 1) / PAYLOAD_SIZE);

	for (BlockNumber place = (BlockNumber) (offset / PAYLOAD_SIZE); place <= last; place++)
		block_batch_add(&scan->sealed.reader, batch, header->level[0].first + place);
	return batch->stored_count > count;
}

/* Likewise what a round reads of a list. */
static void
add_list(const ListsScan *scan, uint32 rank, BlockBatch *batch)
{
	const SealedList *list = cached_list(scan->sealed.segment, scan->query->lists[rank]);

	if (scan->sealed.space->coded)
		add_codes(scan, rank, batch);
	else
		for (uint32 row = list->row; row < list->row + list->rows; row++)
			if (!row_is_excluded(&scan->sealed.excluded, row))
				(void) add_node(scan, row, batch);
}

void
lists_scan_expect(ListsScan *scan, BlockBatch *batch)
{
	uint32		end = Min(scan->effort->lists, scan->query->ranked);

	if (lists_scan_codes_at_hand(scan))
		return;
	for (; scan->lists_read < end && !block_batch_is_full(batch); scan->lists_read++)
		add_list(scan, scan->lists_read, batch);
}

/* Reads what a round needs of a list, unless it was expected. */
static void
fetch_list(const ListsScan *scan, uint32 rank)
{
	BlockBatch	batch;

	if (rank < scan->lists_read || lists_scan_codes_at_hand(scan))
		return;
	block_batch_begin(&batch, 0);
	add_list(scan, rank, &batch);
	block_batch_read(scan->sealed.index, &batch);
}

void
lists_scan_codes(ListsScan *scan, uint32 rank, float threshold)
{
	const ListsQuery *query = scan->query;
	CachedSegment *segment = scan->sealed.segment;
	const SealedLists *lists = &segment->header.lists;
	const SealedList *list = cached_list(segment, query->lists[rank]);
	ListBounds	bounds = {
		query->bases[rank], scan->estimate ? 0 : CODE_SIGMAS * sqrtf(query->distances[rank]),
		threshold
	};
	uint32		groups = (list->rows + CODE_GROUP - 1) / CODE_GROUP;
	BlockNumber asked = 0;
	BlockNumber last;
	CodeReader	reader;

	scan->sealed.statistics->hops++;
	if (count_left(&scan->sealed, list->row, list->rows) == 0)
		return;
	fetch_list(scan, rank);
	last = group_place(lists, list->group + groups - 1);
	code_reader_begin(&reader, &scan->sealed, lists_groups_of(lists));
	for (uint32 g = 0; g < groups; g++)
	{
		BlockNumber place = group_place(lists, list->group + g);
		uint32		row = list->row + g * CODE_GROUP;
		uint32		n = Min(CODE_GROUP, list->rows - g * CODE_GROUP);

		uint32		left = count_left(&scan->sealed, row, n);

		if (left == 0)
			continue;
		scan->compared->left += left;
		scan->compared->read += n;
		scan->sealed.statistics->distances += n;
		for (asked = Max(asked, place); asked <= Min(place + BLOCKS_AHEAD, last); asked++)
			block_prefetch(&scan->sealed.reader, lists->codes + asked);
		scan_group(scan, code_reader_get(&reader, list->group + g), row, n, &bounds);
	}
	code_reader_end(&reader);
}

/* Adds the blocks of a row's fine code to a batch; returns false if they are at hand. */
static bool
add_fine(const ListsScan *scan, uint32 row, BlockBatch *batch)
{
	const SealedLists *lists = &scan->sealed.segment->header.lists;
	uint64		offset = elements_offset(row, lists->fine_size, lists->fines_per_block);
	int			count = batch->stored_count;
	BlockNumber last = (BlockNumber) ((offset + lists->fine_size - 1) / PAYLOAD_SIZE);

	for (BlockNumber place = (BlockNumber) (offset / PAYLOAD_SIZE); place <= last; place++)
		block_batch_add(&scan->sealed.reader, batch, lists->fine + place);
	return batch->stored_count > count;
}

/* A function that adds what is to be read of a row to a batch. */
typedef bool (*AddRow) (const ListsScan *scan, uint32 row, BlockBatch *batch);

/* Whether what is to be read of the first row of a heap is at hand. */
static bool
first_at_hand(const ListsScan *scan, const GraphHeap *heap, AddRow add)
{
	BlockBatch	batch;

	block_batch_begin(&batch, 0);
	return !lists_scan_is_stored(scan) || !add(scan, heap->items[0].id, &batch);
}

void
lists_scan_refine(ListsScan *scan, uint32 row, GraphFound *found)
{
	sealed_compare(&scan->sealed, row, sealed_visit_node(&scan->sealed, row), found);
	sealed_leave_node(&scan->sealed);
}

void
lists_scan_rows(ListsScan *scan, uint32 rank, SealedFound callback, void *arg)
{
	const SealedList *list = cached_list(scan->sealed.segment, scan->query->lists[rank]);
	uint32		left = count_left(&scan->sealed, list->row, list->rows);

	scan->sealed.statistics->hops++;
	if (left == 0)
		return;
	fetch_list(scan, rank);
	scan->compared->left += left;
	scan->compared->read += left;
	sealed_scan_nodes(&scan->sealed, list->row, list->row + list->rows, callback, arg);
}

/* The list of a row: the last one that does not begin after the row. */
static uint32
list_of(const CachedSegment *segment, uint32 row)
{
	uint32		low = 0;
	uint32		high = segment->header.lists.count;

	while (high - low > 1)
	{
		uint32		middle = low + (high - low) / 2;

		if (cached_list(segment, middle)->row <= row)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Computes the bound of a row by its fine code. */
static float
fine_bound(ListsScan *scan, uint32 row)
{
	const ListsQuery *query = scan->query;
	SealedScan *sealed = &scan->sealed;
	const CachedSegment *segment = sealed->segment;
	const SealedLists *lists = &segment->header.lists;
	uint64		offset = elements_offset(row, lists->fine_size, lists->fines_per_block);
	Size		start = offset % PAYLOAD_SIZE;
	BlockNumber place = lists->fine + (BlockNumber) (offset / PAYLOAD_SIZE);
	char		copy[sizeof(FineFactors) + FINE_MAX_BITS * DENSE_MAX_DIM / 8];
	const char *fine = copy;
	const FineFactors *factors;
	BlockToken	token = {0};
	uint32		rank = query->ranks[list_of(segment, row)];
	float		bound;

	if (start + lists->fine_size <= PAYLOAD_SIZE)
		fine = sealed_open_block(sealed, place, &token) + start;
	else
		extent_read(sealed->reader.extent, lists->fine, offset, copy, lists->fine_size);
	factors = (const FineFactors *) fine;
	bound = space_below(sealed->space,
						fine_estimate(&query->fine, (const uint8 *) (factors + 1), factors->a,
									  factors->b, query->bases[rank]), query->bases[rank]);
	if (!scan->estimate)
		bound -= CODE_SIGMAS * factors->error * sqrtf(query->distances[rank]);
	if (block_is_open(&token))
		block_close(&sealed->reader, &token);
	sealed->statistics->distances++;
	return bound;
}

float
lists_scan_row_bound(ListsScan *scan, uint32 rank, uint32 row)
{
	const ListsQuery *query = scan->query;
	const SealedLists *lists = &scan->sealed.segment->header.lists;
	const SealedList *list = cached_list(scan->sealed.segment, query->lists[rank]);
	uint32		place = row - list->row;
	CodeReader	reader;
	const ListGroup *group;
	float		bounds[CODE_GROUP];
	float		bound;

	code_reader_begin(&reader, &scan->sealed, lists_groups_of(lists));
	group = code_reader_get(&reader, list->group + place / CODE_GROUP);
	(void) distance_kernels->code_bounds(&query->code, (const uint8 *) (group + 1), group->a,
										 group->b, group->error, query->bases[rank],
										 scan->estimate ? 0 : CODE_SIGMAS *
										 sqrtf(query->distances[rank]), 0, bounds);
	code_reader_end(&reader);
	bound = space_below(scan->sealed.space, bounds[place % CODE_GROUP], query->bases[rank]);
	if (lists->fine_size == 0)
		return bound;
	return scan->estimate ? fine_bound(scan, row) : Max(bound, fine_bound(scan, row));
}

/*
 * Raises bounds by fine codes until the smallest bound is one of these; returns false if it needs
 * codes that are not at hand, unless these may be read.
 */
static bool
settle(ListsScan *scan, bool may_read)
{
	if (scan->sealed.segment->header.lists.fine_size == 0)
		return true;
	while (scan->coarse.count > 0 &&
		   (scan->fine.count == 0 ||
			scan->coarse.items[0].distance < scan->fine.items[0].distance))
	{
		GraphCandidate row;

		if (!may_read && !first_at_hand(scan, &scan->coarse, add_fine))
			return false;
		row = graph_heap_pop(&scan->coarse);
		push(&scan->fine, fine_bound(scan, row.id), row.id);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

static inline GraphHeap *
settled_heap(ListsScan *scan)
{
	return scan->sealed.segment->header.lists.fine_size == 0 ? &scan->coarse : &scan->fine;
}

/* The heap whose first row comes next, and what has to be read of it; NULL: nothing. */
static GraphHeap *
next_heap(ListsScan *scan, AddRow *add)
{
	if (!settle(scan, false))
	{
		*add = add_fine;
		return &scan->coarse;
	}
	*add = scan->sealed.segment->header.nodes > 0 ? add_node : NULL;
	return settled_heap(scan);
}

bool
lists_scan_ready(ListsScan *scan)
{
	AddRow		add;
	GraphHeap  *heap = next_heap(scan, &add);

	return heap->count == 0 || add == NULL || first_at_hand(scan, heap, add);
}

bool
lists_scan_bound(ListsScan *scan, float *bound)
{
	AddRow		add;
	GraphHeap  *heap = next_heap(scan, &add);

	if (heap->count == 0 || (scan->effort->at_hand && !lists_scan_ready(scan)))
		return false;
	*bound = heap->items[0].distance;
	return true;
}

void
lists_scan_ask(ListsScan *scan, BlockBatch *batch)
{
	AddRow		add;
	GraphHeap  *heap = next_heap(scan, &add);
	GraphCandidate row = graph_heap_pop(heap);

	if (add)
		(void) add(scan, row.id, batch);
	push(heap == &scan->coarse ? &scan->asked_coarse : &scan->asked_fine, row.distance, row.id);
}

void
lists_scan_asked(ListsScan *scan)
{
	GraphHeap  *asked[] = {&scan->asked_coarse, &scan->asked_fine};
	GraphHeap  *heaps[] = {&scan->coarse, &scan->fine};

	for (int i = 0; i < lengthof(asked); i++)
		while (asked[i]->count > 0)
		{
			GraphCandidate row = graph_heap_pop(asked[i]);

			push(heaps[i], row.distance, row.id);
		}
}

bool
lists_scan_codes_at_hand(const ListsScan *scan)
{
	return !lists_scan_is_stored(scan) ||
		(scan->sealed.space->coded &&
		 extent_has(&scan->sealed.reader.extent, scan->sealed.segment->header.lists.codes));
}

bool
lists_scan_drop_first(ListsScan *scan)
{
	AddRow		add;
	GraphHeap  *heap = next_heap(scan, &add);

	if (lists_scan_ready(scan))
		return false;
	(void) graph_heap_pop(heap);
	return true;
}

GraphCandidate
lists_scan_pop(ListsScan *scan)
{
	GraphHeap  *heap = settled_heap(scan);
	GraphCandidate row;

	(void) settle(scan, true);
	row = graph_heap_pop(heap);
	/* the next candidates are probably among the first of the heap */
	if (scan->sealed.segment->header.nodes > 0)
		for (size_t i = 0; i < Min(heap->count, 2); i++)
			sealed_prefetch_node(&scan->sealed, heap->items[i].id, NULL);
	return row;
}
