/*
 * check.c - vector_store_check(): tries what a store is asked to do, and says what fails
 */
#include "pg_compat.h"

#include "foreign/foreign.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "store/provider.h"

#define SMALL_SIZE (3 * STORE_BLOCK + 100)
#define COLUMNS 5

typedef struct Check
{
	Store	   *store;
	ReturnSetInfo *result;
	StoreError	error;
	char		small[64];		/* keys of what is written */
	char		large[64];
	char	   *bytes;
	size_t		large_size;
	StoreDigest small_digest;
	StoreDigest large_digest;
	int			listed;
	const char *note;			/* said of a step that went well */
} Check;

/* A call of the store, and whether it went as it should. */
typedef bool (*CheckStep) (Check *check);

static void
count_key(void *arg, const char *key, uint64 size)
{
	Check	   *check = arg;

	if ((strcmp(key, check->small) == 0 && size == SMALL_SIZE) ||
		(strcmp(key, check->large) == 0 && size == check->large_size))
		check->listed++;
}

static bool
list_keys(Check *check)
{
	check->listed = 0;
	return store_list(check->store, "check/", count_key, check, &check->error);
}

/* Bytes to write, with the tags that objects of indexes have. */
static const StoreSource *
bytes_of(const Check *check, StoreMemory *memory, size_t size)
{
	(void) store_memory(memory, check->bytes, size);
	memory->source.tags = "index=none&segment=0";
	return &memory->source;
}

static bool
write_small(Check *check)
{
	StoreMemory memory;

	return store_put(check->store, check->small, bytes_of(check, &memory, SMALL_SIZE),
					 &check->small_digest, &check->error);
}

static bool
verify_small(Check *check)
{
	return store_verify(check->store, check->small, SMALL_SIZE, &check->small_digest,
						&check->error);
}

/* Several ranges at once, of which the first ends in the midst of a block. */
static bool
read_ranges(Check *check)
{
	char		data[SMALL_SIZE];
	StoreRange	ranges[3] = {
		{check->small, 0, 9, data, NULL},
		{check->small, STORE_BLOCK, STORE_BLOCK, data + STORE_BLOCK, check->small_digest.crcs + 1},
		{check->small, 2 * STORE_BLOCK, SMALL_SIZE - 2 * STORE_BLOCK, data + 2 * STORE_BLOCK,
		check->small_digest.crcs + 2}
	};

	if (!store_read(check->store, ranges, lengthof(ranges), &check->error))
		return false;
	return memcmp(data, check->bytes, 9) == 0 ||
		store_fail(&check->error, STORE_DAMAGED, "the bytes read are not those written");
}

static bool
write_large(Check *check)
{
	StoreMemory memory;

	return store_put(check->store, check->large, bytes_of(check, &memory, check->large_size),
					 &check->large_digest, &check->error) &&
		store_verify(check->store, check->large, check->large_size, &check->large_digest,
					 &check->error);
}

static bool
list_written(Check *check)
{
	if (!list_keys(check))
		return false;
	return check->listed == 2 ||
		store_fail(&check->error, STORE_DAMAGED, "%d of the 2 objects written are listed",
				   check->listed);
}

/* A server that does not know conditions replaces the object, and says nothing. */
static bool
write_on_condition(Check *check)
{
	StoreMemory memory;

	if (!store_can_create(check->store))
	{
		check->note = "not tried: the server has no option conditional_put";
		return true;
	}
	if (store_create(check->store, check->small, bytes_of(check, &memory, SMALL_SIZE),
					 &check->error))
		return store_fail(&check->error, STORE_REFUSED,
						  "the server does not know conditions: it replaced an object that was "
						  "to be created");
	return check->error.kind == STORE_EXISTS;
}

static bool
delete_objects(Check *check)
{
	const char *keys[] = {check->small, check->large};
	StoreObject object;

	if (!store_delete(check->store, keys, lengthof(keys), &check->error))
		return false;
	if (store_head(check->store, check->small, &object, &check->error))
		return store_fail(&check->error, STORE_REFUSED, "a deleted object is still there");
	return check->error.kind == STORE_NOT_FOUND;
}

static void
add_row(Check *check, const char *step, bool passed, double milliseconds)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};
	const char *detail = passed ? check->note : check->error.message;
	const char *hint = passed ? NULL : store_hint(&check->error);

	values[0] = CStringGetTextDatum(step);
	values[1] = BoolGetDatum(passed);
	values[2] = Float8GetDatum(milliseconds);
	nulls[3] = detail == NULL;
	if (detail != NULL)
		values[3] = CStringGetTextDatum(detail);
	nulls[4] = hint == NULL;
	if (hint != NULL)
		values[4] = CStringGetTextDatum(hint);
	tuplestore_putvalues(check->result->setResult, check->result->setDesc, values, nulls);
}

static bool
run_step(Check *check, const char *name, CheckStep step)
{
	instr_time	begin;
	instr_time	end;
	bool		passed;

	memset(&check->error, 0, sizeof(StoreError));
	check->note = NULL;
	INSTR_TIME_SET_CURRENT(begin);
	passed = step(check);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, begin);
	add_row(check, name, passed, INSTR_TIME_GET_MILLISEC(end));
	return passed;
}

/* Names and bytes that no other check has. */
static void
make_objects(Check *check)
{
	uint8		random[8];
	char		hex[17];
	uint32		state;

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate random values")));
	store_hex(random, sizeof(random), hex);
	snprintf(check->small, sizeof(check->small), "check/%s/small", hex);
	snprintf(check->large, sizeof(check->large), "check/%s/large", hex);
	check->large_size = store_part_size(check->store) + STORE_BLOCK + 1;
	check->bytes = palloc(check->large_size);
	memcpy(&state, random, sizeof(state));
	for (size_t i = 0; i < check->large_size; i++)
	{
		state = state * 1664525 + 1013904223;
		check->bytes[i] = (char) (state >> 24);
	}
}

PG_FUNCTION_INFO_V1(vector_store_check);

/*
 * Runs the steps until one fails without which the next ones cannot pass.  What was written is
 * deleted, unless that is what fails.
 */
Datum
vector_store_check(PG_FUNCTION_ARGS)
{
	static const struct
	{
		const char *name;
		CheckStep	step;
	}			steps[] = {
		{"read", verify_small},
		{"read ranges", read_ranges},
		{"write in parts", write_large},
		{"list what was written", list_written},
		{"write on condition", write_on_condition},
		{"delete", delete_objects}
	};
	Oid			server = get_foreign_server_oid(NameStr(*PG_GETARG_NAME(0)), false);
	Check		check = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	bool		opened;

	InitMaterializedSRF(fcinfo, 0);
	opened = store_try_open(server, GetUserId(), &check.store, &check.error);
	add_row(&check, "open", opened, 0);
	if (!opened)
		return (Datum) 0;
	make_objects(&check);
	if (!run_step(&check, "list", list_keys) || !run_step(&check, "write", write_small))
		return (Datum) 0;
	for (int i = 0; i < lengthof(steps); i++)
		run_step(&check, steps[i].name, steps[i].step);
	return (Datum) 0;
}
