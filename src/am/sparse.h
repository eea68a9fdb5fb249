/*
 * sparse.h - the access method sparse: inverted lists of sparse vectors
 */
#ifndef VECTOR_AM_SPARSE_H
#define VECTOR_AM_SPARSE_H

#include "pg_compat.h"

#include "am/index.h"
#include "am/method.h"

/* More weights are never dropped. */
#define SPARSE_MAX_DROP_RATIO	0.99

extern double sparse_drop_ratio;

/* Of VectorAm, in inverted_cost.c. */
extern void sparse_count_work(Relation index, const Directory *directory, double rows,
							  double blocks, ScanWork *work);

#endif							/* VECTOR_AM_SPARSE_H */
