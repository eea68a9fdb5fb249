/*
 * seal.h - sealing growing segments, and merging sealed ones
 */
#ifndef VECTOR_SEGMENT_SEAL_H
#define VECTOR_SEGMENT_SEAL_H

#include "segment/method.h"

typedef enum SealWait
{
	SEAL_IF_FREE,				/* only segments that no other process has claimed */
	SEAL_WAIT
} SealWait;

typedef enum SealMerge
{
	MERGE_DUE,					/* one size class; one with many dead rows, or an old format */
	MERGE_IDLE,					/* once a worker is idle: what changes a segment by a tenth */
	MERGE_ALL
} SealMerge;

/* Idle workers and VACUUM seal growing segments that have at least this part of seal_rows. */
#define SEAL_FRACTION		16

#define SEAL_MIN_ROWS		32
#define SEAL_MAX_ROWS		100000000

/* vector.seal_rows, for indexes without that option; vector.merge_factor */
extern int	seal_default_rows;
extern int	seal_merge_factor;

/* Defines these settings. */
extern void seal_init(void);

/* Called with the progress of a build, in processes that report it; else NULL. */
extern BuildProgress seal_report;

/*
 * Builds sealed segments from the oldest growing ones, as many as have max_rows rows together, if
 * those that could be claimed have at least min_rows or one of them has an old format.  Returns the
 * number of segments replaced.
 */
extern int	seal_growing(Relation index, Relation heap, SealWait wait, uint64 min_rows,
						 uint64 max_rows);

/*
 * Merges sealed segments, without their dead rows.  Due are a segment of which a fifth of the rows
 * are dead, vector.merge_factor or more segments of one size class, and segments with an old
 * format; when a worker is idle also the smaller graphs or lists, together with larger ones that
 * have at most ten times as many rows as all of them and the dead ones, and a segment that has at
 * most ten times as many rows as dead ones.  Returns the number of segments replaced.
 */
extern int	seal_merge(Relation index, Relation heap, SealWait wait, SealMerge what);

/*
 * For those who have just sealed: merges what is due if the sealed segments are so many that the
 * directory may become full before a worker comes to it.
 */
extern void seal_relieve(Relation index, Relation heap);

/*
 * Called before a merge of that kind.  If the result would find no room unless the file became much
 * longer than what it holds, moves a segment; further calls move others until there is room.
 * SEAL_ROOM: no move is necessary or possible.  SEAL_ROOM_LATER: not before old snapshots are gone.
 */
typedef enum SealRoom
{
	SEAL_ROOM, SEAL_MOVED, SEAL_ROOM_LATER
} SealRoom;

extern SealRoom seal_make_room(Relation index, SealMerge what);

/* The number of rows in growing segments, dead ones too. */
extern uint64 seal_count_growing(Relation index);

/*
 * Whether so many rows wait to be sealed, compared with the seal_rows that are sealed at once, that
 * merges should wait as well; they do not wait for ever.
 */
extern bool seal_is_behind(Relation index, uint64 seal_rows);

/* Whether there are so many sealed segments that a process that adds one should also merge. */
extern bool seal_is_crowded(Relation index);

/* Whether there is a merge of that kind to be done. */
extern bool seal_has_merge(Relation index, SealMerge what);

/* If another process has claimed a growing segment, waits until that is sealed. */
extern void seal_await(Relation index);

/* Retires segments without live rows; returns how many. */
extern int	seal_retire_empty(Relation index);

#endif							/* VECTOR_SEGMENT_SEAL_H */
