#!/bin/sh
# Makes deploy/keys/master-key and deploy/keys/admin-token for docker-compose.yml. Existing ones are never touched:
# what a master key has sealed can be read with that key alone.
set -eu
cd "$(dirname "$0")"

# The directory is what keeps others out. The files can be read by anybody inside it, since the user in the container
# is not the owner of files on the host.
umask 077
mkdir -p keys
for name in master-key admin-token; do
  if [ -e "keys/$name" ]; then
    echo "deploy/keys/$name is there already"
    continue
  fi
  head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n' >"keys/.$name"
  chmod 444 "keys/.$name"
  mv "keys/.$name" "keys/$name"
  echo "made deploy/keys/$name"
done
echo 'Keep a copy of master-key somewhere else: without it the stored credentials cannot be read.'
