/*
 * index.c - columns and options that all access methods have
 */
#include "am/index.h"

#include "catalog/pg_type.h"

#include "am/method.h"
#include "segment/seal.h"

DirectoryOptions
index_column_options(Relation index)
{
	const char *am = vector_am_of(index)->name;
	DirectoryOptions options = {
		.method = vector_am_of(index)->segments->id,
		.dims = TupleDescAttr(index->rd_att, 0)->atttypmod
	};

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
