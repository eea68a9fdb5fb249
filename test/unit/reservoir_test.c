/*
 * reservoir_test.c - samples are uniform, whole and within their memory, of equal things or unequal
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "counters/reservoir.h"
#include "random.h"

#define MOST_SIZE	1000

/* The thing of a number: of a size that follows from it, all bytes of which do, too. */
static void
fill(unsigned char *thing, uint32_t number, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		thing[i] = (unsigned char) (number * 31 + i * 7);
}

static uint32_t
size_of(uint32_t number, uint32_t least, uint32_t most)
{
	return least + number * 2654435761u % (most - least + 1);
}

/* Sees so many things, and returns how many are kept; counts for each third of them. */
static uint32_t
sample(uint32_t seen, size_t memory, uint32_t least, uint32_t most, uint32_t *thirds)
{
	Reservoir	reservoir = {.random = ((uint64_t) random_u32() << 32) + random_u32()};
	char	   *block = malloc(memory);
	unsigned char thing[MOST_SIZE];
	uint32_t	place;
	uint32_t	used = 0;

	reservoir_init(&reservoir, memory, least == most ? most : 0, 100);
	for (uint32_t i = 0; i < seen; i++)
	{
		uint32_t	size = size_of(i, least, most);

		if (!reservoir_take(&reservoir, &place))
			continue;
		fill(thing, i, size);
		reservoir_keep(&reservoir, block, place,
					   (ReservoirItem) {.when = i, .number = (int32_t) i, .size = size}, thing);
		CHECK(reservoir.used <= reservoir.room && reservoir.end <= reservoir.room, "%u of %u used",
			  reservoir.end, reservoir.room);
	}
	CHECK(reservoir.seen == seen, "%u seen", (unsigned) reservoir.seen);
	CHECK(reservoir.count <= reservoir.capacity && reservoir.capacity <= 100, "%u kept, of %u",
		  reservoir.count, reservoir.capacity);
	for (uint32_t i = 0; i < reservoir.count; i++)
	{
		const ReservoirItem *item = &((const ReservoirItem *) block)[i];
		uint32_t	number = (uint32_t) item->number;
		uint32_t	size = size_of(number, least, most);

		fill(thing, number, size);
		CHECK(item->size == size && item->when == number && item->offset % 8 == 0 &&
			  memcmp(reservoir_data(&reservoir, block, item), thing, size) == 0,
			  "thing %u of size %u", number, size);
		for (uint32_t j = 0; j < i; j++)
			CHECK(((const ReservoirItem *) block)[j].number != item->number, "thing %u twice",
				  number);
		thirds[number * 3 / seen]++;
		used += (size + 7) & ~7u;
	}
	CHECK(used == reservoir.used, "%u used, not %u", used, reservoir.used);
	free(block);
	return reservoir.count;
}

static void
test_samples(size_t memory, uint32_t least, uint32_t most, const char *what)
{
	uint32_t	thirds[3] = {0};
	uint32_t	kept = 0;

	for (int i = 0; i < 300; i++)
		kept += sample(1000, memory, least, most, thirds);
	for (int i = 0; i < 3; i++)
		CHECK(abs((int) thirds[i] - (int) kept / 3) < 6 * sqrt(kept * 2.0 / 9),
			  "%s: %u of %u in a third", what, thirds[i], kept);
}

int
main(void)
{
	uint32_t	thirds[3] = {0};
	size_t		memory = reservoir_memory(100, 500, 1 << 20);

	CHECK(memory == 100 * (504 + sizeof(ReservoirItem)), "memory of all");
	CHECK(reservoir_memory(100, 500, 10000) < 10000, "memory of a part");
	CHECK(reservoir_memory(100, 500, 500) == 0, "no memory");
	test_samples(memory, 500, 500, "equal");
	test_samples(reservoir_memory(100, 1, 1 << 20), 1, 1, "small");
	test_samples(reservoir_memory(100, 1000, 3000), 1000, 1000, "two");
	test_samples(10000, 1, 1000, "of all sizes");
	test_samples(200000, 1, 1000, "of all sizes, with room");
	/* with room all places are taken, without it some are */
	CHECK(sample(1000, memory, 500, 500, thirds) == 100, "equal");
	CHECK(sample(1000, 200000, 1, 1000, thirds) == 100, "with room");
	CHECK(sample(1000, 10000, 1, 1000, thirds) >= 6, "of all sizes");
	CHECK(sample(60, memory, 500, 500, thirds) == 60, "few");
	return check_end("reservoir_test");
}
