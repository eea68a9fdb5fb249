/*
 * score.h - finds the rows of the best scores in a window of lists
 *
 * Rows are scored window by window: INVERTED_WINDOW rows, whose bounds of scores are an array that
 * stays in the processor's cache, to which a list is added in the order of its rows (SINDI, arXiv
 * 2509.08395).  Once enough rows are known, the lists that together cannot bring a row among them
 * are left out of that (MaxScore, Turtle and Flood 1995): they are only looked at for the rows that
 * the others leave, and if all lists are such, the window is not read at all.  Of few rows that are
 * not excluded, all lists are only looked at for these.
 */
#ifndef VECTOR_INVERTED_SCORE_H
#define VECTOR_INVERTED_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inverted/impacts.h"
#include "inverted/lengths.h"

#define INVERTED_WINDOW		65536

/*
 * Rows of a list, with their numbers in the window ascending, and what the list adds to the bounds
 * of their scores: by codes; itself (parts, at most the list's `most`); or the entry of a table for
 * a row's frequency, less one, and the class of its length, or `most` if that is less.
 */
typedef struct InvertedPiece
{
	const uint16_t *rows;
	uint32_t	count;
	uint32_t	passed;			/* rows of the list before the piece that have been left out */
	const uint8_t *codes;
	const int32_t *parts;		/* NULL: there are codes, or a table */
	const int32_t (*table)[LENGTH_CLASSES];	/* likewise */
	const uint32_t *frequencies;
	const uint8_t *classes;		/* of all rows of the window */
} InvertedPiece;

/* A list of a window. */
typedef struct InvertedList
{
	ImpactPart	part;
	uint32_t	count;			/* rows */
	uint64_t	first;			/* for the source, which knows what it means */
} InvertedList;

/*
 * Where lists are.  `open` gives rows of a list from the done-th on, which stay until `close`.
 * Those before row `from` may be left out, so that there may be none.  A list is read in order; a
 * source may leave either function by a jump.
 */
typedef struct InvertedSource
{
	void		(*open) (void *arg, const InvertedList *list, uint32_t done, uint16_t from,
						 InvertedPiece *piece);
	void		(*close) (void *arg);
	void	   *arg;
} InvertedSource;

typedef struct InvertedFound
{
	int32_t		bound;
	uint32_t	row;
} InvertedFound;

/* The rows with the largest bounds, of all windows. */
typedef struct InvertedTop
{
	/* set by the caller */
	uint32_t	wanted;			/* rows; 0: all */
	int32_t    *best;			/* room for `wanted` bounds */
	int32_t		error;			/* a score is less than its bound by this at most */
	int64_t		below;			/* only rows with lesser bounds are found, */
	int64_t		least;			/* and none with a bound less than this */
	InvertedFound *found;
	size_t		room;			/* for found rows, at least one; */
	void		(*grow) (struct InvertedTop *top);	/* makes more, and keeps these */

	/* zero at first */
	uint32_t	best_count;		/* a heap, the least first */
	size_t		count;			/* found */
} InvertedTop;

/*
 * Rows with lesser bounds than this are not wanted: they are nearer than no row of the wanted ones.
 */
extern int64_t inverted_least(const InvertedTop *top);

typedef struct InvertedWindow
{
	InvertedList *lists;		/* the order is changed */
	uint32_t	count;
	uint32_t	first;			/* row; a multiple of INVERTED_WINDOW */
	uint32_t	rows;			/* at most INVERTED_WINDOW */
	const uint8_t *excluded;	/* a bit a row of all windows; NULL: none */
	uint32_t	passing;		/* about so many rows of the window are not excluded */
} InvertedWindow;

/* The first of rows that ascend, from one on, that is not less than this; or `count`. */
extern uint32_t inverted_seek(const uint16_t *rows, uint32_t from, uint32_t count, uint16_t row);

/* Memory for one window at a time: room for INVERTED_WINDOW rows, whatever numbers lists have. */
typedef struct InvertedScores
{
	int32_t    *bounds;
	uint16_t   *left;
} InvertedScores;

/* Adds a window's rows to the top; returns how many rows of lists it has read. */
extern uint64_t inverted_score(const InvertedWindow *window, const InvertedSource *source,
							   const InvertedScores *scores, InvertedTop *top);

/* After the last window: leaves of the found rows those that are wanted. */
extern void inverted_finish(InvertedTop *top);

#endif							/* VECTOR_INVERTED_SCORE_H */
