/*
 * scores.c - bounds and scores of rows by packed lists
 */
#include "inverted_segment/scores.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "inverted_segment/words.h"

/* Room for lists at first. */
#define FIRST_LISTS		64

/* Rows whose frequencies are gathered together. */
#define SCORED_ROWS		4096

/* What of a bound rounding may take. */
#define ROUNDING		1e-9

typedef struct TermLists
{
	Scores	   *scores;
	uint32		term;
} TermLists;

static void
add_list(void *arg, uint64 place)
{
	const TermLists *term = arg;
	Scores	   *scores = term->scores;
	uint32		windows;
	PackedChunk *chunks = packed_read_chunks(scores->scan, place, &windows, NULL);

	CHECK_FOR_INTERRUPTS();
	if (scores->count + windows > scores->room)
	{
		scores->room = 2 * scores->room + windows;
		scores->lists = repalloc_huge(scores->lists, sizeof(ScoreList) * (Size) scores->room);
	}
	for (uint32 i = 0; i < windows; i++)
		scores->lists[scores->count++] = (ScoreList) {chunks[i], term->term};
	pfree(chunks);
}

/* Puts the lists of each window together. */
static void
order_lists(Scores *scores)
{
	uint32		windows = scores->scan->segment->header.rows / INVERTED_WINDOW + 1;
	uint32	   *starts = palloc0_array(uint32, windows + 2);

	scores->order = MemoryContextAllocHuge(CurrentMemoryContext,
										   sizeof(uint32) * Max((Size) scores->count, 1));
	for (uint32 i = 0; i < scores->count; i++)
		starts[scores->lists[i].chunk.window + 2]++;
	for (uint32 i = 2; i < windows + 2; i++)
		starts[i] += starts[i - 1];
	for (uint32 i = 0; i < scores->count; i++)
		scores->order[starts[scores->lists[i].chunk.window + 1]++] = i;
	scores->starts = starts;
}

Scores *
scores_begin(SealedScan *scan, Match *match)
{
	const SealedPacked *packed = &scan->segment->header.packed;
	const PackedLengths *lengths = scan->segment->loaded;
	Scores	   *scores = palloc0(sizeof(Scores));

	scores->scan = scan;
	scores->match = match;
	scores->room = FIRST_LISTS;
	scores->lists = palloc_array(ScoreList, scores->room);
	scores->tables = palloc0_array(PartTable *, Max(match->term_count, 1));
	for (uint32 i = 0; i < packed->classes; i++)
		scores->least_k[i] = bm25_k(&match->formula, (double) lengths->classes[i].least /
									packed->scale);
	for (uint32 i = 0; i < match->term_count; i++)
	{
		TermLists	term = {scores, i};

		words_each_list(scan, &match->terms[i], add_list, &term);
	}
	order_lists(scores);
	return scores;
}

double
scores_largest(const Scores *scores, const ScoreList *list)
{
	const SealedWords *words = &scores->scan->segment->header.words;
	const WordsFormula built = {{words->k1, words->b, words->mean}, words->least, words->greatest};

	return words_largest(&built, &scores->match->formula, list->chunk.largest);
}

/*
 * tf / (tf + K) falls with K, by no more than 1 / (4 K) a unit of it, whatever tf is: that is where
 * tf = K.
 */
double
scores_error(const Scores *scores)
{
	const SealedPacked *packed = &scores->scan->segment->header.packed;
	const PackedLengths *lengths = scores->scan->segment->loaded;
	const BM25Formula *formula = &scores->match->formula;
	double		error = 0;

	for (uint32 i = 0; i < packed->classes; i++)
	{
		double		greatest = (double) lengths->classes[i].greatest / packed->scale;
		double		least = scores->least_k[i];

		if (least > 0)
			error = Max(error, (bm25_k(formula, greatest) - least) / (4 * least));
	}
	return (formula->k1 + 1) * Min(error, 1);
}

/* The part of a term that would be infinitely frequent. */
static double
full_part(const Scores *scores, uint32 term)
{
	return (scores->match->formula.k1 + 1) * scores->match->terms[term].weight * scores->scale *
		(1 + ROUNDING);
}

/* What a term adds to the bound of a row of a class at most. */
static inline int32
bound_part(const Scores *scores, double full, double frequency, uint32 class)
{
	double		part = full * frequency / (frequency + scores->least_k[class]);

	return (int32) Min(part, PG_INT32_MAX - 1) + 1;
}

/* The parts of a term for frequencies up to one. */
static const PartTable *
parts_up_to(Scores *scores, uint32 term, uint32 frequency)
{
	const uint32 classes = scores->scan->segment->header.packed.classes;
	const double scale = scores->scan->segment->header.packed.scale;
	const double full = full_part(scores, term);
	PartTable  *table = scores->tables[term];

	if (table == NULL)
	{
		table = scores->tables[term] = palloc(sizeof(PartTable));
		table->known = 0;
	}
	for (; table->known < frequency; table->known++)
		for (uint32 i = 0; i < classes; i++)
			table->parts[table->known][i] =
				bound_part(scores, full, (table->known + 1) / scale, i);
	return table;
}

/* Says what the postings that have been read add: by a table if their frequencies are small. */
static void
set_parts(Scores *scores, uint32 term, int32 most, InvertedPiece *piece)
{
	const PackedReader *reader = &scores->reader;
	const PackedLengths *lengths = scores->scan->segment->loaded;
	const double scale = scores->scan->segment->header.packed.scale;
	const uint8 *classes = lengths->of_row + (Size) reader->chunk.window * INVERTED_WINDOW;
	const PartTable *table = scores->tables[term];

	/* for few rows the table has more entries than they need */
	if (reader->most <= REMEMBERED_PARTS &&
		((table && table->known >= reader->most) || reader->chunk.count >= LENGTH_CLASSES))
	{
		table = parts_up_to(scores, term, reader->most);
		piece->table = (const int32 (*)[LENGTH_CLASSES]) table->parts;
		piece->frequencies = reader->frequencies;
		piece->classes = classes;
		return;
	}
	piece->parts = scores->parts;
	for (uint32 i = 0; i < reader->count; i++)
	{
		int32		part = bound_part(scores, full_part(scores, term),
									  reader->frequencies[i] / scale, classes[reader->rows[i]]);

		scores->parts[i] = Min(part, most);
	}
}

/* InvertedSource.open: the next block that is not left out. */
static void
open_piece(void *arg, const InvertedList *list, uint32_t done, uint16_t from,
		   InvertedPiece *piece)
{
	Scores	   *scores = arg;
	PackedReader *reader = &scores->reader;
	const ScoreList *read = &scores->lists[list->first];

	if (done == 0)
		packed_begin(reader, scores->scan, &read->chunk);
	if (!packed_next(reader, from))
	{
		*piece = (InvertedPiece) {.passed = list->count - done};
		return;
	}
	*piece = (InvertedPiece) {
		.rows = reader->rows, .count = reader->count,
		.passed = reader->passed - reader->count - done
	};
	set_parts(scores, read->term, list->part.most, piece);
}

static void
close_piece(void *arg)
{
}

InvertedSource
scores_source(Scores *scores)
{
	return (InvertedSource) {open_piece, close_piece, scores};
}

/* Adds the frequencies that a list has of rows, of which there are `stride` a row. */
static void
add_frequencies(Scores *scores, const ScoreList *list, const uint16 *rows, uint32 count,
				uint64 *frequencies)
{
	PackedReader *reader = &scores->reader;
	uint32		stride = scores->match->term_count;
	uint32		i = 0;

	packed_begin(reader, scores->scan, &list->chunk);
	while (i < count && packed_next(reader, rows[i]))
	{
		uint32		j = 0;

		while (i < count && j < reader->count)
		{
			if (rows[i] == reader->rows[j])
				frequencies[(Size) i++ * stride + list->term] += reader->frequencies[j++];
			else if (rows[i] < reader->rows[j])
				i = inverted_seek(rows, i, count, reader->rows[j]);
			else
				j = inverted_seek(reader->rows, j, reader->count, rows[i]);
		}
	}
}

/* The length of a row, in units: its class tells it, if all of the class have the same. */
static uint64
row_length(const Scores *scores, uint32 number)
{
	const PackedLengths *lengths = scores->scan->segment->loaded;
	const LengthClass *class = &lengths->classes[lengths->of_row[number]];
	SealedRow	row;

	if (class->least == class->greatest)
		return class->least;
	sealed_read_row(scores->scan, number, &row);
	return sealed_row_length(&row);
}

/* Computes the scores of so few rows that their frequencies fit into memory. */
static void
compute_few(Scores *scores, uint32 window, const uint16 *rows, uint32 count, double *results)
{
	Match	   *match = scores->match;
	uint32		terms = match->term_count;
	Size		size = sizeof(uint64) * count * Max(terms, 1);
	uint64	   *frequencies = MemoryContextAllocHuge(CurrentMemoryContext, size);

	memset(frequencies, 0, size);
	for (uint32 i = scores->starts[window]; i < scores->starts[window + 1]; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_frequencies(scores, &scores->lists[scores->order[i]], rows, count, frequencies);
	}
	for (uint32 i = 0; i < count; i++)
	{
		for (uint32 term = 0; term < terms; term++)
			match->terms[term].frequency = frequencies[(Size) i * terms + term];
		results[i] = match_frequencies(match,
									   row_length(scores, window * INVERTED_WINDOW + rows[i]),
									   scores->scan->segment->header.packed.scale);
	}
	pfree(frequencies);
}

void
scores_compute(Scores *scores, uint32 window, const uint16 *rows, uint32 count, double *results)
{
	for (uint32 done = 0; done < count; done += SCORED_ROWS)
		compute_few(scores, window, rows + done, Min(count - done, SCORED_ROWS), results + done);
}
