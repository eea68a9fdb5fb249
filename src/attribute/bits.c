/*
 * bits.c - sets of rows, a word at a time
 */
#include "attribute/bits.h"

/* Words are read as bytes are ordered in memory, which matters to get_rows alone. */
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

/*
 * The numbers of bits set in each byte of a word.  Compilers make a call of what counts bits unless
 * they may use an instruction that not every machine has.
 */
static inline uint64_t
count_bytes(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
	return (word + (word >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
}

/* The sum of a word's bytes, which is below 256. */
static inline uint32_t
add_bytes(uint64_t word)
{
	return (uint32_t) (word * UINT64_C(0x0101010101010101) >> 56);
}

/*
 * In most sets either few rows are, or few are not.  Four words at a time, because whether a single
 * one is empty is hard to foresee where about one row in a hundred is in the set.
 */
uint32_t
bits_count(const uint8_t *bits, uint32_t rows)
{
	uint32_t	count = 0;
	size_t		i = 0;

	for (; i + 32 <= BITS_BYTES(rows); i += 32)
	{
		uint64_t	a = get_word(bits, i);
		uint64_t	b = get_word(bits, i + 8);
		uint64_t	c = get_word(bits, i + 16);
		uint64_t	d = get_word(bits, i + 24);

		if ((a & b & c & d) == UINT64_MAX)
			count += 256;
		else if ((a | b | c | d) != 0)
			count += add_bytes(count_bytes(a) + count_bytes(b) + count_bytes(c) +
							   count_bytes(d));
	}
	for (; i < BITS_BYTES(rows); i += 8)
		count += add_bytes(count_bytes(get_word(bits, i)));
	return count;
}

uint32_t
bits_count_range(const uint8_t *bits, uint32_t first, uint32_t n)
{
	uint32_t	count = 0;

	for (; n > 0 && first % 8 != 0; first++, n--)
		count += bits_has(bits, first);
	for (; n >= 64; first += 64, n -= 64)
		count += (uint32_t) __builtin_popcountll(get_word(bits, first / 8));
	for (; n > 0; first++, n--)
		count += bits_has(bits, first);
	return count;
}

/* A word with the lowest row in the lowest bit. */
static inline uint64_t
get_rows(const uint8_t *bits, size_t byte)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(get_word(bits, byte));
#else
	return get_word(bits, byte);
#endif
}

uint32_t
bits_next(const uint8_t *bits, uint32_t rows, uint32_t row)
{
	size_t		byte = row / 64 * 8;
	uint64_t	word;

	if (row >= rows)
		return BITS_NONE;
	word = get_rows(bits, byte) & UINT64_MAX << row % 64;
	while (word == 0)
	{
		byte += 8;
		if (byte >= BITS_BYTES(rows))
			return BITS_NONE;
		word = get_rows(bits, byte);
	}
	return (uint32_t) (byte * 8) + (uint32_t) __builtin_ctzll(word);
}
