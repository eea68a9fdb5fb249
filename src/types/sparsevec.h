/*
 * sparsevec.h - the type sparsevec: indices and float32 values of the non-zero elements
 *
 * Installed, so that other extensions can read and make sparse vectors.
 */
#ifndef SPARSEVEC_H
#define SPARSEVEC_H

#include "postgres.h"
#include "fmgr.h"

#define SPARSEVEC_MAX_DIM		1000000000
#define SPARSEVEC_MAX_NNZ		16000

#define DatumGetSparseVector(x)		((SparseVector *) PG_DETOAST_DATUM(x))
#define PG_GETARG_SPARSEVEC_P(x)	DatumGetSparseVector(PG_GETARG_DATUM(x))
#define PG_RETURN_SPARSEVEC_P(x)	PG_RETURN_POINTER(x)

/* Indices are 0-based and ascending; the values follow them, none of them zero. */
typedef struct SparseVector
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int32		dim;			/* number of dimensions, 1 to SPARSEVEC_MAX_DIM */
	int32		nnz;			/* number of non-zero elements, 0 to SPARSEVEC_MAX_NNZ */
	int32		unused;			/* always zero */
	int32		indices[FLEXIBLE_ARRAY_MEMBER];
} SparseVector;

static inline Size
SPARSEVEC_SIZE(int nnz)
{
	return offsetof(SparseVector, indices) + (Size) nnz * (sizeof(int32) + sizeof(float));
}

static inline float *
SPARSEVEC_VALUES(SparseVector *x)
{
	return (float *) (x->indices + x->nnz);
}

/* A vector with room for nnz elements, palloc'd, all of them zero. */
extern SparseVector *InitSparseVector(int dim, int nnz);

#endif							/* SPARSEVEC_H */
