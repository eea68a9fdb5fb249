/*
 * divide.c - the tree by which rows are sent to partitions
 *
 * Each division has two pivot rows from a sample: rows nearer to one pivot go left, rows nearer to
 * the other go right, and those in between go both ways (a spill tree: Liu, Moore, Gray and Yang,
 * NIPS 2004).
 */
#include "graph_segment/build_internal.h"

#include <math.h>

#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define MIN_SAMPLE		16		/* fewer rows do not tell where to divide */
#define PIVOT_PAIRS		20		/* to try, half of them each way */
#define PIVOT_CHOICE	16		/* the second pivot is the farthest of this many rows */
#define PROBES			200		/* rows that should stay with their neighbours, */
#define PROBE_CHOICE	1000	/* each the nearest of this many rows */
#define SIGN_BIT		UINT32_C(0x80000000)

/* A division of the partitions [first, first + count) at first + left. */
typedef struct Split
{
	uint32		first;
	uint32		count;
	uint32		left;
	uint32		lower;			/* the divisions of the two sides */
	uint32		upper;
	bool		by_hash;		/* distances cannot divide the rows */
	bool		ball;			/* divided by a ball, not by a plane */
	uint64		low;			/* keys up to high go to the left, from low on to the right */
	uint64		high;
	uint64		pivots[2];		/* payloads */
} Split;

/*
 * A key of a division: a place, followed by bits that separate rows at the same place, except rows
 * with equal vectors.
 */
static uint64
make_key(float place, uint32 chance)
{
	uint32		bits;

	memcpy(&bits, &place, sizeof(bits));
	bits ^= bits & SIGN_BIT ? PG_UINT32_MAX : SIGN_BIT;		/* in the order of the floats */
	return (uint64) bits << 32 | chance;
}

/*
 * The place of a row between two pivots: how much nearer one is than the other, by a ball as a part
 * of both distances.  Rows at the same place are on a plane between the pivots or on a ball around
 * one of them, which parts rows near each other from those that are far from each other.
 */
static float
place_between(float first, float second, bool ball)
{
	float		place = ball ? (first - second) / (first + second) : first - second;

	return isnan(place) ? 0 : place;
}

/*
 * How far two vectors are from each other where rows are divided: by products, their directions
 * alone count, because by products themselves the long vectors, which are the nearest of most
 * others, would be where none of these is.
 */
static float
distance_of(SegmentBuild *build, const char *a, const char *b)
{
	const Space *space = &build->space;
	float		distance = space_distance(space, a, b);

	return space->metric == SPACE_IP ?
		1 + distance / (float) (space_norm(space, a) * space_norm(space, b)) : distance;
}

/* The key of a vector at a division. */
static uint64
split_key(SegmentBuild *build, const Split *split, const char *payload, uint64 hash)
{
	uint32		number = split->first * BUILD_MAX_PARTS + split->count;
	uint32		chance = (uint32) hash_bytes_uint32_extended(number, hash);

	if (split->by_hash)
		return make_key(0, chance);
	return make_key(place_between(
		distance_of(build, build_address(build, split->pivots[0]), payload),
		distance_of(build, build_address(build, split->pivots[1]), payload), split->ball), chance);
}

static uint32
route_row(SegmentBuild *build, uint32 which, const char *payload, uint64 hash, uint32 *parts)
{
	const Split *splits = build_address(build, build->shared->splits);
	const Split *split = &splits[which];
	uint32		n = 0;
	uint64		key;

	if (split->count == 1)
	{
		parts[0] = split->first;
		return 1;
	}
	key = split_key(build, split, payload, hash);
	if (key <= split->high)
		n += route_row(build, split->lower, payload, hash, parts);
	if (key >= split->low)
		n += route_row(build, split->upper, payload, hash, parts + n);
	return n;
}

uint32
divide_route(SegmentBuild *build, const char *payload, uint64 hash, uint32 *parts)
{
	return route_row(build, 0, payload, hash, parts);
}

typedef struct SampleKey
{
	uint64		key;
	uint32		row;
} SampleKey;

static int
compare_keys(const void *a, const void *b)
{
	uint64		x = ((const SampleKey *) a)->key;
	uint64		y = ((const SampleKey *) b)->key;

	return x < y ? -1 : x > y;
}

static uint64
keep_payload(SegmentBuild *build, uint32 row)
{
	Size		size = build_row(build, row)->size;
	uint64		handle = build_allocate_lasting(build, size);

	memcpy(build_address(build, handle), build_payload(build, row), size);
	return handle;
}

/* The state of building the tree. */
typedef struct Division
{
	SegmentBuild *build;
	Split	   *splits;
	uint32		count;
	double		overlap;
	pg_prng_state random;
	uint32		probes[PROBES];	/* rows of the part being divided, */
	uint32		nearest[PROBES];	/* and a near neighbour of each */
} Division;

static float
sample_distance(SegmentBuild *build, uint32 a, uint32 b)
{
	return distance_of(build, build_payload(build, a), build_payload(build, b));
}

static uint32
random_row(Division *division, const SampleKey *sample, uint32 n)
{
	return sample[pg_prng_uint64_range(&division->random, 0, n - 1)].row;
}

/* Picks probes, and for each the nearest of other rows. */
static void
pick_probes(Division *division, const SampleKey *sample, uint32 n)
{
	uint32		choice[PROBE_CHOICE];

	for (int i = 0; i < PROBE_CHOICE; i++)
		choice[i] = random_row(division, sample, n);
	for (int i = 0; i < PROBES; i++)
	{
		float		least = INFINITY;

		CHECK_FOR_INTERRUPTS();
		division->probes[i] = division->nearest[i] = random_row(division, sample, n);
		for (int k = 0; k < PROBE_CHOICE; k++)
		{
			float		distance = sample_distance(division->build, division->probes[i],
												   choice[k]);

			if (distance < least && choice[k] != division->probes[i])
			{
				least = distance;
				division->nearest[i] = choice[k];
			}
		}
	}
}

/* Two rows that might be pivots. */
typedef struct Pair
{
	uint32		rows[2];
	bool		ball;
} Pair;

static uint64
pair_key(SegmentBuild *build, const Pair *pair, uint32 row)
{
	return make_key(place_between(sample_distance(build, pair->rows[0], row),
								  sample_distance(build, pair->rows[1], row), pair->ball), 0);
}

/* Counts the probes that a pair of pivots would separate from their neighbours. */
static int
count_parted(Division *division, const Pair *pair, double share)
{
	SampleKey	keys[PROBES];
	uint64		low;
	uint64		high;
	int			parted = 0;

	for (int i = 0; i < PROBES; i++)
		keys[i] = (SampleKey) {pair_key(division->build, pair, division->probes[i]), i};
	qsort(keys, PROBES, sizeof(SampleKey), compare_keys);
	low = keys[(int) Max(0, PROBES * (share - division->overlap / 2))].key;
	high = keys[(int) Min(PROBES - 1, PROBES * (share + division->overlap / 2))].key;
	for (int i = 0; i < PROBES; i++)
	{
		uint64		other = pair_key(division->build, pair, division->nearest[keys[i].row]);

		parted += (keys[i].key < low && other > high) || (keys[i].key > high && other < low);
	}
	return parted;
}

/* Chooses two rows far from each other that separate few neighbours. */
static void
choose_pivots(Division *division, Split *split, const SampleKey *sample, uint32 n)
{
	SegmentBuild *build = division->build;
	Pair		best = {.ball = false};
	int			least = PROBES + 1;

	pick_probes(division, sample, n);
	for (int trial = 0; trial < PIVOT_PAIRS && least > 0; trial++)
	{
		Pair		pair = {.ball = trial % 2};
		float		farthest = -INFINITY;
		int			parted;

		pair.rows[0] = pair.rows[1] = random_row(division, sample, n);
		for (int i = 0; i < PIVOT_CHOICE; i++)
		{
			uint32		row = random_row(division, sample, n);
			float		distance = sample_distance(build, pair.rows[0], row);

			if (distance > farthest)
			{
				farthest = distance;
				pair.rows[1] = row;
			}
		}
		parted = count_parted(division, &pair, (double) split->left / split->count);
		if (parted < least)
		{
			least = parted;
			best = pair;
		}
	}
	split->pivots[0] = keep_payload(build, best.rows[0]);
	split->pivots[1] = keep_payload(build, best.rows[1]);
	split->ball = best.ball;
}

/*
 * Divides a part of the sample by two of its rows and sorts it by key; *both_from and *both_to
 * delimit the rows that go both ways.
 */
static void
divide_part(Division *division, Split *split, SampleKey *sample, uint32 n, uint32 *both_from,
			uint32 *both_to)
{
	SegmentBuild *build = division->build;
	double		middle = (double) n * split->left / split->count;

	choose_pivots(division, split, sample, n);
	for (uint32 i = 0; i < n; i++)
		sample[i].key = split_key(build, split, build_payload(build, sample[i].row),
								  build_row(build, sample[i].row)->hash);
	qsort(sample, n, sizeof(SampleKey), compare_keys);
	*both_from = (uint32) Max(0, middle - n * division->overlap / 2);
	*both_to = (uint32) Min(n - 1, middle + n * division->overlap / 2) + 1;
	split->low = sample[*both_from].key;
	split->high = sample[*both_to - 1].key;
}

/* Divides the partitions by hashes, because the sample does not tell how. */
static void
divide_by_hash(Division *division, Split *split)
{
	double		middle = (double) split->left / split->count;

	split->by_hash = true;
	split->low = make_key(0, (uint32) (PG_UINT32_MAX * Max(0, middle - division->overlap / 2)));
	split->high = make_key(0, (uint32) (PG_UINT32_MAX * Min(1, middle + division->overlap / 2)));
}

/* Divides a part of the sample, which it reorders; returns the division. */
static uint32
divide(Division *division, SampleKey *sample, uint32 n, uint32 first, uint32 count)
{
	uint32		which = division->count++;
	Split	   *split = &division->splits[which];
	uint32		both_from = 0;
	uint32		both_to = n;
	Size		both;
	SampleKey  *kept;

	check_stack_depth();
	memset(split, 0, sizeof(*split));
	split->first = first;
	split->count = count;
	if (count == 1)
		return which;
	split->left = count / 2;
	if (n >= MIN_SAMPLE)
		divide_part(division, split, sample, n, &both_from, &both_to);
	else
		divide_by_hash(division, split);

	/*
	 * the division of the lower side also reorders rows that belong to the upper side, so keep a
	 * copy
	 */
	both = sizeof(SampleKey) * (both_to - both_from);
	kept = MemoryContextAllocHuge(division->build->context, Max(both, 1));
	memcpy(kept, sample + both_from, both);
	split->lower = divide(division, sample, both_to, first, split->left);
	memcpy(sample + both_from, kept, both);
	pfree(kept);
	split->upper = divide(division, sample + both_from, n - both_from, first + split->left,
						  count - split->left);
	return which;
}

void
divide_sample(SegmentBuild *build, double overlap)
{
	BuildShared *shared = build->shared;
	Division	division = {.build = build, .overlap = overlap};
	SampleKey  *sample;
	uint32		n = shared->nodes;

	build->nodes = build_address(build, shared->nodes_handle);
	sample = MemoryContextAllocHuge(build->context, sizeof(SampleKey) * n);
	shared->splits = build_allocate_lasting(build, sizeof(Split) * 2 * shared->partitions);
	division.splits = build_address(build, shared->splits);
	pg_prng_seed(&division.random, shared->space.seed);
	for (uint32 i = 0; i < n; i++)
		sample[i].row = build_node_row(build, i);
	divide(&division, sample, n, 0, shared->partitions);
	pfree(sample);
}
