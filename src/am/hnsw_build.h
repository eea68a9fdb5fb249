/*
 * hnsw_build.h - building an index, and its parts
 */
#ifndef VECTOR_AM_HNSW_BUILD_H
#define VECTOR_AM_HNSW_BUILD_H

#include "am/hnsw.h"
#include "am/table_build.h"

/* Phases that pg_stat_progress_create_index shows; the first is PostgreSQL's. */
#define HNSW_PHASE_LOAD		2
#define HNSW_PHASE_GRAPH	3
#define HNSW_PHASE_WRITE	4

/*
 * The properties of a new index, from its column, operator class and options; raises an error if
 * they do not go together.
 */
extern DirectoryOptions hnsw_directory_options(Relation index);

extern void hnsw_build(TableBuild *table, const Directory *directory);

#endif							/* VECTOR_AM_HNSW_BUILD_H */
