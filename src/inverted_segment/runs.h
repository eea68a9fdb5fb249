/*
 * runs.h - postings of a build, sorted by dimension and merged
 */
#ifndef VECTOR_INVERTED_SEGMENT_RUNS_H
#define VECTOR_INVERTED_SEGMENT_RUNS_H

#include "pg_compat.h"

#include "inverted/postings.h"
#include "inverted/score.h"

typedef struct PostingRuns PostingRuns;

/*
 * Begins to gather postings in so many bytes of memory, a part of the current memory context;
 * whether their dimensions are terms.
 */
extern PostingRuns *runs_begin(Size memory, bool terms);

/*
 * Adds a posting; no row has a lesser number than those before.  If dimensions are terms, it is
 * that of a term.
 */
extern void runs_add(PostingRuns *runs, Posting posting);
extern void runs_add_term(PostingRuns *runs, const char *term, uint32 length, Posting posting);

/* The postings of a dimension that are in one window. */
typedef struct WindowPostings
{
	uint32		dim;			/* or the number of the term */
	const char *term;			/* if dimensions are terms */
	uint32		length;
	uint32		window;
	uint32		count;
	uint16	   *rows;			/* relative to the window */
	union
	{
		float	   *weights;
		uint32	   *frequencies;
	};
} WindowPostings;

/*
 * After the last posting: calls back for each dimension and window, in this order.  Terms ascend by
 * their bytes.
 */
typedef void (*WindowCallback) (void *arg, const WindowPostings *postings);
extern void runs_merge(PostingRuns *runs, WindowCallback callback, void *arg);

/* Frees everything. */
extern void runs_end(PostingRuns *runs);

#endif							/* VECTOR_INVERTED_SEGMENT_RUNS_H */
