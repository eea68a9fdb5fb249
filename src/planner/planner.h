/*
 * planner.h - what the planner is told about vectors
 */
#ifndef VECTOR_PLANNER_H
#define VECTOR_PLANNER_H

#include "pg_compat.h"

/* Installs the planner hooks. */
extern void planner_init(void);

/* Install the hooks of junk.c and indexes.c. */
extern void junk_init(void);
extern void indexes_init(void);

/* The support function of the distance functions. */
extern PGDLLEXPORT Datum vector_distance_support(PG_FUNCTION_ARGS);

#endif							/* VECTOR_PLANNER_H */
