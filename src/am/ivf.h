/*
 * ivf.h - the access methods ivfflat and ivf: inverted lists in every sealed segment
 *
 * ivfflat is pgvector's: lists of vectors.  ivf has codes beside the vectors or instead of them.
 */
#ifndef VECTOR_AM_IVF_H
#define VECTOR_AM_IVF_H

#include "pg_compat.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "nodes/execnodes.h"

#include "am/cost.h"
#include "am/index.h"
#include "am/ivf_scan.h"
#include "segment/directory.h"

#define IVFFLAT_DEFAULT_LISTS	100
#define IVFFLAT_MAX_LISTS		32768

#define IVF_MAX_BITS			8
#define IVF_MAX_REFINE_K		1000

typedef enum IvfIterativeScan
{
	IVF_ITERATIVE_SCAN_OFF,
	IVF_ITERATIVE_SCAN_RELAXED
} IvfIterativeScan;

typedef enum IvfQuantizer
{
	IVF_QUANTIZER_DEFAULT,		/* rabitq; none for bit */
	IVF_QUANTIZER_NONE,
	IVF_QUANTIZER_RABITQ,
	IVF_QUANTIZER_SQ8,
	IVF_QUANTIZER_SQ4,
	IVF_QUANTIZER_PQ
} IvfQuantizer;

typedef enum IvfRefine
{
	IVF_REFINE_FULL,
	IVF_REFINE_HALF,
	IVF_REFINE_SQ8,
	IVF_REFINE_NONE
} IvfRefine;

typedef struct IvfOptions
{
	IndexOptions index;
	int			lists;			/* 0: by the number of rows */
	int			quantizer;		/* IvfQuantizer */
	int			bits;			/* 0: not given; likewise for pq_m */
	int			pq_m;
	int			refine;			/* IvfRefine */
} IvfOptions;

extern int	ivfflat_probes;
extern int	ivfflat_iterative_scan;
extern int	ivfflat_max_probes;
extern int	ivf_probes;			/* 0: by the number of lists */
extern double ivf_refine_k;
extern int	ivf_iterative_scan;
extern int	ivf_max_probes;

/* Whether an index is an ivfflat index. */
extern bool ivf_is_flat(Relation index);

/* The options of an index, with defaults for those that are not set. */
extern IvfOptions ivf_options(Relation index);

extern void ivf_count_work(Relation index, const Directory *directory, double rows, double blocks,
						   ScanWork *work);

#endif							/* VECTOR_AM_IVF_H */
