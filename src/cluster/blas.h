/*
 * blas.h - products of blocks of vectors, by OpenBLAS if it is installed and computes right
 *
 * OpenBLAS is loaded when a k-means first needs it and never linked, so not every session pays for
 * it; without it the distance kernels compute the products.  It runs single-threaded, and several
 * threads may call it at once.
 */
#ifndef VECTOR_CLUSTER_BLAS_H
#define VECTOR_CLUSTER_BLAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More columns than this in cluster_dots are an error. */
#define CLUSTER_DOTS_COLUMNS	1024

typedef enum ClusterBlas
{
	CLUSTER_BLAS_AUTO,			/* OpenBLAS if it can be loaded and passes its test */
	CLUSTER_BLAS_KERNELS		/* the distance kernels */
} ClusterBlas;

/*
 * Loads OpenBLAS, unless that was tried before or it is turned off; to be called before
 * cluster_dots, by the only thread of a process.  Returns whether OpenBLAS is in use.
 */
extern bool cluster_blas_load(void);

/* What cluster_blas_load may choose; AUTO until this is called. */
extern void cluster_blas_select(ClusterBlas blas);

/*
 * What computes products: OpenBLAS with its version and processor, or the name of the kernels with
 * the reason.
 */
extern const char *cluster_blas_describe(void);

/* Whether several threads may call cluster_dots at once. */
extern bool cluster_blas_threads(void);

/*
 * out[i * columns + j] = <a_i, b_j> for rows x dims floats a and columns x dims floats b, columns
 * at most CLUSTER_DOTS_COLUMNS.
 */
extern void cluster_dots(const float *a, size_t rows, const float *b, size_t columns,
						 uint32_t dims, float *out);

#endif							/* VECTOR_CLUSTER_BLAS_H */
