/*
 * claim.h - claims: which process may replace a segment, or keeps something as it is
 *
 * Claims are PostgreSQL's page locks; no other file takes any.  They are released at the end of the
 * transaction at the latest, also by an error.  README.md gives their order, and says why it is
 * safe.
 *
 * The claim on an extent is the page lock of its first block.  In exclusive mode it is the right to
 * replace the segment, or to write the extent while it is reserved; the share mode keeps
 * centroids from being retired.  A claim says nothing of what is in the blocks: after taking it, a
 * process reads the directory again, to see whether the segment is still there (directory_has).
 */
#ifndef VECTOR_SEGMENT_CLAIM_H
#define VECTOR_SEGMENT_CLAIM_H

#include "segment/extent.h"

#include "storage/lockdefs.h"

/* Waits for the claim on an extent: never under a content lock. */
extern void claim_wait(Extent extent, LOCKMODE mode);

/* Takes the claim on an extent; returns false if another process has it. */
extern bool claim_try(Extent extent, LOCKMODE mode);

extern void claim_release(Extent extent, LOCKMODE mode);

/* Whether this process has the claim in exclusive mode. */
extern bool claim_is_mine(Extent extent);

/*
 * Claims on the index as a whole, which are page locks of blocks that no index has.
 *
 * CLAIM_REUSE: in share mode, keeps extents from being reused while a process reads them without a
 * snapshot, or with VACUUM's; in exclusive mode, held while entries of retired extents are removed.
 * CLAIM_GROW: held, in exclusive mode, while a growing segment is made.
 */
typedef enum IndexClaim
{
	CLAIM_REUSE = MaxBlockNumber - 1,
	CLAIM_GROW = MaxBlockNumber - 2
} IndexClaim;

extern void claim_index_wait(Relation index, IndexClaim claim, LOCKMODE mode);
extern bool claim_index_try(Relation index, IndexClaim claim, LOCKMODE mode);
extern void claim_index_release(Relation index, IndexClaim claim, LOCKMODE mode);

#endif							/* VECTOR_SEGMENT_CLAIM_H */
