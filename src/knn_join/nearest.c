/*
 * nearest.c - the k nearest rows of a query
 */
#include "knn_join/nearest.h"

static bool
farther(const Near *a, const Near *b)
{
	if (a->distance == b->distance || (isnan(a->distance) && isnan(b->distance)))
		return a->row > b->row;
	return isnan(a->distance) || a->distance > b->distance;
}

/* Puts an entry in the place of the first of `count`, and the heap in order. */
static void
sift(Near *heap, uint32_t count, Near entry)
{
	uint32_t	hole = 0;

	for (uint32_t child; (child = 2 * hole + 1) < count; hole = child)
	{
		if (child + 1 < count && farther(&heap[child + 1], &heap[child]))
			child++;
		if (!farther(&heap[child], &entry))
			break;
		heap[hole] = heap[child];
	}
	heap[hole] = entry;
}

bool
nearest_add(Nearest *nearest, uint32_t k, double distance, uint64_t row)
{
	Near		entry = {.distance = distance, .row = row};
	uint32_t	hole = nearest->count;

	if (nearest->count == k)
	{
		if (!farther(&nearest->heap[0], &entry))
			return false;
		sift(nearest->heap, k, entry);
		return true;
	}
	nearest->count++;
	for (; hole > 0 && farther(&entry, &nearest->heap[(hole - 1) / 2]); hole = (hole - 1) / 2)
		nearest->heap[hole] = nearest->heap[(hole - 1) / 2];
	nearest->heap[hole] = entry;
	return true;
}

void
nearest_sort(Nearest *nearest)
{
	for (uint32_t left = nearest->count; left-- > 1;)
	{
		Near		last = nearest->heap[left];

		nearest->heap[left] = nearest->heap[0];
		sift(nearest->heap, left, last);
	}
}
