/*
 * cache.h - pages by what they are of: one cache that all processes share, and one of each process
 *
 * A cache has slots, each for one page.  The pages of the shared cache lie in a file below
 * base/pgsql_tmp, which PostgreSQL discards when it starts, and which each process maps to read
 * them in place.  They are written to it by write calls, so that a full disk is an error code, and
 * no signal.  The slots, and how they are found, are in a segment of dynamic shared memory.  The
 * cache of a process has both in its own memory.
 *
 * Which pages stay: S3-FIFO (Yang et al., SOSP 2023).  A page comes into a queue of new ones, a
 * tenth of the cache; one that another statement asked for while it was there, or soon after it was
 * dropped, comes into the main queue, which is a clock.  So a reading of everything pushes out new
 * pages only.
 */
#ifndef VECTOR_TIER_CACHE_H
#define VECTOR_TIER_CACHE_H

#include "store/store.h"

#define CACHE_NONE	PG_UINT32_MAX

/* What a page is of.  The checksum is part of it: a page of other bytes is another one. */
typedef struct CacheTag
{
	uint64		id;
	uint32		block;
	uint32		crc;
} CacheTag;

typedef struct Cache Cache;

/* The shared cache; NULL: there is none for now.  That of this process; NULL: it has none yet. */
extern Cache *tier_cache_shared(void);
extern Cache *tier_cache_private(void);
extern Cache *tier_cache_private_if_used(void);

/*
 * Brings the settings into effect; not while the caller goes through a cache's slots.  If there
 * is to be a shared cache, and is none, it is only made if `make`.
 */
extern void tier_cache_refresh(bool make);

/* Whether tier_cache_refresh would make one. */
extern bool tier_cache_is_due(void);

/* Pins the slot of a page that is there: CACHE_NONE, if it is not. */
extern uint32 tier_cache_pin(Cache *cache, const CacheTag *tag);
extern void tier_cache_unpin(Cache *cache, uint32 slot);

/* Of a slot that is pinned: pins it once more; whether it has this page. */
extern void tier_cache_pin_again(Cache *cache, uint32 slot);
extern bool tier_cache_has(const Cache *cache, uint32 slot, const CacheTag *tag);
extern const char *tier_cache_page(const Cache *cache, uint32 slot);
extern const char *tier_cache_peek(Cache *cache, const CacheTag *tag);

/* See tier_bring_near. */
extern void tier_cache_bring_near(const Cache *cache, const CacheTag *tag, bool slot);

/*
 * A page that somebody wants.  It is there, and pinned; or another process reads it; or the caller
 * is to read it, and then to publish or to abandon the slot; or there is no room.
 */
typedef enum CacheClaim
{
	CACHE_THERE, CACHE_COMING, CACHE_YOURS, CACHE_NO_ROOM
} CacheClaim;

extern CacheClaim tier_cache_claim(Cache *cache, const CacheTag *tag, uint32 *slot);

/* Publishes a slot's page, and leaves it pinned.  If the disk is full: false, and abandons it. */
extern bool tier_cache_publish(Cache *cache, uint32 slot, const char *page);
extern void tier_cache_abandon(Cache *cache, uint32 slot);

/* Waits until nobody reads the page. */
extern void tier_cache_await(Cache *cache, const CacheTag *tag);

typedef struct CacheState
{
	uint64		pages;			/* most that are to be kept */
	uint64		used;			/* pages there */
	uint64		pinned;
	uint64		coming;
} CacheState;

extern void tier_cache_state(Cache *cache, CacheState *state);

/* Defines vector.tier_cache_size. */
extern void tier_cache_init(void);

/* When the library is preloaded: requests shared memory. */
extern void tier_cache_preload(void);

#endif							/* VECTOR_TIER_CACHE_H */
