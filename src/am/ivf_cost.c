/*
 * ivf_cost.c - what a scan of lists costs
 *
 * Before the first row a scan looks into some of the lists of every segment: that part of its rows
 * is compared, by codes or whole, and that part of its blocks is read.  A scan to the end looks
 * into all, compares every row whole, and sorts them.
 */
#include "am/ivf_scan.h"

#include <math.h>

#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "am/cost.h"
#include "am/ivf.h"

/* Of a vector's distance, of a group of codes, and of ranking a list, in operators. */
#define OPERATORS_PER_ROW	2
#define OPERATORS_PER_GROUP	4
#define OPERATORS_PER_LIST	0.5

/* Rows that are refined by their vectors, more or less. */
#define ROWS_REFINED		100

typedef struct SearchWork
{
	double		operators;
	double		pages;			/* that are read */
	double		blocks;			/* of all segments */
	bool		coded;
} SearchWork;

/* Adds the work of a segment, of whose rows and blocks a part is looked at. */
static void
add_segment(SearchWork *work, const Space *space, const SegmentEntry *entry, double part)
{
	double		rows = entry->rows * part;

	if (space->coded)
	{
		double		refined = Min(ROWS_REFINED, rows);

		/* codes are a small part of the blocks where vectors are kept */
		work->operators += rows / CODE_GROUP * OPERATORS_PER_GROUP + refined * OPERATORS_PER_ROW;
		work->pages += entry->blocks * part / 8 + refined;
	}
	else
	{
		work->operators += rows * OPERATORS_PER_ROW;
		work->pages += entry->blocks * part;
	}
}

/* The work of a search. */
static void
count_work(Oid indexoid, SearchWork *work)
{
	Relation	index = index_open(indexoid, NoLock);
	const Directory *directory = cache_directory(cache_index(index));
	double		lists = 0;
	double		part = 1;
	Space		space;

	memset(work, 0, sizeof(*work));
	directory_space(directory, &space);
	work->coded = space.coded;
	for (uint32 i = 0; i < directory->count; i++)
		if (directory->entries[i].kind == SEGMENT_CENTROIDS)
			lists = Max(lists, directory->entries[i].rows);
	if (lists > 0)
		part = ivf_probes_of(index, (uint32) lists) / lists;
	work->operators = lists * OPERATORS_PER_LIST;
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (!segment_is_live(entry))
			continue;
		work->blocks += entry->blocks;
		if (entry->kind == SEGMENT_SEALED)
			add_segment(work, &space, entry, part);
		else
			add_segment(work, &space, entry, 1);
	}
	work->pages = Min(work->pages, work->blocks);
	index_close(index, NoLock);
}

void
ivfcostestimate(PlannerInfo *root, IndexPath *path, double loop_count, Cost *indexStartupCost,
				Cost *indexTotalCost, Selectivity *indexSelectivity, double *indexCorrelation,
				double *indexPages)
{
	GenericCosts costs = {0};
	SearchWork	work;
	double		tuples = path->indexinfo->tuples;
	double		random_cost;
	double		sequential_cost;

	if (path->indexorderbys == NIL)
	{
		cost_forbid(path, indexStartupCost, indexTotalCost, indexSelectivity, indexCorrelation,
					indexPages);
		return;
	}
	count_work(path->indexinfo->indexoid, &work);
	genericcostestimate(root, path, loop_count, &costs);
	get_tablespace_page_costs(path->indexinfo->reltablespace, &random_cost, &sequential_cost);
	*indexStartupCost = work.pages * sequential_cost * (1 - cost_cached_part(work.blocks)) +
		work.operators * cpu_operator_cost;
	/* by codes rows are compared in the order of their bounds, which is none of the blocks' */
	*indexTotalCost = *indexStartupCost + cost_order(tuples) +
		tuples * OPERATORS_PER_ROW * cpu_operator_cost +
		work.blocks * (work.coded ? random_cost : sequential_cost);
	*indexSelectivity = costs.indexSelectivity;
	*indexCorrelation = 0;
	*indexPages = work.pages;
}
