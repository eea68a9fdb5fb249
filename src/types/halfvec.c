/*
 * halfvec.c - the type halfvec: IEEE 754 binary16 elements
 */
#include "pg_compat.h"

#include "distance/half.h"
#include "types/dense.h"
#include "types/dense_distance.h"
#include "types/halfvec.h"

StaticAssertDecl(offsetof(HalfVector, x) == offsetof(Dense, x), "halfvec has the dense layout");
StaticAssertDecl(HALFVEC_MAX_DIM == DENSE_MAX_DIM, "one limit for dense types");

static void
halfvec_to_float(const void *elements, float *out, int n)
{
	const uint16 *bits = elements;

	for (int i = 0; i < n; i++)
		out[i] = half_to_float(bits[i]);
}

static int
halfvec_from_float(const float *in, void *elements, int n)
{
	uint16	   *bits = elements;

	for (int i = 0; i < n; i++)
	{
		bits[i] = float_to_half(in[i]);
		if (unlikely((bits[i] & 0x7FFF) == 0x7C00 && isfinite(in[i])))
			return i;
	}
	return n;
}

const DenseType HalfvecType = {"halfvec", CODEC_FLOAT16, halfvec_to_float, halfvec_from_float};

HalfVector *
InitHalfVector(int dim)
{
	return (HalfVector *) dense_init(&HalfvecType, dim);
}

DENSE_FUNCTION(halfvec_in, dense_in, HalfvecType)
DENSE_FUNCTION(halfvec_out, dense_out, HalfvecType)
DENSE_FUNCTION(halfvec_typmod_in, dense_typmod_in, HalfvecType)
DENSE_FUNCTION(halfvec_recv, dense_recv, HalfvecType)
DENSE_FUNCTION(halfvec_send, dense_send, HalfvecType)

DENSE_FUNCTION(halfvec, dense_typmod_cast, HalfvecType)
DENSE_FUNCTION(array_to_halfvec, dense_from_array, HalfvecType)
DENSE_FUNCTION(halfvec_to_float4, dense_to_array, HalfvecType)
DENSE_CAST(vector_to_halfvec, VectorType, HalfvecType)
DENSE_CAST(bf16vec_to_halfvec, Bf16vecType, HalfvecType)
DENSE_CAST(int8vec_to_halfvec, Int8vecType, HalfvecType)

DENSE_FUNCTION(halfvec_vector_dims, dense_dims, HalfvecType)
DENSE_FUNCTION(halfvec_l2_norm, dense_norm, HalfvecType)
DENSE_FUNCTION(halfvec_l2_normalize, dense_normalize, HalfvecType)
DENSE_FUNCTION(halfvec_binary_quantize, dense_binary_quantize, HalfvecType)
DENSE_FUNCTION(halfvec_subvector, dense_subvector, HalfvecType)
DENSE_FUNCTION(halfvec_add, dense_add, HalfvecType)
DENSE_FUNCTION(halfvec_sub, dense_sub, HalfvecType)
DENSE_FUNCTION(halfvec_mul, dense_mul, HalfvecType)
DENSE_FUNCTION(halfvec_concat, dense_concat, HalfvecType)

DENSE_FUNCTION(halfvec_lt, dense_lt, HalfvecType)
DENSE_FUNCTION(halfvec_le, dense_le, HalfvecType)
DENSE_FUNCTION(halfvec_eq, dense_eq, HalfvecType)
DENSE_FUNCTION(halfvec_ne, dense_ne, HalfvecType)
DENSE_FUNCTION(halfvec_ge, dense_ge, HalfvecType)
DENSE_FUNCTION(halfvec_gt, dense_gt, HalfvecType)
DENSE_FUNCTION(halfvec_cmp, dense_cmp, HalfvecType)
DENSE_FUNCTION(halfvec_hash, dense_hash, HalfvecType)
DENSE_FUNCTION(halfvec_hash_extended, dense_hash_extended, HalfvecType)

DENSE_FUNCTION(halfvec_accum, dense_accum, HalfvecType)
DENSE_FUNCTION(halfvec_avg, dense_avg, HalfvecType)

DENSE_DISTANCES(HalfvecType, uint16, f16_, halfvec_l2_distance,
				halfvec_l2_squared_distance, halfvec_inner_product, halfvec_negative_inner_product,
				halfvec_cosine_distance, halfvec_spherical_distance, halfvec_l1_distance)
