/*
 * tid_set.c - a set of rows of a table, by page
 */
#include "segment/tid_set.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Pages are looked up by block if all are within so many blocks, otherwise by a binary search. */
#define MOST_BLOCKS		((Size) 16 * 1024 * 1024)

/* A set that grows. */
typedef struct Growth
{
	TidSet	   *set;
	uint32		page_room;
	uint32		offset_count;
	uint32		offset_room;
} Growth;

static void *
grow(void *memory, uint32 *room, Size item)
{
	*room *= 2;
	return repalloc_huge(memory, *room * item);
}

/* Adds a page, after all others. */
static void
add_page(Growth *growth, BlockNumber block, const OffsetNumber *offsets, int count)
{
	TidSet	   *set = growth->set;

	CHECK_FOR_INTERRUPTS();
	if (set->count == growth->page_room)
		set->pages = grow(set->pages, &growth->page_room, sizeof(TidPage));
	while (growth->offset_count + Max(count, 0) > growth->offset_room)
		set->offsets = grow(set->offsets, &growth->offset_room, sizeof(OffsetNumber));
	set->pages[set->count++] = (TidPage) {
		block, growth->offset_count, (uint16) Max(count, 0), count < 0
	};
	if (count < 0)
		set->lossy++;
	else
		memcpy(set->offsets + growth->offset_count, offsets, count * sizeof(OffsetNumber));
	growth->offset_count += Max(count, 0);
}

#if PG_VERSION_NUM >= 180000
static void
add_pages(Growth *growth, TIDBitmap *bitmap)
{
	TBMPrivateIterator *pages = tbm_begin_private_iterate(bitmap);
	OffsetNumber offsets[MaxHeapTuplesPerPage];
	TBMIterateResult page;

	while (tbm_private_iterate(pages, &page))
		add_page(growth, page.blockno, offsets, page.lossy ? -1 :
				 tbm_extract_page_tuple(&page, offsets, MaxHeapTuplesPerPage));
	tbm_end_private_iterate(pages);
}
#else
static void
add_pages(Growth *growth, TIDBitmap *bitmap)
{
	TBMIterator *pages = tbm_begin_iterate(bitmap);
	TBMIterateResult *page;

	while ((page = tbm_iterate(pages)) != NULL)
		add_page(growth, page->blockno, page->offsets, page->ntuples);
	tbm_end_iterate(pages);
}
#endif

TidSet *
tid_set_create(TIDBitmap *bitmap)
{
	Growth		growth = {palloc0(sizeof(TidSet)), 64, 0, 256};

	growth.set->pages = palloc(growth.page_room * sizeof(TidPage));
	growth.set->offsets = palloc(growth.offset_room * sizeof(OffsetNumber));
	add_pages(&growth, bitmap);
	return growth.set;
}

/* Prepares to look up pages by block, unless the blocks are too far apart. */
static void
prepare_look_up(TidSet *set)
{
	BlockNumber first = set->pages[0].block;
	Size		blocks = (Size) (set->pages[set->count - 1].block - first) + 1;

	set->prepared = true;
	if (blocks > MOST_BLOCKS)
		return;
	set->by_block = MemoryContextAllocExtended(GetMemoryChunkContext(set), blocks * sizeof(uint32),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < set->count; i++)
		set->by_block[set->pages[i].block - first] = i + 1;
}

/* The page of a block; NULL if none of its rows is in the set. */
static const TidPage *
find_page(TidSet *set, BlockNumber block)
{
	uint32		low = 0;
	uint32		high = set->count;

	if (set->count == 0 || block < set->pages[0].block ||
		block > set->pages[set->count - 1].block)
		return NULL;
	if (!set->prepared)
		prepare_look_up(set);
	if (set->by_block)
	{
		uint32		number = set->by_block[block - set->pages[0].block];

		return number > 0 ? &set->pages[number - 1] : NULL;
	}
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (set->pages[middle].block < block)
			low = middle + 1;
		else
			high = middle;
	}
	return set->pages[low].block == block ? &set->pages[low] : NULL;
}

bool
tid_set_has(TidSet *set, const ItemPointerData *tid)
{
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(tid);
	const TidPage *page = find_page(set, ItemPointerGetBlockNumberNoCheck(tid));
	uint32		low;
	uint32		high;

	if (page == NULL || page->lossy)
		return page != NULL;
	low = page->first;
	high = low + page->count;
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (set->offsets[middle] < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < page->first + page->count && set->offsets[low] == offset;
}
