/*
 * diskann_cost.c - the work of a scan of METHOD_DISK segments
 */
#include "am/diskann.h"

#include <math.h>

#include "am/effort.h"
#include "am/graph_cost.h"
#include "graph/build.h"
#include "segment/format.h"

/*
 * A walk that knows how many rows are wanted expands about this part of the list's size, and if
 * the index keeps no vectors, has about this part of the most rows compared that may be.
 */
#define WALKED_PART			0.5
#define FETCHED_PART		0.5

/* Fresh neighbours of a hop, and what comparing a code costs. */
#define CODES_PER_HOP		16
#define OPERATORS_PER_CODE	0.25

/* Nodes near each other share blocks: so many codes are read from one. */
#define CODES_PER_PAGE		8

/* Reading a row of the table to compare it, or a node with its vector. */
#define PAGES_PER_FETCH		1.5
#define PAGES_PER_NODE		0.75

void
diskann_count_work(Relation index, const Directory *directory, double rows, double blocks,
				   ScanWork *work)
{
	double		size = effort_of(cache_index(index), index, work->wanted, work->share,
								 diskann_query_search_list_size);
	double		hops = 0;
	double		left = rows * work->share;
	double		compared;
	double		pages = PAGES_PER_FETCH;

	if (diskann_iterative_scan == DISKANN_ITERATIVE_SCAN_AUTO)
		size = Max(size, Min(work->wanted, DISKANN_MAX_QUERY_LIST_SIZE));
	compared = Min(Max(diskann_rescore((uint32) size) * FETCHED_PART, 1), rows);
	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (!segment_is_live(entry))
			continue;
		if (entry->kind == SEGMENT_SEALED)
			hops += Min(size * WALKED_PART, entry->rows);
		else
			hops += (double) entry->rows / CODE_GROUP;
	}
	/* rows that do not pass are walked through, unless it costs less to read the others' codes */
	if (work->share < 1)
		hops = Min(hops / work->share, graph_code_hops(false, rows, left));
	hops = Min(hops, Max(left, 1));
	if (directory->storage != STORAGE_NONE)
	{
		compared = hops;
		pages = PAGES_PER_NODE;
	}
	work->first_rows = compared;
	work->operators = hops * CODES_PER_HOP * OPERATORS_PER_CODE + compared;
	work->random_pages = Min(hops * CODES_PER_HOP / CODES_PER_PAGE, blocks) + compared * pages;
	work->rest_operators = left;
	work->rest_random_pages = left * pages;
}
