/*
 * lengths.c - classes of lengths
 */
#include "inverted/lengths.h"

/* How much longer the longest of a class are than the shortest is tried in such steps. */
#define FIRST_PART		(1.0 / 512)
#define GROWTH			1.25

/* Makes classes by this part; stops when there are too many. */
static uint32_t
classify(const uint64_t *lengths, size_t count, double part, LengthClass *classes)
{
	uint32_t	n = 0;

	for (size_t i = 0; i < count; i++)
	{
		if (n == 0 || (double) lengths[i] > (double) classes[n - 1].least * (1 + part))
		{
			if (n == LENGTH_CLASSES)
				return LENGTH_CLASSES + 1;
			classes[n++].least = lengths[i];
		}
		classes[n - 1].greatest = lengths[i];
	}
	return n;
}

uint32_t
lengths_classify(const uint64_t *lengths, size_t count, LengthClass *classes)
{
	uint32_t	n = classify(lengths, count, 0, classes);

	for (double part = FIRST_PART; n > LENGTH_CLASSES; part *= GROWTH)
		n = classify(lengths, count, part, classes);
	return n;
}

uint8_t
lengths_class(const LengthClass *classes, uint32_t count, uint64_t length)
{
	uint32_t	low = 0;
	uint32_t	high = count;

	while (high - low > 1)
	{
		uint32_t	middle = low + (high - low) / 2;

		if (classes[middle].least <= length)
			low = middle;
		else
			high = middle;
	}
	return (uint8_t) low;
}
