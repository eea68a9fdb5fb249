/*
 * dense.h - what the dense vector types share
 *
 * vector, halfvec, bf16vec and int8vec have one layout and differ in their elements.  A DenseType
 * describes a type; the dense_* functions implement each SQL function once for all of them, and the
 * files of the types bind them to their C symbols with DENSE_FUNCTION.  Arithmetic is done in
 * float32.  It represents every element of every type exactly, and rounding twice (to float32, then
 * to 16 bits) gives the same result as rounding once, because 24 >= 2 * 11 + 2 bits.
 */
#ifndef VECTOR_DENSE_H
#define VECTOR_DENSE_H

#include "pg_compat.h"

#include "utils/array.h"

#include "types/codec.h"

#define DENSE_MAX_DIM	16000

/* Any dense vector. */
typedef struct Dense
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int16		dim;			/* number of dimensions, 1 to DENSE_MAX_DIM */
	int16		unused;			/* always zero */
	char		x[FLEXIBLE_ARRAY_MEMBER];
} Dense;

typedef struct DenseType
{
	const char *name;
	CodecElement element;

	/* Widens n elements. */
	void		(*to_float) (const void *elements, float *out, int n);

	/*
	 * Narrows n floats, rounding to nearest, ties to even.  Returns n, or the index of the first
	 * finite one that the type cannot represent.
	 */
	int			(*from_float) (const float *in, void *elements, int n);
} DenseType;

extern const DenseType VectorType;
extern const DenseType HalfvecType;
extern const DenseType Bf16vecType;
extern const DenseType Int8vecType;

/* The dense type that an SQL type is; NULL if it is none. */
extern const DenseType *dense_type_of(Oid type);

static inline Size
dense_size(const DenseType *type, int dim)
{
	return offsetof(Dense, x) + codec_element_size(type->element) * (Size) dim;
}

/* A zero vector of dim elements, palloc'd. */
extern Dense *dense_init(const DenseType *type, int dim);

/* The elements as floats: the vector's own array for type vector, else a palloc'd copy. */
extern const float *dense_floats(const DenseType *type, const Dense *v);

/*
 * A dense vector of these floats; raises an error if one is out of the type's range or not finite.
 */
extern Dense *dense_from_floats(const DenseType *type, const float *floats, int dim);

extern void dense_check_dims(const DenseType *type, const Dense *a, const Dense *b);
extern int	dense_cmp_internal(const DenseType *type, const Dense *a, const Dense *b);

/* Checks a number of dimensions against 1, the limit, and a type modifier (-1: none). */
extern bool type_check_dim(const char *type, int dim, int limit, Node *escontext);
extern bool type_check_typmod(int32 typmod, int dim, Node *escontext);
extern int32 type_typmod_in(const char *type, ArrayType *modifiers, int limit);
extern void type_check_finite(const char *type, float value);

/*
 * Raises, or saves in escontext, the error that a codec found in a text (in a binary message if
 * text is NULL).
 */
extern void codec_report(const CodecError *error, const char *type, const char *text, int max_dim,
						 int max_nnz, Node *escontext);

/*
 * The elements of an integer, real, double precision or numeric array as floats, palloc'd; *n of
 * them.
 */
extern float *array_to_floats(ArrayType *array, int max, const char *type, int *n);

/* Appends the shortest text that reads back as the value; returns its end. */
extern char *float_to_text(float value, char *p);

extern Datum dense_in(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_out(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_recv(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_send(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_typmod_in(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_typmod_cast(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_from_array(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_to_array(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_convert(FunctionCallInfo fcinfo, const DenseType *from, const DenseType *to);
extern Datum dense_dims(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_norm(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_normalize(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_normalize_to_vector(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_binary_quantize(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_subvector(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_add(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_sub(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_mul(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_concat(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_lt(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_le(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_eq(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_ne(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_ge(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_gt(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_cmp(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_hash(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_hash_extended(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_accum(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_avg(FunctionCallInfo fcinfo, const DenseType *type);
extern Datum dense_sum(FunctionCallInfo fcinfo, const DenseType *type);

/* Defines `symbol` as the SQL-callable function `implementation` for a type. */
#define DENSE_FUNCTION(symbol, implementation, type) \
PG_FUNCTION_INFO_V1(symbol); \
Datum \
symbol(PG_FUNCTION_ARGS) \
{ \
	return implementation(fcinfo, &type); \
}

/* Likewise for a cast from one dense type to another. */
#define DENSE_CAST(symbol, from, to) \
PG_FUNCTION_INFO_V1(symbol); \
Datum \
symbol(PG_FUNCTION_ARGS) \
{ \
	return dense_convert(fcinfo, &from, &to); \
}

#endif							/* VECTOR_DENSE_H */
