/*
 * words.c - finds the lists of words by the dictionary, and counts their rows
 */
#include "inverted_segment/words.h"

#include "miscadmin.h"

#include "inverted_segment/dictionary.h"
#include "inverted_segment/lists.h"

/* The list of a term that the dictionary names. */
static void
find_list(SealedScan *scan, uint32 number, SealedTerm *term)
{
	if (!inverted_find_term(scan, number, term))
		sealed_damaged(scan->index, "Segment %u has no list of term %u.",
					   scan->segment->part.uid, number);
}

void
words_each_list(SealedScan *scan, const MatchTerm *term, WordsCallback callback, void *arg)
{
	DictionaryReader *reader = palloc(sizeof(DictionaryReader));
	bool		found = dictionary_seek(reader, scan, term->term, term->length);
	SealedTerm	list;

	while (found && dictionary_begins(reader, term->term, term->length) &&
		   (term->prefix || reader->length == term->length))
	{
		CHECK_FOR_INTERRUPTS();
		find_list(scan, reader->number, &list);
		callback(arg, &list);
		found = term->prefix && dictionary_next(reader);
	}
	pfree(reader);
}

typedef struct RowCount
{
	SealedScan *scan;
	uint64		rows;
} RowCount;

static void
add_rows(void *arg, const SealedTerm *term)
{
	RowCount   *count = arg;
	SealedChunk *chunks = palloc_array(SealedChunk, term->chunks);

	inverted_read_chunks(count->scan, term, chunks);
	for (uint32 i = 0; i < term->chunks; i++)
		count->rows += chunks[i].count;
	pfree(chunks);
}

void
words_count_segment(SealedScan *scan, const MatchTerm *terms, uint32 term_count,
					WordsCount *count)
{
	const SealedHeader *header = &scan->segment->header;
	double		length;

	memcpy(&length, header->words.length, sizeof(length));
	count->documents += header->rows;
	count->length += length;
	for (uint32 i = 0; i < term_count; i++)
	{
		RowCount	rows = {scan, 0};

		words_each_list(scan, &terms[i], add_rows, &rows);
		count->found[i] += rows.rows;
	}
}

/* Whether a term of a document is one of a query, or begins like it. */
static bool
is_term(const MatchTerm *term, const DocumentTerm *found)
{
	return (term->prefix ? found->length >= term->length : found->length == term->length) &&
		memcmp(found->term, term->term, term->length) == 0;
}

void
words_count_document(Relation index, const char *payload, const MatchTerm *terms,
					 uint32 term_count, WordsCount *count)
{
	DocumentReader reader;
	DocumentTerm term;

	if (!document_open(&reader, WORDS_DOCUMENT(payload), WORDS_DOCUMENT_SIZE(payload)))
		sealed_damaged(index, "A document is damaged.");
	while (document_next(&reader, &term))
		for (uint32 i = 0; i < term_count; i++)
			count->found[i] += is_term(&terms[i], &term);
	if (reader.damaged)
		sealed_damaged(index, "A document is damaged.");
	count->documents++;
	count->length += (double) reader.length / reader.scale;
}
