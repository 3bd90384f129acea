// SPDX-License-Identifier: GPL-2.0
/* `amanat doctor`: can this host run the agent, and what is to be done if not. Needs no agent. */
#include "cli/doctor.h"

#include "base/text.h"
#include "event/json.h"

static const char *const level_words[AM_HOST_MAX_] = {
	[AM_HOST_INVALID] = "?",
	[AM_HOST_OK] = "ok",
	[AM_HOST_WARN] = "warn",
	[AM_HOST_FAIL] = "FAIL",
};

static void show_text(const struct am_host_report *report, FILE *out)
{
	size_t i;

	for (i = 0; i < report->count; i++) {
		const struct am_host_check *c = &report->checks[i];

		fprintf(out, "%-4s  %-12s  ", level_words[c->level], c->name);
		am_text_print(out, c->fact);
		if (c->todo[0]) {
			fputs("  — ", out);
			am_text_print(out, c->todo);
		}
		fputc('\n', out);
	}
}

static void show_json(const struct am_host_report *report, FILE *out)
{
	struct am_json j;
	size_t i;

	am_json_init(&j, out);
	am_json_object(&j, NULL);
	am_json_bool(&j, "ready", !report->fails);
	am_json_list(&j, "checks");
	for (i = 0; i < report->count; i++) {
		const struct am_host_check *c = &report->checks[i];

		am_json_object(&j, NULL);
		am_json_text(&j, "check", c->name);
		am_json_text(&j, "level", level_words[c->level]);
		am_json_text(&j, "found", c->fact);
		am_json_text(&j, "todo", c->todo[0] ? c->todo : NULL);
		am_json_end(&j);
	}
	(void)am_json_done(&j);	/* whoever owns the stream looks at its error */
}

int am_doctor_show(const struct am_host *host, bool json, FILE *out)
{
	struct am_host_report report;

	am_host_check(host, &report);
	if (json)
		show_json(&report, out);
	else
		show_text(&report, out);
	return report.fails ? AM_EXIT_MISSING : AM_EXIT_YES;
}

int am_cli_doctor(const struct am_cmd_line *line)
{
	return am_doctor_show(&am_host_here, line->values[AM_DOCTOR_JSON], line->out);
}
