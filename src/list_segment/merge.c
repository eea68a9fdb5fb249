/*
 * merge.c - merges segments with the same centroids: copies codes and vectors in order
 */
#include "list_segment/lists_internal.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "quantize/rabitq.h"
#include "segment/layout.h"

typedef struct MergeInput
{
	SealedScan *scan;			/* with the segment */
	CachedSegment *segment;
	uint32	   *numbers;		/* the part of ListsMerge.numbers for this input */
	ExtentReader rows;
	ExtentReader codes;
	ExtentReader fines;
	ExtentReader nodes;
} MergeInput;

typedef struct ListsMerge
{
	SegmentMaking making;
	const SegmentJob *job;
	MergeInput *inputs;
	int			count;
	SealedHeader header;		/* of the output */
	uint32	   *counts;			/* rows by list */
	uint8	   *code;			/* of a row */
	SealedNode *node;
	uint32	   *numbers;		/* in the output by the inputs' rows, or NO_ROW */
} ListsMerge;

static void
open_input(ListsMerge *merge, MergeInput *input, const SegmentEntry *entry)
{
	const SegmentJob *job = merge->job;
	CachedSegment *segment = cache_acquire(job->cached, job->index, entry);
	const SealedHeader *header = &segment->header;
	Extent		extent = cached_extent(&segment->part, job->index);
	static ScanStatistics statistics;

	input->scan = palloc(sizeof(SealedScan));
	sealed_scan_begin(input->scan, job->index, &job->space, segment, &statistics);
	input->segment = segment;
	extent_reader_begin(&input->rows, extent, header->tids);
	extent_reader_begin(&input->codes, extent, header->lists.codes);
	extent_reader_begin(&input->fines, extent, header->lists.fine);
	extent_reader_begin(&input->nodes, extent, header->level[0].first);
}

/* Counts the live rows of each list. */
static void
count_live(ListsMerge *merge, const MergeInput *input)
{
	for (uint32 l = 0; l < merge->header.lists.count; l++)
	{
		const SealedList *list = cached_list(input->segment, l);

		for (uint32 i = 0; i < list->rows; i++)
		{
			bool		dead = cached_row_is_dead(input->segment, list->row + i);

			input->numbers[list->row + i] = dead ? NO_ROW : 0;
			merge->counts[l] += !dead;
		}
	}
}

/* Copies the row at a place of a list. */
static uint32
copy_row(ListsMerge *merge, MergeInput *input, const SealedList *list, uint32 place,
		 ListsWriter *writer)
{
	const SealedLists *lists = &merge->header.lists;
	const NodeLayout *layout = &merge->header.layout;
	const uint32 per = PAYLOAD_SIZE / sizeof(SealedRow);
	uint32		number = list->row + place;
	ListRow		row = {.code = merge->code, .node = merge->node};

	row.tid = ((const SealedRow *)
			   extent_reader_get(&input->rows, elements_offset(number, sizeof(SealedRow), per),
								 sizeof(SealedRow)))->tid;
	if (lists->group_size > 0)
	{
		const ListGroup *group = (const ListGroup *)
			extent_reader_get(&input->codes,
							  elements_offset(list->group + place / CODE_GROUP, lists->group_size,
										   lists->groups_per_block), lists->group_size);

		place %= CODE_GROUP;
		row.a = group->a[place];
		row.b = group->b[place];
		row.error = group->error[place];
		rabitq_unpack((const uint8 *) (group + 1), place, merge->code, lists->code_bytes * 8);
	}
	if (lists->fine_size > 0)
		row.fine = extent_reader_get(&input->fines,
									 elements_offset(number, lists->fine_size,
												  lists->fines_per_block), lists->fine_size);
	if (layout->size > 0)
		memcpy(merge->node, extent_reader_get(&input->nodes, node_layout_offset(layout, number),
											  layout->size), layout->size);
	return lists_writer_put(writer, &row);
}

static void
write_segment(SegmentMaking *making, SegmentEntry *output)
{
	ListsMerge *merge = (ListsMerge *) making;
	ListsWriter *writer = palloc(sizeof(ListsWriter));

	attributes_place(making->attributes, &merge->header);
	lists_writer_begin(writer, merge->job->index, output, &merge->header,
					   cached_centroids(merge->inputs[0].segment), merge->counts);
	for (uint32 l = 0; l < merge->header.lists.count; l++)
	{
		for (int i = 0; i < merge->count; i++)
		{
			MergeInput *input = &merge->inputs[i];
			const SealedList *list = cached_list(input->segment, l);

			for (uint32 place = 0; place < list->rows; place++)
			{
				uint32		row = list->row + place;

				CHECK_FOR_OTHERS();
				/* one that has died since they were counted is dead in the output too */
				if (input->numbers[row] != NO_ROW)
					input->numbers[row] = copy_row(merge, input, list, place, writer);
			}
		}
		lists_writer_end_list(writer);
	}
	lists_writer_end(writer);
	pfree(writer);
}

static uint32
row_number(SegmentMaking *making, uint64 i)
{
	return ((ListsMerge *) making)->numbers[i];
}

SegmentMaking *
lists_merge(const SegmentJob *job)
{
	ListsMerge *merge = palloc0(sizeof(ListsMerge));
	SealedHeader *header = &merge->header;
	double		distance = 0;
	uint64		rows = 0;
	uint32		first = 0;

	merge->making = (SegmentMaking) {.write = write_segment, .row_number = row_number};
	merge->job = job;
	merge->count = job->input_count;
	merge->inputs = palloc0(sizeof(MergeInput) * merge->count);
	lists_layout(&job->space, header);
	for (int i = 0; i < merge->count; i++)
	{
		const SealedHeader *other;

		open_input(merge, &merge->inputs[i], &job->inputs[i]);
		other = &merge->inputs[i].segment->header;
		if (i == 0)
		{
			header->lists.centroids = other->lists.centroids;
			header->lists.count = other->lists.count;
			merge->counts = palloc0(sizeof(uint32) * header->lists.count);
		}
		rows += other->rows;
		distance += (double) other->rows * other->lists.distance;
	}
	header->lists.distance = rows > 0 ? (float) (distance / rows) : 0;
	merge->making.rows = rows;
	merge->numbers = MemoryContextAllocHuge(CurrentMemoryContext,
											sizeof(uint32) * Max(rows, 1));
	for (int i = 0; i < merge->count; i++)
	{
		merge->inputs[i].numbers = merge->numbers + first;
		first += merge->inputs[i].segment->header.rows;
		count_live(merge, &merge->inputs[i]);
	}
	rows = 0;
	for (uint32 l = 0; l < header->lists.count; l++)
		rows += merge->counts[l];
	if (rows >= PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("segment is too large"),
				 errhint("Partition the table.")));
	header->rows = (uint32) rows;
	if (rows > 0)
		merge->making.blocks = lists_place(&job->space, header,
										   lists_groups(merge->counts, header->lists.count));
	merge->code = palloc(Max(header->lists.code_bytes, 1));
	merge->node = palloc(Max(header->layout.size, 1));
	return &merge->making;
}
