/*
 * stored_source.c - a graph whose nodes are in an object store as a source for the search
 *
 * A round of reading takes long, however many nodes it has.  So the nodes that a hop needs are read
 * together, and with them those that the search would ask for next, if they stayed the nearest.
 */
#include "graph_segment/scan.h"

#define STORED_AHEAD		24		/* candidates that are read with those asked for */

/*
 * Adds nodes to a batch and, if one is not at hand, the `ahead` nearest ones of those that have not
 * been expanded; returns whether all are at hand.
 */
static bool
add_nodes(GraphScan *scan, const uint32 *ids, int n, int ahead, BlockBatch *batch)
{
	GraphCandidate candidates[STORED_AHEAD];
	int			before = batch->stored_count;
	int			count = graph_search_ahead(&scan->search, candidates, Min(ahead, STORED_AHEAD));

	for (int i = 0; i < n; i++)
		sealed_prefetch_node(&scan->sealed, ids[i], batch);
	if (batch->stored_count == before)
		return true;
	for (int i = 0; i < count; i++)
		sealed_prefetch_node(&scan->sealed, candidates[i].id, batch);
	return false;
}

void
stored_fetch_nodes(GraphScan *scan, const uint32 *ids, int n, int ahead)
{
	BlockBatch	batch;

	block_batch_begin(&batch, 0);
	(void) add_nodes(scan, ids, n, ahead, &batch);
	block_batch_read(scan->sealed.index, &batch);
}

/* What the search waits for with other segments, if it may, is read by who does their rounds. */
static bool
fetch(void *arg, const uint32_t *ids, int n)
{
	GraphScan  *scan = arg;

	if (scan->together && !block_batch_is_full(scan->together))
		return add_nodes(scan, ids, n, STORED_AHEAD, scan->together);
	stored_fetch_nodes(scan, ids, n, STORED_AHEAD);
	return true;
}

void
stored_set_source(GraphSource *source)
{
	source->prefetch = NULL;
	source->fetch = fetch;
}
