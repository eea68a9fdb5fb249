/*
 * words.c - bounds of parts by another formula
 *
 * A part is (k1 + 1) x with x = tf / (tf + K), where K depends on the length.  With r K in place of
 * K, x becomes x / (x + r (1 - x)).  r is a quotient of linear functions of the length, so it is
 * between its values at the least and the greatest length; the smallest r makes the largest part.
 */
#include "inverted/words.h"

#include <math.h>

/* What rounding may add. */
#define ROUNDING	1e-6

#define WORDS_CODES	255

/* By how much K may be less by a formula than it was, relative to that; NaN if it was 0. */
static double
least_quotient(const WordsFormula *built, const BM25Formula *formula)
{
	if (!(bm25_k(&built->formula, built->least) > 0))
		return NAN;
	return fmin(bm25_k(formula, built->least) / bm25_k(&built->formula, built->least),
				bm25_k(formula, built->greatest) / bm25_k(&built->formula, built->greatest));
}

uint8_t
words_code(double part)
{
	double		code = ceil(part * WORDS_CODES * (1 + ROUNDING));

	return (uint8_t) fmin(code, WORDS_CODES);
}

double
words_largest(const WordsFormula *built, const BM25Formula *formula, uint8_t code)
{
	double		r = least_quotient(built, formula);
	double		x = (double) code / WORDS_CODES;
	double		part = isfinite(r) && r + x > 0 ? x / (x + r * (1 - x)) * (1 + ROUNDING) : 1;

	return (formula->k1 + 1) * fmin(part, 1);
}

bool
words_stretch(const WordsFormula *built, const BM25Formula *formula, ImpactRange range,
			  double *stretch)
{
	double		full = built->formula.k1 + 1;
	double		r = least_quotient(built, formula);
	double		x;

	if (!isfinite(r))
		return false;
	/* the quotient of the new part and the old one falls with x if r < 1, and else rises */
	x = r < 1 ? range.low / full : fmin(impact_largest(range) / full, 1);
	*stretch = (formula->k1 + 1) / full / (x + r * (1 - x)) * (1 + ROUNDING);
	return isfinite(*stretch);
}
