/*
 * neon.c - kernels for arm64, whose baseline has NEON
 */
#include "distance/distance_internal.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

typedef float32x4_t vf;
typedef int32x4_t vi;
typedef int16x8_t vw;

#define LANES				4
#define WIDE_LANES			8

#define vf_zero()			vdupq_n_f32(0)
#define vf_set1(x)			vdupq_n_f32(x)
#define vf_add(a, b)		vaddq_f32(a, b)
#define vf_sub(a, b)		vsubq_f32(a, b)
#define vf_abs(a)			vabsq_f32(a)
#define vf_mul(a, b)		vmulq_f32(a, b)
#define vf_max(a, b)		vmaxnmq_f32(a, b)
#define vf_min(a, b)		vminq_f32(a, b)
#define vf_fma(a, b, c)		vfmaq_f32(c, a, b)
#define vf_swap1(a)			vrev64q_f32(a)
#define vf_swap2(a)			vextq_f32(a, a, 2)
#define vf_flip(a, bits) \
	vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(a), vld1q_u32(bits)))
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

static inline void
store_f32(float *p, float32x4_t a)
{
	vst1q_f32(p, a);
}

static inline float32x4_t
load_sums(const uint32_t *p)
{
	return vcvtq_f32_u32(vld1q_u32(p));
}

static inline float32x4_t
load_tail_f32(const float *p, size_t n)
{
	float		elements[LANES] = {0};

	memcpy(elements, p, n * sizeof(float));
	return vld1q_f32(elements);
}

/* Up to three 16-bit elements, padded with zeros. */
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

static inline void
store_f16(uint16_t *p, float32x4_t a)
{
	a = vminq_f32(vmaxq_f32(a, vdupq_n_f32(-MAX_F16)), vdupq_n_f32(MAX_F16));
	vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a)));
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

static inline uint32_t
vf_signs(float32x4_t a)
{
	const int32x4_t place = {0, 1, 2, 3};

	return vaddvq_u32(vshlq_u32(
		vshrq_n_u32(vmvnq_u32(vreinterpretq_u32_f32(a)), 31), place));
}

static inline uint32_t
vf_below(float32x4_t a, float32x4_t b)
{
	const uint32x4_t bit = {1, 2, 4, 8};

	return vaddvq_u32(vandq_u32(vcltq_f32(a, b), bit));
}

static inline float32x4_t
vf_where(uint32_t lanes, float32x4_t a)
{
	const uint32x4_t bit = {1, 2, 4, 8};

	return vreinterpretq_f32_u32(
		vandq_u32(vreinterpretq_u32_f32(a), vtstq_u32(vdupq_n_u32(lanes), bit)));
}

/* As CODE_SUMS in code_kernels.h, in 16-bit sums until they might overflow. */
static inline void
sum_codes(const uint8_t *codes, const uint8_t *lut, size_t positions, uint32_t *sums)
{
	memset(sums, 0, CODE_GROUP * sizeof(uint32_t));
	while (positions > 0)
	{
		size_t		part = positions < 256 ? positions : 256;
		uint16x8_t	s[4] = {vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0)};

		for (size_t p = 0; p < part; p++, codes += 16, lut += 16)
		{
			uint8x16_t	c = vld1q_u8(codes);
			uint8x16_t	t = vld1q_u8(lut);
			uint8x16_t	low = vqtbl1q_u8(t, vandq_u8(c, vdupq_n_u8(15)));
			uint8x16_t	high = vqtbl1q_u8(t, vshrq_n_u8(c, 4));

			s[0] = vaddw_u8(s[0], vget_low_u8(low));
			s[1] = vaddw_high_u8(s[1], low);
			s[2] = vaddw_u8(s[2], vget_low_u8(high));
			s[3] = vaddw_high_u8(s[3], high);
		}
		for (int i = 0; i < 4; i++)
		{
			uint32_t   *out = sums + 8 * i;

			vst1q_u32(out, vaddw_u16(vld1q_u32(out), vget_low_u16(s[i])));
			vst1q_u32(out + 4, vaddw_high_u16(vld1q_u32(out + 4), s[i]));
		}
		positions -= part;
	}
}

/* As TABLE_ENTRIES in code_kernels.h; the pairs and their negatives in one table of bytes. */
static inline void
store_entries(uint8_t *entries, float32x4_t pairs, float32x4_t range)
{
	const uint8x16_t low = {8, 9, 2, 3, 10, 11, 0, 1, 8, 9, 2, 3, 10, 11, 0, 1};
	const uint8x16_t high[2] = {{12, 13, 12, 13, 12, 13, 12, 13, 6, 7, 6, 7, 6, 7, 6, 7},
								{14, 15, 14, 15, 14, 15, 14, 15, 4, 5, 4, 5, 4, 5, 4, 5}};
	int16x4_t	t = vqmovn_s32(vcvtnq_s32_f32(pairs));
	int16x4_t	r = vqmovn_s32(vcvtnq_s32_f32(range));
	uint8x16_t	table = vreinterpretq_u8_s16(vcombine_s16(t, vneg_s16(t)));
	int16x8_t	sums = vaddq_s16(vcombine_s16(r, r), vreinterpretq_s16_u8(vqtbl1q_u8(table, low)));
	int16x8_t	first = vaddq_s16(sums, vreinterpretq_s16_u8(vqtbl1q_u8(table, high[0])));
	int16x8_t	last = vaddq_s16(sums, vreinterpretq_s16_u8(vqtbl1q_u8(table, high[1])));

	vst1q_u8(entries, vcombine_u8(vqrshrun_n_s16(first, ENTRY_BITS),
								  vqrshrun_n_s16(last, ENTRY_BITS)));
}

static inline float32x4_t
load_u8(const uint8_t *p)
{
	uint32_t	four;

	memcpy(&four, p, sizeof(four));
	return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four)))));
}

static inline void
store_u8(uint8_t *p, float32x4_t a)
{
	uint16x4_t	words = vmovn_u32(vcvtq_u32_f32(a));
	uint8x8_t	bytes = vmovn_u16(vcombine_u16(words, words));
	uint32_t	four = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);

	memcpy(p, &four, sizeof(four));
}

/* The lanes of `words` from bits -`shift` and 2 k on, masked. */
static inline float32x4_t
load_fields(uint32x4_t words, int32x4_t shift, size_t k, uint32_t mask)
{
	uint32x4_t	bits = vshlq_u32(words, vsubq_s32(shift, vdupq_n_s32((int32_t) (2 * k))));

	return vcvtq_f32_u32(vandq_u32(bits, vdupq_n_u32(mask)));
}

static inline float32x4_t
load_u4(const uint8_t *p, size_t k)
{
	const int32x4_t shift = {0, 0, -4, -4};
	uint64_t	word;

	memcpy(&word, p, sizeof(word));
	return load_fields(vreinterpretq_u32_u64(vdupq_n_u64(word)), shift, k, 15);
}

static inline float32x4_t
load_u2(const uint8_t *p, size_t k)
{
	const int32x4_t shift = {0, -2, -4, -6};
	uint32_t	word;

	memcpy(&word, p, sizeof(word));
	return load_fields(vdupq_n_u32(word), shift, k, 3);
}

typedef uint8x16_t vb;

#define BYTES				16

#define vi_add(a, b)		vaddq_s32(a, b)

#define vb_field(x, shift, mask) \
	vandq_u8(vshlq_u8(x, vdupq_n_s8((int8_t) -(shift))), vdupq_n_u8(mask))

static inline uint8x16_t
load_bytes(const uint8_t *p, size_t n)
{
	uint8_t		bytes[BYTES] = {0};

	if (n < BYTES)
		p = memcpy(bytes, p, n);
	return vld1q_u8(p);
}

static inline int16x8_t
load_set(const int16_t *p, uint32_t bits, size_t n)
{
	const int16x8_t each = {1, 2, 4, 8, 16, 32, 64, 128};

	(void) n;
	return vandq_s16(vreinterpretq_s16_u16(vtstq_s16(vdupq_n_s16((int16_t) bits), each)),
					 vld1q_s16(p));
}

static inline int32x4_t
vb_dot(int32x4_t s, uint8x16_t x, uint8x16_t q)
{
	int16x8_t	low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(x)));
	int16x8_t	high = vreinterpretq_s16_u16(vmovl_high_u8(x));
	int16x8_t	q_low = vmovl_s8(vget_low_s8(vreinterpretq_s8_u8(q)));
	int16x8_t	q_high = vmovl_high_s8(vreinterpretq_s8_u8(q));

	s = vmlal_high_s16(vmlal_s16(s, vget_low_s16(low), vget_low_s16(q_low)), low, q_low);
	return vmlal_high_s16(vmlal_s16(s, vget_low_s16(high), vget_low_s16(q_high)), high, q_high);
}

#include "distance/kernel_set.h"

KERNEL_SET(neon)

#endif							/* __aarch64__ */
