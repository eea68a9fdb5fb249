/*
 * diskann.c - the access method, its settings and options
 *
 * Options and settings that pgvectorscale has, too, have its names, meanings and ranges.
 */
#include "am/diskann.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "am/effort.h"
#include "am/graph_build.h"
#include "am/graph_cost.h"
#include "graph_segment/method.h"
#include "quantize/fine.h"
#include "quantize/rotation.h"

/* These are the defaults, where the settings are not defined. */
int			diskann_query_search_list_size = DISKANN_DEFAULT_LIST_SIZE;
int			diskann_query_rescore = DISKANN_DEFAULT_RESCORE;
int			diskann_iterative_scan = DISKANN_ITERATIVE_SCAN_AUTO;

static relopt_kind diskann_relopt_kind;

static const struct config_enum_entry iterative_scan_options[] = {
	{"off", DISKANN_ITERATIVE_SCAN_OFF, false},
	{"relaxed_order", DISKANN_ITERATIVE_SCAN_RELAXED, false},
	{"auto", DISKANN_ITERATIVE_SCAN_AUTO, false},
	{NULL, 0, false}
};

static relopt_enum_elt_def storage_options[] = {
	{"auto", DISKANN_STORAGE_AUTO},
	{"full", DISKANN_STORAGE_FULL},
	{"half", DISKANN_STORAGE_HALF},
	{"sq8", DISKANN_STORAGE_SQ8},
	{"none", DISKANN_STORAGE_NONE},
	{NULL, 0}
};

static void
diskann_init(void)
{
	diskann_relopt_kind = index_relopt_kind(&disk_segment_method);
	add_int_reloption(diskann_relopt_kind, "num_neighbors",
					  "Max number of neighbors of a node, 0 or -1: automatic", 0, -1,
					  DISKANN_MAX_NEIGHBORS, AccessExclusiveLock);
	add_int_reloption(diskann_relopt_kind, "search_list_size",
					  "Size of the candidate list for construction", DISKANN_DEFAULT_LIST_SIZE,
					  DISKANN_MIN_LIST_SIZE, DISKANN_MAX_LIST_SIZE, AccessExclusiveLock);
	add_real_reloption(diskann_relopt_kind, "max_alpha",
					   "How much nearer to a neighbor a node must be to be left out",
					   DISKANN_DEFAULT_ALPHA, 1, DISKANN_MAX_ALPHA, AccessExclusiveLock);
	add_int_reloption(diskann_relopt_kind, "bits",
					  "Bits of a code for each dimension, 0: by the number of dimensions", 0, 0,
					  FINE_MAX_BITS, AccessExclusiveLock);
	add_enum_reloption(diskann_relopt_kind, "storage", "How vectors are kept beside the codes",
					   storage_options, DISKANN_STORAGE_AUTO,
					   "Valid values are \"auto\", \"full\", \"half\", \"sq8\", and \"none\".",
					   AccessExclusiveLock);
}

static void
diskann_settings(void)
{
	DefineCustomIntVariable("diskann.query_search_list_size",
							"Sets the size of the candidate list for search", NULL,
							&diskann_query_search_list_size, DISKANN_DEFAULT_LIST_SIZE, 1,
							DISKANN_MAX_QUERY_LIST_SIZE, PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
	DefineCustomIntVariable("diskann.query_rescore",
							"Sets how many candidates are compared by their vectors",
							"Or twice as many as rows are wanted.  An index that keeps vectors "
							"compares each row that a search goes through.",
							&diskann_query_rescore,
							DISKANN_DEFAULT_RESCORE, 0, DISKANN_MAX_QUERY_RESCORE, PGC_USERSET,
							GUC_REPORT, NULL, NULL, NULL);
	DefineCustomEnumVariable("diskann.iterative_scan", "Sets the mode for iterative scans", NULL,
							 &diskann_iterative_scan, DISKANN_ITERATIVE_SCAN_AUTO,
							 iterative_scan_options, PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
}

static DiskannOptions
diskann_options(Relation index)
{
	DiskannOptions options = {
		.search_list_size = DISKANN_DEFAULT_LIST_SIZE, .max_alpha = DISKANN_DEFAULT_ALPHA
	};

	if (index->rd_options)
		options = *(DiskannOptions *) index->rd_options;
	return options;
}

static bytea *
diskannoptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		INDEX_OPTION_ELEMENTS,
		{.optname = "num_neighbors", .opttype = RELOPT_TYPE_INT,
		 .offset = offsetof(DiskannOptions, num_neighbors)},
		{.optname = "search_list_size", .opttype = RELOPT_TYPE_INT,
		 .offset = offsetof(DiskannOptions, search_list_size)},
		{.optname = "max_alpha", .opttype = RELOPT_TYPE_REAL,
		 .offset = offsetof(DiskannOptions, max_alpha)},
		{.optname = "bits", .opttype = RELOPT_TYPE_INT, .offset = offsetof(DiskannOptions, bits)},
		{.optname = "storage", .opttype = RELOPT_TYPE_ENUM,
		 .offset = offsetof(DiskannOptions, storage)},
	};

	DiskannOptions *options = build_reloptions(reloptions, validate, diskann_relopt_kind,
											   sizeof(DiskannOptions), table, lengthof(table));

	if (validate && options && options->num_neighbors > 0 &&
		options->num_neighbors < DISKANN_MIN_NEIGHBORS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("num_neighbors must be 0 or at least %d", DISKANN_MIN_NEIGHBORS)));
	return (bytea *) options;
}

/* An estimate may err by this part of the distances from the mean. */
#define ESTIMATE_ERROR		0.02

/* Products of distances from a centroid, as a part of those of distances from the mean. */
#define CELL_PART			0.65

/*
 * The fewest bits of a code by which estimates err little enough: the error by one dimension is
 * that of a code (fine.h), and falls with the root of the number of dimensions.  Three bits, and
 * more than four, cost more than they gain.
 */
static int
automatic_bits(int dims)
{
	double		most = ESTIMATE_ERROR / CELL_PART * sqrt(rotation_padded(dims));

	return most >= 0.755 ? 1 : most >= 0.367 ? 2 : 4;
}

static DirectoryOptions
diskann_directory_options(Relation index)
{
	static const SpaceStorage storages[] = {
		[DISKANN_STORAGE_AUTO] = STORAGE_NONE,
		[DISKANN_STORAGE_FULL] = STORAGE_FULL,
		[DISKANN_STORAGE_HALF] = STORAGE_HALF,
		[DISKANN_STORAGE_SQ8] = STORAGE_SQ8,
		[DISKANN_STORAGE_NONE] = STORAGE_NONE
	};
	DiskannOptions options = diskann_options(index);
	DirectoryOptions directory = index_column_options(index);
	int			neighbors = options.num_neighbors;

	if (directory.element > SPACE_I8 || directory.metric > SPACE_COSINE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("operator class not supported for %s index",
						vector_am_of(index)->name),
				 errhint("Use an hnsw index.")));
	if (neighbors <= 0)
		neighbors = DISKANN_DEFAULT_NEIGHBORS;
	directory.m = (neighbors + 1) / 2;
	directory.ef_construction = options.search_list_size;
	directory.max_alpha = (float) options.max_alpha;
	directory.bits = options.bits > 0 ? options.bits : automatic_bits(directory.dims);
	directory.storage = storages[options.storage];
	return directory;
}

static bool
diskann_is_auto(Relation index)
{
	return diskann_iterative_scan == DISKANN_ITERATIVE_SCAN_AUTO;
}

static void
diskann_effort_range(Relation index, int *least, int *most)
{
	*least = LEAST_LIST;
	*most = DISKANN_MAX_QUERY_LIST_SIZE;
}

/*
 * Half of the candidates are compared, or as many as the setting says if those are more, so that
 * a longer list brings more recall though codes mistake near rows for far ones.
 */
uint32
diskann_rescore(uint32 size)
{
	if (target_recall == 0 && effort_measured == 0)
		return (uint32) diskann_query_rescore;
	return Max((uint32) diskann_query_rescore, size / 2);
}

static const IndexSupport diskann_support[] = {
	SUPPORT_DISTANCE, SUPPORT_NORM, SUPPORT_TYPE, SUPPORT_NONE, SUPPORT_NONE, SUPPORT_COMPARE
};

const VectorAm diskann_am = {
	.name = "diskann",
	.segments = &disk_segment_method,
	.init = diskann_init,
	.settings = diskann_settings,
	.setting = "diskann.query_rescore",
	.effort = "diskann.query_search_list_size",
	.effort_range = diskann_effort_range,
	.effort_part = graph_effort_part,
	.effort_present = GRAPH_PRESENT,
	.support = diskann_support,
	.support_count = lengthof(diskann_support),
	.options = diskannoptions,
	.directory_options = diskann_directory_options,
	.build = graph_build,
	.phase_name = graph_build_phase_name,
	.count_work = diskann_count_work,
	.scan = &diskann_scan_method,
	.is_auto = diskann_is_auto,
	.parallel = true,
	.shared_time = graph_shared_time
};
