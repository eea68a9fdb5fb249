/*
 * run.c - runs requests: many at once, each tried until it is done, fails for good, or has taken
 * too long
 */
#include "pg_compat.h"

#include <limits.h>

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "store/provider.h"

#define LONGEST_WAIT 100		/* milliseconds after which a cancel is seen at the latest */
#define IDLE_WAIT 1				/* likewise, in which nothing comes or goes, before other work */
#define FIRST_PAUSE 50			/* most milliseconds before the first new try; doubles */
#define LONGEST_PAUSE 5000
#define MOST_DAMAGED 4			/* tries that give damaged bytes, before they count as lost */
#define LEAST_READS 16			/* from which on it is known which reads are slow */
#define LEAST_HEDGE 20			/* milliseconds that no read is too slow for */
#define MOST_REPLY (64 * 1024 * 1024)	/* bytes of a list of objects */
#define OTHER_ENDPOINT 60000	/* milliseconds for which reads go elsewhere after a failure */

int64
store_now(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MILLISEC(now);
}

/* Notes a failure; returns false. */
bool
store_fail(StoreError *error, StoreKind kind, const char *format,...)
{
	va_list		arguments;

	error->kind = kind;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return false;
}

/*
 * Keeps bytes that came.  false: they are more than were asked for, or there is no memory; no error
 * is raised, because libraries call this.
 */
bool
store_take_bytes(StoreAttempt *attempt, const char *bytes, size_t count)
{
	size_t		size = attempt->size + count;

	if (size > attempt->capacity && attempt->request->verb != STORE_GET && size < MOST_REPLY)
	{
		size_t		capacity = Max(4096, 2 * size);
		char	   *data = MemoryContextAllocExtended(attempt->context, capacity,
													  MCXT_ALLOC_NO_OOM);

		if (data == NULL)
			return false;
		if (attempt->data != NULL)
		{
			memcpy(data, attempt->data, attempt->size);
			pfree(attempt->data);
		}
		attempt->data = data;
		attempt->capacity = capacity;
	}
	if (size > attempt->capacity)
		return false;
	memcpy(attempt->data + attempt->size, bytes, count);
	attempt->size = size;
	attempt->moved = store_now();
	return true;
}

/* Whether a failure may pass by itself. */
bool
store_may_pass(StoreKind kind)
{
	return kind == STORE_BUSY || kind == STORE_UNREACHABLE || kind == STORE_TIMEOUT ||
		kind == STORE_DAMAGED;
}

/* Waits without a provider. */
void
store_sleep(int milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
}

static int
compare_ints(const void *a, const void *b)
{
	return *(const int *) a - *(const int *) b;
}

int
store_hedge_after(const Store *store)
{
	int			sorted[STORE_LATENCIES];
	int			count = Min(store->reads, STORE_LATENCIES);

	if (count < LEAST_READS)
		return INT_MAX;
	memcpy(sorted, store->latencies, sizeof(int) * count);
	qsort(sorted, count, sizeof(int), compare_ints);
	return Max(2 * sorted[count * 95 / 100], LEAST_HEDGE);
}

static void
begin_attempt(Store *store, StoreRequest *request, int slot, int64 now)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "store attempt",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	StoreAttempt *attempt = palloc0(sizeof(StoreAttempt));

	attempt->request = request;
	attempt->context = context;
	INSTR_TIME_SET_CURRENT(attempt->sent);
	attempt->begun = attempt->moved = now;
	attempt->hedge = slot > 0;
	if (request->verb == STORE_GET)
	{
		attempt->capacity = request->length;
		attempt->data = MemoryContextAllocHuge(context, request->length);
		if (store->options.read_endpoint != NULL)
			attempt->other_endpoint = (now < store->other_until) != attempt->hedge;
	}
	store->counters.requests++;
	if (request->verb != STORE_GET && request->verb != STORE_HEAD && request->verb != STORE_DELETE)
		store->counters.writes++;
	if (attempt->hedge)
		store->counters.hedges++;
	else
	{
		if (request->tries > 0)
			store->counters.retries++;
		request->tries++;
	}
	if (request->begun == 0)
		request->begun = now;
	request->attempts[slot] = attempt;
	store->provider->begin(store, attempt);
	MemoryContextSwitchTo(caller);
}

static void
stop_attempt(Store *store, StoreAttempt *attempt)
{
	store->provider->stop(store, attempt);
	MemoryContextDelete(attempt->context);
}

static void
stop_attempts(Store *store, StoreRequest *request)
{
	for (int slot = 0; slot < 2; slot++)
	{
		StoreAttempt *attempt = request->attempts[slot];

		request->attempts[slot] = NULL;
		if (attempt != NULL)
			stop_attempt(store, attempt);
	}
}

/* Whether the bytes are those that were written. */
static bool
bytes_match(const StoreRequest *request, const char *data)
{
	if (request->crcs != NULL)
		for (uint32 at = 0; at < request->length; at += STORE_BLOCK)
			if (store_crc(data + at, Min(STORE_BLOCK, request->length - at)) !=
				request->crcs[at / STORE_BLOCK])
				return false;
	return true;
}

/* A read is complete: its length and its bytes are verified. */
static void
check_read(StoreAttempt *attempt)
{
	StoreRequest *request = attempt->request;

	if (attempt->size != request->length)
		store_fail(&attempt->error, STORE_DAMAGED, "%zu bytes came in place of %u",
				   attempt->size, request->length);
	else if (!bytes_match(request, attempt->data))
		store_fail(&attempt->error, STORE_DAMAGED,
				   "the bytes do not match the checksums that were kept when they were written");
}

static void
take_result(Store *store, StoreRequest *request, StoreAttempt *attempt, MemoryContext caller)
{
	instr_time	took;

	request->object = attempt->object;
	memset(&request->error, 0, sizeof(StoreError));
	if (request->verb == STORE_GET)
	{
		memcpy(request->data, attempt->data, attempt->size);
		INSTR_TIME_SET_CURRENT(took);
		INSTR_TIME_SUBTRACT(took, attempt->sent);
		store->latencies[store->reads++ % STORE_LATENCIES] =
			(int) Min(INSTR_TIME_GET_MILLISEC(took), INT_MAX / 2);
		store->counters.gets++;
		store->counters.times[store_time_class(INSTR_TIME_GET_MICROSEC(took))]++;
		if (attempt->hedge)
			store->counters.hedges_won++;
	}
	else if (attempt->size > 0)
	{
		request->reply = MemoryContextAllocHuge(caller, attempt->size + 1);
		memcpy(request->reply, attempt->data, attempt->size);
		request->reply[attempt->size] = '\0';
		request->reply_size = attempt->size;
	}
}

/* Whether the store has told what it was asked: that there is an object, or that there is none. */
static bool
is_answer(StoreVerb verb, StoreKind kind)
{
	return kind == STORE_EXISTS || (kind == STORE_NOT_FOUND && verb == STORE_HEAD);
}

/*
 * An attempt is over.  After a failure that may pass the request is due again after a pause of
 * random length, so that those who failed together do not come back together.
 */
static void
end_attempt(Store *store, StoreRequest *request, int slot, MemoryContext caller)
{
	StoreAttempt *attempt = request->attempts[slot];
	StoreAttempt *other = request->attempts[1 - slot];
	StoreKind	kind;

	if (attempt->error.kind == STORE_OK && request->verb == STORE_GET)
		check_read(attempt);
	/* where no object is asked for, it is the bucket that is not there */
	if (attempt->error.kind == STORE_NOT_FOUND &&
		(request->verb == STORE_LIST || request->verb == STORE_PUT ||
		 request->verb == STORE_UPLOAD_BEGIN))
		store_fail(&attempt->error, STORE_NO_BUCKET,
				   "there is no such bucket, or no object store at the endpoint");
	kind = attempt->error.kind;
	if (request->verb == STORE_GET)
		store->counters.bytes_read += attempt->size;
	else if (kind == STORE_OK && request->verb != STORE_UPLOAD_END)
		store->counters.bytes_written += request->body_size;
	/* copies come later to the other endpoint */
	if (kind == STORE_NOT_FOUND && attempt->other_endpoint)
		kind = STORE_UNREACHABLE;
	if (kind == STORE_OK)
	{
		take_result(store, request, attempt, caller);
		request->done = true;
		stop_attempts(store, request);
		return;
	}

	store->counters.errors += !is_answer(request->verb, kind);
	if (attempt->request->verb == STORE_GET && store_may_pass(kind))
		store->other_until = attempt->other_endpoint ? 0 : store_now() + OTHER_ENDPOINT;
	request->error = attempt->error;
	if (store_may_pass(kind) && other != NULL)
	{
		/* the other attempt goes on, as the first */
		stop_attempt(store, attempt);
		request->attempts[0] = other;
		request->attempts[1] = NULL;
		return;
	}
	stop_attempts(store, request);
	if (!store_may_pass(kind) || (kind == STORE_DAMAGED && request->tries >= MOST_DAMAGED) ||
		request->tries == request->most_tries)
		request->done = true;
	else
		request->due = store_now() + 1 + (int64)
			(pg_prng_double(&pg_global_prng_state) *
			 Min(LONGEST_PAUSE, FIRST_PAUSE << Min(request->tries - 1, 10)));
}

/*
 * Gives up what has taken too long: an attempt by which no byte has moved, or a request at its
 * deadline, which fails by what went wrong last.
 */
static void
end_late(Store *store, StoreRequest *request, int64 now, MemoryContext caller)
{
	for (int slot = 1; slot >= 0; slot--)
	{
		StoreAttempt *attempt = request->attempts[slot];

		if (attempt != NULL && !attempt->done &&
			now - attempt->moved > store->options.stall_timeout)
		{
			store_fail(&attempt->error, STORE_TIMEOUT, "no byte came or went for %d ms",
					   store->options.stall_timeout);
			end_attempt(store, request, slot, caller);
		}
	}
	if (!request->done && request->begun != 0 && now - request->begun > store->options.timeout)
	{
		if (request->error.kind == STORE_OK)
			store_fail(&request->error, STORE_TIMEOUT, "no answer within %d ms",
					   store->options.timeout);
		store->counters.errors++;
		stop_attempts(store, request);
		request->done = true;
	}
}

/* Begins what is due, as far as connections are free; returns how many attempts run. */
static int
begin_due(Store *store, StoreRequest *requests, int count, int hedge)
{
	int64		now = store_now();
	int			running = 0;

	for (int i = 0; i < count; i++)
		running += (requests[i].attempts[0] != NULL) + (requests[i].attempts[1] != NULL);
	for (int i = 0; i < count && running < store->options.connections; i++)
	{
		StoreRequest *request = &requests[i];
		StoreAttempt *first = request->attempts[0];

		if (request->done)
			continue;
		if (first == NULL && request->due <= now)
		{
			begin_attempt(store, request, 0, now);
			running++;
		}
		else if (first != NULL && request->attempts[1] == NULL && request->verb == STORE_GET &&
				 now - first->begun >= hedge)
		{
			begin_attempt(store, request, 1, now);
			running++;
		}
	}
	return running;
}

/* Milliseconds until there is something to do, if nothing comes. */
static int
next_wait(StoreRequest *requests, int count, int hedge)
{
	int64		now = store_now();
	int64		wait = LONGEST_WAIT;

	for (int i = 0; i < count; i++)
	{
		StoreRequest *request = &requests[i];
		StoreAttempt *first = request->attempts[0];

		if (request->done)
			continue;
		if (first == NULL && request->due > now)
			wait = Min(wait, request->due - now);
		else if (first != NULL && first->done)
			return 0;
		else if (first != NULL && request->attempts[1] == NULL && request->verb == STORE_GET &&
				 first->begun + hedge > now)
			wait = Min(wait, first->begun + hedge - now);
	}
	return (int) Max(wait, 1);
}

void
store_work_meanwhile(Store *store, void (*work) (void))
{
	store->work = work;
}

/* Waits for what runs.  While nothing comes or goes, what was to be done meanwhile is. */
static void
wait_for_attempts(Store *store, int milliseconds)
{
	void		(*work) (void) = store->work;
	bool		moved;

	if (milliseconds > 0)
		pgstat_report_wait_start(PG_WAIT_EXTENSION);
	moved = store->provider->wait(store, work ? Min(milliseconds, IDLE_WAIT) : milliseconds);
	pgstat_report_wait_end();
	if (IsUnderPostmaster && !PostmasterIsAlive())
		proc_exit(1);
	if (work && !moved && milliseconds > 0)
	{
		store->work = NULL;
		work();
	}
}

static int
end_attempts(Store *store, StoreRequest *requests, int count, MemoryContext caller)
{
	int64		now = store_now();
	int			left = 0;

	for (int i = 0; i < count; i++)
	{
		StoreRequest *request = &requests[i];

		for (int slot = 1; slot >= 0; slot--)
			if (!request->done && request->attempts[slot] != NULL &&
				request->attempts[slot]->done)
				end_attempt(store, request, slot, caller);
		if (!request->done)
			end_late(store, request, now, caller);
		left += !request->done;
	}
	return left;
}

/* Lets what runs go on, without a wait: bytes come and go. */
void
store_go_on(Store *store)
{
	(void) store->provider->wait(store, 0);
}

void
store_wait_beside(Store *store, const StoreRequest *requests, int count, int milliseconds)
{
	bool		running = false;

	for (int i = 0; i < count && !running; i++)
		running = requests[i].attempts[0] != NULL && !requests[i].attempts[0]->done;
	if (running)
		wait_for_attempts(store, Min(milliseconds, LONGEST_WAIT));
	else
		store_sleep(Min(milliseconds, LONGEST_WAIT));
	CHECK_FOR_INTERRUPTS();
}

/*
 * Makes the next request in a place that is free, if there is one; whether there may be more.  It
 * is done in the caller's memory.
 */
static bool
feed_one(StoreRequest *requests, int count, StoreFeed feed, void *arg, MemoryContext caller)
{
	for (int i = 0; i < count; i++)
		if (requests[i].done)
		{
			MemoryContext context = MemoryContextSwitchTo(caller);
			bool		fed = feed(arg, &requests[i]);

			MemoryContextSwitchTo(context);
			return fed;
		}
	return true;
}

/* Whether a place is free. */
static bool
has_room(const StoreRequest *requests, int count)
{
	for (int i = 0; i < count; i++)
		if (requests[i].done)
			return true;
	return false;
}

/*
 * Runs requests until each is done, and feed, unless it is NULL, has no more.
 */
static void
run_all(Store *store, StoreRequest *requests, int count, StoreFeed feed, void *arg,
		MemoryContext caller)
{
	int			hedge = store_hedge_after(store);
	bool		more = feed != NULL;

	while (end_attempts(store, requests, count, caller) > 0 || more)
	{
		int			running;
		int			wait;

		more = more && feed_one(requests, count, feed, arg, caller);
		running = begin_due(store, requests, count, hedge);
		wait = more && has_room(requests, count) ? 0 : next_wait(requests, count, hedge);
		if (running > 0)
			wait_for_attempts(store, wait);
		else if (wait > 0)
			store_sleep(wait);
		CHECK_FOR_INTERRUPTS();
	}
}

void
store_run_fed(Store *store, StoreRequest *requests, int count, StoreFeed feed, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "store requests",
												  ALLOCSET_DEFAULT_SIZES);

	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run_all(store, requests, count, feed, arg, caller);
	}
	PG_FINALLY();
	{
		store->work = NULL;
		for (int i = 0; i < count; i++)
			stop_attempts(store, &requests[i]);
		MemoryContextSwitchTo(caller);
	}
	PG_END_TRY();
	MemoryContextDelete(context);
	for (int i = 0; i < count; i++)
	{
		requests[i].error.tries = requests[i].tries;
		store_hide_secrets(store, &requests[i].error);
	}
}

void
store_run(Store *store, StoreRequest *requests, int count)
{
	store_run_fed(store, requests, count, NULL, NULL);
}
