/*
 * parallel.c - parallel plans for exact search, and for scans of indexes
 *
 * PostgreSQL decides on parallel workers by the pages of the table itself.  If vectors are stored
 * out of line these are few, while the work is in the TOAST table, so a search would never be
 * parallel.  For a query that computes distances the hook offers a parallel scan with as many
 * workers as the pages of both tables justify, at the ordinary cost; the planner takes it if it is
 * the cheapest.
 *
 * In a parallel index scan PostgreSQL divides only the rows among the participants, not the cost
 * that the index reports.  Participants of our scans share that work, so we divide its cost, too.
 */
#include "pg_compat.h"

#include "access/table.h"
#include "access/transam.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "am/index.h"
#include "planner/planner.h"

static set_rel_pathlist_hook_type previous_hook = NULL;

/* Whether a function is a distance function, i.e. has this library's support function. */
static bool
is_distance(Oid funcid, void *context)
{
	Oid			support = funcid < FirstNormalObjectId ? InvalidOid : get_func_support(funcid);
	FmgrInfo	function;

	if (support < FirstNormalObjectId)
		return false;
	fmgr_info(support, &function);
	return function.fn_addr == vector_distance_support;
}

static bool
contains_distance(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return check_functions_in_node(node, is_distance, context) ||
		expression_tree_walker(node, contains_distance, context);
}

bool
computes_distance(const Node *node)
{
	return contains_distance(unconstify(Node *, node), NULL);
}

/* The blocks of a relation's TOAST table. */
static BlockNumber
toast_blocks(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	BlockNumber blocks = 0;

	if (OidIsValid(rel->rd_rel->reltoastrelid))
	{
		Relation	toast = table_open(rel->rd_rel->reltoastrelid, AccessShareLock);

		blocks = RelationGetNumberOfBlocks(toast);
		table_close(toast, AccessShareLock);
	}
	table_close(rel, NoLock);
	return blocks;
}

/*
 * Sets the costs of parallel scans of indexes, which then have to be compared again.  Scans that
 * workers cannot run, because they do not get the values of an outer query, are left out:
 * PostgreSQL does not check that, since no access method of its own has ordered parallel scans of
 * this kind.
 */
static void
share_costs_of_scans(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *paths = rel->partial_pathlist;
	ListCell   *cell;

	rel->partial_pathlist = NIL;
	foreach(cell, paths)
	{
		Path	   *path = lfirst(cell);

		if (IsA(path, IndexPath) && path->parallel_workers > 0 &&
			vector_am_plans(((IndexPath *) path)->indexinfo))
		{
			if (!is_parallel_safe(root, (Node *) ((IndexPath *) path)->indexorderbys) ||
				!index_share_costs(root, (IndexPath *) path))
				continue;
		}
		add_partial_path(rel, path);
	}
}

/* Offers a scan of a table without a partial path, if nothing forbids one. */
static void
offer_parallel_scan(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	int			workers;

	if (!rel->consider_parallel || rel->partial_pathlist != NIL || rel->lateral_relids != NULL ||
		rel->rel_parallel_workers != -1 || max_parallel_workers_per_gather == 0 ||
		IS_DUMMY_REL(rel) || rte->rtekind != RTE_RELATION || rte->relkind != RELKIND_RELATION ||
		rte->inh || rte->tablesample != NULL ||
		!computes_distance((Node *) root->parse->targetList))
		return;

	workers = compute_parallel_worker(rel, (double) rel->pages + toast_blocks(rte->relid), -1,
									  max_parallel_workers_per_gather);
	if (workers > 0)
		add_partial_path(rel, create_seqscan_path(root, rel, NULL, workers));
}

static void
add_parallel_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	if (previous_hook != NULL)
		previous_hook(root, rel, rti, rte);
	if (rel->partial_pathlist != NIL)
		share_costs_of_scans(root, rel);
	offer_parallel_scan(root, rel, rte);
}

void
planner_init(void)
{
	subquery_rows_init();
	previous_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = add_parallel_paths;
	semijoin_init();
	junk_init();
	merge_late_init();
	indexes_init();
	security_init();
	foreign_init();
	lateral_init();
}
