/*
 * validate.c - checks whether an access method can work with an operator class
 */
#include "am/index.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
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

/* The strategy and the support function that every class must have. */
#define ORDER_STRATEGY		1
#define DISTANCE_NUMBER		1

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
has_signature(IndexSupport kind, Oid function, Oid type)
{
	switch (kind)
	{
		case SUPPORT_DISTANCE:
			return check_amproc_signature(function, FLOAT8OID, true, 2, 2, type, type);
		case SUPPORT_NORM:
			return check_amproc_signature(function, FLOAT8OID, true, 1, 1, type);
		case SUPPORT_TYPE:
			return check_amproc_signature(function, INTERNALOID, true, 1, 1, INTERNALOID);
	}
	return false;
}

static void
check_function(Validation *validation, const IndexSupport *support, int count,
			   Form_pg_amproc entry)
{
	const char *object = psprintf("function %s", format_procedure(entry->amproc));

	if (entry->amproclefttype != entry->amprocrighttype)
		complain(validation, object, "different left and right input types");
	else if (entry->amprocnum < 1 || entry->amprocnum > count)
		complain(validation, object, psprintf("invalid support number %d", entry->amprocnum));
	else if (!has_signature(support[entry->amprocnum - 1], entry->amproc, entry->amproclefttype))
		complain(validation, object, psprintf("wrong signature for support number %d",
											  entry->amprocnum));
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

/* Whether the family has what an index needs for a type. */
static bool
is_complete(CatCList *operators, CatCList *functions, Oid type)
{
	bool		has_operator = false;
	bool		has_distance = false;

	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop entry = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		has_operator |= entry->amoplefttype == type && entry->amoprighttype == type &&
			entry->amopstrategy == ORDER_STRATEGY;
	}
	for (int i = 0; i < functions->n_members; i++)
	{
		Form_pg_amproc entry = (Form_pg_amproc) GETSTRUCT(&functions->members[i]->tuple);

		has_distance |= entry->amproclefttype == type && entry->amprocrighttype == type &&
			entry->amprocnum == DISTANCE_NUMBER;
	}
	return has_operator && has_distance;
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
	for (int i = 0; i < operators->n_members; i++)
		check_operator(&validation, (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple));
	if (!is_complete(operators, functions, form->opcintype))
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
