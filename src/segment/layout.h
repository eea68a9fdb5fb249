/*
 * layout.h - how nodes of one size are placed in the blocks of their level, and parts in a segment
 */
#ifndef VECTOR_SEGMENT_LAYOUT_H
#define VECTOR_SEGMENT_LAYOUT_H

#include "segment/extent.h"

/*
 * Decides how nodes of layout->size bytes are placed.  A node within one block is read faster; if
 * that wastes more than a quarter of the blocks, or an eighth with vectors of bytes, nodes are
 * packed without gaps.
 */
static inline void
node_layout_place(NodeLayout *layout, SpaceStorage storage)
{
	int			part = storage == STORAGE_SQ8 || storage == STORAGE_BYTES ? 8 : 4;

	layout->unit = layout->size;
	layout->span = (layout->size + PAYLOAD_SIZE - 1) / PAYLOAD_SIZE;
	layout->per = Max(PAYLOAD_SIZE / layout->size, 1);
	if ((Size) layout->span * PAYLOAD_SIZE - (Size) layout->per * layout->size >
		(Size) layout->span * PAYLOAD_SIZE / part)
		layout->per = layout->span = 0;
}

/* The layout of nodes without neighbours, of a head and a vector of `stored` bytes. */
static inline void
node_layout_plain(NodeLayout *layout, Size stored, SpaceStorage storage)
{
	layout->vector = sizeof(SealedNode);
	layout->size = TYPEALIGN(sizeof(uint32), layout->vector + stored);
	node_layout_place(layout, storage);
}

/* Whether nodes differ in size, so that their ids are not their numbers. */
static inline bool
node_layout_differs(const NodeLayout *layout)
{
	return layout->size == 0 && layout->unit > 0;
}

/* Writes the next node of a level. */
static inline void
node_layout_put(const NodeLayout *layout, ExtentWriter *writer, const SealedNode *node)
{
	if (layout->per > 1)
		extent_writer_keep_whole(writer, layout->size);
	extent_writer_put(writer, node, layout->size);
	/* a node of a block or more fills its blocks */
	if (layout->per == 1)
		extent_writer_skip(writer, (uint64) layout->span * PAYLOAD_SIZE - layout->size);
}

/* The number of blocks that nodes take. */
static inline uint32
node_layout_blocks(const NodeLayout *layout, uint32 nodes)
{
	if (layout->per > 0)
		return extent_blocks_for((nodes + layout->per - 1) / layout->per,
								 (Size) layout->span * PAYLOAD_SIZE, false);
	return extent_blocks_for(nodes, layout->size, false);
}

/* The offset of a node in the payloads of its level. */
static inline uint64
node_layout_offset(const NodeLayout *layout, uint32 id)
{
	if (layout->per == 1)
		return (uint64) id * layout->span * PAYLOAD_SIZE;
	if (layout->per > 0)
		return (uint64) (id / layout->per) * PAYLOAD_SIZE + (id % layout->per) * layout->size;
	return (uint64) id * layout->unit;
}

/* Moves the parts of a segment that begin at a place or after it by so many blocks. */
extern void sealed_shift_places(SealedHeader *header, BlockNumber from, int blocks);

#endif							/* VECTOR_SEGMENT_LAYOUT_H */
