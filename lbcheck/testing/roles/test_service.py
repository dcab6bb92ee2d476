"""Role service: units that run what their files say."""

from lbcheck.testing.fleet import Fleet, HostView


def test_every_unit_runs_what_its_files_say(any_host: HostView, fleet: Fleet) -> None:
    """Systemd has read each unit's files since they changed, and its last reload did not fail."""
    for unit in fleet.units(any_host.name):
        shown = any_host.host.check_output(f"systemctl show {unit} --property=NeedDaemonReload,ReloadResult")
        assert set(shown.split()) == {"NeedDaemonReload=no", "ReloadResult=success"}, f"{unit}: {shown}"
