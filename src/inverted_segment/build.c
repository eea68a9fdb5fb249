/*
 * build.c - makes segments of inverted lists from rows
 */
#include "inverted_segment/build.h"

#include "miscadmin.h"

#include "inverted/words.h"
#include "inverted_segment/runs.h"
#include "inverted_segment/terms.h"
#include "segment/layout.h"
#include "segment/memory.h"
#include "segment/temporary.h"
#include "segment/tombstones.h"
#include "segment/wait_point.h"

/* Nodes are addressed in units of this many bytes, of which a block has a whole number. */
#define NODE_UNIT		8

StaticAssertDecl(PAYLOAD_SIZE % NODE_UNIT == 0, "nodes begin at units");

/* Room for the lengths of rows at first. */
#define FIRST_LENGTHS	4096

/* Progress is reported after so many rows. */
#define REPORTED_ROWS	1024

/* The lengths of the rows of words. */
typedef struct RowLengths
{
	float	   *lengths;
	uint32		room;
	double		sum;
	float		least;
	float		greatest;
	BM25Formula formula;		/* in the end, of the segment's weights */
} RowLengths;

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
	BufFile    *dictionary;		/* blocks of it; NULL: terms are dimensions */
	SealedTerm	term;			/* the last one */
	PostingBlock block;			/* the last one */
	uint64		posting_count;
	PayloadMemory node;
	RowLengths	lengths;		/* of words */
	TermTable  *numbers;
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

static void
begin_words(InvertedBuild *build)
{
	RowLengths *lengths = &build->lengths;

	build->numbers = terms_begin();
	lengths->room = FIRST_LENGTHS;
	lengths->lengths = palloc(sizeof(float) * lengths->room);
	lengths->sum = 0;
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
	build->runs = runs_begin(build->memory);
	if (build->space->element == SPACE_WORDS)
		begin_words(build);
}

/* Places a node of this size; false if there is no room for it in the segment. */
static bool
place_node(InvertedBuild *build, Size size, uint32 *id)
{
	uint64		start = build->end;
	Size		left = PAYLOAD_SIZE - start % PAYLOAD_SIZE;

	if (size <= PAYLOAD_SIZE && left < size)
		start += left;
	if (start + size > max_bytes() || build->header.rows >= segment_max_rows)
		return false;
	*id = (uint32) (start / NODE_UNIT);
	build->end = start + size;
	return true;
}

static void complete_segment(InvertedBuild *build);

/* Notes the length of the next row. */
static void
add_length(RowLengths *lengths, uint32 row, double length)
{
	if (row == lengths->room)
	{
		lengths->room *= 2;
		lengths->lengths = repalloc_huge(lengths->lengths, sizeof(float) * (Size) lengths->room);
	}
	lengths->lengths[row] = (float) length;
	lengths->sum += length;
	lengths->least = row == 0 ? (float) length : Min(lengths->least, (float) length);
	lengths->greatest = row == 0 ? (float) length : Max(lengths->greatest, (float) length);
}

/* The frequencies of a row's terms, of which weights are made when all rows are known. */
static void
add_words(InvertedBuild *build, uint32 row, const char *payload)
{
	DocumentReader reader;
	DocumentTerm term;

	if (!document_open(&reader, WORDS_DOCUMENT(payload), WORDS_DOCUMENT_SIZE(payload)))
		sealed_damaged(build->index, "A document is damaged.");
	add_length(&build->lengths, row, (double) reader.length / reader.scale);
	while (document_next(&reader, &term))
		runs_add(build->runs, (Posting) {
			terms_number(build->numbers, term.term, term.length), row,
			(float) ((double) term.frequency / reader.scale)
		});
	if (reader.damaged)
		sealed_damaged(build->index, "A document is damaged.");
}

/* The weights of a row whose scores are what it is found by. */
static void
add_postings(InvertedBuild *build, uint32 row, const char *payload, float scale)
{
	const int32 *indices = SPARSE_INDICES(payload);
	const float *values = SPARSE_VALUES(payload);
	float		factor = build->space->metric == SPACE_COSINE ? scale : 1;

	for (int32 i = 0; i < SPARSE_NNZ(payload); i++)
		runs_add(build->runs, (Posting) {(uint32) indices[i], row, values[i] * factor});
}

static void
add_row(SegmentMaking *making, const SegmentRow *row)
{
	InvertedBuild *build = (InvertedBuild *) making;
	uint32		size = (uint32) TYPEALIGN(NODE_UNIT, sizeof(SealedNode) + row->size);
	SealedNode *node = (SealedNode *) payload_reserve(&build->node, size);
	SealedRow	sealed;

	memset(&sealed, 0, sizeof(sealed));
	if (!place_node(build, size, &sealed.node))
	{
		complete_segment(build);
		begin_segment(build);
		(void) place_node(build, size, &sealed.node);
	}
	sealed.tid = row->tid;
	memset(node, 0, size);
	node->tid = row->tid;
	node->row = build->header.rows++;
	space_store(build->space, STORAGE_FULL, row->payload, node, (char *) (node + 1));
	BufFileWrite(build->nodes, &size, sizeof(size));
	BufFileWrite(build->nodes, node, size);
	BufFileWrite(build->tids, &sealed, sizeof(sealed));
	if (build->numbers)
		add_words(build, node->row, row->payload);
	else
		add_postings(build, node->row, row->payload, node->scale);
	if (build->progress && build->header.rows % REPORTED_ROWS == 0)
		build->progress(BUILD_LOADING, build->header.rows, 0);
}

/* Makes weights of the frequencies of a term. */
static void
weigh_words(InvertedBuild *build, const WindowPostings *window)
{
	const float *lengths = build->lengths.lengths + (Size) window->window * INVERTED_WINDOW;

	for (uint32 i = 0; i < window->count; i++)
		window->weights[i] = (float) bm25_part(&build->lengths.formula, window->weights[i],
											   lengths[window->rows[i]]);
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

	if (build->numbers)
		weigh_words(build, window);
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

/* Fixes the formula by which weights are computed, and writes the dictionary. */
static void
complete_words(InvertedBuild *build)
{
	SealedWords *words = &build->header.words;
	const RowLengths *lengths = &build->lengths;

	words->k1 = build->space->k1;
	words->b = build->space->b;
	words->mean = build->header.rows > 0 ? (float) (lengths->sum / build->header.rows) : 0;
	words->least = lengths->least;
	words->greatest = lengths->greatest;
	memcpy(words->length, &lengths->sum, sizeof(double));
	build->lengths.formula = (BM25Formula) {words->k1, words->b, words->mean};
	build->dictionary = BufFileCreateTemp(false);
	words->blocks = terms_write(build->numbers, build->dictionary);
}

/* Merges the postings into the parts of the segment, which come into temporary files. */
static void
merge_postings(InvertedBuild *build)
{
	SealedInverted *inverted = &build->header.inverted;

	if (build->numbers)
		complete_words(build);
	build->terms = BufFileCreateTemp(false);
	build->chunks = BufFileCreateTemp(false);
	build->postings = BufFileCreateTemp(false);
	memset(&build->block, 0, sizeof(PostingBlock));
	runs_merge(build->runs, add_window, build);
	runs_end(build->runs);
	if (inverted->term_count > 0)
		BufFileWrite(build->terms, &build->term, sizeof(SealedTerm));
	if (build->posting_count % BLOCK_POSTING_COUNT > 0)
		BufFileWrite(build->postings, &build->block, sizeof(PostingBlock));
	inverted->posting_blocks = extent_blocks_for(
		(build->posting_count + BLOCK_POSTING_COUNT - 1) / BLOCK_POSTING_COUNT, PAYLOAD_SIZE,
		true);
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
	header->inverted.terms = place;
	place += extent_blocks_for(header->inverted.term_count, sizeof(SealedTerm), true);
	header->inverted.chunks = place;
	place += extent_blocks_for(header->inverted.chunk_count, sizeof(SealedChunk), true);
	header->inverted.postings = place;
	place += header->inverted.posting_blocks;
	if (build->numbers)
	{
		header->words.dictionary = place;
		place += header->words.blocks;
	}
	header->cold = header->level[0].first = place;
	header->level[0].blocks = extent_blocks_for(build->end, 1, false);
	header->blocks = place + header->level[0].blocks;
}

static void
end_words(InvertedBuild *build)
{
	BufFileClose(build->dictionary);
	terms_end(build->numbers);
	pfree(build->lengths.lengths);
}

static void
complete_segment(InvertedBuild *build)
{
	SegmentMaking *making = &build->making;

	merge_postings(build);
	if (build->header.rows > 0)
	{
		place_parts(build);
		making->blocks = build->header.blocks;
		making->rows = build->header.rows;
		build->ready(making, build->arg);
	}
	BufFileClose(build->nodes);
	BufFileClose(build->tids);
	BufFileClose(build->terms);
	BufFileClose(build->chunks);
	BufFileClose(build->postings);
	if (build->numbers)
		end_words(build);
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
write_segment(SegmentMaking *making, SegmentEntry *output)
{
	InvertedBuild *build = (InvertedBuild *) making;
	SealedHeader *header = &build->header;
	const SealedInverted *inverted = &header->inverted;
	ExtentWriter writer;

	attributes_place(making->attributes, header);
	extent_writer_begin(&writer, extent_of(build->index, output));
	extent_writer_seek(&writer, 0, BLOCK_SEALED_HEADER);
	extent_writer_put(&writer, header, sizeof(*header));
	extent_writer_seek(&writer, header->tombstones, BLOCK_TOMBSTONES);
	sealed_write_tombstones(&writer, header);
	extent_writer_seek(&writer, header->tids, BLOCK_TIDS);
	write_records(&writer, build->tids, header->rows, sizeof(SealedRow));
	if (inverted->term_count > 0)
	{
		extent_writer_seek(&writer, inverted->terms, BLOCK_TERMS);
		write_records(&writer, build->terms, inverted->term_count, sizeof(SealedTerm));
		extent_writer_seek(&writer, inverted->chunks, BLOCK_CHUNKS);
		write_records(&writer, build->chunks, inverted->chunk_count, sizeof(SealedChunk));
		extent_writer_seek(&writer, inverted->postings, BLOCK_POSTINGS);
		write_records(&writer, build->postings, inverted->posting_blocks, sizeof(PostingBlock));
	}
	if (build->numbers && header->words.blocks > 0)
	{
		extent_writer_seek(&writer, header->words.dictionary, BLOCK_DICTIONARY);
		write_records(&writer, build->dictionary, header->words.blocks, PAYLOAD_SIZE);
	}
	extent_writer_seek(&writer, header->level[0].first, BLOCK_NODES);
	write_nodes(build, &writer);
	extent_writer_end(&writer);
	output->method = METHOD_INVERTED;
	output->rows = header->rows;
}

static uint32
row_number(SegmentMaking *making, uint64 i)
{
	return (uint32) i;
}

InvertedBuild *
inverted_build_begin(Relation index, const Space *space,
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
	build->memory = build_memory();
	begin_segment(build);
	return build;
}

SegmentMaking *
inverted_build_making(InvertedBuild *build)
{
	return &build->making;
}

SegmentMaking *
inverted_from_rows(const SegmentJob *job)
{
	InvertedBuild *build = inverted_build_begin(job->index, &job->space, job->ready, job->arg);

	build->progress = job->progress;
	return &build->making;
}
