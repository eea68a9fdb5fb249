/*
 * table_attributes.c - CREATE INDEX: files of attributes, and the TIDs of the segment
 */
#include "am/table_attributes.h"

#include "miscadmin.h"
#include "access/parallel.h"
#include "utils/memutils.h"

#include "segment/sealed.h"
#include "segment/temporary.h"

struct TableAttributes
{
	Relation	index;
	IndexAttributes *attributes;
	MemoryContext context;
	SharedFileSet *files;		/* NULL: the leader is alone */
	BufFile    *file;			/* this participant's */

	/* the leader's */
	AttributeSource source;
	int			participants;
	uint64		rows;			/* of all participants */
	SealedRow  *numbers;		/* the segment's rows by TID; `node` is a row's number */
};

/* The head of a row in a file; its record follows. */
typedef struct RecordHead
{
	ItemPointerData tid;
	uint32		size;
} RecordHead;

TableAttributes *
table_attributes(Relation index)
{
	IndexAttributes *attributes = index_attributes(index);
	TableAttributes *state;

	if (attributes == NULL)
		return NULL;
	state = palloc0(sizeof(TableAttributes));
	state->index = index;
	state->attributes = attributes;
	state->context = CurrentMemoryContext;
	return state;
}

const IndexAttributes *
table_attributes_of(const TableAttributes *state)
{
	return state->attributes;
}

/* The name of a participant's file: the leader has the number 0. */
static void
file_name(int participant, char *name)
{
	snprintf(name, MAXPGPATH, "attributes%d", participant);
}

void
table_attributes_begin(TableAttributes *state, SharedFileSet *files)
{
	MemoryContext old = MemoryContextSwitchTo(state->context);
	char		name[MAXPGPATH];

	state->files = files;
	file_name(ParallelWorkerNumber + 1, name);
	state->file = files ? BufFileCreateFileSet(&files->fs, name) : BufFileCreateTemp(false);
	MemoryContextSwitchTo(old);
}

void
table_attributes_put(TableAttributes *state, const SegmentRow *row)
{
	RecordHead	head;

	memset(&head, 0, sizeof(head));
	head.tid = row->tid;
	head.size = (uint32) row->attributes_size;
	BufFileWrite(state->file, &head, sizeof(head));
	BufFileWrite(state->file, unconstify(char *, row->attributes), row->attributes_size);
}

void
table_attributes_end(TableAttributes *state)
{
	if (state->files == NULL)
		return;
	BufFileExportFileSet(state->file);
	BufFileClose(state->file);
	state->file = NULL;
}

void
table_attributes_close(TableAttributes *state)
{
	if (state->file)
		BufFileClose(state->file);
	state->file = NULL;
}

/* Opens a participant's file, at its beginning. */
static BufFile *
open_file(TableAttributes *state, int participant)
{
	char		name[MAXPGPATH];

	if (state->files == NULL)
	{
		temporary_rewind(state->file);
		return state->file;
	}
	file_name(participant, name);
	return BufFileOpenFileSet(&state->files->fs, name, O_RDONLY, false);
}

/* Adds the attributes of all participants' rows. */
static void
add_attributes(void *arg, AttributeBuild *build)
{
	TableAttributes *state = arg;
	char	   *record = NULL;
	Size		room = 0;

	state->rows = 0;
	for (int i = 0; i < state->participants; i++)
	{
		BufFile    *file = open_file(state, i);
		RecordHead	head;

		while (temporary_read_head(file, &head, sizeof(head)))
		{
			if (head.size > room)
			{
				room = head.size;
				record = record ? repalloc(record, room) : palloc(room);
			}
			temporary_read(file, record, head.size);
			attributes_add_record(build, record, head.size, tag_from_tid(&head.tid));
			state->rows++;
		}
		if (state->files)
			BufFileClose(file);
	}
	if (record)
		pfree(record);
}

static int
compare_rows(const void *a, const void *b)
{
	uint64		x = tag_from_tid(&((const SealedRow *) a)->tid);
	uint64		y = tag_from_tid(&((const SealedRow *) b)->tid);

	return x < y ? -1 : x > y;
}

/* Sorts the segment's rows by TID. */
static void
read_numbers(void *arg, const SegmentEntry *output)
{
	TableAttributes *state = arg;
	Extent		extent = extent_of(state->index, output);
	SealedHeader header;

	if (output->rows != state->rows)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many rows for index \"%s\" with attributes",
						RelationGetRelationName(state->index)),
				 errdetail("A segment has %u rows, of " UINT64_FORMAT ".", output->rows,
						   state->rows),
				 errhint("Partition the table.")));
	extent_read_header(extent, BLOCK_SEALED_HEADER, &header, sizeof(header));
	state->numbers = MemoryContextAllocHuge(state->context,
											sizeof(SealedRow) * Max(output->rows, 1));
	for (uint32 first = 0; first < output->rows; first += SEALED_ROWS)
	{
		CHECK_FOR_INTERRUPTS();
		(void) sealed_read_rows(extent, &header, first, &state->numbers[first]);
	}
	for (uint32 row = 0; row < output->rows; row++)
		state->numbers[row].node = row;
	qsort(state->numbers, output->rows, sizeof(SealedRow), compare_rows);
}

static uint32
number_of_tid(void *arg, uint64 source)
{
	const TableAttributes *state = arg;
	SealedRow	sought;
	const SealedRow *found;

	tag_get_tid(source, &sought.tid);
	found = bsearch(&sought, state->numbers, state->rows, sizeof(SealedRow), compare_rows);
	if (found == NULL)
		elog(ERROR, "a row of the table is not in the segment");
	return found->node;
}

const AttributeSource *
table_attributes_source(TableAttributes *state, int others)
{
	if (state == NULL)
		return NULL;
	state->participants = others + 1;
	state->source = (AttributeSource) {
		state->attributes, add_attributes, read_numbers, number_of_tid, state
	};
	return &state->source;
}
