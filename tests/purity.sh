#!/bin/sh
# purity.sh LIB.a... - fail if the libraries reach a clock, a socket, a file, a thread or the environment.
set -eu
allowed='abort|__assert_fail|calloc|free|malloc|realloc|mem.*|str(n?cmp|n?cpy|len|nlen|chr|rchr|str|spn|cspn|pbrk|tol|toll|toul|toull|tod)'
allowed="$allowed|v?snprintf|qsort|bsearch|crc32(_z)?|exp|log|log2|log1p|pow|sqrt|floor|ceil|round|rint|trunc|fabs|fmod|erfc?|lgamma|sin|cos|tanh|isinf|isnan"
allowed="$allowed|__errno_location|gmtime_r|fprintf|fwrite|fputs|stderr|exit|_exit|_Exit|[nh]to[nh][sl]|__.*_chk(_fail)?|__isoc.*|__ctype_.*|__(ubsan|asan|tsan|lsan)_.*|__gcov.*"
allowed="$allowed|_GLOBAL_OFFSET_TABLE_|_ZSt8to_chars.*|_ZSt10from_chars.*|__gxx_personality_v0|__stack_chk_guard|msgpack_.*"
own=$(nm -g --defined-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }')
bad=$(nm -u "$@" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u |
    grep -vxF "$own" | grep -vxE "$allowed" || true)
[ -z "$bad" ] || { printf 'not pure, uses:\n%s\n' "$bad"; exit 1; }
