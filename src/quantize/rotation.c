/*
 * rotation.c - random signs, fast Hadamard transforms, Kac's walk
 */
#include "quantize/rotation.h"

#include <math.h>
#include <string.h>

/* Four floats; unaligned loads and stores go through memcpy. */
typedef float v4 __attribute__((vector_size(16)));

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

static inline v4
load4(const float *p)
{
	v4			v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void
store4(float *p, v4 v)
{
	memcpy(p, &v, sizeof(v));
}

/* (a, b) -> ((a + b) * f, (a - b) * f) for n pairs, n a multiple of 4. */
static inline void
butterfly(float *a, float *b, uint32_t n, float f)
{
	v4			factor = {f, f, f, f};

	for (uint32_t i = 0; i < n; i += 4)
	{
		v4			x = load4(a + i);
		v4			y = load4(b + i);

		store4(a + i, (x + y) * factor);
		store4(b + i, (x - y) * factor);
	}
}

/* Fast Hadamard transform of n = 2^k >= 16 floats, orthonormal. */
static void
hadamard(float *x, uint32_t n)
{
	float		f = 1 / sqrtf((float) n);

	for (uint32_t i = 0; i < n; i += 4)
	{
		float		a = x[i] + x[i + 1];
		float		b = x[i] - x[i + 1];
		float		c = x[i + 2] + x[i + 3];
		float		d = x[i + 2] - x[i + 3];

		x[i] = (a + c) * f;
		x[i + 1] = (b + d) * f;
		x[i + 2] = (a - c) * f;
		x[i + 3] = (b - d) * f;
	}
	for (uint32_t h = 4; h < n; h *= 2)
		for (uint32_t i = 0; i < n; i += 2 * h)
			butterfly(x + i, x + i + h, h, 1);
}

void
rotation_apply(const Rotation *rotation, const float *in, float *out)
{
	uint32_t	padded = rotation->padded;

	if (in != out)
		memcpy(out, in, rotation->dims * sizeof(float));
	memset(out + rotation->dims, 0, (padded - rotation->dims) * sizeof(float));
	for (int round = 0; round < ROTATION_ROUNDS; round++)
	{
		const uint32_t *signs = rotation->signs + (size_t) round * padded;

		for (uint32_t i = 0; i < padded; i++)
		{
			uint32_t	bits;

			memcpy(&bits, out + i, sizeof(bits));
			bits ^= signs[i];
			memcpy(out + i, &bits, sizeof(bits));
		}
		hadamard(out + (round % 2 ? padded - rotation->window : 0), rotation->window);
		if (rotation->window < padded)
			butterfly(out, out + padded / 2, padded / 2, (float) M_SQRT1_2);
	}
}
