/*
 * dense_distance.h - the distance functions of a dense type
 *
 * DENSE_DISTANCES binds a type's kernels to its SQL functions.  They are the hot path of a scan
 * without an index: two arguments, one check, one kernel.
 */
#ifndef VECTOR_DENSE_DISTANCE_H
#define VECTOR_DENSE_DISTANCE_H

#include "pg_compat.h"

#include <math.h>

#include "distance/distance.h"
#include "types/dense.h"
#include "types/detoast.h"

/* The angle between unit vectors over pi; used where clusters of directions are made. */
static inline double
spherical_distance(double dot)
{
	return acos(dot > 1 ? 1 : dot < -1 ? -1 : dot) / M_PI;
}

/*
 * Prefetches the row after the next.  A scan meets the rows of a page at descending addresses, each
 * about as long as the last, and waits for memory at each.  If v is in the page, two rows on are
 * two lengths below it.  If not (at the end of a page, or if v is not a row) the prefetch has no
 * effect.
 */
static inline void
prefetch_row_to_come(const Dense *v)
{
	const Size	tuple_overhead = 36;	/* a heap tuple's header and a key */
	const Size	cache_line = 64;
	uintptr_t	end = (uintptr_t) v - VARSIZE(v) - tuple_overhead;
	uintptr_t	begin = end - VARSIZE(v) - tuple_overhead - cache_line;

	for (uintptr_t line = begin; line < end; line += cache_line)
		__builtin_prefetch((const void *) line, 0, 3);
}

/* A distance function's argument; prefetches a later row if the argument is a row's value. */
static inline const Dense *
distance_argument(Datum datum, const Dense **last)
{
	const Dense *v = vector_detoast(datum);

	if (v != *last && (Pointer) v == DatumGetPointer(datum))
		prefetch_row_to_come(v);
	*last = v;
	return v;
}

#define DENSE_DISTANCE(symbol, type, Element, expression) \
PG_FUNCTION_INFO_V1(symbol); \
Datum \
symbol(PG_FUNCTION_ARGS) \
{ \
	static const Dense *last[2]; \
	const Dense *va = distance_argument(PG_GETARG_DATUM(0), &last[0]); \
	const Dense *vb = distance_argument(PG_GETARG_DATUM(1), &last[1]); \
	const Element *a = (const Element *) va->x; \
	const Element *b = (const Element *) vb->x; \
	size_t		n = (size_t) va->dim; \
\
	dense_check_dims(&type, va, vb); \
	PG_RETURN_FLOAT8(expression); \
}

/*
 * The seven functions of a type: kernels is the prefix of its kernels, and the names are those of
 * the C symbols.
 */
#define DENSE_DISTANCES(type, Element, kernels, l2_symbol, l2_squared_symbol, ip_symbol, \
						negative_ip_symbol, cosine_symbol, spherical_symbol, l1_symbol) \
	DENSE_DISTANCE(l2_symbol, type, Element, \
				   sqrt((double) distance_kernels->kernels##l2sq(a, b, n))) \
	DENSE_DISTANCE(l2_squared_symbol, type, Element, \
				   (double) distance_kernels->kernels##l2sq(a, b, n)) \
	DENSE_DISTANCE(ip_symbol, type, Element, (double) distance_kernels->kernels##dot(a, b, n)) \
	DENSE_DISTANCE(negative_ip_symbol, type, Element, \
				   -(double) distance_kernels->kernels##dot(a, b, n)) \
	DENSE_DISTANCE(cosine_symbol, type, Element, kernels##cosine_distance(a, b, n)) \
	DENSE_DISTANCE(spherical_symbol, type, Element, \
				   spherical_distance((double) distance_kernels->kernels##dot(a, b, n))) \
	DENSE_DISTANCE(l1_symbol, type, Element, (double) distance_kernels->kernels##l1(a, b, n))

#endif							/* VECTOR_DENSE_DISTANCE_H */
