#!/bin/bash
# Brings up everything that the tests of stores need, and prints where it is:
#
#   eval "$(test/services/up.sh)" && TEST_SIZE=ci npm test -- test/stores
#
# down.sh stops it again; with --purge it forgets the data.
set -e
. "$(dirname "$0")/lib.sh"
"$HERE/keystone-up.sh" >&2
"$HERE/swift-up.sh" >&2
read -r access secret <"$CONF_HOME/keystone/s3-keys"
cat <<E
export TEST_SWIFT_AUTH_URL=$KEYSTONE_URL
export TEST_PASSWORD=$PASSWORD
export TEST_KEYSTONE_DIR=$CONF_HOME/keystone
export TEST_S3_ENDPOINT=$OBJECT_URL
export TEST_S3_ACCESS_KEY_ID=$access
export TEST_S3_SECRET_ACCESS_KEY=$secret
E
