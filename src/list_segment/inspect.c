/*
 * inspect.c - shows what a segment of lists consists of
 */
#include "list_segment/scan.h"

#include "miscadmin.h"

#include "list_segment/cached.h"
#include "segment/code_errors.h"

/* The list that has a row. */
static uint32
list_with(const CachedSegment *segment, uint32 row)
{
	uint32		list = 0;

	while (row - cached_list(segment, list)->row >= cached_list(segment, list)->rows)
		list++;
	return list;
}

/* Compares estimates with the distances of rows of a list from the vector of another row. */
static void
add_errors(SealedScan *sealed, uint32 number, CodeErrors *errors)
{
	const Space *space = sealed->space;
	const NodeLayout *layout = &sealed->segment->header.layout;
	uint32		first = code_errors_run(sealed->segment->header.nodes, number);
	uint32		list = list_with(sealed->segment, first);
	const SealedList *found = cached_list(sealed->segment, list);
	Size		size = space_payload_size(space);
	char	   *payload = palloc(size);
	ListsScan	scan;
	ListsQuery	lists;
	SpaceQuery	query;
	const SealedNode *node = sealed_read_node(sealed, 0, number);

	space_restore(space, node, (const char *) node + layout->vector, payload);
	space_prepare(space, &query, payload, size);
	lists_query_one(&lists, sealed->index, space, &query, cached_centroids(sealed->segment), list);
	lists_scan_begin(&scan, &lists, space, sealed->segment, sealed->statistics);
	scan.estimate = true;
	for (uint32 row = first; row < Min(found->row + found->rows, first + CODE_GROUP); row++)
	{
		float		estimate = lists_scan_row_bound(&scan, 0, row);

		node = sealed_read_node(sealed, 0, row);
		code_errors_add(errors, estimate, space_node_distance(space, &query, node,
															  (const char *) node +
															  layout->vector));
	}
}

/* The rows of each list, and how good their codes are. */
void
lists_inspect(SealedScan *sealed, SegmentShow show, void *arg)
{
	const SealedHeader *header = &sealed->segment->header;
	CodeErrors *errors = palloc0(sizeof(CodeErrors));

	for (uint32 list = 0; list < header->lists.count; list++)
		show(arg, "rows of list", list, cached_list(sealed->segment, list)->rows);
	/* without vectors there is nothing to compare with */
	for (int i = 0; i < CODE_ERROR_QUERIES && sealed->space->coded && header->nodes > 0; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_errors(sealed, code_errors_query(header->nodes, i), errors);
	}
	code_errors_show(errors, show, arg);
	pfree(errors);
}
