/*
 * cost.h - what the costs of scans of all access methods share
 */
#ifndef VECTOR_AM_COST_H
#define VECTOR_AM_COST_H

#include "pg_compat.h"

#include "nodes/pathnodes.h"

#include "segment/cache.h"

/* Keeps the planner from a path. */
extern void cost_forbid(IndexPath *path, Cost *startup, Cost *total, Selectivity *selectivity,
						double *correlation, double *pages);

/* What it costs to return so many rows in order, from a heap: about twice what a sort does. */
extern Cost cost_order(double rows);

/* The part of an index of so many blocks that is taken to be in memory. */
extern double cost_cached_part(double blocks);

#endif							/* VECTOR_AM_COST_H */
