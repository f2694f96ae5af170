#!/bin/sh
# protocol.sh - bring the tables of PROTOCOL.md up to date, or with --check fail where they are not.
# The last argument is the program assay-schema of a build.
set -eu
document=$(dirname "$0")/PROTOCOL.md
check=no
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
if [ $# -ne 1 ]; then
    echo "protocol.sh: give the path of assay-schema" >&2
    exit 2
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" --markdown >"$folder/tables"
awk -v tables="$folder/tables" '
    /^<!-- tables: end -->$/ { inside = 0; ends++ }
    !inside { print }
    /^<!-- tables: begin/ {
        inside = 1
        begins++
        while ((got = (getline line < tables)) > 0) print line
        if (got < 0) exit 1
    }
    END { if (begins != 1 || ends != 1) exit 1 }
' "$document" >"$folder/document" || {
    echo "protocol.sh: the markers in PROTOCOL.md are not as they should be" >&2
    exit 1
}
if [ $check = yes ]; then
    diff -u "$document" "$folder/document" || {
        echo "protocol.sh: PROTOCOL.md is not up to date: run docs/protocol.sh $1" >&2
        exit 1
    }
    exit 0
fi
cat "$folder/document" >"$document"
