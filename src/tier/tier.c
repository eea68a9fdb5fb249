/*
 * tier.c - pages of objects: opening, and reading many in one round
 */
#include "tier/tier.h"

#include <limits.h>

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "counters/counters.h"
#include "tier/cache.h"
#include "tier/stat.h"

#define WINDOW			4		/* aligned pages that are read together: 32 kB */
#define MOST_PAGES		32		/* of one request: 256 kB */
#define MOST_WAITS		2		/* for others to read a page, who did not */

/* What is sent in a second while anybody searches, or has within so many milliseconds. */
#define BESIDE_SEARCHES	20		/* MB */
#define SEARCHED_MS		1000

bool		tier_wait = true;
int			tier_retention;
static int	tier_rate;			/* MB a second; 0: any number; -1: as BESIDE_SEARCHES says */
TierCounters tier_counters;
const TierObject *tier_failed;

/* A slot that is pinned, or to be filled. */
typedef struct Hold
{
	Cache	   *cache;			/* NULL: a free entry; of a claim: it has no slot yet */
	uint32		slot;
	TierPage	page;			/* of a claim */
	bool		asked;			/* of a claim: not a neighbour only; of a page: not yet opened */
	ResourceOwner owner;
} Hold;

typedef struct Holds
{
	Hold	   *entries;
	int			count;
	int			room;
} Holds;

static Holds open_pages;		/* by TierPin.held */
static Holds round_pages;		/* of the last round */
static Holds claims;			/* of the round in progress */
static int	unopened;			/* of the last round's pages, those that were waited for */

/* ---- lists of slots ---- */

/* Makes room for one more, before it is pinned: there must be no error between. */
static void
reserve_hold(Holds *holds)
{
	int			room = Max(64, 2 * holds->room);

	if (holds->count < holds->room)
		return;
	holds->entries = holds->entries == NULL ?
		MemoryContextAlloc(TopMemoryContext, sizeof(Hold) * room) :
		repalloc(holds->entries, sizeof(Hold) * room);
	holds->room = room;
}

static Hold *
add_hold(Holds *holds, Cache *cache, uint32 slot)
{
	Hold	   *hold = &holds->entries[holds->count++];

	*hold = (Hold) {.cache = cache, .slot = slot, .owner = CurrentResourceOwner};
	return hold;
}

static void
release_round(void)
{
	for (int i = 0; i < round_pages.count; i++)
		tier_cache_unpin(round_pages.entries[i].cache, round_pages.entries[i].slot);
	round_pages.count = 0;
	unopened = 0;
}

static void
abandon_claims(void)
{
	while (claims.count > 0)
	{
		Hold	   *claim = &claims.entries[--claims.count];

		if (claim->cache != NULL)
			tier_cache_abandon(claim->cache, claim->slot);
	}
}

/* Gives back what a resource owner has open, or (all) everything. */
static void
release_holds(ResourceOwner owner, bool all)
{
	if (round_pages.count > 0 && (all || round_pages.entries[0].owner == owner))
		release_round();
	for (int i = 0; i < open_pages.count; i++)
	{
		Hold	   *hold = &open_pages.entries[i];

		if (hold->cache != NULL && (all || hold->owner == owner))
		{
			tier_cache_unpin(hold->cache, hold->slot);
			hold->cache = NULL;
		}
	}
	while (open_pages.count > 0 && open_pages.entries[open_pages.count - 1].cache == NULL)
		open_pages.count--;
}

static void
resource_release(ResourceReleasePhase phase, bool commit, bool top, void *arg)
{
	if (phase == RESOURCE_RELEASE_BEFORE_LOCKS)
		release_holds(CurrentResourceOwner, false);
	else if (phase == RESOURCE_RELEASE_AFTER_LOCKS && top)
		stat_report_hits();
}

static void
leave(int code, Datum arg)
{
	abandon_claims();
	release_holds(NULL, true);
}

/* The process's first use: it finds the shared cache, and sees to it that pins end. */
static void
begin(void)
{
	static bool begun = false;

	if (likely(begun))
		return;
	RegisterResourceReleaseCallback(resource_release, NULL);
	before_shmem_exit(leave, (Datum) 0);
	tier_cache_refresh(false);
	begun = true;
}

void
tier_prepare(void)
{
	begin();
	tier_cache_refresh(true);
}

/* ---- pages ---- */

uint64
tier_id(const char *key)
{
	return hash_bytes_extended((const unsigned char *) key, strlen(key), 0);
}

static inline CacheTag
tag_of(const TierObject *object, uint32 block)
{
	if (unlikely(block >= object->blocks))
		elog(ERROR, "page %u is beyond the end of object \"%s\"", block, object->key);
	return (CacheTag) {object->id, block, object->crcs[block]};
}

/* Pins a page that is at hand. */
static bool
pin_page(const CacheTag *tag, Cache **cache, uint32 *slot)
{
	*cache = tier_cache_shared();
	if (*cache != NULL && (*slot = tier_cache_pin(*cache, tag)) != CACHE_NONE)
		return true;
	*cache = tier_cache_private_if_used();
	if (*cache != NULL && (*slot = tier_cache_pin(*cache, tag)) != CACHE_NONE)
		return true;
	for (int i = 0; i < round_pages.count; i++)
		if (tier_cache_has(round_pages.entries[i].cache, round_pages.entries[i].slot, tag))
		{
			*cache = round_pages.entries[i].cache;
			*slot = round_pages.entries[i].slot;
			tier_cache_pin_again(*cache, *slot);
			return true;
		}
	return false;
}

const char *
tier_peek(const TierObject *object, uint32 block)
{
	CacheTag	tag = tag_of(object, block);
	Cache	   *cache;
	const char *page;

	begin();
	cache = tier_cache_shared();
	page = cache == NULL ? NULL : tier_cache_peek(cache, &tag);
	if (page == NULL && (cache = tier_cache_private_if_used()) != NULL)
		page = tier_cache_peek(cache, &tag);
	return page;
}

void
tier_bring_near(const TierObject *object, uint32 block, bool slot)
{
	CacheTag	tag = tag_of(object, block);
	Cache	   *cache;

	begin();
	cache = tier_cache_shared();
	if (cache != NULL)
		tier_cache_bring_near(cache, &tag, slot);
}

/* Whether the page was waited for: it is opened for the first time since. */
static bool
was_missed(const Cache *cache, uint32 slot)
{
	for (int i = 0; unopened > 0 && i < round_pages.count; i++)
	{
		Hold	   *hold = &round_pages.entries[i];

		if (hold->asked && hold->cache == cache && hold->slot == slot)
		{
			hold->asked = false;
			unopened--;
			return true;
		}
	}
	return false;
}

const char *
tier_open(const TierObject *object, uint32 block, TierPin *pin)
{
	CacheTag	tag = tag_of(object, block);
	Cache	   *cache;
	uint32		slot;

	pin->page = NULL;
	begin();
	reserve_hold(&open_pages);
	if (!pin_page(&tag, &cache, &slot))
	{
		TierPage	wanted = {object, block};

		tier_fetch(&wanted, 1, false);
		if (!pin_page(&tag, &cache, &slot))
			elog(ERROR, "page %u of object \"%s\" was not kept", block, object->key);
	}
	if (!was_missed(cache, slot))
	{
		tier_counters.hits++;
		stat_hit(object->server);
	}
	pin->held = open_pages.count;
	add_hold(&open_pages, cache, slot);
	pin->page = tier_cache_page(cache, slot);
	return pin->page;
}

void
tier_close(TierPin *pin)
{
	Hold	   *hold = &open_pages.entries[pin->held];

	if (pin->page == NULL)
		return;
	pin->page = NULL;
	tier_cache_unpin(hold->cache, hold->slot);
	hold->cache = NULL;
	while (open_pages.count > 0 && open_pages.entries[open_pages.count - 1].cache == NULL)
		open_pages.count--;
}

/* ---- a round ---- */

/* Pages that are asked for, in order, and where those go that are read. */
typedef struct Asked
{
	TierPage   *pages;
	int			count;
	bool		once;			/* into the process's own cache, without their neighbours */
	Cache	   *shared;			/* NULL: likewise, */
	bool		late;			/* unless the shared cache is made meanwhile */
} Asked;

static int
compare_stores(const TierObject *a, const TierObject *b)
{
	if (a->server != b->server)
		return a->server < b->server ? -1 : 1;
	return a->user < b->user ? -1 : a->user > b->user;
}

static int
compare_pages(const void *a, const void *b)
{
	const TierPage *x = a;
	const TierPage *y = b;
	int			stores = compare_stores(x->object, y->object);

	if (stores != 0)
		return stores;
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return x->block < y->block ? -1 : x->block > y->block;
}

static inline bool
same_window(const TierPage *a, const TierPage *b)
{
	return a->object == b->object && a->block / WINDOW == b->block / WINDOW;
}

static void
refuse_pages(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("too many pages of object stores are open in this process")));
}

static void
add_claim(Cache *cache, uint32 slot, const TierPage *page, bool asked)
{
	Hold	   *hold = add_hold(&claims, cache, slot);

	hold->page = *page;
	hold->asked = asked;
}

/* Claims a page, in the shared cache if there is one and it has room. */
static CacheClaim
claim_page(const TierPage *page, const Asked *round, bool asked)
{
	CacheTag	tag = tag_of(page->object, page->block);
	Cache	   *cache;
	uint32		slot;
	CacheClaim	claim;

	reserve_hold(&claims);
	reserve_hold(&round_pages);
	if (round->late)
	{
		add_claim(NULL, CACHE_NONE, page, asked);
		return CACHE_YOURS;
	}
	cache = round->shared != NULL ? round->shared : tier_cache_private();
	claim = tier_cache_claim(cache, &tag, &slot);
	if (claim == CACHE_NO_ROOM && asked && round->shared != NULL)
	{
		cache = tier_cache_private();
		claim = tier_cache_claim(cache, &tag, &slot);
	}
	if (claim == CACHE_YOURS)
		add_claim(cache, slot, page, asked);
	else if (claim == CACHE_THERE && asked)
		add_hold(&round_pages, cache, slot);
	else if (claim == CACHE_THERE)
		tier_cache_unpin(cache, slot);
	else if (claim == CACHE_NO_ROOM && asked)
		refuse_pages();
	return claim;
}

/*
 * Claims the pages that are not at hand.  Those that others read remain in `asked`, for which the
 * caller waits once it has nothing claimed: so no two processes wait for each other.
 */
static void
claim_asked(Asked *asked)
{
	int			coming = 0;

	for (int i = 0; i < asked->count; i++)
	{
		CacheTag	tag = tag_of(asked->pages[i].object, asked->pages[i].block);
		Cache	   *cache;
		uint32		slot;

		reserve_hold(&round_pages);
		if (pin_page(&tag, &cache, &slot))
			add_hold(&round_pages, cache, slot);
		else if (claim_page(&asked->pages[i], asked, true) == CACHE_COMING)
			asked->pages[coming++] = asked->pages[i];
	}
	asked->count = coming;
}

static int
compare_claims(const void *a, const void *b)
{
	return compare_pages(&((const Hold *) a)->page, &((const Hold *) b)->page);
}

/* Claims what comes along in the windows of what is claimed. */
static void
claim_neighbours(const Asked *asked)
{
	int			count = claims.count;

	for (int i = 0; i < count; i++)
	{
		TierPage	page = claims.entries[i].page;
		uint32		window = page.block / WINDOW;

		if (i > 0 && same_window(&page, &claims.entries[i - 1].page))
			continue;
		for (page.block = window * WINDOW;
			 page.block < Min(page.object->blocks, (window + 1) * WINDOW); page.block++)
		{
			bool		claimed = false;

			for (int j = i; j < count && same_window(&page, &claims.entries[j].page); j++)
				claimed |= claims.entries[j].page.block == page.block;
			if (!claimed)
				(void) claim_page(&page, asked, false);
		}
	}
	qsort(claims.entries, claims.count, sizeof(Hold), compare_claims);
}

/* Makes ranges of the claims, which are in order, and notes their objects; returns how many. */
static int
make_ranges(StoreRange *ranges, const TierObject **objects)
{
	int			count = 0;

	for (int i = 0; i < claims.count; i++)
	{
		const TierObject *object = claims.entries[i].page.object;
		uint32		block = claims.entries[i].page.block;
		bool		goes_on = count > 0 && objects[count - 1] == object;
		StoreRange *range = goes_on ? &ranges[count - 1] : NULL;
		uint32		first = goes_on ? (uint32) (range->offset / TIER_PAGE) : 0;
		uint32		end = goes_on ? first + range->length / TIER_PAGE : 0;

		/* pages between that are at hand are read again, if they are in the window */
		if (goes_on && block - first < MOST_PAGES &&
			(block == end || block / WINDOW == (end - 1) / WINDOW))
		{
			range->length = (block + 1 - first) * TIER_PAGE;
			continue;
		}
		objects[count] = object;
		ranges[count++] = (StoreRange) {.key = object->key,
			.offset = (uint64) block * TIER_PAGE, .length = TIER_PAGE,
			.crcs = &object->crcs[block]};
	}
	for (int i = 0; i < count; i++)
		ranges[i].data = palloc(ranges[i].length);
	return count;
}

/*
 * Gives a claim that has no slot one of the shared cache, which has been made.  What others have
 * read, or read, meanwhile stays theirs.
 */
static CacheClaim
claim_late(const CacheTag *tag, Cache **cache, uint32 *slot)
{
	*cache = tier_cache_shared();
	return *cache != NULL ? tier_cache_claim(*cache, tag, slot) : CACHE_NO_ROOM;
}

/* Fills the slot of a claim; where the disk is full, a page that was asked for goes elsewhere. */
static void
fill_claim(const Hold *claim, const char *page)
{
	CacheTag	tag = tag_of(claim->page.object, claim->page.block);
	Cache	   *cache = claim->cache;
	uint32		slot = claim->slot;
	CacheClaim	state = CACHE_YOURS;

	reserve_hold(&round_pages);
	if (cache == NULL)
		state = claim_late(&tag, &cache, &slot);
	if (state == CACHE_YOURS && !tier_cache_publish(cache, slot, page))
		state = CACHE_NO_ROOM;
	if (state != CACHE_YOURS && state != CACHE_THERE)
	{
		if (!claim->asked)
			return;
		cache = tier_cache_private();
		switch (tier_cache_claim(cache, &tag, &slot))
		{
			case CACHE_YOURS:
				(void) tier_cache_publish(cache, slot, page);
				break;
			case CACHE_THERE:
				break;
			default:
				refuse_pages();
		}
	}
	else if (!claim->asked)
	{
		tier_cache_unpin(cache, slot);
		return;
	}
	add_hold(&round_pages, cache, slot)->asked = true;
	unopened++;
}

static void
make_cache(void)
{
	tier_cache_refresh(true);
}

/* Reads ranges of one store; `late`: the shared cache is made meanwhile. */
static void
read_ranges(StoreRange *ranges, const TierObject *const *objects, int count, bool late)
{
	Oid			server = objects[0]->server;
	Store	   *store = store_open(server, objects[0]->user);
	StoreError	error;
	uint64		misses = 0;

	for (int i = 0; i < claims.count; i++)
		misses += claims.entries[i].asked &&
			compare_stores(claims.entries[i].page.object, objects[0]) == 0;
	if (late)
		store_work_meanwhile(store, make_cache);
	if (!store_read(store, ranges, count, &error))
	{
		stat_report(store, server, misses, &error);
		tier_failed = objects[error.range];
		store_raise(store, tier_failed->key, &error);
	}
	stat_report(store, server, misses, NULL);
	tier_counters.misses += misses;
	tier_counters.gets += count;
	for (int i = 0; i < count; i++)
		tier_counters.bytes += ranges[i].length;
}

/* Reads what is claimed. */
static void
read_claims(bool late)
{
	StoreRange *ranges = palloc(sizeof(StoreRange) * claims.count);
	const TierObject **objects = palloc(sizeof(TierObject *) * claims.count);
	int			count = make_ranges(ranges, objects);
	int			range = count - 1;

	for (int first = 0, end; first < count; first = end)
	{
		for (end = first + 1; end < count && compare_stores(objects[end], objects[first]) == 0;)
			end++;
		read_ranges(ranges + first, objects + first, end - first, late);
	}
	if (late)
		make_cache();
	tier_counters.rounds++;
	while (claims.count > 0)
	{
		Hold		claim = claims.entries[--claims.count];

		while (objects[range] != claim.page.object ||
			   ranges[range].offset / TIER_PAGE > claim.page.block)
			range--;
		fill_claim(&claim, ranges[range].data + (Size) claim.page.block * TIER_PAGE -
				   ranges[range].offset);
	}
}

/* Reads what nobody else reads, and leaves the rest in `asked`. */
static void
read_asked(Asked *asked)
{
	PG_TRY();
	{
		claim_asked(asked);
		if (claims.count > 0)
		{
			if (!asked->once)
				claim_neighbours(asked);
			read_claims(asked->late);
		}
	}
	PG_CATCH();
	{
		abandon_claims();
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Reads pages, which are in order and none twice, and keeps them pinned. */
static void
fetch_asked(Asked *asked)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "vector tier", ALLOCSET_SMALL_SIZES);

	MemoryContextSwitchTo(context);
	for (int waits = 0; asked->count > 0; waits++)
	{
		/* who has waited in vain for others reads by itself */
		bool		shares = !asked->once && waits <= MOST_WAITS;

		asked->shared = shares ? tier_cache_shared() : NULL;
		asked->late = shares && tier_cache_is_due();
		read_asked(asked);
		for (int i = 0; asked->shared != NULL && i < asked->count; i++)
		{
			CacheTag	tag = tag_of(asked->pages[i].object, asked->pages[i].block);

			tier_cache_await(asked->shared, &tag);
		}
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

void
tier_fetch(TierPage *pages, int count, bool once)
{
	Asked		asked = {.pages = pages, .once = once};

	if (count > TIER_ROUND)
		elog(ERROR, "%d pages are too many for a round", count);
	begin();
	tier_failed = NULL;
	release_round();
	tier_cache_refresh(false);
	qsort(pages, count, sizeof(TierPage), compare_pages);
	for (int i = 0; i < count; i++)
		if (i == 0 || compare_pages(&pages[i], &pages[asked.count - 1]) != 0)
			pages[asked.count++] = pages[i];
	fetch_asked(&asked);
}

void
tier_report(Store *store, Oid server)
{
	stat_report(store, server, 0, NULL);
}

void
tier_preload(void)
{
	tier_cache_preload();
	stat_preload();
}

uint64
tier_send_rate(void)
{
	int			rate = tier_rate >= 0 ? tier_rate :
		counters_searched(SEARCHED_MS) ? BESIDE_SEARCHES : 0;

	return (uint64) rate << 20;
}

void
tier_init(void)
{
	DefineCustomBoolVariable("vector.tier_wait",
							 "Whether searches wait for what is in an object store.",
							 "off: they return what they find in the server, with a warning.",
							 &tier_wait, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("vector.tier_retention",
							"Sets how long objects are kept that no index needs any more.",
							"Longer than standbys lag, and backups are kept.", &tier_retention,
							7 * 24 * 60 * 60, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("vector.tier_rate",
							"Sets how much of a segment is sent to an object store in a second.",
							"0: as fast as it goes; -1: as that, but slowly while anybody "
							"searches.", &tier_rate, -1, -1, 1024 * 1024, PGC_USERSET,
							GUC_UNIT_MB, NULL, NULL, NULL);
	tier_cache_init();
}
