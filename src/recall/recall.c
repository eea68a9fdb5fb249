/*
 * recall.c - vector_recall: the share of the nearest rows that an index finds
 *
 * The queries are vectors of the table itself, or those that a statement gives.  One that is a
 * row's own vector leaves that row out of both answers, so that no query is its own answer.  Each
 * is answered twice in the caller's snapshot and with the caller's privileges: without an index of
 * vectors, and by the index.  A row counts as found if it is no farther than the last of the k
 * nearest: of rows that are equally far any will do.
 */
#include "pg_compat.h"

#include <math.h>

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/plancat.h"
#include "portability/instr_time.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "am/method.h"
#include "counters/counters.h"
#include "hybrid/filter.h"
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
	COLUMN_EXACT_MS, COLUMN_QUERIES, COLUMNS
};

/* A table with more rows than this is not read whole to draw queries from it. */
#define MOST_READ		100000
#define BLOCK_SAMPLES	10		/* rows read for each query, in blocks drawn at random */

/* Distances that differ by this part only by how they were rounded. */
#define ROUNDING		1e-6

/* Both limits of the 95 % interval, in standard errors. */
#define DEVIATIONS		1.96

/*
 * If nothing was missed in n trials, then with 95 % confidence no more than 3 / n is ("rule of
 * three"; Jovanovic and Levy, The American Statistician 51(2), 1997).
 */
#define RULE_OF_THREE	3.0

typedef struct Sample
{
	Datum		vector;
	ItemPointerData self;		/* the row whose vector it is; invalid: none */
	double		reach;			/* the distance of the last of the k nearest rows */
	int			nearest;		/* how many there are, at most k */
} Sample;

typedef struct Measure
{
	Relation	index;
	Oid			type;			/* of vectors */
	const char *setting;		/* how far searches go */
	int			k;
	int			wanted;			/* queries */
	const char *filter;
	bool		notes;			/* the result is kept as the index's recall */
	const char *given;			/* the statement that gives the queries, or NULL */
	Sample	   *queries;
	int			count;
	double		exact_ms;		/* for one query, on average */
} Measure;

/* The index of vectors that plans may use while `measuring`. */
static bool measuring;
static Oid	measured_index;
static get_relation_info_hook_type previous_hook;

/* While recall is measured, hides the indexes by distance from the planner, but for one. */
static void
hide_indexes(PlannerInfo *root, Oid table, bool inherits, RelOptInfo *rel)
{
	ListCell   *cell;

	if (previous_hook != NULL)
		previous_hook(root, table, inherits, rel);
	if (!measuring)
		return;
	foreach(cell, rel->indexlist)
	{
		const IndexOptInfo *index = lfirst(cell);

		if (index->amcanorderbyop && index->indexoid != measured_index)
			rel->indexlist = foreach_delete_current(rel->indexlist, cell);
	}
}

void
recall_init(void)
{
	previous_hook = get_relation_info_hook;
	get_relation_info_hook = hide_indexes;
}

static bool
uses_index(const Plan *plan, Oid index)
{
	ListCell   *cell;

	if (plan == NULL)
		return false;
	if (IsA(plan, IndexScan) && ((const IndexScan *) plan)->indexid == index)
		return true;
	if (IsA(plan, IndexOnlyScan) && ((const IndexOnlyScan *) plan)->indexid == index)
		return true;
	if (IsA(plan, SubqueryScan))
		return uses_index(((const SubqueryScan *) plan)->subplan, index);
	if (IsA(plan, CustomScan))
		foreach(cell, ((const CustomScan *) plan)->custom_plans)
			if (uses_index(lfirst(cell), index))
				return true;
	return uses_index(plan->lefttree, index) || uses_index(plan->righttree, index);
}

static void
set_option(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

/* The first column of the index, as an expression. */
static const char *
column_text(const Measure *measure)
{
	Datum		index = ObjectIdGetDatum(RelationGetRelid(measure->index));

	return TextDatumGetCString(DirectFunctionCall3(pg_get_indexdef_ext, index, Int32GetDatum(1),
												   BoolGetDatum(false)));
}

/* The rows of a partial index. */
static const char *
predicate_text(const Measure *measure)
{
	List	   *predicate = RelationGetIndexPredicate(measure->index);
	Oid			table = measure->index->rd_index->indrelid;

	if (predicate == NIL)
		return NULL;
	return deparse_expression((Node *) make_ands_explicit(predicate),
							  deparse_context_for(get_rel_name(table), table), false, false);
}

static const char *
table_text(const Measure *measure)
{
	Oid			table = measure->index->rd_index->indrelid;

	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
}

/* Prepares and keeps a statement whose parameter is a query; it is planned once. */
static SPIPlanPtr
prepare(const char *sql, int count, Oid type)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, count, &type,
										  CURSOR_OPT_GENERIC_PLAN | CURSOR_OPT_PARALLEL_OK);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/*
 * The search of a query: k rows, and one more in place of its own, if it is a row's.  Conditions
 * are the same in both answers, so the planner sees what it sees in the user's own statements.
 */
static char *
search_text(const Measure *measure)
{
	const char *column = column_text(measure);
	const char *predicate = predicate_text(measure);
	Oid			operator = get_opfamily_member(measure->index->rd_opfamily[0], measure->type,
											   measure->type, 1);
	StringInfoData distance;
	StringInfoData sql;

	if (!OidIsValid(operator))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("searches of index \"%s\" are not by a vector",
						RelationGetRelationName(measure->index))));
	initStringInfo(&distance);
	appendStringInfo(&distance, "(%s)", column);
	append_operator(&distance, operator);
	appendStringInfoString(&distance, "$1");
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT ctid, %s FROM ONLY %s WHERE true", distance.data,
					 table_text(measure));
	if (predicate)
		appendStringInfo(&sql, " AND (%s)", predicate);
	if (measure->filter)
		appendStringInfo(&sql, " AND (%s)", measure->filter);
	appendStringInfo(&sql, " ORDER BY %s LIMIT %d", distance.data,
					 measure->k + (measure->given == NULL));
	return sql.data;
}

/* The statement that draws queries from the table. */
static char *
sample_text(const Measure *measure)
{
	const char *predicate = predicate_text(measure);
	const char *column = column_text(measure);
	HeapTuple	tuple = SearchSysCache1(RELOID,
										ObjectIdGetDatum(measure->index->rd_index->indrelid));
	double		rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	StringInfoData sql;

	ReleaseSysCache(tuple);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s, ctid FROM ONLY %s", column, table_text(measure));
	if (rows > MOST_READ)
		appendStringInfo(&sql, " TABLESAMPLE SYSTEM (%.6f)",
						 Min(100, 100.0 * BLOCK_SAMPLES * measure->wanted / rows));
	appendStringInfo(&sql, " WHERE (%s) IS NOT NULL", column);
	if (predicate)
		appendStringInfo(&sql, " AND (%s)", predicate);
	appendStringInfo(&sql, " ORDER BY pg_catalog.random() LIMIT %d", measure->wanted);
	return sql.data;
}

/* Draws the queries, or takes those that the user's statement gives. */
static void
draw_queries(Measure *measure)
{
	const char *given = measure->given;
	char	   *sql = given ? psprintf("SELECT * FROM (%s) AS given LIMIT %d", given,
									   measure->wanted) : sample_text(measure);
	int16		size;
	bool		by_value;
	SPITupleTable *table;

	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed");
	table = SPI_tuptable;
	if (table->tupdesc->natts == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("queries must be a column")));
	if (SPI_gettypeid(table->tupdesc, 1) != measure->type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("queries are of type %s, and index \"%s\" is of type %s",
						format_type_be(SPI_gettypeid(table->tupdesc, 1)),
						RelationGetRelationName(measure->index), format_type_be(measure->type))));
	get_typlenbyval(measure->type, &size, &by_value);
	measure->queries = palloc0(sizeof(Sample) * Max(SPI_processed, 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Sample	   *query = &measure->queries[measure->count];
		bool		isnull;
		Datum		vector = SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull);

		if (isnull)
			continue;
		query->vector = datumCopy(vector, by_value, size);
		ItemPointerSetInvalid(&query->self);
		if (given == NULL)
			query->self = *(ItemPointer) DatumGetPointer(SPI_getbinval(table->vals[i],
																	   table->tupdesc, 2,
																	   &isnull));
		measure->count++;
	}
	SPI_freetuptable(table);
}

/*
 * Answers a query; returns the milliseconds that it took.  Visits the distances of the first k rows
 * but for the query's own, in their order: those within `reach` are counted, and the last one and
 * the number of all are given back.
 */
static double
answer(const Measure *measure, SPIPlanPtr plan, const Sample *query, int *within, double *last,
	   int *rows)
{
	Datum		values[] = {query->vector};
	double		slack = ROUNDING * fabs(query->reach);
	instr_time	begun;
	instr_time	ended;

	INSTR_TIME_SET_CURRENT(begun);
	if (SPI_execute_plan(plan, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan failed");
	INSTR_TIME_SET_CURRENT(ended);
	INSTR_TIME_SUBTRACT(ended, begun);
	*within = *rows = 0;
	for (uint64 i = 0; i < SPI_processed && *rows < measure->k; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		Datum		value = SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull);
		ItemPointer tid;

		/* a row without a distance is in no index */
		if (isnull || isnan(DatumGetFloat8(value)))
			continue;
		tid = (ItemPointer) DatumGetPointer(SPI_getbinval(row, SPI_tuptable->tupdesc, 1,
														  &isnull));
		if (ItemPointerIsValid(&query->self) && ItemPointerEquals(tid, (ItemPointer) &query->self))
			continue;
		(*rows)++;
		*last = DatumGetFloat8(value);
		*within += *last <= query->reach + slack;
	}
	SPI_freetuptable(SPI_tuptable);
	return INSTR_TIME_GET_MILLISEC(ended);
}

/* Finds the k nearest rows of each query by comparing it with all rows. */
static void
find_truth(Measure *measure, const char *sql)
{
	SPIPlanPtr	plan = prepare(sql, 1, measure->type);

	for (int i = 0; i < measure->count; i++)
	{
		Sample	   *query = &measure->queries[i];
		int			within;

		CHECK_FOR_INTERRUPTS();
		measure->exact_ms += answer(measure, plan, query, &within, &query->reach,
									&query->nearest) / measure->count;
	}
	SPI_freeplan(plan);
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

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
	qsort(recalls, n, sizeof(double), compare_doubles);
	values[COLUMN_RECALL] = rounded(mean, 1e6);
	values[COLUMN_LOW] = rounded(Max(mean - error, 0), 1e6);
	values[COLUMN_HIGH] = rounded(Min(mean + error, 1), 1e6);
	values[COLUMN_WORST] = rounded(recalls[(n - 1) / 20], 1e6);
}

/* Searches by the index, and adds a row to the result. */
static void
measure_effort(Measure *measure, const char *sql, Tuplestorestate *result, TupleDesc desc)
{
	SPIPlanPtr	plan = prepare(sql, 1, measure->type);
	CachedPlan *cached = SPI_plan_get_cached_plan(plan);
	double	   *recalls = palloc(sizeof(double) * Max(measure->count, 1));
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {0};
	double		ms = 0;
	int			n = 0;

	if (cached == NULL)
		elog(ERROR, "a search has no plan");
	if (!uses_index(((PlannedStmt *) linitial(cached->stmt_list))->planTree,
					RelationGetRelid(measure->index)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no search can use index \"%s\"", RelationGetRelationName(measure->index)),
				 errdetail("The statement is: %s", sql)));
	ReleaseCachedPlan(cached, NULL);	/* of a plan that is not saved */
	for (int i = 0; i < measure->count; i++)
	{
		const Sample *query = &measure->queries[i];
		int			within;
		int			rows;
		double		last;

		CHECK_FOR_INTERRUPTS();
		/* the first search opens the index, which is not counted */
		if (i == 0)
			(void) answer(measure, plan, query, &within, &last, &rows);
		ms += answer(measure, plan, query, &within, &last, &rows);
		if (query->nearest > 0)
			recalls[n++] = (double) Min(within, query->nearest) / query->nearest;
	}
	SPI_freeplan(plan);
	values[COLUMN_INDEX_MS] = rounded(ms / Max(measure->count, 1), 1e3);
	values[COLUMN_EXACT_MS] = rounded(measure->exact_ms, 1e3);
	summarize(measure, recalls, n, values, nulls);
	if (measure->notes && n > 0)
		counters_set_recall(RelationGetRelid(measure->index), DatumGetFloat8(values[COLUMN_RECALL]),
							measure->k);
	values[COLUMN_EFFORT] = CStringGetTextDatum(
		psprintf("%s = %s", measure->setting, GetConfigOption(measure->setting, false, false)));
	tuplestore_putvalues(result, desc, values, nulls);
	pfree(recalls);
}

/* Measures by the present setting, or by each of those that are given. */
static void
measure_efforts(Measure *measure, ArrayType *efforts, Tuplestorestate *result, TupleDesc desc)
{
	char	   *sql = search_text(measure);
	Datum	   *items = NULL;
	int			count = 1;
	int			level = NewGUCNestLevel();

	if (efforts)
		deconstruct_array(efforts, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
						  &items, NULL, &count);
	measured_index = InvalidOid;
	set_option("enable_seqscan", "on");
	set_option("enable_sort", "on");
	find_truth(measure, sql);
	measured_index = RelationGetRelid(measure->index);
	set_option("enable_seqscan", "off");
	set_option("enable_sort", "off");
	set_option("enable_indexscan", "on");
	for (int i = 0; i < count; i++)
	{
		if (efforts)
			set_option(measure->setting, psprintf("%g", DatumGetFloat8(items[i])));
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

/* Opens the index whose recall is asked for. */
static Measure
open_index(Oid oid)
{
	Measure		measure = {.index = relation_open(oid, AccessShareLock)};
	bool		divided = measure.index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX;
	const VectorAm *am = divided ? NULL : vector_am_of(measure.index);

	if (am == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index of vectors",
						RelationGetRelationName(measure.index)),
				 divided ? errdetail("It is divided into the indexes of partitions.") : 0));
	if (am->effort == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("searches of index \"%s\" are exact",
						RelationGetRelationName(measure.index))));
	measure.setting = am->effort;
	measure.type = measure.index->rd_opcintype[0];
	return measure;
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
	measure = open_index(PG_GETARG_OID(ARG_INDEX));
	measure.k = get_count(fcinfo, ARG_K, "k", 10000);
	measure.wanted = get_count(fcinfo, ARG_SAMPLES, "samples", 100000);
	measure.filter = get_text(fcinfo, ARG_FILTER);
	measure.given = get_text(fcinfo, ARG_QUERIES);
	measure.notes = measure.filter == NULL && PG_ARGISNULL(ARG_EFFORTS);

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	draw_queries(&measure);
	PG_TRY();
	{
		measuring = true;
		measure_efforts(&measure, PG_ARGISNULL(ARG_EFFORTS) ? NULL :
						PG_GETARG_ARRAYTYPE_P(ARG_EFFORTS), result->setResult, result->setDesc);
	}
	PG_FINALLY();
	{
		measuring = false;
	}
	PG_END_TRY();
	SPI_finish();
	relation_close(measure.index, AccessShareLock);
	PG_RETURN_NULL();
}
