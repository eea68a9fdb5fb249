/*
 * replace.c - replaces segments: growing ones are sealed, sealed ones are merged or rebuilt
 *
 * The inputs stay unchanged, and are searched, until the directory flips.  Rows that VACUUM finds
 * dead in an input meanwhile get their tombstones in the output just before the flip.
 */
#include "segment/replace.h"

#include "executor/instrument.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "counters/counters.h"
#include "segment/attributes.h"
#include "segment/choose.h"
#include "segment/growing.h"
#include "segment/memory.h"
#include "segment/moved.h"
#include "segment/seal.h"
#include "segment/sealed.h"
#include "segment/tiering.h"
#include "segment/wait_point.h"

/*
 * The last tombstones are copied under block 0's lock once few are new, or after this many passes.
 */
#define FEW_DEAD			1000
#define MAX_PASSES			5

BuildProgress seal_report;

typedef struct Replacement Replacement;

struct Replacement
{
	SegmentJob	job;
	SegmentMaking *making;
	SegmentSet	outputs;
	SegmentCopy copy;			/* of the only input, if it is to be copied */
	void		(*plan_copy) (Replacement *replacement);	/* or NULL: outputs are made */
	BlockNumber to;				/* moves: the place */
	Oid			server;			/* tiering: the store */
	bool		failed;			/* there was no room for an output */
	MovedRows	moved;
	uint64		written;		/* of moved rows */
	int			input;			/* that is being read */
	IndexAttributes *attributes;	/* NULL: none */
};

/* Calls back for each live row of a sealed segment whose rows have nodes of level 0. */
static void
each_node_row(const SegmentJob *job, SealedScan *scan, SegmentRowCallback callback, void *arg)
{
	CachedSegment *segment = scan->segment;
	PayloadMemory memory = {0};
	SealedRow  *rows = palloc(SEALED_ROWS * sizeof(SealedRow));

	for (uint32 first = 0; first < segment->header.rows; first += SEALED_ROWS)
	{
		uint32		n = sealed_read_rows(scan->reader.extent, &segment->header, first, rows);

		for (uint32 i = 0; i < n; i++)
		{
			const SealedNode *node;
			SegmentRow	row = {.tid = rows[i].tid};
			const char *vector;

			if (cached_row_is_dead(segment, first + i))
				continue;
			node = sealed_read_node(scan, 0, rows[i].node);
			vector = (const char *) node + segment->header.layout.vector;
			row.size = space_size_of(&job->space, vector);
			row.payload = payload_reserve(&memory, row.size);
			row.error = space_restore(&job->space, node, vector, memory.payload);
			row.scale = node->scale;
			callback(arg, first + i, false, &row);
		}
	}
	pfree(rows);
	if (memory.payload)
		pfree(memory.payload);
}

/* Calls back for each live row of a sealed segment. */
static void
each_sealed_row(const SegmentJob *job, const SegmentEntry *entry, SegmentRowCallback callback,
				void *arg)
{
	CachedSegment *segment = cache_acquire(job->cached, job->index, entry);
	ScanStatistics statistics = {0};
	SealedScan *scan = palloc(sizeof(SealedScan));

	sealed_scan_begin(scan, job->index, &job->space, segment, &statistics);
	if (segment->method->each_row == NULL || !segment->method->each_row(scan, callback, arg))
		each_node_row(job, scan, callback, arg);
}

/* The callback for the live rows of a growing segment. */
typedef struct LiveRows
{
	SegmentRowCallback callback;
	void	   *arg;
} LiveRows;

static void
hand_on_live(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	const LiveRows *live = arg;

	if (!dead)
		live->callback(live->arg, number, false, row);
}

uint64
segment_input_rows(const SegmentJob *job)
{
	uint64		rows = 0;

	for (int i = 0; i < job->input_count; i++)
		rows += job->inputs[i].kind == SEGMENT_GROWING ?
			growing_rows(job->index, &job->inputs[i]) : job->inputs[i].rows;
	return rows;
}

void
segment_each_row(const SegmentJob *job, int input, SegmentRowCallback callback, void *arg)
{
	const SegmentEntry *entry = &job->inputs[input];
	LiveRows	live = {callback, arg};

	if (entry->kind == SEGMENT_GROWING)
		growing_each_row(job->index, &job->space, entry, GROWING_PAYLOADS, hand_on_live, &live);
	else
		each_sealed_row(job, entry, callback, arg);
}

/* Adds a row to the segment being made, and remembers where the row came from. */
static void
move_row(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	Replacement *replacement = arg;

	CHECK_FOR_OTHERS();
	replacement->making->add(replacement->making, row);
	(void) moved_add(&replacement->moved, replacement->input, number);
}

/* A place for another output; NULL if there is none. */
static SegmentEntry *
reserve_output(Replacement *replacement, uint32 blocks)
{
	SegmentSet *outputs = &replacement->outputs;
	Size		size = sizeof(SegmentEntry) * (outputs->count + 1);
	SegmentEntry entry;

	if (replacement->failed ||
		!directory_reserve(replacement->job.index, replacement->job.heap, SEGMENT_SEALED, blocks,
						   &entry))
	{
		replacement->failed = true;
		return NULL;
	}
	outputs->entries = outputs->entries ? repalloc(outputs->entries, size) :
		MemoryContextAlloc(replacement->job.context, size);
	outputs->entries[outputs->count] = entry;
	WAIT_POINT("reserved");
	return &outputs->entries[outputs->count++];
}

/* The number of rows of an input, dead ones included. */
static uint32
input_rows(const SegmentJob *job, const SegmentEntry *entry)
{
	return entry->kind == SEGMENT_GROWING ? growing_rows(job->index, entry) :
		cache_acquire(job->cached, job->index, entry)->header.rows;
}

/* Remembers where the rows of merged inputs went. */
static void
note_merged_rows(Replacement *replacement, SegmentMaking *making)
{
	const SegmentJob *job = &replacement->job;
	uint64		i = 0;

	for (int input = 0; input < job->input_count; input++)
	{
		uint32		rows = input_rows(job, &job->inputs[input]);

		for (uint32 row = 0; row < rows; row++)
		{
			uint32		number = making->row_number(making, i++);

			if (number != NO_ROW)
				moved_add(&replacement->moved, input, row)->number = number;
		}
	}
	Assert(i == making->rows);
}

/* The attributes of an input's rows on their way into an output. */
typedef struct MovedAttributes
{
	AttributeBuild *build;
	const uint32 *sources;		/* source row by row of the input; NO_ROW: is not in the output */
	int			column;			/* of a sealed input */
} MovedAttributes;

static void
move_record(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	const MovedAttributes *moved = arg;

	if (moved->sources[number] != NO_ROW)
		attributes_add_record(moved->build, row->attributes, row->attributes_size,
							  moved->sources[number]);
}

static void
move_value(void *arg, uint32 row, Datum value, bool isnull)
{
	const MovedAttributes *moved = arg;

	if (moved->sources[row] != NO_ROW)
		attributes_add(moved->build, moved->column, value, isnull, moved->sources[row]);
}

static void
move_attributes(const Replacement *replacement, const SegmentEntry *entry, MovedAttributes *moved)
{
	const SegmentJob *job = &replacement->job;
	CachedSegment *segment;

	if (entry->kind == SEGMENT_GROWING)
	{
		growing_each_row(job->index, &job->space, entry, GROWING_ATTRIBUTES, move_record, moved);
		return;
	}
	segment = cache_acquire(job->cached, job->index, entry);
	for (moved->column = 0; moved->column < replacement->attributes->count; moved->column++)
	{
		SealedColumn column;

		sealed_column_open(&column, extent_of(job->index, entry), &segment->header,
						   moved->column);
		sealed_column_each(&column, &replacement->attributes->columns[moved->column], move_value,
						   moved);
		sealed_column_close(&column);
	}
}

/*
 * Collects the attributes of the source rows of a segment that is ready: of a merge, all rows of
 * the inputs; of a build, the moved rows that no output has yet.
 */
static AttributeBuild *
collect_attributes(const Replacement *replacement, SegmentMaking *making)
{
	const SegmentJob *job = &replacement->job;
	AttributeBuild *build = attributes_begin(job->index, replacement->attributes);
	const MovedRow *next = replacement->moved.rows + replacement->written;
	const MovedRow *end = making->add ? next + making->rows : next;
	uint32		source = 0;

	for (int input = 0; input < job->input_count; input++)
	{
		const SegmentEntry *entry = &job->inputs[input];
		uint32		rows = input_rows(job, entry);
		uint32	   *sources = MemoryContextAllocHuge(CurrentMemoryContext,
													 sizeof(uint32) * Max(rows, 1));
		MovedAttributes moved = {build, sources, 0};

		for (uint32 row = 0; row < rows; row++)
		{
			bool		taken = making->add ?
				next < end && next->input == (uint32) input && next->row == row :
				making->row_number(making, source) != NO_ROW;

			sources[row] = taken ? source : NO_ROW;
			source += taken || making->add == NULL;
			next += taken && making->add;
		}
		move_attributes(replacement, entry, &moved);
		pfree(sources);
	}
	return build;
}

static uint32
number_of_source(void *arg, uint64 source)
{
	SegmentMaking *making = arg;

	return making->row_number(making, source);
}

/* The blocks of a segment with its columns. */
static uint32
blocks_of(const SegmentMaking *making)
{
	return making->blocks + (making->attributes ? making->attributes->blocks : 0);
}

/* A segment is ready: it becomes an output. */
static void
write_output(SegmentMaking *making, void *arg)
{
	Replacement *replacement = arg;
	AttributeBuild *attributes = replacement->attributes ?
		collect_attributes(replacement, making) : NULL;
	uint64		rows = making->rows;
	SegmentEntry *output;

	making->attributes = attributes ? attributes_plan(attributes) : NULL;
	output = reserve_output(replacement, blocks_of(making));
	if (output == NULL)
	{
		if (attributes)
			attributes_free(attributes);
		return;
	}
	making->write(making, output);
	if (attributes)
		attributes_write(attributes, output, number_of_source, making);
	if (making->add == NULL)
	{
		note_merged_rows(replacement, making);
		return;
	}
	for (uint64 i = 0; i < rows; i++)
	{
		MovedRow   *moved = &replacement->moved.rows[replacement->written++];

		moved->output = replacement->outputs.count - 1;
		moved->number = making->row_number(making, i);
	}
}

/* Copies to the outputs the tombstones that inputs have gained; called under block 0's lock. */
static void
copy_tombstones(void *arg)
{
	Replacement *replacement = arg;

	(void) moved_bury(&replacement->moved, replacement->outputs.entries);
}

/* Copies most of them without that lock: few are to come while the last are copied. */
static void
copy_most_tombstones(Replacement *replacement)
{
	for (int pass = 0; pass < MAX_PASSES; pass++)
	{
		CHECK_FOR_OTHERS();
		if (moved_bury(&replacement->moved, replacement->outputs.entries) <= FEW_DEAD)
			break;
	}
}

/* Makes the outputs of the inputs. */
static void
make_outputs(Replacement *replacement)
{
	SegmentJob *job = &replacement->job;
	const SegmentMethod *method = job->method->for_rows == NULL ? job->method :
		job->method->for_rows(&job->space, segment_input_rows(job));
	SegmentMaking *making = method->merges && method->merges(job) ?
		method->from_segments(job) : method->from_rows(job);

	replacement->making = making;
	if (making->add == NULL)
	{
		WAIT_POINT("counted");
		if (making->blocks > 0)
			write_output(making, replacement);
		return;
	}
	for (int i = 0; i < job->input_count; i++)
	{
		replacement->input = i;
		segment_each_row(job, i, move_row, replacement);
	}
	making->finish(making);
}

/*
 * Copies the only input.  The copy begins without tombstones: the input may gain some while it is
 * copied, and all of them are set in the copy as in any output.
 */
static void
copy_input(Replacement *replacement)
{
	SegmentJob *job = &replacement->job;
	SegmentCopy *copy = &replacement->copy;
	SegmentEntry *output = palloc(sizeof(SegmentEntry));

	replacement->plan_copy(replacement);
	if (copy->to == InvalidBlockNumber ?
		!directory_reserve(job->index, job->heap, SEGMENT_SEALED, copy->blocks, output) :
		!directory_reserve_at(job->index, copy->blocks, copy->to, output))
	{
		replacement->failed = true;
		return;
	}
	replacement->outputs = (SegmentSet) {output, 1};
	WAIT_POINT("copy");
	copy_write(copy, output);
	WAIT_POINT("copied");
	for (uint32 row = 0; row < copy->header.rows; row++)
		moved_add(&replacement->moved, 0, row)->number = row;
}

static void
plan_move(Replacement *replacement)
{
	copy_plan_move(&replacement->copy, &replacement->job, replacement->to);
}

static void
plan_tier(Replacement *replacement)
{
	copy_plan_tier(&replacement->copy, &replacement->job, replacement->server);
}

static void
plan_untier(Replacement *replacement)
{
	copy_plan_untier(&replacement->copy, &replacement->job);
}

/* Makes the outputs, and flips the directory; returns how many segments were replaced. */
static int
replace_segments(Replacement *replacement)
{
	SegmentJob *job = &replacement->job;
	SegmentSet	inputs = {job->inputs, job->input_count};

	job->cached = cache_index(job->index);
	cache_hold(job->cached);
	job->ready = write_output;
	job->progress = seal_report;
	job->arg = replacement;
	replacement->attributes = index_attributes(job->index);
	for (int i = 0; i < job->input_count; i++)
		if (job->inputs[i].kind == SEGMENT_GROWING)
			growing_close(job->index, &job->inputs[i]);
	WAIT_POINT("closed");
	moved_init(&replacement->moved, job->index, job->inputs, job->input_count);
	if (replacement->plan_copy)
		copy_input(replacement);
	else
		make_outputs(replacement);
	if (!replacement->failed)
		copy_most_tombstones(replacement);
	/* a copy has the time of what it is a copy of: nothing has to be measured again (curves.h) */
	for (int i = 0; i < replacement->outputs.count && replacement->plan_copy == NULL; i++)
		replacement->outputs.entries[i].created = GetCurrentTimestamp();
	WAIT_POINT("flip");
	if (!replacement->failed)
		directory_replace(job->index, &replacement->outputs, &inputs, copy_tombstones,
						  replacement);
	for (int i = 0; i < replacement->outputs.count; i++)
		claim_release(extent_of(job->index, &replacement->outputs.entries[i]), ExclusiveLock);
	if (replacement->making && replacement->making->end)
		replacement->making->end(replacement->making);
	if (job->method->retire)
		job->method->retire(job->index);
	return replacement->failed ? 0 : job->input_count;
}

/* Replaces what was chosen. */
static int
end_replacement(Replacement *replacement)
{
	uint64		logged = pgWalUsage.wal_bytes;
	int			replaced = 0;

	if (replacement->job.input_count > 0)
	{
		replaced = replace_segments(replacement);
		counters_of(RelationGetRelid(replacement->job.index))->wal_bytes +=
			pgWalUsage.wal_bytes - logged;
	}
	choose_end(&replacement->job);
	return replaced;
}

int
seal_growing(Relation index, Relation heap, SealWait wait, uint64 min_rows, uint64 max_rows)
{
	Replacement replacement = {0};
	int			replaced;

	choose_begin(&replacement.job, index, heap);
	choose_growing(&replacement.job, wait, min_rows, max_rows);
	replaced = end_replacement(&replacement);
	if (replaced > 0)
		counters_of(RelationGetRelid(index))->seals++;
	return replaced;
}

int
seal_merge(Relation index, Relation heap, SealWait wait, SealMerge what)
{
	Replacement replacement = {0};
	int			replaced;

	choose_begin(&replacement.job, index, heap);
	choose_sealed(&replacement.job, wait, what);
	replaced = end_replacement(&replacement);
	if (replaced > 0)
		counters_of(RelationGetRelid(index))->merges++;
	return replaced;
}

void
seal_relieve(Relation index, Relation heap)
{
	if (seal_is_crowded(index))
		seal_merge(index, heap, SEAL_IF_FREE, MERGE_DUE);
}

SealRoom
seal_make_room(Relation index, SealMerge what)
{
	Replacement replacement = {.plan_copy = plan_move};
	DirectoryRoom room;

	choose_begin(&replacement.job, index, NULL);
	room = choose_move(&replacement.job, what, &replacement.to);
	if (end_replacement(&replacement) > 0)
		return SEAL_MOVED;
	return room == ROOM_LATER ? SEAL_ROOM_LATER : SEAL_ROOM;
}

int
tiering_store_one(Relation index, const TieringChoice *choice)
{
	Replacement replacement = {.plan_copy = plan_tier, .server = choice->server};

	choose_begin(&replacement.job, index, NULL);
	choose_to_store(&replacement.job, choice);
	return end_replacement(&replacement);
}

int
tiering_restore_one(Relation index)
{
	Replacement replacement = {.plan_copy = plan_untier};

	choose_begin(&replacement.job, index, NULL);
	choose_to_restore(&replacement.job);
	return end_replacement(&replacement);
}

int
seal_retire_empty(Relation index)
{
	SegmentJob	job;
	SegmentSet	empty;

	choose_begin(&job, index, NULL);
	choose_empty(&job);
	empty = (SegmentSet) {job.inputs, job.input_count};
	if (empty.count > 0)
		directory_retire(index, &empty);
	choose_end(&job);
	return empty.count;
}

void
segment_publish(SegmentMaking *making, Relation index, Relation heap,
				const AttributeSource *source)
{
	AttributeBuild *attributes = NULL;
	SegmentEntry entry;

	if (source)
	{
		attributes = attributes_begin(index, source->attributes);
		source->add(source->arg, attributes);
		making->attributes = attributes_plan(attributes);
	}
	if (!directory_reserve(index, heap, SEGMENT_SEALED, blocks_of(making), &entry))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" would have too many segments",
						RelationGetRelationName(index)),
				 errhint("Increase maintenance_work_mem.")));
	making->write(making, &entry);
	if (attributes)
	{
		source->written(source->arg, &entry);
		attributes_write(attributes, &entry, source->number, source->arg);
	}
	directory_publish(index, &entry, SEGMENT_SEALED);
	claim_release(extent_of(index, &entry), ExclusiveLock);
}
