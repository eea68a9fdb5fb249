/*
 * ivf_cost.c - the work of a scan of lists
 *
 * Before the first row a scan searches some of the lists of every segment: it compares their rows,
 * by codes or by vectors, and reads their blocks.  A scan to the end searches all lists, compares
 * the vector of every row, and sorts the rows.
 */
#include "am/ivf.h"

#include "am/effort.h"
#include "segment/method.h"

/* The cost of a vector's distance, of a group of codes, and of ranking a list, in operators. */
#define OPERATORS_PER_ROW	2
#define OPERATORS_PER_GROUP	4
#define OPERATORS_PER_LIST	0.5

/* A scan goes on to further lists after a part of the rows that it has searched (ivf_scan.c). */
#define ROWS_PER_RETURNED	8

/* The approximate number of rows whose vectors are compared after their codes. */
#define ROWS_REFINED		100

/* Adds the work for a segment of which a part of the rows and blocks is searched. */
static void
add_segment(ScanWork *work, const Space *space, const SegmentEntry *entry, double part)
{
	double		rows = entry->rows * part;

	if (space->coded)
	{
		double		refined = Min(ROWS_REFINED, rows);

		/* if vectors are kept, codes are a small part of the blocks */
		work->operators += rows / CODE_GROUP * OPERATORS_PER_GROUP + refined * OPERATORS_PER_ROW;
		work->sequential_pages += (double) segment_blocks(entry) * part / 8 + refined;
	}
	else
	{
		work->operators += rows * OPERATORS_PER_ROW;
		work->sequential_pages += (double) segment_blocks(entry) * part;
	}
}

void
ivf_count_work(Relation index, const Directory *directory, double rows, double blocks,
			   ScanWork *work)
{
	double		lists = ivf_count_lists(directory);
	double		probes = effort_of(cache_index(index), index, work->wanted, work->share,
								   (int) ivf_probes_of(index, (uint32) lists));
	double		part = lists > 0 ? Min(probes / lists, 1) : 1;
	Space		space;

	segment_space(directory, &space);
	work->operators = lists * OPERATORS_PER_LIST;
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (segment_is_live(entry))
			add_segment(work, &space, entry, entry->kind == SEGMENT_SEALED ? part : 1);
	}
	work->sequential_pages = Min(work->sequential_pages, blocks);
	work->first_rows = rows * part / ROWS_PER_RETURNED;
	work->rest_operators = rows * work->share * OPERATORS_PER_ROW;

	/* with codes, rows are compared in the order of their bounds, which is not that of blocks */
	if (space.coded)
		work->rest_random_pages = blocks;
	else
		work->rest_sequential_pages = blocks;
}
