/*
 * hnsw_cost.c - the cost of a graph scan
 *
 * Before the first row a scan searches every segment; hops are the unit of cost.  Each row after
 * the first ones takes about a hop, until a part of the rows has been found and the rest is read
 * (hnsw_scan.c).  Returning all rows costs at least as much as reading the whole index and sorting
 * them: for a query that needs all rows, or very many because of a selective filter, a scan of the
 * table is better.  The segments are read from the directory, as the metapage of a B-tree is.
 */
#include "am/hnsw.h"

#include <math.h>

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "am/cost.h"

/* Hops of a greedy descent through a level. */
#define HOPS_PER_LEVEL	5

/* The cost of the codes of 32 neighbours per 16 rotated dimensions, or of one plain distance. */
#define OPERATORS_PER_HOP	4

/* The number of different blocks that this many hops read. */
static double
blocks_met(double hops, double blocks)
{
	return blocks > 0 ? blocks * (1 - exp(-hops / blocks)) : 0;
}

/* Counts the hops of the search before the first row, and the blocks of all segments. */
static void
count_hops(Oid indexoid, double *hops, double *blocks)
{
	Relation	index = index_open(indexoid, NoLock);
	const Directory *directory = cache_directory(cache_index(index));

	*hops = *blocks = 0;
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		double		levels = log(Max(entry->rows, 1)) / log(GRAPH_FANOUT);

		if (!segment_is_live(entry))
			continue;
		*blocks += entry->blocks;
		if (entry->kind == SEGMENT_SEALED)
			*hops += Min(2 * hnsw_ef_search + HOPS_PER_LEVEL * levels, entry->rows);
		else
			*hops += (double) entry->rows / CODE_GROUP + Min(hnsw_ef_search, entry->rows);
	}
	index_close(index, NoLock);
}

void
hnswcostestimate(PlannerInfo *root, IndexPath *path, double loop_count, Cost *indexStartupCost,
				 Cost *indexTotalCost, Selectivity *indexSelectivity, double *indexCorrelation,
				 double *indexPages)
{
	GenericCosts costs = {0};
	double		random_cost;
	double		sequential_cost;
	double		hops;
	double		walked;			/* hops of a scan to the end */
	double		blocks;
	double		rows = path->indexinfo->tuples;
	double		pages;

	if (path->indexorderbys == NIL)
	{
		cost_forbid(path, indexStartupCost, indexTotalCost, indexSelectivity, indexCorrelation,
					indexPages);
		return;
	}
	count_hops(path->indexinfo->indexoid, &hops, &blocks);
	genericcostestimate(root, path, loop_count, &costs);
	get_tablespace_page_costs(path->indexinfo->reltablespace, &random_cost, &sequential_cost);

	/* of a large index, only the part that searches touch is assumed to be in memory */
	pages = blocks_met(hops, blocks);
	*indexStartupCost = pages * random_cost * (1 - cost_cached_part(blocks)) +
		hops * OPERATORS_PER_HOP * cpu_operator_cost;
	walked = Max(hops, rows / (HNSW_NODES_PER_HOP + 1));
	*indexTotalCost = *indexStartupCost + cost_order(rows) +
		(walked - hops + rows) * OPERATORS_PER_HOP * cpu_operator_cost +
		Max(blocks_met(walked, blocks) - pages, 0) * random_cost + blocks * sequential_cost;
	*indexSelectivity = costs.indexSelectivity;
	*indexCorrelation = 0;
	*indexPages = costs.numIndexPages;
}
