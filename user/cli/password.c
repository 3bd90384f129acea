// SPDX-License-Identifier: GPL-2.0
#include "cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include "policy/blob.h"
#include "policy/minisign.h"

enum { PASSWORD_MAX = 1024 };

static int fail(int err, const char *fact, const char *hint)
{
	fprintf(stderr, "error: %s\n  hint: %s\n", fact, hint);
	return err;
}

static int take(const char *text, size_t len, char **ret)
{
	char *copy;

	if (!len)
		return fail(-EINVAL, "the password is empty",
			    "A key without a password is made with -W, and used without one.");
	copy = strndup(text, len);
	if (!copy)
		return fail(-ENOMEM, "there is not enough memory", "End other programs.");
	*ret = copy;
	return 0;
}

static int from_file(const char *file, char **ret)
{
	const struct am_blob_terms terms = { PASSWORD_MAX, AM_OWNER_ANY, "a password" };
	am_autoblob struct am_blob blob = { 0 };
	struct am_diags diags;
	int err;

	am_diags_init(&diags);
	err = am_blob_read(AT_FDCWD, file, file, &terms, &diags, &blob);
	am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	return err ? err : take(blob.bytes, strcspn(blob.bytes, "\r\n"), ret);
}

/* ---- the terminal ----------------------------------------------------------- */

struct terminal {
	FILE *file;		/* owned */
	struct termios before;
	sigset_t mask;
};

/* Signals wait until the echo is on again: a terminal must not be left without it. */
static int open_terminal(struct terminal *t)
{
	struct termios quiet;
	sigset_t all;

	t->file = fopen("/dev/tty", "r+ce");
	if (!t->file || tcgetattr(fileno(t->file), &t->before) < 0)
		return fail(-ENOTTY, "there is no terminal on which to ask for the password",
			    "Name a file with --password-file, or set AMANAT_KEY_PASSWORD.");
	setbuf(t->file, NULL);	/* no copy of the password stays in a buffer */
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &t->mask);	/* fails for a wrong first word only */
	quiet = t->before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(fileno(t->file), TCSAFLUSH, &quiet); /* then it is seen: their terminal */
	return 0;
}

static void close_terminal(struct terminal *t)
{
	(void)tcsetattr(fileno(t->file), TCSAFLUSH, &t->before);
	(void)sigprocmask(SIG_SETMASK, &t->mask, NULL);
}

static void done_terminal(struct terminal *t)
{
	if (t->file)
		(void)fclose(t->file); /* nothing is buffered */
}

static int ask(struct terminal *t, const char *question, char *buf, size_t size)
{
	bool got;

	fputs(question, t->file);
	got = fgets(buf, (int)size, t->file);
	fputc('\n', t->file);
	if (!got)
		return fail(-ENODATA, "no password was typed", "Type it and end with Enter.");
	if (!strchr(buf, '\n'))
		return fail(-E2BIG, "the password is too long", "It has at most 1024 bytes.");
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

static int ask_all(struct terminal *t, bool twice, char **ret)
{
	char first[PASSWORD_MAX + 2], second[PASSWORD_MAX + 2];
	int err;

	err = ask(t, twice ? "New password for the secret key: " : "Password of the secret key: ",
		  first, sizeof(first));
	if (!err && twice)
		err = ask(t, "The same once more: ", second, sizeof(second));
	if (!err && twice && strcmp(first, second))
		err = fail(-EINVAL, "the two passwords differ", "Start again.");
	if (!err)
		err = take(first, strlen(first), ret);
	sodium_memzero(first, sizeof(first));
	sodium_memzero(second, sizeof(second));
	return err;
}

static int from_terminal(bool twice, char **ret)
{
	__attribute__((cleanup(done_terminal))) struct terminal t = { 0 };
	int err;

	err = open_terminal(&t);
	if (err)
		return err;
	err = ask_all(&t, twice, ret);
	close_terminal(&t);
	return err;
}

int am_password_get(const char *file, bool twice, char **ret)
{
	const char *set = getenv("AMANAT_KEY_PASSWORD");

	if (file)
		return from_file(file, ret);
	if (set && set[0])
		return strlen(set) <= PASSWORD_MAX ? take(set, strlen(set), ret) :
			fail(-E2BIG, "the password is too long", "It has at most 1024 bytes.");
	return from_terminal(twice, ret);
}
