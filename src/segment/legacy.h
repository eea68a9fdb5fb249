/*
 * legacy.h - indexes that pgvector made, in a database that this library has taken over
 *
 * They are never read.  Until they are rebuilt by REINDEX the planner avoids them, scans raise an
 * error, and writes skip them, so that the table can be used.  The first write that an index misses
 * marks it, so that pgvector, should it come back, does not search an index that lacks rows of the
 * table or has rows that are gone.
 */
#ifndef VECTOR_SEGMENT_LEGACY_H
#define VECTOR_SEGMENT_LEGACY_H

#include "pg_compat.h"

#include "utils/rel.h"

typedef enum LegacyState
{
	LEGACY_NONE,				/* not pgvector's */
	LEGACY_UNTOUCHED,			/* as pgvector left it */
	LEGACY_OUTDATED				/* has missed a write, and is marked */
} LegacyState;

extern LegacyState legacy_state(Relation index);

/*
 * To be called before a write to an index: returns whether to skip it.  Marks an untouched index as
 * outdated, which is WAL-logged.
 */
extern bool legacy_pass_by(Relation index);

/* Warns of an index that cannot be read, once for each session. */
extern void legacy_warn(Relation index);

#endif							/* VECTOR_SEGMENT_LEGACY_H */
