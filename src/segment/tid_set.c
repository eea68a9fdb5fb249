/*
 * tid_set.c - a set of rows of a table, by page
 */
#include "segment/tid_set.h"

#include "access/htup_details.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

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

/* Makes the hash table of pages; it belongs to the set. */
static void
make_slots(TidSet *set)
{
	uint64		slots = pg_nextpower2_64(Max((uint64) set->count * 2, 16));

	set->slots = MemoryContextAllocExtended(GetMemoryChunkContext(set), slots * sizeof(uint32),
											MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	set->mask = slots - 1;
	for (uint32 i = 0; i < set->count; i++)
	{
		uint64		slot = murmurhash32(set->pages[i].block) & set->mask;

		while (set->slots[slot] != 0)
			slot = (slot + 1) & set->mask;
		set->slots[slot] = i + 1;
	}
}

/* The page of a block; NULL if none of its rows is in the set. */
static const TidPage *
find_page(TidSet *set, BlockNumber block)
{
	if (set->slots == NULL)
		make_slots(set);
	for (uint64 slot = murmurhash32(block) & set->mask; set->slots[slot] != 0;
		 slot = (slot + 1) & set->mask)
	{
		const TidPage *page = &set->pages[set->slots[slot] - 1];

		if (page->block == block)
			return page;
	}
	return NULL;
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
