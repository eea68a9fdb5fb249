/*
 * bench.h - what the programs share: a clock, memory or the end, points of a file
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Seconds since some time. */
static inline double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* What a function returned, which may not be NULL: errno says why. */
static inline void *
must(void *p)
{
	if (p == NULL)
	{
		perror("bench");
		exit(1);
	}
	return p;
}

/* The points of a file of raw float32, of so many dimensions each; the caller's to free. */
static inline float *
read_points(const char *path, uint32_t dims, size_t *n)
{
	FILE	   *file = must(fopen(path, "rb"));
	float	   *points;
	long		size;

	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	points = must(malloc((size_t) size));
	*n = fread(points, dims * sizeof(float), (size_t) size / (dims * sizeof(float)), file);
	fclose(file);
	return points;
}

#endif							/* BENCH_H */
