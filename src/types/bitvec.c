/*
 * bitvec.c - distances of binary vectors, PostgreSQL's type bit
 */
#include "pg_compat.h"

#include "utils/varbit.h"

#include "distance/distance.h"
#include "types/detoast.h"

static void
bit_check_dims(const VarBit *a, const VarBit *b)
{
	if (unlikely(VARBITLEN(a) != VARBITLEN(b)))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different bit lengths %u and %u", VARBITLEN(a), VARBITLEN(b))));
}

PG_FUNCTION_INFO_V1(hamming_distance);
Datum
hamming_distance(PG_FUNCTION_ARGS)
{
	const VarBit *a = vector_detoast(PG_GETARG_DATUM(0));
	const VarBit *b = vector_detoast(PG_GETARG_DATUM(1));

	bit_check_dims(a, b);
	PG_RETURN_FLOAT8(
		(double) distance_kernels->bit_hamming(VARBITS(a), VARBITS(b), VARBITBYTES(a)));
}

/* 1 - |a & b| / |a | b|; 1 if the two have no bit in common. */
PG_FUNCTION_INFO_V1(jaccard_distance);
Datum
jaccard_distance(PG_FUNCTION_ARGS)
{
	const VarBit *a = vector_detoast(PG_GETARG_DATUM(0));
	const VarBit *b = vector_detoast(PG_GETARG_DATUM(1));
	BitParts	parts;

	bit_check_dims(a, b);
	parts = distance_kernels->bit_jaccard(VARBITS(a), VARBITS(b), VARBITBYTES(a));
	if (parts.both == 0)
		PG_RETURN_FLOAT8(1.0);
	PG_RETURN_FLOAT8(1.0 - (double) parts.both / (double) (parts.a + parts.b - parts.both));
}
