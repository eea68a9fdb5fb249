/*
 * avx512.c - kernels for AVX-512 (F, BW, VL, DQ), and faster versions of some for VNNI, VPOPCNTDQ
 * and VBMI
 *
 * AVX512_BF16 is not used: its dot product rounds to odd and flushes subnormals, so that results
 * would depend on the processor by more than the order of summation.
 */
#include "distance/distance_internal.h"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target( \
	"avx512f,avx512bw,avx512vl,avx512dq,fma,f16c,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma,f16c,popcnt")
#endif

#include <immintrin.h>
#include <string.h>

typedef __m512 vf;
typedef __m512i vi;
typedef __m512i vw;

#define LANES				16
#define WIDE_LANES			32

#define vf_zero()			_mm512_setzero_ps()
#define vf_set1(x)			_mm512_set1_ps(x)
#define vf_add(a, b)		_mm512_add_ps(a, b)
#define vf_sub(a, b)		_mm512_sub_ps(a, b)
#define vf_abs(a)			_mm512_abs_ps(a)
#define vf_mul(a, b)		_mm512_mul_ps(a, b)
#define vf_max(a, b)		_mm512_max_ps(a, b)
#define vf_min(a, b)		_mm512_min_ps(a, b)
#define vf_below(a, b)		((uint32_t) _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ))
#define vf_fma(a, b, c)		_mm512_fmadd_ps(a, b, c)
#define vf_swap1(a)			_mm512_permute_ps(a, 0xB1)
#define vf_swap2(a)			_mm512_permute_ps(a, 0x4E)
#define vf_swap4(a)			_mm512_shuffle_f32x4(a, a, 0xB1)
#define vf_swap8(a)			_mm512_shuffle_f32x4(a, a, 0x4E)
#define vf_flip(a, bits)	_mm512_xor_ps(a, _mm512_castsi512_ps(_mm512_loadu_si512(bits)))
#define vf_sum(a)			_mm512_reduce_add_ps(a)

#define vi_zero()			_mm512_setzero_si512()
#define vi_sum(a)			_mm512_reduce_add_epi32(a)
#define vi_madd(s, x, y)	_mm512_add_epi32(s, _mm512_madd_epi16(x, y))
#define vw_sub(x, y)		_mm512_sub_epi16(x, y)
#define vw_abs(x)			_mm512_abs_epi16(x)
#define vw_ones()			_mm512_set1_epi16(1)

/* The lowest n bits, n below 64 */
#define MASK(n)				((UINT64_C(1) << (n)) - 1)

static inline __m512
load_f32(const float *p)
{
	return _mm512_loadu_ps(p);
}

static inline void
store_f32(float *p, __m512 a)
{
	_mm512_storeu_ps(p, a);
}

static inline __m512
load_sums(const uint32_t *p)
{
	return _mm512_cvtepi32_ps(_mm512_loadu_si512(p));
}

static inline __m512
load_tail_f32(const float *p, size_t n)
{
	return _mm512_maskz_loadu_ps((__mmask16) MASK(n), p);
}

static inline __m512
load_f16(const uint16_t *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) p));
}

static inline void
store_f16(uint16_t *p, __m512 a)
{
	a = _mm512_min_ps(_mm512_max_ps(a, _mm512_set1_ps(-MAX_F16)), _mm512_set1_ps(MAX_F16));
	_mm256_storeu_si256((__m256i *) p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}

static inline __m512
load_tail_f16(const uint16_t *p, size_t n)
{
	return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16((__mmask16) MASK(n), p));
}

static inline __m512
widen_bf16(__m256i bits)
{
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

static inline __m512
load_bf16(const uint16_t *p)
{
	return widen_bf16(_mm256_loadu_si256((const __m256i *) p));
}

static inline __m512
load_tail_bf16(const uint16_t *p, size_t n)
{
	return widen_bf16(_mm256_maskz_loadu_epi16((__mmask16) MASK(n), p));
}

static inline __m512i
load_i8(const int8_t *p, size_t n)
{
	if (n >= WIDE_LANES)
		return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *) p));
	return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8((__mmask32) MASK(n), p));
}

#define vf_signs(a)			((uint32_t) (uint16_t) ~_mm512_movepi32_mask(_mm512_castps_si512(a)))
#define vf_where(lanes, a)	_mm512_maskz_mov_ps((__mmask16) (lanes), a)

/* The sum of the four 128-bit lanes of 16-bit sums, widened. */
static inline __m256i
sum_lanes(__m512i v)
{
	__m512i		s = _mm512_add_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(v)),
									 _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(v, 1)));

	return _mm256_add_epi32(_mm512_castsi512_si256(s), _mm512_extracti64x4_epi64(s, 1));
}

/*
 * Adds the sums of 16 codes: of the even bytes (still with the odd bytes' carry) and the odd ones.
 */
static inline void
add_sums(uint32_t *sums, __m512i even, __m512i odd)
{
	__m256i		e = sum_lanes(_mm512_sub_epi16(even, _mm512_slli_epi16(odd, 8)));
	__m256i		o = sum_lanes(odd);
	__m256i		low = _mm256_unpacklo_epi32(e, o);
	__m256i		high = _mm256_unpackhi_epi32(e, o);
	__m256i		first = _mm256_permute2x128_si256(low, high, 0x20);
	__m256i		last = _mm256_permute2x128_si256(low, high, 0x31);

	_mm256_storeu_si256((__m256i *) sums,
						_mm256_add_epi32(first, _mm256_loadu_si256((__m256i *) sums)));
	_mm256_storeu_si256((__m256i *) (sums + 8),
						_mm256_add_epi32(last, _mm256_loadu_si256((__m256i *) (sums + 8))));
}

/*
 * As CODE_SUMS in code_kernels.h; four positions at once, in 16-bit sums until they might overflow.
 */
static inline void
sum_codes(const uint8_t *codes, const uint8_t *lut, size_t positions, uint32_t *sums)
{
	const __m512i nibble = _mm512_set1_epi8(15);

	_mm512_storeu_si512(sums, _mm512_setzero_si512());
	_mm512_storeu_si512(sums + 16, _mm512_setzero_si512());
	while (positions > 0)
	{
		size_t		part = positions < 1024 ? positions : 1024;
		__m512i		even[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
		__m512i		odd[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};

		for (size_t p = 0; p < part; p += 4, codes += 64, lut += 64)
		{
			__m512i		c = _mm512_loadu_si512(codes);
			__m512i		t = _mm512_loadu_si512(lut);
			__m512i		low = _mm512_shuffle_epi8(t, _mm512_and_si512(c, nibble));
			__m512i		high = _mm512_shuffle_epi8(
				t, _mm512_and_si512(_mm512_srli_epi16(c, 4), nibble));

			even[0] = _mm512_add_epi16(even[0], low);
			odd[0] = _mm512_add_epi16(odd[0], _mm512_srli_epi16(low, 8));
			even[1] = _mm512_add_epi16(even[1], high);
			odd[1] = _mm512_add_epi16(odd[1], _mm512_srli_epi16(high, 8));
		}
		add_sums(sums, even[0], odd[0]);
		add_sums(sums + 16, even[1], odd[1]);
		positions -= part;
	}
}

/*
 * As TABLE_ENTRIES in code_kernels.h; one position in each quarter, its pairs and their negatives.
 */
static inline void
store_entries(uint8_t *entries, __m512 pairs, __m512 range)
{
	const __m512i low = _mm512_broadcast_i32x4(
		_mm_setr_epi8(8, 9, 2, 3, 10, 11, 0, 1, 8, 9, 2, 3, 10, 11, 0, 1));
	const __m512i high[2] = {
		_mm512_broadcast_i32x4(
			_mm_setr_epi8(12, 13, 12, 13, 12, 13, 12, 13, 6, 7, 6, 7, 6, 7, 6, 7)),
		_mm512_broadcast_i32x4(
			_mm_setr_epi8(14, 15, 14, 15, 14, 15, 14, 15, 4, 5, 4, 5, 4, 5, 4, 5))};
	__m512i		t = _mm512_cvtps_epi32(pairs);
	__m512i		r = _mm512_add_epi32(_mm512_cvtps_epi32(range),
									 _mm512_set1_epi32(1 << (ENTRY_BITS - 1)));
	__m512i		sums;

	t = _mm512_packs_epi32(t, _mm512_sub_epi32(_mm512_setzero_si512(), t));
	sums = _mm512_add_epi16(_mm512_packs_epi32(r, r), _mm512_shuffle_epi8(t, low));
	_mm512_storeu_si512(entries, _mm512_packus_epi16(
		_mm512_srai_epi16(_mm512_add_epi16(sums, _mm512_shuffle_epi8(t, high[0])), ENTRY_BITS),
		_mm512_srai_epi16(_mm512_add_epi16(sums, _mm512_shuffle_epi8(t, high[1])), ENTRY_BITS)));
}

static inline __m512
load_u8(const uint8_t *p)
{
	return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *) p)));
}

static inline void
store_u8(uint8_t *p, __m512 a)
{
	_mm_storeu_si128((__m128i *) p, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a)));
}

/* A look-up turns the low four bits of each lane into a number. */
static inline __m512
load_u4(const uint8_t *p, size_t k)
{
	const __m512 number = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const __m512i shift = _mm512_setr_epi32(
		0, 0, 4, 4, 8, 8, 12, 12, 16, 16, 20, 20, 24, 24, 28, 28);
	int64_t		word;

	(void) k;
	memcpy(&word, p, sizeof(word));
	return _mm512_permutexvar_ps(_mm512_srlv_epi32(_mm512_set1_epi64(word), shift), number);
}

static inline __m512
load_u2(const uint8_t *p, size_t k)
{
	const __m512 number = _mm512_setr_ps(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
	const __m512i shift = _mm512_setr_epi32(
		0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
	int32_t		word;

	(void) k;
	memcpy(&word, p, sizeof(word));
	return _mm512_permutexvar_ps(_mm512_srlv_epi32(_mm512_set1_epi32(word), shift), number);
}

typedef __m512i vb;

#define BYTES				64

#define vi_add(a, b)		_mm512_add_epi32(a, b)
#define vb_field(x, shift, mask) \
	_mm512_and_si512(_mm512_srli_epi16(x, shift), _mm512_set1_epi8((char) (mask)))

static inline __m512i
load_bytes(const uint8_t *p, size_t n)
{
	if (n >= BYTES)
		return _mm512_loadu_si512(p);
	return _mm512_maskz_loadu_epi8((__mmask64) MASK(n), p);
}

static inline __m512i
load_set(const int16_t *p, uint32_t bits, size_t n)
{
	(void) n;
	return _mm512_maskz_loadu_epi16(bits, p);
}

/* The even bytes, and the odd ones. */
static inline __m512i
bytes_dot(__m512i s, __m512i x, __m512i q)
{
	__m512i		even = _mm512_madd_epi16(_mm512_and_si512(x, _mm512_set1_epi16(255)),
										 _mm512_srai_epi16(_mm512_slli_epi16(q, 8), 8));
	__m512i		odd = _mm512_madd_epi16(_mm512_srli_epi16(x, 8), _mm512_srai_epi16(q, 8));

	return _mm512_add_epi32(s, _mm512_add_epi32(even, odd));
}

#define vb_dot(s, x, q)		bytes_dot(s, x, q)

#include "distance/kernel_set.h"

KERNEL_SET(avx512)

#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target( \
	"avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx512vnni")
#endif

/* VNNI multiplies and adds to the accumulator in one instruction. */
#undef vi_madd
#define vi_madd(s, x, y)	_mm512_dpwssd_epi32(s, x, y)

#undef vb_dot
#define vb_dot(s, x, q)		_mm512_dpbusd_epi32(s, x, q)

I8_KERNELS(vnni)
FIELD_I8_KERNEL(vnni_field_dot)
BITS_I16_KERNEL(vnni_bits_sum)

void
avx512_use_vnni(DistanceKernels *kernels)
{
	kernels->i8_l2sq = vnni_l2sq;
	kernels->i8_dot = vnni_dot;
	kernels->i8_l1 = vnni_l1;
	kernels->i8_cosine = vnni_cosine;
	kernels->i8_l2sq_many = vnni_l2sq_many;
	kernels->i8_dot_many = vnni_dot_many;
	kernels->field_i8_dot = vnni_field_dot;
	kernels->bits_i16_sum = vnni_bits_sum;
}

#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target( \
	"avx512f,avx512bw,avx512vl,avx512vpopcntdq"))), apply_to = function)
#else
#pragma GCC target("avx512vpopcntdq")
#endif

/* 64 bytes, or fewer, padded with zeros. */
static inline __m512i
load_bits512(const uint8_t *p, size_t bytes)
{
	if (bytes >= 64)
		return _mm512_loadu_si512(p);
	return _mm512_maskz_loadu_epi8((__mmask64) MASK(bytes), p);
}

#define COUNT_BITS(s, x)	s = _mm512_add_epi64(s, _mm512_popcnt_epi64(x))

static uint64_t
vpopcnt_hamming(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	__m512i		sum = _mm512_setzero_si512();

	for (size_t i = 0; i < bytes; i += 64)
		COUNT_BITS(
			sum, _mm512_xor_si512(load_bits512(a + i, bytes - i), load_bits512(b + i, bytes - i)));
	return (uint64_t) _mm512_reduce_add_epi64(sum);
}

static BitParts
vpopcnt_jaccard(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	__m512i		both = _mm512_setzero_si512();
	__m512i		in_a = _mm512_setzero_si512();
	__m512i		in_b = _mm512_setzero_si512();

	for (size_t i = 0; i < bytes; i += 64)
	{
		__m512i		x = load_bits512(a + i, bytes - i);
		__m512i		y = load_bits512(b + i, bytes - i);

		COUNT_BITS(both, _mm512_and_si512(x, y));
		COUNT_BITS(in_a, x);
		COUNT_BITS(in_b, y);
	}
	return (BitParts){(uint64_t) _mm512_reduce_add_epi64(both),
					  (uint64_t) _mm512_reduce_add_epi64(in_a),
					  (uint64_t) _mm512_reduce_add_epi64(in_b)};
}

EACH_ROW_KERNEL(vpopcnt_hamming_many, vpopcnt_hamming, uint8_t, uint64_t)

void
avx512_use_vpopcntdq(DistanceKernels *kernels)
{
	kernels->bit_hamming = vpopcnt_hamming;
	kernels->bit_jaccard = vpopcnt_jaccard;
	kernels->bit_hamming_many = vpopcnt_hamming_many;
}

#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target( \
	"avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx512vbmi,avx512vnni")
#endif

/*
 * As CODE_SUMS in code_kernels.h.  The bytes of four positions are transposed, so that the four
 * look-ups of a code are in one lane, each in its own table, and VNNI adds them to its sum.
 */
static inline void
vbmi_sum_codes(const uint8_t *codes, const uint8_t *lut, size_t positions, uint32_t *sums)
{
	const __m512i transposed = _mm512_add_epi32(
		_mm512_set1_epi32(0x30201000),
		_mm512_mullo_epi32(_mm512_set1_epi32(0x01010101), _mm512_setr_epi32(
			0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
	const __m512i nibble = _mm512_set1_epi8(15);
	const __m512i table = _mm512_set1_epi32(0x30201000);
	const __m512i ones = _mm512_set1_epi8(1);
	__m512i		low = _mm512_setzero_si512();
	__m512i		high = _mm512_setzero_si512();

	for (size_t p = 0; p < positions; p += 4, codes += 64, lut += 64)
	{
		__m512i		c = _mm512_permutexvar_epi8(transposed, _mm512_loadu_si512(codes));
		__m512i		t = _mm512_loadu_si512(lut);

		/* 0xEA: (first and second) or third */
		low = _mm512_dpbusd_epi32(low, _mm512_permutexvar_epi8(
			_mm512_ternarylogic_epi32(c, nibble, table, 0xEA), t), ones);
		high = _mm512_dpbusd_epi32(high, _mm512_permutexvar_epi8(
			_mm512_ternarylogic_epi32(_mm512_srli_epi16(c, 4), nibble, table, 0xEA), t), ones);
	}
	_mm512_storeu_si512(sums, low);
	_mm512_storeu_si512(sums + 16, high);
}

CODE_ESTIMATES_KERNEL(vbmi_estimates, vbmi_sum_codes)
CODE_BOUNDS_KERNEL(vbmi_bounds, vbmi_sum_codes)

void
avx512_use_vbmi(DistanceKernels *kernels)
{
	kernels->code_estimates = vbmi_estimates;
	kernels->code_bounds = vbmi_bounds;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif							/* __x86_64__ */
