/*
 * indexes.c - indexes that cannot be read are kept from the planner
 *
 * Those are of pgvector, in a database that was taken over, or of another version of this library.
 * An infinite cost would not do: an ordered scan of a partitioned table, one of whose partitions
 * has such an index, would cost as much, and all partitions would be sorted.  Who asks for an order
 * is warned, as the index might give it.
 */
#include "pg_compat.h"

#include "access/genam.h"
#include "optimizer/pathnode.h"
#include "optimizer/plancat.h"
#include "utils/rel.h"

#include "am/hnsw.h"
#include "am/ivf.h"
#include "planner/planner.h"
#include "segment/cache.h"
#include "segment/legacy.h"

static TABLE_HOOK_TYPE previous_hook = NULL;

/* Whether an index that the planner has locked is of ours and cannot be read; warns if asked to. */
static bool
is_unreadable(const IndexOptInfo *info, bool warn)
{
	Relation	index;
	bool		readable;

	if ((void *) info->amcostestimate != (void *) hnswcostestimate &&
		(void *) info->amcostestimate != (void *) ivfcostestimate)
		return false;
	index = index_open(info->indexoid, NoLock);
	/* only what can be read is ever cached */
	readable = index->rd_rel->relkind != RELKIND_INDEX || cache_has(index) ||
		directory_is_readable(index);
	if (!readable && warn)
		legacy_warn(index);
	index_close(index, NoLock);
	return !readable;
}

static void
hide_unreadable(TABLE_HOOK_PARAMS)
{
	ListCell   *cell;

	if (previous_hook != NULL)
		previous_hook(TABLE_HOOK_ARGS);
	foreach(cell, rel->indexlist)
		if (is_unreadable(lfirst(cell), root->parse->sortClause != NIL))
			rel->indexlist = foreach_delete_current(rel->indexlist, cell);
}

void
indexes_init(void)
{
	previous_hook = TABLE_HOOK;
	TABLE_HOOK = hide_unreadable;
}
