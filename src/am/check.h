/*
 * check.h - verifying an index against itself and its table, as amcheck does
 */
#ifndef VECTOR_AM_CHECK_H
#define VECTOR_AM_CHECK_H

#include "pg_compat.h"

#include "utils/rel.h"

/*
 * Raises ERRCODE_INDEX_CORRUPTED at the first error found; returns the number of live rows.
 */
extern uint64 check_index(Relation index, Relation heap);

#endif							/* VECTOR_AM_CHECK_H */
