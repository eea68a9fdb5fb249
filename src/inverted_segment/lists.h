/*
 * lists.h - reading the lists of a segment, unless they are packed (packed.h)
 */
#ifndef VECTOR_INVERTED_SEGMENT_LISTS_H
#define VECTOR_INVERTED_SEGMENT_LISTS_H

#include "inverted/score.h"
#include "segment/sealed.h"

/* CachedSegment.loaded: the first dimension of each block of terms. */
typedef struct InvertedTerms
{
	uint32		blocks;
	uint32		first[FLEXIBLE_ARRAY_MEMBER];
} InvertedTerms;

extern void inverted_load(CachedSegment *segment, Relation index);

/* The term of a dimension; false if no row has it. */
extern bool inverted_find_term(SealedScan *scan, uint32 dim, SealedTerm *term);

/* Copies a term's chunks; raises an error if the segment is damaged. */
extern void inverted_read_chunks(SealedScan *scan, const SealedTerm *term, SealedChunk *chunks);

/* Copies the block of postings that has a posting. */
extern void inverted_read_postings(SealedScan *scan, uint64 posting, PostingBlock *block);

/* Makes a scan the source of its lists, whose first postings are `first`. */
typedef struct ListSource
{
	SealedScan *scan;
	BlockToken	token;
} ListSource;

extern InvertedSource inverted_source(ListSource *state);

/* See search.h, and SegmentMethod.check. */
extern const struct SegmentReader inverted_reader;
extern void *inverted_check(SealedScan *scan);

#endif							/* VECTOR_INVERTED_SEGMENT_LISTS_H */
