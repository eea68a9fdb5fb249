/*
 * model.h - from what two samples of a table cost to what the whole table will
 *
 * Knows nothing of PostgreSQL.
 */
#ifndef VECTOR_RECALL_MODEL_H
#define VECTOR_RECALL_MODEL_H

#include <stdbool.h>

/* The same figure of a smaller and a larger sample. */
typedef struct TwoSizes
{
	double		rows[2];		/* ascending */
	double		figure[2];
} TwoSizes;

/* The figure of so many rows, if it grows by as much with each row; not below zero. */
extern double model_linear(TwoSizes sizes, double rows);

/*
 * If it grows as a power of the rows: of the exponent that both samples have, but at least one and
 * at most the other, between which theory has it and outside of which it is chance.
 */
extern double model_power(TwoSizes sizes, double rows, double least, double most);

/*
 * The recall of searches among so many rows, with one effort.  The part of the rows that is missed
 * grows as a power of the rows, and at most as their square root: what two samples say beyond that
 * is chance.
 */
#define MODEL_MISSED_MOST	0.5

extern double model_recall(TwoSizes sizes, double rows);

/* An index, or a search without one (all but the table's figures are zero). */
typedef struct ModelCost
{
	double		bytes;			/* of the index */
	double		read_bytes;		/* that searches read from: of the index, or with the table */
	double		ms;				/* of a search, if all of it is in memory */
	double		cold_ms;		/* if nothing is */
	bool		reaches;		/* the recall that is wanted */
	double		recall;
} ModelCost;

/* The milliseconds of a search if so many bytes of what it reads are in memory. */
extern double model_expected_ms(const ModelCost *cost, double memory);

/*
 * The one to take: of those that reach the recall the smallest whose searches take at most
 * MODEL_NEARLY times as long as the fastest; if none does, of those with the greatest recall.
 */
#define MODEL_NEARLY	1.1

extern int	model_choose(const ModelCost *costs, int count, double memory);

#endif							/* VECTOR_RECALL_MODEL_H */
