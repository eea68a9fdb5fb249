/*
 * rotation.c - random signs, and the rounds of a rotation
 */
#include "quantize/rotation.h"

#include <string.h>

#include "distance/distance.h"

uint64_t
rotation_random(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

size_t
rotation_memory(uint32_t dims)
{
	return sizeof(uint32_t) * ROTATION_ROUNDS * rotation_padded(dims);
}

void
rotation_init(Rotation *rotation, uint32_t dims, uint64_t seed, void *memory)
{
	uint32_t	padded = rotation_padded(dims);
	uint32_t   *signs = memory;

	rotation->dims = dims;
	rotation->padded = padded;
	rotation->window = 16;
	while (rotation->window * 2 <= padded)
		rotation->window *= 2;
	for (uint32_t i = 0; i < ROTATION_ROUNDS * padded; i++)
		signs[i] = (uint32_t) (rotation_random(&seed) >> 63) << 31;
	rotation->signs = signs;
}

void
rotation_apply(const Rotation *rotation, const float *in, float *out)
{
	uint32_t	padded = rotation->padded;
	uint32_t	window = rotation->window;

	if (in != out)
		memcpy(out, in, rotation->dims * sizeof(float));
	memset(out + rotation->dims, 0, (padded - rotation->dims) * sizeof(float));
	for (uint32_t round = 0; round < ROTATION_ROUNDS; round++)
		distance_kernels->rotate_round(out, rotation->signs + (size_t) round * padded, padded,
									   window, round % 2 ? padded - window : 0);
}
