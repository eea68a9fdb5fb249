/*
 * mmr.c - maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998)
 *
 * Takes the candidates one after another, each time the one with the greatest
 *     lambda * similarity to the query - (1 - lambda) * greatest similarity to one that was taken.
 * Similarities are cosines.
 */
#include "pg_compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/float.h"

#include "distance/distance.h"
#include "types/dense.h"
#include "types/detoast.h"

typedef struct Candidate
{
	const Dense *vector;
	double		relevance;		/* similarity to the query */
	double		redundancy;		/* greatest similarity to a candidate that was taken */
	bool		taken;
} Candidate;

/* A vector of zeros has no direction, and is similar to nothing. */
static double
similarity(const Dense *a, const Dense *b)
{
	double		distance = f32_cosine_distance((const float *) a->x, (const float *) b->x, a->dim);

	return isnan(distance) ? 0 : 1 - distance;
}

/* The candidates of an array, *count of them, and how similar they are to the query. */
static Candidate *
get_candidates(ArrayType *array, const Dense *query, int *count)
{
	Datum	   *values;
	bool	   *nulls;
	Candidate  *candidates;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("candidates must be a one-dimensional array")));
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &values, &nulls, count);
	candidates = palloc_extended(sizeof(Candidate) * Max(*count, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < *count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("candidates must not contain nulls"),
					 errhint("Use array_agg(...) FILTER (WHERE ... IS NOT NULL).")));
		candidates[i].vector = vector_detoast(values[i]);
		dense_check_dims(&VectorType, query, candidates[i].vector);
		candidates[i].relevance = similarity(query, candidates[i].vector);
		candidates[i].redundancy = -get_float8_infinity();
		candidates[i].taken = false;
	}
	return candidates;
}

/* The best of the candidates that are left; the first one taken is the most relevant. */
static int
best_candidate(const Candidate *candidates, int count, double lambda, bool first)
{
	int			best = -1;
	double		best_score = 0;

	for (int i = 0; i < count; i++)
	{
		const Candidate *c = &candidates[i];
		double		score = first ? c->relevance :
			lambda * c->relevance - (1 - lambda) * c->redundancy;

		if (!c->taken && (best < 0 || score > best_score))
		{
			best = i;
			best_score = score;
		}
	}
	return best;
}

/* What is like the candidate that is taken becomes redundant. */
static void
take_candidate(Candidate *candidates, int count, int best)
{
	candidates[best].taken = true;
	for (int i = 0; i < count; i++)
	{
		Candidate  *c = &candidates[i];

		if (!c->taken)
			c->redundancy = Max(c->redundancy, similarity(c->vector, candidates[best].vector));
	}
}

/* mmr(query, candidates, k, lambda): subscripts of k candidates at most, in the order to show. */
PG_FUNCTION_INFO_V1(vector_mmr);
Datum
vector_mmr(PG_FUNCTION_ARGS)
{
	const Dense *query = vector_detoast(PG_GETARG_DATUM(0));
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	int			k = PG_GETARG_INT32(2);
	double		lambda = PG_GETARG_FLOAT8(3);
	int			first = ARR_NDIM(array) > 0 ? ARR_LBOUND(array)[0] : 1;
	int			count;
	Candidate  *candidates;
	Datum	   *result;

	if (k < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k of mmr must not be negative")));
	if (!(lambda >= 0 && lambda <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lambda of mmr must be between 0 and 1"),
				 errdetail("1 orders by relevance alone, 0 by difference from what was taken.")));
	candidates = get_candidates(array, query, &count);
	k = Min(k, count);
	result = palloc_extended(sizeof(Datum) * Max(k, 1), MCXT_ALLOC_HUGE);
	for (int n = 0; n < k; n++)
	{
		int			best = best_candidate(candidates, count, lambda, n == 0);

		CHECK_FOR_INTERRUPTS();
		take_candidate(candidates, count, best);
		result[n] = Int32GetDatum(first + best);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(result, k, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
