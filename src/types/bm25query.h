/*
 * bm25query.h - a query of words, and maybe the index whose statistics its scores are by
 */
#ifndef VECTOR_BM25QUERY_H
#define VECTOR_BM25QUERY_H

#include "pg_compat.h"

typedef struct BM25Query
{
	int32		vl_len_;		/* varlena header */
	Oid			index;			/* or InvalidOid */
	char		query[FLEXIBLE_ARRAY_MEMBER];	/* without a 0 at its end */
} BM25Query;

#define BM25QUERY_HEADER	offsetof(BM25Query, query)

/* The argument of a function, detoasted. */
#define PG_GETARG_BM25QUERY_P(n) ((BM25Query *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

static inline int
bm25query_length(const BM25Query *query)
{
	return VARSIZE(query) - BM25QUERY_HEADER;
}

extern BM25Query *bm25query_make(const char *query, int length, Oid index);

#endif							/* VECTOR_BM25QUERY_H */
