/*
 * indexes.c - indexes that a query cannot use are kept from the planner
 *
 * Those that cannot be read are of pgvector, in a database that was taken over, or of another
 * version of this library.  An infinite cost would not do: an ordered scan of a partitioned table,
 * one of whose partitions has such an index, would cost as much, and all partitions would be
 * sorted.  Who asks for an order is warned, as the index might give it.
 *
 * The rows of an index that keeps vectors in less than full are put in order by PostgreSQL.  From
 * version 16 on (seen in 16.14 and 18.4, with a GiST index as well) those rows have lost their
 * ctid: a query that locks rows would fail, and one that asks for ctids get wrong ones.
 */
#include "pg_compat.h"

#include "access/genam.h"
#include "access/sysattr.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/pathnode.h"
#include "optimizer/plancat.h"
#include "utils/rel.h"

#include "am/hnsw.h"
#include "am/ivf.h"
#include "planner/planner.h"
#include "segment/cache.h"
#include "segment/legacy.h"

static TABLE_HOOK_TYPE previous_hook = NULL;

#if PG_VERSION_NUM >= 160000
#define REORDERED_LOSE_CTID	true
#else
#define REORDERED_LOSE_CTID	false
#endif

static bool
has_ctid(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno == SelfItemPointerAttributeNumber &&
			((Var *) node)->varlevelsup == 0;
	return expression_tree_walker(node, has_ctid, context);
}

/* Whether a query needs the ctids of its rows. */
static bool
needs_ctid(const Query *query)
{
	return query->commandType != CMD_SELECT || query->rowMarks != NIL ||
		has_ctid((Node *) query->targetList, NULL) || has_ctid((Node *) query->jointree, NULL);
}

/*
 * Whether an index that the planner has locked is of ours and cannot be read, which is warned of if
 * asked to, or gives no ctids though they are needed.
 */
static bool
is_useless(const IndexOptInfo *info, bool warn, bool ctids)
{
	Relation	index;
	bool		readable;
	bool		useless;

	if ((void *) info->amcostestimate != (void *) hnswcostestimate &&
		(void *) info->amcostestimate != (void *) ivfcostestimate)
		return false;
	index = index_open(info->indexoid, NoLock);
	/* only what can be read is ever cached */
	readable = index->rd_rel->relkind != RELKIND_INDEX || cache_has(index) ||
		directory_is_readable(index);
	if (!readable && warn)
		legacy_warn(index);
	useless = !readable || (ctids && index->rd_rel->relkind == RELKIND_INDEX &&
							space_is_lossy(cache_space(cache_index(index))));
	index_close(index, NoLock);
	return useless;
}

static void
hide_useless(TABLE_HOOK_PARAMS)
{
	bool		ctids = false;
	ListCell   *cell;

	if (previous_hook != NULL)
		previous_hook(TABLE_HOOK_ARGS);
	if (REORDERED_LOSE_CTID && rel->indexlist != NIL && root->parse->sortClause != NIL)
		ctids = needs_ctid(root->parse);
	foreach(cell, rel->indexlist)
		if (is_useless(lfirst(cell), root->parse->sortClause != NIL, ctids))
			rel->indexlist = foreach_delete_current(rel->indexlist, cell);
}

void
indexes_init(void)
{
	previous_hook = TABLE_HOOK;
	TABLE_HOOK = hide_useless;
}
