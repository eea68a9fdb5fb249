/*
 * indexes.c - hides indexes that a query cannot use from the planner
 *
 * Indexes that cannot be read were made by pgvector, in a database that was taken over, or by
 * another version of this library.  It would not do to give them an infinite cost: an ordered scan
 * of a partitioned table would then cost as much if one partition has such an index, and all
 * partitions would be sorted.  A query that asks for an order that the index might give gets a
 * warning.
 *
 * If an index keeps vectors in a form other than full, PostgreSQL reorders its rows.  Reordered
 * rows have lost their ctid (seen in 15.18, 16.14 and 18.4, with a GiST index as well; not in
 * 15.20): a query that locks rows would fail, and one that asks for ctids would get wrong ones.
 */
#include "pg_compat.h"

#include "access/genam.h"
#include "access/sysattr.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/pathnode.h"
#include "optimizer/plancat.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "am/index.h"
#include "fusion/fusion.h"
#include "planner/planner.h"
#include "segment/cache.h"
#include "segment/legacy.h"

static TABLE_HOOK_TYPE previous_hook = NULL;

/* Whether reordered rows lose their ctid: the server may be a later release than was built for. */
static bool reordered_lose_ctid;

static bool
has_ctid(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno == SelfItemPointerAttributeNumber &&
			((Var *) node)->varlevelsup == 0;
	if (is_fusion(node))
		return true;
	return expression_tree_walker(node, has_ctid, context);
}

/* Whether a query needs the ctids of its rows; a fusion of searches tells rows by them. */
static bool
needs_ctid(const Query *query)
{
	return query->commandType != CMD_SELECT || query->rowMarks != NIL ||
		has_ctid((Node *) query->targetList, NULL) || has_ctid((Node *) query->jointree, NULL);
}

/*
 * Whether an index that the planner has locked is one of ours that cannot be read, or that gives no
 * ctids although they are needed.  Warns of the former if asked to.
 */
static bool
is_useless(const IndexOptInfo *info, bool warn, bool ctids)
{
	Relation	index;
	bool		readable;
	bool		useless;

	if (!vector_am_plans(info))
		return false;
	index = index_open(info->indexoid, NoLock);
	/* only readable indexes are ever cached */
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
	if (reordered_lose_ctid && rel->indexlist != NIL && root->parse->sortClause != NIL)
		ctids = needs_ctid(root->parse);
	foreach(cell, rel->indexlist)
		if (is_useless(lfirst(cell), root->parse->sortClause != NIL, ctids))
			rel->indexlist = foreach_delete_current(rel->indexlist, cell);
}

void
indexes_init(void)
{
	int			version = atoi(GetConfigOption("server_version_num", false, false));

	reordered_lose_ctid = version >= 160000 || version < 150020;
	previous_hook = TABLE_HOOK;
	TABLE_HOOK = hide_useless;
}
