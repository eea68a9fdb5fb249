/*
 * sample_query.c - the setting vector.sample_queries
 */
#include "am/sample_query.h"

#include <limits.h>

#include "access/parallel.h"
#include "common/pg_prng.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "segment/directory.h"

static double sample_queries;
bool		measuring;

void
sample_query_init(void)
{
	DefineCustomRealVariable(
		"vector.sample_queries",
		"Sets the fraction of index searches whose query is kept as a sample.",
		"vector_query_samples shows them to the owner of the table, and recall is measured by "
		"them. They are in memory only.",
		&sample_queries, 0, 0, 1, PGC_SUSET, 0, NULL, NULL, NULL);
}

/* Where the choices of this session come from: they are repeatable with vector.seed. */
static pg_prng_state *
choices(void)
{
	static pg_prng_state state;
	static uint64 seeded;
	uint64		seed = directory_seed();

	if (seed == 0)
		return &pg_global_prng_state;
	if (seed != seeded)
		pg_prng_seed(&state, seed);
	seeded = seed;
	return &state;
}

/* A parallel search counts by its leader. */
void
sample_query(Relation index, const Space *space, const ScanKeyData *query, uint64 wanted)
{
	struct varlena *value;
	SampledQuery sample;

	if (sample_queries == 0 || measuring || IsParallelWorker() ||
		(query->sk_flags & SK_ISNULL) || space->element == SPACE_WORDS)
		return;
	if (sample_queries < 1 && pg_prng_double(choices()) >= sample_queries)
		return;
	value = PG_DETOAST_DATUM(query->sk_argument);
	sample = (SampledQuery) {
		.when = GetCurrentTimestamp(), .k = (int32) Min(wanted, INT_MAX), .size = VARSIZE(value),
		.value = value
	};
	samples_offer(sampled_index(index), &sample, space->element == SPACE_SPARSE,
				  pg_prng_uint64(choices()));
}
