"""Role sysctl: settings of the kernel that other roles have made."""

from lbcheck.testing.fleet import HostView


def test_the_kernel_has_what_the_files_say(any_host: HostView) -> None:
    """Each setting in a file of the roles is the kernel's own now."""
    files = any_host.host.run("grep -lsx '# Managed by Ansible, role .*' /etc/sysctl.d/60-*.conf").stdout.split()
    for file in files:
        for line in any_host.host.file(file).content_string.splitlines():
            if not line.startswith("#"):
                name, _, value = line.partition(" = ")
                assert any_host.host.check_output(f"sysctl --values {name}").split() == value.split(), line
