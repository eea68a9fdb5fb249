/*
 * score.h - the scores of rows that several searches have found
 */
#ifndef VECTOR_FUSION_SCORE_H
#define VECTOR_FUSION_SCORE_H

#include "pg_compat.h"

#include "storage/itemptr.h"

/* How an arm's distances or ranks become shares of a score. */
typedef enum FusionMethod
{
	FUSE_RANKS,					/* 1 / (k + rank) */
	FUSE_MINMAX,				/* 1 for the nearest row, 0 for the farthest that was found */
	FUSE_ARCTAN,				/* 1/2 - atan(distance) / pi */
	FUSE_DISTANCES				/* as they are */
} FusionMethod;

/* A row of a table. */
typedef struct FusionKey
{
	Oid			table;
	ItemPointerData tid;
} FusionKey;

/* A row that an arm has found. */
typedef struct FusionHit
{
	FusionKey	key;
	int			arm;
	int64		rank;			/* from 1 */
	double		value;			/* the distance, then the share */
} FusionHit;

/* A row that any arm has found. */
typedef struct FusionRow
{
	FusionKey	key;
	int64		rank;			/* in the first arm, or PG_INT64_MAX */
	double		score;			/* less is better */
} FusionRow;

typedef struct FusionHits
{
	MemoryContext context;		/* of these, and of the rows made of them */
	FusionHit  *hits;
	int64		count;
	int64		room;
} FusionHits;

/* Adds a row that an arm has found at a distance. */
extern void fusion_add_hit(FusionHits *hits, FusionKey key, int arm, double distance);

/*
 * Gives the hits from one position on, which are all hits of an arm, their ranks and shares.
 * Returns the share of a row that is not among them.
 */
extern double fusion_rank_hits(FusionHits *hits, int64 from, FusionMethod method, double k,
							   double weight);

/* Makes the rows of all hits in order, given the shares of rows which an arm has not found. */
extern FusionRow *fusion_rows(FusionHits *hits, int arms, const double *missing, int64 *count);

#endif							/* VECTOR_FUSION_SCORE_H */
