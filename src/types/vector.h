/*
 * vector.h - the type vector: float32 elements
 *
 * Installed, so that other extensions can read and make vectors.
 */
#ifndef VECTOR_H
#define VECTOR_H

#include "postgres.h"
#include "fmgr.h"

#define VECTOR_MAX_DIM			16000

#define VECTOR_SIZE(_dim)		(offsetof(Vector, x) + sizeof(float) * (_dim))
#define DatumGetVector(x)		((Vector *) PG_DETOAST_DATUM(x))
#define PG_GETARG_VECTOR_P(x)	DatumGetVector(PG_GETARG_DATUM(x))
#define PG_RETURN_VECTOR_P(x)	PG_RETURN_POINTER(x)

typedef struct Vector
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int16		dim;			/* number of dimensions, 1 to VECTOR_MAX_DIM */
	int16		unused;			/* always zero */
	float		x[FLEXIBLE_ARRAY_MEMBER];
} Vector;

/* A zero vector, palloc'd. */
extern Vector *InitVector(int dim);

/* Orders by elements, then by the number of dimensions. */
extern int	vector_cmp_internal(Vector *a, Vector *b);

#endif							/* VECTOR_H */
