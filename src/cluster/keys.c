/*
 * keys.c - the smallest keys, by partial quicksort
 */
#include "cluster/keys.h"

#define SORT_BY_INSERTION	12

static inline void
swap_keys(uint64_t *a, uint64_t *b)
{
	uint64_t	t = *a;

	*a = *b;
	*b = t;
}

static void
sort_by_insertion(uint64_t *keys, size_t n)
{
	for (size_t i = 1; i < n; i++)
	{
		uint64_t	key = keys[i];
		size_t		j = i;

		for (; j > 0 && keys[j - 1] > key; j--)
			keys[j] = keys[j - 1];
		keys[j] = key;
	}
}

/*
 * Partitions by the median of three and returns its place.  The result of a comparison only enters
 * a sum, so there is no branch to mispredict (Lomuto's scheme).
 */
static size_t
partition_keys(uint64_t *keys, size_t n)
{
	uint64_t   *last = &keys[n - 1];
	uint64_t	pivot;
	size_t		less = 0;

	if (keys[0] > keys[n / 2])
		swap_keys(&keys[0], &keys[n / 2]);
	if (keys[n / 2] < *last)
		swap_keys(&keys[n / 2], last);
	if (keys[0] > *last)
		swap_keys(&keys[0], last);
	pivot = *last;
	for (size_t i = 0; i < n - 1; i++)
	{
		uint64_t	key = keys[i];

		keys[i] = keys[less];
		keys[less] = key;
		less += key < pivot;
	}
	swap_keys(&keys[less], last);
	return less;
}

void
cluster_select_first(uint64_t *keys, size_t n, size_t wanted)
{
	while (wanted > 0 && wanted < n)
	{
		size_t		place = partition_keys(keys, n);

		if (place >= wanted)
			n = place;
		else
		{
			keys += place + 1;
			n -= place + 1;
			wanted -= place + 1;
		}
	}
}

static void
sort_keys(uint64_t *keys, size_t n)
{
	while (n > SORT_BY_INSERTION)
	{
		size_t		place = partition_keys(keys, n);

		/* recurse into the shorter side, so that calls do not nest deeply */
		if (place < n / 2)
		{
			sort_keys(keys, place);
			keys += place + 1;
			n -= place + 1;
		}
		else
		{
			sort_keys(keys + place + 1, n - place - 1);
			n = place;
		}
	}
	sort_by_insertion(keys, n);
}

void
cluster_sort_first(uint64_t *keys, size_t n, size_t wanted)
{
	cluster_select_first(keys, n, wanted);
	sort_keys(keys, wanted < n ? wanted : n);
}
