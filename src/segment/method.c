/*
 * method.c - the table of methods
 */
#include "segment/method.h"

static const SegmentMethod *methods[SEGMENT_METHODS];

void
segment_register(const SegmentMethod *method)
{
	methods[method->id] = method;
}

const SegmentMethod *
segment_method(const Space *space)
{
	Assert(space->method < SEGMENT_METHODS && methods[space->method] != NULL);
	return methods[space->method];
}

const SegmentMethod *
segment_method_of(const SegmentEntry *entry)
{
	return entry->method < SEGMENT_METHODS ? methods[entry->method] : NULL;
}

void
segment_space(const Directory *directory, Space *space)
{
	space_init(space, directory->element, directory->metric, directory->storage, directory->dims,
			   directory->seed);
	space->method = directory->method;
	if (segment_method(space)->init_space)
		segment_method(space)->init_space(space, directory);
}
