/*
 * postings.c - a radix sort of postings, from the least significant digit
 */
#include "inverted/postings.h"

#include <string.h>

#define DIGIT_BITS	11
#define DIGITS		(1 << DIGIT_BITS)
#define PASSES		3

static inline uint32_t
digit_of(const Posting *posting, int pass)
{
	return posting->dim >> pass * DIGIT_BITS & (DIGITS - 1);
}

Posting *
postings_sort(Posting *postings, Posting *other, size_t count)
{
	for (int pass = 0; pass < PASSES; pass++)
	{
		size_t		places[DIGITS] = {0};
		size_t		place = 0;
		Posting    *swap = postings;

		for (size_t i = 0; i < count; i++)
			places[digit_of(&postings[i], pass)]++;
		/* one digit for all: they are in order */
		if (count == 0 || places[digit_of(&postings[0], pass)] == count)
			continue;
		for (int digit = 0; digit < DIGITS; digit++)
		{
			size_t		n = places[digit];

			places[digit] = place;
			place += n;
		}
		for (size_t i = 0; i < count; i++)
			other[places[digit_of(&postings[i], pass)]++] = postings[i];
		postings = other;
		other = swap;
	}
	return postings;
}
