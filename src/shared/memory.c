/*
 * memory.c - dynamic shared memory whose allocation may fail
 */
#include "shared/memory.h"

#include "miscadmin.h"
#include "utils/memutils.h"

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
 * Creates a segment of a size, or attaches to one, for the rest of the session; NULL if that cannot
 * be done.  PostgreSQL reports a lack of shared memory only by an error.  It is safe to catch that
 * without a subtransaction: dsm_create raises it while it holds no lock and after it has removed
 * what the system created, and so does dsm_attach; all that is left is its descriptor, which is
 * freed with a resource owner of its own.  LWLocks that the caller holds stay held.
 */
static dsm_segment *
try_segment(Size size, dsm_handle handle)
{
	ResourceOwner caller = CurrentResourceOwner;
	ResourceOwner owner = ResourceOwnerCreate(caller, "vector shared memory");
	MemoryContext context = CurrentMemoryContext;
	uint32		held = InterruptHoldoffCount;	/* an error sets it to 0 */
	dsm_segment *volatile segment = NULL;

	CurrentResourceOwner = owner;
	PG_TRY();
	{
		segment = size > 0 ? dsm_create(size, DSM_CREATE_NULL_IF_MAXSEGMENTS) :
			dsm_attach(handle);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		InterruptHoldoffCount = held;
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
	if (segment)
		dsm_pin_mapping(segment);
	CurrentResourceOwner = caller;
	shared_memory_end_owner(owner);
	return segment;
}

dsm_segment *
shared_memory_try(Size size)
{
	dsm_segment *segment = try_segment(size, 0);

	if (segment)
		dsm_unpin_mapping(segment);
	return segment;
}

dsm_segment *
shared_memory_make(Size size)
{
	dsm_segment *segment = try_segment(size, 0);

	if (segment)
		dsm_pin_segment(segment);
	return segment;
}

dsm_segment *
shared_memory_attach(dsm_handle handle)
{
	return try_segment(0, handle);
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
