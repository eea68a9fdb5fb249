/*
 * centroids.h - the centroids of an index of lists: training them, and which are in use
 *
 * Centroids are in an extent of their own, which sealed segments name, so that segments with the
 * same centroids can be merged list by list.  The newest centroids are the index's: new rows go to
 * their lists.  Older ones are retired when no segment names them.
 *
 * A process that assigns rows to centroids holds a claim on them from choosing them until its
 * segment is published: a share lock on the page of the extent's first block.  Retiring centroids
 * takes that lock exclusively.
 */
#ifndef VECTOR_LIST_SEGMENT_CENTROIDS_H
#define VECTOR_LIST_SEGMENT_CENTROIDS_H

#include "segment/cache.h"

/* Maximum number of rows in a sample for each list. */
#define CENTROIDS_SAMPLE	64

/* More lists than this are an error. */
#define CENTROIDS_MAX_LISTS	65536

typedef struct CentroidsTraining CentroidsTraining;

/*
 * Begins a training of centroids for this many rows, within this much memory and with this many
 * threads, in a memory context of its own.  If the centroids for the number of lists asked for do
 * not fit, there are fewer; with `exactly`, that is an error.
 */
extern CentroidsTraining *centroids_train(const Space *space, const Directory *directory,
										  double rows, Size memory, int threads, bool exactly);

/* The number of rows that the sample should have. */
extern uint32 centroids_wanted(const CentroidsTraining *training);

/* Offers a row for the sample; each row is taken with the same probability. */
extern void centroids_offer(CentroidsTraining *training, const char *payload);

/* The number of rows in the sample. */
extern uint32 centroids_sampled(const CentroidsTraining *training);

/* Trains the centroids, and makes them the index's newest ones. Frees the training. */
extern void centroids_finish(CentroidsTraining *training, Relation index, Relation heap);

/* Takes a claim on the newest centroids; returns false if there are none. */
extern bool centroids_claim(Relation index, SegmentEntry *entry);
extern void centroids_unclaim(Relation index, const SegmentEntry *entry);

/*
 * Whether an index's newest centroids are out of date: there are ten times as many rows as when
 * they were trained, or twice as many, which are farther from them by a fifth.  Never if vectors
 * are not kept, or maintenance_work_mem has no room for new centroids.
 */
extern bool centroids_are_outdated(Relation index, const Space *space,
								   const Directory *directory);

/* Whether the inputs are all sealed and name the same centroids. */
extern bool centroids_of_inputs(Relation index, const SegmentEntry *inputs, int count);

/*
 * Whether a sealed segment may be replaced: not if it has only codes, relative to centroids that
 * are not the newest.
 */
extern bool centroids_allow(Relation index, const Space *space, const SegmentEntry *entry);

/* Retires the centroids that no segment names, except the newest. */
extern void centroids_retire(Relation index);

#endif							/* VECTOR_LIST_SEGMENT_CENTROIDS_H */
