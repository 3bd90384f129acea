// SPDX-License-Identifier: GPL-2.0
/* What outlives the agent of its policies: the history, their texts, the bundle that governs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fds.h"
#include "policy/annals.h"

/* In memory: each change is synced to disk, which takes a real one long. */
static char folder[] = "/dev/shm/amanat-annals-XXXXXX";
static int dirfd_, fds_before;

static void empty(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (e->d_name[0] == '.' && (!e->d_name[1] || e->d_name[1] == '.'))
			continue;
		empty(fd, e->d_name);
		if (unlinkat(fd, e->d_name, 0) < 0)
			assert_int_equal(unlinkat(fd, e->d_name, AT_REMOVEDIR), 0);
	}
	closedir(dir);
}

static int begin(void **state)
{
	(void)state;
	fds_before = count_fds();
	if (mkdir(folder, 0700) < 0)
		return -1;
	dirfd_ = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0;
}

static int end(void **state)
{
	(void)state;
	empty(AT_FDCWD, folder);
	close(dirfd_);
	return rmdir(folder) || count_fds() != fds_before ? -1 : 0;
}

/* ---- what is told them -------------------------------------------------------- */

static struct am_reign reign_of(uint32_t generation, uint64_t serial, const char *text)
{
	struct am_reign r = { .generation = generation, .since_s = 1000 + generation };

	strcpy(r.policy, "ward");
	r.origin.kind = serial ? AM_SOURCE_BUNDLE : AM_SOURCE_FILE;
	r.origin.road = AM_ROAD_PUSH;
	r.origin.uid = 1000;
	r.origin.serial = serial;
	if (serial) {
		strcpy(r.origin.key_id, "19C3561FED860024");
		strcpy(r.origin.signer, "-of ficer%\n\xc3\xa9");
	}
	crypto_generichash(r.origin.digest, AM_DIGEST_BYTES, (const uint8_t *)text, strlen(text), NULL, 0);
	return r;
}

static void open_annals(struct am_annals *a)
{
	int history;

	assert_int_equal(am_annals_open(a, dirfd_, &history), 0);
	assert_int_equal(history, 0);
}

static void take(struct am_annals *a, uint32_t generation, uint64_t serial, const char *text)
{
	struct am_reign r = reign_of(generation, serial, text);

	assert_int_equal(am_annals_prepare(a, &r, text, strlen(text)), 0);
	assert_int_equal(am_annals_commit(a), 0);
}

static void governs(const struct am_annals *a, uint64_t serial, const char *text)
{
	am_autoblob struct am_blob blob = { 0 };

	assert_true(am_annals_has_bundle(a));
	assert_int_equal(a->serial.current, serial);
	assert_int_equal(am_annals_bundle(a, &blob), 0);
	assert_string_equal(blob.bytes, text);
}

static void write_file(const char *name, const char *bytes, size_t len, int flags)
{
	am_autoclose int fd = openat(dirfd_, name, O_WRONLY | O_CREAT | flags, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
}

static size_t read_history(char *buf, size_t size)
{
	am_autoclose int fd = openat(dirfd_, "history", O_RDONLY);
	ssize_t n = read(fd, buf, size - 1);

	assert_true(n > 0);
	buf[n] = '\0';
	return (size_t)n;
}

static size_t count_kept(void)
{
	am_autoclose int fd = openat(dirfd_, "policies", O_RDONLY | O_DIRECTORY);
	DIR *dir = fdopendir(dup(fd));
	size_t n = 0;

	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* ---- tests -------------------------------------------------------------------- */

static void a_new_host_has_no_past(void **state)
{
	struct am_annals a;

	(void)state;
	open_annals(&a);
	assert_false(am_annals_has_bundle(&a));
	assert_int_equal(a.history.count, 0);
	assert_null(am_annals_earlier(&a, 0));
	am_annals_close(&a);
}

static void remembers_all_that_it_was_told(void **state)
{
	struct am_reign want = reign_of(2, 7, "second");
	const struct am_reign *got;
	struct am_annals a;

	(void)state;
	open_annals(&a);
	take(&a, 1, 0, "first");
	take(&a, 2, 7, "second");
	am_annals_close(&a);
	open_annals(&a);
	governs(&a, 7, "second");
	assert_int_equal(a.history.count, 2);
	assert_int_equal(a.history.reigns[0].ending, AM_ENDING_REPLACED);
	assert_int_equal(a.history.reigns[0].until_s, 1002);
	got = am_history_find(&a.history, 2);
	assert_non_null(got);
	assert_int_equal(got->ending, AM_ENDING_NONE);
	assert_memory_equal(&got->origin, &want.origin, sizeof(want.origin));
	assert_int_equal(am_history_end(&a.history, 1010), 0);
	am_annals_close(&a);
	open_annals(&a);
	assert_int_equal(am_history_find(&a.history, 2)->ending, AM_ENDING_STOPPED);
	assert_int_equal(am_history_find(&a.history, 2)->until_s, 1010);
	am_annals_close(&a);
}

static void a_start_without_an_end_before_it_is_a_kill(void **state)
{
	struct am_reign again = reign_of(2, 7, "first");
	struct am_annals a;

	(void)state;
	open_annals(&a);
	take(&a, 1, 7, "first");
	am_annals_close(&a);
	open_annals(&a);
	again.origin.road = AM_ROAD_START;
	assert_int_equal(am_annals_prepare(&a, &again, "first", 5), 0);
	assert_int_equal(am_annals_commit(&a), 0);
	assert_int_equal(a.history.reigns[0].ending, AM_ENDING_UNKNOWN);
	assert_int_equal(a.history.reigns[0].until_s, 0);
	am_annals_close(&a);
}

static void what_is_taken_back_leaves_everything_as_it_was(void **state)
{
	struct am_reign r = reign_of(2, 8, "second");
	char before[4096], after[4096];
	struct am_annals a;
	size_t len;

	(void)state;
	open_annals(&a);
	take(&a, 1, 7, "first");
	len = read_history(before, sizeof(before));
	assert_int_equal(am_annals_prepare(&a, &r, "second", 6), 0);
	assert_true(read_history(after, sizeof(after)) > len);
	am_annals_revert(&a);
	assert_int_equal(read_history(after, sizeof(after)), len);
	assert_memory_equal(before, after, len);
	governs(&a, 7, "first");
	assert_int_equal(a.history.count, 1);
	assert_int_equal(a.history.reigns[0].ending, AM_ENDING_NONE);
	assert_int_equal(faccessat(dirfd_, "serial.next", F_OK, 0), -1);
	take(&a, 2, 8, "second");
	governs(&a, 8, "second");
	am_annals_close(&a);
}

static void a_torn_last_line_is_cut_off(void **state)
{
	char text[4096];
	struct am_annals a;
	size_t len;

	(void)state;
	open_annals(&a);
	take(&a, 1, 7, "first");
	take(&a, 2, 8, "second");
	am_annals_close(&a);
	len = read_history(text, sizeof(text));
	for (size_t cut = 1; cut < 120; cut++) {
		write_file("history", text, len - cut, O_TRUNC);
		open_annals(&a);
		assert_int_equal(a.history.count, 1);
		assert_int_equal(a.history.damaged, 0);
		take(&a, 3, 9, "third");
		assert_int_equal(a.history.count, 2);
		am_annals_close(&a);
		open_annals(&a);
		assert_int_equal(a.history.count, 2);
		assert_int_equal(a.history.damaged, 0);
		am_annals_close(&a);
		/* As it was: serials only grow. */
		assert_int_equal(unlinkat(dirfd_, "serial", 0), 0);
	}
}

static void each_flipped_bit_damages_its_line_and_no_other(void **state)
{
	char text[4096], bad[4096];
	struct am_annals a;
	size_t len, first;
	int history;

	(void)state;
	open_annals(&a);
	take(&a, 1, 7, "first");
	take(&a, 2, 8, "second");
	take(&a, 3, 9, "third");
	am_annals_close(&a);
	len = read_history(text, sizeof(text));
	first = strcspn(text, "\n") + 1;
	for (size_t at = 0; at < len; at++) {
		memcpy(bad, text, len);
		bad[at] ^= 4;
		write_file("history", bad, len, O_TRUNC);
		assert_int_equal(am_annals_open(&a, dirfd_, &history), 0);
		if (at < first) {
			assert_int_equal(history, -EBADMSG);	/* put aside, and begun anew */
			assert_int_equal(a.history.count, 0);
			assert_int_equal(faccessat(dirfd_, "history.damaged", F_OK, 0), 0);
		} else {
			assert_int_equal(history, 0);
			assert_in_range(a.history.count, 1, 2);	/* a line feed joins two */
		}
		take(&a, 4, 0, "fourth");
		am_annals_close(&a);
	}
}

static void the_history_and_the_texts_have_a_bound(void **state)
{
	struct am_annals a;
	char text[32];
	struct stat st;

	(void)state;
	open_annals(&a);
	for (uint32_t n = 1; n <= 2 * AM_HISTORY_MAX + 100; n++) {
		struct am_reign r;

		snprintf(text, sizeof(text), "text %u", n < 200 ? n : n % 7);
		r = reign_of(n, n, text);
		if (n < 200) {
			take(&a, n, n, text);
			assert_in_range(count_kept(), 1, AM_ARCHIVE_MAX);
			continue;
		}
		assert_int_equal(am_history_begin(&a.history, &r), 0);
	}
	assert_in_range(a.history.count, AM_HISTORY_MAX, 2 * AM_HISTORY_MAX);
	assert_int_equal(fstatat(dirfd_, "history", &st, 0), 0);
	assert_int_equal(st.st_size, a.history.len);
	am_annals_close(&a);
	open_annals(&a);
	assert_in_range(a.history.lines, AM_HISTORY_MAX, 2 * AM_HISTORY_MAX);
	assert_int_equal(a.history.damaged, 0);
	assert_non_null(am_history_find(&a.history, 2 * AM_HISTORY_MAX + 100));
	governs(&a, 199, "text 199");
	am_annals_close(&a);
}

static void finds_what_a_rollback_goes_back_to(void **state)
{
	struct am_annals a;

	(void)state;
	open_annals(&a);
	take(&a, 1, 0, "file");
	take(&a, 2, 7, "seven");
	take(&a, 3, 9, "nine");
	take(&a, 4, 12, "twelve");
	assert_int_equal(am_annals_earlier(&a, 0)->generation, 3);
	assert_int_equal(am_annals_earlier(&a, 7)->generation, 2);
	assert_null(am_annals_earlier(&a, 8));
	assert_null(am_annals_earlier(&a, 12));	/* it is in force */
	take(&a, 5, 9, "nine, which takes back twelve");
	assert_int_equal(a.serial.highest, 12);
	assert_int_equal(am_annals_earlier(&a, 0)->generation, 2);
	am_annals_close(&a);
}

static void a_kept_text_that_was_changed_is_not_given_out(void **state)
{
	struct am_reign r = reign_of(1, 7, "first");
	am_autoblob struct am_blob blob = { 0 };
	char name[AM_DIGEST_TEXT], path[128];
	struct am_annals a;

	(void)state;
	open_annals(&a);
	take(&a, 1, 7, "first");
	am_digest_format(r.origin.digest, name);
	snprintf(path, sizeof(path), "policies/%s", name);
	write_file(path, "F", 1, 0);
	assert_int_equal(am_annals_bundle(&a, &blob), -EBADMSG);
	assert_int_equal(unlinkat(dirfd_, path, 0), 0);
	assert_int_equal(am_annals_bundle(&a, &blob), -ENOENT);
	take(&a, 2, 7, "first");	/* loaded again, it is put right */
	governs(&a, 7, "first");
	am_annals_close(&a);
}

/* ---- killed at any moment ------------------------------------------------------ */

static void push_traced(volatile int *answered)
{
	struct am_reign r = reign_of(2, 8, "second");
	struct am_annals a;
	int history;

	if (am_annals_open(&a, dirfd_, &history) || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(1);
	raise(SIGSTOP);
	if (am_annals_prepare(&a, &r, "second", 6) || am_annals_commit(&a))
		_exit(1);
	*answered = 1;
	_exit(0);
}

/* Kills the child at the `moment`th edge of a system call; false if there is none. */
static bool kill_at(pid_t pid, unsigned moment)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	for (unsigned n = 0; n < moment; n++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return false;
		}
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return true;
}

static void a_kill_at_any_system_call_leaves_the_old_or_the_new(void **state)
{
	volatile int *answered = mmap(NULL, sizeof(*answered), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned moment = 0, old = 0, new = 0;
	bool killed = true;

	(void)state;
	assert_ptr_not_equal(answered, MAP_FAILED);
	while (killed) {
		struct am_annals a;
		pid_t pid;

		empty(AT_FDCWD, folder);
		*answered = 0;
		open_annals(&a);
		take(&a, 1, 7, "first");
		am_annals_close(&a);
		pid = fork();
		if (!pid)
			push_traced(answered);
		killed = kill_at(pid, ++moment);
		open_annals(&a);
		if (a.serial.current == 8)
			governs(&a, 8, "second");
		else
			governs(&a, 7, "first");
		if (*answered || !killed)
			assert_int_equal(a.serial.current, 8);
		if (a.serial.current == 8)
			assert_non_null(am_history_find(&a.history, 2));
		assert_int_equal(a.history.damaged, 0);
		*(a.serial.current == 8 ? &new : &old) += 1;
		take(&a, 3, 9, "third");	/* and it goes on from there */
		governs(&a, 9, "third");
		am_annals_close(&a);
	}
	print_message("%u moments: %u old, %u new\n", moment, old, new);
	assert_true(old > 10 && new > 1);
	munmap((void *)answered, sizeof(*answered));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_host_has_no_past, begin, end),
		cmocka_unit_test_setup_teardown(remembers_all_that_it_was_told, begin, end),
		cmocka_unit_test_setup_teardown(a_start_without_an_end_before_it_is_a_kill, begin, end),
		cmocka_unit_test_setup_teardown(what_is_taken_back_leaves_everything_as_it_was, begin, end),
		cmocka_unit_test_setup_teardown(a_torn_last_line_is_cut_off, begin, end),
		cmocka_unit_test_setup_teardown(each_flipped_bit_damages_its_line_and_no_other, begin, end),
		cmocka_unit_test_setup_teardown(the_history_and_the_texts_have_a_bound, begin, end),
		cmocka_unit_test_setup_teardown(finds_what_a_rollback_goes_back_to, begin, end),
		cmocka_unit_test_setup_teardown(a_kept_text_that_was_changed_is_not_given_out, begin, end),
		cmocka_unit_test_setup_teardown(a_kill_at_any_system_call_leaves_the_old_or_the_new, begin, end),
	};

	if (sodium_init() < 0 || !mkdtemp(folder) || rmdir(folder))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
