/*
 * method.c - sealed segments of inverted lists: when they are merged, and when rebuilt from rows
 */
#include "list_segment/method.h"

#include "miscadmin.h"

#include "list_segment/cached.h"
#include "list_segment/centroids.h"
#include "list_segment/lists.h"
#include "list_segment/scan.h"
#include "segment/memory.h"
#include "segment/replace.h"

static void
init_space(Space *space, const Directory *directory)
{
	space_use_lists(space, directory->quantizer, directory->bits, (int) directory->pq_m,
					directory->storage);
}

static bool
always(const Space *space)
{
	return true;
}

/* Segments with the same centroids are merged, unless the centroids are out of date. */
static bool
merges(const SegmentJob *job)
{
	return !job->renewed && centroids_of_inputs(job->index, job->inputs, job->input_count);
}

static void
offer_row(void *arg, uint32 number, bool dead, const SegmentRow *row)
{
	CHECK_FOR_OTHERS();
	centroids_offer(arg, row->payload);
}

/* Trains centroids on the inputs' rows. */
static void
train(const SegmentJob *job)
{
	CentroidsTraining *training = centroids_train(&job->space, cache_directory(job->cached),
												  segment_input_rows(job), build_memory(), 1,
												  false);

	for (int i = 0; i < job->input_count; i++)
		segment_each_row(job, i, offer_row, training);
	centroids_finish(training, job->index, job->heap);
}

/*
 * Assigns rows to the lists of the newest centroids, or of new ones if there are none or they are
 * out of date.
 */
static SegmentMaking *
from_rows(const SegmentJob *job)
{
	SegmentEntry claimed;
	CachedIndex *cached;

	if (job->renewed || !centroids_claim(job->index, &claimed))
	{
		train(job);
		if (!centroids_claim(job->index, &claimed))
			elog(ERROR, "new centroids are gone");
	}
	cached = cache_index(job->index);
	return lists_build_of_job(job, cache_acquire_centroids(cached, job->index, claimed.uid),
							  &claimed);
}

/* The part of a stored segment that may stay in the file. */
#define LOCAL_PART		0.08

/*
 * Fine codes and vectors.  The codes, which each search reads of whole lists, stay in the file
 * unless that is too large a part, or there is nothing else.
 */
static BlockNumber
stored_cold(const SealedHeader *header)
{
	const SealedLists *lists = &header->lists;

	if (lists->codes == header->blocks)
		return 0;
	return lists->fine < header->blocks && lists->fine <= LOCAL_PART * header->blocks ?
		lists->fine : lists->codes;
}

static const SegmentTiering lists_tiering = {.cold = stored_cold};

const SegmentMethod list_segment_method = {
	.id = METHOD_LISTS,
	.name = "lists",
	.init_space = init_space,
	.may_merge = always,
	.gains_by_merging = always,
	.allows = centroids_allow,
	.is_outdated = centroids_are_outdated,
	.merges = merges,
	.from_segments = lists_merge,
	.from_rows = from_rows,
	.retire = centroids_retire,
	.load = cached_lists_load,
	.unload = cached_lists_unload,
	.tiering = &lists_tiering,
	.reader = &lists_reader,
	.inspect = lists_inspect,
	.check = lists_check
};
