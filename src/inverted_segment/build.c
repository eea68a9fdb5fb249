/*
 * build.c - makes segments of inverted lists from rows
 */
#include "inverted_segment/build.h"

#include "miscadmin.h"

#include "inverted_segment/runs.h"
#include "inverted_segment/words_build.h"
#include "segment/layout.h"
#include "segment/memory.h"
#include "segment/temporary.h"
#include "segment/tombstones.h"
#include "segment/wait_point.h"

/* Nodes are addressed in units of this many bytes, of which a block has a whole number. */
#define NODE_UNIT		8

StaticAssertDecl(PAYLOAD_SIZE % NODE_UNIT == 0, "nodes begin at units");

/* Progress is reported after so many rows. */
#define REPORTED_ROWS	1024

struct InvertedBuild
{
	SegmentMaking making;
	Relation	index;
	const Space *space;
	void		(*ready) (SegmentMaking *making, void *arg);
	void	   *arg;
	BuildProgress progress;		/* or NULL */
	Size		memory;

	/* of the segment that is being made */
	SealedHeader header;
	uint64		end;			/* of the nodes, in the payloads of level 0 */
	BufFile    *nodes;			/* each after its size (uint32) */
	BufFile    *tids;			/* a SealedRow each */
	PostingRuns *runs;
	BufFile    *terms;
	BufFile    *chunks;
	BufFile    *postings;		/* PostingBlocks */
	SealedTerm	term;			/* the last one */
	PostingBlock block;			/* the last one */
	uint64		posting_count;
	PayloadMemory node;
	WordsBuild *words;			/* in place of terms, chunks and postings; or NULL */
};

static uint64
max_bytes(void)
{
	return (uint64) segment_max_id * NODE_UNIT;
}

/* Half of what nodes may take: there are other blocks, and gaps. */
uint64
inverted_max_blocks(const Space *space)
{
	return max_bytes() / 2 / PAYLOAD_SIZE;
}

/* Begins a segment. */
static void
begin_segment(InvertedBuild *build)
{
	memset(&build->header, 0, sizeof(build->header));
	build->header.layout.vector = sizeof(SealedNode);
	build->header.layout.unit = NODE_UNIT;
	build->end = 0;
	build->posting_count = 0;
	build->nodes = BufFileCreateTemp(false);
	build->tids = BufFileCreateTemp(false);
	build->runs = runs_begin(build->memory, build->space->element == SPACE_WORDS);
	if (build->space->element == SPACE_WORDS)
		build->words = words_build_begin(build->index, build->space->k1, build->space->b);
}

/* Places a node of this size; false if there is no room for it in the segment. */
static bool
place_node(InvertedBuild *build, Size size, uint32 *id)
{
	uint64		start = build->end;
	Size		left = PAYLOAD_SIZE - start % PAYLOAD_SIZE;

	if (size <= PAYLOAD_SIZE && left < size)
		start += left;
	if (start + size > max_bytes())
		return false;
	*id = (uint32) (start / NODE_UNIT);
	build->end = start + size;
	return true;
}

static void complete_segment(InvertedBuild *build);

/* The weights of a row whose scores are what it is found by. */
static void
add_postings(InvertedBuild *build, uint32 row, const char *payload, float scale)
{
	const int32 *indices = SPARSE_INDICES(payload);
	const float *values = SPARSE_VALUES(payload);
	float		factor = build->space->metric == SPACE_COSINE ? scale : 1;

	for (int32 i = 0; i < SPARSE_NNZ(payload); i++)
		runs_add(build->runs, (Posting) {
			.dim = (uint32) indices[i], .row = row, .weight = values[i] * factor
		});
}

/* Writes the node of the next row, which has been placed in its segment. */
static void
write_node(InvertedBuild *build, const SegmentRow *row, uint32 size)
{
	SealedNode *node = (SealedNode *) payload_reserve(&build->node, size);

	memset(node, 0, size);
	node->tid = row->tid;
	node->row = build->header.rows;
	space_store(build->space, STORAGE_FULL, row->payload, node, (char *) (node + 1));
	BufFileWrite(build->nodes, &size, sizeof(size));
	BufFileWrite(build->nodes, node, size);
	if (!build->words)
		add_postings(build, node->row, row->payload, node->scale);
}

/* Adds a row to the segment; false if that cannot take it. */
static bool
try_row(InvertedBuild *build, const SegmentRow *row)
{
	uint32		size = (uint32) TYPEALIGN(NODE_UNIT, sizeof(SealedNode) + row->size);
	SealedRow	sealed = {.tid = row->tid};
	bool		kept = true;	/* the payload */
	uint64		length = 0;

	if (build->header.rows >= segment_max_rows ||
		(build->words && !words_build_takes(build->words, row->payload, &kept)) ||
		(kept && !place_node(build, size, &sealed.node)))
		return false;
	if (build->words)
		length = words_build_add(build->words, build->runs, row->payload);
	if (kept)
		write_node(build, row, size);
	else
		sealed_set_row_length(&sealed, length);
	BufFileWrite(build->tids, &sealed, sizeof(sealed));
	build->header.rows++;
	return true;
}

static void
add_row(SegmentMaking *making, const SegmentRow *row)
{
	InvertedBuild *build = (InvertedBuild *) making;

	if (!try_row(build, row))
	{
		complete_segment(build);
		begin_segment(build);
		(void) try_row(build, row);
	}
	if (build->progress && build->header.rows % REPORTED_ROWS == 0)
		build->progress(BUILD_LOADING, build->header.rows, 0);
}

/* Adds the postings of a dimension in a window. */
static void
add_window(void *arg, const WindowPostings *window)
{
	InvertedBuild *build = arg;
	SealedInverted *inverted = &build->header.inverted;
	float		least;
	float		most;
	ImpactRange range;
	SealedChunk chunk;

	least = most = window->weights[0];
	for (uint32 i = 1; i < window->count; i++)
	{
		least = Min(least, window->weights[i]);
		most = Max(most, window->weights[i]);
	}
	range = impact_range(least, most);
	if (inverted->term_count == 0 || build->term.dim != window->dim)
	{
		if (inverted->term_count > 0)
			BufFileWrite(build->terms, &build->term, sizeof(SealedTerm));
		build->term = (SealedTerm) {window->dim, inverted->chunk_count, 0};
		inverted->term_count++;
	}
	build->term.chunks++;
	inverted->chunk_count++;
	chunk = (SealedChunk) {build->posting_count, window->count, window->window, range.low,
		range.step};
	BufFileWrite(build->chunks, &chunk, sizeof(chunk));
	for (uint32 i = 0; i < window->count; i++)
	{
		uint32		place = (uint32) (build->posting_count++ % BLOCK_POSTING_COUNT);

		build->block.rows[place] = window->rows[i];
		build->block.codes[place] = impact_code(range, window->weights[i]);
		if (place == BLOCK_POSTING_COUNT - 1)
		{
			BufFileWrite(build->postings, &build->block, sizeof(PostingBlock));
			memset(&build->block, 0, sizeof(PostingBlock));
		}
	}
}

/* Merges the postings into the parts of the segment, which come into temporary files. */
static void
merge_postings(InvertedBuild *build)
{
	SealedInverted *inverted = &build->header.inverted;

	build->terms = BufFileCreateTemp(false);
	build->chunks = BufFileCreateTemp(false);
	build->postings = BufFileCreateTemp(false);
	memset(&build->block, 0, sizeof(PostingBlock));
	runs_merge(build->runs, add_window, build);
	if (inverted->term_count > 0)
		BufFileWrite(build->terms, &build->term, sizeof(SealedTerm));
	if (build->posting_count % BLOCK_POSTING_COUNT > 0)
		BufFileWrite(build->postings, &build->block, sizeof(PostingBlock));
	inverted->posting_blocks = extent_blocks_for(
		(build->posting_count + BLOCK_POSTING_COUNT - 1) / BLOCK_POSTING_COUNT, PAYLOAD_SIZE,
		true);
}

/* Places the lists of dimensions; returns the block after them. */
static BlockNumber
place_lists(SealedInverted *inverted, BlockNumber place)
{
	inverted->terms = place;
	place += extent_blocks_for(inverted->term_count, sizeof(SealedTerm), true);
	inverted->chunks = place;
	place += extent_blocks_for(inverted->chunk_count, sizeof(SealedChunk), true);
	inverted->postings = place;
	return place + inverted->posting_blocks;
}

/* Places the parts of the segment in its extent. */
static void
place_parts(InvertedBuild *build)
{
	SealedHeader *header = &build->header;
	BlockNumber place = 1;

	header->levels = 1;
	header->nodes = header->level[0].nodes = header->rows;
	header->tombstones = place;
	place += extent_blocks_for(sizeof(TombstoneHeader) + header->rows / 8 + 1, 1, false);
	header->tids = place;
	place += extent_blocks_for(header->rows, sizeof(SealedRow), true);
	place = build->words ? words_build_place(build->words, header, place) :
		place_lists(&header->inverted, place);
	header->cold = header->level[0].first = place;
	header->level[0].blocks = extent_blocks_for(build->end, 1, false);
	header->blocks = place + header->level[0].blocks;
}

static void
end_lists(InvertedBuild *build)
{
	BufFileClose(build->terms);
	BufFileClose(build->chunks);
	BufFileClose(build->postings);
}

static void
complete_segment(InvertedBuild *build)
{
	SegmentMaking *making = &build->making;

	if (build->words)
		words_build_merge(build->words, build->runs, &build->header);
	else
		merge_postings(build);
	runs_end(build->runs);
	if (build->header.rows > 0)
	{
		place_parts(build);
		making->blocks = build->header.blocks;
		making->rows = build->header.rows;
		build->ready(making, build->arg);
	}
	BufFileClose(build->nodes);
	BufFileClose(build->tids);
	if (build->words)
		words_build_end(build->words);
	else
		end_lists(build);
}

static void
finish(SegmentMaking *making)
{
	complete_segment((InvertedBuild *) making);
}

/* Writes records of a file, none of which crosses blocks. */
static void
write_records(ExtentWriter *writer, BufFile *file, uint32 count, Size size)
{
	char	   *record = palloc(size);

	temporary_rewind(file);
	for (uint32 i = 0; i < count; i++)
	{
		temporary_read(file, record, size);
		extent_writer_keep_whole(writer, size);
		extent_writer_put(writer, record, size);
	}
	pfree(record);
}

static void
write_nodes(InvertedBuild *build, ExtentWriter *writer)
{
	uint32		rows = build->header.rows;

	temporary_rewind(build->nodes);
	for (uint32 row = 0; row < rows; row++)
	{
		uint32		size;

		WAIT_POINT("write");
		temporary_read(build->nodes, &size, sizeof(size));
		temporary_read(build->nodes, payload_reserve(&build->node, size), size);
		if (size <= PAYLOAD_SIZE)
			extent_writer_keep_whole(writer, size);
		extent_writer_put(writer, build->node.payload, size);
		if (build->progress && row % REPORTED_ROWS == 0)
			build->progress(BUILD_WRITING, row, rows);
	}
}

static void
write_lists(InvertedBuild *build, ExtentWriter *writer)
{
	const SealedInverted *inverted = &build->header.inverted;

	extent_writer_seek(writer, inverted->terms, BLOCK_TERMS);
	write_records(writer, build->terms, inverted->term_count, sizeof(SealedTerm));
	extent_writer_seek(writer, inverted->chunks, BLOCK_CHUNKS);
	write_records(writer, build->chunks, inverted->chunk_count, sizeof(SealedChunk));
	extent_writer_seek(writer, inverted->postings, BLOCK_POSTINGS);
	write_records(writer, build->postings, inverted->posting_blocks, sizeof(PostingBlock));
}

static void
write_segment(SegmentMaking *making, SegmentEntry *output)
{
	InvertedBuild *build = (InvertedBuild *) making;
	SealedHeader *header = &build->header;
	ExtentWriter writer;

	attributes_place(making->attributes, header);
	extent_writer_begin(&writer, extent_of(build->index, output));
	extent_writer_seek(&writer, 0, BLOCK_SEALED_HEADER);
	extent_writer_put(&writer, header, sizeof(*header));
	extent_writer_seek(&writer, header->tombstones, BLOCK_TOMBSTONES);
	sealed_write_tombstones(&writer, header);
	extent_writer_seek(&writer, header->tids, BLOCK_TIDS);
	write_records(&writer, build->tids, header->rows, sizeof(SealedRow));
	if (build->words)
		words_build_write(build->words, header, &writer);
	else if (header->inverted.term_count > 0)
		write_lists(build, &writer);
	if (build->end > 0)
	{
		extent_writer_seek(&writer, header->level[0].first, BLOCK_NODES);
		write_nodes(build, &writer);
	}
	extent_writer_end(&writer);
	output->method = METHOD_INVERTED;
	output->rows = header->rows;
}

static uint32
row_number(SegmentMaking *making, uint64 i)
{
	return (uint32) i;
}

static InvertedBuild *
begin_build(Relation index, const Space *space, Size memory,
			void (*ready) (SegmentMaking *making, void *arg), void *arg)
{
	InvertedBuild *build = palloc0(sizeof(InvertedBuild));

	build->making = (SegmentMaking) {
		.add = add_row, .finish = finish, .write = write_segment, .row_number = row_number
	};
	build->index = index;
	build->space = space;
	build->ready = ready;
	build->arg = arg;
	build->memory = memory;
	begin_segment(build);
	return build;
}

InvertedBuild *
inverted_build_begin(Relation index, const Space *space,
					 void (*ready) (SegmentMaking *making, void *arg), void *arg)
{
	return begin_build(index, space, build_memory(), ready, arg);
}

SegmentMaking *
inverted_build_making(InvertedBuild *build)
{
	return &build->making;
}

SegmentMaking *
inverted_from_rows(const SegmentJob *job)
{
	/* beside the documents of a merge: see documents_each */
	InvertedBuild *build = begin_build(job->index, &job->space, build_memory() / 2, job->ready,
									   job->arg);

	build->progress = job->progress;
	return &build->making;
}
