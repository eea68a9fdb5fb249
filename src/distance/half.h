/*
 * half.h - scalar conversions between float32 and the 16-bit formats
 *
 * IEEE 754 binary16 ("half") and bfloat16, as raw uint16.  Conversions to 16 bits round to nearest,
 * ties to even; numbers too large become infinity, NaN stays NaN.  Conversions to 32 bits are
 * exact.
 */
#ifndef VECTOR_HALF_H
#define VECTOR_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t
float_bits(float f)
{
	uint32_t	u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static inline float
bits_float(uint32_t u)
{
	float		f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static inline float
half_to_float(uint16_t h)
{
	uint32_t	sign = (uint32_t) (h & 0x8000) << 16;
	uint32_t	magnitude = h & 0x7FFF;

	if (magnitude >= 0x7C00)	/* infinity, NaN */
		return bits_float(sign | 0x7F800000 | (magnitude & 0x3FF) << 13);
	if (magnitude < 0x400)		/* zero, subnormal: magnitude * 2^-24 */
		return bits_float(sign | float_bits((float) magnitude * 0x1p-24f));
	return bits_float(sign | ((magnitude << 13) + ((127 - 15) << 23)));
}

static inline uint16_t
float_to_half(float f)
{
	uint32_t	u = float_bits(f);
	uint16_t	sign = (uint16_t) (u >> 16 & 0x8000);
	uint32_t	magnitude = u & 0x7FFFFFFF;

	if (magnitude > 0x7F800000)
		return sign | 0x7E00;
	if (magnitude >= 0x477FF000)	/* 65520 and up round to infinity */
		return sign | 0x7C00;
	if (magnitude < 0x38800000) /* below 2^-14: the FPU rounds to a multiple of 2^-24 */
		return sign | (uint16_t) (float_bits(bits_float(magnitude) + 0.5f) - 0x3F000000);
	magnitude -= (127 - 15) << 23;
	return sign | (uint16_t) ((magnitude + 0xFFF + (magnitude >> 13 & 1)) >> 13);
}

static inline float
bf16_to_float(uint16_t b)
{
	return bits_float((uint32_t) b << 16);
}

static inline uint16_t
float_to_bf16(float f)
{
	uint32_t	u = float_bits(f);

	if ((u & 0x7FFFFFFF) > 0x7F800000)
		return (uint16_t) (u >> 16 | 0x40);
	return (uint16_t) ((u + 0x7FFF + (u >> 16 & 1)) >> 16);
}

#endif							/* VECTOR_HALF_H */
