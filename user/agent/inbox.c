/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/inbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "agent/log.h"
#include "base/array.h"
#include "policy/keyring.h"

static const char suffix[] = ".minisig";

/* A file, and what shows that it has changed: itself and the signature beside it. */
struct am_inbox_file {
	char name[NAME_MAX + 1];
	ino_t inode;
	struct timespec changed;
	struct timespec signed_;
};

void am_inbox_init(struct am_inbox *in, const char *path, struct am_loop *loop,
		   const struct am_intake *intake)
{
	*in = (struct am_inbox){
		.path = path, .loop = loop, .intake = intake, .source = { .fd = -1 }, .dir = -1,
	};
}

/* ---- watching --------------------------------------------------------------- */

static void close_folder(struct am_inbox *in)
{
	if (in->dir >= 0)
		(void)close(in->dir);	/* it was only read */
	in->dir = -1;
}

static void forget_look(struct am_inbox *in)
{
	close_folder(in);
	free(in->files);
	in->files = NULL;
	in->count = in->next = 0;
	am_bundle_free(in->best);
	in->best = NULL;
	free(in->best_name);
	in->best_name = NULL;
}

static void unwatch(struct am_inbox *in)
{
	if (in->source.fd >= 0) {
		am_loop_remove(in->loop, &in->source);
		(void)close(in->source.fd); /* holds no data */
	}
	in->source.fd = -1;
	forget_look(in);
}

/* What happened does not matter: there is always a look at the whole folder. */
static void folder_changed(void *ctx, uint32_t events)
{
	struct am_inbox *in = ctx;
	_Alignas(struct inotify_event) char buf[4096];
	ssize_t n;

	(void)events;
	while (in->source.fd >= 0 && (n = read(in->source.fd, buf, sizeof(buf))) > 0) {
		const struct inotify_event *e;

		in->changed = true;
		for (char *at = buf; at < buf + n; at += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)at;
			if (e->mask & (IN_IGNORED | IN_MOVE_SELF)) {
				unwatch(in);	/* there may be another one of its name */
				return;
			}
		}
	}
}

static int watch(struct am_inbox *in)
{
	char name[32];
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	/* Through the descriptor: this folder, and not what its name means by now. */
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", in->dir);
	if (inotify_add_watch(fd, name, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB | IN_MOVE_SELF |
			      IN_ONLYDIR) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	in->source = (struct am_source){ .fd = fd, .ready = folder_changed, .ctx = in };
	r = am_loop_add(in->loop, &in->source, EPOLLIN);
	if (r < 0)
		(void)am_err(r, "cannot watch '%s'; it is looked at on SIGHUP", in->path);
	return 0;
}

static int open_folder(struct am_inbox *in)
{
	struct am_diags diags;
	struct stat st;
	int r;

	in->dir = open(in->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in->dir < 0 || fstat(in->dir, &st) < 0)
		return -errno;
	am_diags_init(&diags);
	r = am_refuse_if_others_write(&diags, in->path, &st, 0);
	if (r < 0 && !in->refused)
		am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	in->refused = r < 0;
	return r;
}

void am_inbox_tick(struct am_inbox *in)
{
	if (in->source.fd >= 0)
		return;
	if (!open_folder(in) && !watch(in))
		in->changed = true;
	else
		unwatch(in);
	close_folder(in);
}

void am_inbox_again(struct am_inbox *in)
{
	in->n_told = 0;
	in->refused = false;
	am_inbox_tick(in);
	in->changed = in->source.fd >= 0;
}

/* ---- which files ------------------------------------------------------------ */

static bool ends_with_suffix(const char *name)
{
	size_t len = strlen(name), n = strlen(suffix);

	return len > n && !strcmp(name + len - n, suffix);
}

static int note_file(struct am_inbox *in, const char *name)
{
	struct am_inbox_file file = { .inode = 0 };

	(void)snprintf(file.name, sizeof(file.name), "%s", name); /* a file's name: it fits */
	return AM_APPEND(in->files, in->count, file);
}

static void list_files(struct am_inbox *in)
{
	int fd = in->dir < 0 ? -1 : openat(in->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool more = false;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while (!more && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || ends_with_suffix(entry->d_name))
			continue;
		more = in->count == AM_INBOX_FILES || note_file(in, entry->d_name) < 0;
	}
	(void)closedir(dir);	/* it was only read */
	if (more)
		am_error("'%s' holds more than %d files; the others are not looked at", in->path,
			 AM_INBOX_FILES);
}

static void look_at_times(const struct am_inbox *in, struct am_inbox_file *file)
{
	char name[NAME_MAX + sizeof(suffix)];
	struct stat st;

	(void)snprintf(name, sizeof(name), "%s%s", file->name, suffix);
	if (!fstatat(in->dir, file->name, &st, AT_SYMLINK_NOFOLLOW)) {
		file->inode = st.st_ino;
		file->changed = st.st_ctim;
	}
	if (!fstatat(in->dir, name, &st, AT_SYMLINK_NOFOLLOW))
		file->signed_ = st.st_ctim;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_told(const struct am_inbox *in, const struct am_inbox_file *file)
{
	size_t i;

	for (i = 0; i < in->n_told; i++) {
		const struct am_inbox_file *t = &in->told[i];

		if (!strcmp(t->name, file->name) && t->inode == file->inode &&
		    same_time(t->changed, file->changed) && same_time(t->signed_, file->signed_))
			return true;
	}
	return false;
}

/* At the bound the oldest are forgotten, and told once more. */
static void note_told(struct am_inbox *in, const struct am_inbox_file *file)
{
	if (in->n_told == AM_INBOX_FILES) {
		memmove(in->told, in->told + 1, (in->n_told - 1) * sizeof(*in->told));
		in->n_told--;
	}
	(void)AM_APPEND(in->told, in->n_told, *file); /* else it is told once more */
}

/* ---- one file --------------------------------------------------------------- */

static void tell(struct am_inbox *in, const struct am_inbox_file *file, struct am_diags *diags)
{
	const struct am_force *now = in->intake->governor->now;

	am_diags_print(diags, stderr);
	am_intake_refused(in->intake, file->name, diags);
	if (now)
		am_error("bundle '%s/%s' is refused, keeping policy %s#%u", in->path, file->name,
			 now->model->name, now->generation);
	else
		am_error("bundle '%s/%s' is refused", in->path, file->name);
	note_told(in, file);
}

/* The text of a bundle whose signature may be on its way. */
static bool waits_for_signature(const struct am_inbox *in, const char *name)
{
	static const char opening[] = "# amanat bundle ";
	char text[sizeof(opening)] = "", beside[NAME_MAX + sizeof(suffix)];
	am_autoclose int fd = -1;

	(void)snprintf(beside, sizeof(beside), "%s%s", name, suffix);
	if (!faccessat(in->dir, beside, F_OK, AT_SYMLINK_NOFOLLOW))
		return false;
	fd = openat(in->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) == sizeof(text) - 1 &&
	       !strcmp(text, opening);
}

static void compare(struct am_inbox *in, struct am_bundle **b, const char *name)
{
	const struct am_draft *new = (*b)->draft, *old = in->best ? in->best->draft : NULL;

	if (old && (new->takes_back ? !old->takes_back || new->serial <= old->serial :
				      !old->takes_back && new->serial <= old->serial))
		return;
	am_bundle_free(in->best);
	free(in->best_name);
	in->best = AM_TAKE_PTR(*b);
	in->best_name = strdup(name);
}

/* A serial that is used up is no fault: bundles stay in the folder. */
static bool is_used_up(const struct am_inbox *in, int r, const struct am_bundle *b)
{
	return r == -EALREADY ||
	       (r == -ESTALE && b && !strcmp(b->draft->model->name,
					     in->intake->governor->annals.serial.policy));
}

/* Then that its key is not trusted any more is nothing new. */
static bool was_in_force(const struct am_inbox *in, const struct am_blob *blob)
{
	const struct am_history *h = &in->intake->governor->annals.history;
	uint8_t digest[AM_DIGEST_BYTES];
	size_t i;

	am_archive_digest(blob, digest);
	for (i = 0; i < h->count; i++)
		if (!memcmp(h->reigns[i].origin.digest, digest, sizeof(digest)))
			return true;
	return false;
}

static int read_bundle(struct am_inbox *in, const struct am_inbox_file *file, struct am_diags *diags,
		       struct am_bundle **ret)
{
	am_autoblob struct am_blob blob = { 0 };
	char shown[PATH_MAX];
	struct stat st;
	int r;

	(void)snprintf(shown, sizeof(shown), "%s/%s", in->path, file->name);
	/* Before it is opened, which some devices take for an order. */
	if (fstatat(in->dir, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -ESRCH;
	if (!S_ISREG(st.st_mode))
		return am_refuse(diags, shown, -EINVAL, "Put the file itself in its place.",
				 "this is not a regular file");
	r = am_signed_read_at(in->dir, file->name, shown, 0, diags, &blob);
	if (r < 0)
		return r;
	r = am_intake_open(in->intake, shown, &blob, diags, ret);
	return (r == -ENOKEY || r == -EKEYEXPIRED) && was_in_force(in, &blob) ? -EALREADY : r;
}

static void look_at(struct am_inbox *in, struct am_inbox_file *file)
{
	am_auto(am_bundle) struct am_bundle *b = NULL;
	struct am_diags diags;
	int r;

	look_at_times(in, file);
	if (!file->inode || is_told(in, file) || waits_for_signature(in, file->name))
		return;
	am_diags_init(&diags);
	r = read_bundle(in, file, &diags, &b);
	if (!r)
		compare(in, &b, file->name);
	else if (!is_used_up(in, r, b) && r != -ESRCH)	/* gone again: no fault either */
		tell(in, file, &diags);
	am_diags_done(&diags);
}

/* ---- the look as a whole ---------------------------------------------------- */

static const struct am_inbox_file *best_file(const struct am_inbox *in)
{
	size_t i;

	for (i = 0; i < in->count; i++)
		if (in->best_name && !strcmp(in->files[i].name, in->best_name))
			return &in->files[i];
	return NULL;
}

/* 0 and *ret; else it has been told. */
static int resolve_best(struct am_inbox *in, enum am_road road, struct am_force **ret)
{
	const struct am_inbox_file *file = best_file(in);
	struct am_diags diags;
	int r;

	if (!file)
		return -ENOMEM;
	am_diags_init(&diags);
	r = am_intake_resolve(in->intake, in->best, road, 0, &diags, ret);
	if (r < 0)
		tell(in, file, &diags);
	else
		am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	return r;
}

static void take_best(struct am_inbox *in)
{
	am_auto(am_force) struct am_force *f = NULL;
	struct am_diags diags;
	int r = resolve_best(in, AM_ROAD_FOLDER, &f);

	if (r < 0)
		return;
	am_diags_init(&diags);
	r = in->intake->put(in->intake->ctx, f, &diags);
	if (r < 0) {
		const struct am_inbox_file *file = best_file(in);

		if (file)
			tell(in, file, &diags);
	} else {
		am_diags_print(&diags, stderr);
		(void)AM_TAKE_PTR(f);	/* taken */
	}
	am_diags_done(&diags);
}

bool am_inbox_step(struct am_inbox *in)
{
	if (in->next < in->count) {
		look_at(in, &in->files[in->next++]);
		return true;
	}
	if (in->best) {
		/* There may be a next one, or the next best. */
		in->changed |= best_file(in) != NULL;
		take_best(in);
	}
	forget_look(in);
	if (!in->changed)
		return false;
	in->changed = false;
	if (open_folder(in) < 0)
		unwatch(in);	/* until it is in order again */
	list_files(in);
	if (!in->count)
		close_folder(in);
	return in->count > 0;
}

int am_inbox_first(struct am_inbox *in, struct am_force **ret)
{
	int r;

	do {
		r = -ENOENT;
		forget_look(in);
		if (open_folder(in) < 0)
			break;
		list_files(in);
		while (in->next < in->count)
			look_at(in, &in->files[in->next++]);
		r = in->best ? resolve_best(in, AM_ROAD_FOLDER, ret) : -ENOENT;
	} while (in->best && r < 0 && r != -ENOMEM);
	forget_look(in);
	return r < 0 ? -ENOENT : 0;
}

void am_inbox_done(struct am_inbox *in)
{
	unwatch(in);
	free(in->told);
}
