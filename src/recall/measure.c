/*
 * measure.c - queries that are answered without an index of vectors, and by one
 */
#include "pg_compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/pathnode.h"
#include "optimizer/plancat.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "am/method.h"
#include "am/owner.h"
#include "am/sample_query.h"
#include "hybrid/filter.h"
#include "recall/measure.h"
#include "segment/cache.h"
#include "segment/extent.h"
#include "segment/sealed.h"

/* Unless it is said otherwise, a table with more rows is not read whole to draw queries. */
#define MOST_READ		100000
#define BLOCK_SAMPLES	10		/* rows read for each query, in blocks drawn at random */

/* Distances that differ by this part only by how they were rounded. */
#define ROUNDING		1e-6

/* The index of vectors that plans may use while `measuring`. */
static Oid	measured_index;
static TABLE_HOOK_TYPE previous_hook;

const char *const sample_sources[] = {
	[SOURCE_ROWS] = "rows", [SOURCE_STATEMENT] = "statement", [SOURCE_SAMPLES] = "samples"
};

/* While recall is measured, hides the indexes by distance from the planner, but for one. */
static void
hide_indexes(TABLE_HOOK_PARAMS)
{
	ListCell   *cell;

	if (previous_hook != NULL)
		previous_hook(TABLE_HOOK_ARGS);
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
measure_init(void)
{
	previous_hook = TABLE_HOOK;
	TABLE_HOOK = hide_indexes;
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

void
measure_set_option(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

Measure
measure_of(Relation index)
{
	return (Measure) {
		.index = index, .type = index->rd_opcintype[0], .setting = vector_am_of(index)->effort,
		.most_read = MOST_READ
	};
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

/* Prepares a statement whose parameters are vectors; it is planned once. */
static SPIPlanPtr
prepare(const char *sql, int count, Oid *types)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, count, types,
										  CURSOR_OPT_GENERIC_PLAN | CURSOR_OPT_PARALLEL_OK);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	return plan;
}

static Oid
distance_operator(const Measure *measure)
{
	Oid			operator = get_opfamily_member(measure->index->rd_opfamily[0], measure->type,
											   measure->type, 1);

	if (!OidIsValid(operator))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("searches of index \"%s\" are not by a vector",
						RelationGetRelationName(measure->index))));
	return operator;
}

char *
measure_search_text(const Measure *measure)
{
	const char *column = column_text(measure);
	const char *predicate = predicate_text(measure);
	Oid			operator = distance_operator(measure);
	StringInfoData distance;
	bool		rows_known = !space_is_lossy(cache_space(cache_index(measure->index)));
	StringInfoData sql;

	initStringInfo(&distance);
	appendStringInfo(&distance, "(%s)", column);
	append_operator(&distance, operator);
	appendStringInfoString(&distance, "$1");
	initStringInfo(&sql);
	/* which rows are found matters to queries that are rows; not all scans can tell (indexes.c) */
	appendStringInfo(&sql, "SELECT %s, %s%s%s FROM ONLY %s WHERE true",
					 measure->own_rows && rows_known ? "ctid" : "NULL::pg_catalog.tid",
					 distance.data, measure->vectors ? ", " : "", measure->vectors ? column : "",
					 table_text(measure));
	if (predicate)
		appendStringInfo(&sql, " AND (%s)", predicate);
	if (measure->filter)
		appendStringInfo(&sql, " AND (%s)", measure->filter);
	appendStringInfo(&sql, " ORDER BY %s LIMIT %d", distance.data,
					 measure->k + measure->own_rows);
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
	if (rows > measure->most_read)
		appendStringInfo(&sql, " TABLESAMPLE pg_catalog.system (%.6f)",
						 Min(100, 100.0 * BLOCK_SAMPLES * measure->wanted / rows));
	appendStringInfo(&sql, " WHERE (%s) IS NOT NULL", column);
	if (predicate)
		appendStringInfo(&sql, " AND (%s)", predicate);
	appendStringInfo(&sql, " ORDER BY pg_catalog.random() LIMIT %d", measure->wanted);
	return sql.data;
}

/* Takes a query, which is the vector of a row or not (NULL). */
static void
add_query(Measure *measure, Datum vector, ItemPointer self)
{
	Sample	   *query = &measure->queries[measure->count++];
	int16		size;
	bool		by_value;

	get_typlenbyval(measure->type, &size, &by_value);
	query->vector = datumCopy(vector, by_value, size);
	ItemPointerSetInvalid(&query->self);
	if (self == NULL)
		return;
	query->self = *self;
	query->own = DatumGetFloat8(OidFunctionCall2(get_opcode(distance_operator(measure)),
												 query->vector, query->vector));
}

/* Takes what a statement gives. */
static void
draw_by_statement(Measure *measure, const char *sql)
{
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
	measure->queries = palloc0(sizeof(Sample) * Max(SPI_processed, 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		vector = SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull);
		ItemPointer self = NULL;

		if (isnull)
			continue;
		if (measure->own_rows)
			self = (ItemPointer) DatumGetPointer(SPI_getbinval(table->vals[i], table->tupdesc, 2,
															   &isnull));
		add_query(measure, vector, self);
	}
	SPI_freetuptable(table);
}

static void
draw_samples(Measure *measure)
{
	SampledQuery *samples;
	int			count;

	owner_require(measure->index);
	count = samples_read(sampled_index(measure->index), &samples);
	measure->queries = palloc0(sizeof(Sample) * Max(count, 1));
	for (int i = 0; i < Min(count, measure->wanted); i++)
		add_query(measure, PointerGetDatum(samples[i].value), NULL);
}

void
measure_draw(Measure *measure)
{
	measure->own_rows = measure->source == SOURCE_ROWS;
	switch (measure->source)
	{
		case SOURCE_ROWS:
			draw_by_statement(measure, sample_text(measure));
			break;
		case SOURCE_STATEMENT:
			draw_by_statement(measure, psprintf("SELECT * FROM (%s\n) AS given LIMIT %d",
												measure->given, measure->wanted));
			break;
		case SOURCE_SAMPLES:
			draw_samples(measure);
			break;
	}
}

/*
 * Gets the distance of a row of an answer; false if the query is the vector of this row, or if the
 * row has no distance, and so is in no index.  Where the answer does not tell rows, the query's own
 * is the first one as far from it as its own vector is: of rows that are equally far any will do.
 */
static bool
get_row(const Sample *query, uint64 number, bool *left_out, double *distance)
{
	HeapTuple	row = SPI_tuptable->vals[number];
	bool		isnull;
	Datum		value = SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull);
	ItemPointer tid;

	if (isnull || isnan(DatumGetFloat8(value)))
		return false;
	tid = (ItemPointer) DatumGetPointer(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
	*distance = DatumGetFloat8(value);
	if (*left_out || !ItemPointerIsValid(&query->self))
		return true;
	*left_out = isnull ? *distance == query->own :
		ItemPointerEquals(tid, (ItemPointer) &query->self);
	return !*left_out;
}

double
measure_answer(const Measure *measure, SPIPlanPtr plan, const Sample *query, int *within,
			   double *last, int *rows)
{
	Datum		values[] = {query->vector};
	double		slack = ROUNDING * fabs(query->reach);
	instr_time	begun;
	instr_time	ended;
	bool		left_out = false;

	if (measure->present == 0 || (query - measure->queries) % measure->present != 0)
		sealed_absent = query->self;
	INSTR_TIME_SET_CURRENT(begun);
	if (SPI_execute_plan(plan, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan failed");
	INSTR_TIME_SET_CURRENT(ended);
	ItemPointerSetInvalid(&sealed_absent);
	INSTR_TIME_SUBTRACT(ended, begun);
	*within = *rows = 0;
	for (uint64 i = 0; i < SPI_processed && *rows < measure->k; i++)
	{
		double		distance;

		if (!get_row(query, i, &left_out, &distance))
			continue;
		*last = distance;
		(*rows)++;
		*within += distance <= query->reach + slack;
	}
	SPI_freetuptable(SPI_tuptable);
	return INSTR_TIME_GET_MILLISEC(ended);
}

/* Whether vector_knn_join compares such vectors by such a distance. */
static bool
can_join(const Space *space)
{
	return (space->element == SPACE_F32 || space->element == SPACE_F16 ||
			space->element == SPACE_BF16 || space->element == SPACE_I8) &&
		(space->metric == SPACE_L2 || space->metric == SPACE_IP || space->metric == SPACE_COSINE);
}

/* The statement that joins some queries, whose numbers it returns, with all rows. */
static char *
join_text(const Measure *measure, int first, int count)
{
	Oid			operator = distance_operator(measure);
	const char *schema = quote_identifier(get_namespace_name(
		get_func_namespace(get_opcode(operator))));
	const char *predicate = predicate_text(measure);
	const char *column = column_text(measure);
	Oid			output;
	bool		varlena;
	StringInfoData vectors;
	StringInfoData rows;

	getTypeOutputInfo(measure->type, &output, &varlena);
	initStringInfo(&vectors);
	for (int i = first; i < first + count; i++)
		appendStringInfo(&vectors, "%c\"%s\"", i == first ? '{' : ',',
						 OidOutputFunctionCall(output, measure->queries[i].vector));
	initStringInfo(&rows);
	appendStringInfo(&rows, "SELECT ctid, %s FROM ONLY %s WHERE true", column,
					 table_text(measure));
	if (predicate)
		appendStringInfo(&rows, " AND (%s)", predicate);
	if (measure->filter)
		appendStringInfo(&rows, " AND (%s)", measure->filter);
	return psprintf("SELECT row_key, distance, query FROM %s.vector_knn_join(%s, %s, %d, %s) "
					"AS (query bigint, row_key pg_catalog.tid, distance double precision) "
					"ORDER BY query, distance",
					schema,
					quote_literal_cstr(psprintf(
						"SELECT n OPERATOR(pg_catalog.+) %d, v FROM ROWS FROM "
						"(pg_catalog.unnest(%s::%s[])) WITH ORDINALITY AS given (v, n)", first - 1,
						quote_literal_cstr(psprintf("%s}", vectors.data)),
						format_type_be_qualified(measure->type))),
					quote_literal_cstr(rows.data), measure->k + measure->own_rows,
					quote_literal_cstr(get_opname(operator)));
}

/* As many queries are joined at a time. */
#define JOINED		100

bool
measure_join(Measure *measure)
{
	if (!can_join(cache_space(cache_index(measure->index))))
		return false;
	measured_index = InvalidOid;
	measure_set_option("enable_seqscan", "on");
	for (int first = 0; first < measure->count; first += JOINED)
	{
		int			count = Min(measure->count - first, JOINED);

		CHECK_FOR_OTHERS();
		for (int i = first; i < first + count; i++)
			measure->queries[i].nearest = 0;
		if (SPI_execute(join_text(measure, first, count), true, 0) != SPI_OK_SELECT)
			elog(ERROR, "SPI_execute failed");
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		isnull;
			int64		number = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
															 SPI_tuptable->tupdesc, 3, &isnull));
			Sample	   *query = &measure->queries[number];
			bool		left_out = false;
			double		distance;

			if (query->nearest < measure->k && get_row(query, i, &left_out, &distance))
			{
				query->reach = distance;
				query->nearest++;
			}
		}
		SPI_freetuptable(SPI_tuptable);
	}
	return true;
}

void
measure_truth(Measure *measure)
{
	Oid			type = measure->type;
	SPIPlanPtr	plan;

	measured_index = InvalidOid;
	measure_set_option("enable_seqscan", "on");
	measure_set_option("enable_sort", "on");
	plan = prepare(measure_search_text(measure), 1, &type);
	for (int i = 0; i < measure->count; i++)
	{
		Sample	   *query = &measure->queries[i];
		int			within;

		CHECK_FOR_OTHERS();
		measure->exact_ms += measure_answer(measure, plan, query, &within, &query->reach,
											&query->nearest) / measure->count;
	}
	SPI_freeplan(plan);
}

/* Whether any query has a row to find. */
static bool
has_rows(const Measure *measure)
{
	for (int i = 0; i < measure->count; i++)
		if (measure->queries[i].nearest > 0)
			return true;
	return false;
}

void
measure_show_index(const Measure *measure)
{
	measured_index = RelationGetRelid(measure->index);
}

SPIPlanPtr
measure_prepare(const Measure *measure, const char *sql)
{
	Oid			type = measure->type;
	SPIPlanPtr	plan;
	CachedPlan *cached;
	bool		used;

	measure_show_index(measure);
	measure_set_option("enable_seqscan", "off");
	measure_set_option("enable_sort", "off");
	measure_set_option("enable_indexscan", "on");
	plan = prepare(sql, 1, &type);
	cached = SPI_plan_get_cached_plan(plan);
	if (cached == NULL)
		elog(ERROR, "a search has no plan");
	used = uses_index(((PlannedStmt *) linitial(cached->stmt_list))->planTree, measured_index);
	ReleaseCachedPlan(cached, NULL);	/* of a plan that is not saved */
	/* where no row meets the filter, PostgreSQL may know that without the index */
	if (used || !has_rows(measure))
		return plan;
	SPI_freeplan(plan);
	return NULL;
}

void
measure_begin(void)
{
	measuring = true;
}

void
measure_end(void)
{
	measuring = false;
	ItemPointerSetInvalid(&sealed_absent);
}
