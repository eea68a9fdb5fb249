/*
 * centroids.h - the centroids of an index of lists: training them, and which are in use
 *
 * Centroids are an extent of their own, which sealed segments name, so that segments of the same
 * centroids are united list by list.  The newest ones are the index's: new rows go to their lists.
 * Older ones go when no segment names them any more.
 *
 * Whoever writes a segment holds a claim on its centroids from the choice of them until the segment
 * is published: a share lock on the page of the extent's first block.  Retiring them takes it
 * exclusively.
 */
#ifndef VECTOR_LIST_SEGMENT_CENTROIDS_H
#define VECTOR_LIST_SEGMENT_CENTROIDS_H

#include "segment/cache.h"

/* A sample has so many rows a list at most. */
#define CENTROIDS_SAMPLE	64

/* More lists are an error. */
#define CENTROIDS_MAX_LISTS	65536

typedef struct CentroidsTraining CentroidsTraining;

/*
 * Begins a training of centroids for so many rows, within so much memory and by so many threads, in
 * a context of its own.  Fewer lists than asked for where their centroids do not fit; exactly: that
 * is an error.
 */
extern CentroidsTraining *centroids_train(const Space *space, const Directory *directory,
										  double rows, Size memory, int threads, bool exactly);

/* Rows that the sample is wanted to have. */
extern uint32 centroids_wanted(const CentroidsTraining *training);

/* Offers a row; which of them are taken is random, each as likely as any other. */
extern void centroids_offer(CentroidsTraining *training, const char *payload);

/* Rows that were taken. */
extern uint32 centroids_sampled(const CentroidsTraining *training);

/* Trains, and makes the result the index's newest centroids.  Frees the training. */
extern void centroids_finish(CentroidsTraining *training, Relation index, Relation heap);

/* The newest centroids, with a claim on them; false where there are none. */
extern bool centroids_claim(Relation index, SegmentEntry *entry);
extern void centroids_unclaim(Relation index, const SegmentEntry *entry);

/*
 * Whether an index's newest centroids fit its rows no more: there are ten times as many as when
 * they were trained, or rows lie farther from them by a fifth.  Never where vectors are not kept,
 * or maintenance_work_mem has no room for new ones.
 */
extern bool centroids_are_outdated(Relation index, const Space *space,
								   const Directory *directory);

/* Whether sealed segments, all of them sealed, name the same centroids. */
extern bool centroids_of_inputs(Relation index, const SegmentEntry *inputs, int count);

/*
 * Whether a sealed segment may be united with others: not where it has codes alone, of centroids
 * that are not the newest.
 */
extern bool centroids_allow(Relation index, const Space *space, const SegmentEntry *entry);

/* Retires centroids that no segment names, but for the newest. */
extern void centroids_retire(Relation index);

#endif							/* VECTOR_LIST_SEGMENT_CENTROIDS_H */
