/*
 * join_internal.h - a call of vector_knn_join, for the files that answer it
 */
#ifndef VECTOR_KNN_JOIN_INTERNAL_H
#define VECTOR_KNN_JOIN_INTERNAL_H

#include "pg_compat.h"

#include "executor/spi.h"
#include "nodes/execnodes.h"

#include "knn_join/nearest.h"
#include "knn_join/products.h"
#include "types/dense.h"

/* The columns of a statement. */
enum
{
	COLUMN_KEY, COLUMN_VECTOR, STATEMENT_COLUMNS
};

/* A key; by reference, it is a copy. */
typedef struct Key
{
	Datum		value;
	bool		isnull;
} Key;

typedef struct KeyType
{
	Oid			type;
	int16		length;
	bool		by_value;
} KeyType;

typedef struct KnnQuery
{
	Key			key;
	int			vector;			/* its number among the vectors of the block; -1: null */
} KnnQuery;

typedef struct KnnLists KnnLists;

typedef struct KnnJoin
{
	/* what is asked for */
	int			k;
	const DenseType *type;
	Oid			vector_type;
	FmgrInfo	distance;
	KeyType		query_key;
	KeyType		row_key;
	SPIPlanPtr	queries_plan;
	SPIPlanPtr	rows_plan;
	ReturnSetInfo *result;
	Size		memory;			/* bytes of blocks and what is nearest */
	KnnLists   *lists;			/* NULL: exactly, without lists */

	/* the block of queries, and by number of a vector what is known of it */
	MemoryContext context;		/* emptied for each block of queries */
	int			dims;			/* 0: none has a vector yet */
	KnnQuery	   *queries;
	int			query_count;
	int			query_room;
	int			vector_count;
	float	   *vectors;
	double	   *query_norms;
	double	   *bounds;
	Nearest    *nearest;
	bool	   *changed;		/* by the present block of rows */

	/* the block of rows */
	MemoryContext row_context;	/* emptied for each block of rows: keys */
	const KeyType *block_key;	/* the type of these keys */
	void		(*take_block) (struct KnnJoin *join);	/* what happens to it */
	JoinBlock	block;
	int			row_room;
	Size		stride;
	char	   *values;			/* of `stride` bytes each */
	double	   *row_norms;
	Key		   *keys;
	uint64		rows_before;	/* rows with vectors in earlier blocks */

	/* keys of the nearest rows */
	MemoryContext key_context;
	Size		key_limit;		/* bytes, at which those no longer needed are dropped */

	/* the keys of the first k rows, and of the first k without a vector */
	MemoryContext rest_context; /* emptied before the statement of rows runs */
	Key		   *first;
	Key		   *nulls;
	int			first_count;
	int			null_count;

	/* the value of a query, made of its floats */
	Dense	   *value;
	size_t		value_of;
} KnnJoin;

/* Is told of a row of a statement. */
typedef void (*TakeRow) (void *arg, Key key, Datum vector, bool isnull);

extern void knn_run(SPIPlanPtr plan, TakeRow take, void *arg);

/* A key of a row of a slot, and its vector. */
extern Key	knn_row(TupleTableSlot *slot, Datum *vector, bool *isnull);

/* Begins a block of queries, adds a query, and answers what was added. */
extern void knn_begin_block(KnnJoin *join);
extern void knn_add_query(KnnJoin *join, Key key, Datum value, bool isnull);
extern void knn_finish_block(KnnJoin *join);

/* Notes the keys of rows that come first, before the statement of rows runs and for each. */
extern void knn_begin_rest(KnnJoin *join);
extern void knn_note_rest(KnnJoin *join, Key key, bool isnull);

/* Adds a row with a vector to the block of rows, which is taken when it is full. */
extern void knn_add_row(KnnJoin *join, Key key, Datum value);
extern void knn_take_block(KnnJoin *join);

/* Compares the block's queries with its rows. */
extern void knn_compare(KnnJoin *join);

/*
 * Finds this part of the nearest rows by lists of rows; false, and nothing is done, if there are
 * too few queries or rows, or too little memory.
 */
extern bool knn_lists_join(KnnJoin *join, double recall);

/* Bytes for each query of a block besides what there is without lists. */
extern Size knn_lists_query_bytes(const KnnLists *lists);

/* Compares a block of queries with the rows of lists. */
extern void knn_lists_search(KnnJoin *join);

#endif							/* VECTOR_KNN_JOIN_INTERNAL_H */
