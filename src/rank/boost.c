/*
 * boost.c - a score times a factor, where a condition holds
 */
#include "pg_compat.h"

#include <math.h>

/* boost(score, condition, factor): a condition that is null does not hold. */
PG_FUNCTION_INFO_V1(vector_boost);
Datum
vector_boost(PG_FUNCTION_ARGS)
{
	double		factor;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	factor = PG_GETARG_FLOAT8(2);
	if (!(factor >= 0) || isinf(factor))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("factor of a boost must be at least 0 and finite"),
				 errdetail("A factor below 1 makes a score smaller.")));
	if (PG_ARGISNULL(1) || !PG_GETARG_BOOL(1))
		factor = 1;
	PG_RETURN_FLOAT8(PG_GETARG_FLOAT8(0) * factor);
}
