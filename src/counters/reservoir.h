/*
 * reservoir.h - a uniform sample of things that come one after the other, in a bounded memory
 *
 * Algorithm R (Vitter, ACM TOMS 11(1), 1985): of things that all have the same size, each of those
 * seen is in the sample with the same probability.  Things of several sizes may exceed the memory;
 * then some are dropped at random, and the sample stays so small, which keeps it uniform.
 *
 * What has to be known to decide about a thing is apart from the memory of the sample.  There is no
 * pointer in either, so both may be shared.
 */
#ifndef VECTOR_COUNTERS_RESERVOIR_H
#define VECTOR_COUNTERS_RESERVOIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Reservoir
{
	uint64_t	seen;
	uint64_t	random;			/* state of the choices */
	uint32_t	places;			/* in the memory's array */
	uint32_t	capacity;		/* things that are kept, at most `places` */
	uint32_t	count;			/* that are kept now */
	uint32_t	room;			/* bytes of data */
	uint32_t	used;			/* of these, by what is kept */
	uint32_t	end;			/* beyond it, nothing is used */
} Reservoir;

/* A thing that is kept. */
typedef struct ReservoirItem
{
	int64_t		when;
	int32_t		number;
	uint32_t	size;
	uint32_t	offset;			/* in the data, a multiple of 8 */
	uint32_t	spare;
} ReservoirItem;

/* The memory begins with `places` items, and data of `room` bytes follow. */
static inline const void *
reservoir_data(const Reservoir *reservoir, const void *memory, const ReservoirItem *item)
{
	return (const char *) memory + reservoir->places * sizeof(ReservoirItem) + item->offset;
}

/* The memory for so many things of a size, but at most so much; 0: it has room for none. */
extern size_t reservoir_memory(uint32_t things, size_t size, size_t most);

/* Begins with nothing, in a memory of this size, for so many things of a size; 0: of several. */
extern void reservoir_init(Reservoir *reservoir, size_t memory, size_t size, uint32_t things);

/* Counts a thing; returns whether it comes into the sample, and then the place for it. */
extern bool reservoir_take(Reservoir *reservoir, uint32_t *place);

/*
 * Keeps it there, with what the item says of it but for its offset; it is not larger than the room.
 * It may be among those that are dropped for lack of room.
 */
extern void reservoir_keep(Reservoir *reservoir, void *memory, uint32_t place,
						   ReservoirItem item, const void *data);

#endif							/* VECTOR_COUNTERS_RESERVOIR_H */
