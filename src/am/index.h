/*
 * index.h - what all access methods share
 */
#ifndef VECTOR_AM_INDEX_H
#define VECTOR_AM_INDEX_H

#include "pg_compat.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "nodes/execnodes.h"

#include "segment/directory.h"

/* Maximum number of bits; other types have their own limits. */
#define INDEX_MAX_BITS	64000

/*
 * The type, metric and dimensions of an index, from its column and operator class; raises an error
 * if the access method does not support them.
 */
extern DirectoryOptions index_column_options(Relation index, const char *am);

/* The purpose of an operator class's support function, by its number. */
typedef enum IndexSupport
{
	SUPPORT_DISTANCE,			/* of two vectors */
	SUPPORT_NORM,
	SUPPORT_TYPE				/* tells pgvector the type */
} IndexSupport;

/*
 * Whether an operator class has what its access method needs, and its family has nothing wrong;
 * reports what is wrong by INFO messages.  support[0] is the distance, which every class must have.
 */
extern bool index_validate(Oid class, const IndexSupport *support, int count);

/*
 * What all handlers have in common; they add support functions and their validation, builds,
 * options, costs and scans.
 */
extern IndexAmRoutine *index_routine(void);

extern bool vectorinsert(Relation index, Datum *values, bool *isnull, ItemPointer heap_tid,
						 Relation heap, IndexUniqueCheck checkUnique, bool indexUnchanged,
						 IndexInfo *indexInfo);
extern IndexBulkDeleteResult *vectorbulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
											   IndexBulkDeleteCallback callback,
											   void *callback_state);
extern IndexBulkDeleteResult *vectorvacuumcleanup(IndexVacuumInfo *info,
												  IndexBulkDeleteResult *stats);

#endif							/* VECTOR_AM_INDEX_H */
