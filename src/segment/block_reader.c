/*
 * block_reader.c - reading blocks of an object together
 */
#include "segment/block_reader.h"

#define FIRST_ROOM		64

void
block_batch_add_stored(const BlockReader *reader, BlockBatch *batch, BlockNumber place)
{
	TierPage	page = stored_page(&reader->extent, place);
	const TierPage *last = batch->stored_count > 0 ?
		&batch->stored[batch->stored_count - 1] : NULL;

	if (block_batch_is_full(batch) ||
		(last && last->object == page.object && last->block == page.block))
		return;
	if (batch->stored_count == batch->stored_room)
	{
		batch->stored_room = Max(batch->stored_room * 2, FIRST_ROOM);
		batch->stored = batch->stored ?
			repalloc(batch->stored, sizeof(TierPage) * batch->stored_room) :
			palloc(sizeof(TierPage) * batch->stored_room);
	}
	batch->stored[batch->stored_count++] = page;
}

void
block_batch_read_stored(Relation index, BlockBatch *batch)
{
	stored_fetch(index, batch->stored, batch->stored_count, batch->rings > 0);
	pfree(batch->stored);
	batch->stored = NULL;
	batch->stored_count = batch->stored_room = 0;
}
