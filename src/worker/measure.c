/*
 * measure.c - a worker's step that measures what recall searches have
 */
#include "worker/measure.h"

#include "access/relation.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "am/effort.h"

/*
 * As ANALYZE does: others that change a table's statistics wait for it, and it can be asked whether
 * anyone waits, which cannot be asked of weaker locks.
 */
#define TABLE_LOCK	ShareUpdateExclusiveLock

static Relation table;			/* that is read */

bool
measure_gives_way(void)
{
	return table != NULL && LockHasWaitersRelation(table, TABLE_LOCK);
}

void
measure_abandon(void)
{
	table = NULL;
}

/* With the rights of the table's owner, for the sake of functions in the index's expressions. */
static void
measure_as_owner(Relation index)
{
	int			level = NewGUCNestLevel();
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(table->rd_rel->relowner, context | SECURITY_RESTRICTED_OPERATION);
	PushActiveSnapshot(GetTransactionSnapshot());
	effort_measure(index);
	PopActiveSnapshot();
	AtEOXact_GUC(false, level);
	SetUserIdAndSecContext(user, context);
}

bool
measure_index(Relation index)
{
	Oid			oid = IndexGetRelation(RelationGetRelid(index), true);

	if (!OidIsValid(oid) || !effort_is_due(index))
		return true;
	if (!ConditionalLockRelationOid(oid, TABLE_LOCK))
		return false;
	table = try_relation_open(oid, NoLock);
	if (table == NULL)
		return true;
	/* CREATE INDEX CONCURRENTLY locks the table until the index is valid */
	if (index->rd_index->indisvalid)
		measure_as_owner(index);
	relation_close(table, NoLock);
	table = NULL;
	return true;
}
