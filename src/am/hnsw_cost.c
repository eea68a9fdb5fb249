/*
 * hnsw_cost.c - the work of a graph scan
 *
 * Before the first row a scan searches every segment; hops are the unit of work.  PostgreSQL
 * assumes that each row takes the same part of the rest of the cost.  So the rest is as many times
 * the cost of the next row, although a scan of all rows costs less (graph_segment/reader.c): for a
 * query that needs all rows, or very many because of a selective filter, a scan of the table is
 * better.
 */
#include "am/hnsw.h"

#include <math.h>

#include "am/effort.h"
#include "am/graph_cost.h"
#include "am/graph_limit.h"
#include "am/index.h"
#include "graph/build.h"
#include "graph_segment/method.h"

/* Hops of a greedy descent through a level. */
#define HOPS_PER_LEVEL	5

/* The cost of the codes of 32 neighbours per 16 rotated dimensions, or of one plain distance. */
#define OPERATORS_PER_HOP	4

/*
 * A row after the first ones takes some hops, where fewer of the blocks are in memory than where
 * searches begin: as much as one random access.
 */
#define PAGES_PER_ROW		1

/*
 * To compare the rows that meet the conditions without a walk, by their codes, takes so many hops
 * besides.  The codes are a part of the index, and of so many rows, vectors are compared.
 */
#define HOPS_OF_READING		20

/* Of each, if more are wanted than a round finds, the vector is compared, too. */
#define HOPS_PER_READ		0.75
#define CODES_PART			0.03
#define VECTORS_READ		60

/* Hops that it takes to open an index, and compare few of its rows. */
#define HOPS_OF_SKETCH		8

/* The number of different blocks that this many hops read. */
static double
blocks_met(double hops, double blocks)
{
	return blocks > 0 ? blocks * (1 - exp(-hops / blocks)) : 0;
}

/*
 * The most hops of a search of a sealed segment that looks for its part of what several are to
 * find: as many as reading all codes is worth, if there are codes, or as a walk that looks for its
 * share of the rows takes.
 */
static double
count_shared_hops(const Space *space, double ef_search, const ScanWork *work, double rows)
{
	uint32		size = (uint32) Max(ef_search, 1);
	SearchEffort effort = {.known = INFINITY};
	double		hops;

	if (work->parts <= 1 || work->wanted <= 0)
		return rows;
	graph_limit(&effort, space, (uint64) Max(work->wanted, 1), size, size);
	hops = effort.crowd * graph_share(&effort, effort.wanted, 1 / work->parts);
	if (space->coded)
		hops = Min(hops, rows / CODE_GROUP / GRAPH_GROUPS_PER_HOP +
				   rows / GRAPH_WITHIN_PART / GRAPH_SCATTERED_PER_HOP);
	return hops;
}

/*
 * The hops of a walk of a sealed segment.  It goes through rows that do not meet the conditions: if
 * it looks for a number of rows, as many of them as expected_hops has in graph_segment/reader.c.
 */
static double
walk_hops(const Space *space, double ef_search, const ScanWork *work, double rows, bool few)
{
	uint32		size = (uint32) Max(ef_search, 1);
	SearchEffort effort;

	if (work->share == 1 || !few || space_is_lossy(space) ||
		space->metric == SPACE_IP || hnsw_iterative_scan != HNSW_ITERATIVE_SCAN_AUTO)
		return Min(2 * ef_search, rows) / work->share;
	graph_limit(&effort, space, (uint64) work->wanted, size, size);
	return effort.wanted * (Max(effort.crowd, 1) - 1 + GRAPH_WALKED_PER_SHARE / work->share);
}

/* Counts the hops of the search before the first row. */
static double
count_hops(const Directory *directory, const Space *space, double ef_search, const ScanWork *work,
		   bool few)
{
	double		hops = 0;

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];
		double		levels = log(Max(entry->rows, 1)) / log(GRAPH_FANOUT);

		if (!segment_is_live(entry))
			continue;
		if (entry->kind == SEGMENT_SEALED)
			hops += Min(walk_hops(space, ef_search, work, entry->rows, few) +
						HOPS_PER_LEVEL * levels,
						count_shared_hops(space, ef_search, work, entry->rows) / work->share);
		else
			hops += (double) entry->rows / CODE_GROUP + Min(ef_search, entry->rows);
	}
	return hops;
}

void
hnsw_count_work(Relation index, const Directory *directory, double rows, double blocks,
				ScanWork *work)
{
	double		ef_search = effort_of(cache_index(index), index, work->wanted, work->share,
									  hnsw_ef_search);
	double		left = rows * work->share;
	const Space *space = cache_space(cache_index(index));
	double		read = left / GRAPH_SCATTERED_PER_HOP;
	double		hops;
	bool		walk;
	bool		few = work->wanted > 0 && work->wanted <= ef_search;	/* a round finds them */

	if (hnsw_iterative_scan == HNSW_ITERATIVE_SCAN_AUTO)
		ef_search = Max(ef_search, Min(work->wanted, HNSW_MAX_EF_SEARCH));
	hops = count_hops(directory, space, ef_search, work, few);
	if (space->coded)
		read = Min(read, graph_code_hops(true, rows, left));
	read = HOPS_OF_READING + (few ? read : left * HOPS_PER_READ);
	walk = work->share == 1 || hops <= read;

	/* rows that do not pass are walked through, unless it costs less to read the others */
	work->first_rows = ef_search;
	work->operators = (walk ? hops : read) * OPERATORS_PER_HOP;
	work->random_pages = walk ? blocks_met(hops, blocks) : Min(left, VECTORS_READ);
	if (!walk && few)
		work->sequential_pages = blocks_met(left, CODES_PART * blocks);
	else if (!walk)
		work->random_pages += blocks_met(left, CODES_PART * blocks);
	work->rest_operators = left * OPERATORS_PER_HOP;
	/* without a walk all are known: what is left is the vector of each, in memory as the others */
	work->rest_random_pages = walk ? left * PAGES_PER_ROW :
		(1 - index_cached_part(blocks)) * blocks_met(left, blocks);
}

void
hnsw_count_sketch(double rows, double blocks, ScanWork *work)
{
	double		left = rows * work->share;
	double		groups = rows / CODE_GROUP + 1;
	double		hops = HOPS_OF_SKETCH +
		groups * (1 - exp(-left / groups)) / GRAPH_GROUPS_PER_HOP +
		left / GRAPH_WITHIN_PART / GRAPH_SCATTERED_PER_HOP;

	work->operators = hops * OPERATORS_PER_HOP;
	work->random_pages = blocks_met(hops, blocks);
}
