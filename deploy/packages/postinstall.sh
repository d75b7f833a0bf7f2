#!/bin/sh
# After an installation or an upgrade, of a .deb or an .rpm: the user exists, and a service that runs is started anew.
set -e
if ! getent passwd channelsync >/dev/null; then
  useradd --system --user-group --home-dir /var/lib/channelsync --no-create-home --shell /usr/sbin/nologin channelsync
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart channelsync.service
fi
