// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bundle_text.h"
#include "cli/bundle.h"
#include "cli/password.h"
#include "fds.h"
#include "unit/captured.h"

static char folder[] = "/tmp/amanat-bundle-cli-XXXXXX";
static char out[8192], err[8192];

static const char policy[] =
	"# what the officer wrote\n"
	"version: 1\nname: registry-host\nmode: enforce\nlabels: [cnic]\n"
	"stores: {reg: {paths: [/srv/reg], labels: [cnic]}}\n"
	"subjects: {db: {user: no-user-of-this-host}}\n"
	"rules: [allow db to read reg]\n";

static char *in_folder(const char *name)
{
	static char paths[8][256];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	assert_int_equal(am_blob_replace(AT_FDCWD, in_folder(name), 0644, text, strlen(text)), 0);
}

static char *get(const char *name)
{
	const struct am_blob_terms terms = { 1 << 20, AM_OWNER_ANY, "a test's file" };
	struct am_blob blob = { 0 };
	struct am_diags d;

	am_diags_init(&d);
	assert_int_equal(am_blob_read(AT_FDCWD, in_folder(name), name, &terms, &d, &blob), 0);
	am_diags_done(&d);
	return blob.bytes;
}

/* ---- running a verb --------------------------------------------------------- */

/* Runs the verb with its two streams going to files; the exit code. */
static int run(int (*verb)(int argc, char **argv), ...)
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
	code = verb(argc, argv);
	captured_end(&caught, out, err, sizeof(out));
	return code;
}

/* A bundle, a key pair and a signature, as people make them. */
static void make_all(void)
{
	put("p.yaml", policy);
	(void)unlink(in_folder("k.key"));	/* may be from the test before */
	(void)unlink(in_folder("k.pub"));
	assert_int_equal(run(am_cli_policy_keygen, "-o", in_folder("k"), "-W", NULL), 0);
	assert_int_equal(run(am_cli_policy_compile, in_folder("p.yaml"), "-o", in_folder("b"),
			     "--serial", "12", NULL), 0);
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("k.key"), NULL),
			 0);
}

static int verify_with_key(const char *bundle)
{
	return run(am_cli_policy_verify, in_folder(bundle), "-p", in_folder("k.pub"), NULL);
}

/* ---- from a policy file to a verified bundle --------------------------------- */

static void compiles_signs_and_verifies(void **state)
{
	struct stat st;

	(void)state;
	make_all();
	assert_non_null(strstr(out, "policy registry-host serial 12: signed with key "));
	assert_int_equal(verify_with_key("b"), 0);
	assert_int_equal(strncmp(out, "policy registry-host serial 12: signed with key 'k' (", 53),
			 0);
	assert_non_null(strstr(out, "\ntrusted comment: timestamp:"));
	assert_non_null(strstr(out, " policy:registry-host serial:12 hashed\n"));
	assert_string_equal(err, "");
	assert_int_equal(stat(in_folder("k.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void compiles_the_same_bytes_from_the_same_policy(void **state)
{
	(void)state;
	put("p.yaml", policy);
	put("q.yaml", "{mode: enforce, rules: [allow  db to read reg], name: registry-host,\n"
		      "subjects: {db: {user: no-user-of-this-host}}, labels: [cnic],\n"
		      "stores: {reg: {labels: [cnic], paths: [//srv/reg]}}, version: 1}\n");
	assert_int_equal(run(am_cli_policy_compile, in_folder("p.yaml"), "--serial", "3", "-o",
			     in_folder("b1"), NULL), 0);
	assert_int_equal(run(am_cli_policy_compile, "-o", in_folder("b2"), in_folder("q.yaml"),
			     "--serial", "3", NULL), 0);
	{
		am_autofree char *one = get("b1"), *two = get("b2");

		assert_string_equal(one, two);
	}
}

static void compiles_a_rollback(void **state)
{
	(void)state;
	make_all();
	assert_int_equal(run(am_cli_policy_compile, in_folder("p.yaml"), "-o", in_folder("b"),
			     "--serial", "12", "--rollback", "14", NULL), 0);
	assert_non_null(strstr(out, "policy registry-host serial 12, takes back 14: "));
	assert_int_equal(verify_with_key("b"), 1);	/* the old signature is beside it */
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("k.key"), NULL),
			 0);
	assert_int_equal(verify_with_key("b"), 0);
	assert_non_null(strstr(out, "takes-back:14"));
}

static void writes_signature_and_bundle_in_one(void **state)
{
	(void)state;
	make_all();
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("k.key"), "-o",
			     in_folder("one"), NULL), 0);
	assert_int_equal(verify_with_key("one"), 0);
	assert_int_equal(unlink(in_folder("b.minisig")), 0);
	assert_int_equal(verify_with_key("b"), 1);
	assert_int_equal(verify_with_key("one"), 0);
}

static void trusts_a_folder_of_keys(void **state)
{
	(void)state;
	make_all();
	(void)mkdir(in_folder("keys"), 0755);	/* shows below if it failed */
	assert_int_equal(run(am_cli_policy_verify, in_folder("b"), "--keys", in_folder("keys"),
			     NULL), 1);
	assert_non_null(strstr(err, "which is not trusted here"));
	{
		am_autofree char *public = get("k.pub");

		put("keys/officer.pub", public);
		assert_int_equal(run(am_cli_policy_verify, in_folder("b"), "--keys",
				     in_folder("keys"), NULL), 0);
		assert_non_null(strstr(out, "signed with key 'officer'"));
		put("keys/more.pub", "expires: never");
	}
	assert_int_equal(run(am_cli_policy_verify, in_folder("b"), "--keys", in_folder("keys"),
			     NULL), 1);
	assert_non_null(strstr(err, "keys/more.pub: error: this is not a public key"));
	assert_int_equal(unlink(in_folder("keys/more.pub")), 0);
	assert_int_equal(unlink(in_folder("keys/officer.pub")), 0);
	assert_int_equal(rmdir(in_folder("keys")), 0);
}

static void signs_nothing_that_breaks_its_own_invariants(void **state)
{
	(void)state;
	make_all();
	put("b", "# amanat bundle 1\n# serial 1\nversion: 1\nname: p\nmode: observe\nlabels:\n"
		 "  - a\nstores:\n  s:\n    paths:\n      - /s\n    labels:\n      - a\nrules:\n"
		 "  - allow anyone to read s\ninvariants:\n  - never anyone may read s\n");
	assert_int_equal(unlink(in_folder("b.minisig")), 0);
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("k.key"), NULL),
			 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, "the bundle breaks its own policy: the invariant does not "
				    "hold: "));
	assert_int_equal(access(in_folder("b.minisig"), F_OK), -1);
}

static void refuses_a_serial_below_the_one_that_is_wanted(void **state)
{
	(void)state;
	make_all();
	assert_int_equal(run(am_cli_policy_verify, in_folder("b"), "-p", in_folder("k.pub"),
			     "--min-serial", "12", NULL), 0);
	assert_int_equal(run(am_cli_policy_verify, in_folder("b"), "-p", in_folder("k.pub"),
			     "--min-serial", "13", NULL), 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, "the bundle has serial 12, and at least 13 is wanted"));
}

static void tells_nothing_of_a_bundle_that_it_refuses(void **state)
{
	(void)state;
	make_all();
	{
		am_autofree char *text = get("b");

		strstr(text, "read reg")[3] = 'x';
		put("b", text);
	}
	assert_int_equal(verify_with_key("b"), 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, "error: the bundle is not what was signed with key 'k'"));
	assert_int_equal(run(am_cli_policy_verify, in_folder("b"), "-p", in_folder("k.pub"),
			     "--json", NULL), 1);
	assert_non_null(strstr(out, "\"ok\":false,\"findings\":[{"));
	assert_null(strstr(out, "registry-host"));
}

static void answers_programs_in_json(void **state)
{
	(void)state;
	make_all();
	assert_int_equal(run(am_cli_policy_verify, in_folder("b"), "-p", in_folder("k.pub"),
			     "--json", NULL), 0);
	assert_non_null(strstr(out, "\"ok\":true,\"policy\":\"registry-host\",\"serial\":12,"
				    "\"digest\":\""));
	assert_non_null(strstr(out, "\"signer\":\"k\",\"key_id\":\""));
	assert_string_equal(err, "");
	assert_int_equal(run(am_cli_policy_show, in_folder("b"), "--json", NULL), 0);
	assert_non_null(strstr(out, "\"stores\":1,\"subjects\":1,\"zones\":0,\"rules\":1"));
	assert_null(strstr(out, "signer"));
}

/* ---- show ------------------------------------------------------------------- */

static void shows_a_bundle_as_it_is_written(void **state)
{
	(void)state;
	make_all();
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("k.key"), "-o",
			     in_folder("one"), NULL), 0);
	{
		am_autofree char *text = get("b");

		assert_int_equal(run(am_cli_policy_show, in_folder("b"), NULL), 0);
		assert_string_equal(out, text);
		assert_non_null(strstr(err, "has not been checked"));
		assert_int_equal(run(am_cli_policy_show, in_folder("one"), NULL), 0);
		assert_string_equal(out, text);
		assert_non_null(strstr(err, "note: said to be signed with key "));
	}
	assert_int_equal(run(am_cli_policy_show, in_folder("p.yaml"), NULL), 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, "this is not a policy bundle"));
}

/* ---- keys and passwords ----------------------------------------------------- */

static void keeps_the_keys_that_there_are(void **state)
{
	(void)state;
	make_all();
	{
		am_autofree char *before = get("k.key");

		assert_int_equal(run(am_cli_policy_keygen, "-o", in_folder("k"), "-W", NULL), 1);
		assert_non_null(strstr(err, "File exists"));
		am_autofree char *after = get("k.key");

		assert_string_equal(before, after);
	}
	/* With one half there, the other is not left behind. */
	assert_int_equal(unlink(in_folder("k.key")), 0);
	assert_int_equal(run(am_cli_policy_keygen, "-o", in_folder("k"), "-W", NULL), 1);
	assert_int_equal(access(in_folder("k.key"), F_OK), -1);
}

static void signs_with_the_password_of_a_file_or_of_the_environment(void **state)
{
	const struct am_key_cost cheap = { 32768, 16777216 };
	am_autosecret char *secret = NULL;
	am_autofree char *public = NULL;

	(void)state;
	make_all();
	assert_int_equal(am_keypair_make("open sesame", &cheap, &public, &secret), 0);
	put("e.key", secret);
	put("pw", "open sesame\nand more\n");
	put("wrong", "open says me\n");
	put("empty", "\n");
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("e.key"),
			     "--password-file", in_folder("pw"), NULL), 0);
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("e.key"),
			     "--password-file", in_folder("wrong"), NULL), 1);
	assert_non_null(strstr(err, "this is not its password"));
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("e.key"),
			     "--password-file", in_folder("empty"), NULL), 1);
	assert_non_null(strstr(err, "the password is empty"));
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("e.key"),
			     "--password-file", in_folder("nothing"), NULL), 1);
	assert_non_null(strstr(err, "the file cannot be read"));
	assert_int_equal(setenv("AMANAT_KEY_PASSWORD", "open sesame", 1), 0);
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("e.key"), NULL),
			 0);
	assert_int_equal(unsetenv("AMANAT_KEY_PASSWORD"), 0);
}

/* In a session of its own there is no terminal to ask on. */
static void says_so_when_there_is_nobody_to_ask(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(unsetenv("AMANAT_KEY_PASSWORD"), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char *password;

		if (setsid() < 0 || !freopen("/dev/null", "w", stderr))
			_exit(2);
		_exit(am_password_get(NULL, false, &password) == -ENOTTY ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- what is refused -------------------------------------------------------- */

static void signs_nothing_but_a_bundle(void **state)
{
	(void)state;
	make_all();
	(void)unlink(in_folder("p.yaml.minisig"));
	assert_int_equal(run(am_cli_policy_sign, in_folder("p.yaml"), "-k", in_folder("k.key"),
			     NULL), 1);
	assert_non_null(strstr(err, "this is not a policy bundle"));
	assert_int_equal(access(in_folder("p.yaml.minisig"), F_OK), -1);
	assert_int_equal(run(am_cli_policy_sign, in_folder("b"), "-k", in_folder("k.pub"), NULL),
			 1);
	assert_non_null(strstr(err, "it is not a secret key of minisign"));
}

static void compiles_no_policy_with_a_fault(void **state)
{
	(void)state;
	make_all();
	put("p.yaml", "version: 1\nname: p\nmode: enforce\nrules: [allow x to read y]\n");
	(void)unlink(in_folder("new"));
	assert_int_equal(run(am_cli_policy_compile, in_folder("p.yaml"), "-o", in_folder("new"),
			     "--serial", "1", NULL), 1);
	assert_non_null(strstr(err, "p.yaml:4:15: error: there is no subject 'x'"));
	assert_int_equal(access(in_folder("new"), F_OK), -1);
	put("p.yaml", "version: 1\nname: p\nmode: enforce\nlabels: [l]\n"
		      "stores: {s: {paths: [/s], labels: [l]}}\nrules: [allow anyone to read s]\n"
		      "invariants: [never anyone may read s]\n");
	assert_int_equal(run(am_cli_policy_compile, in_folder("p.yaml"), "-o", in_folder("new"),
			     "--serial", "1", NULL), 1);
	assert_non_null(strstr(err, "p.yaml:7:"));
	assert_int_equal(access(in_folder("new"), F_OK), -1);
	put("p.yaml", policy);
	assert_int_equal(run(am_cli_policy_compile, in_folder("p.yaml"), "-o", in_folder("new"),
			     "--serial", "5", "--rollback", "5", NULL), 1);
	assert_non_null(strstr(err, "a rollback goes to a lower serial"));
	assert_int_equal(run(am_cli_policy_compile, in_folder("p.yaml"), "-o",
			     in_folder("no/such"), "--serial", "5", NULL), 1);
	assert_non_null(strstr(err, "the bundle cannot be written: No such file"));
}

static void tells_how_it_is_called(void **state)
{
	static char *const bad[][6] = {
		{ "b" }, { "b", "-o" }, { "b", "-o", "x" }, { "b", "-o", "x", "--serial" },
		{ "b", "-o", "x", "--serial", "0" }, { "b", "-o", "x", "--serial", "-1" },
		{ "b", "-o", "x", "--serial", "1x" }, { "b", "c", "-o", "x", "--serial", "1" },
		{ "b", "-o", "x", "-o", "y" }, { "-o", "x", "--serial", "1" },
		{ "b", "-o", "x", "--seriel", "1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *const *w = bad[i];

		if (run(am_cli_policy_compile, w[0], w[1], w[2], w[3], w[4], w[5], NULL) != 2)
			fail_msg("case %zu: %s", i, err);
		assert_string_equal(out, "");
		assert_int_equal(strncmp(err, "error: ", 7) && strncmp(err, "usage: ", 7), 0);
	}
	assert_non_null(strstr(err, "Did you mean '--serial'?"));
	assert_int_equal(run(am_cli_policy_compile, "--help", NULL), 0);
	assert_string_equal(out, "usage: " AM_USAGE_COMPILE "\n");
	assert_int_equal(run(am_cli_policy_keygen, "-o", "x", "-W", "--password-file", "y", NULL),
			 2);
	assert_int_equal(run(am_cli_policy_verify, "b", "-p", "x", "--keys", "y", NULL), 2);
	assert_int_equal(run(am_cli_policy_sign, "b", NULL), 2);
	assert_int_equal(run(am_cli_policy_show, NULL), 2);
}

static void shows_no_control_character_of_what_was_typed(void **state)
{
	(void)state;
	assert_int_equal(run(am_cli_policy_show, "--\x1b[31m", NULL), 2);
	assert_null(strchr(err, '\x1b'));
	assert_int_equal(run(am_cli_policy_show, "/no\x1b[31m", NULL), 1);
	assert_null(strchr(err, '\x1b'));
}

/* ---- the group -------------------------------------------------------------- */

static int fds_before;

static int begin(void **state)
{
	(void)state;
	fds_before = count_fds();
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	char line[64];

	(void)state;
	snprintf(line, sizeof(line), "rm -r %s", folder);
	if (system(line) != 0)
		return -1;
	return count_fds() == fds_before ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiles_signs_and_verifies),
		cmocka_unit_test(compiles_the_same_bytes_from_the_same_policy),
		cmocka_unit_test(compiles_a_rollback),
		cmocka_unit_test(writes_signature_and_bundle_in_one),
		cmocka_unit_test(trusts_a_folder_of_keys),
		cmocka_unit_test(signs_nothing_that_breaks_its_own_invariants),
		cmocka_unit_test(refuses_a_serial_below_the_one_that_is_wanted),
		cmocka_unit_test(tells_nothing_of_a_bundle_that_it_refuses),
		cmocka_unit_test(answers_programs_in_json),
		cmocka_unit_test(shows_a_bundle_as_it_is_written),
		cmocka_unit_test(keeps_the_keys_that_there_are),
		cmocka_unit_test(signs_with_the_password_of_a_file_or_of_the_environment),
		cmocka_unit_test(says_so_when_there_is_nobody_to_ask),
		cmocka_unit_test(signs_nothing_but_a_bundle),
		cmocka_unit_test(compiles_no_policy_with_a_fault),
		cmocka_unit_test(tells_how_it_is_called),
		cmocka_unit_test(shows_no_control_character_of_what_was_typed),
	};

	return cmocka_run_group_tests_name("bundle_cli", tests, begin, end);
}
