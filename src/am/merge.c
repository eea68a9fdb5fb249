/*
 * merge.c - merges the rows of scans for a LIMIT, each searched only as far as its rows matter
 *
 * PostgreSQL's node asks each scan for its first row before it returns any.  So each searches as if
 * the others were not there, and a row of each table is read, few of which are returned.  Here the
 * node only asks how far the next row of each is, then for the row of the nearest.  Scans tell each
 * other the distances that they find: none searches farther than as many rows as the LIMIT takes,
 * and says instead that its next row is beyond these.
 *
 * A row that was found need not be visible, nor meet the conditions of its node.  So what others
 * have found does not end a scan: if the rows so near are not enough, it is asked for its next row,
 * and searches further.  And a scan whose row was rejected does not look for one that is not: it
 * tells how far its next row is, as if it had returned the other.  Thus rows are tested in the
 * order of all scans.  Of rows that should be in a certain order none is nearer than the last one
 * that the node has returned.
 *
 * Other children are asked for their first rows as usual: other nodes, and scans whose distances
 * are not those that order the rows.
 *
 * Of several processes each merges the children that it takes.  It finds its rows before it returns
 * any, and notes their values for all.  Once as many have been noted as the LIMIT takes, rows that
 * come later are not returned: so no process searches farther than one alone would, only to be
 * ahead of the one that merges the rows of all.
 */
#include "am/merge.h"

#include "access/parallel.h"
#include "catalog/pg_type.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "lib/binaryheap.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/sortsupport.h"
#include "utils/tuplestore.h"

/* The order of what comes next of a child: PostgreSQL's order of float8. */
typedef enum ChildRank
{
	RANK_NUMBER,
	RANK_NAN,
	RANK_NULL
} ChildRank;

/* What is known of a child's next row.  Of equal values that comes first of which more is known. */
typedef enum ChildState
{
	CHILD_HAS_ROW,				/* it is in its slot */
	CHILD_AT,					/* its value, unless the row is not visible */
	CHILD_BEYOND				/* it is beyond a value */
} ChildState;

typedef struct MergeChild
{
	MergedScan	scan;			/* the first field */
	ChildState	state;
	bool		asked;			/* since the node asks for its first row */
	ChildRank	rank;
	double		value;
} MergeChild;

struct ScanMerge
{
	dlist_node	link;			/* of the list of all */
	MergeAppendState *node;
	MergeNode  *late;			/* begins the children; NULL: all have begun */
	LimitState *limit;
	Oid			operator;		/* of the first scan */
	MergeChild *children;
	int			valid;			/* children that run-time pruning leaves; */
	int			begun;			/* so many of them have been asked before the current one */
	NearestShared *given;		/* values of rows that all processes return; NULL: not noted */
	bool		collects;		/* rows are found to be returned later */
	binaryheap *heap;			/* of numbers of children */
	int			returned;		/* the child whose row was returned last, or -1, */
	double		value;			/* and the value of the last row that has a number */
	NearestFound nearest;
	MemoryContextCallback forget;
};

static dlist_head all_merges = DLIST_STATIC_INIT(all_merges);

/* The merge of a node; there are few at a time. */
static ScanMerge *
merge_of(const PlanState *node)
{
	dlist_iter	iter;

	dlist_foreach(iter, &all_merges)
	{
		ScanMerge  *merge = dlist_container(ScanMerge, link, iter.cur);

		if (&merge->node->ps == node)
			return merge;
	}
	elog(ERROR, "no scans are known of a node that merges them");
}

static int
compare_children(const MergeChild *a, const MergeChild *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->rank == RANK_NUMBER && a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return (int) a->state - (int) b->state;
}

/* The first of a heap is the greatest. */
static int
compare_in_heap(Datum a, Datum b, void *arg)
{
	const ScanMerge *merge = arg;

	return compare_children(&merge->children[DatumGetInt32(b)],
							&merge->children[DatumGetInt32(a)]);
}

static void
set_value(MergeChild *child, double value, bool isnull)
{
	child->rank = isnull ? RANK_NULL : isnan(value) ? RANK_NAN : RANK_NUMBER;
	child->value = value;
}

/* Begins a child that has not. */
static void
begin_child(ScanMerge *merge, int number)
{
	PlanState **child = &merge->node->mergeplans[number];
	MemoryContext old;

	if (*child)
		return;
	old = MemoryContextSwitchTo(merge->late->node.ss.ps.state->es_query_cxt);
	*child = merge_node_begin(merge->late, number);
	merge_node_begun(*child, merge->limit, &merge->children[number].scan);
	MemoryContextSwitchTo(old);
}

/* Calls a child for its next row, or for what that will be. */
static TupleTableSlot *
ask(ScanMerge *merge, int number, bool looks)
{
	MergedScan *scan = &merge->children[number].scan;
	TupleTableSlot *slot;

	begin_child(merge, number);
	if (merge->late && !merge->children[number].asked)
	{
		merge->late->counters.begun++;
		merge->late->counters.skipped--;
	}
	merge->children[number].asked = true;
	scan->looks = looks;
	scan->answered = false;
	slot = ExecProcNode(merge->node->mergeplans[number]);
	scan->looks = false;
	Assert(!looks || TupIsNull(slot));
	/* the node takes an answer without a row for the end of its scan */
	if (scan->answered && TupIsNull(slot) && IsA(scan->scan, IndexScanState))
		((IndexScanState *) scan->scan)->iss_ReachedEnd = false;
	return slot;
}

/* Takes what a scan has told of its next row; returns false if there is none. */
static bool
take_answer(MergeChild *child)
{
	child->state = child->scan.beyond ? CHILD_BEYOND : CHILD_AT;
	set_value(child, child->scan.value, false);
	return child->scan.answered && !child->scan.ended;
}

/*
 * Asks a child for its next row; returns false if there is none.  A scan tells what comes after a
 * row that does not meet the node's conditions or is not visible, as others may have a nearer one.
 */
static bool
fetch(ScanMerge *merge, int number)
{
	MergeChild *child = &merge->children[number];
	TupleTableSlot *slot = ask(merge, number, false);
	bool		isnull;
	Datum		value;

	merge->node->ms_slots[number] = slot;
	if (TupIsNull(slot))
		return child->scan.comparable && take_answer(child);
	child->state = CHILD_HAS_ROW;
	/* an operator's value may also be NaN if the scan has it as infinite */
	if (child->scan.answered && child->scan.comparable && isfinite(child->scan.value))
	{
		set_value(child, child->scan.value, false);
		return true;
	}
	value = slot_getattr(slot, merge->node->ms_sortkeys[0].ssup_attno, &isnull);
	set_value(child, isnull ? 0 : DatumGetFloat8(value), isnull);
	return true;
}

/*
 * Finds out what comes next of a child: without its row, if that is a scan that can tell.  Returns
 * false if there is no further row.
 */
static bool
look(ScanMerge *merge, int number)
{
	MergeChild *child = &merge->children[number];

	begin_child(merge, number);
	/* before the first call it is not known whether values are comparable */
	if (child->scan.scan && (child->scan.comparable || !merge->node->ms_initialized))
		(void) ask(merge, number, true);
	if (child->scan.scan == NULL || !child->scan.comparable)
		return fetch(merge, number);
	return take_answer(child);
}

/* The children that PostgreSQL's pruning leaves. */
static const Bitmapset *
valid_children(MergeAppendState *node)
{
	if (node->ms_valid_subplans == NULL && node->ms_nplans > 0)
		node->ms_valid_subplans = find_matching_subplans(node->ms_prune_state);
	return node->ms_valid_subplans;
}

/*
 * Has the rows of children compared by their codes before any begins.  Returns those of which the
 * first row is beyond all that the LIMIT takes, and sets those that have none.
 */
static Bitmapset *
find_far(ScanMerge *merge, const Bitmapset *valid, uint64 expected, Bitmapset **empty)
{
	double	   *values = palloc(sizeof(double) * (merge->node->ms_nplans + 1));
	Bitmapset  *far = merge_node_sketch(merge->late, valid, expected, &merge->nearest, values,
										empty);

	for (int i = -1; (i = bms_next_member(valid, i)) >= 0;)
		merge->children[i].asked = merge->children[i].scan.counted = false;
	for (int i = -1; (i = bms_next_member(far, i)) >= 0;)
	{
		merge->children[i].scan.counted = true;
		merge->children[i].state = CHILD_BEYOND;
		set_value(&merge->children[i], values[i], false);
	}
	pfree(values);
	return far;
}

double
merge_rows(double wanted, double share, double scans)
{
	double		rows = wanted / share;

	return share < 1 && rows > MERGE_MOST_SHARED * scans ? 0 : rows;
}

uint64
merge_rows_taken(const LimitState *limit)
{
	return limit == NULL || limit->noCount ? 0 :
		(uint64) Max(limit->count, 0) + (uint64) limit->offset;
}

/*
 * How many rows the children are expected to return for those that the LIMIT takes; 0: not known.
 */
static uint64
rows_expected(ScanMerge *merge, const Bitmapset *valid)
{
	double		share = 0;
	int			scans = 0;

	if (merge->limit->noCount)
		return 0;
	if (merge->late)
		share = merge_node_share(merge->late, valid);
	else
	{
		for (int i = -1; (i = bms_next_member(valid, i)) >= 0;)
			if (merge->children[i].scan.scan)
			{
				share += merge->children[i].scan.share;
				scans++;
			}
		share /= Max(scans, 1);
	}
	return (uint64) ceil(merge_rows((double) merge_rows_taken(merge->limit), share,
									bms_num_members(valid)));
}

/* What processes share of a search that begins. */
static void
begin_shared(ScanMerge *merge)
{
	MergeShared *shared = merge->late->shared;
	uint64		wanted = merge->nearest.wanted;

	merge_share_enter(shared);
	if (nearest_shared_begin(merge_share_found(shared), wanted))
		merge->nearest.shared = merge_share_found(shared);
	if (nearest_shared_begin(merge_share_returned(shared), wanted))
		merge->given = merge_share_returned(shared);
}

/* The child that this process looks at after one. */
static int
next_child(ScanMerge *merge, const Bitmapset *valid, int previous)
{
	MergeNode  *late = merge->late;

	if (late == NULL || late->taken)
		return bms_next_member(late ? late->taken : valid, previous);
	return merge_node_next(late, valid, previous);
}

/* Counts a child that has been looked at; what processes have compared may be nearer by now. */
static void
count_child(ScanMerge *merge)
{
	MergeNode  *late = merge->late;

	merge->begun++;
	if (late)
		late->counters.skipped++;
	if (late == NULL || late->shared == NULL)
		return;
	merge->begun = (int) merge_share_count(late->shared);
	if (merge->nearest.within < INFINITY)
		merge->nearest.within = Min(merge->nearest.within, (float)
									nearest_shared_bound(merge_share_compared(late->shared)));
}

/* Finds out what comes first of each child. */
static void
begin_merge(ScanMerge *merge)
{
	const Bitmapset *valid = valid_children(merge->node);
	bool		shared = merge->late && merge->late->shared;
	uint64		expected = rows_expected(merge, valid);
	Bitmapset  *far = NULL;
	Bitmapset  *empty = NULL;

	/* processes tell each other of the rows that the LIMIT takes, as memory has room for these */
	nearest_reset(&merge->nearest, shared ? merge_rows_taken(merge->limit) : expected);
	binaryheap_reset(merge->heap);
	merge->value = -INFINITY;
	merge->valid = bms_num_members(valid);
	merge->begun = 0;
	merge->returned = -1;
	merge->given = NULL;
	if (shared)
		begin_shared(merge);
	if (merge->late)
	{
		bms_free(merge->late->taken);
		merge->late->taken = NULL;
		far = find_far(merge, valid, expected, &empty);
	}
	for (int i = -1; (i = next_child(merge, valid, i)) >= 0; count_child(merge))
		if (!bms_is_member(i, empty) && (bms_is_member(i, far) || look(merge, i)))
			binaryheap_add_unordered(merge->heap, Int32GetDatum(i));
	bms_free(far);
	bms_free(empty);
	binaryheap_build(merge->heap);
	merge->node->ms_initialized = true;
}

/* Puts a child, which is the first of the heap, to where what comes next belongs. */
static void
put_back(ScanMerge *merge, int number, bool more)
{
	if (more)
		binaryheap_replace_first(merge->heap, Int32GetDatum(number));
	else
		(void) binaryheap_remove_first(merge->heap);
}

/*
 * Whether rows of this process end before a child that comes next: as many as the LIMIT takes are
 * returned that do not come later.
 */
static bool
is_beyond_given(const ScanMerge *merge, const MergeChild *child)
{
	double		most = merge->given ? nearest_shared_bound(merge->given) : INFINITY;

	return most < INFINITY && (child->rank != RANK_NUMBER || child->value >= most);
}

/* Finds the next row of this process's children; NULL if there is none. */
static TupleTableSlot *
find_row(ScanMerge *merge)
{
	if (merge->returned >= 0)
		put_back(merge, merge->returned, look(merge, merge->returned));
	merge->returned = -1;
	while (!binaryheap_empty(merge->heap))
	{
		int			number = DatumGetInt32(binaryheap_first(merge->heap));
		const MergeChild *child = &merge->children[number];

		if (is_beyond_given(merge, child) || (merge->collects && child->state == CHILD_BEYOND))
			break;
		if (child->state == CHILD_HAS_ROW)
		{
			merge->returned = number;
			if (child->rank == RANK_NUMBER)
			{
				merge->value = child->value;
				if (merge->given)
					nearest_shared_note(merge->given, child->value);
			}
			return merge->node->ms_slots[number];
		}
		/* a scan that was beyond what is wanted finds its next row first */
		put_back(merge, number, child->state == CHILD_BEYOND ? look(merge, number) :
				 fetch(merge, number));
	}
	return NULL;
}

/* Finds the rows of this process that are wanted, as far as is known, while others find theirs. */
static void
collect_rows(ScanMerge *merge)
{
	MergeNode  *late = merge->late;
	MemoryContext old = MemoryContextSwitchTo(late->node.ss.ps.state->es_query_cxt);
	TupleTableSlot *slot;

	late->rows = tuplestore_begin_heap(false, false, work_mem);
	MemoryContextSwitchTo(old);
	merge->collects = true;
	while ((slot = find_row(merge)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(late->rows, slot);
	}
	merge->collects = false;
}

/* Begins the search of one of several processes. */
static void
begin_part(ScanMerge *merge)
{
	MergeNode  *late = merge->late;

	if (merge->given)
		collect_rows(merge);
	if (IsParallelWorker())
		merge_share_report(late->shared, &late->counters);
	merge_share_leave(late->shared);
}

/* The next of the rows that were found before any was returned; NULL if there is none. */
static TupleTableSlot *
collected_row(MergeNode *late)
{
	if (late == NULL || late->rows == NULL)
		return NULL;
	if (tuplestore_gettupleslot(late->rows, true, false, late->slot))
		return late->slot;
	tuplestore_end(late->rows);
	late->rows = NULL;
	return NULL;
}

static TupleTableSlot *
merge_next_row(PlanState *node)
{
	ScanMerge  *merge = merge_of(node);
	TupleTableSlot *slot;

	CHECK_FOR_INTERRUPTS();
	/* ended, or to be begun again, by PostgreSQL's part of the node */
	if (!merge->node->ms_initialized)
	{
		begin_merge(merge);
		if (merge->late && merge->late->shared)
			begin_part(merge);
	}
	slot = collected_row(merge->late);
	if (slot == NULL)
		slot = find_row(merge);
	return slot ? slot : ExecClearTuple(node->ps_ResultTupleSlot);
}

static void
forget_merge(void *merge)
{
	dlist_delete(&((ScanMerge *) merge)->link);
}

/* Intercepts the calls for the next row, once the operator of its order is known. */
static void
intercept(ScanMerge *merge, Oid operator)
{
	MergeAppendState *node = merge->node;

	merge->operator = operator;
	merge->heap = binaryheap_allocate(node->ms_nplans, compare_in_heap, merge);
	merge->nearest.context = CurrentMemoryContext;
	dlist_push_head(&all_merges, &merge->link);
	merge->forget.func = forget_merge;
	merge->forget.arg = merge;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &merge->forget);
	ExecSetExecProcNode(&node->ps, merge_next_row);
}

ScanMerge *
scan_merge(MergeAppendState *node, LimitState *limit, MergeNode *late)
{
	const SortSupportData *key = node->ms_sortkeys;
	ScanMerge  *merge;

	if (node->ms_nkeys != 1 || key->ssup_reverse || key->ssup_nulls_first ||
		TupleDescAttr(node->ps.ps_ResultTupleDesc, key->ssup_attno - 1)->atttypid != FLOAT8OID)
		return NULL;
	merge = palloc0(sizeof(ScanMerge));
	merge->node = node;
	merge->late = late;
	merge->limit = limit;
	if (late)
		late->limit = limit;
	merge->returned = -1;
	merge->children = palloc0(sizeof(MergeChild) * node->ms_nplans);
	for (int i = 0; i < node->ms_nplans; i++)
		merge->children[i].scan.merge = merge;
	if (late)
		intercept(merge, late->operator);
	return merge;
}

MergedScan *
scan_merge_child(ScanMerge *merge, int number)
{
	return merge ? &merge->children[number].scan : NULL;
}

void
scan_merge_add(MergedScan *child, PlanState *scan, Oid operator)
{
	ScanMerge  *merge = child->merge;

	child->scan = scan;
	if (merge->operator == InvalidOid)
		intercept(merge, operator);
	child->shares = operator == merge->operator;
}

NearestFound *
scan_merge_nearest(const MergedScan *child)
{
	ScanMerge  *merge = child->merge;

	if (!child->shares || merge->node->ms_initialized || merge->nearest.wanted == 0)
		return NULL;
	/* what several processes tell is of no more rows than the LIMIT takes; these may be rejected */
	if (merge->late && merge->late->shared && child->share < 1)
		return NULL;
	return &merge->nearest;
}

double
scan_merge_returned(const MergedScan *child)
{
	return child->merge->value;
}

float
scan_merge_known(const MergedScan *child)
{
	const ScanMerge *merge = child->merge;

	return 2 * merge->begun > merge->valid ? nearest_bound(&merge->nearest) :
		merge->nearest.within;
}

int
scan_merge_children(const MergedScan *child)
{
	return child->merge->valid;
}
