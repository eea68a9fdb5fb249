/*
 * codec.c - text and binary forms of the vector types
 *
 * Numbers in text have the value that strtof gives, rounded to nearest (half and bfloat16: through
 * float32).  A decimal of up to 15 digits and a small exponent is an exact integer multiplied or
 * divided by an exact power of ten, hence a correctly rounded double (Clinger, PLDI 1990).  Unless
 * that double is next to the midpoint of two floats, it rounds to the same float as the text, and
 * strtof, which is many times slower, is not called.
 */
#include "types/codec.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "distance/half.h"

static bool
fail(CodecError *error, CodecStatus status)
{
	error->status = status;
	error->token = NULL;
	error->token_len = 0;
	error->value = 0;
	return false;
}

static bool
fail_token(CodecError *error, CodecStatus status, const char *token, const char *end)
{
	fail(error, status);
	error->token = token;
	error->token_len = (size_t) (end - token);
	return false;
}

static bool
succeed(CodecError *error)
{
	fail(error, CODEC_OK);
	return true;
}

static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline const char *
skip_space(const char *p)
{
	while (is_space(*p))
		p++;
	return p;
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

size_t
codec_element_size(CodecElement element)
{
	switch (element)
	{
		case CODEC_FLOAT32:
			return 4;
		case CODEC_FLOAT16:
		case CODEC_BFLOAT16:
			return 2;
		case CODEC_INT8:
			return 1;
	}
	return 0;
}

size_t
codec_count(const char *text)
{
	size_t		count = 1;

	for (const char *p = text; *p != '\0'; p++)
		count += *p == ',';
	return count;
}

/*
 * Reads a plain decimal that a double represents well enough to round to the right float.  Returns
 * false if strtof must be called.
 */
static bool
parse_decimal(const char *p, const char **end, float *value)
{
	static const double powers[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
	};
	bool		negative = *p == '-';
	uint64_t	mantissa = 0;
	uint64_t	bits;
	int			digits = 0;
	int			exponent = 0;
	double		d;

	p += negative || *p == '+';
	for (; is_digit(*p); p++, digits++)
		mantissa = mantissa * 10 + (uint64_t) (*p - '0');
	if (*p == '.')
		for (p++; is_digit(*p); p++, digits++, exponent--)
			mantissa = mantissa * 10 + (uint64_t) (*p - '0');
	if (digits == 0 || digits > 15)
		return false;
	if (*p == 'e' || *p == 'E')
	{
		bool		exponent_negative = p[1] == '-';
		int			e = 0;

		p += 1 + (p[1] == '-' || p[1] == '+');
		if (!is_digit(p[0]) || (is_digit(p[1]) && is_digit(p[2])))
			return false;
		for (; is_digit(*p); p++)
			e = e * 10 + (*p - '0');
		exponent += exponent_negative ? -e : e;
	}
	else if (*p == 'x' || *p == 'X')
		return false;
	if (exponent < -22 || exponent > 22)
		return false;

	d = exponent < 0 ? (double) mantissa / powers[-exponent] : (double) mantissa * powers[exponent];
	memcpy(&bits, &d, sizeof(bits));
	bits &= UINT64_C(0x1FFFFFFF);
	if (bits - UINT64_C(0x0FFFFFFF) <= 2 || (mantissa != 0 && (d < 0x1p-126 || d > 0x1p126)))
		return false;
	*value = negative ? -(float) d : (float) d;
	*end = p;
	return true;
}

/* strtof, with overflow and underflow reported separately. */
static float
parse_float(const char *p, const char **end, bool *overflow, bool *underflow)
{
	float		value;
	char	   *strtof_end;

	*overflow = *underflow = false;
	if (parse_decimal(p, end, &value))
		return value;

	errno = 0;
	value = strtof(p, &strtof_end);
	*end = strtof_end;
	if (errno == ERANGE)
	{
		*overflow = isinf(value);
		*underflow = value == 0;
	}
	return value;
}

static bool
check_finite(float value, CodecError *error)
{
	if (isnan(value))
		return fail(error, CODEC_NAN);
	if (isinf(value))
		return fail(error, CODEC_INFINITE);
	return true;
}

/* Reads one number at p and stores it as element i; sets *end to its end. */
static bool
parse_element(CodecElement element, const char *p, const char **end, void *elements, int i,
			  CodecError *error)
{
	bool		overflow;
	bool		underflow;
	float		value;

	if (element == CODEC_INT8)
	{
		char	   *strtol_end;
		long		integer = strtol(p, &strtol_end, 10);

		*end = strtol_end;
		if (*end == p)
			return fail(error, CODEC_SYNTAX);
		if (integer < INT8_MIN || integer > INT8_MAX)
			return fail_token(error, CODEC_OUT_OF_RANGE, p, *end);
		((int8_t *) elements)[i] = (int8_t) integer;
		return true;
	}

	value = parse_float(p, end, &overflow, &underflow);
	if (*end == p)
		return fail(error, CODEC_SYNTAX);
	if (overflow)
		return fail_token(error, CODEC_OUT_OF_RANGE, p, *end);
	if (!check_finite(value, error))
		return false;

	if (element == CODEC_FLOAT32)
		((float *) elements)[i] = value;
	else
	{
		uint16_t	bits = element == CODEC_FLOAT16 ? float_to_half(value) : float_to_bf16(value);
		uint16_t	infinity = element == CODEC_FLOAT16 ? 0x7C00 : 0x7F80;

		if ((bits & 0x7FFF) == infinity)
			return fail_token(error, CODEC_OUT_OF_RANGE, p, *end);
		((uint16_t *) elements)[i] = bits;
	}
	return true;
}

bool
codec_parse_dense(CodecElement element, const char *text, int max_dim,
				  void *elements, int *dim, CodecError *error)
{
	const char *p = skip_space(text);
	int			n = 0;

	if (*p != '[')
		return fail(error, CODEC_SYNTAX_START);
	p = skip_space(p + 1);
	if (*p == ']')
		return fail(error, CODEC_NO_DIMENSIONS);

	for (;;)
	{
		const char *end;

		if (n == max_dim)
			return fail(error, CODEC_TOO_MANY_DIMENSIONS);
		p = skip_space(p);
		if (*p == '\0')
			return fail(error, CODEC_SYNTAX);
		if (!parse_element(element, p, &end, elements, n, error))
			return false;
		n++;
		p = skip_space(end);
		if (*p == ']')
			break;
		if (*p != ',')
			return fail(error, CODEC_SYNTAX);
		p++;
	}
	if (*skip_space(p + 1) != '\0')
		return fail(error, CODEC_SYNTAX_JUNK);
	*dim = n;
	return succeed(error);
}

/* strtol, clamped to int32 so that a later bound check reports the right error. */
static bool
parse_index(const char *p, const char **end, int32_t *index)
{
	char	   *strtol_end;
	long		value = strtol(p, &strtol_end, 10);

	*end = strtol_end;
	*index = value > INT32_MAX ? INT32_MAX : value < -INT32_MAX ? -INT32_MAX : (int32_t) value;
	return *end != p;
}

/*
 * Sorts indices and their values ascending; heapsort, so that no input is slow and no memory is
 * needed.
 */
static void
sort_pairs(int32_t *indices, float *values, int n)
{
	for (int end = n, root = n / 2; end > 1;)
	{
		int32_t		index;
		float		value;
		int			i;
		int			child;

		if (root > 0)
			root--;
		else
		{
			end--;
			index = indices[end];
			indices[end] = indices[0];
			indices[0] = index;
			value = values[end];
			values[end] = values[0];
			values[0] = value;
		}
		index = indices[root];
		value = values[root];
		for (i = root; (child = 2 * i + 1) < end; i = child)
		{
			if (child + 1 < end && indices[child + 1] > indices[child])
				child++;
			if (indices[child] <= index)
				break;
			indices[i] = indices[child];
			values[i] = values[child];
		}
		indices[i] = index;
		values[i] = value;
	}
}

bool
codec_parse_sparse(const char *text, CodecSparse *sparse, CodecError *error)
{
	int32_t    *indices = sparse->indices;
	float	   *values = sparse->values;
	const char *p = skip_space(text);
	const char *end;
	int			n = 0;
	bool		ascending = true;

	if (codec_count(text) > (size_t) sparse->max_nnz)
		return fail(error, CODEC_TOO_MANY_ELEMENTS);
	if (*p != '{')
		return fail(error, CODEC_SYNTAX_START);
	p = skip_space(p + 1);
	if (*p == '}')
		p++;
	else
	{
		for (;;)
		{
			bool		overflow;
			bool		underflow;
			int32_t		index;
			float		value;

			p = skip_space(p);
			if (!parse_index(p, &end, &index))
				return fail(error, CODEC_SYNTAX);
			p = skip_space(end);
			if (*p != ':')
				return fail(error, CODEC_SYNTAX);
			p = skip_space(p + 1);
			value = parse_float(p, &end, &overflow, &underflow);
			if (end == p)
				return fail(error, CODEC_SYNTAX);
			if (overflow || underflow)
				return fail_token(error, CODEC_OUT_OF_RANGE, p, end);
			if (!check_finite(value, error))
				return false;
			if (value != 0)
			{
				indices[n] = index - 1;
				values[n] = value;
				ascending = ascending && (n == 0 || indices[n - 1] < indices[n]);
				n++;
			}
			p = skip_space(end);
			if (*p == '}')
				break;
			if (*p != ',')
				return fail(error, CODEC_SYNTAX);
			p++;
		}
		p++;
	}

	p = skip_space(p);
	if (*p != '/')
		return fail(error, CODEC_SYNTAX_END);
	p = skip_space(p + 1);
	if (!parse_index(p, &end, &sparse->dim))
		return fail(error, CODEC_SYNTAX);
	if (*skip_space(end) != '\0')
		return fail(error, CODEC_SYNTAX_JUNK);
	if (sparse->dim < 1)
		return fail(error, CODEC_NO_DIMENSIONS);
	if (sparse->dim > sparse->max_dim)
		return fail(error, CODEC_TOO_MANY_DIMENSIONS);

	if (!ascending)
		sort_pairs(indices, values, n);
	for (int i = 0; i < n; i++)
	{
		if (indices[i] < 0 || indices[i] >= sparse->dim)
			return fail(error, CODEC_INDEX_BOUNDS);
		if (i > 0 && indices[i] == indices[i - 1])
			return fail(error, CODEC_DUPLICATE_INDEX);
	}
	sparse->nnz = n;
	return succeed(error);
}

static inline uint16_t
read16(const uint8_t *p)
{
	return (uint16_t) (p[0] << 8 | p[1]);
}

static inline uint32_t
read32(const uint8_t *p)
{
	return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

static inline bool
check_unused(int32_t unused, CodecError *error)
{
	if (unused == 0)
		return true;
	fail(error, CODEC_UNUSED_NOT_ZERO);
	error->value = unused;
	return false;
}

bool
codec_read_dense_header(const uint8_t *buf, size_t len, int max_dim, int *dim, CodecError *error)
{
	if (len < 4)
		return fail(error, CODEC_SHORT);
	*dim = (int16_t) read16(buf);
	if (*dim < 1)
		return fail(error, CODEC_NO_DIMENSIONS);
	if (*dim > max_dim)
		return fail(error, CODEC_TOO_MANY_DIMENSIONS);
	return check_unused((int16_t) read16(buf + 2), error) && succeed(error);
}

bool
codec_read_dense(CodecElement element, const uint8_t *buf, size_t len, int dim,
				 void *elements, CodecError *error)
{
	size_t		size = codec_element_size(element);

	for (int i = 0; i < dim; i++, buf += size, len -= size)
	{
		float		value;

		if (len < size)
			return fail(error, CODEC_SHORT);
		if (element == CODEC_FLOAT32)
			value = ((float *) elements)[i] = bits_float(read32(buf));
		else if (element == CODEC_INT8)
		{
			((int8_t *) elements)[i] = (int8_t) buf[0];
			continue;
		}
		else
		{
			uint16_t	bits = ((uint16_t *) elements)[i] = read16(buf);

			value = element == CODEC_FLOAT16 ? half_to_float(bits) : bf16_to_float(bits);
		}
		if (!check_finite(value, error))
			return false;
	}
	return succeed(error);
}

bool
codec_read_sparse_header(const uint8_t *buf, size_t len, CodecSparse *sparse, CodecError *error)
{
	if (len < 12)
		return fail(error, CODEC_SHORT);
	sparse->dim = (int32_t) read32(buf);
	sparse->nnz = (int32_t) read32(buf + 4);
	if (sparse->dim < 1)
		return fail(error, CODEC_NO_DIMENSIONS);
	if (sparse->dim > sparse->max_dim)
		return fail(error, CODEC_TOO_MANY_DIMENSIONS);
	if (sparse->nnz < 0)
		return fail(error, CODEC_NEGATIVE_ELEMENTS);
	if (sparse->nnz > sparse->max_nnz)
		return fail(error, CODEC_TOO_MANY_ELEMENTS);
	if (sparse->nnz > sparse->dim)
		return fail(error, CODEC_MORE_ELEMENTS_THAN_DIMENSIONS);
	return check_unused((int32_t) read32(buf + 8), error) && succeed(error);
}

bool
codec_read_sparse(const uint8_t *buf, size_t len, CodecSparse *sparse, CodecError *error)
{
	int32_t    *indices = sparse->indices;
	float	   *values = sparse->values;

	for (int i = 0; i < sparse->nnz; i++, buf += 4, len -= 4)
	{
		if (len < 4)
			return fail(error, CODEC_SHORT);
		indices[i] = (int32_t) read32(buf);
		if (indices[i] < 0 || indices[i] >= sparse->dim)
			return fail(error, CODEC_INDEX_BOUNDS);
		if (i > 0 && indices[i] == indices[i - 1])
			return fail(error, CODEC_DUPLICATE_INDEX);
		if (i > 0 && indices[i] < indices[i - 1])
			return fail(error, CODEC_INDEX_ORDER);
	}
	for (int i = 0; i < sparse->nnz; i++, buf += 4, len -= 4)
	{
		if (len < 4)
			return fail(error, CODEC_SHORT);
		values[i] = bits_float(read32(buf));
		if (!check_finite(values[i], error))
			return false;
		if (values[i] == 0)
			return fail(error, CODEC_ZERO_VALUE);
	}
	return succeed(error);
}

void
codec_write_dense(CodecElement element, const void *elements, int dim, uint8_t *buf)
{
	if (element == CODEC_INT8)
		memcpy(buf, elements, (size_t) dim);
	else if (element == CODEC_FLOAT32)
		for (int i = 0; i < dim; i++, buf += 4)
		{
			uint32_t	bits = float_bits(((const float *) elements)[i]);

			buf[0] = (uint8_t) (bits >> 24);
			buf[1] = (uint8_t) (bits >> 16);
			buf[2] = (uint8_t) (bits >> 8);
			buf[3] = (uint8_t) bits;
		}
	else
		for (int i = 0; i < dim; i++, buf += 2)
		{
			uint16_t	bits = ((const uint16_t *) elements)[i];

			buf[0] = (uint8_t) (bits >> 8);
			buf[1] = (uint8_t) bits;
		}
}
