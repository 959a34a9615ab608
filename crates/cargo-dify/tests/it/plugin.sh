#!/bin/sh
# Runs start.sh in its folder, if there is one, and then answer.sh for each frame. It runs instead of Python, as
# `plugin.sh -m main`. It is a file of the repository, because a program that a test has just written may still be busy.

# Sends a message of the session.
say() {
  printf '{"event":"session","session_id":"%s","data":{"type":"%s","data":%s}}\n' "$id" "$1" "$2"
}

# Waits until the test creates a file.
wait_for() {
  while [ ! -e "$1" ]; do sleep 0.02; done
}

[ ! -e start.sh ] || . ./start.sh
echo '{"event":"heartbeat"}'
while read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"session_id":"\([^"]*\)".*/\1/')
  . ./answer.sh
done
