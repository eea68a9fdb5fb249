/*
 * layout.c - work vectors, and the sizes of what is stored of rows
 */
#include "list_segment/layout.h"

#include "quantize/fine.h"
#include "quantize/product.h"
#include "segment/code_groups.h"
#include "segment/layout.h"

uint32
lists_work_width(const Space *space)
{
	return space->coded ? space->rotation.padded : (uint32) space->dims;
}

void
lists_work_vector(const Space *space, const char *payload, float *out)
{
	float		scale = space->metric == SPACE_COSINE ? 1 / space_norm(space, payload) : 1;
	uint32		width = lists_work_width(space);

	if (space->element == SPACE_BIT)
	{
		/* from the highest bit of a byte on */
		for (int i = 0; i < space->dims; i++)
			out[i] = (uint8) payload[i / 8] >> (7 - i % 8) & 1;
		return;
	}
	space_floats(space, payload, out);
	if (space->coded)
		rotation_apply(&space->rotation, out, out);
	for (uint32 i = 0; i < width && scale != 1; i++)
		out[i] *= scale;
}

uint32
lists_fine_bits(const Space *space)
{
	switch (space->quantizer)
	{
		case QUANTIZER_RABITQ:
			return space->bits > 1 ? space->bits : 0;
		case QUANTIZER_SQ8:
			return 8;
		case QUANTIZER_SQ4:
			return 4;
		default:
			return 0;
	}
}

void
lists_layout(const Space *space, SealedHeader *header)
{
	SealedLists *lists = &header->lists;
	uint32		padded = space->coded ? space->rotation.padded : 0;

	header->padded = padded;
	if (space->coded)
	{
		lists->code_bytes = space->quantizer == QUANTIZER_PQ ?
			(uint32) product_code_size(space->pq_m) : padded / 8;
		lists->group_size = code_group_size(lists->code_bytes);
		lists->groups_per_block = elements_per_block(lists->group_size);
	}
	if (lists_fine_bits(space) > 0)
	{
		lists->fine_size = sizeof(FineFactors) +
			(uint32) fine_size(lists_fine_bits(space), padded);
		lists->fines_per_block = elements_per_block(lists->fine_size);
	}
	if (space->storage == STORAGE_NONE)
		return;
	node_layout_plain(&header->layout, space_stored_size(space, space->storage), space->storage);
}
