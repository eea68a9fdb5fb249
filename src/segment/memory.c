/*
 * memory.c - the memory of a build, and dynamic shared memory whose allocation may fail
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

void
shared_memory_end_owner(ResourceOwner owner)
{
	/* outside of a transaction there is no owner that could inherit locks, as PostgreSQL asserts */
	bool		top = ResourceOwnerGetParent(owner) == NULL;

	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, top);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, top);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, top);
	ResourceOwnerDelete(owner);
}

/*
 * PostgreSQL reports a lack of shared memory only by an error.  It is safe to catch that without a
 * subtransaction: dsm_create raises it while it holds no lock and after it has removed what the
 * system created; all that is left is its descriptor, which is freed with a resource owner of its
 * own.
 */
dsm_segment *
shared_memory_try(Size size)
{
	ResourceOwner caller = CurrentResourceOwner;
	ResourceOwner owner = ResourceOwnerCreate(caller, "vector shared memory");
	MemoryContext context = CurrentMemoryContext;
	dsm_segment *volatile segment = NULL;

	CurrentResourceOwner = owner;
	PG_TRY();
	{
		segment = dsm_create(size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		CurrentResourceOwner = caller;
		shared_memory_end_owner(owner);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_INSUFFICIENT_RESOURCES)
			PG_RE_THROW();
		FlushErrorState();
		FreeErrorData(error);
		return NULL;
	}
	PG_END_TRY();

	/* move it from this owner to the caller's */
	if (segment)
		dsm_pin_mapping(segment);
	CurrentResourceOwner = caller;
	if (segment)
		dsm_unpin_mapping(segment);
	shared_memory_end_owner(owner);
	return segment;
}

bool
shared_memory_has(Size size)
{
	dsm_segment *segment = shared_memory_try(size);

	if (segment == NULL)
		return false;
	dsm_detach(segment);
	return true;
}
