/*
 * tiering.h - moving segments of an index to the object store that its options name, and back
 *
 * An index depends on the server in pg_depend while segments of it are there: DROP SERVER is
 * refused, or with CASCADE drops the index, which can be made again from its table.  A build ends
 * that.
 */
#ifndef VECTOR_AM_TIERING_H
#define VECTOR_AM_TIERING_H

#include "pg_compat.h"

#include "utils/rel.h"

/* Whether a worker would find a segment to be tiered. */
extern bool tiering_wanted(Relation index);

/*
 * Makes the index depend on the servers that have segments of it, on the one that will get one
 * (InvalidOid: none), and on no other.  False if a session that attaches or detaches partitions is
 * not to be waited for; what then is recorded is enough for this index, but not for those above it.
 */
extern bool tiering_depend(Relation index, Oid server, bool wait);

/* Tiers all segments that can be; restores all; reads what all have in stores.  Return how many. */
extern int	tiering_store_all(Relation index);
extern int	tiering_restore_all(Relation index);
extern int64 tiering_prewarm(Relation index);

#endif							/* VECTOR_AM_TIERING_H */
