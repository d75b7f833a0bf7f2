#!/bin/sh
# Before a removal, not before an upgrade: dpkg says "remove", rpm how many versions stay.
set -e
case "$1" in
remove | 0)
  if [ -d /run/systemd/system ]; then
    systemctl disable --now channelsync.service
  fi
  ;;
esac
