/*
 * node.c - executes a group scan
 *
 * The rows come in the order of the distance.  Those whose keys have come before are left out; the
 * keys are kept in a hash table.  Nulls are equal to each other, as in DISTINCT.
 */
#include "group_scan/group_scan_internal.h"

#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#endif
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"

#include "filter_scan/filter_scan.h"

/* The hash table is made for so many keys, and grows. */
#define KEYS_AT_FIRST	256

typedef struct GroupScanState
{
	CustomScanState node;
	PlanState  *scan;
	int			count;			/* of the keys */
	AttrNumber *columns;		/* of the scan's rows */
	TupleTableSlot *keys;		/* of a row */
	TupleHashTable seen;
	MemoryContext context;		/* holds the keys in the table */
	uint64		removed;		/* rows whose keys had come before */
} GroupScanState;

static const CustomExecMethods exec_methods;

static Node *
create_state(CustomScan *plan)
{
	return make_scan_state(sizeof(GroupScanState), &exec_methods);
}

const CustomScanMethods group_scan_methods = {
	.CustomName = GROUP_SCAN_NAME,
	.CreateCustomScanState = create_state
};

static const List *
private_list(const GroupScanState *state, int number)
{
	return list_nth(((CustomScan *) state->node.ss.ps.plan)->custom_private, number);
}

/* Makes the table of keys. */
static void
make_table(GroupScanState *state, EState *estate)
{
	const List *operators = private_list(state, 1);
	const List *collations = private_list(state, 2);
	const List *targets = ((CustomScan *) state->node.ss.ps.plan)->custom_scan_tlist;
	List	   *keys = NIL;
	TupleDesc	descriptor;
	AttrNumber *numbers = palloc(sizeof(AttrNumber) * state->count);
	Oid		   *equal = palloc(sizeof(Oid) * state->count);
	Oid		   *collation = palloc(sizeof(Oid) * state->count);
	MemoryContext temporary = state->node.ss.ps.ps_ExprContext->ecxt_per_tuple_memory;
	Oid		   *functions;
	FmgrInfo   *hashes;

	for (int i = 0; i < state->count; i++)
	{
		keys = lappend(keys, list_nth(targets, state->columns[i] - 1));
		numbers[i] = i + 1;
		equal[i] = list_nth_oid(operators, i);
		collation[i] = list_nth_oid(collations, i);
	}
	descriptor = ExecTypeFromTL(keys);
	state->keys = ExecInitExtraTupleSlot(estate, descriptor, &TTSOpsVirtual);
	state->context = AllocSetContextCreate(CurrentMemoryContext, "vector group",
										   ALLOCSET_DEFAULT_SIZES);
	execTuplesHashPrepare(state->count, equal, &functions, &hashes);
#if PG_VERSION_NUM >= 180000
	state->seen = BuildTupleHashTable(&state->node.ss.ps, descriptor, &TTSOpsVirtual,
									  state->count, numbers, functions, hashes, collation,
									  KEYS_AT_FIRST, 0, estate->es_query_cxt, state->context,
									  temporary, false);
#else
	state->seen = BuildTupleHashTableExt(&state->node.ss.ps, descriptor, state->count, numbers,
										 functions, hashes, collation, KEYS_AT_FIRST, 0,
										 estate->es_query_cxt, state->context, temporary, false);
#endif
}

static void
begin_node(CustomScanState *node, EState *estate, int eflags)
{
	GroupScanState *state = (GroupScanState *) node;
	const List *columns = private_list(state, 0);

	state->scan = ExecInitNode(linitial(((CustomScan *) node->ss.ps.plan)->custom_plans), estate,
							   eflags);
	node->custom_ps = list_make1(state->scan);
	state->count = list_length(columns);
	state->columns = palloc(sizeof(AttrNumber) * state->count);
	for (int i = 0; i < state->count; i++)
		state->columns[i] = list_nth_int(columns, i);
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
		make_table(state, estate);
}

/* Whether a row, which has all its values at hand, is the first one with its keys; keeps these. */
static bool
is_first(GroupScanState *state, const TupleTableSlot *row)
{
	bool		isnew;

	ExecClearTuple(state->keys);
	for (int i = 0; i < state->count; i++)
	{
		state->keys->tts_values[i] = row->tts_values[state->columns[i] - 1];
		state->keys->tts_isnull[i] = row->tts_isnull[state->columns[i] - 1];
	}
	ExecStoreVirtualTuple(state->keys);
	(void) LookupTupleHashEntry(state->seen, state->keys, &isnew, NULL);
	return isnew;
}

static TupleTableSlot *
next_row(CustomScanState *node)
{
	GroupScanState *state = (GroupScanState *) node;
	TupleTableSlot *row;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		ResetExprContext(node->ss.ps.ps_ExprContext);
		row = ExecProcNode(state->scan);
		if (TupIsNull(row))
			break;
		slot_getallattrs(row);
		if (is_first(state, row))
			break;
		state->removed++;
	}
	return pass_row(node, row, NULL);
}

static void
end_node(CustomScanState *node)
{
	ExecEndNode(((GroupScanState *) node)->scan);
}

static void
rescan_node(CustomScanState *node)
{
	GroupScanState *state = (GroupScanState *) node;

	if (node->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(state->scan, node->ss.ps.chgParam);
	ExecClearTuple(state->keys);
	MemoryContextReset(state->context);
	ResetTupleHashTable(state->seen);
	/* a node with changed parameters is rescanned when it is next asked */
	if (state->scan->chgParam == NULL)
		ExecReScan(state->scan);
}

/* Shows the keys, and how many rows had keys that had come before. */
static void
explain_node(CustomScanState *node, List *ancestors, ExplainState *es)
{
	GroupScanState *state = (GroupScanState *) node;
	List	   *context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, ancestors);
	List	   *keys = NIL;

	for (int i = 0; i < state->count; i++)
	{
		TargetEntry *entry = list_nth(node->ss.ps.plan->targetlist, state->columns[i] - 1);

		keys = lappend(keys, deparse_expression((Node *) entry->expr, context,
												list_length(es->rtable) > 1 || es->verbose, true));
	}
	ExplainPropertyList("Group Key", keys, es);
	if (es->analyze)
		ExplainPropertyUInteger("Rows Removed by Grouping", NULL, state->removed, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = GROUP_SCAN_NAME,
	.BeginCustomScan = begin_node,
	.ExecCustomScan = next_row,
	.EndCustomScan = end_node,
	.ReScanCustomScan = rescan_node,
	.ExplainCustomScan = explain_node
};
