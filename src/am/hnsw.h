/*
 * hnsw.h - the access method hnsw: a proximity graph in every sealed segment
 */
#ifndef VECTOR_AM_HNSW_H
#define VECTOR_AM_HNSW_H

#include "pg_compat.h"

#include "am/index.h"
#include "am/method.h"
#include "segment/directory.h"

#define HNSW_DEFAULT_M					16
#define HNSW_MIN_M						2
#define HNSW_MAX_M						100
#define HNSW_DEFAULT_EF_CONSTRUCTION	64
#define HNSW_MIN_EF_CONSTRUCTION		4
#define HNSW_MAX_EF_CONSTRUCTION		1000
#define HNSW_DEFAULT_EF_SEARCH			40
#define HNSW_MIN_EF_SEARCH				1
#define HNSW_MAX_EF_SEARCH				1000

typedef enum HnswIterativeScan
{
	HNSW_ITERATIVE_SCAN_OFF,
	HNSW_ITERATIVE_SCAN_RELAXED,
	HNSW_ITERATIVE_SCAN_STRICT,
	HNSW_ITERATIVE_SCAN_AUTO
} HnswIterativeScan;

typedef enum HnswStorage
{
	HNSW_STORAGE_AUTO, HNSW_STORAGE_FULL, HNSW_STORAGE_HALF, HNSW_STORAGE_SQ8
} HnswStorage;

typedef struct HnswOptions
{
	IndexOptions index;
	int			m;
	int			ef_construction;
	int			storage;		/* HnswStorage */
} HnswOptions;

extern int	hnsw_ef_search;
extern int	hnsw_iterative_scan;
extern int	hnsw_max_scan_tuples;
extern double hnsw_scan_mem_multiplier;

/* Of VectorAm, in hnsw_cost.c and hnsw_scan.c. */
extern void hnsw_count_work(Relation index, const Directory *directory, double rows, double blocks,
							ScanWork *work);
extern void hnsw_count_sketch(double rows, double blocks, ScanWork *work);
extern const struct ScanMethod hnsw_scan_method;

#endif							/* VECTOR_AM_HNSW_H */
