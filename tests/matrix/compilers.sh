#!/bin/sh
# compilers.sh - the core decides the same whoever compiled it.
#
#     compilers.sh FOLDER PROGRAM FLAGS [LAUNCHER]
#
# PROGRAM is test_matrix as the build at hand made it. The same is made in FOLDER of the sources by
# gcc and by clang, without optimisation and with all that this machine has; what they print
# (test_matrix --digests) must be what PROGRAM prints. FLAGS: what the build says about numbers.
# LAUNCHER: what stands before each compiler, as in CMAKE_C_COMPILER_LAUNCHER. Exit status 77, which
# ctest calls skipped, where a compiler is not here.
set -eu

folder=$1 program=$2 flags=$3 launcher=${4:-}
CDPATH=''
root=$(cd -- "$(dirname -- "$0")/../.." && pwd)
sources="$root/head/core/*.c $root/common/*.c $root/tests/matrix/*.c"

find_clang() {
    for name in clang-14 clang; do
        if command -v $name >/dev/null; then
            echo $name
            return
        fi
    done
}

clang=$(find_clang)
for compiler in gcc g++ ${clang:-clang}; do
    command -v "$compiler" >/dev/null || {
        echo "skipped: there is no $compiler here (apt-get install gcc g++ clang-14)"
        exit 77
    }
done

# The one file in C++ wraps the C++ library's own printing of numbers, compiled once and for all.
rm -rf "$folder"
mkdir -p "$folder"
# shellcheck disable=SC2086 # one word a flag, here and below
$launcher g++ -std=c++17 -O1 $flags "-I$root" -c -o "$folder/number_shortest.o" \
    "$root/common/number_shortest.cc"

# make_program NAME COMPILER LEVEL...
make_program() {
    name=$1 compiler=$2
    shift 2
    mkdir "$folder/$name"
    for source in $sources; do
        object=${source##*/}
        $launcher "$compiler" -std=gnu11 -D_GNU_SOURCE '-DASSAY_VERSION="0"' "$@" $flags \
            "-I$root" -c -o "$folder/$name/${object%.c}.o" "$source"
    done
    # shellcheck disable=SC2046 # libraries, a word each
    g++ -o "$folder/$name/test_matrix" "$folder/$name"/*.o "$folder/number_shortest.o" \
        $(pkg-config --libs msgpack 2>/dev/null || pkg-config --libs msgpack-c) -lz -lm
}

"$program" --digests >"$folder/expected"
differs=0
passed=0
try() {
    make_program "$@"
    "$folder/$1/test_matrix" --digests >"$folder/$1/digests"
    if diff "$folder/expected" "$folder/$1/digests" >"$folder/difference"; then
        passed=$((passed + 1))
    else
        echo "decided otherwise when compiled by $*:"
        head -n 20 "$folder/difference"
        differs=$((differs + 1))
    fi
}
# What the machine has that all have not (fused multiply-adds among it) is let in with -march=native.
try gcc-O0 gcc -O0
try gcc-O3 gcc -O3 -march=native
try clang-O0 "$clang" -O0
try clang-O3 "$clang" -O3 -march=native
if [ $differs -eq 0 ]; then
    echo "sum: gcc and clang, at -O0 and at -O3: $(wc -l <"$folder/expected") experiments decided alike"
    rm -rf "$folder"
fi
echo "$passed passed, $differs failed"
[ $differs -eq 0 ]
