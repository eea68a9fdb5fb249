/*
 * scores.h - what packed lists say of a query's words: bounds of the scores of rows, and the scores
 */
#ifndef VECTOR_INVERTED_SEGMENT_SCORES_H
#define VECTOR_INVERTED_SEGMENT_SCORES_H

#include "inverted/words.h"
#include "inverted_segment/packed.h"
#include "text/match.h"

/* Parts of scores are remembered of frequencies up to this, in units. */
#define REMEMBERED_PARTS	16

/* What a term adds to the bounds of rows, by frequency and class of length. */
typedef struct PartTable
{
	uint32		known;			/* frequencies from 1 to this */
	int32		parts[REMEMBERED_PARTS][LENGTH_CLASSES];
} PartTable;

/* A list of one of the terms in a window. */
typedef struct ScoreList
{
	PackedChunk chunk;
	uint32		term;			/* of the match */
} ScoreList;

typedef struct Scores
{
	SealedScan *scan;
	Match	   *match;
	ScoreList  *lists;			/* those of a term follow each other, their windows ascending */
	uint32		count;
	uint32		room;
	uint32	   *order;			/* of the lists by window */
	uint32	   *starts;			/* of the windows there, and the end */

	/* of bounds */
	double		scale;			/* they are this times a score; set by the caller */
	double		least_k[LENGTH_CLASSES];	/* of each class of lengths */
	PartTable **tables;			/* by term; NULL: not made yet */
	PackedReader reader;
	int32		parts[PACKED_BLOCK];
} Scores;

/* Finds the lists of a match's terms; the match has its formula and weights. */
extern Scores *scores_begin(SealedScan *scan, Match *match);

/* No row of a list has more than this of the term's weight; by how much a bound is more. */
extern double scores_largest(const Scores *scores, const ScoreList *list);
extern double scores_error(const Scores *scores);

/* A source of lists, whose `first` is a number in `lists`. */
extern InvertedSource scores_source(Scores *scores);

/* Computes the scores of rows of a window, which ascend, and are relative to its first one. */
extern void scores_compute(Scores *scores, uint32 window, const uint16 *rows, uint32 count,
						   double *results);

#endif							/* VECTOR_INVERTED_SEGMENT_SCORES_H */
