/*
 * samples.c - queries of each index, in shared memory
 *
 * The table has a place for each index.  What queries are kept lies in a segment of dynamic shared
 * memory, to which a process attaches only while it holds the table's lock: so a segment is gone as
 * soon as its place is given up.  Most queries are not kept, once there are many, and need no more
 * than the table.
 */
#include "counters/samples.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/inval.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "counters/reservoir.h"
#include "shared/memory.h"
#include "shared/table.h"

#define PLACES			64

/* After a segment could not be had, none is asked for so long. */
#define RETRY_MS		10000

typedef struct SamplesPlace
{
	Oid			database;
	SampledIndex name;			/* free, if the index is InvalidOid */
	dsm_handle	handle;
	uint32		memory;			/* bytes of the segment */
	uint64		used;			/* the table's clock when it was used last */
	Reservoir	reservoir;
} SamplesPlace;

typedef struct SamplesTable
{
	int			tranche;
	LWLock		lock;
	uint64		clock;
	TimestampTz failed;			/* a segment could not be had; 0: none was refused */
	SamplesPlace places[PLACES];
} SamplesTable;

static SharedTable shared_samples = {
	.name = "vector_samples",
	SHARED_TABLE_OF(SamplesTable),
	.missing = "queries of vector indexes are not sampled"
};

/* An index that may have samples may have been dropped or rewritten. */
static bool changed;

/* A process that has just found the table has not been told what is gone. */
static SamplesTable *
samples_table(void)
{
	if (!IsUnderPostmaster)
		return NULL;
	changed |= shared_samples.memory == NULL;
	return shared_table(&shared_samples);
}

/* ---- the table, whose lock the caller holds ---- */

static SamplesPlace *
find_place(SamplesTable *table, Oid index)
{
	for (int i = 0; i < PLACES; i++)
		if (table->places[i].name.index == index && table->places[i].database == MyDatabaseId)
			return &table->places[i];
	return NULL;
}

static void
give_up(SamplesPlace *place)
{
	dsm_unpin_segment(place->handle);
	memset(place, 0, sizeof(SamplesPlace));
}

/* A free place, after those not used for longest have been given up as far as memory is needed. */
static SamplesPlace *
free_place(SamplesTable *table, Size memory)
{
	for (;;)
	{
		SamplesPlace *unused = NULL;
		SamplesPlace *oldest = NULL;
		Size		total = memory;

		for (int i = 0; i < PLACES; i++)
		{
			SamplesPlace *place = &table->places[i];

			if (!OidIsValid(place->name.index))
				unused = place;
			else if (oldest == NULL || place->used < oldest->used)
				oldest = place;
			total += place->memory;
		}
		if (unused && total <= SAMPLES_TOTAL)
			return unused;
		give_up(oldest);
	}
}

/* A place for an index that has none; NULL: there is no memory. */
static SamplesPlace *
make_place(SamplesTable *table, SampledIndex index, Size size, uint64 random)
{
	Size		memory = size > 0 ? reservoir_memory(SAMPLES_MOST, size, SAMPLES_ROOM) :
		SAMPLES_ROOM;
	SamplesPlace *place = memory > 0 ? free_place(table, memory) : NULL;
	dsm_segment *segment = place ? shared_memory_make(memory) : NULL;

	if (segment == NULL)
		return NULL;
	*place = (SamplesPlace) {
		.database = MyDatabaseId, .name = index, .handle = dsm_segment_handle(segment),
		.memory = (uint32) memory, .reservoir.random = random
	};
	reservoir_init(&place->reservoir, memory, size, SAMPLES_MOST);
	dsm_detach(segment);
	return place;
}

/* The place of an index with this file; NULL: it has none. */
static SamplesPlace *
current_place(SamplesTable *table, SampledIndex index)
{
	SamplesPlace *place = find_place(table, index.index);

	return place && place->name.file == index.file ? place : NULL;
}

static void
keep(SamplesPlace *place, uint32 number, const SampledQuery *query)
{
	ReservoirItem item = {.when = query->when, .number = query->k, .size = (uint32) query->size};
	dsm_segment *segment = shared_memory_attach(place->handle);

	if (segment == NULL)
	{
		give_up(place);
		return;
	}
	reservoir_keep(&place->reservoir, dsm_segment_address(segment), number, item, query->value);
	dsm_detach(segment);
}

/* Whether a segment that could not be had may be asked for again. */
static bool
may_ask(const SamplesTable *table, TimestampTz now)
{
	return table->failed == 0 || TimestampDifferenceExceeds(table->failed, now, RETRY_MS);
}

/* ---- what others call ---- */

void
samples_offer(SampledIndex index, const SampledQuery *query, bool varies, uint64 random)
{
	SamplesTable *table = samples_table();
	SamplesPlace *place;
	uint32		number;
	bool		refused = false;

	if (table == NULL || query->size > SAMPLES_ROOM / 2)
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	place = find_place(table, index.index);
	if (place && place->name.file != index.file)
	{
		give_up(place);
		place = NULL;
	}
	if (place == NULL && may_ask(table, query->when))
	{
		place = make_place(table, index, varies ? 0 : query->size, random);
		refused = place == NULL;
		table->failed = refused ? query->when : 0;
	}
	if (place)
	{
		place->used = ++table->clock;
		if (reservoir_take(&place->reservoir, &number))
			keep(place, number, query);
	}
	LWLockRelease(&table->lock);
	if (refused)
		ereport(LOG,
				(errmsg("there is no shared memory for samples of queries"),
				 errhint("Give the server more dynamic shared memory, or set "
						 "\"vector.sample_queries\" to 0.")));
}

/* Their order in the reservoir is partly that in which they came. */
static void
shuffle(SampledQuery *queries, int count)
{
	pg_prng_state state;

	pg_prng_seed(&state, 1);
	for (int i = count - 1; i > 0; i--)
	{
		int			other = (int) pg_prng_uint64_range(&state, 0, (uint64) i);
		SampledQuery moved = queries[i];

		queries[i] = queries[other];
		queries[other] = moved;
	}
}

int
samples_read(SampledIndex index, SampledQuery **queries)
{
	SamplesTable *table = samples_table();
	void	   *memory = palloc(SAMPLES_ROOM);
	Reservoir	reservoir = {0};
	const SamplesPlace *place;

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("there is no shared memory for samples of queries"),
				 errhint("Restart the server, before PostgreSQL 17 with \"vector\" in "
						 "\"shared_preload_libraries\".")));
	LWLockAcquire(&table->lock, LW_SHARED);
	place = current_place(table, index);
	if (place)
	{
		dsm_segment *segment = shared_memory_attach(place->handle);

		if (segment)
		{
			reservoir = place->reservoir;
			memcpy(memory, dsm_segment_address(segment), place->memory);
			dsm_detach(segment);
		}
	}
	LWLockRelease(&table->lock);
	*queries = palloc(sizeof(SampledQuery) * Max(reservoir.count, 1));
	for (uint32 i = 0; i < reservoir.count; i++)
	{
		const ReservoirItem *item = &((const ReservoirItem *) memory)[i];

		(*queries)[i] = (SampledQuery) {
			.when = item->when, .k = item->number, .size = item->size,
			.value = reservoir_data(&reservoir, memory, item)
		};
	}
	shuffle(*queries, (int) reservoir.count);
	return (int) reservoir.count;
}

int
samples_count(SampledIndex index)
{
	SamplesTable *table = samples_table();
	const SamplesPlace *place;
	int			count = 0;

	if (table == NULL)
		return 0;
	LWLockAcquire(&table->lock, LW_SHARED);
	place = current_place(table, index);
	if (place)
		count = (int) place->reservoir.count;
	LWLockRelease(&table->lock);
	return count;
}

void
samples_reset(Oid index)
{
	SamplesTable *table = samples_table();
	SamplesPlace *place;

	if (table == NULL)
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	place = find_place(table, index);
	if (place)
		give_up(place);
	LWLockRelease(&table->lock);
}

/* ---- indexes and databases that are dropped or rewritten ---- */

/* Whether an index of this database has another file, or does not exist. */
static bool
is_gone(SampledIndex index)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index.index));
	bool		gone = true;

	if (HeapTupleIsValid(tuple))
	{
		gone = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode != index.file;
		ReleaseSysCache(tuple);
	}
	return gone;
}

/* Gives up the places of what does not exist, as this transaction sees it. */
static void
give_up_gone(SamplesTable *table)
{
	struct
	{
		Oid			database;
		SampledIndex name;
	}			names[PLACES];

	/* catalogs are not read while the table is locked */
	LWLockAcquire(&table->lock, LW_SHARED);
	for (int i = 0; i < PLACES; i++)
	{
		names[i].database = table->places[i].database;
		names[i].name = table->places[i].name;
	}
	LWLockRelease(&table->lock);
	for (int i = 0; i < PLACES; i++)
	{
		SamplesPlace *place = &table->places[i];

		if (!OidIsValid(names[i].name.index))
			continue;
		if (names[i].database == MyDatabaseId ? !is_gone(names[i].name) :
			SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(names[i].database)))
			continue;
		LWLockAcquire(&table->lock, LW_EXCLUSIVE);
		if (place->database == names[i].database && place->name.index == names[i].name.index &&
			place->name.file == names[i].name.file)
			give_up(place);
		LWLockRelease(&table->lock);
	}
}

/*
 * The catalogs are read before the transaction ends, while that is possible.  If it is rolled back
 * after all, there is nothing worse than samples lost.
 */
static void
before_end(XactEvent event, void *arg)
{
	SamplesTable *table;

	if (!changed || !OidIsValid(MyDatabaseId) ||
		(event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE))
		return;
	changed = false;
	table = samples_table();
	if (table)
		give_up_gone(table);
}

/* A relation has changed, or any may have; whether the table has it is seen without a lock. */
static void
note_relation(Datum arg, Oid relation)
{
	const SamplesTable *table = shared_samples.memory;

	if (table == NULL || !OidIsValid(relation))
		changed = true;
	for (int i = 0; !changed && i < PLACES; i++)
		changed = table->places[i].name.index == relation &&
			table->places[i].database == MyDatabaseId;
}

static void
note_databases(Datum arg, int cache, uint32 hash)
{
	changed = true;
}

void
samples_init(void)
{
	if (process_shared_preload_libraries_in_progress)
		shared_table_request(&shared_samples);
	CacheRegisterRelcacheCallback(note_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(DATABASEOID, note_databases, (Datum) 0);
	RegisterXactCallback(before_end, NULL);
}
