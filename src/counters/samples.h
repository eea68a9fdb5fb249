/*
 * samples.h - queries of each index, drawn from those that all sessions have searched for
 *
 * They are values that users have searched for: they are kept in shared memory only, and whoever
 * hands them out has to check that they are for the owner of the table.  An index that is dropped
 * or rewritten has none from the end of that transaction on, a server that has been started again
 * none at all.  A standby has its own.
 *
 * The samples of an index take at most SAMPLES_ROOM, those of all of them SAMPLES_TOTAL: those of
 * the index not searched for longest make room for others.
 */
#ifndef VECTOR_COUNTERS_SAMPLES_H
#define VECTOR_COUNTERS_SAMPLES_H

#include "pg_compat.h"

#include "datatype/timestamp.h"

#define SAMPLES_ROOM	(1024 * 1024)
#define SAMPLES_TOTAL	(16 * SAMPLES_ROOM)
#define SAMPLES_MOST	1000	/* of an index */
#define SAMPLES_ENOUGH	100		/* to tell recall, rather than by rows */

/* An index of this database, with its file: another one has other samples. */
typedef struct SampledIndex
{
	Oid			index;
	Oid			file;
} SampledIndex;

typedef struct SampledQuery
{
	TimestampTz when;
	int32		k;				/* rows wanted; 0: not known */
	Size		size;
	const void *value;			/* aligned */
} SampledQuery;

/*
 * Takes a query into account, which has the index's type; the size of values of a type may vary or
 * not.  The choices follow from the number if the index has no samples yet.
 */
extern void samples_offer(SampledIndex index, const SampledQuery *query, bool varies,
						  uint64 random);

/*
 * Copies the samples of an index, in random order; returns how many there are.  Raises an error if
 * there is no shared memory for them.
 */
extern int	samples_read(SampledIndex index, SampledQuery **queries);

/* How many samples an index has. */
extern int	samples_count(SampledIndex index);

/* Begins anew for an index. */
extern void samples_reset(Oid index);

/* Called when the library is loaded. */
extern void samples_init(void);

#endif							/* VECTOR_COUNTERS_SAMPLES_H */
