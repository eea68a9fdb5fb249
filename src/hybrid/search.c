/*
 * search.c - hybrid_search: one ranking of several searches of a table, by one call
 *
 * The call becomes one SQL statement, which runs with the caller's privileges.  Each search takes
 * the rows of its ranks up to a depth, in the order of an index, and the ranks are added by key:
 * 1 / (rrf_k + rank), times a weight (Cormack, Clarke and Buettcher, SIGIR 2009).
 */
#include "pg_compat.h"

#include <math.h>

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "hybrid/arm.h"
#include "hybrid/filter.h"
#include "types/dense.h"
#include "types/detoast.h"
#include "types/sparsevec.h"

/* The arguments, in their order. */
enum
{
	ARG_TABLE, ARG_VECTOR, ARG_TEXT, ARG_SPARSE, ARG_FILTER, ARG_K, ARG_FIELDS, ARG_DEPTH,
	ARG_RRF_K, ARG_VECTOR_COLUMN, ARG_TEXT_COLUMN, ARG_SPARSE_COLUMN, ARG_VECTOR_WEIGHT,
	ARG_TEXT_WEIGHT, ARG_SPARSE_WEIGHT
};

/* An arm's arguments. */
static const struct
{
	const char *name;
	int			query;
	int			column;
	int			weight;
}			arm_arguments[ARMS] = {
	[ARM_VECTOR] = {"vector", ARG_VECTOR, ARG_VECTOR_COLUMN, ARG_VECTOR_WEIGHT},
	[ARM_TEXT] = {"text", ARG_TEXT, ARG_TEXT_COLUMN, ARG_TEXT_WEIGHT},
	[ARM_SPARSE] = {"sparse", ARG_SPARSE, ARG_SPARSE_COLUMN, ARG_SPARSE_WEIGHT},
};

/* How many rows each search ranks, unless more are asked for. */
#define DEFAULT_DEPTH	100

/* A table, and its columns that are the primary key. */
typedef struct Keyed
{
	Oid			extension;		/* the schema of this extension */
	Relation	table;
	const char *name;			/* quoted, with the schema */
	int			count;
	AttrNumber	columns[INDEX_MAX_KEYS];
} Keyed;

static const char *
column_name(const Keyed *keyed, AttrNumber column)
{
	return NameStr(TupleDescAttr(RelationGetDescr(keyed->table), column - 1)->attname);
}

/* Opens a table, and finds its primary key. */
static Keyed
open_table(Oid oid)
{
	Keyed		keyed = {.table = table_open(oid, AccessShareLock)};
	ListCell   *cell;

	if (keyed.table->rd_rel->relkind != RELKIND_RELATION &&
		keyed.table->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(keyed.table))));
	keyed.name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(keyed.table)),
											RelationGetRelationName(keyed.table));
	foreach(cell, RelationGetIndexList(keyed.table))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_index->indisprimary)
		{
			keyed.count = index->rd_index->indnkeyatts;
			for (int i = 0; i < keyed.count; i++)
				keyed.columns[i] = index->rd_index->indkey.values[i];
		}
		index_close(index, NoLock);
	}
	if (keyed.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" has no primary key", RelationGetRelationName(keyed.table)),
				 errdetail("Rows are known by their keys.")));
	return keyed;
}

/* A number that must be finite and at least `least`. */
static double
get_number(FunctionCallInfo fcinfo, int argument, const char *name, double least)
{
	double		number = PG_ARGISNULL(argument) ? -1 : PG_GETARG_FLOAT8(argument);

	if (!(number >= least) || isinf(number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a number of at least %g", name, least)));
	return number;
}

/* A positive integer; `otherwise` in place of NULL. */
static int
get_count(FunctionCallInfo fcinfo, int argument, const char *name, int otherwise)
{
	int			count = PG_ARGISNULL(argument) ? otherwise : PG_GETARG_INT32(argument);

	if (count <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a positive number", name)));
	return count;
}

/* A column of a fixed number of dimensions takes queries of these only. */
static void
check_dimensions(const Keyed *keyed, const Arm *arms, ArmKind kind)
{
	const Arm  *arm = &arms[kind];
	int32		dims = TupleDescAttr(RelationGetDescr(keyed->table), arm->column - 1)->atttypmod;
	int			asked = kind == ARM_SPARSE ?
		((SparseVector *) vector_detoast(arm->query))->dim :
		((Dense *) vector_detoast(arm->query))->dim;

	if (dims > 0 && dims != asked)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("column \"%s\" has %d dimensions, and query_%s has %d",
						column_name(keyed, arm->column), dims, arm_arguments[kind].name, asked)));
}

/* Finds what is asked; false if nothing is. */
static bool
get_arms(FunctionCallInfo fcinfo, const Keyed *keyed, Arm *arms)
{
	bool		asked = false;
	Oid		   *types;
	int			count;

	(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &count);
	for (int i = 0; i < ARMS; i++)
		arms[i].query_type = types[arm_arguments[i].query];
	arms[ARM_TEXT].operand = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
											 CStringGetDatum("bm25query"),
											 ObjectIdGetDatum(keyed->extension));
	for (int i = 0; i < ARMS; i++)
	{
		int			column = arm_arguments[i].column;

		if (PG_ARGISNULL(arm_arguments[i].query))
			continue;
		asked = arms[i].asked = true;
		arms[i].query = PG_GETARG_DATUM(arm_arguments[i].query);
		arms[i].weight = get_number(fcinfo, arm_arguments[i].weight,
									psprintf("%s_weight", arm_arguments[i].name), 0);
		arm_find(arms, i, keyed->table,
				 PG_ARGISNULL(column) ? NULL : NameStr(*PG_GETARG_NAME(column)));
		if (i != ARM_TEXT)
			check_dimensions(keyed, arms, i);
	}
	return asked;
}

/* Appends the columns of the key, as k1, k2, ... */
static void
append_key(StringInfo sql, const Keyed *keyed)
{
	for (int i = 0; i < keyed->count; i++)
		appendStringInfo(sql, "%sk%d", i == 0 ? "" : ", ", i + 1);
}

/*
 * Appends the search of an arm: the rows up to the depth ($1), with their ranks in a column of the
 * arm.  Of equally distant rows those with lower keys come first.
 */
static void
append_arm(StringInfo sql, const Keyed *keyed, const Arm *arms, ArmKind kind, const char *filter)
{
	const Arm  *arm = &arms[kind];
	const char *matches = arm_matches(arms, kind);
	const char *column = quote_identifier(column_name(keyed, arm->column));

	appendStringInfoString(sql, "SELECT ");
	append_key(sql, keyed);
	for (int i = 0; i < ARMS; i++)
	{
		if (i != kind)
		{
			appendStringInfo(sql, ", NULL::pg_catalog.int8 AS %s_rank", arm_arguments[i].name);
			continue;
		}
		appendStringInfoString(sql, ", pg_catalog.row_number() OVER (ORDER BY distance, ");
		append_key(sql, keyed);
		appendStringInfo(sql, ") AS %s_rank", arm_arguments[i].name);
	}
	appendStringInfoString(sql, " FROM (SELECT ");
	for (int i = 0; i < keyed->count; i++)
		appendStringInfo(sql, "t.%s AS k%d, ",
						 quote_identifier(column_name(keyed, keyed->columns[i])), i + 1);
	appendStringInfo(sql, "t.%s", column);
	append_operator(sql, arm->operator);
	if (kind == ARM_TEXT)
		appendStringInfo(sql, "%s.to_bm25query($%d, '%u'::pg_catalog.regclass)",
						 quote_identifier(get_namespace_name(keyed->extension)), arm->parameter,
						 arm->index);
	else
		appendStringInfo(sql, "CAST($%d AS %s)", arm->parameter,
						 format_type_be_qualified(arm->type));
	appendStringInfo(sql, " AS distance FROM %s AS t WHERE t.%s IS NOT NULL%s", keyed->name,
					 column, filter);
	/* a row without a distance is not found by an index either */
	appendStringInfo(sql, " ORDER BY distance LIMIT $1) AS d "
					 "WHERE distance OPERATOR(pg_catalog.<) %s",
					 matches ? matches : "'NaN'::pg_catalog.float8");
}

/* Appends the sum of what ranks are worth. */
static void
append_score(StringInfo sql, const Arm *arms, int rrf_k, Parameters *parameters)
{
	bool		first = true;

	for (int i = 0; i < ARMS; i++)
	{
		if (!arms[i].asked)
			continue;
		appendStringInfo(sql, "%sCOALESCE($%d OPERATOR(pg_catalog./) "
						 "($%d OPERATOR(pg_catalog.+) %s_rank::pg_catalog.float8), 0)",
						 first ? "" : " OPERATOR(pg_catalog.+) ",
						 parameter_add(parameters, FLOAT8OID, Float8GetDatum(arms[i].weight)),
						 rrf_k, arm_arguments[i].name);
		first = false;
	}
}

/* Appends the order of the answer, in which no two rows are equal. */
static void
append_order(StringInfo sql, const Keyed *keyed)
{
	appendStringInfoString(sql, " ORDER BY score DESC");
	for (int i = 0; i < ARMS; i++)
		appendStringInfo(sql, ", %s_rank", arm_arguments[i].name);
	appendStringInfoString(sql, ", ");
	append_key(sql, keyed);
}

/* Appends the fields of the row with a key, as an object, or NULL. */
static void
append_fields(StringInfo sql, const Keyed *keyed, ArrayType *fields)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;

	if (fields == NULL)
	{
		appendStringInfoString(sql, "NULL::pg_catalog.jsonb");
		return;
	}
	deconstruct_array(fields, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &names, &nulls, &count);
	appendStringInfoString(sql, "(SELECT pg_catalog.jsonb_build_object(");
	for (int i = 0; i < count; i++)
	{
		const char *name;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("fields must not contain nulls")));
		name = NameStr(*DatumGetName(names[i]));
		if (get_attnum(RelationGetRelid(keyed->table), name) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of fields does not exist in \"%s\"", name,
							RelationGetRelationName(keyed->table))));
		appendStringInfo(sql, "%s%s, t.%s", i == 0 ? "" : ", ", quote_literal_cstr(name),
						 quote_identifier(name));
	}
	appendStringInfo(sql, ") FROM %s AS t WHERE true", keyed->name);
	for (int i = 0; i < keyed->count; i++)
	{
		Oid			type = TupleDescAttr(RelationGetDescr(keyed->table),
										 keyed->columns[i] - 1)->atttypid;

		appendStringInfo(sql, " AND t.%s",
						 quote_identifier(column_name(keyed, keyed->columns[i])));
		append_operator(sql, lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr);
		appendStringInfo(sql, "f.k%d", i + 1);
	}
	appendStringInfoChar(sql, ')');
}

/*
 * The statement: the arms, one row for each key with its ranks, their scores, the best k, and for
 * these the key and the fields as objects.
 */
static char *
make_statement(FunctionCallInfo fcinfo, const Keyed *keyed, Arm *arms, Parameters *parameters)
{
	StringInfoData sql;
	StringInfoData filter;
	int			k = get_count(fcinfo, ARG_K, "k", 0);
	double		rrf_k = get_number(fcinfo, ARG_RRF_K, "rrf_k", 0);
	bool		first = true;

	(void) parameter_add(parameters, INT8OID, Int64GetDatum(
							 get_count(fcinfo, ARG_DEPTH, "depth", Max(k, DEFAULT_DEPTH))));
	for (int i = 0; i < ARMS; i++)
		if (arms[i].asked)
			arms[i].parameter = parameter_add(parameters, arms[i].query_type, arms[i].query);
	initStringInfo(&filter);
	if (!PG_ARGISNULL(ARG_FILTER))
		append_filter(&filter, keyed->table, PG_GETARG_JSONB_P(ARG_FILTER), parameters);

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT pg_catalog.jsonb_build_object(");
	for (int i = 0; i < keyed->count; i++)
		appendStringInfo(&sql, "%s%s, k%d", i == 0 ? "" : ", ",
						 quote_literal_cstr(column_name(keyed, keyed->columns[i])), i + 1);
	appendStringInfoString(&sql, "), score, vector_rank, text_rank, sparse_rank, ");
	append_fields(&sql, keyed, PG_ARGISNULL(ARG_FIELDS) ? NULL :
				  PG_GETARG_ARRAYTYPE_P(ARG_FIELDS));
	appendStringInfoString(&sql, " FROM (SELECT g.*, ");
	append_score(&sql, arms, parameter_add(parameters, FLOAT8OID, Float8GetDatum(rrf_k)),
				 parameters);
	appendStringInfoString(&sql, " AS score FROM (SELECT ");
	append_key(&sql, keyed);
	for (int i = 0; i < ARMS; i++)
		appendStringInfo(&sql, ", pg_catalog.min(%s_rank) AS %s_rank", arm_arguments[i].name,
						 arm_arguments[i].name);
	appendStringInfoString(&sql, " FROM (");
	for (int i = 0; i < ARMS; i++)
	{
		if (!arms[i].asked)
			continue;
		appendStringInfoString(&sql, first ? "(" : " UNION ALL (");
		append_arm(&sql, keyed, arms, i, filter.data);
		appendStringInfoChar(&sql, ')');
		first = false;
	}
	appendStringInfoString(&sql, ") AS a GROUP BY ");
	append_key(&sql, keyed);
	appendStringInfoString(&sql, ") AS g");
	append_order(&sql, keyed);
	appendStringInfo(&sql, " LIMIT %d) AS f", k);
	append_order(&sql, keyed);
	return sql.data;
}

/*
 * hybrid_search(relation, query_vector, query_text, query_sparse, filter, k, fields, depth, rrf_k,
 * vector_column, text_column, sparse_column, vector_weight, text_weight, sparse_weight)
 */
PG_FUNCTION_INFO_V1(vector_hybrid_search);
Datum
vector_hybrid_search(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Parameters	parameters = {0};
	Arm			arms[ARMS] = {0};
	Keyed		keyed;
	char	   *sql;

	if (PG_ARGISNULL(ARG_TABLE))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation must not be null")));
	keyed = open_table(PG_GETARG_OID(ARG_TABLE));
	keyed.extension = get_func_namespace(fcinfo->flinfo->fn_oid);
	if (!get_arms(fcinfo, &keyed, arms))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nothing to search for"),
				 errhint("Give query_vector, query_text or query_sparse, or more than one.")));
	sql = make_statement(fcinfo, &keyed, arms, &parameters);

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(sql, parameters.count, parameters.types, parameters.values, NULL,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed");
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
	table_close(keyed.table, NoLock);
	PG_RETURN_NULL();
}
