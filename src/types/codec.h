/*
 * codec.h - text and binary forms of the vector types
 *
 * Plain C without PostgreSQL, so that every parser can be fuzzed on its own.  A function reads what
 * a client sent, writes elements into the caller's arrays, and says what is wrong by a status; the
 * SQL types turn that into an error message.  Nothing here allocates.
 */
#ifndef VECTOR_CODEC_H
#define VECTOR_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum CodecElement
{
	CODEC_FLOAT32,
	CODEC_FLOAT16,
	CODEC_BFLOAT16,
	CODEC_INT8
} CodecElement;

typedef enum CodecStatus
{
	CODEC_OK,
	CODEC_SYNTAX,				/* malformed text */
	CODEC_SYNTAX_START,			/* text without its opening bracket */
	CODEC_SYNTAX_END,			/* sparse text without its number of dimensions */
	CODEC_SYNTAX_JUNK,			/* text goes on after its end */
	CODEC_OUT_OF_RANGE,			/* an element does not fit: CodecError's token is the element */
	CODEC_NAN,
	CODEC_INFINITE,
	CODEC_NO_DIMENSIONS,
	CODEC_TOO_MANY_DIMENSIONS,
	CODEC_TOO_MANY_ELEMENTS,	/* sparse */
	CODEC_INDEX_BOUNDS,			/* sparse */
	CODEC_DUPLICATE_INDEX,		/* sparse */
	CODEC_INDEX_ORDER,			/* sparse, binary */
	CODEC_ZERO_VALUE,			/* sparse, binary */
	CODEC_NEGATIVE_ELEMENTS,	/* sparse, binary */
	CODEC_MORE_ELEMENTS_THAN_DIMENSIONS,	/* sparse, binary */
	CODEC_UNUSED_NOT_ZERO,		/* binary: CodecError's value is what was there */
	CODEC_SHORT					/* binary: the message ends too early */
} CodecStatus;

typedef struct CodecError
{
	CodecStatus status;
	const char *token;			/* the offending part of the text, not terminated */
	size_t		token_len;
	int32_t		value;
} CodecError;

/* Bytes of one element in memory and on the wire. */
extern size_t codec_element_size(CodecElement element);

/*
 * Upper bound of the number of elements in a text, and so of what an array passed to a parser must
 * hold, unless the limit is less.
 */
extern size_t codec_count(const char *text);

/*
 * Parses "[1,2,3]".  elements has room for min(codec_count(text), max_dim).
 */
extern bool codec_parse_dense(CodecElement element, const char *text, int max_dim,
							  void *elements, int *dim, CodecError *error);

/* A sparse vector that is being read: the limits and the arrays are the caller's. */
typedef struct CodecSparse
{
	int			max_dim;
	int			max_nnz;
	int32_t    *indices;		/* 0-based, ascending */
	float	   *values;
	int			dim;
	int			nnz;
} CodecSparse;

/*
 * Parses "{1:0.5,7:2}/10", 1-based indices in any order; zero values are dropped.  Both arrays have
 * room for min(codec_count(text), max_nnz).
 */
extern bool codec_parse_sparse(const char *text, CodecSparse *sparse, CodecError *error);

/*
 * Binary form of a dense vector: int16 dim, int16 zero, dim elements, all big-endian.  The header
 * is read first; elements then has room for dim of them.  Bytes consumed: 4, and
 * dim * codec_element_size.
 */
extern bool codec_read_dense_header(const uint8_t *buf, size_t len, int max_dim, int *dim,
									CodecError *error);
extern bool codec_read_dense(CodecElement element, const uint8_t *buf, size_t len, int dim,
							 void *elements, CodecError *error);

/*
 * Binary form of a sparse vector: int32 dim, int32 nnz, int32 zero, nnz int32 indices (0-based,
 * ascending), nnz float4 values.  The header is read first; the arrays then have room for nnz.
 * Bytes consumed: 12, and 8 * nnz.
 */
extern bool codec_read_sparse_header(const uint8_t *buf, size_t len, CodecSparse *sparse,
									 CodecError *error);
extern bool codec_read_sparse(const uint8_t *buf, size_t len, CodecSparse *sparse,
							  CodecError *error);

/* Writes the elements of a dense vector big-endian. */
extern void codec_write_dense(CodecElement element, const void *elements, int dim, uint8_t *buf);

#endif							/* VECTOR_CODEC_H */
