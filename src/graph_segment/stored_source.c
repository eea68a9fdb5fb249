/*
 * stored_source.c - a graph whose nodes are in an object store as a source for the search
 *
 * A round of reading takes long, however many nodes it has.  So the nodes that a hop needs are read
 * together, and with them those that the search would ask for next, if they stayed the nearest.
 */
#include "graph_segment/scan.h"

#define STORED_AHEAD		24		/* candidates that are read with those asked for */

void
stored_fetch_nodes(GraphScan *scan, const uint32 *ids, int n, int ahead)
{
	GraphCandidate candidates[STORED_AHEAD];
	int			count = graph_search_ahead(&scan->search, candidates, Min(ahead, STORED_AHEAD));
	BlockBatch	batch;

	block_batch_begin(&batch, 0);
	for (int i = 0; i < n; i++)
		sealed_prefetch_node(&scan->sealed, ids[i], &batch);
	for (int i = 0; i < count && batch.stored_count > 0; i++)
		sealed_prefetch_node(&scan->sealed, candidates[i].id, &batch);
	block_batch_read(scan->sealed.index, &batch);
}

static void
fetch(void *arg, const uint32_t *ids, int n)
{
	stored_fetch_nodes(arg, ids, n, STORED_AHEAD);
}

void
stored_set_source(GraphSource *source)
{
	source->prefetch = NULL;
	source->fetch = fetch;
}
