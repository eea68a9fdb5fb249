/*
 * merge_filter.c - the conditions of a scan that has not begun
 *
 * A node that merges scans compares the codes of their indexes' rows before they begin.  Rows that
 * do not meet the conditions on attributes are left out of that, as by the scan: its conditions are
 * made as PostgreSQL and bound.c make them, but by a state of which nothing else is set.
 */
#include "am/merge.h"

#include "executor/executor.h"
#include "executor/nodeIndexscan.h"

#include "am/bound.h"
#include "am/conditions.h"

struct MergeFilter
{
	ScanKey		keys;			/* the index's conditions, */
	int			count;
	IndexRuntimeKeyInfo *values;	/* those of these that are computed */
	int			value_count;
	ScanConditions *conditions; /* others on attributes, or NULL */
	bool		all;			/* there are no others but on the distance */
	bool		tested;			/* there are tests among these */
};

MergeFilter *
merge_filter_make(const IndexScan *scan, Relation index, ScanState *node)
{
	MergeFilter *filter = palloc0(sizeof(MergeFilter));
	IndexScanState *state = makeNode(IndexScanState);
	List	   *others = scan_other_conditions(scan->scan.plan.qual,
											   linitial_node(OpExpr, scan->indexorderbyorig), NIL);

	state->ss.ps.plan = unconstify(Plan *, &scan->scan.plan);
	state->ss.ps.state = node->ps.state;
	state->ss.ps.ps_ExprContext = node->ps.ps_ExprContext;
	ExecIndexBuildScanKeys(&state->ss.ps, index, scan->indexqual, false, &filter->keys,
						   &filter->count, &filter->values, &filter->value_count, NULL, NULL);
	filter->conditions = scan_conditions(&state->ss.ps, index, others,
										 scan_needs_leakproof(node->ps.state), &filter->all,
										 &filter->tested);
	return filter;
}

bool
merge_filter_is_whole(const MergeFilter *filter)
{
	return filter->all;
}

AttributeFilter *
merge_filter(const MergeFilter *filter, ExprContext *context, Relation index,
			 CachedIndex *cached, bool *whole)
{
	AttributeFilter *made;
	bool		tests;

	ExecIndexEvalRuntimeKeys(context, filter->values, filter->value_count);
	made = filter_create(index, filter->keys, filter->count, filter->conditions ?
						 scan_conditions_tree(filter->conditions, context) : NULL, NULL);
	tests = made == NULL || !filter->tested || filter_may_test(made, cached);
	*whole = filter->all && tests;
	return tests ? made : filter_without_tests(made);
}
