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

static double
k_of(const BM25Formula *formula, double length)
{
	double		relative = formula->mean_length > 0 ? length / formula->mean_length : 1;

	return formula->k1 * (1 - formula->b + formula->b * relative);
}

bool
words_stretch(const WordsFormula *built, const BM25Formula *formula, ImpactRange range,
			  double *stretch)
{
	double		full = built->formula.k1 + 1;
	double		r = fmin(k_of(formula, built->least) / k_of(&built->formula, built->least),
						 k_of(formula, built->greatest) / k_of(&built->formula, built->greatest));
	double		x;

	if (!(k_of(&built->formula, built->least) > 0) || !isfinite(r))
		return false;
	/* the quotient of the new part and the old one falls with x if r < 1, and else rises */
	x = r < 1 ? range.low / full : fmin(impact_largest(range) / full, 1);
	*stretch = (formula->k1 + 1) / full / (x + r * (1 - x)) * (1 + ROUNDING);
	return isfinite(*stretch);
}
