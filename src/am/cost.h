/*
 * cost.h - helpers for the cost estimates of all access methods
 */
#ifndef VECTOR_AM_COST_H
#define VECTOR_AM_COST_H

#include "pg_compat.h"

#include "nodes/pathnodes.h"

#include "segment/cache.h"

/* Keeps the planner from using a path. */
extern void cost_forbid(IndexPath *path, Cost *startup, Cost *total, Selectivity *selectivity,
						double *correlation, double *pages);

/* The cost of returning this many rows in order from a heap: about twice that of a sort. */
extern Cost cost_order(double rows);

/* The part of an index of this many blocks that is assumed to be in memory. */
extern double cost_cached_part(double blocks);

#endif							/* VECTOR_AM_COST_H */
