/*
 * curves.c - measures what recall the searches of an index have, by how far they go
 *
 * ANALYZE calls it, as the owner of the table and in a restricted context; nothing here asks for
 * more.  For each number of wanted rows, sampled queries are searched for with efforts that grow by
 * a factor, until nearly all rows are found.
 *
 * The queries are samples of those that sessions have searched for, if there are enough.  Otherwise
 * they are rows, and searches go on without them (sealed_absent in segment/sealed.h), as a graph
 * was built to lead to a row and from it to what is near.
 */
#include "pg_compat.h"

#include <math.h>

#include "access/relation.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "am/effort.h"
#include "am/index.h"
#include "am/method.h"
#include "am/sample_query.h"
#include "recall/measure.h"
#include "recall/recall.h"
#include "segment/curves.h"
#include "segment/extent.h"
#include "segment/wait_point.h"

/*
 * Searches for more rows have more chances to miss one, so fewer queries are as certain.  For a
 * single row there is but one chance, which some of the queries miss.
 */
static const struct
{
	int			wanted;
	int			queries;
}			measured[CURVES_MAX] = {{1, 1000}, {10, 600}, {100, 150}, {1000, 30}};

#define QUERIES			1000

/* An index with fewer rows for each of those wanted has no curve for so many. */
#define LEAST_ROWS		4

#define GROWTH			1.5
#define NEARLY_ALL		0.9995

/*
 * Where recall is taken to be less than it was measured, it is for one row by so many times as
 * much: a row and the one most like it are in one list more often than other queries and theirs.
 */
#define ONE_ROW_CAUTION	4

/* A query whose rows have all been found by so many efforts in a row is not searched for again. */
#define SETTLED			2

/*
 * The mean share of the nearest rows that searches of an effort find, and its standard error.  For
 * each query, `found` is the number of lesser efforts, up to the last, that have found all.
 */
static double
mean_recall(const Measure *measure, SPIPlanPtr plan, int effort, int *found, double *error)
{
	double		sum = 0;
	double		squares = 0;
	double		mean;
	int			n = 0;

	effort_measured = effort;
	for (int i = 0; i < measure->count; i++)
	{
		const Sample *query = &measure->queries[i];
		int			within = query->nearest;
		int			rows;
		double		last;

		CHECK_FOR_OTHERS();
		WAIT_POINT("curve");
		if (query->nearest == 0)
			continue;
		if (found[i] < SETTLED)
			(void) measure_answer(measure, plan, query, &within, &last, &rows);
		found[i] = within >= query->nearest ? found[i] + 1 : 0;
		sum += sample_recall(query, within);
		squares += pow(sample_recall(query, within), 2);
		n++;
	}
	effort_measured = 0;
	mean = n > 0 ? sum / n : 1;
	*error = n > 1 ? sqrt(Max(squares / n - mean * mean, 0) / (n - 1)) : 0;
	return mean;
}

/* Measures the recall of a number of rows; false if searches do not use the index. */
static bool
measure_curve(Measure *measure, RecallCurve *curve)
{
	SPIPlanPtr	plan = measure_prepare(measure, measure_search_text(measure));
	const VectorAm *am = vector_am_of(measure->index);
	double		caution = am->effort_caution * (measure->k == 1 ? ONE_ROW_CAUTION : 1);
	int			least;
	int			most;
	double		effort;
	double		recall;
	double		error;
	int		   *found;

	if (plan == NULL)
		return false;
	found = palloc0(sizeof(int) * measure->count);
	am->effort_range(measure->index, &least, &most);
	effort = least;
	for (;;)
	{
		CurvePoint *point = &curve->points[curve->count++];

		point->effort = (float) Min(effort, most);
		recall = mean_recall(measure, plan, (int) point->effort, found, &error);
		point->recall = (float) Max(recall - caution * error, 0);
		if (recall >= NEARLY_ALL || effort >= most || curve->count == CURVE_MAX_POINTS)
			break;
		effort = Max(rint(effort * GROWTH), effort + 1);
	}
	SPI_freeplan(plan);
	pfree(found);
	return true;
}

/* Measures all curves, as far as the index has rows for them. */
static void
measure_all(Relation index, RecallCurves *curves)
{
	Measure		measure = measure_of(index);

	measure.wanted = QUERIES;
	if (samples_count(sampled_index(index)) >= SAMPLES_ENOUGH)
		measure.source = SOURCE_SAMPLES;
	measure_draw(&measure);
	curves->sampled = measure.source == SOURCE_SAMPLES;
	for (int n = 0; n < CURVES_MAX && measure.count > 0; n++)
	{
		RecallCurve *curve = &curves->curves[n];

		measure.k = measured[n].wanted;
		measure.present = measure.k == 1 ? vector_am_of(index)->effort_present : 0;
		measure.count = Min(measure.count, measured[n].queries);
		if (n > 0 && curves->rows < (double) LEAST_ROWS * measure.k)
			break;
		if (!measure_join(&measure))
			measure_truth(&measure);
		curve->wanted = (uint32) measure.k;
		curve->queries = (uint32) measure.count;
		if (!measure_curve(&measure, curve))
			break;
		curves->count++;
	}
}

void
recall_measure_curves(Relation index)
{
	RecallCurves curves = {.rows = (double) index_count_live(index)};
	TimestampTz since = GetCurrentTimestamp();
	int			level = NewGUCNestLevel();

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PG_TRY();
	{
		measure_begin();
		measure_all(index, &curves);
	}
	PG_FINALLY();
	{
		effort_measured = 0;
		measure_end();
	}
	PG_END_TRY();
	SPI_finish();
	AtEOXact_GUC(true, level);
	if (curves.count > 0)
		curves_write(index, &curves, since);
}

/*
 * One row for each point of the curves of an index: k, effort, recall, queries, table_rows, source.
 */
PG_FUNCTION_INFO_V1(vector_recall_curves);
Datum
vector_recall_curves(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	index = recall_open_index(PG_GETARG_OID(0));
	const RecallCurves *curves;

	InitMaterializedSRF(fcinfo, 0);
	index_require_may_see(index);
	curves = curves_acquire(cache_index(index), index);
	for (uint32 i = 0; curves && i < curves->count; i++)
		for (uint32 n = 0; n < curves->curves[i].count; n++)
		{
			const RecallCurve *curve = &curves->curves[i];
			Datum		values[] = {
				Int32GetDatum(curve->wanted), Int32GetDatum((int32) curve->points[n].effort),
				Float8GetDatum(rint(curve->points[n].recall * 1e6) / 1e6),
				Int32GetDatum(curve->queries), Int64GetDatum((int64) curves->rows),
				CStringGetTextDatum(sample_sources[curves->sampled ? SOURCE_SAMPLES : SOURCE_ROWS])
			};
			bool		nulls[lengthof(values)] = {false};

			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	relation_close(index, AccessShareLock);
	return (Datum) 0;
}
