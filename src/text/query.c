/*
 * query.c - clauses of a query of words
 */
#include "text/query.h"

#include <string.h>

/*
 * The bytes of the white space at p, or 0: that of ASCII, and in UTF-8 the no-break space, those of
 * U+2000 to U+200A and the ideographic space, which Japanese keyboards write.
 */
static size_t
space_at(const QueryReader *reader, const char *p)
{
	size_t		left = (size_t) (reader->end - p);

	if (left >= 1 && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
		return 1;
	if (reader->utf8 && left >= 2 && memcmp(p, "\xc2\xa0", 2) == 0)
		return 2;
	if (reader->utf8 && left >= 3 &&
		(memcmp(p, "\xe3\x80\x80", 3) == 0 ||
		 (memcmp(p, "\xe2\x80", 2) == 0 && (unsigned char) p[2] >= 0x80 &&
		  (unsigned char) p[2] <= 0x8a)))
		return 3;
	return 0;
}

static const char *
skip_spaces(const QueryReader *reader, const char *p)
{
	for (size_t n; (n = space_at(reader, p)) > 0;)
		p += n;
	return p;
}

/* The end of the word at p: white space or a quote. */
static const char *
word_end(const QueryReader *reader, const char *p)
{
	while (p < reader->end && *p != '"' && space_at(reader, p) == 0)
		p++;
	return p;
}

/* Whether this is an "or" between two clauses. */
static bool
is_or(const QueryReader *reader, const QueryClause *clause)
{
	const char *text = clause->text;

	return clause->occur == QUERY_OPTIONAL && !clause->phrase && !clause->prefix &&
		clause->length == 2 && (text[0] == 'o' || text[0] == 'O') &&
		(text[1] == 'r' || text[1] == 'R') &&
		reader->begun && skip_spaces(reader, reader->p) < reader->end;
}

/* Reads what is in quotes, the first of which is at the beginning of what is left. */
static void
read_phrase(QueryReader *reader, QueryClause *clause)
{
	const char *text = reader->p + 1;
	const char *quote = memchr(text, '"', (size_t) (reader->end - text));

	clause->phrase = true;
	clause->text = text;
	clause->length = (size_t) ((quote ? quote : reader->end) - text);
	reader->p = quote ? quote + 1 : reader->end;
	while (reader->p < reader->end && *reader->p == '*')
	{
		clause->prefix = true;
		reader->p++;
	}
}

static void
read_word(QueryReader *reader, QueryClause *clause)
{
	const char *end = word_end(reader, reader->p);

	clause->text = reader->p;
	clause->length = (size_t) (end - reader->p);
	reader->p = end;
	while (clause->length > 0 && clause->text[clause->length - 1] == '*')
	{
		clause->prefix = true;
		clause->length--;
	}
}

QueryReader
query_begin(const char *query, size_t length, bool utf8)
{
	return (QueryReader) {.p = query, .end = query + length, .utf8 = utf8};
}

bool
query_next(QueryReader *reader, QueryClause *clause)
{
	while ((reader->p = skip_spaces(reader, reader->p)) < reader->end)
	{
		char		sign = *reader->p;

		*clause = (QueryClause) {.occur = sign == '+' ? QUERY_REQUIRED :
			sign == '-' ? QUERY_EXCLUDED : QUERY_OPTIONAL};
		if (clause->occur != QUERY_OPTIONAL)
			reader->p++;
		if (reader->p < reader->end && *reader->p == '"')
			read_phrase(reader, clause);
		else
			read_word(reader, clause);
		if (clause->length > 0 && !is_or(reader, clause))
		{
			reader->begun = true;
			return true;
		}
	}
	return false;
}
