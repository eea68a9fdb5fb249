/*
 * distance.h - distance kernels and their run-time dispatch
 *
 * One table of function pointers per instruction set, chosen once by what the CPU offers (or
 * forced, for tests and support).  Everything that compares vectors goes through distance_kernels,
 * so that one library built for the baseline of an architecture runs at full speed everywhere.
 *
 * The room is plain C11 without PostgreSQL.  Kernels take raw arrays of n dimensions at any
 * alignment that the element type allows and never read past the end of an array.  They accumulate
 * floating-point elements in float32 (so results may be Infinity, or NaN where infinities meet) and
 * integers exactly.  Norms and cosine distances are functions on top of the kernels, which sum in
 * double precision if the squares do not fit float32.
 */
#ifndef VECTOR_DISTANCE_H
#define VECTOR_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The parts of a cosine distance, from one pass: <a,b>, <a,a>, <b,b>. */
typedef struct CosineParts
{
	float		dot;
	float		norm_a;
	float		norm_b;
} CosineParts;

/* Likewise for int8; exact below 131,072 dimensions. */
typedef struct CosinePartsInt
{
	int32_t		dot;
	int32_t		norm_a;
	int32_t		norm_b;
} CosinePartsInt;

/* Population counts of a & b, a, and b. */
typedef struct BitParts
{
	uint64_t	both;
	uint64_t	a;
	uint64_t	b;
} BitParts;

/* Codes of nibbles are compared in groups of this many. */
#define CODE_GROUP	32

/* See field_i8_dot. */
#define FIELD_BLOCK	64

/* A query prepared for code_estimates: see rabitq.h and product.h. */
typedef struct CodeQuery
{
	const uint8_t *lut;			/* 16 bytes a position */
	size_t		positions;		/* a multiple of 4; for 1-bit codes, dimensions / 4 */
	float		scale;
	float		bias;
} CodeQuery;

/*
 * Sums over o = x - c: of |o_i|, of o_i^2, and of sign(o_i) c_i.  The sign of 0 is 1; that of -0,
 * which arises only where c_i is 0, is -1.
 */
typedef struct ResidualParts
{
	float		l1;
	float		l2sq;
	float		sign_dot;
} ResidualParts;

/* The smallest and the largest of some numbers. */
typedef struct Range
{
	float		least;
	float		largest;
} Range;

/* Sums over n elements x and their levels u, counted from the middle level: see f32_levels. */
typedef struct LevelParts
{
	float		product;		/* of x_i (u_i - top / 2) */
	float		norm;			/* of (u_i - top / 2)^2 */
	float		largest;		/* |x_i|: the maximum, not a sum */
} LevelParts;

/*
 * Kernels of one instruction set.
 *
 * f16 and bf16 elements are the raw 16 bits.  n is the number of dimensions, for bits of bytes.
 * l2sq is the squared Euclidean distance, l1 the sum of absolute differences.  The *_many forms
 * compare one query with `count` rows given by address and write count results to out; they
 * prefetch later rows.
 */
typedef struct DistanceKernels
{
	const char *name;			/* portable, avx2, avx512, neon */

	float		(*f32_l2sq) (const float *a, const float *b, size_t n);
	float		(*f32_dot) (const float *a, const float *b, size_t n);
	float		(*f32_l1) (const float *a, const float *b, size_t n);
	CosineParts (*f32_cosine) (const float *a, const float *b, size_t n);

	float		(*f16_l2sq) (const uint16_t *a, const uint16_t *b, size_t n);
	float		(*f16_dot) (const uint16_t *a, const uint16_t *b, size_t n);
	float		(*f16_l1) (const uint16_t *a, const uint16_t *b, size_t n);
	CosineParts (*f16_cosine) (const uint16_t *a, const uint16_t *b, size_t n);

	float		(*bf16_l2sq) (const uint16_t *a, const uint16_t *b, size_t n);
	float		(*bf16_dot) (const uint16_t *a, const uint16_t *b, size_t n);
	float		(*bf16_l1) (const uint16_t *a, const uint16_t *b, size_t n);
	CosineParts (*bf16_cosine) (const uint16_t *a, const uint16_t *b, size_t n);

	int32_t		(*i8_l2sq) (const int8_t *a, const int8_t *b, size_t n);
	int32_t		(*i8_dot) (const int8_t *a, const int8_t *b, size_t n);
	int32_t		(*i8_l1) (const int8_t *a, const int8_t *b, size_t n);
	CosinePartsInt (*i8_cosine) (const int8_t *a, const int8_t *b, size_t n);

	uint64_t	(*bit_hamming) (const uint8_t *a, const uint8_t *b, size_t bytes);
	BitParts	(*bit_jaccard) (const uint8_t *a, const uint8_t *b, size_t bytes);

	void (*f32_l2sq_many)(const float *q, const float *const *rows, size_t count, size_t n,
						  float *out);
	void (*f32_dot_many)(const float *q, const float *const *rows, size_t count, size_t n,
						 float *out);
	void (*f16_l2sq_many)(const uint16_t *q, const uint16_t *const *rows, size_t count, size_t n,
						  float *out);
	void (*f16_dot_many)(const uint16_t *q, const uint16_t *const *rows, size_t count, size_t n,
						 float *out);
	void (*bf16_l2sq_many)(const uint16_t *q, const uint16_t *const *rows, size_t count, size_t n,
						   float *out);
	void (*bf16_dot_many)(const uint16_t *q, const uint16_t *const *rows, size_t count, size_t n,
						  float *out);
	void (*i8_l2sq_many)(const int8_t *q, const int8_t *const *rows, size_t count, size_t n,
						 int32_t *out);
	void (*i8_dot_many)(const int8_t *q, const int8_t *const *rows, size_t count, size_t n,
						int32_t *out);
	void (*bit_hamming_many)(const uint8_t *q, const uint8_t *const *rows, size_t count,
							 size_t bytes, uint64_t *out);

	/* A float query and stored elements, each standing for low + step * element. */
	float		(*stored_f16_l2sq) (const float *q, const uint16_t *x, size_t n, float low,
									float step);
	float		(*stored_f16_dot) (const float *q, const uint16_t *x, size_t n, float low,
								   float step);
	float (*stored_u8_l2sq)(const float *q, const uint8_t *x, size_t n, float low, float step);
	float (*stored_u8_dot)(const float *q, const uint8_t *x, size_t n, float low, float step);

	/*
	 * The dot product with fields of 4, 2 or 1 bits, n a multiple of 16.  Sixteen fields are in one
	 * 64-, 32- or 16-bit word.  Field i starts at bit i * width, except with 4 bits: there fields
	 * 2 i start at bit 4 i, and fields 2 i + 1 at bit 32 + 4 i.
	 */
	float		(*field_u4_dot) (const float *q, const uint8_t *x, size_t n);
	float		(*field_u2_dot) (const float *q, const uint8_t *x, size_t n);
	float		(*field_u1_dot) (const float *q, const uint8_t *x, size_t n);

	/*
	 * The dot product of a query of int8 with all fields of `width` bits, 1, 2, 4 or 8, in `bytes`
	 * bytes.  The query is in the order in which fields are taken out of bytes: for each
	 * FIELD_BLOCK bytes, first the elements for their lowest fields, then those for the next ones.
	 * It is complete for the last block, too, but what stands for bytes beyond the end is ignored.
	 */
	int32_t (*field_i8_dot)(const int8_t *q, const uint8_t *x, size_t bytes, int width);

	/* The sum of the weights of the bits that are set, of n bits, a multiple of 16. */
	int32_t		(*bits_i16_sum) (const int16_t *weights, const uint8_t *x, size_t n);

	/*
	 * For each code of a group: out[i] = base + a[i] + b[i] * (scale * sum of the table entries +
	 * bias), where b is bfloat16.
	 */
	void		(*code_estimates) (const CodeQuery *q, const uint8_t *codes, const float *a,
								   const uint16_t *b, float base, float *out);

	/*
	 * As code_estimates, minus slack * error[i], where error is bfloat16; -infinity where that is
	 * NaN.  Returns a bit for each out[i] below the threshold, the first code's lowest.
	 */
	uint32_t	(*code_bounds) (const CodeQuery *q, const uint8_t *codes, const float *a,
								const uint16_t *b, const uint16_t *error, float base,
								float slack, float threshold, float *out);

	/* Prepares a rotated query of n elements, a multiple of 16: see rabitq_prepare. */
	CodeQuery	(*code_query) (const float *q, size_t n, uint8_t *lut);

	/*
	 * A round of a rotation (rotation.h) of n floats, n a multiple of 16, in place: flips the signs
	 * for which `signs` has the sign bit set; transforms `window` floats from `start` on, where
	 * window is a power of two not below 128 and start a multiple of 16; and mixes the two halves
	 * if the window is not everything.
	 */
	void		(*rotate_round) (float *x, const uint32_t *signs, size_t n, size_t window,
								 size_t start);

	/* Rounds n floats, a multiple of 16, to halves; numbers too large become the largest half. */
	void		(*f32_to_f16) (const float *x, size_t n, uint16_t *out);

	/* The sums of a residual, n a multiple of 16, and its signs, a bit a dimension. */
	ResidualParts (*f16_residual) (const uint16_t *x, const uint16_t *c, size_t n, uint8_t *signs);

	/* Likewise for a residual o that is given. */
	ResidualParts (*f32_residual) (const float *o, const float *c, size_t n, uint8_t *signs);

	/*
	 * The levels of n elements, a multiple of 16: u_i = x_i * scale + top / 2, clamped to 0 and top
	 * and rounded, top an odd number up to 255.  They are written if out is not NULL.
	 */
	LevelParts	(*f32_levels) (const float *x, size_t n, float scale, float top, uint8_t *out);

	/*
	 * The first of 16 columns, of n rows of 16 floats, for which half[j] - <x, column j> is
	 * smallest; that value goes to *distance.
	 */
	uint32_t	(*columns_nearest) (const float *x, const float *columns, const float *half,
									size_t n, float *distance);

	/*
	 * The dot products of x with the 16 columns: returns the smallest and the largest.  If out is
	 * not NULL, writes each of them minus the smallest, times factor, rounded; that must not exceed
	 * 255.
	 */
	Range		(*columns_entries) (const float *x, const float *columns, size_t n, float factor,
									uint8_t *out);
} DistanceKernels;

typedef enum DistanceSimd
{
	DISTANCE_AUTO,
	DISTANCE_PORTABLE,
	DISTANCE_AVX2,
	DISTANCE_AVX512,
	DISTANCE_NEON
} DistanceSimd;

/* The set in use; never NULL (portable until distance_select is called). */
extern const DistanceKernels *distance_kernels;

/*
 * The kernels of one set, or NULL if this build or this CPU does not have them; DISTANCE_AUTO
 * gives the best set available.
 */
extern const DistanceKernels *distance_get(DistanceSimd simd);

/* Makes a set the one in use; returns false, and changes nothing, if distance_get has none. */
extern bool distance_select(DistanceSimd simd);

/*
 * Sparse vectors: ascending 0-based indices and their values, nnz of each.  One merge pass, the
 * same for every instruction set.
 */
extern float sparse_l2sq(const int32_t *ai, const float *av, size_t an,
						 const int32_t *bi, const float *bv, size_t bn);
extern float sparse_dot(const int32_t *ai, const float *av, size_t an,
						const int32_t *bi, const float *bv, size_t bn);
extern float sparse_l1(const int32_t *ai, const float *av, size_t an,
					   const int32_t *bi, const float *bv, size_t bn);
extern CosineParts sparse_cosine(const int32_t *ai, const float *av, size_t an,
								 const int32_t *bi, const float *bv, size_t bn);

/*
 * Whether neither underflow nor overflow affected a sum of squares significantly; then the dot
 * product of two vectors with such sums is right as well.  Each of up to 2^14 products is off by up
 * to 2^-150 if it underflows.
 */
static inline bool
squares_hold(double sum)
{
	return sum >= 0x1p-96 && sum <= 0x1p126;
}

/*
 * 1 - dot / sqrt(norm_a * norm_b), with the similarity clamped to [-1, 1]; NaN if a norm is zero or
 * not finite.
 */
extern double cosine_distance_from_parts(double dot, double norm_a, double norm_b);

/* Cosine distances of vectors of any length; NaN if one of them is zero. */
extern double f32_cosine_distance(const float *a, const float *b, size_t n);
extern double f16_cosine_distance(const uint16_t *a, const uint16_t *b, size_t n);
extern double bf16_cosine_distance(const uint16_t *a, const uint16_t *b, size_t n);
extern double i8_cosine_distance(const int8_t *a, const int8_t *b, size_t n);
extern double sparse_cosine_distance(const int32_t *ai, const float *av, size_t an,
									 const int32_t *bi, const float *bv, size_t bn);

/* Euclidean norms. */
extern double f32_norm(const float *x, size_t n);
extern double f16_norm(const uint16_t *x, size_t n);
extern double bf16_norm(const uint16_t *x, size_t n);
extern double i8_norm(const int8_t *x, size_t n);
extern double sparse_norm(const float *values, size_t nnz);

#endif							/* VECTOR_DISTANCE_H */
