/*
 * graph_cost.c - the time that a parallel scan of graphs takes, compared with one process
 *
 * Its participants do not walk, but read all rows that meet the conditions: their codes, and of the
 * rows that are returned some vectors each, or all vectors.  One process walks, or reads as they do
 * if there are conditions or many rows are wanted.  Times are in hops of a walk in memory, of some
 * microseconds.
 */
#include "am/graph_cost.h"

#include <math.h>

#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "storage/pg_shmem.h"
#include "utils/guc.h"

#include "graph_segment/method.h"

/* One process that looks for more rows reads codes or vectors, if rounds of a walk take longer. */
#define ROWS_OF_ROUND		1000

/* Vectors that are compared by codes for each row that is wanted, as far as they are mapped. */
#define COMPARED_PER_WANTED	3

/* To read a row that is returned from the table. */
#define HOPS_PER_RETURNED	0.25

/*
 * To start workers; and for a worker, which is a new process, to map what it reads of the shared
 * buffers, as the system maps several of its pages at a time.
 */
#define HOPS_TO_START		3000
#define HOPS_PER_MAPPED		3
#define MAPPED_BLOCKS		Max(65536 / BLCKSZ, 1)
#define MAPPED_HUGE_BLOCKS	(2097152 / BLCKSZ)

/* Of the blocks of an index, those of codes. */
#define CODES_PART			0.03

/* How often so many rows, anywhere among these blocks, have something mapped. */
static double
count_mapped(double rows, double blocks)
{
	double		pieces = blocks / (shared_pages_are_huge() ? MAPPED_HUGE_BLOCKS : MAPPED_BLOCKS);

	return pieces > 0 ? pieces * (1 - exp(-rows / pieces)) : 0;
}

double
graph_code_hops(bool grouped, double rows, double left)
{
	double		all = rows / CODE_GROUP + 1;

	return (grouped ? all * (1 - exp(left / -all)) / GRAPH_GROUPS_PER_HOP :
			left / GRAPH_CODES_PER_HOP) + GRAPH_REFINED / GRAPH_SCATTERED_PER_HOP;
}

double
graph_shared_time(Relation index, const Directory *directory, const SharedScan *scan)
{
	bool		grouped = vector_am_of(index)->segments == &graph_segment_method;
	bool		kept = directory->storage != STORAGE_NONE;	/* else the table has the vectors */
	double		left = scan->rows * scan->share;
	double		wanted = scan->wanted > 0 ? Min(scan->wanted, left) : left;
	double		codes = graph_code_hops(grouped, scan->rows, left);
	double		compared = Min(COMPARED_PER_WANTED * wanted, left);
	double		by_codes = codes + (kept ? wanted * GRAPH_HOPS_PER_ROW : compared);
	double		by_vectors = left / (scan->share < 1 ? GRAPH_SCATTERED_PER_HOP :
									 graph_nodes_in_order(directory->dims));
	double		many = grouped ? codes + wanted * GRAPH_COMPARED_PER_ROW : INFINITY;
	double		starts = parallel_setup_cost / DEFAULT_PARALLEL_SETUP_COST;
	bool		reads_codes = !kept || (grouped && by_codes < by_vectors);
	double		alone;
	double		shared;
	double		mapped;

	/* what is in an object store would be read by each participant for itself */
	if (directory->features & FEATURE_STORED)
		return INFINITY;
	if (!kept)
		alone = Min(GRAPH_WALKED_PER_ROW * wanted / scan->share, codes) + compared;
	else if (scan->share < 1)
		alone = Min(GRAPH_WALKED_PER_SHARE * wanted / scan->share,
					codes + compared / GRAPH_SCATTERED_PER_HOP);
	else
		alone = Min(GRAPH_WALKED_PER_ROW * wanted, 2 * left / GRAPH_NODES_PER_HOP);
	if (kept && wanted > ROWS_OF_ROUND)
		alone = Min(alone, Min(by_vectors, many));
	mapped = count_mapped((kept ? wanted : compared) / scan->participants, scan->table_blocks);
	if (reads_codes)
		mapped += count_mapped(compared / scan->participants, kept ? scan->index_blocks : 0) +
			count_mapped(left, scan->index_blocks * CODES_PART / scan->participants);
	else
		mapped += count_mapped(left / scan->participants,
							   scan->index_blocks / scan->participants);
	shared = ((reads_codes ? by_codes : by_vectors) + wanted * HOPS_PER_RETURNED) /
		scan->participants + starts * (HOPS_TO_START + HOPS_PER_MAPPED * mapped);
	return shared / (alone + wanted * HOPS_PER_RETURNED);
}
