#!/bin/sh
# Makes what docker-compose.yml wants in deploy/keys: the master key, the admin token, and the password of NATS in the
# forms that the servers (nats-password.conf) and channelsync (nats-single.env, nats-cluster.env) read it. Existing ones
# are never touched: what a master key has sealed can be read with that key alone.
set -eu
cd "$(dirname "$0")"

# The directory is what keeps others out. The files can be read by anybody inside it, since the user in the container
# is not the owner of files on the host.
umask 077
mkdir -p keys
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
# put NAME: what comes in becomes a file, as a whole.
put() {
  cat >"keys/.$1"
  chmod 444 "keys/.$1"
  mv "keys/.$1" "keys/$1"
  echo "made deploy/keys/$1"
}
for name in master-key admin-token nats-password; do
  if [ -e "keys/$name" ]; then
    echo "deploy/keys/$name is there already"
    continue
  fi
  random | put "$name"
done
# From the password alone, so that they fit it whatever was there.
password=$(cat keys/nats-password)
url() { printf 'nats://channelsync:%s@%s:4222' "$password" "$1"; }
printf 'CHANNELSYNC_PASSWORD: "%s"\n' "$password" | put nats-password.conf
printf 'CHANNELSYNC_NATS_URL=%s\n' "$(url nats)" | put nats-single.env
printf 'CHANNELSYNC_NATS_URL=%s,%s,%s\n' "$(url nats-1)" "$(url nats-2)" "$(url nats-3)" | put nats-cluster.env
echo 'Keep a copy of master-key somewhere else: without it the stored credentials cannot be read.'
