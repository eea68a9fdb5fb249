/*
 * foreign_append.h - the rows of foreign partitions, each asked by one statement at the same time
 */
#ifndef VECTOR_FOREIGN_APPEND_FOREIGN_APPEND_H
#define VECTOR_FOREIGN_APPEND_FOREIGN_APPEND_H

#include "pg_compat.h"

#include "nodes/pathnodes.h"

/* Defines the setting. */
extern void foreign_append_init(void);

/*
 * The node in place of an Append of foreign scans of postgres_fdw, each of which returns no more
 * rows than the query's LIMIT; NULL if the Append does what the node would not.
 */
extern Path *foreign_append_path(PlannerInfo *root, const AppendPath *append);

/* Whether so many rows of so many bytes may be kept where they arrive, all at once. */
extern bool rows_fit(double rows, double width);

#endif							/* VECTOR_FOREIGN_APPEND_FOREIGN_APPEND_H */
