/*
 * bm25_query.h - queries of words, with the statistics of an index
 */
#ifndef VECTOR_AM_BM25_QUERY_H
#define VECTOR_AM_BM25_QUERY_H

#include "pg_compat.h"

#include "nodes/nodes.h"
#include "utils/rel.h"

#include "text/words.h"
#include "types/bm25query.h"

/* A query that is ready to score documents. */
typedef struct BM25Scorer
{
	WordsSettings settings;		/* of the documents */
	Match	   *match;
} BM25Scorer;

/*
 * Makes a query ready, in the current memory context.  `scanned` is the index that is scanned, or
 * NULL: the query must name one then.  The statistics are those of the index that it names; of a
 * partitioned index, those of all its partitions.
 */
extern BM25Scorer *bm25_scorer(const BM25Query *query, Relation scanned);

/*
 * The index that an expression of a query is known to name; InvalidOid if it may name none, or if
 * that is known to its execution only.
 */
extern Oid	bm25_named_index(const Node *query);

/*
 * Whether a scan of an index can order by a query: only by one that is known to name it, so that
 * scores are the same in every plan.
 */
extern bool bm25_can_order(Relation index, Node *query);

#endif							/* VECTOR_AM_BM25_QUERY_H */
