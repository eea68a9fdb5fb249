/*
 * seal.h - making sealed segments of growing ones, and of sealed ones with too many dead rows
 */
#ifndef VECTOR_SEGMENT_SEAL_H
#define VECTOR_SEGMENT_SEAL_H

#include "segment/method.h"

typedef enum SealWait
{
	SEAL_IF_FREE,				/* not if another process is at it */
	SEAL_WAIT
} SealWait;

typedef enum SealMerge
{
	MERGE_DUE,					/* one with many dead rows, or several of one size */
	MERGE_IDLE,					/* a large one and those smaller, once there is time */
	MERGE_ALL
} SealMerge;

#define SEAL_MIN_ROWS		32
#define SEAL_MAX_ROWS		100000000

/* vector.seal_rows, of indexes that do not say; vector.merge_factor */
extern int	seal_default_rows;
extern int	seal_merge_factor;

/* Defines these settings. */
extern void seal_init(void);

/* Told how far a build is, in a process that cares; else NULL. */
extern BuildProgress seal_report;

/*
 * Makes sealed segments of the oldest growing ones, as many as have max_rows rows, if those that
 * are to be had have min_rows.  Returns the number of segments that were replaced.
 */
extern int	seal_growing(Relation index, Relation heap, SealWait wait, uint64 min_rows,
						 uint64 max_rows);

/*
 * Unites sealed segments without their dead rows.  Due are one with more than a fifth of them dead,
 * and vector.merge_factor or more of one size; once there is time, one graph of the smaller
 * ones too, and of a larger one that is at most vector.merge_factor times all of them.  Returns the
 * number of segments that were replaced.
 */
extern int	seal_merge(Relation index, Relation heap, SealWait wait, SealMerge what);

/*
 * Whether so many rows wait to be sealed, of which seal_rows are sealed at once, that merging
 * should wait, too; not for ever.
 */
extern bool seal_is_behind(Relation index, uint64 seal_rows);

/* Whether there are so many sealed segments that who adds one should merge some. */
extern bool seal_is_crowded(Relation index);

/* Whether there is anything of that kind to merge. */
extern bool seal_has_merge(Relation index, SealMerge what);

/* Waits until a growing segment is sealed that another process is at, if there is one. */
extern void seal_await(Relation index);

/* Retires segments without live rows; returns how many. */
extern int	seal_retire_empty(Relation index);

#endif							/* VECTOR_SEGMENT_SEAL_H */
