/*
 * halfvec.h - the type halfvec: IEEE 754 binary16 elements
 *
 * Installed, so that other extensions can read and make half vectors.
 */
#ifndef HALFVEC_H
#define HALFVEC_H

#include "postgres.h"
#include "fmgr.h"

/* The raw bits of an element. */
#ifndef half
#define half					uint16
#endif
#define HALF_MAX				65504

#define HALFVEC_MAX_DIM			16000

#define HALFVEC_SIZE(_dim)		(offsetof(HalfVector, x) + sizeof(half) * (_dim))
#define DatumGetHalfVector(x)	((HalfVector *) PG_DETOAST_DATUM(x))
#define PG_GETARG_HALFVEC_P(x)	DatumGetHalfVector(PG_GETARG_DATUM(x))
#define PG_RETURN_HALFVEC_P(x)	PG_RETURN_POINTER(x)

typedef struct HalfVector
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int16		dim;			/* number of dimensions, 1 to HALFVEC_MAX_DIM */
	int16		unused;			/* always zero */
	half		x[FLEXIBLE_ARRAY_MEMBER];
} HalfVector;

/* A zero vector, palloc'd. */
extern HalfVector *InitHalfVector(int dim);

#endif							/* HALFVEC_H */
