/*
 * packed.c - writes and reads lists in few bits
 */
#include "inverted/packed.h"

#include <string.h>

#include "text/number.h"

#define LANES			8
#define LANE_BITS		16
#define LANE_VALUES		(PACKED_BLOCK / LANES)
#define MAX_FREQUENCY_BITS	32

/* The lanes at a place. */
typedef uint16_t Lanes __attribute__((vector_size(LANES * sizeof(uint16_t))));

static int
width(uint32_t value)
{
	return value ? 32 - __builtin_clz(value) : 0;
}

/* Writes the lowest bits of values. */
static unsigned char *
pack(const uint16_t *values, int bits, unsigned char *out)
{
	uint16_t	words[LANE_BITS * LANES] = {0};

	for (int i = 0; i < PACKED_BLOCK; i++)
	{
		int			bit = i / LANES * bits;
		uint16_t   *word = &words[bit / LANE_BITS * LANES + i % LANES];
		int			shift = bit % LANE_BITS;

		*word |= (uint16_t) (values[i] << shift);
		if (shift + bits > LANE_BITS)
			word[LANES] |= (uint16_t) (values[i] >> (LANE_BITS - shift));
	}
	memcpy(out, words, (size_t) bits * LANE_VALUES);
	return out + (size_t) bits * LANE_VALUES;
}

static const unsigned char *
unpack(const unsigned char *in, int bits, uint16_t *values)
{
	const uint16_t mask = (uint16_t) ((1u << bits) - 1);

	if (bits == 0)
	{
		memset(values, 0, sizeof(uint16_t) * PACKED_BLOCK);
		return in;
	}
	for (int i = 0; i < LANE_VALUES; i++)
	{
		int			bit = i * bits;
		const unsigned char *place = in + bit / LANE_BITS * sizeof(Lanes);
		uint16_t	shift = (uint16_t) (bit % LANE_BITS);
		Lanes		lanes;

		memcpy(&lanes, place, sizeof(lanes));
		lanes >>= shift;
		if (shift + bits > LANE_BITS)
		{
			Lanes		more;

			memcpy(&more, place + sizeof(Lanes), sizeof(more));
			lanes |= more << (uint16_t) (LANE_BITS - shift);
		}
		lanes &= mask;
		memcpy(values + i * LANES, &lanes, sizeof(lanes));
	}
	return in + (size_t) bits * LANE_VALUES;
}

/* Writes a block; `next` is the row after that of the posting before. */
static unsigned char *
write_block(const uint16_t *rows, const uint32_t *frequencies, uint32_t next, PackedEntry *entry,
			unsigned char *out)
{
	uint16_t	steps[PACKED_BLOCK];
	uint16_t	lower[PACKED_BLOCK];
	uint16_t	upper[PACKED_BLOCK];
	uint32_t	any_step = 0;
	uint32_t	any_frequency = 0;
	int			bits;

	for (int i = 0; i < PACKED_BLOCK; i++)
	{
		uint32_t	frequency = frequencies[i] - 1;

		steps[i] = (uint16_t) (rows[i] - next);
		next = (uint32_t) rows[i] + 1;
		lower[i] = (uint16_t) frequency;
		upper[i] = (uint16_t) (frequency >> LANE_BITS);
		any_step |= steps[i];
		any_frequency |= frequency;
	}
	bits = width(any_frequency);
	*entry = (PackedEntry) {rows[PACKED_BLOCK - 1], (uint8_t) width(any_step), (uint8_t) bits};
	out = pack(steps, entry->row_bits, out);
	out = pack(lower, bits < LANE_BITS ? bits : LANE_BITS, out);
	return bits > LANE_BITS ? pack(upper, bits - LANE_BITS, out) : out;
}

size_t
packed_write(const uint16_t *rows, const uint32_t *frequencies, uint32_t count,
			 unsigned char *out)
{
	uint32_t	blocks = count / PACKED_BLOCK;
	unsigned char *p = out + blocks * sizeof(PackedEntry);
	uint32_t	next = 0;

	for (uint32_t i = 0; i < blocks; i++)
	{
		PackedEntry entry;

		p = write_block(rows + i * PACKED_BLOCK, frequencies + i * PACKED_BLOCK, next, &entry, p);
		memcpy(out + i * sizeof(entry), &entry, sizeof(entry));
		next = (uint32_t) entry.last + 1;
	}
	for (uint32_t i = blocks * PACKED_BLOCK; i < count; i++)
	{
		p = number_put(p, (uint64_t) (rows[i] - next) * 2 + (frequencies[i] > 1));
		if (frequencies[i] > 1)
			p = number_put(p, frequencies[i] - 2);
		next = (uint32_t) rows[i] + 1;
	}
	return (size_t) (p - out);
}

size_t
packed_room(uint32_t count)
{
	/* a posting of the rest takes at most 3 bytes for the row, and 5 for the frequency */
	return (size_t) (count / PACKED_BLOCK) * sizeof(PackedEntry) + 8 * (size_t) count;
}

/* The lanes named by number; 8 names a zero. */
#ifdef __clang__
#define CHOOSE_LANES(lanes, ...) __builtin_shufflevector(lanes, (Lanes) {0}, __VA_ARGS__)
#else
#define CHOOSE_LANES(lanes, ...) __builtin_shuffle(lanes, (Lanes) {0}, (Lanes) {__VA_ARGS__})
#endif

/*
 * Makes rows of the steps between them; returns what comes after the last one.  The steps are added
 * in three rounds: each lane has the sum of 2, then 4, then 8 lanes.
 */
static uint32_t
add_steps(const uint16_t *steps, uint32_t next, uint16_t *rows)
{
	uint32_t	end = next + PACKED_BLOCK;
	Lanes		before = (Lanes) {0} + (uint16_t) (next - 1);

	for (int i = 0; i < PACKED_BLOCK; i++)
		end += steps[i];
	for (int i = 0; i < LANE_VALUES; i++)
	{
		Lanes		lanes;

		memcpy(&lanes, steps + i * LANES, sizeof(lanes));
		lanes += 1;
		lanes += CHOOSE_LANES(lanes, 8, 0, 1, 2, 3, 4, 5, 6);
		lanes += CHOOSE_LANES(lanes, 8, 8, 0, 1, 2, 3, 4, 5);
		lanes += CHOOSE_LANES(lanes, 8, 8, 8, 8, 0, 1, 2, 3);
		lanes += before;
		memcpy(rows + i * LANES, &lanes, sizeof(lanes));
		before = (Lanes) {0} + lanes[LANES - 1];
	}
	return end;
}

bool
packed_read_block(const PackedEntry *entry, const unsigned char *bytes, uint32_t next,
				  uint16_t *rows, uint32_t *frequencies)
{
	uint16_t	values[PACKED_BLOCK];
	int			bits = entry->frequency_bits;

	if (entry->row_bits > LANE_BITS || bits > MAX_FREQUENCY_BITS)
		return false;
	bytes = unpack(bytes, entry->row_bits, values);
	next = add_steps(values, next, rows);
	bytes = unpack(bytes, bits < LANE_BITS ? bits : LANE_BITS, values);
	for (int i = 0; i < PACKED_BLOCK; i++)
		frequencies[i] = (uint32_t) values[i] + 1;
	if (bits > LANE_BITS)
	{
		(void) unpack(bytes, bits - LANE_BITS, values);
		for (int i = 0; i < PACKED_BLOCK; i++)
			frequencies[i] += (uint32_t) values[i] << LANE_BITS;
	}
	return next == (uint32_t) entry->last + 1;
}

bool
packed_read_rest(const unsigned char *bytes, size_t size, uint32_t next, uint32_t count,
				 uint16_t *rows, uint32_t *frequencies)
{
	const unsigned char *end = bytes + size;

	for (uint32_t i = 0; i < count; i++)
	{
		uint64_t	step;
		uint64_t	more = 0;

		if (!number_get(&bytes, end, 2 * UINT16_MAX + 1, &step))
			return false;
		next += (uint32_t) (step / 2);
		if (next > UINT16_MAX ||
			(step % 2 == 1 && !number_get(&bytes, end, UINT32_MAX - 2, &more)))
			return false;
		rows[i] = (uint16_t) next++;
		frequencies[i] = (uint32_t) (1 + step % 2 + more);
	}
	return bytes == end;
}
