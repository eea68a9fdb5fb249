/*
 * growing_scan.c - searching growing segments: rows wait by bounds of their codes
 */
#include "segment/growing_internal.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "segment/code_groups.h"
#include "segment/places.h"

/*
 * Of many rows only about one in FAR_PART is put in order at first: those whose bounds are not
 * above that of one in SAMPLED rows.
 */
#define MANY_ROWS	1024
#define SAMPLED		128
#define FAR_PART	16

typedef struct GrowingScan
{
	SegmentScan base;
	BlockReader reader;
	GrowingHeader header;
	ExcludedRows excluded;		/* besides those that are dead */
	GraphHeap	candidates;		/* rows by a lower bound of the distance; behind these items */
	size_t		far_count;		/* are others, none of which has a lesser one */
	GraphHeap	refined;		/* rows by distance */
	float		norm;			/* coded: norm of the query minus the mean of the codes */
	float		scale;			/* the largest of the refined rows */
	uint64	   *tags;			/* TIDs by row */
	uint32	   *offsets;
	PayloadMemory memory;
} GrowingScan;

/* Whether a row of a group is left out. */
static inline bool
is_excluded(const GrowingScan *scan, const GrowingGroup *group, uint32 row)
{
	return (group->dead >> (row % GROWING_ROWS) & 1) || row_is_excluded(&scan->excluded, row);
}

static inline void
add_candidate(GrowingScan *scan, const GrowingGroup *group, uint32 row, float bound)
{
	if (!is_excluded(scan, group, row))
		scan->candidates.items[scan->candidates.count++] =
			(GraphCandidate) {isnan(bound) ? -INFINITY : bound, row};
}

/* Notes a group's rows, with lower bounds of their distances if there is a code. */
static void
bound_group(GrowingScan *scan, const CodeQuery *code, const GrowingGroup *group, uint32 g)
{
	const Space *space = scan->base.search->space;
	uint32		n = growing_group_rows(&scan->header, g);
	float		estimates[GROWING_ROWS];
	float		norm = scan->norm;
	float		base = space->metric == SPACE_IP ? 0 : norm * norm;

	if (code)
		distance_kernels->code_estimates(code, (const uint8 *) (group + 1), group->a, group->b,
										 base, estimates);
	for (uint32 i = 0; i < n; i++)
	{
		uint32		row = g * GROWING_ROWS + i;

		scan->tags[row] = tag_from_tid((ItemPointer) &group->tids[i]);
		scan->offsets[row] = group->offset[i];
		add_candidate(scan, group, row, !code ? -INFINITY : space_below(space, estimates[i], base) -
					  CODE_SIGMAS * group->error[i] * norm);
	}
}

/* Does so for the groups of a block, which is locked once for all of them. */
static void
bound_block(GrowingScan *scan, const CodeQuery *code, uint32 block)
{
	const GrowingHeader *header = &scan->header;
	uint32		g = block * header->groups_per_block;
	BlockToken	token;
	const char *group = block_open(&scan->reader, header->groups + block, &token);

	if (!scan->reader.lock)
		LockBuffer(token.buffer, BUFFER_LOCK_SHARE);
	for (uint32 i = 0; i < header->groups_per_block && g * GROWING_ROWS < header->rows; i++, g++)
	{
		bound_group(scan, code, (const GrowingGroup *) group, g);
		group += header->group_size;
	}
	if (!scan->reader.lock)
		LockBuffer(token.buffer, BUFFER_LOCK_UNLOCK);
	block_close(&scan->reader, &token);
}

/* The size of a payload, of which the bytes up to the end of its block are here. */
static Size
payload_size(const GrowingScan *scan, const char *payload, Size left)
{
	const Space *space = scan->base.search->space;

	if (!space_varies(space))
		return space_payload_size(space);
	if (left < sizeof(uint32))
		return SIZE_MAX;
	return sealed_payload_size(scan->reader.extent.index, space, *(const uint32 *) payload);
}

/*
 * Computes the distance of a row in place; returns false if its payload is not within one block.
 * That is safe because complete rows do not change, except by redo.
 */
static bool
distance_in_place(GrowingScan *scan, uint64 start, float *distance, float *scale)
{
	const SegmentSearch *search = scan->base.search;
	Size		left = PAYLOAD_SIZE - start % PAYLOAD_SIZE;
	BlockToken	token;
	const char *payload = block_open(&scan->reader, scan->header.vectors +
									 (BlockNumber) (start / PAYLOAD_SIZE), &token) +
		start % PAYLOAD_SIZE;
	bool		whole = payload_size(scan, payload, left) <= left;

	if (whole)
		*distance = space_query_distance(search->space, search->query, payload, scale);
	block_close(&scan->reader, &token);
	return whole;
}

static float
row_distance(GrowingScan *scan, uint32 row)
{
	const SegmentSearch *search = scan->base.search;
	uint64		start = (uint64) scan->offsets[row] * GROWING_UNIT;
	float		distance = 0;
	float		scale = 0;

	search->statistics->distances++;
	search->statistics->blocks++;
	if (!distance_in_place(scan, start, &distance, &scale))
	{
		growing_read_payload(scan->reader.extent, search->space, &scan->header,
							 scan->offsets[row], &scan->memory);
		distance = space_query_distance(search->space, search->query, scan->memory.payload,
										&scale);
	}
	scan->scale = Max(scan->scale, scale);
	return distance;
}

/* Prepares the query's look-up table, relative to the mean of the codes. */
static void
prepare_codes(GrowingScan *scan, const float *mean, CodeQuery *code)
{
	const Space *space = scan->base.search->space;
	const SpaceQuery *query = scan->base.search->query;
	uint32		padded = rotation_padded(space->dims);
	float	   *centred = palloc(sizeof(float) * padded);

	memcpy(centred, query->rotated, sizeof(float) * padded);
	scan->norm = space->metric == SPACE_COSINE ? 1 : query->norm;
	if (mean)
	{
		for (uint32 i = 0; i < padded; i++)
			centred[i] -= mean[i];
		scan->norm = sqrtf(distance_kernels->f32_dot(centred, centred, padded));
	}
	rabitq_prepare(code, centred, scan->header.padded,
				   palloc(rabitq_lut_size(scan->header.padded)));
	/* with few dimensions there are few different elements, so rounding errors add up */
	rabitq_allow_rounding(code, space->dims < ROTATION_MIN_PADDED ? INFINITY : CODE_SIGMAS,
						  space->rounding);
	pfree(centred);
}

/*
 * Whether rows wait by bounds of their codes.  A bound fails now and then, so rows are compared
 * without bounds if the search keeps as many candidates as there are rows.
 */
static bool
uses_codes(const GrowingScan *scan)
{
	uint32		left = scan->header.rows - Min(scan->excluded.count, scan->header.rows);

	return scan->header.padded > 0 && left > scan->base.search->effort.candidates;
}

/* The bound that about one row in FAR_PART does not exceed; at least one row. */
static float
near_bound(const GraphHeap *candidates)
{
	float		least[SAMPLED / FAR_PART];
	int			count = 0;

	for (int i = 0; i < SAMPLED; i++)
	{
		float		bound = candidates->items[candidates->count * i / SAMPLED].distance;
		int			k = Min(count, lengthof(least) - 1);

		if (count == lengthof(least) && bound >= least[k])
			continue;
		for (; k > 0 && least[k - 1] > bound; k--)
			least[k] = least[k - 1];
		least[k] = bound;
		count = Min(count + 1, lengthof(least));
	}
	return least[count - 1];
}

/* Puts the rows in order: of many, the nearest ones first. */
static void
order_candidates(GrowingScan *scan)
{
	GraphHeap  *candidates = &scan->candidates;
	size_t		near = 0;

	if (candidates->count >= MANY_ROWS)
	{
		float		bound = near_bound(candidates);

		for (size_t i = 0; i < candidates->count; i++)
		{
			GraphCandidate item = candidates->items[i];

			candidates->items[i] = candidates->items[near];
			candidates->items[near] = item;
			near += item.distance <= bound;
		}
		scan->far_count = candidates->count - near;
		candidates->count = near;
	}
	graph_heap_make(candidates);
}

/* Takes the row with the least bound; after the last of the nearest, orders the others. */
static GraphCandidate
take_candidate(GrowingScan *scan)
{
	GraphHeap  *candidates = &scan->candidates;
	size_t		near = candidates->room - scan->far_count;
	GraphCandidate row = graph_heap_pop(candidates);

	if (candidates->count == 0 && scan->far_count > 0)
	{
		candidates->items += near;
		candidates->count = candidates->room = scan->far_count;
		scan->far_count = 0;
		graph_heap_make(candidates);
	}
	return row;
}

/* Bounds the distances of all rows by their codes, which are relative to a mean if there is one. */
static void
bound_rows(GrowingScan *scan, const float *mean)
{
	const SegmentSearch *search = scan->base.search;
	const GrowingHeader *header = &scan->header;
	bool		coded = uses_codes(scan);
	uint32		blocks;
	CodeQuery	code;

	scan->tags = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint64) * header->rows);
	scan->offsets = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint32) * header->rows);
	scan->candidates.room = header->rows;
	scan->candidates.items = MemoryContextAllocHuge(CurrentMemoryContext,
													sizeof(GraphCandidate) * header->rows);
	if (coded)
		prepare_codes(scan, mean, &code);
	blocks = (header->rows - 1) / GROWING_ROWS / header->groups_per_block + 1;
	for (uint32 block = 0; block < blocks; block++)
	{
		bound_block(scan, coded ? &code : NULL, block);
		CHECK_FOR_INTERRUPTS();
	}
	search->statistics->distances += header->rows;
	search->statistics->blocks += blocks;
	scan->candidates.room = scan->candidates.count;
	order_candidates(scan);
}

static SegmentScan *
growing_open(SegmentSearch *search, const SegmentEntry *entry, CachedSegment *segment,
			 const ExcludedRows *excluded)
{
	GrowingScan *scan = palloc0(sizeof(GrowingScan));

	scan->base.search = search;
	block_reader_begin(&scan->reader, extent_of(search->index, entry));
	scan->excluded = *excluded;
	search->statistics->segments++;
	search->statistics->reads++;
	growing_read_header(search->index, entry, &scan->header);
	if (scan->header.padded > (search->space->coded ? rotation_padded(search->space->dims) : 0))
		sealed_wrong_header(search->index, entry->uid, "number of dimensions");
	if (scan->header.rows > 0)
		bound_rows(scan, cache_growing_mean(search->cached, search->index, entry));
	return &scan->base;
}

static bool
growing_waiting(SegmentScan *base, float *bound)
{
	const GrowingScan *scan = (GrowingScan *) base;

	*bound = INFINITY;
	if (scan->candidates.count > 0)
		*bound = scan->candidates.items[0].distance;
	if (scan->refined.count > 0)
		*bound = Min(*bound, scan->refined.items[0].distance);
	return scan->candidates.count + scan->refined.count > 0;
}

/* The next row by distance, within the error bound of the codes; false: none is a result. */
static bool
growing_next(SegmentScan *base, GraphFound *found)
{
	GrowingScan *scan = (GrowingScan *) base;
	GraphMemory memory = space_graph_memory(CurrentMemoryContext);
	GraphCandidate row;

	while (scan->candidates.count > 0 &&
		   (scan->refined.count == 0 ||
			scan->candidates.items[0].distance < scan->refined.items[0].distance))
	{
		row = take_candidate(scan);
		row.distance = row_distance(scan, row.id);
		if (isnan(row.distance))
			row.distance = INFINITY;
		if (space_is_result(base->search->space, row.distance))
			graph_heap_push(&scan->refined, memory, row);
		CHECK_FOR_INTERRUPTS();
	}
	if (scan->refined.count == 0)
		return false;
	row = graph_heap_pop(&scan->refined);
	found->distance = row.distance;
	found->id = row.id;
	found->tag = scan->tags[row.id];
	found_set_bound(found, base->search->space, base->search->query, 0, scan->scale);
	return true;
}

const SegmentReader growing_reader = {
	.open = growing_open,
	.waiting = growing_waiting,
	.next = growing_next,
	.ordered = true
};
