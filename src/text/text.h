/*
 * text.h - from text to terms
 *
 * A tokenizer makes terms of a text, each with the position of its word.  Which one, a name says:
 *   english, my_schema.my_config  a text search configuration: its parser and its dictionaries
 *   unicode                       words as Unicode defines them (UAX #29), with dictionaries for
 *                                 languages that put no spaces between words; by ICU
 *   ngram(min,max)                min to max characters of a word that follow each other
 *
 * Terms are handed out one by one: a text of any length takes the memory of its parser only.
 */
#ifndef VECTOR_TEXT_H
#define VECTOR_TEXT_H

#include "pg_compat.h"

#include "text/query.h"

/* The length of a term in bytes, as in a tsvector; longer ones are left out, and count as words. */
#define TEXT_MAX_TERM	2046

/* The longest n-gram, in characters. */
#define TEXT_MAX_NGRAM	32

typedef enum TokenizerKind
{
	TOKENIZER_CONFIG,
	TOKENIZER_UNICODE,
	TOKENIZER_NGRAM
} TokenizerKind;

typedef struct Tokenizer
{
	TokenizerKind kind;
	Oid			config;			/* of TOKENIZER_CONFIG: the text search configuration */
	int			min;			/* of TOKENIZER_NGRAM: the least and the greatest length */
	int			max;
} Tokenizer;

/*
 * Takes a term, which is valid during the call only.  Positions count from 1 and never fall; terms
 * of one position stand for the same word.
 */
typedef void (*TermCallback) (void *state, const char *term, int length, uint32 position);

/* Finds the tokenizer of a name; returns false if there is none. */
extern bool tokenizer_find(const char *name, Tokenizer *tokenizer);

/* The tokenizer of this name; an error if there is none. */
extern Tokenizer tokenizer_by_name(const char *name);

/* Hands the terms of a text in the database's encoding to a function. */
extern void tokenize(const Tokenizer *tokenizer, const char *text, int length, TermCallback emit,
					 void *state);

/* A hash of the terms of some texts: another one means that the same text has other terms. */
extern bytea *tokenizer_digest(const Tokenizer *tokenizer);

/* A term of a query. */
typedef struct QueryTerm
{
	int			clause;			/* counts the clauses that have terms, from 1 */
	QueryOccur	occur;
	const char *term;
	int			length;
	uint32		position;		/* in its clause: words of a clause follow each other */
	bool		prefix;			/* stands for all terms that begin so */
} QueryTerm;

typedef void (*QueryTermCallback) (void *state, const QueryTerm *term);

/*
 * Hands the terms of a query, in the syntax of query.h, to a function.  Of a clause that is neither
 * required nor excluded nor in quotes, each term is a clause of its own: what the tokenizer makes
 * several words of, as wi-fi or Chinese text, need not stand together.
 */
extern void tokenize_query(const Tokenizer *tokenizer, const char *query, int length,
						   QueryTermCallback emit, void *state);

/* The kinds of tokenizers. */
extern void tokenize_config(Oid config, const char *text, int length, TermCallback emit,
							void *state);
extern void tokenize_unicode(const char *text, int length, TermCallback emit, void *state);
extern void tokenize_ngram(const Tokenizer *tokenizer, const char *text, int length,
						   TermCallback emit, void *state);

#endif							/* VECTOR_TEXT_H */
