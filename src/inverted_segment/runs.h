/*
 * runs.h - postings of a build, sorted by dimension and merged
 */
#ifndef VECTOR_INVERTED_SEGMENT_RUNS_H
#define VECTOR_INVERTED_SEGMENT_RUNS_H

#include "pg_compat.h"

#include "inverted/postings.h"
#include "inverted/score.h"

typedef struct PostingRuns PostingRuns;

/* Begins to gather postings in so many bytes of memory, a part of the current memory context. */
extern PostingRuns *runs_begin(Size memory);

/* Adds a posting; no row has a lesser number than those before. */
extern void runs_add(PostingRuns *runs, Posting posting);

/* The postings of a dimension that are in one window. */
typedef struct WindowPostings
{
	uint32		dim;
	uint32		window;
	uint32		count;
	uint16	   *rows;			/* relative to the window */
	union
	{
		float	   *weights;
		uint32	   *frequencies;
	};
} WindowPostings;

/* After the last posting: calls back for each dimension and window, in this order. */
typedef void (*WindowCallback) (void *arg, const WindowPostings *postings);
extern void runs_merge(PostingRuns *runs, WindowCallback callback, void *arg);

/* Frees everything. */
extern void runs_end(PostingRuns *runs);

#endif							/* VECTOR_INVERTED_SEGMENT_RUNS_H */
