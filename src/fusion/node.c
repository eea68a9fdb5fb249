/*
 * node.c - executes a fusion
 *
 * Before the first row, each arm is read to its end, which is at the depth.  What it finds is kept
 * as TIDs with a rank or a distance; a row of the result is fetched from its table when it is asked
 * for, by the snapshot that the arms have used.  So the order is the same in both directions and in
 * all pages of a cursor, and only rows that are returned are read as a whole.
 */
#include "fusion/fusion_internal.h"

#include <math.h>

#include "access/table.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "catalog/pg_type.h"
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#endif
#include "executor/executor.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "filter_scan/filter_scan.h"
#include "fusion/score.h"

/* A table whose rows are fetched: that of the scan, or one of its children. */
typedef struct FusionTable
{
	Oid			oid;
	Relation	rel;
	TupleTableSlot *slot;
	TupleConversionMap *map;	/* to the columns of the scan's table; NULL if these are the same */
} FusionTable;

typedef struct FusionState
{
	CustomScanState node;
	FusionKind	kind;
	char	   *name;			/* of the function */
	ExprState  *options[OPTIONS];
	List	   *tables;			/* of FusionTable */
	TupleTableSlot *mapped;		/* a row of a child as a row of the scan's table */
	ProjectionInfo *columns;	/* from a row to the scan's columns but the last, its score */
	MemoryContext context;		/* holds the rows */
	FusionRow  *rows;			/* NULL: not made */
	int64		count;
	int64		at;				/* the current row; -1 before the first, count after the last */
} FusionState;

static const CustomExecMethods exec_methods;

static Node *
create_state(CustomScan *plan)
{
	return make_scan_state(sizeof(FusionState), &exec_methods);
}

const CustomScanMethods fusion_methods = {
	.CustomName = FUSION_NAME,
	.CreateCustomScanState = create_state
};

bool
is_fusion_node(const PlanState *node)
{
	return is_scan_state(node, &exec_methods);
}

/* The call whose value is the last of the scan's columns. */
static FuncExpr *
call_of(const CustomScan *plan)
{
	return castNode(FuncExpr, llast_node(TargetEntry, plan->custom_scan_tlist)->expr);
}

static void
begin_node(CustomScanState *node, EState *estate, int eflags)
{
	FusionState *state = (FusionState *) node;
	const CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	int			columns = list_length(plan->custom_scan_tlist) - 1;
	TupleDesc	row = RelationGetDescr(node->ss.ss_currentRelation);
	ListCell   *cell;

	foreach(cell, plan->custom_plans)
		node->custom_ps = lappend(node->custom_ps,
								  ExecInitNode(lfirst(cell), estate,
											   eflags & ~(EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK)));
	state->kind = fusion_kind(call_of(plan)->funcid);
	state->name = get_func_name(call_of(plan)->funcid);
	for (int i = 0; i < OPTIONS; i++)
		state->options[i] = ExecInitExpr(list_nth(plan->custom_exprs, i), &node->ss.ps);
	state->mapped = ExecInitExtraTupleSlot(estate, row, &TTSOpsVirtual);
	/* rows of tables differ from those that the node scans, which it would be compiled for */
	state->columns = ExecBuildProjectionInfo(list_truncate(list_copy(plan->custom_scan_tlist),
														   columns),
											 node->ss.ps.ps_ExprContext,
											 node->ss.ss_ScanTupleSlot, NULL, row);
	state->context = AllocSetContextCreate(CurrentMemoryContext, "vector fusion",
										   ALLOCSET_DEFAULT_SIZES);
	state->at = -1;
}

/* The value of an option; returns false if it is null. */
static bool
option_value(FusionState *state, int option, Datum *value)
{
	bool		isnull;

	*value = ExecEvalExprSwitchContext(state->options[option],
									   state->node.ss.ps.ps_ExprContext, &isnull);
	return !isnull;
}

/* The method, and k if that is of ranks. */
static FusionMethod
method_of(FusionState *state, double *k)
{
	static const char *const names[] = {"minmax", "arctan", "none"};
	static const FusionMethod methods[] = {FUSE_MINMAX, FUSE_ARCTAN, FUSE_DISTANCES};
	Datum		value;
	char	   *name;

	*k = 0;
	if (!option_value(state, OPTION_METHOD, &value))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s of %s() must not be null",
						state->kind == FUSION_RRF ? "k" : "normalization", state->name)));
	if (state->kind == FUSION_RRF)
	{
		*k = DatumGetInt32(value);
		if (*k < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("k of %s() must not be negative", state->name)));
		return FUSE_RANKS;
	}
	name = TextDatumGetCString(value);
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return methods[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("normalization \"%s\" of %s() is not known", name, state->name),
			 errhint("Valid names are minmax, arctan and none.")));
}

static void
check_depth(FusionState *state)
{
	Datum		value;

	if (option_value(state, OPTION_DEPTH, &value) && DatumGetInt64(value) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("depth of %s() must be at least 1", state->name),
				 errhint("Each arm is asked for that many rows, and for all if it is null.")));
}

/* The weights of the arms: 1 of each if there are none. */
static double *
weights_of(FusionState *state, int arms)
{
	double	   *weights = palloc(sizeof(double) * arms);
	Datum		value;
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	for (int i = 0; i < arms; i++)
		weights[i] = 1;
	if (!option_value(state, OPTION_WEIGHTS, &value))
		return weights;
	array = DatumGetArrayTypeP(value);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("weights of %s() must be a one-dimensional array", state->name)));
	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &elements, &nulls, &count);
	if (count != arms)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("weights of %s() must be as many as its arms", state->name),
				 errdetail("There are %d arms and %d weights.", arms, count)));
	for (int i = 0; i < arms; i++)
	{
		weights[i] = nulls[i] ? get_float8_nan() : DatumGetFloat8(elements[i]);
		if (!(weights[i] >= 0) || isinf(weights[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("weights of %s() must be at least 0 and finite", state->name),
					 errdetail("Weight %d is not.", i + 1)));
	}
	return weights;
}

/*
 * Adds the rows of an arm.  Nulls and NaN are after all numbers in the order of a sort, and in that
 * of an index not at all: no arm finds them, nor those that a score does not match.
 */
static void
read_arm(FusionHits *hits, PlanState *arm, int number, int kind)
{
	const IndexScanState *scan = kind & ARM_IS_INDEXED ?
		castNode(IndexScanState, outerPlanState(arm)) : NULL;

	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode(arm);
		FusionKey	key;
		double		distance;

		if (TupIsNull(slot))
			break;
		slot_getallattrs(slot);
		if (scan == NULL && slot->tts_isnull[ARM_DISTANCE - 1])
			continue;
		distance = DatumGetFloat8(scan ? scan->iss_ScanDesc->xs_orderbyvals[0] :
								  slot->tts_values[ARM_DISTANCE - 1]);
		if (!isfinite(distance) || (kind & ARM_IS_SCORE && distance == 0))
			continue;
		key.table = DatumGetObjectId(slot->tts_values[ARM_TABLE - 1]);
		key.tid = *(ItemPointer) DatumGetPointer(slot->tts_values[ARM_TID - 1]);
		fusion_add_hit(hits, key, number, distance);
	}
}

/* Reads the arms and makes the rows. */
static void
fuse(FusionState *state)
{
	const CustomScan *plan = (CustomScan *) state->node.ss.ps.plan;
	EState	   *estate = state->node.ss.ps.state;
	ScanDirection direction = estate->es_direction;
	int			arms = list_length(state->node.custom_ps);
	double		k;
	FusionMethod method = method_of(state, &k);
	double	   *weights = weights_of(state, arms);
	double	   *missing = palloc(sizeof(double) * arms);
	FusionHits	hits = {.context = state->context};
	ListCell   *cell;

	check_depth(state);
	estate->es_direction = ForwardScanDirection;
	foreach(cell, state->node.custom_ps)
	{
		int			arm = foreach_current_index(cell);
		int64		from = hits.count;

		read_arm(&hits, lfirst(cell), arm, list_nth_int(plan->custom_private, arm));
		missing[arm] = fusion_rank_hits(&hits, from, method, k, weights[arm]);
	}
	estate->es_direction = direction;
	state->rows = fusion_rows(&hits, arms, missing, &state->count);
	if (hits.hits)
		pfree(hits.hits);
	pfree(missing);
	pfree(weights);
}

/* A table by its oid: the executor holds locks on all that it scans. */
static FusionTable *
find_table(FusionState *state, Oid oid)
{
	Relation	scanned = state->node.ss.ss_currentRelation;
	MemoryContext old;
	FusionTable *table;
	ListCell   *cell;

	foreach(cell, state->tables)
		if (((FusionTable *) lfirst(cell))->oid == oid)
			return lfirst(cell);
	old = MemoryContextSwitchTo(state->node.ss.ps.state->es_query_cxt);
	table = palloc0(sizeof(FusionTable));
	table->oid = oid;
	table->rel = table_open(oid, NoLock);
	table->slot = table_slot_create(table->rel, NULL);
	table->map = convert_tuples_by_name(RelationGetDescr(table->rel), RelationGetDescr(scanned));
	state->tables = lappend(state->tables, table);
	MemoryContextSwitchTo(old);
	return table;
}

/* A row of the result as a row of the scan's table. */
static TupleTableSlot *
fetch_row(FusionState *state, FusionKey key)
{
	const FusionTable *table = find_table(state, key.table);

	if (!table_tuple_fetch_row_version(table->rel, &key.tid,
									   state->node.ss.ps.state->es_snapshot, table->slot))
		elog(ERROR, "could not fetch a row that a search has found");
	if (table->map == NULL)
		return table->slot;
	execute_attr_map_slot(table->map->attrMap, table->slot, state->mapped);
	state->mapped->tts_tid = key.tid;
	state->mapped->tts_tableOid = key.table;
	return state->mapped;
}

static TupleTableSlot *
next_row(CustomScanState *node)
{
	FusionState *state = (FusionState *) node;
	ExprContext *context = node->ss.ps.ps_ExprContext;
	ProjectionInfo *projection = node->ss.ps.ps_ProjInfo;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	int			score = slot->tts_tupleDescriptor->natts - 1;
	FusionRow  *row;

	ResetExprContext(context);
	if (state->rows == NULL)
		fuse(state);
	if (ScanDirectionIsForward(node->ss.ps.state->es_direction))
		state->at = Min(state->at + 1, state->count);
	else
		state->at = Max(state->at - 1, -1);
	ExecClearTuple(slot);
	if (state->at < 0 || state->at == state->count)
		return projection ? ExecClearTuple(projection->pi_state.resultslot) : slot;
	row = &state->rows[state->at];
	context->ecxt_scantuple = fetch_row(state, row->key);
	(void) ExecProject(state->columns);
	slot->tts_values[score] = Float8GetDatum(row->score);
	slot->tts_isnull[score] = false;
	slot->tts_tid = row->key.tid;
	slot->tts_tableOid = row->key.table;
	context->ecxt_scantuple = slot;
	return projection ? ExecProject(projection) : slot;
}

static void
end_node(CustomScanState *node)
{
	FusionState *state = (FusionState *) node;
	ListCell   *cell;

	foreach(cell, state->tables)
	{
		FusionTable *table = lfirst(cell);

		ExecDropSingleTupleTableSlot(table->slot);
		table_close(table->rel, NoLock);
	}
	foreach(cell, node->custom_ps)
		ExecEndNode(lfirst(cell));
}

/* The rows of the same parameters are kept. */
static void
rescan_node(CustomScanState *node)
{
	FusionState *state = (FusionState *) node;
	Bitmapset  *changed = node->ss.ps.chgParam;
	ListCell   *cell;

	state->at = -1;
	if (changed == NULL)
		return;
	MemoryContextReset(state->context);
	state->rows = NULL;
	foreach(cell, node->custom_ps)
	{
		PlanState  *arm = lfirst(cell);

		UpdateChangedParamSet(arm, changed);
		/* nodes with changed parameters are rescanned when they are next asked */
		if (arm->chgParam == NULL)
			ExecReScan(arm);
	}
}

/* Shows the order; arms are shown as the node's children. */
static void
explain_node(CustomScanState *node, List *ancestors, ExplainState *es)
{
	FusionState *state = (FusionState *) node;
	const CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	List	   *context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, ancestors);
	bool		qualified = es->verbose || list_length(es->rtable) > 1;

	ExplainPropertyText("Order By",
						deparse_expression((Node *) call_of(plan), context, qualified, false), es);
	if (es->analyze && state->rows != NULL)
		ExplainPropertyInteger("Rows Found", NULL, state->count, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = FUSION_NAME,
	.BeginCustomScan = begin_node,
	.ExecCustomScan = next_row,
	.EndCustomScan = end_node,
	.ReScanCustomScan = rescan_node,
	.ExplainCustomScan = explain_node
};
