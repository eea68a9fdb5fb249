/*
 * codec_test.c - text and binary forms: numbers are read as strtof reads them, and errors are told
 * apart
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "distance/half.h"
#include "types/codec.h"

#define LIMIT	16

static uint64_t random_state = 1181783497276652981u;

static uint64_t
random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void
check_number(const char *number)
{
	char		text[128];
	float		parsed = 0;
	int			dim = 0;
	CodecError	error;
	float		expected = strtof(number, NULL);

	snprintf(text, sizeof(text), "[%s]", number);
	if (isinf(expected))
		CHECK(!codec_parse_dense(CODEC_FLOAT32, text, LIMIT, &parsed, &dim, &error) &&
			  error.status == CODEC_OUT_OF_RANGE, "%s", text);
	else
		CHECK(codec_parse_dense(CODEC_FLOAT32, text, LIMIT, &parsed, &dim, &error) && dim == 1 &&
			  memcmp(&parsed, &expected, sizeof(float)) == 0, "%s: %.9g, expected %.9g", text,
			  (double) parsed, (double) expected);
}

/*
 * Decimals of all lengths and sizes, and those next to the midpoint of two floats, where rounding
 * is decided.
 */
static void
check_numbers(void)
{
	static const char *const numbers[] = {"0",
										  "-0",
										  "+1",
										  ".5",
										  "5.",
										  "1e5",
										  "1E-5",
										  "1e+05",
										  "0x1p3",
										  "16777217",
										  "16777219",
										  "9007199254740993",
										  "3.4028235e38",
										  "3.4028236e38",
										  "1e39",
										  "1e-45",
										  "1e-46",
										  "1.17549435e-38",
										  "1.1754942e-38",
										  "0.1",
										  "1e22",
										  "1e23",
										  "123456789012345",
										  "1234567890123456",
										  "0000000000000000001",
										  "1e-22",
										  "1e99",
										  "1e-99",
										  "1e400"};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		check_number(numbers[i]);
	for (int i = 0; i < 200000; i++)
	{
		char		number[64];
		uint32_t	bits = (uint32_t) random_u64();
		float		f = bits_float(bits & 0x7F7FFFFF);

		switch (i % 4)
		{
			case 0:
				snprintf(number, sizeof(number), "%.*g", (int) (1 + random_u64() % 17), (double) f);
				break;
			case 1:
				snprintf(number, sizeof(number), "%.*f", (int) (random_u64() % 12),
						 fmod((double) f, 1e6));
				break;
			case 2:
				snprintf(number, sizeof(number), "%" PRIu64 "e%d", random_u64() % 1000000000000000u,
						 (int) (random_u64() % 50) - 25);
				break;
			default:
				snprintf(number, sizeof(number), "%.15g",
						 ((double) f + (double) nextafterf(f, INFINITY)) / 2);
		}
		check_number(number);
	}
}

static void
check_dense_status(CodecElement element, const char *text, CodecStatus expected)
{
	float		elements[LIMIT];
	int			dim;
	CodecError	error;
	bool		ok = codec_parse_dense(element, text, LIMIT, elements, &dim, &error);

	CHECK(ok == (expected == CODEC_OK) && error.status == expected,
		  "\"%s\": status %d, expected %d", text, (int) error.status, (int) expected);
}

static void
check_dense(void)
{
	uint16_t	halves[2];
	int8_t		bytes[3];
	int			dim;
	CodecError	error;

	check_dense_status(CODEC_FLOAT32, " [ 1 , 2 ]\n", CODEC_OK);
	check_dense_status(CODEC_FLOAT32, "", CODEC_SYNTAX_START);
	check_dense_status(CODEC_FLOAT32, "[", CODEC_SYNTAX);
	check_dense_status(CODEC_FLOAT32, "[]", CODEC_NO_DIMENSIONS);
	check_dense_status(CODEC_FLOAT32, "[1,", CODEC_SYNTAX);
	check_dense_status(CODEC_FLOAT32, "[1,,2]", CODEC_SYNTAX);
	check_dense_status(CODEC_FLOAT32, "[1 2]", CODEC_SYNTAX);
	check_dense_status(CODEC_FLOAT32, "[1]x", CODEC_SYNTAX_JUNK);
	check_dense_status(CODEC_FLOAT32, "[nan]", CODEC_NAN);
	check_dense_status(CODEC_FLOAT32, "[-inf]", CODEC_INFINITE);
	check_dense_status(CODEC_FLOAT32, "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]", CODEC_OK);
	check_dense_status(CODEC_FLOAT32, "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
					   CODEC_TOO_MANY_DIMENSIONS);
	check_dense_status(CODEC_FLOAT16, "[65519]", CODEC_OK);
	check_dense_status(CODEC_FLOAT16, "[65520]", CODEC_OUT_OF_RANGE);
	check_dense_status(CODEC_BFLOAT16, "[3.4e38]", CODEC_OUT_OF_RANGE);
	check_dense_status(CODEC_INT8, "[127,-128]", CODEC_OK);
	check_dense_status(CODEC_INT8, "[128]", CODEC_OUT_OF_RANGE);
	check_dense_status(CODEC_INT8, "[-129]", CODEC_OUT_OF_RANGE);
	check_dense_status(CODEC_INT8, "[99999999999999999999]", CODEC_OUT_OF_RANGE);
	check_dense_status(CODEC_INT8, "[1.5]", CODEC_SYNTAX);

	CHECK(
		codec_parse_dense(CODEC_BFLOAT16, "[1.00390625,1.01171875]", LIMIT, halves, &dim, &error) &&
			dim == 2 && halves[0] == 0x3F80 && halves[1] == 0x3F82,
		"bfloat16: ties to even");
	CHECK(codec_parse_dense(CODEC_INT8, "[1,-2,127]", LIMIT, bytes, &dim, &error) && dim == 3 &&
		  bytes[0] == 1 && bytes[1] == -2 && bytes[2] == 127, "int8");
}

static void
check_sparse_status(const char *text, CodecStatus expected)
{
	int32_t		indices[LIMIT];
	float		values[LIMIT];
	CodecSparse sparse = {1000, LIMIT, indices, values, 0, 0};
	CodecError	error;
	bool		ok = codec_parse_sparse(text, &sparse, &error);

	CHECK(ok == (expected == CODEC_OK) && error.status == expected,
		  "\"%s\": status %d, expected %d", text, (int) error.status, (int) expected);
}

static void
check_sparse(void)
{
	check_sparse_status("{}/5", CODEC_OK);
	check_sparse_status(" { 3 : 1 , 1 : 2 } / 5 ", CODEC_OK);
	check_sparse_status("", CODEC_SYNTAX_START);
	check_sparse_status("{1:1}", CODEC_SYNTAX_END);
	check_sparse_status("{1:1} 5", CODEC_SYNTAX_END);
	check_sparse_status("{1:1}/", CODEC_SYNTAX);
	check_sparse_status("{1:1}/5x", CODEC_SYNTAX_JUNK);
	check_sparse_status("{0:1}/5", CODEC_INDEX_BOUNDS);
	check_sparse_status("{6:1}/5", CODEC_INDEX_BOUNDS);
	check_sparse_status("{-9999999999999:1}/5", CODEC_INDEX_BOUNDS);
	check_sparse_status("{1:1,1:2}/5", CODEC_DUPLICATE_INDEX);
	check_sparse_status("{1:1e-50}/5", CODEC_OUT_OF_RANGE);
	check_sparse_status("{1:nan}/5", CODEC_NAN);
	check_sparse_status("{}/0", CODEC_NO_DIMENSIONS);
	check_sparse_status("{}/1001", CODEC_TOO_MANY_DIMENSIONS);
	check_sparse_status(
		"{1:1,2:1,3:1,4:1,5:1,6:1,7:1,8:1,9:1,10:1,11:1,12:1,13:1,14:1,15:1,16:1,17:1}/99",
		CODEC_TOO_MANY_ELEMENTS);

	/* indices in any order come back ascending, each with its value */
	for (int round = 0; round < 1000; round++)
	{
		int32_t		order[LIMIT];
		char		text[512] = "{";
		int			n = 1 + (int) (random_u64() % LIMIT);
		int32_t		indices[LIMIT];
		float		values[LIMIT];
		CodecSparse sparse = {1000, LIMIT, indices, values, 0, 0};
		CodecError	error;

		for (int i = 0; i < n; i++)
		{
			int			j = (int) (random_u64() % (uint64_t) (i + 1));

			order[i] = order[j];
			order[j] = i + 1;
		}
		for (int i = 0; i < n; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d:%d", i ? "," : "",
					 order[i], 10 * order[i]);
		strcat(text, "}/20");
		CHECK(codec_parse_sparse(text, &sparse, &error) && sparse.nnz == n && sparse.dim == 20,
			  "%s", text);
		for (int i = 0; i < n; i++)
			CHECK(indices[i] == i && values[i] == 10 * (i + 1), "%s: element %d", text, i);
	}
}

static void
check_read_status(const char *name, CodecElement element, const char *bytes, size_t len,
				  CodecStatus expected)
{
	float		elements[LIMIT];
	int			dim;
	CodecError	error;
	const uint8_t *buf = (const uint8_t *) bytes;

	if (codec_read_dense_header(buf, len, LIMIT, &dim, &error))
		codec_read_dense(element, buf + 4, len - 4, dim, elements, &error);
	CHECK(error.status == expected, "%s: status %d, expected %d", name, (int) error.status,
		  (int) expected);
}

static void
check_read_sparse_status(const char *name, const char *bytes, size_t len, CodecStatus expected)
{
	int32_t		indices[LIMIT];
	float		values[LIMIT];
	CodecSparse sparse = {1000, LIMIT, indices, values, 0, 0};
	CodecError	error;
	const uint8_t *buf = (const uint8_t *) bytes;

	if (codec_read_sparse_header(buf, len, &sparse, &error))
		codec_read_sparse(buf + 12, len - 12, &sparse, &error);
	CHECK(error.status == expected, "%s: status %d, expected %d", name, (int) error.status,
		  (int) expected);
}

#define READ(name, element, bytes, expected) \
	check_read_status(name, element, bytes, sizeof(bytes) - 1, expected)
#define READ_SPARSE(name, bytes, expected) \
	check_read_sparse_status(name, bytes, sizeof(bytes) - 1, expected)

static void
check_binary(void)
{
	float		in[3] = {1, -2.5f, 1e-40f};
	float		out[3];
	uint8_t		buf[12];
	CodecError	error;

	codec_write_dense(CODEC_FLOAT32, in, 3, buf);
	CHECK(codec_read_dense(CODEC_FLOAT32, buf, sizeof(buf), 3, out, &error) &&
			  memcmp(in, out, sizeof(in)) == 0,
		  "float32 there and back");

	READ("one element", CODEC_FLOAT32, "\0\1\0\0\x3f\x80\0\0", CODEC_OK);
	READ("short header", CODEC_FLOAT32, "\0\1\0", CODEC_SHORT);
	READ("short elements", CODEC_FLOAT32, "\0\1\0\0\x3f\x80\0", CODEC_SHORT);
	READ("no dimensions", CODEC_FLOAT32, "\0\0\0\0", CODEC_NO_DIMENSIONS);
	READ("negative dimensions", CODEC_FLOAT32, "\xff\xff\0\0", CODEC_NO_DIMENSIONS);
	READ("too many dimensions", CODEC_FLOAT32, "\0\x11\0\0", CODEC_TOO_MANY_DIMENSIONS);
	READ("unused", CODEC_FLOAT32, "\0\1\0\1\0\0\0\0", CODEC_UNUSED_NOT_ZERO);
	READ("NaN", CODEC_FLOAT32, "\0\1\0\0\x7f\xc0\0\0", CODEC_NAN);
	READ("infinite half", CODEC_FLOAT16, "\0\1\0\0\x7c\0", CODEC_INFINITE);
	READ("infinite bfloat16", CODEC_BFLOAT16, "\0\1\0\0\x7f\x80", CODEC_INFINITE);
	READ("byte", CODEC_INT8, "\0\1\0\0\x80", CODEC_OK);

	READ_SPARSE("empty", "\0\0\0\5\0\0\0\0\0\0\0\0", CODEC_OK);
	READ_SPARSE("one", "\0\0\0\5\0\0\0\1\0\0\0\0\0\0\0\4\x3f\x80\0\0", CODEC_OK);
	READ_SPARSE("short", "\0\0\0\5\0\0\0\1\0\0\0\0\0\0\0\4\x3f\x80\0", CODEC_SHORT);
	READ_SPARSE("out of bounds", "\0\0\0\5\0\0\0\1\0\0\0\0\0\0\0\5\x3f\x80\0\0",
				CODEC_INDEX_BOUNDS);
	READ_SPARSE("zero value", "\0\0\0\5\0\0\0\1\0\0\0\0\0\0\0\4\0\0\0\0", CODEC_ZERO_VALUE);
	READ_SPARSE("negative count", "\0\0\0\5\xff\xff\xff\xff\0\0\0\0", CODEC_NEGATIVE_ELEMENTS);
	READ_SPARSE("more than dimensions", "\0\0\0\1\0\0\0\2\0\0\0\0",
				CODEC_MORE_ELEMENTS_THAN_DIMENSIONS);
	READ_SPARSE("too many", "\0\0\0\x7f\0\0\0\x7f\0\0\0\0", CODEC_TOO_MANY_ELEMENTS);
	READ_SPARSE("unused", "\0\0\0\5\0\0\0\0\0\0\0\1", CODEC_UNUSED_NOT_ZERO);
	READ_SPARSE("order", "\0\0\0\5\0\0\0\2\0\0\0\0\0\0\0\4\0\0\0\1\x3f\x80\0\0\x3f\x80\0\0",
				CODEC_INDEX_ORDER);
	READ_SPARSE("duplicate", "\0\0\0\5\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\1\x3f\x80\0\0\x3f\x80\0\0",
				CODEC_DUPLICATE_INDEX);
}

int
main(void)
{
	check_numbers();
	check_dense();
	check_sparse();
	check_binary();
	return check_end("codec_test");
}
