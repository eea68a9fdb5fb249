/*
 * explain_query.c - vector_explain: EXPLAIN of a statement, and what its searches did
 *
 * Before PostgreSQL 18 an extension cannot add to what EXPLAIN shows of a plan's node.  So what the
 * searches did that have ended meanwhile is shown after the plan, by index.
 */
#include "am/scan.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/plancache.h"
#include "utils/tuplestore.h"

#include "am/observe.h"

static void
put_line(ReturnSetInfo *result, const char *line)
{
	Datum		value = CStringGetTextDatum(line);
	bool		isnull = false;

	tuplestore_putvalues(result->setResult, result->setDesc, &value, &isnull);
}

/* Prepares EXPLAIN of one statement: the text may not hide another after it. */
static SPIPlanPtr
prepare(const char *query, const char *options)
{
	SPIPlanPtr	plan = SPI_prepare(psprintf("EXPLAIN (%s) %s", options, query), 0, NULL);
	List	   *sources;

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	sources = SPI_plan_get_plan_sources(plan);
	if (list_length(sources) != 1 ||
		!IsA(((CachedPlanSource *) linitial(sources))->raw_parse_tree->stmt, ExplainStmt))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("query must be one statement that EXPLAIN takes")));
	return plan;
}

static void
put_plan(ReturnSetInfo *result, SPIPlanPtr plan)
{
	if (SPI_execute_plan(plan, NULL, NULL, false, 0) != SPI_OK_UTILITY || SPI_tuptable == NULL)
		elog(ERROR, "EXPLAIN gave no plan");
	if (SPI_gettypeid(SPI_tuptable->tupdesc, 1) != TEXTOID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the format must be text")));
	for (uint64 i = 0; i < SPI_processed; i++)
		put_line(result, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
}

static void
put_searches(ReturnSetInfo *result, const ObservedIndex *observed)
{
	const ScanStatistics *statistics = &observed->statistics;
	StatisticsLines lines = statistics_lines(statistics);
	ListCell   *cell;

	put_line(result, psprintf(
		"Searches of %s: " UINT64_FORMAT "  Rounds: " UINT64_FORMAT "  Fallbacks: " UINT64_FORMAT,
		DatumGetCString(DirectFunctionCall1(regclassout, ObjectIdGetDatum(observed->index))),
		observed->searches, statistics->search_rounds, statistics->among));
	for (int i = 0; i < lines.count; i++)
		put_line(result, psprintf("  %s", lines.lines[i]));
	put_line(result, psprintf("  Blocks Hit: " UINT64_FORMAT "  Blocks Read: " UINT64_FORMAT,
							  statistics->blocks_hit, statistics->blocks_read));
	foreach(cell, observed->efforts)
		put_line(result, psprintf("  Effort: %s", (char *) lfirst(cell)));
	foreach(cell, observed->participants)
		put_line(result, psprintf("  %s", participant_line(lfirst(cell))));
}

/* vector_explain(query, options): lines of text */
PG_FUNCTION_INFO_V1(vector_explain);
Datum
vector_explain(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ScanObserver observer = {.context = CurrentMemoryContext};
	ScanObserver *outer = scan_observer;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	scan_observer = &observer;
	PG_TRY();
	{
		put_plan(result, prepare(text_to_cstring(PG_GETARG_TEXT_PP(0)),
								 text_to_cstring(PG_GETARG_TEXT_PP(1))));
	}
	PG_FINALLY();
	{
		scan_observer = outer;
	}
	PG_END_TRY();
	SPI_finish();
	foreach(cell, observer.indexes)
		put_searches(result, lfirst(cell));
	return (Datum) 0;
}
