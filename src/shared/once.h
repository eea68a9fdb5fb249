/*
 * once.h - a value in shared memory that the first of several processes makes, and all have
 */
#ifndef VECTOR_SHARED_ONCE_H
#define VECTOR_SHARED_ONCE_H

#include "pg_compat.h"

#include "storage/condition_variable.h"
#include "storage/spin.h"
#include "utils/dsa.h"

typedef enum OnceState
{
	ONCE_NOBODY, ONCE_MAKING, ONCE_MADE
} OnceState;

/* In shared memory, as the participants of a parallel query have it. */
typedef struct Once
{
	slock_t		lock;			/* of `state` */
	OnceState	state;
	ConditionVariable made;
	dsa_pointer value;			/* once it is made */
} Once;

extern void once_init(Once *once);

/*
 * The value, which lies in the area; waits for it while another process makes it.  NULL: this
 * process is the first, and has to call once_set.  If it fails, so do all: an error of one
 * participant ends a parallel query, also those that wait.
 */
extern const void *once_get(Once *once, dsa_area *area);

/* Makes the value, a copy of this one, and returns it. */
extern const void *once_set(Once *once, dsa_area *area, const void *value, Size size);

/* Forgets the value, which no process uses any more. */
extern void once_reset(Once *once, dsa_area *area);

#endif							/* VECTOR_SHARED_ONCE_H */
