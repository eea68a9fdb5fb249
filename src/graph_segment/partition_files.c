/*
 * partition_files.c - the temporary files of a build in partitions
 */
#include "graph_segment/partition_files.h"

#include "miscadmin.h"
#include "utils/memutils.h"

char *
partition_room(PartitionState *state, Size size)
{
	if (size > state->record_room)
	{
		state->record_room = size;
		state->record = state->record ? repalloc_huge(state->record, size) :
			MemoryContextAllocHuge(CurrentMemoryContext, size);
	}
	return state->record;
}

void
partition_put(SegmentBuild *build, BufFile **file, void *head, Size head_size,
			  const char *bytes, Size size)
{
	if (*file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(build->context);

		*file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	BufFileWrite(*file, head, head_size);
	BufFileWrite(*file, unconstify(char *, bytes), size);
}

void
partition_close(BufFile **file)
{
	if (*file != NULL)
		BufFileClose(*file);
	*file = NULL;
}

bool
partition_next_row(PartitionState *state, BufFile *file, RowHead *head, const char **payload)
{
	char	   *bytes;

	CHECK_FOR_OTHERS();
	if (file == NULL || !temporary_read_head(file, head, sizeof(*head)))
		return false;
	bytes = partition_room(state, head->size);
	temporary_read(file, bytes, head->size);
	*payload = bytes;
	return true;
}

void
partition_begin_reading(SegmentBuild *build, BufFile *file)
{
	build_wait(build);
	if (file)
		temporary_rewind(file);
}
