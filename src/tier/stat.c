/*
 * stat.c - a table in shared memory of what has been done, by server
 */
#include "pg_compat.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

#include "shared/table.h"
#include "tier/stat.h"

#define MOST_SERVERS	16		/* of which the oldest makes room for another */
#define HITS_AT_ONCE	4096

typedef struct StatTable
{
	int			tranche;
	LWLock		lock;
	uint32		last;			/* the entry that was made last */
	TierStat	servers[MOST_SERVERS];
} StatTable;

static Oid	hit_server;			/* of the hits not yet reported */
static uint64 hits;

static SharedTable shared_stat = {
	.name = "vector_tier_stat",
	SHARED_TABLE_OF(StatTable),
	.missing = "statistics of object stores are those of each process"
};

/* The table; where there is no shared memory, one of this process. */
static StatTable *
lock_table(LWLockMode mode)
{
	static StatTable own;
	StatTable  *table = shared_table(&shared_stat);

	if (table == NULL)
		return &own;
	LWLockAcquire(&table->lock, mode);
	return table;
}

static void
unlock_table(StatTable *table)
{
	if (table == shared_stat.memory)
		LWLockRelease(&table->lock);
}

static TierStat *
find_server(StatTable *table, Oid server)
{
	for (int i = 0; i < MOST_SERVERS; i++)
		if (table->servers[i].database == MyDatabaseId && table->servers[i].server == server)
			return &table->servers[i];
	return NULL;
}

static TierStat *
get_server(StatTable *table, Oid server)
{
	TierStat   *stat = find_server(table, server);

	if (stat == NULL)
	{
		table->last = (table->last + 1) % MOST_SERVERS;
		stat = &table->servers[table->last];
		memset(stat, 0, sizeof(TierStat));
		stat->database = MyDatabaseId;
		stat->server = server;
	}
	return stat;
}

static void
add_counters(StoreCounters *to, const StoreCounters *from)
{
	for (size_t i = 0; i < sizeof(StoreCounters) / sizeof(uint64); i++)
		((uint64 *) to)[i] += ((const uint64 *) from)[i];
}

void
stat_report_hits(void)
{
	StatTable  *table;

	if (hits == 0)
		return;
	table = lock_table(LW_EXCLUSIVE);
	get_server(table, hit_server)->hits += hits;
	unlock_table(table);
	hits = 0;
}

void
stat_hit(Oid server)
{
	if (server != hit_server || hits >= HITS_AT_ONCE)
		stat_report_hits();
	hit_server = server;
	hits++;
}

void
stat_report(Store *store, Oid server, uint64 misses, const StoreError *error)
{
	StatTable  *table;
	TierStat   *stat;
	StoreCounters done;

	stat_report_hits();
	store_new_counters(store, &done);
	table = lock_table(LW_EXCLUSIVE);
	stat = get_server(table, server);
	stat->misses += misses;
	add_counters(&stat->done, &done);
	if (error != NULL && error->kind != STORE_OK)
	{
		stat->failed = GetCurrentTimestamp();
		strlcpy(stat->error, error->message, sizeof(stat->error));
	}
	unlock_table(table);
}

void
stat_read(Oid server, TierStat *stat)
{
	StatTable  *table;
	TierStat   *found;

	stat_report_hits();
	memset(stat, 0, sizeof(TierStat));
	table = lock_table(LW_SHARED);
	found = find_server(table, server);
	if (found != NULL)
		*stat = *found;
	unlock_table(table);
}

void
stat_reset(void)
{
	StatTable  *table;

	hits = 0;
	table = lock_table(LW_EXCLUSIVE);
	for (int i = 0; i < MOST_SERVERS; i++)
		if (table->servers[i].database == MyDatabaseId)
			memset(&table->servers[i], 0, sizeof(TierStat));
	unlock_table(table);
}

void
stat_preload(void)
{
	shared_table_request(&shared_stat);
}
