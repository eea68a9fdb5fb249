/*
 * query_test.c - clauses of queries of words
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "text/query.h"

/* The clauses of a query, as [sign]text[*], phrases in quotes, with "|" between them. */
static const char *
clauses(const char *query, bool utf8)
{
	static char out[1024];
	QueryReader reader = query_begin(query, strlen(query), utf8);
	QueryClause clause;
	char	   *p = out;

	*p = '\0';
	while (query_next(&reader, &clause))
		p += sprintf(p, "%s%s%s%.*s%s%s", p > out ? "|" : "",
					 clause.occur == QUERY_REQUIRED ? "+" :
					 clause.occur == QUERY_EXCLUDED ? "-" : "",
					 clause.phrase ? "\"" : "", (int) clause.length, clause.text,
					 clause.phrase ? "\"" : "", clause.prefix ? "*" : "");
	return out;
}

static void
check_query(const char *query, const char *expected)
{
	const char *found = clauses(query, true);

	CHECK(strcmp(found, expected) == 0, "<%s>: <%s>, expected <%s>", query, found, expected);
}

int
main(void)
{
	check_query("", "");
	check_query(" \t\n", "");
	check_query("quick fox", "quick|fox");
	check_query("  +quick  -fox ", "+quick|-fox");
	check_query("\"quick fox\" jumps", "\"quick fox\"|jumps");
	check_query("+\"quick fox\" -\"lazy dog\"", "+\"quick fox\"|-\"lazy dog\"");
	check_query("qui* \"quick fo\"* -la*", "qui*|\"quick fo\"*|-la*");
	check_query("qui** \"a\"**b", "qui*|\"a\"*|b");
	/* what is no syntax is text */
	check_query("covid-19 C++ a*b a+b", "covid-19|C++|a*b|a+b");
	check_query("--a +-b -+c", "--a|+-b|-+c");
	/* signs, stars and quotes without a word */
	check_query("- + * -* +* \"\" -\"\" \"\"* a", "a");
	check_query("a -", "a");
	check_query("- a", "a");
	/* a phrase begins in a word, and ends at the end */
	check_query("abc\"d e\"f", "abc|\"d e\"|f");
	check_query("a \"b c", "a|\"b c\"");
	check_query("a \"", "a");
	check_query("\"  \"", "\"  \"");
	/* "or" between clauses says nothing new */
	check_query("a or b", "a|b");
	check_query("a OR b oR c", "a|b|c");
	check_query("or a", "or|a");
	check_query("a or", "a|or");
	check_query("or", "or");
	check_query("a \"or\" b", "a|\"or\"|b");
	check_query("a +or b", "a|+or|b");
	check_query("a or* b", "a|or*|b");
	check_query("a oro b", "a|oro|b");
	/* white space of UTF-8 */
	check_query("a\xe3\x80\x80+b\xc2\xa0-c\xe2\x80\x83" "d", "a|+b|-c|d");
	CHECK(strcmp(clauses("a\xc2\xa0-b", false), "a\xc2\xa0-b") == 0, "in another encoding");
	check_query("\xe3\x80", "\xe3\x80");
	return check_end("query_test");
}
