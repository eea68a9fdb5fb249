/*
 * blas.c - loading and testing OpenBLAS, and products without it
 */
#include "cluster/blas.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "distance/distance.h"

#define THREADS_VARIABLE	"OPENBLAS_NUM_THREADS"

/* Bytes of columns that stay in the first-level cache while the rows pass. */
#define KERNEL_BLOCK	16384

/* What is needed of cblas.h: row-major order, whether an operand is transposed. */
enum
{
	ROW_MAJOR = 101,
	NOT_TRANSPOSED = 111,
	TRANSPOSED = 112
};

typedef void (*Sgemm) (int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
					   const float *a, int lda, const float *b, int ldb, float beta, float *c,
					   int ldc);

/* What openblas_get_parallel returns for a build with threads of its own. */
#define OPENBLAS_PTHREADS	1

static Sgemm sgemm;				/* NULL until loaded and tested */
static bool in_use;
static bool off;
static bool serial;				/* only one thread may call it, or each call starts threads */
static bool tried;
static char description[256] = "kernels";

static void
sgemm_dots(const float *a, size_t rows, const float *b, size_t columns, uint32_t dims, float *out)
{
	sgemm(ROW_MAJOR, NOT_TRANSPOSED, TRANSPOSED, (int) rows, (int) columns, (int) dims, 1.0f, a,
		  (int) dims, b, (int) dims, 0.0f, out, (int) columns);
}

static void
kernel_dots(const float *a, size_t rows, const float *b, size_t columns, uint32_t dims, float *out)
{
	const float *block[CLUSTER_DOTS_COLUMNS];
	size_t		width = KERNEL_BLOCK / (dims * sizeof(float)) & ~(size_t) 3;

	if (width < 8)
		width = 8;
	for (size_t start = 0; start < columns; start += width)
	{
		size_t		count = columns - start < width ? columns - start : width;

		for (size_t j = 0; j < count; j++)
			block[j] = b + (start + j) * dims;
		for (size_t i = 0; i < rows; i++)
			distance_kernels->f32_dot_many(a + i * dims, block, count, dims,
										   out + i * columns + start);
	}
}

/*
 * Whether products of one shape are right.  The shapes are chosen to have whole tiles of the
 * library's kernel, remainders in each direction, and more than one panel of its loops.
 */
static bool
sgemm_right(size_t rows, size_t columns, uint32_t dims)
{
	size_t		elements = (rows + columns) * dims;
	float	   *a = malloc((elements + rows * columns) * sizeof(float));
	float	   *b;
	float	   *out;
	uint32_t	state = 1;
	bool		right = true;

	if (a == NULL)
		return false;
	b = a + rows * dims;
	out = a + elements;
	for (size_t i = 0; i < elements; i++)
	{
		state = state * 1664525 + 1013904223;
		a[i] = (float) (state >> 8) * 0x1p-24f - 0.25f;
	}
	for (size_t i = 0; i < rows * columns; i++)
		out[i] = NAN;
	sgemm_dots(a, rows, b, columns, dims, out);
	for (size_t i = 0; i < rows && right; i++)
		for (size_t j = 0; j < columns && right; j++)
		{
			double		dot = 0;

			for (uint32_t d = 0; d < dims; d++)
				dot += (double) a[i * dims + d] * (double) b[j * dims + d];
			right = fabs(dot - (double) out[i * columns + j]) < 1e-5 * dims;
		}
	free(a);
	return right;
}

/* Looks up a symbol; by way of memory, because C cannot convert an object pointer to a function. */
static bool
find_symbol(void *library, const char *name, void *function)
{
	void	   *symbol = dlsym(library, name);

	memcpy(function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

/* Takes the functions of a library and starts it up; returns false if it cannot be used. */
static bool
take_library(void *library)
{
	void		(*set_threads) (int threads);
	int			(*get_parallel) (void);
	char	   *(*get_config) (void);

	if (!find_symbol(library, "cblas_sgemm", &sgemm) ||
		!find_symbol(library, "openblas_set_num_threads", &set_threads))
	{
		snprintf(description, sizeof(description), "kernels (OpenBLAS lacks a function)");
		return false;
	}
	set_threads(1);
	serial = find_symbol(library, "openblas_get_parallel", &get_parallel) &&
		get_parallel() != OPENBLAS_PTHREADS;
	if (!sgemm_right(61, 77, 131) || !sgemm_right(4, 3, 5) || !sgemm_right(64, 128, 600))
	{
		snprintf(description, sizeof(description), "kernels (OpenBLAS computes wrong here)");
		return false;
	}
	if (find_symbol(library, "openblas_get_config", &get_config))
		snprintf(description, sizeof(description), "%s", get_config());
	else
		snprintf(description, sizeof(description), "OpenBLAS");
	return true;
}

/*
 * Loads the library in a way that starts no threads.  If it starts some all the same, they handle
 * no signals.
 */
static void
load_openblas(void)
{
	static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
	char	   *threads = getenv(THREADS_VARIABLE);
	void	   *library = NULL;
	sigset_t	all;
	sigset_t	before;

	if (threads != NULL && (threads = strdup(threads)) == NULL)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	setenv(THREADS_VARIABLE, "1", 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && library == NULL; i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		snprintf(description, sizeof(description), "kernels (there is no OpenBLAS)");
	else if (!take_library(library))
		sgemm = NULL;
	if (threads != NULL)
		setenv(THREADS_VARIABLE, threads, 1);
	else
		unsetenv(THREADS_VARIABLE);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(threads);
}

bool
cluster_blas_load(void)
{
	if (!off && !tried)
	{
		load_openblas();
		tried = true;
	}
	in_use = !off && sgemm != NULL;
	return in_use;
}

void
cluster_blas_select(ClusterBlas blas)
{
	off = blas == CLUSTER_BLAS_KERNELS;
	in_use = false;
}

const char *
cluster_blas_describe(void)
{
	return off ? "kernels (OpenBLAS is turned off)" : description;
}

bool
cluster_blas_threads(void)
{
	return !in_use || !serial;
}

void
cluster_dots(const float *a, size_t rows, const float *b, size_t columns, uint32_t dims, float *out)
{
	if (in_use)
		sgemm_dots(a, rows, b, columns, dims, out);
	else
		kernel_dots(a, rows, b, columns, dims, out);
}
