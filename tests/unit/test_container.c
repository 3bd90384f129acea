// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/container.h"

#define ID "3f2a9c0d1e4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeef"
#define OTHER "0000000011111111222222223333333344444444555555556666666677777777"

static void managers_name_their_cgroups(void **state)
{
	static const char *const cases[][2] = {
		{ "/system.slice/docker-" ID ".scope", ID },
		{ "/docker/" ID, ID },
		{ "/docker/" ID "/init.scope", ID },
		{ "/machine.slice/libpod-" ID ".scope/container", ID },
		{ "/user.slice/user-5.slice/user@5.service/user.slice/libpod-" ID ".scope", ID },
		{ "/libpod_parent/libpod-" ID, ID },
		{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod0d.slice/"
		  "cri-containerd-" ID ".scope", ID },
		{ "/kubepods/burstable/pod1/" ID, ID },
		{ "/system.slice/crio-" ID ".scope", ID },
		{ "/lxc.payload.web", "web" },
		{ "/machine.slice/machine-build\\x2d1.scope", "build\\x2d1" },
		{ "/machine.slice/systemd-nspawn@web.service/payload", "web" },
	};
	char buf[AM_CONTAINER_MAX];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		assert_string_equal(am_container_of(cases[i][0], buf), cases[i][1]);
}

static void the_innermost_one_counts(void **state)
{
	char buf[AM_CONTAINER_MAX];

	(void)state;
	assert_string_equal(am_container_of("/lxc.payload.host/docker/" ID, buf), ID);
	assert_string_equal(am_container_of("/docker/" ID "/docker/" OTHER, buf), OTHER);
}

static void other_cgroups_are_of_none(void **state)
{
	static const char *const cases[] = {
		"", "/", "/system.slice/docker.service", "/init.scope", "/docker",
		"/machine.slice/libpod-conmon-" ID ".scope",	/* the watcher */
		"/system.slice/docker-" ID "0.scope", "/docker/" ID "g", "/a" ID,
		"/system.slice/docker-3f2a9c0d1e4b.scope", "/lxc.payload.", "/machine-.scope",
		"/lxc.monitor.web", "/docker/3F2A9C0D1E4B5A69788796A5B4C3D2E1F00112233445566778899AABBCCDDEEF",
	};
	char buf[AM_CONTAINER_MAX];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		assert_string_equal(am_container_of(cases[i], buf), "");
}

static void a_name_that_is_too_long_is_cut(void **state)
{
	char path[300] = "/lxc.payload.", buf[AM_CONTAINER_MAX];

	(void)state;
	memset(path + strlen(path), 'x', 200);
	assert_int_equal(strlen(am_container_of(path, buf)), AM_CONTAINER_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(managers_name_their_cgroups),
		cmocka_unit_test(the_innermost_one_counts),
		cmocka_unit_test(other_cgroups_are_of_none),
		cmocka_unit_test(a_name_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
