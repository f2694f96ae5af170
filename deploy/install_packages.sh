#!/bin/sh
# install_packages.sh ENTRY... - installs Debian packages as root, for packages.sh. An entry "a|b" is
# the first of these that apt knows.
#
# Debian starts the service of a package that it installs, and at every boot from then on. Assay runs
# its own redis-server, so a Redis that comes in here is neither started nor enabled; one that was
# there before is left alone.
set -eu
policy=/usr/sbin/policy-rc.d
made_policy=no
log=$(mktemp)
clean() {
    [ $made_policy = no ] || rm -f "$policy"
    rm -f "$log"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export DEBIAN_FRONTEND=noninteractive

# quietly WHAT COMMAND... - its output only when it fails.
quietly() {
    what=$1
    shift
    "$@" >"$log" 2>&1 </dev/null && return 0
    tail -n 20 "$log" >&2
    printf 'packages: %s failed (above)\n' "$what" >&2
    printf '  try: mend what apt-get says, then run this again\n' >&2
    exit 1
}

echo "apt-get update"
quietly "apt-get update" apt-get update -q

names=
for entry in "$@"; do
    chosen=
    for name in $(printf '%s' "$entry" | tr '|' ' '); do
        if [ -z "$chosen" ] && [ -n "$(apt-cache madison "$name" 2>/dev/null)" ]; then
            chosen=$name
        fi
    done
    if [ -z "$chosen" ]; then
        printf 'packages: apt knows no package %s\n' "$entry" >&2
        printf '  try: on Ubuntu, add-apt-repository universe; on another system, its own name of it\n' >&2
        exit 1
    fi
    names="$names $chosen"
done

fresh_redis=no
case " $names " in
*" redis-server "*)
    fresh_redis=yes
    if [ ! -e "$policy" ]; then
        # 101: no service may be started now.
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made_policy=yes
    fi
    ;;
esac

echo "apt-get install"
# shellcheck disable=SC2086 # one word a package
quietly "apt-get install" apt-get install -q -y --no-install-recommends $names

if [ $fresh_redis = yes ]; then
    if command -v deb-systemd-helper >/dev/null; then
        deb-systemd-helper disable redis-server.service >/dev/null 2>&1 || true
    fi
    if command -v update-rc.d >/dev/null; then
        update-rc.d redis-server disable >/dev/null 2>&1 || true
    fi
    echo "redis-server is installed; its system service is neither started nor enabled"
fi
