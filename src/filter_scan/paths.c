/*
 * paths.c - offers filter scans to the planner
 *
 * PostgreSQL itself makes both parts, from copies of a table that have only some of its indexes:
 * the ordered scan of a vector index, and from the other indexes the bitmap for the conditions that
 * the vector index does not answer.  So indexes, combinations of them and conditions are those that
 * PostgreSQL finds, and what must not be evaluated before a policy is not.
 */
#include "filter_scan/filter_scan_internal.h"

#include <math.h>

#include "access/amapi.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "utils/guc.h"

#include "am/conditions.h"
#include "am/index.h"

/*
 * What it takes to search among a bitmap's rows, and to look up in the segments each of them and
 * each page that has some, in units of cpu_operator_cost, compared with what it takes to return a
 * row (index_returned_cost); and that compared with other plans, which take pages to be far away.
 */
#define SEARCH_OPERATORS	15000.0
#define ROW_OPERATORS		6.0
#define PAGE_OPERATORS		60.0
#define OTHERS_FACTOR		4

/*
 * A search among few rows reads the vectors of all, or of so many, at random places.  A scan of the
 * bitmap's rows in the table is priced as if none of its pages was in memory, so these are, too.
 */
#define VECTOR_PAGES		150.0

static bool enable_filter_scan = true;
static set_rel_pathlist_hook_type previous_hook;

RelOptInfo *
table_without_paths(const RelOptInfo *rel)
{
	RelOptInfo *copy = makeNode(RelOptInfo);

	*copy = *rel;
	copy->pathlist = NIL;
	copy->partial_pathlist = NIL;
	copy->indexlist = NIL;
	copy->joininfo = NIL;
	copy->has_eclass_joins = false;
	copy->consider_parallel = false;
	return copy;
}

IndexOptInfo *
add_index_copy(RelOptInfo *copy, const IndexOptInfo *index)
{
	IndexOptInfo *one = makeNode(IndexOptInfo);

	*one = *index;
	one->rel = copy;
	copy->indexlist = lappend(copy->indexlist, one);
	return one;
}

/*
 * A copy of a table with the indexes of ours, of which there may be parallel scans, or with all
 * others; and without paths.
 */
static RelOptInfo *
with_indexes(const RelOptInfo *rel, bool ours)
{
	RelOptInfo *copy = table_without_paths(rel);
	ListCell   *cell;

	copy->consider_parallel = ours && rel->consider_parallel;
	foreach(cell, rel->indexlist)
	{
		const IndexOptInfo *index = lfirst(cell);

		if (vector_am_plans(index) != ours || !(ours || index->amhasgetbitmap))
			continue;
		/* plain scans of the others are of no use here */
		add_index_copy(copy, index)->amhasgettuple &= ours;
	}
	return copy;
}

/*
 * Of a list of conditions, those that a scan of an index does not answer, by index conditions or by
 * the others on attributes (path_conditions).
 */
static List *
not_answered(const List *conditions, const IndexPath *scan, const List *answered)
{
	List	   *left = NIL;
	ListCell   *cell;

	foreach(cell, conditions)
		if (!is_redundant_with_indexclauses(lfirst(cell), scan->indexclauses) &&
			!list_member_ptr(answered, lfirst(cell)))
			left = lappend(left, lfirst(cell));
	return left;
}

/* The cheapest bitmap for the conditions that a scan does not answer, as a scan of the table. */
static BitmapHeapPath *
find_bitmap(PlannerInfo *root, RelOptInfo *rel, const IndexPath *scan)
{
	RelOptInfo *copy = with_indexes(rel, false);
	List	   *answered = path_conditions(root, scan);
	ListCell   *cell;

	copy->baserestrictinfo = not_answered(copy->baserestrictinfo, scan, answered);
	if (copy->baserestrictinfo == NIL)
		return NULL;
	foreach(cell, copy->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);

		index->indrestrictinfo = not_answered(index->indrestrictinfo, scan, answered);
	}
	create_index_paths(root, copy);
	foreach(cell, copy->pathlist)
		if (IsA(lfirst(cell), BitmapHeapPath) && ((Path *) lfirst(cell))->param_info == NULL)
			return lfirst(cell);
	return NULL;
}

/*
 * Prices a scan of a vector index again: for a search among a part of its rows; with this cost of
 * finding the rows that pass its filter, should few do.  NULL: a parallel scan should not be taken.
 */
static IndexPath *
price_scan(PlannerInfo *root, const IndexPath *scan, IndexPricing pricing)
{
	IndexPath  *path = palloc(sizeof(IndexPath));
	bool		parallel = scan->path.parallel_aware;
	volatile bool worth = true;

	*path = *scan;
	index_pricing = pricing;
	PG_TRY();
	{
		cost_index(path, root, 1, parallel);
		if (parallel)
			worth = path->path.parallel_workers > 0 && index_share_costs(root, path);
	}
	PG_FINALLY();
	{
		index_pricing = (IndexPricing) INDEX_PRICING;
	}
	PG_END_TRY();
	return worth ? path : NULL;
}

/* How much the order of an index is that of the table. */
static double
path_correlation(PlannerInfo *root, IndexPath *path)
{
	amcostestimate_function estimate =
		(amcostestimate_function) path->indexinfo->amcostestimate;
	Cost		startup;
	Cost		total;
	Selectivity selectivity;
	double		correlation;
	double		pages;

	estimate(root, path, 1, &startup, &total, &selectivity, &correlation, &pages);
	return correlation;
}

/*
 * The number of pages with rows of a bitmap: from as many as these fill, if the order of the index
 * is that of the table, to as many as evenly spread rows are on, by the square of the correlation,
 * as cost_index has it.
 */
static double
bitmap_pages(PlannerInfo *root, RelOptInfo *rel, Path *path)
{
	List	   *parts = NIL;
	double		sum = 0;
	Cost		cost;
	double		rows;
	double		pages = compute_bitmap_pages(root, rel, path, 1, &cost, &rows);
	ListCell   *cell;

	if (IsA(path, IndexPath))
	{
		double		correlation = path_correlation(root, (IndexPath *) path);
		double		least = ceil(((IndexPath *) path)->indexselectivity * rel->pages);

		return pages - correlation * correlation * Max(pages - least, 0);
	}
	if (IsA(path, BitmapAndPath))
		parts = ((BitmapAndPath *) path)->bitmapquals;
	else
		parts = ((BitmapOrPath *) path)->bitmapquals;
	foreach(cell, parts)
	{
		double		part = bitmap_pages(root, rel, lfirst(cell));

		sum += part;
		if (IsA(path, BitmapAndPath))
			pages = Min(pages, part);
	}
	return Min(pages, sum);
}

/*
 * The number of rows that a search among those of a bitmap is about.  A bitmap that does not fit
 * into work_mem has pages of which all rows are, as compute_bitmap_pages counts them.
 */
static double
bitmap_rows(const RelOptInfo *rel, Selectivity selectivity, double pages)
{
	double		rows = clamp_row_est(selectivity * rel->tuples);
	double		entries = (double) tbm_calculate_entries(work_mem * 1024.0);
	double		lossy = pages > entries ? pages - entries / 2 : 0;

	return lossy > 0 ? Min(rows * (1 - lossy / pages) +
						   rel->tuples * Min(lossy / Max(rel->pages, 1), 1), rel->tuples) : rows;
}

static const CustomPathMethods path_methods;

/*
 * Offers a filter scan with these parts, which costs this much besides the vector scan; `late` as
 * in filter_scan_internal.h.  It is parallel if the vector scan is.
 */
static void
add_filter_path(PlannerInfo *root, RelOptInfo *rel, IndexPath *scan, BitmapHeapPath *bitmap,
				Cost cost, Cost late)
{
	CustomPath *path = makeNode(CustomPath);

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.parallel_safe = rel->consider_parallel &&
		is_parallel_safe(root, (Node *) scan->indexorderbys);
	path->path.parallel_aware = scan->path.parallel_aware;
	path->path.parallel_workers = scan->path.parallel_workers;
	path->path.rows = scan->path.rows;
	path->path.startup_cost = cost + scan->path.startup_cost;
	path->path.total_cost = cost + scan->path.total_cost;
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = scan->path.disabled_nodes;
#endif
	path->path.pathkeys = scan->path.pathkeys;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make2(scan, bitmap);
	/* without a point, a number would be an Integer in a parallel worker */
	path->custom_private = list_make1(makeFloat(psprintf("%.3f", late)));
	path->methods = &path_methods;
	if (!path->path.parallel_aware)
		add_path(rel, &path->path);
	else if (path->path.parallel_safe)
		add_partial_path(rel, &path->path);
}

/*
 * Offers a scan of a vector index among the rows of a bitmap.  It may take longer to make the
 * bitmap than to return rows until as many pass as the LIMIT takes, should conditions and distances
 * have nothing to do with each other: then also a scan that makes the bitmap only if few rows pass.
 * Participants of a parallel scan cannot begin again, and wait for the bitmap.
 */
static void
add_filter_paths(PlannerInfo *root, RelOptInfo *rel, const IndexPath *scan)
{
	BitmapHeapPath *bitmap = find_bitmap(root, rel, scan);
	Cost		returned = Max(root->limit_tuples, 0) * rel->tuples / Max(rel->rows, 1) *
		index_returned_cost(rel, scan->indexinfo->indexoid);
	Cost		found;
	Cost		lookup;
	Cost		late;
	Selectivity selectivity;
	IndexPath  *among;
	double		pages;
	double		rows;

	if (bitmap == NULL)
		return;
	cost_bitmap_tree_node(bitmap->bitmapqual, &found, &selectivity);
	pages = bitmap_pages(root, rel, bitmap->bitmapqual);
	rows = bitmap_rows(rel, selectivity, pages);
	lookup = cpu_operator_cost * (ROW_OPERATORS * rows + PAGE_OPERATORS * pages);
	late = found + SEARCH_OPERATORS * cpu_operator_cost + lookup;
	among = price_scan(root, scan, (IndexPricing) {
		.share = Max(selectivity, rows / Max(rel->tuples, 1)), .find = -1, .before = found + lookup
	});
	if (among)
		add_filter_path(root, rel, among, bitmap, found +
						random_page_cost * Min(rows, VECTOR_PAGES) + OTHERS_FACTOR * lookup, 0);
	if (root->limit_tuples > 0 && returned < late && !scan->path.parallel_aware)
		add_filter_path(root, rel,
						price_scan(root, scan, (IndexPricing) {
							.share = 1, .find = OTHERS_FACTOR * late
						}),
						bitmap, 0, late);
}

/* Whether a query could use a filter scan of this table at all; costs nothing. */
static bool
may_filter(const PlannerInfo *root, const RelOptInfo *rel, const RangeTblEntry *rte)
{
	bool		ours = false;
	bool		others = false;
	ListCell   *cell;

	if (!enable_filter_scan || !enable_indexscan || root->query_pathkeys == NIL ||
		rel->baserestrictinfo == NIL || rel->lateral_relids != NULL ||
		rte->rtekind != RTE_RELATION || rte->inh || rte->tablesample != NULL)
		return false;
	foreach(cell, rel->indexlist)
	{
		const IndexOptInfo *index = lfirst(cell);

		if (vector_am_plans(index))
			ours = true;
		else if (index->amhasgetbitmap)
			others = true;
	}
	return ours && others;
}

static void
offer_filter_scans(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	RelOptInfo *copy;
	ListCell   *cell;

	if (previous_hook != NULL)
		previous_hook(root, rel, rti, rte);
	if (!may_filter(root, rel, rte) || IS_DUMMY_REL(rel))
		return;
	copy = with_indexes(rel, true);
	create_index_paths(root, copy);
	foreach(cell, list_concat_copy(copy->pathlist, copy->partial_pathlist))
	{
		Path	   *path = lfirst(cell);

		if (path->pathtype == T_IndexScan && path->pathkeys != NIL && path->param_info == NULL)
			add_filter_paths(root, rel, (IndexPath *) path);
	}
}

/* The plan of a scan; conditions without columns are tested above the filter scan. */
static Plan *
without_gate(Plan *plan)
{
	return IsA(plan, Result) ? outerPlan(plan) : plan;
}

/* See filter_scan_met: what the scan of the bitmap's rows would test again is not met. */
static List *
conditions_met(const List *conditions, const List *tested)
{
	List	   *met = NIL;
	ListCell   *cell;

	foreach(cell, conditions)
		if (!list_member(tested, lfirst(cell)))
			met = lappend_int(met, foreach_current_index(cell));
	return met;
}

static Plan *
make_plan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *targets, List *clauses,
		  List *plans)
{
	CustomScan *plan = makeNode(CustomScan);
	Plan	   *scan = without_gate(linitial(plans));
	Plan	   *heap = without_gate(lsecond(plans));

	plan->scan.plan.targetlist = targets;
	plan->flags = path->flags;
	plan->custom_plans = list_make2(scan, outerPlan(heap));
	plan->custom_scan_tlist = copyObject(scan->targetlist);
	plan->custom_private = list_make2(conditions_met(scan->qual, heap->qual),
									  linitial(path->custom_private));
	plan->methods = &filter_scan_methods;
	return &plan->scan.plan;
}

Cost
filter_scan_late(const Plan *plan)
{
	return floatVal(lsecond(((CustomScan *) plan)->custom_private));
}

static const CustomPathMethods path_methods = {
	.CustomName = FILTER_SCAN_NAME,
	.PlanCustomPath = make_plan
};

bool
is_filter_scan_path(const Path *path)
{
	return IsA(path, CustomPath) && ((const CustomPath *) path)->methods == &path_methods;
}

void
filter_scan_init(void)
{
	DefineCustomBoolVariable(
		"vector.enable_filter_scan",
		"Enables the planner's use of searches among the rows that other indexes find.",
		NULL, &enable_filter_scan, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	RegisterCustomScanMethods(&filter_scan_methods);
	previous_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = offer_filter_scans;
}
