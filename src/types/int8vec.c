/*
 * int8vec.c - the type int8vec: signed bytes
 */
#include "pg_compat.h"

#include "types/dense.h"
#include "types/dense_distance.h"

static void
int8vec_to_float(const void *elements, float *out, int n)
{
	const int8 *bytes = elements;

	for (int i = 0; i < n; i++)
		out[i] = bytes[i];
}

static int
int8vec_from_float(const float *in, void *elements, int n)
{
	int8	   *bytes = elements;

	for (int i = 0; i < n; i++)
	{
		float		rounded = isfinite(in[i]) ? rintf(in[i]) : 0;

		if (unlikely(!(rounded >= PG_INT8_MIN && rounded <= PG_INT8_MAX)))
			return i;
		bytes[i] = (int8) rounded;
	}
	return n;
}

const DenseType Int8vecType = {"int8vec", CODEC_INT8, int8vec_to_float, int8vec_from_float};

DENSE_FUNCTION(int8vec_in, dense_in, Int8vecType)
DENSE_FUNCTION(int8vec_out, dense_out, Int8vecType)
DENSE_FUNCTION(int8vec_typmod_in, dense_typmod_in, Int8vecType)
DENSE_FUNCTION(int8vec_recv, dense_recv, Int8vecType)
DENSE_FUNCTION(int8vec_send, dense_send, Int8vecType)

DENSE_FUNCTION(int8vec, dense_typmod_cast, Int8vecType)
DENSE_FUNCTION(array_to_int8vec, dense_from_array, Int8vecType)
DENSE_FUNCTION(int8vec_to_float4, dense_to_array, Int8vecType)
DENSE_CAST(vector_to_int8vec, VectorType, Int8vecType)
DENSE_CAST(halfvec_to_int8vec, HalfvecType, Int8vecType)
DENSE_CAST(bf16vec_to_int8vec, Bf16vecType, Int8vecType)

DENSE_FUNCTION(int8vec_vector_dims, dense_dims, Int8vecType)
DENSE_FUNCTION(int8vec_l2_norm, dense_norm, Int8vecType)
DENSE_FUNCTION(int8vec_l2_normalize, dense_normalize_to_vector, Int8vecType)
DENSE_FUNCTION(int8vec_binary_quantize, dense_binary_quantize, Int8vecType)
DENSE_FUNCTION(int8vec_subvector, dense_subvector, Int8vecType)
DENSE_FUNCTION(int8vec_add, dense_add, Int8vecType)
DENSE_FUNCTION(int8vec_sub, dense_sub, Int8vecType)
DENSE_FUNCTION(int8vec_mul, dense_mul, Int8vecType)
DENSE_FUNCTION(int8vec_concat, dense_concat, Int8vecType)

DENSE_FUNCTION(int8vec_lt, dense_lt, Int8vecType)
DENSE_FUNCTION(int8vec_le, dense_le, Int8vecType)
DENSE_FUNCTION(int8vec_eq, dense_eq, Int8vecType)
DENSE_FUNCTION(int8vec_ne, dense_ne, Int8vecType)
DENSE_FUNCTION(int8vec_ge, dense_ge, Int8vecType)
DENSE_FUNCTION(int8vec_gt, dense_gt, Int8vecType)
DENSE_FUNCTION(int8vec_cmp, dense_cmp, Int8vecType)
DENSE_FUNCTION(int8vec_hash, dense_hash, Int8vecType)
DENSE_FUNCTION(int8vec_hash_extended, dense_hash_extended, Int8vecType)

DENSE_FUNCTION(int8vec_accum, dense_accum, Int8vecType)
DENSE_FUNCTION(int8vec_avg, dense_avg, VectorType)
DENSE_FUNCTION(int8vec_sum, dense_sum, VectorType)

DENSE_DISTANCES(Int8vecType, int8, i8_, int8vec_l2_distance,
				int8vec_l2_squared_distance, int8vec_inner_product, int8vec_negative_inner_product,
				int8vec_cosine_distance, int8vec_spherical_distance, int8vec_l1_distance)
