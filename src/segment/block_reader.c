/*
 * block_reader.c - reading blocks of an object together
 */
#include "segment/block_reader.h"

#define FIRST_ROOM		64

void
block_batch_add_stored(BlockBatch *batch, BlockNumber place)
{
	if (batch->stored_count == batch->stored_room)
	{
		batch->stored_room = Max(batch->stored_room * 2, FIRST_ROOM);
		batch->stored = batch->stored ?
			repalloc(batch->stored, sizeof(BlockNumber) * batch->stored_room) :
			palloc(sizeof(BlockNumber) * batch->stored_room);
	}
	batch->stored[batch->stored_count++] = place;
}

void
block_batch_read_stored(const BlockReader *reader, BlockBatch *batch)
{
	stored_fetch(&reader->extent, batch->stored, batch->stored_count, batch->once);
	pfree(batch->stored);
	batch->stored = NULL;
	batch->stored_count = batch->stored_room = 0;
}
