/*
 * words.h - weights of words that were computed by another formula than a query's
 *
 * The lists of a segment have what terms add to the scores of rows (bm25_part), by the formula that
 * held when it was built.  The mean length changes with every row, and k1 and b by the user; so a
 * query multiplies its own weights by what the parts may be larger now.
 */
#ifndef VECTOR_INVERTED_WORDS_H
#define VECTOR_INVERTED_WORDS_H

#include <stdbool.h>

#include "inverted/impacts.h"
#include "rank/bm25.h"

/* The formula of lists, and the lengths of their rows. */
typedef struct WordsFormula
{
	BM25Formula formula;
	double		least;			/* length */
	double		greatest;
} WordsFormula;

/*
 * A bound of the part by another formula, relative to that in the list, for parts in a range; false
 * if there is none.
 */
extern bool words_stretch(const WordsFormula *built, const BM25Formula *formula,
						  ImpactRange range, double *stretch);

/*
 * A part of the largest possible one (k1 + 1), as a byte, which stands for no less; and a bound of
 * the parts by another formula that were at most this.
 */
extern uint8_t words_code(double part);
extern double words_largest(const WordsFormula *built, const BM25Formula *formula, uint8_t code);

#endif							/* VECTOR_INVERTED_WORDS_H */
