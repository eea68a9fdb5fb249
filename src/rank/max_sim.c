/*
 * max_sim.c - late interaction of two sets of vectors (Khattab and Zaharia, SIGIR 2020, equation 3)
 *
 * A document and a query have a vector for each of their tokens.  The score is the sum, over the
 * query's tokens, of the greatest inner product with a token of the document.
 */
#include "pg_compat.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/float.h"

#include "distance/distance.h"
#include "types/dense.h"
#include "types/detoast.h"

/* So many tokens of a query are compared with one of a document at a time. */
#define BATCH	64

typedef struct Tokens
{
	int			count;
	const Dense **vectors;
	const void **elements;		/* of each vector */
} Tokens;

/* Raises each token's greatest product to that with one more token of the document. */
typedef void (*GreatestProducts) (const Tokens *query, const Dense *token, double *greatest);

typedef struct TokenType
{
	const DenseType *dense;
	GreatestProducts greatest_products;
} TokenType;

/* NaN, which is the product of elements too large, counts as the greatest, as in ORDER BY. */
#define GREATEST_PRODUCTS(symbol, Element, Product, kernel) \
static void \
symbol(const Tokens *query, const Dense *token, double *greatest) \
{ \
	Product		products[BATCH]; \
\
	for (int start = 0; start < query->count; start += BATCH) \
	{ \
		int			count = Min(query->count - start, BATCH); \
\
		distance_kernels->kernel((const Element *) token->x, \
								 (const Element *const *) query->elements + start, \
								 (size_t) count, (size_t) token->dim, products); \
		for (int i = 0; i < count; i++) \
			if (float8_gt((float8) products[i], greatest[start + i])) \
				greatest[start + i] = (double) products[i]; \
	} \
}

GREATEST_PRODUCTS(f32_greatest, float, float, f32_dot_many)
GREATEST_PRODUCTS(f16_greatest, uint16_t, float, f16_dot_many)
GREATEST_PRODUCTS(bf16_greatest, uint16_t, float, bf16_dot_many)
GREATEST_PRODUCTS(i8_greatest, int8_t, int32_t, i8_dot_many)

static const TokenType vector_tokens = {&VectorType, f32_greatest};
static const TokenType halfvec_tokens = {&HalfvecType, f16_greatest};
static const TokenType bf16vec_tokens = {&Bf16vecType, bf16_greatest};
static const TokenType int8vec_tokens = {&Int8vecType, i8_greatest};

/* The tokens of an array, `what` in messages. */
static Tokens
get_tokens(ArrayType *array, const char *what)
{
	Tokens		tokens;
	Datum	   *values;
	bool	   *nulls;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the vectors of a %s must be a one-dimensional array", what)));
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &values, &nulls,
					  &tokens.count);
	if (tokens.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a %s must have at least one vector", what),
				 errhint("Leave out arrays of no vectors by cardinality(...) > 0.")));
	tokens.vectors = palloc_extended(sizeof(Dense *) * tokens.count, MCXT_ALLOC_HUGE);
	tokens.elements = palloc_extended(sizeof(void *) * tokens.count, MCXT_ALLOC_HUGE);
	for (int i = 0; i < tokens.count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the vectors of a %s must not contain nulls", what)));
		tokens.vectors[i] = vector_detoast(values[i]);
		tokens.elements[i] = tokens.vectors[i]->x;
	}
	return tokens;
}

/* max_sim(document, query), for one type */
static double
max_sim(FunctionCallInfo fcinfo, const TokenType *type)
{
	Tokens		document = get_tokens(vector_detoast(PG_GETARG_DATUM(0)), "document");
	Tokens		query = get_tokens(vector_detoast(PG_GETARG_DATUM(1)), "query");
	double	   *greatest = palloc_extended(sizeof(double) * query.count, MCXT_ALLOC_HUGE);
	double		sum = 0;

	/* each vector has the number of dimensions of the first one on the other side */
	for (int i = 0; i < query.count; i++)
	{
		dense_check_dims(type->dense, document.vectors[0], query.vectors[i]);
		greatest[i] = -get_float8_infinity();
	}
	for (int i = 0; i < document.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		dense_check_dims(type->dense, document.vectors[i], query.vectors[0]);
		type->greatest_products(&query, document.vectors[i], greatest);
	}
	for (int i = 0; i < query.count; i++)
		sum += greatest[i];
	return sum;
}

/* The score of a type, and its negative, by which an ascending order has the best first. */
#define MAX_SIM_FUNCTIONS(symbol, negative_symbol, tokens) \
PG_FUNCTION_INFO_V1(symbol); \
Datum \
symbol(PG_FUNCTION_ARGS) \
{ \
	PG_RETURN_FLOAT8(max_sim(fcinfo, &tokens)); \
} \
PG_FUNCTION_INFO_V1(negative_symbol); \
Datum \
negative_symbol(PG_FUNCTION_ARGS) \
{ \
	PG_RETURN_FLOAT8(-max_sim(fcinfo, &tokens)); \
}

MAX_SIM_FUNCTIONS(vector_max_sim, vector_negative_max_sim, vector_tokens)
MAX_SIM_FUNCTIONS(halfvec_max_sim, halfvec_negative_max_sim, halfvec_tokens)
MAX_SIM_FUNCTIONS(bf16vec_max_sim, bf16vec_negative_max_sim, bf16vec_tokens)
MAX_SIM_FUNCTIONS(int8vec_max_sim, int8vec_negative_max_sim, int8vec_tokens)
