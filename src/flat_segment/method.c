/*
 * method.c - sealed segments whose vectors are all compared: making, reading and checking them
 */
#include "flat_segment/method.h"

#include "miscadmin.h"

#include "segment/layout.h"
#include "segment/search.h"
#include "segment/tombstones.h"
#include "segment/wait_point.h"

typedef struct FlatBuild
{
	SegmentMaking making;
	const SegmentJob *job;
	SealedHeader header;
	char	   *nodes;			/* header.rows of layout.size bytes */
	uint32		room;
} FlatBuild;

bool
flat_is_possible(const Space *space)
{
	return space_stored_size(space, space->storage) > 0;
}

static SealedNode *
node_at(const FlatBuild *build, uint32 row)
{
	return (SealedNode *) (build->nodes + (Size) row * build->header.layout.size);
}

static void
add_row(SegmentMaking *making, const SegmentRow *row)
{
	FlatBuild  *build = (FlatBuild *) making;
	SealedHeader *header = &build->header;
	const Space *space = &build->job->space;
	SealedNode *node;

	if (header->rows == build->room)
	{
		build->room = Max(build->room * 2, 32);
		build->nodes = build->nodes ?
			repalloc_huge(build->nodes, (Size) build->room * header->layout.size) :
			palloc((Size) build->room * header->layout.size);
	}
	node = node_at(build, header->rows);
	memset(node, 0, header->layout.size);
	node->tid = row->tid;
	node->row = header->rows++;
	space_store(space, space->storage, row->payload, node,
				(char *) node + header->layout.vector);
	/* what was stored lossily before keeps the bound of its own error */
	if (row->error > 0)
	{
		node->error += row->error;
		node->scale = row->scale;
	}
}

/* Places the parts of the segment in its extent. */
static void
place_parts(SealedHeader *header)
{
	BlockNumber place = 1;

	header->levels = 1;
	header->nodes = header->level[0].nodes = header->rows;
	header->tombstones = place;
	place += extent_blocks_for(sizeof(TombstoneHeader) + header->rows / 8 + 1, 1, false);
	header->tids = place;
	place += extent_blocks_for(header->rows, sizeof(SealedRow), true);
	header->cold = header->level[0].first = place;
	header->level[0].blocks = node_layout_blocks(&header->layout, header->rows);
	header->blocks = place + header->level[0].blocks;
}

static void
finish(SegmentMaking *making)
{
	FlatBuild  *build = (FlatBuild *) making;

	if (build->header.rows == 0)
		return;
	place_parts(&build->header);
	making->blocks = build->header.blocks;
	making->rows = build->header.rows;
	build->job->ready(making, build->job->arg);
}

static void
write_segment(SegmentMaking *making, SegmentEntry *output)
{
	FlatBuild  *build = (FlatBuild *) making;
	SealedHeader *header = &build->header;
	ExtentWriter writer;

	attributes_place(making->attributes, header);
	extent_writer_begin(&writer, extent_of(build->job->index, output));
	extent_writer_seek(&writer, 0, BLOCK_SEALED_HEADER);
	extent_writer_put(&writer, header, sizeof(*header));
	extent_writer_seek(&writer, header->tombstones, BLOCK_TOMBSTONES);
	sealed_write_tombstones(&writer, header);
	extent_writer_seek(&writer, header->tids, BLOCK_TIDS);
	for (uint32 row = 0; row < header->rows; row++)
	{
		SealedRow	sealed;

		memset(&sealed, 0, sizeof(sealed));
		sealed.tid = node_at(build, row)->tid;
		sealed.node = row;
		extent_writer_keep_whole(&writer, sizeof(sealed));
		extent_writer_put(&writer, &sealed, sizeof(sealed));
	}
	extent_writer_seek(&writer, header->level[0].first, BLOCK_NODES);
	for (uint32 row = 0; row < header->rows; row++)
	{
		WAIT_POINT("write");
		node_layout_put(&header->layout, &writer, node_at(build, row));
	}
	extent_writer_end(&writer);
	output->method = METHOD_FLAT;
	output->rows = header->rows;
}

static uint32
row_number(SegmentMaking *making, uint64 i)
{
	return (uint32) i;
}

static SegmentMaking *
from_rows(const SegmentJob *job)
{
	FlatBuild  *build = palloc0(sizeof(FlatBuild));

	build->making = (SegmentMaking) {
		.add = add_row, .finish = finish, .write = write_segment, .row_number = row_number
	};
	build->job = job;
	node_layout_plain(&build->header.layout,
					  space_stored_size(&job->space, job->space.storage), job->space.storage);
	return &build->making;
}

typedef struct FlatReading
{
	SegmentScan base;
	SealedScan	scan;
} FlatReading;

static SegmentScan *
flat_open(SegmentSearch *search, const SegmentEntry *entry, CachedSegment *segment,
		  const ExcludedRows *excluded)
{
	FlatReading *reading = palloc0(sizeof(FlatReading));

	reading->base.search = search;
	sealed_scan_begin(&reading->scan, search->index, search->space, segment, search->statistics);
	reading->scan.query = search->query;
	reading->scan.excluded = *excluded;
	return &reading->base;
}

static SegmentRound
flat_round(SegmentScan *scan)
{
	FlatReading *reading = (FlatReading *) scan;

	scan->search->statistics->reads++;
	sealed_scan_nodes(&reading->scan, 0, reading->scan.segment->header.nodes, segment_give_row,
					  scan);
	return ROUND_LAST;
}

static const SegmentReader flat_reader = {
	.open = flat_open,
	.round = flat_round
};

/* Each row is its own node. */
static void *
check(SealedScan *scan)
{
	const SealedHeader *header = &scan->segment->header;

	if (header->nodes != header->rows || header->layout.degree != 0)
		sealed_damaged(scan->index, "Segment %u has %u rows in %u nodes.",
					   scan->segment->part.uid, header->rows, header->nodes);
	for (uint32 row = 0; row < header->rows; row++)
	{
		const SealedNode *node = sealed_read_node(scan, 0, row);
		SealedRow	sealed;

		CHECK_FOR_INTERRUPTS();
		sealed_read_row(scan, row, &sealed);
		if (sealed.node != row || node->row != row ||
			!ItemPointerEquals(&sealed.tid, (ItemPointer) &node->tid))
			sealed_damaged(scan->index, "In segment %u, row %u has another's vector.",
						   scan->segment->part.uid, row);
	}
	return NULL;
}

const SegmentMethod flat_segment_method = {
	.id = METHOD_FLAT,
	.name = "flat",
	.from_rows = from_rows,
	.reader = &flat_reader,
	.check = check
};
