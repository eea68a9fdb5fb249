/*
 * validate.c - checks whether an access method can work with an operator class
 */
#include "am/index.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "am/method.h"
#include "segment/filter.h"

/* The strategy that every class of vectors must have, beside the distance function. */
#define ORDER_STRATEGY		1

typedef struct Validation
{
	const char *am;
	const char *class;
	bool		valid;
} Validation;

/* Reports that an object of the class's family is wrong; `what` says how. */
static void
complain(Validation *validation, const char *object, const char *what)
{
	ereport(INFO,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("operator class \"%s\" of access method %s contains %s with %s",
					validation->class, validation->am, object, what)));
	validation->valid = false;
}

static bool
has_signature(IndexSupport kind, Oid function, Oid type, Oid right)
{
	switch (kind)
	{
		case SUPPORT_COMPARE:
			return check_amproc_signature(function, INT4OID, true, 2, 2, type, right);
		case SUPPORT_DISTANCE:
			return check_amproc_signature(function, FLOAT8OID, true, 2, 2, type, type);
		case SUPPORT_SCORE:
			return get_func_rettype(function) == FLOAT8OID && get_func_nargs(function) == 2;
		case SUPPORT_NORM:
			return check_amproc_signature(function, FLOAT8OID, true, 1, 1, type);
		case SUPPORT_TYPE:
			return check_amproc_signature(function, INTERNALOID, true, 1, 1, INTERNALOID);
		case SUPPORT_NONE:
			break;
	}
	return false;
}

static void
check_function(Validation *validation, const IndexSupport *support, int count,
			   Form_pg_amproc entry)
{
	const char *object = psprintf("function %s", format_procedure(entry->amproc));
	IndexSupport kind = entry->amprocnum < 1 || entry->amprocnum > count ? SUPPORT_NONE :
		support[entry->amprocnum - 1];

	if (entry->amproclefttype != entry->amprocrighttype && kind != SUPPORT_COMPARE)
		complain(validation, object, "different left and right input types");
	else if (kind == SUPPORT_NONE)
		complain(validation, object, psprintf("invalid support number %d", entry->amprocnum));
	else if (!has_signature(kind, entry->amproc, entry->amproclefttype, entry->amprocrighttype))
		complain(validation, object, psprintf("wrong signature for support number %d",
											  entry->amprocnum));
}

/* Whether a family can compare attributes of two types. */
static bool
can_compare(Oid family, Oid left, Oid right)
{
	return OidIsValid(get_opfamily_proc(family, left, right, ATTRIBUTE_COMPARE));
}

/* An operator of attributes. */
static void
check_condition(Validation *validation, Form_pg_amop entry)
{
	const char *object = psprintf("operator %s", format_operator(entry->amopopr));

	if (entry->amopstrategy < 1 || entry->amopstrategy > FILTER_STRATEGIES)
		complain(validation, object,
				 psprintf("invalid strategy number %d", entry->amopstrategy));
	if (entry->amoppurpose != AMOP_SEARCH)
		complain(validation, object, "invalid ORDER BY specification");
	if (!can_compare(entry->amopfamily, entry->amoplefttype, entry->amoprighttype))
		complain(validation, object, "no function to compare its types");
	if (!check_amop_signature(entry->amopopr, BOOLOID, entry->amoplefttype,
							  entry->amoprighttype))
		complain(validation, object, "wrong signature");
}

static void
check_operator(Validation *validation, Form_pg_amop entry)
{
	const char *object = psprintf("operator %s", format_operator(entry->amopopr));
	Oid			result = get_op_rettype(entry->amopopr);

	if (entry->amopstrategy != ORDER_STRATEGY)
		complain(validation, object,
				 psprintf("invalid strategy number %d", entry->amopstrategy));
	if (entry->amoppurpose != AMOP_ORDER ||
		!opfamily_can_sort_type(entry->amopsortfamily, result))
		complain(validation, object, "invalid ORDER BY specification");
	if (!check_amop_signature(entry->amopopr, result, entry->amoplefttype, entry->amoprighttype))
		complain(validation, object, "wrong signature");
}

/* Whether a family has an operator for a type. */
static bool
has_operator(Oid family, Oid type, StrategyNumber strategy)
{
	return OidIsValid(get_opfamily_member(family, type, type, strategy));
}


/* Whether the family has what an index needs for an attribute. */
static bool
is_complete_attribute(Oid family, Oid type)
{
	for (StrategyNumber strategy = 1; strategy <= BTMaxStrategyNumber; strategy++)
		if (!has_operator(family, type, strategy))
			return false;
	return true;
}

bool
vectorvalidate(Oid class)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(class));
	const VectorAm *am;
	Form_pg_opclass form;
	CatCList   *operators;
	CatCList   *functions;
	Validation	validation = {.valid = true};
	bool		attribute;
	bool		complete = false;	/* it has what an index needs for a vector */

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", class);
	form = (Form_pg_opclass) GETSTRUCT(tuple);
	am = vector_am_by_oid(form->opcmethod);
	validation.am = get_am_name(form->opcmethod);
	validation.class = NameStr(form->opcname);
	operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(form->opcfamily));
	functions = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(form->opcfamily));
	for (int i = 0; i < functions->n_members; i++)
		check_function(&validation, am->support, am->support_count,
					   (Form_pg_amproc) GETSTRUCT(&functions->members[i]->tuple));
	attribute = can_compare(form->opcfamily, form->opcintype, form->opcintype);
	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop entry = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (attribute)
			check_condition(&validation, entry);
		else
		{
			check_operator(&validation, entry);
			complete |= entry->amopstrategy == ORDER_STRATEGY &&
				entry->amoplefttype == form->opcintype;
		}
	}
	complete &= OidIsValid(get_opfamily_proc(form->opcfamily, form->opcintype, form->opcintype,
											 DISTANCE_NUMBER));
	if (attribute && !is_complete_attribute(form->opcfamily, form->opcintype))
	{
		ereport(INFO,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("operator class \"%s\" of access method %s lacks an operator of a B-tree",
						validation.class, validation.am)));
		validation.valid = false;
	}
	else if (!attribute && !complete)
	{
		ereport(INFO,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("operator class \"%s\" of access method %s lacks its operator or its "
						"distance function", validation.class, validation.am)));
		validation.valid = false;
	}
	ReleaseCatCacheList(functions);
	ReleaseCatCacheList(operators);
	ReleaseSysCache(tuple);
	return validation.valid;
}
