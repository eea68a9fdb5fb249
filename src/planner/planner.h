/*
 * planner.h - what the planner is told about vectors
 */
#ifndef VECTOR_PLANNER_H
#define VECTOR_PLANNER_H

#include "pg_compat.h"

#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "nodes/primnodes.h"

/* Installs the planner hooks. */
extern void planner_init(void);

/*
 * Install the hooks of subquery_rows.c, semijoin.c, junk.c, indexes.c, security.c, foreign.c and
 * lateral.c.
 */
extern void subquery_rows_init(void);
extern void semijoin_init(void);
extern void junk_init(void);

/*
 * An expression of a plan's target list in terms of the table's columns, if the plan is an index
 * scan, a filter scan, or joins that keep the order of one.
 */
extern Node *over_table(Node *node, void *plan);

/* Where in a statement a plan is. */
typedef struct MergePlace
{
	PlannedStmt *statement;
	bool		in_worker;		/* parallel workers run it */
	Bitmapset  *once;			/* parameters whose subqueries run once, before what they are for */
} MergePlace;

/*
 * Puts another node below a LIMIT in place of one that merges scans of many small indexes, if it is
 * such a one; perhaps one with parallel workers.
 */
extern void merge_late(Limit *limit, const MergePlace *place);
extern void merge_late_init(void);
extern void indexes_init(void);
extern void security_init(void);
extern void foreign_init(void);
extern void lateral_init(void);

/*
 * Has the scan of a foreign table of postgres_fdw return the distance by which the query is sorted
 * and not the vectors that it is computed of, where the server sorts and that can be.
 */
extern void foreign_plan_distance(RelOptInfo *rel);

/* Whether an expression calls a distance function. */
extern bool computes_distance(const Node *node);

/*
 * An index-only scan with a target list in place of an index scan; NULL if that needs more of its
 * rows than their attributes.
 */
extern Plan *index_only_scan(const IndexScan *scan, List *targets);

/*
 * The condition `x = ANY (ARRAY (SELECT y ...))` which holds in the same rows as the subquery
 * `x IN (SELECT y ...)`, or EXISTS with one equality between inner and outer rows; NULL if the
 * subquery is of another kind or has side effects.
 */
extern ScalarArrayOpExpr *array_condition(SubLink *link);

/*
 * The memory that the largest array of a subquery takes, by its estimated rows, among those of
 * conditions that have been planned since this was set to zero.
 */
extern double subquery_array_bytes;

/* The support function of the distance functions. */
extern PGDLLEXPORT Datum vector_distance_support(PG_FUNCTION_ARGS);

/* That of the functions which score texts. */
extern PGDLLEXPORT Datum bm25_score_support(PG_FUNCTION_ARGS);

#endif							/* VECTOR_PLANNER_H */
