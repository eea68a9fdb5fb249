/*
 * avx2.c - kernels for AVX2 with FMA, F16C and POPCNT
 */
#include "distance/distance_internal.h"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c,popcnt")
#endif

#include <immintrin.h>
#include <string.h>

typedef __m256 vf;

#define LANES	8

#define vf_zero()		_mm256_setzero_ps()
#define vf_set1(x)		_mm256_set1_ps(x)
#define vf_add(a, b)	_mm256_add_ps(a, b)
#define vf_sub(a, b)	_mm256_sub_ps(a, b)
#define vf_abs(a)		_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a)
#define vf_mul(a, b)	_mm256_mul_ps(a, b)
#define vf_max(a, b)	_mm256_max_ps(a, b)
#define vf_min(a, b)	_mm256_min_ps(a, b)
#define vf_below(a, b)	((uint32_t) _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ)))
#define vf_fma(a, b, c)	_mm256_fmadd_ps(a, b, c)
#define vf_swap1(a)		_mm256_permute_ps(a, 0xB1)
#define vf_swap2(a)		_mm256_permute_ps(a, 0x4E)
#define vf_swap4(a)		_mm256_permute2f128_ps(a, a, 0x01)
#define vf_flip(a, bits) \
	_mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *) (bits))))

static inline float
vf_sum(__m256 v)
{
	__m128		s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline __m256
load_f32(const float *p)
{
	return _mm256_loadu_ps(p);
}

static inline void
store_f32(float *p, __m256 a)
{
	_mm256_storeu_ps(p, a);
}

static inline __m256
load_sums(const uint32_t *p)
{
	return _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *) p));
}

static inline __m256
load_tail_f32(const float *p, size_t n)
{
	__m256i		place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);

	return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int) n), place));
}

/* Up to seven 16-bit elements, padded with zeros. */
static inline __m128i
load_tail_16(const uint16_t *p, size_t n)
{
	uint16_t	elements[8] = {0};

	memcpy(elements, p, n * sizeof(uint16_t));
	return _mm_loadu_si128((const __m128i *) elements);
}

static inline __m256
load_f16(const uint16_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) p));
}

static inline void
store_f16(uint16_t *p, __m256 a)
{
	a = _mm256_min_ps(_mm256_max_ps(a, _mm256_set1_ps(-MAX_F16)), _mm256_set1_ps(MAX_F16));
	_mm_storeu_si128((__m128i *) p, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}

static inline __m256
load_tail_f16(const uint16_t *p, size_t n)
{
	return _mm256_cvtph_ps(load_tail_16(p, n));
}

static inline __m256
widen_bf16(__m128i bits)
{
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}

static inline __m256
load_bf16(const uint16_t *p)
{
	return widen_bf16(_mm_loadu_si128((const __m128i *) p));
}

static inline __m256
load_tail_bf16(const uint16_t *p, size_t n)
{
	return widen_bf16(load_tail_16(p, n));
}

typedef __m256i vi;
typedef __m256i vw;

#define WIDE_LANES			16

#define vi_zero()			_mm256_setzero_si256()
#define vi_madd(s, x, y)	_mm256_add_epi32(s, _mm256_madd_epi16(x, y))
#define vw_sub(x, y)		_mm256_sub_epi16(x, y)
#define vw_abs(x)			_mm256_abs_epi16(x)
#define vw_ones()			_mm256_set1_epi16(1)

static inline int32_t
vi_sum(__m256i v)
{
	__m128i		s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
	return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
}

static inline __m256i
load_i8(const int8_t *p, size_t n)
{
	int8_t		elements[WIDE_LANES] = {0};

	if (n < WIDE_LANES)
		p = memcpy(elements, p, n);
	return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *) p));
}

#define vf_signs(a)			((uint32_t) ~_mm256_movemask_ps(a) & 0xFF)

static inline __m256
vf_where(uint32_t lanes, __m256 a)
{
	__m256i		bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
	__m256i		set = _mm256_and_si256(_mm256_set1_epi32((int) lanes), bit);

	return _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, bit)));
}

/* The sum of the two 128-bit lanes of 16-bit sums, widened. */
static inline __m256i
sum_lanes(__m256i v)
{
	return _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(v)),
							_mm256_cvtepu16_epi32(_mm256_extracti128_si256(v, 1)));
}

/*
 * Adds the sums of 16 codes: of the even bytes (still with the odd bytes' carry) and the odd ones.
 */
static inline void
add_sums(uint32_t *sums, __m256i even, __m256i odd)
{
	__m256i		e = sum_lanes(_mm256_sub_epi16(even, _mm256_slli_epi16(odd, 8)));
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
 * As CODE_SUMS in code_kernels.h; two positions at once, in 16-bit sums until they might overflow.
 */
static inline void
sum_codes(const uint8_t *codes, const uint8_t *lut, size_t positions, uint32_t *sums)
{
	const __m256i nibble = _mm256_set1_epi8(15);

	for (int i = 0; i < CODE_GROUP; i += 8)
		_mm256_storeu_si256((__m256i *) (sums + i), _mm256_setzero_si256());
	while (positions > 0)
	{
		size_t		part = positions < 512 ? positions : 512;
		__m256i		even[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
		__m256i		odd[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};

		for (size_t p = 0; p < part; p += 2, codes += 32, lut += 32)
		{
			__m256i		c = _mm256_loadu_si256((const __m256i *) codes);
			__m256i		t = _mm256_loadu_si256((const __m256i *) lut);
			__m256i		low = _mm256_shuffle_epi8(t, _mm256_and_si256(c, nibble));
			__m256i		high = _mm256_shuffle_epi8(
				t, _mm256_and_si256(_mm256_srli_epi16(c, 4), nibble));

			even[0] = _mm256_add_epi16(even[0], low);
			odd[0] = _mm256_add_epi16(odd[0], _mm256_srli_epi16(low, 8));
			even[1] = _mm256_add_epi16(even[1], high);
			odd[1] = _mm256_add_epi16(odd[1], _mm256_srli_epi16(high, 8));
		}
		add_sums(sums, even[0], odd[0]);
		add_sums(sums + 16, even[1], odd[1]);
		positions -= part;
	}
}

/* As TABLE_ENTRIES in code_kernels.h; one position in each half, its pairs and their negatives. */
static inline void
store_entries(uint8_t *entries, __m256 pairs, __m256 range)
{
	const __m256i low = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(8, 9, 2, 3, 10, 11, 0, 1, 8, 9, 2, 3, 10, 11, 0, 1));
	const __m256i high[2] = {
		_mm256_broadcastsi128_si256(
			_mm_setr_epi8(12, 13, 12, 13, 12, 13, 12, 13, 6, 7, 6, 7, 6, 7, 6, 7)),
		_mm256_broadcastsi128_si256(
			_mm_setr_epi8(14, 15, 14, 15, 14, 15, 14, 15, 4, 5, 4, 5, 4, 5, 4, 5))};
	__m256i		t = _mm256_cvtps_epi32(pairs);
	__m256i		r = _mm256_add_epi32(_mm256_cvtps_epi32(range),
									 _mm256_set1_epi32(1 << (ENTRY_BITS - 1)));
	__m256i		sums;

	t = _mm256_packs_epi32(t, _mm256_sub_epi32(_mm256_setzero_si256(), t));
	sums = _mm256_add_epi16(_mm256_packs_epi32(r, r), _mm256_shuffle_epi8(t, low));
	_mm256_storeu_si256((__m256i *) entries, _mm256_packus_epi16(
		_mm256_srai_epi16(_mm256_add_epi16(sums, _mm256_shuffle_epi8(t, high[0])), ENTRY_BITS),
		_mm256_srai_epi16(_mm256_add_epi16(sums, _mm256_shuffle_epi8(t, high[1])), ENTRY_BITS)));
}

static inline __m256
load_u8(const uint8_t *p)
{
	return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *) p)));
}

static inline void
store_u8(uint8_t *p, __m256 a)
{
	__m256i		v = _mm256_cvtps_epi32(a);
	__m128i		words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	_mm_storel_epi64((__m128i *) p, _mm_packus_epi16(words, words));
}

/* The lanes of `words` from bits `shift` and 2 k on, masked. */
static inline __m256
load_fields(__m256i words, __m256i shift, size_t k, int mask)
{
	__m256i		bits = _mm256_srlv_epi32(
		words, _mm256_add_epi32(shift, _mm256_set1_epi32((int) (2 * k))));

	return _mm256_cvtepi32_ps(_mm256_and_si256(bits, _mm256_set1_epi32(mask)));
}

static inline __m256
load_u4(const uint8_t *p, size_t k)
{
	int64_t		word;

	memcpy(&word, p, sizeof(word));
	return load_fields(_mm256_set1_epi64x(word), _mm256_setr_epi32(0, 0, 4, 4, 8, 8, 12, 12), k,
					   15);
}

static inline __m256
load_u2(const uint8_t *p, size_t k)
{
	int32_t		word;

	memcpy(&word, p, sizeof(word));
	return load_fields(_mm256_set1_epi32(word), _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14), k,
					   3);
}

typedef __m256i vb;

#define BYTES				32

#define vi_add(a, b)		_mm256_add_epi32(a, b)
#define vb_field(x, shift, mask) \
	_mm256_and_si256(_mm256_srli_epi16(x, shift), _mm256_set1_epi8((char) (mask)))

static inline __m256i
load_bytes(const uint8_t *p, size_t n)
{
	uint8_t		bytes[BYTES] = {0};

	if (n < BYTES)
		p = memcpy(bytes, p, n);
	return _mm256_loadu_si256((const __m256i *) p);
}

static inline __m256i
load_set(const int16_t *p, uint32_t bits, size_t n)
{
	const __m256i each = _mm256_setr_epi16(
		1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, INT16_MIN);
	__m256i		set = _mm256_and_si256(_mm256_set1_epi16((short) bits), each);

	(void) n;
	return _mm256_and_si256(_mm256_cmpeq_epi16(set, each),
							_mm256_loadu_si256((const __m256i *) p));
}

/* The even bytes, and the odd ones. */
static inline __m256i
vb_dot(__m256i s, __m256i x, __m256i q)
{
	__m256i		even = _mm256_madd_epi16(_mm256_and_si256(x, _mm256_set1_epi16(255)),
										 _mm256_srai_epi16(_mm256_slli_epi16(q, 8), 8));
	__m256i		odd = _mm256_madd_epi16(_mm256_srli_epi16(x, 8), _mm256_srai_epi16(q, 8));

	return _mm256_add_epi32(s, _mm256_add_epi32(even, odd));
}

#include "distance/kernel_set.h"

KERNEL_SET(avx2)

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif							/* __x86_64__ */
