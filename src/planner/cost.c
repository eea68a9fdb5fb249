/*
 * cost.c - what a distance costs
 *
 * This is the support function of the distance functions.  PostgreSQL assigns the same cost to
 * every call of a C function, whatever the argument.  But a vector stored out of line has to be
 * fetched from the TOAST table first, which costs many times as much as the distance itself.
 */
#include "pg_compat.h"

#include "access/detoast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "planner/planner.h"

/*
 * A fetch from the TOAST table in units of cpu_operator_cost, and the number of dimensions that
 * cost as much as an operator.
 */
#define TOAST_FETCH_OPERATORS	80.0
#define DIMENSIONS_PER_OPERATOR 500.0

/* Bytes of a vector if its dimensions are not known, or most of them may be zero. */
#define DEFAULT_BYTES			3000.0
#define DENSE_DIMENSIONS		16000

/*
 * A row not wider than this keeps its vectors inline (TOAST_TUPLE_THRESHOLD without the header and
 * other columns).
 */
#define INLINE_BYTES			2000.0

/* Bytes of a column's values, dense vectors or bits; 0 if its type modifier does not tell. */
static double
known_bytes(const Var *var)
{
	if (var->vartypmod <= 0 || var->vartypmod > DENSE_DIMENSIONS)
		return 0;
	return var->vartype == BITOID ? var->vartypmod / 8.0 : sizeof(float) * (double) var->vartypmod;
}

/*
 * Whether most values of a column are stored out of line, judged by their average width: for such a
 * value statistics count only the size of its pointer.  With few dimensions the width alone does
 * not tell, because inline values are as small; inline elements take at least a quarter of the
 * known bytes.
 */
static bool
is_out_of_line(int32 width, double known)
{
	if (known > 0)
		return width <= 2 * TOAST_POINTER_SIZE && width < known / 4;
	return width == TOAST_POINTER_SIZE;
}

/* The cost of fetching a column's values that are stored out of line; 0 if they are inline. */
static double
fetch_cost(PlannerInfo *root, Var *var)
{
	RangeTblEntry *rte =
		root == NULL || IS_SPECIAL_VARNO(var->varno) ? NULL : planner_rt_fetch(var->varno, root);
	double		known = known_bytes(var);
	double		bytes = known > 0 ? known : DEFAULT_BYTES;
	int32		width;

	/* rows of another server arrive whole */
	if (rte == NULL || rte->rtekind != RTE_RELATION || var->varlevelsup != 0 ||
		rte->relkind == RELKIND_FOREIGN_TABLE)
		return 0;

	width = get_attavgwidth(rte->relid, var->varattno);
	if (width > 0 ? !is_out_of_line(width, known) : bytes < INLINE_BYTES)
		return 0;
	return TOAST_FETCH_OPERATORS * cpu_operator_cost + bytes / BLCKSZ * seq_page_cost;
}

static double
distance_cost(PlannerInfo *root, Node *node)
{
	List	   *arguments = NIL;
	ListCell   *cell;
	int			dimensions = 0;
	double		cost = cpu_operator_cost;

	if (node != NULL && IsA(node, OpExpr))
		arguments = ((OpExpr *) node)->args;
	else if (node != NULL && IsA(node, FuncExpr))
		arguments = ((FuncExpr *) node)->args;

	foreach(cell, arguments)
	{
		Node	   *argument = lfirst(cell);

		dimensions = Max(dimensions, Min(exprTypmod(argument), DENSE_DIMENSIONS));
		if (IsA(argument, Var))
			cost += fetch_cost(root, (Var *) argument);
	}
	return cost + dimensions / DIMENSIONS_PER_OPERATOR * cpu_operator_cost;
}

PG_FUNCTION_INFO_V1(vector_distance_support);
Datum
vector_distance_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestCost))
	{
		SupportRequestCost *cost = (SupportRequestCost *) request;

		cost->startup = 0;
		cost->per_tuple = distance_cost(cost->root, cost->node);
		PG_RETURN_POINTER(cost);
	}
	PG_RETURN_POINTER(NULL);
}
