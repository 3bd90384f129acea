// SPDX-License-Identifier: GPL-2.0
#include "event/findings.h"

void am_findings_json(struct am_json *j, const struct am_diags *diags)
{
	am_json_list(j, "findings");
	for (size_t i = 0; i < diags->count; i++) {
		const struct am_diag *d = &diags->items[i];

		am_json_object(j, NULL);
		am_json_text(j, "severity", am_severity_name(d->severity));
		am_json_text(j, "file", d->file);
		if (d->line) {
			am_json_int(j, "line", d->line);
			am_json_int(j, "column", d->column);
		}
		am_json_text(j, "fact", d->fact);
		am_json_text(j, "hint", d->hint);
		am_json_end(j);
	}
	am_json_end(j);
	am_json_bool(j, "findings_left_out", diags->lost);
}
