#!/bin/sh
# format.sh - fail where a source is not laid out as clang-format 14 with .clang-format lays it out.
# Exit status 77, which ctest calls skipped, where that version is not here: others differ.
set -eu
cd "$(dirname "$0")/.."
for tool in clang-format-14 clang-format; do
    case $("$tool" --version 2>/dev/null) in
    *" version 14."*) break ;;
    esac
    tool=
done
if [ -z "$tool" ]; then
    echo "skipped: there is no clang-format 14 here (apt-get install clang-format-14)"
    exit 77
fi
odd=$(find common head proto worker client examples tests bench \
    \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) -type f -print0 |
    xargs -0 "$tool" --dry-run 2>&1 | sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: .*/\1/p' | sort -u)
if [ -n "$odd" ]; then
    printf '%s\n' "$odd"
    echo "format.sh: these are laid out otherwise; mend with: $tool -i FILE..."
    exit 1
fi
