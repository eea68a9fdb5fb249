/*
 * match.h - how well a document matches a query of words
 *
 * A query has clauses (query.h), a clause has words that follow each other, a word has one or
 * several terms that stand for it.  A document matches if it satisfies all required clauses, no
 * excluded one, and at least one that is not excluded.
 *
 * Its score is the sum over the clauses that it satisfies, in the query's order.  A clause of one
 * word adds the weight of the word for the word's frequency (bm25.h).  One of several words adds
 * the sum of their weights for the frequency of the phrase.  A word's weight is the least of its
 * terms' weights, and its frequency the greatest of its terms' frequencies.  A prefix is a term
 * that occurs wherever one does that begins so; the number of its documents is the sum of theirs.
 * In documents without positions a phrase is wherever all its words are, as often as the rarest.
 *
 * So a clause's part of the score is at most the sum over its terms of what each would add alone:
 * bm25_part is concave and 0 at 0.
 *
 * In plain C without PostgreSQL.
 */
#ifndef VECTOR_MATCH_H
#define VECTOR_MATCH_H

#include "rank/bm25.h"
#include "text/document.h"
#include "text/query.h"

/* A term of a query as it is read: clauses and positions ascend. */
typedef struct MatchInput
{
	const char *term;			/* stays with the match */
	uint32_t	length;
	uint32_t	clause;
	uint32_t	position;		/* of the word in its clause; terms of one stand for one word */
	QueryOccur	occur;			/* of the clause */
	bool		prefix;
} MatchInput;

typedef struct MatchTerm
{
	const char *term;
	uint32_t	length;
	bool		prefix;

	/* Set by whoever knows the documents that there are. */
	uint64_t	documents;		/* that have it; match_weigh makes idf of it */
	double		idf;

	/*
	 * The sum of idf over the clauses that have the term and are not excluded: in a document that
	 * matches, the term adds at most this times bm25_part.  0 of a term that only excludes.
	 */
	double		weight;

	/* Of the document that is looked at. */
	uint64_t	frequency;		/* in units */
	DocumentReader first;		/* where the first of its terms is */
} MatchTerm;

typedef struct MatchWord
{
	uint32_t	position;		/* from the clause's first word */
	uint32_t	first;			/* of its terms, in Match.word_terms */
	uint32_t	count;
	double		idf;
} MatchWord;

typedef struct MatchClause
{
	QueryOccur	occur;
	uint32_t	first;			/* word */
	uint32_t	count;
	double		idf;
} MatchClause;

/* Memory that grows: resize(arg, NULL, n) allocates, resize(arg, p, n) reallocates. */
typedef struct MatchMemory
{
	void	   *(*resize) (void *arg, void *p, size_t size);	/* may leave by a jump */
	void	   *arg;
} MatchMemory;

typedef struct MatchPositions
{
	uint32_t   *positions;
	size_t		count;
	size_t		capacity;
} MatchPositions;

typedef struct Match
{
	MatchTerm  *terms;			/* distinct, ascending; a term is before the prefix of its bytes */
	uint32_t	term_count;
	uint32_t   *word_terms;
	MatchWord  *words;
	MatchClause *clauses;
	uint32_t	clause_count;
	bool		phrases;		/* some clause that counts has several words */
	BM25Formula formula;		/* lengths in units of 1 */

	uint32_t   *active;			/* prefixes that the document's present term may have */
	MatchMemory memory;
	MatchPositions found;
	MatchPositions word;
} Match;

/* The memory that a match with that many inputs takes. */
extern size_t match_size(size_t count);

/* Makes a match in memory of that size, for which malloc's alignment does. */
extern Match *match_make(void *place, const MatchInput *inputs, size_t count, MatchMemory memory);

/* Sets all weights from the terms' numbers of documents, of `documents`. */
extern void match_weigh(Match *match, double documents, const BM25Formula *formula);

/* The score of a document, 0 if it does not match.  False if the document is damaged. */
extern bool match_document(Match *match, const void *document, size_t size, double *score);

/*
 * The same, of a document without positions or for a query without phrases, by the frequencies of
 * the terms.  They and the length are in units, of which `scale` are 1.
 */
extern double match_frequencies(Match *match, uint64_t length, uint32_t scale);

#endif							/* VECTOR_MATCH_H */
