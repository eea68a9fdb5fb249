/*
 * residual.c - finds the rows of a table that meet a scan's conditions
 *
 * The conditions are those that the plan's node evaluates on every row of its scan, in its order.
 * PostgreSQL might as well have chosen a sequential scan with the same filter, so no function sees
 * a row here that it must not see.
 */
#include "am/residual.h"

#include <math.h>

#include "access/heapam.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/rel.h"

#include "am/index.h"

/*
 * The cost of a row that a scan of an index returns, some hops and a random access to the table,
 * without and for its dimensions, and of a row and a page of a table that is read, in units of
 * cpu_operator_cost.
 */
#define OPERATORS_PER_RETURNED	280.0
#define OPERATORS_PER_DIMENSION 1.5
#define OPERATORS_PER_ROW		2.0
#define OPERATORS_PER_PAGE		40.0

static double
read_part(double pages)
{
	return 1 - index_cached_part(pages);
}

Cost
residual_returned_cost(uint32 dims, double pages, Cost filter)
{
	return (OPERATORS_PER_RETURNED + OPERATORS_PER_DIMENSION * dims) * cpu_operator_cost + filter +
		read_part(pages) * random_page_cost;
}

static Cost
filter_cost(const IndexScanState *node)
{
	QualCost	cost;

	cost_qual_eval(&cost, node->ss.ps.plan->qual, NULL);
	return cost.per_tuple;
}

Cost
residual_node_cost(const IndexScanState *node, uint32 dims)
{
	return residual_returned_cost(dims, RelationGetNumberOfBlocks(node->ss.ss_currentRelation),
								  filter_cost(node));
}

double
residual_share(const IndexScanState *node)
{
	double		rows = node->ss.ss_currentRelation->rd_rel->reltuples;
	double		passing = clamp_row_est(node->ss.ps.plan->plan_rows);

	return rows > passing ? passing / rows : 1;
}

double
residual_worth(const IndexScanState *node, uint32 dims)
{
	Relation	table = node->ss.ss_currentRelation;
	double		pages;
	double		rows;

	/* only of a heap it is known which rows an index has under another TID */
	if (table->rd_tableam != GetHeapamTableAmRoutine() ||
		contain_volatile_functions((Node *) node->ss.ps.plan->qual))
		return INFINITY;
	pages = RelationGetNumberOfBlocks(table);
	rows = table->rd_rel->reltuples >= 0 ? table->rd_rel->reltuples : pages;
	return (rows * (OPERATORS_PER_ROW * cpu_operator_cost + filter_cost(node)) +
			pages * (OPERATORS_PER_PAGE * cpu_operator_cost + read_part(pages) * seq_page_cost)) /
		residual_node_cost(node, dims);
}

/*
 * Adds a row.  Indexes know a row that was updated in place by the TID of its first version, which
 * is on the same page: then the whole page is added.
 */
static void
add_row(TIDBitmap *rows, TupleTableSlot *slot)
{
	const HeapTupleTableSlot *heap = (HeapTupleTableSlot *) slot;

	if (HeapTupleIsHeapOnly(heap->tuple))
		tbm_add_page(rows, ItemPointerGetBlockNumber(&slot->tts_tid));
	else
		tbm_add_tuples(rows, &slot->tts_tid, 1, false);
}

TidSet *
residual_rows(IndexScanState *node, uint64 *tested)
{
	Relation	table = node->ss.ss_currentRelation;
	ExprContext *context = node->ss.ps.ps_ExprContext;
	TupleTableSlot *before = context->ecxt_scantuple;
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TIDBitmap  *rows = tbm_create(work_mem * (Size) 1024, NULL);
	TableScanDesc scan = table_beginscan_strat(table, node->ss.ps.state->es_snapshot, 0, NULL,
											   true, true);
	TidSet	   *set;

	context->ecxt_scantuple = slot;
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		(*tested)++;
		if (ExecQual(node->ss.ps.qual, context))
			add_row(rows, slot);
		ResetExprContext(context);
	}
	context->ecxt_scantuple = before;
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	set = tid_set_create(rows);
	tbm_free(rows);
	return set;
}
