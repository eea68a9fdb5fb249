/*
 * record.c - the attributes of one row as a string of bytes
 */
#include "attribute/record.h"

#include <string.h>

#include "attribute/bits.h"

static size_t
null_bytes(int n)
{
	return ((size_t) n + 7) / 8;
}

size_t
attribute_record_size(const AttributeValue *values, const uint32_t *widths, int n)
{
	size_t		size = null_bytes(n);

	for (int i = 0; i < n; i++)
		if (values[i].bytes)
			size += widths[i] == ATTRIBUTE_VARYING ? sizeof(uint16_t) + values[i].size : widths[i];
	return size;
}

void
attribute_record_write(const AttributeValue *values, const uint32_t *widths, int n, void *record)
{
	uint8_t    *nulls = record;
	uint8_t    *out = nulls + null_bytes(n);

	memset(nulls, 0, null_bytes(n));
	for (int i = 0; i < n; i++)
	{
		if (values[i].bytes == NULL)
		{
			bits_set(nulls, (uint32_t) i);
			continue;
		}
		if (widths[i] == ATTRIBUTE_VARYING)
		{
			uint16_t	size = (uint16_t) values[i].size;

			memcpy(out, &size, sizeof(size));
			out += sizeof(size);
		}
		memcpy(out, values[i].bytes, values[i].size);
		out += values[i].size;
	}
}

bool
attribute_record_read(const void *record, size_t size, const uint32_t *widths, int n,
					  AttributeValue *values)
{
	const uint8_t *nulls = record;
	size_t		place = null_bytes(n);

	if (place > size)
		return false;
	for (int i = 0; i < n; i++)
	{
		uint32_t	length = widths[i];

		values[i] = (AttributeValue) {NULL, 0};
		if (bits_has(nulls, (uint32_t) i))
			continue;
		if (length == ATTRIBUTE_VARYING)
		{
			uint16_t	stored;

			if (size - place < sizeof(stored))
				return false;
			memcpy(&stored, nulls + place, sizeof(stored));
			place += sizeof(stored);
			length = stored;
		}
		if (length > ATTRIBUTE_MAX_SIZE || size - place < length)
			return false;
		values[i] = (AttributeValue) {nulls + place, length};
		place += length;
	}
	return place == size;
}
