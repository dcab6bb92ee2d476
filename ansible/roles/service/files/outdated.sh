# outdated UNIT RESTART-FILE... -- RELOAD-FILE...
# Says, a line each, what a unit is older than: "restart FILE", "reload FILE", "daemon-reload"; and "absent" where there is none.
set -eu
unit=$1
shift

property() { systemctl show "$unit" --timestamp=us+utc --value --property="$1"; }

[ "$(property LoadState)" != not-found ] || echo absent
[ "$(property NeedDaemonReload)" = no ] || echo daemon-reload
# A reload that failed leaves the unit active.
[ "$(property ReloadResult)" = success ] || echo "reload $unit: the last reload failed"

# A file's time is when it came to be what it is here (ctime): a copy may have kept the time of its content.
needs=restart since=$(property ActiveEnterTimestamp)
for file in "/etc/systemd/system/$unit" "/etc/systemd/system/$unit.d" "$@"; do
    if [ "$file" = -- ]; then
        needs=reload since=$(property StateChangeTimestamp)
    elif [ -n "$since" ] && [ -e "$file" ]; then
        find -L "$file" -newerct "$since" -printf "$needs %p\n"
    fi
done
