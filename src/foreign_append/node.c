/*
 * node.c - executes a foreign append
 *
 * When the first row is asked for, the statements of all scans are sent, and all results awaited.
 * Nothing is under way between calls.  Scans that share a connection are sent their statements one
 * after the other.  A scan whose connection cannot be used runs by itself, after the others: where
 * another scan of the query reads from it at that time, and if the version of postgres_fdw is not
 * known.  All do if the LIMIT is a parameter by which the rows do not fit in work_mem.
 */
#include "foreign_append/foreign_append_internal.h"

#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#endif
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "filter_scan/filter_scan.h"

typedef struct ForeignAppendState
{
	CustomScanState node;
	int			count;
	PlanState **scans;
	ForeignAnswer *answers;		/* of each scan */
	List	  **parameters;		/* of each scan, as executable expressions */
	ExprState  *limit;
	bool		asked;
	int			current;		/* the scan that is read */
	int			at_once;		/* scans that were sent their statements here */
	MemoryContextCallback at_end;
} ForeignAppendState;

static const CustomExecMethods exec_methods;

static Node *
create_state(CustomScan *plan)
{
	return make_scan_state(sizeof(ForeignAppendState), &exec_methods);
}

const CustomScanMethods foreign_append_methods = {
	.CustomName = FOREIGN_APPEND_NAME,
	.CreateCustomScanState = create_state
};

/* Frees results, which are in no memory context, also after an error. */
static void
free_results(void *arg)
{
	ForeignAppendState *state = arg;

	for (int i = 0; i < state->count; i++)
		free_result(&state->answers[i]);
}

static void
begin_node(CustomScanState *node, EState *estate, int eflags)
{
	ForeignAppendState *state = (ForeignAppendState *) node;
	const CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	ListCell   *cell;

	state->count = list_length(plan->custom_plans);
	state->scans = palloc0(sizeof(PlanState *) * state->count);
	state->answers = palloc0(sizeof(ForeignAnswer) * state->count);
	state->parameters = palloc0(sizeof(List *) * state->count);
	state->limit = ExecInitExpr(linitial(plan->custom_exprs), &node->ss.ps);
	state->at_end.func = free_results;
	state->at_end.arg = state;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &state->at_end);
	foreach(cell, plan->custom_plans)
	{
		int			i = foreach_current_index(cell);
		PlanState  *scan = ExecInitNode(lfirst(cell), estate, eflags);

		state->scans[i] = scan;
		node->custom_ps = lappend(node->custom_ps, scan);
		if (!IsA(scan, ForeignScanState))
			continue;
		state->answers[i].scan = (ForeignScanState *) scan;
		find_connection(&state->answers[i]);
		state->parameters[i] = ExecInitExprList(((ForeignScan *) scan->plan)->fdw_exprs, scan);
	}
}

/* Whether a result for each scan may be kept. */
static bool
results_fit(ForeignAppendState *state)
{
	const CustomScan *plan = (CustomScan *) state->node.ss.ps.plan;
	bool		isnull;
	Datum		limit = ExecEvalExprSwitchContext(state->limit, state->node.ss.ps.ps_ExprContext,
												  &isnull);

	return !isnull && rows_fit(DatumGetInt64(limit), intVal(linitial(plan->custom_private)));
}

/* The values of a scan's parameters as text, by which they mean the same on any server. */
static const char **
parameter_texts(ForeignAppendState *state, int number)
{
	ExprContext *context = state->node.ss.ps.ps_ExprContext;
	const char **texts = palloc(sizeof(char *) * (list_length(state->parameters[number]) + 1));
	int			level;
	ListCell   *cell;

	if (state->parameters[number] == NIL)
		return texts;
	level = NewGUCNestLevel();
	set_config_option("datestyle", "ISO", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
					  false);
	set_config_option("intervalstyle", "postgres", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
					  true, 0, false);
	set_config_option("extra_float_digits", "3", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
					  0, false);
	set_config_option("search_path", "pg_catalog", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
					  true, 0, false);
	foreach(cell, state->parameters[number])
	{
		ExprState  *parameter = lfirst(cell);
		bool		isnull;
		Datum		value = ExecEvalExpr(parameter, context, &isnull);
		Oid			output;
		bool		is_varlena;

		getTypeOutputInfo(exprType((Node *) parameter->expr), &output, &is_varlena);
		texts[foreach_current_index(cell)] = isnull ? NULL : OidOutputFunctionCall(output, value);
	}
	AtEOXact_GUC(true, level);
	return texts;
}

static const List *
parameters_of(const ForeignAppendState *state, int number)
{
	return ((ForeignScan *) state->scans[number]->plan)->fdw_exprs;
}

/*
 * The values of the parameters of all scans.  They may come of plans that read from the same
 * servers, so it is before any connection is used.
 */
static const char ***
all_parameter_texts(ForeignAppendState *state)
{
	const char ***texts = palloc0(sizeof(char **) * state->count);
	int			last = -1;

	for (int i = 0; i < state->count; i++)
	{
		if (state->answers[i].connection == NULL)
			continue;
		texts[i] = last >= 0 && equal(parameters_of(state, i), parameters_of(state, last)) ?
			texts[last] : parameter_texts(state, i);
		last = i;
	}
	return texts;
}

/* Sends statements over all connections that can be used and asks those that are left again. */
static void
ask(ForeignAppendState *state)
{
	const char ***texts = all_parameter_texts(state);
	bool	   *sent = palloc0(sizeof(bool) * state->count);
	bool		any;

	do
	{
		any = false;
		for (int i = 0; i < state->count; i++)
		{
			ForeignAnswer *answer = &state->answers[i];

			if (sent[i] || answer->connection == NULL || !is_idle(answer))
				continue;
			send_statement(answer, texts[i]);
			sent[i] = any = true;
		}
		for (int i = 0; i < state->count; i++)
		{
			if (!sent[i] || state->answers[i].result != NULL)
				continue;
			receive_result(&state->answers[i]);
			state->at_once++;
		}
	} while (any);
}

/* The next row of a scan. */
static TupleTableSlot *
row_of(ForeignAppendState *state, int number)
{
	PlanState  *scan = state->scans[number];
	ForeignAnswer *answer = &state->answers[number];
	ExprContext *context = scan->ps_ExprContext;
	TupleTableSlot *slot;
	HeapTuple	tuple;
	MemoryContext previous;

	if (answer->result == NULL)
		return ExecProcNode(scan);
	if (scan->instrument)
		InstrStartNode(scan->instrument);
	ResetExprContext(context);
	previous = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
	tuple = next_tuple(answer);
	MemoryContextSwitchTo(previous);
	slot = answer->scan->ss.ss_ScanTupleSlot;
	if (tuple == NULL)
		slot = NULL;
	else
	{
		ExecStoreHeapTuple(tuple, slot, false);
		context->ecxt_scantuple = slot;
		if (scan->ps_ProjInfo != NULL)
			slot = ExecProject(scan->ps_ProjInfo);
	}
	if (scan->instrument)
		InstrStopNode(scan->instrument, slot == NULL ? 0 : 1);
	return slot;
}

static TupleTableSlot *
next_row(CustomScanState *node)
{
	ForeignAppendState *state = (ForeignAppendState *) node;
	ExprContext *context = node->ss.ps.ps_ExprContext;

	if (!state->asked)
	{
		MemoryContext previous;

		state->asked = true;
		ResetExprContext(context);
		previous = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
		if (results_fit(state))
			ask(state);
		MemoryContextSwitchTo(previous);
	}
	for (; state->current < state->count; state->current++)
	{
		TupleTableSlot *row = row_of(state, state->current);

		CHECK_FOR_INTERRUPTS();
		if (!TupIsNull(row))
			return pass_row(node, row, NULL);
		free_result(&state->answers[state->current]);
	}
	return pass_row(node, NULL, NULL);
}

static void
end_node(CustomScanState *node)
{
	ForeignAppendState *state = (ForeignAppendState *) node;

	free_results(state);
	for (int i = 0; i < state->count; i++)
		ExecEndNode(state->scans[i]);
}

static void
rescan_node(CustomScanState *node)
{
	ForeignAppendState *state = (ForeignAppendState *) node;

	free_results(state);
	state->asked = false;
	state->current = 0;
	for (int i = 0; i < state->count; i++)
	{
		if (node->ss.ps.chgParam != NULL)
			UpdateChangedParamSet(state->scans[i], node->ss.ps.chgParam);
		/* a scan with changed parameters is rescanned when it is next asked */
		if (state->scans[i]->chgParam == NULL)
			ExecReScan(state->scans[i]);
	}
}

static void
explain_node(CustomScanState *node, List *ancestors, ExplainState *es)
{
	if (es->analyze)
		ExplainPropertyInteger("Statements Sent", NULL, ((ForeignAppendState *) node)->at_once, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = FOREIGN_APPEND_NAME,
	.BeginCustomScan = begin_node,
	.ExecCustomScan = next_row,
	.EndCustomScan = end_node,
	.ReScanCustomScan = rescan_node,
	.ExplainCustomScan = explain_node
};
