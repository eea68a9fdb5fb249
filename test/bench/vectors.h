/*
 * vectors.h - the load program's vectors: files of them, their binary forms, and distances
 */
#ifndef BENCH_VECTORS_H
#define BENCH_VECTORS_H

#include <stddef.h>
#include <stdint.h>

typedef enum VecType
{
	TYPE_VECTOR,
	TYPE_HALFVEC,
	TYPE_BF16VEC,
	TYPE_INT8VEC
} VecType;

extern const char *const type_names[4];

typedef enum Metric
{
	METRIC_L2,
	METRIC_IP,
	METRIC_COS,
	METRIC_L1
} Metric;

extern const char *const metric_names[4];
extern const char *const metric_operators[4];

/* A mapped fvecs or ivecs file: rows of dim 4-byte values, each after its own int32 dim */
typedef struct VecFile
{
	const char *data;
	int64_t		rows;
	int			dim;
} VecFile;

/* Ends the program with a message. */
extern void die(const char *fmt,...) __attribute__((format(printf, 1, 2), noreturn));

/* Memory of this size, of new or in place of old; there is some, or the program ends. */
extern void *allocate(void *old, size_t size);

extern VecFile map_file(const char *path);
extern const void *file_row(const VecFile *f, int64_t row);

/* The first count lines of a text file, without their ends; it must have as many. */
extern char **read_lines(const char *path, int64_t count);

/*
 * A vector's binary form: int16 dim, int16 unused, the elements times the scale; all big endian.
 * Returns the bytes written.
 */
extern int	put_vector(char *out, const float *x, int dim, VecType type, float scale);

extern double distance(const float *a, const float *b, int dim, Metric metric);

/*
 * int8vec holds -128..127: the scale that spreads what a file has over that range; no order of
 * distances changes by it
 */
extern float int8_scale(const VecFile *f);

#endif							/* BENCH_VECTORS_H */
