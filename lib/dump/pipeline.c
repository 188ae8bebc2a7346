/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extents are taken in order, worked on by whoever has time, and written in order.
 * There is no thread for writing: whoever finishes an extent writes what is ready,
 * unless another thread is at it. So n threads are busy on n CPUs, and one thread
 * needs no other.
 */
#include "lib/dump/internal.h"

#include <signal.h>

/* Under the lock. NULL: nothing more to do. */
static struct kd_slot *take(struct kd_pipeline *p)
{
	for (;;) {
		struct kd_slot *s = &p->slots[p->next_take % p->n_slots];
		if (p->rc || p->ended)
			return NULL;
		if (p->next_take - p->next_write < p->n_slots && s->state == KD_SLOT_FREE) {
			s->n = 0;
			s->used = 0;
			s->bad.code = KD_OK;
			if (!p->ops->next(p->engine, s)) {
				p->ended = true;
				return NULL;
			}
			s->state = KD_SLOT_TAKEN;
			p->next_take++;
			return s;
		}
		pthread_cond_wait(&p->moved, &p->lock);
	}
}

/* Under the lock, which is let go while it writes. */
static void write_ready(struct kd_pipeline *p)
{
	if (p->writing)
		return;
	p->writing = true;
	while (!p->rc) {
		struct kd_slot *s = &p->slots[p->next_write % p->n_slots];
		if (s->state != KD_SLOT_DONE)
			break;
		struct kd_err err = { 0 };
		pthread_mutex_unlock(&p->lock);
		int rc = p->ops->write(p->engine, s, &err);
		pthread_mutex_lock(&p->lock);
		if (rc) {
			p->rc = rc;
			p->err = err;
		}
		s->state = KD_SLOT_FREE;
		p->next_write++;
		pthread_cond_broadcast(&p->moved);
	}
	p->writing = false;
}

static void work(struct kd_pipeline *p, struct kd_worker *w)
{
	struct kd_slot *s;

	pthread_mutex_lock(&p->lock);
	while ((s = take(p)) != NULL) {
		pthread_mutex_unlock(&p->lock);
		p->ops->work(w, s);
		pthread_mutex_lock(&p->lock);
		s->state = KD_SLOT_DONE;
		write_ready(p);
	}
	pthread_cond_broadcast(&p->moved);
	pthread_mutex_unlock(&p->lock);
}

struct start {
	struct kd_pipeline *pipeline;
	struct kd_worker *worker;
};

static void *thread_main(void *arg)
{
	const struct start *start = arg;

	work(start->pipeline, start->worker);
	return NULL;
}

enum { MAX_THREADS = 1024, THREAD_STACK_BYTES = 256 << 10 };

static unsigned int start_threads(struct kd_pipeline *p, struct start *starts, pthread_t *threads)
{
	unsigned int n = 0;
	pthread_attr_t attr;
	sigset_t all, before;

	if (pthread_attr_init(&attr))
		return 0;
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	/* Signals are for the thread that called us. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; n + 1 < p->n_workers; n++) {
		starts[n] = (struct start){ .pipeline = p, .worker = &p->workers[n + 1] };
		if (pthread_create(&threads[n], &attr, thread_main, &starts[n]))
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return n;
}

int kd_pipeline_run(struct kd_pipeline *p, struct kd_err *err)
{
	struct start starts[MAX_THREADS];
	pthread_t threads[MAX_THREADS];

	if (p->n_workers > MAX_THREADS)
		p->n_workers = MAX_THREADS;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->moved, NULL);
	unsigned int started = start_threads(p, starts, threads);
	work(p, &p->workers[0]);
	for (unsigned int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_cond_destroy(&p->moved);
	pthread_mutex_destroy(&p->lock);
	if (p->rc && err)
		*err = p->err;
	return p->rc;
}
