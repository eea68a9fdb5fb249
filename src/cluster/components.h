/*
 * components.h - the two principal components of a sample, for a picture of it
 *
 * Of n points, n at most CLUSTER_DOTS_COLUMNS, the products of all pairs are computed, and the two
 * greatest eigenvectors of that matrix found by orthogonal iteration (Golub and Van Loan, Matrix
 * Computations, 8.2.4).  Neither depends much on the number of dimensions.
 */
#ifndef VECTOR_CLUSTER_COMPONENTS_H
#define VECTOR_CLUSTER_COMPONENTS_H

#include <stddef.h>
#include <stdint.h>

#define COMPONENTS	2

/* Moves and scales points, so that the first n of `all` have the mean 0; returns the scale. */
extern float components_centre(float *points, size_t n, size_t all, uint32_t dims);

/* Bytes of scratch that components_find needs. */
extern size_t components_memory(size_t n);

/*
 * Finds the axes along which centred points vary most: COMPONENTS x dims floats, of length 1 and
 * at right angles, each with its greatest element positive; or 0, if the points do not vary so far.
 */
extern void components_find(const float *points, size_t n, uint32_t dims, float *axes,
							void *scratch);

#endif							/* VECTOR_CLUSTER_COMPONENTS_H */
