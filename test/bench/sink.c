/*
 * sink.c - an object store that takes next to nothing: objects in memory, for one bucket or any
 *
 * usage: sink PORT
 *
 * It answers what src/store/s3.c asks when an object is written and read: PUT, uploads in parts,
 * HEAD, GET of a range, DELETE.  It verifies no signature and lists nothing.  A body is received
 * where it stays, so that what an upload takes beside it is the sender's.  A thread serves a
 * connection.
 */
#define _GNU_SOURCE
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "listen.h"

#define MOST_PARTS	10001
#define MOST_HEAD	16384

typedef struct Part
{
	char	   *bytes;
	size_t		size;
} Part;

typedef struct Object
{
	struct Object *next;
	char		path[1024];
	Part		parts[MOST_PARTS];	/* by their numbers; that of one piece is the first */
} Object;

/* A request, and what it is about. */
typedef struct Request
{
	int			socket;
	char		head[MOST_HEAD + 1];	/* with what has come of the body behind it */
	size_t		come;
	size_t		head_size;
	char		method[16];
	char		path[1024];
	char		query[2048];
} Request;

static Object *objects;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The object of a path, which is made if it may be; NULL: there is none.  The lock is held. */
static Object *
find_object(const char *path, int make)
{
	Object	   *object = objects;

	while (object != NULL && strcmp(object->path, path) != 0)
		object = object->next;
	if (object == NULL && make)
	{
		if ((object = calloc(1, sizeof(Object))) == NULL)
			die("out of memory");
		snprintf(object->path, sizeof(object->path), "%s", path);
		object->next = objects;
		objects = object;
	}
	return object;
}

static void
delete_object(const char *path)
{
	for (Object **at = &objects; *at != NULL; at = &(*at)->next)
		if (strcmp((*at)->path, path) == 0)
		{
			Object	   *object = *at;

			*at = object->next;
			for (int i = 0; i < MOST_PARTS; i++)
				free(object->parts[i].bytes);
			free(object);
			return;
		}
}

static size_t
object_size(const Object *object)
{
	size_t		size = 0;

	for (int i = 0; i < MOST_PARTS; i++)
		size += object->parts[i].size;
	return size;
}

/* Copies bytes of an object, which has them. */
static void
copy_range(const Object *object, size_t offset, size_t length, char *out)
{
	for (const Part *part = object->parts; length > 0; part++)
		if (offset >= part->size)
			offset -= part->size;
		else
		{
			size_t		some = part->size - offset < length ? part->size - offset : length;

			memcpy(out, part->bytes + offset, some);
			out += some;
			length -= some;
			offset = 0;
		}
}

/* Receives a head; 0: the connection has ended. */
static int
receive_head(Request *request)
{
	char	   *end;

	while (request->head[request->come] = '\0',
		   (end = strstr(request->head, "\r\n\r\n")) == NULL)
	{
		ssize_t		n = recv(request->socket, request->head + request->come,
							 MOST_HEAD - request->come, 0);

		if (n <= 0)
			return 0;
		request->come += n;
	}
	request->head_size = end + 4 - request->head;
	request->path[0] = request->query[0] = '\0';
	return sscanf(request->head, "%15s %1023[^? ]?%2047s", request->method, request->path,
				  request->query) >= 2;
}

/* The value of a header, or NULL. */
static const char *
header(const Request *request, const char *name)
{
	for (const char *line = request->head; line < request->head + request->head_size;
		 line = strstr(line, "\r\n") + 2)
		if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			return line + strlen(name) + 1;
	return NULL;
}

/* Receives a body; what came behind it begins the next head.  Size -1: the connection has ended. */
static Part
receive_body(Request *request)
{
	const char *value = header(request, "content-length");
	size_t		size = value ? strtoull(value, NULL, 10) : 0;
	size_t		have = request->come - request->head_size;
	Part		body = {allocate(NULL, size + 1), size};

	if (have > size)
		have = size;
	memcpy(body.bytes, request->head + request->head_size, have);
	request->come -= request->head_size + have;
	memmove(request->head, request->head + request->head_size + have, request->come);
	while (have < size)
	{
		ssize_t		n = recv(request->socket, body.bytes + have, size - have, 0);

		if (n <= 0)
		{
			free(body.bytes);
			return (Part) {NULL, -1};
		}
		have += n;
	}
	return body;
}

static int
send_all(int to, const char *bytes, size_t size)
{
	while (size > 0)
	{
		ssize_t		n = send(to, bytes, size, 0);

		if (n <= 0)
			return 0;
		bytes += n;
		size -= n;
	}
	return 1;
}

/* Answers; `lines` are further lines of the head. */
static int
answer(const Request *request, const char *status, const char *lines, const char *body, size_t size)
{
	char		head[512];
	int			n = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n",
							 status, size, lines);

	return send_all(request->socket, head, n) &&
		(strcmp(request->method, "HEAD") == 0 || send_all(request->socket, body, size));
}

static int
answer_text(const Request *request, const char *text)
{
	return answer(request, "200 OK", "ETag: \"0\"\r\n", text, strlen(text));
}

static int
answer_range(const Request *request, const char *range)
{
	Object	   *object;
	char		lines[128];
	char	   *bytes = NULL;
	size_t		first = 0;
	size_t		last = 0;
	size_t		size = 0;
	int			sent;

	pthread_mutex_lock(&lock);
	object = find_object(request->path, 0);
	if (object != NULL)
		size = object_size(object);
	if (range != NULL && sscanf(range, " bytes=%zu-%zu", &first, &last) == 2 && first <= last &&
		last < size)
	{
		bytes = allocate(NULL, last - first + 1);
		copy_range(object, first, last - first + 1, bytes);
	}
	pthread_mutex_unlock(&lock);
	if (object == NULL)
		return answer(request, "404 Not Found", "", "", 0);
	if (range == NULL)
		return strcmp(request->method, "HEAD") == 0 ? answer(request, "200 OK", "", "", size) :
			answer(request, "501 Not Implemented", "", "", 0);
	if (bytes == NULL)
		return answer(request, "416 Range Not Satisfiable", "", "", 0);
	snprintf(lines, sizeof(lines), "Content-Range: bytes %zu-%zu/%zu\r\n", first, last, size);
	sent = answer(request, "206 Partial Content", lines, bytes, last - first + 1);
	free(bytes);
	return sent;
}

/* Keeps a body as an object, or as a part of one that is not complete before it is asked for. */
static void
keep(const Request *request, Part body)
{
	const char *number = strstr(request->query, "partNumber=");
	int			i = number ? atoi(number + strlen("partNumber=")) : 0;
	Part	   *part;

	pthread_mutex_lock(&lock);
	part = &find_object(request->path, 1)->parts[i < 0 || i >= MOST_PARTS ? 0 : i];
	free(part->bytes);
	*part = body;
	pthread_mutex_unlock(&lock);
}

/* Serves one request; 0: the connection is to end. */
static int
serve_request(Request *request)
{
	char		range[64] = "";
	const char *value;
	Part		body;

	if (!receive_head(request))
		return 0;
	if ((value = header(request, "range")) != NULL)
		snprintf(range, sizeof(range), "%.*s", (int) strcspn(value, "\r"), value);
	body = receive_body(request);
	if (body.bytes == NULL)
		return 0;
	if (strcmp(request->method, "PUT") == 0)
	{
		keep(request, body);
		return answer_text(request, "");
	}
	free(body.bytes);
	if (strcmp(request->method, "DELETE") == 0)
	{
		pthread_mutex_lock(&lock);
		delete_object(request->path);
		pthread_mutex_unlock(&lock);
		return answer(request, "204 No Content", "", "", 0);
	}
	if (strcmp(request->method, "POST") == 0)
		return answer_text(request, strstr(request->query, "uploadId=") ?
						   "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>" :
						   "<InitiateMultipartUploadResult><UploadId>1</UploadId>"
						   "</InitiateMultipartUploadResult>");
	return answer_range(request, range[0] != '\0' ? range : NULL);
}

static void *
serve(void *arg)
{
	Request    *request = calloc(1, sizeof(Request));
	int			on = 1;

	if (request == NULL)
		die("out of memory");
	request->socket = (int) (intptr_t) arg;
	setsockopt(request->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (serve_request(request))
		;
	close(request->socket);
	free(request);
	return NULL;
}

int
main(int argc, char **argv)
{
	int			listener;

	if (argc != 2)
		die("usage: sink PORT");
	listener = listen_on(argv[1]);
	for (;;)
	{
		int			client = accept(listener, NULL, NULL);
		pthread_t	thread;

		if (client < 0)
			continue;
		if (pthread_create(&thread, NULL, serve, (void *) (intptr_t) client) != 0)
			die("cannot make a thread");
		pthread_detach(thread);
	}
}
