/*
 * sparsevec.c - the type sparsevec: indices and float32 values of the non-zero elements
 */
#include "pg_compat.h"

#include <math.h>

#include "common/hashfn.h"
#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "distance/distance.h"
#include "types/dense.h"
#include "types/detoast.h"
#include "types/sparsevec.h"

StaticAssertDecl(offsetof(SparseVector, indices) == 16, "indices follow a header of sixteen bytes");

#define SPARSEVEC	"sparsevec"

SparseVector *
InitSparseVector(int dim, int nnz)
{
	Size		size = SPARSEVEC_SIZE(nnz);
	SparseVector *v = palloc0(size);

	SET_VARSIZE(v, size);
	v->dim = dim;
	v->nnz = nnz;
	return v;
}

static const float *
sparse_values(const SparseVector *v)
{
	return (const float *) (v->indices + v->nnz);
}

/* A vector of n elements, without the zeros among them. */
static SparseVector *
sparse_from_pairs(int dim, const int32 *indices, const float *values, int n)
{
	SparseVector *result;
	int			nnz = 0;

	for (int i = 0; i < n; i++)
		nnz += values[i] != 0;
	if (nnz > SPARSEVEC_MAX_NNZ)
	{
		CodecError	error = {.status = CODEC_TOO_MANY_ELEMENTS};

		codec_report(&error, SPARSEVEC, NULL, SPARSEVEC_MAX_DIM, SPARSEVEC_MAX_NNZ, NULL);
	}

	result = InitSparseVector(dim, nnz);
	for (int i = 0, out = 0; i < n; i++)
		if (values[i] != 0)
		{
			result->indices[out] = indices == NULL ? i : indices[i];
			SPARSEVEC_VALUES(result)[out++] = values[i];
		}
	return result;
}

PG_FUNCTION_INFO_V1(sparsevec_in);
Datum
sparsevec_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	int			room = (int) Min(codec_count(text), SPARSEVEC_MAX_NNZ);
	CodecSparse sparse = {
		.max_dim = SPARSEVEC_MAX_DIM, .max_nnz = SPARSEVEC_MAX_NNZ,
		.indices = palloc(sizeof(int32) * room), .values = palloc(sizeof(float) * room)
	};
	CodecError	error;

	if (!codec_parse_sparse(text, &sparse, &error))
	{
		codec_report(&error, SPARSEVEC, text, SPARSEVEC_MAX_DIM, SPARSEVEC_MAX_NNZ,
					 fcinfo->context);
		PG_RETURN_NULL();
	}
	if (!type_check_typmod(typmod, sparse.dim, fcinfo->context))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(sparse_from_pairs(sparse.dim, sparse.indices, sparse.values, sparse.nnz));
}

PG_FUNCTION_INFO_V1(sparsevec_out);
Datum
sparsevec_out(PG_FUNCTION_ARGS)
{
	const SparseVector *v = vector_detoast(PG_GETARG_DATUM(0));
	const float *values = sparse_values(v);
		/* each element has comma, index, colon, value; then braces, slash and dimensions follow */
	char	   *text = palloc((Size) v->nnz * (FLOAT_SHORTEST_DECIMAL_LEN + 12) + 16);
	char	   *p = text;

	*p++ = '{';
	for (int i = 0; i < v->nnz; i++)
	{
		if (i > 0)
			*p++ = ',';
		p += pg_ltoa(v->indices[i] + 1, p);
		*p++ = ':';
		p = float_to_text(values[i], p);
	}
	*p++ = '}';
	*p++ = '/';
	p += pg_ltoa(v->dim, p);
	*p = '\0';
	PG_RETURN_CSTRING(text);
}

PG_FUNCTION_INFO_V1(sparsevec_typmod_in);
Datum
sparsevec_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(type_typmod_in(SPARSEVEC, PG_GETARG_ARRAYTYPE_P(0), SPARSEVEC_MAX_DIM));
}

PG_FUNCTION_INFO_V1(sparsevec_recv);
Datum
sparsevec_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	const uint8_t *bytes = (const uint8_t *) buf->data + buf->cursor;
	size_t		len = (size_t) (buf->len - buf->cursor);
	CodecSparse sparse = {.max_dim = SPARSEVEC_MAX_DIM, .max_nnz = SPARSEVEC_MAX_NNZ};
	CodecError	error;
	SparseVector *result;

	if (!codec_read_sparse_header(bytes, len, &sparse, &error))
		codec_report(&error, SPARSEVEC, NULL, SPARSEVEC_MAX_DIM, SPARSEVEC_MAX_NNZ, NULL);
	type_check_typmod(typmod, sparse.dim, NULL);
	result = InitSparseVector(sparse.dim, sparse.nnz);
	sparse.indices = result->indices;
	sparse.values = SPARSEVEC_VALUES(result);
	if (!codec_read_sparse(bytes + 12, len - 12, &sparse, &error))
		codec_report(&error, SPARSEVEC, NULL, SPARSEVEC_MAX_DIM, SPARSEVEC_MAX_NNZ, NULL);
	buf->cursor += 12 + 8 * sparse.nnz;
	PG_RETURN_POINTER(result);
}

PG_FUNCTION_INFO_V1(sparsevec_send);
Datum
sparsevec_send(PG_FUNCTION_ARGS)
{
	const SparseVector *v = vector_detoast(PG_GETARG_DATUM(0));
	const float *values = sparse_values(v);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint32(&buf, v->dim);
	pq_sendint32(&buf, v->nnz);
	pq_sendint32(&buf, v->unused);
	for (int i = 0; i < v->nnz; i++)
		pq_sendint32(&buf, v->indices[i]);
	for (int i = 0; i < v->nnz; i++)
		pq_sendfloat4(&buf, values[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

PG_FUNCTION_INFO_V1(sparsevec);
Datum
sparsevec(PG_FUNCTION_ARGS)
{
	const SparseVector *v = vector_detoast(PG_GETARG_DATUM(0));

	type_check_typmod(PG_GETARG_INT32(1), v->dim, NULL);
	PG_RETURN_POINTER(v);
}

PG_FUNCTION_INFO_V1(array_to_sparsevec);
Datum
array_to_sparsevec(PG_FUNCTION_ARGS)
{
	int			dim;
	const float *floats =
		array_to_floats(PG_GETARG_ARRAYTYPE_P(0), SPARSEVEC_MAX_DIM, SPARSEVEC, &dim);

	type_check_typmod(PG_GETARG_INT32(1), dim, NULL);
	for (int i = 0; i < dim; i++)
		type_check_finite(SPARSEVEC, floats[i]);
	PG_RETURN_POINTER(sparse_from_pairs(dim, NULL, floats, dim));
}

/* Casts between sparsevec and the dense types. */

static Datum
sparse_to_dense(FunctionCallInfo fcinfo, const DenseType *type)
{
	const SparseVector *v = vector_detoast(PG_GETARG_DATUM(0));
	float	   *floats;

	type_check_dim(type->name, v->dim, DENSE_MAX_DIM, NULL);
	type_check_typmod(PG_GETARG_INT32(1), v->dim, NULL);
	floats = palloc0(sizeof(float) * v->dim);
	for (int i = 0; i < v->nnz; i++)
		floats[v->indices[i]] = sparse_values(v)[i];
	PG_RETURN_POINTER(dense_from_floats(type, floats, v->dim));
}

static Datum
dense_to_sparse(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));

	type_check_typmod(PG_GETARG_INT32(1), v->dim, NULL);
	PG_RETURN_POINTER(sparse_from_pairs(v->dim, NULL, dense_floats(type, v), v->dim));
}

DENSE_FUNCTION(sparsevec_to_vector, sparse_to_dense, VectorType)
DENSE_FUNCTION(sparsevec_to_halfvec, sparse_to_dense, HalfvecType)
DENSE_FUNCTION(sparsevec_to_bf16vec, sparse_to_dense, Bf16vecType)
DENSE_FUNCTION(sparsevec_to_int8vec, sparse_to_dense, Int8vecType)
DENSE_FUNCTION(vector_to_sparsevec, dense_to_sparse, VectorType)
DENSE_FUNCTION(halfvec_to_sparsevec, dense_to_sparse, HalfvecType)
DENSE_FUNCTION(bf16vec_to_sparsevec, dense_to_sparse, Bf16vecType)
DENSE_FUNCTION(int8vec_to_sparsevec, dense_to_sparse, Int8vecType)

/* Distances. */

static void
sparse_check_dims(const SparseVector *a, const SparseVector *b)
{
	if (unlikely(a->dim != b->dim))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different sparsevec dimensions %d and %d", a->dim, b->dim)));
}

/* A kernel's arguments: two vectors as indices, values and their number. */
#define SPARSE_PAIR(a, b) \
	(a)->indices, sparse_values(a), (size_t) (a)->nnz, (b)->indices, sparse_values(b), \
		(size_t) (b)->nnz

#define SPARSE_DISTANCE(symbol, expression) \
PG_FUNCTION_INFO_V1(symbol); \
Datum \
symbol(PG_FUNCTION_ARGS) \
{ \
	const SparseVector *a = vector_detoast(PG_GETARG_DATUM(0)); \
	const SparseVector *b = vector_detoast(PG_GETARG_DATUM(1)); \
\
	sparse_check_dims(a, b); \
	PG_RETURN_FLOAT8(expression); \
}

SPARSE_DISTANCE(sparsevec_l2_distance, sqrt((double) sparse_l2sq(SPARSE_PAIR(a, b))))
SPARSE_DISTANCE(sparsevec_l2_squared_distance, (double) sparse_l2sq(SPARSE_PAIR(a, b)))
SPARSE_DISTANCE(sparsevec_inner_product, (double) sparse_dot(SPARSE_PAIR(a, b)))
SPARSE_DISTANCE(sparsevec_negative_inner_product, -(double) sparse_dot(SPARSE_PAIR(a, b)))
SPARSE_DISTANCE(sparsevec_cosine_distance, sparse_cosine_distance(SPARSE_PAIR(a, b)))
SPARSE_DISTANCE(sparsevec_l1_distance, (double) sparse_l1(SPARSE_PAIR(a, b)))

PG_FUNCTION_INFO_V1(sparsevec_l2_norm);
Datum
sparsevec_l2_norm(PG_FUNCTION_ARGS)
{
	const SparseVector *v = vector_detoast(PG_GETARG_DATUM(0));

	PG_RETURN_FLOAT8(sparse_norm(sparse_values(v), (size_t) v->nnz));
}

/*
 * Scales a vector to length 1; a zero vector stays as it is, elements that underflow are dropped.
 */
PG_FUNCTION_INFO_V1(sparsevec_l2_normalize);
Datum
sparsevec_l2_normalize(PG_FUNCTION_ARGS)
{
	const SparseVector *v = vector_detoast(PG_GETARG_DATUM(0));
	double		norm = sparse_norm(sparse_values(v), (size_t) v->nnz);
	float	   *unit = palloc(sizeof(float) * v->nnz);

	for (int i = 0; i < v->nnz; i++)
	{
		unit[i] = (float) (sparse_values(v)[i] / norm);
		if (unlikely(isinf(unit[i])))
			float_overflow_error();
	}
	PG_RETURN_POINTER(sparse_from_pairs(v->dim, v->indices, unit, v->nnz));
}

/*
 * Orders as the dense vectors would be: by the first element that differs, where a missing element
 * counts as zero, then by the number of dimensions.  Elements past the end of the shorter vector do
 * not count.
 */
static int
sparse_cmp(const SparseVector *a, const SparseVector *b)
{
	const float *av = sparse_values(a);
	const float *bv = sparse_values(b);
	int			dim = Min(a->dim, b->dim);

	for (int i = 0, j = 0;;)
	{
		int32		ai = i < a->nnz ? a->indices[i] : PG_INT32_MAX;
		int32		bi = j < b->nnz ? b->indices[j] : PG_INT32_MAX;
		float		x = ai <= bi && i < a->nnz ? av[i] : 0;
		float		y = bi <= ai && j < b->nnz ? bv[j] : 0;

		if (Min(ai, bi) >= dim)
			break;
		if (x != y)
			return x < y ? -1 : 1;
		i += ai <= bi;
		j += bi <= ai;
	}
	return (a->dim > b->dim) - (a->dim < b->dim);
}

#define SPARSE_COMPARISON(symbol, returned, comparison) \
PG_FUNCTION_INFO_V1(symbol); \
Datum \
symbol(PG_FUNCTION_ARGS) \
{ \
	SparseVector *a = vector_detoast(PG_GETARG_DATUM(0)); \
	SparseVector *b = vector_detoast(PG_GETARG_DATUM(1)); \
	int			cmp = sparse_cmp(a, b); \
\
	PG_FREE_IF_COPY(a, 0); \
	PG_FREE_IF_COPY(b, 1); \
	returned(cmp comparison); \
}

SPARSE_COMPARISON(sparsevec_lt, PG_RETURN_BOOL, < 0)
SPARSE_COMPARISON(sparsevec_le, PG_RETURN_BOOL, <= 0)
SPARSE_COMPARISON(sparsevec_eq, PG_RETURN_BOOL, == 0)
SPARSE_COMPARISON(sparsevec_ne, PG_RETURN_BOOL, != 0)
SPARSE_COMPARISON(sparsevec_ge, PG_RETURN_BOOL, >= 0)
SPARSE_COMPARISON(sparsevec_gt, PG_RETURN_BOOL, > 0)
SPARSE_COMPARISON(sparsevec_cmp, PG_RETURN_INT32, +0)

/*
 * The hash of what makes two vectors equal: the dimensions, the indices and the values, none of
 * which is zero.
 */
static Datum
hash_argument(FunctionCallInfo fcinfo, bool extended, uint64 seed)
{
	SparseVector *v = vector_detoast(PG_GETARG_DATUM(0));
	const unsigned char *bytes = (const unsigned char *) v + VARHDRSZ;
	int			size = (int) (VARSIZE(v) - VARHDRSZ);
	Datum		hash = extended ? hash_any_extended(bytes, size, seed) : hash_any(bytes, size);

	PG_FREE_IF_COPY(v, 0);
	return hash;
}

PG_FUNCTION_INFO_V1(sparsevec_hash);
Datum
sparsevec_hash(PG_FUNCTION_ARGS)
{
	return hash_argument(fcinfo, false, 0);
}

PG_FUNCTION_INFO_V1(sparsevec_hash_extended);
Datum
sparsevec_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_argument(fcinfo, true, (uint64) PG_GETARG_INT64(1));
}
