/*
 * index.c - columns and options that all access methods have
 */
#include "am/index.h"

#include "access/genam.h"
#include "catalog/pg_type.h"

#include "am/method.h"
#include "segment/attributes.h"
#include "segment/seal.h"

/* Raises an error unless the first column is a vector, and all others are attributes. */
static void
check_columns(Relation index, const char *am)
{
	if (!OidIsValid(index_getprocid(index, 1, DISTANCE_NUMBER)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("first column of an %s index must be a vector", am),
				 errhint("Put columns to filter by after it.")));
	for (int i = 1; i < index->rd_att->natts; i++)
		if (!OidIsValid(index_getprocid(index, i + 1, ATTRIBUTE_COMPARE)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" cannot be an attribute of an %s index",
							NameStr(TupleDescAttr(index->rd_att, i)->attname), am),
					 errdetail("Its operator class is for the first column.")));
}

DirectoryOptions
index_column_options(Relation index)
{
	const char *am = vector_am_of(index)->name;
	DirectoryOptions options = {
		.method = vector_am_of(index)->segments->id,
		.dims = TupleDescAttr(index->rd_att, 0)->atttypmod,
		.features = index->rd_att->natts > 1 ? FEATURE_ATTRIBUTES : 0
	};

	check_columns(index, am);
	if (TupleDescAttr(index->rd_att, 0)->atttypid == VARBITOID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("type not supported for %s index", am)));
	space_of_index(index, &options.element, &options.metric);
	if (options.dims < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column does not have dimensions")));
	if (options.element == SPACE_BIT && options.dims > INDEX_MAX_BITS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column cannot have more than %d dimensions for %s index",
						INDEX_MAX_BITS, am)));
	return options;
}

relopt_kind
index_relopt_kind(void)
{
	relopt_kind kind = add_reloption_kind();

	add_int_reloption(kind, "seal_rows",
					  "Number of inserted rows at which a sealed segment is made of them", 0,
					  SEAL_MIN_ROWS, SEAL_MAX_ROWS, ShareUpdateExclusiveLock);
	return kind;
}

uint32
index_seal_rows(Relation index)
{
	const IndexOptions *options = (IndexOptions *) index->rd_options;

	return options && options->seal_rows > 0 ? options->seal_rows : seal_default_rows;
}
