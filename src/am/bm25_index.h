/*
 * bm25_index.h - an index of words: its options, and how many documents it has
 */
#ifndef VECTOR_AM_BM25_INDEX_H
#define VECTOR_AM_BM25_INDEX_H

#include "pg_compat.h"

#include "am/index.h"
#include "am/method.h"
#include "inverted_segment/words.h"
#include "text/words.h"

typedef struct Bm25Options
{
	IndexOptions index;
	int			text_config;	/* offset of a tokenizer's name; 0: none */
	int			weights;		/* offset of a list of numbers; 0: none */
	double		k1;
	double		b;
	bool		positions;
} Bm25Options;

/* Whether a relation is an index of this method; it may be that of a partitioned table. */
extern bool bm25_is_index(Relation relation);

/* How an index makes documents of texts, and scores them: by its options. */
extern void bm25_settings(Relation index, WordsSettings *settings);

/*
 * Makes the index depend on its text search configuration: DROP is refused, or with CASCADE drops
 * the index.
 */
extern void bm25_depend(Relation index);

/*
 * A hash of what makes documents of texts: another one means that the same text has another
 * document.
 */
extern void bm25_digest(Relation index, uint32 digest[2]);

/* Whether the index was built by what makes other documents. */
extern bool bm25_is_outdated(Relation index);

/* Warns of that, once for each session. */
extern void bm25_warn_outdated(Relation index);

/*
 * Adds the documents of an index, which is not that of a partitioned table.  Dead rows of sealed
 * segments count until these are merged, and so do rows that the snapshot does not see.
 */
extern void bm25_add_statistics(Relation index, const MatchTerm *terms, uint32 term_count,
								WordsCount *count);

#endif							/* VECTOR_AM_BM25_INDEX_H */
