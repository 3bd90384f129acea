// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fds.h"
#include "policy_text.h"

/* Three lines, and ten with one of everything. */
#define HEAD "version: 1\nname: p\nmode: enforce\n"
#define DIGEST_63 "123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"
#define DIGEST "0" DIGEST_63
#define BASE                                                                   \
	HEAD                                                                   \
	"labels: [cnic, health]\n"                                             \
	"stores:\n"                                                            \
	"  people: {paths: [/srv/people], labels: [cnic, health]}\n"           \
	"subjects:\n"                                                          \
	"  desk: {user: root}\n"                                               \
	"zones: {office: {cidr: [10.0.0.0/8]}}\n"                              \
	"rules:\n"
#define USED                                                                   \
	"  - allow desk to read people\n"                                       \
	"  - allow desk to send cnic to office\n"

#define UNITS                                                                  \
	HEAD                                                                   \
	"labels: [cnic, health]\n"                                             \
	"stores:\n"                                                            \
	"  people: {paths: [/srv/people], labels: [cnic, health]}\n"           \
	"subjects: {desk: {user: root}, u: {unit: x.service}}\n"               \
	"zones: {office: {cidr: [10.0.0.0/8]}}\n"                              \
	"rules:\n"
#define PURPOSES                                                               \
	HEAD                                                                   \
	"purposes: [kyc]\n"                                                    \
	"labels: [cnic]\n"                                                     \
	"stores: {people: {paths: [/srv/people], labels: [cnic]}}\n"           \
	"subjects: {desk: {user: root}, k: {purpose: kyc}}\n"                  \
	"rules:\n"

struct refusal {
	const char *name;
	const char *text;
	unsigned line, column;
	const char *fact;	/* a part of it */
	const char *hint;	/* likewise, or NULL */
};

static const struct refusal refusals[] = {
	/* the text as a whole */
	{ "an empty file", "", 0, 0, "holds no policy", "version: 1" },
	{ "only comments", "# nothing\n\n# here\n", 0, 0, "holds no policy", NULL },
	{ "a plain text", "hello\n", 1, 1, "expected the keys of a policy, found a text", NULL },
	{ "a list", "- a\n- b\n", 1, 1, "expected the keys of a policy, found a list", NULL },
	{ "a second document", HEAD "---\nversion: 1\n", 4, 1, "second document", NULL },
	{ "an anchor", "version: 1\nname: &n p\n", 2, 7, "no anchors", NULL },
	{ "an alias", "version: 1\nname: *n\n", 2, 7, "no aliases", NULL },
	{ "a tag", "version: !!int 1\n", 1, 10, "no tags", NULL },
	{ "a merge key", HEAD "<<: {a: b}\n", 4, 1, "'<<' is not a key", NULL },
	{ "a key that is a list", HEAD "[a, b]: c\n", 4, 1, "a key is a word", NULL },
	{ "a tab as indentation", HEAD "stores:\n\tx: 1\n", 5, 1, "a tab stands", "spaces" },
	{ "a bracket that is not closed", HEAD "labels: [cnic\nrules: []\n", 5, 6, "'['", NULL },
	{ "a quote that is not closed", HEAD "name: 'x\n", 5, 1, "a quote is not closed", NULL },
	{ "a value with a colon", HEAD "zones: a: b\n", 4, 9, "a ':' stands", "quotes" },
	{ "a line indented too little", "stores:\n    a: {}\n  b: {}\n", 3, 3, "does not fit",
	  NULL },
	{ "an at sign", HEAD "labels: [@a]\n", 4, 10, "no value begins", "quotes" },
	{ "a byte that is not UTF-8", HEAD "# caf\xe9\n", 4, 6, "byte 0xe9", "UTF-8" },
	{ "an overlong slash", HEAD "# \xc0\xaf\n", 4, 3, "byte 0xc0", NULL },
	{ "a surrogate", HEAD "# \xed\xa0\x80\n", 4, 3, "byte 0xed", NULL },
	{ "UTF-16", "\xff\xfev", 1, 1, "byte 0xff", NULL },
	{ "a control character", HEAD "# \x1b[2J\n", 4, 3, "U+001B", NULL },
	{ "a hidden change of direction", HEAD "# \xe2\x80\xae\n", 4, 3, "U+202E", NULL },
	{ "an invisible line break", HEAD "# \xe2\x80\xa8\n", 4, 3, "U+2028", NULL },
	{ "an escaped NUL byte", HEAD "labels: [\"a\\0b\"]\n", 4, 10, "control character", NULL },
	{ "deep nesting", "[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]", 1, 17, "too deeply",
	  NULL },
	{ "a key given twice", HEAD "labels: []\nname: q\n", 5, 1,
	  "'name' is already given on line 2",
	  NULL },
	{ "the third of three equal keys", "a: 1\na: 2\na: 3\n", 3, 1, "already given on line 2",
	  NULL },
	{ "carriage returns count as line ends", "version: 1\r\nname: p\r\nmood: x\r\n", 3, 1,
	  "'mood' is not a key", "Did you mean 'mode'?" },
	{ "a lone carriage return does too", "version: 1\rname: p\rmood: x\r", 3, 1, "'mood'",
	  NULL },
	{ "a byte order mark takes no column", "\xef\xbb\xbfversion: 2\n", 1, 10, "version '2'",
	  NULL },
	{ "columns count characters, not bytes", HEAD "labels: ['\xd8\xb4\xd9\x86', 9/]\n", 4, 16,
	  "'9/' is not a name", NULL },

	/* the head */
	{ "no version", "name: p\nmode: enforce\n", 1, 1, "has no 'version'", "version: 1" },
	{ "no name", "version: 1\nmode: enforce\n", 1, 1, "has no 'name'", NULL },
	{ "no mode", "version: 1\nname: p\n", 1, 1, "has no 'mode'", "observe" },
	{ "a version to come", "version: 2\n", 1, 10, "version '2'", NULL },
	{ "a version that is a list", "version: [1]\n", 1, 10, "expected 1, found a list", NULL },
	{ "a version without value", "version:\n", 1, 9, "expected 1, found nothing", NULL },
	{ "an unknown mode", "version: 1\nname: p\nmode: enforced\n", 3, 7,
	  "expected observe or enforce, found 'enforced'", NULL },
	{ "a name with a blank", "version: 1\nname: my policy\n", 2, 7, "is not a name", NULL },
	{ "a name that begins with a dash", "name: -p\n", 1, 7, "is not a name", NULL },
	{ "a name of 64 bytes",
	  "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 1, 7,
	  "is not a name", "63" },
	{ "an unknown key far from all", HEAD "zzzzzz: 1\n", 4, 1, "'zzzzzz' is not a key",
	  "The keys of a policy are version" },
	/* purposes */
	{ "purposes as one word", HEAD "purposes: kyc\n", 4, 11,
	  "expected a list of purposes, found a text", "[sim-registration, kyc]" },
	{ "a purpose twice", HEAD "purposes: [a, b, a]\n", 4, 18,
	  "the purpose 'a' is declared twice, see line 4", NULL },
	{ "a purpose named as a word of the language", HEAD "purposes: [use]\n", 4, 12,
	  "'use' is a word of the language", NULL },
	{ "a purpose with a blank", HEAD "purposes: [know your customer]\n", 4, 12,
	  "is not a name", NULL },

	/* labels */
	{ "labels as one word", HEAD "labels: cnic\n", 4, 9,
	  "expected a list of labels, found a text",
	  "[cnic, biometric]" },
	{ "labels as a map", HEAD "labels: {cnic: 1}\n", 4, 9, "found a map", NULL },
	{ "labels without value", HEAD "labels:\n", 4, 8, "found nothing", NULL },
	{ "a label that is a list", HEAD "labels: [[a]]\n", 4, 10, "expected the name of a label",
	  NULL },
	{ "a label twice", HEAD "labels: [a, b, a]\n", 4, 16, "'a' is declared twice, see line 4", NULL },
	{ "a label with a slash", HEAD "labels: [a/b]\n", 4, 10, "'a/b' is not a name", NULL },
	{ "a label named as a word of the language", HEAD "labels: [everything]\n", 4, 10,
	  "'everything' is a word of the language", NULL },
	{ "an empty label", HEAD "labels: ['']\n", 4, 10, "expected the name of a label", NULL },

	/* stores */
	{ "stores as a list", HEAD "stores: [a]\n", 4, 9,
	  "expected the names of stores, found a list",
	  NULL },
	{ "a store that is a path", HEAD "stores:\n  a: /srv/a\n", 5, 6,
	  "expected the keys of a store",
	  NULL },
	{ "a store without paths", HEAD "labels: [l]\nstores:\n  a: {labels: [l]}\n", 6, 6,
	  "a store has no 'paths'", NULL },
	{ "a store without labels", HEAD "stores:\n  a: {paths: [/a]}\n", 5, 6,
	  "a store has no 'labels'", "what kind of data" },
	{ "a store with an empty list of labels", HEAD "stores:\n  a: {paths: [/a], labels: []}\n",
	  5,
	  28, "the store has no label", NULL },
	{ "a store with an empty list of paths", HEAD "stores:\n  a: {paths: []}\n", 5, 14,
	  "the store has no path", NULL },
	{ "a store twice", HEAD "stores:\n  a: {}\n  a: {}\n", 6, 3,
	  "'a' is already given on line 5",
	  NULL },
	{ "a store named local", HEAD "stores:\n  local: {}\n", 5, 3, "a word of the language",
	  NULL },
	{ "an unknown key of a store", HEAD "stores:\n  a: {pathes: [/a]}\n", 5, 7,
	  "'pathes' is not a key of a store", "Did you mean 'paths'?" },
	{ "an unknown purpose of a store",
	  HEAD "purposes: [kyc]\nstores:\n  a: {purposes: [kcy]}\n", 6, 18,
	  "there is no purpose 'kcy'", "Did you mean 'kyc'? Otherwise declare it under 'purposes'" },
	{ "purposes of a store where none are declared",
	  HEAD "stores:\n  a: {purposes: [kyc]}\n", 5, 18, "there is no purpose 'kyc'",
	  "Declare it under 'purposes'" },
	{ "a purpose twice in a store",
	  HEAD "purposes: [kyc]\nstores:\n  a: {purposes: [kyc, kyc]}\n", 6, 23,
	  "has the purpose 'kyc' twice", NULL },
	{ "a store with an empty list of purposes", HEAD "stores:\n  a: {purposes: []}\n", 5, 17,
	  "the list of purposes is empty", "leave them out" },
	{ "one purpose of a store as a text", HEAD "stores:\n  a: {purposes: kyc}\n", 5, 17,
	  "expected a list of purposes, found a text", NULL },
	{ "a purpose of a store that is a list", HEAD "stores:\n  a: {purposes: [[kyc]]}\n", 5, 18,
	  "expected a purpose, found a list", NULL },
	{ "retention of a store", HEAD "stores:\n  a: {retention: 1y}\n", 5, 7,
	  "retention is not supported yet", NULL },
	{ "an unknown label", HEAD "labels: [cnic]\nstores:\n  a: {paths: [/a], labels: [cnik]}\n",
	  6,
	  29, "there is no label 'cnik'", "Did you mean 'cnic'?" },
	{ "a label twice in a store", HEAD "labels: [l]\nstores:\n  a: {labels: [l, l]}\n", 6, 19,
	  "has the label 'l' twice", NULL },
	{ "one path as a text", HEAD "stores:\n  a: {paths: /srv/a}\n", 5, 14,
	  "expected a list of paths, found a text", "[/srv/registry]" },
	{ "a path that is relative", HEAD "stores:\n  a: {paths: [srv/a]}\n", 5, 15, "not absolute",
	  NULL },
	{ "a path that climbs", HEAD "stores:\n  a: {paths: [/srv/../etc]}\n", 5, 15, "holds '..'",
	  NULL },
	{ "the root of the system", HEAD "stores:\n  a: {paths: [//./]}\n", 5, 15,
	  "root of the whole",
	  NULL },
	{ "a path with a line break", HEAD "stores:\n  a: {paths: [\"/a\\nb\"]}\n", 5, 15,
	  "line break or a tab", NULL },
	{ "a path that is a list", HEAD "stores:\n  a: {paths: [[/a]]}\n", 5, 15,
	  "expected a path, found a list", NULL },
	{ "one path in two stores",
	  HEAD "stores:\n  a: {paths: [/srv/a]}\n  b: {paths: [/x, /srv//a/]}\n", 6, 19,
	  "already in the store 'a', line 5", NULL },
	{ "one path twice in a store", HEAD "stores:\n  a: {paths: [/srv/a, /srv/./a]}\n", 5, 23,
	  "already in the store 'a', line 5", NULL },
	{ "an unknown spill", HEAD "stores:\n  a: {spill: leak}\n", 5, 14,
	  "expected track or deny, found 'leak'", NULL },
	{ "an unknown on-error", HEAD "stores:\n  a: {on-error: no}\n", 5, 17,
	  "expected deny or allow", NULL },
	{ "strict as a number", HEAD "stores:\n  a: {strict: 1}\n", 5, 15, "expected false or true",
	  NULL },
	{ "an unknown mode of a store", HEAD "stores:\n  a: {mode: off}\n", 5, 13,
	  "expected observe or enforce", NULL },
	{ "a class that is a list", HEAD "stores:\n  a: {class: [x]}\n", 5, 14, "expected a class",
	  NULL },

	/* subjects */
	{ "subjects without value", HEAD "subjects:\n", 4, 10, "expected the names of subjects",
	  NULL },
	{ "a subject without value", HEAD "subjects:\n  desk:\n", 5, 8,
	  "expected the keys of a subject, found nothing", NULL },
	{ "a subject named anyone", HEAD "subjects:\n  anyone: {}\n", 5, 3,
	  "a word of the language",
	  NULL },
	{ "a relative executable", HEAD "subjects:\n  a: {exe: psql}\n", 5, 12, "not absolute",
	  NULL },
	{ "two users", HEAD "subjects:\n  a: {user: [x, y]}\n", 5, 13,
	  "expected the name of a user, found a list", NULL },
	{ "a user with a blank", HEAD "subjects:\n  a: {user: x y}\n", 5, 13, "'x y' is not",
	  NULL },
	{ "a unit without suffix", HEAD "subjects:\n  a: {unit: sim-desk}\n", 5, 13,
	  "'sim-desk' does not end as a unit with processes does", "sim-desk.service" },
	{ "a unit without processes", HEAD "subjects:\n  a: {unit: x.timer}\n", 5, 13,
	  "does not end as", NULL },
	{ "a unit that is a suffix", HEAD "subjects:\n  a: {unit: .service}\n", 5, 13,
	  "does not end as", NULL },
	{ "a unit with a slash", HEAD "subjects:\n  a: {unit: a/x.service}\n", 5, 13,
	  "is not the name of a unit", NULL },
	{ "a template", HEAD "subjects:\n  a: {unit: desk@.service}\n", 5, 13,
	  "is a template, which has no processes", "desk@3.service" },
	{ "the root slice", HEAD "subjects:\n  a: {unit: -.slice}\n", 5, 13,
	  "'-.slice' holds every process", NULL },
	{ "two units", HEAD "subjects:\n  a: {unit: [x.service]}\n", 5, 13,
	  "expected the name of a unit, found a list", NULL },
	{ "a unit and a cgroup", HEAD "subjects:\n  a: {cgroup: /x, unit: x.service}\n", 5, 15,
	  "both a unit and a cgroup", "Keep one" },
	{ "a cgroup with its mount point",
	  HEAD "subjects:\n  a: {cgroup: /sys/fs/cgroup/system.slice}\n", 5, 15,
	  "does not begin with /sys/fs/cgroup", "/system.slice/" },
	{ "a relative cgroup", HEAD "subjects:\n  a: {cgroup: system.slice}\n", 5, 15,
	  "not absolute", NULL },
	{ "the root cgroup", HEAD "subjects:\n  a: {cgroup: /}\n", 5, 15, "is the root", NULL },
	{ "a cgroup that climbs", HEAD "subjects:\n  a: {cgroup: /a/../b}\n", 5, 15, "holds '..'",
	  NULL },
	{ "a login with a blank", HEAD "subjects:\n  a: {login: x y}\n", 5, 14, "'x y' is not",
	  NULL },
	{ "a login that is a list", HEAD "subjects:\n  a: {login: [x]}\n", 5, 14,
	  "expected the name of a user, found a list", NULL },
	{ "a relative script", HEAD "subjects:\n  a: {script: run.sh}\n", 5, 15, "not absolute",
	  NULL },
	{ "an undeclared purpose of a subject", HEAD "subjects:\n  a: {purpose: kyc}\n", 5, 16,
	  "there is no purpose 'kyc'", NULL },
	{ "a misspelt purpose of a subject",
	  HEAD "purposes: [kyc]\nsubjects:\n  a: {purpose: kycc}\n", 6, 16,
	  "there is no purpose 'kycc'", "Did you mean 'kyc'?" },
	{ "two purposes of a subject",
	  HEAD "purposes: [kyc]\nsubjects:\n  a: {purpose: [kyc]}\n", 6, 16,
	  "expected a purpose, found a list", NULL },
	{ "a digest without executable",
	  HEAD "subjects:\n  a: {user: root, sha256: " DIGEST "}\n", 5, 27,
	  "a sha256 stands without an exe", NULL },
	{ "a digest that is too short", HEAD "subjects:\n  a: {exe: /x, sha256: 00ff}\n", 5, 24,
	  "'00ff' is not a SHA-256 digest", "sha256sum" },
	{ "a digest with another letter",
	  HEAD "subjects:\n  a: {exe: /x, sha256: g" DIGEST_63 "}\n", 5, 24,
	  "is not a SHA-256 digest", NULL },
	{ "a digest that is too long",
	  HEAD "subjects:\n  a: {exe: /x, sha256: 0" DIGEST "}\n", 5, 24,
	  "is not a SHA-256 digest", NULL },
	{ "a misspelt key of a subject", HEAD "subjects:\n  a: {usr: x}\n", 5, 7,
	  "'usr' is not a key",
	  "Did you mean 'user'?" },

	/* zones */
	{ "a zone without keys", HEAD "zones:\n  a: {}\n", 5, 6, "neither networks nor ports",
	  "anywhere" },
	{ "a zone that is built in", HEAD "zones:\n  loopback: {cidr: any}\n", 5, 3,
	  "a word of the language", NULL },
	{ "host bits", HEAD "zones:\n  a: {cidr: [10.20.0.1/16]}\n", 5, 14, "beyond its prefix",
	  "10.20.0.0/16" },
	{ "host bits of IPv6", HEAD "zones:\n  a: {cidr: ['fd00::1/64']}\n", 5, 14,
	  "beyond its prefix",
	  "fd00::/64" },
	{ "a prefix too long", HEAD "zones:\n  a: {cidr: [10.0.0.0/33]}\n", 5, 14,
	  "is not a network",
	  NULL },
	{ "a prefix too long for IPv6", HEAD "zones:\n  a: {cidr: ['fd00::/129']}\n", 5, 14,
	  "is not a network", NULL },
	{ "no prefix behind the slash", HEAD "zones:\n  a: {cidr: [10.0.0.0/]}\n", 5, 14,
	  "is not a network", NULL },
	{ "a prefix with a sign", HEAD "zones:\n  a: {cidr: [10.0.0.0/+8]}\n", 5, 14,
	  "is not a network",
	  NULL },
	{ "a prefix with a leading zero", HEAD "zones:\n  a: {cidr: [10.0.0.0/08]}\n", 5, 14,
	  "is not a network", NULL },
	{ "an address of three parts", HEAD "zones:\n  a: {cidr: [10.0.0/8]}\n", 5, 14,
	  "is not a network", NULL },
	{ "a host name", HEAD "zones:\n  a: {cidr: [db.example]}\n", 5, 14, "is not a network",
	  NULL },
	{ "IPv4 in IPv6 clothes", HEAD "zones:\n  a: {cidr: ['::ffff:10.0.0.0/104']}\n", 5, 14,
	  "in IPv6 clothes", "10.0.0.0/8" },
	{ "a network twice", HEAD "zones:\n  a: {cidr: [10.0.0.0/8, 10.0.0.0/8]}\n", 5, 26, "twice",
	  NULL },
	{ "an empty list of networks", HEAD "zones:\n  a: {cidr: []}\n", 5, 13, "is empty", NULL },
	{ "port 0", HEAD "zones:\n  a: {ports: [tcp/0]}\n", 5, 15, "'tcp/0' is not a port", NULL },
	{ "port 65536", HEAD "zones:\n  a: {ports: [tcp/65536]}\n", 5, 15, "is not a port", NULL },
	{ "a port with a leading zero", HEAD "zones:\n  a: {ports: [tcp/080]}\n", 5, 15,
	  "is not a port", NULL },
	{ "a port without protocol", HEAD "zones:\n  a: {ports: [443]}\n", 5, 15, "is not a port",
	  "tcp/5432" },
	{ "a protocol we do not know", HEAD "zones:\n  a: {ports: [igmp]}\n", 5, 15,
	  "is not a port", "icmp" },
	{ "a protocol cut short", HEAD "zones:\n  a: {ports: [tc/1]}\n", 5, 15, "is not a port",
	  NULL },
	{ "a protocol without name", HEAD "zones:\n  a: {ports: [/1]}\n", 5, 15, "is not a port",
	  NULL },
	{ "a port of a protocol without ports", HEAD "zones:\n  a: {ports: [icmp/8]}\n", 5, 15,
	  "'icmp/8' is not a port", NULL },
	{ "a range that goes down", HEAD "zones:\n  a: {ports: [tcp/90-80]}\n", 5, 15,
	  "'tcp/90-80' is not a port", "tcp/8000-8099" },
	{ "a range of one port", HEAD "zones:\n  a: {ports: [tcp/80-80]}\n", 5, 15,
	  "is not a port", NULL },
	{ "a range from 0", HEAD "zones:\n  a: {ports: [tcp/0-80]}\n", 5, 15, "is not a port",
	  NULL },
	{ "a range without end", HEAD "zones:\n  a: {ports: [tcp/80-]}\n", 5, 15, "is not a port",
	  NULL },
	{ "a range without beginning", HEAD "zones:\n  a: {ports: [tcp/-80]}\n", 5, 15,
	  "is not a port", NULL },
	{ "a range beyond all ports", HEAD "zones:\n  a: {ports: [tcp/80-65536]}\n", 5, 15,
	  "is not a port", NULL },
	{ "a range of ranges", HEAD "zones:\n  a: {ports: [tcp/1-2-3]}\n", 5, 15,
	  "is not a port", NULL },
	{ "a range twice", HEAD "zones:\n  a: {ports: [tcp/1-9, tcp/1-9]}\n", 5, 24, "twice",
	  NULL },
	{ "a port twice", HEAD "zones:\n  a: {ports: [tcp/1, tcp/1]}\n", 5, 22, "twice", NULL },
	{ "one port as a text", HEAD "zones:\n  a: {ports: tcp/1}\n", 5, 14,
	  "expected a list of ports", NULL },
	{ "any among others", HEAD "zones:\n  a: {ports: [tcp, any]}\n", 5, 20,
	  "'any' is not a port",
	  NULL },

	/* rules */
	{ "rules as one text", HEAD "rules: allow x to read y\n", 4, 8, "expected a list of rules",
	  NULL },
	{ "a rule that YAML reads as a map", BASE "  - allow desk to read: people\n", 11, 5,
	  "expected a rule, found a map", NULL },
	{ "a rule without words", BASE "  - ''\n", 11, 5, "expected a rule, found an empty text",
	  NULL },
	{ "a rule of blanks", BASE "  - '   '\n", 11, 5, "allow or deny is missing", NULL },
	{ "a misspelt verb", BASE "  - alow desk to read people\n", 11, 5,
	  "expected allow or deny, found 'alow'", "Did you mean 'allow'?" },
	{ "a verb in capitals", BASE "  - Allow desk to read people\n", 11, 5, "found 'Allow'",
	  "Did you mean 'allow'?" },
	{ "nothing after the verb", BASE "  - deny\n", 11, 5, "a subject is missing", NULL },
	{ "an unknown subject", BASE "  - allow dexk to read people\n", 11, 11,
	  "there is no subject 'dexk'", "Did you mean 'desk'?" },
	{ "a misspelt anyone", BASE "  - allow anyon to read people\n", 11, 11, "'anyon'",
	  "Did you mean 'anyone'?" },
	{ "two subjects", BASE "  - allow desk, desk to read people\n", 11, 15, "expected 'to'",
	  "one rule for each" },
	{ "no first to", BASE "  - allow desk read people\n", 11, 16, "expected 'to', found 'read'",
	  NULL },
	{ "an unknown operation", BASE "  - allow desk to reed people\n", 11, 19, "found 'reed'",
	  "Did you mean 'read'?" },
	{ "a comma behind the last operation", BASE "  - allow desk to read, people\n", 11, 25,
	  "expected read, write or send, found 'people'", NULL },
	{ "an operation twice", BASE "  - allow desk to read, read people\n", 11, 25,
	  "found 'read'",
	  NULL },
	{ "read and send in one rule", BASE "  - allow desk to read, send people\n", 11, 25,
	  "without send", "two rules" },
	{ "send and read in one rule", BASE "  - allow desk to send, read people\n", 11, 25,
	  "without send", NULL },
	{ "nothing to be read", BASE "  - allow desk to read\n", 11, 19,
	  "the name of a store is missing",
	  NULL },
	{ "an unknown store", BASE "  - allow desk to read poeple\n", 11, 24,
	  "there is no store 'poeple'", "Did you mean 'people'?" },
	{ "a label in place of a store", BASE "  - allow desk to read cnic\n", 11, 24, "is a label",
	  NULL },
	{ "a store twice in a rule", BASE "  - allow desk to read people, people\n", 11, 32,
	  "named twice", NULL },
	{ "no comma between stores", BASE "  - allow desk to read people people\n", 11, 31,
	  "expected ',' or the end of the rule", NULL },
	{ "a comma at the end", BASE "  - allow desk to read people,\n", 11, 30, "is missing",
	  NULL },
	{ "two commas", BASE "  - allow desk to read people,, people\n", 11, 31, "found ','",
	  NULL },
	{ "a destination of a read", BASE "  - allow desk to read people to office\n", 11, 31,
	  "expected the end of the rule, found 'to'", "Only send" },
	{ "everything and a store", BASE "  - allow desk to read people, everything\n", 11, 32,
	  "expected one more name", "alone" },
	{ "a store behind everything", BASE "  - allow desk to read everything, people\n", 11, 34,
	  "expected the end of the list", NULL },
	{ "no destination", BASE "  - allow desk to send cnic\n", 11, 24, "'to' is missing",
	  "send LABEL to ZONE" },
	{ "a destination without name", BASE "  - allow desk to send cnic to\n", 11, 29,
	  "the name of a zone is missing", NULL },
	{ "an unknown label in a rule", BASE "  - allow desk to send cnik to office\n", 11, 24,
	  "there is no label 'cnik'", "Did you mean 'cnic'?" },
	{ "a store in place of a label", BASE "  - allow desk to send people to office\n", 11, 24,
	  "is a store", NULL },
	{ "an unknown zone", BASE "  - allow desk to send cnic to ofice\n", 11, 32,
	  "there is no zone 'ofice'", "Did you mean 'office'?" },
	{ "a misspelt built-in zone", BASE "  - allow desk to send cnic to loopbak\n", 11, 32,
	  "'loopbak'", "Did you mean 'loopback'?" },
	{ "everything as a zone", BASE "  - allow desk to send cnic to everything\n", 11, 32,
	  "there is no zone 'everything'", NULL },
	{ "a zone twice", BASE "  - allow desk to send cnic to office, office\n", 11, 40,
	  "named twice",
	  NULL },
	{ "use and read in one rule", BASE "  - allow desk to read, use people\n", 11, 25,
	  "expected read, write or send, found 'use'", NULL },
	{ "nothing to be used", BASE "  - allow desk to use\n", 11, 19,
	  "the name of a purpose is missing", NULL },
	{ "an unknown purpose in a rule", BASE "  - allow desk to use kyc\npurposes: [kyz]\n", 11,
	  23, "there is no purpose 'kyc'", "Did you mean 'kyz'?" },
	{ "a purpose twice in a rule", BASE "  - allow desk to use kyc, kyc\npurposes: [kyc]\n",
	  11, 28, "named twice", NULL },
	{ "a destination of a purpose",
	  BASE "  - allow desk to use kyc to office\npurposes: [kyc]\n", 11, 27,
	  "expected ',' or the end of the rule, found 'to'", NULL },
	{ "a purpose for those who need one already",
	  HEAD "purposes: [kyc]\nsubjects: {a: {user: root, purpose: kyc}}\nrules:\n"
	  "  - allow a to use kyc\n", 7, 5, "nobody could ever take it on", "without purpose" },
	{ "a purpose forbidden to those who have one",
	  HEAD "purposes: [kyc, x]\nsubjects: {a: {purpose: kyc}}\nrules:\n"
	  "  - deny a to use x\n", 7, 5, "the subject 'a' is one only under the purpose 'kyc'",
	  NULL },
	{ "a fault on the second line of a rule",
	  BASE "  - allow desk to\n      read poeple\n", 12, 12, "'poeple'", NULL },
	{ "a fault in a quoted rule", BASE "  - \"allow desk to read poeple\"\n", 11, 25,
	  "'poeple'",
	  NULL },
	{ "a fault in a block", BASE "  - >-\n    allow desk\n    to read poeple\n", 13, 13,
	  "'poeple'",
	  NULL },
	{ "a fault in a word with escapes", BASE "  - \"allow desk to read p\\x6feple\"\n", 11, 5,
	  "'poeple'", NULL },
	{ "a fault behind a word that it holds",
	  BASE "  - allow desk to read peoplex, people, peopl\n",
	  11, 41, "'peopl'", NULL },
};

static void print_all(const struct am_diags *d)
{
	for (size_t i = 0; i < d->count; i++)
		print_error("  %u:%u %s\n    %s\n", d->items[i].line, d->items[i].column,
			    d->items[i].fact, d->items[i].hint ? d->items[i].hint : "(no hint)");
}

static bool is_the_one(const struct am_diag *d, const struct refusal *c)
{
	return d->severity == AM_SEVERITY_ERROR && d->line == c->line && d->column == c->column &&
	       strstr(d->fact, c->fact) && (!c->hint || (d->hint && strstr(d->hint, c->hint)));
}

static unsigned check_refusal(const struct refusal *c)
{
	struct am_model *model = (void *)0x5a;
	bool found = false, well_said = true;
	struct am_diags d;
	int err;

	am_diags_init(&d);
	err = am_model_parse("p.yaml", c->text, strlen(c->text), &d, &model);
	for (size_t i = 0; i < d.count; i++) {
		found |= is_the_one(&d.items[i], c);
		well_said &= is_well_said(&d.items[i]) && !strcmp(d.items[i].file, "p.yaml");
	}
	found &= err == -EINVAL && well_said && model == (void *)0x5a;
	if (!found) {
		print_error("%s: %d, expected %u:%u '%s'%s\n", c->name, err, c->line, c->column,
			    c->fact, well_said ? "" : ", and good hints");
		print_all(&d);
	}
	am_diags_done(&d);
	return !found;
}

static void refuses_at_the_right_place_with_a_hint(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		failed += check_refusal(&refusals[i]);
	assert_int_equal(failed, 0);
}

/* Of every part of a good policy: whatever it is cut to is refused or good, never worse. */
static void survives_every_truncation(void **state)
{
	static const char text[] = BASE USED;

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		am_auto(am_model) struct am_model *model = NULL;
		struct am_diags d;
		int err;

		am_diags_init(&d);
		err = am_model_parse("p.yaml", text, len, &d, &model);
		assert_true(err == 0 || err == -EINVAL);
		assert_true((err == 0) == (model != NULL));
		assert_true((err == 0) == (d.errors == 0));
		am_diags_done(&d);
	}
}

/* ---- bounds ----------------------------------------------------------------- */

/* A policy in which `line` is repeated `n` times, with %zu for the number. */
static char *repeat(const char *head, size_t n, void (*line)(FILE *, size_t), const char *tail)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fputs(head, out);
	for (size_t i = 0; i < n; i++)
		line(out, i);
	fputs(tail, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* The number of errors, of which the first stands at `line` and holds `fact`. */
static size_t errors_of(char *text, unsigned line, const char *fact)
{
	am_auto(am_model) struct am_model *model = NULL;
	struct am_diags d;
	size_t errors;

	am_diags_init(&d);
	/* What it returns is in the errors too. */
	(void)am_model_parse("p.yaml", text, strlen(text), &d, &model);
	errors = d.errors;
	assert_true((model == NULL) == (errors > 0));
	for (size_t i = 0; errors && i < d.count; i++) {
		if (d.items[i].severity != AM_SEVERITY_ERROR)
			continue;
		if (d.items[i].line != line || !strstr(d.items[i].fact, fact))
			print_all(&d);
		assert_int_equal(d.items[i].line, line);
		assert_non_null(strstr(d.items[i].fact, fact));
		break;
	}
	am_diags_done(&d);
	free(text);
	return errors;
}

static void label_line(FILE *out, size_t i)
{
	fprintf(out, "  - l%zu\n", i);
}

static void store_line(FILE *out, size_t i)
{
	fprintf(out, "  s%zu: {paths: [/srv/%zu], labels: [l]}\n", i, i);
}

static void subject_line(FILE *out, size_t i)
{
	fprintf(out, "  s%zu: {user: %zu}\n", i, i);
}

static void zone_line(FILE *out, size_t i)
{
	fprintf(out, "  z%zu: {ports: [tcp/%zu]}\n", i, i + 1);
}

static void rule_line(FILE *out, size_t i)
{
	(void)i;
	fputs("  - allow anyone to read s0\n", out);
}

static void path_line(FILE *out, size_t i)
{
	fprintf(out, "      - /srv/%zu\n", i);
}

static void net_line(FILE *out, size_t i)
{
	fprintf(out, "      - 10.%zu.%zu.0/24\n", i / 256, i % 256);
}

static void range_line(FILE *out, size_t i)
{
	fprintf(out, "      - udp/%zu-%zu\n", 4 * i + 1, 4 * i + 2);
}

static void port_line(FILE *out, size_t i)
{
	fprintf(out, "      - tcp/%zu\n", i + 1);
}

static void takes_as_many_as_fit_and_no_more(void **state)
{
	static const char purposes[] = HEAD "purposes:\n";
	static const char labels[] = HEAD "labels:\n";
	static const char stores[] = HEAD "labels: [l]\nstores:\n";
	static const char subjects[] = HEAD "subjects:\n";
	static const char zones[] = HEAD "zones:\n";
	static const char rules[] = HEAD "labels: [l]\nstores:\n  s0: {paths: [/a], labels: [l]}\n"
				    "rules:\n";
	static const char paths[] = HEAD "labels: [l]\nstores:\n  a:\n    labels: [l]\n"
				    "    paths:\n";
	static const char nets[] = HEAD "zones:\n  a:\n    cidr:\n";
	static const char ports[] = HEAD "zones:\n  a:\n    ports:\n";

	(void)state;
	assert_int_equal(errors_of(repeat(purposes, 63, label_line, ""), 0, ""), 0);
	assert_int_equal(errors_of(repeat(purposes, 64, label_line, ""), 68,
				   "at most 63 purposes"), 1);
	assert_int_equal(errors_of(repeat(purposes, 90, label_line, ""), 68,
				   "at most 63 purposes"), 1);
	assert_int_equal(errors_of(repeat(ports, 4096, range_line, ""), 0, ""), 0);
	assert_int_equal(errors_of(repeat(ports, 4097, range_line, ""), 4103, "at most 4096"), 1);
	assert_int_equal(errors_of(repeat(labels, 64, label_line, ""), 0, ""), 0);
	assert_int_equal(errors_of(repeat(labels, 65, label_line, ""), 69, "at most 64 labels"), 1);
	assert_int_equal(errors_of(repeat(labels, 90, label_line, ""), 69, "at most 64 labels"), 1);
	assert_int_equal(errors_of(repeat(stores, 4096, store_line, ""), 0, ""), 0);
	assert_int_equal(errors_of(repeat(stores, 4097, store_line, ""), 4102, "at most 4096"), 1);
	assert_int_equal(errors_of(repeat(subjects, 256, subject_line, ""), 0, ""), 0);
	assert_int_equal(errors_of(repeat(subjects, 257, subject_line, ""), 261,
				   "at most 256 subjects"), 1);
	assert_int_equal(errors_of(repeat(zones, 252, zone_line, ""), 0, ""), 0);
	assert_int_equal(errors_of(repeat(zones, 253, zone_line, ""), 257, "at most 252 zones"), 1);
	assert_int_equal(errors_of(repeat(rules, 10000, rule_line, ""), 0, ""), 0);
	assert_int_equal(errors_of(repeat(rules, 10001, rule_line, ""), 10008,
				   "at most 10000 rules"), 1);
	assert_int_equal(errors_of(repeat(rules, 10050, rule_line, ""), 10008,
				   "at most 10000 rules"), 1);
	assert_int_equal(errors_of(repeat(paths, 4096, path_line, ""), 0, ""), 0);
	assert_int_equal(errors_of(repeat(paths, 4097, path_line, ""), 4105, "at most 4096"), 1);
	assert_int_equal(errors_of(repeat(nets, 4096, net_line, ""), 0, ""), 0);
	assert_int_equal(errors_of(repeat(nets, 4097, net_line, ""), 4103, "at most 4096"), 1);
	assert_int_equal(errors_of(repeat(ports, 4096, port_line, ""), 0, ""), 0);
	assert_int_equal(errors_of(repeat(ports, 4097, port_line, ""), 4103, "at most 4096"), 1);
}

static void bad_key_line(FILE *out, size_t i)
{
	fprintf(out, "zz%zu: 1\n", i);
}

static void keeps_a_bounded_number_of_errors_and_counts_all(void **state)
{
	am_auto(am_model) struct am_model *model = NULL;
	am_autofree char *text = repeat(HEAD, 1000, bad_key_line, "");
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	assert_int_equal(am_model_parse("p", text, strlen(text), &d, &model), -EINVAL);
	assert_int_equal(d.count, AM_DIAGS_MAX);
	assert_int_equal(d.errors, 1000);
	assert_true(d.lost);
	am_diags_done(&d);
}

/* A thousand uses of a store that could not be read are one error, not a thousand. */
static void does_not_blame_rules_for_what_is_missing_above(void **state)
{
	am_autofree char *text =
		repeat(HEAD "stores: [s0]\nrules:\n", 1000, rule_line, "");

	(void)state;
	assert_int_equal(errors_of(strdup(text), 4, "expected the names of stores"), 1);
}

static void orders_errors_by_their_place(void **state)
{
	static const char text[] = "rules: 1\nmode: x\nlabels: 2\nname: ''\nversion: 7\n";
	struct am_model *model = NULL;
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	assert_int_equal(am_model_parse("p", text, strlen(text), &d, &model), -EINVAL);
	assert_int_equal(d.count, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(d.items[i].line, i + 1);
	am_diags_done(&d);
}

/* ---- warnings --------------------------------------------------------------- */

struct warning {
	const char *name;
	const char *text;
	unsigned line;		/* 0 with fact NULL: no warning at all */
	const char *fact;
};

static const struct warning warnings[] = {
	{ "a policy in which all is used", BASE USED, 0, NULL },
	{ "no stores", HEAD, 0, "protects nothing" },
	{ "a store that nobody may read", BASE "  - allow desk to write people\n"
	  "  - allow desk to send cnic to office\n", 6, "nobody may read the store 'people'" },
	{ "a store that is only denied", BASE "  - deny desk to read people\n"
	  "  - allow desk to send cnic to office\n", 6, "nobody may read the store 'people'" },
	{ "a store read under everything", BASE "  - allow desk to read everything\n"
	  "  - allow desk to send cnic to office\n", 0, NULL },
	{ "a strict store", HEAD "labels: [a]\nstores:\n"
	  "  s: {paths: [/s], labels: [a], strict: true}\nrules: [allow anyone to read s]\n", 0,
	  NULL },
	{ "a label without store", HEAD "labels: [a, b]\nstores:\n"
	  "  s: {paths: [/s], labels: [a]}\nrules: [allow anyone to read s]\n", 4,
	  "no store has the label 'b'" },
	{ "a subject without condition", HEAD "labels: [a]\nstores:\n"
	  "  s: {paths: [/s], labels: [a]}\nsubjects: {x: {third-party: ACME}}\n"
	  "rules: [allow x to read s]\n", 7, "'x' has no condition" },
	{ "a subject without rule", HEAD "labels: [a]\nstores:\n  s: {paths: [/s], labels: [a]}\n"
	  "subjects: {x: {user: root}}\nrules: [allow anyone to read s]\n", 7,
	  "no rule names the subject 'x'" },
	{ "a zone without rule", BASE "  - allow desk to read people\n", 9,
	  "no rule names the zone 'office'" },
	{ "a subject that only a unit tells", UNITS USED "  - allow u to write people\n", 0, NULL },
	{ "a purpose that nothing asks for", BASE USED "purposes: [kyc]\n", 13,
	  "nothing asks for the purpose 'kyc'" },
	{ "a purpose that nobody may use", PURPOSES "  - allow k to read people\n", 4,
	  "nobody may take on the purpose 'kyc'" },
	{ "a purpose that is only denied", PURPOSES "  - allow k to read people\n"
	  "  - deny desk to use kyc\n", 4, "nobody may take on the purpose 'kyc'" },
	{ "a purpose that is asked for and may be used", PURPOSES "  - allow k to read people\n"
	  "  - allow desk to use everything\n", 0, NULL },
	{ "a purpose for an executable that never asks", HEAD "purposes: [kyc]\nlabels: [cnic]\n"
	  "stores: {people: {paths: [/srv/people], labels: [cnic], purposes: [kyc]}}\n"
	  "subjects: {psql: {exe: /usr/bin/psql}}\nrules:\n  - allow psql to read people\n"
	  "  - allow psql to use kyc\n", 10, "'psql' needs its exe" },
	{ "a purpose for a script", HEAD "purposes: [kyc]\nlabels: [cnic]\n"
	  "stores: {people: {paths: [/srv/people], labels: [cnic], purposes: [kyc]}}\n"
	  "subjects: {job: {script: /opt/job}}\nrules:\n  - allow job to read people\n"
	  "  - allow job to use kyc\n", 10, "'job' needs its script" },
	{ "a purpose for the program that asks", HEAD "purposes: [kyc]\nlabels: [cnic]\n"
	  "stores: {people: {paths: [/srv/people], labels: [cnic], purposes: [kyc]}}\n"
	  "subjects: {run: {exe: /usr/bin/amanat}}\nrules:\n  - allow run to read people\n"
	  "  - allow run to use kyc\n", 0, NULL },
	{ "an allow that a deny undoes", BASE USED "  - deny anyone to read, write everything\n",
	  11,
	  "rule 1 allows only what other rules deny" },
	{ "an allow that two denies undo", BASE USED
	  "  - allow desk to read, write people\n  - deny desk to write people\n"
	  "  - deny desk to read people\n", 13, "rule 3 allows only" },
	{ "an allow of which a part is left", BASE "  - allow desk to send cnic to office\n"
	  "  - allow desk to read, write people\n  - deny desk to write people\n", 0, NULL },
	{ "a send that a deny to anywhere undoes", BASE USED
	  "  - deny desk to send everything to anywhere\n", 12, "rule 2 allows only" },
	{ "a send of which one zone is left", BASE "  - allow desk to read people\n"
	  "  - allow desk to send cnic to office, local\n  - deny desk to send cnic to local\n", 0,
	  NULL },
	{ "a deny for one of those whom anyone allows", BASE USED
	  "  - allow anyone to write people\n  - deny desk to write people\n", 0, NULL },
};

static void check_warning(const struct warning *c)
{
	am_auto(am_model) struct am_model *model = NULL;
	bool found = false;
	struct am_diags d;
	int err;

	am_diags_init(&d);
	err = am_model_parse("p.yaml", c->text, strlen(c->text), &d, &model);
	for (size_t i = 0; i < d.count; i++) {
		assert_true(is_well_said(&d.items[i]));
		found |= c->fact && d.items[i].line == c->line &&
			 d.items[i].severity == AM_SEVERITY_WARNING &&
			 strstr(d.items[i].fact, c->fact);
	}
	if (err || d.errors || found != (c->fact != NULL) || (!c->fact && d.count)) {
		print_all(&d);
		fail_msg("%s: %d, expected line %u '%s'", c->name, err, c->line,
			 c->fact ? c->fact : "nothing");
	}
	am_diags_done(&d);
}

static void warns_of_what_is_likely_not_meant(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(warnings) / sizeof(*warnings); i++)
		check_warning(&warnings[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_at_the_right_place_with_a_hint),
		cmocka_unit_test(survives_every_truncation),
		cmocka_unit_test(takes_as_many_as_fit_and_no_more),
		cmocka_unit_test(keeps_a_bounded_number_of_errors_and_counts_all),
		cmocka_unit_test(does_not_blame_rules_for_what_is_missing_above),
		cmocka_unit_test(orders_errors_by_their_place),
		cmocka_unit_test(warns_of_what_is_likely_not_meant),
	};

	return cmocka_run_group_tests_name("check", tests, same_fds, same_fds);
}
