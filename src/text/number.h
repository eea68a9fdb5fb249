/*
 * number.h - numbers with 7 bits to a byte, the lowest first; the highest bit says that more follow
 */
#ifndef VECTOR_NUMBER_H
#define VECTOR_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* The most bytes of a number. */
#define NUMBER_ROOM		10

/* Writes a number; returns where the next one goes. */
static inline unsigned char *
number_put(unsigned char *out, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		*out++ = (unsigned char) (number | 0x80);
	*out++ = (unsigned char) number;
	return out;
}

/* Reads a number of at most `most`; false if there is none before the end. */
static inline bool
number_get(const unsigned char **p, const unsigned char *end, uint64_t most, uint64_t *number)
{
	*number = 0;
	/* most have one byte */
	if (*p < end && **p < 0x80)
	{
		*number = *(*p)++;
		return *number <= most;
	}
	for (int shift = 0; *p < end && shift < 63; shift += 7)
	{
		unsigned char byte = *(*p)++;

		*number |= (uint64_t) (byte & 0x7f) << shift;
		if (byte < 0x80)
			return *number <= most;
	}
	return false;
}

#endif							/* VECTOR_NUMBER_H */
