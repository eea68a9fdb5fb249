/*
 * hnsw_cost.c - what a scan costs
 *
 * Before the first row a scan searches every segment; hops are the unit.  Segments are read from
 * the directory, as the metapage of a B-tree is.
 */
#include "am/hnsw.h"

#include <math.h>

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "am/cost.h"

/* Hops of a greedy descent through one level. */
#define HOPS_PER_LEVEL	5

/* Of 16 rotated dimensions' codes of 32 neighbours, or one plain distance, in operators. */
#define OPERATORS_PER_HOP	4

/* Hops and blocks of the search before the first row. */
static void
count_hops(Oid indexoid, double *hops, double *blocks)
{
	Relation	index = index_open(indexoid, NoLock);
	const Directory *directory = cache_directory(cache_index(index));

	*hops = 0;
	*blocks = 0;
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
	double		blocks;
	double		cached;
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

	/* blocks that a search meets, and the part of an index that is taken to be in memory */
	pages = blocks > 0 ? blocks * (1 - exp(-hops / blocks)) : 0;
	cached = cost_cached_part(blocks);
	*indexStartupCost = pages * random_cost * (1 - cached) +
		hops * OPERATORS_PER_HOP * cpu_operator_cost;
	*indexTotalCost = *indexStartupCost +
		path->indexinfo->tuples * (cpu_index_tuple_cost + cpu_operator_cost) +
		Max(blocks - pages, 0) * random_cost * (1 - cached);
	*indexSelectivity = costs.indexSelectivity;
	*indexCorrelation = 0;
	*indexPages = costs.numIndexPages;
}
