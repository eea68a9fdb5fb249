/*
 * points.c - centroids in the payloads of their blocks
 */
#include "list_segment/points.h"

#include "miscadmin.h"

static void
leave_block(CentroidPoints *points)
{
	if (block_is_open(&points->token))
		block_close(&points->reader, &points->token);
}

/* The payload of a block; valid until another block is visited. */
static const char *
visit_block(CentroidPoints *points, BlockNumber place)
{
	if (!block_is_open(&points->token) || place != points->place)
	{
		leave_block(points);
		CHECK_FOR_INTERRUPTS();
		points->payload = block_open(&points->reader, place, &points->token);
		points->place = place;
	}
	return points->payload;
}

/* The address of a centroid, and how many follow it in its block. */
static size_t
open_points(void *arg, uint32_t l, const float **at)
{
	CentroidPoints *points = arg;
	Size		size = sizeof(float) * points->base.dims;
	uint64		offset = (uint64) l * size;
	BlockNumber place = points->start + (BlockNumber) (offset / PAYLOAD_SIZE);
	Size		start = offset % PAYLOAD_SIZE;
	Size		done = 0;

	if (start + size <= PAYLOAD_SIZE)
	{
		*at = (const float *) (visit_block(points, place) + start);
		return Min((PAYLOAD_SIZE - start) / size, points->base.k - l);
	}
	for (; done < size; place++, start = 0)
	{
		Size		part = Min(size - done, PAYLOAD_SIZE - start);

		memcpy((char *) points->scratch + done, visit_block(points, place) + start, part);
		done += part;
	}
	*at = points->scratch;
	return 1;
}

void
centroid_points_open(CentroidPoints *points, Extent extent, const CentroidsHeader *header)
{
	*points = (CentroidPoints) {
		.base = {header->lists, header->width, open_points, points},
		.start = header->centroids,
		.scratch = palloc(sizeof(float) * header->width)
	};
	block_reader_begin(&points->reader, extent);
}

void
centroid_points_close(CentroidPoints *points)
{
	leave_block(points);
	if (points->scratch)
		pfree(points->scratch);
	points->scratch = NULL;
}
