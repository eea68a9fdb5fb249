/*
 * bounded.c - comparing the codes of nodes, and keeping the least bounds
 */
#include "graph_segment/bounded.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "attribute/bits.h"
#include "cluster/keys.h"
#include "segment/code_groups.h"

/* Number of groups, and of nodes, to prefetch. */
#define GROUPS_AHEAD	4
#define NODES_AHEAD		4

/* Number of codes of METHOD_DISK that are read together. */
#define CODES_AT_ONCE	64

/* The keys have room for so many times those that are kept. */
#define ROOM			4

/* So many times as many nodes are kept each time that bounds are computed again. */
#define GROWTH			8

/* So many keys, or this part, are brought into order at a time: most are never asked for. */
#define SORTED_AT_ONCE	128
#define SORTED_PART		16

/* The first group from the i-th on that has nodes before `end`; PG_UINT32_MAX if there is none. */
static inline uint32
next_group(const BoundedNodes *nodes, uint32 i, uint32 end)
{
	uint32		next = i * CODE_GROUP < end ? bits_next(nodes->left, end, i * CODE_GROUP) :
		BITS_NONE;

	return next == BITS_NONE ? PG_UINT32_MAX : next / CODE_GROUP;
}

static void
keep_least(BoundedNodes *nodes)
{
	if (nodes->count <= nodes->most)
		return;
	cluster_select_first(nodes->keys, nodes->count, nodes->most);
	nodes->count = nodes->most;
	nodes->last = 0;
	for (uint32 i = 0; i < nodes->count; i++)
		nodes->last = Max(nodes->last, nodes->keys[i]);
}

/* Has the next keys in order, if there are any. */
static void
sort_next(BoundedNodes *nodes)
{
	uint32		left = nodes->count - nodes->sorted;
	uint32		at_once = Max(SORTED_AT_ONCE, left / SORTED_PART);

	if (nodes->next < nodes->sorted || left == 0)
		return;
	cluster_sort_first(nodes->keys + nodes->sorted, left, at_once);
	nodes->sorted += Min(left, at_once);
}

/* Adds a node, unless it is not to be kept. */
static inline void
add_node(BoundedNodes *nodes, uint32 id, float bound)
{
	uint64		key = cluster_key(isnan(bound) ? -INFINITY : bound, id);

	if (key <= nodes->first || key >= nodes->last || graph_search_expanded(nodes->search, id))
		return;
	nodes->keys[nodes->count++] = key;
	if (nodes->count == nodes->room)
		keep_least(nodes);
}

void
bounded_add(BoundedNodes *nodes, uint32 id, float bound)
{
	add_node(nodes, id, bound);
}

/* Compares codes group by group, of a run of nodes. */
static void
compare_groups(BoundedNodes *nodes, uint32 first, uint32 end)
{
	SealedScan *sealed = nodes->sealed;
	const Space *space = sealed->space;
	const SealedHeader *header = &sealed->segment->header;
	float		length2 = distance_kernels->f32_dot(nodes->centred, nodes->centred, header->padded);
	float		slack = nodes->sigmas * sqrtf(length2);
	float		base = space->metric == SPACE_IP ? 0 : length2;
	uint32		ahead = next_group(nodes, first / CODE_GROUP, end);
	uint32		asked = 0;
	CodeReader	reader;

	code_reader_begin(&reader, sealed, sealed_codes(header));
	for (uint32 g = ahead; g != PG_UINT32_MAX; g = next_group(nodes, g + 1, end))
	{
		uint32		mask = bits_group(nodes->left, g);
		float		farthest = cluster_key_value(nodes->last);
		const ListGroup *group;
		float		bounds[CODE_GROUP];
		uint32		nearer;

		for (asked -= asked > 0; ahead != PG_UINT32_MAX && asked < GROUPS_AHEAD; asked++)
		{
			code_reader_prefetch(&reader, ahead);
			ahead = next_group(nodes, ahead + 1, end);
		}
		group = code_reader_get(&reader, g);
		/* by rounding, a node at the farthest bound may be below it */
		nearer = distance_kernels->code_bounds(&nodes->code, (const uint8 *) (group + 1), group->a,
											   group->b, group->error, base, slack,
											   -space_below(space, -farthest, base), bounds);
		sealed->statistics->distances += (uint64) pg_popcount32(mask);
		if (isfinite(farthest))
			mask &= nearer;
		for (; mask != 0; mask &= mask - 1)
		{
			uint32		i = (uint32) pg_rightmost_one_pos32(mask);

			add_node(nodes, g * CODE_GROUP + i, space_below(space, bounds[i], base));
		}
	}
	code_reader_end(&reader);
}

/* Estimates distances by codes that each node of a run has of its own. */
static void
compare_codes(BoundedNodes *nodes, uint32 first, uint32 end)
{
	uint32		ids[CODES_AT_ONCE];
	float		distances[CODES_AT_ONCE];

	for (uint32 id = bits_next(nodes->left, end, first); id != BITS_NONE;)
	{
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		for (; n < CODES_AT_ONCE && id != BITS_NONE; id = bits_next(nodes->left, end, id + 1))
			ids[n++] = id;
		disk_estimate(nodes->disk, ids, n, distances);
		for (int i = 0; i < n; i++)
			add_node(nodes, ids[i], disk_bound(nodes->disk, ids[i], distances[i]));
		nodes->sealed->statistics->distances += n;
	}
}

/* Adds the nodes of a run. */
static void
add_run(BoundedNodes *nodes, uint32 first, uint32 end)
{
	if (nodes->add)
		nodes->add(nodes->arg, first, end);
	else if (nodes->disk)
		compare_codes(nodes, first, end);
	else
		compare_groups(nodes, first, end);
}

/*
 * Compares all codes, and keeps the nodes whose keys are the first ones after a key, and before
 * another one.  What a participant of a parallel scan takes at first stays its own.
 */
static void
compute(BoundedNodes *nodes, uint64 after, uint64 before, uint32 most)
{
	nodes->most = Max(Min(most, nodes->left_count), 1);
	nodes->room = Min((uint64) nodes->most * ROOM, Max(nodes->left_count, 1));
	nodes->keys = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint64) * nodes->room);
	nodes->next = nodes->sorted = nodes->count = 0;
	nodes->first = after;
	nodes->last = before;
	for (uint32 first, end = 0; nodes->take(nodes->arg, &first, &end);)
		add_run(nodes, first, end);
	keep_least(nodes);
	sort_next(nodes);
}

void
bounded_begin(BoundedNodes *nodes, uint32 wanted, float within)
{
	const Space *space = nodes->sealed->space;
	uint64		before = within < INFINITY ?
		cluster_key(nextafterf(within, INFINITY), PG_UINT32_MAX) : PG_UINT64_MAX;

	/* with few dimensions there are few different elements, so rounding errors add up */
	if (!nodes->disk && !nodes->add)
		rabitq_allow_rounding(&nodes->code, space->dims < ROTATION_MIN_PADDED ? INFINITY :
							  nodes->sigmas, space->rounding);
	compute(nodes, 0, before, wanted);
	/* within a distance there are few, and the caller may not come for them soon */
	for (uint32 i = 0; !nodes->disk && i < Min(within < INFINITY ? 1 : NODES_AHEAD, nodes->sorted);
		 i++)
		sealed_prefetch_vector(nodes->sealed, cluster_key_number(nodes->keys[i]), NULL);
}

void
bounded_bring_near(const BoundedNodes *nodes)
{
	if (!nodes->disk && nodes->next < nodes->sorted)
		sealed_prefetch_vector(nodes->sealed, cluster_key_number(nodes->keys[nodes->next]), NULL);
}

bool
bounded_least(const BoundedNodes *nodes, float *bound)
{
	bool		kept = nodes->next < nodes->count;

	if (nodes->keys == NULL || (!kept && nodes->last == PG_UINT64_MAX))
		return false;
	*bound = cluster_key_value(kept ? nodes->keys[nodes->next] : nodes->last);
	return true;
}

/* If the next node is in an object store, and not at hand, reads it with those that follow it. */
static void
fetch_next(const BoundedNodes *nodes)
{
	SealedScan *sealed = nodes->sealed;
	BlockBatch	batch;

	if (sealed->reader.extent.where != EXTENT_STORED ||
		sealed_node_at_hand(sealed, cluster_key_number(nodes->keys[nodes->next])))
		return;
	block_batch_begin(&batch, 0);
	for (uint32 i = nodes->next; i < nodes->sorted; i++)
		sealed_prefetch_vector(sealed, cluster_key_number(nodes->keys[i]), &batch);
	block_batch_read(sealed->index, &batch);
}

bool
bounded_next(BoundedNodes *nodes, uint32 *id)
{
	if (nodes->next == nodes->count && nodes->last < PG_UINT64_MAX)
	{
		pfree(nodes->keys);
		compute(nodes, nodes->last, PG_UINT64_MAX,
				Min(nodes->most, PG_UINT32_MAX / GROWTH) * GROWTH);
	}
	if (nodes->next == nodes->count)
		return false;
	if (!nodes->disk)
		fetch_next(nodes);
	if (!nodes->disk && nodes->next + NODES_AHEAD < nodes->sorted)
		sealed_prefetch_vector(nodes->sealed,
							   cluster_key_number(nodes->keys[nodes->next + NODES_AHEAD]), NULL);
	*id = cluster_key_number(nodes->keys[nodes->next++]);
	sort_next(nodes);
	return true;
}
