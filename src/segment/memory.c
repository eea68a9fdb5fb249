/*
 * memory.c - the memory of a build, and of a payload
 */
#include "segment/memory.h"

#include "miscadmin.h"
#include "postmaster/autovacuum.h"
#include "utils/memutils.h"

Size
build_memory(void)
{
	bool		autovacuum = AmAutoVacuumWorkerProcess() && autovacuum_work_mem != -1;

	return (Size) (autovacuum ? autovacuum_work_mem : maintenance_work_mem) * 1024;
}

static void *
allocate(void *arg, size_t size)
{
	return MemoryContextAllocHuge(arg, size);
}

static void
release(void *arg, void *p)
{
	pfree(p);
}

ClusterMemory
cluster_memory(MemoryContext context)
{
	return (ClusterMemory) {allocate, release, context};
}

char *
payload_reserve(PayloadMemory *memory, Size size)
{
	if (size > memory->size)
	{
		memory->payload = memory->payload ? repalloc_huge(memory->payload, size) :
			MemoryContextAllocHuge(CurrentMemoryContext, size);
		memory->size = size;
	}
	return memory->payload;
}
