/*
 * fetch.h - comparing rows of the table, for indexes that keep no vectors
 */
#ifndef VECTOR_AM_FETCH_H
#define VECTOR_AM_FETCH_H

#include "pg_compat.h"

#include "access/genam.h"

#include "segment/search.h"

typedef struct TableFetch TableFetch;

/* Begins to read rows of a scan's table, in the current memory context. */
extern TableFetch *fetch_begin(IndexScanDesc desc);

/* Sets distance and bound of a row; false if it is not visible, or has no vector. */
extern bool fetch_compare(TableFetch *fetch, SegmentSearch *search, ItemPointer tid,
						  GraphFound *found);
/* Has the blocks of rows read together that will be compared. */
extern void fetch_expect(TableFetch *fetch, const ItemPointerData *tids, int count);
extern void fetch_end(TableFetch *fetch);

#endif							/* VECTOR_AM_FETCH_H */
