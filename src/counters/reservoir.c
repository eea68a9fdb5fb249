/*
 * reservoir.c - a uniform sample of things that come one after the other
 */
#include "counters/reservoir.h"

#include <string.h>

#define NO_OFFSET	UINT32_MAX	/* of a thing that is not in the memory yet */

static inline uint32_t
aligned(size_t size)
{
	return (uint32_t) ((size + 7) & ~(size_t) 7);
}

/*
 * A number below a limit: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).  A remainder will do, as
 * limits are far below 2^64.
 */
static uint64_t
choose(Reservoir *reservoir, uint64_t limit)
{
	uint64_t	z = reservoir->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return z % limit;
}

size_t
reservoir_memory(uint32_t things, size_t size, size_t most)
{
	size_t		each = sizeof(ReservoirItem) + aligned(size);

	if (each > most)
		return 0;
	return each * (most / each < things ? most / each : things);
}

void
reservoir_init(Reservoir *reservoir, size_t memory, size_t size, uint32_t things)
{
	size_t		most = memory / (sizeof(ReservoirItem) + aligned(size));
	uint64_t	random = reservoir->random;

	memset(reservoir, 0, sizeof(Reservoir));
	reservoir->random = random;
	reservoir->places = reservoir->capacity = most < things ? (uint32_t) most : things;
	reservoir->room = (uint32_t) (memory - reservoir->places * sizeof(ReservoirItem)) & ~7U;
}

bool
reservoir_take(Reservoir *reservoir, uint32_t *place)
{
	uint64_t	chosen;

	reservoir->seen++;
	if (reservoir->count < reservoir->capacity)
	{
		*place = reservoir->count;
		return true;
	}
	chosen = choose(reservoir, reservoir->seen);
	*place = (uint32_t) chosen;
	return chosen < reservoir->capacity;
}

/* Moves all data to the front, in their order. */
static void
compact(Reservoir *reservoir, void *memory)
{
	ReservoirItem *items = memory;
	char	   *data = (char *) memory + reservoir->places * sizeof(ReservoirItem);
	uint32_t	end = 0;

	for (;;)
	{
		ReservoirItem *next = NULL;

		for (uint32_t i = 0; i < reservoir->count; i++)
			if (items[i].offset != NO_OFFSET && items[i].offset >= end &&
				(next == NULL || items[i].offset < next->offset))
				next = &items[i];
		if (next == NULL)
			break;
		memmove(data + end, data + next->offset, next->size);
		next->offset = end;
		end += aligned(next->size);
	}
	reservoir->end = end;
}

void
reservoir_keep(Reservoir *reservoir, void *memory, uint32_t place, ReservoirItem item,
			   const void *data)
{
	ReservoirItem *items = memory;
	uint32_t	size = aligned(item.size);

	item.offset = NO_OFFSET;
	if (place == reservoir->count)
		reservoir->count++;
	else
	{
		reservoir->used -= aligned(items[place].size);
		if (aligned(items[place].size) == size)
			item.offset = items[place].offset;
	}
	items[place] = item;
	reservoir->used += size;
	while (reservoir->used > reservoir->room)
	{
		uint32_t	dropped = (uint32_t) choose(reservoir, reservoir->count);

		reservoir->used -= aligned(items[dropped].size);
		items[dropped] = items[--reservoir->count];
		reservoir->capacity = reservoir->count;
		if (dropped == place)
			return;
		if (place == reservoir->count)
			place = dropped;
	}
	if (items[place].offset == NO_OFFSET)
	{
		if (reservoir->end + size > reservoir->room)
			compact(reservoir, memory);
		items[place].offset = reservoir->end;
		reservoir->end += size;
	}
	memcpy((char *) memory + reservoir->places * sizeof(ReservoirItem) + items[place].offset,
		   data, item.size);
}
