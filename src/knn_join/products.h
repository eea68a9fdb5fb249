/*
 * products.h - which pairs of vectors may be nearer than a bound, by matrix products
 *
 * A product of two matrices compares all queries with all rows of a block at the speed of the
 * processor's arithmetic, but rounds otherwise than the distance functions do.  So it only rules
 * out pairs: each pair whose distance, as the distance functions compute it, may be within the
 * query's bound is passed to the caller, who computes that distance.  What the products may be
 * wrong by follows from the number of dimensions and the vectors' norms (Higham, Accuracy and
 * Stability of Numerical Algorithms, section 3.1).  The room's algorithm is plain C11.
 */
#ifndef VECTOR_KNN_JOIN_PRODUCTS_H
#define VECTOR_KNN_JOIN_PRODUCTS_H

#include <stddef.h>
#include <stdint.h>

/* As many rows as a block may have. */
#define JOIN_MOST_ROWS	1024

typedef enum JoinMetric
{
	JOIN_L2,					/* Euclidean distance */
	JOIN_PRODUCT,				/* negative inner product */
	JOIN_COSINE					/* 1 - cosine */
} JoinMetric;

typedef struct JoinBlock
{
	JoinMetric	metric;
	uint32_t	dims;
	size_t		query_count;	/* of those that are compared */
	const uint32_t *chosen;		/* their numbers, ascending; NULL: the first */
	const float *queries;		/* by number, dims floats each */
	const double *query_norms;	/* by number, by join_norm */
	double	   *bounds;			/* by number: the greatest distance that counts; NaN: any does */
	size_t		row_count;		/* at most JOIN_MOST_ROWS */
	float	   *rows;			/* row_count x dims; scaled to length 1 for JOIN_COSINE */
	const double *row_norms;	/* of the rows before they are scaled */
	size_t		products_room;	/* at least row_count, and dims more if queries are chosen */
	float	   *products;

	/* Is told of a pair that may be within the bound, and may lower the query's bound. */
	void		(*visit) (void *arg, size_t query, size_t row);

	/* Is called between two products, and may leave by longjmp. */
	void		(*between) (void *arg);
	void	   *arg;
} JoinBlock;

/* The sum of the squares of a vector's elements; called the norm here. */
extern double join_norm(const float *vector, uint32_t dims);

/*
 * Visits all pairs of a query and a row whose distance may be at most the query's bound, query by
 * query and in the order of the rows.  cluster_blas_load is to be called before.
 */
extern void join_visit_near(JoinBlock *block);

#endif							/* VECTOR_KNN_JOIN_PRODUCTS_H */
