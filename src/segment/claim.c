/*
 * claim.c - claims as page locks
 */
#include "segment/claim.h"

#include "storage/lmgr.h"
#include "storage/lock.h"

void
claim_wait(Extent extent, LOCKMODE mode)
{
	AssertNoContentLock();
	LockPage(extent.index, extent.first, mode);
}

bool
claim_try(Extent extent, LOCKMODE mode)
{
	return ConditionalLockPage(extent.index, extent.first, mode);
}

void
claim_release(Extent extent, LOCKMODE mode)
{
	UnlockPage(extent.index, extent.first, mode);
}

bool
claim_is_mine(Extent extent)
{
	LockRelId  *id = &extent.index->rd_lockInfo.lockRelId;
	LOCKTAG		tag;

	SET_LOCKTAG_PAGE(tag, id->dbId, id->relId, extent.first);
	return lock_held_by_me(&tag, ExclusiveLock);
}

void
claim_index_wait(Relation index, IndexClaim claim, LOCKMODE mode)
{
	AssertNoContentLock();
	LockPage(index, claim, mode);
}

bool
claim_index_try(Relation index, IndexClaim claim, LOCKMODE mode)
{
	return ConditionalLockPage(index, claim, mode);
}

void
claim_index_release(Relation index, IndexClaim claim, LOCKMODE mode)
{
	UnlockPage(index, claim, mode);
}
