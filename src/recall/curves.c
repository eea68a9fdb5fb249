/*
 * curves.c - measures what recall the searches of an index have, by how far they go
 *
 * ANALYZE calls it, as the owner of the table and in a restricted context; nothing here asks for
 * more.  For each number of wanted rows, sampled queries are searched for with efforts that grow by
 * a factor, until nearly all rows are found.
 *
 * A row is found more easily than a query of its kind: the graph was built to lead to it, and it is
 * at the centre of its own list.  So the vectors of rows are shifted, by a part of the distance to
 * their nearest neighbour, and in the direction from one random row to another: thus they stay as
 * the data are.
 */
#include "pg_compat.h"

#include <math.h>

#include "access/relation.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/tuplestore.h"

#include "am/effort.h"
#include "am/index.h"
#include "am/method.h"
#include "recall/measure.h"
#include "recall/recall.h"
#include "segment/curves.h"
#include "segment/extent.h"
#include "segment/wait_point.h"

/*
 * Searches for more rows have more chances to miss one, so fewer queries are as certain.  A single
 * row has no curve of its own, but that of ten: the nearest row of a shifted vector is mostly the
 * one that was shifted, which is found too easily.
 */
static const struct
{
	int			wanted;
	int			queries;
}			measured[CURVES_MAX] = {{10, 300}, {100, 60}, {1000, 20}};

#define QUERIES			300

/* An index with fewer rows for each of those wanted has no curve for so many. */
#define LEAST_ROWS		4

#define GROWTH			1.5
#define NEARLY_ALL		0.9995

/* The part of the distance to the nearest neighbour by which the vector of a row is shifted. */
#define SHIFT			0.7

/* The mean share of the nearest rows that searches of an effort find. */
static double
mean_recall(const Measure *measure, SPIPlanPtr plan, int effort)
{
	double		sum = 0;
	int			n = 0;

	effort_measured = effort;
	for (int i = 0; i < measure->count; i++)
	{
		const Sample *query = &measure->queries[i];
		int			within;
		int			rows;
		double		last;

		CHECK_FOR_OTHERS();
		WAIT_POINT("curve");
		if (query->nearest == 0)
			continue;
		(void) measure_answer(measure, plan, query, &within, &last, &rows);
		sum += (double) Min(within, query->nearest) / query->nearest;
		n++;
	}
	effort_measured = 0;
	return n > 0 ? sum / n : 1;
}

/* Whether vectors can be added, and a distance between two of them means as much everywhere. */
static bool
can_shift(const Space *space)
{
	return (space->element == SPACE_F32 || space->element == SPACE_F16 ||
			space->element == SPACE_BF16) && space->metric != SPACE_IP;
}

/* Draws the queries; of rows that cannot be shifted their own vectors, which answers leave out. */
static void
draw(Measure *measure)
{
	bool		shifted = can_shift(cache_space(cache_index(measure->index)));

	measure->wanted = shifted ? 3 * QUERIES : QUERIES;
	measure_draw(measure);
	if (shifted)
		measure_shift(measure, SHIFT);
}

/* Measures the recall of a number of rows; false if searches do not use the index. */
static bool
measure_curve(Measure *measure, RecallCurve *curve)
{
	SPIPlanPtr	plan = measure_prepare(measure, measure_search_text(measure));
	int			least;
	int			most;
	double		effort;

	if (plan == NULL)
		return false;
	vector_am_of(measure->index)->effort_range(measure->index, &least, &most);
	effort = least;
	for (;;)
	{
		CurvePoint *point = &curve->points[curve->count++];

		point->effort = (float) Min(effort, most);
		point->recall = (float) mean_recall(measure, plan, (int) point->effort);
		if (point->recall >= NEARLY_ALL || effort >= most || curve->count == CURVE_MAX_POINTS)
			break;
		effort = Max(rint(effort * GROWTH), effort + 1);
	}
	SPI_freeplan(plan);
	return true;
}

/*
 * The distances of the nearest rows of each query, for as many as measure->k; the number of rows of
 * each is its `nearest`.
 */
static double **
find_distances(Measure *measure)
{
	SPIPlanPtr	plan = measure_prepare_exact(measure, measure_search_text(measure));
	double	  **distances = palloc(sizeof(double *) * Max(measure->count, 1));

	for (int i = 0; i < measure->count; i++)
	{
		Sample	   *query = &measure->queries[i];
		int			within;

		CHECK_FOR_OTHERS();
		distances[i] = measure->distances = palloc(sizeof(double) * measure->k);
		(void) measure_answer(measure, plan, query, &within, &query->reach, &query->nearest);
	}
	measure->distances = NULL;
	SPI_freeplan(plan);
	return distances;
}

/* Measures all curves, as far as the index has rows for them. */
static void
measure_all(Relation index, RecallCurves *curves)
{
	Measure		measure = measure_of(index);
	int			count = 1;
	int		   *nearest;
	double	  **distances;

	while (count < CURVES_MAX && curves->rows >= (double) LEAST_ROWS * measured[count].wanted)
		count++;
	draw(&measure);
	measure.k = measured[count - 1].wanted;
	distances = find_distances(&measure);
	nearest = palloc(sizeof(int) * Max(measure.count, 1));
	for (int i = 0; i < measure.count; i++)
		nearest[i] = measure.queries[i].nearest;
	for (int n = 0; n < count && measure.count > 0; n++)
	{
		RecallCurve *curve = &curves->curves[n];

		measure.k = measured[n].wanted;
		measure.count = Min(measure.count, measured[n].queries);
		for (int i = 0; i < measure.count; i++)
		{
			Sample	   *query = &measure.queries[i];

			query->nearest = Min(nearest[i], measure.k);
			if (query->nearest > 0)
				query->reach = distances[i][query->nearest - 1];
		}
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
		curves_write(index, &curves);
}

/* One row for each point of the curves of an index: k, effort, recall, queries, table_rows. */
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
				Int32GetDatum(curve->queries), Int64GetDatum((int64) curves->rows)
			};
			bool		nulls[lengthof(values)] = {false};

			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	relation_close(index, AccessShareLock);
	return (Datum) 0;
}
