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

/* Bits may be as many as this; other types have their own limits. */
#define INDEX_MAX_BITS	64000

/*
 * What an index of an access method is of, from its column and operator class; an error if that
 * cannot be.
 */
extern DirectoryOptions index_column_options(Relation index, const char *am);

/* What a support function of an operator class is, by its number. */
typedef enum IndexSupport
{
	SUPPORT_DISTANCE,			/* of two vectors */
	SUPPORT_NORM,
	SUPPORT_TYPE				/* says what the type is, to pgvector */
} IndexSupport;

/*
 * Whether an operator class has what its access method needs, and its family nothing wrong; says
 * what is, by INFO messages.  support[0] is the distance, which a class cannot be without.
 */
extern bool index_validate(Oid class, const IndexSupport *support, int count);

/*
 * A handler's answer, but for what differs: support functions and their validation, builds,
 * options, costs, scans.
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
