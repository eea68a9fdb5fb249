/*
 * bits.c - sets of rows, a word at a time
 */
#include "attribute/bits.h"

/* Words are read as bytes are ordered in memory, which no operation below but bits_next minds. */
static inline uint64_t
get_word(const uint8_t *bits, size_t byte)
{
	uint64_t	word;

	memcpy(&word, bits + byte, sizeof(word));
	return word;
}

static inline void
put_word(uint8_t *bits, size_t byte, uint64_t word)
{
	memcpy(bits + byte, &word, sizeof(word));
}

void
bits_fill(uint8_t *bits, uint32_t rows)
{
	size_t		whole = rows / 8;

	memset(bits, 0xFF, whole);
	memset(bits + whole, 0, BITS_BYTES(rows) - whole);
	if (rows % 8 > 0)
		bits[whole] = (uint8_t) ((1 << (rows % 8)) - 1);
}

void
bits_and(uint8_t *bits, const uint8_t *other, uint32_t rows)
{
	for (size_t i = 0; i < BITS_BYTES(rows); i += 8)
		put_word(bits, i, get_word(bits, i) & get_word(other, i));
}

void
bits_and_not(uint8_t *bits, const uint8_t *other, uint32_t rows)
{
	for (size_t i = 0; i < BITS_BYTES(rows); i += 8)
		put_word(bits, i, get_word(bits, i) & ~get_word(other, i));
}

void
bits_or(uint8_t *bits, const uint8_t *other, uint32_t rows)
{
	for (size_t i = 0; i < BITS_BYTES(rows); i += 8)
		put_word(bits, i, get_word(bits, i) | get_word(other, i));
}

uint32_t
bits_count(const uint8_t *bits, uint32_t rows)
{
	uint32_t	count = 0;

	for (size_t i = 0; i < BITS_BYTES(rows); i += 8)
		count += (uint32_t) __builtin_popcountll(get_word(bits, i));
	return count;
}

uint32_t
bits_next(const uint8_t *bits, uint32_t rows, uint32_t row)
{
	size_t		byte = row / 8;
	uint32_t	first;

	if (row >= rows)
		return BITS_NONE;
	first = (uint32_t) bits[byte] >> (row % 8);
	if (first)
		return row + (uint32_t) __builtin_ctz(first);
	for (byte++; byte % 8 != 0; byte++)
		if (bits[byte])
			return (uint32_t) byte * 8 + (uint32_t) __builtin_ctz(bits[byte]);
	while (byte < BITS_BYTES(rows) && get_word(bits, byte) == 0)
		byte += 8;
	for (; byte < BITS_BYTES(rows); byte++)
		if (bits[byte])
			return (uint32_t) byte * 8 + (uint32_t) __builtin_ctz(bits[byte]);
	return BITS_NONE;
}
