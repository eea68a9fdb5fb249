/*
 * method.c - sealed segments of inverted lists: always built from their rows
 */
#include "inverted_segment/method.h"

#include "inverted_segment/build.h"
#include "inverted_segment/documents.h"
#include "inverted_segment/lists.h"
#include "inverted_segment/packed.h"

static void
init_space(Space *space, const Directory *directory)
{
	space->k1 = directory->k1;
	space->b = directory->b;
}

/* Temporary files take what does not fit into memory. */
static bool
always(const Space *space)
{
	return true;
}

/* A search adds the same postings, in however many segments they are. */
static bool
never(const Space *space)
{
	return false;
}

static void
inspect(SealedScan *scan, SegmentShow show, void *arg)
{
	const SealedInverted *inverted = &scan->segment->header.inverted;
	const SealedPacked *packed = &scan->segment->header.packed;

	if (sealed_is_packed(&scan->segment->header))
	{
		show(arg, "terms", -1, packed->terms);
		show(arg, "classes of lengths", -1, packed->classes);
		show(arg, "blocks of lists", -1, packed->list_blocks);
		return;
	}
	show(arg, "terms", -1, inverted->term_count);
	show(arg, "chunks of postings", -1, inverted->chunk_count);
	show(arg, "blocks of postings", -1, inverted->posting_blocks);
}

const SegmentMethod inverted_segment_method = {
	.id = METHOD_INVERTED,
	.name = "inverted",
	.init_space = init_space,
	.max_blocks = inverted_max_blocks,
	.may_merge = always,
	.gains_by_merging = never,
	.from_rows = inverted_from_rows,
	.load = inverted_load,
	.reader = &inverted_reader,
	.inspect = inspect,
	.each_row = documents_each_row,
	.check = inverted_check,
	.check_vector = packed_check_vector
};
