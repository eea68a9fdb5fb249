/*
 * document_fuzz.c - documents of terms as they are read from disk
 *
 * The first byte says how many bytes after it are terms of a query, of one byte each; the rest is
 * the document, damaged as it may be.  One that document_check accepts can be read to its end.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/match.h"

#define MAX_TERMS	32

static void *
resize(void *arg, void *p, size_t size)
{
	(void) arg;
	return realloc(p, size);
}

/* Terms, clauses and signs of a query, by the bits of a byte. */
static size_t
read_query(const uint8_t *data, size_t count, MatchInput *inputs)
{
	uint32_t	clause = 0;
	uint32_t	position = 0;
	QueryOccur	occur = QUERY_OPTIONAL;

	for (size_t i = 0; i < count; i++)
	{
		if (i == 0 || data[i] & 1)
		{
			clause++;
			position = 0;
			occur = (QueryOccur) ((data[i] >> 1) % 3);
		}
		position += data[i] >> 3 & 1;
		inputs[i] = (MatchInput) {.term = (const char *) &data[i], .length = data[i] >> 4 & 1,
			.clause = clause, .position = position, .occur = occur, .prefix = data[i] >> 5 & 1};
	}
	return count;
}

static void
check_whole(const unsigned char *document, size_t size)
{
	DocumentReader reader;
	DocumentTerm term;
	uint64_t	length = 0;

	assert(document_open(&reader, document, size));
	while (document_next(&reader, &term))
	{
		uint32_t	position = 0;
		uint32_t	last = 0;

		length += term.frequency;
		for (; document_position(&term, &position); last = position)
			assert(position > last);
	}
	assert(!reader.damaged && length == reader.length);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MatchInput	inputs[MAX_TERMS];
	size_t		count;
	unsigned char *document;
	void	   *place;
	Match	   *match;
	double		score;

	if (size == 0 || (count = data[0] % MAX_TERMS) >= size)
		return 0;
	count = read_query(data + 1, count, inputs);
	size -= count + 1;
	/* copies, whose ends the sanitizer knows */
	document = malloc(size);
	memcpy(document, data + 1 + count, size);
	place = malloc(match_size(count));
	match = match_make(place, inputs, count, (MatchMemory) {.resize = resize});
	match_weigh(match, 100, &(BM25Formula) {.k1 = 1.2, .b = 0.75, .mean_length = 10});
	match_document(match, document, size, &score);
	assert(score >= 0);
	if (document_check(document, size))
		check_whole(document, size);
	free(match->found.positions);
	free(match->word.positions);
	free(place);
	free(document);
	return 0;
}
