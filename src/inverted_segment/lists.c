/*
 * lists.c - finds terms, and reads their chunks and postings
 */
#include "inverted_segment/lists.h"

#include "inverted_segment/packed.h"

#define BLOCK_TERM_COUNT	(PAYLOAD_SIZE / sizeof(SealedTerm))
#define BLOCK_CHUNK_COUNT	(PAYLOAD_SIZE / sizeof(SealedChunk))

static const SealedInverted *
inverted_of(const SealedScan *scan)
{
	return &scan->segment->header.inverted;
}

void
inverted_load(CachedSegment *segment, Relation index)
{
	const SealedInverted *inverted = &segment->header.inverted;
	uint32		blocks;
	InvertedTerms *terms;

	if (sealed_is_packed(&segment->header))
	{
		packed_load(segment, index);
		return;
	}
	blocks = extent_blocks_for(inverted->term_count, sizeof(SealedTerm), true);
	terms = palloc(offsetof(InvertedTerms, first) + sizeof(uint32) * blocks);
	terms->blocks = blocks;
	for (uint32 i = 0; i < blocks; i++)
		extent_read(cached_extent(&segment->part, index), inverted->terms + i, 0,
					&terms->first[i], sizeof(uint32));
	segment->loaded = terms;
}

/* The number of values, ascending and `stride` apart, that are not greater than this. */
static uint32
count_up_to(const uint32 *values, uint32 count, uint32 stride, uint32 value)
{
	uint32		low = 0;
	uint32		high = count;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (values[(Size) middle * stride] <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
inverted_find_term(SealedScan *scan, uint32 dim, SealedTerm *term)
{
	const InvertedTerms *terms = scan->segment->loaded;
	uint32		block = count_up_to(terms->first, terms->blocks, 1, dim);
	const SealedTerm *found;
	BlockToken	token;
	uint32		count;

	if (block == 0)
		return false;
	block--;
	count = Min(BLOCK_TERM_COUNT, inverted_of(scan)->term_count - block * BLOCK_TERM_COUNT);
	found = (const SealedTerm *) sealed_open_block(scan, inverted_of(scan)->terms + block, &token);
	count = count_up_to(&found->dim, count, sizeof(SealedTerm) / sizeof(uint32), dim);
	*term = found[Max(count, 1) - 1];
	block_close(&scan->reader, &token);
	return term->dim == dim;
}

static void
check_chunk(const SealedScan *scan, const SealedChunk *chunk)
{
	const SealedHeader *header = &scan->segment->header;

	if (chunk->count > INVERTED_WINDOW ||
		(uint64) chunk->window * INVERTED_WINDOW >= header->rows ||
		chunk->first + chunk->count >
		(uint64) header->inverted.posting_blocks * BLOCK_POSTING_COUNT)
		sealed_damaged(scan->index, "Segment %u has a list of %u rows in window %u.",
					   scan->segment->part.uid, chunk->count, chunk->window);
}

void
inverted_read_chunks(SealedScan *scan, const SealedTerm *term, SealedChunk *chunks)
{
	if ((uint64) term->chunk + term->chunks > inverted_of(scan)->chunk_count)
		sealed_damaged(scan->index, "Segment %u has no lists of dimension %u.",
					   scan->segment->part.uid, term->dim);
	for (uint32 done = 0; done < term->chunks;)
	{
		uint32		chunk = term->chunk + done;
		uint32		start = chunk % BLOCK_CHUNK_COUNT;
		uint32		n = Min(term->chunks - done, BLOCK_CHUNK_COUNT - start);
		BlockToken	token;
		const char *payload = sealed_open_block(scan, inverted_of(scan)->chunks +
												chunk / BLOCK_CHUNK_COUNT, &token);

		memcpy(chunks + done, (const SealedChunk *) payload + start, n * sizeof(SealedChunk));
		block_close(&scan->reader, &token);
		for (uint32 i = 0; i < n; i++)
			check_chunk(scan, &chunks[done + i]);
		done += n;
	}
}

static BlockNumber
posting_place(const SealedScan *scan, uint64 posting)
{
	return inverted_of(scan)->postings + (BlockNumber) (posting / BLOCK_POSTING_COUNT);
}

void
inverted_read_postings(SealedScan *scan, uint64 posting, PostingBlock *block)
{
	BlockToken	token;

	memcpy(block, sealed_open_block(scan, posting_place(scan, posting), &token),
		   sizeof(PostingBlock));
	block_close(&scan->reader, &token);
}

/* InvertedSource.open: the rest of the list that is in the same block. */
static void
open_piece(void *arg, const InvertedList *list, uint32_t done, uint16_t from,
		   InvertedPiece *piece)
{
	ListSource *state = arg;
	uint64		posting = list->first + done;
	uint32		start = (uint32) (posting % BLOCK_POSTING_COUNT);
	const PostingBlock *block = (const PostingBlock *)
		sealed_open_block(state->scan, posting_place(state->scan, posting), &state->token);

	*piece = (InvertedPiece) {
		.rows = block->rows + start, .codes = block->codes + start,
		.count = (uint32) Min(list->count - done, BLOCK_POSTING_COUNT - start)
	};
}

static void
close_piece(void *arg)
{
	ListSource *state = arg;

	block_close(&state->scan->reader, &state->token);
}

InvertedSource
inverted_source(ListSource *state)
{
	return (InvertedSource) {open_piece, close_piece, state};
}
