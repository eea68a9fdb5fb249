/*
 * picture.c - vector_picture: places of vectors in two dimensions
 */
#include "pg_compat.h"

#include <math.h>

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "am/method.h"
#include "cluster/blas.h"
#include "cluster/centroids.h"
#include "cluster/components.h"
#include "cluster/kmeans.h"
#include "recall/measure.h"
#include "segment/memory.h"
#include "segment/space.h"

#define MOST_SAMPLES	1000
#define MOST_NEAREST	1000
#define CLUSTERS		6
#define ITERATIONS		20

/* Of a table with more rows for each one wanted, blocks are drawn. */
#define READ_FOR_EACH	20

StaticAssertDecl(MOST_SAMPLES <= CLUSTER_DOTS_COLUMNS, "products of all pairs at once");

typedef struct Picture
{
	Measure		measure;
	Space		space;
	Datum		query;			/* of the column's type, if there is one */
	bool		has_query;
	float	   *points;			/* those sampled, those nearest, the query */
	double	   *distances;		/* of those nearest */
	int			sampled;
	int			count;			/* of all */
} Picture;

/* Adds a vector, unless no search would find it; returns whether it did. */
static bool
add_point(Picture *picture, Datum value)
{
	const Space *space = &picture->space;
	float	   *x = picture->points + (size_t) picture->count * space->dims;
	Size		size;
	const char *payload = space_payload(space, value, &size);
	double		norm;

	if (!space_indexable(space, payload))
		return false;
	if (space->element == SPACE_BIT)
		for (int i = 0; i < space->dims; i++)
			x[i] = ((const uint8 *) payload)[i / BITS_PER_BYTE] >> (7 - i % BITS_PER_BYTE) & 1;
	else
	{
		space_floats(space, payload, x);
		norm = space->metric == SPACE_COSINE ? space_norm(space, payload) : 1;
		for (int i = 0; i < space->dims; i++)
			x[i] = (float) (x[i] / norm);
	}
	picture->count++;
	return true;
}

/* Searches for the rows nearest to the query as any statement would. */
static void
add_nearest(Picture *picture)
{
	Measure    *measure = &picture->measure;
	Oid			type = measure->type;

	measure->vectors = true;
	measure->own_rows = false;
	if (SPI_execute_with_args(measure_search_text(measure), 1, &type, &picture->query, NULL, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		Datum		distance = SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull);
		int			number = picture->count - picture->sampled;

		/* rows without a vector come last */
		if (!isnull && add_point(picture, SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &isnull)))
			picture->distances[number] = DatumGetFloat8(distance);
	}
	if (!add_point(picture, picture->query))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no row is near to a query without a direction")));
}

static void
read_points(Picture *picture)
{
	Measure    *measure = &picture->measure;

	measure_draw(measure);
	picture->points = palloc(sizeof(float) * picture->space.dims *
							 (measure->count + measure->k + 1));
	picture->distances = palloc(sizeof(double) * measure->k);
	for (int i = 0; i < measure->count; i++)
		(void) add_point(picture, measure->queries[i].vector);
	picture->sampled = picture->count;
	if (picture->has_query)
		add_nearest(picture);
}

static void
interrupt(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}

/* The cluster of each point, from 1 on, of which the first has the most points of the sample. */
static int *
find_clusters(const Picture *picture)
{
	KmeansOptions options = {
		.dims = picture->space.dims,
		.k = Min(CLUSTERS, picture->sampled),
		.iterations = ITERATIONS,
		.seed = 1,
		.interrupt = interrupt,
		.memory = cluster_memory(CurrentMemoryContext)
	};
	float	   *points = palloc(sizeof(float) * options.k * options.dims);
	float		half_norms[CLUSTERS];
	uint32	   *lists = palloc(sizeof(uint32) * picture->count);
	int		   *clusters = palloc(sizeof(int) * picture->count);
	int			sizes[CLUSTERS] = {0};
	int			names[CLUSTERS];
	ClusterCentroids centroids;

	if (!kmeans_train(picture->points, picture->sampled, &options, points, NULL, NULL))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	cluster_centroids_init(&centroids, points, options.k, options.dims, half_norms);
	cluster_assign(&centroids, &(ClusterRows) {picture->points, picture->count, 1}, 1,
				   palloc(cluster_assign_scratch(&centroids, 1)), lists, NULL);
	for (int i = 0; i < picture->sampled; i++)
		sizes[lists[i]]++;
	for (uint32 c = 0; c < options.k; c++)
	{
		names[c] = 1;
		for (uint32 d = 0; d < options.k; d++)
			names[c] += sizes[d] > sizes[c] || (sizes[d] == sizes[c] && d < c);
	}
	for (int i = 0; i < picture->count; i++)
		clusters[i] = names[lists[i]];
	return clusters;
}

static double
product(const float *a, const float *b, int dims)
{
	double		sum = 0;

	for (int i = 0; i < dims; i++)
		sum += (double) a[i] * b[i];
	return sum;
}

/* Adds a row for each point: kind, x, y, radius, cluster, distance. */
static void
show_points(const Picture *picture, float *axes, float scale, const int *clusters,
			ReturnSetInfo *result)
{
	int			dims = picture->space.dims;

	for (int i = 0; i < picture->count; i++)
	{
		const float *x = picture->points + (size_t) i * dims;
		int			number = i - picture->sampled;
		bool		is_query = picture->has_query && i == picture->count - 1;
		Datum		values[6];
		bool		nulls[6] = {false};

		values[0] = CStringGetTextDatum(is_query ? "query" : number >= 0 ? "nearest" : "sampled");
		for (int c = 0; c < COMPONENTS; c++)
			values[1 + c] = Float8GetDatum(scale * product(axes + c * dims, x, dims));
		values[3] = Float8GetDatum(scale * sqrt(product(x, x, dims)));
		values[4] = Int32GetDatum(clusters[i]);
		nulls[5] = is_query || number < 0;
		values[5] = nulls[5] ? (Datum) 0 : Float8GetDatum(picture->distances[number]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

static void
show_picture(Picture *picture, ReturnSetInfo *result)
{
	int			dims = picture->space.dims;
	float	   *axes = palloc(sizeof(float) * COMPONENTS * dims);
	float		scale = components_centre(picture->points, picture->sampled, picture->count, dims);

	(void) cluster_blas_load();
	components_find(picture->points, picture->sampled, dims, axes,
					palloc(components_memory(picture->sampled)));
	show_points(picture, axes, scale, find_clusters(picture), result);
}

/* Opens an index whose vectors have a place. */
static Relation
open_index(Oid oid, Space *space)
{
	Relation	index = relation_open(oid, AccessShareLock);
	SpaceElement element;
	SpaceMetric metric;

	if (index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("partitioned index \"%s\" has no picture",
						RelationGetRelationName(index)),
				 errhint("Give the index of a partition.")));
	if (index->rd_rel->relkind != RELKIND_INDEX || vector_am_of(index) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index of vectors", RelationGetRelationName(index))));
	space_of_index(index, &element, &metric);
	if (element == SPACE_SPARSE || element == SPACE_WORDS)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("index \"%s\" has no picture", RelationGetRelationName(index)),
				 errdetail("There are pictures of dense vectors.")));
	space_init(space, element, metric, STORAGE_FULL, space_dims_of_index(index, element), 0);
	return index;
}

static int
get_count(FunctionCallInfo fcinfo, int argument, const char *name, int least, int most)
{
	int			count = PG_ARGISNULL(argument) ? 0 : PG_GETARG_INT32(argument);

	if (count < least || count > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between %d and %d", name, least, most)));
	return count;
}

/* vector_picture(index, query, samples, k) */
PG_FUNCTION_INFO_V1(vector_picture);
Datum
vector_picture(PG_FUNCTION_ARGS)
{
	Picture		picture = {0};
	Relation	index;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("index must not be null")));
	index = open_index(PG_GETARG_OID(0), &picture.space);
	picture.measure = measure_of(index);
	picture.measure.wanted = get_count(fcinfo, 2, "samples", 2, MOST_SAMPLES);
	picture.measure.k = get_count(fcinfo, 3, "k", 1, MOST_NEAREST);
	picture.measure.most_read = READ_FOR_EACH * picture.measure.wanted;
	picture.has_query = !PG_ARGISNULL(1);

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (picture.has_query)
	{
		Oid			input;
		Oid			parameter;
		Size		size;

		getTypeInputInfo(picture.measure.type, &input, &parameter);
		picture.query = OidInputFunctionCall(input, text_to_cstring(PG_GETARG_TEXT_PP(1)),
											 parameter, -1);
		/* an error, if its dimensions are others */
		(void) space_payload(&picture.space, picture.query, &size);
	}
	read_points(&picture);
	if (picture.sampled > 0)
		show_picture(&picture, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	relation_close(index, AccessShareLock);
	return (Datum) 0;
}
