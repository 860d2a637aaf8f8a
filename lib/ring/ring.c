/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/ring/ring.h"

#define SQ_ENTRIES 512
/* Also what the kernel sizes its table of waiting operations by: with fewer,
 * calling off one of thousands takes long. */
#define CQ_ENTRIES 16384
/* So often the kernel is asked again to take what it had no memory for; and
 * then no later than this. */
#define SUBMIT_TRIES 10
#define SUBMIT_MS    10
/* The kernel brings at least so many operations to their end a call. */
#define TASKS_A_CALL 16
/* The one group of buffers. */
#define GROUP 0
/* A completion that is about no operation: what a send failed with. Pointers
 * are even. */
#define TAG_SEND 1

/* Bytes for the source of a datagram, so that what follows is aligned as
 * control messages want to be. */
#define NAME_SPACE 32

static_assert(NAME_SPACE >= sizeof(struct sockaddr_in6) &&
	(sizeof(struct io_uring_recvmsg_out) + NAME_SPACE) %
		_Alignof(struct cmsghdr) ==
	    0,
    "a buffer has its parts where they are aligned");

struct ring {
	struct io_uring uring;
	bool begun, over;
	LIST_HEAD(ring_ops, ring_op) ops; /* busy */
	struct ring_count count;
	struct ring_ops unasked; /* those that the kernel had no room for */
	bool offs;               /* some of ops are off */
	uint32_t sends;          /* calls of ring_send */

	struct io_uring_buf_ring *group;
	struct ring_buffers shape;
	size_t group_size, slab_size, stride;
	uint8_t *slab;
	/* Those that hold something until the next wait. */
	uint16_t *used;
	unsigned int nused;
	struct msghdr asked; /* how a receive lays out its buffer */
};

struct ring *
ring_new(void)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE |
		    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
		    IORING_SETUP_DEFER_TASKRUN,
		.cq_entries = CQ_ENTRIES,
	};
	struct ring *r = calloc(1, sizeof(*r));
	int err;

	if (r == NULL)
		return NULL;
	LIST_INIT(&r->ops);
	LIST_INIT(&r->unasked);
	err = io_uring_queue_init_params(SQ_ENTRIES, &r->uring, &p);
	if (err != 0) {
		free(r);
		errno = -err;
		return NULL;
	}
	return r;
}

static void
op_end(struct ring_op *op)
{
	op->busy = false;
	LIST_REMOVE(op, link);
}

static void
op_cancelled(struct ring_op *op)
{
	struct ring_done done = { .res = -ECANCELED };

	op_end(op);
	op->fn(op, &done);
}

void
ring_free(struct ring *r)
{
	struct ring_op *op;

	if (r == NULL)
		return;
	r->over = true;
	io_uring_queue_exit(&r->uring);
	while ((op = LIST_FIRST(&r->ops)) != NULL ||
	    (op = LIST_FIRST(&r->unasked)) != NULL)
		op_cancelled(op);
	if (r->slab != NULL)
		munmap(r->slab, r->slab_size);
	if (r->group != NULL)
		munmap(r->group, r->group_size);
	free(r->used);
	free(r);
}

int
ring_begin(struct ring *r)
{
	if (r->begun)
		return 0;
	/* liburing 2.3 declares a function for it and does not export it. */
	if (syscall(__NR_io_uring_register, r->uring.ring_fd,
		IORING_REGISTER_ENABLE_RINGS, NULL, 0) < 0)
		return -errno;
	r->begun = true;
	return 0;
}

void
ring_quiet(struct ring *r)
{
	struct io_uring_sync_cancel_reg all = {
		.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
		.timeout = { .tv_sec = 1 },
	};

	struct ring_op *op;
	unsigned int n = TASKS_A_CALL;

	if (!r->begun)
		return;
	(void)io_uring_submit(&r->uring);
	(void)io_uring_register_sync_cancel(&r->uring, &all);
	LIST_FOREACH (op, &r->ops, link)
		n++;
	for (; n >= TASKS_A_CALL; n -= TASKS_A_CALL)
		(void)io_uring_get_events(&r->uring);
}

static struct io_uring_sqe *
next_sqe(struct ring *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);
	int tries;

	for (tries = 0; sqe == NULL && tries < SUBMIT_TRIES; tries++) {
		(void)io_uring_submit(&r->uring);
		sqe = io_uring_get_sqe(&r->uring);
	}
	return sqe;
}

static void
op_ask(struct ring *r, struct ring_op *op)
{
	struct io_uring_sqe *sqe = next_sqe(r);

	op->asked = sqe != NULL;
	if (!op->asked) {
		LIST_INSERT_HEAD(&r->unasked, op, link);
		return;
	}
	LIST_INSERT_HEAD(&r->ops, op, link);
	op->at = r->uring.sq.sqe_tail;
	if (op->events != 0) {
		io_uring_prep_poll_add(sqe, op->fd, (unsigned int)op->events);
	} else {
		io_uring_prep_recvmsg_multishot(sqe, op->fd, &r->asked, 0);
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = GROUP;
	}
	io_uring_sqe_set_data(sqe, op);
}

/* False when the kernel cannot be told now. */
static bool
op_call_off(struct ring *r, struct ring_op *op)
{
	struct io_uring_sqe *sqe = next_sqe(r);

	if (sqe == NULL)
		return false;
	io_uring_prep_cancel(sqe, op, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = TAG_SEND;
	return true;
}

static void
op_begin(struct ring *r, struct ring_op *op, int fd, short events)
{
	if (r->over)
		return;
	op->busy = true;
	op->off = false;
	op->fd = fd;
	op->events = events;
	op_ask(r, op);
}

void
ring_poll(struct ring *r, struct ring_op *op, int fd, short events)
{
	op_begin(r, op, fd, events);
}

void
ring_receive(struct ring *r, struct ring_op *op, int fd)
{
	op_begin(r, op, fd, 0);
}

/* Those that the kernel had no room for; and if it has none, later. */
static void
ask_again(struct ring *r)
{
	struct ring_ops ops = r->unasked;
	struct ring_op *op;

	if (LIST_EMPTY(&ops))
		return;
	LIST_INIT(&r->unasked);
	LIST_FIRST(&ops)->link.le_prev = &LIST_FIRST(&ops);
	while ((op = LIST_FIRST(&ops)) != NULL) {
		if (op->off) {
			op_cancelled(op);
			continue;
		}
		LIST_REMOVE(op, link);
		op_ask(r, op);
	}
}

static void
call_off_again(struct ring *r)
{
	struct ring_op *op;

	if (!r->offs)
		return;
	r->offs = false;
	LIST_FOREACH (op, &r->ops, link) {
		if (op->off)
			op->off = !op_call_off(r, op);
		r->offs |= op->off;
	}
}

/*
 * Takes it out of the queue of submissions if it is in there still: its
 * descriptor may be another's in a moment, of which it must not read anything.
 */
static bool
op_withdraw(struct ring *r, struct ring_op *op)
{
	struct io_uring_sq *sq = &r->uring.sq;
	struct io_uring_sqe *sqe;

	if (sq->sqe_tail - op->at >= io_uring_sq_ready(&r->uring))
		return false;
	sqe = &sq->sqes[(op->at - 1) & sq->ring_mask];
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data(sqe, op);
	op->asked = false;
	return true;
}

void
ring_cancel(struct ring *r, struct ring_op *op)
{
	if (!op->asked) {
		op->off = true;
	} else if (!op_withdraw(r, op)) {
		op->off = !op_call_off(r, op);
		r->offs |= op->off;
	}
}

static void
buffer_give(struct ring *r, uint16_t id, int at)
{
	io_uring_buf_ring_add(r->group, r->slab + id * r->stride,
	    (unsigned int)(r->stride - (r->shape.space - r->shape.len)), id,
	    io_uring_buf_ring_mask(r->shape.count), at);
}

static void *
map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* An odd number of cache lines, so that the buffers do not compete for the same
 * ones. */
static size_t
stride_of(const struct ring *r)
{
	size_t bytes = sizeof(struct io_uring_recvmsg_out) +
	    r->asked.msg_namelen + r->asked.msg_controllen + r->shape.space;

	return 64 * ((bytes / 64 + 1) | 1);
}

int
ring_set_buffers(struct ring *r, const struct ring_buffers *shape)
{
	struct io_uring_buf_reg reg = { .bgid = GROUP,
		.ring_entries = shape->count };
	unsigned int i;
	int err;

	r->shape = *shape;
	r->asked.msg_namelen = NAME_SPACE;
	r->asked.msg_controllen = shape->control;
	r->stride = stride_of(r);
	r->group_size = shape->count * sizeof(struct io_uring_buf);
	r->slab_size = shape->count * r->stride;
	r->group = map(r->group_size);
	r->slab = map(r->slab_size);
	r->used = calloc(shape->count, sizeof(*r->used));
	if (r->group == NULL || r->slab == NULL || r->used == NULL)
		return -ENOMEM;
	reg.ring_addr = (uintptr_t)r->group;
	err = io_uring_register_buf_ring(&r->uring, &reg, 0);
	if (err != 0)
		return err;
	io_uring_buf_ring_init(r->group);
	for (i = 0; i < shape->count; i++)
		buffer_give(r, (uint16_t)i, (int)i);
	io_uring_buf_ring_advance(r->group, (int)shape->count);
	return 0;
}

/* The kernel gets the buffers back whose contents nobody needs any more. */
static void
buffers_return(struct ring *r)
{
	unsigned int i;

	if (r->nused == 0)
		return;
	for (i = 0; i < r->nused; i++)
		buffer_give(r, r->used[i], (int)i);
	io_uring_buf_ring_advance(r->group, (int)r->nused);
	r->nused = 0;
}

/* Fills in what a receive has put into a buffer; what is not whole is none. */
static void
take_buffer(struct ring *r, const struct io_uring_cqe *cqe, struct msghdr *msg,
    struct ring_done *done)
{
	uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
	uint8_t *at = r->slab + id * r->stride;
	struct io_uring_recvmsg_out *o;

	r->used[r->nused++] = id;
	o = io_uring_recvmsg_validate(at, cqe->res, &r->asked);
	if (o == NULL)
		return;
	*msg = (struct msghdr){
		.msg_name = io_uring_recvmsg_name(o),
		.msg_namelen = o->namelen,
		.msg_control =
		    (uint8_t *)io_uring_recvmsg_name(o) + r->asked.msg_namelen,
		.msg_controllen = o->controllen,
		.msg_flags = (int)o->flags,
	};
	done->msg = msg;
	done->data = io_uring_recvmsg_payload(o, &r->asked);
	done->len = io_uring_recvmsg_payload_length(o, cqe->res, &r->asked);
	r->count.bytes += done->len;
}

static void
complete(struct ring *r, const struct io_uring_cqe *cqe)
{
	struct ring_op *op = io_uring_cqe_get_data(cqe);
	struct ring_done done = {
		.res = cqe->res,
		.more = (cqe->flags & IORING_CQE_F_MORE) != 0,
	};
	struct msghdr msg;

	if ((cqe->flags & IORING_CQE_F_BUFFER) != 0)
		take_buffer(r, cqe, &msg, &done);
	if (!op->asked)
		done.res = -ECANCELED;
	if (!done.more)
		op_end(op);
	op->fn(op, &done);
}

static int
wait_for(struct ring *r, unsigned int n, struct __kernel_timespec *ts)
{
	struct io_uring_cqe *first, cqe;
	int err;

	err = io_uring_submit_and_wait_timeout(&r->uring, &first, n, ts, NULL);
	if (err < 0 && err != -EINTR && err != -ETIME && err != -EAGAIN &&
	    err != -EBUSY)
		return err;
	/* Not those that come while we are at it: others have to be asked for
	 * anew, and timers looked at. */
	n = io_uring_cq_ready(&r->uring);
	r->count.ends += n;
	err = n == 0 ? -ETIME : 0;
	while (n-- > 0 && io_uring_peek_cqe(&r->uring, &first) == 0) {
		cqe = *first;
		io_uring_cqe_seen(&r->uring, first);
		if ((cqe.user_data & TAG_SEND) == 0)
			complete(r, &cqe);
	}
	return err;
}

static void
catch_up(struct ring *r)
{
	buffers_return(r);
	call_off_again(r);
	ask_again(r);
}

int
ring_wait(struct ring *r, uint64_t timeout_ms)
{
	struct __kernel_timespec ts;

	catch_up(r);
	if ((r->offs || !LIST_EMPTY(&r->unasked)) && timeout_ms > SUBMIT_MS)
		timeout_ms = SUBMIT_MS;
	ts.tv_sec = (long long)(timeout_ms / 1000);
	ts.tv_nsec = (long long)(timeout_ms % 1000 * 1000000);
	return wait_for(r, 1, timeout_ms == UINT64_MAX ? NULL : &ts);
}

int
ring_gather(struct ring *r, unsigned int n, unsigned int us)
{
	struct __kernel_timespec ts = { .tv_nsec = 1000LL * us };

	catch_up(r);
	return wait_for(r, n, &ts);
}

struct ring_count
ring_count(const struct ring *r)
{
	return r->count;
}

/* What the kernel did not take in is not to be sent later, when the messages
 * are gone. */
static void
send_withdraw(
    struct ring *r, struct io_uring_sqe **sqes, int n, int *errs, int err)
{
	int i, left = (int)io_uring_sq_ready(&r->uring);

	for (i = left < n ? n - left : 0; i < n; i++) {
		io_uring_prep_nop(sqes[i]);
		sqes[i]->flags |= IOSQE_CQE_SKIP_SUCCESS;
		sqes[i]->user_data = TAG_SEND;
		errs[i] = err;
	}
}

/* Only failures are told, behind what other operations have ended with. Those
 * of an earlier call may come late, when the queue of completions was full. */
static void
send_failures(
    struct ring *r, unsigned int before, uint64_t tag, int n, int *errs)
{
	struct io_uring_cqe *cqe;
	unsigned int head, at = 0;
	uint64_t i;

	io_uring_for_each_cqe(&r->uring, head, cqe)
	{
		if (at++ < before || (cqe->user_data & TAG_SEND) == 0)
			continue;
		i = (cqe->user_data - tag) >> 1;
		if (i > 0 && i <= (uint64_t)n && cqe->res < 0)
			errs[i - 1] = cqe->res;
	}
}

int
ring_send(struct ring *r, const int *fds, struct mmsghdr *m, int n, int *errs)
{
	struct io_uring_sqe *sqes[SQ_ENTRIES / 2];
	unsigned int before = io_uring_cq_ready(&r->uring);
	uint64_t tag = (uint64_t)++r->sends << 32 | TAG_SEND;
	int i, err, tries = 0;

	if (n > SQ_ENTRIES / 2)
		n = SQ_ENTRIES / 2;
	/* Making room for the later ones submits the earlier ones. */
	for (i = 0; i < n && r->begun && (sqes[i] = next_sqe(r)) != NULL; i++) {
		io_uring_prep_sendmsg(
		    sqes[i], fds[i], &m[i].msg_hdr, MSG_DONTWAIT);
		sqes[i]->flags |= IOSQE_CQE_SKIP_SUCCESS;
		sqes[i]->user_data = tag + ((uint64_t)(i + 1) << 1);
		errs[i] = 0;
	}
	n = i;
	if (n == 0) {
		errs[0] = r->begun ? -ENOBUFS : -EBADFD;
		return 1;
	}
	do
		err = io_uring_submit(&r->uring);
	while (io_uring_sq_ready(&r->uring) > 0 && tries++ < SUBMIT_TRIES);
	if (io_uring_sq_ready(&r->uring) > 0)
		send_withdraw(r, sqes, n, errs, err < 0 ? err : -ENOBUFS);
	send_failures(r, before, tag, n, errs);
	return n;
}
