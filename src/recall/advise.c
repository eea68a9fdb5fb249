/*
 * advise.c - vector_advise: which index a column is to have
 *
 * Indexes are built on two samples of the table, in temporary tables that exist only during the
 * call.  On the larger one it is measured what searches with the recall cost, and on both how that
 * grows with the rows.
 */
#include "pg_compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "recall/advise.h"
#include "types/dense.h"

/* The arguments, in their order; the last is one of vector_auto_index only. */
enum
{
	ARG_TABLE, ARG_COLUMN, ARG_RECALL, ARG_K, ARG_MEMORY, ARG_OPERATOR, ARG_QUERIES,
	ARG_SAMPLE_ROWS, ARG_CONCURRENTLY
};

/* The columns of the result. */
enum
{
	COLUMN_METHOD, COLUMN_OPTIONS, COLUMN_BYTES, COLUMN_BUILD, COLUMN_EFFORT, COLUMN_RECALL,
	COLUMN_MEMORY_MS, COLUMN_COLD_MS, COLUMN_EXPECTED_MS, COLUMN_BLOCKS, COLUMN_IN_MEMORY,
	COLUMN_ADVISED, COLUMN_REASON, COLUMN_STATEMENTS, COLUMNS
};

#define ONLY	"ONLY "

/* The milliseconds to read a block: one somewhere, and one after the other, as of fast disks. */
#define RANDOM_READ_MS		0.1
#define NEXT_READ_MS		0.01

/* What is known of an index, of the whole table, in the end. */
typedef struct Advice
{
	Candidate	candidate;
	Figures		figures;
	ModelCost	cost;
} Advice;

typedef struct Answer
{
	Advice		advices[MOST_CANDIDATES + 1];	/* the last one: no index */
	int			count;
	int			chosen;
} Answer;

static double
get_number(FunctionCallInfo fcinfo, int argument, const char *name, double least, double most)
{
	double		number;

	if (PG_ARGISNULL(argument))
		number = NAN;
	else if (argument == ARG_RECALL)
		number = PG_GETARG_FLOAT8(argument);
	else
		number = PG_GETARG_INT32(argument);
	if (!(number >= least && number <= most))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between %g and %.10g", name, least, most)));
	return number;
}

/* The operator that searches are by; of a name, or what a type's searches mostly are by. */
static void
find_operator(Question *question, const char *name, Oid schema)
{
	Oid			type = question->column_type;
	Candidate	candidates[MOST_CANDIDATES];

	if (name == NULL && type == BITOID)
		name = "<~>";
	else if (name == NULL)
		name = dense_type_of(type) ? "<->" : "<#>";
	question->operator = OpernameGetOprid(list_make2(makeString(get_namespace_name(schema)),
													 makeString(pstrdup(name))), type, type);
	/* "=" is an operator, too, but no index has searches by it */
	if (!OidIsValid(question->operator) || advise_candidates(question, candidates) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are no searches by operator \"%s\" of type %s", name,
						format_type_be(type)),
				 errhint("Vectors are of type vector, halfvec, bf16vec, int8vec, sparsevec or "
						 "bit.")));
}

/* The table: one with rows of its own, or divided into partitions. */
static void
find_table(Question *question, Oid table)
{
	char		kind = get_rel_relkind(table);
	const char *name;

	if (kind != RELKIND_RELATION && kind != RELKIND_MATVIEW && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 get_rel_name(table) ?
				 errmsg("\"%s\" is not a table that can have an index", get_rel_name(table)) :
				 errmsg("there is no table with OID %u", table)));
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
	question->table = table;
	question->logged = get_rel_persistence(table) == RELPERSISTENCE_PERMANENT;
	question->divided = kind == RELKIND_PARTITIONED_TABLE;
	question->table_text = question->divided ? name : psprintf(ONLY "%s", name);
}

static void
find_column(Question *question, const char *name)
{
	HeapTuple	tuple = SearchSysCacheAttName(question->table, name);
	Form_pg_attribute column;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", name,
						get_rel_name(question->table))));
	column = (Form_pg_attribute) GETSTRUCT(tuple);
	question->column_name = pstrdup(name);
	question->column = quote_identifier(question->column_name);
	question->typmod = column->atttypmod;
	question->cast = column->atttypmod < 0;
	question->storage = column->attstorage;
	question->column_type = getBaseTypeAndTypmod(column->atttypid, &question->typmod);
	ReleaseSysCache(tuple);
}

/* Samples of queries belong to an index, and advice is for a column. */
static char *
get_queries(const text *argument)
{
	char	   *queries = text_to_cstring(argument);

	if (strcmp(queries, sample_sources[SOURCE_SAMPLES]) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("samples of queries are of an index, and not of a column"),
				 errhint("Give a statement such as SELECT query::vector FROM "
						 "vector_query_samples('index').")));
	return queries;
}

static Question
get_question(FunctionCallInfo fcinfo)
{
	Question	question = {.memory = (double) effective_cache_size * BLCKSZ};
	const char *operator = NULL;

	if (PG_ARGISNULL(ARG_TABLE) || PG_ARGISNULL(ARG_COLUMN))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table and column must not be null")));
	question.recall = get_number(fcinfo, ARG_RECALL, "recall", 0.5, 1);
	question.k = (int) get_number(fcinfo, ARG_K, "k", 1, 1000);
	if (!PG_ARGISNULL(ARG_MEMORY))
		question.memory = (double) DatumGetInt64(DirectFunctionCall1(pg_size_bytes,
																	 PG_GETARG_DATUM(ARG_MEMORY)));
	if (question.memory < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("memory must not be negative")));
	if (!PG_ARGISNULL(ARG_OPERATOR))
		operator = text_to_cstring(PG_GETARG_TEXT_PP(ARG_OPERATOR));
	if (!PG_ARGISNULL(ARG_QUERIES))
		question.queries = get_queries(PG_GETARG_TEXT_PP(ARG_QUERIES));
	question.sample_rows = (int) get_number(fcinfo, ARG_SAMPLE_ROWS, "sample_rows", 1000,
											10000000);
	question.call = psprintf("%s()", get_func_name(fcinfo->flinfo->fn_oid));
	find_table(&question, PG_GETARG_OID(ARG_TABLE));
	find_column(&question, NameStr(*PG_GETARG_NAME(ARG_COLUMN)));
	find_operator(&question, operator, get_func_namespace(fcinfo->flinfo->fn_oid));
	return question;
}

/* What searches of the table without an index cost. */
static Advice
without_index(const Question *question, const SampleTable *sample)
{
	double		ms = sample->exact_ms * question->rows / Max(sample->rows, 1);
	double		blocks = ceil(question->table_bytes / BLCKSZ);

	return (Advice) {
		.figures = {.recall = 1, .ms = ms, .blocks = blocks, .reaches = true},
		.cost = {.read_bytes = question->table_bytes, .ms = ms,
				 .cold_ms = ms + blocks * NEXT_READ_MS, .reaches = true, .recall = 1}
	};
}

/* Measures what could be built, and chooses. */
static void
try_candidates(Question *question, Answer *answer)
{
	SampleTable samples[SAMPLE_TABLES] = {
		{.name = SMALLER_TABLE}, {.name = LARGER_TABLE}
	};
	Candidate	candidates[MOST_CANDIDATES];
	int			count = advise_candidates(question, candidates);
	ModelCost	costs[MOST_CANDIDATES + 1];

	advise_draw(question, samples);
	/* what builds have to say of samples concerns nobody */
	if (client_min_messages == NOTICE)
		measure_set_option("client_min_messages", "warning");
	if (samples[1].rows < LEAST_ROWS)
	{
		count = 0;
		samples[1].exact_ms = advise_measure_exact(question, &samples[1]);
	}
	for (int i = 0; i < count; i++)
	{
		Advice	   *advice = &answer->advices[i];

		advice->candidate = candidates[i];
		advice->figures = advise_expect(question, &candidates[i], samples);
		advice->cost = (ModelCost) {
			.bytes = advice->figures.bytes,
			.read_bytes = advice->figures.bytes +
				(candidates[i].reads_table ? question->table_bytes : 0),
			.ms = advice->figures.ms,
			.cold_ms = advice->figures.ms + advice->figures.blocks * RANDOM_READ_MS,
			.reaches = advice->figures.reaches, .recall = advice->figures.recall
		};
	}
	answer->advices[count] = without_index(question, &samples[1]);
	answer->count = count + 1;
	for (int i = 0; i < answer->count; i++)
		costs[i] = answer->advices[i].cost;
	answer->chosen = model_choose(costs, answer->count, question->memory);
}

/* Answers within SPI.  An error leaves nothing of tables, indexes and settings, either. */
static void
answer_question(Question *question, Answer *answer)
{
	int			level = NewGUCNestLevel();

	PreventCommandDuringRecovery(question->call);
	PreventCommandIfReadOnly(question->call);
	PreventCommandIfParallelMode(question->call);
	if (!database_allows(ACL_CREATE_TEMP))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to create temporary tables"),
				 errdetail("Samples of the table are temporary tables."),
				 errhint("Grant TEMPORARY on the database to the role.")));
	measure_set_option("vector.target_recall", "0");
	PG_TRY();
	{
		measure_begin();
		try_candidates(question, answer);
	}
	PG_FINALLY();
	{
		measure_end();
	}
	PG_END_TRY();
	advise_drop();
	AtEOXact_GUC(true, level);
}

/* The table's name in statements that change it. */
static const char *
table_name(const Question *question)
{
	return question->divided ? question->table_text : question->table_text + strlen(ONLY);
}

/* The statement that makes an index. */
static char *
create_statement(const Question *question, const Advice *advice, const char *start)
{
	return advise_statement(&advice->candidate,
							psprintf("%s ON %s", start, table_name(question)),
							question->expression, question->rows);
}

/* The statements that make an index and have searches go as far as its recall takes. */
static List *
statements_of(const Question *question, const Advice *advice)
{
	const Candidate *candidate = &advice->candidate;
	List	   *statements;

	if (candidate->method == NULL)
		return NIL;
	statements = list_make1(create_statement(
		question, advice, question->divided ? "CREATE INDEX" : "CREATE INDEX CONCURRENTLY"));
	if (advice->figures.effort > 0)
		statements = lappend(statements, psprintf("SET %s = %.0f", candidate->setting,
												  advice->figures.effort));
	if (advice->figures.effort > 0 && candidate->second)
		statements = lappend(statements, psprintf(
			"SET %s = %d", candidate->second,
			advise_second_effort(candidate, advice->figures.effort)));
	return statements;
}

static Datum
text_array(List *texts)
{
	Datum	   *items = palloc(sizeof(Datum) * Max(list_length(texts), 1));
	int			count = 0;
	ListCell   *cell;

	foreach(cell, texts)
		items[count++] = CStringGetTextDatum(lfirst(cell));
	return PointerGetDatum(construct_array(items, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Why an index is advised, or not. */
static char *
reason_for(const Question *question, const Answer *answer, const Advice *advice)
{
	const Advice *chosen = &answer->advices[answer->chosen];
	double		ms = model_expected_ms(&advice->cost, question->memory);
	double		least = model_expected_ms(&chosen->cost, question->memory);

	if (!advice->figures.reaches)
		return psprintf("has a recall of %.3f with the greatest effort that was tried",
						advice->figures.recall);
	if (advice == chosen)
		return advice->candidate.method == NULL ?
			"there are so few rows that an index gains little" :
			"the smallest of those that take the least time, or nearly";
	if (ms > least)
		return psprintf("takes %.1f times as long as the one advised", ms / Max(least, 1e-9));
	return "is larger than the one advised, and hardly faster";
}

static Datum
rounded(double number, double digits)
{
	return Float8GetDatum(rint(number * digits) / digits);
}

static void
put_advice(const Question *question, const Answer *answer, const Advice *advice,
		   ReturnSetInfo *result)
{
	const Figures *figures = &advice->figures;
	const Candidate *candidate = &advice->candidate;
	const char *options = candidate->method ? advise_options(candidate, question->rows) : "";
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	values[COLUMN_METHOD] = CStringGetTextDatum(candidate->method ? candidate->method : "none");
	values[COLUMN_OPTIONS] = CStringGetTextDatum(options);
	values[COLUMN_BYTES] = Int64GetDatum((int64) figures->bytes);
	values[COLUMN_BUILD] = rounded(figures->build_s, 1e3);
	nulls[COLUMN_EFFORT] = figures->effort == 0;
	values[COLUMN_EFFORT] = Int32GetDatum((int32) figures->effort);
	values[COLUMN_RECALL] = rounded(figures->recall, 1e6);
	values[COLUMN_MEMORY_MS] = rounded(figures->ms, 1e3);
	values[COLUMN_COLD_MS] = rounded(advice->cost.cold_ms, 1e3);
	values[COLUMN_EXPECTED_MS] = rounded(model_expected_ms(&advice->cost, question->memory), 1e3);
	values[COLUMN_BLOCKS] = Int64GetDatum((int64) figures->blocks);
	values[COLUMN_IN_MEMORY] = BoolGetDatum(advice->cost.read_bytes <= question->memory);
	values[COLUMN_ADVISED] = BoolGetDatum(advice == &answer->advices[answer->chosen]);
	values[COLUMN_REASON] = CStringGetTextDatum(reason_for(question, answer, advice));
	values[COLUMN_STATEMENTS] = text_array(statements_of(question, advice));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* vector_advise(relation, vector_column, recall, k, memory, operator, queries, sample_rows) */
PG_FUNCTION_INFO_V1(vector_advise);
Datum
vector_advise(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Question	question = get_question(fcinfo);
	Answer		answer;

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	answer_question(&question, &answer);
	for (int i = 0; i < answer.count; i++)
		put_advice(&question, &answer, &answer.advices[i], result);
	SPI_finish();
	return (Datum) 0;
}

/*
 * Ends the transaction, and runs CREATE INDEX CONCURRENTLY in transactions of its own, as if it
 * were the statement that the client sent.  The text is in the portal's memory, as all that is
 * needed afterwards.
 */
static void
build_concurrently(const char *sql)
{
	PlannedStmt *statement = makeNode(PlannedStmt);
	const RawStmt *parsed;

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	SPI_commit();
	SPI_finish();
	parsed = linitial_node(RawStmt, pg_parse_query(sql));
	statement->commandType = CMD_UTILITY;
	statement->utilityStmt = parsed->stmt;
	PushActiveSnapshot(GetTransactionSnapshot());
	ProcessUtility(statement, sql, false, PROCESS_UTILITY_TOPLEVEL, NULL, NULL, None_Receiver,
				   NULL);
	/* that of a temporary table was built at once, and has ended no transaction */
	if (ActiveSnapshotSet())
		PopActiveSnapshot();
}

/* Whether an index is to be built while the table is written; an error if that is impossible. */
static bool
get_concurrently(FunctionCallInfo fcinfo, const Question *question)
{
	const CallContext *context = castNode(CallContext, fcinfo->context);

	if (PG_ARGISNULL(ARG_CONCURRENTLY))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("concurrently must not be null")));
	if (!PG_GETARG_BOOL(ARG_CONCURRENTLY) || question->divided)
		return false;
	/* a procedure that calls may commit, but only by itself */
	if (context->atomic || SPI_inside_nonatomic_context())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("an index cannot be built concurrently inside a transaction block, "
						"function, procedure or DO"),
				 errhint("With concurrently => false writers wait for the build.")));
	return true;
}

/* Advises within SPI; returns the statement that builds the index, in a context; or NULL. */
static char *
advised_statement(Question *question, bool concurrently, MemoryContext context)
{
	Answer		answer;
	const Advice *chosen;
	char	   *sql = NULL;
	List	   *statements;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	answer_question(question, &answer);
	chosen = &answer.advices[answer.chosen];
	if (chosen->candidate.method == NULL)
		ereport(NOTICE,
				(errmsg("no index was built"),
				 errdetail("%s.", reason_for(question, &answer, chosen))));
	else
	{
		char	   *name = ChooseRelationName(get_rel_name(question->table), question->column_name,
											  chosen->candidate.method,
											  get_rel_namespace(question->table), false);
		char	   *start = psprintf("CREATE INDEX %s%s", concurrently ? "CONCURRENTLY " : "",
									 quote_identifier(name));

		sql = MemoryContextStrdup(context, create_statement(question, chosen, start));
		ereport(NOTICE, (errmsg("building index \"%s\"", name), errdetail("%s", sql)));
	}
	statements = statements_of(question, chosen);
	for (int i = 1; i < list_length(statements); i++)
		ereport(NOTICE,
				(errmsg("searches have a recall of %g with: %s", chosen->figures.recall,
						(char *) list_nth(statements, i))));
	SPI_finish();
	return sql;
}

/*
 * vector_auto_index(relation, vector_column, recall, k, memory, operator, queries, sample_rows,
 * concurrently): builds the index that is advised, if one is.
 */
PG_FUNCTION_INFO_V1(vector_auto_index);
Datum
vector_auto_index(PG_FUNCTION_ARGS)
{
	MemoryContext old = MemoryContextSwitchTo(PortalContext);
	Question	question = get_question(fcinfo);
	bool		concurrently = get_concurrently(fcinfo, &question);
	char	   *sql;

	if (!relation_ownercheck(question.table, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(question.table));
	sql = advised_statement(&question, concurrently, PortalContext);
	if (sql && concurrently)
		build_concurrently(sql);
	else if (sql)
	{
		SPI_connect();
		if (SPI_execute(sql, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(SPI_result));
		SPI_finish();
	}
	MemoryContextSwitchTo(old);
	PG_RETURN_VOID();
}
