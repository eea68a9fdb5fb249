/*
 * rabitq.c - encoding and packing
 */
#include "quantize/rabitq.h"

#include "distance/half.h"

/*
 * Factors of a code of signs, from the sums over a residual of which n elements have signs, and
 * from <o, c> and |c|^2, which dot products need.
 */
static RabitqFactors
sign_factors(RabitqMetric metric, ResidualParts parts, float center, float norm, uint32_t n,
			 uint32_t padded)
{
	float		scale = code_scale(parts.l2sq, parts.l1);
	float		missed;
	RabitqFactors factors;

	factors.b = float_to_bf16(factor_of_scale(metric, scale));
	factors.a = additive_factor(metric, parts.l2sq, center, bf16_to_float(factors.b),
								parts.sign_dot);
	factors.distance = residual_distance(metric, parts.l2sq, center, norm);
	/* |K s - o|^2; without a code, |o|^2 */
	missed = scale > 0 ? scale * scale * (float) n - parts.l2sq : parts.l2sq;
	factors.error = factor_error(metric, parts.l2sq, missed, rounded_part(scale), padded);
	return factors;
}

RabitqFactors
rabitq_encode(RabitqMetric metric, const uint16_t *x, const uint16_t *c, uint32_t padded,
			  float scale, uint8_t *signs)
{
	ResidualParts parts = distance_kernels->f16_residual(x, c, padded, signs);
	float		unit = 1 / scale;
	float		center = 0;
	float		norm = 0;

	if (metric == RABITQ_IP)
	{
		norm = distance_kernels->f16_dot(c, c, padded);
		center = (distance_kernels->f16_dot(x, c, padded) - norm) * unit * unit;
		norm *= unit * unit;
	}
	parts.l1 *= unit;
	parts.l2sq *= unit * unit;
	parts.sign_dot *= unit;
	return sign_factors(metric, parts, center, norm, padded, padded);
}

RabitqFactors
rabitq_encode_residual(RabitqMetric metric, const float *o, const float *c, uint32_t padded,
					   uint8_t *signs)
{
	ResidualParts parts = distance_kernels->f32_residual(o, c, padded, signs);
	bool		ip = metric == RABITQ_IP;

	return sign_factors(metric, parts, ip ? distance_kernels->f32_dot(o, c, padded) : 0,
						ip ? distance_kernels->f32_dot(c, c, padded) : 0, padded, padded);
}

RabitqFactors
rabitq_encode_vector(RabitqMetric metric, const float *rotated, uint32_t n, uint32_t padded,
					 float norm2, uint8_t *signs)
{
	ResidualParts parts = distance_kernels->f32_residual(rotated, rotated, n, signs);

	parts.l2sq = norm2;
	parts.sign_dot = 0;
	return sign_factors(metric, parts, 0, 0, n, padded);
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
