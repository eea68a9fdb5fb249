/*
 * codec_fuzz.c - the parsers of every type's text and binary form
 *
 * The first byte of an input selects the parser that gets the rest.  The sanitizers check memory;
 * in addition, what a parser accepts must keep its promises: elements in range, indices ascending,
 * and binary output that reads back as the same.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "distance/half.h"
#include "types/codec.h"

#define MAX_DIM	1000
#define MAX_SPARSE_DIM	1000000000

static void
check_elements(CodecElement element, const void *elements, int dim)
{
	size_t		size = codec_element_size(element) * (size_t) dim;
	uint8_t    *bytes = malloc(size);
	void	   *again = malloc(size);
	CodecError	error;

	assert(dim >= 1 && dim <= MAX_DIM);
	codec_write_dense(element, elements, dim, bytes);
	assert(codec_read_dense(element, bytes, size, dim, again, &error));
	assert(memcmp(elements, again, size) == 0);
	free(bytes);
	free(again);
}

static void
check_pairs(const CodecSparse *sparse)
{
	const int32_t *indices = sparse->indices;

	assert(sparse->dim >= 1 && sparse->nnz >= 0 && sparse->nnz <= MAX_DIM &&
		   sparse->nnz <= sparse->dim);
	for (int i = 0; i < sparse->nnz; i++)
	{
		assert(indices[i] >= (i > 0 ? indices[i - 1] + 1 : 0) && indices[i] < sparse->dim);
		assert(isfinite(sparse->values[i]) && sparse->values[i] != 0);
	}
}

static size_t
room(const char *text)
{
	size_t		count = codec_count(text);

	return count < MAX_DIM ? count : MAX_DIM;
}

static void
fuzz_text(CodecElement element, const char *text)
{
	void	   *elements = malloc(codec_element_size(element) * room(text));
	CodecError	error;
	int			dim;

	if (codec_parse_dense(element, text, MAX_DIM, elements, &dim, &error))
		check_elements(element, elements, dim);
	else
		assert(error.status != CODEC_OK);
	free(elements);
}

static void
fuzz_sparse_text(const char *text)
{
	CodecSparse sparse = {
		.max_dim = MAX_SPARSE_DIM, .max_nnz = MAX_DIM,
		.indices = malloc(sizeof(int32_t) * room(text)),
		.values = malloc(sizeof(float) * room(text))
	};
	CodecError	error;

	if (codec_parse_sparse(text, &sparse, &error))
		check_pairs(&sparse);
	else
		assert(error.status != CODEC_OK);
	free(sparse.indices);
	free(sparse.values);
}

static void
fuzz_binary(CodecElement element, const uint8_t *data, size_t size)
{
	CodecError	error;
	int			dim;

	if (codec_read_dense_header(data, size, MAX_DIM, &dim, &error))
	{
		void	   *elements = malloc(codec_element_size(element) * (size_t) dim);

		if (codec_read_dense(element, data + 4, size - 4, dim, elements, &error))
			check_elements(element, elements, dim);
		free(elements);
	}
}

static void
fuzz_sparse_binary(const uint8_t *data, size_t size)
{
	CodecSparse sparse = {.max_dim = MAX_SPARSE_DIM, .max_nnz = MAX_DIM};
	CodecError	error;

	if (codec_read_sparse_header(data, size, &sparse, &error))
	{
		sparse.indices = malloc(sizeof(int32_t) * (size_t) sparse.nnz);
		sparse.values = malloc(sizeof(float) * (size_t) sparse.nnz);
		if (codec_read_sparse(data + 12, size - 12, &sparse, &error))
			check_pairs(&sparse);
		free(sparse.indices);
		free(sparse.values);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t    *bytes;

	if (size < 1)
		return 0;

	/* a copy of its own, so that the sanitizer sees a read past its end */
	bytes = malloc(size);
	memcpy(bytes, data + 1, size - 1);
	bytes[size - 1] = '\0';
	switch (data[0] % 10)
	{
		case 0:
		case 1:
		case 2:
		case 3:
			fuzz_text((CodecElement) (data[0] % 10), (const char *) bytes);
			break;
		case 4:
			fuzz_sparse_text((const char *) bytes);
			break;
		case 5:
		case 6:
		case 7:
		case 8:
			fuzz_binary((CodecElement) (data[0] % 10 - 5), bytes, size - 1);
			break;
		default:
			fuzz_sparse_binary(bytes, size - 1);
	}
	free(bytes);
	return 0;
}
