/*
 * match.c - how well a document matches a query of words
 */
#include "text/match.h"

#include <stdlib.h>
#include <string.h>

#include "order.h"

#define ALIGNED(size)	(((size) + 15) & ~(size_t) 15)

size_t
match_size(size_t count)
{
	return ALIGNED(sizeof(Match)) + ALIGNED(count * sizeof(MatchTerm)) +
		ALIGNED(count * sizeof(MatchWord)) + ALIGNED(count * sizeof(MatchClause)) +
		2 * ALIGNED(count * sizeof(uint32_t));
}

static void *
take(char **place, size_t size)
{
	void	   *taken = *place;

	memset(taken, 0, size);
	*place += ALIGNED(size);
	return taken;
}

static int
compare_terms(const void *left, const void *right)
{
	const MatchTerm *a = left;
	const MatchTerm *b = right;
	int			order = document_compare(a->term, a->length, b->term, b->length);

	return order ? order : a->prefix - b->prefix;
}

static void
add_terms(Match *match, const MatchInput *inputs, size_t count)
{
	uint32_t	distinct = 0;

	for (size_t i = 0; i < count; i++)
		match->terms[i] = (MatchTerm) {
			.term = inputs[i].term,
			.length = inputs[i].length,
			.prefix = inputs[i].prefix
		};
	if (count > 1)
		qsort(match->terms, count, sizeof(MatchTerm), compare_terms);
	for (size_t i = 0; i < count; i++)
		if (distinct == 0 || compare_terms(&match->terms[distinct - 1], &match->terms[i]) != 0)
			match->terms[distinct++] = match->terms[i];
	match->term_count = distinct;
}

/* The term of an input, which is among the terms. */
static uint32_t
term_of(const Match *match, const MatchInput *input)
{
	MatchTerm	wanted = {.term = input->term, .length = input->length, .prefix = input->prefix};
	const MatchTerm *term = bsearch(&wanted, match->terms, match->term_count, sizeof(MatchTerm),
									compare_terms);

	return (uint32_t) (term - match->terms);
}

static void
add_clauses(Match *match, const MatchInput *inputs, size_t count)
{
	MatchClause *clause = NULL;
	MatchWord  *word = NULL;
	uint32_t	words = 0;

	for (size_t i = 0; i < count; i++)
	{
		const MatchInput *input = &inputs[i];
		bool		new_clause = i == 0 || input->clause != input[-1].clause;

		if (new_clause)
		{
			clause = &match->clauses[match->clause_count++];
			*clause = (MatchClause) {.occur = input->occur, .first = words};
		}
		if (new_clause || input->position != input[-1].position)
		{
			word = &match->words[words++];
			word->first = (uint32_t) i;
			word->position = clause->count++ == 0 ? 0 :
				input->position - input[-1].position + word[-1].position;
			if (clause->count > 1)
				match->phrases = true;
		}
		match->word_terms[i] = term_of(match, input);
		word->count++;
	}
}

Match *
match_make(void *place, const MatchInput *inputs, size_t count, MatchMemory memory)
{
	char	   *p = place;
	Match	   *match = take(&p, sizeof(Match));

	match->terms = take(&p, count * sizeof(MatchTerm));
	match->words = take(&p, count * sizeof(MatchWord));
	match->clauses = take(&p, count * sizeof(MatchClause));
	match->word_terms = take(&p, count * sizeof(uint32_t));
	match->active = take(&p, count * sizeof(uint32_t));
	match->memory = memory;
	add_terms(match, inputs, count);
	add_clauses(match, inputs, count);
	return match;
}

static MatchTerm *
word_term(const Match *match, const MatchWord *word, uint32_t i)
{
	return &match->terms[match->word_terms[word->first + i]];
}

void
match_weigh(Match *match, double documents, const BM25Formula *formula)
{
	match->formula = *formula;
	for (uint32_t i = 0; i < match->term_count; i++)
	{
		match->terms[i].idf = bm25_idf(documents, (double) match->terms[i].documents);
		match->terms[i].weight = 0;
	}
	for (uint32_t c = 0; c < match->clause_count; c++)
	{
		MatchClause *clause = &match->clauses[c];

		clause->idf = 0;
		for (uint32_t w = 0; w < clause->count; w++)
		{
			MatchWord  *word = &match->words[clause->first + w];

			word->idf = INFINITY;
			for (uint32_t i = 0; i < word->count; i++)
			{
				MatchTerm  *term = word_term(match, word, i);

				if (term->idf < word->idf)
					word->idf = term->idf;
				if (clause->occur != QUERY_EXCLUDED)
					term->weight += term->idf;
			}
			clause->idf += word->idf;
		}
	}
}

static bool
begins(const DocumentTerm *term, const MatchTerm *prefix)
{
	return term->length >= prefix->length &&
		memcmp(term->term, prefix->term, prefix->length) == 0;
}

/* Counts a term of the document, which is the term i of the query or begins so. */
static void
count_term(Match *match, uint32_t i, const DocumentTerm *term, const DocumentReader *here)
{
	if (match->terms[i].frequency == 0)
		match->terms[i].first = *here;
	match->terms[i].frequency += term->frequency;
}

/*
 * Finds the query's terms in a document, both of which ascend.  The prefixes that the document's
 * term begins with are a stack, each of which begins with the one below it.
 */
static bool
find_terms(Match *match, DocumentReader *reader)
{
	uint32_t	next = 0;
	uint32_t	active = 0;
	DocumentReader here = *reader;
	DocumentTerm term;

	while ((next < match->term_count || active > 0) && document_next(reader, &term))
	{
		while (active > 0 && !begins(&term, &match->terms[match->active[active - 1]]))
			active--;
		for (; next < match->term_count; next++)
		{
			MatchTerm  *wanted = &match->terms[next];
			int			order = document_compare(wanted->term, wanted->length, term.term,
												 term.length);

			if (order > 0)
				break;
			if (wanted->prefix && begins(&term, wanted))
				match->active[active++] = next;
			else if (order == 0)
				count_term(match, next, &term, &here);
		}
		for (uint32_t i = 0; i < active; i++)
			count_term(match, match->active[i], &term, &here);
		here = *reader;
	}
	return !reader->damaged;
}

static void
add_position(Match *match, MatchPositions *list, uint32_t position)
{
	if (list->count == list->capacity)
	{
		size_t		capacity = list->capacity > 0 ? 2 * list->capacity : 64;

		list->positions = match->memory.resize(match->memory.arg, list->positions,
											   capacity * sizeof(uint32_t));
		list->capacity = capacity;
	}
	list->positions[list->count++] = position;
}

/* The positions of a term of the query in the document. */
static void
read_positions(Match *match, const MatchTerm *wanted, MatchPositions *list)
{
	DocumentReader reader = wanted->first;
	DocumentTerm term;

	while (document_next(&reader, &term))
	{
		uint32_t	position = 0;

		if (!begins(&term, wanted) || (!wanted->prefix && term.length != wanted->length))
			break;
		while (document_position(&term, &position))
			add_position(match, list, position);
		if (!wanted->prefix)
			break;
	}
}

/* The positions of a word, each once and ascending. */
static void
word_positions(Match *match, const MatchWord *word, MatchPositions *list)
{
	size_t		distinct = 0;

	list->count = 0;
	for (uint32_t i = 0; i < word->count; i++)
	{
		const MatchTerm *term = word_term(match, word, i);

		if (term->frequency > 0)
			read_positions(match, term, list);
	}
	if (list->count > 1)
		qsort(list->positions, list->count, sizeof(uint32_t), order_uint32s);
	for (size_t i = 0; i < list->count; i++)
		if (distinct == 0 || list->positions[i] != list->positions[distinct - 1])
			list->positions[distinct++] = list->positions[i];
	list->count = distinct;
}

/* Keeps the places of the phrase where this word is at its distance, too. */
static void
keep_followed(MatchPositions *found, const MatchPositions *word, uint32_t distance)
{
	size_t		kept = 0;
	size_t		w = 0;

	for (size_t i = 0; i < found->count; i++)
	{
		uint64_t	wanted = (uint64_t) found->positions[i] + distance;

		while (w < word->count && word->positions[w] < wanted)
			w++;
		if (w < word->count && word->positions[w] == wanted)
			found->positions[kept++] = found->positions[i];
	}
	found->count = kept;
}

/* The weights of the fields where the phrase was found. */
static uint64_t
weigh_places(const MatchPositions *found, DocumentReader document)
{
	DocumentField field = {0};
	uint64_t	frequency = 0;

	for (size_t i = 0; i < found->count; i++)
	{
		while (field.last < found->positions[i])
			if (!document_field(&document, &field))
				return frequency;
		frequency += field.weight;
	}
	return frequency;
}

/* How often a word is in the document, in units. */
static uint64_t
word_frequency(const Match *match, const MatchWord *word)
{
	uint64_t	frequency = 0;

	for (uint32_t i = 0; i < word->count; i++)
	{
		const MatchTerm *term = word_term(match, word, i);

		if (term->frequency > frequency)
			frequency = term->frequency;
	}
	return frequency;
}

/*
 * How often a clause is in the document, in units.  Without positions, document is NULL.
 */
static uint64_t
clause_frequency(Match *match, const MatchClause *clause, const DocumentReader *document)
{
	const MatchWord *words = &match->words[clause->first];
	uint64_t	frequency = UINT64_MAX;

	for (uint32_t w = 0; w < clause->count && frequency > 0; w++)
	{
		uint64_t	of_word = word_frequency(match, &words[w]);

		if (of_word < frequency)
			frequency = of_word;
	}
	if (clause->count == 1 || frequency == 0 || !document)
		return frequency;
	word_positions(match, &words[0], &match->found);
	for (uint32_t w = 1; w < clause->count && match->found.count > 0; w++)
	{
		word_positions(match, &words[w], &match->word);
		keep_followed(&match->found, &match->word, words[w].position);
	}
	return weigh_places(&match->found, *document);
}

static double
score_clauses(Match *match, uint64_t length, uint32_t scale, const DocumentReader *document)
{
	double		score = 0;

	for (uint32_t c = 0; c < match->clause_count; c++)
	{
		const MatchClause *clause = &match->clauses[c];
		uint64_t	frequency = clause_frequency(match, clause, document);

		if (clause->occur == QUERY_EXCLUDED ? frequency > 0 :
			clause->occur == QUERY_REQUIRED && frequency == 0)
			return 0;
		if (clause->occur != QUERY_EXCLUDED && frequency > 0)
			score += clause->idf * bm25_part(&match->formula, (double) frequency / scale,
											 (double) length / scale);
	}
	return score;
}

double
match_frequencies(Match *match, uint64_t length, uint32_t scale)
{
	return score_clauses(match, length, scale, NULL);
}

bool
match_document(Match *match, const void *document, size_t size, double *score)
{
	DocumentReader reader;
	DocumentReader opened;

	*score = 0;
	for (uint32_t i = 0; i < match->term_count; i++)
		match->terms[i].frequency = 0;
	if (!document_open(&reader, document, size))
		return false;
	opened = reader;
	if (!find_terms(match, &reader))
		return false;
	*score = score_clauses(match, reader.length, reader.scale, reader.positions ? &opened : NULL);
	return true;
}
