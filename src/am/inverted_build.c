/*
 * inverted_build.c - CREATE INDEX of inverted lists
 */
#include "am/inverted.h"

#include "commands/progress.h"
#include "pgstat.h"

#include "am/table_build.h"
#include "inverted_segment/build.h"
#include "segment/replace.h"

#define INVERTED_PHASE_LOAD		2
#define INVERTED_PHASE_WRITE	3

/* One build of an index. */
typedef struct InvertedTableBuild
{
	TableBuild *table;
	SegmentMaking *making;
	bool		scanned;
} InvertedTableBuild;

static void
add_row(void *arg, const SegmentRow *row)
{
	InvertedTableBuild *state = arg;

	state->making->add(state->making, row);
}

/*
 * Writes the segment.  Attributes of the table's rows come together, so that there is only one of
 * an index that has any.
 */
static void
write_segment(SegmentMaking *making, void *arg)
{
	InvertedTableBuild *state = arg;

	if (state->table->attributes && !state->scanned)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("index is too large"),
				 errhint("Partition the table.")));
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, INVERTED_PHASE_WRITE);
	segment_publish(making, state->table->index, state->table->heap,
					table_build_attributes(state->table));
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, INVERTED_PHASE_LOAD);
}

void
inverted_table_build(TableBuild *table, const Directory *directory)
{
	InvertedTableBuild state = {.table = table};

	state.making = inverted_build_making(
		inverted_build_begin(table->index, &table->space, write_segment, &state));
	table->add = add_row;
	table->arg = &state;
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, INVERTED_PHASE_LOAD);
	table_build_scan(table);
	state.scanned = true;
	state.making->finish(state.making);
}

char *
inverted_phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case INVERTED_PHASE_LOAD:
			return "loading tuples";
		case INVERTED_PHASE_WRITE:
			return "writing segment";
		default:
			return NULL;
	}
}
