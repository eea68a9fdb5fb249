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

/* A handler's answer, but for what differs: support functions, builds, options, costs, scans. */
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
