/*
 * words.h - the lists of a query's words, and how many rows they have
 */
#ifndef VECTOR_INVERTED_SEGMENT_WORDS_H
#define VECTOR_INVERTED_SEGMENT_WORDS_H

#include "segment/sealed.h"
#include "text/match.h"

/*
 * Calls back for the lists of a term of a query: that of the term, or those of all terms that begin
 * so.  `list` is what the dictionary names: a term's number, or the place of a packed list.
 */
typedef void (*WordsCallback) (void *arg, uint64 list);
extern void words_each_list(SealedScan *scan, const MatchTerm *term, WordsCallback callback,
							void *arg);

/* The chunks of a list that is not packed. */
extern void words_find_list(SealedScan *scan, uint64 list, SealedTerm *term);

/* What is known of a set of documents. */
typedef struct WordsCount
{
	double		documents;
	double		length;			/* of all of them */
	uint64	   *found;			/* of each of the terms: documents that have it */
} WordsCount;

/*
 * Adds the rows of a sealed segment, dead ones among them; and a document, which must not be
 * damaged.  The terms ascend, as in a Match.
 */
extern void words_count_segment(SealedScan *scan, const MatchTerm *terms, uint32 term_count,
								WordsCount *count);
extern void words_count_document(Relation index, const char *payload, const MatchTerm *terms,
								 uint32 term_count, WordsCount *count);

#endif							/* VECTOR_INVERTED_SEGMENT_WORDS_H */
