/*
 * words_build.h - the packed lists of words, their dictionary, and the lengths of rows
 */
#ifndef VECTOR_INVERTED_SEGMENT_WORDS_BUILD_H
#define VECTOR_INVERTED_SEGMENT_WORDS_BUILD_H

#include "inverted_segment/runs.h"
#include "segment/extent.h"

typedef struct WordsBuild WordsBuild;

/* Begins those of a segment, with the k1 and b that weights are bounded by. */
extern WordsBuild *words_build_begin(Relation index, double k1, double b);

/*
 * Whether a document may be in the segment: all have the same scale, and positions or none.  Those
 * that have are to be kept.
 */
extern bool words_build_takes(const WordsBuild *build, const char *payload, bool *kept);

/* Adds the terms of the next row's document to the postings; returns its length in units. */
extern uint64 words_build_add(WordsBuild *build, PostingRuns *runs, const char *payload);

/* After the last row: merges the postings, and makes the parts of the segment. */
extern void words_build_merge(WordsBuild *build, PostingRuns *runs, SealedHeader *header);

/* Places the parts from a block of the extent on; returns the block after them.  Writes them. */
extern BlockNumber words_build_place(const WordsBuild *build, SealedHeader *header,
									 BlockNumber place);
extern void words_build_write(WordsBuild *build, const SealedHeader *header,
							  ExtentWriter *writer);

extern void words_build_end(WordsBuild *build);

#endif							/* VECTOR_INVERTED_SEGMENT_WORDS_BUILD_H */
