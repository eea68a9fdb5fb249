/*
 * packed.h - the rows of a window that have a term, and how often, in few bits
 *
 * A list is cut into blocks of PACKED_BLOCK postings and a rest of fewer.  First come the entries
 * of the blocks, then the blocks, then the rest.  A block has the differences between its row
 * numbers, less one, and its frequencies, less one, in as many bits as the largest of each needs:
 * its entry says how many, and the last row, so that blocks without a row that is wanted are not
 * read.  The rest has numbers (text/number.h): twice the difference, plus one if the frequency is
 * more than one, and follows, less two.
 *
 * Values of a block are in eight lanes of 16 bits: value i is in lane i % 8.  Frequencies of more
 * than 16 bits have their upper bits in lanes after the lower ones.
 */
#ifndef VECTOR_INVERTED_PACKED_H
#define VECTOR_INVERTED_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKED_BLOCK	128

typedef struct PackedEntry
{
	uint16_t	last;			/* row */
	uint8_t		row_bits;
	uint8_t		frequency_bits;
} PackedEntry;

/* The bytes that a block takes. */
static inline uint32_t
packed_block_size(const PackedEntry *entry)
{
	return PACKED_BLOCK / 8 * ((uint32_t) entry->row_bits + entry->frequency_bits);
}

/* A frequency that none of its postings is above. */
static inline uint32_t
packed_most(const PackedEntry *entry)
{
	return entry->frequency_bits < 32 ? UINT32_C(1) << entry->frequency_bits : UINT32_MAX;
}

/* Writes a list of rows that ascend; no frequency is 0.  Returns its size. */
extern size_t packed_write(const uint16_t *rows, const uint32_t *frequencies, uint32_t count,
						   unsigned char *out);

/* The room that it takes at most. */
extern size_t packed_room(uint32_t count);

/*
 * Reads a block, or the rest of so many postings; `next` is the row after that of the posting
 * before.  False if that is no list whose rows ascend up to the last one of a window.
 */
extern bool packed_read_block(const PackedEntry *entry, const unsigned char *bytes, uint32_t next,
							  uint16_t *rows, uint32_t *frequencies);
extern bool packed_read_rest(const unsigned char *bytes, size_t size, uint32_t next,
							 uint32_t count, uint16_t *rows, uint32_t *frequencies);

#endif							/* VECTOR_INVERTED_PACKED_H */
