/*
 * once.c - a value in shared memory that the first of several processes makes, and all have
 */
#include "shared/once.h"

#include "pgstat.h"

void
once_init(Once *once)
{
	SpinLockInit(&once->lock);
	once->state = ONCE_NOBODY;
	ConditionVariableInit(&once->made);
	once->value = InvalidDsaPointer;
}

/* Takes it upon this process to make the value if nobody has; returns the state before. */
static OnceState
enter(Once *once)
{
	OnceState	state;

	SpinLockAcquire(&once->lock);
	state = once->state;
	if (state == ONCE_NOBODY)
		once->state = ONCE_MAKING;
	SpinLockRelease(&once->lock);
	return state;
}

const void *
once_get(Once *once, dsa_area *area)
{
	OnceState	state;

	while ((state = enter(once)) == ONCE_MAKING)
		ConditionVariableSleep(&once->made, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	return state == ONCE_MADE ? dsa_get_address(area, once->value) : NULL;
}

const void *
once_set(Once *once, dsa_area *area, const void *value, Size size)
{
	dsa_pointer copy = dsa_allocate_extended(area, size, DSA_ALLOC_HUGE);

	memcpy(dsa_get_address(area, copy), value, size);
	SpinLockAcquire(&once->lock);
	once->value = copy;
	once->state = ONCE_MADE;
	SpinLockRelease(&once->lock);
	ConditionVariableBroadcast(&once->made);
	return dsa_get_address(area, copy);
}

void
once_reset(Once *once, dsa_area *area)
{
	if (DsaPointerIsValid(once->value))
		dsa_free(area, once->value);
	once_init(once);
}
