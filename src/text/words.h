/*
 * words.h - documents of PostgreSQL's values, and queries of words
 *
 * document.h and match.h have no PostgreSQL in them: here are the texts and arrays of texts whose
 * documents are made, and the queries whose terms are looked for in them.
 */
#ifndef VECTOR_WORDS_H
#define VECTOR_WORDS_H

#include "pg_compat.h"

#include "text/match.h"
#include "text/text.h"

/* Fields that have a weight; those beyond have the weight 1. */
#define WORDS_MAX_WEIGHTS	32

/* A weight is a multiple of 0.01, and at most this. */
#define WORDS_MAX_WEIGHT	1000

/* How documents are made of values, and scored. */
typedef struct WordsSettings
{
	Tokenizer	tokenizer;
	bool		positions;		/* are kept */
	double		k1;
	double		b;
	uint32		scale;			/* units of a weight of 1 */
	int			weight_count;
	uint32		weights[WORDS_MAX_WEIGHTS]; /* of the elements of an array, in units */
} WordsSettings;

/*
 * Reads weights, as "2,1.5"; an error if they are none.  Without a list, NULL, every field has the
 * weight 1.
 */
extern void words_set_weights(WordsSettings *settings, const char *list);

/*
 * The document of a text, or of an array of texts, each of which is a field.  NULL if it has no
 * terms; else palloc'd.
 */
extern char *words_document(const WordsSettings *settings, Datum value, bool is_array, Size *size);

/*
 * The terms of a query.  The numbers of their documents are not set: match_weigh is the caller's.
 * All memory is of the current context, which lives as long as the match.
 */
extern Match *words_match(const WordsSettings *settings, const char *query, int length);

#endif							/* VECTOR_WORDS_H */
