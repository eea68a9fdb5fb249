/*
 * hnsw.h - the access method hnsw: a proximity graph in every sealed segment
 */
#ifndef VECTOR_AM_HNSW_H
#define VECTOR_AM_HNSW_H

#include "pg_compat.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "nodes/execnodes.h"

#include "am/cost.h"
#include "am/index.h"
#include "segment/directory.h"
#include "segment/sealed.h"

#define HNSW_DEFAULT_M					16
#define HNSW_MIN_M						2
#define HNSW_MAX_M						100
#define HNSW_DEFAULT_EF_CONSTRUCTION	64
#define HNSW_MIN_EF_CONSTRUCTION		4
#define HNSW_MAX_EF_CONSTRUCTION		1000
#define HNSW_DEFAULT_EF_SEARCH			40
#define HNSW_MIN_EF_SEARCH				1
#define HNSW_MAX_EF_SEARCH				1000

/* This many nodes can be read in the order of their segment at the cost of a hop. */
#define HNSW_NODES_PER_HOP	8

typedef enum HnswIterativeScan
{
	HNSW_ITERATIVE_SCAN_OFF,
	HNSW_ITERATIVE_SCAN_RELAXED,
	HNSW_ITERATIVE_SCAN_STRICT
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

/* The options of an index, with defaults for those that are not set. */
extern HnswOptions hnsw_options(Relation index);

extern void hnsw_count_work(Relation index, const Directory *directory, double rows, double blocks,
							ScanWork *work);
extern IndexScanDesc hnswbeginscan(Relation index, int nkeys, int norderbys);
extern void hnswrescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys,
					   int norderbys);
extern bool hnswgettuple(IndexScanDesc scan, ScanDirection dir);

#endif							/* VECTOR_AM_HNSW_H */
