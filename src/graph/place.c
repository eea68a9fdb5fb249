/*
 * place.c - an order of nodes in which those near each other are near each other
 */
#include "graph/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/build_internal.h"
#include "order.h"

#define LEAF		16			/* parts of so few nodes are not divided */
#define SAMPLE		256			/* nodes of a part that its two means are made from, */
#define ROUNDS		4			/* in so many rounds */
#define SCALES		16			/* see differ_in_scale: of squared distances */
#define LEAST_PART	8			/* see first_part_by_keys */
#define FEW			512
#define EXACT_LEAF	4

typedef struct Placing
{
	const GraphBuild *build;
	uint32_t   *nodes;
	float	   *keys;			/* of the nodes: how far along the direction of a division */
	float	   *means;			/* two, and two that are being made */
	float	   *work;			/* room for a work vector */
	float	   *middle;			/* between the two means */
	GraphBytes *rounded;		/* if bytes: a direction */
	GraphBytes *rounded_middle;
	/* of the division that keys are made for: */
	float		length2;		/* of the middle */
	float		along;			/* of the middle, along the direction */
	float		apart;			/* of a mean from the middle, squared */
	float		boundary;		/* the key of what is as far from both means */
	float	   *directions;		/* of the divisions that are open, the outermost first */
	void		(*pause) (void);
} Placing;

static inline bool
has_bytes(const Placing *placing)
{
	return placing->build->bytes && !placing->build->exact;
}

static void
set_direction(const Placing *placing, const float *direction)
{
	if (has_bytes(placing))
		graph_make_bytes(placing->build, direction, placing->rounded);
}

/* The product of a vector, which `rounded` has if bytes, with a node's. */
static float
product(const Placing *placing, const float *vector, const GraphBytes *rounded, uint32_t node)
{
	const GraphBuild *build = placing->build;

	if (build->exact)
	{
		graph_work_floats(build, node, placing->work);
		return distance_kernels->f32_dot(vector, placing->work, build->padded);
	}
	if (build->bytes)
	{
		const GraphBytes *bytes = bytes_at(build, node);

		return rounded->step * bytes->step *
			(float) distance_kernels->i8_dot(rounded->elements, bytes->elements, build->padded);
	}
	return distance_kernels->stored_f16_dot(vector, graph_array_at(&build->work, node),
											build->padded, 0, 1);
}

static float
along(const Placing *placing, const float *direction, uint32_t node)
{
	return product(placing, direction, placing->rounded, node);
}

static float
length_squared(const Placing *placing, uint32_t node)
{
	const GraphBuild *build = placing->build;
	const uint16_t *work;

	if (build->exact)
	{
		graph_work_floats(build, node, placing->work);
		return distance_kernels->f32_dot(placing->work, placing->work, build->padded);
	}
	if (build->bytes)
		return bytes_at(build, node)->length2;
	work = graph_array_at(&build->work, node);
	return distance_kernels->f16_dot(work, work, build->padded);
}

static void
add_work(const Placing *placing, float *sum, uint32_t node)
{
	graph_work_floats(placing->build, node, placing->work);
	for (uint32_t i = 0; i < placing->build->padded; i++)
		sum[i] += placing->work[i];
}

/*
 * One round of 2-means of a sample of nodes; sets the direction and the middle between the means
 * before it.
 */
static void
improve_means(const Placing *placing, const uint32_t *nodes, uint32_t n, float *direction)
{
	const GraphBuild *build = placing->build;
	uint32_t	dims = build->padded;
	uint32_t	sample = n < SAMPLE ? n : SAMPLE;
	float	   *mean[2] = {placing->means, placing->means + dims};
	float	   *sum[2] = {mean[1] + dims, mean[1] + 2 * (size_t) dims};
	uint32_t	count[2] = {0, 0};
	float		middle = (distance_kernels->f32_dot(mean[1], mean[1], dims) -
						  distance_kernels->f32_dot(mean[0], mean[0], dims)) / 2;

	for (uint32_t i = 0; i < dims; i++)
	{
		direction[i] = mean[1][i] - mean[0][i];
		placing->middle[i] = (mean[0][i] + mean[1][i]) / 2;
	}
	set_direction(placing, direction);
	memset(sum[0], 0, 2 * sizeof(float) * dims);
	for (uint32_t i = 0; i < sample; i++)
	{
		uint32_t	node = nodes[(uint64_t) i * n / sample];
		int			side = along(placing, direction, node) > middle;

		add_work(placing, sum[side], node);
		count[side]++;
	}
	if (count[0] == 0 || count[1] == 0)
		return;
	for (int side = 0; side < 2; side++)
		for (uint32_t i = 0; i < dims; i++)
			mean[side][i] = sum[side][i] / (float) count[side];
}

/* Moves the nodes with the least keys to the first `half` places. */
static void
divide(uint32_t *nodes, float *keys, uint32_t n, uint32_t half)
{
	int64_t		low = 0;
	int64_t		high = (int64_t) n - 1;

	while (low < high)
	{
		float		key = keys[(low + high) / 2];
		int64_t		i = low;
		int64_t		j = high;

		while (i <= j)
		{
			while (keys[i] < key)
				i++;
			while (keys[j] > key)
				j--;
			if (i <= j)
			{
				float		k = keys[i];
				uint32_t	node = nodes[i];

				keys[i] = keys[j];
				nodes[i++] = nodes[j];
				keys[j] = k;
				nodes[j--] = node;
			}
		}
		if (half <= j)
			high = j;
		else if (half >= i)
			low = i;
		else
			break;
	}
}

/* The size of the first part of n nodes: half of them, in whole cells if there is more than one. */
static uint32_t
first_part(uint32_t n)
{
	return n <= GRAPH_CELL ? n / 2 : (n / 2 + GRAPH_CELL - 1) / GRAPH_CELL * GRAPH_CELL;
}

/* Half the sum of the squared distances of a node from both means, and half their difference. */
typedef struct Distances
{
	float		sum;
	float		difference;
} Distances;

static Distances
distances_of(const Placing *placing, const float *direction, uint32_t node)
{
	float		from_middle = length_squared(placing, node) + placing->length2 -
		2 * product(placing, placing->middle, placing->rounded_middle, node);

	return (Distances) {
		.sum = placing->apart + (from_middle > 0 ? from_middle : 0),
		.difference = along(placing, direction, node) - placing->along
	};
}

/* Whether many nodes are much nearer to a mean than others, by a sample. */
static bool
differ_in_scale(const Placing *placing, const uint32_t *nodes, uint32_t n, const float *direction)
{
	uint32_t	sample = n < SAMPLE ? n : SAMPLE;
	float		nearest[SAMPLE];
	float		sum = 0;

	for (uint32_t i = 0; i < sample; i++)
	{
		Distances	distances = distances_of(placing, direction, nodes[(uint64_t) i * n / sample]);

		nearest[i] = distances.sum - fabsf(distances.difference);
		sum += nearest[i];
	}
	qsort(nearest, sample, sizeof(float), order_floats);
	return nearest[sample / 8] * (float) sample * SCALES < sum;
}

/*
 * Computes the keys by which nodes are divided: how far along the direction they are.  If nodes
 * differ in scale, a plane would go through the many that are near the middle, and parts of it
 * would have some of them and some far from all others.  So then the keys are how much nearer one
 * mean is than the other as a part of both squared distances, which divides by a ball around one.
 */
static void
make_keys(Placing *placing, const uint32_t *nodes, uint32_t n, const float *direction,
		  float *keys)
{
	uint32_t	dims = placing->build->padded;
	const float *middle = placing->middle;
	bool		ball;

	placing->length2 = distance_kernels->f32_dot(middle, middle, dims);
	placing->along = distance_kernels->f32_dot(middle, direction, dims);
	placing->apart = distance_kernels->f32_dot(direction, direction, dims) / 4;
	if (has_bytes(placing))
		graph_make_bytes(placing->build, middle, placing->rounded_middle);
	ball = differ_in_scale(placing, nodes, n, direction);
	placing->boundary = ball ? 0 : placing->along;
	for (uint32_t i = 0; i < n; i++)
	{
		float		key;

		if (ball)
		{
			Distances	distances = distances_of(placing, direction, nodes[i]);

			key = distances.difference / distances.sum;
		}
		else
			key = along(placing, direction, nodes[i]);
		keys[i] = key == key ? key : 0;
	}
}

/*
 * The size of the first part of n nodes with these keys.  Where distances must be exact, groups of
 * rows are far from each other, and none should be divided that need not be: then it ends at the
 * boundary, unless that leaves hardly anything of a part.
 */
static uint32_t
first_part_by_keys(const Placing *placing, const float *keys, uint32_t n)
{
	uint32_t	before = 0;

	for (uint32_t i = 0; i < n && placing->build->exact; i++)
		before += keys[i] <= placing->boundary;
	if (before == 0 || before == n ||
		(n > FEW && (before < n / LEAST_PART || n - before < n / LEAST_PART)))
		return first_part(n);
	return before;
}

/* Orders the nodes from one place to another, after so many divisions. */
static void
place_part(Placing *placing, uint32_t from, uint32_t to, int depth)
{
	const GraphBuild *build = placing->build;
	uint32_t	dims = build->padded;
	uint32_t	n = to - from;
	uint32_t	half;
	uint32_t   *nodes = placing->nodes + from;
	float	   *keys = placing->keys + from;
	float	   *direction = placing->directions + (size_t) depth * dims;

	if (n <= (build->exact ? EXACT_LEAF : LEAF) || depth == GRAPH_PLACE_DEPTH)
		return;
	placing->pause();
	memset(placing->means, 0, 2 * sizeof(float) * dims);
	add_work(placing, placing->means, nodes[0]);
	add_work(placing, placing->means + dims, nodes[n / 2]);
	for (int i = 0; i < ROUNDS; i++)
		improve_means(placing, nodes, n, direction);
	/* the ends of parts that follow each other are near each other if directions agree */
	if (depth > 0 && distance_kernels->f32_dot(direction, direction - dims, dims) < 0)
		for (uint32_t i = 0; i < dims; i++)
			direction[i] = -direction[i];
	set_direction(placing, direction);
	make_keys(placing, nodes, n, direction, keys);
	half = first_part_by_keys(placing, keys, n);
	divide(nodes, keys, n, half);
	place_part(placing, from, from + half, depth + 1);
	place_part(placing, from + half, to, depth + 1);
}

size_t
graph_place_size(const GraphBuild *build, uint32_t n)
{
	return ((size_t) n + (6 + GRAPH_PLACE_DEPTH) * (size_t) build->padded) * sizeof(float) +
		2 * graph_work_size(build);
}

void
graph_place(const GraphBuild *build, uint32_t *nodes, uint32_t n, void *scratch,
			void (*pause) (void))
{
	Placing		placing = {.build = build, .nodes = nodes, .keys = scratch, .pause = pause};

	placing.means = placing.keys + n;
	placing.work = placing.means + 4 * (size_t) build->padded;
	placing.middle = placing.work + build->padded;
	placing.directions = placing.middle + build->padded;
	placing.rounded = (GraphBytes *)
		(placing.directions + GRAPH_PLACE_DEPTH * (size_t) build->padded);
	placing.rounded_middle = (GraphBytes *) ((char *) placing.rounded + graph_work_size(build));
	for (uint32_t i = 0; i < n; i++)
		nodes[i] = i;
	place_part(&placing, 0, n, 0);
}
