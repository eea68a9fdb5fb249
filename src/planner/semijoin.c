/*
 * semijoin.c - subqueries of nearest neighbours' conditions as filters
 *
 * For SELECT ...  WHERE id IN (SELECT ...) ORDER BY v <-> q LIMIT k PostgreSQL looks up the inner
 * rows once for each row that an index returns in order: if few rows are allowed, for much of the
 * table.  A planner hook offers the same query with the inner rows as an array
 * (array_condition.c), which is computed before the search, and which indexes can use.  Both
 * queries are planned, and the cheaper plan is taken.
 */
#include "planner/planner.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "executor/nodeHash.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "optimizer/prep.h"
#include "parser/parsetree.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "am/method.h"
#include "fusion/fusion.h"

static bool enable_semijoin_filter = true;
static planner_hook_type previous_hook;

/* The columns of a query itself that an expression contains, if they are of one table. */
typedef struct ColumnSearch
{
	Var		   *column;			/* one of them */
	bool		several_tables;
} ColumnSearch;

static bool
find_column(Node *node, void *context)
{
	ColumnSearch *search = context;

	if (node == NULL)
		return false;
	if (!IsA(node, Var))
		return expression_tree_walker(node, find_column, context);
	if (((Var *) node)->varlevelsup > 0)
		return false;
	search->several_tables |= search->column && search->column->varno != ((Var *) node)->varno;
	search->column = (Var *) node;
	return false;
}

/* Whether each row of a subquery is one of its tables' rows. */
static bool
is_selection(const Query *query)
{
	return query->commandType == CMD_SELECT && query->setOperations == NULL && !query->hasAggs &&
		query->groupClause == NIL && query->groupingSets == NIL && query->havingQual == NULL &&
		!query->hasWindowFuncs && !query->hasTargetSRFs && query->distinctClause == NIL &&
		query->limitCount == NULL && query->limitOffset == NULL;
}

/*
 * The table that all columns of an expression in a query are taken from, directly or by joins and
 * subqueries such as views; NULL if there is no such table.  Tells which queries that leads
 * through, and the operator of the expression, if they are wanted.
 */
static RangeTblEntry *
table_of(Query *query, Node *expression, List **queries, Oid *operator)
{
	for (;;)
	{
		ColumnSearch search = {0};
		RangeTblEntry *entry;
		TargetEntry *target;

		if (operator && *operator == InvalidOid && IsA(expression, OpExpr))
			*operator = ((OpExpr *) expression)->opno;
		(void) find_column(expression, &search);
		if (search.column == NULL || search.several_tables)
			return NULL;
		if (queries)
			*queries = list_append_unique_ptr(*queries, query);
		entry = rt_fetch(search.column->varno, query->rtable);
		if (entry->rtekind == RTE_RELATION)
			return entry;
		if (search.column->varattno <= 0)
			return NULL;
		if (entry->rtekind == RTE_JOIN)
			expression = list_nth(entry->joinaliasvars, search.column->varattno - 1);
		else if (entry->rtekind == RTE_SUBQUERY && is_selection(entry->subquery))
		{
			query = entry->subquery;
			target = get_tle_by_resno(query->targetList, search.column->varattno);
			expression = (Node *) target->expr;
		}
		else
			return NULL;
	}
}

/* Whether an index of ours orders a table's rows by an operator. */
static bool
is_ordered(Oid relid, Oid operator)
{
	Relation	table = table_open(relid, AccessShareLock);
	bool		ordered = false;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(table))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		ordered |= vector_am_by_oid(index->rd_rel->relam) != NULL &&
			OidIsValid(get_op_opfamily_sortfamily(operator, index->rd_opfamily[0]));
		index_close(index, NoLock);
	}
	table_close(table, NoLock);
	return ordered;
}

/* The conditions of a query that may become filters of a table's rows. */
typedef struct Filters
{
	Query	   *query;
	RangeTblEntry *table;
	int			count;
} Filters;

/* Puts array conditions in place of subqueries that a condition requires, alone or as choices. */
static Node *
use_arrays(Filters *filters, Node *condition)
{
	ScalarArrayOpExpr *array;
	ListCell   *cell;

	if (condition == NULL)
		return NULL;
	if (is_andclause(condition) || is_orclause(condition))
		foreach(cell, ((BoolExpr *) condition)->args)
			lfirst(cell) = use_arrays(filters, lfirst(cell));
	if (!IsA(condition, SubLink))
		return condition;
	array = array_condition((SubLink *) condition);
	if (array == NULL ||
		table_of(filters->query, linitial(array->args), NULL, NULL) != filters->table)
		return condition;
	filters->count++;
	return (Node *) array;
}

/* What has been done to a statement. */
typedef struct Replaced
{
	int			count;			/* of conditions */
	bool		fused;			/* some of them of a fusion of searches */
} Replaced;

/*
 * Does so for a query ordered by a distance or by several, also in its views and in the table's
 * policies.
 */
static void
filter_table(Query *query, Replaced *replaced)
{
	SortGroupClause *order = linitial_node(SortGroupClause, query->sortClause);
	List	   *queries = NIL;
	Node	   *expression = get_sortgroupclause_expr(order, query->targetList);
	Oid			operator = InvalidOid;
	Filters		filters = {0};
	ListCell   *cell;

	filters.table = table_of(query, expression, &queries, &operator);
	if (filters.table == NULL ||
		!(is_fusion(expression) ||
		  (OidIsValid(operator) && is_ordered(filters.table->relid, operator))))
		return;
	foreach(cell, queries)
	{
		filters.query = lfirst(cell);
		filters.query->jointree->quals = use_arrays(&filters, filters.query->jointree->quals);
	}
	foreach(cell, filters.table->securityQuals)
		lfirst(cell) = use_arrays(&filters, lfirst(cell));
	replaced->count += filters.count;
	replaced->fused |= filters.count > 0 && is_fusion(expression);
}

/* Does so for each query of a statement. */
static bool
filter_queries(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, filter_queries, context);
	if (((Query *) node)->sortClause != NIL)
		filter_table((Query *) node, context);
	return query_tree_walker((Query *) node, filter_queries, context, 0);
}

/*
 * Puts the queries of SQL functions in FROM in their places, as PostgreSQL would do while it plans;
 * the context is where it keeps what the plan depends on then.
 */
static bool
inline_functions(Node *node, void *context)
{
	PlannerInfo *root;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, inline_functions, context);
	root = makeNode(PlannerInfo);
	root->parse = (Query *) node;
	root->glob = context;
	preprocess_function_rtes(root);
	return query_tree_walker((Query *) node, inline_functions, context, 0);
}

/* What a statement has, anywhere. */
typedef struct StatementParts
{
	bool		order;
	bool		subquery;		/* in an expression */
	bool		function;		/* in FROM, which is a query */
} StatementParts;

static bool
is_query_function(const RangeTblEntry *entry)
{
	FuncExpr   *call;
	HeapTuple	tuple;
	bool		sql;

	if (entry->rtekind != RTE_FUNCTION || list_length(entry->functions) != 1)
		return false;
	call = (FuncExpr *) linitial_node(RangeTblFunction, entry->functions)->funcexpr;
	if (!IsA(call, FuncExpr))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	if (!HeapTupleIsValid(tuple))
		return false;
	sql = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == SQLlanguageId;
	ReleaseSysCache(tuple);
	return sql;
}

static bool
find_parts(Node *node, void *context)
{
	StatementParts *parts = context;
	Query	   *query = (Query *) node;
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, find_parts, context);
	parts->order |= query->sortClause != NIL;
	parts->subquery |= query->hasSubLinks;
	foreach(cell, query->rtable)
		parts->function |= is_query_function(lfirst(cell));
	return query_tree_walker(query, find_parts, context, 0);
}

/*
 * The same statement with filters, or NULL if there are none.  Functions are inlined in both;
 * glob is where PostgreSQL keeps what a plan depends on.  Tells whether a fusion of searches has
 * some: their ranks are then of other rows, whatever is cheaper.
 */
static Query *
with_filters(Query *parse, PlannerGlobal *glob, bool *fused)
{
	StatementParts parts = {0};
	Query	   *filtered;
	Replaced	replaced = {0};

	(void) find_parts((Node *) parse, &parts);
	if (parts.function)
	{
		(void) inline_functions((Node *) parse, glob);
		(void) find_parts((Node *) parse, &parts);
	}
	if (!parts.order || !parts.subquery)
		return NULL;
	filtered = copyObject(parse);
	(void) filter_queries((Node *) filtered, &replaced);
	*fused = replaced.fused;
	return replaced.count > 0 ? filtered : NULL;
}

static PlannedStmt *
plan_query(Query *parse, const char *query_string, int cursorOptions,
		   ParamListInfo boundParams PLANNER_PARAMETER)
{
	return previous_hook ?
		previous_hook(parse, query_string, cursorOptions, boundParams PLANNER_ARGUMENT) :
		standard_planner(parse, query_string, cursorOptions, boundParams PLANNER_ARGUMENT);
}

static bool
is_cheaper(const PlannedStmt *statement, const PlannedStmt *other)
{
	const Plan *a = statement->planTree;
	const Plan *b = other->planTree;

#if PG_VERSION_NUM >= 180000
	if (a->disabled_nodes != b->disabled_nodes)
		return a->disabled_nodes < b->disabled_nodes;
#endif
	return a->total_cost < b->total_cost;
}

static PlannedStmt *
plan_with_filters(Query *parse, const char *query_string, int cursorOptions,
				  ParamListInfo boundParams PLANNER_PARAMETER)
{
	PlannerGlobal *glob = makeNode(PlannerGlobal);
	bool		fused = false;
	Query	   *filtered;
	PlannedStmt *plan;

	glob->boundParams = boundParams;
	filtered = with_filters(parse, glob, &fused);
	plan = plan_query(parse, query_string, cursorOptions, boundParams PLANNER_ARGUMENT);
	if (filtered && (fused || enable_semijoin_filter))
	{
		PlannedStmt *other;

		subquery_array_bytes = 0;
		other = plan_query(filtered, query_string, cursorOptions, boundParams PLANNER_ARGUMENT);
		/* PostgreSQL limits the memory of a hashed subquery, but not that of an array */
		if (fused ||
			(subquery_array_bytes <= get_hash_memory_limit() && is_cheaper(other, plan)))
			plan = other;
	}
	plan->invalItems = list_concat(plan->invalItems, glob->invalItems);
	plan->dependsOnRole |= glob->dependsOnRole;
	return plan;
}

void
semijoin_init(void)
{
	DefineCustomBoolVariable(
		"vector.enable_semijoin_filter",
		"Enables the planner's use of subqueries as filters of searches.",
		"IN and EXISTS may then be computed before a search for nearest neighbors.",
		&enable_semijoin_filter, true, PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);
	previous_hook = planner_hook;
	planner_hook = plan_with_filters;
}
