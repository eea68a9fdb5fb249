/*
 * vector.c - the type vector: float32 elements
 */
#include "pg_compat.h"

#include "types/dense.h"
#include "types/dense_distance.h"
#include "types/vector.h"

StaticAssertDecl(offsetof(Vector, x) == offsetof(Dense, x), "vector has the dense layout");
StaticAssertDecl(VECTOR_MAX_DIM == DENSE_MAX_DIM, "one limit for dense types");

static void
vector_to_float(const void *elements, float *out, int n)
{
	memcpy(out, elements, sizeof(float) * n);
}

static int
vector_from_float(const float *in, void *elements, int n)
{
	memcpy(elements, in, sizeof(float) * n);
	return n;
}

const DenseType VectorType = {"vector", CODEC_FLOAT32, vector_to_float, vector_from_float};

Vector *
InitVector(int dim)
{
	return (Vector *) dense_init(&VectorType, dim);
}

int
vector_cmp_internal(Vector *a, Vector *b)
{
	return dense_cmp_internal(&VectorType, (Dense *) a, (Dense *) b);
}

DENSE_FUNCTION(vector_in, dense_in, VectorType)
DENSE_FUNCTION(vector_out, dense_out, VectorType)
DENSE_FUNCTION(vector_typmod_in, dense_typmod_in, VectorType)
DENSE_FUNCTION(vector_recv, dense_recv, VectorType)
DENSE_FUNCTION(vector_send, dense_send, VectorType)

DENSE_FUNCTION(vector, dense_typmod_cast, VectorType)
DENSE_FUNCTION(array_to_vector, dense_from_array, VectorType)
DENSE_FUNCTION(vector_to_float4, dense_to_array, VectorType)
DENSE_CAST(halfvec_to_vector, HalfvecType, VectorType)
DENSE_CAST(bf16vec_to_vector, Bf16vecType, VectorType)
DENSE_CAST(int8vec_to_vector, Int8vecType, VectorType)

DENSE_FUNCTION(vector_dims, dense_dims, VectorType)
DENSE_FUNCTION(vector_norm, dense_norm, VectorType)
DENSE_FUNCTION(l2_normalize, dense_normalize, VectorType)
DENSE_FUNCTION(binary_quantize, dense_binary_quantize, VectorType)
DENSE_FUNCTION(subvector, dense_subvector, VectorType)
DENSE_FUNCTION(vector_add, dense_add, VectorType)
DENSE_FUNCTION(vector_sub, dense_sub, VectorType)
DENSE_FUNCTION(vector_mul, dense_mul, VectorType)
DENSE_FUNCTION(vector_concat, dense_concat, VectorType)

DENSE_FUNCTION(vector_lt, dense_lt, VectorType)
DENSE_FUNCTION(vector_le, dense_le, VectorType)
DENSE_FUNCTION(vector_eq, dense_eq, VectorType)
DENSE_FUNCTION(vector_ne, dense_ne, VectorType)
DENSE_FUNCTION(vector_ge, dense_ge, VectorType)
DENSE_FUNCTION(vector_gt, dense_gt, VectorType)
DENSE_FUNCTION(vector_cmp, dense_cmp, VectorType)
DENSE_FUNCTION(vector_hash, dense_hash, VectorType)
DENSE_FUNCTION(vector_hash_extended, dense_hash_extended, VectorType)

DENSE_FUNCTION(vector_accum, dense_accum, VectorType)
DENSE_FUNCTION(vector_avg, dense_avg, VectorType)

DENSE_DISTANCES(VectorType, float, f32_, l2_distance, vector_l2_squared_distance,
				inner_product, vector_negative_inner_product, cosine_distance,
				vector_spherical_distance, l1_distance)
