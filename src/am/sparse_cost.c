/*
 * sparse_cost.c - the work of a scan of inverted lists
 */
#include "am/sparse.h"

#include "segment/format.h"

/* The part of the rows that is in a list of a term of a query, on average, and the terms. */
#define TERM_PART			0.01
#define TERMS				30

/* Adding a posting, and comparing a row by its vector, in units of cpu_operator_cost. */
#define OPERATORS_PER_POSTING	0.2
#define OPERATORS_PER_ROW		4

/* The part of the blocks that are postings. */
#define POSTINGS_PART		0.25

/* Blocks that are read to compare a row. */
#define PAGES_PER_ROW		2

/* Rows that are compared before the first is returned. */
#define FIRST_ROWS			20

void
sparse_count_work(Relation index, const Directory *directory, double rows, double blocks,
				  ScanWork *work)
{
	double		left = rows * work->share;
	double		compared = Min(FIRST_ROWS, left);

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (!segment_is_live(entry))
			continue;
		if (entry->kind == SEGMENT_SEALED)
			work->operators += entry->rows * TERM_PART * TERMS * OPERATORS_PER_POSTING;
		else
			work->operators += entry->rows * OPERATORS_PER_ROW;
	}
	work->first_rows = compared;
	work->operators += compared * OPERATORS_PER_ROW;
	work->sequential_pages = blocks * POSTINGS_PART * TERM_PART * TERMS;
	work->random_pages = compared * PAGES_PER_ROW;
	work->rest_operators = left * OPERATORS_PER_ROW;
	work->rest_random_pages = left * PAGES_PER_ROW;
}
