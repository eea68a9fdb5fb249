/*
 * half_test.c - conversions of half and bfloat16: all values in one direction, a sample around each
 * value in the other
 */
#include <math.h>

#include "check.h"
#include "distance/distance.h"
#include "distance/half.h"

#if defined(__x86_64__)
#include <immintrin.h>

/*
 * Every 251st float, except NaN, is rounded as the processor does it.  (251 is prime, so every
 * value of the low bits occurs.)
 */
__attribute__((target("f16c"))) static void
check_with_f16c(void)
{
	for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 251)
	{
		float		x = bits_float((uint32_t) bits);

		if (!isnan(x))
			CHECK(float_to_half(x) == _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT), "%.9g", (double) x);
	}
}
#endif

/* The value of a half by its definition (IEEE 754-2019, 3.4). */
static double
half_value(uint16_t h)
{
	int			exponent = h >> 10 & 31;
	int			fraction = h & 1023;
	double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);

	return h & 0x8000 ? -magnitude : magnitude;
}

/* The nearest of two neighbours; at equal distance the even one. */
static uint16_t
nearest(double x, uint16_t low, double low_value, uint16_t high, double high_value)
{
	double		below = x - low_value;
	double		above = high_value - x;

	if (below != above)
		return below < above ? low : high;
	return low & 1 ? high : low;
}

static void
check_between(uint16_t h, float x)
{
		/* for rounding, infinity counts as 65536 */
	uint16_t expected =
		nearest(x, h, half_value(h), (uint16_t) (h + 1), half_value((uint16_t) (h + 1)));

	CHECK(float_to_half(x) == expected, "%.9g to half: %04x, expected %04x", (double) x,
		  float_to_half(x), expected);
	CHECK(float_to_half(-x) == (expected | 0x8000), "%.9g to half", (double) -x);
}

int
main(void)
{
	for (uint32_t bits = 0; bits < 65536; bits++)
	{
		uint16_t	h = (uint16_t) bits;

		if ((h & 0x7C00) == 0x7C00)
		{
			int			is_nan = (h & 0x3FF) != 0;

			CHECK(is_nan ? isnan(half_to_float(h)) : isinf(half_to_float(h)), "%04x", h);
			CHECK(is_nan ? (float_to_half(half_to_float(h)) & 0x7FFF) > 0x7C00
						 : float_to_half(half_to_float(h)) == h,
				  "%04x back", h);
			continue;
		}
		CHECK(half_to_float(h) == half_value(h), "%04x is %.9g", h, (double) half_to_float(h));
		CHECK(float_to_half(half_to_float(h)) == h, "%04x back", h);
		if (h < 0x7C00)
		{
			float		low = half_to_float(h);
			float		middle = (float) ((half_value(h) + half_value((uint16_t) (h + 1))) / 2);

			check_between(h, nextafterf(low, INFINITY));
			check_between(h, nextafterf(middle, 0));
			check_between(h, middle);
			check_between(h, nextafterf(middle, INFINITY));
		}
	}
	CHECK(float_to_half(1e38f) == 0x7C00, "overflow");
#if defined(__x86_64__)
	if (distance_get(DISTANCE_AVX2) != NULL)
		check_with_f16c();
#endif

	for (uint32_t bits = 0; bits < 0x7F80; bits++)
	{
		uint16_t	b = (uint16_t) bits;
		float		low = bf16_to_float(b);
		float		middle = bits_float((uint32_t) b << 16 | 0x8000);

		CHECK(float_to_bf16(low) == b, "%04x back", b);
		CHECK(float_to_bf16(-low) == (b | 0x8000), "-%04x back", b);
		CHECK(float_to_bf16(nextafterf(middle, 0)) == b, "%04x, below the middle", b);
		CHECK(float_to_bf16(middle) == (b & 1 ? b + 1 : b), "%04x, the middle", b);
		CHECK(float_to_bf16(nextafterf(middle, INFINITY)) == b + 1, "%04x, above the middle", b);
	}
	CHECK(isnan(bf16_to_float(float_to_bf16(NAN))), "NaN stays");
	CHECK(float_to_bf16(INFINITY) == 0x7F80, "infinity stays");
	return check_end("half_test");
}
