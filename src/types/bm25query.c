/*
 * bm25query.c - type bm25query
 *
 * Written as the query, after the index's name and a colon if it has one.  A name counts if there
 * is an index of this name; a colon before the query says that none comes.
 */
#include "types/bm25query.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "libpq/pqformat.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

BM25Query *
bm25query_make(const char *query, int length, Oid index)
{
	BM25Query  *result = palloc(BM25QUERY_HEADER + length);

	SET_VARSIZE(result, BM25QUERY_HEADER + length);
	result->index = index;
	memcpy(result->query, query, length);
	return result;
}

/* The end of the identifier at p, which may be quoted; p if there is none. */
static const char *
identifier_end(const char *p)
{
	const char *end = p;

	if (*p == '"')
	{
		for (end++; *end != '\0'; end++)
			if (*end == '"' && *++end != '"')
				return end - p > 2 ? end : p;
		return p;
	}
	while (*end == '_' || (*end >= 'a' && *end <= 'z') || (*end >= 'A' && *end <= 'Z') ||
		   IS_HIGHBIT_SET(*end) || (end > p && (*end == '$' || (*end >= '0' && *end <= '9'))))
		end++;
	return end;
}

/* The end of a name, which may have a schema, before a colon; NULL if a text begins otherwise. */
static const char *
name_end(const char *text)
{
	const char *end = identifier_end(text);

	if (end > text && *end == '.')
	{
		const char *second = end + 1;

		end = identifier_end(second);
		if (end == second)
			return NULL;
	}
	return end > text && *end == ':' ? end : NULL;
}

/* The index of this name, or InvalidOid. */
static Oid
index_by_name(const char *name)
{
	List	   *names = stringToQualifiedNameList(name
#if PG_VERSION_NUM >= 160000
												  , NULL
#endif
		);
	Oid			oid = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);
	char		kind = OidIsValid(oid) ? get_rel_relkind(oid) : '\0';

	return kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX ? oid : InvalidOid;
}

static BM25Query *
parse(const char *text)
{
	const char *end = name_end(text);
	Oid			index = InvalidOid;

	if (*text == ':')
		text++;
	else if (end)
	{
		index = index_by_name(pnstrdup(text, end - text));
		if (OidIsValid(index))
			text = end + 1;
	}
	return bm25query_make(text, strlen(text), index);
}

static char *
print(const BM25Query *query)
{
	char	   *text = pnstrdup(query->query, bm25query_length(query));
	char	   *name = OidIsValid(query->index) ? get_rel_name(query->index) : NULL;

	if (name)
		return psprintf("%s:%s", RelationIsVisible(query->index) ? quote_identifier(name) :
						quote_qualified_identifier(get_namespace_name(
							get_rel_namespace(query->index)), name), text);
	return *text == ':' || name_end(text) ? psprintf(":%s", text) : text;
}

PG_FUNCTION_INFO_V1(bm25query_in);
Datum
bm25query_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(parse(PG_GETARG_CSTRING(0)));
}

PG_FUNCTION_INFO_V1(bm25query_out);
Datum
bm25query_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(print(PG_GETARG_BM25QUERY_P(0)));
}

/* The binary form is the text: an OID would be another index elsewhere. */
PG_FUNCTION_INFO_V1(bm25query_recv);
Datum
bm25query_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			length;

	PG_RETURN_POINTER(parse(pq_getmsgtext(message, message->len - message->cursor, &length)));
}

PG_FUNCTION_INFO_V1(bm25query_send);
Datum
bm25query_send(PG_FUNCTION_ARGS)
{
	StringInfoData message;
	char	   *text = print(PG_GETARG_BM25QUERY_P(0));

	pq_begintypsend(&message);
	pq_sendtext(&message, text, strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* to_bm25query(query, index) */
PG_FUNCTION_INFO_V1(to_bm25query);
Datum
to_bm25query(PG_FUNCTION_ARGS)
{
	text	   *query;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	query = PG_GETARG_TEXT_PP(0);
	PG_RETURN_POINTER(bm25query_make(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query),
									 PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1)));
}

/* to_bm25query(bm25query, index): the index is that of the query if it names one. */
PG_FUNCTION_INFO_V1(bm25query_with_index);
Datum
bm25query_with_index(PG_FUNCTION_ARGS)
{
	BM25Query  *query;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	query = PG_GETARG_BM25QUERY_P(0);
	if (OidIsValid(query->index) || PG_ARGISNULL(1))
		PG_RETURN_POINTER(query);
	PG_RETURN_POINTER(bm25query_make(query->query, bm25query_length(query), PG_GETARG_OID(1)));
}

PG_FUNCTION_INFO_V1(bm25query_eq);
Datum
bm25query_eq(PG_FUNCTION_ARGS)
{
	BM25Query  *a = PG_GETARG_BM25QUERY_P(0);
	BM25Query  *b = PG_GETARG_BM25QUERY_P(1);

	PG_RETURN_BOOL(a->index == b->index && VARSIZE(a) == VARSIZE(b) &&
				   memcmp(a->query, b->query, bm25query_length(a)) == 0);
}
