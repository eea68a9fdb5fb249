/*
 * kmeans.h - k-means: the centroids of an inverted file
 *
 * Lloyd's algorithm by products of blocks, from centroids chosen with k-means++ (Arthur and
 * Vassilvitskii 2007) among a part of the points.  It ends when nothing changes.  Many centroids
 * are trained in two levels: groups, centroids within each group, then all of them together.  If
 * there are many points for each centroid, early iterations use a part of them.  The same
 * points, options and seed give the same centroids, whatever the number of threads, as long as the
 * same library computes the products.
 *
 * If there are fewer different points than centroids, each point becomes a centroid.  The remaining
 * centroids are points with noise of the points' spread, so that they attract later rows, and none
 * is a copy of another.  Without any points, all centroids are Gaussian noise.
 */
#ifndef VECTOR_CLUSTER_KMEANS_H
#define VECTOR_CLUSTER_KMEANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory of a training: allocate returns NULL when there is none, which ends the training. */
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
	uint32_t	iterations;		/* at most; without `plain`, work worth as many */
	bool		spherical;		/* centroids have length 1; for cosine and inner product */
	bool		plain;			/* all points, one level: slower, no better */
	uint64_t	seed;
	float		balance;		/* longest list over the mean, at least 2; 0: no limit */
	uint32_t	threads;		/* including the caller's; 0 is 1 */
	/* Called now and then, or NULL; may leave by longjmp: allocated memory then stays. */
	void		(*interrupt) (void *arg);
	/* Called after each iteration over all centroids, counted from 0, or NULL. */
	void		(*progress) (void *arg, uint32_t iteration, double inertia);
	void	   *arg;			/* of both callbacks */
	ClusterMemory memory;
} KmeansOptions;

/* An upper bound of what kmeans_train allocates for n points, in bytes. */
extern size_t kmeans_memory(const KmeansOptions *options, size_t n);

/*
 * Trains k x dims centroids from n x dims points, n at most UINT32_MAX.  The points need not be in
 * random order.  Returns false if there is no memory.
 *
 * Unless NULL, inertia has room for `iterations` numbers: for each iteration that uses all points,
 * the sum of the squared distances to the nearest centroid before the centroids move; *done becomes
 * how many there are.  The inertia never rises, except where an empty list or one over the limit
 * was given a new centroid.
 *
 * Lists of more than `balance` times the mean are divided, in place of the shortest lists, as
 * long as they have different points.  The limit holds for these points, if ten rounds suffice.
 */
extern bool kmeans_train(const float *points, size_t n, const KmeansOptions *options,
						 float *centroids, double *inertia, uint32_t *done);

#endif							/* VECTOR_CLUSTER_KMEANS_H */
