/*
 * places.c - checks of what headers of sealed segments have in common
 */
#include "segment/places.h"

#include "segment/directory.h"
#include "segment/layout.h"

/* No node is longer than this. */
#define MAX_NODE			(1024 * 1024)

bool
place_is_within(uint32 blocks, const ArrayPlace *array)
{
	uint64		used = array->per_block > 0 ?
		(array->count + array->per_block - 1) / array->per_block :
		(array->count * array->size + PAYLOAD_SIZE - 1) / PAYLOAD_SIZE;

	return array->per_block * array->size <= PAYLOAD_SIZE && array->first > 0 &&
		array->first <= blocks && used <= blocks - array->first;
}

void
sealed_wrong_header(Relation index, uint32 uid, const char *what)
{
	sealed_damaged(index, "The header of segment %u has a wrong %s.", uid, what);
	pg_unreachable();
}

void
sealed_check_place(Extent extent, const SealedHeader *header, const ArrayPlace *array)
{
	/* version 2 does not have the number */
	if (!place_is_within(header->blocks > 0 ? header->blocks : extent.blocks, array))
		sealed_wrong_header(extent.index, extent.uid, array->what);
}

/* What a segment's entry and its header say of its format. */
static void
check_entry(Relation index, const SegmentEntry *entry, const SealedHeader *header)
{
	bool		local = entry->where == EXTENT_LOCAL;

	if (entry->version >= 3 &&
		(header->blocks != segment_blocks(entry) || header->cold > header->blocks ||
		 (!local && header->cold != entry->blocks) || local != (header->manifest == 0)))
		sealed_damaged(index, "Segment %u has %u blocks, from %u on cold ones, the directory says "
					   "%u.", entry->uid, header->blocks, header->cold, entry->blocks);
}

/* Nodes are where their numbers say, or, if they differ in size, where their ids do. */
static void
check_nodes(Extent extent, const SealedHeader *header)
{
	const NodeLayout *layout = &header->layout;

	if (header->levels > GRAPH_LEVELS)
		sealed_wrong_header(extent.index, extent.uid, "number of levels");
	if (layout->size > 0 ?
		layout->vector < sizeof(SealedNode) || layout->vector >= layout->size ||
		layout->size > MAX_NODE || layout->size % sizeof(uint32) != 0 ||
		(layout->per == 0 ? layout->unit != layout->size :
		 (uint64) layout->per * layout->size > (uint64) layout->span * PAYLOAD_SIZE ||
		 layout->span > MAX_NODE || (layout->per > 1 && layout->span > 1)) :
		layout->per > 0 || layout->unit > MAX_NODE || layout->vector > PAYLOAD_SIZE)
		sealed_wrong_header(extent.index, extent.uid, "layout of nodes");
	for (uint32 l = 0; l < header->levels; l++)
	{
		const SealedLevel *level = &header->level[l];
		uint64		blocks = layout->size > 0 ? layout->per > 0 ?
			((uint64) level->nodes + layout->per - 1) / layout->per * layout->span :
			((uint64) level->nodes * layout->size + PAYLOAD_SIZE - 1) / PAYLOAD_SIZE : 0;
		const ArrayPlace place = {"place of nodes", level->first, level->blocks, PAYLOAD_SIZE, 1};

		if (blocks > level->blocks)
			sealed_wrong_header(extent.index, extent.uid, "number of nodes");
		if (level->blocks > 0)
			sealed_check_place(extent, header, &place);
	}
}

void
sealed_check_header(Relation index, const Space *space, const SegmentEntry *entry,
					const SealedHeader *header)
{
	Extent		extent = extent_of(index, entry);
	const ArrayPlace places[] = {
		{"place of the mean", header->mean, header->padded, sizeof(float), 0},
		{"place of tombstones", header->tombstones, 1,
		sizeof(TombstoneHeader) + header->rows / 8 + 1, 0},
		{"place of rows", header->tids, header->rows, sizeof(SealedRow), SEALED_ROWS}
	};

	check_entry(index, entry, header);
	if (header->padded > 0 && (!space->coded || header->padded != rotation_padded(space->dims)))
		sealed_wrong_header(index, entry->uid, "number of dimensions");
	if (header->nodes > header->rows)
		sealed_wrong_header(index, entry->uid, "number of nodes");
	if (header->attribute_count > SEGMENT_MAX_ATTRIBUTES)
		sealed_wrong_header(index, entry->uid, "number of attributes");
	for (int i = 0; i < lengthof(places); i++)
		if (places[i].count > 0)
			sealed_check_place(extent, header, &places[i]);
	check_nodes(extent, header);
}

Size
sealed_payload_size(Relation index, const Space *space, uint32 first)
{
	if (space->element == SPACE_WORDS)
	{
		if (unlikely(first < sizeof(uint32) || first > WORDS_MAX_SIZE))
			sealed_damaged(index, "A document has %u bytes.", first);
		return first;
	}
	if (unlikely(first > SPACE_MAX_NNZ))
		sealed_damaged(index, "A sparse vector has %u elements.", first);
	return SPACE_SPARSE_SIZE(first);
}
