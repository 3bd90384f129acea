// SPDX-License-Identifier: GPL-2.0
/* What `amanat policy push` and `rollback` say to an agent: a real socket, and behind it a
 * process that answers from a script. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/frame.h"
#include "bundle_text.h"
#include "cli/push.h"
#include "fds.h"
#include "unit/captured.h"

#define POLICY "version: 1\nname: registry-host\nmode: enforce\nlabels: [cnic]\n" \
	       "stores: {reg: {paths: [/srv/reg], labels: [cnic]}}\n"            \
	       "subjects: {db: {user: root}}\nrules: [allow db to read reg]\n"

static char folder[] = "/tmp/amanat-push-cli-XXXXXX";
static char out[8192], err[8192];
static int fds_before;

static const char *in_folder(const char *name)
{
	static char paths[8][256];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const void *bytes, size_t len)
{
	assert_int_equal(am_blob_replace(AT_FDCWD, in_folder(name), 0644, bytes, len), 0);
}

/* ---- the verb ----------------------------------------------------------------- */

/* Runs the verb with its two streams going to files; the exit code. */
static int run(int (*verb)(const char *dir, int argc, char **argv), ...)
{
	char *argv[16] = { "verb" };
	struct captured caught;
	int argc = 1, code;
	va_list words;

	va_start(words, verb);
	for (char *w = va_arg(words, char *); w; w = va_arg(words, char *))
		argv[argc++] = w;
	va_end(words);
	captured_begin(&caught, folder);
	code = verb(folder, argc, argv);
	captured_end(&caught, out, err, sizeof(out));
	return code;
}

/* ---- the other end ------------------------------------------------------------- */

struct turn {
	const char *words;	/* of the request that is to come, "push\0b\0" */
	size_t words_len;
	const char *file;	/* where what was passed goes; NULL: nothing may be */
	struct am_blob answer;	/* owned by whoever made it */
	unsigned code;
};

static int listen_here(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", folder);
	(void)unlink(address.sun_path);	/* of the test before */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static bool is_sealed(int fd)
{
	const int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	return (fcntl(fd, F_GET_SEALS) & all) == all && pwrite(fd, "x", 1, 0) < 0 &&
	       ftruncate(fd, 0) < 0;
}

/* In the child: an exit code that names what was wrong. */
static int serve(int listener, const struct turn *t)
{
	static char packet[AM_FRAME_MAX], bytes[AM_SIGNED_MAX];
	int fd = accept(listener, NULL, NULL), passed = -1;
	struct am_frame head;
	ssize_t n;

	if (fd < 0 || am_frame_recv_with(fd, packet, &head, &passed))
		return 10;
	if (head.len != t->words_len || memcmp(packet + sizeof(head), t->words, head.len))
		return 11;
	if ((passed >= 0) != (t->file != NULL) || (passed >= 0 && !is_sealed(passed)))
		return 12;
	if (passed >= 0) {
		n = pread(passed, bytes, sizeof(bytes), 0);
		if (n < 0 || am_blob_replace(AT_FDCWD, in_folder(t->file), 0644, bytes, (size_t)n))
			return 13;
	}
	if (t->answer.len &&
	    am_frame_send(fd, AM_FRAME_DATA, 0, t->answer.bytes, t->answer.len))
		return 14;
	if (am_frame_send(fd, AM_FRAME_END, t->code, NULL, 0))
		return 14;
	close(fd);
	return 0;
}

static pid_t start(const struct turn *turns, size_t count)
{
	int listener = listen_here();
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		for (size_t i = 0; i < count; i++) {
			int code = serve(listener, &turns[i]);

			if (code)
				_exit(code + (int)i);
		}
		_exit(0);
	}
	close(listener);
	return pid;
}

static void ended_well(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TURN(w) .words = w, .words_len = sizeof(w) - 1

/* ---- push ---------------------------------------------------------------------- */

static void passes_the_signed_bundle_in_sealed_memory(void **state)
{
	struct signer s = new_signer();
	am_autofree char *text = bundle_of(POLICY, 12, 0);
	struct am_blob bundle = sign_text(&s, text, strlen(text), "c"), got = { 0 };
	char answer[] = "policy registry-host#3 in force\n", words[512];
	struct turn turn = { .words = words, .file = "got",
			     .answer = { answer, strlen(answer) } };
	pid_t pid;

	(void)state;
	put("b", text, strlen(text));
	put("b.minisig", bundle.bytes, bundle.len - strlen(text));
	turn.words_len = (size_t)snprintf(words, sizeof(words), "push%c%s%c--dry-run%c--json%c", 0,
					  in_folder("b"), 0, 0, 0);
	pid = start(&turn, 1);
	assert_int_equal(run(am_cli_policy_push, in_folder("b"), "--json", "--dry-run", NULL), 0);
	ended_well(pid);
	assert_string_equal(out, answer);
	{
		struct am_diags d;

		am_diags_init(&d);
		assert_int_equal(am_signed_read(in_folder("got"), &d, &got), 0);
		am_diags_done(&d);
	}
	assert_int_equal(got.len, bundle.len);
	assert_memory_equal(got.bytes, bundle.bytes, bundle.len);
	am_blob_done(&got);
	am_blob_done(&bundle);
	drop_signer(&s);
}

static void hands_on_the_code_of_a_refusal(void **state)
{
	struct signer s = new_signer();
	am_autofree char *text = bundle_of(POLICY, 12, 0);
	struct am_blob bundle = sign_text(&s, text, strlen(text), "c");
	char words[512];
	struct turn turn = { .words = words, .file = "got", .code = 1 };
	pid_t pid;

	(void)state;
	put("signed", bundle.bytes, bundle.len);
	turn.words_len = (size_t)snprintf(words, sizeof(words), "push%c%s%c", 0,
					  in_folder("signed"), 0);
	pid = start(&turn, 1);
	assert_int_equal(run(am_cli_policy_push, in_folder("signed"), NULL), 1);
	ended_well(pid);
	am_blob_done(&bundle);
	drop_signer(&s);
}

static void says_what_is_missing(void **state)
{
	(void)state;
	(void)unlink(in_folder("control.sock"));
	put("junk", "junk", 4);
	assert_int_equal(run(am_cli_policy_push, in_folder("none"), NULL), 1);
	assert_non_null(strstr(err, "No such file"));
	assert_int_equal(run(am_cli_policy_push, in_folder("none"), "--json", NULL), 1);
	assert_non_null(strstr(out, "\"ok\":false"));
	assert_int_equal(run(am_cli_policy_push, in_folder("junk"), NULL), 1);
	assert_non_null(strstr(err, "junk.minisig"));
	assert_int_equal(run(am_cli_policy_push, NULL), 2);
	assert_int_equal(run(am_cli_policy_push, "a", "b", NULL), 2);
	put("junk.minisig", "junk", 4);
	assert_int_equal(run(am_cli_policy_push, in_folder("junk"), NULL), 3);
	assert_non_null(strstr(err, "no agent runs"));
	assert_int_equal(run(am_cli_policy_history, NULL), 3);
	assert_int_equal(run(am_cli_policy_history, "--show", "1", "--json", NULL), 2);
	assert_int_equal(run(am_cli_policy_rollback, "-o", "x", NULL), 3);
	assert_int_equal(run(am_cli_policy_rollback, NULL), 2);
	assert_non_null(strstr(err, "-k SECRETKEY"));
	assert_int_equal(run(am_cli_policy_rollback, "-k", "x", "-o", "x", NULL), 2);
	assert_int_equal(run(am_cli_policy_rollback, "-k", "x", "--to", "0", NULL), 2);
	unlink(in_folder("junk.minisig"));
}

/* ---- rollback -------------------------------------------------------------------- */

/* A folder of trusted keys with one, its secret half beside it. */
static struct signer trusted(void)
{
	struct am_key_cost cost = { 0 };
	char *public, *secret;
	struct signer s = { 0 };
	size_t size;

	assert_int_equal(am_keypair_make(NULL, &cost, &public, &secret), 0);
	assert_int_equal(am_seckey_parse(secret, strlen(secret), NULL, &s.secret), 0);
	assert_int_equal(am_pubkey_parse(public, strlen(public), &s.public, &size), 0);
	(void)mkdir(in_folder("keys"), 0755);
	put("keys/officer.pub", public, strlen(public));
	put("officer.key", secret, strlen(secret));
	s.public_text = public;
	am_secret_free(secret);
	return s;
}

static struct am_blob earlier_answer(const struct am_blob *bundle)
{
	static const char head[] = "highest 14\n";

	return join_blob(head, strlen(head), bundle->bytes, bundle->len);
}

static void signs_the_earlier_bundle_as_a_rollback(void **state)
{
	struct signer s = trusted();
	am_autofree char *text = bundle_of(POLICY, 12, 0), *back = bundle_of(POLICY, 12, 14);
	struct am_blob bundle = sign_text(&s, text, strlen(text), "c");
	struct am_blob answer = earlier_answer(&bundle), got = { 0 };
	struct turn turns[] = {
		{ TURN("earlier\0" "12\0"), .answer = answer },
		{ TURN("push\0rollback\0"), .file = "got" },
	};
	am_auto(am_keyring) struct am_keyring *ring = ring_of(&s, AM_KEY_NEVER);
	am_auto(am_bundle) struct am_bundle *b = NULL;
	struct am_diags d;
	pid_t pid;

	(void)state;
	pid = start(turns, 2);
	assert_int_equal(run(am_cli_policy_rollback, "-k", in_folder("officer.key"), "--keys",
			     in_folder("keys"), "--to", "12", NULL), 0);
	ended_well(pid);
	am_diags_init(&d);
	assert_int_equal(am_bundle_load(in_folder("got"), ring, 0, &d, &b), 0);
	am_diags_done(&d);
	assert_string_equal(b->text, back);
	am_blob_done(&got);
	am_blob_done(&answer);
	am_blob_done(&bundle);
	drop_signer(&s);
}

/* An agent, or who passes for one, has no policy of its own signed. */
static void signs_nothing_that_nobody_trusted_has_signed(void **state)
{
	struct signer s = trusted(), stranger = new_signer();
	am_autofree char *text = bundle_of(POLICY, 12, 0);
	struct am_blob bundle = sign_text(&stranger, text, strlen(text), "c");
	struct am_blob strange = earlier_answer(&bundle);
	char unsigned_[4096], junk[] = "highest 14\njunk", none[] = "highest\n", low[] = "highest 9\n";
	const struct am_blob answers[] = {
		strange, { junk, strlen(junk) }, { none, strlen(none) }, { low, strlen(low) },
		{ unsigned_, (size_t)snprintf(unsigned_, sizeof(unsigned_), "highest 14\n%s", text) },
		{ NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct turn turn = { TURN("earlier\0"), .answer = answers[i] };
		pid_t pid = start(&turn, 1);
		int code = run(am_cli_policy_rollback, "-k", in_folder("officer.key"), "--keys",
			       in_folder("keys"), NULL);

		assert_true(code == 1 || code == 3);
		assert_non_null(strstr(err, "error: "));
		ended_well(pid);
	}
	am_blob_done(&strange);
	am_blob_done(&bundle);
	drop_signer(&stranger);
	drop_signer(&s);
}

static void writes_what_is_to_be_signed_elsewhere(void **state)
{
	struct signer s = trusted();
	am_autofree char *text = bundle_of(POLICY, 12, 0), *back = bundle_of(POLICY, 12, 14);
	struct am_blob bundle = sign_text(&s, text, strlen(text), "c");
	struct am_blob answer = earlier_answer(&bundle), got = { 0 };
	struct turn turn = { TURN("earlier\0"), .answer = answer };
	const struct am_blob_terms terms = { AM_BUNDLE_MAX, AM_OWNER_ANY, "a bundle" };
	struct am_diags d;
	pid_t pid = start(&turn, 1);

	(void)state;
	assert_int_equal(run(am_cli_policy_rollback, "-o", in_folder("back"), "--keys",
			     in_folder("keys"), NULL), 0);
	ended_well(pid);
	assert_non_null(strstr(out, "amanat policy sign"));
	am_diags_init(&d);
	assert_int_equal(am_blob_read(AT_FDCWD, in_folder("back"), "back", &terms, &d, &got), 0);
	am_diags_done(&d);
	assert_string_equal(got.bytes, back);
	am_blob_done(&got);
	am_blob_done(&answer);
	am_blob_done(&bundle);
	drop_signer(&s);
}

static int begin(void **state)
{
	(void)state;
	fds_before = count_fds();
	return 0;
}

static int end(void **state)
{
	(void)state;
	return count_fds() == fds_before ? 0 : -1;
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

#define push_test(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		push_test(passes_the_signed_bundle_in_sealed_memory),
		push_test(hands_on_the_code_of_a_refusal),
		push_test(says_what_is_missing),
		push_test(signs_the_earlier_bundle_as_a_rollback),
		push_test(signs_nothing_that_nobody_trusted_has_signed),
		push_test(writes_what_is_to_be_signed_elsewhere),
	};

	return cmocka_run_group_tests_name("push_cli", tests, make_folder, remove_folder);
}
