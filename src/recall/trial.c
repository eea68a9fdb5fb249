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

#define TRIAL_INDEX		"vector_advise_index"
#define GROWTH			1.5
#define REPETITIONS		3

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

/* Sets the effort of searches, and what goes with it. */
static void
set_effort(const Measure *measure, const Candidate *candidate, int effort)
{
	measure_set_option(measure->setting, psprintf("%d", effort));
	if (candidate->second)
		measure_set_option(candidate->second,
						   psprintf("%d", advise_second_effort(candidate, effort)));
}

/* Searches for all queries; sums up what they cost. */
static void
search(const Measure *measure, SPIPlanPtr plan, Figures *figures)
{
	double		begun = cpu_seconds();
	double		found = 0;
	double		blocks = 0;
	int			counted = 0;

	for (int i = 0; i < measure->count; i++)
	{
		const Sample *query = &measure->queries[i];
		int			within;
		int			rows;
		double		last;

		CHECK_FOR_INTERRUPTS();
		(void) measure_answer(measure, plan, query, &within, &last, &rows);
		blocks += (double) (last_scan.blocks_hit + last_scan.blocks_read);
		if (query->nearest == 0)
			continue;
		found += sample_recall(query, within);
		counted++;
	}
	figures->ms = (cpu_seconds() - begun) * 1000 / Max(measure->count, 1);
	figures->blocks = blocks / Max(measure->count, 1);
	figures->recall = counted > 0 ? found / counted : 1;
}

/* Finds the least effort whose searches have the recall, and what they cost with it. */
static void
find_effort(const Question *question, const Candidate *candidate, const Measure *measure,
			SPIPlanPtr plan, Figures *figures)
{
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
		search(measure, plan, figures);
		point->recall = (float) figures->recall;
		if (figures->recall >= question->recall || effort >= most ||
			curve->count == CURVE_MAX_POINTS)
			break;
		effort = Max(rint(effort * GROWTH), effort + 1);
	}
	figures->reaches = figures->recall >= question->recall;
	figures->effort = curves_effort(&curves, measure->k, question->recall);
	/* what lies between two efforts is a guess: not less than what was asked for */
	for (;;)
	{
		set_effort(measure, candidate, (int) ceil(figures->effort));
		search(measure, plan, figures);
		if (!figures->reaches || figures->recall >= question->recall ||
			figures->effort >= curve->points[curve->count - 1].effort)
			break;
		figures->effort = Max(figures->effort * 1.1, floor(figures->effort) + 1);
	}
}

/* Answers the queries exactly, once for all indexes of a sample. */
static void
answer_exactly(Measure *measure, SampleTable *sample)
{
	if (sample->queries == NULL)
	{
		double		begun;

		measure_draw(measure);
		if (measure->count == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("queries have no vector"),
					 errdetail("Searches are measured by them.")));
		begun = cpu_seconds();
		measure_truth(measure);
		sample->exact_ms = (cpu_seconds() - begun) * 1000 / Max(measure->count, 1);
		sample->queries = measure->queries;
		sample->count = measure->count;
	}
	measure->queries = sample->queries;
	measure->count = sample->count;
}

/* Measures the searches of an index. */
static void
measure_searches(const Question *question, const Candidate *candidate, SampleTable *sample,
				 Relation index, Figures *figures)
{
	Measure		measure = measure_of(index);
	char	   *sql;
	SPIPlanPtr	plan;

	measure.k = question->k;
	measure.given = question->queries ? question->queries : "SELECT v FROM pg_temp." QUERIES_TABLE;
	measure.wanted = MOST_QUERIES;
	sql = measure_search_text(&measure);
	answer_exactly(&measure, sample);
	plan = measure_prepare(&measure, sql);
	if (plan == NULL)
		elog(ERROR, "no search can use an index \"%s\"", candidate->method);
	/* the first searches bring the index into memory */
	search(&measure, plan, figures);
	figures->reaches = figures->recall >= question->recall;
	if (vector_am_of(index)->effort_range)
		find_effort(question, candidate, &measure, plan, figures);
	/* of several times the shortest is the one that other work disturbed least */
	for (int i = 0; i < REPETITIONS; i++)
	{
		double		before = figures->ms;

		search(&measure, plan, figures);
		if (i > 0)
			figures->ms = Min(figures->ms, before);
	}
	SPI_freeplan(plan);
}

Figures
advise_measure(const Question *question, const Candidate *candidate, SampleTable *sample)
{
	Figures		figures = {0};
	double		begun = cpu_seconds();
	Relation	index;

	advise_run(advise_statement(candidate, psprintf("CREATE INDEX " TRIAL_INDEX
													" ON pg_temp.%s", sample->name),
								"v", sample->rows), SPI_OK_UTILITY);
	index = relation_open(RangeVarGetRelid(makeRangeVar("pg_temp", TRIAL_INDEX, -1), NoLock,
										   false), AccessShareLock);
	figures.bytes = (double) RelationGetNumberOfBlocks(index) * BLCKSZ;
	figures.build_s = cpu_seconds() - begun + (question->logged ? figures.bytes * WAL_SECONDS : 0);
	/* statements that only read see rows that came into being before their snapshot */
	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	measure_searches(question, candidate, sample, index, &figures);
	PopActiveSnapshot();
	relation_close(index, AccessShareLock);
	advise_run("DROP INDEX pg_temp." TRIAL_INDEX, SPI_OK_UTILITY);
	ereport(DEBUG1,
			(errmsg_internal("%s (%s) on %.0f rows: %.0f bytes, built in %.3f s, effort %.1f, "
							 "recall %.4f, %.4f ms, %.0f blocks", candidate->method,
							 advise_options(candidate, sample->rows), sample->rows, figures.bytes,
							 figures.build_s, figures.effort, figures.recall, figures.ms,
							 figures.blocks)));
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
