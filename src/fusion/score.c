/*
 * score.c - the scores of rows that several searches have found
 *
 * Shares are negative, so that less is better, as of a distance.  Of equal distances the row with
 * the smaller TID comes first, and of equal scores that of the better rank in the first arm, then
 * that with the smaller TID.  So one statement has one order, whatever the order of its arms' rows
 * among equal distances is.
 */
#include "fusion/score.h"

#include <math.h>

#include "utils/memutils.h"

void
fusion_add_hit(FusionHits *hits, FusionKey key, int arm, double distance)
{
	if (hits->count == hits->room)
	{
		hits->room = hits->room ? 2 * hits->room : 256;
		hits->hits = hits->hits ?
			repalloc_huge(hits->hits, sizeof(FusionHit) * hits->room) :
			MemoryContextAlloc(hits->context, sizeof(FusionHit) * hits->room);
	}
	hits->hits[hits->count++] = (FusionHit) {.key = key, .arm = arm, .value = distance};
}

static int
compare_keys(FusionKey a, FusionKey b)
{
	if (a.table != b.table)
		return a.table < b.table ? -1 : 1;
	return ItemPointerCompare(&a.tid, &b.tid);
}

static int
compare_distances(const void *a, const void *b)
{
	const FusionHit *x = a;
	const FusionHit *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return compare_keys(x->key, y->key);
}

static int
compare_hits(const void *a, const void *b)
{
	const FusionHit *x = a;
	const FusionHit *y = b;
	int			order = compare_keys(x->key, y->key);

	if (order != 0)
		return order;
	return x->arm != y->arm ? (x->arm < y->arm ? -1 : 1) : (x->rank < y->rank ? -1 : 1);
}

static int
compare_rows(const void *a, const void *b)
{
	const FusionRow *x = a;
	const FusionRow *y = b;

	if (x->score != y->score)
		return x->score < y->score ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return compare_keys(x->key, y->key);
}

double
fusion_rank_hits(FusionHits *hits, int64 from, FusionMethod method, double k, double weight)
{
	FusionHit  *hit = hits->hits + from;
	int64		count = hits->count - from;
	double		nearest;
	double		farthest;

	if (count == 0)
		return 0;
	qsort(hit, count, sizeof(FusionHit), compare_distances);
	nearest = hit[0].value;
	farthest = hit[count - 1].value;
	for (int64 i = 0; i < count; i++)
	{
		hit[i].rank = i + 1;
		switch (method)
		{
			case FUSE_RANKS:
				hit[i].value = -weight / (k + (double) hit[i].rank);
				break;
			case FUSE_MINMAX:
				hit[i].value = farthest > nearest ?
					-weight * ((farthest - hit[i].value) / (farthest - nearest)) : -weight;
				break;
			case FUSE_ARCTAN:
				hit[i].value = -weight * (0.5 - atan(hit[i].value) / M_PI);
				break;
			case FUSE_DISTANCES:
				hit[i].value *= weight;
				break;
		}
	}
	/* as far as the farthest row that was found; a negative product of no match is 0 */
	return method == FUSE_DISTANCES ? weight * Max(farthest, 0) : 0;
}

FusionRow *
fusion_rows(FusionHits *hits, int arms, const double *missing, int64 *count)
{
	FusionRow  *rows = MemoryContextAllocHuge(hits->context,
											  sizeof(FusionRow) * Max(hits->count, 1));
	double	   *shares = palloc(sizeof(double) * arms);
	int64		n = 0;

	if (hits->count > 0)
		qsort(hits->hits, hits->count, sizeof(FusionHit), compare_hits);
	for (int64 i = 0; i < hits->count;)
	{
		FusionRow  *row = &rows[n++];

		*row = (FusionRow) {.key = hits->hits[i].key, .rank = PG_INT64_MAX};
		memcpy(shares, missing, sizeof(double) * arms);
		for (; i < hits->count && compare_keys(hits->hits[i].key, row->key) == 0; i++)
		{
			const FusionHit *hit = &hits->hits[i];

			shares[hit->arm] = hit->value;
			if (hit->arm == 0)
				row->rank = hit->rank;
		}
		for (int arm = 0; arm < arms; arm++)
			row->score += shares[arm];
	}
	if (n > 0)
		qsort(rows, n, sizeof(FusionRow), compare_rows);
	pfree(shares);
	*count = n;
	return rows;
}
