/*
 * dense.c - input, output and casts of the dense vector types
 */
#include "pg_compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "types/dense.h"
#include "types/detoast.h"

StaticAssertDecl(offsetof(Dense, x) == 8, "elements follow a header of eight bytes");

Dense *
dense_init(const DenseType *type, int dim)
{
	Size		size = dense_size(type, dim);
	Dense	   *v = palloc0(size);

	SET_VARSIZE(v, size);
	v->dim = (int16) dim;
	return v;
}

const float *
dense_floats(const DenseType *type, const Dense *v)
{
	float	   *floats;

	if (type->element == CODEC_FLOAT32)
		return (const float *) v->x;
	floats = palloc(sizeof(float) * v->dim);
	type->to_float(v->x, floats, v->dim);
	return floats;
}

Dense *
dense_from_floats(const DenseType *type, const float *floats, int dim)
{
	Dense	   *result = dense_init(type, dim);
	int			stored = type->from_float(floats, result->x, dim);

	if (stored < dim)
	{
		char		text[FLOAT_SHORTEST_DECIMAL_LEN];

		float_to_shortest_decimal_buf(floats[stored], text);
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%s\" is out of range for type %s", text, type->name)));
	}
	for (int i = 0; i < dim; i++)
		type_check_finite(type->name, floats[i]);
	return result;
}

void
dense_check_dims(const DenseType *type, const Dense *a, const Dense *b)
{
	if (unlikely(a->dim != b->dim))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different %s dimensions %d and %d", type->name, a->dim, b->dim)));
}

bool
type_check_dim(const char *type, int dim, int limit, Node *escontext)
{
	if (dim < 1)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s must have at least 1 dimension", type)));
	if (dim > limit)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s cannot have more than %d dimensions", type, limit)));
	return true;
}

bool
type_check_typmod(int32 typmod, int dim, Node *escontext)
{
	if (typmod != -1 && typmod != dim)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", typmod, dim)));
	return true;
}

void
type_check_finite(const char *type, float value)
{
	if (unlikely(!isfinite(value)))
	{
		CodecError	error = {.status = isnan(value) ? CODEC_NAN : CODEC_INFINITE};

		codec_report(&error, type, NULL, 0, 0, NULL);
	}
}

int32
type_typmod_in(const char *type, ArrayType *modifiers, int limit)
{
	int			n;
	int32	   *typmods = ArrayGetIntegerTypmods(modifiers, &n);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier")));
	if (typmods[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s must be at least 1", type)));
	if (typmods[0] > limit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s cannot exceed %d", type, limit)));
	return typmods[0];
}

/* The DETAIL for a malformed text, or NULL if there is no more to say. */
static const char *
syntax_detail(CodecStatus status, bool sparse)
{
	switch (status)
	{
		case CODEC_SYNTAX_START:
			return sparse ? "Vector contents must start with \"{\"." :
				"Vector contents must start with \"[\".";
		case CODEC_SYNTAX_END:
			return "Unexpected end of input.";
		case CODEC_SYNTAX_JUNK:
			return sparse ? "Junk after closing." : "Junk after closing right brace.";
		default:
			return NULL;
	}
}

static void
report_syntax(const CodecError *error, const char *type, const char *text, Node *escontext)
{
	const char *detail = syntax_detail(error->status, strcmp(type, "sparsevec") == 0);

	errsave(escontext,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", type, text),
			 detail != NULL ? errdetail("%s", detail) : 0));
}

/* Reports contents that a type does not allow, in text or binary form. */
static void
report_content(const CodecError *error, const char *type, int max_nnz, Node *escontext)
{
	switch (error->status)
	{
		case CODEC_NAN:
			errsave(escontext,
					(errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed in %s", type)));
			break;
		case CODEC_INFINITE:
			errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION),
								errmsg("infinite value not allowed in %s", type)));
			break;
		case CODEC_TOO_MANY_ELEMENTS:
			errsave(escontext,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("%s cannot have more than %d non-zero elements", type, max_nnz)));
			break;
		case CODEC_INDEX_BOUNDS:
			errsave(escontext,
					(errcode(ERRCODE_DATA_EXCEPTION), errmsg("%s index out of bounds", type)));
			break;
		case CODEC_DUPLICATE_INDEX:
			errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION),
								errmsg("%s indices must not contain duplicates", type)));
			break;
		case CODEC_INDEX_ORDER:
			errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION),
								errmsg("%s indices must be in ascending order", type)));
			break;
		case CODEC_ZERO_VALUE:
			errsave(escontext,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("binary representation of %s cannot contain zero values", type)));
			break;
		case CODEC_NEGATIVE_ELEMENTS:
			errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION),
								errmsg("%s cannot have negative number of elements", type)));
			break;
		case CODEC_MORE_ELEMENTS_THAN_DIMENSIONS:
			errsave(escontext,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("%s cannot have more elements than dimensions", type)));
			break;
		case CODEC_UNUSED_NOT_ZERO:
			errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION),
								errmsg("expected unused to be 0, not %d", error->value)));
			break;
		case CODEC_SHORT:
			errsave(escontext, (errcode(ERRCODE_PROTOCOL_VIOLATION),
								errmsg("insufficient data left in message")));
			break;
		default:
			elog(ERROR, "unexpected codec status %d", error->status);
	}
}

void
codec_report(const CodecError *error, const char *type, const char *text, int max_dim, int max_nnz,
			 Node *escontext)
{
	switch (error->status)
	{
		case CODEC_SYNTAX:
		case CODEC_SYNTAX_START:
		case CODEC_SYNTAX_END:
		case CODEC_SYNTAX_JUNK:
			report_syntax(error, type, text, escontext);
			break;
		case CODEC_OUT_OF_RANGE:
			errsave(escontext, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
								errmsg("\"%s\" is out of range for type %s",
									   pnstrdup(error->token, error->token_len), type)));
			break;
		case CODEC_NO_DIMENSIONS:
			type_check_dim(type, 0, max_dim, escontext);
			break;
		case CODEC_TOO_MANY_DIMENSIONS:
			type_check_dim(type, max_dim + 1, max_dim, escontext);
			break;
		default:
			report_content(error, type, max_nnz, escontext);
	}
}

char *
float_to_text(float value, char *p)
{
	return p + float_to_shortest_decimal_bufn(value, p);
}

Datum
dense_in(FunctionCallInfo fcinfo, const DenseType *type)
{
	char	   *text = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	int			room = (int) Min(codec_count(text), (size_t) DENSE_MAX_DIM);
	Dense	   *result = dense_init(type, room);
	CodecError	error;
	int			dim;

	if (!codec_parse_dense(type->element, text, DENSE_MAX_DIM, result->x, &dim, &error))
	{
		codec_report(&error, type->name, text, DENSE_MAX_DIM, 0, fcinfo->context);
		PG_RETURN_NULL();
	}
	if (!type_check_typmod(typmod, dim, fcinfo->context))
		PG_RETURN_NULL();
	Assert(dim == room);
	PG_RETURN_POINTER(result);
}

Datum
dense_out(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));
	const float *floats = dense_floats(type, v);
	char	   *text = palloc((Size) v->dim * FLOAT_SHORTEST_DECIMAL_LEN + 2);
	char	   *p = text;

	for (int i = 0; i < v->dim; i++)
	{
		*p++ = i == 0 ? '[' : ',';
		if (type->element == CODEC_INT8)
			p += pg_ltoa((int32) floats[i], p);
		else
			p = float_to_text(floats[i], p);
	}
	*p++ = ']';
	*p = '\0';
	PG_RETURN_CSTRING(text);
}

Datum
dense_recv(FunctionCallInfo fcinfo, const DenseType *type)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	const uint8_t *bytes = (const uint8_t *) buf->data + buf->cursor;
	size_t		len = (size_t) (buf->len - buf->cursor);
	CodecError	error;
	Dense	   *result;
	int			dim;

	if (!codec_read_dense_header(bytes, len, DENSE_MAX_DIM, &dim, &error))
		codec_report(&error, type->name, NULL, DENSE_MAX_DIM, 0, NULL);
	type_check_typmod(typmod, dim, NULL);
	result = dense_init(type, dim);
	if (!codec_read_dense(type->element, bytes + 4, len - 4, dim, result->x, &error))
		codec_report(&error, type->name, NULL, DENSE_MAX_DIM, 0, NULL);
	buf->cursor += 4 + dim * (int) codec_element_size(type->element);
	PG_RETURN_POINTER(result);
}

Datum
dense_send(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));
	int			size = v->dim * (int) codec_element_size(type->element);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, v->dim);
	pq_sendint16(&buf, v->unused);
	enlargeStringInfo(&buf, size);
	codec_write_dense(type->element, v->x, v->dim, (uint8_t *) buf.data + buf.len);
	buf.len += size;
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

Datum
dense_typmod_in(FunctionCallInfo fcinfo, const DenseType *type)
{
	PG_RETURN_INT32(type_typmod_in(type->name, PG_GETARG_ARRAYTYPE_P(0), DENSE_MAX_DIM));
}

/* A cast to the same type: only checks the dimensions. */
Datum
dense_typmod_cast(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));

	type_check_typmod(PG_GETARG_INT32(1), v->dim, NULL);
	PG_RETURN_POINTER(v);
}

float *
array_to_floats(ArrayType *array, int max, const char *type, int *n)
{
	Oid			element_type = ARR_ELEMTYPE(array);
	int16		typlen;
	bool		typbyval;
	char		typalign;
	Datum	   *elements;
	float	   *floats;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D")));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));

	get_typlenbyvalalign(element_type, &typlen, &typbyval, &typalign);
	deconstruct_array(array, element_type, typlen, typbyval, typalign, &elements, NULL, n);
	type_check_dim(type, *n, max, NULL);

	floats = palloc(sizeof(float) * *n);
	for (int i = 0; i < *n; i++)
	{
		switch (element_type)
		{
			case INT2OID:
				floats[i] = (float) DatumGetInt16(elements[i]);
				break;
			case INT4OID:
				floats[i] = (float) DatumGetInt32(elements[i]);
				break;
			case INT8OID:
				floats[i] = (float) DatumGetInt64(elements[i]);
				break;
			case FLOAT4OID:
				floats[i] = DatumGetFloat4(elements[i]);
				break;
			case FLOAT8OID:
				floats[i] = (float) DatumGetFloat8(elements[i]);
				break;
			case NUMERICOID:
				floats[i] = DatumGetFloat4(DirectFunctionCall1(numeric_float4, elements[i]));
				break;
			default:
				ereport(ERROR,
						(errcode(ERRCODE_DATA_EXCEPTION),
						 errmsg("unsupported array type")));
		}
	}
	return floats;
}

Datum
dense_from_array(FunctionCallInfo fcinfo, const DenseType *type)
{
	int			dim;
	const float *floats =
		array_to_floats(PG_GETARG_ARRAYTYPE_P(0), DENSE_MAX_DIM, type->name, &dim);

	type_check_typmod(PG_GETARG_INT32(1), dim, NULL);
	PG_RETURN_POINTER(dense_from_floats(type, floats, dim));
}

Datum
dense_to_array(FunctionCallInfo fcinfo, const DenseType *type)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));
	const float *floats = dense_floats(type, v);
	Datum	   *elements = palloc(sizeof(Datum) * v->dim);

	for (int i = 0; i < v->dim; i++)
		elements[i] = Float4GetDatum(floats[i]);
	PG_RETURN_POINTER(
		construct_array(elements, v->dim, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
}

Datum
dense_convert(FunctionCallInfo fcinfo, const DenseType *from, const DenseType *to)
{
	const Dense *v = vector_detoast(PG_GETARG_DATUM(0));

	type_check_typmod(PG_GETARG_INT32(1), v->dim, NULL);
	PG_RETURN_POINTER(dense_from_floats(to, dense_floats(from, v), v->dim));
}

extern Datum vector_in(PG_FUNCTION_ARGS);
extern Datum halfvec_in(PG_FUNCTION_ARGS);
extern Datum bf16vec_in(PG_FUNCTION_ARGS);
extern Datum int8vec_in(PG_FUNCTION_ARGS);

/* By the input function of the type. */
const DenseType *
dense_type_of(Oid type)
{
	const struct
	{
		PGFunction	input;
		const DenseType *type;
	}			types[] = {
		{vector_in, &VectorType}, {halfvec_in, &HalfvecType},
		{bf16vec_in, &Bf16vecType}, {int8vec_in, &Int8vecType}
	};
	Oid			function;
	Oid			parameter;
	FmgrInfo	input;

	getTypeInputInfo(type, &function, &parameter);
	fmgr_info(function, &input);
	for (int i = 0; i < lengthof(types); i++)
		if (input.fn_addr == types[i].input)
			return types[i].type;
	return NULL;
}
