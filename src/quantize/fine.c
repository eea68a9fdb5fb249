/*
 * fine.c - levels, the choice of their width, and the fields that they lie in
 *
 * Codes of eight bits are bytes.  With fewer bits, the first four, then the next two, then the last
 * one are stored in fields of 4, 2 and 1 bits, as far as a code has that many: first the fields of
 * one width of all elements, then those of the next width.
 */
#include "quantize/fine.h"

#include <float.h>
#include <string.h>

/* Levels are computed for this many elements at a time; a multiple of 16. */
#define CHUNK	256

/* Widths to try, as factors of the best width for normally distributed elements. */
static const float tried_widths[] = {0.76f, 0.84f, 0.92f, 1, 1.08f, 1.17f, 1.27f, 1.38f};

#define TRIED	((int) (sizeof(tried_widths) / sizeof(tried_widths[0])))

/* Levels per unit with one bit, relative to the widest: a level is the sign of its element. */
#define SIGN_SCALE	0x1p60f

static float
top_of(uint32_t bits)
{
	return (float) ((1u << bits) - 1);
}

/* The squared cosine of the angle between o and its levels, times |o|^2. */
static float
closeness(const float *o, uint32_t padded, float scale, float top)
{
	LevelParts	parts = distance_kernels->f32_levels(o, padded, scale, top, NULL);

	return parts.product / parts.norm * parts.product;
}

/*
 * Levels per unit: the best of `widest` and of widths around the optimum of Max (Quantizing for
 * minimum distortion, 1960, table II) for the elements' deviation, then of two between it and its
 * neighbours.
 */
static float
closest_scale(const float *o, uint32_t padded, float deviation, float widest,
			  uint32_t bits)
{
	static const float widths[FINE_MAX_BITS + 1] = {
		0, 0, 0.9957f, 0.586f, 0.3352f, 0.1881f, 0.1041f, 0.0569f, 0.0308f
	};
	float		top = top_of(bits);
	float		unit = 1 / (widths[bits] * deviation);
	float		best = widest;
	float		best_closeness = -1;

	for (int i = -1; i < TRIED + 2; i++)
	{
		float		scale = i < 0 ? widest : i < TRIED ? unit / tried_widths[i] :
			best * (i == TRIED ? 0.96f : 1.04f);
		float		close = closeness(o, padded, scale, top);

		if (close > best_closeness)
		{
			best_closeness = close;
			best = scale;
		}
	}
	return best;
}

/* Levels per unit; 0 if the elements are so small or so large that a code says nothing. */
static float
choose_scale(FineMethod method, const float *o, uint32_t padded, float l2sq, uint32_t bits)
{
	float		top = top_of(bits);
	float		widest;

	if (!(l2sq > 1e-30f && isfinite(l2sq)))
		return 0;
	widest = top / 2 / distance_kernels->f32_levels(o, padded, 0, top, NULL).largest;
	if (bits == 1)
		return widest * SIGN_SCALE;
	if (method == FINE_SCALAR)
		return widest;
	return closest_scale(o, padded, sqrtf(l2sq / (float) padded), widest, bits);
}

/* The bits of a level in its field of `width` bits, which start at bit `shift`. */
static inline uint64_t
field_of(uint8_t level, int width, int shift)
{
	return (uint64_t) (level >> shift & ((1 << width) - 1));
}

/* Where field i of 16 starts in its word: see field_u4_dot. */
static inline int
field_start(int i, int width)
{
	return width == 4 ? i / 2 * 4 + i % 2 * 32 : i * width;
}

/* Bytes of the fields of one width, and of a query for them. */
static inline size_t
fields_size(uint32_t padded, int width)
{
	return (size_t) padded / 8 * (size_t) width;
}

static inline size_t
rounded_size(uint32_t padded, int width)
{
	size_t		blocks = (fields_size(padded, width) + FIELD_BLOCK - 1) / FIELD_BLOCK;

	return blocks * FIELD_BLOCK * (size_t) (8 / width);
}

/*
 * Puts fields of `width` bits of n levels into `code`, which has the fields of all elements; these
 * are those from element `first` on.
 */
static void
put_fields(const uint8_t *levels, uint32_t n, int width, int shift, uint8_t *code, uint32_t first)
{
	for (uint32_t i = 0; i < n; i += 16)
	{
		uint64_t	word = 0;

		for (int k = 0; k < 16; k++)
			word |= field_of(levels[i + (uint32_t) k], width, shift) << field_start(k, width);
		memcpy(code + (size_t) (first + i) / 8 * (size_t) width, &word, 2 * (size_t) width);
	}
}

/* Loops over the fields of a code, the widest first: for (int width = 8, shift = bits; ...). */
#define EACH_FIELD(width, shift, bits) \
	for (int width = 8, shift = (int) (bits); width > 0; width /= 2) \
		if (((int) (bits) & width) != 0 && (shift -= width, true))

static void
put_levels(const uint8_t *levels, uint32_t n, uint32_t bits, uint8_t *code, uint32_t first,
		   uint32_t padded)
{
	if (bits == 8)
		memcpy(code + first, levels, n);
	else
		EACH_FIELD(width, shift, bits)
		{
			put_fields(levels, n, width, shift, code, first);
			code += padded / 8 * (uint32_t) width;
		}
}

void
fine_pack(const uint8_t *levels, uint32_t n, uint32_t bits, uint8_t *code)
{
	put_levels(levels, n, bits, code, 0, n);
}

void
fine_weigh_bits(const float *elements, uint32_t n, uint32_t bits, float *weights)
{
	EACH_FIELD(width, shift, bits)
	{
		for (uint32_t i = 0; i < n; i++)
		{
			float	   *field = weights + i / 16 * 16 * (uint32_t) width +
				field_start((int) (i % 16), width);

			for (int bit = 0; bit < width; bit++)
				field[bit] = elements[i] * (float) (1u << (shift + bit));
		}
		weights += (size_t) n * (size_t) width;
	}
}

FineFactors
fine_encode(const FineQuantizer *quantizer, const float *o, const float *c, uint8_t *code)
{
	RabitqMetric metric = quantizer->metric;
	uint32_t	bits = quantizer->bits;
	uint32_t	padded = quantizer->padded;
	const DistanceKernels *kernels = distance_kernels;
	float		top = top_of(bits);
	float		l2sq = kernels->f32_dot(o, o, padded);
	float		unit = choose_scale(quantizer->method, o, padded, l2sq, bits);
	float		scale = unit > 0 ?
		code_scale(l2sq, kernels->f32_levels(o, padded, unit, top, NULL).product) : 0;
	float		center = metric == RABITQ_IP ? kernels->f32_dot(o, c, padded) : 0;
	float		code_center = 0;
	float		missed = 0;
	FineFactors factors;

	for (uint32_t i = 0; i < padded; i += CHUNK)
	{
		uint32_t	n = padded - i < CHUNK ? padded - i : CHUNK;
		uint8_t		levels[CHUNK];

		kernels->f32_levels(o + i, n, unit, top, levels);
		code_center += kernels->stored_u8_dot(c + i, levels, n, -top / 2, 1);
		missed += kernels->stored_u8_l2sq(o + i, levels, n, -scale * top / 2, scale);
		put_levels(levels, n, bits, code, i, padded);
	}
	factors.b = factor_of_scale(metric, scale);
	factors.a = additive_factor(metric, l2sq, center, factors.b, code_center);
	factors.error = factor_error(metric, l2sq, missed, factors.b == 0, padded);
	return factors;
}

/* The levels of 16 elements, the first of which is element `first`. */
static void
get_levels(const uint8_t *code, uint32_t first, uint32_t bits, uint32_t padded, uint8_t *levels)
{
	if (bits == 8)
	{
		memcpy(levels, code + first, 16);
		return;
	}
	memset(levels, 0, 16);
	EACH_FIELD(width, shift, bits)
	{
		uint64_t	word = 0;

		memcpy(&word, code + (size_t) first / 8 * (size_t) width, 2 * (size_t) width);
		for (int k = 0; k < 16; k++)
			levels[k] |= (uint8_t) ((word >> field_start(k, width) & ((1u << width) - 1)) << shift);
		code += padded / 8 * (uint32_t) width;
	}
}

void
fine_restore(const FineQuantizer *quantizer, const uint8_t *code, float b, float *o)
{
	float		scale = scale_of_factor(quantizer->metric, b);
	float		middle = top_of(quantizer->bits) / 2;

	for (uint32_t i = 0; i < quantizer->padded; i += 16)
	{
		uint8_t		levels[16];

		get_levels(code, i, quantizer->bits, quantizer->padded, levels);
		for (uint32_t k = 0; k < 16; k++)
			o[i + k] = scale * ((float) levels[k] - middle);
	}
}

void
fine_prepare(FineQuery *query, uint32_t bits, const float *rotated, uint32_t padded)
{
	float		sum = 0;

	for (uint32_t i = 0; i < padded; i++)
		sum += rotated[i];
	*query = (FineQuery) {rotated, padded, bits, -top_of(bits) / 2 * sum};
}

void
fine_allow_rounding(FineQuery *query, float part)
{
	float		sum = 0;

	for (uint32_t i = 0; i < query->padded; i++)
		sum += fabsf(query->q[i]);
	/* b is never positive */
	query->offset += part * top_of(query->bits) * sum;
}

float
fine_dot(const FineQuery *query, const uint8_t *code)
{
	const DistanceKernels *kernels = distance_kernels;
	uint32_t	n = query->padded;
	float		dot = 0;

	if (query->bits == 8)
		return kernels->stored_u8_dot(query->q, code, n, 0, 1) + query->offset;
	if (query->bits & 4)
	{
		dot = kernels->field_u4_dot(query->q, code, n);
		code += n / 8 * 4;
	}
	if (query->bits & 2)
	{
		dot = 4 * dot + kernels->field_u2_dot(query->q, code, n);
		code += n / 8 * 2;
	}
	if (query->bits & 1)
		dot = 2 * dot + kernels->field_u1_dot(query->q, code, n);
	return dot + query->offset;
}

/* The nearest integer to a number from -127 to 127; 0 if it is NaN. */
static inline int8_t
rounded(float x)
{
	const float magic = 0x1.8p23f;	/* floats of this size have no fraction bits */
	float		sum = (x > 0 || x < 0 ? x : 0) + magic;
	int32_t		bits;

	memcpy(&bits, &sum, sizeof(bits));
	return (int8_t) bits;
}

size_t
fine_rounded_size(uint32_t bits, uint32_t padded)
{
	size_t		size = 0;

	for (int width = 8; width > 0; width /= 2)
		if ((int) bits & width)
			size += rounded_size(padded, width);
	return size;
}

/*
 * Writes elements, times a factor and rounded, in the order that field_i8_dot expects; returns
 * their sum.
 */
static int32_t
put_rounded(const float *elements, uint32_t padded, float factor, int width, int8_t *q)
{
	const size_t fields = (size_t) (8 / width);
	int32_t		sum = 0;

	memset(q, 0, rounded_size(padded, width));
	for (uint32_t i = 0; i < padded; i++)
	{
		size_t		start = (size_t) field_start((int) (i % 16), width);
		size_t		byte = i / 16 * 2 * (size_t) width + start / 8;

		int8_t		element = rounded(elements[i] * factor);

		sum += element;
		q[byte / FIELD_BLOCK * fields * FIELD_BLOCK + start % 8 / (size_t) width * FIELD_BLOCK +
		  byte % FIELD_BLOCK] = element;
	}
	return sum;
}

void
fine_round(FineRounded *query, uint32_t bits, const float *rotated, uint32_t padded,
		   int8_t *memory)
{
	float		largest = distance_kernels->f32_levels(rotated, padded, 0, 1, NULL).largest;
	float		step = largest / 127;
	int32_t		sum = 0;

	float		factor = step > FLT_MIN && step <= FLT_MAX ? 1 / step : 0;

	*query = (FineRounded) {memory, padded, bits, step, 0};
	for (int width = 8; width > 0; width /= 2)
		if ((int) bits & width)
		{
			sum = put_rounded(rotated, padded, factor, width, memory);
			memory += rounded_size(padded, width);
		}
	query->offset = -top_of(bits) / 2 * query->step * (float) sum;
}

float
fine_rounded_dot(const FineRounded *query, const uint8_t *code)
{
	const int8_t *q = query->q;
	int32_t		dot = 0;

	for (int width = 8; width > 0; width /= 2)
		if ((int) query->bits & width)
		{
			size_t		size = fields_size(query->padded, width);

			dot = dot * (1 << width) + distance_kernels->field_i8_dot(q, code, size, width);
			code += size;
			q += rounded_size(query->padded, width);
		}
	return query->step * (float) dot + query->offset;
}
