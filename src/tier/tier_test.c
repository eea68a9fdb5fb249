/*
 * tier_test.c - functions by which tests read objects through the cache
 *
 * Compiled with -DVECTOR_WAIT_POINTS only.  An object's pages are made of a seed and their place,
 * so that whatever is read can be compared.
 */
#include "pg_compat.h"

#ifdef VECTOR_WAIT_POINTS

#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "portability/instr_time.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "tier/cache.h"
#include "tier/tier.h"

static void
make_page(uint32 seed, uint32 block, char *page)
{
	uint64		word = ((uint64) seed << 32) + block;

	for (int i = 0; i < TIER_PAGE; i += sizeof(word))
	{
		word = word * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
		memcpy(page + i, &word, sizeof(word));
	}
}

static void
read_source(void *arg, uint64 offset, char *buffer, size_t length)
{
	for (size_t at = 0; at < length; at += TIER_PAGE)
		make_page(*(uint32 *) arg, (uint32) ((offset + at) / TIER_PAGE), buffer + at);
}

/* The object of a test's arguments: server, key, pages, seed. */
static TierObject
object_of(FunctionCallInfo fcinfo)
{
	static uint32 *crcs;
	static uint32 blocks;
	static uint32 seed;
	TierObject	object;

	object.server = get_foreign_server_oid(NameStr(*PG_GETARG_NAME(0)), false);
	object.user = GetUserId();
	object.key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	object.id = tier_id(object.key);
	object.blocks = PG_GETARG_INT32(2);
	if (crcs == NULL || blocks != object.blocks || seed != PG_GETARG_INT32(3))
	{
		crcs = MemoryContextAlloc(TopMemoryContext, sizeof(uint32) * object.blocks);
		blocks = object.blocks;
		seed = PG_GETARG_INT32(3);
		for (uint32 i = 0; i < blocks; i++)
		{
			char		page[TIER_PAGE];
			pg_crc32c	crc;

			make_page(seed, i, page);
			INIT_CRC32C(crc);
			COMP_CRC32C(crc, page, TIER_PAGE);
			FIN_CRC32C(crc);
			crcs[i] = crc;
		}
	}
	object.crcs = crcs;
	return object;
}

static uint32 *
blocks_of(FunctionCallInfo fcinfo, int *count)
{
	Datum	   *values;
	uint32	   *blocks;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(4), INT4OID, 4, true, TYPALIGN_INT, &values, NULL,
					  count);
	blocks = palloc(sizeof(uint32) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
		blocks[i] = DatumGetInt32(values[i]);
	return blocks;
}

PGDLLEXPORT Datum tier_test_put(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum tier_test_read(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum tier_test_hold(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum tier_test_at_hand(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum tier_test_state(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum tier_test_counters(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum tier_test_rate(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum tier_test_send_rate(PG_FUNCTION_ARGS);

/* (server, key, pages, seed): writes an object, as fast as one that is tiered. */
PG_FUNCTION_INFO_V1(tier_test_put);
Datum
tier_test_put(PG_FUNCTION_ARGS)
{
	TierObject	object = object_of(fcinfo);
	uint32		seed = PG_GETARG_INT32(3);
	StoreSource source = {
		.size = (uint64) object.blocks * TIER_PAGE, .read = read_source, .arg = &seed,
		.rate = tier_send_rate
	};
	Store	   *store = store_open(object.server, object.user);

	store_put(store, object.key, &source, NULL, NULL);
	tier_report(store, object.server);
	PG_RETURN_VOID();
}

/*
 * (server, key, pages, seed, pages to read, how: "open", one after the other, "fetch", or "once"):
 * reads and compares; returns how many were right.
 */
PG_FUNCTION_INFO_V1(tier_test_read);
Datum
tier_test_read(PG_FUNCTION_ARGS)
{
	TierObject	object = object_of(fcinfo);
	char	   *how = text_to_cstring(PG_GETARG_TEXT_PP(5));
	int			count;
	uint32	   *blocks = blocks_of(fcinfo, &count);
	int			right = 0;

	for (int first = 0; first < count; first += TIER_ROUND)
	{
		int			part = Min(TIER_ROUND, count - first);
		TierPage	pages[TIER_ROUND];

		for (int i = 0; i < part; i++)
			pages[i] = (TierPage) {&object, blocks[first + i]};
		if (strcmp(how, "open") != 0)
			tier_fetch(pages, part, strcmp(how, "once") == 0);
		for (int i = first; i < first + part; i++)
		{
			TierPin		pin;
			char		page[TIER_PAGE];

			make_page(PG_GETARG_INT32(3), blocks[i], page);
			right += memcmp(tier_open(&object, blocks[i], &pin), page, TIER_PAGE) == 0;
			tier_close(&pin);
		}
	}
	PG_RETURN_INT32(right);
}

/* (server, key, pages, seed, pages to read, fail): opens pages, and leaves them open. */
PG_FUNCTION_INFO_V1(tier_test_hold);
Datum
tier_test_hold(PG_FUNCTION_ARGS)
{
	TierObject	object = object_of(fcinfo);
	int			count;
	uint32	   *blocks = blocks_of(fcinfo, &count);

	for (int i = 0; i < count; i++)
	{
		TierPin		pin;

		tier_open(&object, blocks[i], &pin);
	}
	if (PG_GETARG_BOOL(5))
		ereport(ERROR, (errmsg("with %d pages open", count)));
	PG_RETURN_INT32(count);
}

PG_FUNCTION_INFO_V1(tier_test_at_hand);
Datum
tier_test_at_hand(PG_FUNCTION_ARGS)
{
	TierObject	object = object_of(fcinfo);
	int			count;
	uint32	   *blocks = blocks_of(fcinfo, &count);
	int			at_hand = 0;

	for (int i = 0; i < count; i++)
		at_hand += tier_at_hand(&object, blocks[i]);
	PG_RETURN_INT32(at_hand);
}

PG_FUNCTION_INFO_V1(tier_test_state);
Datum
tier_test_state(PG_FUNCTION_ARGS)
{
	CacheState	state = {0};

	tier_cache_refresh(true);
	if (tier_cache_shared() == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("none"));
	tier_cache_state(tier_cache_shared(), &state);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("limit " UINT64_FORMAT " used " UINT64_FORMAT
											  " pinned " UINT64_FORMAT " coming " UINT64_FORMAT,
											  state.pages, state.used, state.pinned,
											  state.coming)));
}

PG_FUNCTION_INFO_V1(tier_test_counters);
Datum
tier_test_counters(PG_FUNCTION_ARGS)
{
	TierCounters counters = tier_counters;

	memset(&tier_counters, 0, sizeof(tier_counters));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("hits " UINT64_FORMAT " misses " UINT64_FORMAT
											  " rounds " UINT64_FORMAT " gets " UINT64_FORMAT
											  " bytes " UINT64_FORMAT, counters.hits,
											  counters.misses, counters.rounds, counters.gets,
											  counters.bytes)));
}

/* (server, key, pages, seed, times): nanoseconds to open a page, read 3 kB of it, and close it. */
PG_FUNCTION_INFO_V1(tier_test_rate);
Datum
tier_test_rate(PG_FUNCTION_ARGS)
{
	TierObject	object = object_of(fcinfo);
	int			times = PG_GETARG_INT32(4);
	uint64		random = 1;
	uint64		sum = 0;
	instr_time	begin;
	instr_time	end;

	INSTR_TIME_SET_CURRENT(begin);
	for (int i = 0; i < times; i++)
	{
		TierPin		pin;
		const char *page;

		random = random * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
		page = tier_open(&object, (uint32) ((random >> 33) % object.blocks), &pin);
		for (int at = 0; at < 3072; at += 64)
			sum += page[at];
		tier_close(&pin);
	}
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, begin);
	PG_RETURN_FLOAT8(INSTR_TIME_GET_DOUBLE(end) * 1e9 / times + (sum == 1));
}

/* Bytes that may be sent in a second. */
PG_FUNCTION_INFO_V1(tier_test_send_rate);
Datum
tier_test_send_rate(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) tier_send_rate());
}

#endif							/* VECTOR_WAIT_POINTS */
