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
