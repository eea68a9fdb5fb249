/*
 * graph_build.h - CREATE INDEX of the access methods whose segments are graphs
 */
#ifndef VECTOR_AM_GRAPH_BUILD_H
#define VECTOR_AM_GRAPH_BUILD_H

#include "am/index.h"
#include "am/method.h"

/* Phases that pg_stat_progress_create_index shows; the first is PostgreSQL's. */
#define GRAPH_PHASE_LOAD	2
#define GRAPH_PHASE_GRAPH	3
#define GRAPH_PHASE_WRITE	4

/* Of VectorAm. */
extern void graph_build(TableBuild *table, const Directory *directory);
extern char *graph_build_phase_name(int64 phase);

#endif							/* VECTOR_AM_GRAPH_BUILD_H */
