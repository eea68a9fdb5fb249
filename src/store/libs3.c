/*
 * libs3.c - the provider "libs3": the library of this name, version 2 or 4
 *
 * Version 2 signs by version 2 of signatures, and writes an object in one request.  Version 4 signs
 * by version 4, with a region and a session token, and uploads in parts.  Neither knows conditions,
 * nor signs a body: so its MD5 goes along, which is signed, and which the server compares.
 * Which of its failures may pass is decided here: it takes SlowDown for one that does not.
 *
 * The library can stop requests by the context that they run in only, so each attempt has one of
 * its own.  It calls the functions here in the midst of its own work, so they raise no errors.
 */
#include "pg_compat.h"

#ifdef USE_LIBS3

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/select.h>
#include <unistd.h>

#include <libs3.h>

#include "lib/stringinfo.h"
#include "libpq/pqsignal.h"
#include "utils/memutils.h"

#include "store/provider.h"
#include "store/sign.h"

#define SONAME "libs3.so." CppAsString2(USE_LIBS3)

/* What calls run in; run.c limits their time, not the library. */
#if USE_LIBS3 >= 4
#define CONTEXT_OF(call) (call)->context, 0
#define UPLOAD_FUNCTIONS(DO) \
	DO(S3_initiate_multipart) DO(S3_upload_part) DO(S3_complete_multipart_upload) \
	DO(S3_abort_multipart_upload)
#else
#define CONTEXT_OF(call) (call)->context
#define UPLOAD_FUNCTIONS(DO)
#endif

/* Without this flag, version 4 takes any certificate. */
#ifndef S3_INIT_VERIFY_PEER
#define S3_INIT_VERIFY_PEER 0
#endif

#define MOST_TOKEN 2048			/* bytes of a session token */
#define MOST_SCOPE 56			/* bytes of what a signature names */
#define MOST_UPLOAD 254			/* bytes of the name of an upload */

#define FUNCTIONS(DO) \
	DO(S3_initialize) DO(S3_create_request_context) DO(S3_destroy_request_context) \
	DO(S3_runonce_request_context) DO(S3_get_request_context_fdsets) DO(S3_get_status_name) \
	DO(S3_put_object) DO(S3_get_object) DO(S3_head_object) DO(S3_delete_object) \
	DO(S3_list_bucket) UPLOAD_FUNCTIONS(DO)

#define DECLARE(name) __typeof__(&(name)) name##_;
static struct
{
	FUNCTIONS(DECLARE)
}			library;

typedef struct Libs3Call
{
	StoreAttempt *attempt;
	S3RequestContext *context;
	size_t		sent;			/* bytes of the body */
	char	   *md5;			/* of the body; NULL: not known */
	char	   *upload;			/* its name, as it is in a query */
	char		last[S3_MAX_KEY_SIZE + 1];	/* of the keys of a list */
	struct Libs3Call *next;
} Libs3Call;

typedef struct Libs3
{
	S3BucketContext bucket;
	Libs3Call  *calls;			/* that run */
} Libs3;

static bool
load_libs3(StoreError *error)
{
	static bool loaded = false;
	void	   *opened;

	if (loaded)
		return true;
	opened = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
	if (opened == NULL)
		return store_fail(error, STORE_LIBRARY, "libs3 cannot be loaded: %s", dlerror());
#define FIND(name) \
	if ((*(void **) &library.name##_ = dlsym(opened, #name)) == NULL) \
		return store_fail(error, STORE_LIBRARY, "libs3 has no " #name);
	FUNCTIONS(FIND)
	if (library.S3_initialize_(NULL, S3_INIT_ALL | S3_INIT_VERIFY_PEER, NULL) != S3StatusOK)
		return store_fail(error, STORE_LIBRARY, "libs3 cannot be initialized");
	loaded = true;
	return true;
}

static bool
libs3_open(Store *store, StoreError *error)
{
	const StoreOptions *options = &store->options;
	Libs3	   *libs3;

	if (options->access_key_id == NULL || options->secret_access_key == NULL)
		return store_fail(error, STORE_CREDENTIALS, STORE_NO_CREDENTIALS);
	if ((options->session_token != NULL && USE_LIBS3 < 4) || options->encryption_key != NULL)
		return store_fail(error, STORE_CREDENTIALS, USE_LIBS3 < 4 ?
						  "libs3 knows neither session_token nor encryption_key" :
						  "libs3 knows no encryption_key");
	if (!load_libs3(error))
		return false;
	libs3 = MemoryContextAllocZero(store->context, sizeof(Libs3));
	libs3->bucket.hostName = strstr(options->endpoint, "://") + 3;
	libs3->bucket.bucketName = options->bucket;
	libs3->bucket.protocol = strncmp(options->endpoint, "https", 5) == 0 ? S3ProtocolHTTPS :
		S3ProtocolHTTP;
	libs3->bucket.uriStyle = options->virtual_host ? S3UriStyleVirtualHost : S3UriStylePath;
	libs3->bucket.accessKeyId = options->access_key_id;
	libs3->bucket.secretAccessKey = options->secret_access_key;
#if USE_LIBS3 >= 4
	/* it cuts short what does not fit */
	if (options->session_token != NULL && strlen(options->session_token) > MOST_TOKEN)
		return store_fail(error, STORE_CREDENTIALS,
						  "libs3 takes a session_token of at most %d bytes", MOST_TOKEN);
	if (strlen(options->access_key_id) + strlen(options->region) > MOST_SCOPE)
		return store_fail(error, STORE_CREDENTIALS,
						  "libs3 takes an access_key_id and a region of together at most %d bytes",
						  MOST_SCOPE);
	libs3->bucket.securityToken = options->session_token;
	libs3->bucket.authRegion = options->region;
#endif
	store->private = libs3;
	return true;
}

static void
libs3_close(Store *store)
{
}

/* ---- what the library calls ---- */

static S3Status
take_properties(const S3ResponseProperties *properties, void *arg)
{
	StoreObject *object = &((Libs3Call *) arg)->attempt->object;
	const char *etag = properties->eTag;

	object->size = properties->contentLength;
	object->etag[0] = '\0';
	if (etag != NULL)
		strlcpy(object->etag, etag + (etag[0] == '"'), STORE_MAX_ETAG);
	object->etag[strcspn(object->etag, "\"")] = '\0';
	return S3StatusOK;
}

static S3Status
take_data(int size, const char *data, void *arg)
{
	return store_take_bytes(((Libs3Call *) arg)->attempt, data, size) ? S3StatusOK :
		S3StatusAbortedByCallback;
}

static int
give_data(int size, char *buffer, void *arg)
{
	Libs3Call  *call = arg;
	StoreRequest *request = call->attempt->request;
	int			given = (int) Min(request->body_size - call->sent, (size_t) size);

	memcpy(buffer, request->body + call->sent, given);
	call->sent += given;
	call->attempt->moved = store_now();
	return given;
}

/*
 * Lines as store_page_of_lines reads them.  The library takes a body that ends too early for a
 * whole one, and then says that this was the last page.  So a list ends with a page without
 * objects, see take_list_end, whatever the library says.
 */
static S3Status
take_list(int truncated, const char *marker, int count, const S3ListBucketContent *contents,
		  int prefix_count, const char **prefixes, void *arg)
{
	Libs3Call  *call = arg;
	char		line[S3_MAX_KEY_SIZE + 32];

	for (int i = 0; i < count; i++)
	{
		snprintf(line, sizeof(line), UINT64_FORMAT " %s\n", (uint64) contents[i].size,
				 contents[i].key);
		if (!store_take_bytes(call->attempt, line, strlen(line)))
			return S3StatusAbortedByCallback;
		strlcpy(call->last, contents[i].key, sizeof(call->last));
	}
	return S3StatusOK;
}

/*
 * The next page begins after the last key.  A first page without keys is asked for again, by a
 * marker before all keys that begin with the prefix; by version 1, see store_list, it is believed.
 */
static void
take_list_end(Libs3Call *call)
{
	StoreRequest *request = call->attempt->request;
	char		line[S3_MAX_KEY_SIZE + 32];
	int			shorter = (int) strlen(request->key) - 1;

	if (call->last[0] != '\0')
		snprintf(line, sizeof(line), "+%s\n", call->last);
	else if (request->token != NULL || request->version1)
		return;
	else if (shorter > 0)
		snprintf(line, sizeof(line), "+%.*s\n", shorter, request->key);
	else
		strlcpy(line, "+!\n", sizeof(line));
	if (!store_take_bytes(call->attempt, line, strlen(line)))
		store_fail(&call->attempt->error, STORE_UNREACHABLE, "out of memory");
}

/* The status of HTTP that the library has made a failure of without a code. */
static int
status_of(S3Status status)
{
	switch (status)
	{
		case S3StatusHttpErrorMovedTemporarily:
			return 307;
		case S3StatusHttpErrorBadRequest:
			return 400;
		case S3StatusHttpErrorForbidden:
			return 403;
		case S3StatusHttpErrorNotFound:
			return 404;
		case S3StatusHttpErrorConflict:
			return 409;
		case S3StatusHttpErrorUnknown:
		case S3StatusErrorUnknown:
			return 503;
		default:
			return 0;
	}
}

static void
fail(StoreAttempt *attempt, S3Status status, const S3ErrorDetails *details)
{
	StoreError *error = &attempt->error;
	const char *name = library.S3_get_status_name_(status);

	error->status = status_of(status);
	switch (status)
	{
		case S3StatusNameLookupError:
		case S3StatusFailedToConnect:
		case S3StatusConnectionFailed:
		case S3StatusInternalError:
		case S3StatusXmlParseFailure:
		case S3StatusInterrupted:
			store_fail(error, STORE_UNREACHABLE, "libs3 failed: %s", name);
			break;
		case S3StatusServerFailedVerification:
			store_fail(error, STORE_CERTIFICATE, "libs3 failed: %s", name);
			break;
		case S3StatusAbortedByCallback:
			store_fail(error, STORE_DAMAGED, "more bytes came than were asked for");
			break;
		default:
			/* ErrorNoSuchKey, as S3 says without "Error" */
			if (error->status != 0 || strncmp(name, "Error", 5) != 0)
				name = "";
			else
				name += 5;
			store_fail_by_code(error, name, details != NULL && details->message != NULL ?
							   details->message : library.S3_get_status_name_(status));
	}
}

static void
take_end(S3Status status, const S3ErrorDetails *details, void *arg)
{
	StoreAttempt *attempt = ((Libs3Call *) arg)->attempt;

	/* what is not there counts as deleted */
	if (attempt->request->verb == STORE_DELETE &&
		(status == S3StatusErrorNoSuchKey || status == S3StatusHttpErrorNotFound))
		status = S3StatusOK;
	if (status != S3StatusOK)
		fail(attempt, status, details);
	else if (attempt->request->verb == STORE_LIST)
		take_list_end(arg);
	attempt->done = true;
}

/* ---- uploads in parts ---- */

#if USE_LIBS3 >= 4

/* Called after take_end, and after a failure, too. */
static S3Status
take_upload(const char *upload, void *arg)
{
	StoreAttempt *attempt = ((Libs3Call *) arg)->attempt;

	if (attempt->error.kind != STORE_OK)
		return S3StatusOK;
	/* it cuts short names that do not fit */
	if (upload[0] == '\0' || strlen(upload) > MOST_UPLOAD)
		store_fail(&attempt->error, STORE_REFUSED,
				   "the server gave an upload no name, or one that libs3 cannot hold");
	else if (!store_take_bytes(attempt, upload, strlen(upload)))
		store_fail(&attempt->error, STORE_UNREACHABLE, "out of memory");
	return S3StatusOK;
}

/* Likewise.  An error may come with status 200, which the library takes for a success. */
static S3Status
take_upload_end(const char *location, const char *etag, void *arg)
{
	StoreAttempt *attempt = ((Libs3Call *) arg)->attempt;

	if (attempt->error.kind == STORE_OK && etag[0] == '\0')
		store_fail(&attempt->error, STORE_UNREACHABLE,
				   "the server did not say whether the upload is complete");
	return S3StatusOK;
}

/*
 * Drops an upload.  The library does that only at once, and does not tell how it went: what stays
 * is for a rule of the bucket to drop.  It writes the outcome, a good one too, to stderr as an
 * error, which is kept out of the server's log.
 */
static void
abort_upload(Libs3 *libs3, Libs3Call *call, int timeout)
{
	static S3AbortMultipartUploadHandler none;
	int			kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int			nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (kept >= 0 && nowhere >= 0 && dup2(nowhere, STDERR_FILENO) >= 0)
	{
		library.S3_abort_multipart_upload_(&libs3->bucket, call->attempt->request->key,
										   call->upload, timeout, &none);
		(void) dup2(kept, STDERR_FILENO);
	}
	if (kept >= 0)
		close(kept);
	if (nowhere >= 0)
		close(nowhere);
	call->attempt->done = true;
}

static void
begin_upload_call(Libs3 *libs3, Libs3Call *call, int timeout)
{
	static S3MultipartInitialHandler begin = {{take_properties, take_end}, take_upload};
	static S3PutObjectHandler part = {{take_properties, take_end}, give_data};
	static S3MultipartCommitHandler end = {{take_properties, take_end}, give_data,
	take_upload_end};
	StoreRequest *request = call->attempt->request;
	S3PutProperties properties = {.md5 = call->md5, .expires = -1};

	switch (request->verb)
	{
		case STORE_UPLOAD_BEGIN:
			library.S3_initiate_multipart_(&libs3->bucket, request->key, NULL, &begin,
										   CONTEXT_OF(call), call);
			break;
		case STORE_UPLOAD_PART:
			library.S3_upload_part_(&libs3->bucket, request->key, &properties, &part,
									request->part, call->upload, request->body_size,
									CONTEXT_OF(call), call);
			break;
		case STORE_UPLOAD_END:
			library.S3_complete_multipart_upload_(&libs3->bucket, request->key, &end,
												  call->upload, request->body_size,
												  CONTEXT_OF(call), call);
			break;
		default:
			abort_upload(libs3, call, timeout);
	}
}

#else

static void
begin_upload_call(Libs3 *libs3, Libs3Call *call, int timeout)
{
	store_fail(&call->attempt->error, STORE_REFUSED, "libs3 has no uploads in parts");
	call->attempt->done = true;
}

#endif

/* ---- the provider ---- */

static void
begin_call(Libs3 *libs3, Libs3Call *call, int timeout)
{
	static const S3ResponseHandler plain = {take_properties, take_end};
	static const S3PutObjectHandler put = {{take_properties, take_end}, give_data};
	static const S3GetObjectHandler get = {{take_properties, take_end}, take_data};
	static const S3ListBucketHandler list = {{take_properties, take_end}, take_list};
	StoreRequest *request = call->attempt->request;
	S3PutProperties properties = {.md5 = call->md5, .expires = -1};

	switch (request->verb)
	{
		case STORE_PUT:
			library.S3_put_object_(&libs3->bucket, request->key, request->body_size, &properties,
								   CONTEXT_OF(call), &put, call);
			break;
		case STORE_GET:
			library.S3_get_object_(&libs3->bucket, request->key, NULL, request->offset,
								   request->length, CONTEXT_OF(call), &get, call);
			break;
		case STORE_HEAD:
			library.S3_head_object_(&libs3->bucket, request->key, CONTEXT_OF(call), &plain,
									call);
			break;
		case STORE_DELETE:
			library.S3_delete_object_(&libs3->bucket, request->key, CONTEXT_OF(call), &plain,
									  call);
			break;
		case STORE_LIST:
			library.S3_list_bucket_(&libs3->bucket, request->key,
									request->version1 ? request->after : request->token, NULL,
									1000, CONTEXT_OF(call), &list, call);
			break;
		default:
			begin_upload_call(libs3, call, timeout);
	}
}

static void
libs3_begin(Store *store, StoreAttempt *attempt)
{
	Libs3	   *libs3 = store->private;
	Libs3Call  *call = palloc0(sizeof(Libs3Call));
	sigset_t	before;

	call->attempt = attempt;
	if (attempt->request->body != NULL)
		call->md5 = store_md5(attempt->request->body, attempt->request->body_size);
	if (attempt->request->upload != NULL)
	{
		StringInfoData upload;

		initStringInfo(&upload);
		store_encode(&upload, attempt->request->upload, true);
		call->upload = upload.data;
	}
	if (library.S3_create_request_context_(&call->context) != S3StatusOK)
	{
		store_fail(&attempt->error, STORE_LIBRARY, "libs3 is out of memory");
		attempt->done = true;
		return;
	}
	attempt->private = call;
	call->next = libs3->calls;
	libs3->calls = call;
	/* threads that look up names handle no signals */
	sigprocmask(SIG_SETMASK, &BlockSig, &before);
	begin_call(libs3, call, store->options.timeout);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Lets all calls go on that can; whether one is done. */
static bool
go_on(Libs3 *libs3)
{
	bool		done = false;
	sigset_t	before;

	sigprocmask(SIG_SETMASK, &BlockSig, &before);
	for (Libs3Call *call = libs3->calls; call != NULL; call = call->next)
	{
		int			remaining;

		if (!call->attempt->done &&
			library.S3_runonce_request_context_(call->context, &remaining) != S3StatusOK)
		{
			store_fail(&call->attempt->error, STORE_UNREACHABLE, "libs3 failed");
			call->attempt->done = true;
		}
		done |= call->attempt->done;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return done;
}

static bool
libs3_wait(Store *store, int milliseconds)
{
	Libs3	   *libs3 = store->private;
	struct timeval timeout = {milliseconds / 1000, milliseconds % 1000 * 1000};
	fd_set		reads;
	fd_set		writes;
	fd_set		others;
	int			most = -1;
	int			ready;

	if (go_on(libs3) || milliseconds == 0)
		return true;
	FD_ZERO(&reads);
	FD_ZERO(&writes);
	FD_ZERO(&others);
	for (Libs3Call *call = libs3->calls; call != NULL; call = call->next)
	{
		int			highest = -1;

		library.S3_get_request_context_fdsets_(call->context, &reads, &writes, &others, &highest);
		most = Max(most, highest);
	}
	/* the library has no socket yet while it looks up a name */
	if (most < 0)
		timeout.tv_usec = Min(timeout.tv_usec, 10000);
	/* a signal, such as that of a cancel, ends the wait */
	ready = select(most + 1, &reads, &writes, &others, &timeout);
	return go_on(libs3) || ready > 0;
}

static void
libs3_stop(Store *store, StoreAttempt *attempt)
{
	Libs3	   *libs3 = store->private;
	Libs3Call  *call = attempt->private;
	sigset_t	before;

	if (call == NULL)
		return;
	for (Libs3Call **link = &libs3->calls; *link != NULL; link = &(*link)->next)
		if (*link == call)
		{
			*link = call->next;
			break;
		}
	sigprocmask(SIG_SETMASK, &BlockSig, &before);
	library.S3_destroy_request_context_(call->context);
	sigprocmask(SIG_SETMASK, &before, NULL);
	attempt->private = NULL;
}

const StoreProvider store_libs3 = {
	.name = "libs3",
	.parts = USE_LIBS3 >= 4,
	.create = false,
	.open = libs3_open,
	.close = libs3_close,
	.begin = libs3_begin,
	.wait = libs3_wait,
	.stop = libs3_stop,
	.page = store_page_of_lines
};

#endif							/* USE_LIBS3 */
