/*
 * listen.h - how the servers on loopback begin
 */
#ifndef BENCH_LISTEN_H
#define BENCH_LISTEN_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "vectors.h"

/* An address on loopback. */
static inline struct sockaddr_in
loopback(const char *port)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET,.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(atoi(port))
	};
}

/* A socket that listens on a port, or the program ends; clients that go away are no signal. */
static inline int
listen_on(const char *port)
{
	struct sockaddr_in address = loopback(port);
	int			listener = socket(AF_INET, SOCK_STREAM, 0);
	int			on = 1;

	signal(SIGPIPE, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *) &address, sizeof(address)) != 0 ||
		listen(listener, 512) != 0)
		die("cannot listen on port %s", port);
	return listener;
}

#endif							/* BENCH_LISTEN_H */
