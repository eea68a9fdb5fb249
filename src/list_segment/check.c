/*
 * check.c - checks of a sealed segment of lists
 *
 * Rows follow each other list by list, and their codes are those of their vectors.
 */
#include "list_segment/scan.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

/*
 * Checks the estimates of a row of a list by its packed and its fine code, with the row itself as
 * the query: they are lower bounds, exact but for the predicted error.
 */
static void
check_row_codes(ListsScan *scan, uint32 list, uint32 row, const SealedNode *node)
{
	Size		size = space_payload_size(scan->sealed.space);
	char	   *payload = palloc(size);
	SpaceQuery	query;
	ListsQuery	lists;
	float		slack;
	float		scale;
	float		own;
	float		bound;

	space_restore(scan->sealed.space, node, (const char *) node +
				  scan->sealed.segment->header.layout.vector, payload);
	space_prepare(scan->sealed.space, &query, payload, size);
	own = space_query_distance(scan->sealed.space, &query, payload, &scale);
	lists_query_one(&lists, scan->sealed.index, scan->sealed.space, &query,
					cached_centroids(scan->sealed.segment), list);
	slack = ESTIMATE_TOLERANCE * (fabsf(own) + query.norm * query.norm +
								  (scan->sealed.space->metric == SPACE_COSINE ? 1 : 0)) + 1e-6f;
	scan->query = &lists;
	bound = lists_scan_row_bound(scan, 0, row);
	if (bound > own + slack)
		sealed_damaged(scan->sealed.index, "In segment %u, row %u has a code that does not fit "
					   "its vector: its distance is bounded by %g.",
					   scan->sealed.segment->part.uid, row, bound);
}

/*
 * Checks the rows of lists: each is in one list, named by its node, and has the code of its vector.
 */
void *
lists_check(SealedScan *sealed)
{
	CachedSegment *segment = sealed->segment;
	const SealedLists *lists = &segment->header.lists;
	ListsScan	scan = {.sealed = *sealed};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vector check row",
												  ALLOCSET_DEFAULT_SIZES);

	for (uint32 number = 0; number < segment->header.rows; number++)
	{
		SealedRow	sealed_row;

		CHECK_FOR_INTERRUPTS();
		sealed_read_row(sealed, number, &sealed_row);
		if (sealed_row.node != number)
			sealed_damaged(sealed->index, "In segment %u, row %u names a node of row %u.",
						   segment->part.uid, number, sealed_row.node);
	}
	for (uint32 l = 0; l < lists->count; l++)
	{
		const SealedList *list = cached_list(segment, l);

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < list->rows && segment->header.nodes > 0; i++)
		{
			uint32		number = list->row + i;
			const SealedNode *node = sealed_read_node(&scan.sealed, 0, number);
			MemoryContext old;

			if (node->row != number)
				sealed_damaged(sealed->index, "In segment %u, row %u has another's vector.",
							   segment->part.uid, number);
			if (!sealed->space->coded || cached_row_is_dead(segment, number))
				continue;
			old = MemoryContextSwitchTo(context);
			check_row_codes(&scan, l, number, node);
			MemoryContextSwitchTo(old);
			MemoryContextReset(context);
		}
	}
	MemoryContextDelete(context);
	return NULL;
}
