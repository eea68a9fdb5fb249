/*
 * cache.c - slots of pages: finding, filling and dropping them
 *
 * A slot's state is one atomic word, as a shared buffer's is: pins, usage and flags.  A page is
 * found and pinned without a lock: the chain of slots of a hash value is followed, which changes
 * meanwhile, and what was found is what was looked for if the pinned slot has the tag.  A slot that
 * is pinned keeps its tag.  Who does not find a page asks again under the lock (cache_claim), which
 * is taken by those only who will read from a store.
 */
#include "tier/cache_internal.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define MOST_STEPS		64		/* of a chain that changes while it is followed */
#define ALL_STEPS		PG_UINT32_MAX	/* under the lock */
#define MOST_RELEASED	64		/* pages whose space is given back at once */
#define FULL_PAUSE		60000	/* milliseconds after which a full disk is tried again */
#define LEAST_PAGES		32		/* that are kept on a full disk */

static inline uint64
hash_of(const CacheTag *tag)
{
	uint64		h = (tag->id ^ tag->block) * UINT64CONST(0x9E3779B97F4A7C15);

	h ^= h >> 32;
	return h * UINT64CONST(0xD6E8FEB86659FD93);
}

static inline pg_atomic_uint32 *
bucket_of(const Cache *cache, uint64 hash)
{
	return &cache->buckets[(hash >> 32) & cache->mask];
}

static inline ConditionVariable *
arrival_of(const Cache *cache, const CacheTag *tag)
{
	return &cache->control->arrived[(hash_of(tag) >> 32) % CACHE_ARRIVALS];
}

static inline bool
has_tag(const CacheSlot *slot, const CacheTag *tag)
{
	return slot->tag.id == tag->id && slot->tag.block == tag->block && slot->tag.crc == tag->crc;
}

static void
lock(Cache *cache, LWLockMode mode)
{
	if (cache->shared)
		LWLockAcquire(&cache->control->lock, mode);
}

static void
unlock(Cache *cache)
{
	if (cache->shared)
		LWLockRelease(&cache->control->lock);
}

/* The slot of a tag, if it is among the first of its chain. */
static uint32
find(const Cache *cache, const CacheTag *tag, uint32 steps)
{
	uint32		next = pg_atomic_read_u32(bucket_of(cache, hash_of(tag)));

	for (uint32 step = 0; next != 0 && step < steps; step++)
	{
		CacheSlot  *slot = &cache->slots[next - 1];

		if (has_tag(slot, tag))
			return next - 1;
		next = pg_atomic_read_u32(&slot->chain);
	}
	return CACHE_NONE;
}

/* What tells statements apart: a page's uses by one count once. */
static inline uint32
statement(void)
{
	return (uint32) GetCurrentStatementStartTimestamp();
}

/* Pins a slot, unless it has no page. */
static bool
pin_slot(CacheSlot *slot)
{
	uint32		now = statement();
	uint32		old = pg_atomic_read_u32(&slot->state);
	uint32		new;

	do
	{
		if ((old & CACHE_VALID) == 0)
			return false;
		new = (old + CACHE_PIN) | CACHE_OPENED;
		if (slot->statement != now && (old & CACHE_USAGE) != CACHE_USAGE)
			new += CACHE_USE;
	} while (!pg_atomic_compare_exchange_u32(&slot->state, &old, new));
	slot->statement = now;
	return true;
}

uint32
tier_cache_pin(Cache *cache, const CacheTag *tag)
{
	uint32		found = find(cache, tag, MOST_STEPS);

	if (found == CACHE_NONE || !pin_slot(&cache->slots[found]))
		return CACHE_NONE;
	cache->pins++;
	if (!has_tag(&cache->slots[found], tag))
	{
		tier_cache_unpin(cache, found);
		return CACHE_NONE;
	}
	return found;
}

void
tier_cache_unpin(Cache *cache, uint32 slot)
{
	pg_atomic_fetch_sub_u32(&cache->slots[slot].state, CACHE_PIN);
	cache->pins--;
}

void
tier_cache_pin_again(Cache *cache, uint32 slot)
{
	pg_atomic_fetch_add_u32(&cache->slots[slot].state, CACHE_PIN);
	cache->pins++;
}

bool
tier_cache_has(const Cache *cache, uint32 slot, const CacheTag *tag)
{
	return has_tag(&cache->slots[slot], tag);
}

const char *
tier_cache_page(const Cache *cache, uint32 slot)
{
	return cache->pages + (Size) slot * STORE_BLOCK;
}

const char *
tier_cache_peek(Cache *cache, const CacheTag *tag)
{
	uint32		found = find(cache, tag, MOST_STEPS);

	if (found == CACHE_NONE ||
		(pg_atomic_read_u32(&cache->slots[found].state) & CACHE_VALID) == 0)
		return NULL;
	return tier_cache_page(cache, found);
}

void
tier_cache_bring_near(const Cache *cache, const CacheTag *tag, bool slot)
{
	pg_atomic_uint32 *bucket = bucket_of(cache, hash_of(tag));
	uint32		first;

	if (!slot)
	{
		__builtin_prefetch(bucket);
		return;
	}
	first = pg_atomic_read_u32(bucket);
	if (first != 0)
		__builtin_prefetch(&cache->slots[first - 1]);
}

/* ---- the chains of hash values, and queues; under the lock ---- */

static void
chain_slot(Cache *cache, uint32 slot)
{
	pg_atomic_uint32 *bucket = bucket_of(cache, hash_of(&cache->slots[slot].tag));

	pg_atomic_write_u32(&cache->slots[slot].chain, pg_atomic_read_u32(bucket));
	pg_write_barrier();
	pg_atomic_write_u32(bucket, slot + 1);
}

static void
unchain_slot(Cache *cache, uint32 slot)
{
	pg_atomic_uint32 *link = bucket_of(cache, hash_of(&cache->slots[slot].tag));

	while (pg_atomic_read_u32(link) != slot + 1)
		link = &cache->slots[pg_atomic_read_u32(link) - 1].chain;
	pg_atomic_write_u32(link, pg_atomic_read_u32(&cache->slots[slot].chain));
}

static void
push(Cache *cache, CacheQueue *queue, uint32 slot)
{
	cache->slots[slot].next = 0;
	if (queue->count++ == 0)
		queue->head = slot + 1;
	else
		cache->slots[queue->tail - 1].next = slot + 1;
	queue->tail = slot + 1;
}

static uint32
pop(Cache *cache, CacheQueue *queue)
{
	uint32		slot = queue->head - 1;

	if (queue->count == 0)
		return CACHE_NONE;
	queue->head = cache->slots[slot].next;
	queue->count--;
	return slot;
}

/* ---- what was dropped a short while ago ---- */

static uint32 *
ghost_of(const Cache *cache, const CacheTag *tag, uint32 *mark)
{
	uint64		hash = hash_of(tag) * UINT64CONST(0x9E3779B97F4A7C15);

	*mark = (uint32) hash | 1;
	return &cache->ghosts[(hash >> 32) % cache->control->capacity];
}

/* Whether the page was dropped as a new one, and not too long ago. */
static bool
came_back(const Cache *cache, const CacheTag *tag)
{
	uint32		mark;

	return cache->control->has_ghosts && *ghost_of(cache, tag, &mark) == mark;
}

static void
note_dropped(Cache *cache, const CacheTag *tag)
{
	uint32		mark;
	uint32	   *ghost = ghost_of(cache, tag, &mark);

	if (!cache->control->has_ghosts)
		memset(cache->ghosts, 0, sizeof(uint32) * cache->control->capacity);
	cache->control->has_ghosts = true;
	*ghost = mark;
}

/*
 * Drops a page, of those that are needed least; CACHE_NONE: none can be dropped.  The slot is in no
 * chain and no queue then.  Pages that come count as new ones: a large round takes the place of
 * other new pages, and not of those that are used.
 */
static uint32
evict(Cache *cache)
{
	CacheControl *control = cache->control;

	for (uint32 pinned = 0;;)
	{
		bool		fresh = control->kept.count == 0 ||
			control->fresh.count + control->coming > control->limit / CACHE_FRESH_SHARE;
		CacheQueue *queue = fresh ? &control->fresh : &control->kept;
		uint32		found = pinned > queue->count ? CACHE_NONE : pop(cache, queue);
		CacheSlot  *slot;
		uint32		old;

		if (found == CACHE_NONE)
			return CACHE_NONE;
		slot = &cache->slots[found];
		old = pg_atomic_read_u32(&slot->state);
		if ((old & CACHE_PINS) == 0 && (old & CACHE_USAGE) == 0 &&
			pg_atomic_compare_exchange_u32(&slot->state, &old, 0))
		{
			unchain_slot(cache, found);
			/* what only came along is not asked for again sooner than any other page */
			if (fresh && (old & CACHE_OPENED) != 0)
				note_dropped(cache, &slot->tag);
			return found;
		}
		if ((old & CACHE_USAGE) == 0)
		{
			/* pinned, but not used again */
			push(cache, queue, found);
			pinned++;
		}
		else
		{
			pg_atomic_fetch_sub_u32(&slot->state, CACHE_USE);
			push(cache, &control->kept, found);
		}
	}
}

/* Gives the space of a slot's page back to the system. */
static void
release_space(Cache *cache, uint32 slot)
{
	tier_cache_release_space(cache, slot);
	push(cache, &cache->control->bare, slot);
	cache->control->resident--;
}

/* Gives space back, as far as there is more than the limit says. */
static void
keep_limit(Cache *cache)
{
	CacheControl *control = cache->control;

	if (control->full_until != 0 && GetCurrentTimestamp() >= control->full_until)
	{
		control->full_until = 0;
		control->limit = control->wanted;
	}
	for (int i = 0; i < MOST_RELEASED && control->resident > control->limit; i++)
	{
		uint32		slot = pop(cache, &control->free);

		if (slot == CACHE_NONE)
			slot = evict(cache);
		if (slot == CACHE_NONE)
			break;
		release_space(cache, slot);
	}
}

/* A slot that has no space yet. */
static uint32
take_bare(Cache *cache)
{
	CacheControl *control = cache->control;
	uint32		slot = pop(cache, &control->bare);

	if (slot == CACHE_NONE && control->begun < control->capacity)
		slot = control->begun++;
	if (slot != CACHE_NONE)
		control->resident++;
	return slot;
}

static uint32
take_slot(Cache *cache)
{
	CacheControl *control = cache->control;
	uint32		slot;

	keep_limit(cache);
	slot = pop(cache, &control->free);
	if (slot == CACHE_NONE && control->resident < control->limit)
		slot = take_bare(cache);
	if (slot == CACHE_NONE)
		slot = evict(cache);
	/* pages that this process itself has open must fit */
	if (slot == CACHE_NONE && !cache->shared)
		slot = take_bare(cache);
	return slot;
}

CacheClaim
tier_cache_claim(Cache *cache, const CacheTag *tag, uint32 *slot)
{
	CacheClaim	claim;

	lock(cache, LW_EXCLUSIVE);
	*slot = find(cache, tag, ALL_STEPS);
	if (*slot != CACHE_NONE)
		claim = pin_slot(&cache->slots[*slot]) ? CACHE_THERE : CACHE_COMING;
	else if (cache->control->retired || (*slot = take_slot(cache)) == CACHE_NONE)
		claim = CACHE_NO_ROOM;
	else
	{
		CacheSlot  *new = &cache->slots[*slot];

		new->tag = *tag;
		new->statement = statement();
		pg_write_barrier();
		pg_atomic_write_u32(&new->state, CACHE_COMES + CACHE_PIN);
		chain_slot(cache, *slot);
		cache->control->coming++;
		claim = CACHE_YOURS;
	}
	cache->pins += claim == CACHE_THERE || claim == CACHE_YOURS;
	unlock(cache);
	return claim;
}

/* The slot is no longer that of a page. */
static void
drop_claim(Cache *cache, uint32 slot)
{
	unchain_slot(cache, slot);
	pg_atomic_write_u32(&cache->slots[slot].state, 0);
	cache->control->coming--;
	cache->pins--;
}

static void
tell_arrival(Cache *cache, const CacheTag *tag)
{
	if (cache->shared)
		ConditionVariableBroadcast(arrival_of(cache, tag));
}

bool
tier_cache_publish(Cache *cache, uint32 slot, const char *page)
{
	CacheControl *control = cache->control;
	CacheTag	tag = cache->slots[slot].tag;
	bool		written = tier_cache_write_page(cache, slot, page);

	lock(cache, LW_EXCLUSIVE);
	if (written && !control->retired)
	{
		pg_write_barrier();
		pg_atomic_write_u32(&cache->slots[slot].state, CACHE_VALID + CACHE_PIN);
		push(cache, came_back(cache, &tag) ? &control->kept : &control->fresh, slot);
		control->coming--;
	}
	else
	{
		drop_claim(cache, slot);
		release_space(cache, slot);
		if (!written)
		{
			/* leave some space to others */
			control->limit = Max(control->resident - control->resident / 8, LEAST_PAGES);
			control->full_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), FULL_PAUSE);
			keep_limit(cache);
		}
		written = false;
	}
	unlock(cache);
	tell_arrival(cache, &tag);
	return written;
}

void
tier_cache_abandon(Cache *cache, uint32 slot)
{
	CacheTag	tag = cache->slots[slot].tag;

	lock(cache, LW_EXCLUSIVE);
	drop_claim(cache, slot);
	push(cache, &cache->control->free, slot);
	unlock(cache);
	tell_arrival(cache, &tag);
}

static bool
is_coming(Cache *cache, const CacheTag *tag)
{
	uint32		slot;
	bool		coming;

	lock(cache, LW_SHARED);
	slot = find(cache, tag, ALL_STEPS);
	coming = slot != CACHE_NONE &&
		(pg_atomic_read_u32(&cache->slots[slot].state) & CACHE_COMES) != 0;
	unlock(cache);
	return coming;
}

void
tier_cache_await(Cache *cache, const CacheTag *tag)
{
	ConditionVariable *arrival = arrival_of(cache, tag);

	ConditionVariablePrepareToSleep(arrival);
	while (is_coming(cache, tag))
		ConditionVariableSleep(arrival, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
}

void
tier_cache_set_limit(Cache *cache, uint32 pages)
{
	CacheControl *control = cache->control;

	lock(cache, LW_EXCLUSIVE);
	control->wanted = control->limit = pages;
	control->full_until = 0;
	unlock(cache);
	for (uint32 before = 0; before != control->resident && control->resident > pages;)
	{
		before = control->resident;
		lock(cache, LW_EXCLUSIVE);
		keep_limit(cache);
		unlock(cache);
	}
}

void
tier_cache_retire(Cache *cache)
{
	lock(cache, LW_EXCLUSIVE);
	cache->control->retired = true;
	unlock(cache);
	tier_cache_set_limit(cache, 0);
}

void
tier_cache_state(Cache *cache, CacheState *state)
{
	memset(state, 0, sizeof(CacheState));
	lock(cache, LW_SHARED);
	state->pages = cache->control->limit;
	for (uint32 i = 0; i < cache->control->begun; i++)
	{
		uint32		word = pg_atomic_read_u32(&cache->slots[i].state);

		state->used += (word & CACHE_VALID) != 0;
		state->pinned += (word & CACHE_VALID) != 0 && (word & CACHE_PINS) != 0;
		state->coming += (word & CACHE_COMES) != 0;
	}
	unlock(cache);
}
