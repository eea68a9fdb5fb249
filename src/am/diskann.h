/*
 * diskann.h - the access method diskann: a graph in every sealed segment, whose walk reads no
 * vectors
 */
#ifndef VECTOR_AM_DISKANN_H
#define VECTOR_AM_DISKANN_H

#include "pg_compat.h"

#include "am/index.h"
#include "am/method.h"
#include "graph/search.h"

#define DISKANN_DEFAULT_NEIGHBORS		32
#define DISKANN_MIN_NEIGHBORS			10
#define DISKANN_MAX_NEIGHBORS			1000
#define DISKANN_DEFAULT_LIST_SIZE		100
#define DISKANN_MIN_LIST_SIZE			10
#define DISKANN_MAX_LIST_SIZE			1000
#define DISKANN_DEFAULT_RESCORE			50
#define DISKANN_DEFAULT_ALPHA			1.2
#define DISKANN_MAX_ALPHA				5.0
#define DISKANN_MAX_QUERY_LIST_SIZE		10000
#define DISKANN_MAX_QUERY_RESCORE		10000

typedef enum DiskannIterativeScan
{
	DISKANN_ITERATIVE_SCAN_OFF,
	DISKANN_ITERATIVE_SCAN_RELAXED,
	DISKANN_ITERATIVE_SCAN_AUTO
} DiskannIterativeScan;

typedef enum DiskannStorage
{
	DISKANN_STORAGE_AUTO, DISKANN_STORAGE_FULL, DISKANN_STORAGE_HALF, DISKANN_STORAGE_SQ8,
	DISKANN_STORAGE_NONE
} DiskannStorage;

typedef struct DiskannOptions
{
	IndexOptions index;
	int			num_neighbors;	/* 0: automatic */
	int			search_list_size;
	double		max_alpha;
	int			bits;			/* 0: automatic */
	int			storage;		/* DiskannStorage */
} DiskannOptions;

extern int	diskann_query_search_list_size;
extern int	diskann_query_rescore;
extern int	diskann_iterative_scan;

/* How many candidates of a list of this size are compared by their vectors. */
extern uint32 diskann_rescore(uint32 size);

/* Of VectorAm, in diskann_cost.c and diskann_scan.c. */
extern void diskann_count_work(Relation index, const Directory *directory, double rows,
							   double blocks, ScanWork *work);
extern const struct ScanMethod diskann_scan_method;

#endif							/* VECTOR_AM_DISKANN_H */
