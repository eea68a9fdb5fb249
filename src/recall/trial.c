/*
 * trial.c - indexes on samples, and what they cost
 *
 * Times are those of the processor, so that other work on the machine changes them little.
 */
#include "pg_compat.h"

#include <math.h>
#include <time.h>

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_opclass.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "am/method.h"
#include "am/scan.h"
#include "hybrid/filter.h"
#include "recall/advise.h"
#include "segment/curves.h"

/* The next effort that is tried, until one has the recall; */
#define GROWTH			1.5

/* and that of the whole table, so many times, until it is expected to have it. */
#define STEP			1.15
#define MOST_STEPS		8

#define REPETITIONS		5

/* Queries that are compared with all rows, if these are joined and if not. */
#define MOST_TIMED		20
#define MOST_COMPARED	100

/* Exponents by which figures grow with rows, at least and at most: n, n log n, n sqrt(n). */
#define BUILD_LEAST		1.0
#define BUILD_MOST		1.5
#define SEARCH_MOST		0.75

/*
 * The seconds to write a byte of an index to the WAL, which builds of temporary indexes do not:
 * about a GB a second.
 */
#define WAL_SECONDS		1e-9

/* The seconds that the processor has spent on this process. */
static double
cpu_seconds(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0)
		elog(ERROR, "could not read the clock: %m");
	return (double) now.tv_sec + now.tv_nsec / 1e9;
}

/* A class of operators, as statements name it. */
static const char *
class_text(Oid opclass)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Form_pg_opclass row = (Form_pg_opclass) GETSTRUCT(tuple);
	const char *name = quote_identifier(pstrdup(NameStr(row->opcname)));
	Oid			schema = row->opcnamespace;

	ReleaseSysCache(tuple);
	return OpclassIsVisible(opclass) ? name :
		quote_qualified_identifier(get_namespace_name(schema), name);
}

char *
advise_statement(const Candidate *candidate, const char *start, const char *expression,
				 double rows)
{
	const char *options = advise_options(candidate, rows);

	return psprintf("%s USING %s (%s %s)%s", start, candidate->method, expression,
					class_text(candidate->opclass),
					options[0] ? psprintf(" WITH (%s)", options) : "");
}

/* An index on a sample. */
typedef struct Trial
{
	SampleTable *sample;
	Measure		measure;		/* its searches */
	SPIPlanPtr	plan;
	double		bytes;
	double		build_s;
	double		effort;			/* with which they have the recall */

	/* of the last searches for all queries */
	double		recall;
	double		blocks;
	double		distances;
	double		ms;
} Trial;

/* A figure of both samples. */
#define SIZES(trials, of) \
	((TwoSizes) {{(trials)[0].sample->rows, (trials)[1].sample->rows}, \
				 {(trials)[0].of, (trials)[1].of}})

static const char *
trial_name(int number)
{
	return psprintf("vector_advise_index_%d", number);
}

/* Sets the effort of searches, and what goes with it. */
static void
set_effort(const Measure *measure, const Candidate *candidate, int effort)
{
	measure_set_option(measure->setting, psprintf("%d", effort));
	if (candidate->second)
		measure_set_option(candidate->second,
						   psprintf("%d", advise_second_effort(candidate, effort)));
}

/* The greatest value of a setting. */
static int
greatest_value(const char *setting)
{
	bool		isnull;

	advise_run(psprintf("SELECT CAST(max_val AS pg_catalog.int4) FROM pg_catalog.pg_settings "
						"WHERE name OPERATOR(pg_catalog.=) %s", quote_literal_cstr(setting)),
			   SPI_OK_SELECT);
	if (SPI_processed == 0)
		elog(ERROR, "there is no setting \"%s\"", setting);
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* Searches for all queries. */
static void
search(Trial *trial)
{
	const Measure *measure = &trial->measure;
	double		begun = cpu_seconds();
	double		found = 0;
	int			counted = 0;

	measure_show_index(measure);
	trial->blocks = trial->distances = 0;
	for (int i = 0; i < measure->count; i++)
	{
		const Sample *query = &measure->queries[i];
		int			within;
		int			rows;
		double		last;

		CHECK_FOR_INTERRUPTS();
		(void) measure_answer(measure, trial->plan, query, &within, &last, &rows);
		trial->blocks += (double) (last_scan.blocks_hit + last_scan.blocks_read);
		trial->distances += (double) last_scan.distances;
		if (query->nearest == 0)
			continue;
		found += sample_recall(query, within);
		counted++;
	}
	trial->ms = (cpu_seconds() - begun) * 1000 / Max(measure->count, 1);
	trial->blocks /= Max(measure->count, 1);
	trial->distances /= Max(measure->count, 1);
	trial->recall = counted > 0 ? found / counted : 1;
}

/* Finds the least effort whose searches have the recall; or the greatest effort. */
static void
find_effort(const Question *question, const Candidate *candidate, Trial *trial)
{
	const Measure *measure = &trial->measure;
	RecallCurves curves = {.rows = 1, .count = 1};
	RecallCurve *curve = &curves.curves[0];
	int			least;
	int			most;
	double		effort;

	vector_am_of(measure->index)->effort_range(measure->index, &least, &most);
	curve->wanted = (uint32) measure->k;
	curve->queries = (uint32) Max(measure->count, 1);
	effort = least;
	for (;;)
	{
		CurvePoint *point = &curve->points[curve->count++];

		point->effort = (float) Min(effort, most);
		set_effort(measure, candidate, (int) point->effort);
		search(trial);
		point->recall = (float) trial->recall;
		if (trial->recall >= question->recall || effort >= most ||
			curve->count == CURVE_MAX_POINTS)
			break;
		effort = Max(rint(effort * GROWTH), effort + 1);
	}
	trial->effort = curves_effort(&curves, measure->k, question->recall);
}

/*
 * Finds the effort with which searches of the whole table are expected to have the recall, and has
 * both samples searched with it.
 */
static void
expect_effort(const Question *question, const Candidate *candidate, Trial *trials,
			  Figures *figures)
{
	double		most = greatest_value(candidate->setting);
	double		effort;

	for (int n = 0; n < SAMPLE_TABLES; n++)
		find_effort(question, candidate, &trials[n]);
	effort = model_power(SIZES(trials, effort), question->rows, 0, SEARCH_MOST);
	for (int step = 0;; step++)
	{
		figures->effort = Min(ceil(effort), most);
		set_effort(&trials[0].measure, candidate, (int) figures->effort);
		for (int n = 0; n < SAMPLE_TABLES; n++)
			search(&trials[n]);
		figures->recall = model_recall(SIZES(trials, recall), question->rows);
		/* a recall that codes do not let searches have is not reached by any effort */
		if (figures->recall >= question->recall || effort >= most || step == MOST_STEPS)
			break;
		effort = Max(effort * STEP, figures->effort + 1);
	}
}

/* Answers the queries exactly, once for all indexes of a sample. */
static void
answer_exactly(Measure *measure, SampleTable *sample)
{
	if (sample->queries == NULL)
	{
		Measure		timed;
		double		begun;
		bool		joined;

		measure_draw(measure);
		if (measure->count == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("queries have no vector"),
					 errdetail("Searches are measured by them.")));
		joined = measure_join(measure);
		if (!joined)
			measure->count = Min(measure->count, MOST_COMPARED);
		timed = *measure;
		if (joined)
			timed.count = Min(timed.count, MOST_TIMED);
		begun = cpu_seconds();
		measure_truth(&timed);
		sample->exact_ms = (cpu_seconds() - begun) * 1000 / timed.count;
		sample->queries = measure->queries;
		sample->count = measure->count;
	}
	measure->queries = sample->queries;
	measure->count = sample->count;
}

/* Builds an index on a sample. */
static void
build_trial(const Question *question, const Candidate *candidate, Trial *trial, int number)
{
	double		begun = cpu_seconds();
	Relation	index;

	advise_run(advise_statement(candidate,
								psprintf("CREATE INDEX %s ON pg_temp.%s", trial_name(number),
										 trial->sample->name),
								"v", trial->sample->rows), SPI_OK_UTILITY);
	index = relation_open(RangeVarGetRelid(makeRangeVar("pg_temp", pstrdup(trial_name(number)),
														-1), NoLock, false), AccessShareLock);
	trial->measure = measure_of(index);
	trial->bytes = (double) RelationGetNumberOfBlocks(index) * BLCKSZ;
	trial->build_s = cpu_seconds() - begun;
	if (question->logged)
		trial->build_s += trial->bytes * WAL_SECONDS;
}

/* Prepares the searches of its index, which these bring into memory. */
static void
begin_searches(const Question *question, const Candidate *candidate, Trial *trial)
{
	Measure    *measure = &trial->measure;
	char	   *sql;

	measure->k = question->k;
	measure->source = SOURCE_STATEMENT;
	measure->given = question->queries ? question->queries : "SELECT v FROM pg_temp." QUERIES_TABLE;
	measure->wanted = MOST_QUERIES;
	sql = measure_search_text(measure);
	answer_exactly(measure, trial->sample);
	trial->plan = measure_prepare(measure, sql);
	if (trial->plan == NULL)
		elog(ERROR, "no search can use an index \"%s\"", candidate->method);
	search(trial);
}

/*
 * The milliseconds of a search of the whole table.  Both samples are searched in turn, so that what
 * disturbs one disturbs the other; of several times the least counts, as what disturbs searches,
 * such as other work that takes the processor's caches, only adds to them.
 */
static double
expect_ms(const Question *question, Trial *trials)
{
	double		least[SAMPLE_TABLES] = {INFINITY, INFINITY};

	for (int i = 0; i < REPETITIONS; i++)
		for (int n = 0; n < SAMPLE_TABLES; n++)
		{
			search(&trials[n]);
			least[n] = Min(least[n], trials[n].ms);
		}
	for (int n = 0; n < SAMPLE_TABLES; n++)
		trials[n].ms = least[n];
	return model_power(SIZES(trials, ms), question->rows, 0, SEARCH_MOST);
}

/* What the searches of an index on the whole table cost, from those of both samples. */
static void
expect_searches(const Question *question, const Candidate *candidate, Trial *trials,
				Figures *figures)
{
	for (int n = 0; n < SAMPLE_TABLES; n++)
		begin_searches(question, candidate, &trials[n]);
	if (candidate->setting)
		expect_effort(question, candidate, trials, figures);
	else
		figures->recall = model_recall(SIZES(trials, recall), question->rows);
	figures->reaches = figures->recall >= question->recall;
	figures->blocks = model_power(SIZES(trials, blocks), question->rows, 0, SEARCH_MOST);
	figures->ms = expect_ms(question, trials);
	for (int n = 0; n < SAMPLE_TABLES; n++)
	{
		SPI_freeplan(trials[n].plan);
		ereport(DEBUG1,
				(errmsg_internal("%s (%s) on %.0f rows: built in %.3f s, effort %.2f, with %.0f "
								 "recall %.4f, %.1f distances, %.1f blocks, %.4f ms",
								 candidate->method,
								 advise_options(candidate, trials[n].sample->rows),
								 trials[n].sample->rows, trials[n].build_s, trials[n].effort,
								 figures->effort,
								 trials[n].recall, trials[n].distances, trials[n].blocks,
								 trials[n].ms)));
	}
}

Figures
advise_expect(const Question *question, const Candidate *candidate, SampleTable *samples)
{
	Trial		trials[SAMPLE_TABLES] = {{.sample = &samples[0]}, {.sample = &samples[1]}};
	Figures		figures = {0};

	for (int n = 0; n < SAMPLE_TABLES; n++)
		build_trial(question, candidate, &trials[n], n);
	figures.bytes = model_linear(SIZES(trials, bytes), question->rows);
	figures.build_s = model_power(SIZES(trials, build_s), question->rows, BUILD_LEAST, BUILD_MOST);
	/* statements that only read see rows that came into being before their snapshot */
	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	expect_searches(question, candidate, trials, &figures);
	PopActiveSnapshot();
	for (int n = 0; n < SAMPLE_TABLES; n++)
	{
		relation_close(trials[n].measure.index, AccessShareLock);
		advise_run(psprintf("DROP INDEX pg_temp.%s", trial_name(n)), SPI_OK_UTILITY);
	}
	return figures;
}

double
advise_measure_exact(const Question *question, const SampleTable *sample)
{
	StringInfoData sql;
	double		begun = cpu_seconds();

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT pg_catalog.count(*) FROM pg_temp." QUERIES_TABLE " AS query, "
					 "LATERAL (SELECT FROM pg_temp.%s AS row ORDER BY row.v", sample->name);
	append_operator(&sql, question->operator);
	appendStringInfo(&sql, "query.v LIMIT %d) AS nearest", question->k);
	if (SPI_execute(sql.data, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed");
	return (cpu_seconds() - begun) * 1000 / sample->rows;
}
