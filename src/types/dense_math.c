/*
 * dense_math.c - arithmetic, comparison, hashing and aggregation of the dense vector types
 */
#include "pg_compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/array.h"
#include "utils/float.h"
#include "utils/varbit.h"

#include "types/dense.h"
#include "types/detoast.h"

/* How many elements are widened at a time into memory on the stack. */
#define CHUNK	64

Datum
dense_dims(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));

	PG_RETURN_INT32(v->dim);
}

static double
l2_norm_of(const float *x, int dim)
{
	double		norm = 0;

	for (int i = 0; i < dim; i++)
		norm += (double) x[i] * (double) x[i];
	return sqrt(norm);
}

Datum
dense_norm(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));

	PG_RETURN_FLOAT8(l2_norm_of(dense_floats(type, v), v->dim));
}

/* The result of arithmetic as a vector; raises an error if an element overflowed. */
static Dense *
arithmetic_result(const DenseType *type, const float *floats, int dim)
{
	Dense	   *result = dense_init(type, dim);

	for (int i = 0; i < dim; i++)
		if (unlikely(!isfinite(floats[i])))
			float_overflow_error();
	if (type->from_float(floats, result->x, dim) < dim)
		float_overflow_error();
	return result;
}

/* Scales a vector to length 1, in the type `to`; a zero vector stays as it is. */
static Dense *
normalize(const DenseType *from, const DenseType *to, const Dense *v)
{
	const float *x = dense_floats(from, v);
	float	   *unit = palloc0(sizeof(float) * v->dim);
	double		norm = l2_norm_of(x, v->dim);

	if (norm > 0)
		for (int i = 0; i < v->dim; i++)
			unit[i] = (float) (x[i] / norm);
	return arithmetic_result(to, unit, v->dim);
}

Datum
dense_normalize(FunctionCallInfo fcinfo, const DenseType *type)
{
	PG_RETURN_POINTER(normalize(type, type, vector_detoast(PG_GETARG_DATUM(0))));
}

Datum
dense_normalize_to_vector(FunctionCallInfo fcinfo, const DenseType *type)
{
	PG_RETURN_POINTER(normalize(type, &VectorType, vector_detoast(PG_GETARG_DATUM(0))));
}

/* One bit an element: whether it is above zero. */
Datum
dense_binary_quantize(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));
	const float *x = dense_floats(type, v);
	VarBit	   *result = palloc0(VARBITTOTALLEN(v->dim));
	uint8	   *bits = VARBITS(result);

	SET_VARSIZE(result, VARBITTOTALLEN(v->dim));
	VARBITLEN(result) = v->dim;
	for (int i = 0; i < v->dim; i++)
		bits[i / 8] |= (uint8) ((x[i] > 0) << (7 - i % 8));
	PG_RETURN_VARBIT_P(result);
}

/* subvector(v, start, count): the elements from the 1-based start on, as far as they are in v. */
Datum
dense_subvector(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));
	int64		start = PG_GETARG_INT32(1);
	int64		count = PG_GETARG_INT32(2);
	int64		first = Max(start, 1);
	int64		end = Min(start + count, (int64) v->dim + 1);
	Size		size = codec_element_size(type->element);
	Dense	   *result;

	if (count < 1 || first >= end)
		type_check_dim(type->name, 0, DENSE_MAX_DIM, NULL);
	result = dense_init(type, (int) (end - first));
	memcpy(result->x, v->x + (first - 1) * size, (end - first) * size);
	PG_RETURN_POINTER(result);
}

typedef enum Arithmetic
{
	ADD,
	SUBTRACT,
	MULTIPLY
} Arithmetic;

static Datum
dense_arithmetic(FunctionCallInfo fcinfo, const DenseType *type, Arithmetic operation)
{
	const Dense *a = vector_detoast(PG_GETARG_DATUM(0));
	const Dense *b = vector_detoast(PG_GETARG_DATUM(1));
	const float *ax;
	const float *bx;
	float	   *x;
	int			dim = a->dim;
	Dense	   *result;

	dense_check_dims(type, a, b);
	ax = dense_floats(type, a);
	bx = dense_floats(type, b);
	x = palloc(sizeof(float) * dim);
	switch (operation)
	{
		case ADD:
			for (int i = 0; i < dim; i++)
				x[i] = ax[i] + bx[i];
			break;
		case SUBTRACT:
			for (int i = 0; i < dim; i++)
				x[i] = ax[i] - bx[i];
			break;
		case MULTIPLY:
			for (int i = 0; i < dim; i++)
				x[i] = ax[i] * bx[i];
			break;
	}
	result = arithmetic_result(type, x, dim);
	if (operation == MULTIPLY)
	{
		const float *product = dense_floats(type, result);

		for (int i = 0; i < dim; i++)
			if (unlikely(product[i] == 0 && ax[i] != 0 && bx[i] != 0))
				float_underflow_error();
	}
	PG_RETURN_POINTER(result);
}

Datum
dense_add(FunctionCallInfo fcinfo, const DenseType *type)
{
	return dense_arithmetic(fcinfo, type, ADD);
}

Datum
dense_sub(FunctionCallInfo fcinfo, const DenseType *type)
{
	return dense_arithmetic(fcinfo, type, SUBTRACT);
}

/* Element by element. */
Datum
dense_mul(FunctionCallInfo fcinfo, const DenseType *type)
{
	return dense_arithmetic(fcinfo, type, MULTIPLY);
}

Datum
dense_concat(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *a = vector_detoast(PG_GETARG_DATUM(0));
	const Dense *b = vector_detoast(PG_GETARG_DATUM(1));
	Size		size = codec_element_size(type->element);
	Dense	   *result;

	type_check_dim(type->name, a->dim + b->dim, DENSE_MAX_DIM, NULL);
	result = dense_init(type, a->dim + b->dim);
	memcpy(result->x, a->x, a->dim * size);
	memcpy(result->x + a->dim * size, b->x, b->dim * size);
	PG_RETURN_POINTER(result);
}

/*
 * Sorting and index builds compare very often and free no memory in between, so nothing is
 * allocated here.
 */
int
dense_cmp_internal(const DenseType *type, const Dense *a, const Dense *b)
{
	Size		size = codec_element_size(type->element);
	int			dim = Min(a->dim, b->dim);

	for (int start = 0; start < dim; start += CHUNK)
	{
		int			n = Min(dim - start, CHUNK);
		float		ax[CHUNK];
		float		bx[CHUNK];

		type->to_float(a->x + start * size, ax, n);
		type->to_float(b->x + start * size, bx, n);
		for (int i = 0; i < n; i++)
			if (ax[i] != bx[i])
				return ax[i] < bx[i] ? -1 : 1;
	}
	return (a->dim > b->dim) - (a->dim < b->dim);
}

static int
compare_arguments(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *a = vector_detoast(PG_GETARG_DATUM(0));
	const Dense *b = vector_detoast(PG_GETARG_DATUM(1));
	int			cmp = dense_cmp_internal(type, a, b);

	PG_FREE_IF_COPY((void *) a, 0);
	PG_FREE_IF_COPY((void *) b, 1);
	return cmp;
}

Datum
dense_lt(FunctionCallInfo fcinfo, const DenseType *type)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, type) < 0);
}

Datum
dense_le(FunctionCallInfo fcinfo, const DenseType *type)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, type) <= 0);
}

Datum
dense_eq(FunctionCallInfo fcinfo, const DenseType *type)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, type) == 0);
}

Datum
dense_ne(FunctionCallInfo fcinfo, const DenseType *type)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, type) != 0);
}

Datum
dense_ge(FunctionCallInfo fcinfo, const DenseType *type)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, type) >= 0);
}

Datum
dense_gt(FunctionCallInfo fcinfo, const DenseType *type)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, type) > 0);
}

Datum
dense_cmp(FunctionCallInfo fcinfo, const DenseType *type)
{
	PG_RETURN_INT32(compare_arguments(fcinfo, type));
}

/*
 * The hash of the argument's elements as floats, with -0 as 0, so that equal vectors hash alike.
 * 64 bits if a seed is given, else 32.
 */
static Datum
hash_argument(FunctionCallInfo fcinfo, const DenseType *type, bool extended, uint64 seed)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));
	int			size = (int) sizeof(float) * v->dim;
	float	   *floats = palloc(size);
	Datum		hash;

	type->to_float(v->x, floats, v->dim);
	for (int i = 0; i < v->dim; i++)
		floats[i] += 0.0f;
	hash = extended ? hash_any_extended((const unsigned char *) floats, size, seed) :
		hash_any((const unsigned char *) floats, size);
	pfree(floats);
	PG_FREE_IF_COPY((void *) v, 0);
	return hash;
}

Datum
dense_hash(FunctionCallInfo fcinfo, const DenseType *type)
{
	return hash_argument(fcinfo, type, false, 0);
}

Datum
dense_hash_extended(FunctionCallInfo fcinfo, const DenseType *type)
{
	return hash_argument(fcinfo, type, true, (uint64) PG_GETARG_INT64(1));
}

/*
 * Aggregates keep a double precision array: the number of vectors, then the sum of each dimension.
 * The initial state is {0}.
 */
static float8 *
aggregate_state(ArrayType *state, const char *type, const char *function, int *dim)
{
	if (ARR_NDIM(state) != 1 || ARR_DIMS(state)[0] < 1 || ARR_HASNULL(state) ||
		ARR_ELEMTYPE(state) != FLOAT8OID)
		elog(ERROR, "%s_%s: expected state array", type, function);
	*dim = ARR_DIMS(state)[0] - 1;
	return (float8 *) ARR_DATA_PTR(state);
}

static ArrayType *
aggregate_state_init(int dim)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + sizeof(float8) * (dim + 1);
	ArrayType  *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->ndim = 1;
	state->elemtype = FLOAT8OID;
	ARR_DIMS(state)[0] = dim + 1;
	ARR_LBOUND(state)[0] = 1;
	return state;
}

Datum
dense_accum(FunctionCallInfo fcinfo, const DenseType *type)
{
	ArrayType  *state = PG_GETARG_ARRAYTYPE_P(0);
	const Dense *v = vector_detoast(PG_GETARG_DATUM(1));
	const float *x = dense_floats(type, v);
	int			dim;
	float8	   *in = aggregate_state(state, type->name, "accum", &dim);
	ArrayType  *result = state;
	float8	   *out;

	if (dim > 0)
		type_check_typmod(dim, v->dim, NULL);
	if (dim == 0 || !AggCheckCallContext(fcinfo, NULL))
		result = aggregate_state_init(v->dim);
	out = (float8 *) ARR_DATA_PTR(result);

	out[0] = in[0] + 1;
	for (int i = 0; i < v->dim; i++)
	{
		float8		sum = dim == 0 ? x[i] : in[i + 1] + x[i];

		if (unlikely(isinf(sum)))
			float_overflow_error();
		out[i + 1] = sum;
	}
	PG_RETURN_ARRAYTYPE_P(result);
}

PG_FUNCTION_INFO_V1(vector_combine);
Datum
vector_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *states[2] = {PG_GETARG_ARRAYTYPE_P(0), PG_GETARG_ARRAYTYPE_P(1)};
	int			dims[2];
	float8	   *in[2];
	ArrayType  *result;
	float8	   *out;

	for (int i = 0; i < 2; i++)
		in[i] = aggregate_state(states[i], "vector", "combine", &dims[i]);
	for (int i = 0; i < 2; i++)
		if (dims[i] == 0)
			PG_RETURN_ARRAYTYPE_P(states[1 - i]);
	type_check_typmod(dims[0], dims[1], NULL);

	result = aggregate_state_init(dims[0]);
	out = (float8 *) ARR_DATA_PTR(result);
	for (int i = 0; i <= dims[0]; i++)
	{
		out[i] = in[0][i] + in[1][i];
		if (unlikely(isinf(out[i])))
			float_overflow_error();
	}
	PG_RETURN_ARRAYTYPE_P(result);
}

/* The state's sums divided by a divisor, as a vector of a type; NULL if there was no input. */
static Datum
aggregate_result(FunctionCallInfo fcinfo, const DenseType *type, bool average)
{
	int			dim;
	float8 *state =
		aggregate_state(PG_GETARG_ARRAYTYPE_P(0), type->name, average ? "avg" : "sum", &dim);
	float	   *floats;

	if (state[0] == 0)
		PG_RETURN_NULL();
	type_check_dim(type->name, dim, DENSE_MAX_DIM, NULL);

	floats = palloc(sizeof(float) * dim);
	for (int i = 0; i < dim; i++)
		floats[i] = (float) (average ? state[i + 1] / state[0] : state[i + 1]);
	PG_RETURN_POINTER(average ? dense_from_floats(type, floats, dim)
							  : arithmetic_result(type, floats, dim));
}

Datum
dense_avg(FunctionCallInfo fcinfo, const DenseType *type)
{
	return aggregate_result(fcinfo, type, true);
}

Datum
dense_sum(FunctionCallInfo fcinfo, const DenseType *type)
{
	return aggregate_result(fcinfo, type, false);
}

