/*
 * random.h - pseudo-random numbers for unit tests, the same in every run
 */
#ifndef VECTOR_TEST_RANDOM_H
#define VECTOR_TEST_RANDOM_H

#include <math.h>
#include <stdint.h>

static uint64_t random_state = 88172645463325252u;

/* Marsaglia's xorshift. */
static inline uint32_t
random_u32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t) (random_state >> 16);
}

/* From -1 to 1. */
static inline float
random_uniform(void)
{
	return (float) (int32_t) random_u32() * 0x1p-31f;
}

/* With mean 0 and variance 1 (Box and Muller). */
static inline float
random_gaussian(void)
{
	double		u = ((double) random_u32() + 1) * 0x1p-32;
	double		v = (double) random_u32() * 0x1p-32;

	return (float) (sqrt(-2 * log(u)) * cos(2 * M_PI * v));
}

#endif							/* VECTOR_TEST_RANDOM_H */
