/*
 * kmeans.h - k-means: the centroids of an inverted file
 *
 * Lloyd's algorithm by products of blocks, from centroids chosen with k-means++ (Arthur and
 * Vassilvitskii 2007) among a part of the points.  It ends when nothing changes.  Many centroids
 * are trained in two levels: groups, centroids within each group, then all of them together.  Where
 * there are many points for each centroid, early iterations look at a part of them.  The same
 * points, options and seed give the same centroids, whatever the number of threads, as long as the
 * same library computes the products.
 *
 * Where there are fewer different points than centroids, each of them becomes one.  The centroids
 * that are left are points with noise of the points' spread: they attract what comes later, and
 * none is a copy of another.  Without any point all are Gaussian noise.
 */
#ifndef VECTOR_CLUSTER_KMEANS_H
#define VECTOR_CLUSTER_KMEANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory of a training: allocate gives NULL when there is none, which ends the training. */
typedef struct ClusterMemory
{
	void	   *(*allocate) (void *arg, size_t size);
	void		(*release) (void *arg, void *p);
	void	   *arg;
} ClusterMemory;

typedef struct KmeansOptions
{
	uint32_t	dims;
	uint32_t	k;				/* at least 1 */
	uint32_t	iterations;		/* at most; without `plain`, what is worth as many */
	bool		spherical;		/* centroids have length 1; for cosine and inner product */
	bool		plain;			/* all points, one level: slower, no better */
	uint64_t	seed;
	float		balance;		/* no list over so many times the mean, 2 or more; 0: no limit */
	uint32_t	threads;		/* including the caller's; 0 is 1 */
	/* Called now and then, or NULL; may leave by longjmp: then what was allocated stays. */
	void		(*interrupt) (void *arg);
	/* Called after each iteration over all centroids, counted from 0, or NULL. */
	void		(*progress) (void *arg, uint32_t iteration, double inertia);
	void	   *arg;			/* of both */
	ClusterMemory memory;
} KmeansOptions;

/* An upper bound of what kmeans_train allocates for n points, in bytes. */
extern size_t kmeans_memory(const KmeansOptions *options, size_t n);

/*
 * Trains k x dims centroids from n x dims points, at most UINT32_MAX.  The points need not be in
 * random order.  False when there is no memory.
 *
 * Unless NULL, inertia has room for `iterations` numbers: of those iterations that look at all
 * points the sum of the squared distances to the nearest centroid, before the centroids move; and
 * how many they are goes to *done.  It never rises but where an empty list or an overlong one was
 * given a new centroid.
 *
 * Lists of more than `balance` times the mean are divided in the place of the shortest lists, as
 * long as they have different points.  The limit holds for these points, if ten rounds are enough.
 */
extern bool kmeans_train(const float *points, size_t n, const KmeansOptions *options,
						 float *centroids, double *inertia, uint32_t *done);

#endif							/* VECTOR_CLUSTER_KMEANS_H */
