/*
 * axes.h - codes of residuals along principal axes
 *
 * After a rotation at random, a residual is as long in all directions.  Along the principal axes of
 * a sample it is long in a few, and bits there say more than bits elsewhere: so each section of
 * axes has levels of its own number and width (Jegou et al., Aggregating local descriptors into a
 * compact image representation, CVPR 2010; bits by the variance as in Huang and Schultheiss, Block
 * quantization of correlated Gaussian random variables, 1963).  Estimates are those of fine.h: a
 * code stands for K u, where K = |o|^2 / <o, u>.
 */
#ifndef VECTOR_AXES_H
#define VECTOR_AXES_H

#include "quantize/fine.h"

#define AXES_MAX_DIMS		256
#define AXES_SECTION		16	/* axes that have the same bits */
#define AXES_SECTIONS		(AXES_MAX_DIMS / AXES_SECTION)
#define AXES_LEAST_BITS		192 /* of a code: fewer save less than they cost */

/* How codes are made, in memory as on disk. */
typedef struct AxesPlan
{
	uint8_t		bits[AXES_SECTIONS];	/* of an element, for each section; they do not rise */
	float		unit[AXES_SECTIONS];	/* width of a level, for residuals of the length `length` */
	float		length;
	float		error;			/* standard deviation of an estimate, divided by |b| |q - c| */
} AxesPlan;

typedef struct Axes
{
	uint32_t	padded;			/* a multiple of AXES_SECTION, at most AXES_MAX_DIMS */
	AxesPlan	plan;
	const float *rows;			/* padded * padded: the axes, the longest first */
} Axes;

/* Bytes of scratch for axes_find. */
extern size_t axes_find_memory(uint32_t padded);

/*
 * Finds axes, of which `padded` is set, and writes them to `rows`: from the sums of the products of
 * the elements of a sample, whose upper triangle is given.  Plans codes with so many bits for each
 * of them, but AXES_LEAST_BITS in all.  Returns false if the sample does not vary.  Calls pause now
 * and then.
 */
extern bool axes_find(Axes *axes, float *rows, const double *sums, uint32_t bits, void *scratch,
					  void (*pause) (void));

/* The elements of a vector along the axes. */
extern void axes_apply(const Axes *axes, const float *x, float *out);

/* Whether a plan that was read is one. */
extern bool axes_plan_fits(const AxesPlan *plan, uint32_t padded);

extern size_t axes_code_size(const AxesPlan *plan, uint32_t padded);

/* The code of a residual o = x - c, both along the axes; the error is that of the plan. */
extern FineFactors axes_encode(const Axes *axes, RabitqMetric metric, const float *o,
							   const float *c, uint8_t *code);

/*
 * A query for such codes, rounded: what each bit of a code adds to the product, whichever level of
 * whichever axis it is part of.
 */
typedef struct AxesQuery
{
	const int16_t *weights;
	size_t		bits;			/* of a code */
	float		step;
	float		offset;			/* because levels count from the middle */
} AxesQuery;

/* Bytes that axes_round writes to `memory`. */
extern size_t axes_rounded_size(const AxesPlan *plan, uint32_t padded);
/* Prepares a query along the axes. */
extern void axes_round(AxesQuery *query, const AxesPlan *plan, const float *along, uint32_t padded,
					   int16_t *memory);

/* <u, q> */
static inline float
axes_dot(const AxesQuery *query, const uint8_t *code)
{
	return query->offset + query->step *
		(float) distance_kernels->bits_i16_sum(query->weights, code, query->bits);
}

#endif							/* VECTOR_AXES_H */
