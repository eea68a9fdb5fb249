/*
 * depend.h - what indexes depend on, and those of partitioned tables with them
 *
 * The index of a partition can be dropped only together with that of the partitioned table.  So
 * that DROP ... CASCADE of what the one needs does so, the other depends on it, too.
 */
#ifndef VECTOR_AM_DEPEND_H
#define VECTOR_AM_DEPEND_H

#include "pg_compat.h"

#include "catalog/objectaddress.h"
#include "utils/rel.h"

/* The objects of a class that an index depends on. */
extern List *depend_needed(Oid index, Oid class);

/* Makes an index depend on an object, unless it does. */
extern void depend_on(Oid index, const ObjectAddress *on);

/*
 * Makes the indexes of which one is a partition depend on what their partitions do: on object
 * stores, as long as one does, and on text search configurations.  False, with some of it left
 * undone, if another session does this for one of them and is not to be waited for.  The caller
 * holds a lock on the table that keeps it from being attached meanwhile.
 */
extern bool depend_above(Oid index, bool wait);

/* Has that done whenever a partition is attached or detached. */
extern void depend_init(void);

#endif							/* VECTOR_AM_DEPEND_H */
