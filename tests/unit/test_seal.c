// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "decide.h"
#include "fds.h"
#include "store/seal.h"

enum {
	OUTER = 1,		/* ids of stores: slot 1 and 2, epoch 0 */
	INNER = 2,
	OUTER_BEFORE = 1 | 1 << AM_STORE_SLOT_BITS,
	TAGS_MAX = 4096,
	OUTER_LABEL = 1 << 0,
	INNER_LABEL = 1 << 1,
	OTHER_LABEL = 1 << 5,
};

/* The kernel's labels, as far as the walk sees them. */
struct fake_tag {
	uint64_t dev, ino;
	struct am_tag tag;
	unsigned strays;	/* times that it was made a stray */
};

struct world {
	char dir[64];
	struct fake_tag tags[TAGS_MAX];
	size_t n_tags;
	int add_error;		/* of the next add(), once */
	uint64_t broken_ino;	/* add() fails on it, always */
	struct am_policy *policy;
	struct am_diags diags;
	struct am_roots *roots;
	struct am_seal *seal;
	int fds;
};

static struct fake_tag *find(struct world *w, uint64_t dev, uint64_t ino)
{
	for (size_t i = 0; i < w->n_tags; i++)
		if (w->tags[i].dev == dev && w->tags[i].ino == ino)
			return &w->tags[i];
	return NULL;
}

static struct fake_tag *find_fd(struct world *w, int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return find(w, st.st_dev, st.st_ino);
}

static int fake_read(void *ctx, int fd, struct am_tag *ret)
{
	const struct fake_tag *t = find_fd(ctx, fd);

	if (!t)
		return -ENOENT;
	*ret = t->tag;
	return 0;
}

static int fake_add(void *ctx, int fd, const struct am_tag *tag)
{
	struct world *w = ctx;
	struct stat st;
	int r = w->add_error;

	w->add_error = 0;
	assert_int_equal(fstat(fd, &st), 0);
	if (w->broken_ino == st.st_ino)
		return -ENOMEM;
	if (find(w, st.st_dev, st.st_ino))
		return -EEXIST;
	assert_true(w->n_tags < TAGS_MAX);
	w->tags[w->n_tags++] = (struct fake_tag){ st.st_dev, st.st_ino, *tag, 0 };
	return r;
}

static int fake_replace(void *ctx, int fd, const struct am_tag *tag)
{
	find_fd(ctx, fd)->tag = *tag;
	return 0;
}

static int fake_stray(void *ctx, int fd)
{
	struct fake_tag *t = find_fd(ctx, fd);

	t->strays++;
	t->tag.flags |= AM_TAG_STRAY;
	return 0;
}

static const char *in(const struct world *w, const char *path)
{
	static char full[4][PATH_MAX];
	static unsigned turn;
	char *buf = full[turn++ % 4];

	(void)snprintf(buf, PATH_MAX, "%s/%s", w->dir, path);
	return buf;
}

static void folder(const struct world *w, const char *path)
{
	assert_int_equal(mkdir(in(w, path), 0700), 0);
}

static void file(const struct world *w, const char *path)
{
	int fd = open(in(w, path), O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
}

/* The tag of a path, of a link itself; NULL if it has none. */
static struct fake_tag *tag_of(struct world *w, const char *path)
{
	struct stat st;

	assert_int_equal(lstat(in(w, path), &st), 0);
	return find(w, st.st_dev, st.st_ino);
}

static void give_tag(struct world *w, const char *path, struct am_tag tag)
{
	struct stat st;

	assert_int_equal(lstat(in(w, path), &st), 0);
	w->tags[w->n_tags++] = (struct fake_tag){ st.st_dev, st.st_ino, tag, 0 };
}

static void assert_in_store(struct world *w, const char *path, uint32_t store)
{
	const struct fake_tag *t = tag_of(w, path);

	if (!t || t->tag.store != store)
		fail_msg("%s: store %u, not %u", path, t ? t->tag.store : 0, store);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	w->fds = count_fds();
	(void)snprintf(w->dir, sizeof(w->dir), "%s/amanat-seal-XXXXXX", P_tmpdir);
	if (!mkdtemp(w->dir))
		return -1;
	w->policy = calloc(1, sizeof(*w->policy));
	w->policy->stores[OUTER].id = OUTER;
	w->policy->stores[OUTER].labels = OUTER_LABEL;
	w->policy->stores[INNER].id = INNER;
	w->policy->stores[INNER].labels = INNER_LABEL;
	am_diags_init(&w->diags);
	folder(w, "srv");
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	am_seal_free(w->seal);
	am_roots_free(w->roots);
	am_diags_done(&w->diags);
	assert_int_equal(count_fds(), w->fds);
	(void)nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(w->policy);
	free(w);
	return 0;
}

/* Opens one root per path; `paths` ends with NULL. */
static int open_roots(struct world *w, const char *const *paths, const uint32_t *stores)
{
	struct am_root_spec specs[8];
	am_autofree char *names = calloc(8, PATH_MAX);
	size_t n;

	for (n = 0; paths[n]; n++) {
		(void)snprintf(names + n * PATH_MAX, PATH_MAX, "%s", in(w, paths[n]));
		specs[n] = (struct am_root_spec){
			.path = names + n * PATH_MAX,
			.pos = { .file = "policy.yaml", .line = (unsigned)n + 1 },
			.store = stores[n],
		};
	}
	return am_roots_open(specs, n, &w->diags, &w->roots);
}

static void open_seal(struct world *w, const char *const *paths, const uint32_t *stores)
{
	const struct am_seal_ops ops = { fake_read, fake_add, fake_replace, fake_stray, w };

	assert_int_equal(open_roots(w, paths, stores), 0);
	assert_int_equal(am_seal_new(w->roots, w->policy, &ops, &w->seal), 0);
	assert_int_equal(am_seal_roots(w->seal), 0);
}

static void walk(struct world *w)
{
	while (am_seal_step(w->seal, 100))
		;
}

/* Seals srv as the store OUTER. */
static void seal_srv(struct world *w)
{
	open_seal(w, (const char *const[]){ "srv", NULL }, (const uint32_t[]){ OUTER });
	walk(w);
}

/* ---- the walk ------------------------------------------------------------- */

static void labels_every_file_and_folder_below_the_root(void **state)
{
	struct world *w = *state;
	struct am_seal_state s;

	folder(w, "srv/a");
	folder(w, "srv/a/b");
	file(w, "srv/a/b/deep");
	file(w, "srv/top");
	file(w, "outside");
	seal_srv(w);
	assert_in_store(w, "srv", OUTER);
	assert_in_store(w, "srv/a", OUTER);
	assert_in_store(w, "srv/a/b/deep", OUTER);
	assert_in_store(w, "srv/top", OUTER);
	assert_null(tag_of(w, "outside"));
	/* The kernel side is to find the root from anywhere below. */
	assert_int_equal(tag_of(w, "srv")->tag.flags, AM_TAG_ROOT | AM_TAG_STRAY);
	assert_int_equal(tag_of(w, "srv/top")->tag.flags, 0);
	assert_true(am_seal_is_sealed(w->seal));
	am_seal_state(w->seal, OUTER, &s);
	assert_true(s.sealed);
	assert_int_equal(s.files, 5);
}

static void labels_a_root_that_is_a_file(void **state)
{
	struct world *w = *state;

	file(w, "srv/one");
	file(w, "srv/two");
	open_seal(w, (const char *const[]){ "srv/one", NULL }, (const uint32_t[]){ OUTER });
	walk(w);
	assert_in_store(w, "srv/one", OUTER);
	assert_null(tag_of(w, "srv/two"));
	assert_true(am_seal_is_sealed(w->seal));
}

static void labels_pipes_and_sockets_without_opening_them(void **state)
{
	struct world *w = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(mkfifo(in(w, "srv/pipe"), 0600), 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/srv/socket", w->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	(void)close(fd);
	seal_srv(w);
	assert_in_store(w, "srv/pipe", OUTER);
	assert_in_store(w, "srv/socket", OUTER);
}

static void neither_follows_nor_labels_symbolic_links(void **state)
{
	struct world *w = *state;

	folder(w, "elsewhere");
	file(w, "elsewhere/file");
	assert_int_equal(symlink("../elsewhere", in(w, "srv/link")), 0);
	assert_int_equal(symlink("../elsewhere/file", in(w, "srv/link2")), 0);
	seal_srv(w);
	assert_null(tag_of(w, "elsewhere"));
	assert_null(tag_of(w, "elsewhere/file"));
	assert_null(tag_of(w, "srv/link"));
	assert_true(am_seal_is_sealed(w->seal));
}

static void has_files_with_several_names_remembered(void **state)
{
	struct world *w = *state;

	file(w, "srv/one");
	file(w, "srv/single");
	assert_int_equal(link(in(w, "srv/one"), in(w, "outside")), 0);
	seal_srv(w);
	assert_int_equal(tag_of(w, "outside")->strays, 1);
	assert_int_equal(tag_of(w, "srv/single")->strays, 0);
	am_seal_begin(w->seal, 0);
	walk(w);
	assert_int_equal(tag_of(w, "outside")->strays, 1);
}

static void stops_at_the_root_of_a_store_inside(void **state)
{
	struct world *w = *state;

	folder(w, "srv/in");
	folder(w, "srv/in/side");
	file(w, "srv/in/side/file");
	file(w, "srv/file");
	open_seal(w, (const char *const[]){ "srv", "srv/in", NULL },
		  (const uint32_t[]){ OUTER, INNER });
	walk(w);
	assert_in_store(w, "srv/file", OUTER);
	assert_in_store(w, "srv/in", INNER);
	assert_in_store(w, "srv/in/side", INNER);
	assert_in_store(w, "srv/in/side/file", INNER);
	/* The order of walks does not matter. */
	am_seal_begin(w->seal, OUTER);
	walk(w);
	assert_in_store(w, "srv/in/side/file", INNER);
}

static void takes_many_small_steps_to_the_same_end(void **state)
{
	struct world *w = *state;
	struct am_seal_state s;
	int steps = 0;

	for (int i = 0; i < 20; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "srv/%d", i);
		folder(w, name);
		(void)snprintf(name, sizeof(name), "srv/%d/f", i);
		file(w, name);
	}
	open_seal(w, (const char *const[]){ "srv", NULL }, (const uint32_t[]){ OUTER });
	while (am_seal_step(w->seal, 1)) {
		steps++;
		assert_false(am_seal_is_sealed(w->seal));
		am_seal_state(w->seal, OUTER, &s);
		assert_false(s.sealed);
	}
	am_seal_state(w->seal, OUTER, &s);
	assert_true(steps > 40);
	assert_int_equal(s.files, 41);
	assert_true(s.sealed);
}

static void counts_anew_when_it_begins_again_in_the_middle(void **state)
{
	struct world *w = *state;
	struct am_seal_state s;

	folder(w, "srv/a");
	file(w, "srv/a/one");
	file(w, "srv/a/two");
	open_seal(w, (const char *const[]){ "srv", NULL }, (const uint32_t[]){ OUTER });
	assert_true(am_seal_step(w->seal, 5));
	am_seal_begin(w->seal, OUTER);
	walk(w);
	am_seal_state(w->seal, OUTER, &s);
	assert_int_equal(s.files, 4);
}

static void refuses_to_go_deeper_than_its_bound_and_says_where(void **state)
{
	struct world *w = *state;
	int fd = open(in(w, "srv"), O_RDONLY | O_DIRECTORY);
	struct am_seal_state s;
	struct rlimit files;

	/* A descriptor per folder. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (int i = 0; i < AM_SEAL_DEPTH + 1; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		(void)close(fd);
		fd = next;
	}
	(void)close(fd);
	seal_srv(w);
	am_seal_state(w->seal, OUTER, &s);
	assert_true(s.walked);
	assert_false(s.sealed);
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.error, -ELOOP);
	assert_non_null(strstr(s.where, "/srv/d"));
	/* remove() by full path would need names beyond PATH_MAX */
	fd = open(in(w, "srv"), O_RDONLY | O_DIRECTORY);
	while (fd >= 0) {
		int next = openat(fd, "d/d", O_RDONLY | O_DIRECTORY);

		if (next < 0)
			break;
		/* lift the grandchild up, so that the chain gets shorter */
		assert_int_equal(renameat(fd, "d/d", fd, "e"), 0);
		assert_int_equal(unlinkat(fd, "d", AT_REMOVEDIR), 0);
		assert_int_equal(renameat(fd, "e", fd, "d"), 0);
		(void)close(next);
	}
	(void)close(fd);
}

static void tells_the_first_file_that_it_could_not_label(void **state)
{
	struct world *w = *state;
	struct am_seal_state s;
	struct stat st;

	folder(w, "srv/a");
	file(w, "srv/a/broken");
	file(w, "srv/a/whole");
	assert_int_equal(stat(in(w, "srv/a/broken"), &st), 0);
	w->broken_ino = st.st_ino;
	seal_srv(w);
	assert_in_store(w, "srv/a/whole", OUTER);
	assert_false(am_seal_is_sealed(w->seal));
	am_seal_state(w->seal, OUTER, &s);
	assert_true(s.walked);
	assert_false(s.sealed);
	assert_int_equal(s.failures, 1);
	assert_int_equal(s.error, -ENOMEM);
	assert_non_null(strstr(s.where, "/srv/a/broken"));
	w->broken_ino = 0;
	am_seal_begin(w->seal, 0);
	walk(w);
	assert_true(am_seal_is_sealed(w->seal));
}

/* Runs `test` as root of its own mount namespace; skips where that is not allowed. */
static void in_own_mounts(struct world *w, void (*test)(struct world *w))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			_exit(77);
		if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(77);
		test(w);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: mount namespaces are not allowed here\n");
		skip();
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* In the child: cmocka's asserts would jump into the parent's stack. */
#define CHILD_ASSERT(x)                                                              \
	do {                                                                         \
		if (!(x)) {                                                          \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
			_exit(1);                                                    \
		}                                                                    \
	} while (0)

static void walk_with_mounts(struct world *w)
{
	const struct am_seal_ops ops = { fake_read, fake_add, fake_replace, fake_stray, w };
	struct am_root_spec spec = { .path = strdup(in(w, "srv")), .store = OUTER };
	struct am_seal_state s;
	struct stat st;

	CHILD_ASSERT(!mount("none", in(w, "srv/mnt"), "tmpfs", 0, NULL));
	CHILD_ASSERT(!mount(in(w, "other"), in(w, "srv/bound"), NULL, MS_BIND, NULL));
	CHILD_ASSERT(!am_roots_open(&spec, 1, &w->diags, &w->roots));
	CHILD_ASSERT(!am_seal_new(w->roots, w->policy, &ops, &w->seal));
	walk(w);
	am_seal_state(w->seal, OUTER, &s);
	CHILD_ASSERT(s.sealed && s.mounts == 2);
	CHILD_ASSERT(!stat(in(w, "other/file"), &st) && !find(w, st.st_dev, st.st_ino));
	CHILD_ASSERT(!stat(in(w, "srv/mnt"), &st) && !find(w, st.st_dev, st.st_ino));
	CHILD_ASSERT(!stat(in(w, "srv/plain"), &st) && find(w, st.st_dev, st.st_ino));
}

static void does_not_cross_mounts_and_counts_them(void **state)
{
	struct world *w = *state;

	folder(w, "srv/mnt");
	folder(w, "srv/bound");
	folder(w, "other");
	file(w, "other/file");
	file(w, "srv/plain");
	in_own_mounts(w, walk_with_mounts);
}

/* ---- files that have a label already -------------------------------------- */

static void gives_files_of_an_earlier_epoch_the_new_one_and_leaves_their_own_labels(void **state)
{
	struct world *w = *state;

	file(w, "srv/f");
	give_tag(w, "srv/f", (struct am_tag){ .store = OUTER_BEFORE, .labels = OTHER_LABEL });
	seal_srv(w);
	assert_in_store(w, "srv/f", OUTER);
	assert_true(tag_of(w, "srv/f")->tag.labels == OTHER_LABEL);
}

static void keeps_the_labels_of_a_store_that_claims_the_file_too(void **state)
{
	struct world *w = *state;

	file(w, "srv/f");
	give_tag(w, "srv/f", (struct am_tag){ .store = INNER, .labels = OTHER_LABEL });
	seal_srv(w);
	assert_in_store(w, "srv/f", OUTER);
	assert_true(tag_of(w, "srv/f")->tag.labels == (OTHER_LABEL | INNER_LABEL));
}

static void adopts_a_file_that_carries_labels_and_belongs_to_no_store(void **state)
{
	struct world *w = *state;

	file(w, "srv/f");
	give_tag(w, "srv/f", (struct am_tag){ .labels = OTHER_LABEL });
	seal_srv(w);
	assert_in_store(w, "srv/f", OUTER);
	assert_true(tag_of(w, "srv/f")->tag.labels == OTHER_LABEL);
}

static void confirms_what_was_renamed_into_the_store(void **state)
{
	struct world *w = *state;

	file(w, "srv/f");
	give_tag(w, "srv/f", (struct am_tag){ .store = OUTER, .flags = AM_TAG_UNPROVEN });
	seal_srv(w);
	assert_int_equal(tag_of(w, "srv/f")->tag.flags, 0);
}

static void takes_the_root_flag_from_what_is_no_root_any_more(void **state)
{
	struct world *w = *state;

	folder(w, "srv/in");
	give_tag(w, "srv/in", (struct am_tag){ .store = INNER, .flags = AM_TAG_ROOT });
	seal_srv(w);
	assert_in_store(w, "srv/in", OUTER);
	assert_int_equal(tag_of(w, "srv/in")->tag.flags, 0);
}

static void has_a_stray_remembered_anew_when_its_store_changes(void **state)
{
	struct world *w = *state;

	file(w, "srv/f");
	file(w, "srv/same");
	give_tag(w, "srv/f", (struct am_tag){ .store = OUTER_BEFORE, .flags = AM_TAG_STRAY });
	give_tag(w, "srv/same", (struct am_tag){ .store = OUTER, .flags = AM_TAG_STRAY });
	seal_srv(w);
	assert_int_equal(tag_of(w, "srv/f")->strays, 1);
	assert_true(tag_of(w, "srv/f")->tag.flags & AM_TAG_STRAY);
	assert_int_equal(tag_of(w, "srv/same")->strays, 0);
}

static void looks_again_when_the_kernel_labels_the_file_first(void **state)
{
	struct world *w = *state;

	file(w, "srv/f");
	open_seal(w, (const char *const[]){ "srv", NULL }, (const uint32_t[]){ OUTER });
	w->add_error = -EEXIST;
	walk(w);
	assert_in_store(w, "srv/f", OUTER);
	assert_true(am_seal_is_sealed(w->seal));
}

/* ---- roots ---------------------------------------------------------------- */

/* Expects one error with this text; errors leave nothing open. */
static void assert_refused(struct world *w, const char *const *paths, const uint32_t *stores,
			   const char *fact, const char *hint)
{
	int fds = count_fds();

	assert_int_equal(open_roots(w, paths, stores), -EINVAL);
	assert_null(w->roots);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(w->diags.errors, 1);
	if (!strstr(w->diags.items[0].fact, fact))
		fail_msg("'%s' lacks '%s'", w->diags.items[0].fact, fact);
	if (hint && (!w->diags.items[0].hint || !strstr(w->diags.items[0].hint, hint)))
		fail_msg("'%s' lacks '%s'", w->diags.items[0].hint, hint);
}

static void refuses_a_root_that_does_not_exist(void **state)
{
	assert_refused(*state, (const char *const[]){ "srv", "nothing", NULL },
		       (const uint32_t[]){ OUTER, INNER }, "No such file", "Create it");
}

static void refuses_a_root_that_is_a_symbolic_link_and_names_its_target(void **state)
{
	struct world *w = *state;

	assert_int_equal(symlink("srv", in(w, "link")), 0);
	assert_refused(w, (const char *const[]){ "link", NULL }, (const uint32_t[]){ OUTER },
		       "is a symbolic link", "/srv'");
}

static void refuses_a_root_that_is_a_pipe(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkfifo(in(w, "pipe"), 0600), 0);
	assert_refused(w, (const char *const[]){ "pipe", NULL }, (const uint32_t[]){ OUTER },
		       "a named pipe", "folders and regular files");
}

static void refuses_two_stores_with_one_file(void **state)
{
	struct world *w = *state;

	file(w, "one");
	assert_int_equal(link(in(w, "one"), in(w, "two")), 0);
	assert_refused(w, (const char *const[]){ "one", "two", NULL },
		       (const uint32_t[]){ OUTER, INNER }, "is the same file as", NULL);
	assert_int_equal(w->diags.items[0].line, 2);
}

static void accepts_one_file_twice_in_one_store(void **state)
{
	struct world *w = *state;

	open_seal(w, (const char *const[]){ "srv", "srv", NULL }, (const uint32_t[]){ OUTER, OUTER });
	walk(w);
	assert_true(am_seal_is_sealed(w->seal));
}

static void finds_the_part_of_a_path_below_the_deepest_root(void **state)
{
	struct world *w = *state;
	char path[PATH_MAX];

	folder(w, "srv/in");
	file(w, "single");
	open_seal(w, (const char *const[]){ "srv", "srv/in", "single", NULL },
		  (const uint32_t[]){ OUTER, OUTER, INNER });
	(void)snprintf(path, sizeof(path), "%s/srv/in/x/y", w->dir);
	assert_string_equal(am_roots_within(w->roots, OUTER, path, false), "x/y");
	(void)snprintf(path, sizeof(path), "%s/srv/x", w->dir);
	assert_string_equal(am_roots_within(w->roots, OUTER, path, false), "x");
	assert_null(am_roots_within(w->roots, INNER, path, false));
	(void)snprintf(path, sizeof(path), "%s/srv", w->dir);
	assert_string_equal(am_roots_within(w->roots, OUTER, path, false), "");
	(void)snprintf(path, sizeof(path), "%s/srvx", w->dir);
	assert_null(am_roots_within(w->roots, OUTER, path, false));
	(void)snprintf(path, sizeof(path), "%s/single", w->dir);
	assert_string_equal(am_roots_within(w->roots, INNER, path, false), "single");
	assert_null(am_roots_within(w->roots, INNER, "", false));
}

static void paths_of_a_file_system(struct world *w)
{
	struct am_root_spec spec = { .store = OUTER };
	char path[PATH_MAX];

	CHILD_ASSERT(!mount("none", in(w, "srv"), "tmpfs", 0, NULL));
	CHILD_ASSERT(!mkdir(in(w, "srv/with space"), 0700));
	(void)snprintf(path, sizeof(path), "%s", in(w, "srv/with space"));
	spec.path = path;
	CHILD_ASSERT(!am_roots_open(&spec, 1, &w->diags, &w->roots));
	CHILD_ASSERT(!strcmp(w->roots->items[0].inner, "/with space"));
	CHILD_ASSERT(!strcmp(am_roots_within(w->roots, OUTER, "/with space/f", true), "f"));
	am_roots_free(w->roots);
	w->roots = NULL;

	/* A part of that file system, mounted where its name has a space. */
	CHILD_ASSERT(!mkdir(in(w, "a b"), 0700));
	CHILD_ASSERT(!mount(path, in(w, "a b"), NULL, MS_BIND, NULL));
	CHILD_ASSERT(!mkdir(in(w, "a b/c"), 0700));
	(void)snprintf(path, sizeof(path), "%s", in(w, "a b/c"));
	CHILD_ASSERT(!am_roots_open(&spec, 1, &w->diags, &w->roots));
	CHILD_ASSERT(!strcmp(w->roots->items[0].inner, "/with space/c"));
}

static void knows_the_path_of_a_root_within_its_file_system(void **state)
{
	in_own_mounts(*state, paths_of_a_file_system);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(labels_every_file_and_folder_below_the_root),
		WITH_WORLD(labels_a_root_that_is_a_file),
		WITH_WORLD(labels_pipes_and_sockets_without_opening_them),
		WITH_WORLD(neither_follows_nor_labels_symbolic_links),
		WITH_WORLD(has_files_with_several_names_remembered),
		WITH_WORLD(stops_at_the_root_of_a_store_inside),
		WITH_WORLD(takes_many_small_steps_to_the_same_end),
		WITH_WORLD(counts_anew_when_it_begins_again_in_the_middle),
		WITH_WORLD(refuses_to_go_deeper_than_its_bound_and_says_where),
		WITH_WORLD(tells_the_first_file_that_it_could_not_label),
		WITH_WORLD(does_not_cross_mounts_and_counts_them),
		WITH_WORLD(gives_files_of_an_earlier_epoch_the_new_one_and_leaves_their_own_labels),
		WITH_WORLD(keeps_the_labels_of_a_store_that_claims_the_file_too),
		WITH_WORLD(adopts_a_file_that_carries_labels_and_belongs_to_no_store),
		WITH_WORLD(confirms_what_was_renamed_into_the_store),
		WITH_WORLD(takes_the_root_flag_from_what_is_no_root_any_more),
		WITH_WORLD(has_a_stray_remembered_anew_when_its_store_changes),
		WITH_WORLD(looks_again_when_the_kernel_labels_the_file_first),
		WITH_WORLD(refuses_a_root_that_does_not_exist),
		WITH_WORLD(refuses_a_root_that_is_a_symbolic_link_and_names_its_target),
		WITH_WORLD(refuses_a_root_that_is_a_pipe),
		WITH_WORLD(refuses_two_stores_with_one_file),
		WITH_WORLD(accepts_one_file_twice_in_one_store),
		WITH_WORLD(finds_the_part_of_a_path_below_the_deepest_root),
		WITH_WORLD(knows_the_path_of_a_root_within_its_file_system),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
