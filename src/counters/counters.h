/*
 * counters.h - what has been done with each index, by all sessions
 *
 * A session adds to its own counters, and these to a table in shared memory when a transaction
 * ends.  So a search waits for no other one.  If there is no shared memory, each session has only
 * its own.  The table has a number of indexes; the one that has not been used for longest makes
 * room for another, and begins anew when it is used again.
 */
#ifndef VECTOR_COUNTERS_COUNTERS_H
#define VECTOR_COUNTERS_COUNTERS_H

#include "pg_compat.h"

#include "datatype/timestamp.h"

/* Times of searches, in classes: below LATENCY_FIRST microseconds, twice that, and so on. */
#define LATENCY_CLASSES	24
#define LATENCY_FIRST	32

/* What background workers do. */
typedef enum WorkKind
{
	WORK_SEAL, WORK_MERGE, WORK_TIER, WORK_KINDS
} WorkKind;

typedef struct WorkCounters
{
	uint64		steps;			/* that replaced segments */
	uint64		segments;		/* that were replaced */
	uint64		microseconds;	/* of these steps */
	uint64		gave_way;		/* steps abandoned for another session */
	uint64		locked;			/* steps not begun, because the index was locked */
	uint64		failures;
} WorkCounters;

typedef struct IndexCounters
{
	uint64		scans;			/* each rescan counts */
	uint64		search_rounds;
	uint64		hops;
	uint64		distances;
	uint64		blocks_hit;		/* of the index, and of rows of the table that were compared */
	uint64		blocks_read;
	uint64		rejected;
	uint64		walks;
	uint64		reads;
	uint64		switches;
	uint64		among;			/* searches begun again among the rows that pass */
	uint64		table_rows;
	uint64		gets;			/* of object stores */
	uint64		stored_bytes;
	uint64		returned;		/* rows */
	uint64		microseconds;	/* of searches */
	uint64		latencies[LATENCY_CLASSES];
	uint64		inserted;
	uint64		removed;		/* rows that VACUUM found dead */
	uint64		seals;
	uint64		merges;
	uint64		wal_bytes;
	WorkCounters work[WORK_KINDS];
} IndexCounters;

/* The last measurement of recall. */
typedef struct MeasuredRecall
{
	double		recall;
	int32		k;				/* 0: it was not measured */
	TimestampTz when;
} MeasuredRecall;

typedef struct CountedIndex
{
	TimestampTz since;			/* that the counters count */
	TimestampTz changed;
	IndexCounters counters;
	MeasuredRecall recall;
} CountedIndex;

/* A search that took long. */
typedef struct SlowSearch
{
	Oid			database;
	Oid			index;
	int			pid;
	TimestampTz when;			/* it ended */
	uint64		microseconds;
	char		description[320];
} SlowSearch;

#define SLOW_SEARCHES	32

/*
 * This session's counters of an index of its database, to be added to before another function is
 * called here.
 */
extern IndexCounters *counters_of(Oid index);

/* Whether any session has searched in so many milliseconds, or a tenth of a second more. */
extern bool counters_searched(int ago);

/* Adds the time of a search. */
extern void counters_add_latency(IndexCounters *counters, uint64 microseconds);

/* The microseconds within which a share of the searches ended; 0: there were none. */
extern double counters_latency(const IndexCounters *counters, double share);

/* Notes a measurement, or a slow search. */
extern void counters_set_recall(Oid index, double recall, int k);
extern void counters_add_slow(const SlowSearch *search);

/* What is known of an index of this database, with what this session has counted; or zeros. */
extern void counters_read(Oid index, CountedIndex *counted);

/* Copies the slow searches in this database, the last one first; returns how many. */
extern int	counters_slow(SlowSearch slow[SLOW_SEARCHES]);

/* Begins anew for an index of this database, or for all (InvalidOid). */
extern void counters_reset(Oid index);

/* Called when the library is loaded. */
extern void counters_init(void);

#endif							/* VECTOR_COUNTERS_COUNTERS_H */
