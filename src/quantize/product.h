/*
 * product.h - product quantization with 4 bits a sub-quantizer
 *
 * The elements of a residual o = x - c are cut into m runs, each of which is replaced by the
 * nearest of 16 centroids (Jegou, Douze and Schmid, Product quantization for nearest neighbor
 * search, 2011).  With u the vector of these centroids and K = |o|^2 / <o, u>, K u stands for o as
 * in rabitq.h, so an estimate is base(q, c) + a + b <u, q> with the same base and factors, and one
 * table of <centroid, q> for a query serves every centre.  The predicted error assumes that the
 * direction of q - c is random, which holds only for rotated vectors; without rotation codes are
 * better, because neighbouring elements of a vector are often correlated.
 *
 * A code has a nibble for each run, padded with zero nibbles to a multiple of 4.  Codes are stored
 * in groups like 1-bit codes: rabitq_pack(group, place, code, 4 * product_positions(m)).
 */
#ifndef VECTOR_PRODUCT_H
#define VECTOR_PRODUCT_H

#include "quantize/rabitq.h"

#define PRODUCT_CENTROIDS	16

/* Training uses at most this many points, spread evenly over all. */
#define PRODUCT_TRAIN_POINTS	4096

/* A product quantizer; its memory is the caller's. */
typedef struct Product
{
	uint32_t	dims;
	uint32_t	m;				/* runs, 1 to dims; run j starts at element j * dims / m */
	const float *columns;		/* dims x 16: element i of each centroid of its run */
	const float *halves;		/* m x 16: half of each centroid's squared norm */
} Product;

/* Bytes of the quantizer's floats, which are also its stored form. */
static inline size_t
product_size(uint32_t dims, uint32_t m)
{
	return ((size_t) dims + m) * PRODUCT_CENTROIDS * sizeof(float);
}

/* Number of nibbles of a code, padding included. */
static inline uint32_t
product_positions(uint32_t m)
{
	return (m + 3) & ~(uint32_t) 3;
}

/* Bytes of a code, of a group of them, and of a query's table. */
static inline size_t
product_code_size(uint32_t m)
{
	return product_positions(m) / 2;
}

static inline size_t
product_group_size(uint32_t m)
{
	return (size_t) product_positions(m) * 16;
}

static inline size_t
product_lut_size(uint32_t m)
{
	return (size_t) product_positions(m) * 16;
}

/* The quantizer that `memory`, of product_size bytes, holds. */
extern void product_open(Product *product, uint32_t dims, uint32_t m, const void *memory);

/* Bytes of working memory that product_train needs. */
extern size_t product_train_memory(uint32_t dims);

typedef struct ProductOptions
{
	uint32_t	dims;
	uint32_t	m;
	uint64_t	seed;

	/* Called often, unless NULL; may leave by longjmp. */
	void		(*interrupt) (void *arg);
	void	   *arg;
} ProductOptions;

/*
 * Trains a quantizer on n residuals, n x dims floats, into `memory` of product_size bytes.  The
 * result depends only on the points and the options.
 */
extern void product_train(const ProductOptions *options, const float *points, size_t n,
						  void *work, void *memory);

/* The code of a residual o = x - c, product_code_size bytes. */
extern RabitqFactors product_encode(const Product *product, RabitqMetric metric, const float *o,
									const float *c, uint8_t *code);

/* Prepares a query: fills `lut`, of product_lut_size bytes, which must stay in place. */
extern void product_prepare(const Product *product, CodeQuery *query, const float *q,
							uint8_t *lut);

#endif							/* VECTOR_PRODUCT_H */
