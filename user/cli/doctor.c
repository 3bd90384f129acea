// SPDX-License-Identifier: GPL-2.0
/* `amanat doctor`: can this host run the agent, and what is to be done if not. Needs no agent. */
#include "cli/doctor.h"

#include "base/symbols.h"
#include "base/text.h"
#include "cli/selftest.h"
#include "event/roads.h"

static const char *const level_words[AM_HOST_MAX_] = {
	[AM_HOST_INVALID] = "?",
	[AM_HOST_OK] = "ok",
	[AM_HOST_WARN] = "warn",
	[AM_HOST_FAIL] = "FAIL",
};

static void show_text(const struct am_host_report *report, enum am_flavour flavour,
		      struct am_symbols *symbols, FILE *out)
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
	if (!symbols)
		return;
	fprintf(out, "rules on this kernel, with %s hooks:\n", am_flavour_name(flavour));
	am_roads_text(out, "      ", am_symbols_have, symbols);
}

static void show_json(const struct am_host_report *report, enum am_flavour flavour,
		      struct am_symbols *symbols, FILE *out)
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
	am_json_end(&j);
	if (symbols) {
		am_json_text(&j, "flavour", am_flavour_name(flavour));
		am_roads_json(&j, am_symbols_have, symbols);
	}
	(void)am_json_done(&j);	/* whoever owns the stream looks at its error */
}

int am_doctor_show(const struct am_host *host, bool json, FILE *out)
{
	am_auto(am_symbols) struct am_symbols *symbols = NULL;
	enum am_flavour flavour = am_host_has_bpf_lsm(host) ? AM_FLAVOUR_LSM : AM_FLAVOUR_FMOD_RET;
	struct am_host_report report;

	am_host_check(host, &report);
	/* A kernel that tells nothing, or a host that is refused anyway, has no roads to show. */
	if (!report.fails)
		(void)am_symbols_read(host, flavour, &symbols);
	if (json)
		show_json(&report, flavour, symbols, out);
	else
		show_text(&report, flavour, symbols, out);
	return report.fails ? AM_EXIT_MISSING : AM_EXIT_YES;
}

int am_cli_doctor(const struct am_cmd_line *line)
{
	if (line->values[AM_DOCTOR_SELFTEST])
		return am_cli_selftest(line, line->values[AM_DOCTOR_JSON]);
	return am_doctor_show(&am_host_here, line->values[AM_DOCTOR_JSON], line->out);
}
