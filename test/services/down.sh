#!/bin/bash
# Stops what up.sh started. --purge: and removes its data.
. "$(dirname "$0")/lib.sh"
"$HERE/swift-down.sh" "$@"
"$HERE/keystone-down.sh" "$@"
