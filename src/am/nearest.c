/*
 * nearest.c - a heap of the nearest distances
 */
#include "am/nearest.h"

#include "utils/memutils.h"

#define LEAST_ROOM	16

void
nearest_reset(NearestFound *nearest, uint64 wanted)
{
	nearest->wanted = wanted;
	nearest->count = 0;
	if (nearest->room > 0)
		return;
	nearest->room = LEAST_ROOM;
	nearest->distances = palloc(sizeof(float) * nearest->room);
}

/* Moves a distance up from a free place. */
static void
move_up(float *heap, uint64 i, float distance)
{
	for (; i > 0 && distance > heap[(i - 1) / 2]; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = distance;
}

/* Replaces the first distance by a lesser one. */
static void
replace_first(float *heap, uint64 count, float distance)
{
	uint64		i = 0;

	for (uint64 child; (child = 2 * i + 1) < count; i = child)
	{
		if (child + 1 < count && heap[child + 1] > heap[child])
			child++;
		if (distance >= heap[child])
			break;
		heap[i] = heap[child];
	}
	heap[i] = distance;
}

void
nearest_note(NearestFound *nearest, float distance)
{
	if (nearest->count == nearest->wanted)
	{
		if (nearest->wanted > 0 && distance < nearest->distances[0])
			replace_first(nearest->distances, nearest->count, distance);
		return;
	}
	if (nearest->count == nearest->room)
	{
		nearest->room *= 2;
		nearest->distances = repalloc_huge(nearest->distances, sizeof(float) * nearest->room);
	}
	move_up(nearest->distances, nearest->count++, distance);
}
