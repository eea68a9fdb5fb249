/*
 * postings.h - postings in memory, sorted by dimension
 */
#ifndef VECTOR_INVERTED_POSTINGS_H
#define VECTOR_INVERTED_POSTINGS_H

#include <stddef.h>
#include <stdint.h>

/* That a row has a weight in a dimension, or a word. */
typedef struct Posting
{
	uint32_t	dim;
	uint32_t	row;
	union
	{
		float		weight;
		uint32_t	frequency;	/* of a word, in units */
	};
} Posting;

/*
 * Sorts postings by dimension, those of a dimension in the order that they are in.  Returns where
 * they are then: in `postings`, or in `other`, which has room for as many.
 */
extern Posting *postings_sort(Posting *postings, Posting *other, size_t count);

#endif							/* VECTOR_INVERTED_POSTINGS_H */
