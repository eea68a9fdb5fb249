/*
 * order.h - the order of numbers, for qsort; no number is NaN
 */
#ifndef VECTOR_ORDER_H
#define VECTOR_ORDER_H

#include <stdint.h>

#define DEFINE_ORDER(name, type) \
	static inline int \
	name(const void *a, const void *b) \
	{ \
		type		x = *(const type *) a; \
		type		y = *(const type *) b; \
		\
		return (x > y) - (x < y); \
	}

DEFINE_ORDER(order_doubles, double)
DEFINE_ORDER(order_floats, float)
DEFINE_ORDER(order_uint32s, uint32_t)
DEFINE_ORDER(order_uint64s, uint64_t)

#undef DEFINE_ORDER

#endif							/* VECTOR_ORDER_H */
