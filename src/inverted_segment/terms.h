/*
 * terms.h - the terms of a segment that is built: their numbers, and the dictionary
 *
 * A term's number says when it came first, so that postings can be gathered before all terms are
 * known.  The dictionary has the terms in the order of their bytes, with the places of their lists.
 */
#ifndef VECTOR_INVERTED_SEGMENT_TERMS_H
#define VECTOR_INVERTED_SEGMENT_TERMS_H

#include "pg_compat.h"

#include "storage/buffile.h"

typedef struct TermTable TermTable;

/* Makes an empty table, in a context of its own below the current one. */
extern TermTable *terms_begin(void);

/* The number of a term, a new one if it has none. */
extern uint32 terms_number(TermTable *table, const char *text, Size length);

/* The bytes that the table takes. */
extern Size terms_memory(const TermTable *table);

/* How many there are. */
extern uint32 terms_count(const TermTable *table);

/*
 * Writes the dictionary, given the place of each term's list by its number, as blocks of
 * PAYLOAD_SIZE bytes; returns their number.
 */
extern uint32 terms_write(TermTable *table, const uint64 *places, BufFile *file);

extern void terms_end(TermTable *table);

#endif							/* VECTOR_INVERTED_SEGMENT_TERMS_H */
