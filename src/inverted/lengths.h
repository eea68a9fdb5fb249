/*
 * lengths.h - classes of lengths, so that a byte says about how long a row is
 */
#ifndef VECTOR_INVERTED_LENGTHS_H
#define VECTOR_INVERTED_LENGTHS_H

#include <stddef.h>
#include <stdint.h>

#define LENGTH_CLASSES	256

/* The least and the greatest length of a class. */
typedef struct LengthClass
{
	uint64_t	least;
	uint64_t	greatest;
} LengthClass;

/*
 * Makes classes of lengths, which ascend, in the same order; returns how many.  If there are few
 * different lengths, each is a class; else the longest of a class are longer than the shortest by
 * about the same part in all of them.
 */
extern uint32_t lengths_classify(const uint64_t *lengths, size_t count, LengthClass *classes);

/* The class of a length, not less than the least of all. */
extern uint8_t lengths_class(const LengthClass *classes, uint32_t count, uint64_t length);

#endif							/* VECTOR_INVERTED_LENGTHS_H */
