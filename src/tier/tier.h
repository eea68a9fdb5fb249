/*
 * tier.h - pages of objects in an object store
 *
 * A segment's cold blocks may be one object of a store: a sequence of pages of 8 kB.  This room
 * reads them, and keeps what was read at hand, in a cache that all processes of the server share.
 * It does not know what the pages mean.
 *
 * A page that is not at hand is waited for, so a caller holds no content lock and no LWLock.  A
 * page is verified by its checksum when it comes.  A failure is an error that names the object.
 */
#ifndef VECTOR_TIER_TIER_H
#define VECTOR_TIER_TIER_H

#include "store/store.h"

#define TIER_PAGE	STORE_BLOCK

/* An object whose pages are read.  The caller keeps the memory that it points to. */
typedef struct TierObject
{
	Oid			server;
	Oid			user;			/* whose credentials are used: the index's owner */
	uint64		id;				/* tier_id of the key */
	const char *key;			/* no two objects ever have the same */
	uint32		blocks;			/* pages */
	const uint32 *crcs;			/* of each page */
} TierObject;

/* What the cache knows an object by. */
extern uint64 tier_id(const char *key);

/* A page that is in use. */
typedef struct TierPin
{
	const char *page;
	int			held;
} TierPin;

/*
 * The page, which stays as it is until tier_close, or until the resource owner that is current now
 * is released.  Waits for it if it is not at hand.
 */
extern const char *tier_open(const TierObject *object, uint32 block, TierPin *pin);
extern void tier_close(TierPin *pin);

/* A page of an object. */
typedef struct TierPage
{
	const TierObject *object;
	uint32		block;
} TierPage;

/*
 * Has pages that will be opened soon read in one round of parallel requests, as far as they are not
 * at hand, and waits for them; those of one store make one round.  They stay at hand at least until
 * the process's next call.  `once`: they are part of a reading of everything, and are not worth
 * keeping for others.  Changes the order of the pages.
 */
#define TIER_ROUND	1024		/* pages, at most */

extern void tier_fetch(TierPage *pages, int count, bool once);

/* The object that the last tier_fetch could not read; NULL if it failed otherwise, or not. */
extern const TierObject *tier_failed;

/*
 * Where the page is in memory, if it is at hand; else NULL.  It may be replaced at any time, so the
 * address is only for bringing it into the processor's caches.
 */
extern const char *tier_peek(const TierObject *object, uint32 block);

/*
 * Brings into the processor's caches what a look for a page will read.  To be called twice, with
 * something else between: what the second call (`slot`) reads is what the first one brings.
 */
extern void tier_bring_near(const TierObject *object, uint32 block, bool slot);

static inline bool
tier_at_hand(const TierObject *object, uint32 block)
{
	return tier_peek(object, block) != NULL;
}

/*
 * Makes the cache that all processes share, unless it is there.  The first who reads would.
 */
extern void tier_prepare(void);

/* vector.tier_wait: whether statements wait for what is not at hand, or do without it. */
extern bool tier_wait;

/* vector.tier_retention: seconds for which objects stay that no index needs. */
extern int	tier_retention;

/*
 * Bytes of an object that a process may send in a second, by vector.tier_rate and by whether
 * anybody searches; 0: any number.
 */
extern uint64 tier_send_rate(void);

/* Counts what a store that was called directly has done. */
extern void tier_report(Store *store, Oid server);

/* Defines the settings; when the library is preloaded, requests shared memory. */
extern void tier_init(void);
extern void tier_preload(void);

/* What this process has read; callers take differences. */
typedef struct TierCounters
{
	uint64		hits;			/* pages opened that were at hand */
	uint64		misses;			/* pages that were waited for */
	uint64		rounds;			/* times that the process waited */
	uint64		gets;			/* ranges that were read */
	uint64		bytes;			/* of these */
} TierCounters;

extern TierCounters tier_counters;

#endif							/* VECTOR_TIER_TIER_H */
