#!/bin/sh
# layers.sh - fail on an include that points the wrong way. One line a folder: what it may use.
set -eu
cd "$(dirname "$0")/.."
bad=0
may() {
    folder=$1 allowed=$2
    found=$(grep -n '^#include "' "$folder"/*.[ch] /dev/null 2>/dev/null |
        grep -vE "\"($allowed)/[^/]*\"") || return 0
    echo "$found"
    bad=1
}
may common          'common'
may common/sys      'common|common/sys'
may common/redis    'common|common/sys|common/redis'
may proto           'common|common/sys|common/redis|proto'
may head/core       'common|head/core'
may head/store      'common|common/sys|common/redis|head/core|head/store'
may head/sink       'common|common/sys|head/core|head/sink'
may head            'common|common/sys|common/redis|proto|head/core|head/store|head/sink|head'
may worker/agent    'common|worker/agent'
may worker          'common|common/sys|proto|worker/agent|worker'
may worker/executor 'common|common/sys|proto|worker/executor'
may client          'common|common/sys|proto|head/core|client'
exit $bad
