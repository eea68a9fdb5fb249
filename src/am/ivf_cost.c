/*
 * ivf_cost.c - the cost of a scan of lists
 *
 * Before the first row a scan searches some of the lists of every segment: it compares their rows,
 * by codes or by vectors, and reads their blocks.  A scan to the end searches all lists, compares
 * the vector of every row, and sorts the rows.
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
#include "segment/method.h"

/* The cost of a vector's distance, of a group of codes, and of ranking a list, in operators. */
#define OPERATORS_PER_ROW	2
#define OPERATORS_PER_GROUP	4
#define OPERATORS_PER_LIST	0.5

/* The approximate number of rows whose vectors are compared after their codes. */
#define ROWS_REFINED		100

typedef struct SearchWork
{
	double		operators;
	double		pages;			/* that are read */
	double		blocks;			/* of all segments */
	bool		coded;
} SearchWork;

/* Adds the work for a segment of which a part of the rows and blocks is searched. */
static void
add_segment(SearchWork *work, const Space *space, const SegmentEntry *entry, double part)
{
	double		rows = entry->rows * part;

	if (space->coded)
	{
		double		refined = Min(ROWS_REFINED, rows);

		/* if vectors are kept, codes are a small part of the blocks */
		work->operators += rows / CODE_GROUP * OPERATORS_PER_GROUP + refined * OPERATORS_PER_ROW;
		work->pages += entry->blocks * part / 8 + refined;
	}
	else
	{
		work->operators += rows * OPERATORS_PER_ROW;
		work->pages += entry->blocks * part;
	}
}

/* Computes the work of a search. */
static void
count_work(Oid indexoid, SearchWork *work)
{
	Relation	index = index_open(indexoid, NoLock);
	const Directory *directory = cache_directory(cache_index(index));
	double		lists = 0;
	double		part = 1;
	Space		space;

	memset(work, 0, sizeof(*work));
	segment_space(directory, &space);
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
	/* with codes, rows are compared in the order of their bounds, which is not that of blocks */
	*indexTotalCost = *indexStartupCost + cost_order(tuples) +
		tuples * OPERATORS_PER_ROW * cpu_operator_cost +
		work.blocks * (work.coded ? random_cost : sequential_cost);
	*indexSelectivity = costs.indexSelectivity;
	*indexCorrelation = 0;
	*indexPages = work.pages;
}
