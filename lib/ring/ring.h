/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ring: io_uring(7) for one thread, over liburing: readiness of descriptors,
 * datagrams that the kernel puts into buffers of the ring by itself, messages
 * that are sent many a system call. Needs Linux 6.1 (deferred task work).
 * Owns: the ring and its buffers; operations are the caller's.
 * Thread: the one that ring_begin was called on; ring_new and ring_free any.
 */
#ifndef FLOE_LIB_RING_RING_H
#define FLOE_LIB_RING_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

struct ring;
struct ring_op;

/* What became of an operation. */
struct ring_done {
	int res;            /* -errno, -ECANCELED when it was called off; of
			       ring_poll the events, poll(2) */
	bool more;          /* it goes on; else it is the caller's again */
	struct msghdr *msg; /* of ring_receive: name, control and flags; NULL
			       when nothing came. Until the callback returns */
	uint8_t *data;      /* of ring_receive: until the next ring_wait */
	size_t len;
};

typedef void ring_fn(struct ring_op *, struct ring_done *);

/* All zero but fn, and embedded in what the caller keeps for it. While it is
 * busy it must neither move nor go. */
struct ring_op {
	ring_fn *fn;
	bool busy;
	bool asked;      /* the kernel knows of it, or is about to */
	bool off;        /* called off, of which the kernel is to know */
	unsigned int at; /* behind it in the queue of submissions */
	int fd;
	short events; /* 0: it receives */
	LIST_ENTRY(ring_op) link;
};

/* NULL with errno: ENOSYS, EPERM (seccomp, kernel.io_uring_disabled), EINVAL
 * (an older kernel), ENOMEM. */
struct ring *ring_new(void);
/* Every operation that is busy ends, with -ECANCELED. */
void ring_free(struct ring *);
/* From now on the ring is the calling thread's. 0 or -errno. */
int ring_begin(struct ring *);
/* Calls all operations off and waits until the kernel has let go of their
 * descriptors; the next ring_wait tells their ends. */
void ring_quiet(struct ring *);

/*
 * Hands over what was asked for, waits for something to end and calls back for
 * all that has; timeout_ms: UINT64_MAX for ever. 0; -ETIME: nothing has ended;
 * or -errno.
 */
int ring_wait(struct ring *, uint64_t timeout_ms);

/* The same, but waits for n of them, us microseconds at most. */
int ring_gather(struct ring *, unsigned int n, unsigned int us);
/* What ring_wait and ring_gather have told in all. */
struct ring_count {
	uint64_t ends;
	uint64_t bytes; /* received */
};
struct ring_count ring_count(const struct ring *);

/* Once, when one of the events is there. Begins with the next ring_wait. */
void ring_poll(struct ring *, struct ring_op *, int fd, short events);
/* Calls it off: it ends with -ECANCELED, or what it was about to end with. */
void ring_cancel(struct ring *, struct ring_op *);

/* Buffers for ring_receive. */
struct ring_buffers {
	unsigned int count; /* a power of two, at most 32768 */
	size_t control;     /* bytes of control messages */
	size_t len;         /* the longest datagram or merge */
	size_t space;       /* what the caller may write of a buffer, from its
			       data on: len or more */
};
/* Before the first ring_receive; 0 or -errno. In front of data the caller may
 * write as many bytes as control has. */
int ring_set_buffers(struct ring *, const struct ring_buffers *);
/*
 * Receives from a UDP socket again and again until it ends: with an error, an
 * empty datagram, with -ENOBUFS when more came in than there are buffers
 * (nothing is lost: begin again), or called off.
 */
void ring_receive(struct ring *, struct ring_op *, int fd);

/*
 * Sends messages, each on its descriptor and in order, in one system call.
 * errs tells of each 0 or -errno, -EBADFD before ring_begin. Returns how many
 * that was, at least one; what they point at is the caller's again.
 */
int
ring_send(struct ring *, const int *fds, struct mmsghdr *, int n, int *errs);

#endif
