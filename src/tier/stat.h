/*
 * stat.h - what all processes have read from and written to object stores, by server
 */
#ifndef VECTOR_TIER_STAT_H
#define VECTOR_TIER_STAT_H

#include "datatype/timestamp.h"

#include "store/store.h"

typedef struct TierStat
{
	Oid			database;
	Oid			server;			/* InvalidOid: a free entry */
	uint64		hits;			/* pages that were at hand */
	uint64		misses;			/* pages that were waited for */
	StoreCounters done;
	TimestampTz failed;
	char		error[256];		/* the last; empty: none */
} TierStat;

/* Counts pages that were at hand; they are reported in groups. */
extern void stat_hit(Oid server);
extern void stat_report_hits(void);

/* Reports what a store has done, pages that were waited for, and an error, if it is not NULL. */
extern void stat_report(Store *store, Oid server, uint64 misses, const StoreError *error);

/* Copies what is known of a server of this database; zeros, if that is nothing. */
extern void stat_read(Oid server, TierStat *stat);
extern void stat_reset(void);

/* When the library is preloaded: requests shared memory. */
extern void stat_preload(void);

#endif							/* VECTOR_TIER_STAT_H */
