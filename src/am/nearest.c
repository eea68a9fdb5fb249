/*
 * nearest.c - a heap of the nearest distances
 */
#include "am/nearest.h"

#include "segment/space.h"

void
nearest_note(NearestFound *nearest, float distance)
{
	GraphHeap  *heap = &nearest->heap;

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
