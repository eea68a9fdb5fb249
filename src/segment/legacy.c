/*
 * legacy.c - recognizing, skipping and marking the indexes of pgvector
 */
#include "segment/legacy.h"

#include "access/generic_xlog.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"

#include "segment/cache.h"

/* The first four bytes after the page header of block 0: pgvector's values, and our mark. */
#define PGVECTOR_HNSW_MAGIC		0xA953A953
#define PGVECTOR_IVFFLAT_MAGIC	0x14FF1A7
#define OUTDATED_MAGIC			0x564F4C44	/* "VOLD" */

#define PageGetMagic(page)		((uint32 *) PageGetContents(page))

static LegacyState
page_state(Page page)
{
	if (PageIsNew(page))
		return LEGACY_NONE;
	switch (*PageGetMagic(page))
	{
		case PGVECTOR_HNSW_MAGIC:
		case PGVECTOR_IVFFLAT_MAGIC:
			return LEGACY_UNTOUCHED;
		case OUTDATED_MAGIC:
			return LEGACY_OUTDATED;
		default:
			return LEGACY_NONE;
	}
}

LegacyState
legacy_state(Relation index)
{
	Buffer		buffer;
	LegacyState state;

	if (RelationGetNumberOfBlocks(index) == 0)
		return LEGACY_NONE;
	buffer = ReadBuffer(index, DIRECTORY_BLOCK);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	state = page_state(BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
	return state;
}

static void
mark_outdated(Relation index)
{
	Buffer		buffer = ReadBuffer(index, DIRECTORY_BLOCK);

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (page_state(BufferGetPage(buffer)) == LEGACY_UNTOUCHED)
	{
		GenericXLogState *state = GenericXLogStart(index);

		*PageGetMagic(GenericXLogRegisterBuffer(state, buffer, 0)) = OUTDATED_MAGIC;
		GenericXLogFinish(state);
	}
	UnlockReleaseBuffer(buffer);
}

bool
legacy_pass_by(Relation index)
{
	LegacyState state;

	/* only indexes in our format are ever cached */
	if (cache_has(index))
		return false;
	state = legacy_state(index);
	if (state == LEGACY_UNTOUCHED)
		mark_outdated(index);
	return state != LEGACY_NONE;
}

void
legacy_warn(Relation index)
{
	static List *warned = NIL;
	MemoryContext old;

	if (list_member_oid(warned, RelationGetRelid(index)))
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	warned = lappend_oid(warned, RelationGetRelid(index));
	MemoryContextSwitchTo(old);
	ereport(WARNING,
			(errmsg("index \"%s\" is not in the format of this version of the extension",
					RelationGetRelationName(index)),
			 errdetail("It is not used."),
			 errhint("Build it again with REINDEX INDEX.")));
}
