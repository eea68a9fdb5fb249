/*
 * advise.h - what an index on a column would be like, by indexes on samples of its table
 */
#ifndef VECTOR_RECALL_ADVISE_H
#define VECTOR_RECALL_ADVISE_H

#include "pg_compat.h"

#include "recall/measure.h"
#include "recall/model.h"

/* What advice is asked for. */
typedef struct Question
{
	const char *call;			/* who asks, in messages */
	Oid			table;
	const char *table_text;		/* as statements name it */
	bool		divided;		/* into partitions */
	bool		logged;			/* in the WAL */
	const char *column_name;
	const char *column;			/* as statements name it */
	Oid			column_type;
	int32		typmod;			/* -1: the column has no number of dimensions */
	bool		cast;			/* that number is not the column's own, but at most its domain's */
	char		storage;		/* of values out of line */
	Oid			operator;
	double		recall;
	int			k;
	double		memory;			/* bytes */
	const char *queries;		/* a statement, or NULL: rows of the table */
	int			sample_rows;

	/* from the sample */
	const char *type_text;		/* with the number of dimensions */
	const char *expression;		/* what is indexed */
	double		rows;			/* that an index would have */
	double		table_bytes;
} Question;

/* A temporary table with rows of the column v. */
typedef struct SampleTable
{
	const char *name;
	double		rows;
	Sample	   *queries;		/* with their exact answers; NULL: not yet known */
	int			count;
	double		exact_ms;		/* of an exact search */
} SampleTable;

#define SAMPLE_TABLES	2
#define MOST_QUERIES	400
#define SMALLER_TABLE	"vector_advise_smaller"
#define LARGER_TABLE	"vector_advise_larger"
#define QUERIES_TABLE	"vector_advise_queries"

/* What the index is made by. */
typedef struct Candidate
{
	const char *method;			/* the access method; NULL: no index */
	const char *setting;		/* how far searches go; NULL: they are exact */
	const char *options;		/* NULL: none */
	Oid			opclass;
	bool		counts_lists;	/* an option is the number of lists */
	bool		reads_table;	/* searches read vectors from the table */
	const char *second;			/* a setting that is to be half the effort; NULL: none */
	int			second_least;
} Candidate;

#define MOST_CANDIDATES		12

/* What an index on the whole table is expected to be. */
typedef struct Figures
{
	double		bytes;
	double		build_s;		/* processor seconds */
	double		effort;			/* with which searches have the recall; 0: none can be set */
	double		recall;			/* with that effort */
	double		ms;				/* of a search, of the processor */
	double		blocks;			/* that a search reads */
	bool		reaches;		/* the recall that was asked for */
} Figures;

/*
 * With fewer rows an index is not worth a measurement: the rows are both sample and queries, and
 * only the exact search is measured.
 */
#define LEAST_ROWS			100

/* Runs a statement that ends with this code of SPI_execute. */
extern void advise_run(const char *sql, int expected);

/* Fills temporary tables, and removes them. */
extern void advise_draw(Question *question, SampleTable *samples);
extern void advise_drop(void);

/* What could be built; returns how many. */
extern int	advise_candidates(const Question *question, Candidate *candidates);

/* The options of an index on so many rows, as in WITH (), or an empty text. */
extern const char *advise_options(const Candidate *candidate, double rows);

/* A statement that makes an index on so many rows, after its start. */
extern char *advise_statement(const Candidate *candidate, const char *start,
							  const char *expression, double rows);

/* What the candidate's second setting is to be with an effort. */
extern int	advise_second_effort(const Candidate *candidate, double effort);

/*
 * What an index on the whole table is expected to be: builds one on each sample, measures and drops
 * them.
 */
extern Figures advise_expect(const Question *question, const Candidate *candidate,
							 SampleTable *samples);

/* The milliseconds of an exact search of a sample without an index. */
extern double advise_measure_exact(const Question *question, const SampleTable *sample);

#endif							/* VECTOR_RECALL_ADVISE_H */
