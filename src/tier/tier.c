/*
 * tier.c - pages of objects: opening, and reading many at once
 */
#include "tier/tier.h"

#include "common/hashfn.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define MOST_PAGES	1024		/* that a process keeps */

bool		tier_wait = true;
TierCounters tier_counters;

typedef struct PageKey
{
	uint64		id;
	uint32		block;
	uint32		crc;
} PageKey;

typedef struct KeptPage
{
	PageKey		key;
	int			pins;
	bool		read;			/* else its reading failed */
	uint64		round;			/* of the last tier_fetch that named it */
	char	   *page;
} KeptPage;

typedef struct Held
{
	KeptPage   *page;			/* NULL: free */
	ResourceOwner owner;
} Held;

static HTAB *pages;
static MemoryContext context;
static uint64 round_now;
static Held *held;
static int	held_room;

void
tier_init(void)
{
	DefineCustomBoolVariable("vector.tier_wait",
							 "Whether searches wait for what is in an object store.",
							 "off: they return what they find in the server, with a warning.",
							 &tier_wait, true, PGC_USERSET, 0, NULL, NULL, NULL);
}

uint64
tier_id(const char *key)
{
	return hash_bytes_extended((const unsigned char *) key, strlen(key), 0);
}

/* The pins of a resource owner that is released, or (NULL) of all, are given back. */
static void
release_pins(ResourceOwner owner)
{
	for (int i = 0; i < held_room; i++)
		if (held[i].page != NULL && (owner == NULL || held[i].owner == owner))
		{
			held[i].page->pins--;
			held[i].page = NULL;
		}
}

static void
resource_release(ResourceReleasePhase phase, bool commit, bool top, void *arg)
{
	if (phase == RESOURCE_RELEASE_BEFORE_LOCKS)
		release_pins(CurrentResourceOwner);
}

static void
begin(void)
{
	HASHCTL		control = {.keysize = sizeof(PageKey), .entrysize = sizeof(KeptPage)};

	if (pages != NULL)
		return;
	context = AllocSetContextCreate(TopMemoryContext, "vector tier", ALLOCSET_DEFAULT_SIZES);
	control.hcxt = context;
	pages = hash_create("vector tier", MOST_PAGES, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	RegisterResourceReleaseCallback(resource_release, NULL);
}

static PageKey
key_of(const TierObject *object, uint32 block)
{
	if (block >= object->blocks)
		elog(ERROR, "page %u is beyond the end of object \"%s\"", block, object->key);
	return (PageKey) {object->id, block, object->crcs[block]};
}

static KeptPage *
find_page(const TierObject *object, uint32 block)
{
	PageKey		key = key_of(object, block);
	KeptPage   *page = pages == NULL ? NULL : hash_search(pages, &key, HASH_FIND, NULL);

	return page != NULL && page->read ? page : NULL;
}

static void
drop_page(KeptPage *page)
{
	if (page->page != NULL)
		pfree(page->page);
	hash_search(pages, &page->key, HASH_REMOVE, NULL);
}

/* Drops pages that nobody needs, if there are too many. */
static void
make_room(void)
{
	HASH_SEQ_STATUS status;
	KeptPage   *page;

	if (hash_get_num_entries(pages) < MOST_PAGES)
		return;
	hash_seq_init(&status, pages);
	while ((page = hash_seq_search(&status)) != NULL)
		if (page->pins == 0 && page->round != round_now)
			drop_page(page);
}

void
tier_fetch(const TierObject *object, const uint32 *blocks, int count, bool once)
{
	StoreRange *ranges = palloc(sizeof(StoreRange) * Max(count, 1));
	KeptPage  **wanted = palloc(sizeof(KeptPage *) * Max(count, 1));
	int			missing = 0;

	begin();
	round_now++;
	for (int i = 0; i < count; i++)
	{
		PageKey		key = key_of(object, blocks[i]);
		bool		found;
		KeptPage   *page = hash_search(pages, &key, HASH_ENTER, &found);

		if (!found)
		{
			page->pins = 0;
			page->read = false;
			page->page = NULL;
		}
		if (page->page == NULL)
			page->page = MemoryContextAlloc(context, TIER_PAGE);
		if (!page->read && (!found || page->round != round_now))
		{
			ranges[missing] = (StoreRange) {.key = object->key,
				.offset = (uint64) blocks[i] * TIER_PAGE, .length = TIER_PAGE, .data = page->page,
				.crcs = &object->crcs[blocks[i]]};
			wanted[missing++] = page;
		}
		page->round = round_now;
	}
	if (missing > 0)
	{
		store_read(store_open(object->server, object->user), ranges, missing, NULL);
		for (int i = 0; i < missing; i++)
			wanted[i]->read = true;
		tier_counters.rounds++;
		tier_counters.misses += missing;
		tier_counters.gets += missing;
		tier_counters.bytes += (uint64) missing * TIER_PAGE;
	}
	make_room();
	pfree(ranges);
	pfree(wanted);
}

const char *
tier_peek(const TierObject *object, uint32 block)
{
	KeptPage   *page = find_page(object, block);

	return page == NULL ? NULL : page->page;
}

const char *
tier_open(const TierObject *object, uint32 block, TierPin *pin)
{
	KeptPage   *page = find_page(object, block);
	int			i = 0;

	if (page == NULL)
	{
		tier_fetch(object, &block, 1, false);
		page = find_page(object, block);
	}
	else
		tier_counters.hits++;
	while (i < held_room && held[i].page != NULL)
		i++;
	if (i == held_room)
	{
		int			room = Max(16, 2 * held_room);

		held = held == NULL ? MemoryContextAlloc(context, sizeof(Held) * room) :
			repalloc(held, sizeof(Held) * room);
		memset(held + held_room, 0, sizeof(Held) * (room - held_room));
		held_room = room;
	}
	page->pins++;
	held[i] = (Held) {page, CurrentResourceOwner};
	pin->held = i;
	pin->page = page->page;
	return pin->page;
}

void
tier_close(TierPin *pin)
{
	if (pin->page == NULL)
		return;
	held[pin->held].page->pins--;
	held[pin->held].page = NULL;
	pin->page = NULL;
}
