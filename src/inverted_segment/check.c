/*
 * check.c - checks of a segment of inverted lists: they have the weights of the rows' vectors, and
 * no others
 */
#include "inverted_segment/lists.h"

#include <float.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "inverted_segment/dictionary.h"
#include "inverted_segment/packed.h"
#include "inverted_segment/terms.h"

/* A term, and how far its postings have been compared. */
typedef struct CheckedTerm
{
	SealedTerm	term;
	uint32		chunk;			/* of the term */
	uint32		done;			/* postings of the chunk */
	SealedChunk *chunks;
} CheckedTerm;

typedef struct ListCheck
{
	SealedScan *scan;
	CheckedTerm *terms;
	uint32		count;

	/* of words */
	TermTable  *table;			/* the terms of the dictionary, in its order, */
	uint32	   *numbers;		/* and their numbers */
	BM25Formula formula;
	double		length;			/* of the rows that have been checked */
	double		least;
	double		greatest;
} ListCheck;

static void
bad_list(const ListCheck *check, uint32 dim)
{
	sealed_damaged(check->scan->index, "In segment %u, the list of dimension %u does not fit its "
				   "rows.", check->scan->segment->part.uid, dim);
}

/* Reads all terms: dimensions ascend, and chunks and postings follow each other without gaps. */
static void
read_terms(ListCheck *check)
{
	const SealedInverted *inverted = &check->scan->segment->header.inverted;
	ExtentReader reader;
	const uint32 per = PAYLOAD_SIZE / sizeof(SealedTerm);
	uint32		chunk = 0;
	uint64		posting = 0;

	extent_reader_begin(&reader, check->scan->reader.extent, inverted->terms);
	check->count = inverted->term_count;
	check->terms = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(CheckedTerm) * Max(check->count, 1));
	for (uint32 i = 0; i < check->count; i++)
	{
		CheckedTerm *checked = &check->terms[i];
		SealedTerm *term = &checked->term;

		CHECK_FOR_INTERRUPTS();
		memset(checked, 0, sizeof(*checked));
		memcpy(term, extent_reader_get(&reader, (uint64) (i / per) * PAYLOAD_SIZE +
									   i % per * sizeof(SealedTerm), sizeof(SealedTerm)),
			   sizeof(SealedTerm));
		if (term->chunk != chunk || (i > 0 && term->dim <= check->terms[i - 1].term.dim))
			bad_list(check, term->dim);
		chunk += term->chunks;
		checked->chunks = palloc(sizeof(SealedChunk) * term->chunks);
		inverted_read_chunks(check->scan, term, checked->chunks);
		for (uint32 k = 0; k < term->chunks; k++)
		{
			if (checked->chunks[k].first != posting || checked->chunks[k].count == 0)
				bad_list(check, term->dim);
			posting += checked->chunks[k].count;
		}
	}
	if (chunk != inverted->chunk_count ||
		(posting + BLOCK_POSTING_COUNT - 1) / BLOCK_POSTING_COUNT != inverted->posting_blocks)
		sealed_damaged(check->scan->index, "Segment %u has %u lists, not %u.",
					   check->scan->segment->part.uid, chunk, inverted->chunk_count);
}

static CheckedTerm *
find_term(const ListCheck *check, uint32 dim)
{
	uint32		low = 0;
	uint32		high = check->count;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (check->terms[middle].term.dim < dim)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == check->count || check->terms[low].term.dim != dim)
		bad_list(check, dim);
	return &check->terms[low];
}

/* Compares the next posting of a dimension with the row that must have it. */
static void
check_posting(const ListCheck *check, uint32 row, uint32 dim, float weight)
{
	CheckedTerm *term = find_term(check, dim);
	const SealedChunk *chunk = &term->chunks[term->chunk];
	ListSource	state = {check->scan, {0}};
	InvertedSource source = inverted_source(&state);
	InvertedList list;
	InvertedPiece piece;
	bool		fits;

	if (term->chunk == term->term.chunks)
		bad_list(check, dim);
	list = (InvertedList) {.count = chunk->count, .first = chunk->first};
	source.open(source.arg, &list, term->done, 0, &piece);
	fits = chunk->window == row / INVERTED_WINDOW && piece.rows[0] == row % INVERTED_WINDOW &&
		piece.codes[0] == impact_code((ImpactRange) {chunk->low, chunk->step}, weight);
	source.close(source.arg);
	if (!fits)
		bad_list(check, dim);
	if (++term->done == chunk->count)
	{
		term->chunk++;
		term->done = 0;
	}
}

static void
bad_dictionary(const ListCheck *check)
{
	sealed_damaged(check->scan->index, "The dictionary of segment %u is wrong.",
				   check->scan->segment->part.uid);
}

/* Reads the dictionary: texts ascend, and each number is that of one term. */
static void
read_dictionary(ListCheck *check)
{
	DictionaryReader *reader = palloc(sizeof(DictionaryReader));
	Size		size = sizeof(uint32) * Max((Size) check->count, 1);
	uint8	   *seen = MemoryContextAllocExtended(CurrentMemoryContext, check->count / 8 + 1,
												  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint32		count = 0;
	char		last[DICTIONARY_MAX_TEXT];
	uint32		length = 0;

	check->table = terms_begin();
	check->numbers = MemoryContextAllocHuge(CurrentMemoryContext, size);
	for (bool found = dictionary_seek(reader, check->scan, "", 0); found;
		 found = dictionary_next(reader))
	{
		CHECK_FOR_INTERRUPTS();
		if (count == check->count || reader->number >= check->count ||
			(seen[reader->number / 8] >> reader->number % 8 & 1) ||
			(count > 0 && document_compare(reader->text, reader->length, last, length) <= 0))
			bad_dictionary(check);
		seen[reader->number / 8] |= 1 << reader->number % 8;
		check->numbers[terms_number(check->table, reader->text, reader->length)] =
			(uint32) reader->number;
		length = reader->length;
		memcpy(last, reader->text, length);
		count++;
	}
	if (count != check->count)
		bad_dictionary(check);
	pfree(seen);
	pfree(reader);
}

/* Compares the lists of a document's terms. */
static void
check_words(ListCheck *check, uint32 row, const char *payload)
{
	DocumentReader reader;
	DocumentTerm term;
	double		length;

	if (!document_check(WORDS_DOCUMENT(payload), WORDS_DOCUMENT_SIZE(payload)) ||
		!document_open(&reader, WORDS_DOCUMENT(payload), WORDS_DOCUMENT_SIZE(payload)))
		sealed_damaged(check->scan->index, "In segment %u, the document of row %u is damaged.",
					   check->scan->segment->part.uid, row);
	length = (double) reader.length / reader.scale;
	while (document_next(&reader, &term))
	{
		uint32		place = terms_number(check->table, term.term, term.length);

		if (place >= check->count)
			bad_dictionary(check);
		check_posting(check, row, check->numbers[place], (float)
					  bm25_part(&check->formula,
								(float) ((double) term.frequency / reader.scale),
								(float) length));
	}
	check->length += length;
	check->least = Min(check->least, length);
	check->greatest = Max(check->greatest, length);
}

/* After the last row: what the header says of all of them. */
static void
check_lengths(const ListCheck *check)
{
	const SealedWords *words = &check->scan->segment->header.words;
	double		length;

	memcpy(&length, words->length, sizeof(length));
	if (length != check->length || words->least != (float) check->least ||
		words->greatest != (float) check->greatest)
		sealed_damaged(check->scan->index, "The lengths of the rows of segment %u are wrong.",
					   check->scan->segment->part.uid);
}

static void
check_row(ListCheck *check, uint32 row)
{
	SealedScan *scan = check->scan;
	const SealedNode *node;
	const char *payload;
	SealedRow	sealed;
	float		factor;

	sealed_read_row(scan, row, &sealed);
	node = sealed_read_node(scan, 0, sealed.node);
	if (node->row != row || !ItemPointerEquals(&sealed.tid, (ItemPointer) &node->tid))
		sealed_damaged(scan->index, "In segment %u, row %u has another's vector.",
					   scan->segment->part.uid, row);
	payload = (const char *) node + scan->segment->header.layout.vector;
	if (check->table)
	{
		check_words(check, row, payload);
		return;
	}
	factor = scan->space->metric == SPACE_COSINE ? node->scale : 1;
	for (int32 i = 0; i < SPARSE_NNZ(payload); i++)
		check_posting(check, row, (uint32) SPARSE_INDICES(payload)[i],
					  SPARSE_VALUES(payload)[i] * factor);
}

void *
inverted_check(SealedScan *scan)
{
	const SealedHeader *header = &scan->segment->header;
	ListCheck	check = {.scan = scan};

	if (sealed_is_packed(header))
		return packed_check(scan);
	if (header->nodes != header->rows || header->inverted.terms == 0)
		sealed_damaged(scan->index, "Segment %u has %u rows in %u nodes.",
					   scan->segment->part.uid, header->rows, header->nodes);
	read_terms(&check);
	if (scan->space->element == SPACE_WORDS)
	{
		const SealedWords *words = &header->words;

		check.formula = (BM25Formula) {words->k1, words->b, words->mean};
		check.least = DBL_MAX;
		read_dictionary(&check);
	}
	for (uint32 row = 0; row < header->rows; row++)
	{
		CHECK_FOR_INTERRUPTS();
		check_row(&check, row);
	}
	for (uint32 i = 0; i < check.count; i++)
		if (check.terms[i].chunk != check.terms[i].term.chunks)
			bad_list(&check, check.terms[i].term.dim);
	if (check.table)
		check_lengths(&check);
	return NULL;
}
