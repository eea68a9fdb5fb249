/*
 * neon.c - kernels for arm64, whose baseline has NEON
 */
#include "distance/kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

typedef float32x4_t vf;
typedef int32x4_t vi;
typedef int16x8_t vw;

#define LANES				4
#define WIDE_LANES			8

#define vf_zero()			vdupq_n_f32(0)
#define vf_add(a, b)		vaddq_f32(a, b)
#define vf_sub(a, b)		vsubq_f32(a, b)
#define vf_abs(a)			vabsq_f32(a)
#define vf_fma(a, b, c)		vfmaq_f32(c, a, b)
#define vf_sum(a)			vaddvq_f32(a)

#define vi_zero()			vdupq_n_s32(0)
#define vi_sum(a)			vaddvq_s32(a)
#define vi_madd(s, x, y)	vmlal_high_s16(vmlal_s16(s, vget_low_s16(x), vget_low_s16(y)), x, y)
#define vw_sub(x, y)		vsubq_s16(x, y)
#define vw_abs(x)			vabsq_s16(x)
#define vw_ones()			vdupq_n_s16(1)

static inline float32x4_t
load_f32(const float *p)
{
	return vld1q_f32(p);
}

static inline float32x4_t
load_tail_f32(const float *p, size_t n)
{
	float		elements[LANES] = {0};

	memcpy(elements, p, n * sizeof(float));
	return vld1q_f32(elements);
}

/* Up to three 16-bit elements and zeros after them. */
static inline uint16x4_t
load_tail_16(const uint16_t *p, size_t n)
{
	uint16_t	elements[LANES] = {0};

	memcpy(elements, p, n * sizeof(uint16_t));
	return vld1_u16(elements);
}

static inline float32x4_t
load_f16(const uint16_t *p)
{
	return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

static inline float32x4_t
load_tail_f16(const uint16_t *p, size_t n)
{
	return vcvt_f32_f16(vreinterpret_f16_u16(load_tail_16(p, n)));
}

static inline float32x4_t
load_bf16(const uint16_t *p)
{
	return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}

static inline float32x4_t
load_tail_bf16(const uint16_t *p, size_t n)
{
	return vreinterpretq_f32_u32(vshll_n_u16(load_tail_16(p, n), 16));
}

static inline int16x8_t
load_i8(const int8_t *p, size_t n)
{
	int8_t		elements[WIDE_LANES] = {0};

	if (n < WIDE_LANES)
		p = memcpy(elements, p, n);
	return vmovl_s8(vld1_s8(p));
}

#include "distance/kernel_set.h"

KERNEL_SET(neon)

#endif							/* __aarch64__ */
