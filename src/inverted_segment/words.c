/*
 * words.c - finds the lists of words by the dictionary, and counts their rows
 */
#include "inverted_segment/words.h"

#include "common/hashfn.h"
#include "miscadmin.h"

#include "inverted_segment/dictionary.h"
#include "inverted_segment/lists.h"
#include "inverted_segment/packed.h"

void
words_find_list(SealedScan *scan, uint64 list, SealedTerm *term)
{
	if (list > PG_UINT32_MAX || !inverted_find_term(scan, (uint32) list, term))
		sealed_damaged(scan->index, "Segment %u has no list of term " UINT64_FORMAT ".",
					   scan->segment->part.uid, list);
}

/* Seeks a word in the dictionary, which is that of packed lists. */
static uint64
seek_list(SealedScan *scan, const char *word, Size length)
{
	DictionaryReader *reader = palloc(sizeof(DictionaryReader));
	uint64		list = NO_LIST;

	if (dictionary_seek(reader, scan, word, length) && reader->length == length &&
		dictionary_begins(reader, word, length))
		list = reader->number;
	pfree(reader);
	return list;
}

/*
 * Where the list of a term is.  A query asks for it twice, for its rows and for its list, and many
 * queries have the same words, so the words that were sought last are remembered.  NULL if this one
 * cannot be: it is a beginning, it is long, or the segment has no packed lists.
 */
static FoundWord *
find_word(SealedScan *scan, const MatchTerm *term)
{
	PackedLengths *loaded = scan->segment->loaded;
	FoundWord  *found;

	if (!sealed_is_packed(&scan->segment->header) || term->prefix || term->length == 0 ||
		term->length > sizeof(found->word))
		return NULL;
	found = &loaded->found[hash_bytes((const unsigned char *) term->term, (int) term->length) %
						   FOUND_WORDS];
	if (found->length != term->length || memcmp(found->word, term->term, term->length) != 0)
	{
		uint64		list = seek_list(scan, term->term, term->length);

		*found = (FoundWord) {.list = list, .length = (uint8) term->length};
		memcpy(found->word, term->term, term->length);
	}
	return found;
}

void
words_each_list(SealedScan *scan, const MatchTerm *term, WordsCallback callback, void *arg)
{
	const FoundWord *word = find_word(scan, term);
	DictionaryReader *reader;
	bool		found;

	if (word)
	{
		if (word->list != NO_LIST)
			callback(arg, word->list);
		return;
	}
	reader = palloc(sizeof(DictionaryReader));
	found = dictionary_seek(reader, scan, term->term, term->length);
	while (found && dictionary_begins(reader, term->term, term->length) &&
		   (term->prefix || reader->length == term->length))
	{
		CHECK_FOR_INTERRUPTS();
		callback(arg, reader->number);
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
add_packed_rows(RowCount *count, uint64 list)
{
	uint32		windows;
	PackedChunk *chunks = packed_read_chunks(count->scan, list, &windows, NULL);

	for (uint32 i = 0; i < windows; i++)
		count->rows += chunks[i].count;
	pfree(chunks);
}

static void
add_rows(void *arg, uint64 list)
{
	RowCount   *count = arg;
	SealedTerm	term;
	SealedChunk *chunks;

	if (sealed_is_packed(&count->scan->segment->header))
	{
		add_packed_rows(count, list);
		return;
	}
	words_find_list(count->scan, list, &term);
	chunks = palloc_array(SealedChunk, term.chunks);
	inverted_read_chunks(count->scan, &term, chunks);
	for (uint32 i = 0; i < term.chunks; i++)
		count->rows += chunks[i].count;
	pfree(chunks);
}

/* The rows that have a term, as many times as they have words that begin so. */
static uint64
count_rows(SealedScan *scan, const MatchTerm *term)
{
	RowCount	count = {scan, 0};
	FoundWord  *word = find_word(scan, term);

	if (word && (word->list == NO_LIST || word->rows > 0))
		return word->rows;
	words_each_list(scan, term, add_rows, &count);
	if (word)
		word->rows = (uint32) Min(count.rows, PG_UINT32_MAX);
	return count.rows;
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
		count->found[i] += count_rows(scan, &terms[i]);
}

/* Counts a term of a document for those of the terms that are beginnings. */
static void
count_prefixes(const DocumentTerm *found, const MatchTerm *terms, uint32 term_count,
			   WordsCount *count)
{
	for (uint32 i = 0; i < term_count; i++)
		if (terms[i].prefix && found->length >= terms[i].length &&
			memcmp(found->term, terms[i].term, terms[i].length) == 0)
			count->found[i]++;
}

void
words_count_document(Relation index, const char *payload, const MatchTerm *terms,
					 uint32 term_count, WordsCount *count)
{
	DocumentReader reader;
	DocumentTerm term;
	uint32		next = 0;		/* of the terms, which ascend as the document's do */
	bool		prefixes = false;

	for (uint32 i = 0; i < term_count; i++)
		prefixes |= terms[i].prefix;
	if (!document_open(&reader, WORDS_DOCUMENT(payload), WORDS_DOCUMENT_SIZE(payload)))
		sealed_damaged(index, "A document is damaged.");
	while ((next < term_count || prefixes) && document_next(&reader, &term))
	{
		int			order = -1;

		while (next < term_count &&
			   (terms[next].prefix ||
				(order = document_compare(terms[next].term, terms[next].length, term.term,
										  term.length)) < 0))
			next++;
		if (next < term_count && order == 0)
			count->found[next]++;
		if (prefixes)
			count_prefixes(&term, terms, term_count, count);
	}
	if (reader.damaged)
		sealed_damaged(index, "A document is damaged.");
	count->documents++;
	count->length += (double) reader.length / reader.scale;
}
