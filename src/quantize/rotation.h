/*
 * rotation.h - a random rotation, applied in O(d log d)
 *
 * Four rounds of random signs and a fast Hadamard transform of the first or the last power of two
 * of the dimensions, mixed by a step of Kac's walk where these windows do not cover everything (the
 * structured rotation of the RaBitQ library; Ailon and Chazelle 2009).  Norms, distances and dot
 * products stay as they are up to rounding.  A rotation is made from its seed alone, the same on
 * every machine.
 */
#ifndef VECTOR_ROTATION_H
#define VECTOR_ROTATION_H

#include <stddef.h>
#include <stdint.h>

#define ROTATION_ROUNDS	4

/*
 * Fewer dimensions are rotated into so many, with zeros beside them: each sign more makes an
 * estimate from signs better, as the error goes with one over the root of their number.
 */
#define ROTATION_MIN_PADDED	128

typedef struct Rotation
{
	uint32_t	dims;
	uint32_t	padded;			/* rotation_padded(dims): a multiple of 16 */
	uint32_t	window;			/* largest power of two up to padded */
	const uint32_t *signs;		/* ROTATION_ROUNDS * padded, 0 or the sign bit */
} Rotation;

static inline uint32_t
rotation_padded(uint32_t dims)
{
	return dims <= ROTATION_MIN_PADDED ? ROTATION_MIN_PADDED : (dims + 15) & ~(uint32_t) 15;
}

/* Bytes that rotation_init needs for the signs. */
extern size_t rotation_memory(uint32_t dims);
extern void rotation_init(Rotation *rotation, uint32_t dims, uint64_t seed, void *memory);

/* out = P in, `padded` floats; in has `dims`, taken as zero beyond, and may be out. */
extern void rotation_apply(const Rotation *rotation, const float *in, float *out);

/* A pseudo-random sequence, the same everywhere (splitmix64). */
extern uint64_t rotation_random(uint64_t *state);

#endif							/* VECTOR_ROTATION_H */
