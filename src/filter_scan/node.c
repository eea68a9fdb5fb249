/*
 * node.c - executes a filter scan
 *
 * PostgreSQL's own nodes make the bitmap of the rows that meet conditions when the vector scan asks
 * for it, to search among these: before its first row, or if the plan is late, once few of its rows
 * turn out to meet the conditions.  The node passes on the rows of the vector scan, which tests
 * every condition itself.  So nothing depends on the bitmap but how much is searched: not the rows
 * of lossy pages, and not the rows that EvalPlanQual tests, for which no bitmap is made.
 *
 * Of the participants of a parallel scan the first one makes the bitmap, and what the vector scan
 * makes of it is shared by all.
 */
#include "filter_scan/filter_scan_internal.h"

#include "access/parallel.h"
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#endif
#include "executor/executor.h"
#include "utils/memutils.h"

#include "am/bound.h"

/* What the participants of a parallel scan share. */
typedef struct FilterShared
{
	Once		once;			/* what follows from the bitmap, for the vector scan */
	uint64		exact;			/* pages of the bitmaps that were made since the leader took them */
	uint64		lossy;
} FilterShared;

typedef struct FilterScanState
{
	CustomScanState node;
	IndexScanState *scan;		/* of the vector index */
	PlanState  *bitmap;
	MemoryContext context;		/* holds the rows */
	TidSet	   *rows;			/* of the bitmap, or NULL */
	bool		offered;		/* the vector scan knows where it gets them */
	uint64		exact;			/* pages of all bitmaps, but for those of FilterShared */
	uint64		lossy;
	FilterShared *shared;		/* by the participants of a parallel scan, or NULL */
	dsa_area   *area;			/* in which they share */
} FilterScanState;

static const CustomExecMethods exec_methods;

Node *
make_scan_state(Size size, const CustomExecMethods *methods)
{
	CustomScanState *state = palloc0(size);

	NodeSetTag(state, T_CustomScanState);
	state->methods = methods;
	return (Node *) state;
}

static Node *
create_state(CustomScan *plan)
{
	return make_scan_state(sizeof(FilterScanState), &exec_methods);
}

const CustomScanMethods filter_scan_methods = {
	.CustomName = FILTER_SCAN_NAME,
	.CreateCustomScanState = create_state
};

static void
begin_node(CustomScanState *node, EState *estate, int eflags)
{
	FilterScanState *state = (FilterScanState *) node;
	const CustomScan *plan = (CustomScan *) node->ss.ps.plan;

	state->scan = castNode(IndexScanState, ExecInitNode(linitial(plan->custom_plans), estate,
														eflags));
	state->bitmap = ExecInitNode(lsecond(plan->custom_plans), estate, eflags);
	node->custom_ps = list_make2(state->scan, state->bitmap);
	/* the rows are those of one table: UPDATE ...  WHERE CURRENT OF looks for it */
	node->ss.ss_currentRelation = state->scan->ss.ss_currentRelation;
	state->context = AllocSetContextCreate(CurrentMemoryContext, "vector filter scan",
										   ALLOCSET_DEFAULT_SIZES);
}

/* Counts the pages of the bitmap; in a parallel scan only one process does so at a time. */
static void
count_pages(FilterScanState *state)
{
	uint64		lossy = state->rows->lossy;
	uint64		exact = state->rows->count - lossy;

	if (state->shared)
	{
		state->shared->exact += exact;
		state->shared->lossy += lossy;
	}
	else
	{
		state->exact += exact;
		state->lossy += lossy;
	}
}

/* The rows of the bitmap, which is made at first. */
static TidSet *
find_rows(void *arg)
{
	FilterScanState *state = arg;
	MemoryContext old;
	TIDBitmap  *bitmap;

	if (state->rows != NULL)
		return state->rows;
	old = MemoryContextSwitchTo(state->node.ss.ps.state->es_query_cxt);
	bitmap = (TIDBitmap *) MultiExecProcNode(state->bitmap);
	if (bitmap == NULL || !IsA(bitmap, TIDBitmap))
		elog(ERROR, "unrecognized result from subplan");
	MemoryContextSwitchTo(state->context);
	state->rows = tid_set_create(bitmap);
	MemoryContextSwitchTo(old);
	tbm_free(bitmap);
	count_pages(state);
	return state->rows;
}

/* Offers the rows to the vector scan, unless its rows are those of EvalPlanQual. */
static void
offer_rows(FilterScanState *state)
{
	ScanBound  *bound = scan_bound(state->scan->iss_OrderByKeys);

	state->offered = true;
	if (bound != NULL)
		scan_bound_offer(bound, &(ScanOffer) {
			.find = find_rows, .arg = state,
			.late = state->rows == NULL ? filter_scan_late(state->node.ss.ps.plan) : 0,
			.once = state->shared ? &state->shared->once : NULL, .area = state->area
		});
}

TupleTableSlot *
pass_row(CustomScanState *node, TupleTableSlot *row, const TupleTableSlot *origin)
{
	ProjectionInfo *projection = node->ss.ps.ps_ProjInfo;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (TupIsNull(row))
		return projection ? ExecClearTuple(projection->pi_state.resultslot) : slot;

	/* the values stay where they are until the child is asked for the next row */
	slot_getallattrs(row);
	memcpy(slot->tts_values, row->tts_values, sizeof(Datum) * slot->tts_tupleDescriptor->natts);
	memcpy(slot->tts_isnull, row->tts_isnull, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	if (origin)
	{
		slot->tts_tid = origin->tts_tid;
		slot->tts_tableOid = origin->tts_tableOid;
	}
	ExecStoreVirtualTuple(slot);
	if (projection == NULL)
		return slot;
	ResetExprContext(node->ss.ps.ps_ExprContext);
	node->ss.ps.ps_ExprContext->ecxt_scantuple = slot;
	return ExecProject(projection);
}

static TupleTableSlot *
next_row(CustomScanState *node)
{
	FilterScanState *state = (FilterScanState *) node;

	if (!state->offered)
		offer_rows(state);
	return pass_row(node, ExecProcNode(&state->scan->ss.ps), state->scan->ss.ss_ScanTupleSlot);
}

static void
end_node(CustomScanState *node)
{
	FilterScanState *state = (FilterScanState *) node;

	ExecEndNode(&state->scan->ss.ps);
	ExecEndNode(state->bitmap);
}

/* A bitmap of the same parameters is kept. */
static void
rescan_node(CustomScanState *node)
{
	FilterScanState *state = (FilterScanState *) node;
	Bitmapset  *changed = node->ss.ps.chgParam;

	if (changed != NULL)
	{
		UpdateChangedParamSet(&state->scan->ss.ps, changed);
		UpdateChangedParamSet(state->bitmap, changed);
	}
	/* nodes with changed parameters are rescanned when they are next asked */
	if (state->bitmap->chgParam != NULL)
	{
		MemoryContextReset(state->context);
		state->rows = NULL;
	}
	state->offered = false;
	if (state->scan->ss.ps.chgParam == NULL)
		ExecReScan(&state->scan->ss.ps);
}

static Size
estimate_shared(CustomScanState *node, ParallelContext *context)
{
	return sizeof(FilterShared);
}

/* Without an area there are no workers, and the leader shares nothing. */
static void
share(FilterScanState *state, FilterShared *shared)
{
	state->area = state->node.ss.ps.state->es_query_dsa;
	state->shared = state->area ? shared : NULL;
}

static void
initialize_shared(CustomScanState *node, ParallelContext *context, void *coordinate)
{
	FilterShared *shared = coordinate;

	once_init(&shared->once);
	shared->exact = shared->lossy = 0;
	share((FilterScanState *) node, shared);
}

/* Before a rescan, when no worker runs: segments and snapshots' rows may be others by then. */
static void
reset_shared(CustomScanState *node, ParallelContext *context, void *coordinate)
{
	FilterScanState *state = (FilterScanState *) node;

	if (state->shared)
		once_reset(&state->shared->once, state->area);
}

static void
initialize_worker(CustomScanState *node, shm_toc *toc, void *coordinate)
{
	share((FilterScanState *) node, coordinate);
}

/* Takes over what workers have counted, before the shared memory goes. */
static void
shut_down(CustomScanState *node)
{
	FilterScanState *state = (FilterScanState *) node;

	if (state->shared && !IsParallelWorker())
	{
		state->exact += state->shared->exact;
		state->lossy += state->shared->lossy;
	}
	state->shared = NULL;
}

/* Shows the pages of bitmaps as for a bitmap heap scan. */
static void
explain_node(CustomScanState *node, List *ancestors, ExplainState *es)
{
	FilterScanState *state = (FilterScanState *) node;

	if (!es->analyze)
		return;
	if (es->format != EXPLAIN_FORMAT_TEXT)
	{
		ExplainPropertyUInteger("Exact Heap Blocks", NULL, state->exact, es);
		ExplainPropertyUInteger("Lossy Heap Blocks", NULL, state->lossy, es);
	}
	else if (state->lossy > 0)
		ExplainPropertyText("Heap Blocks", psprintf("exact=" UINT64_FORMAT " lossy=" UINT64_FORMAT,
													state->exact, state->lossy), es);
	else if (state->exact > 0)
		ExplainPropertyText("Heap Blocks", psprintf("exact=" UINT64_FORMAT, state->exact), es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = FILTER_SCAN_NAME,
	.BeginCustomScan = begin_node,
	.ExecCustomScan = next_row,
	.EndCustomScan = end_node,
	.ReScanCustomScan = rescan_node,
	.EstimateDSMCustomScan = estimate_shared,
	.InitializeDSMCustomScan = initialize_shared,
	.ReInitializeDSMCustomScan = reset_shared,
	.InitializeWorkerCustomScan = initialize_worker,
	.ShutdownCustomScan = shut_down,
	.ExplainCustomScan = explain_node
};

IndexScanState *
filter_scan_child(PlanState *node)
{
	return is_scan_state(node, &exec_methods) ? ((FilterScanState *) node)->scan : NULL;
}

const List *
filter_scan_met(PlanState *node)
{
	return filter_scan_late(node->plan) > 0 ? NIL :
		(const List *) linitial(((CustomScan *) node->plan)->custom_private);
}

IndexScan *
filter_scan_child_plan(Plan *plan)
{
	if (!IsA(plan, CustomScan) || ((CustomScan *) plan)->methods != &filter_scan_methods)
		return NULL;
	return linitial_node(IndexScan, ((CustomScan *) plan)->custom_plans);
}
