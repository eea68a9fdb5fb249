/*
 * ivf_build.h - building an index of lists, and its parts
 */
#ifndef VECTOR_AM_IVF_BUILD_H
#define VECTOR_AM_IVF_BUILD_H

#include "am/ivf.h"
#include "am/table_build.h"

/* Phases that pg_stat_progress_create_index shows; the first is PostgreSQL's. */
#define IVF_PHASE_KMEANS	2
#define IVF_PHASE_ASSIGN	3
#define IVF_PHASE_LOAD		4

/*
 * The properties of a new index, from its column, operator class and options; raises an error if
 * they do not go together.
 */
extern DirectoryOptions ivf_directory_options(Relation index);

extern void ivf_build(TableBuild *table, const Directory *directory);

#endif							/* VECTOR_AM_IVF_BUILD_H */
