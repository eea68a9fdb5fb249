/*
 * measure.h - queries that are answered without an index of vectors, and by one
 *
 * The queries are vectors of the table itself, those that a statement gives, or those that sessions
 * have searched for.  A caller is within SPI_connect and SPI_finish, and in a nest level of
 * settings, which the measurement changes.
 */
#ifndef VECTOR_RECALL_MEASURE_H
#define VECTOR_RECALL_MEASURE_H

#include "pg_compat.h"

#include "executor/spi.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

/* Where queries come from. */
typedef enum SampleSource
{
	SOURCE_ROWS, SOURCE_STATEMENT, SOURCE_SAMPLES
} SampleSource;

extern const char *const sample_sources[];

/* A query. */
typedef struct Sample
{
	Datum		vector;
	ItemPointerData self;		/* the row whose vector it is; invalid: none */
	double		own;			/* the distance of that row */
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
	double		most_read;		/* rows of a table that is read whole to draw queries */
	bool		vectors;		/* a search also gives the vectors of rows */
	const char *filter;
	bool		notes;			/* the result is kept as the index's recall */
	SampleSource source;
	const char *given;			/* the statement that gives the queries */
	bool		own_rows;		/* queries are rows of the table, whose answers leave them out */
	int			present;		/* one of so many is not searched for without its row; 0: none */
	Sample	   *queries;
	int			count;
	double		exact_ms;		/* for one query, on average */
} Measure;

/* Installs what hides other indexes while recall is measured. */
extern void measure_init(void);

/* While it is measured, plans see no index by distance but the one that is measured, or none. */
extern void measure_begin(void);
extern void measure_end(void);

extern void measure_set_option(const char *name, const char *value);

/* What is measured of an index, without numbers and conditions yet. */
extern Measure measure_of(Relation index);

/*
 * Draws the queries of the table, or takes those that the user's statement gives, or samples of
 * queries, which is an error if the user does not have the privileges of the table's owner.
 */
extern void measure_draw(Measure *measure);

/*
 * The search of a query: ctid, if it is known and needed, and distance of k rows, and one more in
 * place of its own, if it is a row's.  Conditions are the same in both answers, so the planner sees
 * what it sees in the user's own statements.
 */
extern char *measure_search_text(const Measure *measure);

/*
 * Finds the k nearest rows of each query by comparing many queries with all rows at a time; false
 * if there is no join of such vectors.
 */
extern bool measure_join(Measure *measure);

/* Finds the k nearest rows of each query by comparing it with all rows, and takes the time. */
extern void measure_truth(Measure *measure);

/*
 * Plans see this index from now on.  Needed before searches by one of several indexes, as any plan
 * may be made anew.
 */
extern void measure_show_index(const Measure *measure);

/*
 * Prepares the search by the index; NULL if it would not use the index, although there are rows to
 * find.
 */
extern SPIPlanPtr measure_prepare(const Measure *measure, const char *sql);

/*
 * Answers a query, by searches that go on without its row; returns the milliseconds that it took.
 * Visits the distances of the first k rows but for the query's own, in their order: those within
 * `reach` are counted, and the last one and the number of all are given back.
 */
extern double measure_answer(const Measure *measure, SPIPlanPtr plan, const Sample *query,
							 int *within, double *last, int *rows);

/* The recall of a query that has true rows, of which a search found so many within reach. */
static inline double
sample_recall(const Sample *query, int within)
{
	return (double) Min(within, query->nearest) / query->nearest;
}

#endif							/* VECTOR_RECALL_MEASURE_H */
