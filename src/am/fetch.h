/*
 * fetch.h - rows of the table: comparing them, for indexes that keep no vectors, and reading ahead
 */
#ifndef VECTOR_AM_FETCH_H
#define VECTOR_AM_FETCH_H

#include "pg_compat.h"

#include "access/genam.h"

#include "segment/search.h"

typedef struct TableFetch TableFetch;

/* Begins to read rows of a scan's table, in the current memory context. */
extern TableFetch *fetch_begin(IndexScanDesc desc);

/*
 * Sets distance and bound of a row; false if it is not visible, or has no vector.  Sets *dead if no
 * transaction can see it.
 */
extern bool fetch_compare(TableFetch *fetch, SegmentSearch *search, const FoundRow *row,
						  bool *dead, GraphFound *found);
extern void fetch_end(TableFetch *fetch);

/* Has the blocks of rows of a table read together that will be compared, or returned. */
extern void fetch_expect(Relation table, const ItemPointerData *tids, int count);

#endif							/* VECTOR_AM_FETCH_H */
