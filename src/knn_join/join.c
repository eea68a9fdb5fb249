/*
 * join.c - vector_knn_join: the nearest rows of each query, without an index
 *
 * Two statements give the queries and the rows, each a key and a vector.  A block of queries, as
 * many as work_mem has room for, is compared with all rows, a block of these at a time; then the
 * next queries are, for which the statement of the rows runs again.  Products rule out nearly all
 * pairs, and the operator's function gives the distances of those that are left, so the answer is
 * that of a query by itself: SELECT ... ORDER BY vector <-> $1 LIMIT k over a sequential scan.
 * Where less than all of the nearest rows will do, by_lists.c says which rows a query is compared
 * with.
 */
#include "pg_compat.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "cluster/blas.h"
#include "knn_join/join_internal.h"
#include "types/dense.h"
#include "types/detoast.h"

/* The arguments, in their order. */
enum
{
	ARG_QUERIES, ARG_ROWS, ARG_K, ARG_OPERATOR, ARG_RECALL
};

/* The columns of the result. */
enum
{
	COLUMN_QUERY, COLUMN_ROW, COLUMN_DISTANCE, RESULT_COLUMNS
};

#define MOST_NEIGHBORS	10000
#define MOST_QUERIES	16384	/* of a block */
#define MOST_PRODUCTS	(256 * JOIN_MOST_ROWS)
#define LEAST_BLOCK		16		/* rows and queries, however little memory there is */
#define QUERIES_FETCHED	64

typedef struct RowReceiver
{
	DestReceiver receiver;
	TakeRow		take;
	void	   *arg;
} RowReceiver;

static Key
copy_key(Key key, const KeyType *type)
{
	if (key.isnull || type->by_value)
		return key;
	if (type->length == -1)
		key.value = PointerGetDatum(PG_DETOAST_DATUM_COPY(key.value));
	else
		key.value = datumCopy(key.value, type->by_value, type->length);
	return key;
}

static KeyType
key_type(Oid type)
{
	KeyType		key = {.type = type};

	get_typlenbyval(type, &key.length, &key.by_value);
	return key;
}

/* Checks the columns that a statement returns, `which` in messages. */
static void
check_columns(const KnnJoin *join, TupleDesc desc, const char *which)
{
	if (desc == NULL || desc->natts != STATEMENT_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the statement of %s must return two columns, a key and a vector",
						which)));
	if (join->type != NULL &&
		TupleDescAttr(desc, COLUMN_VECTOR)->atttypid != join->vector_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("vectors of %s are of type %s, and those of queries of type %s", which,
						format_type_be(TupleDescAttr(desc, COLUMN_VECTOR)->atttypid),
						format_type_be(join->vector_type)),
				 errhint("Cast the column to the type of the other.")));
}

/* Takes the type of the queries' vectors, and the distance of these by an operator. */
static void
set_vector_type(KnnJoin *join, Oid type, const char *operator)
{
	static const struct
	{
		const char *operator;
		JoinMetric	metric;
	}			metrics[] = {{"<->", JOIN_L2}, {"<#>", JOIN_PRODUCT}, {"<=>", JOIN_COSINE}};
	HeapTuple	tuple;
	char	   *schema;
	Oid			found;

	join->vector_type = type;
	join->type = dense_type_of(type);
	if (join->type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("queries are of type %s", format_type_be(type)),
				 errdetail("Joins are of type vector, halfvec, bf16vec or int8vec."),
				 errhint("Cast the second column of both statements.")));
	for (int i = 0; i < lengthof(metrics); i++)
		if (strcmp(operator, metrics[i].operator) == 0)
		{
			join->block.metric = metrics[i].metric;
			tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
			schema = get_namespace_name(((Form_pg_type) GETSTRUCT(tuple))->typnamespace);
			ReleaseSysCache(tuple);
			found = OpernameGetOprid(list_make2(makeString(schema),
												makeString(pstrdup(operator))), type, type);
			fmgr_info(get_opcode(found), &join->distance);
			return;
		}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there are no joins by operator \"%s\"", operator),
			 errhint("Operators are <->, <#> and <=>.")));
}

/* Checks that the columns that the caller expects are those that the result has. */
static void
check_result(const KnnJoin *join, TupleDesc desc)
{
	Oid			types[] = {join->query_key.type, join->row_key.type, FLOAT8OID};
	bool		right = desc->natts == RESULT_COLUMNS;

	for (int i = 0; right && i < RESULT_COLUMNS; i++)
		right = TupleDescAttr(desc, i)->atttypid == types[i];
	if (!right)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the result has three columns, of types %s, %s and %s",
						format_type_be(types[0]), format_type_be(types[1]),
						format_type_be(types[2])),
				 errhint("Write vector_knn_join(...) AS name (query %s, row_key %s, distance %s).",
						 format_type_be(types[0]), format_type_be(types[1]),
						 format_type_be(types[2]))));
}

static SPIPlanPtr
prepare(const char *sql, const char *which)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, 0, NULL, CURSOR_OPT_PARALLEL_OK);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	if (!SPI_is_cursor_plan(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be one statement that returns rows", which)));
	return plan;
}

/*
 * Divides the memory: half is for the queries and what is nearest to them, a quarter for the rows,
 * an eighth for products.  Called for the first vector of a block of queries.
 */
static void
make_room(KnnJoin *join, int dims)
{
	Size		memory = join->memory;
	Size		query_bytes = sizeof(float) * dims + sizeof(Near) * join->k + sizeof(Nearest) +
		2 * sizeof(double) + sizeof(bool) +
		(join->lists ? knn_lists_query_bytes(join->lists) : 0);
	JoinBlock  *block = &join->block;
	Size		row_bytes;

	join->dims = dims;
	join->stride = MAXALIGN(dense_size(join->type, dims));
	row_bytes = join->stride + sizeof(float) * dims + sizeof(Key) + sizeof(double);
	join->row_room = Min(Max(memory / 4 / row_bytes, LEAST_BLOCK), JOIN_MOST_ROWS);
	join->query_room = Min(Max(memory / 2 / query_bytes, LEAST_BLOCK), MOST_QUERIES);
	join->vectors = palloc_extended(sizeof(float) * dims * (Size) join->query_room,
									MCXT_ALLOC_HUGE);
	join->query_norms = palloc(sizeof(double) * join->query_room);
	join->bounds = palloc(sizeof(double) * join->query_room);
	join->nearest = palloc(sizeof(Nearest) * join->query_room);
	join->changed = palloc0(sizeof(bool) * join->query_room);
	join->values = palloc(join->stride * join->row_room);
	join->row_norms = palloc(sizeof(double) * join->row_room);
	join->keys = palloc(sizeof(Key) * join->row_room);
	join->value = dense_init(join->type, dims);
	join->value_of = MOST_QUERIES;
	block->dims = dims;
	block->queries = join->vectors;
	block->query_norms = join->query_norms;
	block->bounds = join->bounds;
	block->rows = palloc(sizeof(float) * dims * join->row_room);
	block->row_norms = join->row_norms;
	block->row_count = 0;
	block->products_room = Min(Max(memory / 8 / sizeof(float),
								   LEAST_BLOCK * (join->row_room + dims)), MOST_PRODUCTS);
	block->products = palloc(sizeof(float) * block->products_room);
}

void
knn_begin_block(KnnJoin *join)
{
	MemoryContextReset(join->context);
	MemoryContextReset(join->key_context);
	join->dims = join->query_count = join->vector_count = 0;
	join->query_room = MOST_QUERIES;	/* until the first vector */
	join->queries = MemoryContextAlloc(join->context, sizeof(KnnQuery) * MOST_QUERIES);
	join->rows_before = 0;
	join->key_limit = (Size) work_mem * 1024 / 8;
}

/* Computes the distance of a pair, and keeps the row if it is among the nearest. */
static void
visit_pair(void *arg, size_t query, size_t row)
{
	KnnJoin	   *join = arg;
	Datum		distance;

	if (join->value_of != query)
	{
		(void) join->type->from_float(join->vectors + query * join->dims, join->value->x,
									  join->dims);
		join->value_of = query;
	}
	distance = FunctionCall2(&join->distance, PointerGetDatum(join->values + row * join->stride),
							 PointerGetDatum(join->value));
	if (nearest_add(&join->nearest[query], join->k, DatumGetFloat8(distance),
					join->rows_before + row))
	{
		join->bounds[query] = nearest_bound(&join->nearest[query], join->k);
		join->changed[query] = true;
	}
}

static void
check_interrupts(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}

/* Keeps a copy of the key of a row that is among the nearest. */
static void
keep_key(KnnJoin *join, Near *near, Key key)
{
	key = copy_key(key, &join->row_key);
	near->key = key.value;
	near->key_null = key.isnull;
}

/* Drops the keys of rows that are no longer among the nearest of any query. */
static void
drop_keys(KnnJoin *join)
{
	MemoryContext old_keys = join->key_context;
	MemoryContext old;

	join->key_context = AllocSetContextCreate(MemoryContextGetParent(old_keys),
											  "vector_knn_join keys", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(join->key_context);
	for (int i = 0; i < join->vector_count; i++)
		for (uint32 j = 0; j < join->nearest[i].count; j++)
		{
			Near	   *near = &join->nearest[i].heap[j];

			keep_key(join, near, (Key) {near->key, near->key_null});
		}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(old_keys);
	join->key_limit = Max(join->key_limit, 2 * MemoryContextMemAllocated(join->key_context, true));
}

void
knn_compare(KnnJoin *join)
{
	const JoinBlock *block = &join->block;
	MemoryContext old;

	join_visit_near(&join->block);
	old = MemoryContextSwitchTo(join->key_context);
	for (size_t i = 0; i < block->query_count; i++)
	{
		size_t		query = block->chosen ? block->chosen[i] : i;
		Nearest    *nearest = &join->nearest[query];

		for (uint32 j = 0; join->changed[query] && j < nearest->count; j++)
			if (nearest->heap[j].row >= join->rows_before)
				keep_key(join, &nearest->heap[j],
						 join->keys[nearest->heap[j].row - join->rows_before]);
		join->changed[query] = false;
	}
	MemoryContextSwitchTo(old);
	if (MemoryContextMemAllocated(join->key_context, true) > join->key_limit)
		drop_keys(join);
}

void
knn_begin_rest(KnnJoin *join)
{
	MemoryContextReset(join->rest_context);
	join->first = MemoryContextAlloc(join->rest_context, sizeof(Key) * join->k);
	join->nulls = MemoryContextAlloc(join->rest_context, sizeof(Key) * join->k);
	join->first_count = join->null_count = 0;
}

/* Remembers a key among the first k. */
static void
note_key(KnnJoin *join, Key *keys, int *count, Key key)
{
	MemoryContext old = MemoryContextSwitchTo(join->rest_context);

	if (*count < join->k)
		keys[(*count)++] = copy_key(key, &join->row_key);
	MemoryContextSwitchTo(old);
}

void
knn_note_rest(KnnJoin *join, Key key, bool isnull)
{
	note_key(join, join->first, &join->first_count, key);
	if (isnull)
		note_key(join, join->nulls, &join->null_count, key);
}

void
knn_take_block(KnnJoin *join)
{
	join->take_block(join);
	join->rows_before += join->block.row_count;
	join->block.row_count = 0;
	MemoryContextReset(join->row_context);
}

void
knn_add_row(KnnJoin *join, Key key, Datum value)
{
	JoinBlock  *block = &join->block;
	size_t		n = block->row_count;
	MemoryContext old = MemoryContextSwitchTo(join->row_context);
	Dense	   *vector = vector_detoast(value);

	dense_check_dims(join->type, vector, join->value);
	memcpy(join->values + n * join->stride, vector, dense_size(join->type, join->dims));
	join->type->to_float(vector->x, block->rows + n * join->dims, join->dims);
	join->row_norms[n] = join_norm(block->rows + n * join->dims, join->dims);
	join->keys[n] = copy_key(key, join->block_key);
	if ((Pointer) vector != DatumGetPointer(value))
		pfree(vector);
	MemoryContextSwitchTo(old);
	if (++block->row_count == join->row_room)
		knn_take_block(join);
}

/* Takes a row of the statement of rows. */
static void
take_row(void *arg, Key key, Datum vector, bool isnull)
{
	KnnJoin	   *join = arg;

	knn_note_rest(join, key, isnull);
	if (!isnull && join->vector_count > 0)
		knn_add_row(join, key, vector);
}

Key
knn_row(TupleTableSlot *slot, Datum *vector, bool *isnull)
{
	Key			key;

	*vector = slot_getattr(slot, COLUMN_VECTOR + 1, isnull);
	key.value = slot_getattr(slot, COLUMN_KEY + 1, &key.isnull);
	return key;
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	bool		isnull;
	Datum		vector;
	Key			key = knn_row(slot, &vector, &isnull);

	receiver->take(receiver->arg, key, vector, isnull);
	return true;
}

static void
receive_start(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
receive_end(DestReceiver *self)
{
}

void
knn_run(SPIPlanPtr plan, TakeRow take, void *arg)
{
	RowReceiver receiver = {
		.receiver = {
			.receiveSlot = receive_row,
			.rStartup = receive_start,
			.rShutdown = receive_end,
			.rDestroy = receive_end,
			.mydest = DestNone
		},
		.take = take,
		.arg = arg
	};
	SPIExecuteOptions options = {.read_only = true, .dest = &receiver.receiver};
	int			status = SPI_execute_plan_extended(plan, &options);

	if (status < 0)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(status));
}

static void
put_row(KnnJoin *join, Key query, Key row, const double *distance)
{
	Datum		values[] = {query.value, row.value, Float8GetDatum(distance ? *distance : 0)};
	bool		nulls[] = {query.isnull, row.isnull, distance == NULL};

	tuplestore_putvalues(join->result->setResult, join->result->setDesc, values, nulls);
}

/* Puts out the nearest rows of each query; rows without a distance come last. */
static void
put_nearest(KnnJoin *join)
{
	for (int i = 0; i < join->query_count; i++)
	{
		const KnnQuery *query = &join->queries[i];
		Nearest    *nearest = query->vector < 0 ? NULL : &join->nearest[query->vector];
		int			found = nearest ? nearest->count : 0;
		const Key  *rest = nearest ? join->nulls : join->first;
		int			rest_count = nearest ? join->null_count : join->first_count;

		if (nearest)
			nearest_sort(nearest);
		for (int j = 0; j < found; j++)
		{
			const Near *near = &nearest->heap[j];

			put_row(join, query->key, (Key) {near->key, near->key_null}, &near->distance);
		}
		for (int j = 0; j < rest_count && found + j < join->k; j++)
			put_row(join, query->key, rest[j], NULL);
	}
}

/* Answers the block of queries and begins the next. */
void
knn_finish_block(KnnJoin *join)
{
	if (join->query_count == 0)
		return;
	if (join->lists)
		knn_lists_search(join);
	else
	{
		join->block.query_count = join->vector_count;
		join->block_key = &join->row_key;
		join->take_block = knn_compare;
		knn_begin_rest(join);
		knn_run(join->rows_plan, take_row, join);
		if (join->vector_count > 0)
			knn_take_block(join);
	}
	put_nearest(join);
	knn_begin_block(join);
}

void
knn_add_query(KnnJoin *join, Key key, Datum value, bool isnull)
{
	Dense	   *vector = isnull ? NULL : vector_detoast(value);
	MemoryContext old;
	KnnQuery	   *query;
	int			n;

	/* a row has the dimensions of one of the two, so that the other is an error in its block */
	if (join->query_count >= join->query_room ||
		(vector && join->dims != 0 && vector->dim != join->dims))
		knn_finish_block(join);
	old = MemoryContextSwitchTo(join->context);
	query = &join->queries[join->query_count++];
	query->key = copy_key(key, &join->query_key);
	query->vector = -1;
	if (vector)
	{
		if (join->dims == 0)
			make_room(join, vector->dim);
		n = query->vector = join->vector_count++;
		join->type->to_float(vector->x, join->vectors + (Size) n * join->dims, join->dims);
		join->query_norms[n] = join_norm(join->vectors + (Size) n * join->dims, join->dims);
		join->nearest[n].heap = palloc(sizeof(Near) * join->k);
		join->nearest[n].count = 0;
		join->bounds[n] = nearest_bound(&join->nearest[n], join->k);
	}
	MemoryContextSwitchTo(old);
}

static void
join_queries(KnnJoin *join)
{
	Portal		portal = SPI_cursor_open(NULL, join->queries_plan, NULL, NULL, true);

	knn_begin_block(join);
	for (;;)
	{
		SPITupleTable *table;

		SPI_cursor_fetch(portal, true, QUERIES_FETCHED);
		table = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < table->numvals; i++)
		{
			Key			key;
			bool		isnull;
			Datum		vector = SPI_getbinval(table->vals[i], table->tupdesc, COLUMN_VECTOR + 1,
											   &isnull);

			key.value = SPI_getbinval(table->vals[i], table->tupdesc, COLUMN_KEY + 1,
									  &key.isnull);
			knn_add_query(join, key, vector, isnull);
		}
		SPI_freetuptable(table);
	}
	knn_finish_block(join);
	SPI_cursor_close(portal);
}

static TupleDesc
columns_of(SPIPlanPtr plan)
{
	return ((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan)))->resultDesc;
}

/* vector_knn_join(queries, rows, k, operator, recall) */
PG_FUNCTION_INFO_V1(vector_knn_join);
Datum
vector_knn_join(PG_FUNCTION_ARGS)
{
	KnnJoin		join = {.k = PG_GETARG_INT32(ARG_K), .memory = (Size) work_mem * 1024};
	double		recall = PG_GETARG_FLOAT8(ARG_RECALL);
	char	   *queries = text_to_cstring(PG_GETARG_TEXT_PP(ARG_QUERIES));
	char	   *rows = text_to_cstring(PG_GETARG_TEXT_PP(ARG_ROWS));
	char	   *operator = text_to_cstring(PG_GETARG_TEXT_PP(ARG_OPERATOR));
	TupleDesc	query_columns;
	TupleDesc	row_columns;

	if (join.k < 1 || join.k > MOST_NEIGHBORS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be between 1 and %d", MOST_NEIGHBORS)));
	if (!(recall > 0 && recall <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("recall must be more than 0 and at most 1")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	join.result = (ReturnSetInfo *) fcinfo->resultinfo;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	join.queries_plan = prepare(queries, "queries");
	join.rows_plan = prepare(rows, "rows");
	query_columns = columns_of(join.queries_plan);
	row_columns = columns_of(join.rows_plan);
	check_columns(&join, query_columns, "queries");
	set_vector_type(&join, TupleDescAttr(query_columns, COLUMN_VECTOR)->atttypid, operator);
	check_columns(&join, row_columns, "rows");
	join.query_key = key_type(TupleDescAttr(query_columns, COLUMN_KEY)->atttypid);
	join.row_key = key_type(TupleDescAttr(row_columns, COLUMN_KEY)->atttypid);
	check_result(&join, join.result->setDesc);
	join.context = AllocSetContextCreate(CurrentMemoryContext, "vector_knn_join queries",
										 ALLOCSET_DEFAULT_SIZES);
	join.row_context = AllocSetContextCreate(CurrentMemoryContext, "vector_knn_join rows",
											 ALLOCSET_DEFAULT_SIZES);
	join.key_context = AllocSetContextCreate(CurrentMemoryContext, "vector_knn_join keys",
											 ALLOCSET_DEFAULT_SIZES);
	join.rest_context = AllocSetContextCreate(CurrentMemoryContext, "vector_knn_join first keys",
											  ALLOCSET_DEFAULT_SIZES);
	join.block.visit = visit_pair;
	join.block.between = check_interrupts;
	join.block.arg = &join;
	(void) cluster_blas_load();
	if (recall == 1 || !knn_lists_join(&join, recall))
		join_queries(&join);
	SPI_finish();
	PG_RETURN_NULL();
}
