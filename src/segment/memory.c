/*
 * memory.c - the memory of a build
 */
#include "segment/memory.h"

#include "miscadmin.h"
#include "postmaster/autovacuum.h"

Size
build_memory(void)
{
	bool		autovacuum = AmAutoVacuumWorkerProcess() && autovacuum_work_mem != -1;

	return (Size) (autovacuum ? autovacuum_work_mem : maintenance_work_mem) * 1024;
}
