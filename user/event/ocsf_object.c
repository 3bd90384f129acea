// SPDX-License-Identifier: GPL-2.0
#include "event/ocsf_object.h"

#include <inttypes.h>
#include <string.h>

#include "base/container.h"
#include "base/version.h"
#include "event/dest.h"
#include "event/groups.h"

enum { NS_PER_MS = 1000000 };

static void text_unless_empty(struct am_json *j, const char *key, const char *value)
{
	if (value && value[0])
		am_json_text(j, key, value);
}

void am_ocsf_code(struct am_json *j, const char *id_key, const char *caption_key,
		  struct am_ocsf_code code)
{
	am_json_int(j, id_key, code.id);
	am_json_text(j, caption_key, code.caption);
}

/* `size` 0: it is not told. */
static void file_object(struct am_json *j, const char *key, const char *path, bool dir, uint32_t dev,
			uint64_t ino, uint64_t size)
{
	const char *slash = strrchr(path, '/');
	char uid[64];

	snprintf(uid, sizeof(uid), "%u:%u/%" PRIu64, dev >> 20, dev & 0xfffff, ino);
	am_json_object(j, key);
	/* The name is required: where there is no path, the inode is the only one there is. */
	am_json_text(j, "name", slash && slash[1] ? slash + 1 : path[0] ? path : uid);
	text_unless_empty(j, "path", path);
	am_ocsf_code(j, "type_id", "type",
		     dir ? AM_CODE(2, "Folder") : AM_CODE(0, "Unknown"));
	am_json_text(j, "uid", uid);
	if (size && !dir)	/* a folder's is not that of any data */
		am_json_int(j, "size", size > INT64_MAX ? INT64_MAX : (int64_t)size);
	am_json_end(j);
}

void am_ocsf_file(struct am_json *j, const struct am_ocsf_source *s)
{
	const struct am_event *e = &s->e->raw;

	file_object(j, "file", s->e->path, e->flags & AM_EVENT_DIR, e->dev, e->ino,
		    e->op == AM_OP_SEND ? 0 : e->bytes);
}

static void groups(struct am_json *j, const char *text)
{
	struct am_group group;
	char uid[16];

	if (!text || !*text)
		return;
	am_json_list(j, "groups");
	while (am_groups_next(&text, &group)) {
		snprintf(uid, sizeof(uid), "%u", group.gid);
		am_json_object(j, NULL);
		text_unless_empty(j, "name", group.name);
		am_json_text(j, "uid", uid);
		am_json_end(j);
	}
	am_json_end(j);
}

static void user(struct am_json *j, const struct am_ocsf_source *s)
{
	char uid[16];

	snprintf(uid, sizeof(uid), "%u", s->e->raw.uid);
	am_json_object(j, "user");
	text_unless_empty(j, "name", s->n->user);
	am_json_text(j, "uid", uid);
	groups(j, s->n->groups);
	am_json_end(j);
}

static void session(struct am_json *j, const struct am_event *e)
{
	char uid[16];

	if (e->session == ~0u)
		return;
	snprintf(uid, sizeof(uid), "%u", e->session);
	am_json_object(j, "session");
	am_json_text(j, "uid", uid);
	am_json_end(j);
}

static const char *container_of(const struct am_ocsf_source *s, char buf[AM_CONTAINER_MAX])
{
	return am_container_of(s->n->cgroup ? s->n->cgroup : "", buf);
}

bool am_ocsf_in_container(const struct am_ocsf_source *s)
{
	char container[AM_CONTAINER_MAX];

	return *container_of(s, container);
}

static void container(struct am_json *j, const struct am_ocsf_source *s)
{
	char uid[AM_CONTAINER_MAX];

	if (!*container_of(s, uid))
		return;
	am_json_object(j, "container");
	am_json_text(j, "uid", uid);
	am_json_end(j);
}

/* `with_user`: where nothing beside the process says whose it is. */
static void process(struct am_json *j, const struct am_ocsf_source *s, bool with_user)
{
	const struct am_event *e = &s->e->raw;
	char uid[48];

	/* A pid alone is given again to others. */
	snprintf(uid, sizeof(uid), "%u@%" PRIu64, e->tgid, (uint64_t)e->start_ns);
	am_json_object(j, "process");
	am_json_int(j, "pid", e->tgid);
	am_json_int(j, "ptid", e->tid);
	am_json_text(j, "uid", uid);
	text_unless_empty(j, "name", e->comm);
	text_unless_empty(j, "path", s->e->exe);
	if (e->start_ns && e->start_ns <= e->boottime_ns)
		am_json_int(j, "created_time",	/* of any two clocks the milliseconds fit */
			    s->n->wall_ns / NS_PER_MS -
				    (int64_t)((e->boottime_ns - e->start_ns) / NS_PER_MS));
	if (e->exe_ino)
		file_object(j, "file", s->e->exe, false, e->exe_dev, e->exe_ino, 0);
	container(j, s);
	am_json_object(j, "parent_process");
	am_json_int(j, "pid", e->ppid);
	am_json_end(j);
	if (with_user) {
		user(j, s);
		session(j, e);
	}
	am_json_end(j);
}

void am_ocsf_process(struct am_json *j, const struct am_ocsf_source *s)
{
	process(j, s, true);
}

void am_ocsf_parent(struct am_json *j, const struct am_ocsf_source *s)
{
	am_json_object(j, "actor");
	am_json_object(j, "process");
	am_json_int(j, "pid", s->e->raw.ppid);
	am_json_end(j);
	am_json_end(j);
}

void am_ocsf_actor(struct am_json *j, const struct am_ocsf_source *s)
{
	am_json_object(j, "actor");
	process(j, s, false);
	user(j, s);
	session(j, &s->e->raw);
	am_json_end(j);
}

void am_ocsf_destination(struct am_json *j, const struct am_ocsf_source *s)
{
	const struct am_event *e = &s->e->raw;
	struct am_dest d;

	am_dest_of(e, &d);
	am_json_object(j, "dst_endpoint");
	text_unless_empty(j, "ip", d.ip);
	text_unless_empty(j, "name", d.name);
	if (d.version && e->port)
		am_json_int(j, "port", e->port);
	am_json_end(j);

	am_json_object(j, "connection_info");
	am_ocsf_code(j, "direction_id", "direction",
		     d.local ? AM_CODE(4, "Local") : AM_CODE(2, "Outbound"));
	text_unless_empty(j, "protocol_name", d.proto);
	if (d.version)
		am_json_int(j, "protocol_num", e->proto);
	if (d.version == 4)
		am_ocsf_code(j, "protocol_ver_id", "protocol_ver",
			     AM_CODE(4, "Internet Protocol version 4 (IPv4)"));
	else if (d.version == 6)
		am_ocsf_code(j, "protocol_ver_id", "protocol_ver",
			     AM_CODE(6, "Internet Protocol version 6 (IPv6)"));
	am_json_end(j);
}

void am_ocsf_traffic(struct am_json *j, const struct am_ocsf_source *s)
{
	const struct am_event *e = &s->e->raw;

	if (!e->bytes || !(e->flags & AM_EVENT_SIZED))
		return;
	am_json_object(j, "traffic");
	am_json_int(j, "bytes_out", e->bytes > INT64_MAX ? INT64_MAX : (int64_t)e->bytes);
	am_json_end(j);
}

void am_ocsf_device(struct am_json *j, const struct am_ocsf_source *s)
{
	const struct am_host_id *h = s->host;

	am_json_object(j, "device");
	am_json_text(j, "hostname", h->name[0] ? h->name : "unknown");
	text_unless_empty(j, "uid", h->machine);
	text_unless_empty(j, "boot_uid", h->boot);
	am_ocsf_code(j, "type_id", "type", AM_CODE(0, "Unknown"));
	am_json_object(j, "os");
	am_json_text(j, "name", "Linux");
	am_ocsf_code(j, "type_id", "type", AM_CODE(200, "Linux"));
	text_unless_empty(j, "kernel_release", h->kernel);
	am_json_end(j);
	am_json_end(j);
}

void am_ocsf_names(struct am_json *j, const char *key, const char *list)
{
	char name[128];

	am_json_list(j, key);
	while (list && *list) {
		size_t n = strcspn(list, ",");

		snprintf(name, sizeof(name), "%.*s", (int)n, list);
		text_unless_empty(j, NULL, name);
		list += n + (list[n] == ',');
	}
	am_json_end(j);
}

void am_ocsf_labels(struct am_json *j, const char *list)
{
	am_ocsf_names(j, "labels", list);
}

void am_ocsf_product(struct am_json *j)
{
	am_json_object(j, "product");
	am_json_text(j, "name", "Amanat");
	am_json_text(j, "vendor_name", "Amanat");
	am_json_text(j, "version", AM_VERSION);
	am_json_end(j);
}
