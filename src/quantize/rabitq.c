/*
 * rabitq.c - encoding, packing, and the look-up table of a query
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

typedef float v4 __attribute__((vector_size(16)));
typedef int32_t i4 __attribute__((vector_size(16)));

/* The 16 sums of subsets of four numbers, less the smallest of them, in steps, rounded. */
static void
fill_entry(const float *q, float per_step, uint8_t *entry)
{
	float		low = (fminf(q[0], 0) + fminf(q[1], 0)) + (fminf(q[2], 0) + fminf(q[3], 0));
	v4			base = {0, q[0], q[1], q[0] + q[1]};

	base = (base - low) * per_step + 0.5f;
	for (int high = 0; high < 4; high++)
	{
		float		more = ((high & 1 ? q[2] : 0) + (high & 2 ? q[3] : 0)) * per_step;
		i4			steps = __builtin_convertvector(base + more, i4);

		for (int k = 0; k < 4; k++)
			entry[high * 4 + k] = (uint8_t) (steps[k] > 255 ? 255 : steps[k] < 0 ? 0 : steps[k]);
	}
}

/*
 * <s, Pq> = 2 <bits, Pq> - sum of Pq.  An entry of the table is the dot product of four bits with
 * four dimensions, less the position's smallest, in steps of 1/255 of the widest position's range.
 */
void
rabitq_prepare(CodeQuery *query, const float *rotated, uint32_t padded, uint8_t *lut)
{
	float		widest = 0;
	float		lowest = 0;
	float		sum = 0;
	float		step;

	for (uint32_t i = 0; i < padded; i += 4)
	{
		const float *q = rotated + i;
		float		range = fabsf(q[0]) + fabsf(q[1]) + fabsf(q[2]) + fabsf(q[3]);
		float		total = q[0] + q[1] + q[2] + q[3];

		widest = fmaxf(widest, range);
		lowest += (total - range) / 2;
		sum += total;
	}
	step = widest > 0 && isfinite(widest) ? widest / 255 : 1;
	for (uint32_t i = 0; i < padded; i += 4)
		fill_entry(rotated + i, 1 / step, lut + (size_t) i * 4);
	query->lut = lut;
	query->positions = padded / 4;
	query->scale = 2 * step;
	query->bias = 2 * lowest - sum;
}
