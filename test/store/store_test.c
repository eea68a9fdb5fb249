/*
 * store_test.c - functions by which tests call src/store
 *
 * Objects are made of bytes that follow from a seed and their place, so that any range can be
 * compared.
 */
#include "pg_compat.h"

#include <limits.h>

#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "store/provider.h"
#include "store/sign.h"

PG_MODULE_MAGIC;

typedef struct Made
{
	StoreSource source;
	uint32		seed;
} Made;

static char
made_byte(uint32 seed, uint64 offset)
{
	uint64		mixed = (offset + seed) * UINT64CONST(0x9E3779B97F4A7C15);

	return (char) (mixed >> 56);
}

static void
make(void *arg, uint64 offset, char *buffer, size_t length)
{
	for (size_t i = 0; i < length; i++)
		buffer[i] = made_byte(((Made *) arg)->seed, offset + i);
}

static const StoreSource *
made(Made *made, int64 size, int32 seed)
{
	made->seed = seed;
	made->source.size = size;
	made->source.read = make;
	made->source.arg = made;
	made->source.rate = NULL;
	made->source.tags = "index=public.made&segment=7";
	return &made->source;
}

static Store *
opened(FunctionCallInfo fcinfo)
{
	return store_open(get_foreign_server_oid(NameStr(*PG_GETARG_NAME(0)), false), GetUserId());
}

#define KEY(n) text_to_cstring(PG_GETARG_TEXT_PP(n))

PG_FUNCTION_INFO_V1(store_test_put);

/* (server, key, size, seed): writes, and verifies; the digest in hexadecimal */
Datum
store_test_put(PG_FUNCTION_ARGS)
{
	Store	   *store = opened(fcinfo);
	Made		bytes;
	StoreDigest digest;
	char		hex[2 * STORE_SHA256 + 1];
	int64		size = PG_GETARG_INT64(2);

	store_put(store, KEY(1), made(&bytes, size, PG_GETARG_INT32(3)), &digest, NULL);
	store_verify(store, KEY(1), size, &digest, NULL);
	store_hex(digest.sha256, STORE_SHA256, hex);
	PG_RETURN_TEXT_P(cstring_to_text(hex));
}

PG_FUNCTION_INFO_V1(store_test_create);

/* (server, key, size, seed): whether there was none */
Datum
store_test_create(PG_FUNCTION_ARGS)
{
	Store	   *store = opened(fcinfo);
	Made		bytes;
	StoreError	error;

	if (!store_create(store, KEY(1), made(&bytes, PG_GETARG_INT64(2), PG_GETARG_INT32(3)),
					  &error) &&
		error.kind != STORE_EXISTS)
		store_raise(store, KEY(1), &error);
	PG_RETURN_BOOL(error.kind == STORE_OK);
}

PG_FUNCTION_INFO_V1(store_test_read);

/*
 * (server, key, size, seed, count, blocks): reads ranges all over the object at once, verified; the
 * bytes that are right
 */
Datum
store_test_read(PG_FUNCTION_ARGS)
{
	Store	   *store = opened(fcinfo);
	int64		size = PG_GETARG_INT64(2);
	int32		seed = PG_GETARG_INT32(3);
	int			count = PG_GETARG_INT32(4);
	int			blocks = PG_GETARG_INT32(5);
	int64		all = (size + STORE_BLOCK - 1) / STORE_BLOCK;
	StoreRange *ranges = palloc(sizeof(StoreRange) * count);
	int64		right = 0;

	for (int i = 0; i < count; i++)
	{
		uint64		block = (all - 1) * i / Max(count - 1, 1);
		uint32	   *crcs = palloc(sizeof(uint32) * blocks);
		Made		bytes;

		ranges[i].key = KEY(1);
		ranges[i].offset = block * STORE_BLOCK;
		ranges[i].length = Min((uint64) blocks * STORE_BLOCK, size - ranges[i].offset);
		ranges[i].data = palloc(ranges[i].length);
		made(&bytes, size, seed);
		make(&bytes, ranges[i].offset, ranges[i].data, ranges[i].length);
		for (uint32 at = 0; at < ranges[i].length; at += STORE_BLOCK)
			crcs[at / STORE_BLOCK] = store_crc(ranges[i].data + at,
											   Min(STORE_BLOCK, ranges[i].length - at));
		ranges[i].crcs = crcs;
		memset(ranges[i].data, 0, ranges[i].length);
	}
	store_read(store, ranges, count, NULL);
	for (int i = 0; i < count; i++)
		for (uint32 at = 0; at < ranges[i].length; at++)
			right += ranges[i].data[at] == made_byte(seed, ranges[i].offset + at);
	PG_RETURN_INT64(right);
}

PG_FUNCTION_INFO_V1(store_test_get);

/* (server, key, start, length): bytes, not verified */
Datum
store_test_get(PG_FUNCTION_ARGS)
{
	int			length = PG_GETARG_INT32(3);
	bytea	   *bytes = palloc(VARHDRSZ + length);
	StoreRange	range = {KEY(1), PG_GETARG_INT64(2), length, VARDATA(bytes), NULL};

	SET_VARSIZE(bytes, VARHDRSZ + length);
	store_read(opened(fcinfo), &range, 1, NULL);
	PG_RETURN_BYTEA_P(bytes);
}

PG_FUNCTION_INFO_V1(store_test_size);

/* (server, key): NULL: there is none */
Datum
store_test_size(PG_FUNCTION_ARGS)
{
	Store	   *store = opened(fcinfo);
	StoreObject object;
	StoreError	error;

	if (store_head(store, KEY(1), &object, &error))
		PG_RETURN_INT64(object.size);
	if (error.kind != STORE_NOT_FOUND)
		store_raise(store, KEY(1), &error);
	PG_RETURN_NULL();
}

static void
take_key(void *arg, const char *key, uint64 size)
{
	ArrayBuildState **state = arg;

	*state = accumArrayResult(*state, PointerGetDatum(cstring_to_text(key)), false, TEXTOID,
							  CurrentMemoryContext);
}

PG_FUNCTION_INFO_V1(store_test_list);

Datum
store_test_list(PG_FUNCTION_ARGS)
{
	ArrayBuildState *state = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	store_list(opened(fcinfo), KEY(1), take_key, &state, NULL);
	PG_RETURN_DATUM(makeArrayResult(state, CurrentMemoryContext));
}

PG_FUNCTION_INFO_V1(store_test_delete);

Datum
store_test_delete(PG_FUNCTION_ARGS)
{
	Store	   *store = opened(fcinfo);
	Datum	   *values;
	int			count;
	const char **keys;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &values, NULL,
					  &count);
	keys = palloc(sizeof(char *) * Max(count, 1));
	for (int i = 0; i < count; i++)
		keys[i] = TextDatumGetCString(values[i]);
	store_delete(store, keys, count, NULL);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(store_test_counters);

Datum
store_test_counters(PG_FUNCTION_ARGS)
{
	StoreCounters counters;

	store_counters(opened(fcinfo), &counters);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(
		"requests " UINT64_FORMAT " retries " UINT64_FORMAT " hedges " UINT64_FORMAT
		" won " UINT64_FORMAT " errors " UINT64_FORMAT " read " UINT64_FORMAT
		" written " UINT64_FORMAT, counters.requests, counters.retries, counters.hedges,
		counters.hedges_won, counters.errors, counters.bytes_read, counters.bytes_written)));
}

PG_FUNCTION_INFO_V1(store_test_hedge);

/* (milliseconds that reads took): after how many a read is sent again; NULL: it is not */
Datum
store_test_hedge(PG_FUNCTION_ARGS)
{
	Store		store = {0};
	Datum	   *values;
	int			count;
	int			after;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT4OID, sizeof(int32), true, TYPALIGN_INT, &values,
					  NULL, &count);
	for (int i = 0; i < count; i++)
		store.latencies[store.reads++ % STORE_LATENCIES] = DatumGetInt32(values[i]);
	after = store_hedge_after(&store);
	if (after == INT_MAX)
		PG_RETURN_NULL();
	PG_RETURN_INT32(after);
}

PG_FUNCTION_INFO_V1(store_test_sign);

/*
 * (method, path, query, headers "name:value", payload's hash, key, secret, region, service, time)
 */
Datum
store_test_sign(PG_FUNCTION_ARGS)
{
	char	   *part[10];
	Datum	   *values;
	SignHeader	headers[10];
	int			count;
	StringInfoData path;

	for (int i = 0; i < 10; i++)
		part[i] = i == 3 ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, -1, false, TYPALIGN_INT, &values, NULL,
					  &count);
	for (int i = 0; i < count; i++)
	{
		char	   *line = TextDatumGetCString(values[i]);
		char	   *colon = strchr(line, ':');

		*colon = '\0';
		headers[i].name = line;
		headers[i].value = colon + 1;
	}
	initStringInfo(&path);
	store_encode(&path, part[1], false);
	PG_RETURN_TEXT_P(cstring_to_text(store_sign(
		&(SignRequest) {part[0], path.data, part[2], headers, count, part[4]},
		&(SignScope) {part[5], part[6], part[7], part[8], part[9]})));
}
