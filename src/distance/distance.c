/*
 * distance.c - the choice of kernels at run time, and norms and cosine distances that use them
 */
#include "distance/distance.h"

#include <math.h>

#include "distance/half.h"
#include "distance/distance_internal.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

const DistanceKernels *distance_kernels = &portable_kernels;

#if defined(__x86_64__)

/*
 * __builtin_cpu_supports also checks that the operating system supports the registers, but not
 * every compiler knows F16C.
 */
static bool
cpu_has_avx2(void)
{
	unsigned	eax;
	unsigned	ebx;
	unsigned	ecx;
	unsigned	edx;

	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
		   __builtin_cpu_supports("popcnt") && __get_cpuid(1, &eax, &ebx, &ecx, &edx) &&
		   (ecx & bit_F16C) != 0;
}

static bool
cpu_has_avx512(void)
{
	return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
		   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
		   __builtin_cpu_supports("avx512dq");
}

/* The AVX-512 kernels, with those replaced that this processor can run faster. */
static const DistanceKernels *
best_avx512_kernels(void)
{
	static DistanceKernels kernels;

	if (kernels.name == NULL)
	{
		kernels = avx512_kernels;
		if (__builtin_cpu_supports("avx512vnni"))
			avx512_use_vnni(&kernels);
		if (__builtin_cpu_supports("avx512vpopcntdq"))
			avx512_use_vpopcntdq(&kernels);
		if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni"))
			avx512_use_vbmi(&kernels);
	}
	return &kernels;
}

const DistanceKernels *
distance_get(DistanceSimd simd)
{
	bool		avx512 = (simd == DISTANCE_AUTO || simd == DISTANCE_AVX512) && cpu_has_avx512();
	bool		avx2 = (simd == DISTANCE_AUTO || simd == DISTANCE_AVX2) && cpu_has_avx2();

	if (avx512)
		return best_avx512_kernels();
	if (avx2)
		return &avx2_kernels;
	return simd == DISTANCE_AUTO || simd == DISTANCE_PORTABLE ? &portable_kernels : NULL;
}

#elif defined(__aarch64__)

const DistanceKernels *
distance_get(DistanceSimd simd)
{
	if (simd == DISTANCE_AUTO || simd == DISTANCE_NEON)
		return &neon_kernels;
	return simd == DISTANCE_PORTABLE ? &portable_kernels : NULL;
}

#else

const DistanceKernels *
distance_get(DistanceSimd simd)
{
	return simd == DISTANCE_AUTO || simd == DISTANCE_PORTABLE ? &portable_kernels : NULL;
}

#endif

bool
distance_select(DistanceSimd simd)
{
	const DistanceKernels *kernels = distance_get(simd);

	if (kernels == NULL)
		return false;
	distance_kernels = kernels;
	return true;
}

static inline double
cosine_distance(double dot, double norm_a, double norm_b)
{
	double		similarity = dot / sqrt(norm_a * norm_b);

	return 1 - (similarity > 1 ? 1 : similarity < -1 ? -1 : similarity);
}

double
cosine_distance_from_parts(double dot, double norm_a, double norm_b)
{
	if (!(norm_a > 0 && norm_b > 0 && isfinite(norm_a) && isfinite(norm_b)))
		return NAN;
	return cosine_distance(dot, norm_a, norm_b);
}

/* Norms and cosine distances of an element type; widen(x) converts an element to a number. */
#define PRECISE(prefix, Element, Parts, widen) \
static __attribute__((noinline)) double \
prefix ## _double_cosine(const Element *a, const Element *b, size_t n) \
{ \
	double		dot = 0; \
	double		norm_a = 0; \
	double		norm_b = 0; \
\
	for (size_t i = 0; i < n; i++) \
	{ \
		double		x = widen(a[i]); \
		double		y = widen(b[i]); \
\
		dot += x * y; \
		norm_a += x * x; \
		norm_b += y * y; \
	} \
	return cosine_distance_from_parts(dot, norm_a, norm_b); \
} \
\
double \
prefix ## _cosine_distance(const Element *a, const Element *b, size_t n) \
{ \
	Parts		parts = distance_kernels->prefix ## _cosine(a, b, n); \
\
	if (squares_hold(parts.norm_a) && squares_hold(parts.norm_b)) \
		return cosine_distance(parts.dot, parts.norm_a, parts.norm_b); \
	return prefix ## _double_cosine(a, b, n); \
} \
\
double \
prefix ## _norm(const Element *x, size_t n) \
{ \
	double		sum = distance_kernels->prefix ## _dot(x, x, n); \
\
	if (squares_hold(sum)) \
		return sqrt(sum); \
	sum = 0; \
	for (size_t i = 0; i < n; i++) \
		sum += (double) widen(x[i]) * (double) widen(x[i]); \
	return sqrt(sum); \
}

#define as_it_is(x)	(x)

PRECISE(f32, float, CosineParts, as_it_is)
PRECISE(f16, uint16_t, CosineParts, half_to_float)
PRECISE(bf16, uint16_t, CosineParts, bf16_to_float)
PRECISE(i8, int8_t, CosinePartsInt, as_it_is)
