/*
 * graph_cost.c - the work of a parallel scan of graphs
 *
 * Its participants do not walk, but read all rows that meet the conditions: their codes, and of the
 * rows that are returned some vectors each, or all vectors.  The unit of work is a hop of a walk,
 * because what matters is whether that is better.
 */
#include "am/graph_cost.h"

#include "graph_segment/method.h"

/* A row that a walk goes on to costs a random page (hnsw_cost.c), and takes about two hops. */
#define PAGES_PER_HOP	0.5

bool
graph_count_shared_work(Relation index, const Directory *directory, double rows, ScanWork *work)
{
	double		left = rows * work->share;
	double		wanted = work->wanted > 0 ? Min(work->wanted, left) : left;
	double		groups = Min(rows / CODE_GROUP, left);
	double		read = left / (work->share < 1 ? GRAPH_SCATTERED_PER_HOP :
							   graph_nodes_in_order(directory->dims));
	double		compared = groups / GRAPH_GROUPS_PER_HOP +
		GRAPH_REFINED / GRAPH_SCATTERED_PER_HOP;

	/* what is in an object store would be read by each participant for itself */
	if (directory->features & FEATURE_STORED)
		return false;
	if (directory->storage == STORAGE_NONE ||
		(vector_am_of(index)->segments == &graph_segment_method &&
		 compared + wanted * GRAPH_HOPS_PER_ROW < read))
	{
		work->random_pages = compared * PAGES_PER_HOP;
		work->rest_random_pages = left * GRAPH_HOPS_PER_ROW * PAGES_PER_HOP;
	}
	else
	{
		work->random_pages = read * PAGES_PER_HOP;
		work->sequential_pages = work->shared_pages;
	}
	return true;
}
