#!/bin/sh
# manual.sh FOLDER ASSAY - fail where a page of the manual in FOLDER is missing, lacks a part or a
# flag, or is not laid out as it should be. ASSAY is the program. Exit status 77, which ctest calls
# skipped, where nothing is here to look at the layout with.
set -eu
folder=$1
assay=$2
bad=0

say() {
    echo "$1"
    bad=1
}

verbs=$("$assay" help | sed -n 's/^  \([a-z]*\)  *.*/\1/p')
[ -n "$verbs" ] || say "assay help lists no verbs"
for name in assay $(printf '%s\n' "$verbs" | sed 's/^/assay-/'); do
    page=$folder/$name.1
    if [ ! -s "$page" ]; then
        say "$page is not there"
        continue
    fi
    for part in NAME SYNOPSIS DESCRIPTION ENVIRONMENT FILES 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
        grep -qx ".Sh $part" "$page" || say "$page: no $part"
    done
done

# Each verb has an example, and each flag of its help stands in its page.
for verb in $verbs; do
    help=$("$assay" "$verb" --help)
    printf '%s\n' "$help" | grep -q "^example: .*assay $verb" || say "assay $verb --help: no example"
    for flag in $(printf '%s\n' "$help" | grep -oE '^ {2,6}(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
        tr -d '\\' <"$folder/assay-$verb.1" | grep -qF -- "Fl \"&${flag#-}\"" ||
            say "assay-$verb.1: no $flag"
    done
done
[ $bad = 0 ] || exit 1

if command -v mandoc >/dev/null; then
    mandoc -Tlint -Wwarning "$folder"/*.1
elif command -v man >/dev/null && command -v groff >/dev/null; then
    for page in "$folder"/*.1; do
        found=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" \
            2>&1 >/dev/null)
        [ -z "$found" ] || say "$found"
    done
    exit $bad
else
    echo "skipped: there is neither mandoc nor man here (apt-get install mandoc)"
    exit 77
fi
