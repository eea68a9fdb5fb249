/*
 * attribute_test.c - sets of rows, records and columns, compared with arrays that are walked
 */
#include <stdlib.h>
#include <string.h>

#include "attribute/column.h"
#include "check.h"
#include "random.h"

#define MAX_ROWS	500

static void
check_set(const uint8_t *bits, const bool *expected, uint32_t rows, const char *what)
{
	uint32_t	count = 0;
	uint32_t	next = bits_next(bits, rows, 0);

	for (uint32_t i = 0; i < rows; i++)
	{
		CHECK(bits_has(bits, i) == expected[i], "%s: row %u of %u", what, i, rows);
		CHECK((bits_group(bits, i / 32) >> i % 32 & 1) == expected[i],
			  "%s: row %u of %u in its group", what, i, rows);
		if (!expected[i])
			continue;
		CHECK(next == i, "%s: %u of %u rows, not %u", what, next, rows, i);
		next = bits_next(bits, rows, i + 1);
		count++;
	}
	CHECK(next == BITS_NONE, "%s: %u of %u rows", what, next, rows);
	for (uint32_t first = 0; first < rows; first += 1 + random_u32() % 20)
	{
		uint32_t	n = random_u32() % (rows - first + 1);
		uint32_t	found = bits_count_range(bits, first, n);

		for (uint32_t i = first; i < first + n; i++)
			found -= expected[i];
		CHECK(found == 0, "%s: %u rows from %u on", what, n, first);
	}
	CHECK(bits_count(bits, rows) == count, "%s: %u of %u rows", what, count, rows);
}

/* A set with one row in `one_in`, in a block of memory of exactly its size. */
static uint8_t *
random_set(bool *expected, uint32_t rows, uint32_t one_in)
{
	uint8_t    *bits = calloc(BITS_BYTES(rows) + 1, 1);

	for (uint32_t i = 0; i < rows; i++)
	{
		expected[i] = random_u32() % one_in == 0;
		if (expected[i])
			bits_set(bits, i);
	}
	return bits;
}

static void
check_sets(uint32_t rows, uint32_t one_in)
{
	static void (*const operations[]) (uint8_t *, const uint8_t *, uint32_t) = {
		bits_and, bits_and_not, bits_or
	};
	bool		a[MAX_ROWS];
	bool		b[MAX_ROWS];
	bool		expected[MAX_ROWS];
	uint8_t    *other = random_set(b, rows, 2);

	for (int i = 0; i < 3; i++)
	{
		uint8_t    *bits = random_set(a, rows, one_in);

		check_set(bits, a, rows, "as it is");
		operations[i] (bits, other, rows);
		for (uint32_t k = 0; k < rows; k++)
			expected[k] = i == 0 ? a[k] && b[k] : i == 1 ? a[k] && !b[k] : a[k] || b[k];
		check_set(bits, expected, rows, i == 0 ? "and" : i == 1 ? "and not" : "or");
		bits_fill(bits, rows);
		memset(expected, true, sizeof(expected));
		check_set(bits, expected, rows, "all");
		for (uint32_t k = 0; k < rows; k += 3)
		{
			bits_clear(bits, k);
			expected[k] = false;
		}
		check_set(bits, expected, rows, "cleared");
		free(bits);
	}
	free(other);
}

/* A record is read as it was written, and no part of it is taken for a record. */
static void
check_record(int n)
{
	uint32_t	widths[40];
	AttributeValue values[40];
	AttributeValue found[40];
	uint8_t		bytes[40][64];
	size_t		size;
	uint8_t    *record;

	for (int i = 0; i < n; i++)
	{
		widths[i] = random_u32() % 2 ? ATTRIBUTE_VARYING : 1 + random_u32() % 16;
		values[i].size = widths[i] == ATTRIBUTE_VARYING ? random_u32() % 64 : widths[i];
		for (uint32_t k = 0; k < values[i].size; k++)
			bytes[i][k] = (uint8_t) random_u32();
		values[i].bytes = random_u32() % 4 ? bytes[i] : NULL;
	}
	size = attribute_record_size(values, widths, n);
	record = malloc(size);
	attribute_record_write(values, widths, n, record);
	CHECK(attribute_record_read(record, size, widths, n, found), "%d attributes", n);
	for (int i = 0; i < n; i++)
		CHECK(values[i].bytes == NULL ? found[i].bytes == NULL :
			  found[i].size == values[i].size &&
			  memcmp(found[i].bytes, values[i].bytes, values[i].size) == 0,
			  "attribute %d of %d", i, n);
	for (size_t part = 0; part < size; part++)
	{
		uint8_t    *shorter = malloc(part + 1);

		memcpy(shorter, record, part);
		CHECK(!attribute_record_read(shorter, part, widths, n, found), "%zu of %zu bytes", part,
			  size);
		free(shorter);
	}
	free(record);
}

/* A column in memory. */
typedef struct Column
{
	AttributeColumn column;
	uint8_t    *parts[ATTRIBUTE_PARTS];
	size_t		sizes[ATTRIBUTE_PARTS];
} Column;

static bool
read_part(void *arg, AttributePart part, uint64_t offset, void *out, size_t size)
{
	const Column *column = arg;

	if (offset > column->sizes[part] || size > column->sizes[part] - offset)
		return false;
	memcpy(out, column->parts[part] + offset, size);
	return true;
}

/* A value of a test: a number of decimals whose order is that of the numbers. */
static uint32_t
value_text(uint32_t value, bool varying, char *text)
{
	uint32_t	size = (uint32_t) sprintf(text, "%08u", value);

	if (varying)
		size += (uint32_t) sprintf(text + size, "%.*s", (int) (value % 20), "xxxxxxxxxxxxxxxxxxxx");
	return size;
}

static void *
make_part(Column *column, AttributePart part, size_t size)
{
	column->sizes[part] = size;
	return column->parts[part] = malloc(size + 1);
}

/* A column whose i-th value is 2 i + 1, of rows with these codes. */
static void
make_column(Column *column, const uint32_t *codes, uint32_t rows, uint32_t values, bool varying)
{
	uint32_t   *lists = make_part(column, ATTRIBUTE_LISTS, (values + 2) * sizeof(uint32_t));
	uint64_t   *bounds = make_part(column, ATTRIBUTE_BOUNDS, (values + 1) * sizeof(uint64_t));
	uint8_t    *bytes = make_part(column, ATTRIBUTE_VALUES, values * 30);
	uint32_t	code_size = attribute_code_size(values);

	column->column = (AttributeColumn) {
		.rows = rows, .entries = rows, .values = values, .width = varying ? ATTRIBUTE_VARYING : 8,
		.code_size = code_size, .read = read_part, .arg = column
	};
	bounds[0] = 0;
	for (uint32_t i = 0; i < values; i++)
	{
		char		text[40];
		uint32_t	size = value_text(2 * i + 1, varying, text);

		memcpy(bytes + bounds[i], text, size);
		bounds[i + 1] = bounds[i] + size;
	}
	attribute_make_lists(codes, rows, values, lists);
	attribute_make_rows(codes, rows, values, lists,
						make_part(column, ATTRIBUTE_ROWS, rows * sizeof(uint32_t)));
	attribute_pack_codes(codes, rows, code_size,
						 make_part(column, ATTRIBUTE_CODES, (size_t) rows * code_size));
}

static int
compare_text(void *arg, const AttributeValue *value)
{
	const char *sought = arg;
	size_t		size = strlen(sought);
	int			order = memcmp(sought, value->bytes, size < value->size ? size : value->size);

	return order != 0 ? order : size < value->size ? -1 : size > value->size;
}

static void
check_column(uint32_t rows, uint32_t values, bool varying)
{
	uint32_t   *codes = malloc(rows * sizeof(uint32_t) + 1);
	uint8_t    *bits = malloc(BITS_BYTES(rows) + 1);
	Column		column;

	for (uint32_t i = 0; i < rows; i++)
		codes[i] = random_u32() % (values + 1);
	make_column(&column, codes, rows, values, varying);
	for (uint32_t i = 0; i < rows; i++)
	{
		uint32_t	code;

		CHECK(attribute_code(&column.column, i, &code) && code == codes[i], "row %u", i);
	}
	for (uint32_t i = 0; i <= 2 * values; i += values > 1000 ? 97 : 1)
	{
		uint32_t	first;
		uint32_t	after;
		char		text[40] = "";

		value_text(i, varying, text);
		CHECK(attribute_search(&column.column, false, compare_text, text, &first) &&
			  attribute_search(&column.column, true, compare_text, text, &after) &&
			  first == i / 2 && after == (i + 1) / 2, "%u of %u: %u, %u", i, values, first, after);
		for (uint32_t from = first; from <= first; from = from > 0 && i % 3 ? from / 2 : UINT32_MAX)
		{
			uint32_t	found;
			bool		equal;

			CHECK(attribute_find(&column.column, from, compare_text, text, &found, &equal) &&
				  found == first && equal == (after > first), "%u of %u from %u: %u, %d", i, values,
				  from, found, equal);
		}
	}
	for (int trial = 0; trial < 20; trial++)
	{
		uint32_t	from = random_u32() % (values + 2);
		uint32_t	to = random_u32() % (values + 2);
		bool		right = true;

		memset(bits, 0, BITS_BYTES(rows));
		CHECK(attribute_add_rows(&column.column, from, to, bits), "%u to %u", from, to);
		for (uint32_t i = 0; i < rows; i++)
			right &= bits_has(bits, i) == (codes[i] >= from && codes[i] < to);
		CHECK(right, "%u to %u of %u values, %u rows", from, to, values, rows);
	}
	for (int part = 0; part < ATTRIBUTE_PARTS; part++)
		free(column.parts[part]);
	free(bits);
	free(codes);
}

/* A column of elements: each row has some of the values, in no order until lists are sorted. */
static void
check_elements(uint32_t rows, uint32_t values, uint32_t one_in)
{
	uint32_t	room = rows * (values + 1);
	bool	   *has = calloc(room + 1, 1);
	uint32_t   *codes = malloc((room + 1) * sizeof(uint32_t));
	Column		column = {.sizes = {0}};
	uint32_t   *lists = make_part(&column, ATTRIBUTE_LISTS, (values + 2) * sizeof(uint32_t));
	uint32_t   *by_value = make_part(&column, ATTRIBUTE_ROWS, room * sizeof(uint32_t));
	uint8_t    *bits = calloc(BITS_BYTES(rows) + 1, 1);
	uint32_t	entries = 0;

	for (uint32_t value = 0; value <= values; value++)
		for (uint32_t i = 0; i < rows; i++)
		{
			/* 7 has no divisor in common with the numbers of rows below */
			uint32_t	row = i * 7 % rows;

			if (random_u32() % one_in != 0)
				continue;
			has[value * rows + row] = true;
			codes[entries] = value;
			by_value[entries++] = row;
		}
	column.sizes[ATTRIBUTE_ROWS] = entries * sizeof(uint32_t);
	attribute_make_lists(codes, entries, values, lists);
	attribute_sort_lists(lists, values, by_value);
	column.column = (AttributeColumn) {
		.rows = rows, .entries = entries, .values = values, .width = 8, .read = read_part,
		.arg = &column
	};
	for (uint32_t value = 0; value <= values; value++)
	{
		memset(bits, 0, BITS_BYTES(rows));
		CHECK(attribute_add_rows(&column.column, value, value + 1, bits), "value %u", value);
		for (uint32_t row = 0; row < rows; row++)
		{
			bool		found;

			CHECK(bits_has(bits, row) == has[value * rows + row], "value %u, row %u", value, row);
			CHECK(attribute_has_row(&column.column, value, row, &found) &&
				  found == has[value * rows + row], "value %u, row %u sought", value, row);
		}
	}
	for (int part = 0; part < ATTRIBUTE_PARTS; part++)
		free(column.parts[part]);
	free(bits);
	free(codes);
	free(has);
}

int
main(void)
{
	for (uint32_t i = 0; i < 20; i++)
		check_elements(7 * i + 1, i, 1 + i % 7);
	for (uint32_t rows = 0; rows < 200; rows++)
		check_sets(rows, 1 + rows % 5 * 10);
	check_sets(MAX_ROWS, MAX_ROWS);
	for (int i = 0; i < 1000; i++)
		check_record(1 + i % 40);
	for (uint32_t i = 0; i < 60; i++)
	{
		check_column(i * 7, i, i % 2);
		check_column(1 + i, 1, i % 2);
	}
	/* codes of one, two and four bytes, at their limits */
	check_column(3000, 255, true);
	check_column(3000, 256, false);
	check_column(3000, 65535, true);
	check_column(3000, 65536, false);
	return check_end("attribute_test");
}
