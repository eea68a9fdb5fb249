/*
 * delay.c - a distance on loopback: passes connections on to another port, and lets requests wait
 *
 * usage: delay PORT UPSTREAM_PORT MILLISECONDS
 *
 * What a client sends waits for so many milliseconds, once a request: bytes that follow others of
 * the same direction pass on at once.  So a request on an open connection takes as long as if the
 * server were so far away, and bodies are as fast as without.  Two threads serve a connection.
 */
#define _GNU_SOURCE
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "listen.h"

#define CHUNK 65536

typedef struct Connection
{
	int			client;
	int			server;
	atomic_bool answered;		/* the last bytes came from the server, or there were none */
	atomic_int	ends;			/* directions that have ended */
} Connection;

static struct timespec delay;
static struct sockaddr_in upstream;

static void
end_direction(Connection *c, int to)
{
	shutdown(to, SHUT_WR);
	if (atomic_fetch_add(&c->ends, 1) == 0)
		return;
	close(c->client);
	close(c->server);
	free(c);
}

static int
pass_on(int from, int to, Connection *c, int request)
{
	char		bytes[CHUNK];
	ssize_t		n = read(from, bytes, sizeof(bytes));

	if (n <= 0)
		return 0;
	if (atomic_exchange(&c->answered, !request) && request)
		nanosleep(&delay, NULL);
	for (ssize_t done = 0, written; done < n; done += written)
		if ((written = write(to, bytes + done, n - done)) <= 0)
			return 0;
	return 1;
}

static void *
requests(void *arg)
{
	Connection *c = arg;

	while (pass_on(c->client, c->server, c, 1))
		;
	end_direction(c, c->server);
	return NULL;
}

static void *
answers(void *arg)
{
	Connection *c = arg;

	while (pass_on(c->server, c->client, c, 0))
		;
	end_direction(c, c->client);
	return NULL;
}

static void
serve(int client)
{
	Connection *c = calloc(1, sizeof(Connection));
	pthread_t	thread;
	int			on = 1;

	if (c == NULL)
		die("out of memory");
	c->client = client;
	c->server = socket(AF_INET, SOCK_STREAM, 0);
	atomic_init(&c->answered, 1);
	setsockopt(c->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(c->server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->server, (struct sockaddr *) &upstream, sizeof(upstream)) != 0)
	{
		close(c->client);
		close(c->server);
		free(c);
		return;
	}
	if (pthread_create(&thread, NULL, requests, c) != 0)
		die("cannot make a thread");
	pthread_detach(thread);
	if (pthread_create(&thread, NULL, answers, c) != 0)
		die("cannot make a thread");
	pthread_detach(thread);
}

int
main(int argc, char **argv)
{
	int			listener;
	double		ms;

	if (argc != 4)
		die("usage: delay PORT UPSTREAM_PORT MILLISECONDS");
	upstream = loopback(argv[2]);
	ms = atof(argv[3]);
	delay = (struct timespec) {.tv_sec = ms / 1e3,.tv_nsec = (long) (ms * 1e6) % 1000000000};
	listener = listen_on(argv[1]);
	for (;;)
	{
		int			client = accept(listener, NULL, NULL);

		if (client >= 0)
			serve(client);
	}
}
