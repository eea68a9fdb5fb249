/*
 * recall.c - vector_recall: the share of the nearest rows that an index finds
 *
 * The queries are vectors of the table itself, those that a statement gives, or samples of those
 * that sessions have searched for.  One that is a row's own vector leaves that row out of both
 * answers, so that no query is its own answer.  Each is answered twice in the caller's snapshot and
 * with the caller's privileges: without an index of vectors, and by the index.  A row counts as
 * found if it is no farther than the last of the k nearest: of rows that are equally far any will
 * do.
 */
#include "pg_compat.h"

#include <math.h>

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "am/effort.h"
#include "am/method.h"
#include "counters/counters.h"
#include "order.h"
#include "recall/measure.h"
#include "recall/recall.h"

/* The arguments, in their order. */
enum
{
	ARG_INDEX, ARG_K, ARG_SAMPLES, ARG_FILTER, ARG_EFFORTS, ARG_QUERIES
};

/* The columns of a result. */
enum
{
	COLUMN_EFFORT, COLUMN_RECALL, COLUMN_LOW, COLUMN_HIGH, COLUMN_WORST, COLUMN_INDEX_MS,
	COLUMN_EXACT_MS, COLUMN_QUERIES, COLUMN_SOURCE, COLUMNS
};

/* Both limits of the 95 % interval, in standard errors. */
#define DEVIATIONS		1.96

/*
 * If nothing was missed in n trials, then with 95 % confidence no more than 3 / n is ("rule of
 * three"; Jovanovic and Levy, The American Statistician 51(2), 1997).
 */
#define RULE_OF_THREE	3.0

static Datum
rounded(double number, double digits)
{
	return Float8GetDatum(rint(number * digits) / digits);
}

/* Sets the columns of a result from the recall of each query. */
static void
summarize(const Measure *measure, double *recalls, int n, Datum *values, bool *nulls)
{
	double		sum = 0;
	double		squares = 0;
	double		mean;
	double		error;

	values[COLUMN_QUERIES] = Int32GetDatum(n);
	if (n == 0)
	{
		nulls[COLUMN_RECALL] = nulls[COLUMN_LOW] = nulls[COLUMN_HIGH] = nulls[COLUMN_WORST] =
			nulls[COLUMN_INDEX_MS] = nulls[COLUMN_EXACT_MS] = true;
		return;
	}
	for (int i = 0; i < n; i++)
		sum += recalls[i];
	mean = sum / n;
	for (int i = 0; i < n; i++)
		squares += (recalls[i] - mean) * (recalls[i] - mean);
	error = Max(DEVIATIONS * sqrt(squares / Max(n - 1, 1) / n), RULE_OF_THREE / n / measure->k);
	qsort(recalls, n, sizeof(double), order_doubles);
	values[COLUMN_RECALL] = rounded(mean, 1e6);
	values[COLUMN_LOW] = rounded(Max(mean - error, 0), 1e6);
	values[COLUMN_HIGH] = rounded(Min(mean + error, 1), 1e6);
	values[COLUMN_WORST] = rounded(recalls[(n - 1) / 20], 1e6);
}

/* Searches by the index, and adds a row to the result. */
static void
measure_effort(Measure *measure, const char *sql, Tuplestorestate *result, TupleDesc desc)
{
	const char *setting = target_recall > 0 ? "vector.target_recall" : measure->setting;
	SPIPlanPtr	plan = measure_prepare(measure, sql);
	double	   *recalls = palloc(sizeof(double) * Max(measure->count, 1));
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {0};
	double		ms = 0;
	int			n = 0;

	if (plan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no search can use index \"%s\"", RelationGetRelationName(measure->index)),
				 errdetail("The statement is: %s", sql)));
	for (int i = 0; i < measure->count; i++)
	{
		const Sample *query = &measure->queries[i];
		int			within;
		int			rows;
		double		last;

		CHECK_FOR_INTERRUPTS();
		/* the first search opens the index, which is not counted */
		if (i == 0)
			(void) measure_answer(measure, plan, query, &within, &last, &rows);
		ms += measure_answer(measure, plan, query, &within, &last, &rows);
		if (query->nearest > 0)
			recalls[n++] = sample_recall(query, within);
	}
	SPI_freeplan(plan);
	values[COLUMN_INDEX_MS] = rounded(ms / Max(measure->count, 1), 1e3);
	values[COLUMN_EXACT_MS] = rounded(measure->exact_ms, 1e3);
	summarize(measure, recalls, n, values, nulls);
	if (measure->notes && n > 0)
		counters_set_recall(RelationGetRelid(measure->index), DatumGetFloat8(values[COLUMN_RECALL]),
							measure->k);
	values[COLUMN_SOURCE] = CStringGetTextDatum(sample_sources[measure->source]);
	values[COLUMN_EFFORT] = CStringGetTextDatum(
		psprintf("%s = %s", setting, GetConfigOption(setting, false, false)));
	tuplestore_putvalues(result, desc, values, nulls);
	pfree(recalls);
}

/* Measures by the present setting, or by each of those that are given. */
static void
measure_efforts(Measure *measure, ArrayType *efforts, Tuplestorestate *result, TupleDesc desc)
{
	char	   *sql = measure_search_text(measure);
	Datum	   *items = NULL;
	int			count = 1;
	int			level = NewGUCNestLevel();

	/* settings are tried as they are */
	if (efforts)
	{
		measure_set_option("vector.target_recall", "0");
		deconstruct_array(efforts, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
						  &items, NULL, &count);
	}
	measure_truth(measure);
	for (int i = 0; i < count; i++)
	{
		if (efforts)
			measure_set_option(measure->setting, psprintf("%g", DatumGetFloat8(items[i])));
		measure_effort(measure, sql, result, desc);
	}
	AtEOXact_GUC(true, level);
}

static int
get_count(FunctionCallInfo fcinfo, int argument, const char *name, int most)
{
	int			count = PG_ARGISNULL(argument) ? 0 : PG_GETARG_INT32(argument);

	if (count < 1 || count > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d", name, most)));
	return count;
}

static const char *
get_text(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

Relation
recall_open_index(Oid oid)
{
	Relation	index = relation_open(oid, AccessShareLock);
	bool		divided = index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX;
	const VectorAm *am = divided ? NULL : vector_am_of(index);

	if (am == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index of vectors", RelationGetRelationName(index)),
				 divided ? errdetail("It is divided into the indexes of partitions.") : 0));
	if (am->effort == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("searches of index \"%s\" are not by a vector",
						RelationGetRelationName(index)),
				 errdetail("Access method \"%s\" finds exactly the rows with the best scores: "
						   "there is no recall to measure, and queries are not sampled.",
						   get_am_name(index->rd_rel->relam))));
	return index;
}

void
recall_init(void)
{
	measure_init();
	effort_measure = recall_measure_curves;
}

/* vector_recall(index, k, samples, filter, efforts, queries) */
PG_FUNCTION_INFO_V1(vector_recall);
Datum
vector_recall(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Measure		measure;

	if (PG_ARGISNULL(ARG_INDEX))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("index must not be null")));
	measure = measure_of(recall_open_index(PG_GETARG_OID(ARG_INDEX)));
	measure.k = get_count(fcinfo, ARG_K, "k", 10000);
	measure.wanted = get_count(fcinfo, ARG_SAMPLES, "samples", 100000);
	measure.filter = get_text(fcinfo, ARG_FILTER);
	measure.given = get_text(fcinfo, ARG_QUERIES);
	if (measure.given)
		measure.source = strcmp(measure.given, sample_sources[SOURCE_SAMPLES]) == 0 ?
			SOURCE_SAMPLES : SOURCE_STATEMENT;
	measure.notes = measure.filter == NULL && PG_ARGISNULL(ARG_EFFORTS);

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	measure_draw(&measure);
	PG_TRY();
	{
		measure_begin();
		measure_efforts(&measure, PG_ARGISNULL(ARG_EFFORTS) ? NULL :
						PG_GETARG_ARRAYTYPE_P(ARG_EFFORTS), result->setResult, result->setDesc);
	}
	PG_FINALLY();
	{
		measure_end();
	}
	PG_END_TRY();
	SPI_finish();
	relation_close(measure.index, AccessShareLock);
	PG_RETURN_NULL();
}
