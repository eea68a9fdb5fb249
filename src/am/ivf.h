/*
 * ivf.h - the access methods ivfflat and ivf: inverted lists in every sealed segment
 *
 * ivfflat is pgvector's: lists of vectors.  ivf has codes beside the vectors or instead of them.
 */
#ifndef VECTOR_AM_IVF_H
#define VECTOR_AM_IVF_H

#include "pg_compat.h"

#include "am/index.h"
#include "am/method.h"
#include "segment/directory.h"

#define IVFFLAT_DEFAULT_LISTS	100
#define IVFFLAT_MAX_LISTS		32768

/* Phases that pg_stat_progress_create_index shows; the first is PostgreSQL's. */
#define IVF_PHASE_KMEANS	2
#define IVF_PHASE_ASSIGN	3
#define IVF_PHASE_LOAD		4

#define IVF_MAX_BITS			8
#define IVF_MAX_REFINE_K		1000

typedef enum IvfIterativeScan
{
	IVF_ITERATIVE_SCAN_OFF,
	IVF_ITERATIVE_SCAN_RELAXED,
	IVF_ITERATIVE_SCAN_AUTO
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

/* The largest number of lists of any live segment. */
extern uint32 ivf_count_lists(const Directory *directory);

/* The number of lists that a search scans, by the settings, if the index has `lists`. */
extern uint32 ivf_probes_of(Relation index, uint32 lists);

/* An index's setting, an IvfIterativeScan. */
extern int	ivf_iterative_scan_of(Relation index);

/* Of VectorAm, in ivf_build.c, ivf_cost.c and ivf_scan.c. */
extern DirectoryOptions ivf_directory_options(Relation index);
extern void ivf_build(TableBuild *table, const Directory *directory);
extern void ivf_count_work(Relation index, const Directory *directory, double rows, double blocks,
						   ScanWork *work);
extern const struct ScanMethod ivf_scan_method;

#endif							/* VECTOR_AM_IVF_H */
