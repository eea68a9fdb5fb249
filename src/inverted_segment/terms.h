/*
 * terms.h - numbers of terms, in the order in which they came, until all are known and are sorted
 */
#ifndef VECTOR_INVERTED_SEGMENT_TERMS_H
#define VECTOR_INVERTED_SEGMENT_TERMS_H

#include "pg_compat.h"

typedef struct TermTable TermTable;

/* Makes an empty table, in a context of its own below the current one. */
extern TermTable *terms_begin(void);

/* The number of a term, a new one if it has none. */
extern uint32 terms_number(TermTable *table, const char *text, Size length);

/* The bytes that the table takes with one more term, unless that has a very long text. */
extern Size terms_memory(const TermTable *table);

/*
 * Sorts the terms by their bytes; returns the ranks by number, which take no more memory.  No more
 * terms can be added then.
 */
extern const uint32 *terms_sort(TermTable *table);

/* The term of a rank. */
extern const char *terms_text(const TermTable *table, uint32 rank, uint32 *length);

extern void terms_end(TermTable *table);

/* Raises the error that a segment has more terms than numbers. */
extern void terms_refuse(void);

#endif							/* VECTOR_INVERTED_SEGMENT_TERMS_H */
