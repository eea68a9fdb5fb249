/*
 * bf16vec.c - the type bf16vec: bfloat16 elements, the upper half of a float32
 */
#include "pg_compat.h"

#include "distance/half.h"
#include "types/dense.h"
#include "types/dense_distance.h"

static void
bf16vec_to_float(const void *elements, float *out, int n)
{
	const uint16 *bits = elements;

	for (int i = 0; i < n; i++)
		out[i] = bf16_to_float(bits[i]);
}

static int
bf16vec_from_float(const float *in, void *elements, int n)
{
	uint16	   *bits = elements;

	for (int i = 0; i < n; i++)
	{
		bits[i] = float_to_bf16(in[i]);
		if (unlikely((bits[i] & 0x7FFF) == 0x7F80 && isfinite(in[i])))
			return i;
	}
	return n;
}

const DenseType Bf16vecType = {"bf16vec", CODEC_BFLOAT16, bf16vec_to_float, bf16vec_from_float};

DENSE_FUNCTION(bf16vec_in, dense_in, Bf16vecType)
DENSE_FUNCTION(bf16vec_out, dense_out, Bf16vecType)
DENSE_FUNCTION(bf16vec_typmod_in, dense_typmod_in, Bf16vecType)
DENSE_FUNCTION(bf16vec_recv, dense_recv, Bf16vecType)
DENSE_FUNCTION(bf16vec_send, dense_send, Bf16vecType)

DENSE_FUNCTION(bf16vec, dense_typmod_cast, Bf16vecType)
DENSE_FUNCTION(array_to_bf16vec, dense_from_array, Bf16vecType)
DENSE_FUNCTION(bf16vec_to_float4, dense_to_array, Bf16vecType)
DENSE_CAST(vector_to_bf16vec, VectorType, Bf16vecType)
DENSE_CAST(halfvec_to_bf16vec, HalfvecType, Bf16vecType)
DENSE_CAST(int8vec_to_bf16vec, Int8vecType, Bf16vecType)

DENSE_FUNCTION(bf16vec_vector_dims, dense_dims, Bf16vecType)
DENSE_FUNCTION(bf16vec_l2_norm, dense_norm, Bf16vecType)
DENSE_FUNCTION(bf16vec_l2_normalize, dense_normalize, Bf16vecType)
DENSE_FUNCTION(bf16vec_binary_quantize, dense_binary_quantize, Bf16vecType)
DENSE_FUNCTION(bf16vec_subvector, dense_subvector, Bf16vecType)
DENSE_FUNCTION(bf16vec_add, dense_add, Bf16vecType)
DENSE_FUNCTION(bf16vec_sub, dense_sub, Bf16vecType)
DENSE_FUNCTION(bf16vec_mul, dense_mul, Bf16vecType)
DENSE_FUNCTION(bf16vec_concat, dense_concat, Bf16vecType)

DENSE_FUNCTION(bf16vec_lt, dense_lt, Bf16vecType)
DENSE_FUNCTION(bf16vec_le, dense_le, Bf16vecType)
DENSE_FUNCTION(bf16vec_eq, dense_eq, Bf16vecType)
DENSE_FUNCTION(bf16vec_ne, dense_ne, Bf16vecType)
DENSE_FUNCTION(bf16vec_ge, dense_ge, Bf16vecType)
DENSE_FUNCTION(bf16vec_gt, dense_gt, Bf16vecType)
DENSE_FUNCTION(bf16vec_cmp, dense_cmp, Bf16vecType)
DENSE_FUNCTION(bf16vec_hash, dense_hash, Bf16vecType)
DENSE_FUNCTION(bf16vec_hash_extended, dense_hash_extended, Bf16vecType)

DENSE_FUNCTION(bf16vec_accum, dense_accum, Bf16vecType)
DENSE_FUNCTION(bf16vec_avg, dense_avg, Bf16vecType)
DENSE_FUNCTION(bf16vec_sum, dense_sum, Bf16vecType)

DENSE_DISTANCES(Bf16vecType, uint16, bf16_, bf16vec_l2_distance,
				bf16vec_l2_squared_distance, bf16vec_inner_product, bf16vec_negative_inner_product,
				bf16vec_cosine_distance, bf16vec_spherical_distance, bf16vec_l1_distance)
