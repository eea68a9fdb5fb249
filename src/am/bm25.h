/*
 * bm25.h - the access method bm25: inverted lists of the words of texts
 */
#ifndef VECTOR_AM_BM25_H
#define VECTOR_AM_BM25_H

#include "pg_compat.h"

#include "am/index.h"
#include "am/method.h"

/* Of VectorAm, in inverted_cost.c. */
extern void bm25_count_work(Relation index, const Directory *directory, double rows,
							double blocks, ScanWork *work);

#endif							/* VECTOR_AM_BM25_H */
