/*
 * bits.h - sets of rows: a bit a row, the lowest of a byte first
 *
 * A set of n rows has BITS_BYTES(n) bytes, a whole number of 64-bit words; bits beyond the rows are
 * zero, unless a function says otherwise.
 */
#ifndef VECTOR_ATTRIBUTE_BITS_H
#define VECTOR_ATTRIBUTE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BITS_BYTES(rows)	(((size_t) (rows) + 63) / 64 * 8)

/* What bits_next returns if there is no further row. */
#define BITS_NONE			UINT32_MAX

static inline bool
bits_has(const uint8_t *bits, uint32_t row)
{
	return bits[row / 8] >> (row % 8) & 1;
}

static inline void
bits_set(uint8_t *bits, uint32_t row)
{
	bits[row / 8] |= (uint8_t) (1 << (row % 8));
}

static inline void
bits_clear(uint8_t *bits, uint32_t row)
{
	bits[row / 8] &= (uint8_t) ~(1 << (row % 8));
}

/* The 32 rows from 32 * i on, the first one in the lowest bit. */
static inline uint32_t
bits_group(const uint8_t *bits, uint32_t i)
{
	const uint8_t *b = bits + (size_t) i * 4;

	return b[0] | (uint32_t) b[1] << 8 | (uint32_t) b[2] << 16 | (uint32_t) b[3] << 24;
}

/* Makes a set of all rows. */
extern void bits_fill(uint8_t *bits, uint32_t rows);

/* Keeps the rows that are in another set, too; or that are not in it. */
extern void bits_and(uint8_t *bits, const uint8_t *other, uint32_t rows);
extern void bits_and_not(uint8_t *bits, const uint8_t *other, uint32_t rows);

/* Adds the rows of another set. */
extern void bits_or(uint8_t *bits, const uint8_t *other, uint32_t rows);

/* The number of rows in a set. */
extern uint32_t bits_count(const uint8_t *bits, uint32_t rows);

/* The number of those among n rows from `first` on; reads no byte that has none of them. */
extern uint32_t bits_count_range(const uint8_t *bits, uint32_t first, uint32_t n);

/* The first row of a set from `row` on; BITS_NONE if there is none. */
extern uint32_t bits_next(const uint8_t *bits, uint32_t rows, uint32_t row);

#endif							/* VECTOR_ATTRIBUTE_BITS_H */
