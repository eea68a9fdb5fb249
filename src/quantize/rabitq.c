/*
 * rabitq.c - encoding and packing
 */
#include "quantize/rabitq.h"

#include <math.h>
#include <string.h>

#include "distance/half.h"

RabitqFactors
rabitq_encode(RabitqMetric metric, const uint16_t *x, const uint16_t *c, uint32_t padded,
			  float scale, uint8_t *signs)
{
	ResidualParts parts = distance_kernels->f16_residual(x, c, padded, signs);
	float		k = parts.l1 > 0 ? parts.l2sq / parts.l1 : 0;
	float		unit = 1 / scale;
	RabitqFactors factors;

	factors.b = float_to_bf16((metric == RABITQ_L2 ? -2 : -1) * k * unit);
	if (metric == RABITQ_L2)
	{
		factors.distance = parts.l2sq * unit * unit;
		factors.a = factors.distance - bf16_to_float(factors.b) * parts.sign_dot * unit;
	}
	else
	{
		float		dot = distance_kernels->f16_dot(x, c, padded);
		float		norm = distance_kernels->f16_dot(c, c, padded);

		factors.distance = -dot * unit * unit;
		factors.a = (norm - dot) * unit * unit - bf16_to_float(factors.b) * parts.sign_dot * unit;
	}

	/* K |sin| sqrt(d / (d - 1)) of the angle between o and s: what s says nothing about */
	factors.error = sqrtf(fmaxf(0, k * k * (float) padded - parts.l2sq) / (float) (padded - 1)) *
		unit * (metric == RABITQ_L2 ? 2 : 1);
	return factors;
}

RabitqFactors
rabitq_encode_vector(RabitqMetric metric, const float *rotated, uint32_t n, uint32_t padded,
					 float norm2, uint8_t *signs)
{
	float		l1 = 0;
	float		k;
	float		factor = metric == RABITQ_L2 ? 2 : 1;

	memset(signs, 0, n / 8);
	for (uint32_t i = 0; i < n; i++)
	{
		l1 += fabsf(rotated[i]);
		signs[i / 8] |= (uint8_t) (!signbit(rotated[i]) << (i % 8));
	}
	k = l1 > 0 ? norm2 / l1 : 0;
	return (RabitqFactors) {
		.a = metric == RABITQ_L2 ? norm2 : 0,
		.b = float_to_bf16(-factor * k),
		.error = factor * sqrtf(fmaxf(0, k * k * (float) n - norm2) / (float) (padded - 1))
	};
}

void
rabitq_pack(uint8_t *group, uint32_t place, const uint8_t *signs, uint32_t padded)
{
	uint8_t    *p = group + (place & 15);
	int			shift = place < 16 ? 0 : 4;
	uint8_t		keep = place < 16 ? 0xF0 : 0x0F;

	for (uint32_t i = 0; i < padded / 8; i++, p += 32)
	{
		p[0] = (uint8_t) ((p[0] & keep) | (signs[i] & 15) << shift);
		p[16] = (uint8_t) ((p[16] & keep) | (signs[i] >> 4) << shift);
	}
}

void
rabitq_unpack(const uint8_t *group, uint32_t place, uint8_t *signs, uint32_t padded)
{
	const uint8_t *p = group + (place & 15);
	int			shift = place < 16 ? 0 : 4;

	for (uint32_t i = 0; i < padded / 8; i++, p += 32)
		signs[i] = (uint8_t) ((p[0] >> shift & 15) | (p[16] >> shift & 15) << 4);
}

void
rabitq_prepare(CodeQuery *query, const float *rotated, uint32_t padded, uint8_t *lut)
{
	*query = distance_kernels->code_query(rotated, padded, lut);
}
