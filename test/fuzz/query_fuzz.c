/*
 * query_fuzz.c - the syntax of queries of words
 *
 * Every input is a query.  Its clauses must be parts of it, one after another, and not empty; none
 * may begin or end with what is syntax there.  The first byte says whether it is UTF-8.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/query.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *query;
	const char *last;
	QueryReader reader;
	QueryClause clause;

	if (size == 0)
		return 0;
	/* a copy, whose end the sanitizer knows */
	query = malloc(size);
	memcpy(query, data + 1, size - 1);
	last = query;
	reader = query_begin(query, size - 1, data[0] & 1);
	while (query_next(&reader, &clause))
	{
		assert(clause.length > 0);
		assert(clause.text >= last && clause.text + clause.length <= query + size - 1);
		assert(memchr(clause.text, '"', clause.length) == NULL);
		if (!clause.phrase)
		{
			assert(clause.text[clause.length - 1] != '*');
			assert(memchr(clause.text, ' ', clause.length) == NULL);
		}
		last = clause.text + clause.length;
	}
	assert(reader.p == reader.end);
	free(query);
	return 0;
}
