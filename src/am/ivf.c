/*
 * ivf.c - the access methods ivfflat and ivf, their settings and options
 */
#include "am/ivf.h"

#include <float.h>
#include <math.h>

#include "commands/progress.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "list_segment/centroids.h"
#include "list_segment/method.h"
#include "types/dense.h"

int			ivfflat_probes;
int			ivfflat_iterative_scan;
int			ivfflat_max_probes;
int			ivf_probes;
double		ivf_refine_k;
int			ivf_iterative_scan;
int			ivf_max_probes;

static relopt_kind ivfflat_relopt_kind;
static relopt_kind ivf_relopt_kind;

static const struct config_enum_entry iterative_scan_options[] = {
	{"off", IVF_ITERATIVE_SCAN_OFF, false},
	{"relaxed_order", IVF_ITERATIVE_SCAN_RELAXED, false},
	{"auto", IVF_ITERATIVE_SCAN_AUTO, false},
	{NULL, 0, false}
};

static relopt_enum_elt_def quantizer_options[] = {
	{"none", IVF_QUANTIZER_NONE},
	{"rabitq", IVF_QUANTIZER_RABITQ},
	{"sq8", IVF_QUANTIZER_SQ8},
	{"sq4", IVF_QUANTIZER_SQ4},
	{"pq", IVF_QUANTIZER_PQ},
	{NULL, 0}
};

static relopt_enum_elt_def refine_options[] = {
	{"full", IVF_REFINE_FULL},
	{"half", IVF_REFINE_HALF},
	{"sq8", IVF_REFINE_SQ8},
	{"none", IVF_REFINE_NONE},
	{NULL, 0}
};

static void
ivfflat_init(void)
{
	ivfflat_relopt_kind = index_relopt_kind(&list_segment_method);
	add_int_reloption(ivfflat_relopt_kind, "lists", "Number of inverted lists",
					  IVFFLAT_DEFAULT_LISTS, 1, IVFFLAT_MAX_LISTS, AccessExclusiveLock);
}

static void
ivfflat_settings(void)
{
	DefineCustomIntVariable("ivfflat.probes", "Sets the number of probes",
							"Valid range is 1..lists.", &ivfflat_probes, 1, 1, IVFFLAT_MAX_LISTS,
							PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
	DefineCustomEnumVariable("ivfflat.iterative_scan", "Sets the mode for iterative scans", NULL,
							 &ivfflat_iterative_scan, IVF_ITERATIVE_SCAN_AUTO,
							 iterative_scan_options, PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
	DefineCustomIntVariable("ivfflat.max_probes",
							"Sets the max number of probes for iterative scans", NULL,
							&ivfflat_max_probes, IVFFLAT_MAX_LISTS, 1, IVFFLAT_MAX_LISTS,
							PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
}

static void
ivf_init(void)
{
	ivf_relopt_kind = index_relopt_kind(&list_segment_method);
	add_int_reloption(ivf_relopt_kind, "lists",
					  "Number of inverted lists, 0: by the number of rows", 0, 0,
					  CENTROIDS_MAX_LISTS, AccessExclusiveLock);
	add_enum_reloption(ivf_relopt_kind, "quantizer", "Codes that lists are searched by",
					   quantizer_options, IVF_QUANTIZER_DEFAULT,
					   "Valid values are \"none\", \"rabitq\", \"sq8\", \"sq4\", and \"pq\".",
					   AccessExclusiveLock);
	add_int_reloption(ivf_relopt_kind, "bits", "Bits of a rabitq code for each dimension", 0, 1,
					  IVF_MAX_BITS, AccessExclusiveLock);
	add_int_reloption(ivf_relopt_kind, "pq_m",
					  "Number of parts of a vector that pq has a code for, 0: by the dimensions",
					  0, 0, DENSE_MAX_DIM, AccessExclusiveLock);
	add_enum_reloption(ivf_relopt_kind, "refine", "How vectors are kept beside the codes",
					   refine_options, IVF_REFINE_FULL,
					   "Valid values are \"full\", \"half\", \"sq8\", and \"none\".",
					   AccessExclusiveLock);
}

static void
ivf_settings(void)
{
	DefineCustomIntVariable("ivf.probes", "Sets the number of lists that a search scans",
							"0 chooses by the number of lists.", &ivf_probes, 0, 0,
							CENTROIDS_MAX_LISTS, PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
	DefineCustomRealVariable("ivf.refine_k",
							 "Sets how many rows are fetched from the table for each row wanted",
							 "For indexes that keep only codes.", &ivf_refine_k, 10, 1,
							 IVF_MAX_REFINE_K, PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
	DefineCustomEnumVariable("ivf.iterative_scan", "Sets the mode for iterative scans", NULL,
							 &ivf_iterative_scan, IVF_ITERATIVE_SCAN_AUTO, iterative_scan_options,
							 PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
	DefineCustomIntVariable("ivf.max_probes",
							"Sets the max number of probes for iterative scans", NULL,
							&ivf_max_probes, CENTROIDS_MAX_LISTS, 1, CENTROIDS_MAX_LISTS,
							PGC_USERSET, GUC_REPORT, NULL, NULL, NULL);
}

bool
ivf_is_flat(Relation index)
{
	return vector_am_of(index) == &ivfflat_am;
}

int
ivf_iterative_scan_of(Relation index)
{
	return ivf_is_flat(index) ? ivfflat_iterative_scan : ivf_iterative_scan;
}

static bool
ivf_is_auto(Relation index)
{
	return ivf_iterative_scan_of(index) == IVF_ITERATIVE_SCAN_AUTO;
}

IvfOptions
ivf_options(Relation index)
{
	IvfOptions	options = {.lists = ivf_is_flat(index) ? IVFFLAT_DEFAULT_LISTS : 0};

	if (index->rd_options)
		options = *(IvfOptions *) index->rd_options;
	if (ivf_is_flat(index))
		options.quantizer = IVF_QUANTIZER_NONE;
	return options;
}

static const relopt_parse_elt option_table[] = {
	INDEX_OPTION_ELEMENTS,
	{.optname = "lists", .opttype = RELOPT_TYPE_INT, .offset = offsetof(IvfOptions, lists)},
	/* for ivf only */
	{.optname = "quantizer", .opttype = RELOPT_TYPE_ENUM,
	 .offset = offsetof(IvfOptions, quantizer)},
	{.optname = "bits", .opttype = RELOPT_TYPE_INT, .offset = offsetof(IvfOptions, bits)},
	{.optname = "pq_m", .opttype = RELOPT_TYPE_INT, .offset = offsetof(IvfOptions, pq_m)},
	{.optname = "refine", .opttype = RELOPT_TYPE_ENUM, .offset = offsetof(IvfOptions, refine)},
};

#define IVFFLAT_OPTIONS		(INDEX_OPTION_COUNT + 1)

static bytea *
ivfflatoptions(Datum reloptions, bool validate)
{
	return (bytea *) build_reloptions(reloptions, validate, ivfflat_relopt_kind,
									  sizeof(IvfOptions), option_table, IVFFLAT_OPTIONS);
}

static bytea *
ivfoptions(Datum reloptions, bool validate)
{
	return (bytea *) build_reloptions(reloptions, validate, ivf_relopt_kind, sizeof(IvfOptions),
									  option_table, lengthof(option_table));
}

static char *
ivfbuildphasename(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case IVF_PHASE_KMEANS:
			return "performing k-means";
		case IVF_PHASE_ASSIGN:
			return "assigning tuples";
		case IVF_PHASE_LOAD:
			return "loading tuples";
		default:
			return NULL;
	}
}

/* The distance and norm that pgvector's k-means uses come after those of searches. */
static const IndexSupport ivf_support[] = {
	SUPPORT_DISTANCE, SUPPORT_NORM, SUPPORT_DISTANCE, SUPPORT_NORM, SUPPORT_TYPE,
	SUPPORT_COMPARE
};

/*
 * A list has many of a query's nearest rows or none, so recall differs much from query to query,
 * and the mean of a sample from that of others.
 */
#define EFFORT_CAUTION	0.5

/* As many lists as have so many rows, on average. */
static double
ivf_effort_demanded(const Directory *directory, double rows)
{
	double		lists = ivf_count_lists(directory);
	double		sealed = directory_rows(directory, SEGMENT_SEALED);

	return sealed > 0 ? Min(ceil(rows * lists / sealed), lists) : 0;
}

/*
 * In the mode auto a search goes on until it has read as many rows as that many lists have
 * (is_narrow in ivf_scan.c): those that meet the conditions, or all of groups with any.
 */
static double
ivf_effort_part(Relation index, double share)
{
	Space		space;

	if (!ivf_is_auto(index))
		return 1;
	segment_space(cache_directory(cache_index(index)), &space);
	return space.coded ? 1 - pow(1 - share, CODE_GROUP) : share;
}

static void
ivf_effort_range(Relation index, int *least, int *most)
{
	*least = 1;
	*most = (int) Max(ivf_count_lists(cache_directory(cache_index(index))), 1);
}

/* What both have. */
#define IVF_COMMON \
	.segments = &list_segment_method, \
	.support = ivf_support, \
	.support_count = lengthof(ivf_support), \
	.directory_options = ivf_directory_options, \
	.build = ivf_build, \
	.phase_name = ivfbuildphasename, \
	.count_work = ivf_count_work, \
	.scan = &ivf_scan_method, \
	.effort_range = ivf_effort_range, \
	.effort_demanded = ivf_effort_demanded, \
	.effort_part = ivf_effort_part, \
	.effort_caution = EFFORT_CAUTION, \
	.is_auto = ivf_is_auto, \
	.parallel = true

const VectorAm ivfflat_am = {
	.name = "ivfflat", .init = ivfflat_init, .settings = ivfflat_settings,
	.effort = "ivfflat.probes", .options = ivfflatoptions, IVF_COMMON
};

const VectorAm ivf_am = {
	.name = "ivf", .init = ivf_init, .settings = ivf_settings,
	.effort = "ivf.probes", .options = ivfoptions, IVF_COMMON
};
