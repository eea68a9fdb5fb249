/*
 * portable.c - kernels for any processor
 *
 * The compiler's vector extension, four floats wide: this becomes SSE2 on x86-64, and scalar code
 * on machines without vector instructions.
 */
#include <math.h>
#include <string.h>

#include "distance/half.h"
#include "distance/distance_internal.h"

typedef float vf __attribute__((vector_size(16)));
typedef uint32_t bits128 __attribute__((vector_size(16)));

#define LANES	4

static inline vf
vf_zero(void)
{
	return (vf) {0, 0, 0, 0};
}

static inline vf
vf_set1(float x)
{
	return (vf) {x, x, x, x};
}

static inline vf
vf_add(vf a, vf b)
{
	return a + b;
}

static inline vf
vf_sub(vf a, vf b)
{
	return a - b;
}

static inline vf
vf_abs(vf a)
{
	return (vf) ((bits128) a & 0x7FFFFFFF);
}

static inline vf
vf_fma(vf a, vf b, vf c)
{
	return a * b + c;
}

static inline vf
vf_mul(vf a, vf b)
{
	return a * b;
}

static inline vf
vf_max(vf a, vf b)
{
	bits128		larger = (bits128) (a > b);

	return (vf) ((larger & (bits128) a) | (~larger & (bits128) b));
}

static inline vf
vf_min(vf a, vf b)
{
	bits128		smaller = (bits128) (a < b);

	return (vf) ((smaller & (bits128) a) | (~smaller & (bits128) b));
}

static inline uint32_t
vf_below(vf a, vf b)
{
	bits128		smaller = (bits128) (a < b);

	return (smaller[0] & 1) | (smaller[1] & 2) | (smaller[2] & 4) | (smaller[3] & 8);
}

static inline vf
vf_flip(vf a, const uint32_t *bits)
{
	bits128		v;

	memcpy(&v, bits, sizeof(v));
	return (vf) ((bits128) a ^ v);
}

static inline vf
vf_swap1(vf a)
{
	return (vf) {a[1], a[0], a[3], a[2]};
}

static inline vf
vf_swap2(vf a)
{
	return (vf) {a[2], a[3], a[0], a[1]};
}

static inline float
vf_sum(vf a)
{
	return (a[0] + a[2]) + (a[1] + a[3]);
}

static inline vf
load_f32(const float *p)
{
	vf			v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void
store_f32(float *p, vf a)
{
	memcpy(p, &a, sizeof(a));
}

static inline vf
load_sums(const uint32_t *p)
{
	return (vf) {(float) (int32_t) p[0], (float) (int32_t) p[1], (float) (int32_t) p[2],
		(float) (int32_t) p[3]};
}

static inline vf
load_tail_f32(const float *p, size_t n)
{
	vf			v = vf_zero();

	for (size_t i = 0; i < n; i++)
		v[i] = p[i];
	return v;
}

static inline vf
load_f16(const uint16_t *p)
{
	return (vf){half_to_float(p[0]), half_to_float(p[1]), half_to_float(p[2]), half_to_float(p[3])};
}

static inline void
store_f16(uint16_t *p, vf a)
{
	for (int i = 0; i < LANES; i++)
		p[i] = float_to_half(fminf(fmaxf(a[i], -MAX_F16), MAX_F16));
}

static inline vf
load_tail_f16(const uint16_t *p, size_t n)
{
	vf			v = vf_zero();

	for (size_t i = 0; i < n; i++)
		v[i] = half_to_float(p[i]);
	return v;
}

static inline vf
load_bf16(const uint16_t *p)
{
	return (vf){bf16_to_float(p[0]), bf16_to_float(p[1]), bf16_to_float(p[2]), bf16_to_float(p[3])};
}

static inline vf
load_tail_bf16(const uint16_t *p, size_t n)
{
	vf			v = vf_zero();

	for (size_t i = 0; i < n; i++)
		v[i] = bf16_to_float(p[i]);
	return v;
}

/* The lanes whose bit is set, with zero in the others. */
static inline vf
vf_where(uint32_t lanes, vf a)
{
	bits128		set = (bits128) {lanes, lanes >> 1, lanes >> 2, lanes >> 3} & 1;

	return (vf) ((bits128) a & (0 - set));
}

static inline vf
load_u8(const uint8_t *p)
{
	return (vf) {p[0], p[1], p[2], p[3]};
}

static inline void
store_u8(uint8_t *p, vf a)
{
	for (int i = 0; i < LANES; i++)
		p[i] = (uint8_t) (int) a[i];
}

static inline vf
load_u4(const uint8_t *p, size_t k)
{
	uint64_t	word;
	uint32_t	even;
	uint32_t	odd;

	memcpy(&word, p, sizeof(word));
	even = (uint32_t) word >> 2 * k;
	odd = (uint32_t) (word >> 32) >> 2 * k;
	return (vf) {(float) (even & 15), (float) (odd & 15), (float) (even >> 4 & 15),
		(float) (odd >> 4 & 15)};
}

static inline vf
load_u2(const uint8_t *p, size_t k)
{
	uint32_t	word;

	memcpy(&word, p, sizeof(word));
	word >>= 2 * k;
	return (vf) {(float) (word & 3), (float) (word >> 2 & 3), (float) (word >> 4 & 3),
		(float) (word >> 6 & 3)};
}

#define INTEGER_PORTABLE
#define CODE_PORTABLE
#define FIELDS_PORTABLE

#include "distance/kernel_set.h"

KERNEL_SET(portable)
