/*
 * cost.c - what a distance costs
 *
 * The support function of the distance functions.  PostgreSQL prices every call of a C function
 * alike, whatever the argument; but a vector stored out of line has to be fetched from the TOAST
 * table first, which costs many times the distance itself.
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
 * In units of cpu_operator_cost: a fetch from the TOAST table, and how many dimensions cost as much
 * as an operator.
 */
#define TOAST_FETCH_OPERATORS	80.0
#define DIMENSIONS_PER_OPERATOR 500.0

/* Bytes of a vector whose dimensions do not tell: they are not known, or most of them are zero. */
#define DEFAULT_BYTES			3000.0
#define DENSE_DIMENSIONS		16000

/*
 * A row that is not wider than this keeps its vectors inline (TOAST_TUPLE_THRESHOLD, header and
 * other columns apart).
 */
#define INLINE_BYTES			2000.0

/* Bytes of a column's values, dense vectors or bits; 0 where its type modifier does not tell. */
static double
known_bytes(const Var *var)
{
	if (var->vartypmod <= 0 || var->vartypmod > DENSE_DIMENSIONS)
		return 0;
	return var->vartype == BITOID ? var->vartypmod / 8.0 : sizeof(float) * (double) var->vartypmod;
}

/*
 * Whether most values of a column are stored out of line, by their average width: statistics count
 * such a value by the size of its pointer.  The width alone tells little of a few dimensions, whose
 * values are as small; elements take a quarter of the known bytes at least.
 */
static bool
is_out_of_line(int32 width, double known)
{
	if (known > 0)
		return width <= 2 * TOAST_POINTER_SIZE && width < known / 4;
	return width == TOAST_POINTER_SIZE;
}

/* The cost of fetching what a column stores out of line; 0 where it is stored inline. */
static double
fetch_cost(PlannerInfo *root, Var *var)
{
	RangeTblEntry *rte =
		root == NULL || IS_SPECIAL_VARNO(var->varno) ? NULL : planner_rt_fetch(var->varno, root);
	double		known = known_bytes(var);
	double		bytes = known > 0 ? known : DEFAULT_BYTES;
	int32		width;

	/* what another server sends is whole */
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
