/*
 * bm25.h - the formula of BM25
 *
 * A term that is in n of N documents has the weight ln(1 + (N - n + 1/2) / (n + 1/2)), which is
 * never negative (Lucene's form of Robertson and Sparck Jones).  It adds this to a document's
 * score, times tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean length)), tf being how often
 * the document has the term.
 *
 * Everything that scores does it by these functions, so that equal input has equal scores.
 */
#ifndef VECTOR_BM25_H
#define VECTOR_BM25_H

#include <math.h>

typedef struct BM25Formula
{
	double		k1;
	double		b;
	double		mean_length;	/* of all documents; 0: unknown, and lengths do not count */
} BM25Formula;

/* Statistics may be older than a document: n above N counts as N. */
static inline double
bm25_idf(double documents, double n)
{
	if (n > documents)
		n = documents;
	return log1p((documents - n + 0.5) / (n + 0.5));
}

/* What half of the largest part is added for: a frequency of this. */
static inline double
bm25_k(const BM25Formula *formula, double length)
{
	double		relative = formula->mean_length > 0 ? length / formula->mean_length : 1;

	return formula->k1 * (1 - formula->b + formula->b * relative);
}

/* What a term with the weight 1 adds; grows with the frequency, falls with the length. */
static inline double
bm25_part(const BM25Formula *formula, double frequency, double length)
{
	return frequency * (formula->k1 + 1) / (frequency + bm25_k(formula, length));
}

#endif							/* VECTOR_BM25_H */
