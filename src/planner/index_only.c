/*
 * index_only.c - scans that read no row of the table
 *
 * PostgreSQL does not consider an index-only scan in the order of a distance, because the scan's
 * plan node computes the distance from the vector, which an index does not return.  Once that
 * column is dropped (junk.c), it may be that all others are attributes.
 */
#include "planner/planner.h"

#include "access/genam.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "am/returned.h"
#include "segment/cache.h"

/* What replaces columns of the table by those of an index. */
typedef struct Replacement
{
	Index		rel;
	List	   *columns;		/* TargetEntries of the index's columns */
	bool		complete;		/* no column has been met that is not an attribute */
} Replacement;

static Node *
replace_columns(Node *node, void *arg)
{
	Replacement *replacement = arg;
	ListCell   *cell;

	if (node == NULL)
		return NULL;
	foreach(cell, replacement->columns)
	{
		const TargetEntry *column = lfirst_node(TargetEntry, cell);

		if (!column->resjunk && equal(column->expr, node))
			return (Node *) makeVar(INDEX_VAR, column->resno, exprType(node), exprTypmod(node),
									exprCollation(node), 0);
	}
	if (IsA(node, Var) && ((Var *) node)->varno == (int) replacement->rel)
		replacement->complete = false;
	return expression_tree_mutator(node, replace_columns, arg);
}

/* An index's columns as expressions over the table; those that are not returned are junk. */
static List *
index_columns(Relation index, Index rel)
{
	List	   *expressions = RelationGetIndexExpressions(index);
	ListCell   *next = list_head(expressions);
	List	   *columns = NIL;

	if (expressions != NIL && rel != 1)
		ChangeVarNodes((Node *) expressions, 1, (int) rel, 0);
	for (int i = 0; i < index->rd_index->indnatts; i++)
	{
		AttrNumber	number = index->rd_index->indkey.values[i];
		Expr	   *expression;

		if (number != 0)
		{
			Oid			type;
			int32		typmod;
			Oid			collation;

			get_atttypetypmodcoll(index->rd_index->indrelid, number, &type, &typmod, &collation);
			expression = (Expr *) makeVar((int) rel, number, type, typmod, collation, 0);
		}
		else
		{
			expression = lfirst(next);
			next = lnext(expressions, next);
		}
		columns = lappend(columns, makeTargetEntry(expression, (AttrNumber) (i + 1), NULL,
												   !vectorcanreturn(index, i + 1)));
	}
	return columns;
}

Plan *
index_only_scan(const IndexScan *scan, List *targets)
{
	Replacement replacement = {scan->scan.scanrelid, NIL, true};
	IndexOnlyScan *only;
	Relation	index;

	if (!enable_indexonlyscan)
		return NULL;
	index = index_open(scan->indexid, NoLock);
	/* an index-only scan may not reorder its rows */
	if (index->rd_att->natts > 1 && !space_is_lossy(cache_space(cache_index(index))))
		replacement.columns = index_columns(index, scan->scan.scanrelid);
	index_close(index, NoLock);
	if (replacement.columns == NIL)
		return NULL;
	only = makeNode(IndexOnlyScan);
	only->scan = scan->scan;
	NodeSetTag(only, T_IndexOnlyScan);
	only->scan.plan.targetlist = (List *) replace_columns((Node *) targets, &replacement);
	only->scan.plan.qual = (List *) replace_columns((Node *) scan->scan.plan.qual, &replacement);
	only->indexid = scan->indexid;
	only->indexqual = scan->indexqual;
	only->recheckqual = (List *) replace_columns((Node *) scan->indexqualorig, &replacement);
	only->indexorderby = scan->indexorderby;
	only->indextlist = replacement.columns;
	only->indexorderdir = scan->indexorderdir;
	return replacement.complete ? &only->scan.plan : NULL;
}
