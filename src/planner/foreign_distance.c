/*
 * foreign_distance.c - has other servers return distances in place of vectors
 *
 * A scan of a foreign table that is ordered by a distance fetches the vector of each row, as text,
 * to compute the distance a second time, where rows are merged.  postgres_fdw returns expressions
 * only for joins and aggregates.  Its scans of these are given a target list of what the other
 * server returns (fdw_scan_tlist), and no relation.  We give that to the scan of one table, too:
 * the columns that are needed outside of the distance, and the distance.
 *
 * The statement is the one that postgres_fdw wrote for the table, with another list of columns.  So
 * it alone decides what is sent and how names, literals and parameters are written.  A plan in
 * which anything is not as expected stays as it is.
 */
#include "planner/planner.h"

#include "foreign/fdwapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"

#include "foreign_append/foreign_append.h"

/* What postgres_fdw keeps in the plan of a scan, as its executor reads it. */
enum
{
	PLAN_SQL,
	PLAN_RETRIEVED,
	PLAN_FETCH_SIZE,
	PLAN_LENGTH
};

typedef struct ColumnsRead
{
	Node	   *distance;
	Index		relid;
	List	   *columns;		/* a Var each */
} ColumnsRead;

static const Var *
column_of(List *columns, AttrNumber number)
{
	ListCell   *cell;

	foreach(cell, columns)
		if (lfirst_node(Var, cell)->varattno == number)
			return lfirst(cell);
	return NULL;
}

/* Collects the columns that are read outside of the distance; true if one cannot be returned. */
static bool
collect_columns(Node *node, ColumnsRead *read)
{
	const Var  *var = (Var *) node;

	if (node == NULL || equal(node, read->distance))
		return false;
	if (!IsA(node, Var))
		return expression_tree_walker(node, collect_columns, read);
	if (var->varno != read->relid || var->varlevelsup > 0)
		return false;
	if (var->varattno <= 0)
		return true;
	if (column_of(read->columns, var->varattno) == NULL)
		read->columns = lappend(read->columns, node);
	return false;
}

/*
 * Whether the first key that a server sorts by is an expression of the query.  It is another one
 * where the query's first key has one value, by a condition, and may be where it equals another.
 */
static bool
is_sent_first(const PlannerInfo *root, const Node *expression)
{
	const PathKey *key = linitial_node(PathKey, root->sort_pathkeys);
	bool		found = false;
	ListCell   *cell;

	foreach(cell, key->pk_eclass->ec_members)
	{
		const EquivalenceMember *member = lfirst_node(EquivalenceMember, cell);

		if (member->em_is_child)
			continue;
		if (found || !equal(member->em_expr, expression))
			return false;
		found = true;
	}
	return found;
}

/*
 * The distance by which a query's rows are sorted first, if the table's rows are to have it; NULL
 * otherwise.
 */
static Node *
sort_distance(const PlannerInfo *root, const PathTarget *target)
{
	SortGroupClause *first = linitial(root->parse->sortClause);
	int			i = 0;
	ListCell   *cell;

	if (!is_sent_first(root, get_sortgroupclause_expr(first, root->processed_tlist)))
		return NULL;
	foreach(cell, target->exprs)
		if (get_pathtarget_sortgroupref(target, i++) == first->tleSortGroupRef)
			return computes_distance(lfirst(cell)) ? lfirst(cell) : NULL;
	return NULL;
}

/*
 * Whether no plan of the statement may run for a single row again (EvalPlanQual), in which scans
 * that have no relation must have a local plan in their place.
 */
static bool
only_reads(const PlannerInfo *root)
{
	while (root->parent_root != NULL)
		root = root->parent_root;
	return root->parse->commandType == CMD_SELECT && root->parse->rowMarks == NIL &&
		!root->parse->hasModifyingCTE;
}

/*
 * The place of the first of two words in a statement, outside of parentheses and quotes; NULL if
 * there is none.  A quote within quotes is doubled, so that these end and begin again.
 */
static const char *
find_word(const char *sql, const char *word, const char *or_word)
{
	char		quote = 0;
	int			depth = 0;

	for (; *sql != '\0'; sql++)
	{
		if (quote != 0)
			quote = *sql == quote ? 0 : quote;
		else if (*sql == '\'' || *sql == '"')
			quote = *sql;
		else if (*sql == '(')
			depth++;
		else if (*sql == ')')
			depth--;
		else if (depth == 0 && (strncmp(sql, word, strlen(word)) == 0 ||
								strncmp(sql, or_word, strlen(or_word)) == 0))
			return sql;
	}
	return NULL;
}

/*
 * The statement with another list: of the columns in `numbers`, in which it has those that are read
 * and their numbers, and of its first sort key.  NULL if the statement is of another form.
 */
static char *
returning_distance(const char *sql, List *numbers, List *columns)
{
	const char *column = sql + strlen("SELECT ");
	const char *order,
			   *key,
			   *key_end;
	int			kept = 0;
	StringInfoData result;
	ListCell   *cell;

	initStringInfo(&result);
	appendStringInfoString(&result, "SELECT ");
	if (strncmp(sql, result.data, result.len) != 0 || numbers == NIL)
		return NULL;
	foreach(cell, numbers)
	{
		const char *end = find_word(column, ", ", " FROM ");

		if (end == NULL || (*end == ',') != (lnext(numbers, cell) != NULL))
			return NULL;
		if (column_of(columns, lfirst_int(cell)) != NULL)
		{
			appendBinaryStringInfo(&result, column, end - column);
			appendStringInfoString(&result, ", ");
			kept++;
		}
		column = *end == ',' ? end + 2 : end;
	}
	order = find_word(column, " ORDER BY ", " ORDER BY ");
	key = order == NULL ? NULL : order + strlen(" ORDER BY ");
	key_end = order == NULL ? NULL : find_word(key, " ASC", " DESC");
	if (key_end == NULL || kept != list_length(columns))
		return NULL;
	/* The key has a name that is none of a column, as ORDER BY looks for names here first. */
	appendBinaryStringInfo(&result, key, key_end - key);
	appendStringInfoString(&result, " AS \"?distance?\"");
	appendBinaryStringInfo(&result, column, key - column);
	appendStringInfo(&result, "%d%s", kept + 1, key_end);
	return result.data;
}

/*
 * The rows of a fetch: so many that one tells that there are no more, if the rows of the LIMIT may
 * come at once.
 */
static int
fetch_size(const PlannerInfo *root, const RelOptInfo *rel, int by_default)
{
	double		limit = root->limit_tuples;

	if (limit >= by_default && rows_fit(limit, rel->reltarget->width))
		return (int) limit + 1;
	return by_default;
}

static void
return_distance(const PlannerInfo *root, const RelOptInfo *rel, ForeignScan *plan)
{
	ColumnsRead read = {sort_distance(root, rel->reltarget), rel->relid, NIL};
	const char *sql = strVal(list_nth(plan->fdw_private, PLAN_SQL));
	List	   *numbers = list_nth(plan->fdw_private, PLAN_RETRIEVED);
	List	   *targets = NIL;
	List	   *retrieved = NIL;
	int			size = fetch_size(root, rel, intVal(list_nth(plan->fdw_private, PLAN_FETCH_SIZE)));
	char	   *rewritten;
	ListCell   *cell;

	if (read.distance == NULL || collect_columns((Node *) rel->reltarget->exprs, &read) ||
		(rewritten = returning_distance(sql, numbers, read.columns)) == NULL)
		return;
	foreach(cell, numbers)
	{
		const Var  *column = column_of(read.columns, lfirst_int(cell));

		if (column != NULL)
			targets = lappend(targets, makeTargetEntry((Expr *) copyObject(column),
													   list_length(targets) + 1, NULL, false));
	}
	targets = lappend(targets, makeTargetEntry((Expr *) copyObject(read.distance),
											   list_length(targets) + 1, NULL, false));
	for (int i = 1; i <= list_length(targets); i++)
		retrieved = lappend_int(retrieved, i);
	plan->scan.scanrelid = 0;
	plan->fdw_scan_tlist = targets;
	plan->fdw_recheck_quals = NIL;
	plan->fdw_private = list_make4(makeString(rewritten), retrieved, makeInteger(size),
								   makeString(psprintf("%u", rel->relid)));
}

/* Whether a path's first sort key is that of the query. */
static bool
is_in_order(const PlannerInfo *root, const Path *path)
{
	return path->pathkeys != NIL && linitial(path->pathkeys) == linitial(root->sort_pathkeys);
}

/* What postgres_fdw plans, if it sends all conditions and the order, with the distance. */
static ForeignScan *
plan_with_distance(PlannerInfo *root, RelOptInfo *rel, Oid table, ForeignPath *path, List *targets,
				   List *clauses, Plan *outer)
{
	ForeignScan *plan = GetFdwRoutineByRelId(table)->GetForeignPlan(root, rel, table, path,
																	targets, clauses, outer);

	if (plan->scan.plan.qual == NIL && list_length(plan->fdw_private) == PLAN_LENGTH &&
		outer == NULL && is_in_order(root, &path->path) && only_reads(root))
		return_distance(root, rel, plan);
	return plan;
}

void
foreign_plan_distance(RelOptInfo *rel)
{
	rel->fdwroutine->GetForeignPlan = plan_with_distance;
}
