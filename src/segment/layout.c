/*
 * layout.c - where the parts of a sealed segment are
 */
#include "segment/layout.h"

void
sealed_shift_places(SealedHeader *header, BlockNumber from, int blocks)
{
	BlockNumber *parts[] = {
		&header->mean, &header->tombstones, &header->tids, &header->entries, &header->lists.list,
		&header->lists.codes, &header->lists.fine, &header->cold, &header->codes,
		&header->disk.codes, &header->disk.links, &header->disk.cells, &header->added,
		&header->manifest, &header->inverted.terms, &header->inverted.chunks,
		&header->inverted.postings, &header->axes, &header->words.dictionary,
		&header->packed.lengths, &header->packed.lists
	};

	for (int i = 0; i < lengthof(parts); i++)
		if (*parts[i] >= from)
			*parts[i] += blocks;
	for (uint32 l = 0; l < header->levels; l++)
		if (header->level[l].first >= from)
			header->level[l].first += blocks;
	header->blocks += blocks;
}
