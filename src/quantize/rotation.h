/*
 * rotation.h - a random rotation, applied in O(d log d)
 *
 * Four rounds of random signs and a fast Hadamard transform of a window, the first or the last
 * power of two of the dimensions, mixed by a step of Kac's walk if the window does not cover all
 * dimensions (the structured rotation of the RaBitQ library; Ailon and Chazelle 2009).  Norms,
 * distances and dot products are preserved up to rounding.  A rotation depends only on its seed,
 * and is the same on every machine.
 */
#ifndef VECTOR_ROTATION_H
#define VECTOR_ROTATION_H

#include <stddef.h>
#include <stdint.h>

#define ROTATION_ROUNDS	4

/*
 * Vectors of fewer dimensions are padded with zeros to this number before they are rotated: more
 * signs make an estimate better, because its error is proportional to one over the root of their
 * number.
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

/* out = P in, `padded` floats; in has `dims` floats, is taken as zero beyond, and may be out. */
extern void rotation_apply(const Rotation *rotation, const float *in, float *out);

/* A pseudo-random sequence, the same everywhere (splitmix64). */
extern uint64_t rotation_random(uint64_t *state);

#endif							/* VECTOR_ROTATION_H */
