/*
 * points.c - centroids in the payloads of their blocks
 */
#include "list_segment/points.h"

#include "access/xlog.h"
#include "miscadmin.h"

#include "segment/recent.h"

static void
leave_block(CentroidPoints *points)
{
	if (points->block == InvalidBlockNumber)
		return;
	if (points->lock)
		LockBuffer(points->buffer, BUFFER_LOCK_UNLOCK);
	ReleaseBuffer(points->buffer);
	points->block = InvalidBlockNumber;
}

/* The payload of a block; valid until another block is visited. */
static const char *
visit_block(CentroidPoints *points, BlockNumber block)
{
	if (block != points->block)
	{
		leave_block(points);
		CHECK_FOR_INTERRUPTS();
		points->buffer = recent_pin(points->index, block);
		points->block = block;
		if (points->lock)
			LockBuffer(points->buffer, BUFFER_LOCK_SHARE);
		extent_check_page(points->index, BufferGetPage(points->buffer), block, points->uid);
	}
	return BlockGetPayload(BufferGetPage(points->buffer));
}

/* The address of a centroid, and how many follow it in its block. */
static size_t
open_points(void *arg, uint32_t l, const float **at)
{
	CentroidPoints *points = arg;
	Size		size = sizeof(float) * points->base.dims;
	uint64		offset = (uint64) l * size;
	BlockNumber block = points->first + (BlockNumber) (offset / PAYLOAD_SIZE);
	Size		start = offset % PAYLOAD_SIZE;
	Size		done = 0;

	if (start + size <= PAYLOAD_SIZE)
	{
		*at = (const float *) (visit_block(points, block) + start);
		return Min((PAYLOAD_SIZE - start) / size, points->base.k - l);
	}
	for (; done < size; block++, start = 0)
	{
		Size		part = Min(size - done, PAYLOAD_SIZE - start);

		memcpy((char *) points->scratch + done, visit_block(points, block) + start, part);
		done += part;
	}
	*at = points->scratch;
	return 1;
}

void
centroid_points_open(CentroidPoints *points, Relation index, BlockNumber first, uint32 uid,
					 const CentroidsHeader *header)
{
	*points = (CentroidPoints) {
		.base = {header->lists, header->width, open_points, points},
		.index = index,
		.first = first + header->centroids,
		.uid = uid,
		.lock = RecoveryInProgress(),
		.block = InvalidBlockNumber,
		.scratch = palloc(sizeof(float) * header->width)
	};
}

void
centroid_points_close(CentroidPoints *points)
{
	leave_block(points);
	if (points->scratch)
		pfree(points->scratch);
	points->scratch = NULL;
}
