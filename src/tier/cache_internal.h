/*
 * cache_internal.h - what a cache consists of
 */
#ifndef VECTOR_TIER_CACHE_INTERNAL_H
#define VECTOR_TIER_CACHE_INTERNAL_H

#include "pg_compat.h"

#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/dsm.h"
#include "storage/fd.h"
#include "storage/lwlock.h"

#include "tier/cache.h"

#define CACHE_ARRIVALS		64
#define CACHE_FRESH_SHARE	10	/* one page in this many is a new one */

/* A slot's state: pins, how many statements have used it since the clock came by, flags. */
#define CACHE_PIN			1
#define CACHE_PINS			((1 << 20) - 1)
#define CACHE_USE			(1 << 20)
#define CACHE_USAGE			(3 << 20)
#define CACHE_VALID			(1 << 22)
#define CACHE_COMES			(1 << 23)	/* somebody reads the page */
#define CACHE_OPENED		(1 << 24)	/* somebody used the page since it came */

typedef struct CacheSlot
{
	CacheTag	tag;
	pg_atomic_uint32 state;
	pg_atomic_uint32 chain;		/* next slot of its hash value, plus 1; 0: none */
	uint32		next;			/* in its queue, likewise */
	uint32		statement;		/* the last that used it */
} CacheSlot;

StaticAssertDecl(sizeof(CacheSlot) == 32, "two slots fit a cache line");

typedef struct CacheQueue
{
	uint32		head;			/* plus 1 */
	uint32		tail;
	uint32		count;
} CacheQueue;

/*
 * A slot is in one of these: being filled; in `fresh` or `kept`, with a page; in `free`, with space
 * for one; in `bare`, without, as are those from `begun` on.
 */
typedef struct CacheControl
{
	LWLock		lock;
	uint32		capacity;		/* slots */
	uint32		wanted;			/* pages, by the setting */
	uint32		limit;			/* pages; fewer on a full disk */
	uint32		resident;		/* slots with space */
	uint32		begun;			/* slots that were ever used */
	uint32		coming;			/* slots being filled */
	bool		has_ghosts;		/* ghosts are initialized: a page was dropped */
	bool		retired;		/* there is a new cache, or will be */
	TimestampTz full_until;		/* the limit is that of a full disk; 0: it is not */
	CacheQueue	fresh;
	CacheQueue	kept;
	CacheQueue	free;
	CacheQueue	bare;
	ConditionVariable arrived[CACHE_ARRIVALS];	/* by hash value */
} CacheControl;

/* A cache as this process sees it. */
struct Cache
{
	CacheControl *control;
	CacheSlot  *slots;
	uint32	   *ghosts;			/* of capacity entries: hash values of pages that were dropped */
	pg_atomic_uint32 *buckets;	/* of mask + 1 entries: slots, plus 1 */
	uint32		mask;
	bool		shared;
	char	   *pages;
	int			pins;			/* of this process, and claims */

	/* of a shared cache */
	uint32		generation;
	dsm_segment *segment;
	File		file;
	Cache	   *older;			/* a retired one, in which this process has something open */
};

/* cache.c */
extern void tier_cache_set_limit(Cache *cache, uint32 pages);
extern void tier_cache_retire(Cache *cache);

/* cache_memory.c */
extern bool tier_cache_write_page(Cache *cache, uint32 slot, const char *page);
extern void tier_cache_release_space(Cache *cache, uint32 slot);

#endif							/* VECTOR_TIER_CACHE_INTERNAL_H */
