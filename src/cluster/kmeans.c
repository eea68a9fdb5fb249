/*
 * kmeans.c - choosing the first centroids, Lloyd's iterations, division of lists, two levels
 */
#include "cluster/kmeans.h"

#include <math.h>
#include <string.h>

#include "cluster/blas.h"
#include "cluster/centroids.h"
#include "cluster/threads.h"
#include "distance/distance.h"

/* For each centroid, the first centroids are chosen among this many points, by k-means++. */
#define SEEDING_POINTS		4

/* Early iterations use every stride-th point, but at least this many for each centroid. */
#define STRIDE_POINTS		60

/* From this many centroids on, training has two levels. */
#define TWO_LEVELS			128
#define GROUP_POINTS		256		/* for each centroid of a group */

/* Work between two calls of interrupt: multiplications, and bytes that fit a third-level cache. */
#define PORTION_PRODUCTS	UINT64_C(2000000000)
#define PORTION_BYTES		(8 << 20)
#define PORTION_ROWS		2048	/* at least */

/* Rounds after the last iteration that divide lists which are still too long. */
#define BALANCE_ROUNDS		10
#define DIVISION_ITERATIONS	4

typedef float Floats __attribute__((vector_size(16), aligned(4), may_alias));

typedef struct Trainer
{
	const KmeansOptions *options;
	uint32_t	dims;
	uint32_t	threads;
	uint64_t	random;

	/* of the current training, which may be that of one group */
	const float *points;
	size_t		n;
	uint32_t	k;
	float	   *centroids;

	/* room for the largest training */
	uint32_t   *lists;			/* by point */
	uint32_t   *rows;			/* by point: grouped by list; also the newly assigned lists */
	float	   *scores;			/* by point */
	float	   *half_norms;		/* by centroid */
	uint32_t   *counts;			/* by centroid */
	uint32_t   *starts;			/* by centroid, plus one: first place in rows */
	uint8_t    *touched;		/* by centroid: see divide_lists */
	float	   *sums;			/* k x dims */
	void	   *scratch;

	/* with two levels: all points grouped, one group's points, the groups and their sizes */
	uint32_t   *order;
	float	   *gathered;
	size_t		gathered_room;	/* points */
	float	   *groups;
	uint32_t   *group_counts;

	/* a portion, for the threads that sum it up */
	const float *portion;
	size_t		portion_rows;
	size_t		stride;
	const uint32_t *portion_lists;
	uint32_t	adders;
} Trainer;

/* Steele et al. 2014, with other constants for the output (Stafford's variant 4). */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t	z = *state;

	*state += UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 33) * UINT64_C(0x62A9D9ED799705F5);
	z = (z ^ z >> 28) * UINT64_C(0xCB24D0A5C88C35B3);
	return z ^ z >> 32;
}

/* From 0 to 1, exclusive. */
static double
random_fraction(uint64_t *state)
{
	return (double) (next_random(state) >> 11) * 0x1p-53;
}

static void
interrupt(const Trainer *t)
{
	if (t->options->interrupt != NULL)
		t->options->interrupt(t->options->arg);
}

static inline const float *
point(const Trainer *t, size_t i)
{
	return t->points + i * t->dims;
}

static inline float *
centroid(const Trainer *t, uint32_t i)
{
	return t->centroids + (size_t) i * t->dims;
}

static void
add(float *sum, const float *x, uint32_t dims)
{
	uint32_t	i = 0;

	for (; i + 4 <= dims; i += 4)
		*(Floats *) (sum + i) += *(const Floats *) (x + i);
	for (; i < dims; i++)
		sum[i] += x[i];
}

/* Scales a vector to length 1; one whose length is zero or too large stays as it is. */
static void
normalise(float *x, uint32_t dims)
{
	double		norm = 0;

	for (uint32_t i = 0; i < dims; i++)
		norm += (double) x[i] * (double) x[i];
	norm = sqrt(norm);
	for (uint32_t i = 0; i < dims && norm > 0; i++)
		x[i] = (float) ((double) x[i] / norm);
}

static double
random_gaussian(uint64_t *state)
{
	double		u = 1 - random_fraction(state);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * random_fraction(state));
}

/*
 * The standard deviation of the points' elements; if that is zero, their size; if that is, too, 1.
 */
static float
spread(const Trainer *t)
{
	size_t		count = t->n < 1000 ? t->n : 1000;
	double		squares = 0;
	double		deviations = 0;

	for (uint32_t d = 0; d < t->dims; d++)
	{
		double		sum = 0;
		double		sum_of_squares = 0;

		for (size_t i = 0; i < count; i++)
		{
			double		x = (double) point(t, i * (t->n / count))[d];

			sum += x;
			sum_of_squares += x * x;
		}
		squares += sum_of_squares;
		deviations += sum_of_squares - (count > 0 ? sum * sum / (double) count : 0);
	}
	if (deviations > 1e-9 * squares)
		return (float) sqrt(deviations / (double) (count * t->dims));
	return squares > 0 ? (float) sqrt(squares / (double) (count * t->dims)) : 1;
}

/* Invents centroids from `first` on, for which there are no points. */
static void
invent_centroids(Trainer *t, uint32_t first)
{
	float		size = first < t->k ? spread(t) : 0;

	for (uint32_t i = first; i < t->k; i++)
	{
		float	   *c = centroid(t, i);

		memset(c, 0, t->dims * sizeof(float));
		if (t->n > 0)
			memcpy(c, point(t, next_random(&t->random) % t->n), t->dims * sizeof(float));
		for (uint32_t d = 0; d < t->dims; d++)
			c[d] += size * (float) random_gaussian(&t->random);
	}
}

/*
 * One of n numbers, at random with a probability in proportion to its weight; n if all weights are
 * zero.  Weights that are not finite are ignored.
 */
static size_t
choose_weighted(uint64_t *state, const float *weights, size_t n)
{
	double		sum = 0;
	double		left;
	size_t		chosen = n;

	for (size_t i = 0; i < n; i++)
		sum += isfinite(weights[i]) ? (double) weights[i] : 0;
	left = random_fraction(state) * sum;
	for (size_t i = 0; i < n && (chosen == n || left >= 0); i++)
		if (isfinite(weights[i]) && weights[i] > 0)
		{
			left -= (double) weights[i];
			chosen = i;
		}
	return chosen;
}

/* Chooses the first centroids, by k-means++ among points spread over all. */
static void
choose_centroids(Trainer *t)
{
	size_t		wanted = (size_t) t->k * SEEDING_POINTS;
	size_t		count = t->n < wanted ? t->n : wanted;
	float	   *nearest = t->scores;	/* squared distance to the nearest chosen one */
	uint32_t   *candidates = t->rows;
	uint32_t	chosen = 0;
	size_t		next;

	for (size_t i = 0; i < count; i++)
	{
		/* one of each of `count` equal parts */
		size_t		from = t->n * i / count;
		size_t		to = t->n * (i + 1) / count;

		candidates[i] = (uint32_t) (from + next_random(&t->random) % (to - from));
		nearest[i] = INFINITY;
	}
	next = count > 0 ? next_random(&t->random) % count : 0;
	for (; chosen < t->k && next < count; chosen++)
	{
		float	   *c = centroid(t, chosen);

		memcpy(c, point(t, candidates[next]), t->dims * sizeof(float));
		for (size_t i = 0; i < count; i += 64)
		{
			size_t		rows = count - i < 64 ? count - i : 64;
			const float *block[64];
			float		distances[64];

			for (size_t j = 0; j < rows; j++)
				block[j] = point(t, candidates[i + j]);
			distance_kernels->f32_l2sq_many(c, block, rows, t->dims, distances);
			for (size_t j = 0; j < rows; j++)
				if (distances[j] < nearest[i + j])
					nearest[i + j] = distances[j];
		}
		next = choose_weighted(&t->random, nearest, count);
		if (chosen % 16 == 0)
			interrupt(t);
	}
	invent_centroids(t, chosen);
}

/* Adds a portion's points to the sums of this thread's centroids, in the order of the points. */
static void
add_portion(void *arg, uint32_t thread)
{
	Trainer    *t = arg;
	uint32_t	from = (uint32_t) ((uint64_t) t->k * thread / t->adders);
	uint32_t	to = (uint32_t) ((uint64_t) t->k * (thread + 1) / t->adders);

	for (size_t i = 0; i < t->portion_rows; i++)
	{
		uint32_t	list = t->portion_lists[i];

		if (list >= from && list < to)
		{
			add(t->sums + (size_t) list * t->dims, t->portion + i * t->stride * t->dims, t->dims);
			t->counts[list]++;
		}
	}
}

/* The number of points assigned between two interrupts. */
static size_t
portion_size(const Trainer *t)
{
	uint64_t	products = (uint64_t) t->k * t->dims;
	size_t		rows = PORTION_BYTES / (t->dims * sizeof(float));

	if (rows > PORTION_PRODUCTS / products)
		rows = (size_t) (PORTION_PRODUCTS / products);
	return rows > PORTION_ROWS ? rows : PORTION_ROWS;
}

/*
 * Assigns every stride-th point, and sets counts and, if asked, the lists' sums.  Returns the sum
 * of the scores; *changed becomes the number of points that changed their list.
 */
static double
assign_points(Trainer *t, size_t stride, bool sums, size_t *changed)
{
	size_t		count = (t->n + stride - 1) / stride;
	size_t		step = portion_size(t);
	double		total = 0;
	ClusterCentroids centroids;

	cluster_centroids_init(&centroids, t->centroids, t->k, t->dims, t->half_norms);
	memset(t->counts, 0, t->k * sizeof(uint32_t));
	if (sums)
		memset(t->sums, 0, (size_t) t->k * t->dims * sizeof(float));
	*changed = 0;
	for (size_t start = 0; start < count; start += step)
	{
		size_t		rows = count - start < step ? count - start : step;
		uint32_t   *lists = t->rows;

		interrupt(t);
		t->portion = point(t, start * stride);
		t->portion_rows = rows;
		t->portion_lists = lists;
		t->stride = stride;
		cluster_score(&centroids, &(ClusterRows) {t->portion, rows, stride}, t->threads,
					  t->scratch, lists, t->scores);
		for (size_t i = 0; i < rows; i++)
		{
			total += (double) t->scores[i];
			*changed += lists[i] != t->lists[start + i];
			t->lists[start + i] = lists[i];
			if (!sums)
				t->counts[lists[i]]++;
		}
		if (sums)
		{
			t->adders = t->threads;
			cluster_parallel(t->adders, add_portion, t);
		}
	}
	return total;
}

/* Moves the centroids of non-empty lists to their means. */
static void
move_centroids(Trainer *t)
{
	for (uint32_t i = 0; i < t->k; i++)
	{
		const float *sum = t->sums + (size_t) i * t->dims;
		float	   *c = centroid(t, i);
		bool		finite = true;

		for (uint32_t d = 0; d < t->dims; d++)
			finite = finite && isfinite(sum[d]);
		if (t->counts[i] == 0 || !finite)
			continue;
		for (uint32_t d = 0; d < t->dims; d++)
			c[d] = sum[d] / (float) t->counts[i];
		if (t->options->spherical)
			normalise(c, t->dims);
	}
}

/* Fills rows with the numbers of the points, list by list. */
static void
group_rows_by_list(Trainer *t, size_t stride)
{
	size_t		count = (t->n + stride - 1) / stride;
	uint32_t	start = 0;

	for (uint32_t i = 0; i < t->k; i++)
	{
		t->starts[i] = start;
		start += t->counts[i];
	}
	for (size_t i = 0; i < count; i++)
		t->rows[t->starts[t->lists[i]]++] = (uint32_t) (i * stride);
	for (uint32_t i = 0; i < t->k; i++)
		t->starts[i] -= t->counts[i];
}

/*
 * Divides n points, given by their numbers, between two centroids, so that the first one's come
 * first; and moves the centroids to the means if asked.  Returns how many points the first has.
 */
static uint32_t
divide_between(Trainer *t, uint32_t *rows, uint32_t n, float *a, float *b, bool move)
{
	uint32_t	first = 0;
	uint32_t	last = n;

	while (first < last)
	{
		const float *x = point(t, rows[first]);
		float		to_a = distance_kernels->f32_l2sq(x, a, t->dims);

		if (to_a <= distance_kernels->f32_l2sq(x, b, t->dims))
			first++;
		else
		{
			uint32_t	row = rows[first];

			rows[first] = rows[--last];
			rows[last] = row;
		}
	}
	for (int side = 0; side < 2 && move && first > 0 && first < n; side++)
	{
		float	   *c = side == 0 ? a : b;
		uint32_t	from = side == 0 ? 0 : first;
		uint32_t	to = side == 0 ? first : n;

		memset(c, 0, t->dims * sizeof(float));
		for (uint32_t i = from; i < to; i++)
			add(c, point(t, rows[i]), t->dims);
		for (uint32_t d = 0; d < t->dims; d++)
			c[d] /= (float) (to - from);
		if (t->options->spherical)
			normalise(c, t->dims);
	}
	return first;
}

/*
 * Divides a list's points between its centroid and another one, which may have had points of its
 * own elsewhere, by k-means with two centroids.  Returns false, with no centroid changed, if all
 * points are equal.
 */
static bool
divide_list(Trainer *t, uint32_t list, uint32_t other)
{
	uint32_t   *rows = t->rows + t->starts[list];
	uint32_t	n = t->counts[list];
	uint32_t	chosen = rows[next_random(&t->random) % n];
	size_t		size = t->dims * sizeof(float);
	float	   *kept_a = t->sums;	/* free between iterations */
	float	   *kept_b = t->sums + t->dims;
	float	   *a = centroid(t, list);
	float	   *b = centroid(t, other);
	size_t		partner;
	uint32_t	first = 0;

	/* choose the second point by its distance from the first, as k-means++ does */
	for (uint32_t i = 0; i < n; i++)
		t->scores[i] = distance_kernels->f32_l2sq(point(t, chosen), point(t, rows[i]), t->dims);
	partner = choose_weighted(&t->random, t->scores, n);
	if (partner == n)
		return false;
	memcpy(kept_a, a, size);
	memcpy(kept_b, b, size);
	memcpy(a, point(t, chosen), size);
	memcpy(b, point(t, rows[partner]), size);
	for (int i = 0; i < DIVISION_ITERATIONS; i++)
		first = divide_between(t, rows, n, a, b, true);
	first = divide_between(t, rows, n, a, b, false);
	if (first == 0 || first == n)
	{
		/* by rounding, the two centroids are as good as one */
		memcpy(a, kept_a, size);
		memcpy(b, kept_b, size);
		return false;
	}
	t->counts[list] = first;
	t->counts[other] = n - first;
	t->starts[other] = t->starts[list] + first;
	return true;
}

/*
 * Gives empty lists a part of the longest ones, and gives lists over the limit the centroid of the
 * shortest.  Lists and counts are those of the last assignment with this stride.  Returns whether
 * any centroid has changed.
 */
static bool
divide_lists(Trainer *t, size_t stride)
{
	size_t		count = (t->n + stride - 1) / stride;
	double		limit = (double) t->options->balance * (double) count / (double) t->k;
	bool		grouped = false;
	bool		divided = false;

	/* a list that got a part, or could not be divided, gives up neither centroid nor part again */
	memset(t->touched, 0, t->k);
	for (;;)
	{
		uint32_t	longest = t->k;
		uint32_t	shortest = t->k;
		bool		empty;

		for (uint32_t i = 0; i < t->k; i++)
		{
			if (t->touched[i] < 2 && (longest == t->k || t->counts[i] > t->counts[longest]))
				longest = i;
			if (t->touched[i] == 0 && (shortest == t->k || t->counts[i] < t->counts[shortest]))
				shortest = i;
		}
		if (longest == t->k || shortest == t->k || longest == shortest || t->counts[longest] < 2)
			break;
		empty = t->counts[shortest] == 0;
		if (!empty && (t->options->balance == 0 || (double) t->counts[longest] <= limit))
			break;
		if (!grouped)
			group_rows_by_list(t, stride);
		grouped = true;
		interrupt(t);
		if (divide_list(t, longest, shortest))
		{
			divided = true;
			t->touched[shortest] = 1;
			t->touched[longest] = 1;
		}
		else
			t->touched[longest] = 2;
	}
	return divided;
}

/* Divides lists that are still too long after the last iteration; centroids move no more. */
static void
balance_lists(Trainer *t)
{
	size_t		changed;

	for (int round = 0; round < BALANCE_ROUNDS; round++)
	{
		assign_points(t, 1, false, &changed);
		if (!divide_lists(t, 1))
			break;
	}
}

static double
sum_of_squares(const Trainer *t, size_t stride)
{
	double		sum = 0;

	for (size_t i = 0; i < t->n; i += stride)
		sum += (double) distance_kernels->f32_dot(point(t, i), point(t, i), t->dims);
	return sum;
}

/* One iteration; computes the inertia before centroids move.  Returns false if nothing changed. */
static bool
iterate_once(Trainer *t, size_t stride, double squares, double *inertia)
{
	size_t		changed;

	*inertia = squares + 2 * assign_points(t, stride, true, &changed);
	if (changed > 0)
		move_centroids(t);
	return divide_lists(t, stride) || changed > 0;
}

/* Iterates over every stride-th point until nothing changes; returns the number of iterations. */
static uint32_t
iterate_by(Trainer *t, size_t stride, uint32_t iterations, bool report, uint32_t before,
		   double *inertia)
{
	double		squares = report ? sum_of_squares(t, stride) : 0;
	bool		changes = true;
	uint32_t	i = 0;

	for (size_t j = 0; j < t->n; j++)
		t->lists[j] = UINT32_MAX;
	for (; i < iterations && changes; i++)
	{
		double		value;

		changes = iterate_once(t, stride, squares, &value);
		if (report && stride == 1 && inertia != NULL)
			inertia[i] = value;
		if (report && t->options->progress != NULL)
			t->options->progress(t->options->arg, before + i, value);
	}
	return i;
}

/*
 * Lloyd's iterations from the current centroids.  The first iterations move centroids far, for
 * which a part of the points is as good as all: 0.8 times the number of iterations over a part, 0.4
 * times over twice that part, and 0.3 times over all points end where that many iterations over all
 * do.
 */
static void
iterate(Trainer *t, uint32_t iterations, bool report, double *inertia, uint32_t *done)
{
	size_t		stride = 1;
	uint32_t	before = 0;
	uint32_t	all = iterations;

	while (!t->options->plain && t->n / (2 * stride) >= (size_t) t->k * STRIDE_POINTS)
		stride *= 2;
	if (stride > 1)
		before = iterate_by(t, stride, (4 * iterations + 4) / 5, report, 0, NULL);
	if (stride > 2)
		before += iterate_by(t, stride / 2, (2 * iterations + 4) / 5, report, before, NULL);
	if (stride > 1)
		all = stride > 2 ? (3 * iterations + 9) / 10 : (2 * iterations + 4) / 5;
	all = iterate_by(t, 1, all, report, before, inertia);
	if (done != NULL)
		*done = all;
}

static void
normalise_all(Trainer *t)
{
	for (uint32_t i = 0; i < t->k && t->options->spherical; i++)
		normalise(centroid(t, i), t->dims);
}

/* One level: chooses and trains k centroids. */
static void
train_level(Trainer *t, bool report, double *inertia, uint32_t *done)
{
	choose_centroids(t);
	normalise_all(t);
	iterate(t, t->options->iterations, report, inertia, done);
}

/* The number of groups of a training, or 0 if it has one level. */
static uint32_t
group_count(const KmeansOptions *options, size_t n)
{
	if (options->plain || options->k < TWO_LEVELS || n < 2 * (size_t) options->k)
		return 0;
	return (uint32_t) lround(sqrt(options->k));
}

/*
 * Trains the centroids of one group, `share` of them, from its points, whose numbers are in
 * `order`; uses as many of them as there is room for and as are useful.
 */
static void
train_group(Trainer *t, const Trainer *all, const uint32_t *order, size_t count, uint32_t first,
			uint32_t share)
{
	size_t		wanted = (size_t) share * GROUP_POINTS;

	if (wanted > t->gathered_room)
		wanted = t->gathered_room;
	if (wanted > count)
		wanted = count;
	for (size_t i = 0; i < wanted; i++)
		memcpy(t->gathered + i * t->dims, point(all, order[count * i / wanted]),
			   t->dims * sizeof(float));
	t->points = t->gathered;
	t->n = wanted;
	t->k = share;
	t->centroids = centroid(all, first);
	train_level(t, false, NULL, NULL);
}

/* Two levels: each group gets centroids in proportion to its points. */
static void
train_groups(Trainer *t, uint32_t groups)
{
	Trainer		part = *t;
	size_t		changed;
	size_t		before = 0;

	part.k = groups;
	part.centroids = t->groups;
	train_level(&part, false, NULL, NULL);
	assign_points(&part, 1, false, &changed);
	group_rows_by_list(&part, 1);
	memcpy(t->order, part.rows, t->n * sizeof(uint32_t));
	memcpy(t->group_counts, part.counts, groups * sizeof(uint32_t));
	for (uint32_t i = 0; i < groups; i++)
	{
		size_t		count = t->group_counts[i];
		uint32_t	first = (uint32_t) ((uint64_t) before * t->k / t->n);
		uint32_t	end = (uint32_t) ((uint64_t) (before + count) * t->k / t->n);

		if (end > first)
			train_group(&part, t, t->order + before, count, first, end - first);
		before += count;
	}
	t->random = part.random;
}

static void
reserve(size_t *size, char *base, void *pointer, size_t bytes)
{
	if (base != NULL)
	{
		void	   *p = base + *size;

		memcpy(pointer, &p, sizeof(p));
	}
	*size += (bytes + 63) & ~(size_t) 63;
}

/* Places the trainer's arrays from base on, unless it is NULL, and returns their total size. */
static size_t
lay_out(Trainer *t, char *base, uint32_t groups)
{
	size_t		size = 0;
	size_t		centroids = (size_t) t->k * t->dims;
	ClusterCentroids all = {.k = t->k, .dims = t->dims};

	reserve(&size, base, &t->lists, t->n * sizeof(uint32_t));
	reserve(&size, base, &t->rows, t->n * sizeof(uint32_t));
	reserve(&size, base, &t->scores, t->n * sizeof(float));
	reserve(&size, base, &t->half_norms, t->k * sizeof(float));
	reserve(&size, base, &t->counts, t->k * sizeof(uint32_t));
	reserve(&size, base, &t->starts, t->k * sizeof(uint32_t));
	reserve(&size, base, &t->touched, t->k);
	reserve(&size, base, &t->sums, centroids * sizeof(float));
	reserve(&size, base, &t->scratch, cluster_assign_scratch(&all, t->threads));
	if (groups > 0)
	{
		t->gathered_room = 4 * t->n / groups + 1;
		reserve(&size, base, &t->order, t->n * sizeof(uint32_t));
		reserve(&size, base, &t->gathered, t->gathered_room * t->dims * sizeof(float));
		reserve(&size, base, &t->groups, (size_t) groups * t->dims * sizeof(float));
		reserve(&size, base, &t->group_counts, groups * sizeof(uint32_t));
	}
	return size;
}

static Trainer
make_trainer(const KmeansOptions *options, const float *points, size_t n, float *centroids)
{
	uint32_t	threads = options->threads;

	if (threads < 1)
		threads = 1;
	if (threads > CLUSTER_MAX_THREADS)
		threads = CLUSTER_MAX_THREADS;
	return (Trainer) {.options = options, .dims = options->dims, .threads = threads,
		.random = options->seed, .points = points, .n = n, .k = options->k,
		.centroids = centroids};
}

size_t
kmeans_memory(const KmeansOptions *options, size_t n)
{
	Trainer		t = make_trainer(options, NULL, n, NULL);

	return lay_out(&t, NULL, group_count(options, n));
}

bool
kmeans_train(const float *points, size_t n, const KmeansOptions *options, float *centroids,
			 double *inertia, uint32_t *done)
{
	uint32_t	groups = group_count(options, n);
	Trainer		t = make_trainer(options, points, n, centroids);
	void	   *memory = options->memory.allocate(options->memory.arg, lay_out(&t, NULL, groups));

	if (memory == NULL)
		return false;
	lay_out(&t, memory, groups);
	cluster_blas_load();
	if (groups > 0)
	{
		/*
		 * the centroids are close to their final places: three tenths as many iterations over all
		 */
		train_groups(&t, groups);
		iterate(&t, (3 * options->iterations + 9) / 10, true, inertia, done);
	}
	else
		train_level(&t, true, inertia, done);
	if (options->balance > 0 && n > 0)
		balance_lists(&t);
	options->memory.release(options->memory.arg, memory);
	return true;
}
