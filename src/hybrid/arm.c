/*
 * arm.c - which column of a table is searched, and by which operator
 *
 * A column can be searched if it is the first one of an index, of all rows, that orders by a
 * distance.  The operator class says by which one.
 */
#include "hybrid/arm.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "lib/stringinfo.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static const struct
{
	const char *argument;		/* that names the column */
	const char *what;
}			kinds[ARMS] = {
	[ARM_VECTOR] = {"vector_column", "distance from a vector"},
	[ARM_TEXT] = {"text_column", "words"},
	[ARM_SPARSE] = {"sparse_column", "distance from a sparse vector"},
};

/* The operators by which the columns of a table can be searched. */
typedef struct Choice
{
	int			count;
	AttrNumber	columns[INDEX_MAX_KEYS];
	Oid			types[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];
	Oid			indexes[INDEX_MAX_KEYS];
} Choice;

/* Whether the query of an arm can be compared with values of a type, if necessary after a cast. */
static bool
takes_type(const Arm *arms, ArmKind kind, Oid type)
{
	Oid			cast;

	for (int other = 0; other < ARMS; other++)
		if (type == arms[other].query_type)
			return other == kind;
	/* the other types of dense vectors, for one */
	return kind == ARM_VECTOR &&
		find_coercion_pathway(type, arms[kind].query_type, COERCION_EXPLICIT, &cast) ==
		COERCION_PATH_FUNC;
}

/*
 * The operator by whose results an index orders its first column; *type is that of the column, and
 * operand that of the other side, or InvalidOid for the same.
 */
static Oid
ordering_operator(Relation index, Oid operand, Oid *type)
{
	CatCList   *members = SearchSysCacheList1(AMOPSTRATEGY,
											  ObjectIdGetDatum(index->rd_opfamily[0]));
	Oid			operator = InvalidOid;

	*type = index->rd_opcintype[0];
	for (int i = 0; i < members->n_members; i++)
	{
		Form_pg_amop member = (Form_pg_amop) GETSTRUCT(&members->members[i]->tuple);

		if (member->amoppurpose == AMOP_ORDER && member->amoplefttype == *type &&
			member->amoprighttype == (OidIsValid(operand) ? operand : *type))
			operator = member->amopopr;
	}
	ReleaseSysCacheList(members);
	return operator;
}

/* Adds what an index offers an arm. */
static void
add_index(Choice *choice, const Arm *arms, ArmKind kind, Relation index)
{
	AttrNumber	column = index->rd_index->indkey.values[0];
	Oid			type;
	Oid			operator;

	/* an index on an expression, one of some rows, and one that is being built */
	if (column <= 0 || !heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) ||
		!index->rd_index->indisvalid)
		return;
	operator = ordering_operator(index, arms[kind].operand, &type);
	if (!OidIsValid(operator) || !takes_type(arms, kind, type))
		return;
	for (int i = 0; i < choice->count; i++)
		if (choice->columns[i] == column && choice->operators[i] == operator)
			return;
	if (choice->count == INDEX_MAX_KEYS)
		return;
	choice->columns[choice->count] = column;
	choice->types[choice->count] = type;
	choice->indexes[choice->count] = RelationGetRelid(index);
	choice->operators[choice->count++] = operator;
}

/* The choices as a text: column (operator), ... */
static const char *
describe(const Choice *choice, Relation table)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < choice->count; i++)
		appendStringInfo(&text, "%s\"%s\" (%s)", i == 0 ? "" : ", ",
						 NameStr(TupleDescAttr(RelationGetDescr(table),
											   choice->columns[i] - 1)->attname),
						 get_opname(choice->operators[i]));
	return text.data;
}

void
arm_find(Arm *arms, ArmKind kind, Relation table, const char *name)
{
	Choice		choice = {0};
	List	   *indexes = RelationGetIndexList(table);
	AttrNumber	column = InvalidAttrNumber;
	ListCell   *cell;

	if (name != NULL)
	{
		column = get_attnum(RelationGetRelid(table), name);
		if (column <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" does not exist in \"%s\"", name,
							RelationGetRelationName(table))));
	}
	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (name == NULL || index->rd_index->indkey.values[0] == column)
			add_index(&choice, arms, kind, index);
		index_close(index, NoLock);
	}
	if (choice.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 name != NULL ?
				 errmsg("column \"%s\" of \"%s\" has no index that orders by %s",
						name, RelationGetRelationName(table), kinds[kind].what) :
				 errmsg("\"%s\" has no index that orders by %s",
						RelationGetRelationName(table), kinds[kind].what),
				 errdetail("An index of some rows, or on an expression, is not considered.")));
	if (choice.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_COLUMN),
				 errmsg("\"%s\" has more than one index that orders by %s",
						RelationGetRelationName(table), kinds[kind].what),
				 errdetail("Columns and operators are: %s.", describe(&choice, table)),
				 name == NULL ?
				 errhint("Name one by %s => ....", kinds[kind].argument) : 0));
	arms[kind].column = choice.columns[0];
	arms[kind].type = choice.types[0];
	arms[kind].operator = choice.operators[0];
	arms[kind].index = choice.indexes[0];
}

const char *
arm_matches(const Arm *arms, ArmKind kind)
{
	const char *operator = get_opname(arms[kind].operator);

	/* rows that share no word with a text, or no element with a sparse vector, have these */
	if (kind == ARM_TEXT)
		return "0";
	if (kind == ARM_SPARSE && strcmp(operator, "<#>") == 0)
		return "0";
	if (kind == ARM_SPARSE && strcmp(operator, "<=>") == 0)
		return "1";
	return NULL;
}
