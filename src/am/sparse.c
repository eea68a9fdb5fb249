/*
 * sparse.c - the access method, its settings and options
 */
#include "am/sparse.h"

#include "utils/guc.h"

#include "am/inverted.h"
#include "inverted_segment/method.h"

/* The default, where the setting is not defined. */
double		sparse_drop_ratio = 0;

static relopt_kind sparse_relopt_kind;

static void
sparse_init(void)
{
	sparse_relopt_kind = index_relopt_kind(&inverted_segment_method);
}

static void
sparse_settings(void)
{
	DefineCustomRealVariable("sparse.drop_ratio",
							 "Sets the part of a query's weights, the smallest, that are left out "
							 "of the search",
							 "0 finds the nearest rows exactly.", &sparse_drop_ratio, 0, 0,
							 SPARSE_MAX_DROP_RATIO, PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
}

static bytea *
sparseoptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {INDEX_OPTION_ELEMENTS};

	return (bytea *) build_reloptions(reloptions, validate, sparse_relopt_kind,
									  sizeof(IndexOptions), table, lengthof(table));
}

static DirectoryOptions
sparse_directory_options(Relation index)
{
	DirectoryOptions directory = index_column_options(index);

	if (directory.element != SPACE_SPARSE ||
		(directory.metric != SPACE_IP && directory.metric != SPACE_COSINE))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("operator class not supported for %s index",
						vector_am_of(index)->name),
				 errhint("Use sparsevec_ip_ops or sparsevec_cosine_ops, or an hnsw index.")));
	return directory;
}

static const IndexSupport sparse_support[] = {
	SUPPORT_DISTANCE, SUPPORT_NORM, SUPPORT_TYPE, SUPPORT_NONE, SUPPORT_NONE, SUPPORT_COMPARE
};

const VectorAm sparse_am = {
	.name = "sparse",
	.segments = &inverted_segment_method,
	.init = sparse_init,
	.settings = sparse_settings,
	.effort = "sparse.drop_ratio",
	.setting = "sparse.drop_ratio",
	.support = sparse_support,
	.support_count = lengthof(sparse_support),
	.options = sparseoptions,
	.directory_options = sparse_directory_options,
	.build = inverted_table_build,
	.phase_name = inverted_phase_name,
	.count_work = sparse_count_work,
	.scan = &inverted_scan_method,
	.is_auto = inverted_is_auto
};
