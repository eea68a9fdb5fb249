/*
 * check.h - the minimum that a unit test needs
 *
 * CHECK counts results; check_end, called last in a program, prints "NAME: N passed, N failed" and
 * returns the exit status.
 */
#ifndef VECTOR_CHECK_H
#define VECTOR_CHECK_H

#include <stdio.h>

/*
 * Whether to test what one thread does: ThreadSanitizer would take minutes and can find nothing
 * there.
 */
#ifdef __SANITIZE_THREAD__
#define ONE_THREAD	0
#else
#define ONE_THREAD	1
#endif

/*
 * Whether to test what takes long and does what smaller tests do: with the same instructions, so
 * that a processor that is emulated is spared.
 */
#ifdef EMULATED
#define LONG_TESTS	0
#else
#define LONG_TESTS	1
#endif

static int	checks_passed;
static int	checks_failed;

#define CHECK(condition, ...) \
	do { \
		if (condition) \
			checks_passed++; \
		else if (++checks_failed <= 20) \
		{ \
			printf("%s:%d: %s: ", __FILE__, __LINE__, #condition); \
			printf(__VA_ARGS__); \
			printf("\n"); \
		} \
	} while (0)

static inline int
check_end(const char *name)
{
	printf("%s: %d passed, %d failed\n", name, checks_passed, checks_failed);
	return checks_failed > 0;
}

#endif							/* VECTOR_CHECK_H */
