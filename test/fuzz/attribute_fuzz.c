/*
 * attribute_fuzz.c - records and columns of attributes, as they might be read from a damaged index
 *
 * An input is a record; or, if its first bit is set, a column: numbers of rows and values, width
 * and the ends of the parts, then the parts.  The sanitizers check memory; what is read must be
 * within the bounds that the functions promise.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "attribute/column.h"

typedef struct FuzzColumn
{
	AttributeColumn column;
	const uint8_t *bytes;
	size_t		size;
	uint16_t	ends[ATTRIBUTE_PARTS];
} FuzzColumn;

static bool
read_part(void *arg, AttributePart part, uint64_t offset, void *out, size_t size)
{
	const FuzzColumn *column = arg;
	size_t		begin = part > 0 ? column->ends[part - 1] : 0;
	size_t		end = column->ends[part];

	if (begin > end || end > column->size || offset > end - begin || size > end - begin - offset)
		return false;
	memcpy(out, column->bytes + begin + offset, size);
	return true;
}

static int
compare_bytes(void *arg, const AttributeValue *value)
{
	const AttributeValue *sought = arg;

	assert(value->size <= ATTRIBUTE_MAX_SIZE);
	return memcmp(sought->bytes, value->bytes,
				  sought->size < value->size ? sought->size : value->size);
}

static void
fuzz_record(const uint8_t *data, size_t size)
{
	static const uint32_t widths[] = {4, ATTRIBUTE_VARYING, 1, 16, ATTRIBUTE_VARYING, 8, 2, 12, 4};
	AttributeValue values[9];
	uint8_t    *copy = malloc(size + 1);

	memcpy(copy, data, size);
	if (attribute_record_read(copy, size, widths, 9, values))
	{
		uint8_t    *again = malloc(size + 1);

		assert(attribute_record_size(values, widths, 9) == size);
		attribute_record_write(values, widths, 9, again);
		assert(memcmp(again + 2, copy + 2, size - 2) == 0);
		free(again);
	}
	free(copy);
}

static void
fuzz_column(const uint8_t *data, size_t size)
{
	FuzzColumn	column;
	uint16_t	head[3];
	uint8_t    *bits;
	uint8_t		bytes[ATTRIBUTE_MAX_SIZE];
	AttributeValue sought = {data, size < 8 ? (uint32_t) size : 8};
	uint32_t	number;
	bool		has;

	if (size < sizeof(head) + sizeof(column.ends))
		return;
	memcpy(head, data, sizeof(head));
	memcpy(column.ends, data + sizeof(head), sizeof(column.ends));
	column.bytes = data + sizeof(head) + sizeof(column.ends);
	column.size = size - sizeof(head) - sizeof(column.ends);
	column.column = (AttributeColumn) {
		.rows = head[0], .entries = head[0] * (1 + data[0] % 3), .values = head[1],
		.width = head[2] % 40, .read = read_part, .arg = &column,
		.code_size = attribute_code_size(head[1])
	};
	bits = calloc(BITS_BYTES(head[0]) + 1, 1);
	for (uint32_t row = 0; row < 100; row++)
		if (attribute_code(&column.column, row, &number))
			assert(row < head[0] && number <= head[1]);
	for (uint32_t value = 0; value < 100; value++)
		if (attribute_value(&column.column, value, bytes, &number))
			assert(value < head[1] && number <= ATTRIBUTE_MAX_SIZE);
	if (attribute_search(&column.column, data[0] & 1, compare_bytes, &sought, &number))
	{
		assert(number <= head[1]);
		(void) attribute_add_rows(&column.column, number, head[1] + UINT32_C(1), bits);
	}
	(void) attribute_add_rows(&column.column, 0, data[1], bits);
	(void) attribute_has_row(&column.column, data[1], data[0], &has);
	assert(bits_count(bits, head[0]) <= head[0]);
	free(bits);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		fuzz_column(data + 1, size - 1);
	else
		fuzz_record(data + 1, size - 1);
	return 0;
}
