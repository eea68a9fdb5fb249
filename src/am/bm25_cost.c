/*
 * bm25_cost.c - the work of a scan of words
 */
#include "am/bm25.h"

#include "segment/format.h"

/* The part of the rows that have a word of a query, on average, and the words. */
#define WORD_PART			0.01
#define WORDS				3

/* Adding a posting, and comparing a document, in units of cpu_operator_cost. */
#define OPERATORS_PER_POSTING	0.2
#define OPERATORS_PER_ROW		8

/* The part of the blocks that are postings. */
#define POSTINGS_PART		0.25

/* Blocks that are read to find a word, and to compare a row. */
#define PAGES_PER_WORD		4
#define PAGES_PER_ROW		2

/* Rows that are compared before the first is returned. */
#define FIRST_ROWS			20

void
bm25_count_work(Relation index, const Directory *directory, double rows, double blocks,
				ScanWork *work)
{
	/* rows without any of the words are not returned */
	double		left = rows * work->share * Min(WORD_PART * WORDS, 1);
	double		compared = Min(FIRST_ROWS, left);

	for (uint32 i = 0; i < directory->count; i++)
	{
		const SegmentEntry *entry = &directory->entries[i];

		if (!segment_is_live(entry))
			continue;
		if (entry->kind == SEGMENT_SEALED)
		{
			work->operators += entry->rows * WORD_PART * WORDS * OPERATORS_PER_POSTING;
			work->random_pages += WORDS * PAGES_PER_WORD;
		}
		else
			/* once for the statistics, once for the scores */
			work->operators += 2 * entry->rows * OPERATORS_PER_ROW;
	}
	work->first_rows = compared;
	work->operators += compared * OPERATORS_PER_ROW;
	work->sequential_pages = blocks * POSTINGS_PART * WORD_PART * WORDS;
	work->random_pages += compared * PAGES_PER_ROW;
	work->rest_operators = left * OPERATORS_PER_ROW;
	work->rest_random_pages = left * PAGES_PER_ROW;
}
