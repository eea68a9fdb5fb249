/*
 * scan_filter.c - which rows a scan is about
 */
#include "am/scan.h"

/*
 * Whether no segment has too many values for a filter's tests: of those that the scan has opened,
 * which others may have replaced meanwhile, or will open.
 */
static bool
may_test(const VectorScan *scan)
{
	if (scan->cursors == NULL)
		return filter_may_test(scan->filter, scan->search.cached);
	for (int i = 0; i < scan->cursor_count; i++)
		if (scan->cursors[i].segment &&
			!filter_may_test_segment(scan->filter, scan->cursors[i].segment))
			return false;
	return true;
}

void
scan_make_filter(VectorScan *scan, TidSet *among)
{
	IndexScanDesc desc = scan->desc;
	bool		tests;

	scan->among = among != NULL;
	scan->filter = filter_create(desc->indexRelation, desc->keyData, desc->numberOfKeys,
								 scan->bound ? scan_bound_tree(scan->bound) : NULL, among);
	if (scan->filter == NULL || scan->bound == NULL || !scan_bound_is_tested(scan->bound))
		return;
	tests = may_test(scan);
	scan_bound_set_answered(scan->bound, tests);
	if (!tests)
		scan->filter = filter_without_tests(scan->filter);
}
