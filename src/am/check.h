/*
 * check.h - verifying an index against itself and its table, as amcheck does
 */
#ifndef VECTOR_AM_CHECK_H
#define VECTOR_AM_CHECK_H

#include "pg_compat.h"

#include "utils/rel.h"

/* Checks all segments, and that the rows of the table are in them. */
#define CHECK_ALL	(-1)

/*
 * Raises ERRCODE_INDEX_CORRUPTED at the first error found; returns the number of live rows.  A
 * segment alone is compared with itself, and not with the table.
 */
extern uint64 check_index(Relation index, Relation heap, int64 segment);

#endif							/* VECTOR_AM_CHECK_H */
