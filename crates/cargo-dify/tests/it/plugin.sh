#!/bin/sh
# A plugin that answers as answer.sh in its folder says, after start.sh if there is one. It is started in the place of a
# Python: `plugin.sh -m main`.
# (It is a file of the repository, because a program that a test has just written may be busy when it is to be run.)

# Writes a message of the session.
say() {
  printf '{"event":"session","session_id":"%s","data":{"type":"%s","data":%s}}\n' "$id" "$1" "$2"
}

# Waits until the test lets go.
wait_for() {
  while [ ! -e "$1" ]; do sleep 0.02; done
}

[ ! -e start.sh ] || . ./start.sh
echo '{"event":"heartbeat"}'
while read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"session_id":"\([^"]*\)".*/\1/')
  . ./answer.sh
done
