/*
 * cost.h - the cost of a scan, for all access methods
 */
#ifndef VECTOR_AM_COST_H
#define VECTOR_AM_COST_H

#include "pg_compat.h"

#include "nodes/pathnodes.h"

/*
 * The work of a scan: before the first row, and after it until every row has been returned.  Pages
 * are those that are read, operators what is computed, in units of cpu_operator_cost; to sort the
 * rows is not included.
 */
typedef struct ScanWork
{
	double		operators;
	double		random_pages;
	double		sequential_pages;
	double		rest_operators;
	double		rest_random_pages;
	double		rest_sequential_pages;
} ScanWork;

/* amcostestimate of every access method; only ordered scans are possible. */
extern void vectorcostestimate(PlannerInfo *root, IndexPath *path, double loop_count,
							   Cost *indexStartupCost, Cost *indexTotalCost,
							   Selectivity *indexSelectivity, double *indexCorrelation,
							   double *indexPages);

#endif							/* VECTOR_AM_COST_H */
