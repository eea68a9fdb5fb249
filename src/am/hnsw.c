/*
 * hnsw.c - the access method, its settings and options
 */
#include "am/hnsw.h"

#include <float.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "am/effort.h"
#include "am/graph_build.h"
#include "am/graph_cost.h"
#include "graph_segment/method.h"

int			hnsw_ef_search;
int			hnsw_iterative_scan;
int			hnsw_max_scan_tuples;
double		hnsw_scan_mem_multiplier;

static relopt_kind hnsw_relopt_kind;

static const struct config_enum_entry iterative_scan_options[] = {
	{"off", HNSW_ITERATIVE_SCAN_OFF, false},
	{"relaxed_order", HNSW_ITERATIVE_SCAN_RELAXED, false},
	{"strict_order", HNSW_ITERATIVE_SCAN_STRICT, false},
	{"auto", HNSW_ITERATIVE_SCAN_AUTO, false},
	{NULL, 0, false}
};

static relopt_enum_elt_def storage_options[] = {
	{"auto", HNSW_STORAGE_AUTO},
	{"full", HNSW_STORAGE_FULL},
	{"half", HNSW_STORAGE_HALF},
	{"sq8", HNSW_STORAGE_SQ8},
	{NULL, 0}
};

static void
hnsw_init(void)
{
	hnsw_relopt_kind = index_relopt_kind(&graph_segment_method);
	add_int_reloption(hnsw_relopt_kind, "m", "Max number of connections", HNSW_DEFAULT_M,
					  HNSW_MIN_M, HNSW_MAX_M, AccessExclusiveLock);
	add_int_reloption(hnsw_relopt_kind, "ef_construction",
					  "Size of the dynamic candidate list for construction",
					  HNSW_DEFAULT_EF_CONSTRUCTION, HNSW_MIN_EF_CONSTRUCTION,
					  HNSW_MAX_EF_CONSTRUCTION, AccessExclusiveLock);
	add_enum_reloption(hnsw_relopt_kind, "storage", "How a node keeps its own vector",
					   storage_options, HNSW_STORAGE_AUTO,
					   "Valid values are \"auto\", \"full\", \"half\", and \"sq8\".",
					   AccessExclusiveLock);
}

static void
hnsw_settings(void)
{
	DefineCustomIntVariable("hnsw.ef_search",
							"Sets the size of the dynamic candidate list for search",
							"Valid range is 1..1000.", &hnsw_ef_search, HNSW_DEFAULT_EF_SEARCH,
							HNSW_MIN_EF_SEARCH, HNSW_MAX_EF_SEARCH, PGC_USERSET, GUC_REPORT,
							NULL, NULL, NULL);
	DefineCustomEnumVariable("hnsw.iterative_scan", "Sets the mode for iterative scans", NULL,
							 &hnsw_iterative_scan, HNSW_ITERATIVE_SCAN_AUTO,
							 iterative_scan_options, PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
	DefineCustomIntVariable("hnsw.max_scan_tuples",
							"Sets the max number of tuples to visit for iterative scans", NULL,
							&hnsw_max_scan_tuples, 20000, 1, INT_MAX, PGC_USERSET, GUC_REPORT,
							NULL, NULL, NULL);
	DefineCustomRealVariable(
		"hnsw.scan_mem_multiplier",
		"Sets the multiple of work_mem to use for iterative scans", NULL,
		&hnsw_scan_mem_multiplier, 1, 1, 1000, PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
}

static HnswOptions
hnsw_options(Relation index)
{
	HnswOptions options = {
		.m = HNSW_DEFAULT_M,
		.ef_construction = HNSW_DEFAULT_EF_CONSTRUCTION,
		.storage = HNSW_STORAGE_AUTO
	};

	if (index->rd_options)
		options = *(HnswOptions *) index->rd_options;
	return options;
}

static bytea *
hnswoptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		INDEX_OPTION_ELEMENTS,
		{.optname = "m", .opttype = RELOPT_TYPE_INT, .offset = offsetof(HnswOptions, m)},
		{.optname = "ef_construction", .opttype = RELOPT_TYPE_INT,
		 .offset = offsetof(HnswOptions, ef_construction)},
		{.optname = "storage", .opttype = RELOPT_TYPE_ENUM,
		 .offset = offsetof(HnswOptions, storage)},
	};

	return (bytea *) build_reloptions(reloptions, validate, hnsw_relopt_kind, sizeof(HnswOptions),
									  table, lengthof(table));
}

static DirectoryOptions
hnsw_directory_options(Relation index)
{
	HnswOptions options = hnsw_options(index);
	DirectoryOptions directory = index_column_options(index);

	if (options.ef_construction < 2 * options.m)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ef_construction must be greater than or equal to 2 * m")));
	directory.m = options.m;
	directory.ef_construction = options.ef_construction;
	directory.storage = options.storage == HNSW_STORAGE_HALF ? STORAGE_HALF :
		options.storage == HNSW_STORAGE_SQ8 ? STORAGE_SQ8 : STORAGE_FULL;
	return directory;
}

static const IndexSupport hnsw_support[] = {
	SUPPORT_DISTANCE, SUPPORT_NORM, SUPPORT_TYPE, SUPPORT_NONE, SUPPORT_NONE, SUPPORT_COMPARE
};

static bool
hnsw_is_auto(Relation index)
{
	return hnsw_iterative_scan == HNSW_ITERATIVE_SCAN_AUTO;
}

static void
hnsw_effort_range(Relation index, int *least, int *most)
{
	*least = LEAST_LIST;
	*most = HNSW_MAX_EF_SEARCH;
}

const VectorAm hnsw_am = {
	.name = "hnsw",
	.segments = &graph_segment_method,
	.init = hnsw_init,
	.settings = hnsw_settings,
	.effort = "hnsw.ef_search",
	.effort_range = hnsw_effort_range,
	.effort_part = graph_effort_part,
	.effort_present = GRAPH_PRESENT,
	.support = hnsw_support,
	.support_count = lengthof(hnsw_support),
	.options = hnswoptions,
	.directory_options = hnsw_directory_options,
	.build = graph_build,
	.phase_name = graph_build_phase_name,
	.count_work = hnsw_count_work,
	.count_sketch = hnsw_count_sketch,
	.scan = &hnsw_scan_method,
	.is_auto = hnsw_is_auto,
	.parallel = true,
	.shared_time = graph_shared_time
};
