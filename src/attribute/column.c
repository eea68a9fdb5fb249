/*
 * column.c - searching a column, and making one
 */
#include "attribute/column.h"

#include <stdlib.h>

#include "order.h"

/* Rows that are read at once. */
#define ROWS_AT_ONCE	1024

uint32_t
attribute_code_size(uint32_t values)
{
	return values <= UINT8_MAX ? 1 : values <= UINT16_MAX ? 2 : 4;
}

bool
attribute_code(const AttributeColumn *column, uint32_t row, uint32_t *code)
{
	uint8_t		bytes[4];

	if (row >= column->rows ||
		!column->read(column->arg, ATTRIBUTE_CODES, (uint64_t) row * column->code_size, bytes,
					  column->code_size))
		return false;
	*code = bytes[0];
	for (uint32_t i = 1; i < column->code_size; i++)
		*code |= (uint32_t) bytes[i] << (8 * i);
	return *code <= column->values;
}

bool
attribute_value(const AttributeColumn *column, uint32_t number, void *bytes, uint32_t *size)
{
	uint64_t	bounds[2] = {(uint64_t) number * column->width, 0};

	if (number >= column->values)
		return false;
	*size = column->width;
	if (column->width == ATTRIBUTE_VARYING)
	{
		if (!column->read(column->arg, ATTRIBUTE_BOUNDS, number * sizeof(uint64_t), bounds,
						  sizeof(bounds)) ||
			bounds[1] < bounds[0] || bounds[1] - bounds[0] > ATTRIBUTE_MAX_SIZE)
			return false;
		*size = (uint32_t) (bounds[1] - bounds[0]);
	}
	return column->read(column->arg, ATTRIBUTE_VALUES, bounds[0], bytes, *size);
}

/* Compares the value sought with one of the column. */
static bool
compare_number(const AttributeColumn *column, uint32_t number, AttributeCompare compare, void *arg,
			   int *order)
{
	uint64_t	bytes[ATTRIBUTE_MAX_SIZE / sizeof(uint64_t)];
	AttributeValue value = {bytes, 0};

	if (!attribute_value(column, number, bytes, &value.size))
		return false;
	*order = compare(arg, &value);
	return true;
}

bool
attribute_search(const AttributeColumn *column, bool greater, AttributeCompare compare, void *arg,
				 uint32_t *number)
{
	uint32_t	low = 0;
	uint32_t	high = column->values;

	while (low < high)
	{
		uint32_t	middle = low + (high - low) / 2;
		int			order;

		if (!compare_number(column, middle, compare, arg, &order))
			return false;
		if (order > 0 || (greater && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	*number = low;
	return true;
}

bool
attribute_find(const AttributeColumn *column, uint32_t from, AttributeCompare compare, void *arg,
			   uint32_t *number, bool *equal)
{
	uint32_t	low = from;
	uint32_t	high = column->values;
	uint32_t	step = 1;
	bool		near = true;	/* the value may be one of those next to the first */

	*equal = false;
	while (low < high)
	{
		uint32_t	middle = near && step <= high - low ? low + step - 1 : low + (high - low) / 2;
		int			order;

		if (!compare_number(column, middle, compare, arg, &order))
			return false;
		if (order > 0)
		{
			low = middle + 1;
			step *= 2;
		}
		else
		{
			high = middle;
			*equal = order == 0;
			near = false;
		}
	}
	*number = low;
	return true;
}

bool
attribute_list(const AttributeColumn *column, uint32_t number, uint32_t *place)
{
	/* the end of the list of NULLs has a place, too */
	return number <= column->values + UINT64_C(1) &&
		column->read(column->arg, ATTRIBUTE_LISTS, (uint64_t) number * sizeof(uint32_t), place,
					 sizeof(*place)) && *place <= column->entries;
}

bool
attribute_has_row(const AttributeColumn *column, uint32_t number, uint32_t row, bool *has)
{
	uint32_t	low;
	uint32_t	high;

	*has = false;
	if (!attribute_list(column, number, &low) || !attribute_list(column, number + 1, &high))
		return false;
	while (low < high && !*has)
	{
		uint32_t	middle = low + (high - low) / 2;
		uint32_t	met;

		if (!column->read(column->arg, ATTRIBUTE_ROWS, (uint64_t) middle * sizeof(uint32_t), &met,
						  sizeof(met)))
			return false;
		*has = met == row;
		if (met < row)
			low = middle + 1;
		else
			high = middle;
	}
	return true;
}

bool
attribute_add_rows(const AttributeColumn *column, uint32_t from, uint32_t to, uint8_t *bits)
{
	uint32_t	rows[ROWS_AT_ONCE];
	uint32_t	place;
	uint32_t	end;

	if (from >= to)
		return true;
	if (!attribute_list(column, from, &place) || !attribute_list(column, to, &end) || place > end)
		return false;
	while (place < end)
	{
		uint32_t	n = end - place < ROWS_AT_ONCE ? end - place : ROWS_AT_ONCE;

		if (!column->read(column->arg, ATTRIBUTE_ROWS, (uint64_t) place * sizeof(uint32_t), rows,
						  n * sizeof(uint32_t)))
			return false;
		for (uint32_t i = 0; i < n; i++)
		{
			if (rows[i] >= column->rows)
				return false;
			bits_set(bits, rows[i]);
		}
		place += n;
	}
	return true;
}

void
attribute_make_lists(const uint32_t *codes, uint32_t rows, uint32_t values, uint32_t *lists)
{
	uint32_t	place = 0;

	memset(lists, 0, ((size_t) values + 2) * sizeof(uint32_t));
	for (uint32_t i = 0; i < rows; i++)
		lists[codes[i]]++;
	for (uint64_t i = 0; i < values + UINT64_C(2); i++)
	{
		uint32_t	count = lists[i];

		lists[i] = place;
		place += count;
	}
}

/* While rows are placed, each list's beginning moves to its end, where the next one begins. */
void
attribute_make_rows(const uint32_t *codes, uint32_t rows, uint32_t values, uint32_t *lists,
					uint32_t *by_value)
{
	for (uint32_t i = 0; i < rows; i++)
		by_value[lists[codes[i]]++] = i;
	memmove(lists + 1, lists, ((size_t) values + 1) * sizeof(uint32_t));
	lists[0] = 0;
}

void
attribute_sort_lists(const uint32_t *lists, uint32_t values, uint32_t *by_value)
{
	for (uint64_t i = 0; i < values + UINT64_C(1); i++)
		qsort(by_value + lists[i], lists[i + 1] - lists[i], sizeof(uint32_t), order_uint32s);
}

void
attribute_pack_codes(const uint32_t *codes, uint32_t n, uint32_t code_size, uint8_t *out)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < code_size; k++)
			*out++ = (uint8_t) (codes[i] >> (8 * k));
}
