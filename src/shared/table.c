/*
 * table.c - tables in shared memory, by name
 */
#include "shared/table.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#endif

#include "shared/memory.h"

#define RETRY_MS		10000	/* after which a missing table is looked for again */

static SharedTable *getting;	/* the table that may have to be initialized */

static void
init_table(void *memory)
{
	int			tranche = new_tranche_id(getting->name);

	memset(memory, 0, getting->size);
	*(int *) ((char *) memory + getting->tranche) = tranche;
	LWLockInitialize((LWLock *) ((char *) memory + getting->lock), tranche);
}

#if PG_VERSION_NUM >= 190000
static void
init_segment(void *memory, void *arg)
{
	init_table(memory);
}
#elif PG_VERSION_NUM >= 170000
static void
init_segment(void *memory)
{
	init_table(memory);
}
#endif

/* In the main shared memory, which has the room that was requested, and a little more. */
static void *
get_main_memory(SharedTable *table)
{
	void	   *memory;
	bool		found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	memory = ShmemInitStruct(table->name, table->size, &found);
	if (!found)
		init_table(memory);
	LWLockRelease(AddinShmemInitLock);
	return memory;
}

static void *
get_memory(SharedTable *table)
{
	getting = table;
#if PG_VERSION_NUM >= 170000
	if (!table->requested)
	{
		bool		found;

#if PG_VERSION_NUM >= 190000
		return GetNamedDSMSegment(table->name, table->size, init_segment, &found, NULL);
#else
		return GetNamedDSMSegment(table->name, table->size, init_segment, &found);
#endif
	}
#endif
	return get_main_memory(table);
}

/*
 * Likewise, but where that raises an error (there is no memory left, or the table is that of
 * another version of the library), reports a message and returns NULL.  What an error leaves behind
 * is cleaned up here: LWLocks, all of which are ours because callers hold none, and in version 17
 * and later a half-made segment, which belongs to a resource owner of its own.  PostgreSQL itself
 * removes the entry of a structure for which it has no memory.  So no subtransaction is needed,
 * which would be impossible in parallel mode and in a worker outside of a transaction.
 */
static void *
try_memory(SharedTable *table, int level)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner caller = CurrentResourceOwner;
	ResourceOwner owner = ResourceOwnerCreate(caller, table->name);
	void	   *volatile memory = NULL;

	CurrentResourceOwner = owner;
	PG_TRY();
	{
		memory = get_memory(table);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		LWLockReleaseAll();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ereport(level,
				(errmsg("%s", table->missing),
				 errdetail_internal("%s", error->message),
				 errhint("Restart the server, before PostgreSQL 17 with \"vector\" in "
						 "\"shared_preload_libraries\".")));
		FreeErrorData(error);
	}
	PG_END_TRY();
	CurrentResourceOwner = caller;
	shared_memory_end_owner(owner);
	return memory;
}

void *
shared_table(SharedTable *table)
{
	if (table->memory != NULL)
		return table->memory;
	if (table->failed != 0 &&
		!TimestampDifferenceExceeds(table->failed, GetCurrentTimestamp(), RETRY_MS))
		return NULL;
	table->memory = try_memory(table, table->failed == 0 ? LOG : DEBUG1);
	if (table->memory == NULL)
		table->failed = GetCurrentTimestamp();
	else
		register_tranche(*(int *) ((char *) table->memory + table->tranche), table->name);
	return table->memory;
}

static shmem_request_hook_type previous_shmem_request_hook;
static Size requested;

static void
request_memory(void)
{
	if (previous_shmem_request_hook)
		previous_shmem_request_hook();
	RequestAddinShmemSpace(requested);
}

void
shared_table_request(SharedTable *table)
{
	if (requested == 0)
	{
		previous_shmem_request_hook = shmem_request_hook;
		shmem_request_hook = request_memory;
	}
	requested += MAXALIGN(table->size);
	table->requested = true;
}
