/*
 * sample_query.h - a part of the queries that indexes are searched for is kept as samples
 */
#ifndef VECTOR_AM_SAMPLE_QUERY_H
#define VECTOR_AM_SAMPLE_QUERY_H

#include "pg_compat.h"

#include "access/skey.h"
#include "utils/rel.h"

#include "counters/samples.h"
#include "segment/space.h"

/* Defines vector.sample_queries. */
extern void sample_query_init(void);

/* Recall is measured: the queries of this session are the measurement's, and none is sampled. */
extern bool measuring;

/*
 * A scan begins with a query that fits, for so many rows, 0 if not known: it may become a sample.
 */
extern void sample_query(Relation index, const Space *space, const ScanKeyData *query,
						 uint64 wanted);

/* An index, as the samples know it. */
static inline SampledIndex
sampled_index(Relation index)
{
	return (SampledIndex) {RelationGetRelid(index), RelationGetFile(index)};
}

#endif							/* VECTOR_AM_SAMPLE_QUERY_H */
