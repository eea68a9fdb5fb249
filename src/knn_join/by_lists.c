/*
 * by_lists.c - a given part of the nearest rows, by lists of rows
 *
 * k-means of a sample divides the rows into lists.  They are sorted by list into a temporary file,
 * and the queries by their nearest list, so that a block of queries needs few lists, and meets the
 * rows of one together.  With how many lists each query is compared follows from a sample of the
 * queries, which are compared with all rows as these pass.  Each statement runs twice: to be
 * sampled, and to be sorted.
 */
#include "pg_compat.h"

#include <limits.h>
#include <math.h>

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "cluster/kmeans.h"
#include "knn_join/join_internal.h"
#include "knn_join/lists.h"
#include "segment/memory.h"
#include "segment/temporary.h"
#include "types/detoast.h"

/* With fewer queries or rows than this, lists save nothing. */
#define LEAST_COUNT		1000

#define LEAST_LISTS		8
#define LEAST_SAMPLE	16
#define MOST_TRUTHS		256		/* queries that are compared with all rows */
#define TRAINING_ROWS	32		/* of the sample, for each list */
#define ITERATIONS		5

/* Parts of work_mem, of which blocks have the rest: centroids, and what is being sorted. */
#define CENTROIDS_PART	8
#define SORT_PART		8
#define LEAST_SORT		64		/* kilobytes */

/* What is sorted: the columns of a statement, and a list before the number of the row. */
#define COLUMN_PLACE	STATEMENT_COLUMNS
#define SORT_COLUMNS	(STATEMENT_COLUMNS + 1)
#define NUMBER_BITS		40

typedef struct Sample
{
	MemoryContext context;
	const DenseType *type;
	Dense	   *value;			/* of as many dimensions as vectors have; NULL: not known yet */
	Size		memory;			/* bytes */
	uint32		room;
	uint32		count;
	float	   *points;
	uint64	   *hashes;			/* of the numbers of their rows */
	uint64		rows;			/* with a vector */
	uint64		greatest;		/* rows of greater hashes are left out */
} Sample;

typedef struct Sorting
{
	TupleDesc	desc;
	Tuplesortstate *sort;
	TupleTableSlot *slot;
	uint64		count;
} Sorting;

typedef struct ListStart
{
	int			file;
	off_t		offset;
	uint64		row;			/* the number of its first row */
} ListStart;

struct KnnLists
{
	JoinLists	lists;
	Sorting		sorting;		/* rows, then queries */
	void	   *scratch;		/* for the assignment to lists */
	uint32		assigned[JOIN_MOST_ROWS];	/* by row of the block */

	/* the rows by list */
	BufFile    *file;
	ListStart  *starts;
	TupleTableSlot *slot;
	MinimalTuple tuple;			/* the last that was read */
	Size		tuple_room;
};

/* Leaves out half of a sample; which half, does not depend on the order of the rows. */
static void
thin_sample(Sample *sample)
{
	Size		dims = sample->value->dim;
	uint32		count = 0;

	sample->greatest /= 2;
	for (uint32 i = 0; i < sample->count; i++)
		if (sample->hashes[i] <= sample->greatest)
		{
			if (count < i)
				memcpy(sample->points + count * dims, sample->points + i * dims,
					   sizeof(float) * dims);
			sample->hashes[count++] = sample->hashes[i];
		}
	sample->count = count;
}

static void
take_sample(void *arg, Key key, Datum value, bool isnull)
{
	Sample	   *sample = arg;
	uint64		hash;
	Dense	   *vector;
	Size		dims;

	if (isnull)
		return;
	hash = DatumGetUInt64(hash_any_extended((unsigned char *) &sample->rows,
											sizeof(sample->rows), 0));
	sample->rows++;
	if (hash > sample->greatest)
		return;
	vector = vector_detoast(value);
	dims = vector->dim;
	if (sample->points == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(sample->context);

		if (sample->value == NULL)
			sample->value = dense_init(sample->type, dims);
		sample->room = Max(sample->memory / (sizeof(float) * dims), LEAST_SAMPLE);
		sample->points = palloc_extended(sizeof(float) * dims * sample->room, MCXT_ALLOC_HUGE);
		sample->hashes = palloc_extended(sizeof(uint64) * sample->room, MCXT_ALLOC_HUGE);
		MemoryContextSwitchTo(old);
	}
	dense_check_dims(sample->type, vector, sample->value);
	while (sample->count == sample->room)
		thin_sample(sample);
	if (hash <= sample->greatest)
	{
		sample->type->to_float(vector->x, sample->points + sample->count * dims, dims);
		sample->hashes[sample->count++] = hash;
	}
	if ((Pointer) vector != DatumGetPointer(value))
		pfree(vector);
}

/* A sample of a statement's vectors that takes so many bytes, and of so many vectors at most. */
static Sample
take_samples(const KnnJoin *join, SPIPlanPtr plan, Dense *value, Size memory, uint32 most)
{
	Sample		sample = {.context = CurrentMemoryContext, .type = join->type, .value = value,
		.memory = memory, .greatest = PG_UINT64_MAX};

	knn_run(plan, take_sample, &sample);
	while (sample.count > most)
		thin_sample(&sample);
	return sample;
}

/* ---------------------------------------------------------------- sorting by list */

static void
sorting_begin(Sorting *sorting, const KnnJoin *join, const KeyType *key)
{
	AttrNumber	attribute = COLUMN_PLACE + 1;
	Oid			operator = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;

	sorting->desc = CreateTemplateTupleDesc(SORT_COLUMNS);
	TupleDescInitEntry(sorting->desc, COLUMN_KEY + 1, "key", key->type, -1, 0);
	TupleDescInitEntry(sorting->desc, COLUMN_VECTOR + 1, "vector", join->vector_type, -1, 0);
	TupleDescInitEntry(sorting->desc, COLUMN_PLACE + 1, "place", INT8OID, -1, 0);
#if PG_VERSION_NUM >= 190000
	TupleDescFinalize(sorting->desc);
#endif
	sorting->sort = tuplesort_begin_heap(sorting->desc, 1, &attribute, &operator, &collation,
										 &nulls_first, Max(work_mem / SORT_PART, LEAST_SORT),
										 NULL, TUPLESORT_NONE);
	sorting->slot = MakeSingleTupleTableSlot(sorting->desc, &TTSOpsVirtual);
	sorting->count = 0;
}

static void
sorting_put(Sorting *sorting, uint32 list, Key key, Datum vector, bool isnull)
{
	TupleTableSlot *slot = sorting->slot;

	ExecClearTuple(slot);
	slot->tts_values[COLUMN_KEY] = key.value;
	slot->tts_isnull[COLUMN_KEY] = key.isnull;
	slot->tts_values[COLUMN_VECTOR] = vector;
	slot->tts_isnull[COLUMN_VECTOR] = isnull;
	slot->tts_values[COLUMN_PLACE] =
		Int64GetDatum((int64) list << NUMBER_BITS | (int64) sorting->count++);
	slot->tts_isnull[COLUMN_PLACE] = false;
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(sorting->sort, slot);
}

/* Sorts what was put, and returns a slot to read it into. */
static TupleTableSlot *
sorting_end(Sorting *sorting)
{
	ExecDropSingleTupleTableSlot(sorting->slot);
	tuplesort_performsort(sorting->sort);
	return MakeSingleTupleTableSlot(sorting->desc, &TTSOpsMinimalTuple);
}

/* Puts a block of rows, or of queries, in the places that their lists have. */
static void
sort_block(KnnJoin *join)
{
	KnnLists   *lists = join->lists;
	const JoinBlock *block = &join->block;

	CHECK_FOR_INTERRUPTS();
	cluster_assign(&lists->lists.centroids, &(ClusterRows) {block->rows, block->row_count, 1}, 1,
				   lists->scratch, lists->assigned, NULL);
	for (size_t i = 0; i < block->row_count; i++)
		sorting_put(&lists->sorting, lists->assigned[i], join->keys[i],
					PointerGetDatum(join->values + i * join->stride), false);
}

/* Likewise, and compares the rows with the queries of the sample. */
static void
sort_rows(KnnJoin *join)
{
	KnnLists   *lists = join->lists;

	sort_block(join);
	for (size_t i = 0; i < join->block.row_count; i++)
		lists->lists.row_counts[lists->assigned[i]]++;
	join_visit_near(&join->block);
	for (int i = 0; i < join->vector_count; i++)
		for (uint32 j = 0; j < join->nearest[i].count; j++)
		{
			Near	   *near = &join->nearest[i].heap[j];

			if (near->row >= join->rows_before)
				near->key = lists->assigned[near->row - join->rows_before];
		}
}

static void
take_row(void *arg, Key key, Datum vector, bool isnull)
{
	knn_note_rest(arg, key, isnull);
	if (!isnull)
		knn_add_row(arg, key, vector);
}

/* Queries without a vector come last. */
static void
take_query(void *arg, Key key, Datum vector, bool isnull)
{
	KnnJoin	   *join = arg;

	if (isnull)
		sorting_put(&join->lists->sorting, join->lists->lists.centroids.k, key, vector, true);
	else
		knn_add_row(join, key, vector);
}

/* Writes the sorted rows to a file, and where in it the lists start. */
static void
write_lists(KnnLists *lists)
{
	uint32		next = 0;
	uint64		row = 0;

	lists->slot = sorting_end(&lists->sorting);
	lists->file = BufFileCreateTemp(false);
	while (tuplesort_gettupleslot(lists->sorting.sort, true, false, lists->slot, NULL))
	{
		bool		isnull;
		uint32		list = (uint32) (DatumGetInt64(slot_getattr(lists->slot, COLUMN_PLACE + 1,
																&isnull)) >> NUMBER_BITS);
		MinimalTuple tuple = ExecFetchSlotMinimalTuple(lists->slot, NULL);

		CHECK_FOR_INTERRUPTS();
		for (; next <= list; next++)
		{
			lists->starts[next].row = row;
			BufFileTell(lists->file, &lists->starts[next].file, &lists->starts[next].offset);
		}
		BufFileWrite(lists->file, tuple, tuple->t_len);
		lists->tuple_room = Max(lists->tuple_room, tuple->t_len);
		row++;
	}
	tuplesort_end(lists->sorting.sort);
	lists->tuple = palloc(lists->tuple_room);
}

/* ---------------------------------------------------------------- searching */

Size
knn_lists_query_bytes(const KnnLists *lists)
{
	return lists->lists.centroids.k / BITS_PER_BYTE + 1;
}

/* Compares the chosen queries with the rows of a list. */
static void
search_list(KnnJoin *join, uint32 list)
{
	KnnLists   *lists = join->lists;
	const ListStart *start = &lists->starts[list];

	join->rows_before = start->row;
	if (BufFileSeek(lists->file, start->file, start->offset, SEEK_SET) != 0)
		elog(ERROR, "could not seek in a temporary file");
	for (uint64 i = 0; i < lists->lists.row_counts[list]; i++)
	{
		MinimalTuple tuple = lists->tuple;
		bool		isnull;
		Datum		vector;
		Key			key;

		temporary_read(lists->file, &tuple->t_len, sizeof(tuple->t_len));
		temporary_read(lists->file, (char *) tuple + sizeof(tuple->t_len),
					   tuple->t_len - sizeof(tuple->t_len));
		ExecStoreMinimalTuple(tuple, lists->slot, false);
		key = knn_row(lists->slot, &vector, &isnull);
		knn_add_row(join, key, vector);
	}
	knn_take_block(join);
}

void
knn_lists_search(KnnJoin *join)
{
	const JoinLists *lists = &join->lists->lists;
	size_t		count = join->vector_count;
	uint8	   *marks;
	uint32	   *chosen;

	if (count == 0)
		return;
	marks = MemoryContextAllocZero(join->context, lists->centroids.k * join_lists_stride(count));
	chosen = MemoryContextAlloc(join->context, sizeof(uint32) * count);
	join_lists_mark(lists, join->vectors, count, join->k, marks);
	join->block.chosen = chosen;
	for (uint32 list = 0; list < lists->centroids.k; list++)
	{
		join->block.query_count = join_lists_chosen(marks, count, list, chosen);
		if (join->block.query_count > 0 && lists->row_counts[list] > 0)
			search_list(join, list);
	}
	join->block.chosen = NULL;
}

/* ---------------------------------------------------------------- preparing */

static void
interrupt(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}

/* Half of maintenance_work_mem is for the sample of rows, and half for training by it. */
static Size
training_memory(void)
{
	return (Size) maintenance_work_mem * 1024 / 2;
}

/* Trains the centroids of lists by a sample of the rows; false if there would be too few. */
static bool
train(KnnJoin *join, uint64 queries, Sample *rows)
{
	Size		dims = rows->value->dim;
	Size		vector = sizeof(float) * dims;
	Size		memory = (Size) work_mem * 1024 / CENTROIDS_PART;
	KmeansOptions options = {
		.dims = dims,
		.iterations = ITERATIONS,
		.spherical = join->block.metric != JOIN_L2,
		.seed = 1,
		.interrupt = interrupt,
		.memory = cluster_memory(CurrentMemoryContext)
	};
	KnnLists   *lists;
	float	   *points;
	uint32		k;

	/* as many as make comparing with centroids and with rows cost about the same */
	k = Min(2 * sqrt((double) Min(queries, rows->rows)), memory / vector);
	while (rows->count > 2 * TRAINING_ROWS * k)
		thin_sample(rows);
	k = Min(k, rows->count / LEAST_LISTS);
	options.k = k;
	while (k >= LEAST_LISTS && kmeans_memory(&options, rows->count) > training_memory())
	{
		thin_sample(rows);
		options.k = k = Min(k, rows->count / LEAST_LISTS);
	}
	if (k < LEAST_LISTS)
		return false;
	lists = palloc0(sizeof(KnnLists));
	points = palloc_extended(vector * k, MCXT_ALLOC_HUGE);
	if (!kmeans_train(rows->points, rows->count, &options, points, NULL, NULL))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	cluster_centroids_init(&lists->lists.centroids, points, k, dims, palloc(sizeof(float) * k));
	lists->lists.row_counts = palloc0(sizeof(uint64) * k);
	lists->lists.scratch = palloc_extended(join_lists_scratch(k), MCXT_ALLOC_HUGE);
	lists->scratch = palloc(cluster_assign_scratch(&lists->lists.centroids, 1));
	lists->lists.between = interrupt;
	lists->starts = palloc0(sizeof(ListStart) * k);
	join->lists = lists;
	return true;
}

/* Sorts the rows into lists, and finds with how many of these a query is compared. */
static void
make_lists(KnnJoin *join, const Sample *queries, double recall)
{
	KnnLists   *lists = join->lists;
	Size		dims = queries->value->dim;

	knn_begin_block(join);
	for (uint32 i = 0; i < queries->count && (i == 0 || i < join->query_room); i++)
	{
		Dense	   *vector = dense_from_floats(join->type, queries->points + i * dims, dims);

		knn_add_query(join, (Key) {.isnull = true}, PointerGetDatum(vector), false);
		pfree(vector);
	}
	sorting_begin(&lists->sorting, join, &join->row_key);
	join->block.query_count = join->vector_count;
	join->block_key = &join->row_key;
	join->take_block = sort_rows;
	knn_begin_rest(join);
	knn_run(join->rows_plan, take_row, join);
	knn_take_block(join);
	write_lists(lists);
	join_lists_calibrate(&lists->lists, join->vectors, join->nearest, join->vector_count, recall);
	ereport(DEBUG1, (errmsg_internal("%u of %u lists for each query", lists->lists.probes,
									 lists->lists.centroids.k)));
}

/* Sorts the queries by list, and answers them. */
static void
search_queries(KnnJoin *join)
{
	KnnLists   *lists = join->lists;
	TupleTableSlot *slot;

	sorting_begin(&lists->sorting, join, &join->query_key);
	join->block_key = &join->query_key;
	join->take_block = sort_block;
	knn_run(join->queries_plan, take_query, join);
	knn_take_block(join);
	slot = sorting_end(&lists->sorting);
	join->block_key = &join->row_key;
	join->take_block = knn_compare;
	knn_begin_block(join);
	while (tuplesort_gettupleslot(lists->sorting.sort, true, false, slot, NULL))
	{
		bool		isnull;
		Datum		vector;
		Key			key = knn_row(slot, &vector, &isnull);

		knn_add_query(join, key, vector, isnull);
	}
	knn_finish_block(join);
	tuplesort_end(lists->sorting.sort);
	BufFileClose(lists->file);
}

bool
knn_lists_join(KnnJoin *join, double recall)
{
	Size		memory = (Size) work_mem * 1024;
	Sample		queries;
	Sample		rows;

	queries = take_samples(join, join->queries_plan, NULL, memory / SORT_PART, MOST_TRUTHS);
	if (queries.rows < LEAST_COUNT)
		return false;
	rows = take_samples(join, join->rows_plan, queries.value, training_memory(), UINT32_MAX);
	if (rows.rows < LEAST_COUNT || !train(join, queries.rows, &rows))
		return false;
	pfree(rows.points);
	pfree(rows.hashes);
	join->memory = memory - memory / CENTROIDS_PART - memory / SORT_PART;
	make_lists(join, &queries, recall);
	search_queries(join);
	return true;
}
