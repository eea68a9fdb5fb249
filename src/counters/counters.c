/*
 * counters.c - counters of a session, and their sums
 */
#include "counters/counters.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "counters/counters_internal.h"
#include "shared/table.h"

/* A session forgets its indexes when they are so many. */
#define MOST_OWN		1024

/* It waits for the table's lock only if it has had to do without for so long. */
#define PATIENCE_MS		1000

/* A search is not noted again so soon. */
#define NOTE_MS			100

/* What this session has counted and not added to the table. */
typedef struct OwnCounters
{
	Oid			index;			/* the key */
	uint32		place;			/* that the table had for it */
	bool		is_new;			/* it is among new_counters */
	struct OwnCounters *next;
	CountedIndex counted;
} OwnCounters;

uint32		counters_places;

static HTAB *own;
static OwnCounters *new_counters;
static OwnCounters *last;		/* that was asked for */
static TimestampTz added;		/* when they were added to the table */

static SharedTable shared_counters = {
	.name = "vector_counters",
	SHARED_TABLE_OF(CountersTable),
	.missing = "statistics of vector indexes are those of each session"
};

CountersTable *
counters_table(void)
{
	return shared_table(&shared_counters);
}

CountersTable *
counters_new_table(void)
{
	shared_counters.memory = NULL;
	return counters_table();
}

/* ---- the table, whose lock the caller holds ---- */

/* The place of an index, which is mostly the one that it had before; else counters_places. */
static uint32
find_place(CountersTable *table, Oid index, uint32 before)
{
	const CountedName *names = counters_names(table);

	if (before < counters_places && names[before].index == index &&
		names[before].database == MyDatabaseId)
		return before;
	for (uint32 i = 0; i < counters_places; i++)
		if (names[i].index == index && names[i].database == MyDatabaseId)
			return i;
	return counters_places;
}

/* A place for an index that has none: a free one, or that of the index not used for longest. */
static uint32
make_place(CountersTable *table, Oid index, TimestampTz since)
{
	CountedName *names = counters_names(table);
	CountedIndex *indexes = counters_indexes(table);
	uint32		place = 0;

	for (uint32 i = 0; i < counters_places && OidIsValid(names[place].index); i++)
		if (!OidIsValid(names[i].index) || indexes[i].changed < indexes[place].changed)
			place = i;
	names[place] = (CountedName) {MyDatabaseId, index};
	memset(&indexes[place], 0, sizeof(CountedIndex));
	indexes[place].since = since;
	return place;
}

static void
add_counters(IndexCounters *to, const IndexCounters *from)
{
	for (size_t i = 0; i < sizeof(IndexCounters) / sizeof(uint64); i++)
		((uint64 *) to)[i] += ((const uint64 *) from)[i];
}

static void
add_own(CountersTable *table, OwnCounters *counters, TimestampTz now)
{
	CountedIndex *counted;

	counters->place = find_place(table, counters->index, counters->place);
	if (counters->place == counters_places)
		counters->place = make_place(table, counters->index, counters->counted.since);
	counted = &counters_indexes(table)[counters->place];
	add_counters(&counted->counters, &counters->counted.counters);
	if (counters->counted.recall.k > 0)
		counted->recall = counters->counted.recall;
	counted->changed = now;
}

/* ---- this session ---- */

/* Adds what is new to the table; without patience only if that is not locked. */
static void
add_new_counters(bool wait)
{
	CountersTable *table = shared_counters.memory;
	TimestampTz now;

	if (new_counters == NULL || table == NULL)
		return;
	now = wait ? GetCurrentTimestamp() : GetCurrentTransactionStopTimestamp();
	if (wait || TimestampDifferenceExceeds(added, now, PATIENCE_MS))
		LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	else if (!LWLockConditionalAcquire(&table->lock, LW_EXCLUSIVE))
		return;
	for (OwnCounters *counters = new_counters; counters; counters = counters->next)
	{
		add_own(table, counters, now);
		memset(&counters->counted, 0, sizeof(CountedIndex));
		counters->is_new = false;
	}
	LWLockRelease(&table->lock);
	new_counters = NULL;
	added = now;
	if (hash_get_num_entries(own) > MOST_OWN)
	{
		hash_destroy(own);
		own = NULL;
		last = NULL;
	}
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PARALLEL_PRE_COMMIT &&
		event != XACT_EVENT_PRE_PREPARE)
		add_new_counters(false);
}

static void
at_exit(int code, Datum arg)
{
	add_new_counters(true);
}

/* Begins to count. */
static void
begin_own(void)
{
	HASHCTL		control = {
		.keysize = sizeof(Oid), .entrysize = sizeof(OwnCounters), .hcxt = TopMemoryContext
	};
	static bool registered;

	own = hash_create("vector counters", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (registered)
		return;
	before_shmem_exit(at_exit, 0);
	RegisterXactCallback(at_transaction_end, NULL);
	registered = true;
}

static OwnCounters *
own_of(Oid index)
{
	OwnCounters *counters = last;
	bool		found;

	if (counters == NULL || counters->index != index || !counters->is_new)
	{
		/* at a transaction's end it is too late to look for the table */
		(void) counters_table();
		if (own == NULL)
			begin_own();
		counters = hash_search(own, &index, HASH_ENTER, &found);
		if (!found)
			memset((char *) counters + sizeof(Oid), 0, sizeof(OwnCounters) - sizeof(Oid));
		last = counters;
	}
	if (!counters->is_new)
	{
		counters->is_new = true;
		counters->next = new_counters;
		new_counters = counters;
		if (counters->counted.since == 0)
			counters->counted.since = GetCurrentTransactionStartTimestamp();
	}
	return counters;
}

IndexCounters *
counters_of(Oid index)
{
	return &own_of(index)->counted.counters;
}

void
counters_set_recall(Oid index, double recall, int k)
{
	own_of(index)->counted.recall = (MeasuredRecall) {recall, k, GetCurrentTimestamp()};
}

static uint32
milliseconds(void)
{
	return (uint32) (GetCurrentTimestamp() / 1000);
}

/* Notes that there was a search, if that was not done just now: sessions rarely write there. */
static void
note_search(void)
{
	CountersTable *table = shared_counters.memory;
	uint32		now = milliseconds();

	if (table != NULL && now - table->searched >= NOTE_MS)
		table->searched = now;
}

bool
counters_searched(int ago)
{
	CountersTable *table = counters_table();
	uint32		searched = table == NULL ? 0 : table->searched;

	/* the clock is read after that: it is not behind */
	return searched != 0 && milliseconds() - searched <= (uint32) ago + NOTE_MS;
}

void
counters_add_latency(IndexCounters *counters, uint64 microseconds)
{
	int			class = 0;

	while (class < LATENCY_CLASSES - 1 && microseconds >= (uint64) LATENCY_FIRST << class)
		class++;
	counters->latencies[class]++;
	counters->microseconds += microseconds;
	note_search();
}

double
counters_latency(const IndexCounters *counters, double share)
{
	uint64		all = 0;
	double		wanted;

	for (int class = 0; class < LATENCY_CLASSES; class++)
		all += counters->latencies[class];
	if (all == 0)
		return 0;
	wanted = share * all;
	for (int class = 0;; class++)
	{
		double		least = class == 0 ? 0 : (double) ((uint64) LATENCY_FIRST << (class - 1));
		double		most = (double) ((uint64) LATENCY_FIRST << class);

		/* as if the times of a class were evenly distributed */
		if (wanted <= counters->latencies[class] || class == LATENCY_CLASSES - 1)
			return least + (most - least) * Min(wanted / Max(counters->latencies[class], 1), 1);
		wanted -= counters->latencies[class];
	}
}

void
counters_read(Oid index, CountedIndex *counted)
{
	CountersTable *table = counters_table();
	OwnCounters *counters;

	memset(counted, 0, sizeof(CountedIndex));
	if (table == NULL)
	{
		counters = own ? hash_search(own, &index, HASH_FIND, NULL) : NULL;
		if (counters)
			*counted = counters->counted;
		return;
	}
	add_new_counters(true);
	LWLockAcquire(&table->lock, LW_SHARED);
	{
		uint32		place = find_place(table, index, counters_places);

		if (place < counters_places)
			*counted = counters_indexes(table)[place];
	}
	LWLockRelease(&table->lock);
}

void
counters_add_slow(const SlowSearch *search)
{
	CountersTable *table = counters_table();

	if (table == NULL)
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	table->slow[table->slow_next++ % SLOW_SEARCHES] = *search;
	LWLockRelease(&table->lock);
}

int
counters_slow(SlowSearch slow[SLOW_SEARCHES])
{
	CountersTable *table = counters_table();
	int			count = 0;

	if (table == NULL)
		return 0;
	LWLockAcquire(&table->lock, LW_SHARED);
	for (uint32 i = 1; i <= SLOW_SEARCHES; i++)
	{
		const SlowSearch *search = &table->slow[(table->slow_next - i) % SLOW_SEARCHES];

		if (OidIsValid(search->index) && search->database == MyDatabaseId)
			slow[count++] = *search;
	}
	LWLockRelease(&table->lock);
	return count;
}

void
counters_reset(Oid index)
{
	CountersTable *table = counters_table();
	TimestampTz now = GetCurrentTimestamp();
	HASH_SEQ_STATUS status;
	OwnCounters *counters;

	if (own != NULL)
	{
		hash_seq_init(&status, own);
		while ((counters = hash_seq_search(&status)) != NULL)
			if (!OidIsValid(index) || counters->index == index)
			{
				memset(&counters->counted, 0, sizeof(CountedIndex));
				counters->counted.since = now;
			}
	}
	if (table == NULL)
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	for (uint32 i = 0; i < counters_places; i++)
	{
		const CountedName *name = &counters_names(table)[i];

		if (name->database == MyDatabaseId && OidIsValid(name->index) &&
			(!OidIsValid(index) || name->index == index))
			counters_indexes(table)[i] = (CountedIndex) {.since = now, .changed = now};
	}
	for (int i = 0; i < SLOW_SEARCHES; i++)
		if (table->slow[i].database == MyDatabaseId &&
			(!OidIsValid(index) || table->slow[i].index == index))
			table->slow[i].index = InvalidOid;
	LWLockRelease(&table->lock);
}

void
counters_init(void)
{
	bool		preloaded = process_shared_preload_libraries_in_progress;

	counters_places = preloaded || PG_VERSION_NUM >= 170000 ? PLACES_MANY : PLACES_FEW;
	shared_counters.size = COUNTERS_TABLE_SIZE(counters_places);
	if (!preloaded)
		return;
	shared_table_request(&shared_counters);
	counters_keep();
}
