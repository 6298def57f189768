#!/bin/sh
# Runs a command as belfry, with no more than the four capabilities that JOB_USER needs (docs/security.md). Started as root.
set -eu
rights=+chown,+kill,+setgid,+setuid
exec setpriv --reuid=belfry --regid=belfry --init-groups --inh-caps="-all,$rights" --ambient-caps="-all,$rights" "$@"
