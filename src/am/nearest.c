/*
 * nearest.c - heaps of the nearest distances
 */
#include "am/nearest.h"

#include "segment/space.h"

void
nearest_note(NearestFound *nearest, float distance)
{
	GraphHeap  *heap = &nearest->heap;

	if (nearest->shared)
	{
		nearest_shared_note(nearest->shared, distance);
		return;
	}
	if (heap->count == nearest->wanted)
	{
		if (nearest->wanted == 0 || distance >= -nearest->heap.items[0].distance)
			return;
		(void) graph_heap_pop(heap);
	}
	/* without memory it raises an error */
	(void) graph_heap_push(heap, space_graph_memory(nearest->context),
						   (GraphCandidate) {-distance, 0});
}

Size
nearest_shared_size(uint32 room)
{
	return MAXALIGN(offsetof(NearestShared, heap) + sizeof(double) * room);
}

void
nearest_shared_init(NearestShared *shared, uint32 room)
{
	SpinLockInit(&shared->lock);
	shared->room = room;
	pg_atomic_init_u64(&shared->bound, 0);
	nearest_shared_reset(shared);
}

static uint64
bits_of(double value)
{
	uint64		bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

void
nearest_shared_reset(NearestShared *shared)
{
	shared->wanted = shared->count = 0;
	pg_atomic_write_u64(&shared->bound, bits_of(INFINITY));
}

bool
nearest_shared_begin(NearestShared *shared, uint64 wanted)
{
	bool		same;

	if (wanted == 0 || wanted > shared->room)
		return false;
	SpinLockAcquire(&shared->lock);
	if (shared->wanted == 0)
		shared->wanted = (uint32) wanted;
	same = shared->wanted == wanted;
	SpinLockRelease(&shared->lock);
	return same;
}

/* Moves a distance up from the end of a heap. */
static void
sift_up(double *heap, uint32 place, double distance)
{
	while (place > 0 && heap[(place - 1) / 2] < distance)
	{
		heap[place] = heap[(place - 1) / 2];
		place = (place - 1) / 2;
	}
	heap[place] = distance;
}

/* Puts a distance in place of the first of a heap. */
static void
replace_first(double *heap, uint32 count, double distance)
{
	uint32		place = 0;
	uint32		child;

	while ((child = 2 * place + 1) < count)
	{
		if (child + 1 < count && heap[child + 1] > heap[child])
			child++;
		if (heap[child] <= distance)
			break;
		heap[place] = heap[child];
		place = child;
	}
	heap[place] = distance;
}

void
nearest_shared_note(NearestShared *shared, double distance)
{
	/* the bound only falls */
	if (distance >= nearest_shared_bound(shared))
		return;
	SpinLockAcquire(&shared->lock);
	if (shared->count < shared->wanted)
		sift_up(shared->heap, shared->count++, distance);
	else if (distance < shared->heap[0])
		replace_first(shared->heap, shared->count, distance);
	if (shared->count == shared->wanted)
		pg_atomic_write_u64(&shared->bound, bits_of(shared->heap[0]));
	SpinLockRelease(&shared->lock);
}

double
nearest_shared_bound(NearestShared *shared)
{
	uint64		bits = pg_atomic_read_u64(&shared->bound);
	double		bound;

	memcpy(&bound, &bits, sizeof(bound));
	return bound;
}
