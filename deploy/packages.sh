#!/bin/sh
# packages.sh - the packages of Debian 12 and Ubuntu 22.04 or later that Assay needs: the one home of
# these lists. quickstart and check source it; as a program it prints a list, one package a line:
#
#     deploy/packages.sh run|build|test|long
#
# "a|b" means: the first of these that there is; later releases have renamed some.
# shellcheck disable=SC2034 # the lists are for those who source this file

# What the built programs run with.
PACKAGES_RUN='redis-server libzmq5 libmsgpackc2|libmsgpack-c2 libhiredis0.14|libhiredis1.1.0
    libsodium23 libfyaml0 libsmartcols1 libarchive13|libarchive13t64 zlib1g
    libmuparser2v5 libcsv3'

# What it takes to build and to run here. The -dev packages bring the libraries with them.
PACKAGES_BUILD='build-essential cmake ninja-build pkg-config|pkgconf redis-server libzmq3-dev
    libmsgpack-dev|libmsgpack-c-dev libhiredis-dev libsodium-dev libfyaml-dev libsmartcols-dev
    libarchive-dev zlib1g-dev libmuparser-dev libcsv-dev'

# What the tests need on top. Other versions of clang-format lay the code out differently. The
# runtime of clang's sanitizers and of libFuzzer is a package of its own, or comes with the other.
PACKAGES_TEST='check libsubunit-dev clang-format-14 clang-14 libclang-rt-14-dev|libclang-14-dev
    mandoc python3 patch iproute2 nftables'

# What only `./check long` needs.
PACKAGES_LONG='valgrind faketime python3-venv'

package_is_here() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# packages_missing ENTRY... - the entries of which no alternative is installed, one a line.
packages_missing() {
    for entry in "$@"; do
        here=no
        for name in $(printf '%s' "$entry" | tr '|' ' '); do
            if package_is_here "$name"; then
                here=yes
            fi
        done
        [ $here = yes ] || printf '%s\n' "$entry"
    done
}

# packages_install FOLDER ENTRY... - installs what is missing of these, through sudo where we are not
# root. FOLDER is the project's root. Says what it is about to do; fails with a sentence.
packages_install() {
    root=$1
    shift
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "packages: not looked at, this system has no apt: what is needed stands in deploy/packages.sh"
        return 0
    fi
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    echo "packages to install:"
    printf '%s\n' "$missing" | sed 's/|.*//; s/^/  /'
    # Every entry is one word without blanks, so that splitting is what is meant.
    # shellcheck disable=SC2086
    if [ "$(id -u)" = 0 ]; then
        sh "$root/deploy/install_packages.sh" $missing
    elif ! command -v sudo >/dev/null; then
        packages_by_hand "this user may not install packages, and there is no sudo" $missing
    elif [ -t 0 ] && [ -z "${CI:-}" ]; then
        sudo sh "$root/deploy/install_packages.sh" $missing
    elif sudo -n true 2>/dev/null; then
        sudo -n sh "$root/deploy/install_packages.sh" $missing
    else
        packages_by_hand "this user may not install packages without a password" $missing
    fi
}

# packages_by_hand WHY ENTRY... - how to get them otherwise; fails.
packages_by_hand() {
    printf 'packages: %s\n' "$1" >&2
    shift
    printf '  try: as root: apt-get update && apt-get install --no-install-recommends %s\n' \
        "$(printf '%s ' "$@" | sed 's/|[^ ]*//g')" >&2
    return 1
}

if [ "${0##*/}" = packages.sh ]; then
    # shellcheck disable=SC2086 # one word a package
    case ${1:-} in
    run) printf '%s\n' $PACKAGES_RUN ;;
    build) printf '%s\n' $PACKAGES_BUILD ;;
    test) printf '%s\n' $PACKAGES_TEST ;;
    long) printf '%s\n' $PACKAGES_LONG ;;
    *)
        echo "usage: packages.sh run|build|test|long" >&2
        exit 2
        ;;
    esac
fi
