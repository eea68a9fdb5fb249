/*
 * draw.c - temporary tables with rows of a column, drawn at random
 *
 * The rows of a table are drawn once, and divided: some are queries, which the samples do not have,
 * so that no query is its own answer; the smaller sample is a part of the larger one.  All is read
 * by statements of the caller, so with the caller's privileges and policies.
 */
#include "pg_compat.h"

#include <math.h>

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varbit.h"

#include "recall/advise.h"
#include "types/dense.h"
#include "types/sparsevec.h"

#define QUERIES_PART	0.1		/* of the rows of a small table */

/* A table with more rows than this is not read whole: of blocks at random, */
#define MOST_READ		100000

/* one row of so many is drawn, as rows of a block may be like each other. */
#define BLOCK_ROWS		10

/* The smaller sample has this part of the larger one's rows. */
#define SMALLER			3

/* Indexes and tables take about so many times the space of the sample's vectors. */
#define BUFFERS_FACTOR	5

#define DRAWN_TABLE		"vector_advise_drawn"

void
advise_run(const char *sql, int expected)
{
	int			result = SPI_execute(sql, false, 0);

	if (result != expected)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
}

/* The number in the first row and a column of the last result; 0 for NULL. */
static double
result_number(int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column,
									  &isnull);

	return isnull ? 0 : (double) DatumGetInt64(value);
}

/* Adds up rows, as far as they are known, and bytes of a table or its partitions. */
static bool
count_relation(Oid oid, double *rows, double *bytes)
{
	Relation	table = table_open(oid, AccessShareLock);
	bool		known = table->rd_rel->reltuples >= 0;

	if (RELKIND_HAS_STORAGE(table->rd_rel->relkind))
	{
		double		blocks = RelationGetNumberOfBlocks(table);
		double		density = table->rd_rel->relpages > 0 ?
			table->rd_rel->reltuples / table->rd_rel->relpages : 0;

		known = blocks == 0 || density > 0;
		*rows += density * blocks;
		*bytes += (double) DatumGetInt64(DirectFunctionCall1(pg_table_size,
															 ObjectIdGetDatum(oid)));
	}
	table_close(table, AccessShareLock);
	return known;
}

/*
 * Counts rows and vectors: all, or those of random blocks if the table is large.  Returns the part
 * of the blocks to read, in percent.
 */
static double
count_rows(Question *question)
{
	List	   *tables = question->divided ?
		find_all_inheritors(question->table, AccessShareLock, NULL) :
		list_make1_oid(question->table);
	double		rows = 0;
	double		percent = 100;
	bool		known = true;
	ListCell   *cell;

	foreach(cell, tables)
		known &= count_relation(lfirst_oid(cell), &rows, &question->table_bytes);
	if (known && rows > Max(MOST_READ, (double) BLOCK_ROWS * question->sample_rows))
		percent = 100.0 * BLOCK_ROWS * question->sample_rows / rows;
	advise_run(psprintf("SELECT pg_catalog.count(*), pg_catalog.count(%s) FROM %s "
						"TABLESAMPLE pg_catalog.system (%.6f)", question->column,
						question->table_text, percent), SPI_OK_SELECT);
	if (percent == 100)
		question->rows = result_number(2);
	else
		question->rows = rows * result_number(2) / Max(result_number(1), 1);
	if (question->rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column %s of \"%s\" has no vectors", question->column,
						get_rel_name(question->table)),
				 errdetail("Advice is by samples of the rows.")));
	return percent;
}

/* The dimensions of a vector. */
static int
dimensions(Oid type, Datum vector)
{
	if (type == BITOID || type == VARBITOID)
		return VARBITLEN(DatumGetVarBitP(vector));
	if (dense_type_of(type) != NULL)
		return ((Dense *) PG_DETOAST_DATUM(vector))->dim;
	return ((SparseVector *) PG_DETOAST_DATUM(vector))->dim;
}

/*
 * A column without a number of dimensions is cast to that of its domain, or else of some row, which
 * all are to have.
 */
static void
find_type(Question *question)
{
	int32		typmod = question->typmod;
	bool		isnull;

	question->expression = question->column;
	if (typmod < 0)
	{
		advise_run(psprintf("SELECT %s FROM %s WHERE %s IS NOT NULL LIMIT 1", question->column,
							question->table_text, question->column), SPI_OK_SELECT);
		if (SPI_processed == 0)
			elog(ERROR, "the vectors are gone");
		typmod = dimensions(question->column_type,
							SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
										  &isnull));
	}
	question->type_text = format_type_with_typemod(question->column_type, typmod);
	if (question->cast)
		question->expression = psprintf("(%s::%s)", question->column, question->type_text);
}

/* Makes a temporary table like the question's column. */
static void
make_table(const Question *question, const char *name)
{
	static const struct
	{
		char		storage;
		const char *text;
	}			storages[] = {
		{TYPSTORAGE_PLAIN, "PLAIN"}, {TYPSTORAGE_EXTERNAL, "EXTERNAL"},
		{TYPSTORAGE_MAIN, "MAIN"}, {TYPSTORAGE_EXTENDED, "EXTENDED"}
	};

	if (OidIsValid(get_relname_relid(name, LookupExplicitNamespace("pg_temp", true))))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("temporary relation \"%s\" already exists", name),
				 errhint("Drop or rename it: %s puts samples into a temporary table of this name.",
						 question->call)));
	advise_run(psprintf("CREATE TEMPORARY TABLE %s (v %s, place double precision) USING heap",
						name, question->type_text), SPI_OK_UTILITY);
	for (int i = 0; i < lengthof(storages); i++)
		if (storages[i].storage == question->storage)
			advise_run(psprintf("ALTER TABLE pg_temp.%s ALTER v SET STORAGE %s", name,
								storages[i].text), SPI_OK_UTILITY);
}

/* Fills one with those that were drawn at places in a range; returns how many. */
static double
fill_table(const Question *question, const char *name, double from, double to)
{
	make_table(question, name);
	advise_run(psprintf("INSERT INTO pg_temp.%s SELECT v, place FROM pg_temp." DRAWN_TABLE
						" WHERE place OPERATOR(pg_catalog.>=) '%.17g' AND "
						"place OPERATOR(pg_catalog.<) '%.17g'", name, from, to), SPI_OK_INSERT);
	return (double) SPI_processed;
}

/*
 * Sees to it that samples and indexes find room in the buffers of temporary tables, as far as
 * maintenance_work_mem allows.  Once there are such buffers, their number is final.
 */
static void
set_buffers(const Question *question)
{
	double		row = question->table_bytes / Max(question->rows, 1);
	double		wanted = BUFFERS_FACTOR * row * Min(question->sample_rows, question->rows) / BLCKSZ;
	double		allowed = maintenance_work_mem * 1024.0 / BLCKSZ;

	if (wanted <= num_temp_buffers)
		return;
	if (NLocBuffer == 0 && allowed > num_temp_buffers)
		measure_set_option("temp_buffers", psprintf("%.0f", Min(wanted, allowed)));
	if (Max(NLocBuffer, num_temp_buffers) < wanted)
		ereport(NOTICE,
				(errmsg("samples do not fit into the buffers of temporary tables"),
				 errdetail("Times of searches include those of reading files."),
				 errhint("Set \"maintenance_work_mem\" to at least %.0f MB in a new session.",
						 ceil(wanted * BLCKSZ / 1024 / 1024))));
}

void
advise_draw(Question *question, SampleTable *samples)
{
	double		percent = count_rows(question);
	double		wanted = question->sample_rows + MOST_QUERIES;
	double		part = Min(1, wanted / question->rows * (100 / percent));
	double		queries;
	double		drawn;

	find_type(question);
	set_buffers(question);
	make_table(question, DRAWN_TABLE);
	advise_run(psprintf("INSERT INTO pg_temp." DRAWN_TABLE
						" SELECT %s, pg_catalog.random() FROM %s "
						"TABLESAMPLE pg_catalog.system (%.6f) WHERE %s IS NOT NULL AND "
						"pg_catalog.random() OPERATOR(pg_catalog.<) '%.17g'",
						question->column, question->table_text, percent, question->column, part),
			   SPI_OK_INSERT);
	drawn = (double) SPI_processed;
	samples[1].rows = samples[0].rows = drawn;
	if (drawn < LEAST_ROWS)
	{
		(void) fill_table(question, QUERIES_TABLE, 0, 2);
		(void) fill_table(question, samples[1].name, 0, 2);
		return;
	}
	queries = Min(MOST_QUERIES / drawn, QUERIES_PART);
	(void) fill_table(question, QUERIES_TABLE, 0, queries);
	samples[0].rows = fill_table(question, samples[0].name, 1 - (1 - queries) / SMALLER, 2);
	samples[1].rows = fill_table(question, samples[1].name, queries, 2);
}

void
advise_drop(void)
{
	advise_run("DROP TABLE IF EXISTS pg_temp." DRAWN_TABLE ", pg_temp." QUERIES_TABLE ", pg_temp."
			   SMALLER_TABLE ", pg_temp." LARGER_TABLE, SPI_OK_UTILITY);
}
