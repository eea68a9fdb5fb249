/*
 * legacy.h - indexes that pgvector made: in a database that this library has taken over
 *
 * They are not read.  Until REINDEX makes them again the planner avoids them, scans are errors, and
 * writes pass them by, so that the table can be used.  The first write that an index misses marks
 * it, so that pgvector does not search an index without rows that the table has, or with rows that
 * it has no more.
 */
#ifndef VECTOR_SEGMENT_LEGACY_H
#define VECTOR_SEGMENT_LEGACY_H

#include "pg_compat.h"

#include "utils/rel.h"

typedef enum LegacyState
{
	LEGACY_NONE,				/* ours, or nobody's */
	LEGACY_UNTOUCHED,			/* as pgvector left it */
	LEGACY_OUTDATED				/* has missed a write; marked */
} LegacyState;

extern LegacyState legacy_state(Relation index);

/*
 * For what writes to an index: whether it passes this one by.  An index that is untouched is marked
 * as outdated, which is logged.
 */
extern bool legacy_pass_by(Relation index);

/* Warns of an index that cannot be read, once in a session. */
extern void legacy_warn(Relation index);

#endif							/* VECTOR_SEGMENT_LEGACY_H */
