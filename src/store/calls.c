/*
 * calls.c - the calls of store.h, made of requests
 */
#include "pg_compat.h"

#include <limits.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "store/provider.h"

#define PARTS_AT_ONCE 4			/* of one object, each in memory */
#define SLICE (512 * 1024)		/* bytes read before others that are sent go on */
#define PACED_SLICE (128 * 1024)	/* likewise, at a rate */
#define MOST_LATE 50			/* milliseconds that are made up for, where a rate was not kept */
#define MOST_PARTS 10000
#define PAGE_TRIES 4			/* of a page of a list by version 2, before version 1 is tried */
#define ABORT_TIMEOUT 500		/* milliseconds that a cancelled upload takes to say so */

static void
read_memory(void *arg, uint64 offset, char *buffer, size_t length)
{
	memcpy(buffer, ((StoreMemory *) arg)->data + offset, length);
}

const StoreSource *
store_memory(StoreMemory *memory, const void *data, size_t size)
{
	memory->data = data;
	memory->source.size = size;
	memory->source.read = read_memory;
	memory->source.arg = memory;
	memory->source.tags = NULL;
	memory->source.rate = NULL;
	return &memory->source;
}

size_t
store_part_size(const Store *store)
{
	return store->options.part_size;
}

bool
store_can_create(const Store *store)
{
	return store->provider->create && store->options.conditional_put;
}

void
store_counters(const Store *store, StoreCounters *counters)
{
	*counters = store->counters;
}

void
store_new_counters(Store *store, StoreCounters *counters)
{
	const uint64 *all = (const uint64 *) &store->counters;
	uint64	   *given = (uint64 *) &store->given;

	for (size_t i = 0; i < sizeof(StoreCounters) / sizeof(uint64); i++)
	{
		((uint64 *) counters)[i] = all[i] - given[i];
		given[i] = all[i];
	}
}

int
store_time_class(uint64 microseconds)
{
	uint64		time = Max(microseconds, 4);
	int			log = pg_leftmost_one_pos64(time);

	return (int) Min((log - 2) * 4 + ((time >> (log - 2)) & 3), STORE_TIMES - 1);
}

double
store_time_of(const uint64 *times, double share)
{
	uint64		count = 0;
	uint64		seen = 0;

	for (int i = 0; i < STORE_TIMES; i++)
		count += times[i];
	for (int i = 0; i < STORE_TIMES; i++)
	{
		seen += times[i];
		/* the middle of the class, which begins at (4 + i % 4) << (i / 4) microseconds */
		if (count > 0 && seen >= share * count)
			return (4.5 + i % 4) * (double) (UINT64CONST(1) << (i / 4)) / 1000;
	}
	return 0;
}

/* What an administrator can do about a failure; NULL: no more than the message says. */
static const char *
hint_of(StoreKind kind)
{
	switch (kind)
	{
		case STORE_NO_BUCKET:
			return "Create the bucket or folder, or change the server's options.";
		case STORE_DENIED:
			return "Allow the owner of the credentials to list, read, write and delete objects "
				"below the prefix.";
		case STORE_CREDENTIALS:
			return "Change the credentials of the user mapping or of the credentials file.";
		case STORE_CLOCK:
			return "Set the clock of this machine, or that of the server: "
				"signatures hold for 15 minutes.";
		case STORE_REGION:
			return "Change the options region, endpoint or addressing of the server.";
		case STORE_CERTIFICATE:
			return "Name the authority that signed the server's certificate by the option ca_file "
				"of the provider s3.";
		case STORE_UNVERIFIED:
			return "Use the provider s3, or an endpoint of http://, or accept by the option "
				"accept_unverified that another server may pose as this one.";
		case STORE_UNREACHABLE:
		case STORE_TIMEOUT:
			return "See whether the endpoint is right, the server runs, and no firewall is "
				"between.";
		case STORE_FULL:
			return "Free space, or raise the quota.";
		default:
			return NULL;
	}
}

const char *
store_hint(const StoreError *error)
{
	return hint_of(error->kind);
}

static int
sqlstate_of(StoreKind kind)
{
	switch (kind)
	{
		case STORE_NOT_FOUND:
		case STORE_NO_BUCKET:
			return ERRCODE_FDW_TABLE_NOT_FOUND;
		case STORE_EXISTS:
			return ERRCODE_DUPLICATE_OBJECT;
		case STORE_DENIED:
			return ERRCODE_INSUFFICIENT_PRIVILEGE;
		case STORE_CREDENTIALS:
			return ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
		case STORE_CERTIFICATE:
		case STORE_UNREACHABLE:
		case STORE_TIMEOUT:
		case STORE_BUSY:
			return ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
		case STORE_UNVERIFIED:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		case STORE_DAMAGED:
			return ERRCODE_DATA_CORRUPTED;
		case STORE_FULL:
			return ERRCODE_DISK_FULL;
		default:
			return ERRCODE_FDW_ERROR;
	}
}

/* The failure of a call as an error of the statement. */
void
store_raise(const Store *store, const char *key, const StoreError *error)
{
	const char *hint = hint_of(error->kind);

	ereport(ERROR,
			(errcode(sqlstate_of(error->kind)),
			 key == NULL || key[0] == '\0' ?
			 errmsg("object store \"%s\": %s", store->name, error->message) :
			 errmsg("object store \"%s\", object \"%s\": %s", store->name, key, error->message),
			 error->status != 0 ? errdetail("The server answered with status %d; tries: %d.",
											error->status, error->tries) :
			 error->tries > 1 ? errdetail("Tries: %d.", error->tries) : 0,
			 hint != NULL ? errhint("%s", hint) : 0));
}

/* Hands the outcome of a call to the caller. */
bool
store_give_outcome(const Store *store, const char *key, const StoreError *outcome,
				   StoreError *error)
{
	if (error != NULL)
		*error = *outcome;
	else if (outcome->kind != STORE_OK)
		store_raise(store, key, outcome);
	return outcome->kind == STORE_OK;
}

/*
 * Keys are made of letters, digits and "/_.-" only, which all servers and libraries sign and store
 * alike.  No part of a key begins with a dot, which is how the provider folder tells its own files.
 */
static void
set_key(const Store *store, StoreRequest *request, StoreVerb verb, const char *key)
{
	memset(request, 0, sizeof(StoreRequest));
	request->verb = verb;
	if (strlen(store->options.prefix) + strlen(key) > STORE_MAX_KEY ||
		strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.-") !=
		strlen(key) || key[0] == '.' || key[0] == '/' || strstr(key, "/.") != NULL ||
		strstr(key, "//") != NULL ||
		(verb != STORE_LIST && (key[0] == '\0' || key[strlen(key) - 1] == '/')))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" cannot be the key of an object", key)));
	snprintf(request->key, sizeof(request->key), "%s%s", store->options.prefix, key);
}

/* Runs one request. */
static bool
run_one(Store *store, StoreRequest *request)
{
	store_run(store, request, 1);
	return request->error.kind == STORE_OK;
}

/* ---- writing ---- */

typedef struct Writer
{
	const StoreSource *source;
	StoreDigest *digest;		/* NULL: not asked for */
	StoreHash  *hash;
	uint64		hashed;			/* bytes that the digest has seen */
	double		due;			/* when what was read may have been sent, in milliseconds */
} Writer;

static void
digest_begin(Writer *writer, const StoreSource *source, StoreDigest *digest)
{
	memset(writer, 0, sizeof(Writer));
	writer->source = source;
	writer->digest = digest;
	if (digest == NULL)
		return;
	digest->blocks = (source->size + STORE_BLOCK - 1) / STORE_BLOCK;
	digest->crcs = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(uint32) * Max(digest->blocks, 1));
	writer->hash = store_hash_begin();
}

static void
digest_end(Writer *writer)
{
	if (writer->hash == NULL)
		return;
	store_hash_end(writer->hash, writer->digest->sha256);
	writer->hash = NULL;
}

/*
 * Reads bytes of the source, which the digest sees in their order and once; offset is that of a
 * block.
 */
static void
read_source(Writer *writer, uint64 offset, char *buffer, size_t length)
{
	if (length > 0)
		writer->source->read(writer->source->arg, offset, buffer, length);
	if (writer->hash == NULL || offset != writer->hashed || length == 0)
		return;
	store_hash_add(writer->hash, buffer, length);
	for (size_t at = 0; at < length; at += STORE_BLOCK)
		writer->digest->crcs[(offset + at) / STORE_BLOCK] =
			store_crc(buffer + at, Min(STORE_BLOCK, length - at));
	writer->hashed += length;
}

/*
 * At a rate, waits after so many bytes until more may be sent; those of other requests go on.
 */
static void
keep_rate(Store *store, Writer *writer, size_t bytes, uint64 rate, const StoreRequest *others)
{
	int			count = others == NULL ? 0 : PARTS_AT_ONCE;
	double		left;

	writer->due = Max(writer->due, (double) (store_now() - MOST_LATE)) + 1000.0 * bytes / rate;
	while ((left = writer->due - (double) store_now()) >= 1)
		store_wait_beside(store, others, count, (int) Min(left, INT_MAX));
}

/*
 * Reads the bytes of a request, slice by slice, at the rate of the source.  They are sent a little
 * faster than they are read, and in any case within a part of the time that a request has.  So
 * neither the server nor who shares its processors is busy for long with one request.
 */
static void
read_body(Store *store, Writer *writer, StoreRequest *request, char *body,
		  const StoreRequest *others)
{
	const StoreSource *source = writer->source;

	for (size_t at = 0; at < request->body_size;)
	{
		uint64		rate = source->rate == NULL ? 0 : source->rate();
		size_t		slice = Min(rate > 0 ? PACED_SLICE : SLICE, request->body_size - at);

		read_source(writer, request->offset + at, body + at, slice);
		if (rate > 0)
			keep_rate(store, writer, slice, rate, others);
		else if (others != NULL)
			store_go_on(store);
		at += slice;
		request->speed = rate == 0 ? 0 :
			Max(rate + rate / 4, UINT64CONST(4000) * request->body_size / store->options.timeout);
	}
	request->body = body;
}

/* Writes an object in one request. */
static bool
put_whole(Store *store, StoreRequest *request, Writer *writer)
{
	char	   *body = MemoryContextAllocHuge(CurrentMemoryContext, writer->source->size + 1);

	request->body_size = writer->source->size;
	read_body(store, writer, request, body, NULL);
	return run_one(store, request);
}

/* The parts of an upload that are sent at the same time. */
typedef struct Parts
{
	Store	   *store;
	StoreRequest *end;
	Writer	   *writer;
	size_t		part_size;
	int			made;			/* parts, so far */
	StoreObject *uploaded;		/* what the server said of each */
	StoreRequest requests[PARTS_AT_ONCE];
	char	   *bodies[PARTS_AT_ONCE];
} Parts;

/* Takes what the server said of a part; false: it failed. */
static bool
take_part(Parts *parts, const StoreRequest *part)
{
	if (part->part > 0 && part->error.kind == STORE_OK)
		parts->uploaded[part->part - 1] = part->object;
	return part->error.kind == STORE_OK;
}

/*
 * The next part, in place of one that is done.  While its bytes are read, those of the others are
 * sent.
 */
static bool
next_part(void *arg, StoreRequest *part)
{
	Parts	   *parts = arg;
	uint64		offset = (uint64) parts->made * parts->part_size;

	if (!take_part(parts, part) || parts->made == parts->end->parts)
		return false;
	memset(part, 0, sizeof(StoreRequest));
	part->verb = STORE_UPLOAD_PART;
	strlcpy(part->key, parts->end->key, sizeof(part->key));
	part->upload = parts->end->upload;
	part->part = ++parts->made;
	part->offset = offset;
	part->body_size = Min(parts->part_size, parts->writer->source->size - offset);
	read_body(parts->store, parts->writer, part, parts->bodies[part - parts->requests],
			  parts->requests);
	return true;
}

/* Sends the parts of an upload, some at a time. */
static bool
put_parts(Store *store, StoreRequest *end, Writer *writer, size_t part_size)
{
	Parts		parts = {.store = store, .end = end, .writer = writer, .part_size = part_size};
	int			count = Min(PARTS_AT_ONCE, end->parts);

	parts.uploaded = palloc0(sizeof(StoreObject) * end->parts);
	end->uploaded = parts.uploaded;
	for (int i = 0; i < count; i++)
	{
		parts.requests[i].done = true;
		parts.bodies[i] = MemoryContextAllocHuge(CurrentMemoryContext, part_size);
	}
	store_run_fed(store, parts.requests, count, next_part, &parts);
	for (int i = 0; i < count; i++)
	{
		if (!take_part(&parts, &parts.requests[i]))
		{
			end->error = parts.requests[i].error;
			return false;
		}
		pfree(parts.bodies[i]);
	}
	return true;
}

/*
 * Drops the parts of an upload that failed, if the server can be reached; else they stay until it
 * drops them.
 */
static void
abort_upload(Store *store, const StoreRequest *end)
{
	StoreRequest request = {.verb = STORE_UPLOAD_ABORT, .upload = end->upload};
	int			timeout = store->options.timeout;

	strlcpy(request.key, end->key, sizeof(request.key));
	store->options.timeout = Min(timeout, ABORT_TIMEOUT);
	HOLD_INTERRUPTS();
	store_run(store, &request, 1);
	RESUME_INTERRUPTS();
	store->options.timeout = timeout;
}

/* The body that completes an upload: it names every part. */
static void
name_parts(StoreRequest *end)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoString(&body, "<CompleteMultipartUpload "
						   "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (int i = 0; i < end->parts; i++)
		appendStringInfo(&body, "<Part><PartNumber>%d</PartNumber><ETag>\"%s\"</ETag></Part>",
						 i + 1, end->uploaded[i].etag);
	appendStringInfoString(&body, "</CompleteMultipartUpload>");
	end->body = body.data;
	end->body_size = body.len;
}

/*
 * Completes an upload.  Where its reply was lost a second try may say anything; whether there is an
 * object of the right size tells.
 */
static bool
end_upload(Store *store, StoreRequest *end, uint64 size)
{
	StoreRequest head = {.verb = STORE_HEAD};

	name_parts(end);
	if (run_one(store, end) && end->tries == 1)
		return true;
	strlcpy(head.key, end->key, sizeof(head.key));
	if (end->tries > 1 && run_one(store, &head) && head.object.size == size)
		memset(&end->error, 0, sizeof(StoreError));
	else if (end->error.kind == STORE_OK)
		store_fail(&end->error, STORE_DAMAGED, "the object is not there, or not whole");
	return end->error.kind == STORE_OK;
}

/* Sends the parts of an upload and completes it; an interrupt drops it. */
static bool
send_upload(Store *store, StoreRequest *end, Writer *writer, size_t part_size)
{
	MemoryContext context = CurrentMemoryContext;
	bool		written = false;

	PG_TRY();
	{
		written = put_parts(store, end, writer, part_size) &&
			end_upload(store, end, writer->source->size);
	}
	PG_CATCH();
	{
		ErrorData  *failure;

		MemoryContextSwitchTo(context);
		failure = CopyErrorData();
		FlushErrorState();
		abort_upload(store, end);
		ReThrowError(failure);
	}
	PG_END_TRY();
	if (!written)
		abort_upload(store, end);
	return written;
}

static bool
put_upload(Store *store, StoreRequest *end, Writer *writer)
{
	StoreRequest begin = {.verb = STORE_UPLOAD_BEGIN};
	size_t		part_size = store->options.part_size;

	while (writer->source->size / part_size >= MOST_PARTS)
		part_size *= 2;
	strlcpy(begin.key, end->key, sizeof(begin.key));
	begin.tags = end->tags;
	if (!run_one(store, &begin))
	{
		end->error = begin.error;
		return false;
	}
	end->verb = STORE_UPLOAD_END;
	end->upload = begin.reply;
	end->parts = (writer->source->size + part_size - 1) / part_size;
	return send_upload(store, end, writer, part_size);
}

bool
store_put(Store *store, const char *key, const StoreSource *source, StoreDigest *digest,
		  StoreError *error)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "store put", ALLOCSET_DEFAULT_SIZES);
	StoreRequest request;
	Writer		writer;

	set_key(store, &request, STORE_PUT, key);
	request.tags = source->tags;
	digest_begin(&writer, source, digest);
	MemoryContextSwitchTo(context);
	if (source->size <= store->options.part_size || !store->provider->parts)
		put_whole(store, &request, &writer);
	else
		put_upload(store, &request, &writer);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	digest_end(&writer);
	return store_give_outcome(store, key, &request.error, error);
}

/*
 * A try whose reply was lost may have created the object: so a second one that finds an object of
 * the same bytes has not failed.
 */
bool
store_create(Store *store, const char *key, const StoreSource *source, StoreError *error)
{
	StoreRequest request;
	char	   *body;

	if (!store_can_create(store) || source->size > store->options.part_size)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("object store \"%s\" cannot create this object on condition",
							   store->name)));
	set_key(store, &request, STORE_PUT, key);
	request.create = true;
	request.tags = source->tags;
	body = palloc(source->size + 1);
	if (source->size > 0)
		source->read(source->arg, 0, body, source->size);
	request.body = body;
	request.body_size = source->size;
	run_one(store, &request);
	if (request.error.kind == STORE_EXISTS && request.tries > 1 && source->size > 0)
	{
		StoreObject object;
		StoreError	ignored;
		StoreRange	range = {.key = key, .length = source->size, .data = palloc(source->size)};

		if (store_head(store, key, &object, &ignored) && object.size == source->size &&
			store_read(store, &range, 1, &ignored) &&
			memcmp(range.data, body, source->size) == 0)
			memset(&request.error, 0, sizeof(StoreError));
		pfree(range.data);
	}
	pfree(body);
	return store_give_outcome(store, key, &request.error, error);
}

/* ---- reading ---- */

bool
store_read(Store *store, StoreRange *ranges, int count, StoreError *error)
{
	StoreRequest *requests = palloc(sizeof(StoreRequest) * Max(count, 1));
	StoreError	outcome = {.kind = STORE_OK};
	const char *key = NULL;

	for (int i = 0; i < count; i++)
	{
		Assert(ranges[i].length > 0);
		Assert(ranges[i].crcs == NULL || ranges[i].offset % STORE_BLOCK == 0);
		set_key(store, &requests[i], STORE_GET, ranges[i].key);
		requests[i].offset = ranges[i].offset;
		requests[i].length = ranges[i].length;
		requests[i].data = ranges[i].data;
		requests[i].crcs = ranges[i].crcs;
	}
	store_run(store, requests, count);
	for (int i = 0; i < count && outcome.kind == STORE_OK; i++)
	{
		outcome = requests[i].error;
		outcome.range = i;
		key = ranges[i].key;
	}
	pfree(requests);
	return store_give_outcome(store, key, &outcome, error);
}

bool
store_head(Store *store, const char *key, StoreObject *object, StoreError *error)
{
	StoreRequest request;

	set_key(store, &request, STORE_HEAD, key);
	run_one(store, &request);
	*object = request.object;
	return store_give_outcome(store, key, &request.error, error);
}

/* ---- listing and deleting ---- */

typedef struct Listing
{
	const char *strip;			/* the store's prefix */
	StoreVisit	visit;
	void	   *arg;
	char		last[STORE_MAX_KEY + 1];
} Listing;

/*
 * Passes a key on, without the store's prefix; keys that this room cannot have written are not
 * passed on.
 */
static void
visit_key(void *arg, const char *key, uint64 size)
{
	Listing    *listing = arg;
	size_t		strip = strlen(listing->strip);

	strlcpy(listing->last, key, sizeof(listing->last));
	if (strlen(key) <= STORE_MAX_KEY && strncmp(key, listing->strip, strip) == 0)
		listing->visit(listing->arg, key + strip, size);
}

/*
 * Lists page by page.  Some servers know version 2 not at all, or fail where a list has several
 * pages: then the rest is asked for by version 1, which goes on after the last key.
 */
bool
store_list(Store *store, const char *prefix, StoreVisit visit, void *arg, StoreError *error)
{
	Listing		listing = {store->options.prefix, visit, arg, ""};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "store list",
												  ALLOCSET_DEFAULT_SIZES);
	StoreRequest request;
	char		token[STORE_MAX_TOKEN] = "";
	bool		version1 = false;
	bool		more = true;

	while (more)
	{
		MemoryContext caller = MemoryContextSwitchTo(context);
		char		before[STORE_MAX_KEY + 1];
		bool		answered;

		set_key(store, &request, STORE_LIST, prefix);
		request.version1 = version1;
		request.token = !version1 && token[0] != '\0' ? token : NULL;
		request.after = version1 ? listing.last : NULL;
		request.most_tries = version1 ? 0 : PAGE_TRIES;
		answered = run_one(store, &request);
		MemoryContextSwitchTo(caller);
		strlcpy(before, listing.last, sizeof(before));
		if (answered && !store->provider->page(store, &request, visit_key, &listing, token))
			answered = store_fail(&request.error, STORE_REFUSED,
								  "the server's answer is not a list of objects");
		MemoryContextReset(context);
		if (answered)
		{
			more = token[0] != '\0';
			if (more && version1 && strcmp(before, listing.last) == 0)
			{
				store_fail(&request.error, STORE_REFUSED, "the server repeats a page of a list");
				break;
			}
		}
		else if (!version1 &&
				 (request.error.kind == STORE_REFUSED || store_may_pass(request.error.kind)))
			version1 = true;
		else
			break;
	}
	MemoryContextDelete(context);
	return store_give_outcome(store, prefix, &request.error, error);
}

bool
store_delete(Store *store, const char *const *keys, int count, StoreError *error)
{
	StoreRequest *requests = palloc(sizeof(StoreRequest) * Max(count, 1));
	StoreError	outcome = {.kind = STORE_OK};
	const char *key = NULL;

	for (int i = 0; i < count; i++)
		set_key(store, &requests[i], STORE_DELETE, keys[i]);
	store_run(store, requests, count);
	for (int i = 0; i < count && outcome.kind == STORE_OK; i++)
	{
		outcome = requests[i].error;
		key = keys[i];
	}
	pfree(requests);
	return store_give_outcome(store, key, &outcome, error);
}
