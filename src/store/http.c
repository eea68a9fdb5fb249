/*
 * http.c - requests over HTTP, many at once, by libcurl
 *
 * libcurl calls the functions here in the midst of its own work, so they raise no errors.  It
 * starts threads that look up names of hosts; signals are blocked while it does, so that none of
 * PostgreSQL's handlers runs in such a thread.
 */
#include "pg_compat.h"

#ifdef USE_LIBCURL

#include <curl/curl.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpq/pqsignal.h"
#include "utils/memutils.h"

#include "store/http.h"

#define FUNCTIONS(DO) \
	DO(curl_global_init) DO(curl_easy_init) DO(curl_easy_cleanup) DO(curl_easy_setopt) \
	DO(curl_easy_getinfo) DO(curl_easy_strerror) DO(curl_multi_init) DO(curl_multi_cleanup) \
	DO(curl_multi_setopt) DO(curl_multi_add_handle) DO(curl_multi_remove_handle) \
	DO(curl_multi_perform) DO(curl_multi_poll) DO(curl_multi_info_read) DO(curl_slist_append) \
	DO(curl_slist_free_all)

#define DECLARE(name) __typeof__(&(name)) name##_;
static struct
{
	FUNCTIONS(DECLARE)
}			curl;

#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0
#endif
#define MOST_SOCKETS 512			/* more than there are connections */

struct StoreHttp
{
	CURLM	   *multi;
	curl_socket_t sockets[MOST_SOCKETS];	/* that are open */
	int			socket_count;
};

static bool
load_curl(StoreError *error)
{
	static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib"};
	static bool loaded = false;
	void	   *library = NULL;

	if (loaded)
		return true;
	for (int i = 0; i < lengthof(names) && library == NULL; i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		return store_fail(error, STORE_LIBRARY, "libcurl cannot be loaded: %s", dlerror());
#define FIND(name) \
	if ((*(void **) &curl.name##_ = dlsym(library, #name)) == NULL) \
		return store_fail(error, STORE_LIBRARY, "libcurl is older than 7.66: it has no " #name);
	FUNCTIONS(FIND)
	if (curl.curl_global_init_(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return store_fail(error, STORE_LIBRARY, "libcurl cannot be initialized");
	loaded = true;
	return true;
}

bool
store_http_open(Store *store, StoreHttp **http, StoreError *error)
{
	CURLM	   *multi;

	if (!load_curl(error))
		return false;
	*http = MemoryContextAllocZero(store->context, sizeof(StoreHttp));
	multi = (*http)->multi = curl.curl_multi_init_();
	if (multi == NULL)
		return store_fail(error, STORE_LIBRARY, "libcurl is out of memory");
	curl.curl_multi_setopt_(multi, CURLMOPT_MAXCONNECTS, (long) store->options.connections);
	return true;
}

void
store_http_close(StoreHttp *http)
{
	if (http->multi != NULL)
		curl.curl_multi_cleanup_(http->multi);
	http->multi = NULL;
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	StoreHttp  *http = arg;
	curl_socket_t opened = socket(address->family, address->socktype | SOCK_CLOEXEC,
								  address->protocol);

	if (opened != CURL_SOCKET_BAD && http->socket_count < MOST_SOCKETS)
		http->sockets[http->socket_count++] = opened;
	return opened;
}

static int
close_socket(void *arg, curl_socket_t closed)
{
	StoreHttp  *http = arg;

	for (int i = 0; i < http->socket_count; i++)
		if (http->sockets[i] == closed)
			http->sockets[i--] = http->sockets[--http->socket_count];
	return close(closed);
}

/*
 * A server may send headers, and hold back what follows until they are acknowledged (Nagle's
 * algorithm); that of Ceph does by default.  The kernel would wait 40 ms before it acknowledges.
 */
static void
acknowledge(StoreHttp *http)
{
#ifdef TCP_QUICKACK
	int			on = 1;

	for (int i = 0; i < http->socket_count; i++)
		(void) setsockopt(http->sockets[i], IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
#endif
}

/* Keeps bytes of an answer; too many, or no memory: libcurl ends the transfer. */
static size_t
take_bytes(char *bytes, size_t one, size_t count, void *arg)
{
	StoreCall  *call = arg;
	long		status = 0;

	curl.curl_easy_getinfo_((CURL *) call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
	{
		size_t		kept = Min(count, sizeof(call->text) - 1 - call->text_size);

		memcpy(call->text + call->text_size, bytes, kept);
		call->text_size += kept;
		return count;
	}
	return store_take_bytes(call->attempt, bytes, count) ? count : 0;
}

/* The value of a header line, if it has this name, without spaces and quotes at its ends. */
static bool
header_value(const char *line, size_t size, const char *name, char *value, size_t value_size)
{
	size_t		length = strlen(name);

	if (size <= length || pg_strncasecmp(line, name, length) != 0 || line[length] != ':')
		return false;
	line += length + 1;
	size -= length + 1;
	while (size > 0 && strchr(" \t\"", line[0]) != NULL)
		line++, size--;
	while (size > 0 && strchr(" \t\r\n\"", line[size - 1]) != NULL)
		size--;
	if (size >= value_size)
		return false;
	memcpy(value, line, size);
	value[size] = '\0';
	return true;
}

static size_t
take_header(char *line, size_t one, size_t size, void *arg)
{
	StoreCall  *call = arg;
	char		value[256];

	if (header_value(line, size, "Content-Length", value, sizeof(value)))
	{
		call->size = strtou64(value, NULL, 10);
		call->has_size = true;
	}
	else if (header_value(line, size, "Content-Range", value, sizeof(value)))
		call->has_range = sscanf(value, "bytes " UINT64_FORMAT "-" UINT64_FORMAT "/" UINT64_FORMAT,
								 &call->range_start, &call->range_end, &call->range_total) == 3;
	else
	{
		header_value(line, size, "ETag", call->etag, sizeof(call->etag));
		header_value(line, size, "x-amz-bucket-region", call->region, sizeof(call->region));
		call->encrypted |=
			header_value(line, size, "x-amz-server-side-encryption", value, sizeof(value)) ||
			header_value(line, size, "x-amz-server-side-encryption-customer-algorithm", value,
						 sizeof(value));
	}
	return size;
}

/* Notes that bytes came or went. */
static int
note_progress(void *arg, curl_off_t expected, curl_off_t came, curl_off_t sending, curl_off_t sent)
{
	StoreCall  *call = arg;
	uint64		moved = (uint64) came + (uint64) sent;

	if (moved != call->moved)
	{
		call->moved = moved;
		call->attempt->moved = store_now();
	}
	return 0;
}

static void
set_options(Store *store, StoreHttp *http, StoreCall *call)
{
	CURL	   *easy = call->easy;
	struct curl_slist *list = NULL;

#define SET(option, value) curl.curl_easy_setopt_(easy, option, value)
	for (int i = 0; call->headers[i] != NULL; i++)
		list = curl.curl_slist_append_(list, call->headers[i]);
	/* send a body without asking for leave */
	list = curl.curl_slist_append_(list, "Expect:");
	call->list = list;
	SET(CURLOPT_URL, call->url);
	SET(CURLOPT_HTTPHEADER, list);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, (void *) http);
	SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	SET(CURLOPT_CLOSESOCKETDATA, (void *) http);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) store->options.connect_timeout);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (store->options.ca_file != NULL)
		SET(CURLOPT_CAINFO, store->options.ca_file);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* do not wait for a thread that looks up a name */
	SET(CURLOPT_QUICK_EXIT, 1L);
#endif
	SET(CURLOPT_PRIVATE, (void *) call);
	SET(CURLOPT_ERRORBUFFER, call->problem);
	SET(CURLOPT_WRITEFUNCTION, take_bytes);
	SET(CURLOPT_WRITEDATA, (void *) call);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, (void *) call);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, note_progress);
	SET(CURLOPT_XFERINFODATA, (void *) call);
	SET(CURLOPT_BUFFERSIZE, 64L * 1024);
	if (call->body != NULL)
	{
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) call->body_size);
		SET(CURLOPT_POSTFIELDS, call->body);
		if (call->attempt->request->speed > 0)
		{
			SET(CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t) call->attempt->request->speed);
			SET(CURLOPT_UPLOAD_BUFFERSIZE, 128L * 1024);
		}
		else if (call->body_size > 64 * 1024)
			SET(CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
	}
	else if (strcmp(call->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	SET(CURLOPT_CUSTOMREQUEST, call->method);
#undef SET
}

void
store_http_begin(Store *store, StoreHttp *http, StoreCall *call)
{
	call->easy = curl.curl_easy_init_();
	if (call->easy == NULL)
	{
		store_fail(&call->attempt->error, STORE_LIBRARY, "libcurl is out of memory");
		call->attempt->done = true;
		return;
	}
	set_options(store, http, call);
	curl.curl_multi_add_handle_(http->multi, call->easy);
}

static StoreKind
kind_of(CURLcode code)
{
	switch (code)
	{
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
			return STORE_CERTIFICATE;
		case CURLE_OPERATION_TIMEDOUT:
			return STORE_TIMEOUT;
		case CURLE_WRITE_ERROR:
			return STORE_DAMAGED;
		case CURLE_OUT_OF_MEMORY:
		case CURLE_URL_MALFORMAT:
		case CURLE_UNSUPPORTED_PROTOCOL:
			return STORE_REFUSED;
		default:
			return STORE_UNREACHABLE;
	}
}

static void
end_call(Store *store, StoreCall *call, CURLcode code)
{
	StoreAttempt *attempt = call->attempt;
	long		status = 0;

	curl.curl_easy_getinfo_((CURL *) call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->status = attempt->error.status = (int) status;
	call->text[call->text_size] = '\0';
	if (code == CURLE_OK)
	{
		call->judge(store, call);
	}
	else
		store_fail(&attempt->error, kind_of(code), "%s",
				   code == CURLE_WRITE_ERROR ? "more bytes came than were asked for" :
				   call->problem[0] != '\0' ? call->problem : curl.curl_easy_strerror_(code));
	attempt->done = true;
}

/* Lets the transfers go on that can. */
static void
perform(StoreHttp *http)
{
	sigset_t	before;
	int			running;

	sigprocmask(SIG_SETMASK, &BlockSig, &before);
	curl.curl_multi_perform_(http->multi, &running);
	sigprocmask(SIG_SETMASK, &before, NULL);
	acknowledge(http);
}

bool
store_http_wait(Store *store, StoreHttp *http, int milliseconds)
{
	int			left;
	int			ready = 0;
	CURLMsg    *message;
	bool		ended;

	perform(http);
	message = curl.curl_multi_info_read_(http->multi, &left);
	if (message == NULL && milliseconds > 0)
	{
		/* a signal, such as that of a cancel, ends the wait */
		curl.curl_multi_poll_(http->multi, NULL, 0, milliseconds, &ready);
		perform(http);
		message = curl.curl_multi_info_read_(http->multi, &left);
	}
	ended = message != NULL;
	for (; message != NULL; message = curl.curl_multi_info_read_(http->multi, &left))
	{
		char	   *call = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl.curl_easy_getinfo_(message->easy_handle, CURLINFO_PRIVATE, &call);
		end_call(store, (StoreCall *) call, message->data.result);
	}
	return ended || ready > 0;
}

void
store_http_stop(StoreHttp *http, StoreCall *call)
{
	if (call->easy != NULL)
	{
		curl.curl_multi_remove_handle_(http->multi, call->easy);
		curl.curl_easy_cleanup_(call->easy);
		call->easy = NULL;
	}
	curl.curl_slist_free_all_(call->list);
	call->list = NULL;
}

#endif							/* USE_LIBCURL */
