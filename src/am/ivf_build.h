/*
 * ivf_build.h - building an index of lists, and its parts
 */
#ifndef VECTOR_AM_IVF_BUILD_H
#define VECTOR_AM_IVF_BUILD_H

#include "am/ivf.h"

/* Phases that pg_stat_progress_create_index shows; the first is PostgreSQL's. */
#define IVF_PHASE_KMEANS	2
#define IVF_PHASE_ASSIGN	3
#define IVF_PHASE_LOAD		4

/*
 * What a new index is to be, from its column, operator class and options; an error if that cannot
 * be.
 */
extern DirectoryOptions ivf_directory_options(Relation index);

#endif							/* VECTOR_AM_IVF_BUILD_H */
