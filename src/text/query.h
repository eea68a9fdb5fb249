/*
 * query.h - the syntax of a query of words
 *
 * What websearch_to_tsquery reads, and more:
 *   quick fox       both words are wanted: either will do, both are better
 *   +quick -fox     quick must be there, fox must not
 *   "quick fox"     the words follow each other; with + or - before it, all of this
 *   qui*            words that begin so; also the last word of a phrase, "quick fo"*
 *   quick or fox    as without "or"
 * Every text is a query: signs without a word are left out, a phrase without its end goes on to the
 * end of the text.
 *
 * In plain C without PostgreSQL.  What the words of a clause are is for a tokenizer to say.
 */
#ifndef VECTOR_QUERY_H
#define VECTOR_QUERY_H

#include <stdbool.h>
#include <stddef.h>

typedef enum QueryOccur
{
	QUERY_OPTIONAL,
	QUERY_REQUIRED,
	QUERY_EXCLUDED
} QueryOccur;

typedef struct QueryClause
{
	QueryOccur	occur;
	bool		phrase;			/* was in quotes */
	bool		prefix;			/* its last word is the beginning of one */
	const char *text;			/* in the query; not empty, without quotes, sign and star */
	size_t		length;
} QueryClause;

typedef struct QueryReader
{
	const char *p;				/* what is left of the query */
	const char *end;
	bool		utf8;			/* white space beyond ASCII is that of UTF-8 */
	bool		begun;			/* a clause has been read */
} QueryReader;

extern QueryReader query_begin(const char *query, size_t length, bool utf8);

/* Reads the next clause; false at the end. */
extern bool query_next(QueryReader *reader, QueryClause *clause);

#endif							/* VECTOR_QUERY_H */
