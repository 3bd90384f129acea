// SPDX-License-Identifier: GPL-2.0
/* amanat: what a person or a script asks of Amanat. */
#include <signal.h>

#include "base/version.h"
#include "cli/cmd.h"
#include "cli/doctor.h"
#include "cli/explain.h"
#include "cli/ledger.h"
#include "cli/policy.h"
#include "cli/replay.h"
#include "cli/report.h"
#include "cli/run.h"
#include "cli/sql.h"
#include "cli/status.h"
#include "cli/tail.h"

static int policy(const struct am_cmd_line *line)
{
	return am_cli_policy(line->run, line->argc, line->argv);
}

static const struct am_cmd commands[] = {
	{
		.name = "doctor",
		.summary = "tells whether this host can run the agent, and what to do if not",
		.options = {
			[AM_DOCTOR_JSON] = { "--json", NULL, "as JSON" },
			[AM_DOCTOR_SELFTEST] = { "--selftest", NULL, "tries harmless ways around "
						 "a scratch store on this host instead" },
		},
		.run = am_cli_doctor,
	},
	{
		.name = "explain",
		.words = "ID|last|--pid N ...",
		.summary = "tells why an access was decided so, or who a process is and what it carries",
		.run = am_cli_explain,
	},
	{
		.name = "ledger",
		.words = "VERB DIR",
		.summary = "prints what to keep of a ledger elsewhere: its key, its head",
		.run = am_cli_ledger,
	},
	{
		.name = "policy",
		.words = "VERB ...",
		.summary = "checks, tests, signs and pushes policies; 'policy --help' lists the verbs",
		.run = policy,
	},
	{
		.name = "replay",
		.words = AM_WORDS_REPLAY,
		.summary = "shows the past: line by line, in sums, or as a tree of processes",
		.run = am_cli_replay,
	},
	{
		.name = "report",
		.words = AM_WORDS_REPORT,
		.summary = "tells for a breach notice who read a store, how much, and where it went",
		.run = am_cli_report,
	},
	{
		.name = "run",
		.words = "--purpose NAME -- COMMAND ...",
		.summary = "runs a command under a purpose; 'run --help' tells more",
		.run = am_cli_run,
	},
	{
		.name = "show",
		.words = "ID [--json] [--ledger DIR]",
		.summary = "shows one event of the record in full",
		.run = am_cli_show,
	},
	{
		.name = "sql",
		.words = "[--ledger DIR] [--json | --csv] [QUERY]",
		.summary = "asks the record in SQL; without a query, question by question",
		.run = am_cli_sql,
	},
	{
		.name = "status",
		.summary = "tells whether every store is sealed and enforced",
		.options = {
			[AM_STATUS_WAIT] = { "--wait", "N", "waits up to N seconds until it is so" },
			[AM_STATUS_JSON] = { "--json", NULL, "as JSON" },
		},
		.run = am_cli_status,
	},
	{
		.name = "tail",
		.words = AM_WORDS_TAIL,
		.summary = "shows accesses, refusals and sends as they happen",
		.run = am_cli_tail,
	},
	{
		.name = "verify",
		.words = "DIR [--key FILE] [--head FILE] [--json]",
		.summary = "tells whether a ledger is what was written; codes 10 to 19 say what is wrong",
		.run = am_cli_verify,
	},
};

int main(int argc, char **argv)
{
	static const struct am_cmds cmds = {
		.program = "amanat",
		.version = AM_VERSION,
		.purpose = "guards declared stores of personal data",
		.items = commands,
		.count = sizeof(commands) / sizeof(commands[0]),
	};

	/* So that a closed pipe is an error where we write, not the end of us. */
	am_cli_run_sigpipe(signal(SIGPIPE, SIG_IGN));
	return am_cmds_main(&cmds, argc, argv, stdout, stderr);
}
