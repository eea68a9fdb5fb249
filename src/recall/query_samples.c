/*
 * query_samples.c - SQL functions for samples of the queries that sessions have searched for
 *
 * What users have searched for is not for those who may merely read the table, nor for those who
 * monitor the server.
 */
#include "pg_compat.h"

#include "access/relation.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "am/owner.h"
#include "am/sample_query.h"
#include "recall/recall.h"

/* The samples of an index's queries: query, seen_at, k. */
PG_FUNCTION_INFO_V1(vector_query_samples);
Datum
vector_query_samples(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	index = recall_open_index(PG_GETARG_OID(0));
	SampledQuery *samples;
	Oid			output;
	bool		varlena;
	int			count;

	owner_require(index);
	InitMaterializedSRF(fcinfo, 0);
	getTypeOutputInfo(index->rd_opcintype[0], &output, &varlena);
	count = samples_read(sampled_index(index), &samples);
	for (int i = 0; i < count; i++)
	{
		const SampledQuery *sample = &samples[i];
		Datum		values[] = {
			CStringGetTextDatum(OidOutputFunctionCall(output, PointerGetDatum(sample->value))),
			TimestampTzGetDatum(sample->when), Int32GetDatum(sample->k)
		};
		bool		nulls[] = {false, false, sample->k == 0};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	relation_close(index, AccessShareLock);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(vector_query_samples_reset);
Datum
vector_query_samples_reset(PG_FUNCTION_ARGS)
{
	Relation	index = recall_open_index(PG_GETARG_OID(0));

	owner_require(index);
	samples_reset(RelationGetRelid(index));
	relation_close(index, AccessShareLock);
	PG_RETURN_VOID();
}
