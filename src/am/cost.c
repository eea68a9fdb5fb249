/*
 * cost.c - the cost of a scan, from the work that its access method reports
 *
 * The segments are read from the directory, as the metapage of a B-tree is.
 */
#include "am/index.h"

#include <math.h>

#include "access/genam.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/float.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "am/conditions.h"
#include "am/merge.h"
#include "am/method.h"
#include "am/residual.h"
#include "segment/cache.h"

/*
 * How probable it is that a scan with other conditions has to find the rows that meet them after
 * all, by reading the table or by another index.
 */
#define CHANCE_OF_READING	0.3

/* To test the attributes of a row, in units of cpu_operator_cost. */
#define OPERATORS_PER_TEST	0.06

#define FORBIDDEN_COST	1e30

IndexPricing index_pricing = INDEX_PRICING;

/*
 * Keeps the planner from using a path.  Its cost is above all others, and finite: PostgreSQL takes
 * what it computes from an infinite one, which may be no number, for less than any other.
 */
static void
forbid(IndexPath *path, Cost *startup, Cost *total, Selectivity *selectivity, double *correlation,
	   double *pages)
{
	*startup = FORBIDDEN_COST;
	*total = FORBIDDEN_COST;
	*selectivity = 0;
	*correlation = 0;
	*pages = 0;
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = 2;
#endif
}

double
index_cached_part(double blocks)
{
	return Min(0.9, 0.9 * effective_cache_size / Max(blocks, 1));
}

/* The cost of returning this many rows in order from a heap: about twice that of a sort. */
static Cost
order_cost(double rows)
{
	rows = Max(rows, 2);
	return rows * log2(rows) * 4 * cpu_operator_cost + rows * cpu_index_tuple_cost;
}

/* Whether a path asks for rows without a vector, which no index has. */
static bool
wants_null(const IndexPath *path)
{
	ListCell   *cell;
	ListCell   *qual;

	foreach(cell, path->indexclauses)
	{
		const IndexClause *clause = lfirst_node(IndexClause, cell);

		if (clause->indexcol > 0)
			continue;
		foreach(qual, clause->indexquals)
		{
			const NullTest *test = (NullTest *) lfirst_node(RestrictInfo, qual)->clause;

			if (IsA(test, NullTest) && test->nulltesttype == IS_NULL)
				return true;
		}
	}
	return false;
}

/* Whether a path has an order that its index can give. */
static bool
can_order(const IndexPath *path)
{
	Relation	index = index_open(path->indexinfo->indexoid, NoLock);
	const VectorAm *am = vector_am_of(index);
	bool		can = am->can_order == NULL ||
		am->can_order(index, lsecond(linitial_node(OpExpr, path->indexorderbys)->args));

	index_close(index, NoLock);
	return can;
}

/*
 * The part of the rows that is expected to meet the conditions on attributes, or on these and on
 * the vector.
 */
static double
passing_share(PlannerInfo *root, const IndexPath *path, bool vector)
{
	List	   *quals = path_conditions(root, path);
	ListCell   *cell;

	foreach(cell, path->indexclauses)
	{
		const IndexClause *clause = lfirst_node(IndexClause, cell);

		if (vector || clause->indexcol > 0)
			quals = list_concat(quals, clause->indexquals);
	}
	return clauselist_selectivity(root, quals, path->indexinfo->rel->relid, JOIN_INNER, NULL);
}

/* The rows that a scan returns, with those that do not meet the query's other conditions. */
static double
rows_asked(const PlannerInfo *root, const RelOptInfo *rel, double rows)
{
	return Min(root->limit_tuples * Max(rows, 1) / Max(Min(rel->rows, rows), 1), rows);
}

/*
 * The rows that a scan, one of so many that are merged, searches for, if these are left by the
 * conditions on attributes; 0: not known.
 */
static double
rows_wanted(const PlannerInfo *root, const RelOptInfo *rel, double rows, double parts)
{
	if (root->limit_tuples <= 0)
		return 0;
	return parts <= 1 ? root->limit_tuples :
		merge_rows(root->limit_tuples, Min(Max(rel->rows, 1) / Max(rows, 1), 1), parts);
}

/*
 * The cost of the rest of a scan that would return this many rows without the conditions that only
 * the executor evaluates.  PostgreSQL divides it evenly among the rows; it is such that the right
 * cost results for the rows that the LIMIT asks for: more than it takes, if there are such
 * conditions, but the first ones are free.  If rows that meet them are farther than most, the table
 * is read (residual.c).
 */
static Cost
rest_cost(const PlannerInfo *root, const RelOptInfo *rel, double rows, const ScanWork *work)
{
	Cost		cost = work->rest_operators * cpu_operator_cost +
		work->rest_random_pages * random_page_cost + work->rest_sequential_pages * seq_page_cost;
	double		passing = Max(Min(rel->rows, rows), 1);
	double		asked;

	if (root->limit_tuples <= 0)
		return cost;
	/* of scans that are merged each returns its part */
	asked = Max(rows_asked(root, rel, rows) / work->parts, 1);
	if (asked <= work->first_rows)
		return 0;
	cost *= (asked - work->first_rows) / asked;
	if (passing < 0.9 * rows)
		cost += CHANCE_OF_READING * rows / asked *
			(index_pricing.find >= 0 ? index_pricing.find :
			 rel->pages * seq_page_cost + rel->tuples * cpu_tuple_cost);
	return cost;
}

/* The blocks of the live segments. */
static double
live_blocks(const Directory *directory)
{
	double		blocks = 0;

	for (uint32 i = 0; i < directory->count; i++)
		if (segment_is_live(&directory->entries[i]))
			blocks += directory->entries[i].blocks;
	return blocks;
}

/* A parallel scan is taken only if it takes no more than this part of the time. */
#define MOST_TIME		0.8

/* The part of the time of a parallel scan of graphs that is before its first row. */
#define SEARCH_PART		0.5

/*
 * The number of participants that a path's workers and the leader count as in PostgreSQL's costs.
 */
static double
parallel_divisor(const Path *path)
{
	double		leader = parallel_leader_participation ? 1 - 0.3 * path->parallel_workers : 0;

	return path->parallel_workers + Max(leader, 0);
}

/* The part of a path's rows that the LIMIT takes. */
static double
returned_part(const PlannerInfo *root, const Path *path)
{
	double		rows = path->parent->rows;

	return root->limit_tuples > 0 && rows > 0 ? Min(root->limit_tuples / rows, 1) : 1;
}

/* What it costs to read as many of a path's rows as the LIMIT takes. */
static Cost
cost_for_limit(const PlannerInfo *root, const Path *path)
{
	return path->startup_cost +
		(path->total_cost - path->startup_cost) * returned_part(root, path);
}

/*
 * Sets the costs of a path to a part of those of one process, and what a scan in the order of the
 * segments reads of the file; what the planner computes for a LIMIT is the same part.
 */
static void
set_shared_costs(const PlannerInfo *root, Path *path, double part, Cost reading)
{
	Cost		cost = part * cost_for_limit(root, path) + reading;

	path->startup_cost = cost * SEARCH_PART;
	path->total_cost = path->startup_cost + cost * (1 - SEARCH_PART) / returned_part(root, path);
}

/*
 * Whether a parallel scan takes no more than MOST_TIME with what has to be waited for; if it is not
 * known which part of the time it takes, by its cost.
 */
static bool
is_worth_waiting(PlannerInfo *root, const IndexPath *path, double part)
{
	Cost		before = index_pricing.before;
	IndexPath	copy = *path;
	Cost		alone;

	if (before == 0)
		return true;
	cost_index(&copy, root, 1, false);
	alone = cost_for_limit(root, &copy.path);
	return before + (part > 0 ? part * alone : cost_for_limit(root, &path->path)) <=
		MOST_TIME * (before + alone);
}

bool
index_share_costs(PlannerInfo *root, IndexPath *path)
{
	Relation	index = index_open(path->indexinfo->indexoid, NoLock);
	const VectorAm *am = vector_am_of(index);
	const RelOptInfo *rel = path->indexinfo->rel;
	const Directory *directory = cache_directory(cache_index(index));
	SharedScan	scan = {
		.rows = path->indexinfo->tuples, .participants = parallel_divisor(&path->path),
		.index_blocks = live_blocks(directory), .table_blocks = rel->pages
	};
	double		saved = 1 - 1 / scan.participants;
	double		part = 0;			/* not known: the cost says it */

	if (am->shared_time)
	{
		scan.share = passing_share(root, path, false) * index_pricing.share;
		scan.share = Min(Max(scan.share, 1 / Max(scan.rows, 1)), 1);
		if (root->limit_tuples > 0)
			scan.wanted = rows_asked(root, rel, rel->tuples * index_pricing.share *
									 passing_share(root, path, true));
		part = am->is_auto(index) ? am->shared_time(index, directory, &scan) : INFINITY;
	}
	index_close(index, NoLock);
	if (am->shared_time)
		set_shared_costs(root, &path->path, part, (1 - index_cached_part(scan.index_blocks)) *
						 scan.index_blocks * scan.share / scan.participants * seq_page_cost);
	else
	{
		path->path.total_cost -= path->indextotalcost * saved;
		path->path.startup_cost -= path->path.startup_cost * saved;
	}
	return enable_indexscan && part <= MOST_TIME && is_worth_waiting(root, path, part);
}

Cost
index_returned_cost(const RelOptInfo *rel, Oid oid)
{
	Relation	index = index_open(oid, NoLock);
	const Space *space = cache_space(cache_index(index));
	Cost		cost = get_float8_infinity();

	if (vector_am_of(index)->is_auto(index) && !space_is_lossy(space))
		cost = residual_returned_cost(space->dims, rel->pages, rel->baserestrictcost.per_tuple);
	index_close(index, NoLock);
	return cost;
}

/*
 * How many partitions a query reads that reads this table; 1: it is none.  Scans of them in the
 * order of a distance are merged for the query's LIMIT.
 */
static double
merged_parts(const PlannerInfo *root, const RelOptInfo *rel)
{
	double		parts = 1;

	while (rel->reloptkind == RELOPT_OTHER_MEMBER_REL && root->append_rel_array[rel->relid])
	{
		rel = root->simple_rel_array[root->append_rel_array[rel->relid]->parent_relid];
		if (rel == NULL)
			break;
		parts *= Max(bms_num_members(rel->live_parts), 1);
	}
	return parts;
}

/*
 * The work of a scan of an index with this many rows, and the blocks of its live segments; what it
 * is for is given in *given.
 */
static ScanWork
scan_work(Oid oid, double rows, const ScanWork *given, double *blocks)
{
	Relation	index = index_open(oid, NoLock);
	const VectorAm *am = vector_am_of(index);
	/* a copy, as what counts the work may have the cached one read again */
	Directory  *directory = cache_copy_directory(cache_index(index));
	ScanWork	work = *given;

	*blocks = live_blocks(directory);
	am->count_work(index, directory, rows, *blocks, &work);
	pfree(directory);
	work.shared_pages = am->shared_time ? *blocks * work.share :
		work.random_pages + work.sequential_pages;
	index_close(index, NoLock);
	return work;
}

/*
 * The cost of what a scan does before its first row.  What searches touch is assumed to be in
 * memory, but only a part of a large index.
 */
static Cost
first_cost(const IndexPath *path, const ScanWork *work, double blocks)
{
	double		random_cost;
	double		sequential_cost;

	get_tablespace_page_costs(path->indexinfo->reltablespace, &random_cost, &sequential_cost);
	return (1 - index_cached_part(blocks)) *
		(work->random_pages * random_cost + work->sequential_pages * sequential_cost) +
		work->operators * cpu_operator_cost;
}

/*
 * Whether a scan is one of those that a node of merge_node.c begins only if they may have one of
 * the rows that are wanted; if so, which part of them begins.  Where codes do not tell which rows
 * meet all conditions, so many more rows have to be compared, and all begin if these are too many.
 */
static bool
begins_late(const PlannerInfo *root, const IndexPath *path, const ScanWork *work, double *part)
{
	*part = work->wanted / work->parts;
	return merge_node_enabled && work->parts >= MERGE_LEAST_SCANS && work->wanted > 0 &&
		*part <= 1 && path->indexinfo->tuples <= MERGE_MOST_ROWS && index_pricing.share == 1 &&
		root->parse->commandType == CMD_SELECT && root->parse->rowMarks == NIL &&
		list_length(root->query_pathkeys) == 1 &&
		list_length(root->parse->jointree->fromlist) == 1 &&
		IsA(linitial(root->parse->jointree->fromlist), RangeTblRef);
}

/*
 * What such a scan costs before its first row: its part of those that begin, and to compare its
 * rows before it does.
 */
static Cost
late_cost(const IndexPath *path, const ScanWork *work, double part, Cost cost)
{
	Relation	index = index_open(path->indexinfo->indexoid, NoLock);
	const VectorAm *am = vector_am_of(index);
	CachedIndex *cached = cache_index(index);
	const Directory *directory = cache_directory(cached);

	if (am->count_sketch && !space_is_lossy(cache_space(cached)) &&
		!(directory->features & FEATURE_STORED))
	{
		double		blocks = live_blocks(directory);
		ScanWork	sketch = *work;

		am->count_sketch(path->indexinfo->tuples, blocks, &sketch);
		cost = cost * part + first_cost(path, &sketch, blocks);
	}
	index_close(index, NoLock);
	return cost;
}

void
vectorcostestimate(PlannerInfo *root, IndexPath *path, double loop_count, Cost *indexStartupCost,
				   Cost *indexTotalCost, Selectivity *indexSelectivity,
				   double *indexCorrelation, double *indexPages)
{
	GenericCosts costs = {0};
	double		rows = path->indexinfo->tuples;
	double		blocks;
	double		parts = merged_parts(root, path->indexinfo->rel);
	double		share;
	double		left;
	double		part;
	ScanWork	work;

	if (path->indexorderbys == NIL || wants_null(path) || !can_order(path))
	{
		forbid(path, indexStartupCost, indexTotalCost, indexSelectivity, indexCorrelation,
			   indexPages);
		return;
	}
	genericcostestimate(root, path, loop_count, &costs);
	/* no less than one row */
	share = passing_share(root, path, false) * index_pricing.share;
	share = Min(Max(share, 1 / Max(rows, 1)), 1);
	left = path->indexinfo->rel->tuples * index_pricing.share * passing_share(root, path, true);
	work = scan_work(path->indexinfo->indexoid, rows, &(ScanWork) {
		.share = share, .wanted = rows_wanted(root, path->indexinfo->rel, left, parts),
		.parts = parts
	}, &blocks);
	if (share < 1)
		work.operators += rows * OPERATORS_PER_TEST;
	*indexStartupCost = first_cost(path, &work, blocks);
	if (begins_late(root, path, &work, &part))
		*indexStartupCost = late_cost(path, &work, part, *indexStartupCost);
	*indexTotalCost = *indexStartupCost + order_cost(rows * share) +
		rest_cost(root, path->indexinfo->rel, left, &work);
	*indexSelectivity = costs.indexSelectivity * index_pricing.share;
	*indexCorrelation = 0;
	*indexPages = work.shared_pages;	/* PostgreSQL counts workers by them, and nothing else */
}
