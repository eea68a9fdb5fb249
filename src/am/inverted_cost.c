/*
 * inverted_cost.c - the work of a scan of inverted lists
 */
#include "am/bm25.h"
#include "am/sparse.h"

#include "segment/format.h"

/* Adding a posting, in units of cpu_operator_cost. */
#define OPERATORS_PER_POSTING	0.2

/* The part of the rows that is in a list of a term of a query, on average. */
#define TERM_PART			0.01

/* The part of the blocks that are postings. */
#define POSTINGS_PART		0.25

/* Blocks that are read to compare a row. */
#define PAGES_PER_ROW		2

/* Rows that are compared before the first is returned. */
#define FIRST_ROWS			20

/* What differs between access methods. */
typedef struct InvertedCosts
{
	double		terms;			/* of a query, on average */
	double		pages_per_term; /* to find its list */
	double		operators_per_row;	/* to compare a row */
	double		comparisons;	/* of a growing row */
	double		found;			/* the part of the rows that a scan returns at all */
} InvertedCosts;

static const InvertedCosts sparse_costs = {
	.terms = 30, .operators_per_row = 4, .comparisons = 1, .found = 1
};

/*
 * Words are found by a dictionary.  Growing rows are read once for the statistics, and once for the
 * scores.  Rows without any of the words are not returned.
 */
static const InvertedCosts bm25_costs = {
	.terms = 3, .pages_per_term = 4, .operators_per_row = 8, .comparisons = 2,
	.found = TERM_PART * 3
};

static void
count_work(const InvertedCosts *costs, const Directory *directory, double rows, double blocks,
		   ScanWork *work)
{
	double		left = rows * work->share * costs->found;
	double		compared = Min(FIRST_ROWS, left);

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (!segment_is_live(entry))
			continue;
		if (entry->kind == SEGMENT_SEALED)
		{
			work->operators += entry->rows * TERM_PART * costs->terms * OPERATORS_PER_POSTING;
			work->random_pages += costs->terms * costs->pages_per_term;
		}
		else
			work->operators += costs->comparisons * entry->rows * costs->operators_per_row;
	}
	work->first_rows = compared;
	work->operators += compared * costs->operators_per_row;
	work->sequential_pages = blocks * POSTINGS_PART * TERM_PART * costs->terms;
	work->random_pages += compared * PAGES_PER_ROW;
	work->rest_operators = left * costs->operators_per_row;
	work->rest_random_pages = left * PAGES_PER_ROW;
}

void
sparse_count_work(Relation index, const Directory *directory, double rows, double blocks,
				  ScanWork *work)
{
	count_work(&sparse_costs, directory, rows, blocks, work);
}

void
bm25_count_work(Relation index, const Directory *directory, double rows, double blocks,
				ScanWork *work)
{
	count_work(&bm25_costs, directory, rows, blocks, work);
}
