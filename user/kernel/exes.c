/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/exes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/array.h"
#include "decide.h"
#include "policy/trust.h"

/* ---- files ---------------------------------------------------------------- */

struct am_exe_file *am_exes_find(const struct am_exes *exes, uint64_t dev, uint64_t ino)
{
	for (size_t i = 0; i < exes->n_files; i++)
		if (exes->files[i]->dev == dev && exes->files[i]->ino == ino)
			return exes->files[i];
	return NULL;
}

static bool is_old(const struct am_exe_name *n, const struct am_exe_file *f)
{
	for (size_t i = 0; i < n->n_old; i++)
		if (n->old[i] == f)
			return true;
	return false;
}

bool am_exes_forgotten(const struct am_exes *exes, const struct am_exe_file *f)
{
	for (size_t i = 0; i < exes->n_names; i++)
		if (exes->names[i].file == f || is_old(&exes->names[i], f))
			return false;
	return true;
}

void am_exes_drop(struct am_exes *exes, size_t index)
{
	am_exe_file_free(exes->files[index]);
	exes->files[index] = exes->files[--exes->n_files];
}

static bool has_digest(const struct am_exe_name *n, const struct am_exe_file *f)
{
	return !n->named->pinned ||
	       (f->known && !memcmp(f->sha256, n->named->sha256, sizeof(f->sha256)));
}

/* While dpkg unpacks, the file that it replaces has one name left, of this form. */
static bool is_kept_by_dpkg(const struct am_exe_name *n, const struct am_exe_file *f)
{
	char path[PATH_MAX];
	struct stat st;

	if (f->seen.st_nlink != 1 ||
	    (size_t)snprintf(path, sizeof(path), "%s.dpkg-tmp", n->named->path) >= sizeof(path))
		return false;
	return !lstat(path, &st) && st.st_dev == f->dev && st.st_ino == f->ino;
}

static bool counts_as_old(const struct am_exe_name *n, const struct am_exe_file *f)
{
	return has_digest(n, f) && (!f->seen.st_nlink || is_kept_by_dpkg(n, f));
}

static bool counts(const struct am_exe_name *n, const struct am_exe_file *f)
{
	if (n->file == f)
		return S_ISREG(f->seen.st_mode) && has_digest(n, f);
	return is_old(n, f) && counts_as_old(n, f);
}

bool am_exes_sets(const struct am_exes *exes, const struct am_exe_file *f, struct am_set *ret_set,
		  struct am_set *ret_script)
{
	bool any = false;

	*ret_set = *ret_script = (struct am_set){ { 0 } };
	for (size_t i = 0; i < exes->n_names; i++) {
		const struct am_exe_name *n = &exes->names[i];

		if (!counts(n, f))
			continue;
		am_set_join(ret_set, &n->named->set);
		am_set_join(ret_script, &n->named->script);
		any = true;
	}
	return any;
}

/* ---- where a name leads --------------------------------------------------- */

static void forget_old(struct am_exe_name *n, size_t index)
{
	n->n_old--;
	memmove(&n->old[index], &n->old[index + 1], (n->n_old - index) * sizeof(*n->old));
}

/* With the room full the oldest goes: who still runs it is nobody from here on. */
static void retire(struct am_exe_name *n)
{
	if (n->n_old == AM_EXE_OLD)
		n->n_old--;
	memmove(&n->old[1], &n->old[0], n->n_old * sizeof(*n->old));
	n->old[0] = n->file;
	n->n_old++;
}

static void lead_to(struct am_exe_name *n, struct am_exe_file *f)
{
	if (n->file == f)
		return;
	/* What it was until now, as far as looks tell. */
	if (n->file && n->state == AM_EXE_RIGHT)
		retire(n);
	n->file = f;
	for (size_t i = 0; f && i < n->n_old; i++)
		if (n->old[i] == f)
			forget_old(n, i--);
}

static int add_file(struct am_exes *exes, struct am_exe_file *f)
{
	return AM_APPEND(exes->files, exes->n_files, f);
}

static int hold_copy(struct am_exes *exes, const struct am_exe_file *known,
		     struct am_exe_file **ret)
{
	am_auto(am_exe_file) struct am_exe_file *f = NULL;
	int r = am_exe_file_copy(known, &f);

	if (!r)
		r = add_file(exes, f);
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(f);
	return 0;
}

/* A file that is not held yet: one may also be known from the policy before. */
static int adopt(struct am_exes *exes, const struct am_exes *before, int *fd, const struct stat *st,
		 struct am_exe_file **ret)
{
	const struct am_exe_file *known = before ? am_exes_find(before, st->st_dev, st->st_ino) : NULL;
	am_auto(am_exe_file) struct am_exe_file *f = NULL;
	int r;

	if (known)
		return hold_copy(exes, known, ret);
	r = am_exe_file_new(*fd, st, &f);
	if (r < 0)
		return r;
	(void)AM_TAKE_FD(*fd);	/* taken */
	r = add_file(exes, f);
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(f);
	return 0;
}

/* The file at the path, held. 0; a negative errno, in `n->error` too if it is the path's. */
static int open_file(struct am_exes *exes, const struct am_exes *before, struct am_exe_name *n,
		     struct am_exe_file **ret)
{
	/* A device must not be opened by its look alone, nor a FIFO block. */
	am_autoclose int fd = open(n->named->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		n->error = -errno;
		return -errno;
	}
	*ret = am_exes_find(exes, st.st_dev, st.st_ino);
	return *ret ? 0 : adopt(exes, before, &fd, &st, ret);
}

/* A name that leads to what is held already needs no look inside. */
static int follow(struct am_exes *exes, const struct am_exes *before, struct am_exe_name *n)
{
	struct am_exe_file *f = NULL;
	struct stat st;
	int r = 0;

	n->error = 0;
	if (stat(n->named->path, &st) < 0) {
		n->error = -errno;
		lead_to(n, NULL);
		return 0;
	}
	if (S_ISREG(st.st_mode)) {
		f = am_exes_find(exes, st.st_dev, st.st_ino);
		if (!f)
			r = open_file(exes, before, n, &f);
	}
	lead_to(n, f);
	if (f && n->named->pinned)
		am_exe_file_want(f);
	return n->error ? 0 : r;
}

static enum am_exe_state state_of(const struct am_exe_name *n)
{
	const struct am_exe_file *f = n->file;

	if (n->error)
		return AM_EXE_MISSING;
	if (!f || !S_ISREG(f->seen.st_mode))
		return AM_EXE_ODD;
	if (!n->named->pinned)
		return AM_EXE_RIGHT;
	if (f->known)
		return has_digest(n, f) ? AM_EXE_RIGHT : AM_EXE_WRONG;
	return f->error && !am_exe_file_works(f) ? AM_EXE_MISSING : AM_EXE_CHECKING;
}

static void judge(struct am_exe_name *n)
{
	n->state = state_of(n);
	if (n->state == AM_EXE_MISSING && !n->error)
		n->error = n->file->error;
}

const char *am_exe_name_fault(const struct am_exe_name *n)
{
	switch (n->state) {
	case AM_EXE_CHECKING:
		return "its digest is being computed";
	case AM_EXE_MISSING:
		return strerror(-n->error);
	case AM_EXE_ODD:
		return "not a regular file";
	case AM_EXE_WRONG:
		return "does not have the digest that the policy asks for";
	default:
		return NULL;
	}
}

/* ---- what there is to tell ------------------------------------------------ */

static struct am_exe_told now_of(const struct am_exe_name *n)
{
	struct am_exe_told now = { .state = n->state };

	if (n->file) {
		now.dev = n->file->dev;
		now.ino = n->file->ino;
		now.mtime = n->file->seen.st_mtim;
	}
	return now;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static void tell_name(struct am_exe_name *n, const struct am_exe_teller *t)
{
	const struct am_exe_told before = n->told, now = now_of(n);
	bool same_file = before.dev == now.dev && before.ino == now.ino;

	if (n->old_gone)
		t->tell(t->ctx, n->named, AM_EXE_NEWS_OLD_GONE, n->old_gone);
	n->old_gone = NULL;
	if (n->state == AM_EXE_CHECKING)
		return;
	n->told = now;
	if (now.state != AM_EXE_RIGHT) {
		if (before.state != now.state)
			t->tell(t->ctx, n->named,
				before.state == AM_EXE_INVALID && now.state != AM_EXE_WRONG ?
				AM_EXE_NEWS_ABSENT : AM_EXE_NEWS_GONE, am_exe_name_fault(n));
	} else if (before.state == AM_EXE_INVALID) {
		return;		/* as it should be, from the first */
	} else if (before.state != AM_EXE_RIGHT) {
		t->tell(t->ctx, n->named, AM_EXE_NEWS_BACK, NULL);
	} else if (!same_file) {
		t->tell(t->ctx, n->named, AM_EXE_NEWS_CHANGED,
			n->n_old && !counts_as_old(n, n->old[0]) ?
			"replaced by another file; who runs the one before, which is kept under "
			"another name, is nobody" : "replaced by another file");
	} else if (!is_same_time(&before.mtime, &now.mtime)) {
		t->tell(t->ctx, n->named, AM_EXE_NEWS_CHANGED, "written to");
	}
}

void am_exes_tell(struct am_exes *exes, const struct am_exe_teller *teller)
{
	for (size_t i = 0; i < exes->n_names; i++)
		tell_name(&exes->names[i], teller);
}

/* ---- looking -------------------------------------------------------------- */

static void lose_old(struct am_exe_name *n, size_t index, const char *why)
{
	forget_old(n, index);
	n->old_gone = why;
}

/* Written, by a descriptor that was open or by another name, it is other code than what was
 * trusted; of a pinned one the digest says it. */
static void look_at_old(struct am_exes *exes, const struct am_exe_file *f, enum am_exe_change change)
{
	for (size_t i = 0; i < exes->n_names; i++) {
		struct am_exe_name *n = &exes->names[i];

		for (size_t j = 0; j < n->n_old; j++) {
			if (n->old[j] != f)
				continue;
			if (change == AM_EXE_WRITTEN && !n->named->pinned)
				lose_old(n, j, "the replaced file, which some may still run, was "
					 "written to");
			else if (n->named->pinned && f->known && !has_digest(n, f))
				lose_old(n, j, "the replaced file, which some may still run, has "
					 "another digest now");
			else
				continue;
			j--;
		}
	}
}

int am_exes_look(struct am_exes *exes)
{
	int err = 0, r;

	/* Names first: a file is replaced before what held it open can go on to write it. */
	for (size_t i = 0; i < exes->n_names; i++) {
		r = follow(exes, NULL, &exes->names[i]);
		err = err ? err : r;
	}
	for (size_t i = 0; i < exes->n_files; i++)
		look_at_old(exes, exes->files[i], am_exe_file_look(exes->files[i]));
	for (size_t i = 0; i < exes->n_names; i++)
		judge(&exes->names[i]);
	return err;
}

bool am_exes_step(struct am_exes *exes, size_t bytes)
{
	bool more = false;

	for (size_t i = 0; i < exes->n_files && !more; i++) {
		more = am_exe_file_step(exes->files[i], bytes);
		if (!more)	/* of an old one too, what it says counts from here on */
			look_at_old(exes, exes->files[i], AM_EXE_SAME);
	}
	for (size_t i = 0; i < exes->n_names; i++)
		judge(&exes->names[i]);
	return more;
}

bool am_exes_work(const struct am_exes *exes)
{
	for (size_t i = 0; i < exes->n_files; i++)
		if (am_exe_file_works(exes->files[i]))
			return true;
	return false;
}

bool am_exes_settled(const struct am_exes *exes)
{
	for (size_t i = 0; i < exes->n_names; i++)
		if (exes->names[i].state == AM_EXE_CHECKING)
			return false;
	return true;
}

/* ---- a new policy --------------------------------------------------------- */

static const struct am_exe_name *find_name(const struct am_exes *exes,
					   const struct am_image_exe *named)
{
	for (size_t i = 0; exes && i < exes->n_names; i++) {
		const struct am_image_exe *other = exes->names[i].named;

		if (!strcmp(other->path, named->path) && other->pinned == named->pinned &&
		    !memcmp(other->sha256, named->sha256, sizeof(named->sha256)))
			return &exes->names[i];
	}
	return NULL;
}

/* What was replaced under the policy before may still run under this one. */
static int inherit(struct am_exes *exes, const struct am_exe_file *old, struct am_exe_name *n)
{
	struct am_exe_file *f = am_exes_find(exes, old->dev, old->ino);
	enum am_exe_change change = AM_EXE_SAME;
	int r = 0;

	if (f == n->file && f)
		return 0;
	if (!f) {
		r = hold_copy(exes, old, &f);
		if (!r)
			change = am_exe_file_look(f); /* deleted only now, or written to */
	}
	if (r < 0)
		return r;
	if (n->named->pinned)
		am_exe_file_want(f);
	else if (change == AM_EXE_WRITTEN)
		return 0;
	if (n->n_old < AM_EXE_OLD)
		n->old[n->n_old++] = f;
	return 0;
}

static int inherit_all(struct am_exes *exes, const struct am_exe_name *from, struct am_exe_name *n)
{
	int r = 0;

	if (from->file && from->state == AM_EXE_RIGHT)
		r = inherit(exes, from->file, n);	/* replaced since it was looked at last */
	for (size_t i = 0; !r && i < from->n_old; i++)
		r = inherit(exes, from->old[i], n);
	return r;
}

static void warn_of_writers(const struct am_image_exe *named, const char *word,
			    struct am_diags *diags)
{
	char where[PATH_MAX], who[64];

	if (am_trust_weak(named->path, who, sizeof(who), where, sizeof(where)))
		am_diags_add(diags, AM_SEVERITY_WARNING, named->pos,
			     "Let root alone own and write it and the folders above it.",
			     "%s can change the %s '%s': it can write '%s'", who, word,
			     named->path, where);
}

static void warn(const struct am_exe_name *n, struct am_diags *diags)
{
	const struct am_image_exe *named = n->named;
	const char *word = named->is_exe ? "executable" : "script", *fault;
	char start[2];

	warn_of_writers(named, word, diags);
	fault = n->state == AM_EXE_CHECKING ? NULL : am_exe_name_fault(n);
	if (fault)
		am_diags_add(diags, AM_SEVERITY_WARNING, named->pos,
			     "No process is this subject until the file is as it should be.",
			     "%s '%s': %s", word, named->path, fault);
	else if (named->is_exe && n->file && pread(n->file->fd, start, sizeof(start), 0) == 2 &&
		 !memcmp(start, "#!", sizeof(start)))
		am_diags_add(diags, AM_SEVERITY_WARNING, named->pos,
			     "Who runs is the interpreter in its first line; write 'script:' instead of 'exe:'.",
			     "executable '%s' is a script and never a process's executable",
			     named->path);
}

static int add_name(struct am_exes *exes, const struct am_exes *before, struct am_exe_name *n,
		    struct am_diags *diags)
{
	const struct am_exe_name *from = find_name(before, n->named);
	int r = follow(exes, before, n);

	if (!r && from)
		r = inherit_all(exes, from, n);
	if (r < 0)
		return r;
	if (n->file && n->file->wanted)
		(void)am_exe_file_look(n->file); /* a digest from before holds if the times do */
	judge(n);
	n->told = from ? from->told : n->state == AM_EXE_RIGHT ? now_of(n) : n->told;
	warn(n, diags);
	return 0;
}

int am_exes_new(const struct am_image *image, const struct am_exes *before,
		struct am_diags *diags, struct am_exes **ret)
{
	am_auto(am_exes) struct am_exes *exes = calloc(1, sizeof(*exes));
	int r = 0;

	if (!exes)
		return -ENOMEM;
	exes->names = calloc(image->n_exes + 1, sizeof(*exes->names));
	if (!exes->names)
		return -ENOMEM;
	for (size_t i = 0; !r && i < image->n_exes; i++) {
		exes->names[i].named = &image->exes[i];
		exes->n_names++;
		r = add_name(exes, before, &exes->names[i], diags);
	}
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(exes);
	return 0;
}

void am_exes_free(struct am_exes *exes)
{
	if (!exes)
		return;
	for (size_t i = 0; i < exes->n_files; i++)
		am_exe_file_free(exes->files[i]);
	free(exes->files);
	free(exes->names);
	free(exes);
}
