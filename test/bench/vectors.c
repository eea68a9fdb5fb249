/*
 * vectors.c - files of vectors, their binary forms, and distances
 */
#define _GNU_SOURCE
#include "vectors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const type_names[] = {"vector", "halfvec", "bf16vec", "int8vec"};
const char *const metric_names[] = {"l2", "ip", "cos", "l1"};
const char *const metric_operators[] = {"<->", "<#>", "<=>", "<+>"};

void
die(const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	fputs("load: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

void *
allocate(void *old, size_t size)
{
	void	   *p = realloc(old, size ? size : 1);

	if (p == NULL)
		die("out of memory");
	return p;
}

VecFile
map_file(const char *path)
{
	VecFile		f;
	struct stat st;
	int			fd = open(path, O_RDONLY);
	void	   *p;
	int32_t		dim;

	if (fd < 0 || fstat(fd, &st) != 0)
		die("could not open \"%s\": %s", path, strerror(errno));
	if (st.st_size < 8)
		die("\"%s\" is too short", path);
	p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		die("could not map \"%s\": %s", path, strerror(errno));
	close(fd);
	memcpy(&dim, p, sizeof(dim));
	if (dim < 1 || dim > 16000 || st.st_size % (4 * ((int64_t) dim + 1)) != 0)
		die("\"%s\" is not a file of equally long vectors", path);
	f.data = p;
	f.dim = dim;
	f.rows = st.st_size / (4 * ((int64_t) dim + 1));
	return f;
}

const void *
file_row(const VecFile *f, int64_t row)
{
	return f->data + row * 4 * ((int64_t) f->dim + 1) + 4;
}

char **
read_lines(const char *path, int64_t count)
{
	FILE	   *f = fopen(path, "r");
	char	  **lines = allocate(NULL, count * sizeof(char *));

	if (f == NULL)
		die("could not open \"%s\": %s", path, strerror(errno));
	for (int64_t i = 0; i < count; i++)
	{
		size_t		size = 0;

		lines[i] = NULL;
		if (getline(&lines[i], &size, f) < 0)
			die("\"%s\" has fewer than %lld lines", path, (long long) count);
		lines[i][strcspn(lines[i], "\n")] = '\0';
	}
	fclose(f);
	return lines;
}

static uint32_t
float_bits(float x)
{
	uint32_t	u;

	memcpy(&u, &x, sizeof(u));
	return u;
}

/*
 * IEEE half, round to nearest even; what is too large becomes infinity and is refused by the server
 */
static uint16_t
to_half(float x)
{
	uint32_t	u = float_bits(x);
	uint16_t	sign = (u >> 16) & 0x8000;
	int			exponent = (int) ((u >> 23) & 0xff) - 127 + 15;
	uint32_t	mantissa = u & 0x7fffff;
	int			shift = 13;
	uint32_t	half;
	uint32_t	rest;

	if (exponent >= 31)
		return sign | 0x7c00;
	if (exponent <= 0)
	{
		if (exponent < -10)
			return sign;
		mantissa |= 0x800000;
		shift = 14 - exponent;
		exponent = 0;
	}
	half = ((uint32_t) exponent << 10) + (mantissa >> shift);
	rest = mantissa & ((1u << shift) - 1);
	if (rest > 1u << (shift - 1) || (rest == 1u << (shift - 1) && (half & 1)))
		half++;
	return sign | (uint16_t) half;
}

static uint16_t
to_bf16(float x)
{
	uint32_t	u = float_bits(x);

	return (uint16_t) ((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

/* Bytes of an element in binary form. */
static int
element_size(VecType type)
{
	return type == TYPE_VECTOR ? 4 : type == TYPE_INT8VEC ? 1 : 2;
}

int
put_vector(char *out, const float *x, int dim, VecType type, float scale)
{
	uint16_t	head[2] = {htons((uint16_t) dim), 0};
	char	   *p = out + sizeof(head);

	memcpy(out, head, sizeof(head));
	for (int i = 0; i < dim; i++)
	{
		float		v = x[i] * scale;

		if (type == TYPE_VECTOR)
		{
			uint32_t	u = htonl(float_bits(v));

			memcpy(p + 4 * (size_t) i, &u, 4);
		}
		else if (type == TYPE_INT8VEC)
			p[i] = (char) (int8_t) fminf(fmaxf(rintf(v), -128), 127);
		else
		{
			uint16_t	u = htons(type == TYPE_HALFVEC ? to_half(v) : to_bf16(v));

			memcpy(p + 2 * (size_t) i, &u, 2);
		}
	}
	return (int) sizeof(head) + dim * element_size(type);
}

double
distance(const float *a, const float *b, int dim, Metric metric)
{
	double		sum = 0;
	double		aa = 0;
	double		bb = 0;

	for (int i = 0; i < dim; i++)
	{
		double		x = a[i];
		double		y = b[i];

		switch (metric)
		{
			case METRIC_L2:
				sum += (x - y) * (x - y);
				break;
			case METRIC_L1:
				sum += fabs(x - y);
				break;
			case METRIC_COS:
				aa += x * x;
				bb += y * y;
				sum += x * y;
				break;
			case METRIC_IP:
				sum += x * y;
				break;
		}
	}
	switch (metric)
	{
		case METRIC_L2:
			return sqrt(sum);
		case METRIC_COS:
			return 1 - sum / sqrt(aa * bb);
		case METRIC_IP:
			return -sum;
		default:
			return sum;
	}
}

float
int8_scale(const VecFile *f)
{
	float		max = 0;

	for (int64_t i = 0; i < f->rows; i++)
	{
		const float *x = file_row(f, i);

		for (int j = 0; j < f->dim; j++)
			max = fmaxf(max, fabsf(x[j]));
	}
	return max > 0 ? 127 / max : 1;
}
