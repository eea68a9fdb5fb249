/*
 * sparse.c - the access method, its settings and options, and CREATE INDEX
 */
#include "am/sparse.h"

#include "commands/progress.h"
#include "pgstat.h"
#include "utils/guc.h"

#include "am/table_build.h"
#include "inverted_segment/build.h"
#include "inverted_segment/method.h"
#include "segment/replace.h"

#define SPARSE_PHASE_LOAD	2
#define SPARSE_PHASE_WRITE	3

/* The default, where the setting is not defined. */
double		sparse_drop_ratio = 0;

static relopt_kind sparse_relopt_kind;

static void
sparse_init(void)
{
	sparse_relopt_kind = index_relopt_kind();
}

static void
sparse_settings(void)
{
	DefineCustomRealVariable("sparse.drop_ratio",
							 "Sets the part of a query's weights, the smallest, that are left out "
							 "of the search",
							 "0 finds the nearest rows exactly.", &sparse_drop_ratio, 0, 0,
							 SPARSE_MAX_DROP_RATIO, PGC_USERSET, 0, NULL, NULL, NULL);
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

/* One build of an index. */
typedef struct SparseTableBuild
{
	TableBuild *table;
	SegmentMaking *making;
	bool		scanned;
} SparseTableBuild;

static void
add_row(void *arg, const SegmentRow *row)
{
	SparseTableBuild *state = arg;

	state->making->add(state->making, row);
}

/*
 * Writes the segment.  Attributes of the table's rows come together, so that there is only one of
 * an index that has any.
 */
static void
write_segment(SegmentMaking *making, void *arg)
{
	SparseTableBuild *state = arg;

	if (state->table->attributes && !state->scanned)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("index is too large"),
				 errhint("Partition the table.")));
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, SPARSE_PHASE_WRITE);
	segment_publish(making, state->table->index, state->table->heap,
					table_build_attributes(state->table));
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, SPARSE_PHASE_LOAD);
}

static void
sparse_build(TableBuild *table, const Directory *directory)
{
	SparseTableBuild state = {.table = table};

	state.making = inverted_build_making(
		inverted_build_begin(table->index, &table->space, write_segment, &state));
	table->add = add_row;
	table->arg = &state;
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, SPARSE_PHASE_LOAD);
	table_build_scan(table);
	state.scanned = true;
	state.making->finish(state.making);
}

static char *
sparsebuildphasename(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case SPARSE_PHASE_LOAD:
			return "loading tuples";
		case SPARSE_PHASE_WRITE:
			return "writing segment";
		default:
			return NULL;
	}
}

static bool
sparse_is_auto(Relation index)
{
	return true;
}

static const IndexSupport sparse_support[] = {
	SUPPORT_DISTANCE, SUPPORT_NORM, SUPPORT_TYPE, SUPPORT_NONE, SUPPORT_NONE, SUPPORT_COMPARE
};

const VectorAm sparse_am = {
	.name = "sparse",
	.segments = &inverted_segment_method,
	.init = sparse_init,
	.settings = sparse_settings,
	.setting = "sparse.drop_ratio",
	.support = sparse_support,
	.support_count = lengthof(sparse_support),
	.options = sparseoptions,
	.directory_options = sparse_directory_options,
	.build = sparse_build,
	.phase_name = sparsebuildphasename,
	.count_work = sparse_count_work,
	.scan = &sparse_scan_method,
	.is_auto = sparse_is_auto
};
