/*
 * s3.c - the provider "s3": the protocol of Amazon S3, as many servers speak it
 *
 * What is asked for is what all servers that were tried understand alike (docs/tiering.md has the
 * table): absolute ranges whose Content-Range is verified, no content encodings, hashes of whole
 * bodies, all parts of an upload named.
 */
#include "pg_compat.h"

#ifdef USE_LIBCURL

#include <time.h>

#include "common/base64.h"
#include "lib/stringinfo.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"

#include "store/http.h"
#include "store/sign.h"
#include "store/xml.h"

#define MOST_HEADERS 20
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct S3
{
	StoreHttp  *http;
	char	   *encryption_md5; /* of the customer's key, in base 64 */
} S3;

/* A request while it is made. */
typedef struct Draft
{
	const Store *store;
	const StoreRequest *request;
	const char *method;
	StringInfoData path;
	StringInfoData query;
	const char *body;
	size_t		body_size;
	SignHeader	headers[MOST_HEADERS];
	int			header_count;
} Draft;

static bool
s3_open(Store *store, StoreError *error)
{
	S3		   *s3 = MemoryContextAllocZero(store->context, sizeof(S3));
	const char *key = store->options.encryption_key;

	store->private = s3;
	if (store->options.access_key_id == NULL || store->options.secret_access_key == NULL)
		return store_fail(error, STORE_CREDENTIALS, STORE_NO_CREDENTIALS);
	if (key != NULL)
	{
		uint8		bytes[32];
		char	   *md5 = NULL;

		if (pg_b64_decode(key, strlen(key), (void *) bytes, sizeof(bytes)) == 32)
			md5 = store_md5(bytes, sizeof(bytes));
		explicit_bzero(bytes, sizeof(bytes));
		if (md5 == NULL)
			return store_fail(error, STORE_CREDENTIALS,
							  "the MD5 of encryption_key, which servers ask for, cannot be "
							  "computed");
		s3->encryption_md5 = MemoryContextStrdup(store->context, md5);
	}
	return store_http_open(store, &s3->http, error);
}

static void
s3_close(Store *store)
{
	S3		   *s3 = store->private;

	if (s3 != NULL && s3->http != NULL)
		store_http_close(s3->http);
}

/* ---- requests ---- */

static void
add_header(Draft *draft, const char *name, const char *value)
{
	Assert(draft->header_count < MOST_HEADERS);
	draft->headers[draft->header_count].name = name;
	draft->headers[draft->header_count].value = value;
	draft->header_count++;
}

/* Adds a parameter of the query; called in the order of names. */
static void
add_parameter(Draft *draft, const char *name, const char *value)
{
	if (draft->query.len > 0)
		appendStringInfoChar(&draft->query, '&');
	appendStringInfo(&draft->query, "%s=", name);
	store_encode(&draft->query, value, true);
}

/* How the server encrypts an object; the customer's own key goes with every request for it. */
static void
add_encryption(Draft *draft)
{
	const StoreOptions *options = &draft->store->options;
	bool		writes = draft->request->verb == STORE_PUT ||
		draft->request->verb == STORE_UPLOAD_BEGIN;

	if (options->encryption == NULL)
		return;
	if (strcmp(options->encryption, "sse-c") == 0)
	{
		if (!writes && draft->request->verb != STORE_UPLOAD_PART &&
			draft->request->verb != STORE_GET && draft->request->verb != STORE_HEAD)
			return;
		add_header(draft, "x-amz-server-side-encryption-customer-algorithm", "AES256");
		add_header(draft, "x-amz-server-side-encryption-customer-key", options->encryption_key);
		add_header(draft, "x-amz-server-side-encryption-customer-key-md5",
				   ((S3 *) draft->store->private)->encryption_md5);
	}
	else if (writes && strcmp(options->encryption, "sse-kms") == 0)
	{
		add_header(draft, "x-amz-server-side-encryption", "aws:kms");
		if (options->kms_key_id != NULL)
			add_header(draft, "x-amz-server-side-encryption-aws-kms-key-id",
					   options->kms_key_id);
	}
	else if (writes)
		add_header(draft, "x-amz-server-side-encryption", "AES256");
}

/* What is said of a new object. */
static void
add_object_headers(Draft *draft)
{
	const StoreOptions *options = &draft->store->options;
	const char *tags = options->object_tags ? draft->request->tags : NULL;

	if (options->storage_class != NULL)
		add_header(draft, "x-amz-storage-class", options->storage_class);
	if (options->tags != NULL && tags != NULL)
		tags = psprintf("%s&%s", options->tags, tags);
	else if (options->tags != NULL)
		tags = options->tags;
	if (tags != NULL)
		add_header(draft, "x-amz-tagging", tags);
}

/* The checksum of a body that goes in one piece, where the server verifies it. */
static void
add_checksum(Draft *draft)
{
	if (draft->store->options.checksums)
	{
		uint32		crc = pg_hton32(store_crc(draft->body, draft->body_size));

		add_header(draft, "x-amz-checksum-crc32c", store_base64(&crc, sizeof(crc)));
	}
}

static void
draft_list(Draft *draft)
{
	const StoreRequest *request = draft->request;

	draft->method = "GET";
	if (request->version1)
		add_parameter(draft, "marker", request->after);
	else
	{
		if (request->token != NULL)
			add_parameter(draft, "continuation-token", request->token);
		add_parameter(draft, "list-type", "2");
	}
	add_parameter(draft, "max-keys", "1000");
	add_parameter(draft, "prefix", request->key);
}

static void
draft_request(Draft *draft)
{
	const StoreRequest *request = draft->request;

	draft->body = request->body;
	draft->body_size = request->body_size;
	switch (request->verb)
	{
		case STORE_PUT:
			draft->method = "PUT";
			if (request->create)
				add_header(draft, "if-none-match", "*");
			add_object_headers(draft);
			add_checksum(draft);
			break;
		case STORE_GET:
			draft->method = "GET";
			add_header(draft, "range", psprintf("bytes=" UINT64_FORMAT "-" UINT64_FORMAT,
												request->offset,
												request->offset + request->length - 1));
			break;
		case STORE_HEAD:
			draft->method = "HEAD";
			break;
		case STORE_DELETE:
			draft->method = "DELETE";
			break;
		case STORE_LIST:
			draft_list(draft);
			break;
		case STORE_UPLOAD_BEGIN:
			draft->method = "POST";
			draft->body = "";
			add_parameter(draft, "uploads", "");
			add_object_headers(draft);
			break;
		case STORE_UPLOAD_PART:
			draft->method = "PUT";
			add_parameter(draft, "partNumber", psprintf("%d", request->part));
			add_parameter(draft, "uploadId", request->upload);
			break;
		case STORE_UPLOAD_END:
			draft->method = "POST";
			add_parameter(draft, "uploadId", request->upload);
			break;
		case STORE_UPLOAD_ABORT:
			draft->method = "DELETE";
			add_parameter(draft, "uploadId", request->upload);
			break;
	}
	add_encryption(draft);
}

static int
compare_headers(const void *a, const void *b)
{
	return strcmp(((const SignHeader *) a)->name, ((const SignHeader *) b)->name);
}

/* Signs a request as it is now, and makes the list of its headers. */
static const char **
sign_draft(Draft *draft)
{
	const StoreOptions *options = &draft->store->options;
	const char **lines = palloc(sizeof(char *) * (MOST_HEADERS + 2));
	time_t		now = time(NULL);
	struct tm	utc;
	char		stamp[20];
	char		payload[2 * STORE_SHA256 + 1] = EMPTY_SHA256;
	SignRequest request;
	SignScope	scope = {options->access_key_id, options->secret_access_key, options->region, "s3",
		stamp};

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
	if (draft->body_size > 0)
	{
		uint8		digest[STORE_SHA256];

		store_sha256(draft->body, draft->body_size, digest);
		store_hex(digest, sizeof(digest), payload);
	}
	if (draft->body != NULL)
		add_header(draft, "content-type", "application/octet-stream");
	add_header(draft, "x-amz-content-sha256", payload);
	add_header(draft, "x-amz-date", stamp);
	if (options->session_token != NULL)
		add_header(draft, "x-amz-security-token", options->session_token);
	qsort(draft->headers, draft->header_count, sizeof(SignHeader), compare_headers);
	request = (SignRequest) {draft->method, draft->path.data, draft->query.data, draft->headers,
		draft->header_count, payload};
	for (int i = 0; i < draft->header_count; i++)
		lines[i] = psprintf("%s: %s", draft->headers[i].name, draft->headers[i].value);
	lines[draft->header_count] = psprintf("Authorization: %s", store_sign(&request, &scope));
	lines[draft->header_count + 1] = NULL;
	return lines;
}

/* ---- answers ---- */

/* The first element of this name in an answer, or an empty string. */
static void
copy_element(const char *text, size_t size, const char *name, char *out, size_t out_size)
{
	XmlText		content;

	if (!store_xml_find((XmlText) {text, text + size}, name, &content) ||
		!store_xml_copy(content, out, out_size))
		out[0] = '\0';
	for (; *out != '\0'; out++)
		if (*out < ' ' || *out > '~')
			*out = '?';
}

/* An answer that is an error, with its text, which may be empty. */
static void
judge_error(StoreCall *call, const char *text, size_t size)
{
	char		code[64];
	char		message[160];

	copy_element(text, size, "Code", code, sizeof(code));
	copy_element(text, size, "Message", message, sizeof(message));
	if (code[0] == '\0' && call->region[0] != '\0' && call->status >= 300 && call->status < 400)
		snprintf(message, sizeof(message), "the bucket is in region \"%s\"", call->region);
	store_fail_by_code(&call->attempt->error, code, message);
}

/* A read: the server may have ignored the range, or mistaken it. */
static void
judge_get(StoreCall *call)
{
	StoreRequest *request = call->attempt->request;
	bool		whole = call->status == 200 && request->offset == 0 &&
		call->attempt->size == request->length;

	if (!whole && (call->status != 206 || !call->has_range ||
				   call->range_start != request->offset ||
				   call->range_end != request->offset + request->length - 1))
		store_fail(&call->attempt->error, STORE_DAMAGED,
				   "the server gave other bytes than those that were asked for");
	else
		call->attempt->object.size = whole ? request->length : call->range_total;
}

/* An upload that is complete says so in its body; an error comes with the same status. */
static void
judge_upload_end(StoreCall *call)
{
	StoreAttempt *attempt = call->attempt;
	XmlText		text = {attempt->data, attempt->data + attempt->size};
	XmlText		content;

	if (attempt->size > 0 && store_xml_find(text, "Error", &content))
		judge_error(call, attempt->data, attempt->size);
	else if (attempt->size == 0 ||
			 !store_xml_find(text, "CompleteMultipartUploadResult", &content))
		store_fail(&attempt->error, STORE_UNREACHABLE,
				   "the server did not say whether the upload is complete");
}

static void
judge_upload_begin(StoreCall *call)
{
	StoreAttempt *attempt = call->attempt;
	char	   *upload = MemoryContextAlloc(attempt->context, STORE_MAX_UPLOAD);

	copy_element(attempt->data, attempt->size, "UploadId", upload, STORE_MAX_UPLOAD);
	if (upload[0] == '\0')
		store_fail(&attempt->error, STORE_REFUSED, "the server gave no upload a name");
	attempt->data = upload;
	attempt->size = strlen(upload);
}

static void
judge(Store *store, StoreCall *call)
{
	StoreAttempt *attempt = call->attempt;
	StoreVerb	verb = attempt->request->verb;

	if (verb == STORE_DELETE || verb == STORE_UPLOAD_ABORT)
	{
		char		code[64];

		/* without a body it is the object that is not there */
		copy_element(call->text, call->text_size, "Code", code, sizeof(code));
		if (call->status == 404 && strcmp(code, "NoSuchBucket") != 0)
			return;
	}
	if (call->status < 200 || call->status > 299)
	{
		judge_error(call, call->text, call->text_size);
		return;
	}
	strlcpy(attempt->object.etag, call->etag, STORE_MAX_ETAG);
	switch (verb)
	{
		case STORE_GET:
			judge_get(call);
			break;
		case STORE_HEAD:
			attempt->object.size = call->size;
			attempt->object.encrypted = call->encrypted;
			if (!call->has_size)
				store_fail(&attempt->error, STORE_REFUSED, "the server does not tell the size");
			break;
		case STORE_UPLOAD_BEGIN:
			judge_upload_begin(call);
			break;
		case STORE_UPLOAD_PART:
			if (call->etag[0] == '\0')
				store_fail(&attempt->error, STORE_REFUSED, "the server gave a part no ETag");
			break;
		case STORE_UPLOAD_END:
			judge_upload_end(call);
			break;
		default:
			break;
	}
}

/* ---- the provider ---- */

static void
s3_begin(Store *store, StoreAttempt *attempt)
{
	const StoreOptions *options = &store->options;
	const char *endpoint = attempt->other_endpoint ? options->read_endpoint : options->endpoint;
	const char *host = strstr(endpoint, "://") + 3;
	StoreCall  *call = palloc0(sizeof(StoreCall));
	Draft		draft = {.store = store, .request = attempt->request};

	initStringInfo(&draft.path);
	initStringInfo(&draft.query);
	appendStringInfoChar(&draft.path, '/');
	if (options->virtual_host)
		host = psprintf("%s.%s", options->bucket, host);
	else
		appendStringInfoString(&draft.path, options->bucket);
	if (attempt->request->verb != STORE_LIST)
	{
		if (!options->virtual_host)
			appendStringInfoChar(&draft.path, '/');
		store_encode(&draft.path, attempt->request->key, false);
	}
	add_header(&draft, "host", host);
	draft_request(&draft);

	call->attempt = attempt;
	call->headers = sign_draft(&draft);
	call->method = draft.method;
	call->url = psprintf("%.*s://%s%s%s%s", (int) (strstr(endpoint, "://") - endpoint), endpoint,
						 host, draft.path.data, draft.query.len > 0 ? "?" : "", draft.query.data);
	call->body = draft.body;
	call->body_size = draft.body_size;
	call->judge = judge;
	attempt->private = call;
	store_http_begin(store, ((S3 *) store->private)->http, call);
}

static bool
s3_wait(Store *store, int milliseconds)
{
	return store_http_wait(store, ((S3 *) store->private)->http, milliseconds);
}

static void
s3_stop(Store *store, StoreAttempt *attempt)
{
	if (attempt->private != NULL)
		store_http_stop(((S3 *) store->private)->http, attempt->private);
	attempt->private = NULL;
}

static bool
s3_page(Store *store, const StoreRequest *request, StoreVisit visit, void *arg, char *token)
{
	const char *end = request->reply + request->reply_size;
	XmlText		rest;
	XmlText		entry;
	XmlText		value;
	char		last[STORE_MAX_KEY + 1] = "";
	char		truncated[8];

	token[0] = '\0';
	if (request->reply == NULL ||
		!store_xml_find((XmlText) {request->reply, end}, "ListBucketResult", &rest))
		return false;
	copy_element(rest.start, rest.end - rest.start, "IsTruncated", truncated, sizeof(truncated));
	if (strcmp(truncated, "true") == 0)
		copy_element(rest.start, rest.end - rest.start,
					 request->version1 ? "NextMarker" : "NextContinuationToken", token,
					 STORE_MAX_TOKEN);
	while (store_xml_find(rest, "Contents", &entry))
	{
		char		key[STORE_MAX_KEY + 1];
		char		size[24];

		rest.start = entry.end;
		copy_element(entry.start, entry.end - entry.start, "Size", size, sizeof(size));
		/* keys that this room does not write may be longer, or have other characters */
		if (!store_xml_find(entry, "Key", &value) || !store_xml_copy(value, key, sizeof(key)))
			continue;
		visit(arg, key, strtou64(size, NULL, 10));
		strlcpy(last, key, sizeof(last));
	}
	/* version 1 gives no marker where there is no delimiter: it is the last key */
	if (strcmp(truncated, "true") == 0 && request->version1 && token[0] == '\0')
		strlcpy(token, last, STORE_MAX_TOKEN);
	return strcmp(truncated, "true") != 0 || token[0] != '\0';
}

const StoreProvider store_s3 = {
	.name = "s3",
	.parts = true,
	.create = true,
	.open = s3_open,
	.close = s3_close,
	.begin = s3_begin,
	.wait = s3_wait,
	.stop = s3_stop,
	.page = s3_page
};

#endif							/* USE_LIBCURL */
